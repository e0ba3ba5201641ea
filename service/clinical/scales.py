"""Where a value stands among the bands of its scale.

In: an interval and the bands of one scale, in one unit. Out: the band, or that the comparator crosses a cut-off.
Source: knowledge A2 (comparators), B1 (compare in the unit reported), H2.10.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.clinical.facts import LabResult, Range
from service.clinical.interval import Interval
from service.clinical.knowledge.model import Band, Scale

CROSSING = "crossing"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """Where the newest result of an analyte stands; no `band` when nothing was measured or a comparator crosses."""

    fact: str
    level: str
    result: LabResult | None = None
    band: Band | None = None
    scale: Scale | None = None


def touched(value: Interval, bands: tuple[Band, ...]) -> tuple[Band, ...]:
    """The bands that hold at least one value that the interval allows, lowest first."""
    found: list[Band] = []
    for band in bands:
        if _starts_after(value, band):
            continue
        found.append(band)
        if _ends_within(value, band):
            break
    return tuple(found)


def place(value: Interval, bands: tuple[Band, ...]) -> Band | None:
    """The one band of a value; of several on the low side the mildest, on the ok side the first; None when in doubt."""
    found = touched(value, bands)
    if len(found) == 1:
        return found[0]
    sides = {b.side for b in found}
    if sides == {"low"}:
        return found[-1]
    return found[0] if sides == {"ok"} else None


def against_range(value: Interval, limits: Range) -> str | None:
    """below | within | above the laboratory's range; None when the range is one-sided on that side, or in doubt."""
    if limits.low is not None and value.below(limits.low):
        return "below"
    if limits.high is not None and value.above(limits.high):
        return "above"
    low_clear = limits.low is None or value.at_least(limits.low)
    high_clear = limits.high is None or value.at_most(limits.high)
    return "within" if low_clear and high_clear else None


def _starts_after(value: Interval, band: Band) -> bool:
    if band.below is not None:
        return value.at_least(band.below)
    return band.upto is not None and value.above(band.upto)


def _ends_within(value: Interval, band: Band) -> bool:
    if band.below is not None:
        return value.below(band.below)
    return band.upto is None or value.at_most(band.upto)


def depth(found: Finding) -> int:
    """How high a finding's band lies; above all low ones what is not low."""
    if found.scale is None or found.band is None or found.band.side != "low":
        return 100
    return found.scale.bands.index(found.band)
