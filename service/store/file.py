"""What SQLite needs: its pragmas, transactions that take their lock at once, and to stay with its file.

In: an engine that has not connected yet. Out: the same, listening to its connections.
"""

from __future__ import annotations

import os
import sqlite3
from typing import Any, cast

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError


def prepare(engine: Engine, path: str) -> None:
    """Have each connection opened, begun and looked at as it must be."""
    event.listen(engine, "connect", _open_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    _stay_with_the_file(engine, path)


def _open_sqlite(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late: see `_begin_sqlite`
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _stay_with_the_file(engine: Engine, path: str) -> None:
    """Leave a file that was moved or replaced: what is written to it would be acknowledged, and be nowhere."""

    def note(_: object, record: Any) -> None:
        record.info["path"], record.info["file"] = path, _identity(path)

    def check(_: object, record: Any, __: object) -> None:
        if not is_current(record):
            raise DisconnectionError("the file is another one")

    event.listen(engine, "connect", note)
    event.listen(engine, "checkout", check)


def is_current(record: Any) -> bool:
    """Whether what was opened is still what the path leads to."""
    return "path" not in record.info or record.info["file"] == _identity(record.info["path"])


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("reads_only")
    # Not through SQLAlchemy, which takes longer for it than the database.
    cast(sqlite3.Connection, connection.connection.driver_connection).execute("BEGIN" if reads else "BEGIN IMMEDIATE")
