"""What is remembered of the cards that were shown: those that come once in a period are left out until it has passed.

In: the cards of a call, whose patient they are about, the instant. Out: the cards to answer. A card that came today
comes again today: an EHR asks anew with each order, and shows the last answer alone. When the store does not answer in
time every card comes. Source: knowledge H4.36; design section 2 (`CDS_DATABASE_URL`).

    SettingsError    the database or the key cannot be used
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

from cds_hooks.cards import Card
from service.cards import EXTENSION
from service.settings import Settings, SettingsError
from service.store import Pseudonyms, Store, StoreDown, open_store, read_key
from service.store.cards_issued import Issued, came, remember

WAIT = 0.05  # seconds that an answer waits for the store
ONCE = "once_days"  # member of a card's extension: days in which it comes once

log = logging.getLogger("service")


@dataclass(frozen=True, slots=True)
class Call:
    """Whose cards, by which service, when."""

    service: str
    server: str  # FHIR base of the EHR, "" where it says none
    patient: str
    now: datetime  # in the time zone of the site


class Memory:
    """A store and the key of its pseudonyms."""

    def __init__(self, store: Store, pseudonyms: Pseudonyms) -> None:
        self.store = store
        self._pseudonyms = pseudonyms

    def unsaid(self, cards: Iterable[Card], call: Call) -> tuple[Card, ...]:
        """The cards without those that came on an earlier day of their period; of the others this is remembered."""
        given = tuple(cards)
        once = [card for card in given if _days(card)]
        if not once:
            return given
        whose = self._pseudonyms.of(call.server, call.patient)
        try:
            said = self.store.within(WAIT, lambda: self._said(once, whose, call))
        except StoreDown as fault:
            log.warning("%s: store: %s: cards that come once in a period come again", call.service, fault)
            return given
        return tuple(card for card in given if card.uuid not in said)

    def _said(self, once: Sequence[Card], whose: str, call: Call) -> frozenset[str]:
        """The uuids of those that came before; the rest is written down."""
        assert call.now.tzinfo
        today = datetime.combine(call.now.date(), time(), call.now.tzinfo)
        said = frozenset(
            card.uuid for card in once
            if came(self.store, whose, _topic(card), today - timedelta(days=_days(card)), today)
        )  # fmt: skip
        if fresh := [_issued(card, whose, call) for card in once if card.uuid not in said]:
            remember(self.store, fresh)
        return said


def _days(card: Card) -> int:
    """The period in which a card comes once; 0: it comes always."""
    return int(((card.extension or {}).get(EXTENSION) or {}).get(ONCE, 0))


def _topic(card: Card) -> str:
    return card.source.topic.code if card.source.topic else ""


def _issued(card: Card, whose: str, call: Call) -> Issued:
    said = (card.extension or {})[EXTENSION]
    return Issued(card.uuid, call.now, whose, call.service, _topic(card), said["row"], said["knowledge"], _days(card))


def open_memory(chosen: Settings) -> Memory | None:
    """The memory that the settings name, None when it is off; SettingsError when it cannot be had."""
    if not chosen.database_url:
        return None
    address = make_url(chosen.database_url)
    embedded = address.get_backend_name() == "sqlite"
    if not (chosen.key_file or embedded):
        fault = "is not set, and replicas on one PostgreSQL share a key: name a file (`openssl rand -hex 32` makes one)"
        raise SettingsError([f"CDS_KEY_FILE: {fault}"])
    path = chosen.key_file or Path(f"{address.database}.key")
    try:
        store = open_store(chosen.database_url)
        return Memory(store, Pseudonyms(read_key(path, make=chosen.key_file is None)))
    except ValueError as fault:
        raise SettingsError([f"CDS_KEY_FILE: {fault}"]) from None
    except StoreDown as fault:
        remedy = "name one that this process may write, or say off"
        raise SettingsError([f"CDS_DATABASE_URL: the database cannot be opened ({fault}): {remedy}"]) from None
