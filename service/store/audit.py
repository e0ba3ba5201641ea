"""The audit trail: who did what, in a chain that shows when a row was changed or taken out.

In: an open transaction, what happened. Out: rows of `audit`, each with the digest of the one before it. The first
digest stands on nothing; who holds the last one elsewhere also sees when the end was cut off.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from sqlalchemy import Connection, insert, select

from service.store.tables import LONG, audit

LOCK = 7_302_002  # of PostgreSQL: one at a time appends
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Act:
    """Something that happened. `about` is a card's uuid or a pseudonym, never a patient's id."""

    actor: str  # client, or the command that an operator ran
    action: str  # feedback | view | purge | replay
    about: str
    outcome: str


def append(connection: Connection, act: Act, now: datetime) -> None:
    """Add a row in the transaction of what it tells of: both are there, or neither."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    newest = select(audit.c.number, audit.c.digest).order_by(audit.c.number.desc()).limit(1)
    last = connection.execute(newest).first()
    number, before = (last.number + 1, last.digest) if last else (1, "")
    told = {"actor": act.actor[:LONG], "action": act.action, "about": act.about[:LONG], "outcome": act.outcome}
    at = now.astimezone(UTC)
    row = {"number": number, "at": at, **told, "before": before, "digest": _digest(number, at, told, before)}
    connection.execute(insert(audit), row)


def broken(connection: Connection) -> int | None:
    """The number of the first row that does not follow from the one before it; None when the chain holds."""
    before, expected = "", 1
    for row in connection.execute(select(audit).order_by(audit.c.number)):
        told = {name: getattr(row, name) for name in ("actor", "action", "about", "outcome")}
        at = row.at if row.at.tzinfo else row.at.replace(tzinfo=UTC)
        sound = row.digest == _digest(row.number, at.astimezone(UTC), told, before)
        if row.number != expected or row.before != before or not sound:
            return int(row.number)
        before, expected = row.digest, expected + 1
    return None


def _digest(number: int, at: datetime, told: dict[str, str], before: str) -> str:
    return sha256(_encode([number, at.isoformat(), told, before])).hexdigest()
