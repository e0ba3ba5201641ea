"""Recovery as proof: the count came back after only one nutrient was given (H3.31).

In: a Case and a nutrient. Out: whether the proof holds; every condition of the rule must.
"""

from __future__ import annotations

from datetime import date, timedelta

from service.clinical.case import Case
from service.clinical.counts import Reading
from service.clinical.course import exact_counts, is_low, is_normal
from service.clinical.knowledge.model import Nutrient
from service.clinical.records import ended
from service.clinical.samples import doses


def recovered(case: Case, nutrient: Nutrient) -> bool:
    """Whether the count recovered in the expected window after this repletion and nothing else explains it."""
    if case[f"status:{nutrient.id}"] != "treated" or case["course"] != "recovered" or nutrient.recovery_days is None:
        return False
    start = _start(case, nutrient)
    if start is None:
        return False
    first, last = (start + timedelta(days=d) for d in nutrient.recovery_days)
    nadir = _nadir(case, start)
    normal = [r for r, _ in exact_counts(case) if is_normal(case, r) and first <= _day(r) <= last]
    return bool(
        nadir and normal and _convincing(case, nadir, normal) and _nothing_else(case, nutrient, nadir, normal[-1])
    )


def _start(case: Case, nutrient: Nutrient) -> date | None:
    """The first dose after the deficient sample."""
    sample = case.choose(nutrient.analyte)
    assert sample and sample.when
    starts = [
        d.start.latest.date() for d in doses(case, nutrient) if d.start and d.start.latest >= sample.when.earliest
    ]
    return min(starts, default=None)


def _nadir(case: Case, start: date) -> Reading | None:
    """The lowest count up to the start of treatment and shortly after it."""
    before = [(v, r) for r, v in exact_counts(case) if is_low(case, r) and _day(r) <= start + timedelta(days=7)]
    return min(before, key=lambda pair: pair[0])[1] if before else None


def _convincing(case: Case, nadir: Reading, normal: list[Reading]) -> bool:
    apart = (_day(normal[0]) - _day(normal[-1])).days >= case.limit("recovery-apart-days")
    assert nadir.count
    floor = nadir.count.value.number * case.limit("recovery-factor")
    return apart or any(r.count and r.count.value.number >= floor for r in normal)


def _nothing_else(case: Case, nutrient: Nutrient, nadir: Reading, recovery: Reading) -> bool:
    """No culprit stopped, no infection, no growth factor or steroid, no other nutrient begun."""
    clear = timedelta(days=float(case.limit("recovery-clear-days")))
    since, until = _day(recovery) - clear, _day(recovery)
    groups = case.knowledge.recovery_concepts
    for drug in case.patient.medications:
        begun, end = (drug.start.latest.date() if drug.start else None), ended(drug)
        last = end.latest.date() if end else None
        if drug.concepts & groups["culprits"] and last and since <= last <= until:
            return False
        if drug.concepts & groups["raising"] and (begun is None or begun <= until) and (last is None or last >= since):
            return False
        if drug.concepts & groups["nutrients"] - {nutrient.treatment} and begun and _day(nadir) <= begun <= until:
            return False
    return not _infected(case, _day(nadir))


def _infected(case: Case, nadir: date) -> bool:
    window = timedelta(days=float(case.limit("nadir-infection-days")))
    infections = case.knowledge.recovery_concepts["infections"]
    for problem in case.patient.problems:
        if problem.concepts & infections:
            times = [m.latest.date() for m in (problem.onset, problem.recorded) if m]
            if any(abs(t - nadir) <= window for t in times):
                return True
    return False


def _day(reading: Reading) -> date:
    return reading.specimen.when.earliest.date()
