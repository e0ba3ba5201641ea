"""How much of a drug a drafted order means a day, of each of its ingredients.

In: Dosages and the words of the product. Out: Amounts with what was assumed; None where nothing says it.
Source: FHIR R4 Dosage; knowledge D (elemental amounts), H4.34.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from service.clinical.knowledge.vocabulary import Reading
from service.fhir.medications import AMOUNT, number_of
from service.fhir.quantities import is_number
from service.order_checks.phrases import Phrases
from service.order_checks.schedule import Schedule
from service.order_checks.sent import Dosage
from service.order_checks.strengths import ELEMENTAL, OF_THE_ELEMENT, Ingredient, Strengths, bounded

FINE, ROUGH = 6, 3  # decimals of what is stated in weights, and of what is counted in pieces
ONE_A_DAY, AT_MEALS = "one-a-day", "at-meals"
Taken = tuple[str, Decimal]  # weight | pieces | volume, and how much at once


@dataclass(frozen=True, slots=True)
class Amount:
    """A dose a day in milligrams; of zinc the element."""

    mg: Decimal | None = None  # None: not stated in a form that can be read
    most: Decimal | None = None  # what it may be at most, when the salt may have been weighed or the element
    assumed: str = ""  # by-salt | as-element | one-a-day | at-meals: how it was read, when the order does not say
    is_element: bool = False  # milligrams of the element, not of the product


class Doses:
    """Ways of writing a dose, indexed once."""

    def __init__(self, reading: Reading, said: Mapping[str, Any], phrases: Phrases, schedule: Schedule) -> None:
        self._phrases, self._schedule = phrases, schedule
        self._strengths = Strengths(reading, said, phrases)
        self._elements: Mapping[str, Mapping[str, Decimal]] = said["elements"]
        self._most_a_day = Decimal(said["assumed"]["most_a_day"])

    def ingredients(self, product: Sequence[str], match: Callable[[str], frozenset[str]]) -> list[Ingredient]:
        """What a product holds, with its concepts."""
        return self._strengths.of(product, match)

    def amount(self, doses: Sequence[Dosage], held: Ingredient, drugs: frozenset[str], *, alone: bool = True) -> Amount:
        """Milligrams a day: of the doses that are taken side by side, the sum; of those one after another, the most."""
        found: dict[int | None, Decimal] = {}
        for dose in doses:
            if (mg := self._a_day(dose, held, alone)) is not None:
                found[dose.sequence] = found.get(dose.sequence, Decimal(0)) + mg
        stated = bounded(max(found.values())) if found else None
        if stated is not None:
            one = self._of_element(stated, doses, held, drugs)
            return replace(one, assumed=AT_MEALS) if any(self._schedule.often(d).assumed for d in doses) else one
        return Amount() if found else self._one_a_day(doses, held, drugs, alone)

    def _one_a_day(self, doses: Sequence[Dosage], held: Ingredient, drugs: frozenset[str], alone: bool) -> Amount:
        """What one piece holds, where nothing says how often: one a day is assumed, two may be meant."""
        single = any(self._phrases.is_single(dose.words) for dose in doses)
        rates = {self._schedule.often(dose).per_day for dose in doses}
        if single or held.mg is None or not rates <= {None, Decimal(1)}:
            return Amount()
        at_once = [self._milligrams(self._taken(d, held, alone), held, alone) for d in doses if self._states(d)]
        stated = bounded(max(mg for mg in at_once if mg is not None), FINE) if any(at_once) else None
        stated = stated if at_once else held.mg
        if not stated:
            return Amount()
        one = self._of_element(stated, doses, held, drugs)
        return replace(one, most=bounded((one.most or stated) * self._most_a_day, FINE), assumed=ONE_A_DAY)

    def _states(self, dose: Dosage) -> bool:
        """Whether a dose says how much is taken at once, in whatever form."""
        said = AMOUNT.finditer(self._phrases.normal(dose.words))
        coded = any(one.doseQuantity or one.doseRange for one in dose.doseAndRate)
        return coded or any(self._strengths.measure(hit[2]) for hit in said) or bool(self._in_texts(dose))

    def _of_element(self, stated: Decimal, doses: Sequence[Dosage], held: Ingredient, drugs: frozenset[str]) -> Amount:
        """The element in what is stated: as the order says, else by the salt, else as if it were all element."""
        salts = next((self._elements[drug] for drug in sorted(drugs) if drug in self._elements), None)
        if salts is None:
            return Amount(stated, stated)
        if any(OF_THE_ELEMENT in dose.words.casefold() for dose in doses):
            return Amount(stated, stated, is_element=True)
        if element := ELEMENTAL.search(held.said):
            weighed = next((mg for mg, _ in self._strengths.weights(held.said[: element.start()])), None)
            inside = self._strengths.milligrams(element[1], element[2])
            share = inside / weighed if weighed and inside else Decimal(1)
            held_a_day = bounded(stated * share, ROUGH)
            return Amount(held_a_day, held_a_day, is_element=True)
        salt = next((share for name, share in salts.items() if name in held.said), None)
        if salt is None:
            return Amount(stated, stated, "as-element", is_element=True)
        return Amount(bounded(stated * salt, 1), stated, "by-salt", is_element=True)

    def _a_day(self, dose: Dosage, held: Ingredient, alone: bool) -> Decimal | None:
        """Milligrams a day of one dose."""
        if (mg := self._in_parts(dose, held, alone)) is not None:
            return mg
        taken, rate = self._taken(dose, held, alone), self._schedule.often(dose).per_day
        mg = self._milligrams(taken, held, alone)
        if mg is None or rate is None or taken is None:
            return None
        return bounded(mg * rate, FINE if taken[0] == "weight" else ROUGH)

    def _in_parts(self, dose: Dosage, held: Ingredient, alone: bool) -> Decimal | None:
        """Milligrams a day of words alone that name several doses, each with its own time."""
        said, patterns = self._phrases.normal(dose.words), self._phrases.patterns
        parts = patterns["also"].split(said)
        if dose.timing or dose.doseAndRate or len(parts) == 1 or patterns["then"].search(said):
            return None
        found = [(self._in_words(part), self._phrases.often(part).per_day) for part in parts]
        each = [(self._milligrams(taken, held, alone), rate) for taken, rate in found if taken or rate]
        if len(each) == 1 or any(mg is None or rate is None for mg, rate in each):
            return None
        return bounded(sum((mg * rate for mg, rate in each if mg and rate), Decimal(0)), FINE)

    def _milligrams(self, taken: Taken | None, held: Ingredient, alone: bool) -> Decimal | None:
        """Milligrams at once; a weight of a product of several ingredients does not say of which."""
        if taken is None:
            return None
        kind, number = taken
        if kind == "weight":
            return number if alone or number == held.mg else None
        strength = held.mg if kind == "pieces" else held.mg_per_ml
        return None if strength is None else bounded(strength * number)

    def _taken(self, dose: Dosage, held: Ingredient, alone: bool) -> Taken | None:
        """How much is taken at once: by its quantity or by its words, whichever is more."""
        found = [one for one in (self._coded(dose), *self._in_texts(dose)) if one]
        return max(found, key=lambda one: self._milligrams(one, held, alone) or 0, default=None)

    def _coded(self, dose: Dosage) -> Taken | None:
        """The quantity of a dose, of a range the most."""
        for one in dose.doseAndRate:
            quantity = one.doseQuantity or (one.doseRange and (one.doseRange.high or one.doseRange.low))
            if quantity and quantity.value is not None and is_number(quantity.value) and quantity.value >= 0:
                units = [unit for unit in (quantity.code, quantity.unit) if unit]
                found = (self._strengths.measure(unit) for unit in units)
                measured = next((one for one in found if one), None if units else ("pieces", Decimal(1)))
                if measured:
                    return measured[0], quantity.value * measured[1]
        return None

    def disputed(self, doses: Sequence[Dosage], held: Ingredient, *, alone: bool) -> bool:
        """Whether a dose says in more than one way how much: in its words more than in its quantity."""
        said = [(self._coded(dose), self._taken(dose, held, alone)) for dose in doses]
        each = ([self._milligrams(taken, held, alone) or 0 for taken in both] for both in said if both[0])
        return any(coded < taken for coded, taken in each) or any(len(set(self._in_texts(dose))) > 1 for dose in doses)

    def _in_texts(self, dose: Dosage) -> list[Taken]:
        """What its words and its further instructions say, as far as it can be compared."""
        texts = map(self._phrases.normal, (dose.words, *dose.notes))
        said = (self._phrases.patterns["denied"].sub(" ", text) for text in texts)
        found = [taken for text in said if (taken := self._in_words(text))]
        return [taken for taken in found if taken[0] == found[0][0]]

    def _in_words(self, said: str) -> Taken | None:
        """The first weight of a text, else the first number of pieces, else the first volume; of a range the most."""
        patterns = self._phrases.patterns
        if scheme := self._phrases.scheme(said):
            unit = patterns["unit"].match(scheme.after)
            measured = self._strengths.measure(unit[1]) if unit else None
            kind, each = measured or self._in_words(f"{scheme.before} {scheme.after}") or ("pieces", Decimal(1))
            return kind, each * scheme.pieces
        several = patterns["several"].search(said)
        found: dict[str, Decimal] = {}
        for hit in AMOUNT.finditer(patterns["ranged"].sub("", patterns["several"].sub("", said))):
            measured = self._strengths.measure(hit[2])
            if measured and not patterns["by_something"].match(said[said.find(hit[0]) + len(hit[0]) :]):
                found.setdefault(measured[0], number_of(hit[1]) * measured[1])
        if "weight" in found:
            times = Decimal(several[1] or several[2]) if several else Decimal(1)
            return "weight", found["weight"] * times
        bare = patterns["bare"].search(said)
        if not found and bare:
            return "pieces", Decimal(bare[2] or bare[1])
        return next(((kind, found[kind]) for kind in ("pieces", "volume") if kind in found), None)
