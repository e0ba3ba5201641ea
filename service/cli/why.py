"""`cds assess --explain` as text: the row behind each conclusion, its facts, and what kept the nearest rows away.

In: the explanation of one patient, words. Out: text on standard output. Patient values are shown: it is for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.text import Text
from rich.tree import Tree

from service.cards.words import capital
from service.cli.screen import screen
from service.explain import Explained, FactSaid, RowSaid
from service.web.terms import Terms


def page(explained: Iterable[Explained], terms: Terms) -> None:
    """Print the explanation as a tree."""
    tree = Tree(Text("Why", style="bold"))
    for one in explained:
        head = Text(f"{terms.about(one.about)}: ").append(terms.conclusion(one.about, one.conclusion), "bold")
        branch = tree.add(head)
        if one.row:
            _row(branch, one.about, one.row, terms)
        for row in one.near:
            said = f"near: {terms.rule(one.about, row.row)}: {_missing(row, terms)} "
            branch.add(Text(said, "dim").append(_ids(row), "dim"))
    screen().print(tree)


def _row(branch: Tree, about: str, row: RowSaid, terms: Terms) -> None:
    """The row that matched, and each of its facts with what lies behind it."""
    leaf = branch.add(Text(f"{capital(terms.rule(about, row.row))} ").append(_ids(row), "dim"))
    for fact in row.facts:
        _fact(leaf, fact, terms)
    if not row.facts:
        leaf.add(Text("no other row matches"))


def _ids(row: RowSaid) -> str:
    """By which a row and its source are found in the knowledge."""
    return f"[{row.row}; {row.citation}]"


def _fact(branch: Tree, fact: FactSaid, terms: Terms) -> None:
    leaf = branch.add(Text(_said(fact, terms)))
    for one in fact.because:
        _fact(leaf, one, terms)


def _said(fact: FactSaid, terms: Terms) -> str:
    behind = "; ".join(_behind(fact, terms))
    return f"{terms.fact(fact.fact)}: {terms.level(fact.fact, fact.level)}" + (f" ({behind})" if behind else "")


def _behind(fact: FactSaid, terms: Terms) -> Iterator[str]:
    """The result with its day, the limit, the Observation; what was found on file."""
    if fact.result:
        amount, _, when = fact.result.rpartition(", ")
        yield f"{terms.band(amount)}, {when[:10]}" if amount else terms.band(when)
    yield from filter(None, (terms.band(fact.band), fact.observation))
    if fact.on_file:
        yield f"{terms.said('tree', 'on-file')} {', '.join(map(terms.concept, fact.on_file))}"


def _missing(row: RowSaid, terms: Terms) -> str:
    return "; ".join(_lacking(fact, terms) for fact in row.facts if not fact.holds)


def _lacking(fact: FactSaid, terms: Terms) -> str:
    wanted = " or ".join(dict.fromkeys(terms.level(fact.fact, one) for one in fact.wanted))
    level = terms.level(fact.fact, fact.level)
    return f"{terms.fact(fact.fact)} {terms.said('tree', 'is')} {level}, {terms.said('tree', 'asks')} {wanted}"
