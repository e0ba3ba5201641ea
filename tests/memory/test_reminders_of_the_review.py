"""Cards of the review that only remind (H4.37): on one day of their period, and at once when anything else is amiss."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from requests_of import PATIENT, bundle, call, observation, patient
from test_repeats import NOON, Json, Service

from service.clinical.knowledge import load

DAY = timedelta(days=1)
DUFFY_NULL = {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "Z67.A1"}


def chart(neutrophils: float, drawn: timedelta, hemoglobin: float = 13, **more: Any) -> Json:
    """An adult whose Duffy-null phenotype is documented; counts of the day of the call."""
    about = {"subject": {"reference": f"Patient/{PATIENT}"}, "effectiveDateTime": str((NOON + drawn).date())}
    cells = {
        "718-7": {"value": hemoglobin, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"},
        "777-3": {"value": 200, "unit": "10*9/L", "system": "http://unitsofmeasure.org", "code": "10*9/L"},
    }
    others = (observation(code, valueQuantity=value, **about) for code, value in cells.items())
    duffy = {
        "resourceType": "Condition", "id": "c-1", "subject": about["subject"], "code": {"coding": [DUFFY_NULL]},
    }  # fmt: skip
    count = bundle(observation(value=neutrophils, **about), *others)
    return call({"patient": patient(), "count": count, "conditions": bundle(duffy)}, **more)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


@pytest.mark.parametrize(
    ("neutrophils", "silent_until", "comes_on"), [(1.3, 365, 366), (1.2, 365, 366), (1.19, 90, 91), (0.8, 90, 91)]
)
def test_the_info_on_a_duffy_null_count_comes_on_one_day_of_its_period(
    service: Service, neutrophils: float, silent_until: int, comes_on: int
) -> None:
    assert service.levels(chart(neutrophils, 0 * DAY)) == ["info"]
    assert service.levels(chart(neutrophils, 0 * DAY), DAY / 4) == ["info"], "the same day: each chart that is opened"
    for days in (1, 30, silent_until):
        assert service.levels(chart(neutrophils, days * DAY), days * DAY) == []
    assert service.levels(chart(neutrophils, comes_on * DAY), comes_on * DAY) == ["info"]


def test_a_lower_count_is_another_reminder_and_a_count_below_0_8_none(service: Service) -> None:
    assert service.levels(chart(1.3, 0 * DAY)) == ["info"]
    assert service.levels(chart(1.15, DAY), DAY) == ["info"]
    assert service.levels(chart(1.15, 2 * DAY), 2 * DAY) == []
    assert service.levels(chart(0.79, 3 * DAY), 3 * DAY) == ["warning"]


def test_whatever_else_is_amiss_brings_the_card(service: Service) -> None:
    assert service.levels(chart(0.9, 0 * DAY)) == ["info"]
    assert service.levels(chart(0.9, DAY), DAY) == []
    assert service.levels(chart(0.9, DAY, hemoglobin=11), DAY) == ["warning"]


def test_a_card_that_says_more_than_the_reminder_comes(service: Service) -> None:
    assert service.levels(chart(1.3, 0 * DAY)) == ["info"]
    assert service.levels(chart(1.3, DAY), DAY) == []
    asked = chart(1.3, 2 * DAY)
    open_b12 = {"value": 250, "unit": "pg/mL", "system": "http://unitsofmeasure.org", "code": "pg/mL"}
    of = {"subject": {"reference": f"Patient/{PATIENT}"}, "effectiveDateTime": str((NOON + 2 * DAY).date())}
    asked["prefetch"]["nutrients"] = bundle(observation("2132-9", valueQuantity=open_b12, **of))
    assert service.levels(asked, 2 * DAY) == ["info"], "an indeterminate B12 is no reminder"


def quantity(value: float, unit: str) -> Json:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}


OF = {"subject": {"reference": f"Patient/{PATIENT}"}}
NEWS: dict[str, tuple[str, Json]] = {
    "iron is deficient": ("nutrients", observation("2276-4", valueQuantity=quantity(8, "ng/mL"), **OF)),
    "zinc is deficient": ("nutrients", observation("5763-8", valueQuantity=quantity(30, "ug/dL"), **OF)),
    "a drug that lowers the count": ("medications", {
        "resourceType": "MedicationStatement", "id": "m", "status": "active", **OF,
        "medicationCodeableConcept": {"text": "methotrexate 10 mg weekly"},
    }),
    "HIV": ("conditions", {"resourceType": "Condition", "id": "c-2", **OF, "code": {"text": "HIV infection"}}),
    "preliminary platelets": ("count", observation(
        "777-3", id="p-2", status="preliminary", valueQuantity=quantity(15, "10*9/L"), **OF
    )),
}  # fmt: skip


@pytest.mark.parametrize("name", NEWS)
@pytest.mark.parametrize("neutrophils", [1.3, 1.1])
def test_what_is_new_beside_the_count_brings_the_card_at_once(service: Service, name: str, neutrophils: float) -> None:
    assert service.levels(chart(neutrophils, 0 * DAY)) == ["info"]
    assert service.levels(chart(neutrophils, 30 * DAY), 30 * DAY) == []
    key, found = NEWS[name]
    asked = chart(neutrophils, 30 * DAY)
    if found["resourceType"] == "Observation":
        found = found | {"effectiveDateTime": (NOON + 30 * DAY - DAY / 24).isoformat()}
    asked["prefetch"].setdefault(key, bundle())["entry"].append({"resource": found})
    assert len(service.levels(asked, 30 * DAY)) == 1


def test_another_severity_is_another_card(service: Service) -> None:
    assert service.levels(chart(1.1, 0 * DAY)) == ["info"]
    assert service.levels(chart(0.9, DAY), DAY) == ["info"], "moderate where it was mild"
    assert service.levels(chart(0.95, 2 * DAY), 2 * DAY) == []


def test_what_reminds_is_an_info_of_at_most_a_year() -> None:
    rows = [row for row in load("nice-ng239").tables["indicator"] if "once_days" in row.then]
    assert [(row.id, row.then["once_days"]) for row in rows] == [("duffy-null", 365), ("duffy-null-below-1.2", 90)]
    assert all(row.then["indicator"] == "info" for row in rows)
