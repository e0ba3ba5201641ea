"""`cds config`: every setting, what is in force, what it is by default, what it does.

In: the environment. Out: a table, or that of docs/operations.md (--markdown); every fault by name and exit status 2.
Passwords are not shown.
"""

from __future__ import annotations

import os
from typing import Any

import click
from rich.table import Table
from rich.text import Text

from service import settings
from service.cli.addresses import shown_address
from service.cli.screen import screen
from service.ground import read_settings
from service.settings import MIB, Settings, SettingsError, variables

HEAD = "| variable | default | what it does |\n|---|---|---|\n"


def run(markdown: bool) -> int:
    """Print the settings; 2 when one cannot be used."""
    if markdown:
        click.echo(as_markdown(), nl=False)
        return 0
    for stranger in settings.unknown(os.environ):
        click.echo(f"Warning: {stranger}", err=True)
    faults: tuple[str, ...] = ()
    try:
        chosen = read_settings(os.environ)
    except SettingsError as wrong:
        chosen, faults = wrong.usable, wrong.faults
    _print(chosen, {one.partition(":")[0] for one in faults})
    for fault in faults:
        click.echo(f"Error: {fault}", err=True)
    return 2 if faults else 0


def as_markdown() -> str:
    """The table of docs/operations.md."""
    defaults = [f"`{one.shown_default}`" if one.shown_default else "" for one in variables()]
    rows = [f"| `{one.name}` | {shown} | {one.meaning} |" for one, shown in zip(variables(), defaults, strict=True)]
    return HEAD + "\n".join(rows) + "\n"


def _print(chosen: Settings, wrong: set[str]) -> None:
    table = Table(box=None, pad_edge=False, show_edge=False)
    for heading in ("variable", "in force", "default", "what it does"):
        table.add_column(heading, overflow="fold")
    for one in variables():
        value = "cannot be used" if one.name in wrong else in_force(one.field, chosen)
        style = "red" if one.name in wrong else "bold" if os.environ.get(one.name, "").strip() else ""
        said = (Text(text) for text in (one.shown_default, one.meaning.replace("`", "")))
        table.add_row(Text(one.name), Text(value, style=style), *said)
    screen().print(table)


def in_force(field: str, chosen: Settings) -> str:
    """A value as it would be written; what holds a password without it."""
    value: Any = getattr(chosen, field)
    if field == "database_url":
        return shown_address(value)
    if field == "local_codes":
        return f"{len(value)} codes" if value else ""
    if field == "max_body":
        return f"{value // MIB} MiB" if value % MIB == 0 else str(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value or "")
