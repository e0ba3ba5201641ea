"""The one way from facts to an Assessment. Pure: no clock, no input or output; the order of the facts changes nothing.

In: PatientFacts, Knowledge, an aware datetime. Out: Assessment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from service.clinical.assessment import Advice, Assessment, Count, Evidence, HistoryPoint, SuggestedOrder
from service.clinical.attribution import ATTRIBUTION, causes, evidence, nutrient_status
from service.clinical.case import Case
from service.clinical.chart import CHART, hottest
from service.clinical.course import COURSE
from service.clinical.facts import Gap, PatientFacts
from service.clinical.grading import GRADING, bands_at, graded, lower_reading, newest_preliminary, voided
from service.clinical.knowledge.model import Knowledge, Row
from service.clinical.newborn import limits_at
from service.clinical.patterns import PATTERNS
from service.clinical.person import PERSON
from service.clinical.samples import SAMPLES
from service.clinical.suggestions import HANDLED, options, orders, repeat_ordered
from service.clinical.unread import UNREAD

INDICATORS = ("none", "info", "warning", "critical")


def emergencies(case: Case) -> tuple[Row, ...]:
    """The emergencies of knowledge H1 that fire; the first names the card."""
    return case.all(case.knowledge.tables["emergency"])


DERIVED: Mapping[str, Callable[[Case], str]] = {
    **GRADING,
    **UNREAD,
    **COURSE,
    **CHART,
    **PATTERNS,
    **PERSON,
    "repeat-ordered": repeat_ordered,
    "emergency": lambda case: "yes" if emergencies(case) else "no",
    "clozapine-rules": lambda case: case.knowledge.clozapine,
    "febrile-emergency": lambda case: "yes" if any("febrile" in row.then for row in emergencies(case)) else "no",
}
PREFIXED: Mapping[str, Callable[[Case, str], str]] = {**SAMPLES, **ATTRIBUTION, **HANDLED}


def case_of(facts: PatientFacts, knowledge: Knowledge, as_of: datetime) -> Case:
    """The case on which facts are asked one by one."""
    return Case(facts, knowledge, as_of, DERIVED, PREFIXED)


def assess(facts: PatientFacts, knowledge: Knowledge, as_of: datetime) -> Assessment:
    """Everything that the knowledge concludes from the facts at that instant."""
    return conclude(case_of(facts, knowledge, as_of))


def conclude(case: Case) -> Assessment:
    """The same of a case, whose facts others may have asked already."""
    raised, emergency = _raised(case), emergencies(case)
    suggested = orders(case) if raised or emergency else ()
    beside = raised[0].then["indicator"] if raised else "none"
    return Assessment(
        subject=case.patient.subject, as_of=case.as_of,
        version=case.knowledge.version, profile=case.knowledge.profile,
        count=_graded_count(case),
        severity=case["severity"],
        severity_band=_severity_band(case),
        limit=_limit(case),
        course=case["course"],
        indicator="critical" if emergency else beside,
        rows=tuple(r.id for r in emergency + raised),
        emergencies=tuple(row.id for row in emergency),
        febrile=case["febrile-emergency"] == "yes",
        beside=beside,
        flags=_flags(case),
        nutrients=tuple(nutrient_status(case, n) for n in case.knowledge.nutrients),
        causes=causes(case),
        orders=suggested,
        options=options(case, _treated_now(case, suggested)),
        advice=_advice(case) if raised or emergency else (),
        lineages=tuple(_lineages(case)),
        lower=lower_reading(case),
        ungraded=_ungraded(case),
        history=tuple(_history(case)),
        gaps=_gaps(case),
    )  # fmt: skip


def _treated_now(case: Case, suggested: tuple[SuggestedOrder, ...]) -> tuple[SuggestedOrder, ...]:
    """Orders whose treatment is said: in a febrile emergency its own alone (H1.5)."""
    return tuple(o for o in suggested if o.group == "emergency" or case["febrile-emergency"] == "no")


def _advice(case: Case) -> tuple[Advice, ...]:
    """What can be handed to the patient; a sentence stands once."""
    rows = {row.then["text"]: row for row in reversed(case.all(case.knowledge.tables["advice"]))}
    return tuple(Advice(row.id, text, row.citation) for text, row in reversed(rows.items()))


def _raised(case: Case) -> tuple[Row, ...]:
    """The indicator rows that match, most urgent first, then in the order of the knowledge."""
    rows = case.all(case.knowledge.tables["indicator"])
    return tuple(sorted(rows, key=lambda r: -INDICATORS.index(r.then["indicator"])))


def _graded_count(case: Case) -> Count | None:
    reading = graded(case)
    return reading.count if reading and case["severity"] != "not-assessable" else None


def _ungraded(case: Case) -> Count | None:
    """The newest count that only alerts or is too old to be graded."""
    preliminary = newest_preliminary(case)
    if preliminary and preliminary.count and preliminary is not graded(case):
        return preliminary.count
    if case["severity"] != "not-assessable":
        return None
    void, reading = voided(case), graded(case)
    if void is None or void.voided is None:
        return reading.count if reading else None
    used = tuple(r.reference for r in void.specimen.results.get("neutrophils", ()))
    return Count(void.voided, void.specimen.when, "measured", tuple(sorted(used)), "final")


def _severity_band(case: Case) -> str:
    reading = graded(case)
    if reading is None or case["severity"] == "not-assessable":
        return ""
    bands = bands_at(case, "grade", reading.specimen.when)
    return next((b.label for b in bands if b.level == case["severity"]), "")


def _limit(case: Case) -> Decimal | None:
    """The lower limit of the count at the age of the draw."""
    reading = graded(case)
    if reading is None:
        return None
    bands = bands_at(case, "grade", reading.specimen.when)
    if bands[-1].side != "ok":  # the first days of life
        hours = limits_at(case, reading.specimen.when)
        return hours[1] if hours else None
    return next(b.below for b in reversed(bands) if b.side == "low")


def _flags(case: Case) -> tuple[str, ...]:
    """The flags of the rows that match, of the graded reading and of the gaps, sorted."""
    rows = case.all(case.knowledge.tables["flag"]) + emergencies(case)[:1]
    flags = {str(r.then["flag"]) for r in rows if "flag" in r.then}
    reading = graded(case)
    if reading and case["severity"] != "not-assessable":
        flags |= reading.flags
    if case["pseudoneutropenia"] == "yes":
        flags.add("pseudoneutropenia")
    if case["discrepant"] == "yes":
        flags.add("discrepant-anc")
    if any(g.reason == "implausible-result" for g in case.patient.gaps):
        flags.add("implausible-result")
    if any(case[f"conflict:{n.analyte}"] == "yes" for n in case.knowledge.nutrients):
        flags.add("conflicting-results")
    return tuple(sorted(flags))


def _lineages(case: Case) -> Iterator[Evidence]:
    found = [evidence(case.knowledge, case.finding(fact)) for fact in case.knowledge.shown_facts]
    yield from (e for e in (*found, evidence(case.knowledge, hottest(case))) if e)


def _history(case: Case) -> Iterator[HistoryPoint]:
    """Exact results that a chart shows, oldest first: the count, other lineages, nutrients."""
    points = [
        HistoryPoint("neutrophils", r.count.when, r.count.value.number, "10*9/L", r.count.observations[0])
        for r in case.readings if r.count and r.count.value.is_exact
    ]  # fmt: skip
    for analyte in sorted({"hemoglobin", "platelets", "mcv"} | {n.analyte for n in case.knowledge.nutrients}):
        for result in case.results.get(analyte, ()):
            if result.when and result.value and result.value.is_exact:
                points.append(HistoryPoint(analyte, result.when, result.value.number, result.unit, result.reference))
    yield from sorted(points, key=lambda p: (p.analyte, p.when.earliest, p.observation))


def _not_looked_at(case: Case) -> Iterator[Gap]:
    """What a low count makes worth knowing and nobody recorded: other lineages (H2.17), a temperature (H5.39)."""
    if case["count-low"] != "yes":
        return
    looked_at = {"hemoglobin": case["hemoglobin"], "platelets": case["platelet-level"]}
    yield from (Gap(analyte, "not-measured") for analyte, level in looked_at.items() if level == "unknown")
    if case["fever"] == "not-recorded" and case["alert-grade"] in ("moderate", "severe", "very-severe"):
        day = last.when if (last := case.newest("temperature")) else None
        yield Gap("temperature", "stale" if day else "not-measured", detail=day.text if day else "", when=day)


def _gaps(case: Case) -> tuple[Gap, ...]:
    """Gaps of reading, of the readings of the count, and what is not known of the patient; once each, sorted."""
    found = dict.fromkeys(case.patient.gaps)
    newest = next((r for r in case.readings if r.count), None)
    for reading in case.readings:
        if reading is newest or reading.count is None:
            found.update(dict.fromkeys(reading.gaps))
    if case.birth is None and (case.readings or case.preliminary):
        found[Gap("patient", "age-unknown")] = None
    found.update((Gap(key, "not-supplied"), None) for key in case.patient.unavailable)
    clumped = (Gap(r.analyte, "clumped-or-old-sample", r.reference, when=r.when) for r in case.clumped)
    found.update((gap, None) for gap in clumped)
    found.update((gap, None) for gap in _not_looked_at(case))
    return tuple(sorted(found, key=lambda g: (g.what, g.reason, g.observation or "", g.detail)))
