"""The lower limit of the count in the first three days of life, hour by hour.

In: a Case and the moment of a draw. Out: the lowest and the highest limit of all hours that the birth allows. Source:
knowledge H2.13 (Manroe 1979): linear between the points of the knowledge.
"""

from __future__ import annotations

import itertools
from datetime import datetime
from decimal import Decimal

from service.clinical.case import Case
from service.clinical.facts import Moment

SECONDS_PER_HOUR = Decimal(3600)


def limits_at(case: Case, draw: Moment) -> tuple[Decimal, Decimal] | None:
    """(lowest, highest) limit in 10*9/L over the possible hours of age; None without a birth date."""
    birth, curve = case.birth, case.knowledge.newborn_curve
    if birth is None:
        return None
    first, last = _hours(birth.latest, draw.earliest), _hours(birth.earliest, draw.latest)
    first, last = max(first, curve[0][0]), min(max(last, curve[0][0]), curve[-1][0])
    first = min(first, last)
    found = [_limit(curve, first), _limit(curve, last), *(limit for hour, limit in curve if first <= hour <= last)]
    return min(found), max(found)


def _hours(start: datetime, end: datetime) -> Decimal:
    return Decimal(int((end - start).total_seconds())) / SECONDS_PER_HOUR


def _limit(curve: tuple[tuple[Decimal, Decimal], ...], hour: Decimal) -> Decimal:
    """The limit at an hour on the curve, by linear interpolation."""
    for (h0, l0), (h1, l1) in itertools.pairwise(curve):
        if hour <= h1:
            return l0 + (l1 - l0) * (hour - h0) / (h1 - h0)
    return curve[-1][1]
