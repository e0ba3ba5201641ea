"""The store that the settings name, for commands: faults become those of the setting.

In: settings. Out: a Store while it is needed. A file that is not there is no empty store: the settings of the service
are missing then.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from sqlalchemy.engine import make_url

from service.memory import Memory, open_memory
from service.settings import Settings, SettingsError
from service.store import NewerTables, Store, StoreDown, open_store

OTHER_KEY = "CDS_KEY_FILE: the newest evidence was sealed with a key that is not in the file: add that key as a line"
SET_AS_SERVED = "run this with the CDS_* variables of the service"


@contextmanager
def opened(chosen: Settings) -> Iterator[Store]:
    """The store; SettingsError when there is none, or when it does not answer."""
    look(chosen)
    with faults():
        store = open_store(chosen.database_url)
        try:
            yield store
        finally:
            store.close()


@contextmanager
def remembered(chosen: Settings) -> Iterator[Memory]:
    """The store with the key of what is sealed in it; SettingsError as above, or when the key cannot be used."""
    look(chosen)
    with faults():
        memory = open_memory(chosen)
        assert memory
        try:
            yield memory
        finally:
            memory.store.close()


def try_out(chosen: Settings) -> None:
    """Open the store and its key, and warn of a key that does not open what is kept; SettingsError as above."""
    from service.memory.behind import key_fits

    memory = open_memory(chosen)
    with faults():
        if memory and not key_fits(memory):
            click.echo(f"  warning: {OTHER_KEY}")


def look(chosen: Settings) -> None:
    """SettingsError when no store is named, or when it is a file that is not there."""
    if not chosen.database_url:
        raise SettingsError([f"CDS_DATABASE_URL: is off, and nothing is remembered: {SET_AS_SERVED}"])
    address = make_url(chosen.database_url)
    if address.get_backend_name() == "sqlite" and not Path(address.database or "").is_file():
        fault = "no database is there yet; the service makes it when it starts"
        raise SettingsError([f"CDS_DATABASE_URL: {fault}: {SET_AS_SERVED}"])


@contextmanager
def faults() -> Iterator[None]:
    """What the store says, as a fault of its setting."""
    try:
        yield
    except NewerTables as fault:
        raise SettingsError([f"CDS_DATABASE_URL: {fault}"]) from None
    except StoreDown as fault:
        remedy = "see that it runs, and that this process may write to it"
        raise SettingsError([f"CDS_DATABASE_URL: the database does not answer ({fault}): {remedy}"]) from None
