"""Used tokens on both databases: each accepted once, whoever asks, and forgotten when it has expired."""

from __future__ import annotations

import multiprocessing
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, text

from service.store import Store, StoreDown, open_store
from service.store.replays import PURGE_EVERY, UsedTokens
from service.store.tables import replay

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def test_a_token_is_accepted_once_for_each_issuer(store: Store) -> None:
    used, until = UsedTokens(store), datetime.now(UTC) + timedelta(hours=1)
    asked = [("urn:a", "1"), ("urn:a", "1"), ("urn:b", "1"), ("urn:a", "2"), ("urn:a", "' OR 1=1"), ("urn:b", "1")]
    assert [used.accept_once(*one, until) for one in asked] == [True, False, True, True, True, False]


def test_fault_50_without_its_table_nothing_is_accepted(store: Store) -> None:
    with store.write() as connection:
        connection.execute(text("DROP TABLE replay"))
    with pytest.raises(StoreDown, match=r"\A[A-Za-z]+\Z"):
        UsedTokens(store).accept_once("urn:a", "1", NOON)


def take(url: str, ids: list[str], taken: multiprocessing.Queue[list[str]]) -> None:
    """What one process of several gets to use."""
    used = UsedTokens(open_store(url))
    taken.put([one for one in ids if used.accept_once("urn:a", one, datetime.now(UTC) + timedelta(hours=1))])


def test_fault_46_four_processes_accept_each_id_once(url: str) -> None:
    ids = [f"id-{i}" for i in range(200)]
    open_store(url).close()
    context = multiprocessing.get_context("spawn")
    taken: multiprocessing.Queue[list[str]] = context.Queue()
    processes = [context.Process(target=take, args=(url, ids, taken)) for _ in range(4)]
    for process in processes:
        process.start()
    found = [one for _ in processes for one in taken.get(timeout=60)]
    for process in processes:
        process.join()
    assert sorted(found) == sorted(ids)


def test_what_has_expired_is_deleted_now_and_then(store: Store) -> None:
    now = [NOON]
    used = UsedTokens(store, lambda: now[0])

    def ids() -> list[str]:
        with store.read() as connection:
            return list(connection.scalars(select(replay.c.token_id).order_by(replay.c.token_id)))

    assert used.accept_once("urn:a", "short", NOON + timedelta(minutes=1))
    assert used.accept_once("urn:a", "long", NOON + timedelta(hours=1))
    now[0] = NOON + PURGE_EVERY - timedelta(seconds=1)
    assert used.accept_once("urn:a", "x", now[0] + timedelta(hours=1))
    assert ids() == ["long", "short", "x"]
    now[0] = NOON + PURGE_EVERY
    assert not used.accept_once("urn:a", "long", now[0] + timedelta(hours=1))
    assert ids() == ["long", "x"]
