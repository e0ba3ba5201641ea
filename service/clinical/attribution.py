"""What is known of each nutrient, and how sure we are that its deficiency explains the low count.

In: a Case. Out: NutrientStatus and Cause. Source: knowledge B2-B5, C1-C3, H3.22-31, H6.43, H6.64. The tables are data;
here is only the counting that C2 asks for.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.clinical.assessment import Cause, Evidence, NutrientStatus
from service.clinical.case import Case
from service.clinical.knowledge.model import Knowledge, Nutrient, Row
from service.clinical.once import once
from service.clinical.recovery import recovered
from service.clinical.scales import Finding
from service.clinical.unread import CANNOT_READ

NOT_ASSESSABLE, NOT_APPLICABLE = "not-assessable", "not-applicable"
# From the least to the most certain; the last two say why there is no answer.
CERTAINTY = (NOT_APPLICABLE, NOT_ASSESSABLE, "unlikely", "possible", "probable", "established")
DEFICIENT = frozenset(["deficient", "treated"])


def _nutrient(case: Case, nutrient: str) -> Nutrient:
    return next(n for n in case.knowledge.nutrients if n.id == nutrient)


@once
def status_row(case: Case, nutrient: str) -> Row:
    """The row of a nutrient's status table that matches first; the last one matches always."""
    return next(row for row in _nutrient(case, nutrient).status if case.matches(row.when))


def _status(case: Case, nutrient: str) -> str:
    return str(status_row(case, nutrient).then["status"])


def nutrient_status(case: Case, nutrient: Nutrient) -> NutrientStatus:
    """The status of a nutrient with its reasons and evidence."""
    row = status_row(case, nutrient.id)
    reasons = [_why(case, nutrient, r) for r in row.reasons] + [r.then["reason"] for r in case.all(nutrient.reason)]
    found = tuple(e for e in (evidence(case.knowledge, case.finding(fact)) for fact in nutrient.facts) if e)
    return NutrientStatus(
        nutrient.id, nutrient.name, row.then["status"], tuple(dict.fromkeys(reasons)), found, row.id
    )


def _why(case: Case, nutrient: Nutrient, reason: str) -> str:
    """A reason; what was not sent is not known to be unmeasured."""
    key = case.knowledge.analytes[nutrient.analyte].prefetch
    if reason != "not-measured":
        return reason
    unused = next((g.reason for g in case.patient.gaps if g.what == nutrient.analyte and g.reason in CANNOT_READ), None)
    if unused:
        return unused
    if key in case.patient.unavailable:
        return "not-supplied"
    return "query-failed" if any(g.what == key and g.reason == "query-failed" for g in case.patient.gaps) else reason


def evidence(knowledge: Knowledge, finding: Finding) -> Evidence | None:
    """A finding as evidence; None when nothing was measured."""
    result = finding.result
    if result is None:
        return None
    band, scale = finding.band, finding.scale
    return Evidence(
        analyte=result.analyte,
        name=knowledge.analytes[result.analyte].name,
        citation=(band or scale or knowledge.scales[finding.fact][0]).citation,
        observation=result.reference,
        value=result.value,
        unit=result.unit,
        text=result.text,
        when=result.when,
        level=finding.level,
        band=_band_text(finding) if band and scale else "",
    )


def _band_text(finding: Finding) -> str:
    """The band with its bounds; of a laboratory's range, the range itself."""
    assert finding.band and finding.scale
    limits = finding.result.range if finding.result else None
    if not finding.scale.by_range or limits is None:
        return finding.band.label
    low, high = limits.low, limits.high
    span = f"{low} to {high}" if low is not None and high is not None else f"≥{low}" if low is not None else f"≤{high}"
    return f"{finding.band.label} {span} {finding.result.unit if finding.result else ''}".strip()


def features(case: Case, nutrient: Nutrient) -> tuple[Row, ...]:
    """Concordant features, without those that decided the status (H6.64)."""
    decided = frozenset(status_row(case, nutrient.id).then.get("decided_by", ()))
    return tuple(r for r in case.all(nutrient.feature) if not decided & frozenset(r.then.get("uses", ())))


def _leading(case: Case, nutrient: Nutrient) -> str:
    """The analyte that the status rests on: the leading one, or the first other one when that was not measured."""
    found = (case.finding(fact).result for fact in nutrient.facts)
    return next((r.analyte for r in found if r), nutrient.analyte)


def certainty_levels(case: Case, name: str) -> dict[str, str]:
    """The levels of the facts of the certainty table for a nutrient."""
    nutrient = _nutrient(case, name)
    return {
        "count": case["count-low"],
        "status": _status(case, name),
        "masked": case[nutrient.masked] if nutrient.masked else "no",
        "ageing": "yes" if case[f"age:{_leading(case, nutrient)}"] == "ageing" else "no",
        "recovered": "yes" if recovered(case, nutrient) else "no",
        "features": ("none", "one", "several")[min(len(features(case, nutrient)), 2)],
        "specific": "yes" if case.all(nutrient.specific) else "no",
        "competitor": "strong" if case["strong-competitor"] == "yes" else "none",
    }


def certainty_of(case: Case, name: str) -> tuple[str, Row]:
    """How sure we are that a deficiency explains the low count, and the row that says so."""
    return _certainty(case, name)[:2]


@once
def _certainty(case: Case, name: str) -> tuple[str, Row, tuple[Row, ...], tuple[Row, ...]]:
    """(certainty, row, features, specific causes) of a nutrient before composites."""
    nutrient = _nutrient(case, name)
    found, specific = features(case, nutrient), case.all(nutrient.specific)
    local, rows = certainty_levels(case, name), case.knowledge.tables["certainty"]
    row = next(r for r in rows if all(local[fact] in levels for fact, levels in r.when.items()))
    level = str(row.then["certainty"])
    caps = [str(c.then["at_most"]) for c in case.all(nutrient.cap)]
    if level in ("probable", "established", "possible"):
        level = min([level, *caps], key=CERTAINTY.index)
    return level, row, found, specific


def causes(case: Case) -> tuple[Cause, ...]:
    """Nutritional causes, composites, then competing ones; of equal certainty in the order of the knowledge."""
    nutritional = certainties(case)
    together = multiple(case, nutritional)
    others = (*_by_row(case, "composite", "nutritional"), *_by_row(case, "competing", "competing"))
    return nutritional + ((together,) if together else ()) + others


def certainties(case: Case) -> tuple[Cause, ...]:
    """One cause for each nutrient that was looked at; deficiencies that share their features are probable each (C3)."""
    graded = {n.id: _certainty(case, n.id) for n in case.knowledge.causal}
    shared = _share_features(case, graded)
    causes = []
    for nutrient in case.knowledge.causal:
        level, row, found, specific = graded[nutrient.id]
        if shared and nutrient.id in shared and level == "established" and row.id != "established-by-recovery":
            level = "probable"
        causes.append(_cause(nutrient, level, row, found, specific))
    return tuple(causes)


def _cause(nutrient: Nutrient, level: str, row: Row, found: tuple[Row, ...], specific: tuple[Row, ...]) -> Cause:
    positive = level in ("possible", "probable", "established")
    return Cause(
        cause=nutrient.cause,
        kind="nutritional",
        certainty=level,
        reasons=tuple(r.id for r in found) if positive else (row.id,),
        contributing=tuple(r.id for r in specific),
        row=row.id,
        citations=tuple(dict.fromkeys([row.citation, *(r.citation for r in found if positive)])),
    )


Graded = dict[str, tuple[str, Row, tuple[Row, ...], tuple[Row, ...]]]


def _share_features(case: Case, graded: Graded) -> frozenset[str]:
    """Deficient nutrients of which two share two features or more (C3)."""
    deficient = [n for n in graded if _status(case, n) in DEFICIENT and graded[n][0] in ("probable", "established")]
    found = {n: {r.id for r in case.all(_nutrient(case, n).feature)} for n in deficient}
    return frozenset(n for n in deficient if any(m != n and len(found[n] & found[m]) >= 2 for m in deficient))


def multiple(case: Case, causes: tuple[Cause, ...]) -> Cause | None:
    """Two or more deficient micronutrients together: the second-highest certainty, or established when they share."""
    graded = {n.id: _certainty(case, n.id) for n in case.knowledge.causal if n.micronutrient}
    deficient = [n for n in case.knowledge.causal if n.id in graded and _status(case, n.id) in DEFICIENT]
    if len(deficient) < 2:
        return None
    by_cause = {c.cause: c.certainty for c in causes}
    levels = sorted((by_cause[n.cause] for n in deficient), key=CERTAINTY.index)
    level = "established" if _share_features(case, graded) else levels[-2]
    names = tuple(sorted(n.id for n in deficient))
    return Cause("multiple-deficiencies", "nutritional", level, names, (), "multiple-deficiencies", ("c3-composite",))


def _by_row(case: Case, table: str, kind: str) -> Iterator[Cause]:
    """Diagnoses behind a deficiency, or causes that are not nutritional: of the rows of one cause the first."""
    seen: set[str] = set()
    for row in case.knowledge.tables[table]:
        cause = str(row.then["cause"])
        if cause not in seen and case.matches(row.when):
            seen.add(cause)
            named = sorted({concept for fact in row.then.get("named_by", ()) for concept in case.behind(fact)})
            reasons = tuple(dict.fromkeys([*row.reasons, *named]))
            yield Cause(cause, kind, str(row.then["certainty"]), reasons, (), row.id, (row.citation,))


ATTRIBUTION = {"status": _status, "certainty": lambda case, nutrient: _certainty(case, nutrient)[0]}
