"""The knowledge as typed, frozen values: what the TOML files of this folder say, after every check has passed.

In: nothing (definitions only). Out: the types that the reader (analytes, units, concepts) and the core (scales, rows)
work with. Source: shared clinical knowledge, cited row by row in the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

__all__ = [
    "Analyte", "Band", "Citation", "Code", "Concept", "Knowledge", "Nutrient", "OrderTemplate", "Row", "Scale", "Unit",
]

Levels = Mapping[str, frozenset[str]]  # fact -> the levels that match


@dataclass(frozen=True, slots=True)
class Code:
    """One code by which an analyte is reported."""

    system: str
    code: str
    display: str
    method: str | None = None  # manual | automated


@dataclass(frozen=True, slots=True)
class Unit:
    """How one way of writing a unit becomes a comparison unit: value x factor (+ offset, temperature only)."""

    unit: str  # the comparison unit
    factor: Decimal
    offset: Decimal = Decimal(0)  # added before the factor: (F - 32) x 5/9


@dataclass(frozen=True, slots=True)
class Analyte:
    """Something that a laboratory or a ward measures."""

    id: str
    name: str
    kind: str  # quantity | presence | text | date
    prefetch: str  # the prefetch key that fetches it
    codes: tuple[Code, ...]
    units: Mapping[str, Unit]  # every accepted spelling, UCUM code or alias -> comparison unit
    plausible: tuple[Decimal, Decimal, str] | None = None  # low, high, unit: outside is implausible-result
    conversions: Mapping[str, tuple[str, Decimal]] = field(default_factory=dict)  # comparison unit -> (other, factor)
    names: tuple[str, ...] = ()  # how an unmapped result of this kind is called, lower case
    current_days: int | None = None  # None: no expiry
    ageing_days: int | None = None
    positive_above_range: bool = False  # presence kind: a number above the laboratory's limit is positive
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Concept:
    """A condition, procedure or drug by which rules speak; matched by code (ATC and ICD-10-CM by prefix), then by name."""

    id: str
    name: str
    kind: str  # condition | drug
    codes: Mapping[str, tuple[str, ...]]  # system -> codes; for ATC and ICD-10-CM: prefixes unless in `exact`
    names: tuple[str, ...] = ()  # whole words, lower case
    exact: frozenset[str] = frozenset()  # ICD-10-CM codes that match themselves only
    history: bool = False  # counts when inactive or resolved
    systemic_only: bool = False  # drugs: a local route or form does not match


@dataclass(frozen=True, slots=True)
class OrderTemplate:
    """Something that can be suggested: a draft ServiceRequest, or (kind medication) an option in words."""

    id: str
    kind: str  # laboratory | imaging | procedure | referral | medication
    display: str
    system: str = ""
    code: str = ""
    answered_by: tuple[str, ...] = ()  # analytes whose current, conclusive result makes the order needless
    names: tuple[str, ...] = ()  # how an order on file may be called, lower case
    also: tuple[str, ...] = ()  # LOINC codes that order the same


@dataclass(frozen=True, slots=True)
class Citation:
    """A source."""

    id: str
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of a scale: from the end of the band before it to `below` (excluded) or `upto` (included)."""

    level: str
    side: str  # low | middle | ok | high: values that touch one side only are not in doubt
    below: Decimal | None = None
    upto: Decimal | None = None
    label: str = ""  # "<180 pg/mL", made at load
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Scale:
    """Bands of one analyte in one comparison unit, for those patients whose levels match `when`."""

    fact: str  # the fact that it answers, e.g. "b12"
    analyte: str
    unit: str
    bands: tuple[Band, ...]
    citation: str
    when: Levels = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a decision table: matches when every fact in `when` has one of its levels."""

    id: str
    table: str
    when: Levels
    then: Mapping[str, str]  # what it concludes: status, certainty, order, indicator, text ...
    reasons: tuple[str, ...] = ()
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Nutrient:
    """A nutrient with its decision tables."""

    id: str
    name: str
    cause: str
    analyte: str
    status: tuple[Row, ...]
    features: tuple[Row, ...]
    causes: tuple[Row, ...]
    caps: tuple[Row, ...]
    orders: tuple[Row, ...]
    options: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All of it, indexed for use."""

    version: str
    profile: str
    analytes: Mapping[str, Analyte]
    analyte_of: Mapping[tuple[str, str], tuple[str, str | None]]  # (system, code) -> (analyte id, method)
    concepts: Mapping[str, Concept]
    orders: Mapping[str, OrderTemplate]
    citations: Mapping[str, Citation]
    scales: Mapping[str, tuple[Scale, ...]]  # fact -> scales, first match wins
    nutrients: tuple[Nutrient, ...]
    tables: Mapping[str, tuple[Row, ...]]  # the tables that belong to no nutrient
    facts: Mapping[str, Row]  # facts declared as data: kind and parameters in `then`
    domains: Mapping[str, frozenset[str]]  # every fact -> the levels that it can take
    limits: Mapping[str, Decimal]  # named numbers of derived facts: windows, ratios
    wording: Mapping[str, str]
