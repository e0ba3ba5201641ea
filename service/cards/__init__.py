"""Assessment -> Cards: one for the neutropenia with its causes, one more for an emergency, none for nothing to say.

In: Assessment and the knowledge with its wording. Out: cds_hooks Cards. Source: knowledge A7, H1, H2.20-21, H6.42.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from cds_hooks.cards import Card, Indicator
from cds_hooks.parts import Coding, OverrideReason, Source
from service.cards.detail import detail
from service.cards.suggestions import suggestions
from service.cards.summary import LOW, Headline, deficient, emergency_headline, headline, summary
from service.cards.words import joined, known, words
from service.clinical.assessment import Assessment, SuggestedOrder
from service.clinical.knowledge.model import Knowledge

EXTENSION = "org.neutropenia-cds.card"


def override_reasons(codes: Iterable[str], knowledge: Knowledge) -> tuple[OverrideReason, ...]:
    """The reasons for going on all the same, in their order."""
    system = words(knowledge, "override-system", "ours")
    return tuple(OverrideReason(system, code, words(knowledge, "override", code)) for code in codes)


def cards(assessment: Assessment, knowledge: Knowledge) -> tuple[Card, ...]:
    """The cards that an Assessment calls for."""
    if assessment.indicator == "none":
        return ()
    if not assessment.emergencies:
        return (_main(assessment, knowledge),)
    emergency = emergency_cards(assessment, knowledge)
    if assessment.febrile or assessment.beside == "none":
        return emergency
    return (*emergency, _main(_without_emergency(assessment), knowledge))


def emergency_cards(assessment: Assessment, knowledge: Knowledge) -> tuple[Card, ...]:
    """The card of the emergencies of H1, when there is one."""
    return (_emergency(assessment, knowledge),) if assessment.emergencies else ()


def _main(a: Assessment, knowledge: Knowledge) -> Card:
    head = headline(a, knowledge)
    topic = "nutrient" if deficient(a) and a.severity not in LOW else "neutropenia"
    return _card(head, a, knowledge, topic)


def _emergency(a: Assessment, knowledge: Knowledge) -> Card:
    names = [n.name for n in deficient(a)]
    asides = [words(knowledge, "also", row) for row in a.emergencies[1:] if known(knowledge, "also", row)]
    asides += [words(knowledge, "detail", "also", nutrients=joined(knowledge, names))] if names else []
    aside = "\n\n".join(dict.fromkeys(asides))
    return _card(emergency_headline(a, knowledge), _only_emergency(a), knowledge, "emergency", aside)


def is_pressing(order: SuggestedOrder) -> bool:
    """Whether an order belongs to the card of an emergency."""
    return order.group == "emergency" or order.priority == "stat"


def _only_emergency(a: Assessment) -> Assessment:
    """The emergency's part: its orders and options, competing causes; nutrition follows later."""
    orders = tuple(o for o in a.orders if is_pressing(o))
    ids = {o.order for o in orders}
    return replace(
        a, nutrients=(), orders=orders, advice=(), options=tuple(o for o in a.options if o.order in ids),
        causes=tuple(c for c in a.causes if c.kind == "competing"),
    )


def _without_emergency(a: Assessment) -> Assessment:
    """What the main card keeps beside the emergency card."""
    ids = {o.order for o in a.orders if is_pressing(o)}
    orders = tuple(o for o in a.orders if o.order not in ids)
    options = tuple(o for o in a.options if o.order not in ids)
    return replace(a, orders=orders, options=options, rows=a.rows[len(a.emergencies) :], indicator=a.beside)


def _card(head: Headline, a: Assessment, knowledge: Knowledge, topic: str, aside: str = "") -> Card:
    said = {key: words(knowledge, "source", key) for key in ("label", "topic-system", topic)}
    rule = {"rule": a.rows[0]} if a.rows else {}
    offered, name = suggestions(a, knowledge), str(uuid.uuid4())
    return Card(
        summary=summary(head, knowledge),
        indicator="critical" if topic == "emergency" else cast(Indicator, a.indicator),
        detail=detail(head, a, knowledge, aside),
        source=Source(label=said["label"], topic=Coding(system=said["topic-system"], code=topic, display=said[topic])),
        suggestions=offered,
        selection_behavior="any" if offered else None,
        override_reasons=override_reasons(words(knowledge, "override-of", topic).split(), knowledge),
        extension={EXTENSION: {**rule, "severity": a.severity, "knowledge": a.version}},
        uuid=name,
    )
