"""What a click can order: suggested orders, grouped as orders.md says, with draft ServiceRequests as actions.

In: the part of the Assessment that a card is about. Out: at most five cds_hooks Suggestions; the detail names all
orders. Medication never becomes an action.
"""

from __future__ import annotations

from cds_hooks.cards import Action, Suggestion
from service.cards.summary import leading_nutrient
from service.cards.words import capital, known, when_due, words
from service.clinical.assessment import Assessment, SuggestedOrder
from service.clinical.knowledge.model import Knowledge
from service.fhir.orders import Category, Patient, draft_order

MAX_SUGGESTIONS = 5
PRIORITIES = ("stat", "urgent", "routine")


def suggestions(a: Assessment, knowledge: Knowledge) -> tuple[Suggestion, ...]:
    """The first five groups of orders; none when it is not known whose orders they would be."""
    if a.subject is None:
        return ()
    patient = Patient(a.subject, a.as_of)
    return tuple(_suggestion(orders, a, knowledge, patient) for orders in _groups(a)[:MAX_SUGGESTIONS])


def _groups(a: Assessment) -> list[tuple[SuggestedOrder, ...]]:
    """Orders by group, each order once; the groups in the order in which a card offers them."""
    once = {o.order: o for o in reversed(a.orders) if o.kind != "medication"}
    grouped: dict[str, list[SuggestedOrder]] = {}
    for order in a.orders:
        if once.get(order.order) is order:
            grouped.setdefault(order.group, []).append(order)
    return sorted((tuple(orders) for orders in grouped.values()), key=lambda orders: _rank(orders, a))


def _rank(orders: tuple[SuggestedOrder, ...], a: Assessment) -> tuple[int, int]:
    """Emergency, repeat count, what confirms the leading nutrient, others, work-up, referrals; pressing ones early."""
    priority = min(PRIORITIES.index(o.priority) for o in orders)
    lead = leading_nutrient(a)
    places = {"emergency": 0, "repeat": 1, lead.nutrient if lead else "": 2}
    if all(o.kind == "referral" for o in orders) and orders[0].group != "emergency":
        return (5 if priority == PRIORITIES.index("routine") else 1), priority
    return places.get(orders[0].group, 4 if orders[0].group.startswith("work-up") else 3), priority


def _suggestion(
    orders: tuple[SuggestedOrder, ...], a: Assessment, knowledge: Knowledge, patient: Patient
) -> Suggestion:
    return Suggestion(
        label=_label(orders, knowledge),
        is_recommended=any(o.priority != "routine" for o in orders),
        actions=tuple(_action(o, a, knowledge, patient) for o in orders),
    )


def _label(orders: tuple[SuggestedOrder, ...], knowledge: Knowledge) -> str:
    """ "Order methylmalonic acid", "Nutritional work-up: vitamin B12, folate"; with the soonest time asked for."""
    names = ", ".join(words(knowledge, "order", o.order) for o in orders)
    if len(orders) == 1:
        key = orders[0].group if known(knowledge, "suggestion", orders[0].group) else orders[0].kind
        label = words(knowledge, "suggestion", key, orders=names)
    else:
        group = orders[0].group if known(knowledge, "group", orders[0].group) else "other"
        label = words(knowledge, "group", group, orders=names)
    due = [o.within_days for o in orders if o.within_days is not None]
    if not due:
        return label
    return words(knowledge, "suggestion", "timed", label=label, when=when_due(knowledge, min(due)))


def _action(order: SuggestedOrder, a: Assessment, knowledge: Knowledge, patient: Patient) -> Action:
    text = capital(words(knowledge, "order", order.order))
    coded = (knowledge.wording.get(f"category.{order.kind}-{part}", "") for part in ("system", "code"))
    category = Category(words(knowledge, "category", order.kind), *coded)
    return Action(
        type="create",
        description=words(knowledge, "suggestion", "action", order=text, reason=order.reason),
        resource=draft_order(order, text, category, patient, _supporting(order, a)),
    )


def _supporting(order: SuggestedOrder, a: Assessment) -> tuple[str, ...]:
    """The Observations that an order rests on: the count, and the evidence of the nutrient that asks for it."""
    count = a.count.observations if a.count else ()
    evidence = (e.observation for n in a.nutrients if n.nutrient == order.group for e in n.evidence)
    return tuple(dict.fromkeys([*count, *(reference for reference in evidence if reference)]))
