"""The knowledge as typed, frozen values: what the TOML files of this folder say, after every check has passed.

In: nothing (definitions only). Out: the types that the reader (analytes, units, concepts) and the core (scales, rows)
work with. Source: shared clinical knowledge, cited row by row in the files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.clinical.knowledge.vocabulary import Reading

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
    divisor: Decimal = Decimal(1)  # of the factor 5/9: dividing last keeps 100.4 F exactly 38 Cel


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
    usual_upper: tuple[Decimal, Decimal, str] | None = None  # of laboratories: tells a missing unit
    positive_above_range: bool = False  # presence kind: a number above the laboratory's limit is positive
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Concept:
    """A condition, procedure or drug of the rules; matched by code (ATC and ICD-10-CM by prefix), then by name."""

    id: str
    name: str
    kind: str  # condition | drug | both | visit
    codes: Mapping[str, tuple[str, ...]]  # system -> codes; for ATC and ICD-10-CM: prefixes unless in `exact`
    names: tuple[str, ...] = ()  # whole words, lower case
    exact: frozenset[str] = frozenset()  # ICD-10-CM codes that match themselves only
    history: bool = False  # counts when inactive or resolved
    systemic_only: bool = False  # drugs: a local route or form does not match
    except_codes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # prefixes that do not match
    except_names: tuple[str, ...] = ()  # words that undo a match by name: "insulin zinc"


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
    """Where a value of one analyte stands, for those patients whose levels match `when`.

    Either bands in one comparison unit, or (`by_range`) the laboratory's own range: below, within and above it.
    """

    fact: str  # the fact that it answers, e.g. "b12"
    analyte: str
    unit: str  # "" for by_range
    bands: tuple[Band, ...]  # by_range: three bands without numbers: below, within, above
    citation: str
    when: Levels = field(default_factory=dict)
    by_range: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a decision table: matches when every fact in `when` has one of its levels."""

    id: str
    table: str
    when: Levels
    then: Mapping[str, Any]  # what it concludes: status, certainty, order, indicator, text ...
    reasons: tuple[str, ...] = ()
    citation: str = ""


@dataclass(frozen=True, slots=True)
class DraftRule:
    """Which drafted orders a row is about: all that is stated holds. Doses are of the whole day, in milligrams."""

    drugs: frozenset[str] = frozenset()  # one of these concepts; none named: any drug
    orders: frozenset[str] = frozenset()  # or one of these orders
    routes: frozenset[str] = frozenset()  # one of: oral, injection, intramuscular, rectal, local, unknown
    mg_from: Decimal | None = None  # that much or more; a dose that is not stated counts as that much
    mg_above: Decimal | None = None
    mg_upto: Decimal | None = None  # at most; a dose that is not stated is not known to be so little
    days_above: int | None = None  # a course that is longer; one without an end is not known to be
    days_upto: int | None = None
    days_per_week_above: Decimal | None = None  # taken on more days of the week, as stated
    scheduled: bool = False  # round the clock: not as needed
    unread: bool = False  # has words for its dose that do not say how often
    reasons: frozenset[str] = frozenset()  # ordered for one of these problems


@dataclass(frozen=True, slots=True)
class DeclaredFact:
    """A fact declared as data.

    kind `problem`, `mother`, `family` or `medication`: yes | no (no: not recorded); `age`: one of its groups; `any`
    (yes | no) and `choice`: the level of the first choice that matches.
    """

    id: str
    kind: str  # problem | mother | family | medication | age | any | choice
    concepts: frozenset[str] = frozenset()
    within_days: int | None = None  # the end, or the onset of a passing problem, is at most that long ago
    confirmed: bool = False  # problem: only one that is confirmed
    recorded_days: int | None = None  # problem: on file for at least so long
    started_within_days: int | None = None  # medication: begun at most so long ago
    taken_days: int | None = None  # medication: taken for at least so long
    last_dose_days: tuple[int, int] | None = None  # medication: the last dose is so long ago, from and to
    routes: frozenset[str] = frozenset()  # medication: systemic, injection, local or unknown; empty: any
    days_per_week_above: Decimal | None = None  # medication: ordered on more days of the week
    least_mg_per_day: Decimal | None = None  # medication: as treatment, running or given, in at least this dose
    groups: tuple[tuple[str, str, Decimal], ...] = ()  # age: (level, unit d | mo | y, below); the last one is open
    choices: tuple[tuple[str, Levels], ...] = ()  # the last one matches always
    citation: str = ""


@dataclass(frozen=True, slots=True)
class Nutrient:
    """A nutrient with its decision tables. `status` is read until the first match, the others to the end."""

    id: str
    name: str
    analyte: str  # the leading one
    facts: tuple[str, ...]  # the scales that place its results: its evidence, the leading one first
    status: tuple[Row, ...]
    reason: tuple[Row, ...]
    feature: tuple[Row, ...]
    specific: tuple[Row, ...]
    cap: tuple[Row, ...]
    cause: str = ""  # id of the cause that its deficiency is; "" when it is none (magnesium)
    micronutrient: bool = True  # counts towards several deficiencies (H6.57)
    treatment: str = ""  # concept of the drug that treats it
    treatment_mg_per_day: Decimal | None = None  # less by mouth is no treatment (H3.23)
    treatment_days: int = 0  # an injection or dose counts this long
    recovery_days: tuple[int, int] | None = None  # after the first dose, when a recovered count proves the cause
    work_up: frozenset[str] = frozenset()  # orders that handle a finding of it (H2.21)
    confirming: frozenset[str] = frozenset()  # orders whose result settles an indeterminate value (H2.21)
    masked: str | None = None  # the fact that says that an in-range value proves nothing


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All of it, indexed for use."""

    version: str
    profile: str
    signed_off_by: str  # the clinician who answers for it; "": nobody yet
    analytes: Mapping[str, Analyte]
    analyte_of: Mapping[tuple[str, str], tuple[str, str | None]]  # (system, code) -> (analyte id, method)
    concepts: Mapping[str, Concept]
    orders: Mapping[str, OrderTemplate]
    citations: Mapping[str, Citation]
    scales: Mapping[str, tuple[Scale, ...]]  # fact -> scales, first match wins
    nutrients: tuple[Nutrient, ...]
    tables: Mapping[str, tuple[Row, ...]]  # tables of the whole: order, option, indicator, emergency, certainty ...
    facts: Mapping[str, DeclaredFact]
    domains: Mapping[str, frozenset[str]]  # facts of Python -> the levels that they can take
    prefixes: Mapping[str, frozenset[str]]  # the same of `age:`, `status:` ... of any analyte or nutrient
    limits: Mapping[str, Decimal]  # named numbers of derived facts: windows, ratios
    wording: Mapping[str, str]  # "table.key" -> text
    certainty_domains: Mapping[str, frozenset[str]]  # facts of the certainty table, worked out per nutrient
    count_analytes: frozenset[str]  # what the neutrophil count and its checks are read from
    newborn_curve: tuple[tuple[Decimal, Decimal], ...]  # (hour of life, lower limit of the count) (H2.13)
    shown_facts: tuple[str, ...]  # scales whose findings stand beside the count on a card
    recovery_concepts: Mapping[str, frozenset[str]]  # culprits, raising, nutrients, infections (H3.31)
    lineages: frozenset[str]  # what is looked at beside the count
    causal: tuple[Nutrient, ...]  # those of `nutrients` whose deficiency can lower the count
    reading: Reading  # codes and words by which a chart is read
    clozapine: str = "unset"  # whose limits of the count on clozapine the site follows: us | uk | eu (H4.35)
