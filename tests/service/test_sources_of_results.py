"""Each result cites the limits of this patient, also where it is known to lie on neither side of one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from requests_of import bundle, call, observation, patient

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


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ("2026-06-14T10:00:00Z", "body temperature: too old (2026-06-14t10:00:00z)"),
        (None, "body temperature: not recorded"),
    ],
)
def test_a_temperature_of_yesterday_is_said_to_be_old_not_to_be_missing(taken: str | None, said: str) -> None:
    hot = {"value": 38.9, "unit": "Cel", "system": "http://unitsofmeasure.org", "code": "Cel"}
    fever = [observation("8310-5", valueQuantity=hot, effectiveDateTime=taken)] if taken else []
    cells = [
        observation(code, valueQuantity={"value": value, "unit": unit, "code": unit})
        for code, value, unit in (("718-7", 13, "g/dL"), ("777-3", 200, "10*9/L"))
    ]
    prefetch = {"patient": patient(), "count": bundle(observation(value=0.3), *cells), "vitals": bundle(*fever)}
    answer = CLIENT.post("/cds-services/neutropenia-review", json=call(prefetch))
    assert answer.json
    (card,) = answer.json["cards"]
    assert said in card["detail"].lower()
    assert ("body temperature: not recorded" in card["detail"].lower()) is (taken is None)
