"""One Assessment as a clinician reads it: danger first, the count and the nutrients on their scales, then the rest.

In: Assessment, the scales of the patient, the knowledge with its wording. Out: text on standard output, in colour on a
terminal alone. Patient values are shown: that is what the command is for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from service.cards import cards
from service.cards.words import capital, count_text, day, first_words, number, words
from service.cli import bars
from service.cli.nutrients import WIDE, nutrients, result_of, said
from service.cli.screen import screen
from service.clinical.assessment import Assessment, Cause
from service.clinical.facts import Gap
from service.clinical.knowledge.model import Knowledge
from service.placed import Scales

INDENT = (0, 0, 0, 2)
MOST_EARLIER = 5
COUNT = "neutrophils"
WIDEST_BAR = 90
MEDICATION, NOT_ASSESSABLE = "medication", "not-assessable"
# Rows that say no more than that nothing can be said: the nutrient's own status says why.
SAYS_NOTHING = frozenset(["certainty-not-assessable", "status-not-assessable"])
SURE = ("established", "probable", "possible", "unlikely", "not-assessable", "not-applicable")
BADGE = {"critical": "bold white on red", "warning": "bold black on yellow", "info": "bold black on cyan"}
STYLE = {
    "critical": "bold red", "warning": "yellow", "info": "cyan",
    "very-severe": "bold red", "severe": "bold red", "moderate": "yellow", "mild": "yellow", "low-for-age": "yellow",
    "neutropenia-grade-unknown": "yellow", "borderline": "cyan", "normal": "green", "not-assessable": "dim",
    "established": "bold", "probable": "bold", "unlikely": "dim", "not-applicable": "dim",
    "stat": "bold red", "urgent": "yellow",
}  # fmt: skip


def page(a: Assessment, scales: Scales, knowledge: Knowledge) -> None:
    """Print an Assessment."""
    console = screen()
    console.print(_head(a, knowledge))
    console.print(_about(a, knowledge))
    console.print()
    _count(console, a, scales, knowledge)
    found = (nutrients(a, scales, knowledge, console.width), _lineages(a, knowledge, console.width >= WIDE))
    for table in (*found, _causes(a, knowledge), _orders(a, knowledge), _options(a, knowledge)):
        if table.row_count:
            console.print()
            console.print(Padding(table, INDENT))
    _list(console, "Not known, or not used", (_gap(g, knowledge) for g in a.gaps))
    _list(console, "Sources", _sources(a, knowledge))
    console.print()


# --- the head: what a tired reader sees -------------------------------------------------------------------------------


def _head(a: Assessment, knowledge: Knowledge) -> Table:
    """The cards as they would be answered, the worst first; then what to keep in mind."""
    table = Table.grid(padding=(0, 2, 0, 0))
    for card in cards(a, knowledge):
        table.add_row(Text(card.indicator.upper(), BADGE[card.indicator]), Text(card.summary, "bold"))
    if not table.row_count:
        table.add_row(Text("NO CARD", "bold green"), Text(_quiet(a, knowledge)))
    if a.flags:
        minded = ", ".join(words(knowledge, "flag", flag) for flag in a.flags)
        table.add_row(Text("MIND", "bold"), Text(minded))
    return table


def _quiet(a: Assessment, knowledge: Knowledge) -> str:
    """The count, where no card speaks of it."""
    severity = capital(words(knowledge, "severity", a.severity))
    count = a.count or a.ungraded
    if count is None:
        return severity
    return f"{severity} {count_text(knowledge, count.value)} ({day(knowledge, count.when, a.as_of)})"


def _about(a: Assessment, knowledge: Knowledge) -> Text:
    when = a.as_of.strftime("%Y-%m-%d %H:%M %Z")
    signed = "" if knowledge.signed_off_by else words(knowledge, "detail", "unsigned")
    by = f"   as of {when}   knowledge {a.version}{signed}, thresholds {a.profile}"
    return Text("\n" + (a.subject or "Patient without id")).append(by, style="dim")


# --- the count --------------------------------------------------------------------------------------------------------


def _count(console: Console, a: Assessment, scales: Scales, knowledge: Knowledge) -> None:
    """The count on the bands that hold at the age of its draw, with what came before."""
    count = a.count or a.ungraded
    text = Text().append("Neutrophils", "bold")
    if count:
        text.append(f" {count_text(knowledge, count.value)}", "bold").append(f" on {_minute(count.when.text)}", "")
    text.append(": ").append(words(knowledge, "severity", a.severity), STYLE.get(a.severity, ""))
    course = "" if a.course == "unknown" else f", {words(knowledge, 'course', a.course)}"
    text.append(f"{course}; lower limit {a.limit or 'unknown'}")
    if a.lower:
        text.append(f"; another reading of the same sample {count_text(knowledge, a.lower)}")
    console.print(Padding(text, INDENT))
    if count and scales.bands:
        wide = min(console.width - 4, WIDEST_BAR)
        for line in (bars.names(scales.bands, wide), *bars.bar(scales.bands, count.value, wide)):
            console.print(Padding(line, INDENT))
    if a.count and (newer := a.ungraded):
        status = f"{newer.status}, " if newer.status == "preliminary" else ""
        told = f"{count_text(knowledge, newer.value)} on {_minute(newer.when.text)}"
        console.print(Padding(Text(f"{status}not graded: {told}", "bold"), INDENT))
    used = [one for c in (a.count, a.ungraded) if c for one in c.observations]
    earlier = [p for p in a.history if p.analyte == COUNT and p.observation not in used][-MOST_EARLIER:]
    if earlier:
        told = ", ".join(f"{number(p.value)} ({p.when.text[:10]})" for p in earlier)
        console.print(Padding(Text(f"earlier: {told}"), INDENT))


def _minute(text: str) -> str:
    """A FHIR dateTime without its seconds: "2026-06-15 08:20Z"."""
    moment, _, rest = text.partition("T")
    zone = rest[8:].lstrip(".0123456789") if rest[8:] else ""
    return f"{moment} {rest[:5]}{zone}" if rest else moment


# --- what stands beside it --------------------------------------------------------------------------------------------


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for at, name in enumerate(columns):
        table.add_column(name, overflow="fold", max_width=None if at else 42, no_wrap=name in ("Certainty", "Priority"))
    return table


def _lineages(a: Assessment, knowledge: Knowledge, wide: bool) -> Table:
    table = _table("Beside the count", "Result", *(("Source",) if wide else ()))
    for evidence in a.lineages:
        found = result_of(evidence, knowledge).replace("\n", ": ")
        table.add_row(evidence.name, found, *((evidence.citation,) if wide else ()))
    return table


def _causes(a: Assessment, knowledge: Knowledge) -> Table:
    """The likeliest first."""
    table = _table("Cause", "Certainty", "Why")
    alike: dict[tuple[str, str], list[str]] = {}
    for cause in sorted(a.causes, key=lambda one: SURE.index(one.certainty)):
        name = words(knowledge, "cause", cause.cause)
        alike.setdefault((cause.certainty, _why(cause, a, knowledge)), []).append(name)
    for (certainty, why), names in alike.items():
        table.add_row(", ".join(names), _styled(certainty, words(knowledge, "certainty", certainty)), why)
    return table


def _why(cause: Cause, a: Assessment, knowledge: Knowledge) -> str:
    """The reasons of a cause; where they say nothing, why its nutrient is not assessable, or the nutrient's status."""
    told = said([r for r in (*cause.reasons, *cause.contributing) if r not in SAYS_NOTHING], knowledge)
    meant = [n.id for n in knowledge.nutrients if n.cause == cause.cause]
    nutrient = next((n for n in a.nutrients if n.nutrient in meant), None)
    if SAYS_NOTHING.isdisjoint(cause.reasons) or nutrient is None:
        return told
    open_ = nutrient.status == NOT_ASSESSABLE
    status = "" if open_ else f"{nutrient.name} {words(knowledge, 'status', nutrient.status)}"
    return ", ".join(filter(None, (status, said(nutrient.reasons, knowledge), told)))


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


def _sources(a: Assessment, knowledge: Knowledge) -> Iterator[str]:
    shown = [e.citation for n in a.nutrients for e in n.evidence]
    shown += [e.citation for e in a.lineages] + [o.citation for o in a.options]
    cited = dict.fromkeys(id for id in shown if id in knowledge.citations)
    yield from (f"{id}: {knowledge.citations[id].text}" for id in cited)


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
