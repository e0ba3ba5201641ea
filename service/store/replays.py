"""Tokens that were used: each is accepted once by all workers and replicas that share a database.

In: issuer and id of a token, until when it could be used. Out: whether it is new. Source: RFC 7519, `jti`; CDS Hooks
2.0, Trusting CDS Clients.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite

from service.store.database import Store
from service.store.tables import replay

PURGE_EVERY = timedelta(minutes=10)


def _now() -> datetime:
    return datetime.now(UTC)


class UsedTokens:
    """The table of used tokens; what has expired is deleted now and then."""

    def __init__(self, store: Store, clock: Callable[[], datetime] = _now) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._purged = datetime.min.replace(tzinfo=UTC)

    def accept_once(self, issuer: str, token_id: str, expires: datetime) -> bool:
        """Remember a token; False when it is remembered already, StoreDown when it cannot be."""
        row = {"issuer": issuer, "token_id": token_id, "expires": expires.astimezone(UTC)}
        with self._store.write() as connection:
            if self._is_time_to_purge():
                connection.execute(delete(replay).where(replay.c.expires < self._clock()))
            insert: Any = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            # The number of rows would be -1 with psycopg, whether the row is new or not.
            new = insert(replay).values(row).on_conflict_do_nothing().returning(replay.c.token_id)
            return connection.execute(new).first() is not None

    def _is_time_to_purge(self) -> bool:
        with self._lock:
            now = self._clock()
            due = now - self._purged >= PURGE_EVERY
            if due:
                self._purged = now
            return due
