"""What the core concludes about one patient at one moment, and its JSON form.

In: conclusions. Out: Assessment, and `as_json`: the document that assessment.schema.json describes (openapi.yaml holds
the same schema). Everything is sorted, so that equal conclusions are equal documents.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from service.clinical.facts import Gap, Moment
from service.clinical.interval import Interval

COUNT_UNIT = "10*9/L"


@dataclass(frozen=True, slots=True)
class Count:
    """An absolute neutrophil count and what it rests on."""

    value: Interval  # 10*9/L
    when: Moment
    derivation: str  # measured | segmented-plus-bands | wbc-times-percent | lower-bound
    observations: tuple[str, ...]
    status: str  # final | amended | corrected | preliminary


@dataclass(frozen=True, slots=True)
class Evidence:
    """One result with the band that it falls in."""

    analyte: str
    name: str  # "vitamin B12"
    citation: str
    observation: str | None = None
    value: Interval | None = None  # in `unit`
    unit: str = ""
    text: str = ""  # as reported: "140 pg/mL"
    when: Moment | None = None
    level: str = ""  # deficient, above, low ...
    band: str = ""  # the band in words: "<180 pg/mL"


@dataclass(frozen=True, slots=True)
class NutrientStatus:
    """What is known of one nutrient."""

    nutrient: str
    name: str
    status: str  # deficient | indeterminate | sufficient | high | low-other-cause | treated | not-assessable
    reasons: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    row: str  # id of the decision row that matched


@dataclass(frozen=True, slots=True)
class Cause:
    """A cause of the low count, with how sure we are."""

    cause: str
    kind: str  # nutritional | competing
    certainty: str  # established | probable | possible | unlikely | not-assessable | not-applicable
    reasons: tuple[str, ...]  # ids of features and rows, worded in wording.toml
    contributing: tuple[str, ...]
    row: str
    citations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SuggestedOrder:
    """Something to order, with the reason that the card gives. `group` joins orders into one suggestion."""

    order: str
    kind: str  # laboratory | imaging | procedure | referral | medication
    priority: str  # routine | urgent | stat
    reason: str  # a sentence
    group: str  # id of the suggestion it belongs to, e.g. work-up, vitamin-b12, repeat
    display: str
    system: str = ""
    code: str = ""
    within_days: int | None = None  # a repeat: to be done by as_of + within_days


@dataclass(frozen=True, slots=True)
class Option:
    """Treatment in words, for the clinician to weigh; never an order."""

    order: str
    text: str
    caution: str
    citation: str


@dataclass(frozen=True, slots=True)
class Advice:
    """A sentence for the patient."""

    id: str
    text: str
    citation: str


@dataclass(frozen=True, slots=True)
class HistoryPoint:
    """An earlier usable result that a chart shows."""

    analyte: str
    when: Moment
    value: Decimal
    unit: str
    observation: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The whole conclusion."""

    subject: str | None
    as_of: datetime
    version: str
    profile: str
    count: Count | None  # the count that was graded
    severity: str
    severity_band: str  # "1.0 to <1.5 10*9/L", "" when not graded
    limit: Decimal | None  # the lower limit that applies at this age, 10*9/L
    course: str
    indicator: str  # none | info | warning | critical
    rows: tuple[str, ...]  # rows that raised the indicator, emergencies first, then the most urgent
    emergencies: tuple[str, ...]  # ids of the emergency rows that fire (knowledge H1); the first names the card
    febrile: bool  # one of them suppresses the nutritional card (H1.5)
    beside: str  # the indicator without the emergencies
    flags: tuple[str, ...]
    nutrients: tuple[NutrientStatus, ...]
    causes: tuple[Cause, ...]
    orders: tuple[SuggestedOrder, ...]
    options: tuple[Option, ...]
    advice: tuple[Advice, ...]
    lineages: tuple[Evidence, ...]  # hemoglobin, MCV, platelets ... as found beside the count
    lower: Interval | None  # another reading of the graded draw that is worse: what alerts (A1, H2.9)
    ungraded: Count | None  # the newest count that could not be graded (stale) or only alerts (preliminary)
    history: tuple[HistoryPoint, ...]
    gaps: tuple[Gap, ...]


def as_json(assessment: Assessment) -> dict[str, Any]:
    """The Assessment as assessment.schema.json describes it; Decimals stay Decimals (JSON numbers)."""
    a = assessment
    return {
        "subject": a.subject,
        "asOf": a.as_of.date().isoformat(),
        "knowledge": {"version": a.version, "profile": a.profile},
        "anc": _count(a.count) if a.count else None,
        "severity": a.severity,
        "course": a.course,
        "indicator": a.indicator,
        "flags": list(a.flags),
        "rows": list(a.rows),
        "nutrients": [_said(n, "name", evidence=[_evidence(e) for e in n.evidence]) for n in a.nutrients],
        "causes": [_said(c) for c in a.causes],
        "orders": [_order(o) for o in a.orders],
        "options": [_said(o) for o in a.options],
        "lineages": [_evidence(e) for e in a.lineages],
        "history": [_said(p, "when", effective=p.when.text) for p in a.history],
        "advice": [_said(x) for x in a.advice],
        "gaps": [_said(g, "when") for g in a.gaps],
    }


def _said(value: Any, /, *but: str, **more: Any) -> dict[str, Any]:
    """The fields of a value that hold something, without some of them, and more."""
    own = {f.name: getattr(value, f.name) for f in fields(value) if f.name not in but}
    filled = {name: held for name, held in {**own, **more}.items() if held is not None and held != ""}
    return {name: list(held) if isinstance(held, tuple) else held for name, held in filled.items()}


def _count(c: Count) -> dict[str, Any]:
    value = {"value": c.value.number, "comparator": c.value.comparator, "unit": COUNT_UNIT}
    return _said(c, "when", "status", **value, effective=c.when.text)


def _evidence(e: Evidence) -> dict[str, Any]:
    value = e.value.number if e.value else e.text
    comparator, effective = e.value.comparator if e.value else None, e.when.text if e.when else None
    return _said(e, "name", "text", "when", value=value, comparator=comparator, effective=effective)


def _order(o: SuggestedOrder) -> dict[str, Any]:
    code = {"system": o.system, "code": o.code, "display": o.display} if o.code else None
    return _said(o, "display", "system", "within_days", code=code)
