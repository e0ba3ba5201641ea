"""The small table of a card's detail: result, date, threshold, verdict.

In: Assessment. Out: lines of a Markdown table: the count, the lineages beside it, each nutrient's evidence.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from service.cards.page import Page, inert, safe
from service.cards.words import amount, capital, cells, count_text, first_words, unit_text, words
from service.clinical.assessment import Assessment, Count, Evidence, NutrientStatus

COUNT_FLAGS = ("falling", "lower-bound", "unit-inferred", "discrepant-anc", "provisional", "duffy-null")
UNGRADED_FLAGS = ("stale-anc", "hour-specific-range-needed", "provisional", "pseudoneutropenia")


def found(a: Assessment, page: Page) -> list[str]:
    """The table, or nothing when there is no result to show."""
    rows = [*_counts(a, page), *_lineages(a, page), *(row for n in a.nutrients for row in _nutrient(n, page))]
    if not rows:
        return []
    head = page.say("found-head")
    rule = "|".join("---" for _ in head.split("|"))
    return [f"| {head} |", f"|{rule}|", *rows]


def _row(*row: str) -> str:
    return f"| {' | '.join(row)} |"


def _counts(a: Assessment, page: Page) -> Iterator[str]:
    if a.ungraded:
        flag = next((f for f in UNGRADED_FLAGS if f in a.flags), None)
        verdict = words(page.knowledge, "flag", flag) if flag else words(page.knowledge, "status", "not-assessable")
        yield _count(a.ungraded, "", verdict, page)
    if a.count:
        limit = page.say("limit", limit=_with_unit(page, format(a.limit, "f"))) if a.limit is not None else ""
        threshold = page.cite(inert(unit_text(page.knowledge, a.severity_band) or limit), _sources_of_grade(a, page))
        yield _count(a.count, threshold, _graded(a, page), page)
        if a.lower:
            yield _count(replace(a.count, value=a.lower, derivation="other"), "", page.say("lower"), page)


def _sources_of_grade(a: Assessment, page: Page) -> list[str]:
    """The source of the scale that has the band of the grade."""
    scales = page.knowledge.scales.get("grade", ())
    matching = (s for s in scales if any((b.level, b.label) == (a.severity, a.severity_band) for b in s.bands))
    return [scale.citation for scale in matching][:1]


def _with_unit(page: Page, number: str) -> str:
    unit = words(page.knowledge, "number", "count-unit")
    return words(page.knowledge, "number", "with-unit", number=number, unit=unit)


def _count(count: Count, threshold: str, verdict: str, page: Page) -> str:
    shown = count_text(page.knowledge, count.value)
    result = page.say("count", count=inert(shown), cells=inert(cells(page.knowledge, count.value)))
    derived = page.knowledge.wording.get(f"derivation.{count.derivation}")
    return _row(f"{result}, {derived}" if derived else result, page.day(count.when), threshold, verdict)


def _graded(a: Assessment, page: Page) -> str:
    """The grade, its course when known, and what to keep in mind about it."""
    about = [f for f in COUNT_FLAGS if f in a.flags and not (f == "provisional" and a.ungraded)]
    flags = [words(page.knowledge, "flag", f) for f in about]
    course = [words(page.knowledge, "course", a.course)] if a.course != "unknown" else []
    return ", ".join([f"**{words(page.knowledge, 'severity', a.severity)}**", *course, *flags])


def _lineages(a: Assessment, page: Page) -> Iterator[str]:
    for e in a.lineages:
        yield _evidence(e, _level(e, page), page)


def _nutrient(n: NutrientStatus, page: Page) -> Iterator[str]:
    """The nutrient's own result carries its status and the reasons; what else was read carries its level."""
    own = {nutrient.analyte for nutrient in page.knowledge.nutrients if nutrient.id == n.nutrient}
    measured = [e for e in n.evidence if e.value or e.text]
    for position, e in enumerate(measured):
        yield _evidence(e, _status(n, page) if position == 0 and e.analyte in own else _level(e, page), page)


def _status(n: NutrientStatus, page: Page) -> str:
    status = f"**{words(page.knowledge, 'status', n.status)}**"
    return "; ".join([status, *(first_words(page.knowledge, ("reason", "feature"), r) for r in n.reasons)])


def _level(e: Evidence, page: Page) -> str:
    return words(page.knowledge, "level", e.level) if e.level else ""


def _evidence(e: Evidence, verdict: str, page: Page) -> str:
    shown = inert(amount(page.knowledge, e.value, e.unit)) if e.value else safe(e.text)
    name = capital(page.knowledge.wording.get(f"analyte.{e.analyte}", e.name))
    threshold = page.cite(inert(unit_text(page.knowledge, e.band)), [e.citation])
    return _row(f"{inert(name)} {shown}", page.day(e.when), threshold, verdict)
