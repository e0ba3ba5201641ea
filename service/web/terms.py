"""The words of a card's evidence: the same wording, calendar and names as on the card itself.

In: plain values as service.evidence keeps them, ids of the knowledge. Out: plain text; the template escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.cards.words import day, unit_text
from service.clinical.knowledge.model import Citation
from service.fhir.moments import Moments
from service.web.names import Names


@dataclass(frozen=True, slots=True)
class Terms(Names):
    """Words for one card, as of the instant when it was made; sources get numbers in the order of their first use."""

    as_of: datetime
    moments: Moments
    numbers: dict[str, int] = field(default_factory=dict)

    def dated(self, text: str) -> tuple[datetime, str] | None:
        """A FHIR date: its first instant, and how the card writes it."""
        moment = self.moments.first(text)
        return (moment.earliest, day(self.knowledge, moment, self.as_of)) if moment else None

    def day(self, text: str | None) -> str:
        """A FHIR date as the card writes it."""
        return day(self.knowledge, self.moments.first(text), self.as_of)

    def amount(self, said: Mapping[str, Any]) -> str:
        """A result with comparator and unit."""
        unit = unit_text(self.knowledge, str(said.get("unit", "")))
        return f"{said.get('comparator', '')}{said['value']} {unit}".strip()

    def cite(self, *citations: str) -> tuple[int, ...]:
        """The numbers of sources."""
        return tuple(self.numbers.setdefault(c, len(self.numbers) + 1) for c in dict.fromkeys(citations) if c)

    def sources(self) -> Iterable[tuple[int, Citation]]:
        """The sources cited so far; one that the knowledge has no more is known by its id."""
        for citation, number in self.numbers.items():
            yield number, self.knowledge.citations.get(citation) or Citation(citation, citation)
