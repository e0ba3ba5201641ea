"""What is written down of a card: what it rests on, so that a change shows, and that it can be judged again.

In: an answer and its cards. Out: fingerprints, evidence as JSON bytes without the patient's id.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec

from cds_hooks.cards import Card
from service.cards import EXTENSION
from service.clinical.assessment import Assessment
from service.clinical.facts import PatientFacts
from service.clinical.knowledge.model import Knowledge
from service.evidence import recorded
from service.hooks import Answered
from service.order_checks.drafts import Draft
from service.store import Pseudonyms

ONCE = "once_days"  # of a row, and of the extension of an order check's card: days in which it comes once
SUBJECT = ("subject", "patient")  # members of a resource that say whose it is
_encode = msgspec.json.Encoder(decimal_format="number", order="deterministic").encode
_seal = msgspec.json.Encoder(decimal_format="number").encode


class Evidence(msgspec.Struct, frozen=True):
    """What a card rests on, to be read and judged again."""

    card: dict[str, Any]
    assessment: dict[str, Any]
    facts: PatientFacts
    as_of: datetime
    drafts: tuple[Draft, ...] = ()


_OPEN = msgspec.json.Decoder(Evidence, float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Said:
    """What a card's extension says of it."""

    row: str
    severity: str
    knowledge: str


def said_of(card: Card) -> Said:
    """The members of the extension that every card of ours has."""
    own = _own(card)
    return Said(own.get("row") or own.get("rule", ""), own["severity"], own["knowledge"])


def days_of(card: Card, a: Assessment, knowledge: Knowledge) -> int:
    """The days in which the card comes once; 0: it is more than a reminder, as soon as one of its rows is."""
    if "row" in _own(card):
        return int(_own(card).get(ONCE, 0))
    if card.indicator != "info":
        return 0
    return min((row.then.get(ONCE, 0) for row in knowledge.tables["indicator"] if row.id in a.rows), default=0)


def _own(card: Card) -> Mapping[str, Any]:
    own: Mapping[str, Any] = (card.extension or {}).get(EXTENSION, {})
    return own


def topic_of(card: Card) -> str:
    """What the card is about, the same for the same thing."""
    return card.source.topic.code if card.source.topic else ""


def judged_of(answered: Answered) -> bytes:
    """What the cards of an answer rest on, as part of the fingerprint of each."""
    a = answered.assessment
    assert a
    counts = (a.count, a.lower, a.ungraded)
    drafts = sorted(answered.drafts, key=lambda one: one.reference)
    return _encode((*counts, a.severity, a.course, a.flags, a.nutrients, a.lineages, a.causes, drafts))


def fingerprint(card: Card, judged: bytes, names: Pseudonyms) -> str:
    """The same for a card that says the same on the same results, drafts and rows.

    The last paragraph of the body is left out: it holds the day of judgement.
    """
    said = said_of(card)
    read = (card.indicator, card.summary, (card.detail or "").rpartition("\n\n")[0])
    return names.digest(judged + _encode((read, said.row, said.knowledge)))


def gist(a: Assessment, facts: PatientFacts, names: Pseudonyms) -> str:
    """The same while nothing else is found, whatever the values and dates: a reminder is silent only over that."""
    nutrients = [(one.nutrient, one.status) for one in a.nutrients]
    lineages = [(one.analyte, one.level) for one in a.lineages]
    causes = [(one.cause, one.certainty) for one in a.causes]
    offered = [*(one.order for one in a.orders), *(one.order for one in a.options)]
    unjudged = sorted({one.analyte for one in facts.results if one.status == "preliminary"})
    gaps = sorted({(one.what, one.reason) for one in a.gaps})
    return names.digest(_encode((a.severity, a.flags, nutrients, lineages, causes, offered, gaps, unjudged)))


def evidence(card: Card, answered: Answered) -> bytes:
    """The evidence of a card as JSON; the subject stays out."""
    assert answered.assessment and answered.facts
    judged = recorded(answered.assessment)
    facts, as_of = replace(answered.facts, subject=None), answered.assessment.as_of
    return _seal(Evidence(_of_nobody(card), judged, facts, as_of, answered.drafts))


def _of_nobody(card: Card) -> dict[str, Any]:
    """The card as JSON, whose drafts name no patient."""
    said = card.as_json()
    for action in (action for one in said.get("suggestions", ()) for action in one.get("actions", ())):
        if "resource" in action:
            kept = {name: value for name, value in action["resource"].items() if name not in SUBJECT}
            action["resource"] = kept
    return said


def read_evidence(content: bytes) -> Evidence:
    """What `evidence` wrote; msgspec.DecodeError when another version wrote it in another form."""
    return _OPEN.decode(content)
