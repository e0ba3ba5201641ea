"""Of the document to sign: what is suggested, treatment and advice in words, and the checks of orders.

In: the knowledge, its words. Out: parts of Markdown.
"""

from __future__ import annotations

from itertools import groupby

from service.cards.words import capital
from service.cli.clinical_words import Lines, Paper, once, table
from service.clinical.knowledge.model import Row
from service.web.checks import drafted


def orders(paper: Paper) -> Lines:
    """What is offered as a draft, when, and what is said of it."""
    k = paper.knowledge
    yield "Offered as drafts beside a card; what is on file, was answered lately or is already ordered is left out."
    said = []
    for row in k.tables["order"]:
        named = row.then["order"] if isinstance(row.then["order"], list) else [row.then["order"]]
        order = capital(", ".join(paper.terms.said("order", one) for one in named))
        cells = [order, row.then.get("priority", "routine"), paper.when(row.when), row.then["reason"]]
        said.append([*cells, paper.cite(row.citation)])
    yield from table(("Order", "Priority", "When", "Said on the card", "Source"), said)


def options(paper: Paper) -> Lines:
    """Treatment and advice."""
    k = paper.knowledge
    yield "Treatment is named in words for the clinician to weigh; it is never an order."
    said = []
    for row in k.tables["option"]:
        when = f"suggested: {paper.terms.said('order', row.then['order'])}; {paper.when(row.when)}"
        cells = [row.then["text"], row.then.get("caution", ""), when]
        said.append([*cells, paper.cite(row.citation)])
    yield from table(("Option", "Caution", "When", "Source"), said)
    yield "### Advice for patients"
    told = ([row.then["text"], paper.when(row.when), paper.cite(row.citation)] for row in k.tables["advice"])
    yield from table(("Text", "When", "Source"), told)


def checks(paper: Paper) -> Lines:
    """The rows of each check of orders."""
    k = paper.knowledge
    yield "The first row that fits a drafted order decides; with *none* the check is silent."
    yield "`{…}` stands for the draft, a result or its date."
    rows = sorted(k.tables["check"], key=lambda row: int(row.then["about"][1:]))
    for about, found in groupby(rows, key=lambda row: str(row.then["about"])):
        yield f"### {about} {k.wording[f'check-title.{about}']}"
        before, told = "", []
        for level, draft, *rest in (_check(row, paper) for row in found):
            told.append([level, "as above" if draft == before else draft, *rest])
            before = draft
        yield from table(("Level", "Drafted", "And when", "Card", "Source"), told)


def _check(row: Row, paper: Paper) -> list[str]:
    k, then = paper.knowledge, row.then
    said = then["summary"][0] if "summary" in then else ""
    draft = "; ".join(drafted(then["draft"], k))
    draft += "".join(f" / beside {'; '.join(drafted(rule, k))}" for rule in then.get("beside", ()))
    draft += "".join(f" / not beside {'; '.join(drafted(rule, k))}" for rule in then.get("unless", ()))
    asked = paper.when(row.when) if row.when else "always"
    return [then["level"] + once(row), draft, asked, said, paper.cite(row.citation)]
