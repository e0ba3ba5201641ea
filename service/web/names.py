"""Words for the ids of the knowledge: what facts, levels, rows, causes and results are called.

In: ids. Out: plain text of wording.toml and names.toml; whoever shows it escapes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.cards.words import capital, first_words, known, unit_text, words
from service.clinical.knowledge.model import DeclaredFact, Knowledge, Row

WHY = ("reason", "feature")
YES_NO = ("yes", "no")
AT_MOST = "at most "  # a cap, as service.explain says it


@dataclass(frozen=True, slots=True)
class Names:
    """Words of one knowledge."""

    knowledge: Knowledge

    def analyte(self, analyte: str) -> str:
        """What a result is called."""
        return capital(first_words(self.knowledge, ("analyte",), analyte))

    def result(self, analyte: str) -> str:
        """The same within a sentence."""
        return first_words(self.knowledge, ("analyte",), analyte)

    def conclusion(self, about: str, concluded: str) -> str:
        """A conclusion in words; what a word means depends on what it is about."""
        if about in {n.id for n in self.knowledge.nutrients}:
            return self.said("status", concluded)
        if concluded.startswith(AT_MOST):
            certainty = self.said("certainty", concluded.removeprefix(AT_MOST))
            return self.said("concluded", "at-most").format(certainty=certainty)
        if about in self.causes:
            return self.said("certainty", concluded)
        if known(self.knowledge, "concluded", concluded):
            return self.said("concluded", concluded)
        if self._row(about, concluded):
            return self.rule(about, concluded)
        return first_words(self.knowledge, (about, "cause", *WHY), concluded)

    @property
    def causes(self) -> frozenset[str]:
        """What the explanation calls nutritional causes."""
        return frozenset(n.cause for n in self.knowledge.nutrients if n.cause) | {"multiple-deficiencies"}

    def level(self, fact: str, level: str) -> str:
        """The level of a fact in words."""
        kind = fact.partition(":")[0]
        for of in (fact, kind):
            if known(self.knowledge, "level-of", f"{of}.{level}"):
                return self.said("level-of", f"{of}.{level}")
        if kind in ("status", "certainty"):
            return self.said(kind, level)
        if fact in ("severity", "grade") or fact.endswith("-grade"):
            return self.said("severity", level)
        declared = self.knowledge.facts.get(fact)
        if declared and declared.groups:
            return ages(self.knowledge, declared, level)
        of_result = fact in self.knowledge.scales and level not in ("unknown", *YES_NO)
        return self.said(
            "level" if of_result or not known(self.knowledge, "plain-level", level) else "plain-level", level
        )

    def said(self, table: str, key: str) -> str:
        """The text of `table.key`."""
        return words(self.knowledge, table, key)

    def reason(self, reason: str) -> str:
        """Why a status is what it is."""
        return first_words(self.knowledge, (*WHY, "rule"), reason)

    def gap(self, reason: str) -> str:
        """Why something could not be used or is not there."""
        return first_words(self.knowledge, ("gap", *WHY), reason)

    def missing(self, what: str) -> str:
        """What is not known."""
        return first_words(self.knowledge, ("gap-what", "analyte"), what)

    def about(self, about: str) -> str:
        """What a conclusion is about."""
        named = next((n.name for n in self.knowledge.nutrients if n.id == about), None)
        return capital(named or first_words(self.knowledge, ("about", "cause"), about))

    def fact(self, fact: str) -> str:
        """A fact: "age:copper" as "age of the result of copper", a scale by its analyte where it has no name."""
        name, _, of = fact.partition(":")
        if of:
            named = next((n.name for n in self.knowledge.nutrients if n.id == of), None) or self.missing(of)
            return self.said("prefix", name).format(of=named)
        scales = self.knowledge.scales.get(fact)
        if scales and not known(self.knowledge, "fact", fact):
            return first_words(self.knowledge, ("analyte",), scales[0].analyte)
        return first_words(self.knowledge, ("fact", "feature"), fact)

    def rule(self, about: str, row: str) -> str:
        """A row of a table in words: its own, else what it concludes and why."""
        if known(self.knowledge, "rule", row):
            return self.said("rule", row)
        found = self._row(about, row)
        if found is None:
            return first_words(self.knowledge, ("row", "headline", *WHY), row)
        concluded = self._then(found)
        reasons = "; ".join(map(self.reason, found.reasons))
        return (
            self.said("concluded", "with-reasons").format(concluded=concluded, reasons=reasons)
            if reasons
            else concluded
        )

    def _then(self, row: Row) -> str:
        then = row.then
        if "status" in then:
            return self.said("status", then["status"])
        if "at_most" in then:
            return self.said("concluded", "at-most").format(certainty=self.said("certainty", then["at_most"]))
        if "cause" in then:
            certainty = self.said("certainty", then["certainty"])
            return self.said("concluded", "of-cause").format(
                cause=self.said("cause", then["cause"]), certainty=certainty
            )
        if "flag" in then:
            return self.said("flag", then["flag"])
        return first_words(self.knowledge, ("row", "headline", *WHY), row.id)

    def _row(self, about: str, row: str) -> Row | None:
        """A row by its id, among the tables that a conclusion of this kind comes from."""
        own = next((n for n in self.knowledge.nutrients if about in (n.id, n.cause)), None)
        rows = (*own.status, *own.cap) if own else self.knowledge.tables.get(about, ())
        return next((one for one in rows if one.id == row), None)

    def concept(self, concept: str) -> str:
        """A condition or a drug."""
        return first_words(self.knowledge, (), concept)

    def stands_out(self, evidence: Mapping[str, Any]) -> bool:
        """Whether a result lies in a band that is not in range."""
        scales = (s for all_ in self.knowledge.scales.values() for s in all_ if s.analyte == evidence["analyte"])
        sides = {band.side for scale in scales for band in scale.bands if band.level == evidence.get("level")}
        return bool(sides) and "ok" not in sides

    def band(self, band: str) -> str:
        """A band with its unit."""
        return unit_text(self.knowledge, band)


def ages(knowledge: Knowledge, fact: DeclaredFact, level: str) -> str:
    """A group of an age by its limits: "1 year to below 16 years"; the last group is open."""
    place = next((i for i, (name, _, _) in enumerate(fact.groups) if name == level), None)
    if place is None:
        return words(knowledge, "age", "unknown")
    begin, end = (_age(knowledge, fact, place - 1) if place else ""), _age(knowledge, fact, place)
    kind = "below" if not place else "from" if place == len(fact.groups) - 1 else "between"
    return words(knowledge, "age", kind).format_map({"from": begin, "to": end})


def _age(knowledge: Knowledge, fact: DeclaredFact, place: int) -> str:
    """Where a group of an age ends."""
    _, unit, number = fact.groups[place]
    key = f"{unit}-{number}"
    return words(knowledge, "age", key if known(knowledge, "age", key) else unit).format(number=number)


def limits(fact: DeclaredFact) -> list[str]:
    """In time, dose and route, what makes a fact of the chart hold."""
    found = {
        "within {} days": fact.within_days,
        "on file for at least {} days": fact.recorded_days,
        "begun within {} days": fact.started_within_days,
        "taken for at least {} days": fact.taken_days,
        "at least {} mg a day": fact.least_mg_per_day,
        "on more than {} days a week": fact.days_per_week_above,
        "last dose {} days ago": " to ".join(map(str, fact.last_dose_days)) if fact.last_dose_days else None,
        "route {}": " or ".join(sorted(fact.routes)) or None,
        "{}": "confirmed only" if fact.confirmed else None,
    }
    return [said.format(limit) for said, limit in found.items() if limit is not None]
