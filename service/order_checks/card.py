"""Conflicts -> Cards: one for each check, what conflicts with what in one line, the mend as a click.

In: Conflicts, the case and its Assessment. Out: cds_hooks Cards. Nothing is ordered, changed or blocked by itself: a
suggestion removes the draft, another orders what is missing. Source: CDS Hooks 2.0 "Card Attributes"; knowledge part D.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from textwrap import shorten
from typing import Any, cast

from cds_hooks.cards import Action, Card, Indicator, Suggestion
from cds_hooks.parts import Coding, Link, Source
from service.cards import EXTENSION, override_reasons
from service.cards.found import found
from service.cards.page import Page, inert, safe
from service.cards.suggestions import MAX_SUGGESTIONS, suggestions
from service.cards.words import capital, day_and_year, first_words, fitted, words
from service.clinical.assessment import Assessment
from service.clinical.suggestions import suggested
from service.order_checks.conflicts import COUNT, Conflict
from service.order_checks.texts import LONGEST_NAME, Chart, evidence_of, name_of, on_file, plain, values_of

SUMMARY_LIMIT = 140
MAX_LINKS, LONGEST_SOURCE, MAX_DRUGS = 3, 80, 3
# Prefetch keys on which order checks rest.
KEYS = frozenset(["count", "nutrients", "conditions", "medications", "statements", "administrations", "procedures"])


def check_cards(found: Iterable[Conflict], chart: Chart) -> tuple[Card, ...]:
    """One card for each check, in the order of its first conflict, which names it: the gravest come first."""
    groups: dict[str, list[Conflict]] = {}
    for conflict in found:
        groups.setdefault(conflict.about, []).append(conflict)
    return tuple(_card(group, chart) for group in groups.values())


def _card(group: list[Conflict], chart: Chart) -> Card:
    lead, knowledge = group[0], chart.case.knowledge
    values = values_of(group, chart)
    offered = _suggestions(group, chart)
    title = words(knowledge, "check-title", lead.about)
    return Card(
        summary=fitted(knowledge, "summary", f"check-{lead.row.id}", values, SUMMARY_LIMIT),
        indicator=cast(Indicator, lead.level),
        detail=_detail(group, chart, values),
        source=Source(
            label=words(knowledge, "source", "label"),
            topic=Coding(system=words(knowledge, "source", "topic-system"), code=lead.about, display=title),
        ),
        suggestions=offered,
        selection_behavior="any" if offered else None,
        override_reasons=override_reasons(lead.row.then.get("override", ()), knowledge),
        links=tuple(itertools.islice(_links(group, chart), MAX_LINKS)),
        extension={EXTENSION: {
            "rule": lead.about, "row": lead.row.id, "severity": chart.assessment.severity,
            "knowledge": chart.assessment.version, **_once(group),
        }},
    )  # fmt: skip


def _once(group: list[Conflict]) -> dict[str, int]:
    """The days in which the card comes once, when none of its rows is more than a reminder."""
    days = [c.row.then.get("once_days", 0) for c in group]
    return {"once_days": min(days)} if all(days) else {}


# --- the body of a card -----------------------------------------------------------------------------------------------


def _detail(group: list[Conflict], chart: Chart, values: Mapping[str, str]) -> str:
    """The Markdown of one card: what to do, what was assumed, on which results, by which source."""
    knowledge, a = chart.case.knowledge, chart.assessment
    page = Page(knowledge, a.as_of)
    safe_values = {name: inert(text) for name, text in values.items()}
    signed = "" if knowledge.signed_off_by else words(knowledge, "detail", "unsigned")
    parts = [
        *dict.fromkeys(page.cite(_text(c, chart, safe_values), [c.row.citation]) for c in group),
        "\n".join([*_drafted(group, chart, page), *_charted(group, chart)]),
        _section("found", found(_part(group, chart), page), page),
        _section("unknown", list(_unknown(group, chart, page)), page),
        _section("sources", page.sources(), page),
        page.say("footer", version=a.version, signed=signed, profile=a.profile, date=day_and_year(knowledge, a.as_of)),
    ]
    return "\n\n".join(part for part in parts if part)


def _text(conflict: Conflict, chart: Chart, values: Mapping[str, str]) -> str:
    """The text of a row; a value that is not there reads as not known."""
    return capital(str(conflict.row.then["text"]).format_map(_Known(values, chart.say("not-known"))))


class _Known(dict[str, str]):
    def __init__(self, values: Mapping[str, str], otherwise: str) -> None:
        super().__init__(values)
        self._otherwise = otherwise

    def __missing__(self, name: str) -> str:
        return self._otherwise


def _drafted(group: list[Conflict], chart: Chart, page: Page) -> Iterator[str]:
    """One line for each draft: as the chart calls it, and what was assumed about it."""
    for conflict in group:
        written = ", ".join(part for part in (conflict.draft.label, conflict.draft.dose_text) if part)
        label = safe(written) or inert(name_of(conflict, chart))
        assumed = "; ".join(chart.say(f"assumed-{one}", **_amounts(conflict)) for one in conflict.assumed)
        key = "drafted-assumed" if assumed else "drafted"
        yield f"- {chart.say(key, label=label, assumed=assumed)}"


def _charted(group: list[Conflict], chart: Chart) -> list[str]:
    """One line for each drug on file on which the rows rest."""
    drugs = dict.fromkeys(said for c in group for said in on_file(c.row, chart))
    return [f"- {chart.say('on-file', drug=inert(drug))}" for drug in itertools.islice(drugs, MAX_DRUGS)]


def _amounts(conflict: Conflict) -> dict[str, str]:
    amount = conflict.draft.dose_of(conflict.row.then["draft"].drugs)
    return {name: plain(mg) if mg is not None else "" for name, mg in (("mg", amount.mg), ("most", amount.most))}


def _section(title: str, lines: list[str], page: Page) -> str:
    return "\n".join([f"#### {page.say(title)}", "", *lines]) if lines else ""


def _part(group: list[Conflict], chart: Chart) -> Assessment:
    """The results that the rows of a card rest on."""
    a, shows = chart.assessment, {s for c in group for s in c.row.then.get("shows", ())}
    scaled = [e for c in group for e in evidence_of(c.row, chart)]
    nutrients = tuple(n for n in a.nutrients if n.nutrient in shows)
    shown = {e.observation for n in nutrients for e in n.evidence}
    lineages = {e.observation: e for e in scaled if e.observation not in shown}
    counted = {} if COUNT in shows else {"count": None, "ungraded": None}
    return replace(a, nutrients=nutrients, lineages=tuple(lineages.values()), **cast(Any, counted))


def _unknown(group: list[Conflict], chart: Chart, page: Page) -> Iterator[str]:
    """What the rows would have looked at and nobody measured, could not be read, or was not sent."""
    knowledge, a = chart.case.knowledge, chart.assessment
    shows = list(dict.fromkeys(s for c in group for s in c.row.then.get("shows", ())))
    for name in shows:
        nutrient = next((n for n in a.nutrients if n.nutrient == name), None)
        if nutrient and not any(e.value or e.text for e in nutrient.evidence):
            yield _gap(inert(nutrient.name), chart.say("no-result"), page)
        elif name == COUNT and not (a.count or a.ungraded):
            yield _gap(_named("neutrophils", chart), chart.say("no-result"), page)
    said = {"neutrophils" if s == COUNT else s for s in shows}
    wanted = (gap for gap in a.gaps if gap.what in said | KEYS and gap.reason != "not-measured")
    reasons: dict[str, list[str]] = {}
    for gap in wanted:
        reasons.setdefault(gap.reason, []).append(_named(gap.what, chart))
    for reason, names in reasons.items():
        yield _gap(", ".join(dict.fromkeys(names)), first_words(knowledge, ("gap", "reason"), reason), page)


def _gap(what: str, reason: str, page: Page) -> str:
    return f"- {capital(page.say('gap', what=what, reason=inert(reason)))}"


def _named(analyte: str, chart: Chart) -> str:
    return inert(first_words(chart.case.knowledge, ("gap-what", "analyte"), analyte))


# --- what a click does ------------------------------------------------------------------------------------------------


def _suggestions(group: list[Conflict], chart: Chart) -> tuple[Suggestion, ...]:
    """To order what is missing, and to remove each draft, first when it is critical; at most five."""
    rows = tuple({c.row.id: c.row for c in group if "order" in c.row.then}.values())
    orders = tuple(o for o in suggested(chart.case, rows) if o.order not in chart.pressing)
    ordered = suggestions(replace(chart.assessment, orders=orders), chart.case.knowledge)
    removed = tuple(_removal(c, chart) for c in group if c.row.then.get("remove") and c.draft.reference)
    both = (*removed, *ordered) if group[0].level == "critical" else (*ordered, *removed)
    return both[:MAX_SUGGESTIONS]


def _removal(conflict: Conflict, chart: Chart) -> Suggestion:
    written = " ".join(conflict.draft.label.split())
    fits = 0 < len(written) <= LONGEST_NAME and written.isprintable()
    label = chart.say("remove", draft=written if fits else name_of(conflict, chart))
    action = Action(type="delete", description=label, resource_id=conflict.draft.reference)
    return Suggestion(label=label, actions=(action,))


def _links(group: list[Conflict], chart: Chart) -> Iterator[Link]:
    """The sources that stand behind the card and have an address."""
    cited = (chart.case.knowledge.citations[c.row.citation] for c in group)
    for source in {one.id: one for one in cited if one.url}.values():
        said = shorten(source.text, LONGEST_SOURCE, placeholder=" ...")
        yield Link(label=chart.say("source", text=said), url=source.url)
