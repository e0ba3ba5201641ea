"""Bars, as the places and lengths that an SVG needs: nothing is drawn in the browser.

In: names with counts. Out: Pictures, each with its text alternative. Kinds differ by pattern and by lightness, so that
a page printed in grey tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

WIDTH, LEFT, RIGHT = 720, 250, 50  # units of the drawing; the names stand left, the numbers right
STEP, THICK = 26, 16  # from bar to bar
TALL, FOOT, HEAD, MOST_COLUMNS = 120, 18, 14, 62
LONGEST_NAME, FEWEST_WIDE = 36, 12
SPANS = (1, 7, 30)  # days that a column stands for

# Kind -> what it is called.
KINDS = {
    "accepted": "accepted", "overridden": "overridden", "no_response": "no response", "shown": "shown",
    "left_out": "left out", "silent": "silent",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A rectangle of one kind."""

    kind: str
    x: float
    y: float
    width: float
    height: float
    says: str


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place."""

    text: str
    x: float
    y: float
    anchor: str  # start | middle | end


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing and what it says."""

    id: str
    title: str
    says: str
    height: int
    parts: tuple[Part, ...]
    labels: tuple[Label, ...]
    kinds: tuple[str, ...]  # of its legend

    @property
    def width(self) -> int:
        """Units from edge to edge."""
        return WIDTH


def bars(id: str, title: str, rows: Sequence[tuple[str, Mapping[str, int]]]) -> Picture:
    """A horizontal bar for each name, its kinds one after the other."""
    most = max((sum(counts.values()) for _, counts in rows), default=0) or 1
    scale = (WIDTH - LEFT - RIGHT) / most
    parts, labels = list[Part](), list[Label]()
    for place, (name, counts) in enumerate(rows):
        y, x = place * STEP + 4, float(LEFT)
        middle = y + THICK - 4
        labels.append(Label(_fitted(name), LEFT - 8, middle, "end"))
        for kind, number in counts.items():
            if number:
                says = f"{name}: {number} {KINDS[kind]}"
                parts.append(Part(kind, round(x, 1), y, round(number * scale, 1), THICK, says))
                x += number * scale
        labels.append(Label(f"{sum(counts.values()):,}", round(x + 6, 1), middle, "start"))
    says = "; ".join(f"{name}: {_listed(counts)}" for name, counts in rows)
    return Picture(id, title, says, len(rows) * STEP + 4, tuple(parts), tuple(labels), _kinds(c for _, c in rows))


def columns(id: str, title: str, days: Mapping[date, Mapping[str, int]]) -> Picture:
    """A column for each day, or for so many days that they fit, its kinds one upon the other."""
    first, last = min(days), max(days)
    whole = (last - first).days + 1
    span = next((one for one in SPANS if whole <= one * MOST_COLUMNS), whole // MOST_COLUMNS + 1)
    summed = _summed(days, first, span, -(-whole // span))
    most = max(sum(counts.values()) for counts in summed) or 1
    step = (WIDTH - RIGHT) / max(len(summed), FEWEST_WIDE)
    parts = [
        part for place, counts in enumerate(summed) for part in _column(place, counts, step, most, first, span)
    ]  # fmt: skip
    foot = HEAD + TALL + FOOT - 4
    labels = [Label(str(first), 0, foot, "start"), Label(f"{most:,} at most", 0, HEAD - 4, "start")]
    if len(summed) > 1:
        labels.append(Label(str(last), round(max(len(summed) * step, LEFT), 1), foot, "end"))
    each = "day" if span == 1 else f"{span} days"
    says = "; ".join(f"{first + place * span * timedelta(1)}: {_listed(counts)}" for place, counts in enumerate(summed))
    kinds = _kinds(summed)
    return Picture(id, f"{title}, per {each}", says, HEAD + TALL + FOOT, tuple(parts), tuple(labels), kinds)


def _summed(days: Mapping[date, Mapping[str, int]], first: date, span: int, number: int) -> list[dict[str, int]]:
    summed = [dict.fromkeys(next(iter(days.values())), 0) for _ in range(number)]
    for day, counts in days.items():
        column = summed[(day - first).days // span]
        for kind, count in counts.items():
            column[kind] += count
    return summed


def _column(place: int, counts: Mapping[str, int], step: float, most: int, first: date, span: int) -> Iterable[Part]:
    y = float(HEAD + TALL)
    for kind, number in counts.items():
        height = number * TALL / most
        y -= height
        if number:
            says = f"{first + place * span * timedelta(1)}: {number} {KINDS[kind]}"
            yield Part(kind, round(place * step, 1), round(y, 1), round(step * 0.8, 1), round(height, 1), says)


def _fitted(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _kinds(rows: Iterable[Mapping[str, int]]) -> tuple[str, ...]:
    """The kinds that are seen."""
    seen = {kind for counts in rows for kind, number in counts.items() if number}
    return tuple(kind for kind in KINDS if kind in seen)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {KINDS[kind]}" for kind, number in counts.items() if number) or "none"
