"""Which concepts of the knowledge a CodeableConcept stands for: by code, then by whole words.

In: codings and texts of a chart. Out: ids. A name never matches after a negation or as an allergy.
Source: knowledge part G.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.clinical.knowledge.model import Concept, Knowledge, OrderTemplate
from service.clinical.knowledge.vocabulary import Reading, Vocabulary
from service.fhir.resources import CodeableConcept

_WORD = re.compile(r"[^\W_]+(?:'s)?|[%#]|(?<=[ab])\+|[.;,:](?=\s|$)")  # the plus of "Fy(a+b-)"
_DOUBT = re.compile(r"(?<!\w)\?|\?(?!\w)")
_BREAKS = frozenset(".;,:")
_SYSTEMS = {  # how charts name a system, beside its canonical URI
    "http://hl7.org/fhir/sid/icd-10": "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.90": "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.3": "http://hl7.org/fhir/sid/icd-10-cm",
    "urn:oid:2.16.840.1.113883.6.96": "http://snomed.info/sct",
    "urn:oid:2.16.840.1.113883.6.88": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "urn:oid:2.16.840.1.113883.6.73": "http://www.whocc.no/atc",
    "urn:oid:2.16.840.1.113883.6.1": "http://loinc.org",
    "urn:oid:2.16.840.1.113883.12.292": "http://hl7.org/fhir/sid/cvx",
    "https://loinc.org": "http://loinc.org",
}
_HIERARCHIES = frozenset(["http://hl7.org/fhir/sid/icd-10-cm", "http://www.whocc.no/atc"])
NEGATION_REACH = 4  # words before a name in which a negation counts, a break ends it


def words_of(text: str) -> list[str]:
    """Lower-case words, signs % and #, and breaks of a text."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def texts_of(concept: CodeableConcept | None) -> list[str]:
    """The text and the displays of a concept."""
    if concept is None:
        return []
    return [text for text in (concept.text, *(c.display for c in concept.coding)) if text]


@dataclass(frozen=True)
class Names:
    """Names as whole words: the ids that each stands for."""

    by_name: Mapping[str, frozenset[str]]
    longest: int

    @classmethod
    def of(cls, pairs: Iterable[tuple[str, str]]) -> Names:
        """From pairs of a name and an id."""
        found: dict[str, set[str]] = {}
        for name, id in pairs:
            found.setdefault(" ".join(words_of(name)), set()).add(id)
        longest = max((len(name.split()) for name in found), default=0)
        return cls({name: frozenset(ids) for name, ids in found.items()}, longest)

    def find(self, words: list[str]) -> Iterable[tuple[int, int, frozenset[str]]]:
        """Every name in the words: start, end, ids; the longest at each start first."""
        for start in range(len(words)):
            for end in range(min(len(words), start + self.longest), start, -1):
                ids = self.by_name.get(" ".join(words[start:end]))
                if ids:
                    yield start, end, ids


def _contains(words: list[str], phrase: str) -> bool:
    return f" {phrase} " in f" {' '.join(words)} "


class Matcher:
    """Concepts of some kinds, or orders, indexed; each code and each text is looked at once."""

    def __init__(self, vocabulary: Vocabulary | Knowledge, *kinds: str) -> None:
        concepts = [c for c in vocabulary.concepts.values() if c.kind in kinds]
        self._concepts = {c.id: c for c in concepts}
        self._names = Names.of((name, c.id) for c in concepts for name in c.names)
        self._excepts = {c.id: [" ".join(words_of(name)) for name in c.except_names] for c in concepts}
        self._reading = vocabulary.reading
        self._codes: dict[tuple[str, str], frozenset[str]] = {}
        self._texts: dict[str, frozenset[str]] = {}

    def match(self, concept: CodeableConcept | None, *more: str | None) -> tuple[frozenset[str], bool]:
        """Ids, and whether they were found by name alone."""
        if concept is None and not any(more):
            return frozenset(), False
        codings = concept.coding if concept else []
        coded = frozenset(id for c in codings if c.system and c.code for id in self._by_code(c.system, c.code))
        if coded:
            return coded, False
        texts = [*texts_of(concept), *(text for text in more if text)]
        named = frozenset(id for text in texts for id in self._by_text(text))
        return named, bool(named)

    def _by_code(self, system: str, code: str) -> frozenset[str]:
        key = (_SYSTEMS.get(system, system), code.strip().upper())
        found = self._codes.get(key)
        if found is None:
            found = frozenset(c.id for c in self._concepts.values() if _has_code(c, *key))
            if len(self._codes) < MOST_KEPT:
                self._codes[key] = found
        return found

    def _by_text(self, text: str) -> frozenset[str]:
        found = self._texts.get(text)
        if found is None:
            found = self._named(words_of(_DOUBT.sub(" r/o ", text)))
            if len(self._texts) < MOST_KEPT:
                self._texts[text] = found
        return found

    def _named(self, words: list[str]) -> frozenset[str]:
        longest = {(id, start): end for start, end, ids in reversed([*self._names.find(words)]) for id in ids}
        said = {id for (id, start), end in longest.items() if not negated(words, start, end, self._reading)}
        return frozenset(id for id in said if not any(_contains(words, e) for e in self._excepts[id]))


MOST_KEPT = 10_000


def _has_code(concept: Concept, system: str, code: str) -> bool:
    stated = concept.codes.get(system, ())
    if system not in _HIERARCHIES:
        return code in stated
    excepted = any(code.startswith(prefix) for prefix in concept.except_codes.get(system, ()))
    return not excepted and any(code == s or (code.startswith(s) and s not in concept.exact) for s in stated)


def negated(words: list[str], start: int, end: int, reading: Reading) -> bool:
    """Whether words around a name say that it is not so: "no zinc", "allergy to", "sepsis ruled out"."""
    first = max(0, start - NEGATION_REACH)
    near = max((i + 1 for i in range(first, start) if words[i] in _BREAKS), default=first)
    after = f"{' '.join(words[end : end + NEGATION_REACH])} "
    return any(after.startswith(f"{n} ") for n in reading.negations_after) or any(
        _contains(words[first if n.endswith(":") else near : start], n) for n in reading.negations_before
    )


class OrderMatcher:
    """Order templates by code and by name."""

    def __init__(self, orders: Mapping[str, OrderTemplate]) -> None:
        self._codes: dict[tuple[str, str], set[str]] = {}
        for order in orders.values():
            for code in filter(None, (order.code, *order.also)):
                self._codes.setdefault((order.system or "http://loinc.org", code), set()).add(order.id)
        self._names = Names.of((n, o.id) for o in orders.values() for n in (o.display, *o.names))

    def match(self, concept: CodeableConcept) -> frozenset[str]:
        """Ids of the orders that a request covers: by its codes, else by its longest name."""
        codings = [c for c in concept.coding if c.system and c.code]
        coded = {id for c in codings for id in self._codes.get((c.system or "", c.code or ""), ())}
        if coded:
            return frozenset(coded)
        found = [hit for text in texts_of(concept) for hit in self._names.find(words_of(text))]
        return max(found, key=lambda hit: hit[1] - hit[0])[2] if found else frozenset()
