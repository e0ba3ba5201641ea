"""`cds purge` and `cds audit`: what is kept too long goes, and the trail of what was done is whole.

In: the environment. Out: lines on standard output and the exit status.
"""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext
from datetime import UTC, datetime

import click
from rich.console import Console
from sqlalchemy import select

from service.cli.opened import opened
from service.ground import read_settings
from service.store import retention
from service.store.audit import broken
from service.store.tables import audit as trail

BROKEN = 1
KINDS = {
    "evidence": "what cards rest on, older than {evidence} days (CDS_EVIDENCE_DAYS)",
    "cards": "cards older than {cards} days (CDS_CARDS_DAYS)",
    "feedback": "items of feedback older than {cards} days (CDS_CARDS_DAYS)",
    "calls": "counts of calls older than {cards} days (CDS_CARDS_DAYS)",
    "tokens": "used tokens that have expired",
}


def purge(dry: bool) -> int:
    """Remove what is too old, or say what would go."""
    chosen = read_settings(os.environ)
    limits = retention.Limits(chosen.evidence_days, chosen.cards_days)
    waiting = Console(stderr=True).status("purging") if sys.stderr.isatty() else nullcontext()
    with opened(chosen) as store, waiting:
        found = retention.purge(store, limits, datetime.now(UTC), "cds purge", dry=dry)
    for kind, number in found.items():
        what = KINDS[kind].format(evidence=limits.evidence, cards=limits.cards)
        click.echo(f"{number:9}  {what}")
    done = "removed" if any(found.values()) else "nothing to do"
    click.echo("nothing was removed: this was a dry run" if dry else done)
    return 0


def audit() -> int:
    """Follow the chain of the trail from its first row."""
    with opened(read_settings(os.environ)) as store, store.read() as connection:
        wrong = broken(connection)
        newest = select(trail.c.number, trail.c.digest).order_by(trail.c.number.desc()).limit(1)
        last = connection.execute(newest).first()
    if wrong is not None:
        click.echo(f"BROKEN  row {wrong} does not follow from the one before: it was changed, or one was taken out")
        return BROKEN
    click.echo(f"ok      {last.number} rows, the last digest is {last.digest}" if last else "ok      no row yet")
    return 0
