"""The store on both databases: migrated at the start, nothing lost, faults named without a value."""

from __future__ import annotations

import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine, inspect, select, text

from service.store import Store, StoreDown, open_store
from service.store.cards_issued import (
    Calls,
    Earlier,
    Issued,
    count_calls,
    earlier,
    find,
    remember,
    set_evidence,
)
from service.store.feedback import Told, keep
from service.store.tables import calls, metadata

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


def issued(at: datetime = NOON, whose: str = "a" * 64, topic: str = "O22", uuid: str = "", **more: Any) -> Issued:
    plain = {"client": "", "indicator": "info", "severity": "mild", "fingerprint": "f", "profile": "nice-ng239"}
    name = uuid or str(uuid4())
    return Issued(name, at, whose, "neutropenia-review", topic=topic, row="a-row", knowledge="1", **{**plain, **more})


def write(store: Store, *cards: Issued) -> None:
    with store.quick() as transaction:
        remember(transaction, cards)


def found(store: Store, since: datetime, whose: str = "a" * 64) -> list[Earlier]:
    with store.quick() as transaction:
        return list(earlier(transaction, whose, since, since))


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
    write(first, issued())
    first.close()
    again = open_store(url)
    assert len(found(again, NOON)) == 1
    again.close()


def test_several_that_start_together_find_one_store(url: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(open_store, [url] * 8))
    write(opened[0], issued())
    assert all(len(found(one, NOON)) == 1 for one in opened)
    for one in opened:
        one.close()


EAST, WEST = timezone(timedelta(hours=13)), timezone(-timedelta(hours=11))


@pytest.mark.parametrize(
    ("at", "is_found"),
    [
        (NOON, True),
        (NOON - timedelta(seconds=1), False),
        (NOON.astimezone(EAST), True),
        ((NOON - timedelta(seconds=1)).astimezone(WEST), False),
    ],
)
def test_cards_are_found_from_an_instant_on_in_whatever_zone(store: Store, at: datetime, is_found: bool) -> None:
    write(store, issued(at))
    assert bool(found(store, NOON.astimezone(WEST))) is is_found


def test_the_newest_card_comes_first_with_the_reason_of_its_override(store: Store) -> None:
    write(store, issued(NOON, uuid="old"), issued(NOON + WEEK, uuid="new"))
    keep(store, [Told("old", "overridden", NOON, reason="urn:x|y"), Told("new", "accepted", NOON)], "s", "", NOON)
    assert [(one.card.uuid, one.override) for one in found(store, NOON)] == [("new", None), ("old", "urn:x|y")]
    assert found(store, NOON)[1].card.at == NOON


def test_reminders_are_found_for_longer(store: Store) -> None:
    write(store, issued(uuid="reminder", period_days=365), issued(uuid="other"))
    with store.quick() as transaction:
        assert [one.card.uuid for one in earlier(transaction, "a" * 64, NOON + WEEK, NOON)] == ["reminder"]
        assert not earlier(transaction, "a" * 64, NOON + WEEK, NOON + WEEK)


def test_what_was_held_back_was_not_seen(store: Store) -> None:
    write(store, issued(fate="silent"), issued(fate="left-out"), issued(fate="lowered", uuid="low"))
    assert [one.card.uuid for one in found(store, NOON)] == ["low"]


def test_another_patient_is_another_matter(store: Store) -> None:
    write(store, issued())
    assert not found(store, NOON, whose="b" * 64)


def test_a_card_is_found_with_what_it_rests_on(store: Store) -> None:
    write(store, issued(uuid="one"), issued(uuid="two"))
    with store.quick() as transaction:
        set_evidence(transaction, {"one": b"sealed"})
    one, two = find(store, "one"), find(store, "two")
    assert one and one.evidence == b"sealed"
    assert two and two.evidence is None
    assert find(store, "three") is None


def test_calls_are_counted_by_day_service_client_and_knowledge(store: Store) -> None:
    for more in ({"a": 1}, {"a": 2, "b": 1}):
        with store.quick() as transaction:
            counted = {Calls(NOON.date(), "s", client, "1"): number for client, number in more.items()}
            count_calls(transaction, counted)
    with store.read() as connection:
        rows = connection.execute(select(calls.c.client, calls.c.number).order_by(calls.c.client)).all()
    assert [tuple(row) for row in rows] == [("a", 3), ("b", 1)]


def test_cards_are_written_all_or_none(store: Store) -> None:
    with pytest.raises(StoreDown, match=r"\A[A-Za-z]+\Z"):  # the kind of fault alone: a driver's text holds values
        write(store, issued(), issued(severity=None))
    with store.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM card_issued")) == 0


def test_a_card_that_is_written_again_stays_as_it_was(store: Store) -> None:
    for topic in ("first", "again"):
        write(store, issued(uuid="same", topic=topic))
    with store.read() as connection:
        assert connection.scalars(text("SELECT topic FROM card_issued")).all() == ["first"]


def test_many_writers_lose_nothing(url: str) -> None:
    stores = [open_store(url) for _ in range(4)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda n: write(stores[n % 4], issued()), range(200)))
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


def test_a_defect_in_what_was_left_for_later_is_told_and_the_next_is_done(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    store.later(lambda: 1 // 0)
    assert store.within(5, lambda: 7) == 7
    store.close()
    assert "what was left for later failed: ZeroDivisionError" in caplog.text


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
        assert find(two, "none") is None
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
    write(store, issued())
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    store.close()
