"""Which count is graded, how it is graded, and what else the counts say.

In: a Case. Out: levels of the count's facts. Source: knowledge A3, H2.10-16, H2.20, H6.53.
"""

from __future__ import annotations

from service.clinical.ages import days_between
from service.clinical.case import Case
from service.clinical.counts import Reading
from service.clinical.facts import Moment
from service.clinical.interval import Interval
from service.clinical.knowledge.model import Band
from service.clinical.newborn import limits_at
from service.clinical.once import once
from service.clinical.scales import UNKNOWN, against_range, place, touched

NONE, BY_THE_HOUR = "none", "by-the-hour"
GRADE_UNKNOWN = "neutropenia-grade-unknown"
NOT_ASSESSABLE = "not-assessable"
MILDEST = frozenset(["mild", "low-for-age"])
WORST = frozenset(["severe", "very-severe"])
# From the best to the worst; `none` where no limit is known. An unknown grade stands where it does for comparing only.
ORDER = (NONE, "normal", "borderline", GRADE_UNKNOWN, "low-for-age", "mild", "moderate", "severe", "very-severe")


@once
def graded(case: Case) -> Reading | None:
    """The reading that severity rests on: the newest final one; without one in time, a low preliminary one (H6.53)."""
    newest = next((r for r in case.readings if r.count), None)
    if newest is not None and _days(case, newest) <= case.limit("count-old-days"):
        return newest
    preliminary = newest_preliminary(case)
    if preliminary and preliminary.count and grade(case, preliminary, preliminary.count.value) in ("moderate", *WORST):
        return preliminary
    return newest


@once
def voided(case: Case) -> Reading | None:
    """The newest draw when its comment voids it: a newer usable one makes it history."""
    newest = next((r for r in case.readings if r.count or r.voided), None)
    fresh = newest is not None and _days(case, newest) <= case.limit("count-recent-days")
    return newest if newest and newest.voided and fresh else None


@once
def newest_preliminary(case: Case) -> Reading | None:
    """A preliminary reading that is newer than every final one, and current."""
    found = next((r for r in case.preliminary if r.count), None)
    if found is None or _days(case, found) > case.limit("count-recent-days"):
        return None
    final = next((r.specimen.when for r in case.readings if r.count or r.voided), None)
    return found if final is None or final.latest < found.specimen.when.latest else None


def grade(case: Case, reading: Reading, value: Interval) -> str:
    """The grade of a value at the age of its draw (H2.10: the mildest grade that the whole interval allows)."""
    found = touched(value, bands_at(case, "grade", reading.specimen.when))
    if found[-1].level == BY_THE_HOUR:
        return _by_the_hour(case, reading, value)
    if len(found) == 1:
        return found[0].level
    if any(b.side == "ok" for b in found):
        return GRADE_UNKNOWN
    mildest = found[-1].level
    return GRADE_UNKNOWN if mildest in MILDEST and any(b.level in WORST for b in found) else mildest


def _by_the_hour(case: Case, reading: Reading, value: Interval) -> str:
    """The grade below 72 h; `none` when the possible hours of age allow no answer (H2.13)."""
    limits = limits_at(case, reading.specimen.when)
    if limits and value.at_least(limits[1]):
        return "normal"
    return "low-for-age" if limits and value.below(limits[0]) else NONE


def bands_at(case: Case, fact: str, when: Moment) -> tuple[Band, ...]:
    """The bands of a scale of the count at the age of a draw; below the first group that has limits, none."""
    at = when.earliest.date()
    return next((s.bands for s in case.scales_at(fact, at)), ())


def severity(case: Case) -> str:
    """The severity word of the Assessment."""
    reading = graded(case)
    if reading is None or reading.count is None or _ungraded_newborn(case, reading):
        return NOT_ASSESSABLE
    if case["count-age"] not in ("current", "recent"):
        return NOT_ASSESSABLE
    level = grade(case, reading, reading.count.value)
    return "borderline" if level == "normal" and _below_range(reading) else level


def _below_range(reading: Reading) -> bool:
    result = reading.specimen.first("neutrophils")
    return bool(result and result.range and result.value and against_range(result.value, result.range) == "below")


def _ungraded_newborn(case: Case, reading: Reading) -> bool:
    """Whether the limit depends on an hour of birth or a gestation that is not known, or on prematurity (H2.13)."""
    day = reading.specimen.when.earliest.date()
    small = case["birth-weight-level"] == "very-low" and case.level_at("count-age-group", day) != "below-72-hours"
    if case["preterm"] == "yes" and not small and case.level_at("referral-age", day) == "newborn":
        return True
    return bool(reading.count and grade(case, reading, reading.count.value) == NONE)


def count_age(case: Case) -> str:
    """How old the newest usable count is (H2.15)."""
    reading = graded(case)
    if reading is None:
        return NONE
    days = _days(case, reading)
    for level in ("current", "recent", "old", "history"):
        if days <= case.limit(f"count-{level}-days"):
            return level
    return "older"


def alert_grade(case: Case) -> str:
    """The grade of the lowest reading of the graded specimen and of those that may be of the same time, for alerts."""
    reading = graded(case)
    if reading is None or reading.alert is None or case["severity"] == NOT_ASSESSABLE:
        return NONE
    readings = [reading, *_of_the_same_time(case, reading)]
    lower = [grade(case, r, r.alert) for r in readings if r.alert]
    return max([*lower, case["severity"]], key=ORDER.index)


def lower_reading(case: Case) -> Interval | None:
    """The lowest reading of the graded time when it is of a worse grade; None when the readings agree."""
    reading = graded(case)
    if reading is None or case["alert-grade"] in (NONE, case["severity"]):
        return None
    alerts = [r.alert for r in (reading, *_of_the_same_time(case, reading)) if r.alert]
    return min(alerts, key=lambda i: (i.high is None, i.high))


def _of_the_same_time(case: Case, reading: Reading) -> list[Reading]:
    """Readings whose times overlap that of a reading, because one of them has a date without a time (H5.38)."""
    when = reading.specimen.when
    return [
        r for r in case.readings
        if r is not reading and r.specimen.when.earliest <= when.latest and when.earliest <= r.specimen.when.latest
    ]  # fmt: skip


def ungraded_grade(case: Case) -> str:
    """The grade that a count too old to be graded had."""
    reading = graded(case)
    if reading is None or reading.count is None or case["severity"] != NOT_ASSESSABLE:
        return NONE
    if _ungraded_newborn(case, reading):
        return NONE
    return grade(case, reading, reading.count.value)


def provisional_grade(case: Case) -> str:
    """The grade of a preliminary count that is newer than the final ones."""
    reading = newest_preliminary(case)
    return grade(case, reading, reading.count.value) if reading and reading.count else NONE


def discrepant(case: Case) -> str:
    """Whether two readings of the graded specimen fall in different grades (A1, H2.9)."""
    reading = graded(case)
    if reading is None or reading.count is None or reading.alert is None or case["severity"] == NOT_ASSESSABLE:
        return "no"
    level = grade(case, reading, reading.count.value)
    others = [i for i in (reading.alert, reading.differs) if i]
    return "yes" if any(grade(case, reading, i) != level for i in others) else "no"


def fever_count(case: Case) -> str:
    """The lowest current reading on the scale of the fever rules."""
    return lowest(case, "fever-grade", graded(case))


def alerting(case: Case, newest: Reading | None) -> list[Reading]:
    """A reading and those beside it; preliminary ones alert too."""
    readings = [newest, newest_preliminary(case), *(_of_the_same_time(case, newest) if newest else ())]
    return [r for r in readings if r and r.alert]


def lowest(case: Case, fact: str, newest: Reading | None) -> str:
    """The worst level of a reading and those beside it."""
    levels = [_on(case, fact, r.alert) for r in alerting(case, newest) if r.alert]
    *low, best = (band.level for band in case.knowledge.scales[fact][0].bands)
    return min(levels, key=[*low, "crossing", best].index, default=UNKNOWN)


def newborn_ungraded(case: Case) -> str:
    """Whether a count is there that an hour-specific or gestational range would have to judge."""
    reading = graded(case)
    fresh = case["count-age"] in ("current", "recent")
    return "yes" if reading and reading.count and fresh and _ungraded_newborn(case, reading) else "no"


def newborn_count(case: Case) -> str:
    """The count of a newborn on the scale that alerts without grading."""
    reading = graded(case)
    return _on(case, "newborn-alert", reading.alert) if reading and reading.alert else UNKNOWN


def voided_count(case: Case) -> str:
    """What a clumped or old sample showed; `none` when the newest draw is not void."""
    reading = voided(case)
    return _on(case, "newborn-alert", reading.voided) if reading and reading.voided else NONE


def pseudoneutropenia(case: Case) -> str:
    """Whether the newest draw is void by its comment."""
    return "no" if case["voided-count"] == NONE else "yes"


def _on(case: Case, fact: str, value: Interval) -> str:
    band = place(value, case.knowledge.scales[fact][0].bands)
    return band.level if band else "crossing"


def unrepeated(case: Case) -> str:
    """Whether the graded count is older than the hours in which a severe one is repeated (H2.15)."""
    reading = graded(case)
    old = reading and reading.specimen.when.latest < case.as_of - case.hours("repeat-hours")
    return "yes" if old and case["count-age"] in ("current", "recent") else "no"


def left_shift(case: Case) -> str:
    """Whether the laboratory reports bands above the segmented cells, or marks them high."""
    reading = graded(case)
    if reading is None:
        return "no"
    bands, segmented = reading.specimen.first("bands-percent"), reading.specimen.first("segmented-percent")
    high = bool(bands and bands.value and bands.range and against_range(bands.value, bands.range) == "above")
    more = bool(bands and segmented and bands.value and segmented.value and bands.value.number > segmented.value.number)
    return "yes" if high or more else "no"


def _days(case: Case, reading: Reading) -> int:
    return days_between(reading.specimen.when, case.today)


GRADING = {
    "severity": severity,
    "count-age": count_age,
    "alert-grade": alert_grade,
    "ungraded-grade": ungraded_grade,
    "provisional-grade": provisional_grade,
    "discrepant": discrepant,
    "fever-count": fever_count,
    "newborn-ungraded": newborn_ungraded,
    "newborn-count": newborn_count,
    "voided-count": voided_count,
    "pseudoneutropenia": pseudoneutropenia,
    "count-unrepeated": unrepeated,
    "left-shift": left_shift,
}
