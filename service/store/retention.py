"""How long what is kept: evidence for days, cards and feedback for longer, used tokens until they expire.

In: limits in days, the instant. Out: how many rows of each kind go; the audit trail says that they went. The trail
itself stays: it holds no result, and a gap would break its chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.sql import ColumnElement

from service.store.audit import Act, append
from service.store.database import Store
from service.store.tables import calls, card_issued, feedback, replay


@dataclass(frozen=True, slots=True)
class Limits:
    """Days that rows are kept."""

    evidence: int
    cards: int


def purge(store: Store, limits: Limits, now: datetime, actor: str, *, dry: bool = False) -> Mapping[str, int]:
    """Remove what is too old, all or nothing; with `dry` only count it."""
    if dry:
        with store.read() as connection:
            return {name: _count(connection, where) for name, where in _old(limits, now).items()}
    with store.write() as connection:
        found = {name: _count(connection, where) for name, where in _old(limits, now).items()}
        if any(found.values()):
            _remove(connection, limits, now)
            told = ", ".join(f"{name} {number}" for name, number in found.items() if number)
            append(connection, Act(actor, "purge", "", told), now)
    return found


def _old(limits: Limits, now: datetime) -> dict[str, ColumnElement[bool]]:
    utc = now.astimezone(UTC)
    sealed, kept = utc - timedelta(days=limits.evidence), utc - timedelta(days=limits.cards)
    return {
        "evidence": (card_issued.c.at < sealed) & card_issued.c.evidence.is_not(None),
        "cards": card_issued.c.at < kept,
        "feedback": feedback.c.received < kept,
        "calls": calls.c.day < kept.date(),
        "tokens": replay.c.expires < utc,
    }


_TABLES = {"cards": card_issued, "feedback": feedback, "calls": calls, "tokens": replay}


def _count(connection: Connection, where: ColumnElement[bool]) -> int:
    return int(connection.scalar(select(func.count()).where(where)) or 0)


def _remove(connection: Connection, limits: Limits, now: datetime) -> None:
    for name, where in _old(limits, now).items():
        if name == "evidence":
            connection.execute(update(card_issued).where(where).values(evidence=None))
        else:
            connection.execute(delete(_TABLES[name]).where(where))
