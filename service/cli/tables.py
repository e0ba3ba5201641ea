"""`cds migrate`: at which revision the tables are, and the way to another.

In: the environment, a revision. Out: lines on standard output and the exit status. Without a revision nothing is
changed, not even brought to this version.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from service.cli.opened import faults, look
from service.ground import read_settings
from service.store import NewerTables
from service.store.migrating import Step, migrate, revision, steps

NOT_ASKED = 1
REMEDY = "Nothing was changed. Back up, stop every replica, and say it again with --yes."


def run(to: str | None, yes: bool) -> int:
    """Show the revisions, or go to one."""
    chosen = read_settings(os.environ)
    look(chosen)
    known = steps()
    names = [one.revision for one in known]
    with faults():
        found = revision(chosen.database_url)
        if found and found not in names:
            raise NewerTables(found, names[-1])
        if to is None:
            return _show(known, found)
        if to not in names:
            raise click.BadParameter(f"is none of {', '.join(names)}", param_hint="--to")
        undone = [one for one in reversed(known) if to < one.revision <= found]
        if undone and not yes:
            return _warn(undone, to)
        migrate(chosen.database_url, to)
    click.echo(f"tables at {found or 'none'} -> {to}" if found != to else f"tables at {to} already")
    return 0


def _show(known: Sequence[Step], found: str) -> int:
    for one in known:
        where = "  <- the tables" if one.revision == found else ""
        click.echo(f"{one.revision}  {one.title}{where}")
    if not found:
        click.echo("no tables yet")
    return 0


def _warn(undone: Sequence[Step], to: str) -> int:
    click.echo(f"Going back to {to} removes")
    for one in undone:
        click.echo(f"  of {one.revision}: {one.lost}")
    click.echo(REMEDY)
    return NOT_ASKED
