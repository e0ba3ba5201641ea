"""GET /workbench/vocabulary and /workbench/stories: whatever a form offers is read as what it is called."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fhir.resources.R4B.condition import Condition
from fhir.resources.R4B.medicationstatement import MedicationStatement
from fhir.resources.R4B.observation import Observation
from flask.testing import FlaskClient
from ucumvert import PintUcumRegistry

from service import charts, contract
from service.app import create_app
from service.clinical.facts import LabResult, PatientFacts
from service.ground import prepare
from service.settings import Settings
from service.stories import find, names
from service.templates import RESULTS

TODAY, NOON = date(2026, 6, 15), datetime(2026, 6, 15, 12, tzinfo=UTC)
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
GROUND = prepare(Settings())
Json = dict[str, Any]


def bench(now: datetime = NOON, **settings: Any) -> FlaskClient:
    return create_app(Settings(**{"workbench": "on", **settings}), lambda: now).test_client()


@pytest.fixture(scope="module")
def words() -> Json:
    got: Json = bench().get("/workbench/vocabulary").json
    contract.validator("Vocabulary").validate(got)
    return got


def read(resource: Json) -> PatientFacts:
    return charts.read_one(json.dumps(resource).encode(), GROUND, NOON)


def observed(choice: Json, **value: Any) -> Json:
    """An Observation as a form makes it."""
    return {
        "resourceType": "Observation",
        "id": "o-1",
        "status": "final",
        "category": [{"coding": [{"system": CATEGORY, "code": choice["category"]}]}],
        "code": {"coding": [choice["coding"]], "text": choice["name"]},
        "subject": {"reference": "Patient/p-1"},
        "effectiveDateTime": str(TODAY),
        **value,
    }


def quantity(number: float, unit: Json) -> Json:
    return {"value": number, "unit": unit["unit"], "system": "http://unitsofmeasure.org", "code": unit["code"]}


def test_every_analyte_is_offered_with_its_query_and_a_code_that_is_its_own(words: Json) -> None:
    known = GROUND.knowledge.analytes
    assert [one["analyte"] for one in words["results"]] == list(known)
    for one in words["results"]:
        analyte = known[one["analyte"]]
        assert one["prefetch"] == analyte.prefetch in RESULTS
        for coding in (one["coding"], *(unit["coding"] for unit in one["units"] if "coding" in unit)):
            assert (coding["system"], coding["code"]) in {(c.system, c.code) for c in analyte.codes}
        assert bool(one["units"]) is (one["kind"] == "quantity")
        assert one["category"] == ("vital-signs" if analyte.prefetch == "vitals" else "laboratory")
    assert not [one["coding"] for one in words["results"] if one["coding"]["display"].startswith("Deprecated")]


def test_a_number_in_every_unit_is_read_as_that_analyte_in_that_unit(words: Json) -> None:
    for choice in words["results"]:
        for unit in choice["units"]:
            coded = {**choice, "coding": unit.get("coding", choice["coding"])}
            facts = read(resource := observed(coded, valueQuantity=quantity(1, unit)))
            Observation.model_validate(resource)
            analyte = GROUND.knowledge.analytes[choice["analyte"]]
            told = [one.analyte for one in facts.results] or [one.what for one in facts.gaps]
            assert told == [choice["analyte"]], (choice, unit)
            assert {one.reason for one in facts.gaps} <= {"implausible-result"}, (choice, unit, facts.gaps)
            assert {one.unit for one in facts.results} <= {analyte.units[unit["code"]].unit}


def test_a_unit_is_ucum_and_each_is_offered_once(words: Json) -> None:
    registry = PintUcumRegistry()
    for choice in words["results"]:
        codes = [unit["code"] for unit in choice["units"]]
        assert len(codes) == len(set(codes)) > 0 or choice["kind"] != "quantity"
        assert "1" not in codes
        for code in codes:
            registry.from_ucum(code)


def test_the_units_of_the_limits_come_first(words: Json) -> None:
    first = {one["analyte"]: one["units"][0]["code"] for one in words["results"] if one["units"]}
    assert (first["neutrophils"], first["vitamin-b12"], first["temperature"]) == ("10*9/L", "pg/mL", "Cel")
    (copper,) = [one["units"] for one in words["results"] if one["analyte"] == "copper"]
    assert [unit["code"] for unit in copper][:2] == ["ug/dL", "umol/L"]
    shown = {unit["unit"] for one in words["results"] if one["analyte"] == "temperature" for unit in one["units"]}
    assert shown == {"°C", "°F"}


def answer_of(facts: PatientFacts) -> LabResult:
    (found,) = facts.results
    return found


@pytest.mark.parametrize("answer", ["positive", "negative"])
def test_a_finding_is_read_as_it_was_chosen(words: Json, answer: str) -> None:
    findings = [one for one in words["results"] if one["kind"] == "presence"]
    assert findings
    for choice in findings:
        resource = observed(choice, valueCodeableConcept={"coding": [choice["answers"][answer]]})
        Observation.model_validate(resource)
        found = answer_of(read(resource))
        assert (found.analyte, found.answer) == (choice["analyte"], answer)


def test_a_day_is_read_as_a_day(words: Json) -> None:
    (choice,) = [one for one in words["results"] if one["kind"] == "date"]
    facts = read(observed(choice, valueDateTime="2026-12-01"))
    assert [one.analyte for one in facts.results] == [choice["analyte"]]


def test_every_condition_is_read_as_what_it_is_called(words: Json) -> None:
    clinical = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}
    assert len(words["conditions"]) > 50
    for choice in words["conditions"]:
        resource = {
            "resourceType": "Condition", "id": "c-1", "clinicalStatus": {"coding": [clinical]},
            "code": {"coding": [choice["coding"]]}, "subject": {"reference": "Patient/p-1"},
        }  # fmt: skip
        Condition.model_validate(resource)
        (found,) = read(resource).problems
        assert choice["concept"] in found.concepts, choice
        assert not found.by_name


def test_every_drug_is_read_as_what_it_is_called(words: Json) -> None:
    assert len(words["medications"]) > 50
    for choice in words["medications"]:
        resource = {
            "resourceType": "MedicationStatement", "id": "m-1", "status": "active",
            "medicationCodeableConcept": {"coding": [choice["coding"]]}, "subject": {"reference": "Patient/p-1"},
        }  # fmt: skip
        MedicationStatement.model_validate(resource)
        (found,) = read(resource).medications
        assert choice["concept"] in found.concepts, choice
        assert not found.by_name


def test_the_day_is_that_of_the_site() -> None:
    evening = datetime(2026, 6, 15, 23, tzinfo=UTC)
    assert bench(evening).get("/workbench/vocabulary").json["today"] == "2026-06-15"
    abroad = bench(evening, time_zone=ZoneInfo("Asia/Tokyo"))
    assert abroad.get("/workbench/vocabulary").json["today"] == "2026-06-16"


# --- stories ----------------------------------------------------------------------------------------------------------


def test_every_story_is_on_the_shelf_with_what_it_shows() -> None:
    got = bench().get("/workbench/stories").json
    contract.validator("StoryList").validate(got)
    assert [one["name"] for one in got["stories"]] == names()
    told = {one["name"]: one for one in got["stories"]}
    b12 = told["b12-deficient-positive-antibody"]
    assert (b12["service"], b12["hook"], b12["indicators"]) == ("neutropenia-review", "patient-view", ["warning"])
    assert told["normal-count-no-card"]["indicators"] == []
    assert told["order-folic-acid-before-b12"]["service"] == "neutropenia-order-sign"


@pytest.mark.parametrize("name", names())
def test_a_story_opens_dated_for_now(name: str) -> None:
    got = bench().get(f"/workbench/stories/{name}").json
    contract.validator("StoryOpened").validate(got)
    assert got["request"] == find(name).at(NOON)
    assert got["title"] == find(name).title


@pytest.mark.parametrize("name", ["nothing", "..", "infant%2F..", "INFANT"])
def test_there_is_no_story_but_those(name: str) -> None:
    got = bench().get(f"/workbench/stories/{name}")
    assert (got.status_code, got.content_type) == (404, "application/fhir+json")
