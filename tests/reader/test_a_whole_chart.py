"""One chart with a resource of every kind that we read: all of it arrives, nothing is left over."""

from __future__ import annotations

from decimal import Decimal

from charts import ICD10, RXNORM, SNOMED, coded, observation, quantity, read, resource

CHART = [
    {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1974-01-06"},
    resource("Specimen", id="s1", note=[{"text": "slightly lipemic"}]),
    resource(
        "DiagnosticReport", id="d1", status="final", result=[{"reference": f"Observation/o{n}"} for n in (1, 2, 3)]
    ),
    observation("751-8", quantity(0.9, "10*9/L", "10*9/L"), specimen={"reference": "Specimen/s1"}),
    observation("5631-7", quantity(42, "mcg/dL", "ug/dL"), id="o2"),
    observation("31444-3", id="o3", valueCodeableConcept=coded("LA6577-6", "Negative")),
    observation("8310-5", quantity(38.4, "C", "Cel"), id="o4"),
    resource("Condition", id="c1", code=coded("R26.81", "Unsteady gait", ICD10), recordedDate="2026-05-01"),
    resource(
        "Procedure", id="x1", status="completed", code=coded("173747005", system=SNOMED), performedDateTime="2016"
    ),
    {"resourceType": "Medication", "id": "m1", "code": coded("11416", "Zinc", RXNORM)},
    resource(
        "MedicationStatement",
        id="m2",
        status="active",
        medicationReference={"reference": "Medication/m1"},
        effectivePeriod={"start": "2024-02-01"},
        dosage=[{"text": "220 mg twice a day"}],
    ),
    resource("ServiceRequest", id="q1", status="active", code=coded("2064-4"), authoredOn="2026-06-14"),
    {
        "resourceType": "FamilyMemberHistory",
        "id": "f1",
        "status": "completed",
        "patient": {"reference": "Patient/p"},
        "relationship": {"text": "mother"},
        "condition": [{"code": {"text": "Pernicious anaemia"}}],
    },
]


def test_a_chart_of_every_kind_of_resource_is_read_whole() -> None:
    facts = read(*CHART)
    assert not facts.gaps
    assert (facts.subject, facts.sex) == ("Patient/p", "female")
    assert facts.birth
    assert {(r.analyte, r.text, r.answer, r.report) for r in facts.results} == {
        ("neutrophils", "0.9 10*9/L", None, "DiagnosticReport/d1"),
        ("copper", "42 mcg/dL", None, "DiagnosticReport/d1"),
        ("intrinsic-factor-antibody", "Negative", "negative", "DiagnosticReport/d1"),
        ("temperature", "38.4 C", None, None),
    }
    assert [r.comments for r in facts.results if r.specimen] == [("slightly lipemic",)]
    assert {(p.reference, p.kind, *p.concepts) for p in facts.problems} == {
        ("Condition/c1", "condition", "ataxia"),
        ("Procedure/x1", "procedure", "bariatric-surgery"),
        ("FamilyMemberHistory/f1", "mother", "pernicious-anemia"),
    }
    assert [(m.kind, set(m.concepts), m.dose_mg_per_day) for m in facts.medications] == [
        ("statement", {"zinc-supplement"}, Decimal(440))
    ]
    assert [(o.reference, set(o.orders)) for o in facts.orders] == [("ServiceRequest/q1", {"ceruloplasmin"})]
