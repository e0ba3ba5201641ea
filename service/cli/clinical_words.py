"""Rows, bands and facts of the knowledge as cells of Markdown tables, in the words of cards and pages.

In: values of the knowledge, words. Out: text in which nothing is taken for markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, groupby

from service.cards.words import capital
from service.clinical.knowledge.model import DeclaredFact, Knowledge, Levels, Row, Scale
from service.web.names import ages, limits
from service.web.terms import Terms

Lines = Iterator[str]
_BARE = {frozenset(["yes"]): "{}", frozenset(["no"]): "no {}"}
# Levels that come to the same.
_SAME = {("clozapine-rules", frozenset(["unset", "us"])): "US (also where none is set)",
         ("clozapine-rules", frozenset(["unset", "us", "eu"])): "EU or US (also where none is set)"}  # fmt: skip
# Of results that stand on several scales: what each but the usual one is for.
_FOR = {
    "newborn-alert": "for alerts in the newborn", "duffy-scale": "with a Duffy-null phenotype",
    "fever-grade": "with fever", "order-count": "for checks of orders", "egfr-drugs": "for drugs that it lets build up",
    "egfr-methotrexate": "on methotrexate", "white-cell-toxicity": "as a sign of methotrexate toxicity",
    "platelet-level": "how low", "platelets-methotrexate": "on methotrexate",
    "ldh-depth": "how far raised", "ferritin-limit": "by the laboratory's range",
    "ferritin-reassures": "how far it reassures in inflammation",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paper:
    """The words of one document, with the sources and facts that it has named so far."""

    terms: Terms
    named: set[str] = field(default_factory=set)

    @property
    def knowledge(self) -> Knowledge:
        """What it is about."""
        return self.terms.knowledge

    def cite(self, *citations: str) -> str:
        """The numbers of sources."""
        return " ".join(f"[{place}]" for place in self.terms.cite(*citations))

    def when(self, levels: Levels) -> str:
        """What a row asks for: "fever: yes; count: below 0.5"."""
        self.named.update(levels)
        return "; ".join(self._asked(fact, wanted) for fact, wanted in levels.items()) or "no other row holds"

    def _asked(self, fact: str, wanted: frozenset[str]) -> str:
        name = self.terms.fact(fact)
        if wanted in _BARE:
            return _BARE[wanted].format(name)
        if (fact, wanted) in _SAME:
            return f"{name}: {_SAME[fact, wanted]}"
        declared = self.knowledge.facts.get(fact)
        if declared and declared.groups:
            return f"{name}: {' or '.join(self._ages(declared, wanted))}"
        said = dict.fromkeys(self.terms.level(fact, one) for one in sorted(wanted))
        return f"{name}: {' or '.join(said)}"

    def _ages(self, declared: DeclaredFact, wanted: frozenset[str]) -> Lines:
        """Groups of an age, those that follow on each other as one."""
        names = [name for name, _, _ in declared.groups]
        whole = wanted.issuperset(names)
        ended = [
            one for one, after in zip(declared.groups, [*names[1:], ""], strict=True)
            if whole or one[0] not in wanted or after not in wanted
        ]  # fmt: skip
        joined = replace(declared, groups=tuple(ended))
        yield from (ages(self.knowledge, joined, name) for name, _, _ in ended if name in wanted)
        yield from (ages(self.knowledge, joined, one) for one in sorted(wanted.difference(names)))

    def scale(self, fact: str) -> str:
        """What a scale is of; where a result has several, also what this one is for."""
        name = self.terms.fact(fact)
        return f"{name}, {_FOR[fact]}" if fact in _FOR else name

    def used(self) -> set[str]:
        """The facts that were named, and those that these are made of."""
        found, new = set[str](), set(self.named)
        while new:
            found |= new
            declared = (self.knowledge.facts[fact] for fact in new if fact in self.knowledge.facts)
            new = set(chain.from_iterable(when for one in declared for _, when in one.choices)) - found
        return found

    @staticmethod
    def safe(text: str) -> str:
        """A text in which nothing is taken for markup."""
        return text.replace("**", "").replace("*", "\\*").replace("|", "\\|").replace("\n", " ")


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Lines:
    """A table, when it has rows."""
    lines = [f"| {' | '.join(Paper.safe(cell) for cell in row)} |" for row in rows]
    if lines:
        yield "\n".join([f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}", *lines])


def for_whom(scale: Scale, paper: Paper) -> str:
    """The patients that a scale holds for."""
    profile = {fact: wanted for fact, wanted in scale.when.items() if fact != "profile"}
    return paper.when(profile) if profile else "all"


def bands(scale: Scale, paper: Paper) -> str:
    """The bands, lowest first, each with its verdict."""
    said = ((paper.terms.level(scale.fact, band.level), paper.terms.band(band.label)) for band in scale.bands)
    return "; ".join(label if _repeats(word, label) else f"{word} {label}" for word, label in said)


def _repeats(word: str, label: str) -> bool:
    """Whether a verdict says no more than its label: "within", of "within the laboratory's range"."""
    return bool(label) and (any(map(str.isdigit, word)) or word.split()[0] == label.split()[0])


def days(number: int | None) -> str:
    """A time in days; nothing when there is none."""
    return "" if number is None else f"{number} day{'' if number == 1 else 's'}"


def means(fact: DeclaredFact, paper: Paper) -> str:
    """What a declared fact is."""
    named = ", ".join(map(paper.terms.concept, sorted(fact.concepts)))
    said = [f"{_KINDS[fact.kind]}: {named}"] if named else []
    said += limits(fact)
    for level, found in groupby((choice for choice in fact.choices if choice[1]), key=lambda choice: choice[0]):
        ways = " OR ".join(paper.when(when) for _, when in found)
        said.append(ways if level == "yes" else f"{paper.terms.level(fact.id, level)}: {ways}")
    return capital(" / ".join(said))


_KINDS = {
    "problem": "problem on record", "mother": "of the mother", "family": "of the family", "medication": "drug on file",
}  # fmt: skip


def once(row: Row) -> str:
    """In how many days a card comes on one day, where its row says so."""
    return f" (on one day in {row.then['once_days']})" if "once_days" in row.then else ""
