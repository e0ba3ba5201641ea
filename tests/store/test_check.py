"""Whether the store could be written now: asked of both databases, without harm, and when it cannot."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from servers import Server
from sqlalchemy import text
from sqlalchemy.engine import make_url

from service.store import Store, StoreDown, open_store


def test_a_store_that_is_there_is_well_and_nothing_is_changed(store: Store) -> None:
    store.check()
    with store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM replay")).scalar() == 0


def test_looking_writes_nothing_into_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    store = open_store(f"sqlite:///{path}")
    store.check()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}
    for _ in range(100):
        store.check()
    assert before == {file.name: file.read_bytes() for file in tmp_path.iterdir() if not file.name.endswith("-shm")}
    store.close()


def test_a_sqlite_that_somebody_else_holds_is_not_well(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite")
    holder = sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreDown):
        store.check()
    holder.execute("ROLLBACK")
    store.check()
    holder.close()
    store.close()


@pytest.mark.database
def test_a_postgresql_that_only_reads_is_not_well(postgresql_url: str) -> None:
    store = open_store(postgresql_url)
    with store.write() as connection:
        name = make_url(postgresql_url).database
        connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on'))
    store._engine.dispose()  # connections from now on are of the standby
    faults: list[str] = []
    store.on_fault = faults.append
    with pytest.raises(StoreDown, match="ReadOnlySqlTransaction"):
        store.check()
    assert faults == ["down"]
    store.close()


@pytest.mark.database
def test_a_postgresql_that_stops_is_not_well_and_is_again_when_it_is_back(own_postgresql: Server) -> None:
    store = open_store(own_postgresql.new_database())
    store.check()
    own_postgresql.stop()
    with pytest.raises(StoreDown):
        store.check()
    own_postgresql.start()
    store.check()
    store.close()


def test_each_kind_of_fault_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, faults, go = open_store(f"sqlite:///{tmp_path}/store.sqlite"), [], threading.Event()
    store.on_fault = faults.append
    with pytest.raises(StoreDown):
        store.within(0.01, lambda: go.wait(10))
    monkeypatch.setattr("service.store.database.MOST_WAITING", 0)
    with pytest.raises(StoreDown):
        store.within(0.01, lambda: None)
    assert not store.later(lambda: None)
    go.set()
    assert faults == ["slow", "full", "full"]
    store.close()
