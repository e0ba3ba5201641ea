"""The source attributes: all thirteen, and what they declare is what the engine reads, no less and no more."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from typing import Any

import msgspec
import pytest
from kept import GROUND, KNOWLEDGE, noon, service
from test_architecture import ROOT, module_of

from service import contract
from service.app import create_app
from service.charts import read_one
from service.fhir.resources import Extension, Patient
from service.hooks import HOOKS
from service.settings import Settings
from service.stories import find, names
from service.web import uses

IDS = [
    "bibliographic-citation", "developer", "funding-source", "release-and-revision-dates", "race", "ethnicity",
    "language", "sexual-orientation", "gender-identity", "sex", "date-of-birth", "social-determinants-of-health",
    "health-status-assessments",
]  # fmt: skip
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SERVICES = [hook.id for hook in HOOKS]


@cache
def answer(id: str) -> dict[str, Any]:
    got = create_app(Settings()).test_client().get(f"/cds-services/{id}/source-attributes")
    assert (got.status_code, got.mimetype) == (200, "application/json")
    contract.validator("SourceAttributes").validate(got.json)
    said: dict[str, Any] = json.loads(got.data)
    return said


def attribute(id: str, service_id: str = "neutropenia-review") -> dict[str, Any]:
    return next(one for one in answer(service_id)["attributes"] if one["id"] == id)


# --- what is declared -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", SERVICES)
def test_every_service_has_the_thirteen_attributes(id: str) -> None:
    assert [one["id"] for one in answer(id)["attributes"]] == IDS
    assert answer(id)["service"] == id


@pytest.mark.parametrize("id", SERVICES)
def test_the_page_says_the_same(id: str) -> None:
    got = (
        create_app(Settings())
        .test_client()
        .get(f"/cds-services/{id}/source-attributes", headers={"Accept": "text/html"})
    )
    text = got.get_data(as_text=True)
    assert got.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "<script" not in text
    assert re.findall(r'<section id="([^"]+)"', text) == IDS
    assert "Use of race: <strong>no</strong>" in text and "Use of sex: <strong>yes</strong>" in text


def test_an_unknown_service_is_not_found() -> None:
    got = service(noon(names()[0])).test_client().get("/cds-services/nothing/source-attributes")
    assert got.status_code == 404 and "nothing" not in got.get_data(as_text=True)


def test_every_source_of_a_row_of_the_service_is_listed_with_its_address() -> None:
    listed = {one["id"]: one for one in attribute("bibliographic-citation", "neutropenia-order-sign")["citations"]}
    rows = [row for rows in KNOWLEDGE.tables.values() for row in rows]
    rows += [row for n in KNOWLEDGE.nutrients for row in (*n.status, *n.reason, *n.feature, *n.specific, *n.cap)]
    for row in rows:
        assert listed[row.citation].get("url", "") == KNOWLEDGE.citations[row.citation].url


def test_the_review_does_not_list_the_sources_of_order_checks_alone() -> None:
    review = {one["id"] for one in attribute("bibliographic-citation")["citations"]}
    orders = {one["id"] for one in attribute("bibliographic-citation", "neutropenia-order-sign")["citations"]}
    assert review < orders
    assert {row.citation for row in KNOWLEDGE.tables["indicator"]} <= review


def test_the_newest_release_is_the_knowledge_in_force() -> None:
    first, *_, last = attribute("release-and-revision-dates")["details"]
    assert first.startswith(f"{KNOWLEDGE.version}: ") and first.endswith("(revision)")
    assert last == "2026.11.1: 2026-11 (release)"


def test_every_scale_and_row_that_asks_the_sex_or_an_age_is_named() -> None:
    ages = {fact.id for fact in KNOWLEDGE.facts.values() if fact.kind == "age"}
    asking = {"sex": {"sex"}, "date-of-birth": ages}
    for id, facts in asking.items():
        said = " ".join(attribute(id)["details"])
        for scales in KNOWLEDGE.scales.values():
            for scale in scales:
                assert not facts & scale.when.keys() or KNOWLEDGE.analytes[scale.analyte].name in said
        for rows in KNOWLEDGE.tables.values():
            assert all(f"Row {row.id} " in said for row in rows if facts & row.when.keys())


def test_the_health_status_that_is_declared_is_in_the_knowledge_and_no_social_determinant_is() -> None:
    assert attribute("health-status-assessments")["used"] is True
    codes = {code for c in KNOWLEDGE.concepts.values() for code in c.codes.get(uses.ICD10, ())}
    assert attribute("social-determinants-of-health")["used"] is any(
        re.match(r"Z(5[5-9]|6[0-5])", one) for one in codes
    )


# --- what is read -----------------------------------------------------------------------------------------------------


def test_of_the_patient_the_declared_elements_are_decoded_and_no_other() -> None:
    fields = {f.encode_name: f for f in msgspec.structs.fields(Patient)}
    assert "subject" in fields  # of every resource; a Patient has none
    inside = {f.encode_name for f in msgspec.structs.fields(Extension)}
    assert inside == {"url", "valueDateTime"}  # the time of birth: nothing else fits into it
    declared = {name.partition(".")[0] for name in answer("neutropenia-review")["reads"]}
    assert fields.keys() - {"subject"} == declared


def reading(*names: str) -> set[str]:
    """Modules of the engine in which an attribute of one of these names is read."""
    parts = ("clinical", "fhir", "order_checks", "cards")
    files = [path for part in parts for path in (ROOT / "service" / part).rglob("*.py")]
    return {
        module_of(path) for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in names and isinstance(node.ctx, ast.Load)
    }  # fmt: skip


def test_whatever_reads_the_birth_or_the_sex_in_python_is_declared() -> None:
    the_reader = {"service.fhir.reader"}  # it makes the facts of the Patient
    assert reading("birth", "birthDate", "birth_element", "age") - the_reader == set(uses.BIRTH_IN_PYTHON)
    assert reading("sex", "gender") - the_reader == {"service.clinical.chart"}  # the fact "sex", which rows ask


def test_the_reader_takes_the_time_of_birth_from_no_other_extension() -> None:
    person = {"resourceType": "Patient", "id": "p", "birthDate": "2026-06-14"}

    def born(url: str) -> Any:
        said = person | {"_birthDate": {"extension": [{"url": url, "valueDateTime": "2026-06-14T08:00:00Z"}]}}
        resource = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": said}]}
        return read_one(json.dumps(resource).encode(), GROUND, noon(names()[0])).birth

    assert born("http://hl7.org/fhir/StructureDefinition/patient-birthTime").is_instant
    assert not born("http://example.org/other").is_instant


US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"
Change = Callable[[dict[str, Any]], None]


def answered(name: str, change: Change) -> Any:
    """The answer to a story after a change of its request, with numbered uuids."""
    request = deepcopy(find(name).request)
    change(request)
    (id,) = (hook.id for hook in HOOKS if hook.hook == request["hook"])
    got = service(noon(name)).test_client().post(f"/cds-services/{id}", json=request)
    seen: dict[str, str] = {}
    text = UUID.sub(lambda match: seen.setdefault(match[0], str(len(seen))), got.get_data(as_text=True))
    return got.status_code, text


def nothing(request: dict[str, Any]) -> None:
    """The story as it is."""


@cache
def as_it_is(name: str) -> Any:
    return answered(name, nothing)


def of_the_patient(**more: Any) -> Change:
    def change(request: dict[str, Any]) -> None:
        if request["prefetch"].get("patient"):
            request["prefetch"]["patient"] |= more

    return change


def extended(*extensions: dict[str, Any]) -> Change:
    return of_the_patient(extension=list(extensions))


def coded(system: str, code: str, display: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def recorded(key: str, kind: str, code: dict[str, Any], **more: Any) -> Change:
    """A resource more under a prefetch key that holds some."""

    def change(request: dict[str, Any]) -> None:
        held = request["prefetch"].get(key)
        if held and held.get("entry"):
            subject = {"reference": f"Patient/{request['context']['patientId']}"}
            resource = {"resourceType": kind, "id": "x-1", "subject": subject, "code": code, **more}
            held["entry"].append({"resource": resource})

    return change


LOINC, SNOMED, ICD10 = "http://loinc.org", "http://snomed.info/sct", uses.ICD10
OMB = {"url": "ombCategory", "valueCoding": {"system": "urn:oid:2.16.840.1.113883.6.238", "code": "2054-5"}}
TODAY = {"status": "final", "effectiveDateTime": "2026-06-14"}
WHITE = {"valueCodeableConcept": coded("urn:oid:2.16.840.1.113883.6.238", "2054-5", "Black or African American")}
NOT_READ: dict[str, list[Change]] = {
    "race": [
        extended({"url": f"{US_CORE}/us-core-race", "extension": [OMB, {"url": "text", "valueString": "Black"}]}),
        recorded("vitals", "Observation", coded(LOINC, "32624-9", "Race"), **TODAY, **WHITE),
        recorded("count", "Observation", coded(LOINC, "32624-9", "Race"), **TODAY, **WHITE),
    ],
    "ethnicity": [
        extended({"url": f"{US_CORE}/us-core-ethnicity", "extension": [OMB]}),
        recorded("count", "Observation", coded(LOINC, "69490-1", "Ethnicity"), **TODAY, **WHITE),
    ],
    "language": [of_the_patient(communication=[{"language": {"coding": [{"code": "ar"}]}}], language="ar")],
    "sexual-orientation": [
        recorded("count", "Observation", coded(LOINC, "76690-7", "Sexual orientation"), **TODAY,
                 valueCodeableConcept=coded(SNOMED, "20430005", "Heterosexual")),
    ],
    "gender-identity": [
        extended({"url": f"{US_CORE}/us-core-genderIdentity", "valueCodeableConcept": coded(SNOMED, "407377005", "x")}),
        recorded("count", "Observation", coded(LOINC, "76691-5", "Gender identity"), **TODAY,
                 valueCodeableConcept=coded(SNOMED, "407377005", "Female-to-male transsexual")),
    ],
    "social-determinants-of-health": [
        recorded("conditions", "Condition", coded(ICD10, "Z59.00", "Homelessness, unspecified"),
                 clinicalStatus=coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active")),
        recorded("count", "Observation", coded(LOINC, "88122-7", "Worried about running out of food"), **TODAY,
                 valueCodeableConcept=coded(LOINC, "LA28397-0", "Often true")),
    ],
}  # fmt: skip


@pytest.mark.parametrize("id", NOT_READ)
def test_what_is_declared_as_not_used_changes_no_answer(id: str) -> None:
    assert attribute(id)["used"] is False
    for change in NOT_READ[id]:
        touched = [name for name in names() if told(name, change)]
        assert touched, "the change reaches no story"
        assert [name for name in touched if answered(name, change) != as_it_is(name)] == []


def told(name: str, change: Change) -> bool:
    """Whether a change reaches the request of a story."""
    request = find(name).request
    change(request)
    return bool(request != find(name).request)


USED: dict[str, list[Change]] = {
    "sex": [of_the_patient(gender="male"), of_the_patient(gender="female"), of_the_patient(gender="unknown")],
    "date-of-birth": [of_the_patient(birthDate="2026-01-15"), of_the_patient(birthDate="1930-01-15")],
    "health-status-assessments": [
        recorded("conditions", "Condition", coded(SNOMED, "77386006", "Pregnancy"),
                 clinicalStatus=coded("http://terminology.hl7.org/CodeSystem/condition-clinical", "active", "Active"),
                 recordedDate="2026-05-01"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("id", USED)
def test_what_is_declared_as_used_changes_some_answer(id: str) -> None:
    assert attribute(id)["used"] is True
    changed = {name for change in USED[id] for name in names() if answered(name, change) != as_it_is(name)}
    assert changed
