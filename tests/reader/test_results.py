"""Observations: which analyte, how much in which unit, and every reason for not using one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from charts import LOINC, SNOMED, Json, coded, observation, only, quantity, read, reasons, refused, resource

COUNT_RANGE = [{"low": {"value": 1.8}, "high": {"value": 7.7}}]
CELLS_RANGE = [{"low": {"value": 1800}, "high": {"value": 7700}}]
ODD_RANGE = [{"low": {"value": 30}, "high": {"value": 70}}]

READ_AS = [
    # code, unit text, UCUM code, value, analyte, number, comparison unit
    ("751-8", "10*9/L", "10*9/L", 1.2, "neutrophils", "1.2", "10*9/L"),
    ("26499-4", "K/uL", None, 1.2, "neutrophils", "1.2", "10*9/L"),
    ("753-4", "G/L", None, 1.2, "neutrophils", "1.2", "10*9/L"),
    ("752-6", "cells/uL", "{cells}/uL", 1200, "neutrophils", "1.2", "10*9/L"),
    ("751-8", "x10*9/L", "10*9/L", 0.4, "neutrophils", "0.4", "10*9/L"),
    ("6690-2", "10*3/mm3", "10*3/mm3", 4.3, "wbc", "4.3", "10*9/L"),
    ("6690-2", None, "10*3/uL", 4.3, "wbc", "4.3", "10*9/L"),
    ("71676-1", "1", "1", 0.62, "neutrophils-percent", "62", "%"),
    ("2132-9", "pg/mL", "pg/mL", 140, "vitamin-b12", "140", "pg/mL"),
    ("2132-9", "ng/L", "ng/L", 140, "vitamin-b12", "140", "pg/mL"),
    ("14685-2", "pmol/L", "pmol/L", 140, "vitamin-b12", "140", "pmol/L"),
    ("13964-2", "nmol/L", "nmol/L", 350, "methylmalonic-acid", "0.35", "umol/L"),
    ("5763-8", "ug/mL", "ug/mL", 0.8, "zinc", "80", "ug/dL"),
    ("14955-9", "µmol/L", "umol/L", 11, "zinc", "11", "umol/L"),
    ("718-7", "g/L", "g/L", 98, "hemoglobin", "9.8", "g/dL"),
    ("2160-0", "mg/dL", None, 1.1, "creatinine", "1.1", "mg/dL"),
    ("8310-5", "F", "[degF]", 100.4, "temperature", "38", "Cel"),
    ("60474-4", "10*6/uL", "10*6/uL", 0.05, "reticulocytes", "50", "10*9/L"),
]


@pytest.mark.parametrize(("code", "unit", "ucum", "value", "analyte", "number", "comparison"), READ_AS)
def test_a_result_is_read_in_its_comparison_unit(
    code: str, unit: str | None, ucum: str | None, value: float, analyte: str, number: str, comparison: str
) -> None:
    found = only(read(observation(code, quantity(value, unit, ucum))))
    assert found.value
    assert (found.analyte, found.value.number, found.unit) == (analyte, Decimal(number), comparison)
    assert found.reference == "Observation/o1"
    assert not found.unit_inferred


@pytest.mark.parametrize(
    ("said", "flag"),
    [([coded("H")], "above"), ([coded("LL")], "below"), ([coded("N")], "within"), ([coded("A")], None), ([], None),
     ([{"text": "high"}], None), ([coded("A"), coded("HH")], "above")],
)  # fmt: skip
def test_the_laboratory_s_own_word_on_its_range_is_kept(said: list[Json], flag: str | None) -> None:
    assert only(read(observation("1742-6", quantity(120, "U/L", "U/L"), interpretation=said))).flag == flag


REFUSED = [
    ("a count without unit and range", "751-8", quantity(1.2), "unit-missing"),
    ("moles under a count", "751-8", quantity(1.2, "mmol/L", "mmol/L"), "unit-not-understood"),
    ("percent under a count", "751-8", quantity(62, "%", "%"), "unit-not-understood"),
    ("red-cell unit under white cells", "6690-2", quantity(4.3, "10*6/uL", "10*6/uL"), "unit-not-understood"),
    ("another red-cell unit", "751-8", quantity(4.3, "10*12/L", "10*12/L"), "unit-not-understood"),
    ("metre per microlitre", "60474-4", quantity(0.05, "m/uL"), "unit-not-understood"),
    ("grams, not giga", "751-8", quantity(4.3, "g/L", "g/L"), "unit-not-understood"),
    ("kelvin for a vitamin", "2132-9", quantity(140, "K/uL"), "unit-not-understood"),
    ("active B12 by mass", "72160-5", quantity(50, "pg/mL", "pg/mL"), "unit-not-understood"),
    ("ceruloplasmin in moles", "2064-4", quantity(3, "umol/L", "umol/L"), "unit-not-understood"),
    ("code and text that differ", "751-8", quantity(4.3, "10*9/L") | {"code": "/uL"}, "unit-not-understood"),
    ("a thousand times too much", "26499-4", quantity(3000, "10*3/uL", "10*3/uL"), "implausible-result"),
    ("below zero", "751-8", quantity(-1, "10*9/L", "10*9/L"), "implausible-result"),
    ("beyond any number", "751-8", quantity(10**30, "10*9/L", "10*9/L"), "implausible-result"),
    ("over a hundred percent", "770-8", quantity(101, "%", "%"), "implausible-result"),
    ("zinc in the wrong unit", "5763-8", quantity(1.52, "mcg/dL", "ug/dL"), "implausible-result"),
    ("an odd comparator", "751-8", quantity(1.2, "10*9/L", "10*9/L", "ad"), "comparator-not-understood"),
    ("no number", "751-8", {"unit": "10*9/L"}, "no-value"),
    ("nothing", "751-8", None, "no-value"),
]


@pytest.mark.parametrize(("code", "value", "reason"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_cannot_be_read_is_a_gap_not_a_guess(code: str, value: Json | None, reason: str) -> None:
    gap = refused(read(observation(code, value)))
    assert gap.reason == reason
    assert gap.observation == "Observation/o1"
    assert not gap.detail


@pytest.mark.parametrize(
    ("low_high", "expected"),
    [(COUNT_RANGE, Decimal("1.2")), (CELLS_RANGE, Decimal("0.0012")), (ODD_RANGE, None), (None, None)],
)
def test_a_missing_unit_follows_from_a_range_with_one_reading(low_high: list[Json] | None, expected: Any) -> None:
    facts = read(observation("751-8", quantity(1.2), referenceRange=low_high))
    if expected is None:
        assert refused(facts).reason == "unit-missing"
        return
    found = only(facts)
    assert found.value
    assert (found.value.number, found.unit, found.unit_inferred) == (expected, "10*9/L", True)


def test_a_missing_unit_follows_from_the_unit_of_its_range() -> None:
    limits = [{"low": quantity(133, "pmol/L", "pmol/L")}]
    found = only(read(observation("14685-2", quantity(140), referenceRange=limits)))
    assert (found.unit, found.unit_inferred) == ("pmol/L", True)


@pytest.mark.parametrize(
    ("comparator", "low", "high"), [("<", 0, "0.1"), ("<=", 0, "0.1"), (">", "0.1", None), (">=", "0.1", None)]
)
def test_a_comparator_is_an_interval(comparator: str, low: Any, high: Any) -> None:
    value = only(read(observation("751-8", quantity(0.1, "10*9/L", "10*9/L", comparator)))).value
    assert value
    assert value.comparator == comparator
    assert value.low == (None if low is None else Decimal(low))
    assert value.high == (None if high is None else Decimal(high))


def test_a_bound_below_what_can_be_measured_is_plausible() -> None:
    assert only(read(observation("2132-9", quantity(5, "pg/mL", "pg/mL", "<")))).value
    assert refused(read(observation("2132-9", quantity(5, "pg/mL", "pg/mL")))).reason == "implausible-result"


def test_the_range_is_converted_with_its_result() -> None:
    limits = [{"low": quantity(1800, "/uL", "/uL"), "high": quantity(7.7, "10*9/L", "10*9/L")}]
    found = only(read(observation("751-8", quantity(1200, "/uL", "/uL"), referenceRange=limits)))
    assert found.range
    assert (found.range.low, found.range.high) == (Decimal("1.8"), Decimal("7.7"))


def test_a_range_of_another_kind_is_left_out() -> None:
    limits = [{"high": {"value": 3}, "type": {"coding": [{"code": "therapeutic"}]}}, *COUNT_RANGE]
    found = only(read(observation("751-8", quantity(1.2, "10*9/L", "10*9/L"), referenceRange=limits)))
    assert found.range
    assert found.range.high == Decimal("7.7")


def test_the_unit_decides_over_the_property_of_the_code_and_a_gap_says_so() -> None:
    facts = read(observation("2132-9", quantity(140, "pmol/L", "pmol/L")))
    assert [r.unit for r in facts.results] == ["pmol/L"]
    assert reasons(facts) == ["unit-differs-from-code"]


def test_a_string_is_no_number() -> None:
    assert refused(read(observation("751-8", valueString="0,5"))).reason == "value-in-words"
    facts = read(observation("751-8", {"value": "0,5", "unit": "10*9/L"}))
    assert refused(facts).reason == "unreadable-resource"


STATUSES = {
    "final": True,
    "amended": True,
    "corrected": True,
    "preliminary": True,
    "registered": False,
    "cancelled": False,
    "entered-in-error": False,
    "unknown": False,
    "bogus": False,
    "Final": False,
    "final ": False,
    "a\nb": False,
}
FHIR = {"registered", "cancelled", "entered-in-error", "unknown"}  # fmt: skip


@pytest.mark.parametrize(("status", "used"), STATUSES.items())
def test_only_usable_statuses_are_used(status: str, used: bool) -> None:
    facts = read(observation("751-8", quantity(1.2, "10*9/L", "10*9/L"), status=status))
    if used:
        assert only(facts).status == status
    else:
        assert refused(facts).reason == (f"status-{status}" if status in FHIR else "status-not-understood")


def test_at_one_time_a_corrected_report_replaces_a_final_one() -> None:
    final = observation("751-8", quantity(1.2, "10*9/L", "10*9/L"))
    corrected = final | {"id": "o2", "status": "corrected", "valueQuantity": quantity(2.2, "10*9/L", "10*9/L")}
    for order in ((final, corrected), (corrected, final)):
        assert [r.reference for r in read(*order).results] == ["Observation/o2"]


def test_the_same_result_twice_is_one() -> None:
    one = observation("751-8", quantity(1.2, "10*9/L", "10*9/L"))
    other = one | {"id": "o2", "valueQuantity": quantity(1200, "/uL", "/uL")}
    assert len(read(one, other).results) == 1
    assert len(read(one, other | {"valueQuantity": quantity(1300, "/uL", "/uL")}).results) == 2


def test_manual_and_automated_counts_of_one_time_both_stay() -> None:
    manual = observation("753-4", quantity(1.0, "10*9/L", "10*9/L"), id="o2")
    facts = read(observation("751-8", quantity(1.2, "10*9/L", "10*9/L")), manual)
    assert {r.method for r in facts.results} == {"manual", "automated"}


def test_loinc_goes_before_a_local_code() -> None:
    local = {("urn:lab", "X"): "wbc"}
    both = {"coding": [{"system": "urn:lab", "code": "X"}, {"system": LOINC, "code": "751-8"}]}
    assert only(read(observation(both, quantity(1.2, "10*9/L", "10*9/L")), local=local)).analyte == "neutrophils"
    alone = coded("X", system="urn:lab")
    assert only(read(observation(alone, quantity(1.2, "10*9/L", "10*9/L")), local=local)).analyte == "wbc"


UNMAPPED = {
    "Neutro abs": "neutrophils", "ANC": "neutrophils", "Absolute Neutrophil Count": "neutrophils",
    "Neutrofielen": "neutrophils", "Neutrophile Granulozyten": "neutrophils", "Neutrophils %": "neutrophils-percent",
    "Leukocyten": "wbc", "Vitamin B12": "vitamin-b12", "Kupfer": "copper",
    "Anti-Neutrofiel Cytoplasmatische Antilichamen": None, "ANCA": None, "Neutrophil antibodies": None,
    "Leukocyten (urine)": None, "Leukocytes CSF": None, "Vitamin B12 binding capacity": None, "Sodium": None,
}  # fmt: skip


@pytest.mark.parametrize(("name", "analyte"), UNMAPPED.items())
def test_a_result_without_known_code_that_looks_like_ours_is_a_gap(name: str, analyte: str | None) -> None:
    facts = read(observation(coded("L17", name, "urn:lab"), quantity(1.2, "10*9/L", "10*9/L")))
    assert not facts.results
    assert [(g.what, g.reason) for g in facts.gaps] == ([(analyte, "unmapped-code")] if analyte else [])
    if analyte:
        assert facts.gaps[0].detail == f"{name} (urn:lab|L17)"


def test_urine_leukocytes_named_like_blood_ones_are_neither_used_nor_a_gap() -> None:
    facts = read(observation(coded("30405-5", "Leukocyten"), quantity(40, "/uL", "/uL")))
    assert not facts.results
    assert not facts.gaps


NOT_NEUTROPHILS = ["74398-9", "20482-6", "30394-1", "35003-3", "51584-1"]


@pytest.mark.parametrize("code", NOT_NEUTROPHILS)
def test_other_cells_are_no_neutrophils(code: str) -> None:
    assert not read(observation(code, quantity(1.2, "10*9/L", "10*9/L"))).results


def test_components_are_results_of_their_own() -> None:
    panel = observation(
        coded("85354-9"),
        component=[
            {"code": coded("8480-6"), "valueQuantity": quantity(88, "mmHg", "mm[Hg]")},
            {"code": coded("8462-4"), "valueQuantity": quantity(50, "mmHg", "mm[Hg]")},
        ],
    )
    assert [(r.analyte, r.value.number) for r in read(panel).results if r.value] == [("systolic", 88)]


BELOW_20 = {"referenceRange": [{"high": {"value": 20}}]}
ANSWERS: list[tuple[str, Json, str | None]] = [
    ("coded", {"valueCodeableConcept": coded("10828004", system=SNOMED)}, "positive"),
    ("coded negative", {"valueCodeableConcept": coded("LA6577-6")}, "negative"),
    ("code over text", {"valueCodeableConcept": coded("260415000", "Detected", SNOMED)}, "negative"),
    ("text", {"valueCodeableConcept": {"text": "Not detected"}}, "negative"),
    ("true", {"valueBoolean": True}, "positive"),
    ("false", {"valueBoolean": False}, "negative"),
    ("word", {"valueString": "POSITIVE"}, "positive"),
    ("words", {"valueString": "Non-reactive"}, "negative"),
    ("sentence", {"valueString": "Antibodies were not detected."}, "negative"),
    ("graded", {"valueString": "Positive (1:80)"}, "positive"),
    ("both", {"valueString": "positive, earlier negative"}, None),
    ("neither", {"valueString": "see comment"}, None),
    ("above its range", {"valueQuantity": {"value": 30}, "referenceRange": [{"high": {"value": 20}}]}, "positive"),
    ("at its limit", {"valueQuantity": {"value": 20}, "referenceRange": [{"high": {"value": 20}}]}, "negative"),
    ("a bound", {"valueQuantity": quantity(5, comparator="<")} | BELOW_20, "negative"),
    ("number without range", {"valueQuantity": {"value": 30}}, None),
]  # fmt: skip


@pytest.mark.parametrize(("value", "answer"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
def test_a_presence_test_is_answered_by_code_word_or_its_own_range(value: Json, answer: str | None) -> None:
    facts = read(observation("31444-3", **value))
    if answer:
        assert only(facts).answer == answer
    else:
        assert refused(facts).reason == "answer-not-understood"


def test_a_smear_that_says_no_is_negative() -> None:
    assert only(read(observation("765-8", valueString="No hypersegmented neutrophils seen"))).answer == "negative"


def test_comments_of_observation_and_specimen_stay_with_the_result() -> None:
    specimen = resource(
        "Specimen", id="s1", note=[{"text": "clotted"}], condition=[{"text": "hemolysed"}],
    )  # fmt: skip
    count = observation(
        "751-8",
        quantity(0.4, "10*9/L", "10*9/L"),
        note=[{"text": "Neutrophil clumps"}],
        specimen={"reference": "Specimen/s1"},
    )
    found = only(read(specimen, count))
    assert found.comments == ("Neutrophil clumps", "clotted", "hemolysed")
    assert found.specimen == "Specimen/s1"


def test_an_observation_contained_in_its_report_is_read_as_the_patients() -> None:
    """operations 40: contained references resolve, and who is meant stands outside."""
    inner = observation("751-8", quantity(0.4, "10*9/L", "10*9/L"), id="o1")
    inner.pop("subject", None), inner.pop("effectiveDateTime", None)
    report = {
        "resourceType": "DiagnosticReport", "id": "r1", "status": "final", "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2026-06-14T08:00:00Z", "result": [{"reference": "#o1"}], "contained": [inner],
    }  # fmt: skip
    (found,) = read(report).results
    assert found.reference == "DiagnosticReport/r1#o1"
    assert found.when and found.when.text == "2026-06-14T08:00:00Z"
    assert read({**report, "subject": {"reference": "Patient/other"}}).results == ()
    (gap,) = read({**report, "contained": [{**inner, "valueQuantity": {"value": "x"}}]}).gaps
    assert (gap.what, gap.reason) == ("neutrophils", "unreadable-resource")


def test_a_note_on_a_contained_specimen_is_a_comment_of_the_result() -> None:
    specimen = {"resourceType": "Specimen", "id": "s", "note": [{"text": "Sample clotted"}]}
    count = observation("751-8", quantity(0.4, "10*9/L", "10*9/L"), specimen={"reference": "#s"}, contained=[specimen])
    (found,) = read(count).results
    assert found.comments == ("Sample clotted",)


def test_a_count_that_cannot_be_read_is_named_by_its_code() -> None:
    (gap,) = read(observation(valueQuantity={"value": "<0.3"})).gaps
    assert (gap.what, gap.reason) == ("neutrophils", "unreadable-resource")


def test_a_value_beside_a_reason_for_its_absence_is_not_used() -> None:
    facts = read(observation("751-8", quantity(4, "10*9/L"), dataAbsentReason={"coding": [{"code": "error"}]}))
    assert facts.results == ()
    assert [(g.what, g.reason) for g in facts.gaps] == [("neutrophils", "no-value")]
