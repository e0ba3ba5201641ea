"""Which results belong to one specimen.

In: results of one patient. Out: specimens, newest first. Source: knowledge H6.50: the same Specimen, the same
DiagnosticReport, or effective times within the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from service.clinical.facts import LabResult, Moment

__all__ = ["STATUS_RANK", "Specimen", "best", "specimens"]

# At one instant the corrected report wins (H6.50).
STATUS_RANK = {"corrected": 3, "amended": 2, "final": 1, "preliminary": 0}


@dataclass(frozen=True, slots=True)
class Specimen:
    """The results of one draw, by analyte; of one analyte the best report first."""

    when: Moment
    results: Mapping[str, tuple[LabResult, ...]]

    def first(self, analyte: str) -> LabResult | None:
        """The best report of an analyte, None when it was not measured."""
        found = self.results.get(analyte)
        return found[0] if found else None


def best(result: LabResult) -> tuple[bool, int, str]:
    """Sort key among reports of one draw: manual first, then by status, then by reference (not by input order)."""
    return (result.method != "manual", -STATUS_RANK[result.status], result.reference)


def specimens(results: Iterable[LabResult], window: timedelta) -> tuple[Specimen, ...]:
    """The draws that dated results come from, newest first."""
    dated = sorted((r for r in results if r.when), key=_newest_first)
    groups: list[list[LabResult]] = []
    open_groups: list[tuple[Moment, set[str], list[LabResult]]] = []
    for result in dated:
        assert result.when
        keys = {k for k in (result.specimen, result.report) if k}
        group = next((g for g in open_groups if _same(g, keys, result.when, window)), None)
        if group is None:
            group = (result.when, set(), [])
            open_groups.insert(0, group)
            groups.append(group[2])
        group[1].update(keys)
        group[2].append(result)
    return tuple(_specimen(g) for g in groups)


def _same(group: tuple[Moment, set[str], list[LabResult]], keys: set[str], when: Moment, window: timedelta) -> bool:
    """One draw by reference or by time; a cumulative report over several days is not one draw (A1)."""
    shared = bool(keys & group[1]) and group[0].earliest.date() == when.earliest.date()
    return shared or _together(group[0], when, window)


def _newest_first(result: LabResult) -> tuple[float, str]:
    assert result.when
    return (-result.when.latest.timestamp(), result.reference)


def _together(anchor: Moment, other: Moment, window: timedelta) -> bool:
    """Whether two times are within the window; a day without a time goes with the same day without a time only."""
    if anchor.is_instant and other.is_instant:
        return abs(anchor.latest - other.latest) <= window
    return anchor == other


def _specimen(group: list[LabResult]) -> Specimen:
    by_analyte: dict[str, list[LabResult]] = {}
    for result in group:
        by_analyte.setdefault(result.analyte, []).append(result)
    first = group[0].when
    assert first
    return Specimen(first, {a: tuple(sorted(rs, key=best)) for a, rs in by_analyte.items()})
