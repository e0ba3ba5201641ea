"""The chart around results: whose they are, when they were taken, what refers to what, what cannot be read."""

from __future__ import annotations

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from charts import Json, coded, observation, only, quantity, read, reasons, refused, resource, send

from service.fhir.bundles import open_bundle, split_patients
from service.fhir.moments import Moments

COUNT = quantity(1.2, "10*9/L", "10*9/L")
BERLIN = ZoneInfo("Europe/Berlin")

DATES = [
    # text, earliest, latest, in Berlin
    ("2026-06-14T08:20:00Z", "2026-06-14T10:20:00+02:00", "2026-06-14T10:20:00+02:00"),
    ("2026-06-14T08:20:00.123+02:00", "2026-06-14T08:20:00.123+02:00", "2026-06-14T08:20:00.123+02:00"),
    ("2026-06-14T08:20:00", "2026-06-14T08:20:00+02:00", "2026-06-14T08:20:00+02:00"),
    ("2026-06-14", "2026-06-14T00:00:00+02:00", "2026-06-14T23:59:59+02:00"),
    ("2024-02", "2024-02-01T00:00:00+01:00", "2024-02-29T23:59:59+01:00"),
    ("2025-12", "2025-12-01T00:00:00+01:00", "2025-12-31T23:59:59+01:00"),
    ("2025", "2025-01-01T00:00:00+01:00", "2025-12-31T23:59:59+01:00"),
]


@pytest.mark.parametrize(("text", "earliest", "latest"), DATES)
def test_a_date_of_any_precision_allows_its_instants(text: str, earliest: str, latest: str) -> None:
    moment = Moments(BERLIN)[text]
    assert moment
    assert (moment.earliest.isoformat(), moment.latest.isoformat()) == (
        datetime.fromisoformat(earliest).isoformat(),
        datetime.fromisoformat(latest).isoformat(),
    )
    assert moment.text == text


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-02-30", "yesterday", "14.06.2026", "9999", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_no_date_is_none(text: str) -> None:
    assert Moments(BERLIN)[text] is None


TIMES = [
    # effective, issued, reason of the Gap, when
    ({"effectiveDateTime": "2026-06-14"}, None, "2026-06-14"),
    ({"effectiveDateTime": None, "effectiveInstant": "2026-06-13T08:00:00Z"}, None, "2026-06-13T08:00:00Z"),
    ({"effectiveDateTime": None, "effectivePeriod": {"start": "2026-06-12", "end": "2026-06-13"}}, None, "2026-06-13"),
    ({"effectiveDateTime": None, "issued": "2026-06-13T08:00:00Z"}, "time-assumed", "2026-06-13T08:00:00Z"),
    ({"effectiveDateTime": "junk"}, "undated", None),
    ({"effectiveDateTime": None}, "undated", None),
]


@pytest.mark.parametrize(("fields", "reason", "when"), TIMES)
def test_the_time_is_the_own_one_else_issued_else_none(fields: Json, reason: str | None, when: str | None) -> None:
    facts = read(observation("751-8", COUNT, **{k: v for k, v in fields.items() if v}) | fields)
    assert reasons(facts) == ([reason] if reason else [])
    found = facts.results[0].when
    assert (found.text if found else None) == when


OUT_OF_TIME = [
    ("2026-06-15T23:00:00Z", None),  # later on the same day
    ("2026-06-16", "future"),
    ("1990-03-04", None),  # the day of birth
    ("1990-03-03", "before-birth"),
    ("1901-01-01", "too-old"),
]


@pytest.mark.parametrize(("when", "reason"), OUT_OF_TIME)
def test_a_result_of_the_future_or_before_birth_is_not_used(when: str, reason: str | None) -> None:
    patient = {"resourceType": "Patient", "id": "p", "birthDate": "1990-03-04"}
    facts = read(patient, observation("751-8", COUNT, effectiveDateTime=when))
    assert reasons(facts) == ([reason] if reason else [])
    assert len(facts.results) == (0 if reason else 1)


def report_of(reference: str) -> Json:
    """A report that lists one result and says when it was taken."""
    listed = [{"reference": reference}]
    return resource("DiagnosticReport", id="d1", status="final", effectiveDateTime="2026-06-10", result=listed)


def test_the_day_is_that_of_the_site() -> None:
    late = observation("751-8", COUNT, effectiveDateTime="2026-06-15T23:00:00Z")
    assert refused(read(late, zone=BERLIN)).reason == "future"
    assert only(read(late)).when


@pytest.mark.parametrize(
    "listed", ["Observation/o1", "https://ehr.example.org/fhir/Observation/o1/_history/2", "urn:uuid:1"]
)
def test_a_report_lends_its_time_to_the_results_that_it_lists(listed: str) -> None:
    report = report_of(listed)
    count = observation("751-8", COUNT, effectiveDateTime=None)
    found = only(read(report, ("urn:uuid:1", count)))
    assert found.when
    assert (found.when.text, found.report) == ("2026-06-10", "DiagnosticReport/d1")


def test_a_result_that_two_reports_list_is_of_the_same_one_in_any_order() -> None:
    chart = (report_of("Observation/o1"), report_of("Observation/o1") | {"id": "d2"}, observation("751-8", COUNT))
    assert only(read(*chart)).report == only(read(*reversed(chart))).report == "DiagnosticReport/d1"


OWN = [
    "Patient/p",
    "https://ehr.example.org/fhir/R4/Patient/p",
    "Patient/p/_history/3",
    "urn:uuid:7c2b7a2e-5a53-4b6c-9d0d-0d7a2f1c3b11",
    "#contained",
]


@pytest.mark.parametrize("reference", OWN)
def test_the_patient_is_known_by_every_form_of_his_reference(reference: str) -> None:
    patient = ("urn:uuid:7c2b7a2e-5a53-4b6c-9d0d-0d7a2f1c3b11", {"resourceType": "Patient", "id": "p"})
    assert only(read(patient, observation("751-8", COUNT, subject={"reference": reference})))


@pytest.mark.parametrize("subject", [None, {"display": "Jane"}])
def test_a_result_of_nobody_in_particular_is_the_patients(subject: Json | None) -> None:
    assert only(read(observation("751-8", COUNT, subject=subject)))


@pytest.mark.parametrize("reference", ["Patient/q", "urn:uuid:9", "Group/p", "https://ehr.example.org/fhir/Patient/q"])
def test_a_result_of_another_patient_is_a_gap(reference: str) -> None:
    gap = refused(read(observation("751-8", COUNT, subject={"reference": reference})))
    assert gap.reason == "other-patient"


def test_without_an_id_the_patient_is_the_only_one_there() -> None:
    patient = ("urn:uuid:1", {"resourceType": "Patient", "gender": "female"})
    facts = read(patient, observation("751-8", COUNT, subject={"reference": "urn:uuid:1"}), patient=None)
    assert only(facts)
    assert (facts.subject, facts.sex) == ("urn:uuid:1", "female")
    assert only(read(observation("751-8", COUNT), patient=None))


def test_birth_has_the_time_of_day_when_it_is_known() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
    element = {"extension": [{"url": url, "valueDateTime": "2026-06-13T04:05:00Z"}]}
    facts = read({"resourceType": "Patient", "id": "p", "birthDate": "2026-06-13", "_birthDate": element})
    assert facts.birth
    assert facts.birth.is_instant
    assert facts.birth.text == "2026-06-13T04:05:00Z"


MALFORMED = [
    b'{"resourceType":"Observation","id":7}',
    b'{"resourceType":"Observation","code":"751-8"}',
    b'{"resourceType":"Observation","valueQuantity":{"value":"much"}}',
    b'{"resourceType":"Observation","status":"final"',
    b'{"resourceType":"Observation","note":null}',
    b'{"resourceType":"Observation","valueQuantity":{"value":NaN}}',
    b"[" * 3000,
]


@pytest.mark.parametrize("raw", MALFORMED, ids=lambda raw: raw[:60].decode())
def test_a_malformed_resource_is_one_gap_and_costs_nothing_else(raw: bytes) -> None:
    facts = read(raw, observation("751-8", COUNT))
    assert len(facts.results) == 1
    assert [(g.what, g.reason, g.detail) for g in facts.gaps] == [
        ("Observation", "unreadable-resource", "entry[0].resource")
    ]


def test_words_for_a_number_never_leave_the_reader() -> None:
    facts = read(
        observation("751-8", {"value": "SECRET", "unit": "10*9/L"}), observation("751-8", valueString="SECRET")
    )
    assert len(facts.gaps) == 2
    assert "SECRET" not in repr(facts.gaps)


def test_a_resource_that_we_do_not_read_is_passed_over() -> None:
    facts = read({"resourceType": "NutritionOrder", "id": "n"}, observation("751-8", COUNT))
    assert only(facts)


def test_the_order_of_resources_does_not_matter() -> None:
    report = report_of("Observation/o1")
    chart = [
        {"resourceType": "Patient", "id": "p", "birthDate": "1990-03-04"},
        report,
        observation("751-8", COUNT, effectiveDateTime=None),
        observation("2132-9", quantity(140, "pg/mL", "pg/mL"), id="o2"),
    ]
    there, back = read(*chart), read(*reversed(chart))
    assert set(there.results) == set(back.results)
    assert (there.birth, there.subject, there.gaps) == (back.birth, back.subject, back.gaps)


def test_bundles_are_opened_and_patients_told_apart() -> None:
    inner = {"resourceType": "Bundle", "type": "document", "entry": [{"resource": observation("751-8", COUNT)}]}
    other = observation("751-8", COUNT, subject={"reference": "https://ehr.example.org/Patient/q"})
    outer = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [
            {"resource": inner},
            {"resource": other},
            {"fullUrl": "urn:uuid:5", "resource": {"resourceType": "Patient", "id": "p"}},
            {"resource": observation("751-8", COUNT, id="o5", subject={"reference": "urn:uuid:5"})},
            {"resource": resource("Medication", id="m", subject=None) | {"code": coded(text="Zinc")}},
        ],
    }
    charts = split_patients(open_bundle(json.dumps(outer).encode()))
    assert {name: len(chart) for name, chart in charts.items()} == {"Patient/p": 4, "Patient/q": 2}


def test_a_bare_resource_is_a_chart() -> None:
    sent = send(observation("751-8", COUNT))[0]
    assert [one.type for one in open_bundle(sent.raw)] == ["Observation"]


HUGE = b"1e999999999"
WILD = [
    (b'"valueQuantity":{"value":%b,"unit":"10*9/L"}', b"751-8"),
    (b'"valueQuantity":{"value":%b1,"unit":"10*9/L"}', b"751-8"),
    (b'"valueQuantity":{"value":"NaN","unit":"10*9/L","code":"%b"}', b"751-8"),
    (b'"valueQuantity":{"value":5},"referenceRange":[{"high":{"value":"NaN"}},{"high":{"value":%b}}]', b"31444-3"),
    (b'"valueQuantity":{"value":5},"referenceRange":[{"high":{"value":%b}}]', b"751-8"),
]


@pytest.mark.parametrize(("field", "code"), WILD)
def test_a_number_beyond_all_numbers_is_a_gap(field: bytes, code: bytes) -> None:
    coding = b'{"system":"http://loinc.org","code":"%b"}' % code
    raw = b'{"resourceType":"Observation","status":"final","code":{"coding":[%b]},%b}' % (coding, field % HUGE)
    assert read(raw).gaps
    assert not read(raw).results
