"""How a database is reached: SQLite in a file, PostgreSQL over the network, each with a patience.

In: an SQLAlchemy URL (sqlite, postgresql+psycopg), seconds that a lock may take. Out: an engine that has not connected
yet.

    StoreDown    whatever keeps a transaction from being done
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url

from service.store.file import prepare

CONNECT_SECONDS: Final = 2
REPLY_SECONDS: Final = 2  # beyond its own patience, after which PostgreSQL is taken to be gone


class StoreDown(Exception):
    """The store could not do it. The text names a kind of fault and holds no value."""


class Refused(StoreDown):
    """What was to be written breaks a rule of the tables: it is no better another time."""


def kind_of(fault: Exception) -> str:
    """The class of what the driver said: its text may hold values."""
    return type(getattr(fault, "orig", None) or fault).__name__


def engine_of(url: str, patience: int) -> Engine:
    """An engine whose writers wait for a lock for some seconds; OSError when there is no place for the file."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        limits = " ".join(f"-c {name}={patience}s" for name in ("lock_timeout", "statement_timeout"))
        waits: dict[str, Any] = {"connect_timeout": CONNECT_SECONDS, "options": limits}
        engine = create_engine(
            address, pool_pre_ping=True, pool_timeout=patience, connect_args=waits, hide_parameters=True
        )
        event.listen(engine, "do_connect", partial(_connect, patience + REPLY_SECONDS))
        return engine
    if address.database:
        Path(address.database).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        Path(address.database).touch(mode=0o600)  # for its owner alone: the files beside it are made like it
    waits = {"timeout": patience}
    engine = create_engine(address, pool_timeout=patience, connect_args=waits, hide_parameters=True)
    prepare(engine, address.database or "")
    return engine


def _connect(seconds: float, _: object, __: object, given: Any, named: Any) -> Any:
    from service.store.impatient import connection_class  # psycopg is not needed for SQLite

    return connection_class(seconds).connect(*given, **named)
