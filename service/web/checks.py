"""The page of an order check: when it speaks, by which limits, from which sources. It knows no patient.

In: the knowledge in force. Out: HTML at /checks/{check}, a row at #{row}; the links of cards to it. Everything on it
is the data that the engine runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from flask import Flask, Response

from cds_hooks.cards import Card
from cds_hooks.errors import UnknownService
from cds_hooks.parts import Link
from service.cards import EXTENSION
from service.clinical.knowledge.model import Citation, DeclaredFact, DraftRule, Knowledge, Levels, Row, Scale
from service.web.pages import page

TABLE = "check"


@dataclass(frozen=True, slots=True)
class Term:
    """One fact on which a row rests: what it asks, and what the word means."""

    fact: str
    levels: tuple[str, ...]
    means: tuple[str, ...]
    sources: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class RowShown:
    """One row of a check, in words."""

    id: str
    level: str
    summary: str
    text: str
    drafts: tuple[str, ...]
    beside: tuple[str, ...]
    unless: tuple[str, ...]
    terms: tuple[Term, ...]
    orders: tuple[str, ...]
    source: Citation


def add_pages(app: Flask, knowledge: Knowledge) -> None:
    """The page of each check; anything else is a 404."""
    checks = {str(row.then["about"]) for row in knowledge.tables[TABLE]}

    def show(check: str) -> Response:
        if check not in checks:
            raise UnknownService(problem="no check has this id", hint="`cds doctor --checks` lists them")
        rows = tuple(_shown(row, knowledge) for row in knowledge.tables[TABLE] if row.then["about"] == check)
        title = knowledge.wording[f"check-title.{check}"]
        return page("check.html", check=check, title=title, rows=rows, k=knowledge)

    app.add_url_rule("/checks/<check>", "check", show)


def linked(card: Card, base: str) -> Card:
    """The card with a link to the page of its check; other cards as they are."""
    said = (card.extension or {}).get(EXTENSION, {})
    if "row" not in said:
        return card
    place = f"{base}/checks/{said['rule']}#{said['row']}"
    return replace(card, links=(Link("How this check decides, by which limits and sources", place), *card.links))


# --- a row in words ---------------------------------------------------------------------------------------------------


def _shown(row: Row, knowledge: Knowledge) -> RowShown:
    then = row.then
    return RowShown(
        row.id,
        then["level"],
        (then.get("summary") or ("Exception: with this the check is silent, or another row decides.",))[0],
        str(then.get("text", "")).replace("**", ""),
        tuple(drafted(then["draft"], knowledge)),
        tuple(", ".join(drafted(rule, knowledge)) for rule in then.get("beside", ())),
        tuple(", ".join(drafted(rule, knowledge)) for rule in then.get("unless", ())),
        tuple(_term(fact, frozenset(levels), knowledge) for fact, levels in row.when.items()),
        tuple(knowledge.orders[order].display or order for order in then.get("order", ())),
        knowledge.citations[row.citation],
    )


def drafted(rule: DraftRule, knowledge: Knowledge) -> Iterator[str]:
    """Which drafts are meant, a part at a time."""
    named = [knowledge.concepts[one].name for one in sorted(rule.drugs)]
    named += [knowledge.orders[one].display or one for one in sorted(rule.orders)]
    yield " or ".join(named) or "any drug"
    limits = {
        "{} mg a day or more, or a dose that is not stated": rule.mg_from,
        "more than {} mg a day, or a dose that is not stated": rule.mg_above,
        "at most {} mg a day": rule.mg_upto,
        "for more than {} days, or without a stated end": rule.days_above,
        "for at most {} days": rule.days_upto,
        "on more than {} days a week": rule.days_per_week_above,
    }
    yield from (said.format(limit) for said, limit in limits.items() if limit is not None)
    if rule.routes:
        yield f"route {' or '.join(sorted(rule.routes))}"
    if rule.reasons:
        yield f"ordered for {' or '.join(knowledge.concepts[one].name for one in sorted(rule.reasons))}"
    if rule.scheduled:
        yield "round the clock, not as needed"
    if rule.unread:
        yield "its words do not say how often"


def _term(fact: str, levels: frozenset[str], knowledge: Knowledge) -> Term:
    scales, declared = knowledge.scales.get(fact, ()), knowledge.facts.get(fact)
    means = [_bands(scale, knowledge) for scale in scales] + (list(_declared(declared, knowledge)) if declared else [])
    cited = [band.citation for scale in scales for band in scale.bands] + [declared.citation if declared else ""]
    sources = tuple(knowledge.citations[one] for one in dict.fromkeys(filter(None, cited)))
    return Term(_plain(fact), tuple(map(_plain, sorted(levels))), tuple(means), sources)


def _bands(scale: Scale, knowledge: Knowledge) -> str:
    """The bands of a scale, and for whom they are."""
    for_whom = f" ({_asked(scale.when)})" if scale.when else ""
    bands = "; ".join(f"{_plain(band.level)} {band.label}".strip() for band in scale.bands)
    return f"{knowledge.analytes[scale.analyte].name}{for_whom}: {bands}"


def _declared(fact: DeclaredFact, knowledge: Knowledge) -> Iterator[str]:
    if fact.concepts:
        yield f"{fact.kind}: {', '.join(knowledge.concepts[one].name for one in sorted(fact.concepts))}"
    limits = {
        "within {} days": fact.within_days,
        "on file for at least {} days": fact.recorded_days,
        "begun within {} days": fact.started_within_days,
        "taken for at least {} days": fact.taken_days,
        "at least {} mg a day": fact.least_mg_per_day,
        "on more than {} days a week": fact.days_per_week_above,
    }
    yield from (said.format(limit) for said, limit in limits.items() if limit is not None)
    yield from (f"{_plain(level)} with {_asked(when)}" for level, when in fact.choices if when)


def _asked(when: Levels) -> str:
    return " and ".join(f"{_plain(fact)} {' or '.join(map(_plain, sorted(levels)))}" for fact, levels in when.items())


def _plain(name: str) -> str:
    """An id of the knowledge as words."""
    return name.replace(":", " ").replace("-", " ")
