"""What must hold for every patient: relations between cases, and the safety invariants of the rule base (B9, G6).

Patients are drawn column by column in the language of the tables.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from cells import AS_OF, KNOWLEDGE, facts_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from service.clinical.assess import assess, case_of
from service.clinical.assessment import Assessment
from service.clinical.facts import LabResult, Moment, PatientFacts
from service.clinical.suggestions import COUNT_ORDERS

# Column -> cells to draw from.
CELLS = {
    "age": "45 y 100 d | 70 y 50 d | 8 y 100 d | 8 mo 14 d | unknown",
    "sex": "female | male | unknown",
    "pregnant": "20 wk | yes",
    "neutrophils": "0.1 | 0.4 | 0.5 | 0.8 | 1.2 | 1.6 [1.8-7.7] | 3.0 | "
    "<1.5 | 0.8 @-20d | 0.8 @-60d | 2.4; 0.8 @-28d | 0.8; 2.0 @-5d | 1.2; 1.3 @-120d | 0.3 prelim; 1.6 @-5d",
    "wbc": "2.0 | 4.0",
    "segs %": "20 | 40",
    "b12": "90 | 120 | 150 [140-900] | <200 | 250 | 500 | 1200 | 120 @-28d | 250 @-100d | 500 @-100d | 120 @-400d",
    "active-b12": "20 | 50 | 90",
    "mma": "0.2 | 0.35 | 0.6",
    "homocysteine": "10 | 20",
    "folate": "1.5 | 2.5 | 3.5 | 12 | 2.5 @-100d | 12 @-400d",
    "red-cell-folate": "80 | 200",
    "copper": "10 | 40 | 66 | 78 | 100 | 180 | 40 @-100d",
    "cp": "4 | 15 | 25",
    "urine-copper": "10 | 30 | 60 | 150",
    "zinc": "50 | 65 | 90 | 160",
    "hb": "6.5 | 9.5 | 11.5 | 14",
    "platelets": "15 | 90 | 140 | 220",
    "mcv": "88 | 104 | 97; 88 @-100d",
    "rdw": "14 | 17",
    "hypersegmented-neutrophils": "positive | negative",
    "crp": "3 | 60",
    "egfr": "30 | 90",
    "alt": "30 [0-40] | 90 [0-40]",
    "albumin": "2.5 | 4.0",
    "temperature": "36.8 | 38.5",
    "ferritin": "8 | 60",
    "intrinsic-factor-antibody": "positive | negative",
}
PROBLEMS = (
    "wilson-disease | liver-disease | neuropathy | myelopathy | vegan | hiv | celiac | alcohol-use-"
    "disorder | bariatric-surgery procedure | nitrous-oxide-use recorded -20d | neuropsychiatric | "
    "severe-liver-disease"
)
DRUGS = (
    "vitamin-b12 1 mg/d since -20d | vitamin-b12 since -3d injection administration | folic-acid 5 mg/d "
    "since -20d | copper-supplement 4 mg/d since -20d | zinc-supplement 50 mg/d since -90d | cytotoxic "
    "since -10d administration | clozapine since -60d | methotrexate since -60d | estrogen since -60d | "
    "metformin since -400d"
)
ORDERS = (
    "vitamin-b12 -1d | methylmalonic-acid -1d | intrinsic-factor-antibody -1d | cbc-with-manual-"
    "differential -1d | copper -1d | urine-copper-24h -1d | folate -1d"
)
INDICATORS = ("none", "info", "warning", "critical")
CERTAINTY = ("not-applicable", "not-assessable", "unlikely", "possible", "probable", "established")
quick = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def rows(draw: st.DrawFn) -> dict[str, str]:
    """The cells of one patient."""
    core = draw(st.sets(st.sampled_from(["neutrophils", "b12", "folate", "copper", "cp"]), min_size=2))
    chosen = core | draw(st.sets(st.sampled_from(sorted(CELLS)), max_size=8))
    cells = {name: draw(st.sampled_from(CELLS[name].split(" | "))) for name in sorted(chosen)}
    for name, choices in (("problems", PROBLEMS), ("drugs", DRUGS), ("orders", ORDERS)):
        cells[name] = "; ".join(sorted(draw(st.sets(st.sampled_from(choices.split(" | ")), max_size=2))))
    return {name: cell for name, cell in cells.items() if cell}


def judged(facts: PatientFacts) -> Assessment:
    return assess(facts, KNOWLEDGE, AS_OF)


def conclusions(a: Assessment) -> tuple[object, ...]:
    """What is concluded, without the dates and references that it rests on."""
    nutrients = tuple((n.nutrient, n.status, n.reasons, n.row) for n in a.nutrients)
    return (a.severity, a.course, a.indicator, a.rows, a.emergencies, a.flags, nutrients, a.causes, a.orders, a.options)


def certainty(a: Assessment) -> dict[str, str]:
    return {c.cause: c.certainty for c in a.causes if c.kind == "nutritional"}


@quick
@given(cells=rows(), random=st.randoms(use_true_random=False))
def test_the_order_of_input_changes_nothing(cells: dict[str, str], random: Random) -> None:
    facts = facts_of(cells)
    mixed: dict[str, Any] = {
        name: tuple(random.sample(getattr(facts, name), len(getattr(facts, name))))
        for name in ("results", "problems", "medications", "orders", "gaps")
    }
    assert judged(replace(facts, **mixed)) == judged(facts)


def test_two_results_of_one_id_and_time_are_judged_alike_in_either_order() -> None:
    facts = facts_of({"neutrophils": "0.4; 3.0"})
    twins = tuple(replace(r, reference="Observation/1") for r in facts.results)
    assert judged(replace(facts, results=twins)) == judged(replace(facts, results=twins[::-1]))


@quick
@given(cells=rows())
def test_a_normal_magnesium_changes_nothing(cells: dict[str, str]) -> None:
    """It is listed with the nutrients and in the history, and that is all."""
    a, b = judged(facts_of({**cells, "magnesium mg/dL": "2.0"})), judged(facts_of(cells))
    others = [(replace(x, nutrients=x.nutrients[:-1], history=()), x.nutrients[-1].nutrient) for x in (a, b)]
    assert others[0] == others[1] and others[0][1] == "magnesium"


@quick
@given(cells=rows(), weeks=st.integers(min_value=-8, max_value=8))
def test_moving_all_dates_changes_nothing(cells: dict[str, str], weeks: int) -> None:
    assume("mo" not in cells.get("age", ""))  # calendar months have no common length
    by = timedelta(weeks=weeks)
    moved = assess(moved_by(facts_of(cells), by), KNOWLEDGE, AS_OF + by)
    assert conclusions(moved) == conclusions(judged(facts_of(cells)))


def moved_by(facts: PatientFacts, by: timedelta) -> PatientFacts:
    """The same patient some time later or earlier."""

    def move(moment: Moment | None) -> Moment | None:
        return moment and replace(moment, earliest=moment.earliest + by, latest=moment.latest + by)

    return replace(
        facts,
        birth=move(facts.birth),
        results=tuple(replace(r, when=move(r.when)) for r in facts.results),
        problems=tuple(
            replace(p, onset=move(p.onset), recorded=move(p.recorded), abatement=move(p.abatement))
            for p in facts.problems
        ),
        medications=tuple(replace(m, start=move(m.start), end=move(m.end)) for m in facts.medications),
        orders=tuple(replace(o, authored=move(o.authored)) for o in facts.orders),
    )


@quick
@given(cells=rows(), counts=st.lists(st.decimals("0.01", "6", places=2), min_size=2, max_size=2))
def test_a_lower_count_never_lowers_the_indicator(cells: dict[str, str], counts: list[Decimal]) -> None:
    low, high = (
        judged(facts_of({**cells, "neutrophils": str(count)})).indicator for count in (min(counts), max(counts))
    )
    assert INDICATORS.index(low) >= INDICATORS.index(high)


@quick
@given(cells=rows())
@pytest.mark.parametrize("competitor", ["cytotoxic since -9d administration", "clozapine since -60d"])
def test_a_competitor_never_raises_the_certainty_of_a_nutrient(competitor: str, cells: dict[str, str]) -> None:
    before = certainty(judged(facts_of(cells)))
    after = certainty(judged(facts_of({**cells, "drugs": "; ".join(filter(None, [cells.get("drugs"), competitor]))})))
    assert all(CERTAINTY.index(after[c]) <= CERTAINTY.index(level) for c, level in before.items())


@quick
@given(cells=rows(), stale=st.sampled_from(["b12", "folate", "copper", "cp", "zinc", "mma", "homocysteine"]))
@pytest.mark.parametrize("value", ["10", "100", "1000"])
def test_a_stale_result_never_establishes_a_cause(value: str, cells: dict[str, str], stale: str) -> None:
    before = certainty(judged(facts_of(cells)))
    old = "; ".join(filter(None, [cells.get(stale), f"{value} @-400d"]))
    after = certainty(judged(facts_of({**cells, stale: old})))
    assert not {c for c, level in after.items() if level == "established" and before.get(c) != "established"}


@quick
@given(cells=rows())
def test_the_safety_invariants_hold(cells: dict[str, str]) -> None:
    facts = facts_of(cells)
    a, case = judged(facts), case_of(facts, KNOWLEDGE, AS_OF)
    ordered, status = {o.order for o in a.orders}, {n.nutrient: n.status for n in a.nutrients}
    b12_known = status["vitamin-b12"] == "sufficient" and case["age:vitamin-b12"] == "current"
    b12_treated = any("vitamin-b12" in m.concepts for m in facts.medications)
    wilson = any("wilson-disease" in p.concepts for p in facts.problems) or "wilson-suspected" in a.flags
    assert "folic-acid-replacement" not in ordered or b12_known or b12_treated  # B9.1
    assert "copper-replacement" not in ordered or not wilson  # B9.4
    assert "zinc-replacement" not in ordered or status["copper"] == "sufficient"  # B9.5
    assert not ordered & ({order for o in facts.orders for order in o.orders} - COUNT_ORDERS)  # a count may be due
    assert {o.order for o in a.options} <= ordered
    assert not a.febrile or {o.order for o in a.options} <= {"stop-drug", "leucovorin"}  # B9.8, H1.5
    assert "intrinsic-factor-antibody" not in ordered or status["vitamin-b12"] not in ("indeterminate", "sufficient")
    for nutrient in (n for n in KNOWLEDGE.causal if n.id != "protein-energy"):  # weight and diagnosis tell of it too
        cause = next(c for c in a.causes if c.cause == nutrient.cause)
        tested = {KNOWLEDGE.scales[f][0].analyte for f in nutrient.facts}
        measured = any(r.analyte in tested for r in facts.results)
        assert status[nutrient.id] == "not-assessable" or measured
        assert cause.certainty != "unlikely" or status[nutrient.id] in ("sufficient", "high", "low-other-cause")


SEXES = ["female", "male", "unknown"]
# Fact, analyte, its two units, and values up to which they are drawn in the first one.
CUTS = [
    ("b12", "vitamin-b12", "pg/mL", "pmol/L", 1500),
    ("folate", "folate", "ng/mL", "nmol/L", 20),
    ("red-cell-folate", "red-cell-folate", "ng/mL", "nmol/L", 500),
    ("copper", "copper", "ug/dL", "umol/L", 250),
    ("zinc", "zinc", "ug/dL", "umol/L", 200),
]


@settings(quick, max_examples=150)
@given(part=st.decimals("0.001", "1", places=3), where=st.sampled_from(CUTS), sex=st.sampled_from(SEXES))
def test_a_unit_changes_nothing_but_within_the_rounding_of_its_cut_offs(
    part: Decimal, where: tuple[str, str, str, str, int], sex: str
) -> None:
    fact, analyte, mass, molar, most = where
    value = part * most
    to, factor = KNOWLEDGE.analytes[analyte].conversions[mass]
    assert to == molar
    facts = facts_of({f"{analyte} {mass}": str(value), "sex": sex, "neutrophils": "3.0"})
    cuts = {unit: cuts_of(facts, fact, unit) for unit in (mass, molar)}
    assume(not any(_between(value, a, b / factor) for a, b in zip(cuts[mass], cuts[molar], strict=True)))
    converted = replace(facts, results=tuple(_in_unit(r, analyte, molar, factor) for r in facts.results))
    assert status_of(converted, analyte) == status_of(facts, analyte)


def cuts_of(facts: PatientFacts, fact: str, unit: str) -> list[Decimal]:
    """The cut-offs of the scale that fits a patient in one unit."""
    scale = next(s for s in case_of(facts, KNOWLEDGE, AS_OF).scales_at(fact, AS_OF.date()) if s.unit == unit)
    ends = [b.below if b.below is not None else b.upto for b in scale.bands]
    assert all(a is not None and b is not None and a < b for a, b in pairwise(ends[:-1]))
    return [end for end in ends if end is not None]


def _between(value: Decimal, a: Decimal, b: Decimal) -> bool:
    """Whether a value lies in the gap between two roundings of one cut-off."""
    return min(a, b) * Decimal("0.999") <= value <= max(a, b) * Decimal("1.001")


def _in_unit(result: LabResult, analyte: str, unit: str, factor: Decimal) -> LabResult:
    if result.analyte != analyte or result.value is None:
        return result
    return replace(result, unit=unit, value=result.value.scaled(factor))


def status_of(facts: PatientFacts, analyte: str) -> tuple[str, str]:
    found = judged(facts).nutrients
    nutrient = next(n for n in KNOWLEDGE.nutrients if analyte in {KNOWLEDGE.scales[f][0].analyte for f in n.facts})
    return next((n.status, n.row) for n in found if n.nutrient == nutrient.id)


