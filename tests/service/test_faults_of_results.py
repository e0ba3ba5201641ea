"""Faults of what was measured, 36 to 40, and of the words beside it, 54, over a real socket: no false normal."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from markdown_it import MarkdownIt
from requests_of import CANARY, PATIENT, bundle, call, observation, patient
from wire import HOOK, Running

Json = dict[str, Any]
SIGN = "/cds-services/neutropenia-order-sign"
DAY = 86_400


def day(days: int = 0) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * DAY))


def count(value: object = 0.3, days: int = 0, **changes: Any) -> Json:
    """A neutrophil count of today; fields set to `...` are left out."""
    found = observation(value=value, effectiveDateTime=day(days)) | changes
    return {name: field for name, field in found.items() if field is not ...}


def quantity(value: object, unit: str = "10*9/L", **more: str) -> Json:
    return {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit, **more}


def severities(server: Running, *resources: Json, person: Json | None = None) -> list[tuple[str, str]]:
    """Indicator and severity of each card for a blood count."""
    reply = server.post(HOOK, call({"patient": person or patient(), "count": bundle(*resources)}))
    assert reply.status == 200, reply.body
    extension = "org.neutropenia-cds.card"
    return [(card["indicator"], card["extension"][extension]["severity"]) for card in reply.json["cards"]]


SEVERE, UNKNOWN = ("critical", "severe"), ("info", "not-assessable")


@pytest.mark.parametrize(
    ("status", "alone", "after_a_normal_one", "after_a_severe_one"),
    [
        # the count with that status: 0.3, 0.3, 2.5
        ("final", [SEVERE], [SEVERE], []),
        ("entered-in-error", [], [], [SEVERE]),
        ("cancelled", [], [], [SEVERE]),
        ("registered", [], [], [SEVERE]),
        ("preliminary", [SEVERE], [("critical", "normal")], [SEVERE]),  # said to be provisional, never a way to normal
        ("unknown", [UNKNOWN], [("info", "normal")], [SEVERE]),
    ],
)
def test_fault_36_only_a_final_count_counts_as_one(
    server: Running,
    status: str,
    alone: list[tuple[str, str]],
    after_a_normal_one: list[tuple[str, str]],
    after_a_severe_one: list[tuple[str, str]],
) -> None:
    low, normal = count(0.3, status=status), count(2.5, status=status)
    assert severities(server, low) == alone
    assert severities(server, count(2.5, -1, id="before"), low) == after_a_normal_one
    assert severities(server, count(0.3, -1, id="before"), normal) == after_a_severe_one


VALUES: dict[str, tuple[Json, list[tuple[str, str]]]] = {
    "per_uL": ({"valueQuantity": quantity(300, "/uL")}, [SEVERE]),
    "no_unit": ({"valueQuantity": {"value": 2.5}}, [UNKNOWN]),
    "per_uL_said_to_be_10*9/L": ({"valueQuantity": quantity(2500)}, [UNKNOWN]),
    "percent": ({"valueQuantity": quantity(55, "%")}, [UNKNOWN]),
    "below_0.5": ({"valueQuantity": quantity(0.5, comparator="<")}, [SEVERE]),
    "below_2": ({"valueQuantity": quantity(2, comparator="<")}, [("warning", "neutropenia-grade-unknown")]),
    "negative": ({"valueQuantity": quantity(-1)}, [UNKNOWN]),
    "1e300": ({"valueQuantity": quantity(1e300)}, [UNKNOWN]),
    "text_for_a_number": ({"valueQuantity": quantity("2,5")}, [UNKNOWN]),
    "in_words": ({"valueQuantity": ..., "valueString": "2,5"}, [UNKNOWN]),
    "absent": ({"valueQuantity": ..., "dataAbsentReason": {"coding": [{"code": "error"}]}}, [UNKNOWN]),
    "absent_beside_a_value": ({"dataAbsentReason": {"coding": [{"code": "error"}]}}, [UNKNOWN]),
}


@pytest.mark.parametrize(("changes", "expected"), VALUES.values(), ids=VALUES.keys())
def test_fault_37_a_value_that_cannot_be_read_is_said_and_never_normal(
    server: Running, changes: Json, expected: list[tuple[str, str]]
) -> None:
    assert severities(server, count(2.5, **changes)) == expected


@pytest.mark.parametrize(
    ("changes", "person"),
    [
        ({"effectiveDateTime": day(2)}, patient()),
        ({"effectiveDateTime": "1979-12-31"}, patient()),
        ({"effectiveDateTime": "1890-01-01"}, {"resourceType": "Patient", "id": PATIENT}),
        ({"effectiveDateTime": ...}, patient()),
        ({"effectiveDateTime": "soon"}, patient()),
    ],
    ids=["later", "before_birth", "130_years_old", "undated", "no_date"],
)
def test_fault_38_a_count_of_an_impossible_day_is_not_graded(server: Running, changes: Json, person: Json) -> None:
    assert severities(server, count(0.3, **changes), person=person) == [UNKNOWN]
    assert severities(server, count(2.5, **changes), person=person) == [UNKNOWN]


@pytest.mark.parametrize(("final", "corrected", "expected"), [(0.3, 2.5, []), (2.5, 0.3, [SEVERE])])
def test_fault_38_of_two_at_one_instant_the_corrected_one_counts(
    server: Running, final: float, corrected: float, expected: list[tuple[str, str]]
) -> None:
    at = f"{day()}T00:00:00Z"
    first = count(final, effectiveDateTime=at, id="a")
    second = count(corrected, effectiveDateTime=at, id="b", status="corrected")
    assert severities(server, first, second) == severities(server, second, first) == expected


def differential(days: int = 0) -> list[Json]:
    """3.0 white cells of today, and 25 % neutrophils."""
    percent = observation("770-8", valueQuantity=quantity(25, "%"), effectiveDateTime=f"{day(days)}T00:00:00Z")
    return [observation("6690-2", 3.0, effectiveDateTime=f"{day()}T00:00:00Z"), percent]


def test_fault_39_a_count_is_calculated_from_one_specimen_alone(server: Running) -> None:
    assert severities(server, *differential()) == [("warning", "moderate")]
    assert severities(server, *differential(-40)) == [UNKNOWN]


def test_fault_39_a_direct_count_that_disagrees_with_the_calculated_one_is_said(server: Running) -> None:
    direct = count(2.5, effectiveDateTime=f"{day()}T00:00:00Z")
    reply = server.post(HOOK, call({"patient": patient(), "count": bundle(*differential(), direct)}))
    (card,) = reply.json["cards"]
    assert "disagree" in card["summary"]
    assert card["indicator"] == "warning"


URN = "urn:uuid:5f1c2a34-0f4e-4b55-9f0a-8a4f3c1d7b10"
SUBJECTS = {
    "relative": (f"Patient/{PATIENT}", [SEVERE]),
    "absolute": (f"https://ehr.example.org/fhir/Patient/{PATIENT}", [SEVERE]),
    "with_a_version": (f"Patient/{PATIENT}/_history/3", [SEVERE]),
    "contained": ("#p", [SEVERE]),
    "urn": (URN, [SEVERE]),
    "another": ("Patient/p-2", [UNKNOWN]),
    "another_urn": (URN.replace("5", "6"), [UNKNOWN]),
}


@pytest.mark.parametrize(("reference", "expected"), SUBJECTS.values(), ids=SUBJECTS.keys())
def test_fault_40_every_kind_of_reference_leads_to_the_patient(
    server: Running, reference: str, expected: list[tuple[str, str]]
) -> None:
    seen = count(subject={"reference": reference}, contained=[{"resourceType": "Patient", "id": "p"}])
    chart = bundle(seen)
    chart["entry"].insert(0, {"fullUrl": URN, "resource": patient()})
    reply = server.post(HOOK, call({"patient": patient(), "count": chart}))
    extension = "org.neutropenia-cds.card"
    assert [(c["indicator"], c["extension"][extension]["severity"]) for c in reply.json["cards"]] == expected


def test_fault_40_a_contained_count_is_read_and_a_duplicate_is_one(server: Running) -> None:
    report = {
        "resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": {"text": "CBC"},
        "subject": {"reference": f"Patient/{PATIENT}"}, "contained": [count(id="c")], "result": [{"reference": "#c"}],
    }  # fmt: skip
    assert severities(server, report) == [SEVERE]
    one, twice = (
        server.post(HOOK, call({"patient": patient(), "count": bundle(*counts)})).json["cards"]
        for counts in ([count()], [count(), count()])
    )
    assert [card["detail"] for card in twice] == [card["detail"] for card in one]


# --- 54: words from elsewhere -----------------------------------------------------------------------------------------

EVIL = {
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "link": "[a](javascript:alert(1))",
    "address": "https://evil.example/",
    "picture": "![a](http://evil.example/a.png)",
    "cell": "a | b\n|---|\n# x",
    "10_kB": "x" * 10_240,
}


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL.keys())
def test_fault_54_words_from_elsewhere_are_cut_and_nothing_in_them_acts(server: Running, evil: str) -> None:
    """In the name and the dose of a draft, which its card repeats, and in those of what the chart holds."""
    drug = {"coding": [{"code": "1", "system": "urn:x", "display": evil}], "text": f"Azathioprine 50 mg {evil}"}
    order = {
        "resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"}, "medicationCodeableConcept": drug,
        "dosageInstruction": [{"text": f"1 tablet daily {evil}"}],
    }  # fmt: skip
    drafts = {"resourceType": "Bundle", "entry": [{"resource": order}]}
    context = {"userId": f"Practitioner/{CANARY}", "patientId": PATIENT, "draftOrders": drafts}
    low = count(0.9, code={"coding": [{"system": "http://loinc.org", "code": "751-8", "display": evil}], "text": evil})
    odd = count(0.9, id="odd", code={"text": f"Neutrophils {evil}"}, note=[{"text": evil}])
    chart = {"patient": patient(), "count": bundle(low, odd), "conditions": None, "nutrients": None}
    asked = call(chart | {"medications": bundle(order | {"status": "active"})}, hook="order-sign", context=context)
    for reply in (server.post(SIGN, asked), server.post(HOOK, call(asked["prefetch"]))):
        assert reply.status == 200
        assert reply.json["cards"]
        for card in reply.json["cards"]:
            assert len(card["summary"]) < 140
            assert len(card["detail"]) < 10_240
            shown = MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(card["detail"])
            assert not re.search(r"<(?:script|img)|evil\.example/?\"|javascript:[^<]*\"", shown), shown
            assert "<h1>" not in shown
