"""`python -m bench`: measure the goals, all or those named, and print them as a table or as JSON.

Exit status 1 when a figure is beyond its bound.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import asdict

import click
from rich.console import Console
from rich.table import Table

from bench.goals import GOALS, Figure

OK = {None: "", True: "ok", False: "beyond"}


@click.command()
@click.argument("goals", nargs=-1, type=click.Choice([str(goal) for goal in GOALS]))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per figure and line.")
def main(goals: tuple[str, ...], as_json: bool) -> None:
    """Measure GOALS (all when none is named) in this process; takes about a minute."""
    figures = [figure for goal in goals or map(str, GOALS) for figure in GOALS[int(goal)]()]
    if as_json:
        for figure in figures:
            click.echo(json.dumps({**asdict(figure), "ok": figure.ok}))
    else:
        # Without a terminal there is no width to keep to.
        Console(width=None if sys.stdout.isatty() else 110).print(_table(figures))
    raise SystemExit(any(figure.ok is False for figure in figures))


def _table(figures: Iterable[Figure]) -> Table:
    table = Table(box=None)
    for name in ("goal", "figure"):
        table.add_column(name)
    for name in ("measured", "bound", "ok"):
        table.add_column(name, justify="right")
    for one in figures:
        bound = "" if one.bound is None else f"{one.bound:g} {one.unit}"
        table.add_row(str(one.goal), one.what, f"{one.value:.3g} {one.unit}", bound, OK[one.ok])
    return table


main()
