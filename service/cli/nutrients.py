"""The nutrients on their scales: status with its reasons, result, a bar of the bands, source.

In: Assessment, the scales of the patient, the knowledge. Out: a rich Table for the width at hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from service.cards.words import amount, first_words, unit_text, words
from service.cli import bars
from service.clinical.assessment import Assessment, Evidence, NutrientStatus
from service.clinical.knowledge.model import Knowledge
from service.placed import Placed, Scales

WIDE = 100  # with fewer columns status and nutrient share a cell, and sources stand below alone
WHOLE = frozenset(["Status", "Where it stands"])  # words of a status and bars are not broken
HEADS_NARROW = ("Nutrient", "Result", "Where it stands")
BARS = ((WIDE, 32), (80, 24), (0, 18))  # from so many columns on a bar is so wide
STYLE = {
    "deficient": "bold yellow", "indeterminate": "cyan", "sufficient": "green", "high": "cyan", "treated": "cyan",
    "low-other-cause": "cyan", "not-assessable": "dim",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """One result of a nutrient, or that it has none; the name and the status stand on its first line alone."""

    name: str
    status: Text
    result: Text
    bar: Text
    source: str


def nutrients(a: Assessment, scales: Scales, knowledge: Knowledge, width: int) -> Table:
    """What was measured, each on its scale; those that a count asks for also without a result."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    wide = width >= WIDE
    for name in ("Nutrient", "Status", "Result", "Where it stands", "Source") if wide else HEADS_NARROW:
        table.add_column(name, overflow="fold", no_wrap=name in WHOLE if wide else name != "Result")
    size = next(size for columns, size in BARS if width >= columns)
    for line in _lines(a, scales, knowledge, size):
        if wide:
            table.add_row(line.name, line.status, line.result, line.bar, line.source)
        else:
            named = Text("\n").join((Text(line.name), line.status)) if line.name else Text()
            table.add_row(named, line.result, line.bar)
    return table


def _lines(a: Assessment, scales: Scales, knowledge: Knowledge, size: int) -> Iterator[Line]:
    places = {(p.result.analyte, p.result.reference): p for _, found in scales.nutrients for p in found}
    asked = {n.id for n in knowledge.causal if n.micronutrient}
    for nutrient in (n for n in a.nutrients if n.evidence or n.nutrient in asked):
        name, status = nutrient.name, _status(nutrient, knowledge)
        for evidence in nutrient.evidence:
            place = places.get((evidence.analyte, evidence.observation or ""))
            told = Text(result_of(evidence, knowledge, "" if evidence.name == name else evidence.name))
            yield Line(name, status, told, _bar(place, size), evidence.citation)
            name, status = "", Text()
        if nutrient.evidence and nutrient.reasons:
            yield Line("", Text(), Text(said(nutrient.reasons, knowledge), "italic"), Text(), "")
        if not nutrient.evidence:
            yield Line(name, status, Text(said(nutrient.reasons, knowledge), "dim"), Text(), "")


def _status(nutrient: NutrientStatus, knowledge: Knowledge) -> Text:
    return Text(words(knowledge, "status", nutrient.status), STYLE.get(nutrient.status, ""))


def _bar(place: Placed | None, size: int) -> Text:
    if place is None or place.value is None:
        return Text()
    drawn, ticks = bars.bar(place.bands, place.value, size)
    return Text("\n").join((drawn, ticks)) if drawn else Text()


def result_of(e: Evidence, knowledge: Knowledge, name: str = "") -> str:
    """A result with its day, and below it the verdict with its bounds."""
    shown = " ".join(filter(None, (name, amount(knowledge, e.value, e.unit) if e.value else e.text)))
    verdict, bounds = words(knowledge, "level", e.level) if e.level else "", unit_text(knowledge, e.band)
    band = f"{verdict} ({bounds})" if bounds and verdict else bounds or verdict
    dated = f"{shown}, {e.when.text[:10]}" if e.when else shown
    return f"{dated}\n{band}" if band else dated


def said(reasons: Iterable[str], knowledge: Knowledge) -> str:
    """Reasons in words."""
    return ", ".join(first_words(knowledge, ("reason", "feature"), reason) for reason in reasons)
