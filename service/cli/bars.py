"""Bands as a bar of characters, with the value in it: dense where low is bad, light where all is well.

In: the bands of one scale with their numbers, a value in their unit, a width. Out: lines of Text. Every band is drawn
equally wide, so that narrow ones can be read; inside a band the scale is linear. It reads the same without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from rich.text import Text

from service.cards.words import number
from service.clinical.interval import Interval
from service.clinical.knowledge.model import Band
from service.clinical.scales import touched

SHADES = {"low": "▓", "middle": "▒", "ok": "░", "high": "▒"}
STYLES = {"low": "red", "middle": "yellow", "ok": "green", "high": "cyan"}
EXACT, BELOW, ABOVE, FROM, TO = "●", "<", ">", "(", ")"  # of a value known as "<0.5" the mark stands at 0.5
BETWEEN = "│"


def bar(bands: tuple[Band, ...], value: Interval, width: int) -> tuple[Text, Text]:
    """The bar with its mark, and the numbers below it; both empty when the bands have no numbers to draw."""
    ends = [end for band in bands if (end := end_of(band)) is not None]
    if len(bands) < 2 or len(ends) != len(bands) - 1:
        return Text(), Text()
    wide = (width - len(bands) + 1) // len(bands)
    marks = dict(_marks(value, bands, wide))
    drawn = Text()
    for place, band in enumerate(bands):
        drawn.append(BETWEEN if place else "")
        for cell in range(place * (wide + 1), place * (wide + 1) + wide):
            drawn.append(*((marks[cell], "bold reverse") if cell in marks else _shade(cell, band, marks)))
    ticks = [((wide + 1) * (place + 1) - 1, number(end)) for place, end in enumerate(ends)]
    return drawn, Text(below(ticks), "dim")


def names(bands: Sequence[Band], width: int) -> Text:
    """The names of the bands above their parts; "v. severe" where "very severe" has no room."""
    wide = (width - len(bands) + 1) // len(bands)
    said = (band.level.replace("-", " ") for band in bands)
    fitting = (name if len(name) <= wide else f"{name[0]}. {name.partition(' ')[2]}" for name in said)
    return Text(" ".join(name[:wide].center(wide) for name in fitting).rstrip())


def end_of(band: Band) -> Decimal | None:
    """Where a band ends; None for the last."""
    return band.below if band.below is not None else band.upto


def below(ticks: Iterable[tuple[int, str]]) -> str:
    """Texts in one line, each with its middle below a place, moved right where it would touch the one before."""
    line = ""
    for place, text in ticks:
        start = max(place - len(text) // 2, len(line) + 1 if line else 0)
        line = line.ljust(start) + text
    return line


def _shade(cell: int, band: Band, marks: Iterable[int]) -> tuple[str, str]:
    """A cell of a band; blank beside a mark, which stands out so in grey, too."""
    beside = any(abs(cell - mark) == 1 for mark in marks)
    return (" " if beside else SHADES[band.side]), STYLES[band.side]


def _marks(value: Interval, bands: tuple[Band, ...], wide: int) -> Iterator[tuple[int, str]]:
    """The cells that a value marks, in the bands that the rules find it in, each with its sign."""
    found = [bands.index(band) for band in touched(value, bands)]
    if value.is_exact:
        yield _cell(value.number, found[0], bands, wide), EXACT
    elif value.high is None:
        yield _cell(value.number, found[0], bands, wide), ABOVE
    else:
        if value.low:
            yield _cell(value.low, found[0], bands, wide), FROM
        yield _cell(value.high, found[-1], bands, wide), TO if value.low else BELOW


def _cell(value: Decimal, place: int, bands: tuple[Band, ...], wide: int) -> int:
    """The cell of a number inside a band."""
    ends = [Decimal(0), *(end for band in bands if (end := end_of(band)) is not None)]
    begin, end = ends[place], ends[place + 1] if place + 1 < len(ends) else max(ends[-1] * 2, value)
    share = float((value - begin) / (end - begin)) if end > begin else 0.5
    return place * (wide + 1) + min(wide - 1, max(0, int(share * wide)))
