"""A card as it is sent, once its fate is known: as it is, lowered and saying so, or not at all.

In: a card and its fate. Out: the card, or none. The summary is never touched: it names the danger.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from cds_hooks.cards import Card
from service.cards.page import safe
from service.cards.words import day, known, words
from service.clinical.knowledge.model import Knowledge
from service.memory.policy import OVERRIDE, Fate


@dataclass(frozen=True, slots=True)
class Told:
    """In whose words a repeat is told, and on which day."""

    knowledge: Knowledge
    now: datetime  # in the time zone of the site


def as_sent(card: Card, became: Fate, told: Told) -> Card | None:
    """The card as it is sent; None when it is not."""
    if became.fate in ("left-out", "silent"):
        return None
    if became.fate == "shown":
        return card
    said = _repeats(became, told)
    return replace(card, indicator="info", detail=f"{said}\n\n{card.detail}" if card.detail else said)


def _repeats(became: Fate, told: Told) -> str:
    """That the card came before, when, and why it was overridden: Markdown."""
    date = day(told.knowledge, became.at, told.now)
    kind, _, reason = became.because.partition(":")
    if kind != OVERRIDE:
        return words(told.knowledge, "repeat", "shown", date=date)
    why = _worded(reason, told.knowledge)
    return words(told.knowledge, "repeat", "overridden-for" if why else "overridden", date=date, reason=why)


def _worded(reason: str, knowledge: Knowledge) -> str:
    """A reason of ours in its words; another system's code as it came, inert."""
    system, _, code = reason.rpartition("|")
    if system == words(knowledge, "override-system", "ours") and known(knowledge, "override", code):
        return words(knowledge, "override", code)
    return safe(code)
