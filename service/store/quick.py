"""Short transactions on the way to an answer: what SQLAlchemy does around a statement costs thrice the database's part.

In: an engine, and whether its connections still lead to the database; statements of SQLAlchemy Core, which writes
their text. Out: rows as tuples. Instants go in and come out with their time zone, whatever the database keeps.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ClauseElement, Engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg
from sqlalchemy.pool import PoolProxiedConnection

SQLITE, POSTGRESQL = "sqlite", "postgresql"
_DIALECTS = {
    SQLITE: sqlite.dialect(paramstyle="named"),
    POSTGRESQL: psycopg.dialect(),  # type: ignore[no-untyped-call]  # SQLAlchemy has no types there
}
_KEPT = "%Y-%m-%d %H:%M:%S.%f"  # as SQLAlchemy writes an instant for SQLite, in UTC


@dataclass(frozen=True, slots=True)
class Transaction:
    """A transaction that has begun."""

    cursor: Any  # of the driver
    kind: str


class Statement:
    """One statement, or one for each kind of database; its text is made once."""

    def __init__(self, statement: ClauseElement, **others: ClauseElement) -> None:
        self._texts: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for kind, dialect in _DIALECTS.items():
            compiled = others.get(kind, statement).compile(dialect=dialect)
            self._texts[kind] = (str(compiled), compiled.params)

    def run(self, within: Transaction, values: Mapping[str, Any]) -> Any:
        """The driver's cursor, with the rows that it finds."""
        text, own = self._texts[within.kind]
        given = {name: _as_kept(value, within.kind) for name, value in values.items()}
        return within.cursor.execute(text, {**own, **given})

    def ask(self, within: Transaction, values: Mapping[str, Any]) -> Sequence[tuple[Any, ...]]:
        """All rows that it finds."""
        return list(self.run(within, values).fetchall())


class Quick:
    """Transactions that follow each other on one connection of SQLite, on connections of the pool otherwise.

    One that is not lasting does not wait for the disk of SQLite: it outlives the process at once, and a power cut from
    the next one on that is.
    """

    def __init__(self, engine: Engine, is_current: Callable[[PoolProxiedConnection], bool]) -> None:
        self._engine, self._is_current = engine, is_current
        self._kind, self._lock = engine.dialect.name, threading.Lock()
        self._fault = engine.dialect.loaded_dbapi.Error
        self._held: PoolProxiedConnection | None = None

    @contextmanager
    def transaction(self, *, lasting: bool) -> Iterator[Transaction]:
        """It is committed at its end; whatever goes wrong undoes it, and lets go of the connection."""
        with self._lock:
            pooled = self._connection(lasting)
            try:
                cursor = pooled.cursor()
                if self._kind == SQLITE:
                    cursor.execute("BEGIN IMMEDIATE")
                yield Transaction(cursor, self._kind)
                pooled.commit()
                if lasting and self._kind == SQLITE:
                    cursor.execute("PRAGMA synchronous=NORMAL")  # for the next, which may be waited for
            except BaseException:  # an interrupt too leaves a transaction half done: undo it, and raise it on
                self._held = None
                with suppress(self._fault):  # closing alone leaves the lock until the last cursor is gone
                    pooled.rollback()
                pooled.invalidate()
                raise
            if not self._held:
                pooled.close()

    def _connection(self, lasting: bool) -> PoolProxiedConnection:
        """One that is ready: on SQLite the one that is held, which is looked at where nobody waits."""
        if self._held and lasting and not self._is_current(self._held):
            self.close()
        pooled = self._held or self._engine.raw_connection()
        if self._kind == SQLITE:
            if lasting or not self._held:
                pooled.cursor().execute(f"PRAGMA synchronous={'FULL' if lasting else 'NORMAL'}")
            self._held = pooled
        return pooled

    def close(self) -> None:
        """Let go of the connection that is held: not for others to use, who wait for the disk."""
        if self._held:
            self._held.invalidate()
            self._held = None


def _as_kept(value: Any, kind: str) -> Any:
    """A value as the driver takes it."""
    if isinstance(value, datetime):
        there = value.astimezone(UTC)
        return there.strftime(_KEPT) if kind == SQLITE else there
    return value.isoformat() if isinstance(value, date) and kind == SQLITE else value


def instant(value: Any) -> Any:
    """An instant, or None, as the driver gives it."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value
