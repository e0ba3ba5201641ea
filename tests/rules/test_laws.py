"""Laws that hold for every chart that the loaded vocabulary can describe (G6, B9).

Charts are drawn as FHIR from all analytes, concepts and orders of the knowledge, with numbers around its cut-offs:
rules that are added later fall under the laws too. test_properties.py holds more laws, on the patients of the tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import fields, replace
from decimal import Decimal
from random import Random

from cells import KNOWLEDGE, moment
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_alert_burden import Chart, Json, ago, owned, read
from test_properties import CERTAINTY, INDICATORS, certainty, conclusions, judged, quick

from service.cards import cards
from service.clinical.assessment import as_json
from service.clinical.facts import Gap, Medication, Problem
from service.clinical.facts import PatientFacts as Facts
from service.clinical.knowledge.model import Analyte, Row, Unit
from service.clinical.units import converted, plausible_in

thorough = settings(quick, max_examples=100)
ANALYTES, SCALES = KNOWLEDGE.analytes, [scale for scales in KNOWLEDGE.scales.values() for scale in scales]
PAST = [ago(days, hours) for days in (0, 1, 2, 6, 20, 40, 80, 95, 200, 370, 4000) for hours in (None, 3)]
DRAWN = st.sampled_from([*PAST[:4] * 12, *PAST, *[None] * 4])  # most results are of these days
RANDOM = st.randoms(use_true_random=True)  # drawn as a seed; without it they seldom mix
EVER = st.sampled_from([*PAST, ago(-10), None])
NOTES = [""] * 30 + ["Hemolyzed", "neutrophil aggregates seen", "sample clotted", "platelet clumps"]
REASONS = [key.removeprefix("gap.") for key in sorted(KNOWLEDGE.wording) if key.startswith("gap.")]
KEYS = sorted({a.prefetch for a in ANALYTES.values()} | {"conditions", "medications", "orders"})
GAPS = st.builds(Gap, st.sampled_from([*sorted(ANALYTES), *KEYS, "Observation"]), st.sampled_from(REASONS))
EVIDENCE = {n.id: sorted({KNOWLEDGE.scales[fact][0].analyte for fact in n.facts}) for n in KNOWLEDGE.nutrients}
LEADING = [*(n.analyte for n in KNOWLEDGE.nutrients), *(id for ids in EVIDENCE.values() for id in ids)]
HISTORY = KNOWLEDGE.count_analytes | KNOWLEDGE.lineages  # their earlier values are evidence of their own
AGEING = {id: a.ageing_days or a.current_days for id, a in ANALYTES.items() if a.current_days and id not in HISTORY}


def numbers_of(analyte: Analyte) -> Iterator[tuple[str, Decimal]]:
    """(unit, number) around the cut-offs of an analyte, each one plausible."""
    parts = [Decimal(part) for part in ("0.3", "0.7", "0.99", "1", "1.01", "1.6")]
    for unit in sorted({u.unit for u in analyte.units.values()}):
        low, high = plausible_in(analyte, unit) or (Decimal("0.1"), Decimal(100_000))
        bands = [band for s in SCALES if (s.analyte, s.unit) == (analyte.id, unit) for band in s.bands]
        ends = {end for b in bands for end in (b.below, b.upto) if end is not None} or {Decimal(1), Decimal(30)}
        yield from ((unit, n) for n in sorted({end * part for end in ends for part in parts}) if low <= n <= high)


NUMBERS = {a.id: list(numbers_of(a)) for a in ANALYTES.values() if a.kind == "quantity"}


@st.composite
def observations(draw: st.DrawFn, analytes: Iterable[str]) -> Json:
    analyte = ANALYTES[draw(st.sampled_from(sorted(analytes)))]
    found: Json = {
        "resourceType": "Observation",
        "status": draw(st.sampled_from(["final"] * 20 + ["corrected", "amended", "preliminary", "registered"])),
        "code": {"coding": [draw(st.sampled_from([{"system": c.system, "code": c.code} for c in analyte.codes]))]},
        "effectiveDateTime": draw(DRAWN),
        "note": [{"text": draw(st.sampled_from(NOTES))}],
    }
    if analyte.kind == "date":
        return found | {"valueDateTime": draw(st.sampled_from([ago(5), ago(-80), ago(400), "2026", "soon"]))}
    if analyte.kind == "presence":
        return found | {"valueString": draw(st.sampled_from(["positive", "negative"]))}
    unit, number = draw(st.sampled_from(NUMBERS[analyte.id]))
    ends = draw(st.sampled_from([{}] * 9 + [{"low": "0.7", "high": "1.2"}, {"low": "1.2"}, {"high": "0.7"}]))
    limits = {end: {"value": number * Decimal(part), "unit": unit} for end, part in ends.items()}
    comparator = draw(st.sampled_from([None] * 20 + ["<", "<=", ">", ">="]))
    value = {"value": number, "unit": unit, "comparator": comparator}
    return found | {"valueQuantity": value, "referenceRange": [limits] if limits else []}


def concepts(*kinds: str) -> st.SearchStrategy[Json]:
    """A concept of the knowledge by its codes and, without one, by a name."""
    chosen = [c for _, c in sorted(KNOWLEDGE.concepts.items()) if c.kind in kinds]
    coded = [[{"system": system, "code": codes[0]} for system, codes in c.codes.items()] for c in chosen]
    return st.sampled_from([{"coding": k} if k else {"text": c.names[0]} for c, k in zip(chosen, coded, strict=True)])


def resource(kind: str, **fields: st.SearchStrategy[object]) -> st.SearchStrategy[Json]:
    return st.fixed_dictionaries({"resourceType": st.just(kind), **fields})


PROBLEM, DRUG = concepts("condition", "both"), concepts("drug", "both")
ACTIVE, MOTHER = st.just({"coding": [{"code": "active"}]}), st.just({"coding": [{"code": "MTH"}]})
DONE, STATUS = st.just("completed"), st.sampled_from(["active", "active", "completed", "stopped", "on-hold"])
DOSE = st.sampled_from([[{"text": f"{mg} mg daily {by}"}] for mg in ("0.01", "5") for by in ("injection", "gel", "")])
ORDER = st.sampled_from([{"coding": [{"system": o.system, "code": o.code}]} for o in KNOWLEDGE.orders.values()])
LISTED = st.lists(st.integers(1, 3).map(lambda number: {"reference": f"Observation/{number}"}), min_size=1)
REPORT = resource("DiagnosticReport", status=st.just("final"), effectiveDateTime=DRAWN, result=LISTED)
RECORDS = st.one_of(
    resource("Condition", code=PROBLEM, clinicalStatus=ACTIVE, onsetDateTime=EVER, recordedDate=EVER),
    resource("Condition", code=PROBLEM, abatementDateTime=EVER, recordedDate=EVER),
    resource("Procedure", code=PROBLEM, status=DONE, performedDateTime=EVER),
    resource("FamilyMemberHistory", relationship=MOTHER, condition=PROBLEM.map(lambda code: [{"code": code}])),
    resource("ServiceRequest", code=ORDER, status=st.just("active"), authoredOn=EVER),
    *(
        resource(f"Medication{kind}", medicationCodeableConcept=DRUG, status=STATUS, authoredOn=EVER, dosage=DOSE,
                 effectivePeriod=st.fixed_dictionaries({"end": EVER}), dosageInstruction=DOSE)
        for kind in ("Request", "Statement", "Administration")
    ),
)  # fmt: skip
BORN = st.sampled_from([None, *map(ago, (0, 2, 10, 40, 120, 300, 500, 2000, 4400, *range(5600, 48000, 1000)))])


@st.composite
def charts(draw: st.DrawFn) -> Chart:
    """The resources of a patient: counts, nutrients, what stands beside them, and whatever else can be read."""
    found = [draw(resource("Patient", birthDate=BORN, gender=st.sampled_from(["female", "male", "other"])))]
    for among, least in ((["neutrophils"], 1), ([*KNOWLEDGE.lineages, "temperature"], 3), (LEADING, 3), (ANALYTES, 0)):
        found += draw(st.lists(observations(among), min_size=least, max_size=least + 3))
    found += draw(st.lists(RECORDS, max_size=7)) + draw(st.lists(REPORT, min_size=1, max_size=4))
    return [owned(one, str(number) if number else "p") for number, one in enumerate(found)]


PATIENTS = charts().map(read)
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def answered(chart: Chart) -> tuple[Json, str]:
    """Assessment and cards of a chart, without the names that cards get anew each time."""
    found = judged(read(chart))
    return as_json(found), UUID.sub("", repr(cards(found, KNOWLEDGE)))


@thorough
@given(facts=PATIENTS, gaps=st.lists(GAPS, max_size=4), missing=st.frozensets(st.sampled_from(KEYS), max_size=3))
def test_every_chart_is_judged_and_every_gap_is_said(facts: Facts, gaps: list[Gap], missing: frozenset[str]) -> None:
    facts = replace(facts, gaps=(*facts.gaps, *gaps), unavailable=missing)
    found = judged(facts)
    assert set(facts.gaps) | {Gap(key, "not-supplied") for key in missing} <= set(found.gaps)
    assert bool(cards(found, KNOWLEDGE)) is (found.indicator != "none")


@thorough
@given(chart=charts(), random=RANDOM)
def test_the_order_of_resources_changes_neither_assessment_nor_cards(chart: Chart, random: Random) -> None:
    assert answered(chart) == answered(chart[::-1]) == answered(random.sample(chart, len(chart)))


@thorough
@given(chart=charts(), random=RANDOM)
def test_no_spelling_of_a_unit_changes_a_conclusion(chart: Chart, random: Random) -> None:
    respelt = [respelled(one, random) if "valueQuantity" in one else one for one in chart]
    assert conclusions(judged(read(respelt))) == conclusions(judged(read(chart)))


def analyte_of(seen: Json) -> str:
    coding = seen["code"]["coding"][0]
    return KNOWLEDGE.analyte_of[coding["system"], coding["code"]][0]


def respelled(seen: Json, random: Random) -> Json:
    """An Observation with its numbers in another unit that means the same comparison unit, and gives them back."""
    value, own = seen["valueQuantity"], seen["referenceRange"]
    numbers = [value["value"], *(limit["value"] for limits in own for limit in limits.values())]
    units = {s: u for s, u in ANALYTES[analyte_of(seen)].units.items() if u.unit == value["unit"]}

    def turned(number: Decimal, unit: Unit) -> Decimal:
        return number * unit.divisor / unit.factor - unit.offset

    spelling = random.choice([s for s, u in units.items() if all(converted(turned(n, u), u) == n for n in numbers)])

    def again(quantity: Json) -> Json:
        return quantity | {"value": turned(quantity["value"], units[spelling]), "unit": spelling}

    return seen | {"valueQuantity": again(value), "referenceRange": [{k: again(q) for k, q in r.items()} for r in own]}


CORE, CODES = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-", "urn:oid:2.16.840.1.113883.6.238"
GROUPS = [["race", code] for code in ("2106-3", "2054-5", "2028-9", "1002-5")] + [["ethnicity", "2135-2"]]


@thorough
@given(chart=charts(), group=st.sampled_from(GROUPS), word=st.sampled_from(["Okafor", "Nguyen", "Smith", "en"]))
def test_race_ethnicity_name_address_and_language_change_nothing(chart: Chart, group: list[str], word: str) -> None:
    category = {"url": "ombCategory", "valueCoding": {"system": CODES, "code": group[1]}}
    more = {"extension": [{"url": CORE + group[0], "extension": [category]}], "name": [{"family": word}],
            "address": [{"country": word}], "communication": [{"language": {"text": word}}]}  # fmt: skip
    assert answered([chart[0] | more, *chart[1:]]) == answered(chart)


@thorough
@given(chart=charts(), wrong=st.one_of(observations(ANALYTES), observations(LEADING), RECORDS, REPORT))
def test_what_was_entered_in_error_changes_nothing_but_its_gap(chart: Chart, wrong: Json) -> None:
    error = {"coding": [{"code": "entered-in-error"}]}
    wrong |= {"verificationStatus": error} if wrong["resourceType"] == "Condition" else {"status": "entered-in-error"}
    before, after = (judged(read(resources)) for resources in (chart, [*chart, owned(wrong, "error")]))
    kept = tuple(gap for gap in after.gaps if gap.reason != "status-entered-in-error")
    assert as_json(replace(after, gaps=kept)) == as_json(before)


@thorough
@given(facts=PATIENTS, part=st.sampled_from(["0", "0.1", "0.4", "0.8"]), random=RANDOM)
def test_a_lower_count_lowers_the_indicator_of_no_chart(facts: Facts, part: str, random: Random) -> None:
    counts = [r for r in facts.results if r.analyte == "neutrophils" and r.value and r.value.is_exact]
    assume(counts)
    chosen = random.choice(counts)
    lower = replace(chosen, value=chosen.value and chosen.value.scaled(Decimal(part)))
    after = judged(replace(facts, results=tuple(lower if r is chosen else r for r in facts.results)))
    assert INDICATORS.index(after.indicator) >= INDICATORS.index(judged(facts).indicator)


def established(facts: Facts) -> set[str]:
    return {cause for cause, level in certainty(judged(facts)).items() if level == "established"}


@thorough
@given(facts=PATIENTS, days=st.integers(1, 400))
def test_a_stale_result_of_any_analyte_establishes_nothing(facts: Facts, days: int) -> None:
    for id in sorted({r.analyte for r in facts.results} & AGEING.keys()):
        old = moment(f"-{(AGEING[id] or 0) + days}d")
        without = replace(facts, results=tuple(r for r in facts.results if r.analyte != id))
        stale = tuple(replace(r, when=old) for r in facts.results if r.analyte == id)
        assert established(replace(without, results=(*without.results, *stale))) <= established(without)


@settings(quick, max_examples=200)
@given(facts=PATIENTS, how=st.sampled_from([{}, {"when": None}, {"status": "preliminary"}]))
def test_without_a_usable_result_a_nutrient_is_at_most_possible(facts: Facts, how: Json) -> None:
    for nutrient in KNOWLEDGE.nutrients:
        own, composite = EVIDENCE[nutrient.id], KNOWLEDGE.tables["composite"]
        of_it = {nutrient.cause, *(row.then["cause"] for row in composite if f"status:{nutrient.id}" in row.when)}
        kept = [replace(r, **how) if r.analyte in own else r for r in facts.results if how or r.analyte not in own]
        found = judged(replace(facts, results=tuple(kept))).causes
        sure = [c for c in found if CERTAINTY.index(c.certainty) > CERTAINTY.index("possible")]
        assert not [c for c in sure if c.cause in of_it or nutrient.id in c.reasons]


def asked(rows: Iterable[Row]) -> frozenset[str]:
    """The concepts of the chart that rows ask for, through any number of facts."""
    names, seen = [name for row in rows for name in row.when], set[str]()
    while names:
        name = names.pop()
        if name not in seen and name in KNOWLEDGE.facts:
            names += [other for _, when in KNOWLEDGE.facts[name].choices for other in when]
        seen.add(name)
    return frozenset().union(*(KNOWLEDGE.facts[name].concepts for name in seen & KNOWLEDGE.facts.keys()))


STRONG = Row("strong", "certainty", {"strong-competitor": frozenset(["yes"])}, {})
TABLES = [getattr(nutrient, one.name) for nutrient in KNOWLEDGE.nutrients for one in fields(nutrient)]
OF_NUTRIENTS = [row for table in TABLES if isinstance(table, tuple) for row in table if isinstance(row, Row)]
COMPETITORS = sorted(asked([STRONG, *KNOWLEDGE.tables["competing"]]) - asked(OF_NUTRIENTS))


@settings(quick, max_examples=250)
@given(facts=PATIENTS, found=st.frozensets(st.sampled_from(COMPETITORS), min_size=min(6, len(COMPETITORS))))
def test_no_competitor_raises_the_certainty_of_a_nutrient(facts: Facts, found: frozenset[str]) -> None:
    drug, problem = Medication(found, "MedicationRequest/c", "request", "active"), Problem(found, "Condition/c", True)
    more = replace(facts, medications=(*facts.medications, drug), problems=(*facts.problems, problem))
    before, after = certainty(judged(facts)), certainty(judged(more))
    assert all(CERTAINTY.index(level) <= CERTAINTY.index(before[cause]) for cause, level in after.items())
