"""The way of the tables from one revision to the next, and back.

In: the address of a database, a revision. Out: tables of that revision, all or nothing; or what is there. Of several
processes that come together one does it and the others wait. A revision names in LOST what going back from it removes;
docs/operations.md, "Upgrades", says what it may change.

    StoreDown      the database cannot be had
    NewerTables    its tables are of a revision that is not known here
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from service.store.engine import StoreDown, engine_of, kind_of

if TYPE_CHECKING:
    from alembic.config import Config

SCRIPTS = str(files("service.store") / "migrations")
START_SECONDS: Final = 30  # how long one waits while another migrates
LOCK: Final = 7_302_001  # any number, the same in every replica


class NewerTables(StoreDown):
    """The tables were made by a newer version of the service. The text names both revisions and the remedy."""

    def __init__(self, found: str, newest: str) -> None:
        remedy = f"start that version, or go back with its `cds migrate --to {newest}`, or restore a backup"
        super().__init__(f"its tables are of a newer version ({found}; this one knows {newest}): {remedy}")


@dataclass(frozen=True, slots=True)
class Step:
    """A revision that is known here."""

    revision: str
    title: str  # what it brought
    lost: str  # what going back from it removes


def steps() -> tuple[Step, ...]:
    """All revisions that are known here, the oldest first."""
    from alembic.script import ScriptDirectory  # alembic is heavy, and needed at the start alone

    scripts = ScriptDirectory.from_config(_config())
    known = [Step(one.revision, one.doc, one.module.LOST) for one in scripts.walk_revisions()]
    return tuple(reversed(known))


def revision(url: str) -> str:
    """The revision of the tables at an address, which are left as they are; "" when there are none."""
    with _begun(url) as connection:
        return _found(connection)


def migrate(url: str, to: str = "head") -> None:
    """Bring the tables to a revision: forward or, when it is an older one, back."""
    from alembic import command

    config = _config()
    known = [step.revision for step in steps()]
    with _begun(url) as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
        found = _found(connection)
        if found and found not in known:
            raise NewerTables(found, known[-1])
        config.attributes["connection"] = connection
        goes_back = found and to in known and known.index(to) < known.index(found)
        (command.downgrade if goes_back else command.upgrade)(config, to)


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", SCRIPTS.replace("%", "%%"))
    return config


def _found(connection: Connection) -> str:
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision() or ""


@contextmanager
def _begun(url: str) -> Iterator[Connection]:
    """A transaction of an engine of its own."""
    try:
        engine = engine_of(url, START_SECONDS)
        try:
            with engine.begin() as connection:
                yield connection
        finally:
            engine.dispose()
    except (SQLAlchemyError, sqlite3.Error, OSError) as fault:
        raise StoreDown(kind_of(fault)) from None
