"""How the count moved over time.

In: a Case. Out: levels of the facts `course`, `falling`, `falling-by-half`, `borderline-fall`. Source: knowledge H2.14,
H2.16, H2.20. Recovery after treatment: service.clinical.recovery.
"""

from __future__ import annotations

from decimal import Decimal
from statistics import median

from service.clinical.case import Case
from service.clinical.counts import Reading
from service.clinical.grading import ORDER, grade, graded

HUNDRED = Decimal(100)


def exact_counts(case: Case) -> list[tuple[Reading, Decimal]]:
    """Final readings that are one number, newest first."""
    return [(r, r.count.value.number) for r in case.readings if r.count and r.count.value.is_exact]


def is_low(case: Case, reading: Reading) -> bool:
    """Whether a reading was below the limit of its age."""
    return bool(reading.count and grade(case, reading, reading.count.value) not in ("normal", "none"))


def is_normal(case: Case, reading: Reading) -> bool:
    """Whether a reading was at or above the limit of its age."""
    return bool(reading.count and grade(case, reading, reading.count.value) == "normal")


def course(case: Case) -> str:
    """chronic | intermittent | recovered | acute | unknown (H2.16)."""
    readings = [r for r in case.readings if r.count]
    if not readings or case["count-age"] not in ("current", "recent"):
        return "unknown"
    newest, low = readings[0], [r for r in readings if is_low(case, r)]
    if not low:
        return "unknown"
    if is_normal(case, newest):
        return "recovered" if _days(low[0], newest) <= case.limit("recovered-days") else "unknown"
    if case["cyclic"] == "yes" or (low[1:] and _sustained_normal(case, readings, low[-1], newest)):
        return "intermittent"
    if _days(low[-1], newest) >= case.limit("chronic-days"):
        return "chronic"
    before = next((r for r in readings[readings.index(low[-1]) :] if is_normal(case, r)), None)
    return "acute" if before and _days(before, newest) <= case.limit("acute-days") else "unknown"


def _sustained_normal(case: Case, readings: list[Reading], earlier: Reading, later: Reading) -> bool:
    """Two consecutive normal counts far enough apart between two low ones."""
    between = readings[readings.index(later) + 1 : readings.index(earlier)]
    apart = case.limit("normals-apart-days")
    run: list[Reading] = []
    for reading in between:
        run = [*run, reading] if is_normal(case, reading) else []
        if run and _days(run[-1], run[0]) >= apart:
            return True
    return False


def falling(case: Case) -> str:
    """A fall by half within a week, or to a lower grade within a month by the same method (H2.14)."""
    return "yes" if _falls(case, by_half_only=False) else "no"


def falling_by_half(case: Case) -> str:
    """A fall by half within a week."""
    return "yes" if _falls(case, by_half_only=True) else "no"


def _falls(case: Case, *, by_half_only: bool) -> bool:
    reading = graded(case)
    if reading is None or reading.count is None or not reading.count.value.is_exact:
        return False
    now = reading.count.value.number
    earlier = [(r, v) for r, v in exact_counts(case) if r.specimen.when.latest < reading.specimen.when.latest]
    if any(_by_half(case, r, v, reading, now) for r, v in earlier):
        return True
    return not by_half_only and any(_by_grade(case, r, v, reading, now) for r, v in earlier)


def _by_half(case: Case, before: Reading, was: Decimal, after: Reading, now: Decimal) -> bool:
    within = _days(before, after) <= case.limit("fall-days")
    return within and fall_percent(was, now) >= case.limit("fall-percent")


def _by_grade(case: Case, before: Reading, was: Decimal, after: Reading, now: Decimal) -> bool:
    assert before.count and after.count
    within = _days(before, after) <= case.limit("grade-fall-days")
    same_method = before.count.derivation == after.count.derivation
    far = fall_percent(was, now) >= case.limit("grade-fall-percent") and was - now >= case.limit("grade-fall-absolute")
    lower = ORDER.index(grade(case, after, after.count.value)) > ORDER.index(grade(case, before, before.count.value))
    return within and same_method and far and lower


def borderline_fall(case: Case) -> str:
    """Whether the count is at most half of the patient's own median (H2.20)."""
    counts = exact_counts(case)
    if len(counts) <= 1:
        return "no"
    own = median(v for _, v in counts[1:])
    return "yes" if fall_percent(own, counts[0][1]) >= case.limit("borderline-fall-percent") else "no"


def fall_percent(was: Decimal, now: Decimal) -> Decimal:
    return (was - now) * HUNDRED / was if was else Decimal(0)


def _days(earlier: Reading, later: Reading) -> int:
    return (later.specimen.when.earliest.date() - earlier.specimen.when.earliest.date()).days


COURSE = {"course": course, "falling": falling, "falling-by-half": falling_by_half, "borderline-fall": borderline_fall}
