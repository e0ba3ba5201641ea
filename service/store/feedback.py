"""What became of cards: kept before it is acknowledged, a batch whole or not at all, the same item once.

In: checked items of a batch. Out: rows of `feedback`; StoreDown when they are not there. Cards that are not known are
kept as unmatched: an EHR would not send them again. CDS Hooks 2.0 "Feedback".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from service.store.audit import Act, append
from service.store.database import Store
from service.store.tables import CARD, REASON, card_issued, feedback

MOST_IN_A_QUERY = 500  # SQLite takes so many parameters in every version
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Told:
    """One item of a batch."""

    card: str
    outcome: str  # accepted | overridden
    at: datetime
    suggestions: tuple[str, ...] = ()
    reason: str = ""  # system|code
    comment: str | None = None  # free text about a patient: only where the site keeps it


def keep(store: Store, items: Sequence[Told], service: str, client: str, now: datetime) -> int:
    """Keep a batch; the number of its items that are new."""
    with store.write() as connection:
        known = _known(connection, {one.card for one in items}, client)
        kept = [_keep(connection, one, service, client, one.card in known, now) for one in items]
        append(connection, Act(client or "-", "feedback", service, f"{sum(kept)} of {len(items)} new"), now)
    return sum(kept)


def of_card(store: Store, card: str) -> tuple[Told, ...]:
    """What was told of a card, the oldest first."""
    asked = select(feedback).where(feedback.c.card == card).order_by(feedback.c.id)
    with store.read() as connection:
        rows = connection.execute(asked).all()
    return tuple(
        Told(row.card, row.outcome, row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC), reason=row.reason)
        for row in rows
    )


def _known(connection: Connection, cards: set[str], client: str) -> frozenset[str]:
    asked = sorted(cards)
    found: set[str] = set()
    for start in range(0, len(asked), MOST_IN_A_QUERY):
        some = asked[start : start + MOST_IN_A_QUERY]
        ours = (card_issued.c.client == client) & card_issued.c.uuid.in_(some)
        found |= set(connection.scalars(select(card_issued.c.uuid).where(ours)))
    return frozenset(found)


def _keep(connection: Connection, one: Told, service: str, client: str, matched: bool, now: datetime) -> bool:
    insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    row = {
        "card": one.card[:CARD], "outcome": one.outcome, "at": one.at.astimezone(UTC), "reason": one.reason[:REASON],
        "service": service, "client": client, "received": now.astimezone(UTC), "matched": matched,
        "suggestions": _encode(one.suggestions).decode(), "comment": one.comment,
    }  # fmt: skip
    new = insert(feedback).values(row).on_conflict_do_nothing().returning(feedback.c.id)
    return connection.execute(new).first() is not None
