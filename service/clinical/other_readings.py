"""What else one specimen says of its neutrophils: other reports, the calculated count, cells that are none.

In: a specimen and the value that was chosen. Out: readings that differ, for safety alerts. Source: knowledge A1, H2.9,
H6.44.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from service.clinical.facts import LabResult
from service.clinical.interval import Interval
from service.clinical.specimens import STATUS_RANK, Specimen

HUNDRED = Decimal(100)
PRECURSORS = ("metamyelocytes", "myelocytes", "promyelocytes")
Limits = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class OtherReadings:
    """Each is None when there is none, or when it agrees with the chosen value."""

    calculated: Interval | None  # white cells x percent, far from the measured count
    conflicting: Interval | None  # another report of the same rank
    without_immature: Interval | None
    without_nucleated: Interval | None  # white cells corrected for nucleated red cells

    @property
    def lower(self) -> tuple[Interval, ...]:
        """All of them, to take the lowest."""
        found = (self.calculated, self.conflicting, self.without_immature, self.without_nucleated)
        return tuple(i for i in found if i)


def other_readings(
    specimen: Specimen, value: Interval, used: tuple[LabResult, ...], calculated: Interval | None, limits: Limits
) -> OtherReadings:
    """The other readings of a specimen beside the chosen value and the results that it rests on."""
    return OtherReadings(
        calculated=calculated if calculated and _differs(value, calculated, limits["counts-differ-percent"]) else None,
        conflicting=_conflicting(specimen, value, used, limits),
        without_immature=_without_immature(specimen, value, used, limits),
        without_nucleated=_without_nucleated(specimen, value, used, limits),
    )


def _differs(value: Interval, other: Interval, percent: Decimal) -> bool:
    """Whether another count is further away than the limit, or outside what a bound allows."""
    if value.is_exact and other.is_exact:
        high, low = max(value.number, other.number), min(value.number, other.number)
        return (high - low) * HUNDRED > percent * high
    if other.is_exact:
        return value.above(other.number) or value.below(other.number)
    return value.is_exact and (other.above(value.number) or other.below(value.number))


def _conflicting(
    specimen: Specimen, value: Interval, used: tuple[LabResult, ...], limits: Limits
) -> Interval | None:
    """Of equal reports of the same analyte the lowest that is far from the chosen one (H6.44)."""
    chosen = used[0]
    rank = (chosen.method, STATUS_RANK[chosen.status])
    reports = (r for r in specimen.results[chosen.analyte] if r is not chosen)
    equals = [r.value for r in reports if r.value and (r.method, STATUS_RANK[r.status]) == rank]
    far = [v for v in equals if len(used) == 1 and _differs(value, v, limits["results-conflict-percent"])]
    return min(far, key=lambda i: (i.high is None, i.high)) if far else None


def _without_immature(
    specimen: Specimen, value: Interval, used: tuple[LabResult, ...], limits: Limits
) -> Interval | None:
    """The count less the immature granulocytes that an analyzer may have taken for neutrophils (H2.9)."""
    if not value.is_exact or used[0].method == "manual":
        return None
    immature = _immature(specimen, limits)
    return None if immature is None else Interval.exact(max(Decimal(0), value.number - immature))


def _immature(specimen: Specimen, limits: Limits) -> Decimal | None:
    """Cells that an analyzer may have counted as neutrophils, 10*9/L."""
    absolute, wbc = specimen.first("immature-granulocytes"), specimen.first("wbc")
    if absolute and absolute.value:
        return absolute.value.number
    if wbc is None or wbc.value is None:
        return None
    share = specimen.first("immature-granulocytes-percent")
    if share and share.value:
        return wbc.value.number * share.value.number / HUNDRED
    found = (specimen.first(f"{cell}-percent") for cell in PRECURSORS)
    precursors = sum((p.value.number for p in found if p and p.value), Decimal(0))
    return wbc.value.number * precursors / HUNDRED if precursors >= limits["precursors-percent"] else None


def _without_nucleated(
    specimen: Specimen, value: Interval, used: tuple[LabResult, ...], limits: Limits
) -> Interval | None:
    """The count with the white cells corrected for nucleated red cells that the analyzer counted among them (A1)."""
    nrbc = specimen.first("nrbc-percent")
    if nrbc is None or nrbc.value is None or not any(r.analyte == "wbc" for r in used):
        return None
    share = nrbc.value.number
    return value.scaled(HUNDRED / (HUNDRED + share)) if share >= limits["nrbc-per-100-white-cells"] else None
