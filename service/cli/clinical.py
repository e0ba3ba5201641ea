"""`cds doctor --clinical`: all that is judged, as a document for a clinician to read and sign (docs/clinical.md).

In: the knowledge in force. Out: Markdown, made of the rows, limits and sources that the engine runs; by hand are only
the words between them and LIMITS.md beside the knowledge.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import click

from service.cards.words import capital, number
from service.cli.clinical_orders import checks, options, orders
from service.cli.clinical_words import Lines, Paper, bands, days, for_whom, means, once, table
from service.clinical.knowledge import load, profiles
from service.clinical.knowledge.model import DeclaredFact, Knowledge, Nutrient, Row
from service.fhir.moments import Moments
from service.files import find_file
from service.ground import read_settings
from service.overlay import load_for_site
from service.web.terms import Terms

LIMITS = "service/clinical/knowledge/LIMITS.md"
OF_COUNT = ("grade", "newborn-alert", "duffy-scale", "fever-grade", "order-count")
INTRODUCTION = """\
What this service judges, by which limits and by which sources. `cds doctor --clinical` writes this file from the
knowledge that the engine runs; a test holds that the file is that. A source that is called a *service rule* is the
developers' own and has no publication: **read those first**. Numbers in brackets are sources, listed at the end."""
HOW = """\
1. Each result is read in the unit in which it was reported. Without a unit, with an implausible value, or with a
   comment that voids it, it is named as not used, never guessed.
2. It is placed on the bands of its test that hold for this patient at the age of the draw. What was not measured is
   "not known", never "normal".
3. In the tables, all that stands under *When* has to hold; "A: b or c" is one of these levels. Of a nutrient's status,
   of certainty and of a check of orders the first row that holds decides; of emergencies, cards and causes each counts.
4. A card says what was found and suggests what to order. Nothing is ordered or blocked without a clinician."""
COLUMNS_TO_SIGN = ("Name", "Role, registration", "Date", "Knowledge", "Not signed, or with changes", "Signature")


def run() -> int:
    """Print the document."""
    chosen = read_settings(os.environ)
    click.echo(document(load_for_site(chosen.thresholds, chosen.knowledge_overlay)), nl=False)
    return 0


def document(knowledge: Knowledge) -> str:
    """The whole document."""
    paper = Paper(Terms(knowledge, datetime(2000, 1, 1, tzinfo=UTC), Moments(UTC)))
    nutrients = ((capital(one.name), partial(_nutrient, one)) for one in knowledge.nutrients)
    sections: tuple[tuple[str, Callable[[Paper], Lines]], ...] = (
        ("Sign-off", _sign_off), ("How a judgement comes about", lambda _: iter([HOW])),
        ("What is not judged", lambda _: iter([_limits()])), ("The neutrophil count", _count),
        ("Emergencies", _emergencies), ("What raises a card", _indicators), ("Beside the count", _beside), *nutrients,
        ("How sure a nutrient is the cause", _certainty), ("Other causes", _competing), ("What is suggested", orders),
        ("Treatment in words, and advice", options), ("Checks of orders", checks),
        ("Other limits to choose", _profiles), ("Units and ages of results", _units),
        ("Windows and ratios", _windows), ("What the words mean", _words),
    )  # fmt: skip
    body = [part for title, lines in sections for part in (f"## {title}", *lines(paper))]
    names = [title for title, _ in sections] + ["Sources"]
    contents = "\n".join(f"- [{name}](#{name.lower().replace(' ', '-').replace(',', '')})" for name in names)
    head = f"# What is judged\n\n{INTRODUCTION}\n\n{contents}"
    return "\n\n".join([head, *body, "## Sources", *_sources(paper)]) + "\n"


def _sign_off(paper: Paper) -> Lines:
    k = paper.knowledge
    yield f"Knowledge **{k.version}**, thresholds for vitamin B12 **{k.profile}**. " + (
        f"Signed off by {k.signed_off_by}." if k.signed_off_by else "**No clinician has signed it off yet.**"
    )
    yield from table(COLUMNS_TO_SIGN, [["", "", "", k.version, "", ""]] * 2)
    yield "Who signs is then named in `knowledge.toml` (`signed_off_by`), on every card and on every page."


def _count(paper: Paper) -> Lines:
    k = paper.knowledge
    recent, said = k.limits["count-recent-days"], k.limits["count-history-days"]
    yield "In 10\\*9/L (1.0 is 1,000 per uL). The grade is that of the age at the draw."
    yield f"A count is current for {k.limits['count-current-days']} days, recent for {recent}, said for {said}."
    grades = [row for fact in OF_COUNT for row in _scales(fact, paper)]
    yield from table(("Scale", "For whom", "Bands", "Source"), grades)
    points = "; ".join(f"{number(hour)} h: {number(limit)}" for hour, limit in k.newborn_curve)
    yield f"Below 72 hours the lower limit follows the hour of life, in a straight line between {points}."


def _scales(fact: str, paper: Paper) -> Iterator[list[str]]:
    for scale in paper.knowledge.scales[fact]:
        cited = dict.fromkeys([scale.citation, *(band.citation for band in scale.bands)])
        yield [paper.scale(fact), for_whom(scale, paper), bands(scale, paper), paper.cite(*cited)]


def _rows(rows: tuple[Row, ...], about: str, paper: Paper) -> Iterator[list[str]]:
    """Rows of a table: what each concludes, when, by which source."""
    for row in rows:
        yield [capital(paper.terms.rule(about, row.id)) + once(row), paper.when(row.when), paper.cite(row.citation)]


def _emergencies(paper: Paper) -> Lines:
    yield "Each makes a critical card of its own; those of fever hold back the card on nutrition."
    yield from table(("Emergency", "When", "Source"), _rows(paper.knowledge.tables["emergency"], "emergency", paper))


def _indicators(paper: Paper) -> Lines:
    yield "The gravest row that holds gives the card its colour."
    rows = paper.knowledge.tables["indicator"]
    for level in ("critical", "warning", "info"):
        yield f"### {capital(level)}"
        found = tuple(row for row in rows if row.then["indicator"] == level)
        yield from table(("Raised by", "When", "Source"), _rows(found, "indicator", paper))


def _beside(paper: Paper) -> Lines:
    yield "Results that stand beside the count, or that rules ask for."
    own = {fact for n in paper.knowledge.nutrients for fact in n.facts} | set(OF_COUNT)
    others = [row for fact in paper.knowledge.scales if fact not in own for row in _scales(fact, paper)]
    yield from table(("Result", "For whom", "Bands", "Source"), others)


def _nutrient(nutrient: Nutrient, paper: Paper) -> Lines:
    yield "### Limits"
    limits = [row for one in nutrient.facts for row in _scales(one, paper)]
    yield from table(("Test", "For whom", "Bands", "Source"), limits)
    yield "### Status"
    yield from table(("Status", "When", "Source"), _rows(nutrient.status, nutrient.id, paper))
    kinds = {"Findings that point to it": nutrient.feature, "Findings that speak for it alone": nutrient.specific}
    for title, rows in kinds.items():
        if rows:
            said = ([paper.terms.reason(row.id), paper.when(row.when), paper.cite(row.citation)] for row in rows)
            yield f"### {title}"
            yield from table(("Finding", "When", "Source"), said)
    if nutrient.cap:
        yield "### How sure it can be at most"
        yield from table(("At most", "When", "Source"), _rows(nutrient.cap, nutrient.id, paper))
    yield from _treatment(nutrient, paper)


def _treatment(nutrient: Nutrient, paper: Paper) -> Lines:
    if nutrient.treatment:
        yield f"A level is read as taken under treatment when {paper.terms.concept(nutrient.treatment)} is on file."
        if nutrient.treatment_mg_per_day:
            yield f"By mouth less than {number(nutrient.treatment_mg_per_day)} mg a day does not count as treatment."
        if nutrient.treatment_days:
            yield f"An injection or a single dose counts for {days(nutrient.treatment_days)}."
    if nutrient.recovery_days:
        first, last = nutrient.recovery_days
        yield f"A count that recovers {first} to {last} days after the first dose proves the cause."


def _certainty(paper: Paper) -> Lines:
    yield "Tried in this order; the first row that holds decides."
    rows = paper.knowledge.tables["certainty"]
    said = (
        [paper.terms.said("certainty", row.then["certainty"]), capital(paper.terms.rule("certainty", row.id)),
         paper.when(row.when), paper.cite(row.citation)] for row in rows
    )  # fmt: skip
    yield from table(("Certainty", "Rule", "When", "Source"), said)
    yield "### Pernicious anemia behind a deficiency"
    yield from table(("Cause", "When", "Source"), _rows(paper.knowledge.tables["composite"], "composite", paper))


def _competing(paper: Paper) -> Lines:
    yield "Causes other than nutrition, each as sure as its row says."
    yield from table(("Cause", "When", "Source"), _rows(paper.knowledge.tables["competing"], "competing", paper))


def _profiles(paper: Paper) -> Lines:
    """What the other values of CDS_THRESHOLDS put in the place of the scales above."""
    yield "A site can choose whose limits hold for vitamin B12 (`CDS_THRESHOLDS`)."
    for name in (name for name in profiles() if name != paper.knowledge.profile):
        other = replace(paper, terms=replace(paper.terms, knowledge=load(name)))
        changed = [fact for fact, scales in other.knowledge.scales.items() if scales != paper.knowledge.scales[fact]]
        yield f"### {name}"
        rows = [row for fact in changed for row in _scales(fact, other)]
        yield from table(("Test", "For whom", "Bands", "Source"), rows)


def _units(paper: Paper) -> Lines:
    yield "A result is *current*, then *ageing* (weighed less), then *old* (not used). No number: it does not expire."
    said = []
    for one in sorted(paper.knowledge.analytes.values(), key=lambda one: one.name.lower()):
        units = ", ".join(dict.fromkeys(paper.terms.band(unit.unit) or unit.unit for unit in one.units.values()))
        ages = [days(one.current_days), days(one.ageing_days)]
        plausible = _plausible(*one.plausible, paper) if one.plausible else ""
        said.append([one.name, units or one.kind, *ages, plausible, paper.cite(one.citation)])
    yield from table(("Result", "Units", "Current for", "Ageing until", "Plausible", "Source"), said)


def _plausible(low: Decimal, high: Decimal, unit: str, paper: Paper) -> str:
    return f"{number(low)} to {number(high)} {paper.terms.band(unit)}"


def _windows(paper: Paper) -> Lines:
    yield "Numbers of facts that are worked out, by their names in the knowledge."
    said = ([name.replace("-", " "), number(limit)] for name, limit in paper.knowledge.limits.items())
    yield from table(("Number", "Is"), said)


def _limits() -> str:
    """What is written by hand, without its heading."""
    return find_file(LIMITS).read_text("utf-8").partition("\n")[2].strip()


def _words(paper: Paper) -> Lines:
    yield "Terms that stand for conditions, drugs or several facts; each way that is parted by OR is enough."
    facts = sorted(paper.used() & paper.knowledge.facts.keys(), key=lambda fact: (paper.terms.fact(fact).lower(), fact))
    told = [(fact, paper.knowledge.facts[fact]) for fact in facts]
    yield from table(("Term", "Is", "Source"), [_word(fact, one, paper) for fact, one in told if not one.groups])


def _word(fact: str, declared: DeclaredFact, paper: Paper) -> list[str]:
    return [paper.terms.fact(fact), means(declared, paper), paper.cite(declared.citation)]


def _sources(paper: Paper) -> Lines:
    said = []
    for place, one in paper.terms.sources():
        said.append(f"{place}. {paper.safe(one.text)}" + (f" <{one.url}>" if one.url else ""))
    yield "\n".join(said)
