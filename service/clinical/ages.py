"""Ages by the calendar, so that a first birthday is exactly one year.

In: a birth and a moment. Out: an age in days, months or years; None when the birth is unknown.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from service.clinical.facts import Moment

DAYS_PER_MONTH, DAYS_PER_YEAR = 31, 366


def age_in(unit: str, birth: Moment | None, at: date) -> Decimal | None:
    """The age at a day: completed units and the part begun; unit is d, mo or y. None: unknown, or not yet born."""
    if birth is None or at < birth.earliest.date():
        return None
    born = birth.earliest.date()
    if unit == "d":
        return Decimal((at - born).days)
    months = (at.year - born.year) * 12 + at.month - born.month - (at.day < born.day)
    if unit == "mo":
        begun = at.day - born.day if at.day >= born.day else at.day
        return months + Decimal(begun) / DAYS_PER_MONTH
    years = months // 12
    return years + Decimal(max(0, (at - _birthday(born, years)).days)) / DAYS_PER_YEAR


def _birthday(born: date, years: int) -> date:
    if (born.month, born.day) == (2, 29):
        return date(born.year + years, 3, 1)
    return born.replace(year=born.year + years)


def days_between(earlier: Moment, later: date) -> int:
    """Whole calendar days from a moment (its earliest day) to a day."""
    return (later - earlier.earliest.date()).days


def apart(a: Moment, b: Moment) -> timedelta:
    """The shortest time between two moments of any precision."""
    if a.earliest <= b.latest and b.earliest <= a.latest:
        return timedelta(0)
    return min(abs(a.earliest - b.latest), abs(b.earliest - a.latest))
