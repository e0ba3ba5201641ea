"""One Assessment as text for people: colours on a terminal, plain elsewhere.

In: Assessment and the knowledge with its wording. Out: text on standard output. Patient values are shown: that is what
the command is for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table
from rich.text import Text

from service.cards.words import amount, capital, count_text, first_words, words
from service.clinical.assessment import Assessment, Evidence
from service.clinical.facts import Gap
from service.clinical.knowledge.model import Knowledge

__all__ = ["page"]

WIDTH = 120  # where there is no terminal to ask
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
    console.print(_heading(a))
    console.print(_count(a, knowledge))
    if a.flags:
        console.print("  flags: " + ", ".join(words(knowledge, "flag", f) for f in a.flags), style="yellow")
    for table in (_nutrients(a, knowledge), _lineages(a, knowledge), _causes(a, knowledge), _orders(a, knowledge)):
        if table.row_count:
            console.print()
            console.print(table)
    _list(console, "Options to weigh", (" ".join(filter(None, (o.text, o.caution))) for o in a.options))
    _list(console, "Not known, or not used", (_gap(g, knowledge) for g in a.gaps))
    _list(console, "Sources of the bands", _sources(a, knowledge))
    console.print()


def _heading(a: Assessment) -> Text:
    when = a.as_of.strftime("%Y-%m-%d %H:%M %Z")
    text = Text(a.subject or "Patient not named", style="bold")
    return text.append(f"   as of {when}   knowledge {a.version}, thresholds {a.profile}", style="dim")


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
        table.add_column(name if at else f"  {name}", overflow="fold", max_width=None if at else 44)
    return table


def _nutrients(a: Assessment, knowledge: Knowledge) -> Table:
    table = _table("Nutrient", "Status", "Test", "Result", "Taken", "Band", "Source")
    for nutrient in a.nutrients:
        named = (f"  {nutrient.name}", _styled(nutrient.status, words(knowledge, "status", nutrient.status)))
        for evidence in nutrient.evidence:
            table.add_row(*named, *_result(evidence, knowledge))
            named = ("", Text())
        if not nutrient.evidence:
            table.add_row(*named, *_reasons(nutrient.reasons, knowledge))
    return table


def _reasons(reasons: Iterable[str], knowledge: Knowledge) -> tuple[str]:
    return (", ".join(first_words(knowledge, ("reason", "feature"), r) for r in reasons),)


def _lineages(a: Assessment, knowledge: Knowledge) -> Table:
    table = _table("Beside the count", "Result", "Taken", "Band", "Source")
    for evidence in a.lineages:
        name, *rest = _result(evidence, knowledge)
        table.add_row(f"  {name}", *rest)
    return table


def _result(e: Evidence, knowledge: Knowledge) -> tuple[str, str, str, str, str]:
    """Test, result, date, band with its verdict, source."""
    shown = amount(knowledge, e.value, e.unit) if e.value else e.text
    verdict = words(knowledge, "level", e.level) if e.level else ""
    band = f"{verdict} ({e.band})" if e.band and verdict else e.band or verdict
    return e.name, shown, e.when.text[:10] if e.when else "", band, e.citation


def _causes(a: Assessment, knowledge: Knowledge) -> Table:
    table = _table("Cause", "Certainty", "Why")
    for cause in a.causes:
        why = [first_words(knowledge, ("reason", "feature"), r) for r in (*cause.reasons, *cause.contributing)]
        name = f"  {words(knowledge, 'cause', cause.cause)}"
        table.add_row(name, _styled(cause.certainty, words(knowledge, "certainty", cause.certainty)), ", ".join(why))
    return table


def _orders(a: Assessment, knowledge: Knowledge) -> Table:
    table = _table("Order", "Priority", "Why")
    alike: dict[tuple[str, str], list[str]] = {}
    for order in a.orders:
        alike.setdefault((order.reason, order.priority), []).append(words(knowledge, "order", order.order))
    for (reason, priority), names in alike.items():
        table.add_row(f"  {capital(', '.join(names))}", _styled(priority, priority), reason)
    return table


def _sources(a: Assessment, knowledge: Knowledge) -> Iterable[str]:
    shown = [e for n in a.nutrients for e in n.evidence] + list(a.lineages)
    cited = dict.fromkeys(e.citation for e in shown if e.citation in knowledge.citations)
    return (f"{id}: {knowledge.citations[id].text}" for id in cited)


def _gap(gap: Gap, knowledge: Knowledge) -> str:
    what = first_words(knowledge, ("gap-what",), gap.what)
    whence = " ".join(filter(None, (gap.observation, gap.detail)))
    return f"{what}: {words(knowledge, 'gap', gap.reason)}" + (f" ({whence})" if whence else "")


def _styled(key: str, shown: str) -> Text:
    return Text(shown, STYLE.get(key, ""))


def _list(console: Console, title: str, lines: Iterable[str]) -> None:
    for at, line in enumerate(lines):
        if at == 0:
            console.print(f"\n  {title}", style="bold")
        console.print(Text(f"  - {line}"))
