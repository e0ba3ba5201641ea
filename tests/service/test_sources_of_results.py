"""Each result cites the limits of this patient, also where it is known to lie on neither side of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from requests_of import bundle, observation, patient

from service.app import create_app
from service.settings import Settings

CLIENT = create_app(Settings(), lambda: datetime(2026, 6, 15, 12, tzinfo=UTC)).test_client()


@pytest.mark.parametrize(
    ("born", "comparator", "cited"),
    [
        ("1980-01-01", {}, "nice-ng239"), ("1980-01-01", {"comparator": "<"}, "nice-ng239"),
        ("2020-01-01", {}, "h3-children"), ("2020-01-01", {"comparator": "<"}, "h3-children"),
    ],
)  # fmt: skip
def test_a_vitamin_b12_cites_the_limits_of_the_age(born: str, comparator: dict[str, Any], cited: str) -> None:
    measured = {"value": 400, "unit": "pg/mL", "system": "http://unitsofmeasure.org", "code": "pg/mL", **comparator}
    results = bundle(observation(value=0.9), observation("2132-9", valueQuantity=measured))
    entries = [{"resource": patient() | {"birthDate": born}}, *results["entry"]]
    answer = CLIENT.post("/assess", json={"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert answer.json
    (b12,) = (one for one in answer.json["nutrients"] if one["nutrient"] == "vitamin-b12")
    assert [one["citation"] for one in b12["evidence"]] == [cited]
    assert b12["evidence"][0]["level"] == ("crossing" if comparator else b12["evidence"][0]["level"])
