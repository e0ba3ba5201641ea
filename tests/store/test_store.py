"""The store on both databases: migrated at the start, nothing lost, faults named without a value."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, inspect, text

from service.store import Store, StoreDown, open_store
from service.store.cards_issued import Issued, came, remember
from service.store.tables import metadata

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def issued(at: datetime = NOON, whose: str = "a" * 64, topic: str = "O22", uuid: str = "") -> Issued:
    return Issued(uuid or str(uuid4()), at, whose, "neutropenia-order-sign", topic, "a-row", "2026.11.3", 365)


def test_the_migrations_make_the_tables_that_the_code_knows(url: str) -> None:
    open_store(url).close()
    found = inspect(create_engine(url))
    assert set(found.get_table_names()) == {*metadata.tables, "alembic_version"}
    for name, table in metadata.tables.items():
        columns = {one["name"]: one for one in found.get_columns(name)}
        assert columns.keys() == set(table.columns.keys())
        assert all(columns[c.name]["nullable"] is c.nullable for c in table.columns if not c.primary_key)
        assert {one["name"] for one in found.get_indexes(name)} == {one.name for one in table.indexes}


def test_a_store_is_opened_again_with_what_it_held(url: str) -> None:
    first = open_store(url)
    remember(first, [issued()])
    first.close()
    again = open_store(url)
    assert came(again, "a" * 64, "O22", NOON, NOON + WEEK)
    again.close()


def test_several_that_start_together_find_one_store(url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(open_store, [url] * 8))
    remember(opened[0], [issued()])
    assert all(came(one, "a" * 64, "O22", NOON, NOON + WEEK) for one in opened)
    for one in opened:
        one.close()


@pytest.mark.parametrize(
    ("at", "found"),
    [
        (NOON - WEEK, True),
        (NOON - WEEK - timedelta(seconds=1), False),
        (NOON - timedelta(seconds=1), True),
        (NOON, False),
        ((NOON - timedelta(seconds=1)).astimezone(timezone(timedelta(hours=13))), True),
        ((NOON - WEEK - timedelta(seconds=1)).astimezone(timezone(-timedelta(hours=11))), False),
    ],
)
def test_a_card_came_from_the_first_instant_on_and_before_the_last(store: Store, at: datetime, found: bool) -> None:
    remember(store, [issued(at)])
    assert came(store, "a" * 64, "O22", NOON - WEEK, NOON) is found


def test_another_patient_and_another_topic_are_another_matter(store: Store) -> None:
    remember(store, [issued()])
    assert not came(store, "b" * 64, "O22", NOON, NOON + WEEK)
    assert not came(store, "a" * 64, "O2", NOON, NOON + WEEK)


def test_cards_are_written_all_or_none(store: Store) -> None:
    with pytest.raises(StoreDown, match=r"\A[A-Za-z]+\Z"):  # the kind of fault alone: a driver's text holds values
        remember(store, [issued(uuid="same"), issued(uuid="same")])
    with store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM card_issued")) == 0


def test_many_writers_lose_nothing(url: str) -> None:
    stores = [open_store(url) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: remember(stores[n % 4], [issued()]), range(200)))
    with stores[0].read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM card_issued")) == 200
    for one in stores:
        one.close()


def test_who_cannot_wait_goes_on_and_the_work_is_done_behind(store: Store) -> None:
    go = threading.Event()
    done = threading.Event()
    with pytest.raises(StoreDown, match="slow"):
        store.within(0.01, lambda: (go.wait(5), done.set()))
    go.set()
    assert done.wait(5)
    assert store.within(5, lambda: 7) == 7


def test_what_is_acknowledged_outlives_a_power_cut(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite")
    with store.write() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
    store.close()


def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/store.sqlite"
    one, two = open_store(address), open_store(address)
    with one.write():
        assert not came(two, "a" * 64, "O22", NOON, NOON + WEEK)
    one.close()
    two.close()


def test_a_place_that_holds_no_file_is_named_by_its_kind(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for address in (f"sqlite:///{tmp_path}", f"sqlite:///{tmp_path}/file/store.sqlite"):
        with pytest.raises(StoreDown, match=r"\A[A-Za-z]+\Z"):
            open_store(address)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreDown, match="DatabaseError"):
        open_store(f"sqlite:///{tmp_path}/store.sqlite")


@pytest.mark.database
def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(StoreDown, match="OperationalError"):
        open_store("postgresql+psycopg://cds@127.0.0.1:1/cds")


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/store.sqlite")
    remember(store, [issued()])
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    store.close()
