"""The neutrophil count over time as a picture made on the server: bands, the patient's lower limit, other lineages.

In: an Assessment as service.evidence.recorded makes it, the bands in force, the words of the card. Out: one SVG
element. Pure. Log axis in 10*9/L. What is graded, earlier, not graded or only known as below or above a value differs
in shape, what is low in colour; all of it stands in <desc>, too.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Any

from service.clinical.interval import Interval
from service.clinical.knowledge.model import Band
from service.clinical.scales import touched
from service.placed import AGE, Limit
from service.web.points import EARLIER, GRADED, NO_GRADE, NOT_GRADED, Point, counts, lineages, told
from service.web.svg import element, path, text
from service.web.terms import Terms

WIDTH, HEIGHT = 420, 200
LEFT, RIGHT, TOP, BOTTOM = 30, 290, 18, 178  # the frame of the count; names of bands stand right of it
LIMITS = 350  # names of the patient's limits stand right of those of the bands
STRIP = 38  # the height of one other lineage
DATE_ROOM = 64  # a date needs that much
MARGIN = 1.5  # how far the axis goes beyond what it shows, as a factor
STEPS = (Decimal(1), Decimal(2), Decimal(5))
TINY = 5  # half the size of a mark
LARGE = 7  # of the newest count, graded or not
NOT_LOW = ("normal", "borderline")  # severities, by all limits of the patient, of a count that may lie below one
APART = 10  # from one name of a limit to the next


@dataclass(frozen=True, slots=True)
class Frame:
    """Where values and instants stand in the picture."""

    low: float  # 10*9/L, at the bottom
    high: float
    first: float  # seconds since 1970, at the left
    last: float

    def x(self, point: Point) -> float:
        """From the left; all points of one instant stand in the middle."""
        if self.last == self.first:
            return (LEFT + RIGHT) / 2
        inner = RIGHT - LEFT - 4 * TINY
        return LEFT + 2 * TINY + inner * (point.at.timestamp() - self.first) / (self.last - self.first)

    def y(self, value: Decimal) -> float:
        """From the top, on a log axis; zero, which has no place there, lies on the bottom line."""
        if value <= 0:
            return BOTTOM
        share = math.log(float(value) / self.low) / math.log(self.high / self.low)
        return BOTTOM - (BOTTOM - TOP) * min(1.0, max(0.0, share))


def draw(recorded: Mapping[str, Any], bands: Sequence[Band], terms: Terms, limits: Sequence[Limit] = ()) -> str:
    """The picture; "" when there is no count to show. `limits`: all that are the patient's own, not of age alone."""
    points = counts(recorded, terms)
    if not points:
        return ""
    beside = lineages(recorded, terms)
    limit = Decimal(str(recorded["limit"])) if recorded.get("limit") is not None else None
    own = {one.why: one.value for one in limits if one.why != AGE}
    frame = _frame(points, [p for line in beside.values() for p in line], bands, [limit, *own.values()])
    drawn = [_bands(bands, frame), _axis(bands, frame, limit), text(2, TOP - 7, points[-1].unit, class_="word")]
    drawn.append(_limits(limit, own, frame, terms))
    low = {id(p) for p in points if _is_low(p, bands, str(recorded.get("severity", "")))}
    drawn += [_line(points, frame), *(_mark(p, id(p) in low, frame) for p in points), _dates(points, frame)]
    drawn += [_strip(place, terms.analyte(one), line, frame) for place, (one, line) in enumerate(beside.items())]
    said = [
        element("title", "Neutrophil count over time", id="chart-title"),
        element("desc", escape(told(points, beside, limit, own, terms)), id="chart-desc"),
    ]
    about = {"role": "img", "aria_labelledby": "chart-title chart-desc", "class_": "chart"}
    return element("svg", *said, *drawn, viewBox=f"0 0 {WIDTH} {HEIGHT + STRIP * len(beside)}", **about)


def _frame(
    points: Sequence[Point], others: Sequence[Point], bands: Sequence[Band], limits: Sequence[Decimal | None]
) -> Frame:
    ends = [_end(band) for band in bands]
    # A laboratory may write a limit of zero or below: it has no place on a log axis.
    shown = [value for value in (*(p.value for p in points), *ends, *limits) if value is not None and value > 0]
    times = [p.at.timestamp() for p in (*points, *others)]
    low, high = (min(shown), max(shown)) if shown else (Decimal(1), Decimal(1))
    return Frame(float(low) / MARGIN, float(high) * MARGIN, min(times), max(times))


def _end(band: Band) -> Decimal | None:
    return band.below if band.below is not None else band.upto


def _bands(bands: Sequence[Band], frame: Frame) -> str:
    """Each band with its name at the right; the lower, the darker."""
    drawn, floor = [], float(BOTTOM)
    for place, band in enumerate(bands):
        top = frame.y(end) if (end := _end(band)) is not None else float(TOP)
        kind = "ok" if band.side == "ok" else f"low-{len(bands) - 1 - place}"
        drawn.append(element("rect", x=LEFT, y=top, width=RIGHT - LEFT, height=floor - top, class_=f"band {kind}"))
        if floor - top > 2 * TINY:
            word = band.level.replace("-", " ")
            drawn.append(text(RIGHT + 5, (top + floor) / 2 + 4, word, class_="word"))
        floor = top
    return "".join(drawn)


def _axis(bands: Sequence[Band], frame: Frame, limit: Decimal | None) -> str:
    """The ends of the bands as the axis, the patient's lower limit as a broken line, round values beyond both."""
    ends = sorted({end for band in bands if (end := _end(band)) is not None} | ({limit} if limit else set()))
    drawn = []
    for value in (*ends, *_round(ends, frame)):
        y = frame.y(value)
        drawn.append(text(LEFT - 4, y + 4, format(value.normalize(), "f"), class_="tick", text_anchor="end"))
        kind = "limit" if value == limit else "grid"
        drawn.append(element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_=kind))
    return "".join(drawn)


def _limits(limit: Decimal | None, own: Mapping[str, Decimal], frame: Frame, terms: Terms) -> str:
    """The patient's limits by name, from the top; each but that of age, which the axis has, with its line."""
    named = [(frame.y(limit), terms.said("limit", "short"))] if limit else []
    named += [(frame.y(value), f"{terms.said('limit-short', why)} {value}") for why, value in own.items()]
    lines = [frame.y(value) for value in own.values()]
    drawn = [element("line", x1=LEFT, x2=RIGHT, y1=y, y2=y, class_="own-limit") for y in lines]
    floor = float(TOP) - APART
    for y, word in sorted(named):
        floor = max(y, floor + APART)
        drawn.append(text(LIMITS, floor + 3, word, class_="word limit-word"))
    return "".join(drawn)


def _round(ends: Sequence[Decimal], frame: Frame) -> list[Decimal]:
    """Values 1, 2, 5, 10 ... of the axis that stand clear of the ends of the bands and of each other."""
    powers = range(math.floor(math.log10(frame.low)), math.ceil(math.log10(frame.high)) + 1)
    found: list[Decimal] = []
    for value in (step.scaleb(power) for power in powers for step in STEPS):
        taken = [frame.y(other) for other in (*ends, *found)]
        inside = frame.low < value < frame.high
        if inside and all(abs(frame.y(value) - y) > 3 * TINY for y in taken):
            found.append(value)
    return found


def _line(points: Sequence[Point], frame: Frame) -> str:
    exact = [p for p in points if not p.comparator and p.kind != NOT_GRADED]
    return path([(frame.x(p), frame.y(p.value)) for p in exact], False, class_="trend") if len(exact) > 1 else ""


def _is_low(point: Point, bands: Sequence[Band], severity: str) -> bool:
    """Whether a count of now lies on the low side of its bands: "<0.5" does, ">0.5" may lie anywhere above."""
    if point.kind == EARLIER or (point.kind == GRADED and severity in NOT_LOW):
        return False
    found = touched(Interval.reported(point.value, point.comparator or None), tuple(bands))
    return bool(found) and all(band.side == "low" for band in found)


def _mark(point: Point, is_low: bool, frame: Frame) -> str:
    """The shape of a point: a full diamond is graded, a disc is earlier, an open diamond is not graded, an open
    triangle points to where the value lies."""
    x, y = frame.x(point), frame.y(point.value)
    size = TINY if point.kind == EARLIER else LARGE
    low = " is-low" if is_low else ""
    said = element("title", escape(point.said))
    down = point.comparator.startswith("<") or point.value <= 0
    if down or point.comparator:
        tip = y + size if down else y - size
        shape = path([(x - size, y), (x + size, y), (x, tip)], True, class_=f"mark open {point.kind}{low}")
    elif point.kind != EARLIER:
        corners = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)]
        shape = path(corners, True, class_=f"mark {'open' if point.kind == NOT_GRADED else 'full'}{low}")
    else:
        shape = element("circle", cx=x, cy=y, r=TINY - 1, class_="mark earlier")
    labelled = point.kind != EARLIER or down or point.comparator
    why = (
        [text(x - size - 4, y + 4, point.why or NO_GRADE, class_="why", text_anchor="end")]
        if point.kind == NOT_GRADED
        else []
    )
    below = (
        3 * size + 2 * TINY if down and point.value > 0 else 0
    )  # where the triangle points to; zero: the dates are there
    return element("g", said, shape, *([_label(x, y + below, size, point)] if labelled else []), *why)


def _label(x: float, y: float, size: int, point: Point) -> str:
    """The value above its mark."""
    return text(x, y - size - 4, point.amount, class_="value", text_anchor="middle")


def _strip(place: int, name: str, line: Sequence[Point], frame: Frame) -> str:
    """Another lineage on the same days, on a scale of its own: squares, the newest with its value."""
    top, middle = HEIGHT + STRIP * place, HEIGHT + STRIP * place + STRIP / 2 + 6
    values = [p.value for p in line]
    spread = max(values) - min(values)
    drawn = [
        element("line", x1=LEFT, x2=RIGHT, y1=top, y2=top, class_="grid"),
        text(RIGHT + 5, middle - 2, name, class_="word"),
        text(RIGHT + 5, middle + 10, line[-1].unit, class_="word"),
    ]
    rise = [TINY - 2 * TINY * (p.value - min(values)) / spread if spread else Decimal(0) for p in line]
    at = [(frame.x(p), middle + float(up)) for p, up in zip(line, rise, strict=True)]
    if len(at) > 1:
        drawn.append(path(at, False, class_="trend"))
    for point, (x, y) in zip(line, at, strict=True):
        square = element("rect", x=x - 3, y=y - 3, width=6, height=6, class_="mark other")
        drawn.append(element("g", element("title", escape(point.said)), square))
    drawn.append(_label(*at[-1], 3, line[-1]))
    return "".join(drawn)


def _dates(points: Sequence[Point], frame: Frame) -> str:
    """Days of counts below the frame: the last, the first, and those between, as far as there is room."""
    chosen, drawn = [points[-1]], []
    for point in points[:-1]:
        if all(abs(frame.x(point) - frame.x(other)) > DATE_ROOM for other in chosen):
            chosen.append(point)
    for day, x in {p.day: frame.x(p) for p in chosen}.items():
        drawn.append(text(x, BOTTOM + 15, day, class_="tick", text_anchor="middle"))
        drawn.append(element("line", x1=x, x2=x, y1=BOTTOM, y2=BOTTOM + 4, class_="tick-line"))
    return "".join(drawn)
