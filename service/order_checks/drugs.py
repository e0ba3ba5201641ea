"""Which drugs an order names: an ordered drug is ordered, whatever its product's text warns of.

In: a drafted MedicationRequest, the Medications that it may refer to. Out: concepts with what the chart's own reading
says of them. Source: knowledge part G.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from service.clinical.facts import Medication
from service.clinical.knowledge.model import Knowledge
from service.fhir import resources as fhir
from service.fhir.concepts import Matcher, texts_of, words_of
from service.fhir.medications import MedicationReader
from service.fhir.moments import Moments
from service.fhir.references import short
from service.order_checks.phrases import CLAUSE
from service.order_checks.sent import FAULTS, MedicationRequest
from service.order_checks.sent import Medication as Product

_GLUED = re.compile(r"(?<=[^\W\d_]{4})(?=\d)")  # "Methotrexate2.5mg"
_PRODUCT = msgspec.json.Decoder(Product)


class OrderedDrugs(Matcher):
    """Drugs by code and by name; only a negation right beside a name takes it out of a product."""

    def __init__(self, knowledge: Knowledge, said: Mapping[str, Any]) -> None:
        bare = replace(knowledge, reading=replace(knowledge.reading, negations_before=()))
        super().__init__(bare, "drug", "both")
        self._beside = tuple(f" {' '.join(words_of(word))}" for word in said["negation"]["beside"])
        self._called = {concept.id: concept.names for concept in knowledge.concepts.values()}
        self._of_the_other = re.compile(rf"(?:^|(?<=[,(]))\W*{said['patterns']['beside']}", re.IGNORECASE)
        self._note = re.compile(said["patterns"]["note"], re.IGNORECASE)

    def named(self, text: str) -> frozenset[str]:
        """The concepts that a text names."""
        return self._by_text(text) | self._by_text(_GLUED.sub(" ", text))

    def match(self, concept: fhir.CodeableConcept | None, *more: str | None) -> tuple[frozenset[str], bool]:
        """By code and by words: beside a code the words count as a list of ingredients, without what they note."""
        found, by_name = super().match(concept, *more)
        texts = [text for text in (*texts_of(concept), *more) if text]
        if found and not by_name:
            return found.union(*(self.named(self._note.sub(" ", text)) for text in texts)), False
        return (found, by_name) if found else super().match(None, *(_GLUED.sub(" ", text) for text in texts))

    def own(self, text: str, drugs: frozenset[str]) -> str:
        """A text without its drug's name and what is said of others: "weekly, with folic acid daily" says weekly."""
        called = "|".join(re.escape(name) for drug in sorted(drugs) for name in self._called[drug])
        said = re.sub(rf"(?<!\w)(?:{called})(?!\w)", " ", text, flags=re.IGNORECASE) if called else text
        return "\n".join(self._before_others(clause, drugs) for clause in CLAUSE.split(said))

    def _before_others(self, clause: str, drugs: frozenset[str]) -> str:
        if self._named(words_of(clause)) <= drugs:
            return clause
        words = clause.split()
        starts = (i for i in range(len(words)) if not self._named(words_of(" ".join(words[: i + 1]))) <= drugs)
        own = " ".join(words[: next(starts, None)])
        return self._of_the_other.sub("", own)

    def _named(self, words: list[str]) -> frozenset[str]:
        kept = list(words)
        for start, end, _ in self._names.find(words):
            if f" {' '.join(words[:start])}".endswith(self._beside):
                kept[start:end] = ["."] * (end - start)
        return super()._named(kept)


class OrderedReader(MedicationReader):
    """The chart's reading of a drug, of what is ordered."""

    def __init__(self, knowledge: Knowledge, drugs: OrderedDrugs) -> None:
        super().__init__(knowledge)
        self._matcher = drugs

    def of(self, use: MedicationRequest, parts: Sequence[fhir.CodeableConcept], moments: Moments) -> Medication | None:
        """All drugs of an order, by its product and by each ingredient; None when it names none that we know."""
        known, form = [], [fhir.Coding(display=text) for text in texts_of(parts[0])]  # "eye drops" says it of each
        for part in parts:
            use.medicationCodeableConcept = fhir.CodeableConcept([*part.coding, *form], part.text)
            one = self.describe(use, "", {}, moments)
            known += [one] if isinstance(one, Medication) else []
        concepts = frozenset[str]().union(*(one.concepts for one in known))
        return replace(known[0], concepts=concepts) if known else None


def product_of(use: MedicationRequest, drugs: Mapping[str, Product]) -> list[fhir.CodeableConcept]:
    """The product and its ingredients, each as a concept; the product's name in the order and its form beside it."""
    reference = use.medicationReference.reference if use.medicationReference else None
    found = _behind(reference, use, drugs) if reference and use.medicationCodeableConcept is None else None
    called = use.medicationReference.display if use.medicationReference else None
    code = use.medicationCodeableConcept or (found and found.code) or fhir.CodeableConcept()
    more = [*texts_of(found.form if found else None), *([called] if called else [])]
    whole = fhir.CodeableConcept([*code.coding, *(fhir.Coding(display=text) for text in more)], code.text)
    return [whole, *(one.itemCodeableConcept for one in (found.ingredient if found else ()) if one.itemCodeableConcept)]


def _behind(reference: str, use: MedicationRequest, drugs: Mapping[str, Product]) -> Product | None:
    if not reference.startswith("#"):
        return drugs.get(reference) or drugs.get(short(reference))
    return next((one for one in _contained(use) if (one.id or "").removeprefix("#") == reference[1:]), None)


def _contained(use: MedicationRequest) -> list[Product]:
    return [one for raw in use.contained if (one := product(raw))]


def product(raw: bytes | msgspec.Raw) -> Product | None:
    """A Medication, None when it is not built as FHIR has it."""
    try:
        return _PRODUCT.decode(raw)
    except FAULTS:
        return None
