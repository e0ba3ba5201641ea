"""One result on the scale of its test, as SVG: bands side by side, the value as a mark, what bounds the bands.

In: a Placed, words. Out: markup of a row, `HIGH` units tall, and the same in words. Pure. Every band is drawn equally
wide, so that narrow ones can be read; inside a band the scale is linear. What is judged and out of range, judged and
in range, not judged, and only known as below or above a value differs in shape.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from itertools import pairwise

from service.cards.words import amount, known, number
from service.clinical.knowledge.model import Band
from service.placed import OK, Placed
from service.web.svg import element, path, text
from service.web.terms import Terms

WIDTH, LEFT, RIGHT = 360, 6, 354
BAR, THICK = 30, 20  # where the bar begins below the top of the row, and how thick it is
TICKS, NAMES, LINE = 62, 75, 11  # base lines below the top
HIGH = 92
SIZE = 6  # half the size of a mark
LETTER = 5.3  # the usual width of a letter of the names
TOO_OLD, NO_REASSURANCE = "too-old", "no-reassurance"
ROOM = 4  # the last band ends at so many times its beginning
CLIPPED = 12  # how far from the end a mark stands that lies beyond it


@dataclass(frozen=True, slots=True)
class Part:
    """A band in the picture."""

    band: Band
    begin: Decimal
    end: Decimal
    left: float
    right: float

    def x(self, value: Decimal) -> float:
        """The place of a value, inside the band's own edges."""
        share = float((value - self.begin) / (self.end - self.begin)) if self.end > self.begin else 0.5
        return min(max(self.left + (self.right - self.left) * share, self.left + 2), self.right - 2)


def parts(bands: tuple[Band, ...]) -> tuple[Part, ...]:
    """Bands with their places. The first begins at zero; the last, which is open, has room for `ROOM` times its
    beginning."""
    if len(bands) < 2:
        return ()
    ends = [Decimal(0), *(end for band in bands if (end := end_of(band)) is not None)]
    ends.append(ends[-1] * ROOM)
    step = (RIGHT - LEFT) / len(bands)
    return tuple(
        Part(band, begin, end, LEFT + step * place, LEFT + step * (place + 1))
        for place, (band, (begin, end)) in enumerate(zip(bands, pairwise(ends), strict=True))
    )


def end_of(band: Band) -> Decimal | None:
    """Where a band ends; None when it is open."""
    return band.below if band.below is not None else band.upto


def row(one: Placed, why: str, top: float, terms: Terms) -> str:
    """A result on its scale; `why` it does not tell what its band says, "" when it does."""
    name = text(LEFT, top + 14, terms.analyte(one.result.analyte), class_="name")
    short = [terms.said("picture", NO_REASSURANCE if why == NO_REASSURANCE else "not-judged")] if why else []
    words = " · ".join([shown(one, terms), dated(one, terms), *short])
    said = text(RIGHT, top + 14, words, class_="said", text_anchor="end")
    drawn = parts(one.bands)
    if not drawn or one.value is None:
        line = element("line", x1=LEFT, x2=RIGHT, y1=top + BAR + THICK / 2, y2=top + BAR + THICK / 2, class_="no-scale")
        return name + said + line + text(LEFT, top + TICKS, terms.said("picture", "no-scale"), class_="word")
    bands = "".join(_band(part, len(drawn), top, terms) for part in drawn)
    return name + said + bands + "".join(_ticks(drawn, one, top, terms)) + _mark(one, why, drawn, top, terms)


def _band(part: Part, number_of: int, top: float, terms: Terms) -> str:
    kind = {"ok": "ok", "middle": "middle"}.get(part.band.side, "out")
    wide = part.right - part.left
    box = element("rect", x=part.left, y=top + BAR, width=wide, height=THICK, class_=f"band {kind}")
    words = wrapped(terms.said("level", part.band.level), wide)
    middle = (part.left + part.right) / 2
    return box + "".join(
        text(middle, top + NAMES + LINE * line, said, class_="word", text_anchor="middle")
        for line, said in enumerate(words)
    )


def wrapped(words: str, wide: float) -> list[str]:
    """Words in lines that fit."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and len(longer) * LETTER <= wide:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _ticks(drawn: tuple[Part, ...], one: Placed, top: float, terms: Terms) -> Iterator[str]:
    for part in drawn[:-1]:
        yield text(part.right, top + TICKS, number(part.end), class_="tick", text_anchor="middle")
        yield element("line", x1=part.right, x2=part.right, y1=top + BAR, y2=top + BAR + THICK + 3, class_="tick-line")
    yield text(RIGHT, top + TICKS, terms.band(one.unit), class_="tick", text_anchor="end")


def place_of(one: Placed, drawn: tuple[Part, ...]) -> tuple[float, str]:
    """Where the mark stands, and which way it points: "" for a value that is known, "left" or "right" otherwise."""
    assert one.value
    value, points = one.value.number, ""
    if not one.value.is_exact:
        points = "left" if one.value.high is not None else "right"
    if value > drawn[-1].end:
        return drawn[-1].right - CLIPPED, "right"
    if value < drawn[0].begin:
        return drawn[0].left + CLIPPED, "left"
    return _part(one, value, drawn, points).x(value), points


def _part(one: Placed, value: Decimal, drawn: tuple[Part, ...], points: str) -> Part:
    """The band that holds a value; "<150" belongs to what lies below 150."""
    for part in drawn:
        inside = value < part.end or (value == part.end and (part.band.below is None or points == "left"))
        if inside and not (points == "right" and value == part.end):
            return part
    return drawn[-1]


def beyond(one: Placed) -> bool:
    """Whether the value lies where the scale has no room."""
    drawn = parts(one.bands)
    return bool(drawn and one.value and not drawn[0].begin <= one.value.number <= drawn[-1].end)


def side(one: Placed) -> str:
    """On which side of its scale a result lies: low, middle, ok or high; "" when that is not known."""
    return next((band.side for band in one.bands if band.level == one.level), "")


def _mark(one: Placed, why: str, drawn: tuple[Part, ...], top: float, terms: Terms) -> str:
    """A diamond is out of range, a square between the limits, a disc in range; open and broken is not judged. An arrow
    at a stop is only known as below or above, one without lies beyond the end."""
    x, points = place_of(one, drawn)
    y = top + BAR + THICK / 2
    kind = "unused" if why else "out-of-range" if side(one) != OK else "in-range"
    said = element("title", escape(f"{shown(one, terms)}, {dated(one, terms)}: {verdict(one, why, terms)}"))
    if points:
        ahead, open_ = (-2 if points == "left" else 2) * SIZE, one.value is not None and not one.value.is_exact
        arrow = path([(x, y - SIZE), (x + ahead, y), (x, y + SIZE)], True, class_=f"mark {kind}{' open' * open_}")
        stop = element("line", x1=x, x2=x, y1=y - THICK / 2 + 1, y2=y + THICK / 2 - 1, class_="stop")
        return element("g", said, *([stop] if open_ else []), arrow)
    if kind == "in-range":
        return element("g", said, element("circle", cx=x, cy=y, r=SIZE - 1, class_="mark in-range"))
    if kind == "out-of-range" and side(one) == "middle":
        box = {"x": x - SIZE + 1, "y": y - SIZE + 1, "width": 2 * SIZE - 2, "height": 2 * SIZE - 2}
        return element("g", said, element("rect", **box, class_="mark middling"))
    size = SIZE + 1
    corners = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)]
    return element("g", said, path(corners, True, class_=f"mark {kind}"))


# --- in words ---------------------------------------------------------------------------------------------------------


def shown(one: Placed, terms: Terms) -> str:
    """The value as it was reported, and as it was compared when that differs."""
    result = one.result
    if result.value is None:
        return result.text or result.answer or ""
    said = amount(terms.knowledge, result.value, result.unit)
    if one.value is None or one.unit == result.unit:
        return said
    return f"{said} ({amount(terms.knowledge, one.value, one.unit)})"


def dated(one: Placed, terms: Terms) -> str:
    """The day of the result."""
    return terms.day(one.result.when.text if one.result.when else None)


def verdict(one: Placed, why: str, terms: Terms) -> str:
    """What the result says, or why it says nothing."""
    level = terms.said("level", one.level)
    if not why:
        return level
    if why == NO_REASSURANCE:
        return f"{level}, {terms.said('picture', why)}"
    said = terms.said("picture", "not-judged")
    return f"{said} ({terms.gap(why)})" if known(terms.knowledge, "gap", why) else said


def bands_said(one: Placed, terms: Terms) -> str:
    """Every band with its bounds."""
    drawn = parts(one.bands)
    return "; ".join(f"{terms.said('level', p.band.level)} {_bounds(p, one.unit, terms)}" for p in drawn)


def _bounds(part: Part, unit: str, terms: Terms) -> str:
    """A band's bounds; a band of the laboratory's range has its numbers from there."""
    label, end = part.band.label, end_of(part.band)
    if any(letter.isdigit() for letter in label):
        return terms.band(label)
    until = f"{number(part.begin)} to {number(part.end)}" if part.begin else f"up to {number(part.end)}"
    if part.band.below is not None:
        until = f"<{number(part.end)}"
    return f"{f'>{number(part.begin)}' if end is None else until} {terms.band(unit)}".strip()
