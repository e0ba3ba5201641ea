"""Which results belong to one specimen.

In: results of one patient. Out: specimens, newest first. Source: knowledge H6.50: the same Specimen, the same
DiagnosticReport, or effective times within the window.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain, takewhile

from service.clinical.facts import LabResult, Moment

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


def best(result: LabResult) -> tuple[bool, int, float, str, str]:
    """Sort key among reports of one draw: manual first, then by status, then the newest, then by reference and text."""
    return (result.method != "manual", -STATUS_RANK[result.status], *_newest_first(result))


@dataclass(slots=True)
class _Draw:
    """A specimen while its results are gathered; `when` is the time of the newest."""

    when: Moment
    keys: set[str]  # references of its Specimen and its reports
    results: list[LabResult]


def specimens(results: Iterable[LabResult], window: timedelta) -> tuple[Specimen, ...]:
    """The draws that dated results come from, newest first."""
    draws: list[_Draw] = []
    of_day: dict[date, list[_Draw]] = {}
    for result in sorted((r for r in results if r.when), key=_newest_first):
        assert result.when
        when, keys = result.when, {k for k in (result.specimen, result.report) if k}
        same_day = of_day.setdefault(when.earliest.date(), [])
        near = _near(draws, when, window)
        draw = next((d for d in chain(near, reversed(same_day)) if _same(d, keys, when, window)), None)
        if draw is None:
            draw = _Draw(when, set(), [])
            draws.append(draw)
            same_day.append(draw)
        draw.keys.update(keys)
        draw.results.append(result)
    return tuple(_specimen(draw) for draw in draws)


def _near(draws: list[_Draw], when: Moment, window: timedelta) -> Iterator[_Draw]:
    """The last draws, as long as they are within the window; no draw before them can be, all come newest first."""
    return takewhile(lambda draw: draw.when.earliest - when.earliest <= window, reversed(draws))


def _same(draw: _Draw, keys: set[str], when: Moment, window: timedelta) -> bool:
    """One draw by reference or by time; a cumulative report over several days is not one draw (A1)."""
    shared = bool(keys & draw.keys) and draw.when.earliest.date() == when.earliest.date()
    return shared or _together(draw.when, when, window)


def _newest_first(result: LabResult) -> tuple[float, str, str]:
    assert result.when
    return (-result.when.earliest.timestamp(), result.reference, result.text)  # H5.38: the earliest for freshness


def _together(anchor: Moment, other: Moment, window: timedelta) -> bool:
    """Whether two times are within the window; a day without a time goes with the same day only, a month with none."""
    if anchor.is_instant and other.is_instant:
        return abs(anchor.latest - other.latest) <= window
    return anchor == other and anchor.latest - anchor.earliest <= timedelta(days=1)


def _specimen(draw: _Draw) -> Specimen:
    by_analyte: dict[str, list[LabResult]] = {}
    for result in draw.results:
        by_analyte.setdefault(result.analyte, []).append(result)
    return Specimen(draw.when, {a: tuple(sorted(rs, key=best)) for a, rs in by_analyte.items()})
