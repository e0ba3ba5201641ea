"""One Assessment as text for people: colours on a terminal, plain elsewhere.

In: Assessment and the knowledge with its wording. Out: text on standard output. Patient values are shown: that is what
the command is for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from service.cards.words import amount, capital, count_text, first_words, unit_text, words
from service.clinical.assessment import Assessment, Cause, Evidence
from service.clinical.facts import Gap
from service.clinical.knowledge.model import Knowledge

WIDTH = 120  # where there is no terminal to ask
INDENT = (0, 0, 0, 2)
NARROW = 100  # with fewer columns test, value and day share a cell, and sources stand below alone
WHOLE = frozenset(["Status", "Certainty", "Priority", "Taken"])  # columns of words that are not broken
# Rows that say no more than that nothing can be said: the nutrient's own status says why.
MEDICATION = "medication"
SAYS_NOTHING = frozenset(["certainty-not-assessable", "status-not-assessable"])
STYLE = {
    "critical": "bold red", "warning": "yellow", "info": "cyan", "none": "green",
    "very-severe": "bold red", "severe": "bold red", "moderate": "yellow", "mild": "yellow", "low-for-age": "yellow",
    "neutropenia-grade-unknown": "yellow", "borderline": "cyan", "normal": "green", "not-assessable": "dim",
    "deficient": "yellow", "indeterminate": "cyan", "sufficient": "green", "high": "cyan", "treated": "cyan",
    "established": "bold", "probable": "bold", "unlikely": "dim", "not-applicable": "dim",
    "stat": "bold red", "urgent": "yellow",
}  # fmt: skip


def page(a: Assessment, knowledge: Knowledge) -> None:
    """Print an Assessment: the count, the nutrients with their bands, causes, orders, and what was not known."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, soft_wrap=False)
    console.print(_heading(a, knowledge))
    console.print(_count(a, knowledge))
    if a.flags:
        console.print("  flags: " + ", ".join(words(knowledge, "flag", f) for f in a.flags), style="yellow")
    narrow = console.width < NARROW
    results = (_nutrients(a, knowledge, narrow), _lineages(a, knowledge, narrow))
    for table in (*results, _causes(a, knowledge), _orders(a, knowledge), _options(a, knowledge)):
        if table.row_count:
            console.print()
            console.print(Padding(table, INDENT))
    _list(console, "Not known, or not used", (_gap(g, knowledge) for g in a.gaps))
    _list(console, "Sources", _sources(a, knowledge))
    console.print()


def _heading(a: Assessment, knowledge: Knowledge) -> Text:
    when = a.as_of.strftime("%Y-%m-%d %H:%M %Z")
    text = Text(a.subject or "Patient without id", style="bold")
    signed = "" if knowledge.signed_off_by else words(knowledge, "detail", "unsigned")
    return text.append(f"   as of {when}   knowledge {a.version}{signed}, thresholds {a.profile}", style="dim")


def _count(a: Assessment, knowledge: Knowledge) -> Text:
    count = a.count or a.ungraded
    shown = f"{count_text(knowledge, count.value)} on {count.when.text}: " if count else ""
    text = Text("  " + shown).append(words(knowledge, "severity", a.severity), STYLE.get(a.severity, ""))
    text.append(f", {_course(a, knowledge)}, lower limit {a.limit or 'unknown'}; card: ")
    return text.append(a.indicator, STYLE.get(a.indicator, ""))


def _course(a: Assessment, knowledge: Knowledge) -> str:
    return words(knowledge, "course", a.course)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for at, name in enumerate(columns):
        table.add_column(name, overflow="fold", max_width=None if at else 42, no_wrap=name in WHOLE)
    return table


def _columns(narrow: bool) -> tuple[str, ...]:
    return ("Result", "Band") if narrow else ("Result", "Taken", "Band", "Source")


def _nutrients(a: Assessment, knowledge: Knowledge, narrow: bool) -> Table:
    table = _table("Nutrient", "Status", *(() if narrow else ("Test",)), *_columns(narrow))
    asked = {n.id for n in knowledge.causal if n.micronutrient}
    for nutrient in (n for n in a.nutrients if n.evidence or n.nutrient in asked):
        named = (nutrient.name, _styled(nutrient.status, words(knowledge, "status", nutrient.status)))
        for evidence in nutrient.evidence:
            table.add_row(*named, *_result(evidence, knowledge, narrow))
            named = ("", Text())
        if not nutrient.evidence:
            table.add_row(*named, _reasons(nutrient.reasons, knowledge))
    return table


def _reasons(reasons: Iterable[str], knowledge: Knowledge) -> str:
    return ", ".join(first_words(knowledge, ("reason", "feature"), r) for r in reasons)


def _lineages(a: Assessment, knowledge: Knowledge, narrow: bool) -> Table:
    columns = _columns(narrow)
    table = _table("Beside the count", *(columns[1:] if narrow else columns))
    for evidence in a.lineages:
        name, *rest = _result(evidence, knowledge, narrow)
        table.add_row(name, *rest)
    return table


def _result(e: Evidence, knowledge: Knowledge, narrow: bool) -> tuple[str, ...]:
    """Test, result, date, band with its verdict, source; narrow: the first three in one cell, then the band."""
    shown = amount(knowledge, e.value, e.unit) if e.value else e.text
    verdict = words(knowledge, "level", e.level) if e.level else ""
    bounds = unit_text(knowledge, e.band)
    band = f"{verdict} ({bounds})" if bounds and verdict else bounds or verdict
    day = e.when.text[:10] if e.when else ""
    if narrow:
        return "\n".join(filter(None, (f"{e.name} {shown}", day))), band
    return e.name, shown, day, band, e.citation


def _causes(a: Assessment, knowledge: Knowledge) -> Table:
    table = _table("Cause", "Certainty", "Why")
    for cause in a.causes:
        name = words(knowledge, "cause", cause.cause)
        shown = _styled(cause.certainty, words(knowledge, "certainty", cause.certainty))
        table.add_row(name, shown, _why(cause, a, knowledge))
    return table


def _why(cause: Cause, a: Assessment, knowledge: Knowledge) -> str:
    """The reasons of a cause; where they say nothing, the status of its nutrient and why that is so."""
    said = _reasons([r for r in (*cause.reasons, *cause.contributing) if r not in SAYS_NOTHING], knowledge)
    meant = [n.id for n in knowledge.nutrients if n.cause == cause.cause]
    nutrient = next((n for n in a.nutrients if n.nutrient in meant), None)
    if SAYS_NOTHING.isdisjoint(cause.reasons) or nutrient is None:
        return said
    status = f"{nutrient.name} {words(knowledge, 'status', nutrient.status)}"
    return ", ".join(filter(None, (status, _reasons(nutrient.reasons, knowledge), said)))


def _orders(a: Assessment, knowledge: Knowledge) -> Table:
    table = _table("Order", "Priority", "Why")
    alike: dict[tuple[str, str], list[str]] = {}
    for order in (one for one in a.orders if one.kind != MEDICATION):
        alike.setdefault((order.reason, order.priority), []).append(words(knowledge, "order", order.order))
    for (reason, priority), names in alike.items():
        table.add_row(capital(", ".join(names)), _styled(priority, priority), reason)
    return table


def _options(a: Assessment, knowledge: Knowledge) -> Table:
    """Treatment in words: what was found worth weighing, and medication of which no more than its name is known."""
    table = _table("Option to weigh, no order", "Caution", "Source")
    for option in a.options:
        table.add_row(Text(option.text), Text(option.caution), option.citation)
    told = {option.order for option in a.options}
    for order in (one for one in a.orders if one.kind == MEDICATION and one.order not in told):
        table.add_row(f"{capital(words(knowledge, 'order', order.order))}: {order.reason}", "", "")
    return table


def _sources(a: Assessment, knowledge: Knowledge) -> Iterable[str]:
    shown = [e.citation for n in a.nutrients for e in n.evidence]
    shown += [e.citation for e in a.lineages] + [o.citation for o in a.options]
    cited = dict.fromkeys(id for id in shown if id in knowledge.citations)
    return (f"{id}: {knowledge.citations[id].text}" for id in cited)


def _gap(gap: Gap, knowledge: Knowledge) -> str:
    what = first_words(knowledge, ("gap-what",), gap.what)
    whence = " ".join(filter(None, (gap.observation, gap.detail)))
    return f"{what}: {words(knowledge, 'gap', gap.reason)}" + (f" ({whence})" if whence else "")


def _styled(key: str, shown: str) -> Text:
    return Text(shown, STYLE.get(key, ""))


def _list(console: Console, title: str, lines: Iterable[str]) -> None:
    table = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        table.add_row("-", Text(line, overflow="fold"))
    if table.row_count:
        console.print(f"\n  {title}", style="bold")
        console.print(Padding(table, INDENT))
