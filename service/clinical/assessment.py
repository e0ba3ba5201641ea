"""What the core concludes about one patient at one moment, and its JSON form.

In: conclusions. Out: Assessment, and `as_json`: the document that assessment.schema.json describes (openapi.yaml holds
the same schema). Everything is sorted, so that equal conclusions are equal documents.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    rows: tuple[str, ...]  # rows that raised the indicator, most urgent first
    emergency: str | None  # id of the emergency row (knowledge H1) when one fires
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
        "anc": _count(a.count),
        "severity": a.severity,
        "course": a.course,
        "indicator": a.indicator,
        "flags": list(a.flags),
        "rows": list(a.rows),
        "nutrients": [_nutrient(n) for n in a.nutrients],
        "causes": [_cause(c) for c in a.causes],
        "orders": [_order(o) for o in a.orders],
        "options": [_filled(order=o.order, text=o.text, caution=o.caution, citation=o.citation) for o in a.options],
        "lineages": [_evidence(e) for e in a.lineages],
        "history": [
            {
                "analyte": p.analyte,
                "effective": p.when.text,
                "value": p.value,
                "unit": p.unit,
                "observation": p.observation,
            }
            for p in a.history
        ],
        "advice": [_filled(id=x.id, text=x.text, citation=x.citation) for x in a.advice],
        "gaps": [_filled(what=g.what, reason=g.reason, observation=g.observation, detail=g.detail) for g in a.gaps],
    }


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, "")}


def _count(count: Count | None) -> dict[str, Any] | None:
    if count is None:
        return None
    return _filled(
        value=count.value.number,
        comparator=count.value.comparator,
        unit=COUNT_UNIT,
        effective=count.when.text,
        derivation=count.derivation,
        observations=list(count.observations),
    )


def _evidence(e: Evidence) -> dict[str, Any]:
    return _filled(
        analyte=e.analyte,
        observation=e.observation,
        value=e.value.number if e.value else e.text or None,
        comparator=e.value.comparator if e.value else None,
        unit=e.unit,
        effective=e.when.text if e.when else None,
        band=e.band,
        level=e.level,
        citation=e.citation,
    )


def _nutrient(n: NutrientStatus) -> dict[str, Any]:
    return {
        "nutrient": n.nutrient,
        "status": n.status,
        "reasons": list(n.reasons),
        "evidence": [_evidence(e) for e in n.evidence],
        "row": n.row,
    }


def _cause(c: Cause) -> dict[str, Any]:
    return {
        "cause": c.cause,
        "kind": c.kind,
        "contributing": list(c.contributing),
        "row": c.row,
        "certainty": c.certainty,
        "reasons": list(c.reasons),
        "citations": list(c.citations),
    }


def _order(o: SuggestedOrder) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "order": o.order,
        "kind": o.kind,
        "priority": o.priority,
        "reason": o.reason,
        "group": o.group,
    }
    if o.code:
        answer["code"] = {"system": o.system, "code": o.code, "display": o.display}
    return answer
