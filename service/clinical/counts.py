"""The absolute neutrophil count of one specimen, and what speaks against it.

In: the results of one specimen. Out: a Reading: the count with its derivation, the lower value that safety alerts use,
flags and gaps. Source: knowledge A1, H2.8-H2.11. All numbers come from the knowledge's `limits`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from service.clinical.assessment import Count
from service.clinical.comments import is_void
from service.clinical.facts import Gap, LabResult
from service.clinical.interval import Interval
from service.clinical.other_readings import other_readings
from service.clinical.specimens import Specimen

HUNDRED = Decimal(100)
OTHERS = ("lymphocytes", "monocytes", "eosinophils", "basophils")
COUNT_ANALYTES = frozenset(
    ["neutrophils", "neutrophils-percent", "segmented", "segmented-percent", "bands", "bands-percent"]
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one specimen says of the neutrophils; no `count` when nothing can be graded, `alert` never exceeds it."""

    specimen: Specimen
    count: Count | None
    alert: Interval | None = None  # for safety alerts: the lower of two readings (A1, H2.9)
    flags: frozenset[str] = frozenset()
    gaps: tuple[Gap, ...] = ()
    voided: Interval | None = None  # what a clumped or old sample showed (H2.8)
    differs: Interval | None = None  # the calculated count, when it is far from the measured one (A1)


@dataclass(frozen=True, slots=True)
class _Derived:
    value: Interval
    derivation: str
    used: tuple[LabResult, ...]
    flags: frozenset[str] = frozenset()
    gap: str | None = None


def read_count(specimen: Specimen, limits: Mapping[str, Decimal]) -> Reading | None:
    """The count of a specimen, or None when it holds no neutrophil result at all."""
    if not COUNT_ANALYTES & specimen.results.keys():
        return None
    direct, calculated = _direct(specimen), _calculated(specimen, limits)
    derived = direct or calculated
    if derived is None:
        return Reading(specimen, None, gaps=(_gap(specimen, "no-white-cell-count"),))
    if _exceeds_white_cells(derived, specimen, limits):
        return Reading(
            specimen, None, flags=frozenset(["implausible-result"]), gaps=(_gap(specimen, "exceeds-white-cells"),)
        )
    if is_void(derived.used, limits):
        flags = frozenset(["pseudoneutropenia"])
        return Reading(
            specimen, None, flags=flags, gaps=(_gap(specimen, "clumped-or-old-sample"),), voided=derived.value
        )
    return _reading(specimen, derived, calculated if direct else None, limits)


def _reading(
    specimen: Specimen, derived: _Derived, calculated: _Derived | None, limits: Mapping[str, Decimal]
) -> Reading:
    status = min((r.status for r in derived.used), key=["preliminary", "final", "amended", "corrected"].index)
    references = tuple(sorted({r.reference for r in derived.used}))
    count = Count(derived.value, specimen.when, derived.derivation, references, status)
    others = other_readings(specimen, derived.value, derived.used, calculated.value if calculated else None, limits)
    flags = derived.flags | ({"unit-inferred"} if any(r.unit_inferred for r in derived.used) else set())
    flags |= {"conflicting-results"} if others.conflicting else set()
    gaps: tuple[Gap, ...] = () if derived.gap is None else (_gap(specimen, derived.gap),)
    if others.without_nucleated:
        gaps += (_gap(specimen, "nucleated-red-cells"),)
    alert = min([derived.value, *others.lower], key=lambda i: (i.high is None, i.high))
    return Reading(specimen, count, alert, frozenset(flags), gaps, differs=others.calculated)


def _direct(specimen: Specimen) -> _Derived | None:
    """A1.1 and A1.2: the reported absolute count, or segmented and bands."""
    total = specimen.first("neutrophils")
    if total and total.value:
        return _Derived(total.value, "measured", (total,))
    segmented, bands = specimen.first("segmented"), specimen.first("bands")
    if segmented and segmented.value and bands and bands.value:
        return _Derived(_sum(segmented.value, bands.value), "segmented-plus-bands", (segmented, bands))
    return None


def _calculated(specimen: Specimen, limits: Mapping[str, Decimal]) -> _Derived | None:
    """A1.3 to A1.5: from the white cell count and the differential; segmented cells alone are a lower bound (H2.10)."""
    wbc = specimen.first("wbc-corrected") or specimen.first("wbc")
    segmented_count = specimen.first("segmented")
    if wbc is None or wbc.value is None:
        return _lower_bound((segmented_count,), segmented_count.value, None) if segmented_count else None
    total, segmented, bands = (_percent(specimen, a) for a in ("neutrophils", "segmented", "bands"))
    if total:
        return _from_total(specimen, wbc, total, bands, limits)
    if segmented and bands:
        share = _sum(_value(segmented), _value(bands))
        return _Derived(_share(wbc.value, share), "wbc-times-percent", (wbc, segmented, bands))
    if segmented:
        rest, cells = _others_percent(specimen), wbc.value.high
        high = None if rest is None or cells is None else cells * (HUNDRED - rest) / HUNDRED
        return _lower_bound((wbc, segmented), _share(wbc.value, _value(segmented)), high)
    return _lower_bound((segmented_count,), segmented_count.value, None) if segmented_count else None


def _from_total(
    specimen: Specimen, wbc: LabResult, total: LabResult, bands: LabResult | None, limits: Mapping[str, Decimal]
) -> _Derived:
    """Total neutrophils in percent: bands are added only when the differential closes with them (A1)."""
    assert wbc.value
    plain = _Derived(_share(wbc.value, _value(total)), "wbc-times-percent", (wbc, total))
    if bands is None or not _value(bands).is_exact or not _value(total).is_exact:
        return plain
    rest, slack = _others_percent(specimen), limits["differential-closes-within-percent"]
    share, band_share = _value(total).number, _value(bands).number
    if rest is not None and abs(share + rest - HUNDRED) <= slack:
        return plain
    if rest is not None and abs(share + band_share + rest - HUNDRED) <= slack:
        both = _share(wbc.value, Interval.exact(share + band_share))
        return _Derived(both, "segmented-plus-bands", (wbc, total, bands))
    return _Derived(plain.value, plain.derivation, plain.used, gap="bands-undecidable" if band_share else None)


def _lower_bound(used: tuple[LabResult, ...], low: Interval | None, high: Decimal | None) -> _Derived:
    assert low is not None
    value = Interval(low.low, high, low.low_open) if high is None or low.low is None or high >= low.low else low
    return _Derived(value, "lower-bound", used, frozenset(["lower-bound"]), "bands-not-reported")


def _exceeds_white_cells(derived: _Derived, specimen: Specimen, limits: Mapping[str, Decimal]) -> bool:
    """Neutrophils beyond all white cells: one of the two is wrong (A1)."""
    wbc = specimen.first("wbc")
    if wbc is None or wbc.value is None or wbc.value.high is None or derived.value.low is None:
        return False
    return derived.value.low > wbc.value.high * (HUNDRED + limits["count-exceeds-white-cells-percent"]) / HUNDRED


def _percent(specimen: Specimen, cell: str) -> LabResult | None:
    found = specimen.first(f"{cell}-percent")
    return found if found and found.value else None


def _others_percent(specimen: Specimen) -> Decimal | None:
    """Lymphocytes, monocytes, eosinophils, basophils together; None when lymphocytes or monocytes were not reported."""
    shares = [_percent(specimen, cell) for cell in OTHERS]
    if shares[0] is None or shares[1] is None:
        return None
    return sum((_value(s).number for s in shares if s), Decimal(0))


def _value(result: LabResult) -> Interval:
    assert result.value
    return result.value


def _share(cells: Interval, percent: Interval) -> Interval:
    """Cells x percent / 100, both of them intervals of amounts."""
    low = None if cells.low is None or percent.low is None else cells.low * percent.low / HUNDRED
    high = None if cells.high is None or percent.high is None else cells.high * percent.high / HUNDRED
    return Interval(low, high, cells.low_open or percent.low_open, cells.high_open or percent.high_open)


def _sum(a: Interval, b: Interval) -> Interval:
    low = None if a.low is None or b.low is None else a.low + b.low
    high = None if a.high is None or b.high is None else a.high + b.high
    return Interval(low, high, a.low_open or b.low_open, a.high_open or b.high_open)


def _gap(specimen: Specimen, reason: str) -> Gap:
    found = next(rs[0] for a, rs in sorted(specimen.results.items()) if a in COUNT_ANALYTES)
    return Gap("neutrophils", reason, found.reference, when=specimen.when)
