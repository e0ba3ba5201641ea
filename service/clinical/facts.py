"""What is known of one patient, after reading and before judging.

In: the reader's work (service.fhir). Out: frozen values that the core trusts: every result has a unit that the
knowledge knows, a time or none, and everything that could not be used is a Gap with its reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from service.clinical.interval import Interval


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened: the instants that a FHIR date of any precision allows, in the site's time zone."""

    earliest: datetime
    latest: datetime
    text: str  # as reported: "2026-06-14", "2026-06-14T08:20:00Z"

    @property
    def is_instant(self) -> bool:
        """Whether the time of day is known."""
        return self.earliest == self.latest


@dataclass(frozen=True, slots=True)
class Range:
    """A laboratory's own reference range, in the unit of the result that carries it."""

    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class LabResult:
    """One usable result of one analyte. `value` is in `unit`, a comparison unit of the analyte; not converted."""

    analyte: str  # id of an analyte of the knowledge
    reference: str  # "Observation/id" of the resource that reports it
    status: str  # final | amended | corrected | preliminary
    when: Moment | None  # None: undated, never graded
    value: Interval | None = None  # None for an answer in words
    unit: str = ""  # comparison unit, e.g. "pg/mL" or "pmol/L"
    answer: str | None = None  # "positive" | "negative": presence results, also read from numbers against the range
    text: str = ""  # as reported: "140 pg/mL", "Positive"
    range: Range | None = None
    specimen: str | None = None  # reference of the Specimen, when given
    report: str | None = None  # reference of a DiagnosticReport that lists it
    method: str | None = None  # "manual" | "automated" when the code says so
    comments: tuple[str, ...] = ()
    unit_inferred: bool = False  # the unit was missing and follows from the reference range alone
    flag: str | None = None  # below | within | above: the laboratory's own word, for a result without its range


@dataclass(frozen=True, slots=True)
class Problem:
    """A Condition, Procedure, or a family member's condition, by the concepts of the knowledge that it matches."""

    concepts: frozenset[str]
    reference: str
    active: bool  # active, recurrence, relapse (Condition); completed procedures are history: False
    onset: Moment | None = None  # onset, performed
    recorded: Moment | None = None
    abatement: Moment | None = None
    kind: str = "condition"  # condition | procedure | visit | mother | family
    by_name: bool = False  # matched by words, not by a code
    confirmed: bool = False  # verificationStatus confirmed


@dataclass(frozen=True, slots=True)
class Medication:
    """A drug on file, by the concepts of the knowledge that it matches."""

    concepts: frozenset[str]
    reference: str
    kind: str  # request | statement | administration | dispense
    status: str  # active | on-hold | completed | stopped | ended | unknown ...
    start: Moment | None = None
    end: Moment | None = None
    route: str | None = None  # systemic | local | injection; None: unknown. injection is systemic too
    dose_mg_per_day: Decimal | None = None  # as ordered; None: not stated in a form that can be read
    by_name: bool = False
    days_per_week: Decimal | None = None  # on which it is taken; None: not stated in a form that can be read

    @property
    def is_supply(self) -> bool:
        """Whether it is evidence that the patient was given the drug."""
        return self.kind in ("administration", "dispense")


@dataclass(frozen=True, slots=True)
class OrderOnFile:
    """A ServiceRequest that is active, draft or on-hold: the ids of orders.toml that it covers."""

    orders: frozenset[str]
    reference: str
    authored: Moment | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be used, and why. Holds codes and references, never a patient's value."""

    what: str  # analyte id, or the kind of resource
    reason: str  # unit-missing, unit-not-understood, implausible-result, status, undated, future, other-patient ...
    observation: str | None = None  # reference of the resource
    detail: str = ""  # a short fact for the integrator, e.g. the local code; never a result
    when: Moment | None = None  # of the result that could not be used, when it is known


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """Everything that the core sees of one patient. Tuples are in no order: conclusions do not depend on it."""

    subject: str | None  # "Patient/id"
    birth: Moment | None = None
    sex: str = "unknown"  # male | female | unknown
    results: tuple[LabResult, ...] = ()
    problems: tuple[Problem, ...] = ()
    medications: tuple[Medication, ...] = ()
    orders: tuple[OrderOnFile, ...] = ()
    gaps: tuple[Gap, ...] = ()
    unavailable: frozenset[str] = field(default_factory=frozenset)  # prefetch keys that could not be had
