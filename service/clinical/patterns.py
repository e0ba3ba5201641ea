"""What the counts of weeks and months show: a cycle, an abrupt fall, a severe count that is known and followed;
where the last one stands when something is ordered.

In: a Case. Out: levels of facts. Source: knowledge A6, H1.1, H1.7, H2.17, H4.33.
"""

from __future__ import annotations

import itertools
from datetime import date
from statistics import median

from service.clinical.case import Case
from service.clinical.counts import Reading
from service.clinical.course import exact_counts, fall_percent, is_normal
from service.clinical.grading import GRADE_UNKNOWN, NONE, WORST, alerting, grade, graded, lowest
from service.clinical.scales import UNKNOWN, touched

NO, YES = "no", "yes"


def cyclic(case: Case) -> str:
    """Whether severe troughs, with recoveries between them, come about every three weeks (A6); bounds count too."""
    counts = [(grade(case, r, r.count.value), r.count.value.number, _day(r)) for r in case.readings if r.count]
    known = (c for c in counts if c[0] not in (NONE, GRADE_UNKNOWN))
    runs = [(severe, list(run)) for severe, run in itertools.groupby(known, key=lambda c: c[0] in WORST)]
    troughs = [min(run, key=lambda c: c[1])[2] for severe, run in runs if severe]
    apart = [(later - earlier).days for later, earlier in itertools.pairwise(troughs)]
    return YES if any(case.limit("cycle-from-days") <= d <= case.limit("cycle-to-days") for d in apart) else NO


def abrupt_fall(case: Case) -> str:
    """Whether the count fell by half or more from the last normal one (H4.33)."""
    reading = graded(case)
    now = reading.count.value.high if reading and reading.count else None
    before = next((value for r, value in exact_counts(case) if r is not reading and is_normal(case, r)), None)
    fell = before is not None and now is not None and fall_percent(before, now) >= case.limit("fall-percent")
    return YES if fell else NO


def counted_today(case: Case) -> str:
    """Whether a neutrophil count of the last day is there, preliminary or not (H1.1), by its earliest hour (H5.38)."""
    since = case.as_of - case.hours("fever-hours")
    times = [r.specimen.when.earliest for r in (*case.readings, *case.preliminary) if r.alert]
    return YES if any(time >= since for time in times) else NO


def severe_history(case: Case) -> str:
    """Whether severe counts of months stand behind the present one, which is no worse than they (H1.7)."""
    reading = graded(case)
    before = [(_day(r), value) for r, value in exact_counts(case) if r is not reading and _is_severe(case, r)]
    if reading is None or reading.alert is None or len(before) < case.limit("followed-counts"):
        return NO
    (newest, _), (oldest, _) = before[0], before[-1]
    long = (newest - oldest).days >= case.limit("followed-days") >= (_day(reading) - newest).days
    own = median(earlier for _, earlier in before) * case.limit("followed-percent") / 100
    return YES if long and reading.alert.at_least(own) else NO


def _is_severe(case: Case, reading: Reading) -> bool:
    return bool(reading.count and grade(case, reading, reading.count.value) in WORST)


def _day(reading: Reading) -> date:
    return reading.specimen.when.earliest.date()


def last_count(case: Case) -> str:
    """The lowest reading of the last three months on the scale of the order checks."""
    return lowest(case, "order-count", _of_three_months(case))


def last_count_least(case: Case) -> str:
    """The lowest level of that scale that the readings leave open: "<1.5" may be below 0.5."""
    bands = case.knowledge.scales["order-count"][0].bands
    levels = [touched(r.alert, bands)[0].level for r in alerting(case, _of_three_months(case)) if r.alert]
    return min(levels, key=[band.level for band in bands].index, default=UNKNOWN)


def _of_three_months(case: Case) -> Reading | None:
    return graded(case) if case["count-age"] in ("current", "recent", "old") else None


PATTERNS = {
    "last-count": last_count,
    "last-count-least": last_count_least,
    "cyclic": cyclic,
    "abrupt-fall": abrupt_fall,
    "counted-today": counted_today,
    "severe-history": severe_history,
}
