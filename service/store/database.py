"""The database: one address, two kinds.

In: an SQLAlchemy URL (sqlite, postgresql+psycopg). Out: Store. SQLite: WAL and synchronous=FULL, so that what is
acknowledged outlives a power cut; a writer takes its lock at once, so that none waits in vain half-way.

    StoreDown    whatever keeps a transaction from being done
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from service.store.tables import metadata

LOCK_SECONDS: Final = 5  # how long a writer waits for another
CONNECT_SECONDS: Final = 2


class StoreDown(Exception):
    """The store could not do it. The text names a kind of fault and holds no value."""


class Store:
    """A database that has the tables of this version; safe to use from threads, and to fork before its first use."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at its end; StoreDown when it is not."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as fault:
            raise StoreDown(_kind_of(fault)) from None

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()


def _kind_of(fault: SQLAlchemyError) -> str:
    """The class of what the driver said: its text may hold values."""
    return type(getattr(fault, "orig", None) or fault).__name__


def open_store(url: str) -> Store:
    """The store at an address; StoreDown when it cannot be had."""
    try:
        engine = _engine(url)
        metadata.create_all(engine)
    except (SQLAlchemyError, OSError) as fault:
        raise StoreDown(_kind_of(fault) if isinstance(fault, SQLAlchemyError) else type(fault).__name__) from None
    engine.dispose()  # nothing is open when a worker is forked
    return Store(engine)


def _engine(url: str) -> Engine:
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        waits = {"connect_timeout": CONNECT_SECONDS}
        return create_engine(address, pool_pre_ping=True, connect_args=waits, hide_parameters=True)
    if address.database:
        Path(address.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(address, connect_args={"timeout": LOCK_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _open_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late: see `_begin_sqlite`
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
