"""`cds assess --explain` as text: the row behind each conclusion, its facts, and what kept the nearest rows away.

In: the explanation of one patient. Out: text on standard output. Patient values are shown: that is what it is for.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from service.explain import Explained, FactSaid, RowSaid

WIDTH = 120  # where there is no terminal to ask
TITLES = {"indicator": "cards", "competing": "other causes", "composite": "diagnoses behind a deficiency"}


def page(explained: Iterable[Explained]) -> None:
    """Print the explanation as a tree."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False, soft_wrap=False)
    tree = Tree(Text("Why", style="bold"))
    for one in explained:
        branch = tree.add(Text(TITLES.get(one.about, one.about)).append(f": {one.conclusion}", style="bold"))
        for line in _lines(one):
            branch.add(line)
    console.print(tree)


def _lines(one: Explained) -> Iterator[Text]:
    if one.row:
        yield Text(f"by {one.row.row} [{one.row.citation}]: ").append(_facts(one.row.facts))
    for row in one.near:
        yield Text(f"not {row.row}: {_missing(row)}", style="dim")


def _facts(facts: Iterable[FactSaid]) -> str:
    return "; ".join(_fact(fact) for fact in facts) or "no other row matches"


def _fact(fact: FactSaid) -> str:
    behind = ", ".join(filter(None, (fact.result, fact.band, fact.observation)))
    return f"{fact.fact} is {fact.level}" + (f" ({behind})" if behind else "")


def _missing(row: RowSaid) -> str:
    return "; ".join(f"{_fact(f)}, it asks for {' or '.join(f.wanted)}" for f in row.facts if not f.holds)
