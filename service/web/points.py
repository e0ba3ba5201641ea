"""What the picture of the count shows: points of an Assessment, in time order, and the same in words.

In: an Assessment as service.evidence.recorded makes it, the words of the card. Out: Points. A date of any precision
stands at its beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from service.cards.words import capital
from service.web.terms import Terms

COUNT = "neutrophils"
BESIDE = ("hemoglobin", "platelets", "mcv")  # of the analytes that history holds, those made in the marrow
GRADED, EARLIER, NOT_GRADED = "graded", "earlier", "not-graded"
NO_GRADE = "not graded"
PRELIMINARY = "preliminary"  # a FHIR status of which a count alerts and is not graded


@dataclass(frozen=True, slots=True)
class Point:
    """One result of one instant."""

    kind: str  # graded | earlier | not-graded
    at: datetime
    day: str  # "14 Jun"
    value: Decimal
    unit: str
    comparator: str = ""
    status: str = ""  # of a count that is not graded, as FHIR has it

    @property
    def amount(self) -> str:
        """The value with its comparator: "<0.5"."""
        return f"{self.comparator}{format(self.value, 'f')}"

    @property
    def said(self) -> str:
        """The point in words."""
        graded = {GRADED: " (graded)", NOT_GRADED: f" ({', '.join(filter(None, (self.why, NO_GRADE)))})"}.get(
            self.kind, ""
        )
        return f"{self.amount} {self.unit} on {self.day}{graded}"

    @property
    def why(self) -> str:
        """Why a count is not graded, as far as its status tells."""
        return PRELIMINARY if self.status == PRELIMINARY else ""


def counts(recorded: Mapping[str, Any], terms: Terms) -> list[Point]:
    """Every count, oldest first, the graded one last of its instant; each draw once."""
    marked = [(kind, one) for kind, key in ((NOT_GRADED, "ungraded"), (GRADED, "anc")) if (one := recorded.get(key))]
    used = {observation for _, one in marked for observation in one["observations"]}
    earlier = [(EARLIER, one) for one in _history(recorded, COUNT) if one.get("observation") not in used]
    return _sorted(_points([*earlier, *marked], terms))


def lineages(recorded: Mapping[str, Any], terms: Terms) -> dict[str, list[Point]]:
    """Other lineages, oldest first, in the unit of the newest result; those without a result are left out."""
    found = {one: _sorted(_points([(EARLIER, p) for p in _history(recorded, one)], terms)) for one in BESIDE}
    return {one: [p for p in line if p.unit == line[-1].unit] for one, line in found.items() if line}


def told(
    points: Sequence[Point],
    beside: Mapping[str, Sequence[Point]],
    limit: Decimal | None,
    own: Mapping[str, Decimal],
    terms: Terms,
) -> str:
    """The picture in words; `own`: limits that are not of age alone."""
    said = [f"Neutrophils: {'; '.join(p.said for p in points)}."]
    said += [f"Lower limit {format(limit, 'f')} {points[-1].unit}."] if limit is not None else []
    said += [f"{capital(terms.said('limit', why))} {value} {points[-1].unit}." for why, value in own.items()]
    said += [f"{terms.analyte(analyte)}: {'; '.join(p.said for p in line)}." for analyte, line in beside.items()]
    return " ".join(said)


def _history(recorded: Mapping[str, Any], analyte: str) -> list[Mapping[str, Any]]:
    return [p for p in recorded.get("history", ()) if p["analyte"] == analyte]


def _points(said: Sequence[tuple[str, Mapping[str, Any]]], terms: Terms) -> Iterator[Point]:
    for kind, one in said:
        if when := terms.dated(str(one["effective"])):
            value, unit = Decimal(str(one["value"])), terms.band(str(one["unit"]))
            yield Point(kind, *when, value, unit, str(one.get("comparator", "")), str(one.get("status", "")))


def _sorted(points: Iterator[Point]) -> list[Point]:
    return sorted(points, key=lambda p: p.at)
