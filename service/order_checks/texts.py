"""What the cards of the order checks may name: the draft as we read it, and the results that a row rests on.

In: Conflicts and the patient's chart. Out: short texts. A product keeps its own name; its dose is as we read it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from service.cards import is_pressing
from service.cards.words import amount as amount_text
from service.cards.words import count_text, day, first_words, joined, words
from service.clinical.assessment import Assessment, Count, Evidence
from service.clinical.attribution import evidence
from service.clinical.case import Case
from service.clinical.knowledge.model import Row
from service.clinical.records import exposures, last_dose
from service.order_checks.conflicts import COUNT, Conflict

LONGEST_NAME = 56  # of what is drafted, in a summary
WEEK = 7  # days
# What a product is called, before its strength: "Vitamin B12" of "Vitamin B12 1000 ug tablet".
_PRODUCT = re.compile(r"[^,(;]{2,29}?\S(?=\s+\d|\s*[,(;]|$)")


@dataclass(frozen=True, slots=True)
class Chart:
    """The patient's case with its conclusions, on which every card of a call rests."""

    case: Case
    assessment: Assessment

    @property
    def pressing(self) -> frozenset[str]:
        """The orders that the card of an emergency offers already."""
        a = self.assessment
        return frozenset(o.order for o in a.orders if is_pressing(o)) if a.emergencies else frozenset()

    def say(self, key: str, **values: object) -> str:
        """A text of the table [check]."""
        return words(self.case.knowledge, "check", key, **values)


def name_of(conflict: Conflict, chart: Chart) -> str:
    """What is drafted: the product with the dose as we read it, "Folic acid 5 mg/day"; else what kind it is of."""
    draft, rule, knowledge = conflict.draft, conflict.row.then["draft"], chart.case.knowledge
    if named := sorted(draft.orders & rule.orders):
        return words(knowledge, "order", named[0])
    drug = next(iter(sorted(draft.drugs & rule.drugs)), None)
    called = _PRODUCT.match(draft.ingredient(rule.drugs) or " ".join(draft.label.split()))
    if called and called[0].isprintable():
        name = called[0]
    else:
        name = first_words(knowledge, ("drug",), drug) if drug else chart.say("other")
    amount, often = draft.dose_of(rule.drugs), draft.days_per_week
    mg = amount.mg
    if not mg or amount.assumed or draft.disputed or (often is not None and often < 1):
        return name
    if often is not None and often < WEEK:
        return chart.say("dosed-weekly", drug=name, mg=plain(mg * WEEK))
    return chart.say("dosed-element" if amount.is_element else "dosed", drug=name, mg=plain(mg))


def plain(number: Decimal) -> str:
    """A number to two decimals, without needless zeros."""
    return format(round(number, 2).normalize(), "f")


def values_of(group: list[Conflict], chart: Chart) -> dict[str, str]:
    """What the texts of a row may name: the draft, and each result that it shows with its date."""
    knowledge, a = chart.case.knowledge, chart.assessment
    values = {"draft": _names(group, chart)}
    values["clozapine_rules"] = words(knowledge, "clozapine", knowledge.clozapine)
    for e in evidence_of(group[0].row, chart):
        name = e.analyte.replace("-", "_")
        if e.value and e.when and name not in values:
            values[name] = amount_text(knowledge, e.value, e.unit)
            values[f"{name}_date"] = day(knowledge, e.when, a.as_of)
    if COUNT in group[0].row.then.get("shows", ()) and (counted := _lowest_count(a)):
        shown = count_text(knowledge, counted.value)
        shown = chart.say("preliminary", count=shown) if counted.status == "preliminary" else shown
        values |= {COUNT: shown, "count_date": day(knowledge, counted.when, a.as_of)}
    return values


def _names(group: list[Conflict], chart: Chart) -> str:
    """The drafts that the first row is about; those of other rows, and too many, are counted."""
    about = [name_of(c, chart) for c in group if c.row is group[0].row]
    others = len(group) - len(about)
    named = joined(chart.case.knowledge, about)
    if others or len(named) > LONGEST_NAME:
        return chart.say("several", first=about[0], more=len(group) - 1)
    return named


def on_file(row: Row, chart: Chart) -> Iterator[str]:
    """The drugs on file on which a row rests: "vitamin B12, 20 Nov"."""
    case, facts = chart.case, chart.case.knowledge.facts
    for fact in (facts[name] for name, levels in row.when.items() if name in facts and "yes" in levels):
        for drug in exposures(case.patient, fact, case.today) if fact.kind == "medication" else ():
            name = first_words(case.knowledge, ("drug",), min(drug.concepts & fact.concepts))
            when = last_dose(drug) if drug.is_supply else drug.start
            key = "given" if drug.is_supply else "since"
            yield chart.say(key, drug=name, day=day(case.knowledge, when, case.as_of)) if when else name


def _lowest_count(a: Assessment) -> Count | None:
    """The count that alerts: the lowest reading of the graded one, or a newer one that only alerts."""
    found = [replace(a.count, value=a.lower or a.count.value)] if a.count else []
    found += [a.ungraded] if a.ungraded else []
    return min(found, key=lambda count: (count.value.high is None, count.value.high or 0), default=None)


def evidence_of(row: Row, chart: Chart) -> Iterator[Evidence]:
    """The results that a row shows: of its nutrients, and of its scales."""
    shows = row.then.get("shows", ())
    yield from (e for n in chart.assessment.nutrients if n.nutrient in shows for e in n.evidence if e.value or e.text)
    for fact in shows:
        if fact in chart.case.knowledge.scales and (one := evidence(chart.case.knowledge, chart.case.finding(fact))):
            yield one
