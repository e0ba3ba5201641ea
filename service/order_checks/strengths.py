"""What a product holds: its ingredients, and the strength of each, by the piece or by volume.

In: the words of a product. Out: Ingredients; a strength that does not say whose it is ("800-160 mg") is none.
Source: RxNorm and dm+d naming of products; knowledge D (elemental amounts).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from service.clinical.knowledge.vocabulary import Reading
from service.clinical.units import normal
from service.fhir.medications import AMOUNT, MOST_MILLIGRAMS, number_of
from service.order_checks.phrases import Phrases

ELEMENTAL = re.compile(r"(\d+(?:[.,]\d+)?)\s*(mg|g)\s+(?:of\s+)?elemental")
OF_THE_ELEMENT = "elemental"


@dataclass(frozen=True, slots=True)
class Ingredient:
    """One of what a product holds."""

    said: str  # its part of the product's words, in lower case
    mg: Decimal | None = None  # in a piece
    mg_per_ml: Decimal | None = None
    name: str = ""  # as the product calls it
    concepts: frozenset[str] = frozenset()


class Strengths:
    """Ways of writing a strength, indexed once."""

    def __init__(self, reading: Reading, said: Mapping[str, Any], phrases: Phrases) -> None:
        self._units = reading.dose_units
        self._volumes = {unit: Decimal(ml) for unit, ml in said["volumes"].items()}
        self._pieces = frozenset(said["pieces"]["words"])
        self._patterns = phrases.patterns

    def of(self, product: Sequence[str], match: Callable[[str], frozenset[str]]) -> list[Ingredient]:
        """The ingredients of a product, each with its concepts; one without, when it has one only or does not say."""
        for text in product:
            parts = [self._part(part, match) for part in self._split(text)]
            if len({part.name for part in parts if part.name and (part.mg or part.mg_per_ml)}) > 1:
                return [part for part in parts if part.name]
        return [self._whole(" ".join(product).casefold())]

    def _split(self, text: str) -> list[str]:
        parts: list[str] = []
        each = self._patterns["strengths_last"].sub(r"\1 \3 / \2 \4", text)
        for part in self._patterns["between"].split(each):
            if parts and OF_THE_ELEMENT in part.casefold():  # "220 mg capsule, 50 mg elemental zinc" is one
                parts[-1] = f"{parts[-1]}, {part}"
            else:
                parts.append(part)
        return parts

    def _whole(self, said: str) -> Ingredient:
        """A product, or a part of it, as one ingredient."""
        if self._patterns["paired"].search(said) and OF_THE_ELEMENT not in said:
            return Ingredient(said)
        mg, rest = next(self.weights(said), (None, ""))
        volume = self._patterns["by_volume"].match(rest)
        unit = self._volumes.get(volume[2]) if volume else None
        if mg is None or volume is None or unit is None:
            return Ingredient(said, mg)
        ml = Decimal(volume[1] or 1) * unit
        return Ingredient(said, None, mg / ml if ml else None)

    def _part(self, text: str, match: Callable[[str], frozenset[str]]) -> Ingredient:
        found = self._whole(text.casefold())
        strength = AMOUNT.search(text.casefold())
        before = text[: strength.start()] if strength else text
        words = (before if before.strip(" (") or not strength else text[strength.end() :]).strip(" ()-").split()
        while words and words[-1].casefold() in self._pieces:
            words.pop()
        return Ingredient(found.said, found.mg, found.mg_per_ml, " ".join(words).rpartition("(")[2], match(text))

    def weights(self, said: str) -> Iterator[tuple[Decimal, str]]:
        """The weights of a text in milligrams, each with what follows it."""
        for hit in AMOUNT.finditer(said):
            mg = self.milligrams(hit[1], hit[2])
            if mg:
                yield mg, said[hit.end() :]

    def milligrams(self, number: str, unit: str) -> Decimal | None:
        """A weight as written; None when it is none."""
        factor = self._units.get(normal(unit).casefold())
        return bounded(number_of(number) * factor) if factor is not None else None

    def measure(self, unit: str) -> tuple[str, Decimal] | None:
        """What a unit measures, and in how many milligrams, pieces or millilitres."""
        spelled = normal(unit).casefold()
        if factor := self._units.get(spelled):
            return "weight", factor
        if unit.casefold().strip(" .") in self._pieces:
            return "pieces", Decimal(1)
        return ("volume", self._volumes[spelled]) if spelled in self._volumes else None


def bounded(number: Decimal, digits: int | None = None) -> Decimal | None:
    """An amount that a dose can be, shortened; None for any other."""
    if not number.is_finite() or not 0 <= number < MOST_MILLIGRAMS:
        return None
    return number if digits is None else Decimal(format(round(number, digits).normalize(), "f"))
