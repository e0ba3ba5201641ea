"""Cards that come once in a period, and whether one has come.

In: pseudonyms, topics, instants with a time zone. Out: rows of `card_issued`. Source: knowledge H4.36.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import exists, insert, select

from service.store.database import Store
from service.store.tables import card_issued


@dataclass(frozen=True, slots=True)
class Issued:
    """A card that was shown."""

    uuid: str
    at: datetime
    pseudonym: str
    service: str
    topic: str
    row: str
    knowledge: str
    period_days: int


def remember(store: Store, cards: Iterable[Issued]) -> None:
    """Write cards down, all or none; StoreDown when they are not."""
    rows = [{name: getattr(one, name) for name in Issued.__slots__} | {"at": one.at.astimezone(UTC)} for one in cards]
    with store.write() as connection:
        connection.execute(insert(card_issued), rows)


def came(store: Store, pseudonym: str, topic: str, since: datetime, before: datetime) -> bool:
    """Whether a card of a topic came for a patient from `since` on, and before `before`."""
    of_patient = (card_issued.c.pseudonym == pseudonym) & (card_issued.c.topic == topic)
    in_time = (card_issued.c.at >= since.astimezone(UTC)) & (card_issued.c.at < before.astimezone(UTC))
    with store.read() as connection:
        return bool(connection.scalar(select(exists().where(of_patient & in_time))))
