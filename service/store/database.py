"""The database: one address, two kinds, migrated when it is opened.

In: an SQLAlchemy URL (sqlite, postgresql+psycopg). Out: Store. SQLite: WAL and synchronous=FULL, so that what is
acknowledged outlives a power cut; a writer takes its lock at once, so that none waits in vain half-way.

    StoreDown    whatever keeps a transaction from being done
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

LOCK_SECONDS: Final = 5  # how long a writer waits for another
CONNECT_SECONDS: Final = 2
MIGRATION_LOCK: Final = 7_302_001  # any number, the same in every replica

Found = TypeVar("Found")


class StoreDown(Exception):
    """The store could not do it. The text names a kind of fault and holds no value."""


class Store:
    """A database that has the tables of this version; safe to use from threads, and to fork before its first use."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # One thread at the store: whoever cannot wait for it goes on, and what was asked is done behind his back.
        self._queue = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")

    @property
    def kind(self) -> str:
        """sqlite | postgresql"""
        return self._engine.dialect.name

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that is committed at its end; StoreDown when it is not."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as fault:
            raise StoreDown(_kind_of(fault)) from None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that changes nothing; StoreDown when it cannot be had."""
        try:
            with self._engine.connect().execution_options(reads_only=True) as connection:
                yield connection
        except SQLAlchemyError as fault:
            raise StoreDown(_kind_of(fault)) from None

    def within(self, seconds: float, do: Callable[[], Found]) -> Found:
        """What `do` gives, when it is ready in time; StoreDown otherwise: it is then done later, or fails unseen."""
        asked: Future[Found] = self._queue.submit(do)
        try:
            return asked.result(timeout=seconds)
        except TooLate:
            raise StoreDown("slow") from None

    def close(self) -> None:
        """Do what is still waiting, and let go of the database."""
        self._queue.shutdown(wait=True)
        self._engine.dispose()


def _kind_of(fault: Exception) -> str:
    """The class of what the driver said: its text may hold values."""
    return type(getattr(fault, "orig", None) or fault).__name__


def open_store(url: str) -> Store:
    """The store at an address, migrated to this version; StoreDown when it cannot be had."""
    try:
        engine = _engine(url)
        _migrate(engine)
        engine.dispose()  # nothing is open when a worker is forked
    except (SQLAlchemyError, OSError) as fault:
        raise StoreDown(_kind_of(fault)) from None
    return Store(engine)


def _engine(url: str) -> Engine:
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        waits: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS}
        return create_engine(address, pool_pre_ping=True, connect_args=waits, hide_parameters=True)
    if address.database:
        Path(address.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(address.database).touch(mode=0o600)  # for its owner alone: the files beside it are made like it
    engine = create_engine(address, connect_args={"timeout": LOCK_SECONDS}, hide_parameters=True)
    event.listen(engine, "connect", _open_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _open_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late: see `_begin_sqlite`
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads_only")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _migrate(engine: Engine) -> None:
    """Bring the tables to this version; of several replicas that start together one does it."""
    from alembic import command  # heavy, and needed at the start alone
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("service.store") / "migrations"))
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
