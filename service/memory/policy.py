"""When a card that came before comes again: pure, without clock or store.

In: a card's key, the cards that the same patient's charts have shown, the rules of the site. Out: its fate. A new or a
worse result has another fingerprint, and brings the card back. Source: knowledge H4.36; CDS Hooks 2.0 "Feedback".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal

from service.store.cards_issued import Earlier

Repeats = Literal["lower", "omit", "show"]
SEVERE = frozenset(["severe", "very-severe"])
REPEAT, OVERRIDE, PERIOD = "repeat", "override", "period"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the site wants of repeats."""

    repeats: Repeats = "lower"
    hours: int = 24
    severe_too: bool = False  # severe counts and critical cards are repeated otherwise


@dataclass(frozen=True, slots=True)
class Key:
    """What tells whether a card is a repeat."""

    topic: str
    indicator: str
    severity: str
    fingerprint: str
    period_days: int  # of a reminder that comes once in so many days; 0: it is none
    on_order: bool  # of an order hook: it is asked again with each order, until someone overrides it


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a card."""

    fate: str = "shown"  # shown | lowered | left-out | silent
    because: str = ""
    earlier: str = ""
    at: datetime | None = None  # when the earlier card came
    until: datetime | None = None


def fate(key: Key, before: Iterable[Earlier], rules: Rules, now: datetime) -> Fate:
    """The fate of one card at an instant in the time zone of the site."""
    assert now.tzinfo
    same = [one for one in before if one.card.topic == key.topic]
    if key.period_days:
        return _reminder(key, same, now)
    spared = key.indicator == "critical" or key.severity in SEVERE
    if rules.repeats == "show" or (spared and not rules.severe_too):
        return Fate()
    alike = [one for one in same if _is_alike(one, key, now - timedelta(hours=rules.hours))]
    overridden = next((one for one in alike if one.override is not None), None)
    # A lowered card is no new beginning: else a chart opened daily would never see the card in full again.
    found = overridden or next((one for one in alike if one.card.fate == "shown" and not key.on_order), None)
    if not found:
        return Fate()
    why = f"{OVERRIDE}:{found.override}" if overridden else REPEAT
    what = "left-out" if rules.repeats == "omit" else "lowered"
    return Fate(what, why, found.card.uuid, found.card.at, found.card.at + timedelta(hours=rules.hours))


def _is_alike(one: Earlier, key: Key, since: datetime) -> bool:
    card = one.card
    return card.at >= since and (card.severity, card.fingerprint) == (key.severity, key.fingerprint)


def _reminder(key: Key, same: Iterable[Earlier], now: datetime) -> Fate:
    """Once on one day of its period: an EHR asks anew with each order, and shows the last answer alone.

    Another period is another reminder: of a count that is lower, for one. One of the review is silent only as long as
    its fingerprint says that nothing else is found.
    """
    today = datetime.combine(now.date(), time(), now.tzinfo)
    since = today - timedelta(days=key.period_days)
    for one in same:
        same_news = key.on_order or one.card.fingerprint == key.fingerprint
        if same_news and one.card.period_days == key.period_days and since <= one.card.at < today:
            until = datetime.combine(one.card.at.astimezone(now.tzinfo).date(), time(), now.tzinfo)
            return Fate("left-out", PERIOD, one.card.uuid, one.card.at, until + timedelta(days=key.period_days + 1))
    return Fate()
