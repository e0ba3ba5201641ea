"""Who follows the patient, on how many days of a week a drug is taken, what is confirmed, and what is never read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from charts import SNOMED, Json, coded, observation, quantity, read, resource, send

from service.clinical.facts import PatientFacts, Problem
from service.fhir.bundles import split_patients

NUCC = "http://nucc.org/provider-taxonomy"
HEMATOLOGY = [
    coded("394803006", system=SNOMED),
    coded("207RH0000X", system=NUCC),
    {"text": "Haematology clinic"},
    coded("1000", "Hematology and oncology follow-up", "urn:oid:2.999.3"),
]
OTHER = [coded("394585009", system=SNOMED), {"text": "Cardiology clinic"}, {"text": "No hematology needed"}, {}]


def encounter(kind: Json = HEMATOLOGY[0], /, **more: Any) -> Json:
    """A finished Encounter of the patient."""
    return resource("Encounter", status="finished", type=[kind], period={"start": "2026-03-02"}) | more


def appointment(*actors: str, **more: Any) -> Json:
    """A hematology Appointment with those who take part in it."""
    taking_part = [{"actor": {"reference": actor}, "status": "accepted"} for actor in actors]
    fields = {"status": "fulfilled", "specialty": [HEMATOLOGY[0]], "start": "2026-03-02T09:00:00Z"}
    return {"resourceType": "Appointment", "id": "a1", "participant": taking_part, **fields, **more}


def visits(facts: PatientFacts) -> list[Problem]:
    """The visits; nothing else was found, and none of them is a present problem."""
    assert all(p.kind == "visit" and not p.active for p in facts.problems)
    return list(facts.problems)


# --- visits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", HEMATOLOGY, ids=str)
@pytest.mark.parametrize("field", ["type", "serviceType", "specialty"])
def test_a_visit_to_hematology_is_known_by_code_or_by_words(kind: Json, field: str) -> None:
    said = {"serviceType": kind} if field == "serviceType" else {field: [kind]}
    for seen in (encounter({}, **said), appointment("Patient/p", **{"specialty": [], **said})):
        (visit,) = visits(read(seen))
        assert visit.concepts == {"hematology-care"}
        assert visit.onset and visit.onset.text.startswith("2026-03-02")
        assert visit.by_name == ("text" in kind)


@pytest.mark.parametrize("kind", OTHER, ids=str)
def test_a_visit_elsewhere_is_nothing(kind: Json) -> None:
    assert not visits(read(encounter(kind)))


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ("finished", True), ("in-progress", True), ("booked", True), ("fulfilled", True), ("arrived", True),
        ("cancelled", False), ("noshow", False), ("entered-in-error", False), ("waitlist", False),
    ],
)  # fmt: skip
def test_a_visit_that_did_not_take_place_does_not_count(status: str, counts: bool) -> None:
    assert bool(visits(read(encounter(status=status)))) is counts
    assert bool(visits(read(appointment("Patient/p", status=status)))) is counts


@pytest.mark.parametrize(
    ("actors", "own"),
    [
        (["Patient/p"], True),
        (["Practitioner/d", "Patient/p"], True),
        (["Patient/mother", "Patient/p"], True),
        (["https://ehr.example.org/fhir/Patient/p"], True),
        (["urn:uuid:p"], True),
        (["Patient/other", "Practitioner/d"], False),
        (["urn:uuid:other"], False),
        (["Practitioner/p"], False),
        (["Patient/p2"], False),
    ],
)
def test_an_appointment_belongs_to_the_patient_among_its_participants_and_to_nobody_else(
    actors: list[str], own: bool
) -> None:
    facts = read(appointment(*actors))
    assert bool(visits(facts)) is own
    assert [gap.reason for gap in facts.gaps] == ([] if own else ["other-patient"])


def test_a_participant_known_by_name_alone_makes_an_appointment_nobodys() -> None:
    seen = appointment("Patient/other")
    seen["participant"].insert(0, {"actor": {"display": "Dr. D"}})
    assert not visits(read(seen))


def test_an_appointment_in_a_bundle_of_several_goes_to_those_who_take_part() -> None:
    people = [{"resourceType": "Patient", "id": id} for id in ("p", "q")]
    together, alone, doctor = appointment("Patient/q", "Patient/p"), appointment("urn:uuid:q"), "urn:uuid:doctor"
    charts = split_patients(send(*people, together, alone, appointment("Patient/p", doctor)))
    kinds = {name: [one.type for one in resources] for name, resources in charts.items()}
    assert kinds == {
        "Patient/p": ["Patient", "Appointment", "Appointment"], "Patient/q": ["Patient", "Appointment", "Appointment"],
    }  # fmt: skip


def test_an_encounter_of_another_patient_does_not_count() -> None:
    facts = read(encounter(subject={"reference": "Patient/other"}))
    assert not visits(facts)
    assert [gap.reason for gap in facts.gaps] == ["other-patient"]


# --- referrals --------------------------------------------------------------------------------------------------------


REQUESTS: list[tuple[Json, str, bool]] = [
    ({"text": "Referral to hematology"}, "completed", True),
    ({"text": "Haematology referral"}, "completed", True),
    (coded("394803006", system=SNOMED), "completed", True),
    ({"text": "Referral to hematology"}, "active", False),
    ({"text": "Referral to hematology"}, "revoked", False),
    ({"text": "Referral to cardiology"}, "completed", False),
    ({"text": "Hepatitis C antibody"}, "completed", False),
    ({"text": "Hematology panel"}, "completed", False),
    ({"text": "CBC (hematology)"}, "completed", False),
    (coded("58410-2", "CBC panel - Blood, hematology"), "completed", False),
]


@pytest.mark.parametrize(("code", "status", "counts"), REQUESTS, ids=str)
def test_a_completed_referral_to_hematology_is_a_visit_and_no_other_request_is(
    code: Json, status: str, counts: bool
) -> None:
    found = visits(read(resource("ServiceRequest", status=status, code=code, authoredOn="2026-03-02")))
    assert [(set(p.concepts), p.onset.text if p.onset else None) for p in found] == (
        [({"hematology-care"}, "2026-03-02")] if counts else []
    )


def test_a_completed_order_is_no_problem_and_no_longer_on_file() -> None:
    facts = read(resource("ServiceRequest", status="completed", code={"text": "Hepatitis C antibody"}))
    assert (facts.problems, facts.orders, facts.gaps) == ((), (), ())
    assert read(resource("ServiceRequest", status="active", code={"text": "Hepatitis C antibody"})).orders


# --- days of the week -------------------------------------------------------------------------------------------------


def every(period: Any, unit: str, frequency: int | None = None, **more: Any) -> Json:
    repeat = {"period": period, "periodUnit": unit, "frequency": frequency, **more}
    return {"timing": {"repeat": {key: value for key, value in repeat.items() if value is not None}}}


TIMINGS: list[tuple[Json, str | None]] = [
    (every(1, "d"), "7"),
    (every(1, "d", 3), "7"),
    (every(2, "d"), "3.5"),
    (every(12, "h"), "7"),
    (every(1, "wk"), "1"),
    (every(1, "wk", 2), "2"),
    (every(1, "wk", 10), "7"),
    (every(2, "wk"), "0.5"),
    (every(1, "wk", dayOfWeek=["mon", "thu"]), "2"),
    (every(1, "d", dayOfWeek=["mon"]), "1"),
    ({"timing": {"repeat": {"dayOfWeek": ["mon", "mon", "tue"]}}}, "2"),
    (every(1, "wk") | {"text": "2.5 mg daily"}, "1"),
    (every(0, "d"), None),
    ({"timing": {"repeat": {"frequency": 2}}}, None),
    ({"timing": {"code": {"text": "as before"}}}, None),
    ({"timing": {"code": {"text": "Daily"}}}, "7"),
    ({"timing": {"code": {"coding": [{"code": "BID"}]}}}, "7"),
    ({"timing": {"code": {"coding": [{"code": "BED"}]}}}, "7"),
    ({"timing": {"code": {"coding": [{"code": "QOD"}]}}}, "3.5"),
    ({"timing": {"code": {"coding": [{"code": "WK"}]}}}, "1"),
    ({"text": "15 mg am Montag"}, None),
]
TEXTS: list[tuple[str, str | None]] = [
    ("2.5 mg daily", "7"),
    ("2.5 mg twice a day for 4 weeks", "7"),
    ("1 tablet every 12 hours", "7"),
    ("2.5 mg at night", "7"),
    ("2 x 2.5 mg daily, avoid sun", "7"),
    ("10 mg once weekly", "1"),
    ("10 mg every week", "1"),
    ("15 mg once a week on Monday", "1"),
    ("twice a week", "2"),
    ("3 times a week", "3"),
    ("every other day", "3.5"),
    ("twice every 2 weeks", "1"),
    ("every Monday", None),
    ("every Monday and Thursday", None),
    ("every week on Monday and Thursday", None),
    ("once daily on Mondays", None),
    ("2.5 mg daily Mon-Fri", None),
    ("daily except Sunday", None),
    ("10 mg once a day, one day a week", None),
    ("5 mg on two days a week", None),
    ("5 times a week", None),
    ("3x per week", None),
    ("2 x 2.5 mg weekly", None),
    ("in the morning once a week", None),
    ("10 mg once weekly; folic acid 5 mg daily", None),
    ("2.5 mg every 12 hours for 3 doses once a week", None),
    ("NOT daily", None),
    ("10 mg once", None),
    ("as directed", None),
    ("", None),
]


@pytest.mark.parametrize(("dose", "days"), [*TIMINGS, *(({"text": t}, days) for t, days in TEXTS)], ids=str)
def test_the_days_of_a_week_are_read_where_they_are_sure_and_left_open_elsewhere(dose: Json, days: str | None) -> None:
    fields = {"status": "active", "intent": "order", "medicationCodeableConcept": {"text": "Methotrexate 2.5 mg"}}
    (drug,) = read(resource("MedicationRequest", **fields, dosageInstruction=[dose])).medications
    assert drug.days_per_week == (Decimal(days) if days else None)


# --- what is confirmed, and what is never read ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "confirmed"),
    [("confirmed", True), ("provisional", False), ("unconfirmed", False), ("differential", False), (None, False)],
)
def test_a_condition_is_confirmed_when_its_verification_says_so(status: str | None, confirmed: bool) -> None:
    said = {"verificationStatus": coded(status, system="urn:x")} if status else {}
    (problem,) = read(resource("Condition", code={"text": "Chronic neutropenia"}, **said)).problems
    assert problem.confirmed is confirmed


US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core"
PERSON: Json = {
    "name": [{"family": "Folate", "given": ["Crohn"]}],
    "address": [{"country": "NG", "text": "12 Methotrexate Road"}],
    "communication": [{"language": {"text": "Yoruba"}}],
    "extension": [
        {"url": f"{US_CORE}-{which}", "extension": [{"url": "text", "valueString": "Black or African American"}]}
        for which in ("race", "ethnicity")
    ],
}


def test_race_ethnicity_name_and_address_change_nothing() -> None:
    bare = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1974-01-06"}
    chart = (observation("751-8", quantity(0.9, "10*9/L", "10*9/L")), encounter())
    assert read(bare | PERSON, *chart) == read(bare, *chart)
    assert read(bare, *chart) != read(bare | {"birthDate": "1975-01-06"}, *chart)
    race = observation(coded("32624-9", "Race"), id="o2", valueCodeableConcept={"text": "Black"})
    ethnicity = observation(coded("69490-1", "Ethnicity"), id="o3", valueString="Hispanic")
    assert read(bare, *chart, race, ethnicity) == read(bare, *chart)
