"""`python -m bench`: measure the goals, all or those named, and print them as a table, as Markdown or as JSON.

Exit status 1 when a figure is beyond its bound.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.status import Status
from rich.table import Table

os.environ["CDS_DATABASE_URL"] = "off"  # what is measured has a store of its own, never that of who runs this

from bench.chart import chart
from bench.figures import Figure, Runs
from bench.goals import GOALS, LOADED
from bench.load import REMEDY, has_wrk

OK = {None: "", True: "ok", False: "beyond"}


@click.command()
@click.argument("goals", nargs=-1, type=click.Choice([str(goal) for goal in GOALS]))
@click.option("--json", "form", flag_value="json", help="Print one JSON object per figure and line.")
@click.option("--markdown", "form", flag_value="markdown", help="Print the table as Markdown.")
@click.option("--chart", "picture", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Draw an SVG.")
@click.option("--seconds", default=Runs().seconds, show_default=True, help="How long one run over HTTP lasts.")
@click.option("--rounds", default=Runs().rounds, show_default=True, help="How many runs of each; the median counts.")
@click.option("--calls", default=Runs().calls, show_default=True, help="Over how many calls memory has to be flat.")
def main(goals: tuple[str, ...], form: str, picture: Path | None, seconds: int, rounds: int, calls: int) -> None:
    """Measure GOALS (all when none is named); all take about eight minutes."""
    chosen = [int(goal) for goal in goals] or list(GOALS)
    if LOADED.intersection(chosen) and not has_wrk():
        others = " ".join(str(goal) for goal in chosen if goal not in LOADED)
        raise click.UsageError(f"{REMEDY}; or name goals that need none{f': {others}' if others else ''}")
    where = _where()
    with _progress() as status:
        figures = [*_measured(chosen, Runs(seconds, rounds, calls), status)]
    _print(figures, form, where)
    if picture:
        picture.write_text(chart(figures, where), "utf-8")
    raise SystemExit(any(figure.ok is False for figure in figures))


def _measured(goals: Iterable[int], runs: Runs, status: Status) -> Iterator[Figure]:
    for goal in goals:
        status.update(f"goal {goal}: {(GOALS[goal].__doc__ or '').partition(': ')[2]}")
        yield from GOALS[goal](runs)


class _Shown(logging.Handler):
    """Shows what is being done on a terminal; warnings everywhere."""

    def __init__(self, status: Status) -> None:
        super().__init__()
        self._status = status

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            self._status.console.print(record.getMessage())
        else:
            self._status.update(record.getMessage())


@contextmanager
def _progress() -> Iterator[Status]:
    console = Console(stderr=True)
    log = logging.getLogger("bench")
    log.setLevel(logging.INFO)
    log.propagate = False
    with console.status("measuring") as status:
        log.handlers[:] = [_Shown(status)]
        yield status


def _where() -> str:
    """Machine and day of a run."""
    processor = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    cores, python = len(os.sched_getaffinity(0)), platform.python_version()
    return f"{datetime.now(UTC):%Y-%m-%d}, {cores} cores ({processor}), CPython {python}"


def _print(figures: list[Figure], form: str, where: str) -> None:
    if form == "json":
        for figure in figures:
            click.echo(json.dumps({**asdict(figure), "ok": figure.ok}))
    elif form == "markdown":
        click.echo(f"{where}\n\n| goal | figure | measured | bound | |\n|---|---|---:|---:|---|")
        for row in map(_cells, figures):
            click.echo(f"| {' | '.join(row)} |")
    else:
        # Without a terminal there is no width to keep to.
        Console(width=None if sys.stdout.isatty() else 110).print(_table(figures), where)


def _cells(one: Figure) -> tuple[str, ...]:
    bound = "" if one.bound is None else f"{'≥ ' if one.at_least else ''}{one.bound:g} {one.unit}".strip()
    return str(one.goal), one.what, one.measured, bound, OK[one.ok]


def _table(figures: Iterable[Figure]) -> Table:
    table = Table(box=None)
    for name in ("goal", "figure"):
        table.add_column(name)
    for name in ("measured", "bound", "ok"):
        table.add_column(name, justify="right")
    for one in figures:
        table.add_row(*_cells(one))
    return table


if __name__ == "__main__":
    main()
