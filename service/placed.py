"""Where every result of a nutrient stands on its scale, and which limits of the count are the patient's own.

In: PatientFacts, Knowledge, the moment. Out: Scales, typed values for the pictures. A result that rules do not look at
(preliminary, without a date) is there too, with the reason; the bands are those that hold for this patient at the age
of the draw, in the unit in which they are stated. Source: rule base A2, A3, B1, H2.8-H2.13, H4.37.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from service.clinical.assess import case_of
from service.clinical.case import Case
from service.clinical.facts import LabResult, PatientFacts
from service.clinical.grading import graded
from service.clinical.interval import Interval
from service.clinical.knowledge.model import Band, Knowledge, Nutrient, Scale
from service.clinical.scales import Finding

AGE, DUFFY, LABORATORY = "age", "duffy-null", "laboratory"
OK = "ok"


@dataclass(frozen=True, slots=True)
class Placed:
    """One result on the scale of its test."""

    fact: str
    result: LabResult
    level: str  # of a result that is not used: where it would stand
    bands: tuple[Band, ...]  # with numbers, lowest first; empty: nothing to place it on
    value: Interval | None  # in `unit`
    unit: str  # of the bands
    citation: str
    age: str = "unknown"  # current | ageing | old | unknown
    unused: str = ""  # preliminary | undated: why no rule looks at it
    doubted: bool = False  # a level in range proves nothing here (H6.65)


@dataclass(frozen=True, slots=True)
class Limit:
    """A lower limit of the count, and whose it is."""

    value: Decimal  # 10*9/L
    why: str  # age | duffy-null | laboratory
    citation: str
    asks: tuple[tuple[str, str], ...] = ()  # the facts with their levels by which it was chosen


@dataclass(frozen=True, slots=True)
class Scales:
    """What the pictures need beside the Assessment."""

    nutrients: tuple[tuple[str, tuple[Placed, ...]], ...] = ()  # id of the nutrient, its results, the leading one first
    limits: tuple[Limit, ...] = ()
    bands: tuple[Band, ...] = ()  # of the count, lowest first
    citation: str = ""  # of these bands


def placed(facts: PatientFacts, knowledge: Knowledge, as_of: datetime) -> Scales:
    """The scales of one patient at one moment."""
    case = case_of(facts, knowledge, as_of)
    nutrients = tuple((n.id, tuple(_of(case, n))) for n in knowledge.nutrients)
    scale = _grade(case)
    bands, citation = (scale.bands, scale.citation) if scale else ((), "")
    return Scales(nutrients, tuple(_limits(case, scale)), bands, citation)


# --- nutrients --------------------------------------------------------------------------------------------------------


def _of(case: Case, nutrient: Nutrient) -> Iterator[Placed]:
    for fact in nutrient.facts:
        finding = case.finding(fact)
        if finding.result:
            doubted = fact == nutrient.facts[0] and nutrient.masked is not None and case[nutrient.masked] == "yes"
            yield replace(_placed(case, finding), doubted=doubted)
        analyte = case.knowledge.scales[fact][0].analyte
        for result in case.patient.results:
            if result.analyte == analyte and (why := _unused(result)):
                yield replace(_placed(case, case.place(fact, result)), unused=why)


def _unused(result: LabResult) -> str:
    if result.status == "preliminary":
        return "preliminary"
    return "" if result.when else "undated"


def _placed(case: Case, finding: Finding) -> Placed:
    result, scale = finding.result, finding.scale
    assert result
    bands, unit = (_bands(scale, result), scale.unit or result.unit) if scale else ((), result.unit)
    value = case.in_unit(result, unit) if bands else result.value
    first = scale or case.knowledge.scales[finding.fact][0]
    citation = finding.band.citation if finding.band else first.citation
    age = case[f"age:{result.analyte}"]
    return Placed(finding.fact, result, finding.level, bands, value, unit, citation, age)


def _bands(scale: Scale, result: LabResult) -> tuple[Band, ...]:
    """The bands of a scale with their numbers; those of the laboratory's range take them from it."""
    if not scale.by_range:
        return scale.bands
    if result.range is None:
        return ()
    below, within, above = scale.bands
    low, high = result.range.low, result.range.high
    found = [replace(below, below=low)] if low is not None else []
    return (*found, replace(within, upto=high), *([above] if high is not None else []))


# --- the count --------------------------------------------------------------------------------------------------------


def _grade(case: Case) -> Scale | None:
    reading = graded(case)
    at = reading.specimen.when.earliest.date() if reading else case.today
    return next(iter(case.scales_at("grade", at)), None)


def _limits(case: Case, scale: Scale | None) -> Iterator[Limit]:
    reading = graded(case)
    if scale and (value := _upper_end(scale.bands)) is not None:
        at = reading.specimen.when.earliest.date() if reading else case.today
        asks = tuple((fact, case.level_at(fact, at)) for fact in scale.when)
        yield Limit(value, AGE, scale.citation, asks)
    if case["duffy-null"] == "yes":
        expected = case.knowledge.scales["duffy-scale"][0]
        if (value := _upper_end(expected.bands)) is not None:
            yield Limit(value, DUFFY, expected.citation)
    result = reading.specimen.first("neutrophils") if reading else None
    if result and result.range and result.range.low is not None and result.unit == "10*9/L":
        yield Limit(result.range.low, LABORATORY, "h2-laboratory-range")


def _upper_end(bands: tuple[Band, ...]) -> Decimal | None:
    """Where what is not normal ends; None when the hour decides."""
    if bands[-1].side != OK:
        return None
    return next((band.below for band in reversed(bands) if band.side != OK), None)
