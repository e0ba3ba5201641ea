"""The words of a card's evidence: the same wording, calendar and names as on the card itself.

In: plain values as service.evidence keeps them, ids of the knowledge. Out: plain text; the template escapes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from service.cards.words import capital, day, first_words, unit_text, words
from service.clinical.knowledge.model import Citation, Knowledge
from service.fhir.moments import Moments

WHY = ("reason", "feature")
ABOUT = {"indicator": "raises a card", "competing": "another cause", "composite": "what stands behind a deficiency"}


@dataclass(frozen=True, slots=True)
class Terms:
    """Words for one card, as of the instant when it was made; sources get numbers in the order of their first use."""

    knowledge: Knowledge
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

    def analyte(self, analyte: str) -> str:
        """What a result is called."""
        return capital(first_words(self.knowledge, ("analyte",), analyte))

    def amount(self, said: Mapping[str, Any]) -> str:
        """A result with comparator and unit."""
        unit = unit_text(self.knowledge, str(said.get("unit", "")))
        return f"{said.get('comparator', '')}{said['value']} {unit}".strip()

    def band(self, band: str) -> str:
        """A band with its unit."""
        return unit_text(self.knowledge, band)

    def conclusion(self, about: str, concluded: str) -> str:
        """A conclusion in words; what a word means depends on what it is about."""
        if about in {n.id for n in self.knowledge.nutrients}:
            return self.said("status", concluded)
        if about in self.causes:
            return self.said("certainty", concluded)
        return first_words(self.knowledge, (about, "cause", *WHY), concluded)

    @property
    def causes(self) -> frozenset[str]:
        """What the explanation calls nutritional causes."""
        return frozenset(n.cause for n in self.knowledge.nutrients if n.cause) | {"multiple-deficiencies"}

    def level(self, fact: str, level: str) -> str:
        """The level of a fact in words."""
        kind = fact.partition(":")[0]
        if kind in ("status", "certainty"):
            return self.said(kind, level)
        graded = fact in ("severity", "grade") or fact.endswith("-grade")
        return self.said("severity" if graded else "level", level)

    def stands_out(self, evidence: Mapping[str, Any]) -> bool:
        """Whether a result lies in a band that is not in range."""
        scales = (s for all_ in self.knowledge.scales.values() for s in all_ if s.analyte == evidence["analyte"])
        sides = {band.side for scale in scales for band in scale.bands if band.level == evidence.get("level")}
        return bool(sides) and "ok" not in sides

    def said(self, table: str, key: str) -> str:
        """The text of `table.key`."""
        return words(self.knowledge, table, key)

    def reason(self, reason: str) -> str:
        """Why a status is what it is."""
        return first_words(self.knowledge, WHY, reason)

    def gap(self, reason: str) -> str:
        """Why something could not be used or is not there."""
        return first_words(self.knowledge, ("gap", *WHY), reason)

    def missing(self, what: str) -> str:
        """What is not known."""
        return first_words(self.knowledge, ("gap-what", "analyte"), what)

    def about(self, about: str) -> str:
        """What a conclusion is about."""
        return capital(ABOUT.get(about) or first_words(self.knowledge, ("cause",), about))

    def fact(self, fact: str) -> str:
        """A fact: "age:copper" as "age of copper", a scale by its analyte."""
        name, _, of = fact.partition(":")
        if of:
            return f"{name.replace('-', ' ')} of {self.missing(of)}"
        if scales := self.knowledge.scales.get(fact):
            return first_words(self.knowledge, ("analyte",), scales[0].analyte)
        return first_words(self.knowledge, ("feature",), fact)

    def rule(self, about: str, row: str) -> str:
        """A row of a table in words."""
        return first_words(self.knowledge, ("row", "headline", *WHY, "flag"), row)

    def cite(self, *citations: str) -> tuple[int, ...]:
        """The numbers of sources."""
        return tuple(self.numbers.setdefault(c, len(self.numbers) + 1) for c in dict.fromkeys(citations) if c)

    def sources(self) -> Iterable[tuple[int, Citation]]:
        """The sources cited so far; one that the knowledge has no more is known by its id."""
        for citation, number in self.numbers.items():
            yield number, self.knowledge.citations.get(citation) or Citation(citation, citation)
