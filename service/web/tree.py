"""The evidence tree: conclusion, the row that matched, its facts, the result behind each with its limit, the source.

In: an Assessment as service.evidence.recorded makes it, the explanation as service.explain makes it, words. Out: a
fragment of HTML, escaped, made of details and summary: it opens by keyboard and without a script. Rows that one fact
kept from deciding stand below, with what they ask for. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from service.cards.words import capital
from service.web.pictures import cited
from service.web.svg import element
from service.web.terms import Terms

Said = Mapping[str, Any]
GRADE = "grade"
SURE = ("established", "probable", "possible")  # causes in question
QUIET = ("sufficient", "not-assessable")  # statuses of which no card speaks first


def tree(recorded: Said, explanation: Sequence[Said], terms: Terms, *, of_check: bool = False) -> str:
    """Every conclusion with what it rests on; the card of an order check follows from its own row, not from these."""
    grouped: dict[tuple[str, str], list[Said]] = {}
    for one in explanation:
        grouped.setdefault((one["about"], one["conclusion"]), []).append(one)
    leading = [key for key, found in grouped.items() if not of_check and _leads(*key, found, terms)]
    first = [_conclusion(recorded, *key, grouped[key], terms) for key in leading]
    rest = [_conclusion(recorded, *key, found, terms) for key, found in grouped.items() if key not in leading]
    if rest:
        head = element("summary", f"{escape(terms.said('tree', 'also'))} ({len(rest)})")
        first.append(element("details", head, *rest, class_="also"))
    return f'<div class="tree">{"".join(first)}</div>' if first else ""


def _leads(about: str, conclusion: str, found: Sequence[Said], terms: Terms) -> bool:
    """Whether it is the grade, what raised a card, a nutrient that is amiss, or a cause in question."""
    if about in terms.causes:
        return conclusion in SURE
    if about in {n.id for n in terms.knowledge.nutrients}:
        return conclusion not in QUIET
    return about != "flag" and any(one.get("row") for one in found)


def _conclusion(recorded: Said, about: str, conclusion: str, found: Sequence[Said], terms: Terms) -> str:
    """A conclusion: the rows that made it, and those that nearly did."""
    head = f"{escape(terms.about(about))}: <strong>{escape(terms.conclusion(about, conclusion))}</strong>"
    rows = "".join(_row(recorded, about, one["row"], terms) for one in found if one.get("row"))
    near = [row for one in found for row in one["near"]]
    missed = _near(about, near, terms) if near else ""
    points = _findings(recorded, about, terms) if conclusion in SURE else ""
    return element("details", element("summary", head), rows, points, missed, class_="conclusion")


def _findings(recorded: Said, about: str, terms: Terms) -> str:
    """Which findings point to a cause, and what lies behind it."""
    said = []
    for cause in (one for one in recorded["causes"] if one["cause"] == about):
        for key in (key for key in ("reasons", "contributing") if cause[key]):
            listed = "; ".join(map(terms.reason, cause[key]))
            said.append(element("li", f"{escape(terms.said('tree', key))}: {escape(listed)}"))
    return element("ul", *said) if said else ""


def _row(recorded: Said, about: str, row: Said, terms: Terms) -> str:
    """The row that matched: its facts, its source."""
    named = f"<b>{escape(terms.rule(about, row['row']))}</b> <code>{escape(row['row'])}</code>"
    head = f"{escape(terms.said('tree', 'matched'))} {named}"
    facts = "".join(element("li", _fact(recorded, fact, terms)) for fact in row["facts"])
    listed = element("ul", facts) if facts else f"<p>{escape(terms.said('tree', 'always'))}</p>"
    source = f"<p>{escape(terms.said('tree', 'source'))}: {cited(terms, row['citation'])}</p>"
    return element("details", element("summary", head), listed, source, class_="row", open="open")


def _fact(recorded: Said, fact: Said, terms: Terms) -> str:
    """A fact with its verdict; the result, its day, its limit and the Observation, where one is behind it."""
    verdict = escape(terms.level(fact["fact"], fact["level"]))
    said = f"{escape(capital(terms.fact(fact['fact'])))}: <b>{verdict}</b>"
    measured = _input(recorded, fact, terms)
    parts = [f'<span class="amount">{escape(measured)}</span>'] if measured else []
    if fact.get("band"):
        parts.append(f"{escape(terms.said('tree', 'limit'))} {escape(terms.band(fact['band']))}")
    if fact.get("observation"):
        parts.append(f"<code>{escape(fact['observation'])}</code>")
    if found := fact.get("onFile"):
        parts.append(f"{escape(terms.said('tree', 'on-file'))} {escape(', '.join(map(terms.concept, found)))}")
    inner = "".join(element("li", _fact(recorded, one, terms)) for one in fact.get("because", ()))
    behind = f' <span class="input">· {" · ".join(parts)}</span>' if parts else ""
    return said + behind + (element("ul", inner) if inner else "")


def _input(recorded: Said, fact: Said, terms: Terms) -> str:
    """Value, unit and day of the result behind a fact."""
    count = recorded.get("anc")
    if fact["fact"] == GRADE and count:
        derived = "" if count["derivation"] == "measured" else f", {terms.said('derivation', count['derivation'])}"
        return f"{terms.amount(count)}{derived}, {terms.day(count['effective'])}"
    amount, _, when = str(fact.get("result", "")).rpartition(", ")
    return f"{terms.band(amount)}, {terms.day(when)}" if amount else terms.band(when)


def _near(about: str, rows: Iterable[Said], terms: Terms) -> str:
    """Rows that one fact kept from deciding: what they would conclude, what they ask for, what is there instead."""
    listed = "".join(element("li", _missed(about, row, terms)) for row in rows)
    head = escape(terms.said("tree", "near"))
    return element("details", element("summary", head), element("ul", listed), class_="near")


def _missed(about: str, row: Said, terms: Terms) -> str:
    said = f"{escape(capital(terms.rule(about, row['row'])))}: "
    kept = (_lacking(fact, terms) for fact in row["facts"] if not fact["holds"])
    return said + "; ".join(kept) + f" {cited(terms, row['citation'])}"


def _lacking(fact: Said, terms: Terms) -> str:
    name, level = terms.fact(fact["fact"]), terms.level(fact["fact"], fact["level"])
    wanted = " or ".join(dict.fromkeys(terms.level(fact["fact"], one) for one in fact["wanted"]))
    return f"{escape(name)} {escape(terms.said('tree', 'is'))} <b>{escape(level)}</b>, " + (
        f"{escape(terms.said('tree', 'asks'))} <b>{escape(wanted)}</b>"
    )
