"""Whoever has nothing wrong gets no card: adults with normal counts, everyday conditions and everyday drugs.

They are drawn with a fixed seed, written as FHIR and read. Numbers stand well inside the usual limits of an adult.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
from cells import AS_OF, KNOWLEDGE

from cds_hooks.prefetch import Resource
from service.cards import cards
from service.clinical.assess import assess
from service.clinical.assessment import Assessment
from service.clinical.facts import PatientFacts
from service.fhir.reader import Reader

Json = dict[str, Any]
Chart = list[Json]  # the resources of a patient, the Patient first
READER, WRITER = Reader(KNOWLEDGE), msgspec.json.Encoder(decimal_format="number")
INDICATORS = ("none", "info", "warning", "critical")
ADULTS = 1000

# Analyte: unit, the least and the most that is drawn.
BLOOD = {"platelets": ("10*9/L", 180, 380), "mcv": ("fL", 84, 95), "rdw": ("%", 12, 14)}
OTHERS: dict[str, tuple[str, float, float]] = {
    "vitamin-b12": ("pg/mL", 450, 800), "active-b12": ("pmol/L", 80, 120), "methylmalonic-acid": ("umol/L", 0.1, 0.22),
    "homocysteine": ("umol/L", 6, 12), "folate": ("ng/mL", 6, 18), "red-cell-folate": ("ng/mL", 250, 600),
    "copper": ("ug/dL", 112, 130), "ceruloplasmin": ("mg/dL", 25, 40), "zinc": ("ug/dL", 80, 110),
    "ferritin": ("ng/mL", 50, 150), "transferrin-saturation": ("%", 24, 38), "crp": ("mg/L", 0.3, 4),
    "egfr": ("mL/min/{1.73_m2}", 75, 110), "albumin": ("g/dL", 4, 4.8), "magnesium": ("mg/dL", 1.9, 2.2),
    "potassium": ("mmol/L", 3.9, 4.6), "tsh": ("m[IU]/L", 0.8, 3), "temperature": ("Cel", 36.3, 37.2),
    "systolic": ("mm[Hg]", 108, 138), "bmi": ("kg/m2", 20, 29), "reticulocytes": ("10*9/L", 40, 90),
}  # fmt: skip
ENZYMES = {"alt": (12, 32, 40), "ast": (12, 32, 40), "ldh": (130, 210, 250)}  # the last is the laboratory's limit, U/L
BY_SEX = {"female": (12.8, 15), "male": (14.2, 16.5)}  # hemoglobin, g/dL
ICD10, ATC = "http://hl7.org/fhir/sid/icd-10-cm", "http://www.whocc.no/atc"
CONDITIONS = {
    "I10": "Essential hypertension", "E11.9": "Type 2 diabetes mellitus", "E78.5": "Hyperlipidemia",
    "J45.909": "Asthma", "F32.9": "Major depressive disorder", "M19.90": "Osteoarthritis", "K21.9": "Reflux disease",
    "E66.9": "Obesity", "G43.909": "Migraine", "K58.9": "Irritable bowel syndrome", "E03.9": "Hypothyroidism",
    "I48.91": "Atrial fibrillation", "M54.5": "Low back pain", "J30.9": "Allergic rhinitis", "N40.0": "Large prostate",
    "M81.0": "Osteoporosis", "G47.33": "Sleep apnea", "H52.4": "Presbyopia", "K90.0": "Celiac disease",
    "G62.9": "Polyneuropathy", "M06.9": "Rheumatoid arthritis", "K50.90": "Crohn disease", "Z87.891": "Former smoker",
}  # fmt: skip
DRUGS = {
    "A10BA02": "metformin 500 MG Oral Tablet", "A02BC01": "omeprazole 20 MG Oral Capsule",
    "C10AA05": "atorvastatin 20 MG Oral Tablet", "C08CA01": "amlodipine 5 MG Oral Tablet",
    "C09AA03": "lisinopril 10 MG Oral Tablet", "H03AA01": "levothyroxine 50 MCG Oral Tablet",
    "N06AB06": "sertraline 50 MG Oral Tablet", "R03AC02": "salbutamol inhaler", "N02BE01": "paracetamol 500 MG Tablet",
    "M01AE01": "ibuprofen 400 MG Oral Tablet", "G03AA07": "ethinylestradiol / levonorgestrel Oral Tablet",
    "B01AC06": "aspirin 81 MG Oral Tablet", "A11AA03": "multivitamin Oral Tablet", "B03AA07": "ferrous sulfate tablet",
    "B03BB01": "folic acid 0.4 MG Oral Tablet", "B03BA01": "cyanocobalamin 1 MG Oral Tablet",
    "M04AA01": "allopurinol 100 MG Oral Tablet", "D02AB": "zinc oxide cream", "R06AE07": "cetirizine 10 MG Oral Tablet",
    "A11CC05": "colecalciferol 1000 IU Oral Tablet", "C03AA03": "hydrochlorothiazide 25 MG Oral Tablet",
}  # fmt: skip


def ago(days: int, hours: int | None = None) -> str:
    """A time as FHIR writes it: a day, or an instant of it."""
    at = AS_OF - timedelta(days=days, hours=hours or 0)
    return at.date().isoformat() if hours is None else at.isoformat().replace("+00:00", "Z")


def owned(found: Json, id: str) -> Json:
    """A resource of the patient."""
    return found | {"id": id, "subject": {"reference": "Patient/p"}, "patient": {"reference": "Patient/p"}}


def read(chart: Chart) -> PatientFacts:
    """What the reader makes of a chart."""
    sent = [Resource(r["resourceType"], msgspec.Raw(WRITER.encode(r)), "entry", i) for i, r in enumerate(chart)]
    return READER.read(sent, "p", AS_OF.date())


def observation(analyte: str, number: Decimal, unit: str | None, when: str, top: int | None = None) -> Json:
    code = KNOWLEDGE.analytes[analyte].codes[0]
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": code.system, "code": code.code}]},
        "effectiveDateTime": when,
        "valueQuantity": {"value": number, "unit": unit},
        "referenceRange": [{"high": {"value": top, "unit": unit}}] if top else [],
    }


def adult(random: Random, fixed: dict[str, str], unit: str | None = "10*9/L", *, records: bool = True) -> Chart:
    """An adult with nothing wrong but what is `fixed`: analyte -> number, in the unit of the tables above."""

    def number(low: float, high: float) -> Decimal:
        return Decimal(str(round(random.uniform(low, high), 2)))

    sex, days = random.choice(sorted(BY_SEX)), random.randrange(7)
    today = ago(days, random.randrange(1, 5)) if random.random() < 0.5 else ago(days)
    neutrophils = Decimal(fixed["neutrophils"]) if "neutrophils" in fixed else number(2.6, 6.2)
    earlier = [ago(days) for days in (40, 300) if random.random() < 0.3]
    found = [
        observation("neutrophils", neutrophils, unit, today),
        *(observation("neutrophils", number(2.6, 6.2), "10*9/L", day) for day in earlier),
        observation("wbc", (neutrophils / Decimal("0.6")).quantize(Decimal("0.01")), "10*9/L", today),
        observation("hemoglobin", number(*BY_SEX[sex]), "g/dL", today),
    ]
    found += [observation(analyte, number(*ends), own, today) for analyte, (own, *ends) in BLOOD.items()]
    for analyte, (own, *ends) in OTHERS.items():
        if analyte in fixed:
            found.append(observation(analyte, Decimal(fixed[analyte]), own, today))
        elif random.random() < 0.4:
            found.append(observation(analyte, number(*ends), own, ago(random.randrange(300))))
    for enzyme in [enzyme for enzyme in ENZYMES if random.random() < 0.4]:
        *usual, limit = ENZYMES[enzyme]
        found.append(observation(enzyme, number(*usual), "U/L", today, limit))
    found += everyday(random) if records else []
    born = {"resourceType": "Patient", "gender": sex, "birthDate": ago(random.randrange(19 * 366, 90 * 365))}
    return [owned(one, str(place) if place else "p") for place, one in enumerate([born, *found])]


def everyday(random: Random) -> Chart:
    """Some conditions and drugs."""
    active = {"coding": [{"code": "active"}]}
    return [
        {"resourceType": "Condition", "clinicalStatus": active, "recordedDate": ago(random.randrange(4000)),
         "code": {"coding": [{"system": ICD10, "code": code}], "text": CONDITIONS[code]}}
        for code in random.sample(sorted(CONDITIONS), random.randrange(5))
    ] + [
        {"resourceType": "MedicationRequest", "status": "active", "authoredOn": ago(random.randrange(900)),
         "medicationCodeableConcept": {"coding": [{"system": ATC, "code": code}], "text": DRUGS[code]},
         "dosageInstruction": [{"text": "1 tablet once a day"}]}
        for code in random.sample(sorted(DRUGS), random.randrange(6))
    ]  # fmt: skip


def judged(chart: Chart) -> Assessment:
    return assess(read(chart), KNOWLEDGE, AS_OF)


def test_adults_with_normal_counts_and_nutrients_get_no_card() -> None:
    random = Random(20260615)
    found = [judged(adult(random, {})) for _ in range(ADULTS)]
    assert not {number: a.rows for number, a in enumerate(found) if a.indicator != "none" or cards(a, KNOWLEDGE)}
    assert {a.severity for a in found} == {"normal"}


def test_their_conditions_drugs_and_nutrients_are_read() -> None:
    random = Random(20260615)
    facts = [read(adult(random, {})) for _ in range(100)]
    assert {"celiac", "crohn", "neuropathy"} <= {c for f in facts for p in f.problems for c in p.concepts}
    assert {"metformin", "estrogen", "iron"} <= {c for f in facts for m in f.medications for c in m.concepts}
    assert {*BLOOD, *OTHERS, *ENZYMES} <= {r.analyte for f in facts for r in f.results}
    assert not {(g.what, g.reason) for f in facts for g in f.gaps}


@pytest.mark.parametrize(
    ("analyte", "number", "least"),
    [
        ("neutrophils", "0.3", "critical"),
        ("neutrophils", "0.8", "warning"),
        ("neutrophils", "1.2", "info"),
        ("vitamin-b12", "90", "warning"),
        ("folate", "1.5", "warning"),
        ("copper", "30", "warning"),
    ],
)
def test_one_result_that_is_low_gives_each_of_them_a_card(analyte: str, number: str, least: str) -> None:
    random = Random(20260615)
    found = [judged(adult(random, {analyte: number}, records=False)) for _ in range(50)]
    assert not [a.rows for a in found if INDICATORS.index(a.indicator) < INDICATORS.index(least)]
    assert all(cards(a, KNOWLEDGE) for a in found)


def test_a_count_without_a_unit_gives_each_of_them_a_card() -> None:
    random = Random(20260615)
    assert all(cards(judged(adult(random, {}, unit=None)), KNOWLEDGE) for _ in range(50))
