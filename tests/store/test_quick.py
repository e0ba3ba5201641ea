"""Quick transactions: all or nothing, instants as they went in, the disk waited for where it must be."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from posted import rows
from test_store import NOON, found, issued, write

from service.store import Store, StoreDown, open_store
from service.store.cards_issued import Calls, count_calls, remember, set_evidence


def test_what_goes_wrong_undoes_the_whole_and_the_next_goes_well(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), store.quick() as transaction:
        remember(transaction, [issued(uuid="one")])
        raise ZeroDivisionError
    assert not found(store, NOON)
    write(store, issued(uuid="one"))
    with pytest.raises(StoreDown, match=r"\A(IntegrityError|NotNullViolation)\Z"):
        write(store, issued(uuid="two"), issued(severity=None))
    assert [one.card.uuid for one in found(store, NOON)] == ["one"]


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=-9, minutes=-30))])
@pytest.mark.parametrize("micro", [0, 1, 999_999])
def test_an_instant_comes_back_as_it_went_in(store: Store, zone: timezone, micro: int) -> None:
    at = datetime(2026, 6, 15, 23, 59, 59, micro, zone)
    write(store, issued(at=at, uuid="one", until=at))
    (one,) = found(store, at)
    assert (one.card.at, one.card.until) == (at, at) and one.card.at.tzinfo
    assert not found(store, at + timedelta(microseconds=1))


def test_only_those_that_last_wait_for_the_disk_of_sqlite(tmp_path: Path) -> None:
    store, seen = open_store(f"sqlite:///{tmp_path}/store.sqlite"), []
    for lasting in (False, True, False, False, True, True):
        with store.quick(lasting=lasting) as transaction:
            seen.append((lasting, transaction.cursor.execute("PRAGMA synchronous").fetchone()[0]))
    with store.write() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2, "FULL, whoever else is quick"
    assert seen == [(lasting, 2 if lasting else 1) for lasting, _ in seen]
    store.close()


def test_a_file_that_was_replaced_is_left_at_the_next_that_lasts(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite"
    store = open_store(f"sqlite:///{file}")
    write(store, issued(uuid="one"))
    for left in tmp_path.iterdir():
        left.rename(tmp_path / f"old-{left.name}")
    open_store(f"sqlite:///{file}").close()
    write(store, issued(uuid="two"))
    assert [one.card.uuid for one in found(store, NOON)] == ["two"]
    store.close()


def test_it_is_done_from_any_thread_one_after_the_other(store: Store) -> None:
    counted = {Calls(NOON.date(), "s", "", "1"): 1}

    def one_more(number: int) -> None:
        with store.quick(lasting=bool(number % 3)) as transaction:
            count_calls(transaction, counted)
            set_evidence(transaction, {"nobody": b""})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one_more, range(80)))
    with store.read() as connection:
        assert connection.exec_driver_sql("SELECT number FROM calls").scalar() == 80


KILLED = """
import os, signal, sys
sys.path += sys.argv[2:]
from test_store import issued, remember
from service.store import open_store
store = open_store(sys.argv[1])
with store.quick(lasting=False) as transaction:
    remember(transaction, [issued(uuid="answered")])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_does_not_wait_for_the_disk_outlives_the_process_all_the_same(url: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, url, *sys.path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert rows(url, "SELECT uuid FROM card_issued") == [("answered",)]
