"""The body of a card in GitHub-flavoured Markdown: verdict, what was found, causes, what is not known, orders, sources.

In: Headline and the part of the Assessment that the card is about. Out: Markdown. Every text that may come from a
chart is escaped and cut (CDS Hooks 2.0, Card.detail: GFM allows HTML).
"""

from __future__ import annotations

from service.cards.found import found
from service.cards.page import Page, inert, safe
from service.cards.summary import Headline, likely, others_first
from service.cards.words import capital, day_and_year, first_words, fitted, joined, when_due, words
from service.clinical.assessment import Assessment, Cause, Option
from service.clinical.counts import COUNT_ANALYTES
from service.clinical.facts import Gap
from service.clinical.knowledge.model import Knowledge

MAX_GAPS = 6
WHY = ("reason", "feature")
NOTES = ("wilson-suspected", "refeeding-risk", "nutrition-not-led", "implausible-result", "conflicting-results")
REMAINING = ("unlikely", "not-assessable")  # certainties that share one line


def detail(head: Headline, a: Assessment, knowledge: Knowledge, aside: str = "") -> str:
    """The Markdown of one card; `aside` is a sentence to stand below the verdict."""
    page = Page(knowledge, a.as_of)
    values = {name: inert(text) for name, text in head.values.items()}
    signed = "" if knowledge.signed_off_by else words(knowledge, "detail", "unsigned")
    parts = [
        fitted(knowledge, "verdict", head.kind, values),
        aside,
        _section("found", found(a, page), page),
        _notes(a, page),
        _section("causes", _causes(a, page), page),
        _section("unknown", _unknown(a, page), page),
        _section("orders", _orders(a, page), page),
        _section("options", [_option(o, page) for o in a.options], page),
        _section("advice", [f"- {page.cite(inert(one.text), [one.citation])}" for one in a.advice], page),
        _section("sources", page.sources(), page),
        page.say("footer", version=a.version, signed=signed, profile=a.profile, date=day_and_year(knowledge, a.as_of)),
    ]
    return "\n\n".join(part for part in parts if part)


def _section(title: str, lines: list[str], page: Page) -> str:
    return "\n".join([f"#### {page.say(title)}", "", *lines]) if lines else ""


def _notes(a: Assessment, page: Page) -> str:
    notes = [words(page.knowledge, "flag", flag) for flag in NOTES if flag in a.flags]
    return page.say("note", notes="; ".join(notes)) if notes else ""


def _causes(a: Assessment, page: Page) -> list[str]:
    """One line per cause that is at least possible; one line for all that are unlikely, one for all not assessable."""
    causes = sorted(likely(a), key=lambda c: others_first(a) and c.kind == "nutritional")
    lines = [f"- {_cause(c, page)}" for c in causes]
    unmeasured = _causes_unmeasured(a, page.knowledge)
    for certainty in REMAINING:
        left = (c.cause for c in a.causes if c.certainty == certainty and c.cause not in unmeasured)
        names = [first_words(page.knowledge, ("cause",), cause) for cause in left]
        if names:
            said = words(page.knowledge, "certainty", certainty)
            lines.append(f"- {capital(page.say('grouped', certainty=said, causes=', '.join(names)))}")
    return lines


def _causes_unmeasured(a: Assessment, knowledge: Knowledge) -> frozenset[str]:
    """Causes of nutrients that were never measured: they stand under what is not known."""
    silent = {n.nutrient for n in a.nutrients if "not-measured" in n.reasons}
    return frozenset(nutrient.cause for nutrient in knowledge.nutrients if nutrient.id in silent)


def _cause(c: Cause, page: Page) -> str:
    reasons = [first_words(page.knowledge, WHY, r) for r in c.reasons]
    behind = [first_words(page.knowledge, WHY, r) for r in c.contributing if r not in c.reasons]
    if behind:
        reasons.append(page.say("contributing", causes=joined(page.knowledge, behind)))
    text = page.say(
        "cause-reasons" if reasons else "cause",
        cause=first_words(page.knowledge, ("cause",), c.cause),
        certainty=words(page.knowledge, "certainty", c.certainty),
        reasons=inert("; ".join(dict.fromkeys(reasons))),
    )
    return page.cite(capital(text), c.citations)


def _unknown(a: Assessment, page: Page) -> list[str]:
    """What could not be used or is not there, one line per reason, the rest counted."""
    grouped: dict[tuple[str, str], list[str]] = {}
    gaps = sorted(a.gaps, key=lambda gap: gap.what not in COUNT_ANALYTES)
    for what, reason, fact in [*_unmeasured(a, page), *(_gap(gap, page) for gap in gaps)]:
        names = grouped.setdefault((reason, fact), [])
        if what not in names:
            names.append(what)
    lines = [_unknown_line(", ".join(names), *key, page) for key, names in grouped.items()]
    if len(lines) > MAX_GAPS:
        rest = sum(len(names) for names in list(grouped.values())[MAX_GAPS:])
        lines[MAX_GAPS:] = [f"- {page.say('more', number=rest)}"]
    return lines


def _unmeasured(a: Assessment, page: Page) -> list[tuple[str, str, str]]:
    """Nutrients that no result speaks of."""
    causal = {n.id for n in page.knowledge.causal}
    unread = (n for n in a.nutrients if n.nutrient in causal and n.status == "not-assessable")
    silent = (n for n in unread if not any(e.value or e.text for e in n.evidence))
    why = ((n, first_words(page.knowledge, ("gap", *WHY), reason)) for n in silent for reason in n.reasons)
    return [(inert(n.name), inert(reason), "") for n, reason in why]


def _gap(gap: Gap, page: Page) -> tuple[str, str, str]:
    what = first_words(page.knowledge, ("gap-what", "analyte"), gap.what)
    return safe(what), inert(first_words(page.knowledge, ("gap", *WHY), gap.reason)), safe(gap.detail)


def _unknown_line(names: str, reason: str, fact: str, page: Page) -> str:
    key = "gap-detail" if fact else "gap"
    return f"- {capital(page.say(key, what=names, reason=reason, detail=fact))}"


def _orders(a: Assessment, page: Page) -> list[str]:
    """Orders with one reason share a line; medication stands under the options."""
    grouped: dict[tuple[str, str, int | None], list[str]] = {}
    for o in a.orders:
        if o.kind != "medication":
            names = grouped.setdefault((o.reason, o.priority, o.within_days), [])
            names.append(words(page.knowledge, "order", o.order))
    return [f"- {_order(names, *key, page)}" for key, names in grouped.items()]


def _order(names: list[str], reason: str, priority: str, within_days: int | None, page: Page) -> str:
    qualities = [] if priority == "routine" else [words(page.knowledge, "priority", priority)]
    if within_days is not None:
        qualities.append(when_due(page.knowledge, within_days))
    return page.say(
        "order-qualified" if qualities else "order",
        orders=capital(", ".join(dict.fromkeys(names))), qualities=", ".join(qualities), reason=inert(reason),
    )


def _option(option: Option, page: Page) -> str:
    key = "option-caution" if option.caution else "option"
    return f"- {page.cite(page.say(key, text=inert(option.text), caution=inert(option.caution)), [option.citation])}"
