"""The page of an order check: when it speaks, by which limits, from which sources. It knows no patient.

In: the knowledge in force. Out: HTML at /checks/{check}, a row at #{row}; the links of cards to it. Everything on it
is the data that the engine runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape

from flask import Flask, Response
from markupsafe import Markup

from cds_hooks.cards import Card
from cds_hooks.errors import UnknownService
from cds_hooks.parts import Link
from service.cards import EXTENSION
from service.cards.words import capital
from service.clinical.knowledge.model import Citation, DeclaredFact, DraftRule, Knowledge, Levels, Row, Scale
from service.web.names import Names, limits
from service.web.pages import page

TABLE = "check"
_TWICE = re.compile(r"\b([\w ]+) <var>\1</var>", re.IGNORECASE)  # "copper {copper}": the name stands there already
_BOLD, _NAMED = re.compile(r"\*\*(.+?)\*\*"), re.compile(r"\{(\w+)\}")


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
    summary: Markup
    text: Markup
    drafts: tuple[str, ...]
    beside: tuple[str, ...]
    unless: tuple[str, ...]
    terms: tuple[Term, ...]
    orders: tuple[str, ...]
    source: Citation


def add_pages(app: Flask, knowledge: Knowledge) -> None:
    """The page of each check; anything else is a 404."""
    checks, names = {str(row.then["about"]) for row in knowledge.tables[TABLE]}, Names(knowledge)

    def show(check: str) -> Response:
        if check not in checks:
            raise UnknownService(problem="no check has this id", hint="`cds doctor --checks` lists them")
        rows = tuple(_shown(row, names) for row in knowledge.tables[TABLE] if row.then["about"] == check)
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


def _shown(row: Row, names: Names) -> RowShown:
    then, knowledge = row.then, names.knowledge
    return RowShown(
        row.id,
        then["level"],
        _text((then.get("summary") or (names.said("check-page", "exception"),))[0], names),
        _text(str(then.get("text", "")), names),
        tuple(drafted(then["draft"], knowledge)),
        tuple(", ".join(drafted(rule, knowledge)) for rule in then.get("beside", ())),
        tuple(", ".join(drafted(rule, knowledge)) for rule in then.get("unless", ())),
        tuple(_term(fact, frozenset(levels), names) for fact, levels in row.when.items()),
        tuple(knowledge.orders[order].display or order for order in then.get("order", ())),
        knowledge.citations[row.citation],
    )


def _text(text: str, names: Names) -> Markup:
    """A text of a card: bold as there, what a card fills in by its name."""
    bold = _BOLD.sub(r"<strong>\1</strong>", escape(text, quote=False))
    filled = _NAMED.sub(lambda found: f"<var>{escape(_filled(found[1], names))}</var>", bold)
    filled = _TWICE.sub(r"<var>\1</var>", filled)
    return Markup(filled.replace("<var>t", "<var>T", 1) if filled.startswith("<var>the") else filled)


def _filled(name: str, names: Names) -> str:
    """What stands in the place of a name: "vitamin_b12_date" is a date of a result."""
    if name == "clozapine_rules":
        return names.said("clozapine", names.knowledge.clozapine)
    if f"check-page.{name}" in names.knowledge.wording:
        return names.said("check-page", name)
    if name.endswith("_date"):
        return names.said("check-page", "date")
    return names.result(name.replace("_", "-"))


def drafted(rule: DraftRule, knowledge: Knowledge) -> Iterator[str]:
    """Which drafts are meant, a part at a time."""
    named = [knowledge.concepts[one].name for one in sorted(rule.drugs)]
    named += [knowledge.orders[one].display or one for one in sorted(rule.orders)]
    yield " or ".join(named) or "any drug"
    asked = {
        "{} mg a day or more, or a dose that is not stated": rule.mg_from,
        "more than {} mg a day, or a dose that is not stated": rule.mg_above,
        "at most {} mg a day": rule.mg_upto,
        "for more than {} days, or without a stated end": rule.days_above,
        "for at most {} days": rule.days_upto,
        "on more than {} days a week": rule.days_per_week_above,
    }
    yield from (said.format(limit) for said, limit in asked.items() if limit is not None)
    if rule.routes:
        yield f"route {' or '.join(sorted(rule.routes))}"
    if rule.reasons:
        yield f"ordered for {' or '.join(knowledge.concepts[one].name for one in sorted(rule.reasons))}"
    if rule.scheduled:
        yield "round the clock, not as needed"
    if rule.unread:
        yield "its words do not say how often"


def _term(fact: str, levels: frozenset[str], names: Names) -> Term:
    knowledge = names.knowledge
    scales, declared = knowledge.scales.get(fact, ()), knowledge.facts.get(fact)
    means = [_bands(scale, names) for scale in scales] + (list(_declared(declared, names)) if declared else [])
    cited = [band.citation for scale in scales for band in scale.bands] + [declared.citation if declared else ""]
    sources = tuple(knowledge.citations[one] for one in dict.fromkeys(filter(None, cited)))
    said = dict.fromkeys(names.level(fact, level) for level in sorted(levels))
    return Term(capital(names.fact(fact)), tuple(said), tuple(means), sources)


def _bands(scale: Scale, names: Names) -> str:
    """The bands of a scale, and for whom they are."""
    for_whom = f" ({_asked(scale.when, names)})" if scale.when else ""
    bands = "; ".join(f"{names.level(scale.fact, band.level)} {names.band(band.label)}".strip() for band in scale.bands)
    return f"{names.analyte(scale.analyte)}{for_whom}: {bands}"


def _declared(fact: DeclaredFact, names: Names) -> Iterator[str]:
    if fact.concepts:
        listed = ", ".join(map(names.concept, sorted(fact.concepts)))
        yield f"{names.said('check-page', fact.kind)}: {listed}"
    yield from limits(fact)
    for level in dict.fromkeys(level for level, when in fact.choices if when):
        ways = "; ".join(_asked(when, names) for one, when in fact.choices if one == level and when)
        yield f"{names.level(fact.id, level)} {names.said('check-page', 'with')}: {ways}"


def _asked(when: Levels, names: Names) -> str:
    """What is asked of other facts; one that is there is only named."""
    plain = frozenset(["yes"])
    said = (
        names.fact(fact) + ("" if levels == plain else f": {_levels(fact, levels, names)}")
        for fact, levels in when.items()
    )
    return " and ".join(said)


def _levels(fact: str, levels: frozenset[str], names: Names) -> str:
    return " or ".join(dict.fromkeys(names.level(fact, level) for level in sorted(levels)))
