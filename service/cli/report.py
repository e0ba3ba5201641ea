"""`cds report`: what became of cards, as tables, as JSON, and as one page with pictures.

In: a period, the environment. Out: text on standard output, a file when one is asked for, the exit status. Codes that
others made up are not repeated: they could say anything.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from service.cli.kept import COUNTS
from service.cli.opened import opened
from service.clinical.knowledge.model import Knowledge
from service.ground import read_settings
from service.overlay import load_for_site
from service.store.figures import COUNTED, Figures, Key, Period, count

Json = dict[str, Any]

WIDTH, INDENT = 120, (0, 0, 0, 2)  # where there is no terminal to ask
UNWRITTEN = 2
HUNDRED = 100
OF_SHOWN = ("accepted", "overridden", "no_response")
NO_CLIENT = "(without token)"
SYSTEM = "override-system.ours"
TITLES = {
    "services": "Services", "rules": "Rules", "indicators": "Indicators, as judged", "knowledge": "Knowledge",
    "clients": "Clients",
}  # fmt: skip
HEADS = ("calls", "cards", "shown", *OF_SHOWN, "left_out", "lowered", "silent")
NARROW, FEW_HEADS = 100, ("cards", "shown", "accepted", "overridden", "silent")  # with fewer columns than that
STYLES = {"accepted": "green", "overridden": "yellow", "no_response": "dim", "silent": "cyan"}


def run(days: tuple[date | None, date | None], as_json: bool, html: Path | None) -> int:
    """Print the report of a period; 2 when the page cannot be written."""
    chosen = read_settings(os.environ)
    period = Period(chosen.time_zone, *days)
    knowledge = load_for_site(chosen.thresholds, chosen.knowledge_overlay)
    with opened(chosen) as store:
        told = tell(count(store, period), period, knowledge, datetime.now(UTC).astimezone(chosen.time_zone))
    if as_json:
        click.echo(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        _print(told)
    return _write(html, told, knowledge) if html else 0


def tell(found: Figures, period: Period, knowledge: Knowledge, now: datetime) -> Json:
    """The figures as JSON; its shape stands in the command's help."""
    say = knowledge.wording
    return {
        "since": str(period.since) if period.since else None,
        "until": str(period.until) if period.until else None,
        "time_zone": str(period.zone),
        "made": now.isoformat(timespec="seconds"),
        **_counts(found.total, found.calls[""][()]),
        "unmatched": found.unmatched,
        "overridden_by_reason": _reasons(found.reasons, say),
        **{name: _group(found, name, say) for name in TITLES},
        "days": [
            {"day": str(day), **{name: counts[name] for name in ("shown", "left_out", "silent")}}
            for day, counts in sorted(found.days.items())
        ],
    }


def _counts(counts: Counter[str], calls: int | None) -> Json:
    per_100 = {f"{name}_per_100_calls": _per_100(counts[name], calls) for name in ("shown", "cards")}
    return {"calls": calls, **{name: counts[name] for name in COUNTED}, **per_100}


def _per_100(number: int, calls: int | None) -> float | None:
    return round(HUNDRED * number / calls, 1) if calls else None


def _group(found: Figures, group: str, say: Mapping[str, str]) -> list[Json]:
    """The members of a group, those with the most cards first; calls where the group has them."""
    calls = found.calls[group] if group in ("services", "knowledge", "clients") else None
    members = sorted(found.groups[group].items(), key=lambda one: (-one[1]["cards"], one[0]))
    return [
        {**_named(key, group, say), **_counts(counts, calls[key] if calls is not None else None)}
        for key, counts in members
    ]


def _named(key: Key, group: str, say: Mapping[str, str]) -> Json:
    if group != "rules":
        return {"name": key[0] or (NO_CLIENT if group == "clients" else "-")}
    topic, row = key
    return {"topic": topic, "row": row, "says": say.get(f"check-title.{topic}") or say.get(f"source.{topic}", "")}


def _reasons(found: Counter[str], say: Mapping[str, str]) -> list[Json]:
    """Cards by reason, the most first."""
    counted: Counter[str] = Counter()
    for reason, number in found.items():
        system, _, code = reason.rpartition("|")
        ours = system in ("", say[SYSTEM]) and f"override.{code}" in say
        counted[code if ours or not reason else "other"] += number
    said = {"": "No reason given", "other": "A reason that is not one of ours"}
    ordered = sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    return [{"reason": code, "says": said.get(code) or say[f"override.{code}"], "overridden": n} for code, n in ordered]


# --- on a terminal ----------------------------------------------------------------------------------------------------


def period_of(told: Json) -> str:
    """The period in words."""
    ends = {(True, True): "from {since} to {until}", (True, False): "since {since}", (False, True): "until {until}"}
    form = ends.get((bool(told["since"]), bool(told["until"])), "of all that is kept")
    return form.format(**told) + f" ({told['time_zone']})"


def _print(told: Json) -> None:
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    console.print(Text(f"What became of cards, {period_of(told)}", style="bold"))
    console.print(Padding(_totals(told), INDENT))
    if told["overridden_by_reason"]:
        table = _table("Overridden because", "cards")
        for one in told["overridden_by_reason"]:
            table.add_row(f"{one['says']} ({one['reason']})" if one["reason"] else one["says"], str(one["overridden"]))
        console.print()
        console.print(Padding(table, INDENT))
    for group, title in TITLES.items():
        if told[group]:
            console.print()
            console.print(Padding(_grouped(told[group], title, console.width < NARROW), INDENT))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(columns[0], overflow="fold", min_width=22, max_width=44)
    for name in columns[1:]:
        head = name.replace(" ", "\n").replace("_", " " if name.startswith("per") else "\n")
        table.add_column(head, justify="right", style=STYLES.get(name, ""))
    return table


def _totals(told: Json) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column("what")
    table.add_column("number", justify="right", style="bold")
    table.add_column("share", justify="right", style="dim")
    table.add_column("meaning", style="dim")
    for name, said, meaning in COUNTS:
        share = f"{told[name] / told['shown']:.0%}" if name in OF_SHOWN and told["shown"] else ""
        table.add_row(Text(said, STYLES.get(name, "")), shown(told[name]), share, meaning)
    return table


def _grouped(members: list[Json], title: str, narrow: bool) -> Table:
    heads = [name for name in (FEW_HEADS if narrow else HEADS) if members[0][name] is not None]
    per_100 = ["cards_per_100_calls"] if members[0]["calls"] is not None else []
    table = _table(title, *heads, *(["per_100 calls"] if per_100 else []))
    for one in members:
        table.add_row(name_of(one), *(shown(one[name]) for name in (*heads, *per_100)))
    return table


def name_of(one: Json) -> str:
    """How a member of a group is called."""
    return str(one["name"]) if "name" in one else f"{one['topic']} {one['row']}"


def shown(number: float | None) -> str:
    """A number as it is shown."""
    return "-" if number is None else f"{number:,}"


# --- as a page --------------------------------------------------------------------------------------------------------


def _write(file: Path, told: Json, knowledge: Knowledge) -> int:
    from service.cli.pages import page

    try:
        file.write_text(page(told, knowledge), "utf-8")
    except OSError as fault:
        click.echo(f"Error: --html: {file} cannot be written ({fault.strerror}): name another file", err=True)
        return UNWRITTEN
    return 0
