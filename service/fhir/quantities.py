"""What an Observation measured: a number in a comparison unit with the laboratory's range, an answer, or a date.

In: the value part of an Observation or component, and its analyte. Out: Measured, or the reason why it cannot be used.
Source: knowledge A2, H6.46; shared units table, sections 1 and 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from service.clinical.facts import Range
from service.clinical.interval import Interval
from service.clinical.knowledge.model import Analyte, Unit
from service.clinical.knowledge.vocabulary import Reading
from service.clinical.units import comparison, converted, plausible_in
from service.fhir.concepts import Names, negated, texts_of, words_of
from service.fhir.resources import CodeableConcept, Quantity, ReferenceRange, Value

MOST_DIGITS = 12  # before or behind the point
MOST_LETTERS = 26  # of a number in a text
COMPARATORS = frozenset([None, "<", "<=", ">", ">="])


@dataclass(slots=True)
class Measured:
    """What was measured; `text` as reported."""

    text: str
    value: Interval | None = None
    unit: str = ""
    answer: str | None = None
    range: Range | None = None
    inferred: bool = False
    is_molar: bool | None = None  # of the unit as reported; None when it is neither mass nor moles


class Answers:
    """Positive or negative, from codes and words."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._words = Names.of(reading.answer_words.items())

    def of_concept(self, concept: CodeableConcept) -> str | None:
        """By code, else by its words."""
        codes = self._reading.answers
        coded = {codes[c.system or "", c.code or ""] for c in concept.coding if (c.system or "", c.code or "") in codes}
        if len(coded) == 1:
            return coded.pop()
        said = {answer for text in texts_of(concept) if (answer := self.of_text(text))}
        return said.pop() if len(said) == 1 else None

    def of_text(self, text: str) -> str | None:
        """The one answer that the words give; None when they give none, or both."""
        words = words_of(text)
        whole = self._words.by_name.get(" ".join(words))
        if whole:
            return next(iter(whole))
        found, behind = set(), 0
        for start, end, answers in self._words.find(words):
            if start < behind or (end - start == 1 and words[start] in ("no", "yes", "none")):
                continue
            behind = end
            found.add("negative" if negated(words, start, end, self._reading) else next(iter(answers)))
        return found.pop() if len(found) == 1 else None


def measure(value: Value, analyte: Analyte, answers: Answers) -> Measured | str:
    """The measurement, or the reason of its Gap."""
    if analyte.kind == "date":
        return Measured(value.valueDateTime) if value.valueDateTime else "no-value"
    if analyte.kind == "presence":
        return _presence(value, analyte, answers)
    if value.valueQuantity is not None:
        return _quantity(value.valueQuantity, value.referenceRange, analyte)
    if value.valueInteger is not None:
        return _quantity(Quantity(Decimal(value.valueInteger)), value.referenceRange, analyte)
    words = value.valueString or value.valueCodeableConcept
    return "value-in-words" if words else "no-value"


def _quantity(quantity: Quantity, ranges: list[ReferenceRange], analyte: Analyte) -> Measured | str:
    number = quantity.value
    if number is None:
        return "no-value"
    if quantity.comparator not in COMPARATORS:
        return "comparator-not-understood"
    if not is_number(number):
        return "implausible-result"
    limits = _normal_range(ranges) if ranges else None
    unit = _unit(quantity, limits, analyte)
    if isinstance(unit, str):
        return unit
    reported = converted(number, unit)
    if not _is_plausible(reported, quantity.comparator, analyte, unit.unit):
        return "implausible-result"
    value = Interval.reported(reported, quantity.comparator)
    inferred = not (quantity.unit or quantity.code)
    is_molar = "mol" in (quantity.code or quantity.unit or unit.unit).casefold()
    own_range = _range(limits, quantity, unit, analyte) if limits else None
    return Measured(_text(quantity, unit), value, unit.unit, None, own_range, inferred, is_molar)


def is_number(number: Decimal) -> bool:
    """Whether arithmetic with it is safe; no result is that large or small."""
    return number.is_finite() and -MOST_DIGITS <= number.adjusted() <= MOST_DIGITS


def _unit(quantity: Quantity, limits: ReferenceRange | None, analyte: Analyte) -> Unit | str:
    if quantity.unit or quantity.code:
        found = comparison(analyte, quantity.code, quantity.unit, quantity.system)
        return found or "unit-not-understood"
    pure = analyte.units.get("1")
    if pure and pure.factor == 1:
        return pure
    return (_inferred(limits, analyte) if limits else None) or "unit-missing"


def _inferred(limits: ReferenceRange, analyte: Analyte) -> Unit | None:
    """The one unit that the range leaves: it names it, or its upper limit is usual in one reading only (A2)."""
    bounds = [q for q in (limits.low, limits.high) if q]
    stated = {comparison(analyte, q.code, q.unit, q.system) for q in bounds if q.unit or q.code}
    if stated:
        return stated.pop() if len(stated) == 1 else None
    top = limits.high.value if limits.high else None
    if analyte.usual_upper is None or top is None or not is_number(top):
        return None
    low, high, usual = analyte.usual_upper
    fitting = {u for u in analyte.units.values() if u.unit == usual and low <= converted(top, u) <= high}
    return fitting.pop() if len(fitting) == 1 else None


def _is_plausible(number: Decimal, comparator: str | None, analyte: Analyte, unit: str) -> bool:
    """Whether a number can be a result; a bound may lie below what can be measured."""
    if number < 0:
        return False
    stretch = plausible_in(analyte, unit)
    if stretch is None:
        return True
    return number <= stretch[1] and (number >= stretch[0] or comparator in ("<", "<="))


def _normal_range(ranges: list[ReferenceRange]) -> ReferenceRange | None:
    for one in ranges:
        if (one.low or one.high) and (one.type is None or any(c.code == "normal" for c in one.type.coding)):
            return one
    return None


def _range(limits: ReferenceRange, result: Quantity, unit: Unit, analyte: Analyte) -> Range | None:
    """The range in the unit of its result; None when it is in another one that cannot be converted exactly."""
    low = _limit(limits.low, result, unit, analyte) if limits.low else None
    high = _limit(limits.high, result, unit, analyte) if limits.high else None
    return Range(low, high) if low is not None or high is not None else None


def _limit(limit: Quantity, result: Quantity, unit: Unit, analyte: Analyte) -> Decimal | None:
    if limit.value is None or not is_number(limit.value):
        return None
    if (limit.unit or limit.code) and (limit.unit, limit.code) != (result.unit, result.code):
        own = comparison(analyte, limit.code, limit.unit, limit.system)
        return converted(limit.value, own) if own and own.unit == unit.unit else None
    return converted(limit.value, unit)


def _text(quantity: Quantity, unit: Unit) -> str:
    number = format(quantity.value or Decimal(0), "f")[:MOST_LETTERS]
    return f"{quantity.comparator or ''}{number} {quantity.unit or quantity.code or unit.unit}"


def _presence(value: Value, analyte: Analyte, answers: Answers) -> Measured | str:
    text, answer = "", None
    if value.valueCodeableConcept is not None:
        text = next(iter(texts_of(value.valueCodeableConcept)), "")
        answer = answers.of_concept(value.valueCodeableConcept)
    elif value.valueBoolean is not None:
        answer = text = "positive" if value.valueBoolean else "negative"
    elif value.valueString is not None:
        text, answer = value.valueString, answers.of_text(value.valueString)
    elif value.valueQuantity is not None:
        return _counted(value.valueQuantity, value, analyte, answers)
    else:
        return "no-value"
    return Measured(text or answer or "", answer=answer) if answer else "answer-not-understood"


def _counted(quantity: Quantity, value: Value, analyte: Analyte, answers: Answers) -> Measured | str:
    """A presence test that gave a number: positive above the laboratory's own limit, nothing without one."""
    if quantity.value is None:
        return "no-value"
    if not is_number(quantity.value) or quantity.comparator not in COMPARATORS:
        return "implausible-result"
    number = Interval.reported(quantity.value, quantity.comparator)
    limits = _normal_range(value.referenceRange)
    top = limits.high.value if limits and limits.high else None
    answer = next((a for c in value.interpretation if (a := answers.of_concept(c))), None)
    if answer is None and top is not None and is_number(top) and analyte.positive_above_range:
        answer = "positive" if number.above(top) else "negative" if number.at_most(top) else None
    text = f"{quantity.comparator or ''}{format(quantity.value, 'f')} {quantity.unit or quantity.code or ''}".strip()
    return Measured(text, answer=answer) if answer else "answer-not-understood"
