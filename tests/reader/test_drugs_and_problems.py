"""Drugs, conditions, procedures, family and orders: what they are matched to, and what never matches."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from charts import ATC, ICD10, LOINC, RXNORM, SNOMED, Json, coded, quantity, read, resource

from service.clinical.facts import Medication, PatientFacts


def drug(text: str | None = "Zinc sulfate 220 mg capsule", dose: str | Json | None = None, **more: Any) -> Json:
    """An active MedicationRequest with a dose as text or Dosage."""
    dosage = {"text": dose} if isinstance(dose, str) else dose
    concept = {"medicationCodeableConcept": {"text": text}} if text else {}
    request = resource("MedicationRequest", status="active", intent="order", authoredOn="2026-05-01") | concept
    return request | ({"dosageInstruction": [dosage]} if dosage else {}) | more


def taken(facts: PatientFacts) -> Medication:
    assert not facts.gaps
    assert len(facts.medications) == 1
    return facts.medications[0]


DRUGS: list[tuple[Json, set[str], bool]] = [
    (coded("11248", system=RXNORM), {"vitamin-b12"}, False),
    (coded("B03BA03", system=ATC), {"vitamin-b12"}, False),
    (coded("L04AX03", system=ATC), {"methotrexate"}, False),
    (coded("L01AA01", system=ATC), {"cytotoxic"}, False),
    (coded("L01EF01", system=ATC), {"cdk4-6-inhibitor"}, False),
    (coded("J01EE01", "Bactrim", ATC), {"trimethoprim"}, False),
    (coded("999", "methotrexate 2.5 MG Oral Tablet", RXNORM), {"methotrexate"}, True),
    ({"text": "Carbimazol 10 mg"}, {"thionamide"}, True),
    ({"text": "Novaminsulfon 500 mg"}, {"metamizole"}, True),
    ({"text": "Lantarel 7.5 mg"}, {"methotrexate"}, True),
    ({"text": "Paraplatin infusion"}, {"cytotoxic"}, True),
    ({"text": "BiCNU"}, {"cytotoxic", "cytotoxic-late"}, True),
    ({"text": "Filgrastim 300 ug"}, {"g-csf"}, True),
    ({"text": "Levamisole 50 mg"}, {"levamisole"}, True),
    ({"text": "trimethoprim/sulfamethoxazole 160/800"}, {"trimethoprim"}, True),
    ({"text": "Hydroxocobalamin 1 mg/mL injection"}, {"vitamin-b12"}, True),
    ({"text": "Paracetamol 500 mg"}, {"paracetamol"}, True),
    ({"text": "Multivitamin, no zinc"}, {"multivitamin"}, True),
    ({"text": "Allergy to methotrexate"}, set(), False),
    ({"text": "zinc-free multivitamin"}, {"multivitamin"}, True),
    ({"text": "Insulin zinc suspension"}, set(), False),
    ({"text": "Zinc oxide 10 % cream"}, set(), False),
    ({"text": "Chloramphenicol 0.5 % eye drops"}, set(), False),
    ({"text": "Copper T intrauterine device"}, set(), False),
    ({"text": "zincovit"}, set(), False),
]


@pytest.mark.parametrize(("concept", "concepts", "by_name"), DRUGS, ids=lambda v: str(v)[:60])
def test_a_drug_is_matched_by_code_then_by_whole_words(concept: Json, concepts: set[str], by_name: bool) -> None:
    facts = read(drug(None, medicationCodeableConcept=concept))
    assert [(set(m.concepts), m.by_name) for m in facts.medications] == ([(concepts, by_name)] if concepts else [])


def structured(dose: Json, frequency: int, period: int, unit: str) -> Json:
    """A Dosage that says its amount and frequency in fields."""
    repeat = {"frequency": frequency, "period": period, "periodUnit": unit}
    return {"doseAndRate": [{"doseQuantity": dose}], "timing": {"repeat": repeat}}


def by_code(dose: Json, code: Json) -> Json:
    """A Dosage that says its frequency by the code of its timing."""
    return {"doseAndRate": [{"doseQuantity": dose}], "timing": {"code": code}}


DOSES: list[tuple[str | Json, str | None]] = [
    ("5 mg daily", "5"),
    ("50 mg three times a day (150 mg elemental zinc per day)", "150"),
    ("220 mg twice a day", "440"),
    ("220 mg by PEG tube three times a day for wound healing", "660"),
    ("10 mg by mouth once a WEEK", "1.428571"),
    ("1000 ug intramuscular once a week for 4 weeks, then monthly", "0.142857"),
    ("1000 µg intramuscular every 3 months", "0.011111"),
    ("0,4 mg once daily", "0.4"),
    ("300 mg at night", "300"),
    ("1 g every 6 hours", "4000"),
    ("400 mcg bid", "0.8"),
    ("1000 ug intramuscular, single dose", None),
    ("300 mg", None),
    ("One tablet twice a day", None),
    ("Two tubes a week", None),
    ("as directed", None),
    (structured(quantity(5, "mg", "mg"), 2, 1, "d"), "10"),
    (structured(quantity(1000, "ug", "ug"), 1, 1, "wk"), "0.142857"),
    (structured(quantity(1, "g", "g"), 1, 6, "h"), "4000"),
    (structured(quantity(2, "mL", "mL"), 1, 1, "d"), None),
    (by_code(quantity(1000, "mcg"), {"text": "Daily"}), "1"),
    (by_code(quantity(5, "mg", "mg"), {"coding": [{"code": "BID"}]}), "10"),
    (by_code(quantity(5, "mg", "mg"), {"coding": [{"code": "AM"}]}), "5"),
    (by_code(quantity(5, "mg", "mg"), {"coding": [{"code": "QOD"}]}), "2.5"),
    (by_code(quantity(5, "mg", "mg"), {"text": "as before"}), None),
    ("1,000 mcg daily", "1"),
    ("1,000 mg twice a day", "2000"),
    ("2,5 mg daily", "2.5"),
    ("0,125 mg daily", "0.125"),
    ("5 mg OD", "5"),
    ("5 mg TDS", "15"),
    ("5 mg nightly", "5"),
]


@pytest.mark.parametrize(("dose", "milligrams"), DOSES, ids=lambda v: str(v)[:60])
def test_a_dose_per_day_is_read_or_left_open(dose: str | Json, milligrams: str | None) -> None:
    found = taken(read(drug(dose=dose))).dose_mg_per_day
    assert found == (Decimal(milligrams) if milligrams else None)


WILD = [
    structured(quantity(1e300, "mg", "mg"), 1, 1, "d"),
    structured(quantity(5, "mg", "mg"), 1, 0, "d"),
    {"text": f"{'9' * 4000} mg daily"},
    {"text": f"{'9' * 1_100_000} mg daily"},
]


@pytest.mark.parametrize("dose", WILD, ids=lambda v: str(v)[:60])
def test_a_dose_beyond_all_doses_is_left_open(dose: Json) -> None:
    assert taken(read(drug(dose=dose))).dose_mg_per_day is None


def test_a_course_beyond_the_calendar_has_no_end() -> None:
    bounds = {"timing": {"repeat": {"boundsDuration": quantity(9999, "a", "a")}}}
    assert taken(read(drug(dose=bounds))).end is None


NOTES = [
    "; continue eye drops",
    ". Use barrier contraception",
    ", avoid lotion",
    "\nMay use mouthwash",
    " (stop vaginal cream)",
]
FORMS = [
    "Tablette", "Tabletten", "Filmtablette", "Filmtabletten", "Tabl.", "Kapsel", "Kapseln", "comprimé", "comprimés",
    "gélule", "gélules",
]  # fmt: skip
ROUTES: list[tuple[str, str | Json | None, str | None]] = [
    ("Cyanocobalamin", {"route": coded("78421000", system=SNOMED)}, "injection"),
    ("Cyanocobalamin", {"route": coded("26643006", system=SNOMED)}, "systemic"),
    ("Cyanocobalamin 1000 ug injection", None, "injection"),
    ("Cyanocobalamin", "1 mg IM monthly", "injection"),
    ("Cyanocobalamin 1 mg tablet", None, "systemic"),
    ("Cyanocobalamin nasal gel", None, None),
    ("Cyanocobalamin", None, None),
    ("Zinc-containing denture adhesive cream", "Two tubes a week", None),
    *(("Cyanocobalamin 1 mg tablet", f"1 mg daily{note}", "systemic") for note in NOTES),
    *(("Cyanocobalamin", f"1 mg by mouth daily{note}", "systemic") for note in NOTES),
    *(("Cyanocobalamin", f"1 mg daily{note}", None) for note in NOTES),
    ("Cyanocobalamin", {"text": "1 mg and a vaginal cream", "route": {"text": "oral"}}, "systemic"),
    *((f"Cyanocobalamin {form}", "1 daily", "systemic") for form in FORMS),
]


@pytest.mark.parametrize(("text", "dose", "route"), ROUTES)
def test_the_route_is_read_from_code_or_words(text: str, dose: str | Json | None, route: str | None) -> None:
    assert taken(read(drug(text, dose))).route == route


MEDICATION = {"resourceType": "Medication", "id": "m1", "code": coded("11248", system=RXNORM)}
REFERENCES: list[tuple[str, list[Any]]] = [
    ("#m1", []),
    ("Medication/m1", [MEDICATION]),
    ("https://ehr.example.org/fhir/Medication/m1", [MEDICATION]),
    ("urn:uuid:77", [("urn:uuid:77", MEDICATION)]),
]


@pytest.mark.parametrize(("reference", "others"), REFERENCES)
def test_a_referenced_medication_is_found(reference: str, others: list[Any]) -> None:
    contained = {"contained": [MEDICATION]} if reference == "#m1" else {}
    request = drug(None, medicationReference={"reference": reference}, **contained)
    assert taken(read(request, *others)).concepts == {"vitamin-b12"}


def test_a_medication_that_is_not_there_is_a_gap_unless_its_name_is() -> None:
    facts = read(drug(None, medicationReference={"reference": "Medication/m9"}))
    assert [(g.what, g.reason) for g in facts.gaps] == [("MedicationRequest", "medication-not-readable")]
    named = drug(None, medicationReference={"reference": "Medication/m9", "display": "Metformin 500 mg"})
    assert taken(read(named)).concepts == {"metformin"}
    assert [g.reason for g in read(drug(None)).gaps] == ["medication-not-readable"]


SPANS: list[tuple[Json, str, str | None, str | None]] = [
    (drug(), "request", "2026-05-01", None),
    (drug(dosageInstruction=[{"timing": {"repeat": {"boundsPeriod": {"start": "2026-05-02", "end": "2026-05-09"}}}}]),
     "request", "2026-05-02", "2026-05-09"),
    (drug(dosageInstruction=[{"timing": {"repeat": {"boundsDuration": quantity(10, "d", "d")}}}]),
     "request", "2026-05-01", "2026-05-11"),
    (resource("MedicationStatement", status="active", medicationCodeableConcept={"text": "Zinc"},
              effectivePeriod={"start": "2024-02", "end": "2025"}), "statement", "2024-02-01", "2025-12-31"),
    (resource("MedicationAdministration", status="completed", medicationCodeableConcept={"text": "Zinc"},
              effectiveDateTime="2026-03-16", dosage={"text": "20 mg oral"}), "administration", "2026-03-16", None),
    (resource("MedicationDispense", status="completed", medicationCodeableConcept={"text": "Zinc"},
              whenHandedOver="2026-03-16"), "dispense", "2026-03-16", None),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "kind", "start", "end"), SPANS, ids=[str(i) for i in range(len(SPANS))])
def test_a_use_has_its_kind_and_span(sent: Json, kind: str, start: str, end: str | None) -> None:
    found = taken(read(sent))
    assert found.kind == kind
    assert found.start
    assert found.start.earliest.date().isoformat() == start
    assert (found.end.latest.date().isoformat() if found.end else None) == end


@pytest.mark.parametrize(
    "more", [{"status": "entered-in-error"}, {"status": "draft"}, {"doNotPerform": True}, {"intent": "proposal"}]
)
def test_what_was_never_taken_is_no_drug(more: Json) -> None:
    assert not read(drug(**more)).medications


CONDITIONS: list[tuple[Json, set[str], bool]] = [
    (coded("24930006", "Vegan diet since 2020, no B12 supplement", SNOMED), {"vegan"}, False),
    (coded("K50.012", system=ICD10), {"crohn"}, False),
    (coded("k50.90", system=ICD10), {"crohn"}, False),
    (coded("R26.81", system=ICD10), {"ataxia"}, False),
    (coded("Z98.84", system=ICD10), {"bariatric-surgery"}, False),
    (coded("Z93.1", system=ICD10), {"enteral-feeding"}, False),
    (coded("O24.4", system=ICD10), {"pregnancy"}, False),
    (coded("Z67.A1", system=ICD10), {"duffy-null"}, False),
    (coded("Z67.A4", system=ICD10), set(), False),
    (coded("D70", system=ICD10), {"neutropenia-chronic"}, False),
    (coded("G60.0", system=ICD10), set(), False),
    (coded("P00.2", "Mother febrile in labour (38.6 C); risk of early-onset sepsis", ICD10), set(), False),
    ({"text": "Crohn's disease of the colon"}, {"crohn"}, True),
    ({"text": "No known pernicious anemia"}, set(), False),
    ({"text": "Sepsis ruled out"}, set(), False),
    ({"text": "Celiac disease, no gluten-free diet so far"}, {"celiac"}, True),
    ({"text": "Family history of bariatric surgery"}, set(), False),
    ({"text": "Asthma"}, set(), False),
]


@pytest.mark.parametrize(("concept", "concepts", "by_name"), CONDITIONS, ids=lambda v: str(v)[:60])
def test_a_condition_is_matched_by_code_then_by_name(concept: Json, concepts: set[str], by_name: bool) -> None:
    facts = read(resource("Condition", code=concept))
    assert [(set(p.concepts), p.by_name) for p in facts.problems] == ([(concepts, by_name)] if concepts else [])


CLINICAL = [
    ("active", True),
    ("recurrence", True),
    ("relapse", True),
    ("inactive", False),
    ("remission", False),
    ("resolved", False),
]


@pytest.mark.parametrize(("status", "active"), CLINICAL)
def test_only_a_running_condition_is_active(status: str, active: bool) -> None:
    facts = read(resource("Condition", code=coded("K50.90", system=ICD10), clinicalStatus=coded(status, system="s")))
    assert [p.active for p in facts.problems] == [active]


def test_a_condition_without_status_is_active_until_it_abated() -> None:
    crohn = resource("Condition", code=coded("K50.90", system=ICD10), onsetDateTime="2020")
    assert [p.active for p in read(crohn).problems] == [True]
    assert [p.active for p in read(crohn | {"abatementDateTime": "2024"}).problems] == [False]


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_refuted_condition_is_nothing(status: str) -> None:
    sent = resource("Condition", code=coded("K50.90", system=ICD10), verificationStatus=coded(status, system="v"))
    assert not read(sent).problems


def test_a_procedure_that_was_done_is_history() -> None:
    bypass = resource(
        "Procedure", status="completed", code=coded("173747005", system=SNOMED), performedDateTime="2020-03"
    )
    problem = read(bypass).problems[0]
    assert (problem.concepts, problem.kind, problem.active) == ({"bariatric-surgery"}, "procedure", False)
    assert not read(bypass | {"status": "not-done"}).problems


@pytest.mark.parametrize(
    ("relationship", "kind"),
    [(coded("MTH", system="r"), "mother"), ({"text": "Mother"}, "mother"), (coded("FTH", system="r"), "family")],
)
def test_a_mothers_condition_is_told_from_the_patients(relationship: Json, kind: str) -> None:
    vegan = [{"code": coded("24930006", system=SNOMED)}]
    history = resource("FamilyMemberHistory", status="completed", relationship=relationship, condition=vegan)
    history["patient"] = history.pop("subject")
    assert [(p.kind, set(p.concepts)) for p in read(history).problems] == [(kind, {"vegan"})]
    assert [g.reason for g in read(history | {"patient": {"reference": "Patient/q"}}).gaps] == ["other-patient"]


ORDERS: list[tuple[Json, set[str]]] = [
    (coded("31444-3"), {"intrinsic-factor-antibody"}),
    (coded("14685-2"), {"vitamin-b12"}),
    ({"text": "Methylmalonic acid, plasma"}, {"methylmalonic-acid"}),
    ({"text": "24-hour urine copper"}, {"urine-copper-24h"}),
    (coded("45595009", "Elective laparoscopic cholecystectomy", SNOMED), set()),
]


@pytest.mark.parametrize(("code", "orders"), ORDERS, ids=lambda v: str(v)[:60])
def test_an_order_on_file_is_known_by_code_or_name(code: Json, orders: set[str]) -> None:
    facts = read(resource("ServiceRequest", status="active", code=code))
    assert [set(o.orders) for o in facts.orders] == ([orders] if orders else [])


@pytest.mark.parametrize(
    ("status", "waits"),
    [("active", True), ("draft", True), ("on-hold", True), ("completed", False), ("revoked", False)],
)
def test_only_an_order_that_waits_is_on_file(status: str, waits: bool) -> None:
    assert bool(read(resource("ServiceRequest", status=status, code=coded("13964-2", system=LOINC))).orders) == waits
