"""What to order and which treatments to weigh.

In: a Case. Out: SuggestedOrder, Option. Source: knowledge B9, E1, E2, orders.md: nothing is suggested that is resulted,
current and conclusive, or already on order; medication is words, never an action.
"""

from __future__ import annotations

from collections.abc import Iterator

from service.clinical.ages import days_between
from service.clinical.assessment import Option, SuggestedOrder
from service.clinical.case import Case
from service.clinical.facts import LabResult, Moment
from service.clinical.knowledge.model import Row
from service.clinical.once import once
from service.clinical.samples import doses

PRIORITY = ("routine", "urgent", "stat")
COUNT_ORDERS = frozenset(["cbc-with-manual-differential", "serial-cbc", "citrate-tube-cbc"])


def orders(case: Case) -> tuple[SuggestedOrder, ...]:
    """Every order that a matching row asks for."""
    return suggested(case, case.all(case.knowledge.tables["order"]))


def suggested(case: Case, rows: tuple[Row, ...]) -> tuple[SuggestedOrder, ...]:
    """The orders of some rows, once each, with their highest priority."""
    found: dict[str, SuggestedOrder] = {}
    for row in rows:
        for name in _names(row):
            suggestion = _suggestion(case, row, _substituted(case, name))
            if suggestion is None:
                continue
            known = found.get(suggestion.order)
            if known is None or _rank(suggestion) > _rank(known):
                found[suggestion.order] = suggestion
    if "hematology-urgent" in found:
        found.pop("hematology-referral", None)
    return tuple(found.values())


def _rank(suggestion: SuggestedOrder) -> tuple[int, bool]:
    """The more urgent reason stands; of equal ones a finding's own before the general work-up's."""
    return PRIORITY.index(suggestion.priority), not suggestion.group.startswith("work-up")


def _names(row: Row) -> list[str]:
    named = row.then["order"]
    return [named] if isinstance(named, str) else list(named)


def _substituted(case: Case, order: str) -> str:
    """Referrals by age: neonatology, pediatric hematology (H6.59)."""
    for row in case.knowledge.tables["substitute"]:
        if order in row.then["order"] and case.matches(row.when):
            return str(row.then["use"])
    return order


def _suggestion(case: Case, row: Row, order: str) -> SuggestedOrder | None:
    template = case.knowledge.orders[order]
    if order in on_file(case) or (not row.then.get("repeat") and _answered(case, order)):
        return None
    return SuggestedOrder(
        order=order,
        kind=template.kind,
        priority=row.then.get("priority", "routine"),
        reason=row.then["reason"],
        group=row.then["group"],
        display=template.display,
        system=template.system,
        code=template.code,
        within_days=row.then.get("within_days"),
    )


@once
def on_file(case: Case) -> frozenset[str]:
    """Orders that are active, draft or on hold, and lately made: an old one was forgotten, not repeated."""
    limit = int(case.limit("ordered-silence-days"))
    lately = (o for o in case.patient.orders if o.authored is None or days_between(o.authored, case.today) <= limit)
    return frozenset(order for o in lately for order in o.orders) - COUNT_ORDERS | _repeats(case)


@once
def _repeats(case: Case) -> frozenset[str]:
    """Blood counts ordered after the newest one was taken: only they are repeats (H2.15)."""
    newest = next((r.specimen.when for r in (*case.preliminary, *case.readings)), None)
    return frozenset(
        order
        for o in case.patient.orders
        if newest is None or (o.authored is not None and o.authored.earliest > newest.latest)
        for order in o.orders & COUNT_ORDERS
    )


def _answered(case: Case, order: str) -> bool:
    """Whether a current result answers the order already; a repeated count is never answered."""
    return any(case[f"age:{a}"] == "current" for a in case.knowledge.orders[order].answered_by)


def options(case: Case, suggested: tuple[SuggestedOrder, ...]) -> tuple[Option, ...]:
    """Treatments in words for the medication orders that stand: of one order the first row that matches."""
    wanted = {o.order for o in suggested if o.kind == "medication"}
    found: dict[str, Option] = {}
    for row in case.all(case.knowledge.tables["option"]):
        order = str(row.then["order"])
        if order in wanted and order not in found:
            found[order] = Option(order, row.then["text"], row.then.get("caution", ""), row.citation)
    return tuple(found.values())


def repeat_ordered(case: Case) -> str:
    """Whether a blood count was ordered after the newest one (H2.15)."""
    return "yes" if _repeats(case) else "no"


def handled(case: Case, nutrient_id: str) -> str:
    """Whether treatment or work-up of a nutrient was ordered or resulted since its sample, and lately (H2.21)."""
    nutrient = next(n for n in case.knowledge.nutrients if n.id == nutrient_id)
    sample = case.choose(nutrient.analyte)
    if sample is None or sample.when is None:
        return "no"
    ordered = any(o.orders & nutrient.work_up and _lately(case, o.authored, sample) for o in case.patient.orders)
    treated = any(_lately(case, d.start, sample) for d in doses(case, nutrient))
    confirmed = case[f"status:{nutrient_id}"] == "indeterminate" and any(_resulted(case, sample, nutrient.confirming))
    return "yes" if ordered or treated or confirmed else "no"


def _lately(case: Case, moment: Moment | None, sample: LabResult) -> bool:
    """Whether something was ordered since the sample and within the silence; an undated order counts."""
    if moment is None:
        return True
    assert sample.when
    since = moment.latest >= sample.when.earliest
    return since and days_between(moment, case.today) <= case.limit("ordered-silence-days")


def _resulted(case: Case, sample: LabResult, confirming: frozenset[str]) -> Iterator[bool]:
    """Whether confirming tests were drawn after the sample, one answer each."""
    assert sample.when
    for order in confirming:
        for analyte in case.knowledge.orders[order].answered_by:
            result = case.newest(analyte)
            yield bool(result and result.when and result.when.latest > sample.when.latest)


def ordered(case: Case, analyte: str) -> str:
    """Whether an order on file would measure an analyte."""
    measuring = (case.knowledge.orders[order].answered_by for order in on_file(case))
    return "yes" if any(analyte in analytes for analytes in measuring) else "no"


HANDLED = {"handled": handled, "ordered": ordered}
