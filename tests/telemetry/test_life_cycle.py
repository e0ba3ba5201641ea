"""From ready to gone: what /readyz says, SIGTERM, workers that die."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from requests_of import call
from wire import HOOK, Running, environment, free_port, start, stop

from service.cli.serve import STOP_SECONDS
from service.cli.server import NotReady
from service.store import StoreDown
from service.web import ready
from service.web.ready import Readiness


@contextlib.contextmanager
def serving(*arguments: str, **settings: str) -> Iterator[Running]:
    """A service that is stopped, or killed, when the test is over."""
    running = start(free_port(), *arguments, **settings)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            stop(running)


def until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if holds():
                return True
        time.sleep(0.05)
    return False


def workers_of(running: Running) -> set[int]:
    """The processes that answer."""
    path = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children")
    if not path.exists():
        pytest.skip("this system does not list a process's children in /proc")
    return set(map(int, path.read_text().split()))


# --- readiness --------------------------------------------------------------------------------------------------------


def down() -> None:
    raise StoreDown("OperationalError")


def test_without_a_store_it_is_ready() -> None:
    assert Readiness(None).answer() == "ok"


def test_a_store_that_cannot_be_written_makes_it_not_ready() -> None:
    assert Readiness(down).answer() == "store"


def test_the_store_is_looked_at_once_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []
    readiness = Readiness(lambda: looks.append(1))
    assert {readiness.answer() for _ in range(100)} == {"ok"}
    assert len(looks) == 1
    monkeypatch.setattr(ready, "monotonic", lambda: time.monotonic() + ready.KEPT)
    readiness.answer()
    assert len(looks) == 2


def test_a_store_that_hangs_costs_half_a_second_and_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "KEPT", 0.0)
    go, looks = threading.Event(), []

    def hang() -> None:
        looks.append(1)
        assert go.wait(20)

    readiness, begun = Readiness(hang), time.monotonic()
    assert [readiness.answer(), readiness.answer()] == ["store", "store"]
    assert time.monotonic() - begun < 4 * ready.PATIENCE
    assert len(looks) == 1
    go.set()
    assert readiness.answer() == "ok"


def test_a_store_that_comes_back_makes_it_ready_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ready, "KEPT", 0.0)
    faults = [down, down]
    readiness = Readiness(lambda: faults.pop()() if faults else None)
    assert [readiness.answer() for _ in range(3)] == ["store", "store", "ok"]


def test_a_database_that_is_gone_is_said_in_a_word_and_no_more(tmp_path: Path) -> None:
    folder = tmp_path / "canary7731"
    folder.mkdir()
    with serving(CDS_DATABASE_URL=f"sqlite:///{folder}/store.sqlite") as running:
        assert running.ask("GET", "/readyz").status == 200
        folder.rename(tmp_path / "elsewhere")
        assert until(lambda: running.ask("GET", "/readyz").status == 503)
        reply = running.ask("GET", "/readyz")
        assert (reply.json, reply.headers["Retry-After"]) == ({"status": "store"}, "5")
        assert running.post(HOOK, call()).status == 200  # cards come all the same
        (tmp_path / "elsewhere").rename(folder)
        assert until(lambda: running.ask("GET", "/readyz").status == 200)


# --- SIGTERM ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", ["1", "2"])
def test_at_sigterm_it_is_not_ready_first_and_answers_meanwhile(workers: str) -> None:
    with serving("--workers", workers, CDS_DRAIN_SECONDS="3") as running:
        begun = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        assert until(lambda: running.ask("GET", "/readyz").status == 503, 2)
        assert {running.ask("GET", "/readyz").json["status"] for _ in range(20)} == {"draining"}
        assert {running.post(HOOK, call()).status for _ in range(20)} == {200}
        assert running.ask("GET", "/livez").status == 200
        running.process.communicate(timeout=15)
        assert running.process.returncode == 0
        assert 3 <= time.monotonic() - begun < 10


def test_while_draining_each_answer_is_the_last_of_its_connection() -> None:
    """Else a proxy that keeps connections sends a call on one just as the service closes it, and may not repeat it."""
    with serving(CDS_DRAIN_SECONDS="60") as running:
        kept = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        assert last_on(kept) is False
        running.process.send_signal(signal.SIGTERM)
        assert until(lambda: running.ask("GET", "/readyz").status == 503, 5)
        assert last_on(kept) is True


def last_on(connection: http.client.HTTPConnection) -> bool:
    """Whether the answer to a call closes its connection."""
    connection.request("POST", HOOK, json.dumps(call()), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 200
    answer.read()
    return answer.will_close


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_who_asks_twice_does_not_wait(second: signal.Signals) -> None:
    with serving(CDS_DRAIN_SECONDS="60") as running:
        running.process.send_signal(signal.SIGTERM)
        assert until(lambda: running.ask("GET", "/readyz").status == 503, 5)
        running.process.send_signal(second)
        running.process.communicate(timeout=15)
        assert running.process.returncode == 0


def test_ctrl_c_does_not_wait() -> None:
    with serving(CDS_DRAIN_SECONDS="60") as running:
        running.process.send_signal(signal.SIGINT)
        running.process.communicate(timeout=15)
        assert running.process.returncode == 0


def test_a_worker_that_is_not_there_yet_does_not_hold_up_the_end() -> None:
    """It has its parent's way with signals until it has its own: told to stop in between, it would never know."""
    command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--port", str(free_port())]
    process = subprocess.Popen(
        [*command, "--workers", "2"], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    begun = Running(0, process)
    assert until(lambda: len(workers_of(begun)) == 2, 30)
    told = time.monotonic()
    process.send_signal(signal.SIGTERM)
    said = process.communicate(timeout=30)[0]
    assert process.returncode == 0, said
    assert time.monotonic() - told < STOP_SECONDS / 2


# --- workers ----------------------------------------------------------------------------------------------------------


def test_a_worker_that_is_killed_is_replaced() -> None:
    with serving("--workers", "2", CDS_LOG="json") as running:
        before = workers_of(running)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        assert until(lambda: len(workers_of(running) - before) == 1 and len(workers_of(running)) == 2)
        assert until(lambda: {running.post(HOOK, call()).status for _ in range(50)} == {200})
        status, said = stop(running)
        assert status == 0
        events = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
        assert [one["event"] for one in events if one["level"] == "error"] == ["Unexpected exit from worker-1"]


def sockets_of(process: int) -> set[str]:
    """The sockets that a process has open, as the kernel numbers them."""
    found = set()
    for one in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.add(os.readlink(one))
    return {one for one in found if one.startswith("socket:")}


def listening(port: int) -> str:
    """The socket that listens on a port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    (inode,) = (row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A")
    return f"socket:[{inode}]"


def test_no_worker_holds_the_port_of_the_metrics() -> None:
    port = free_port()
    with serving("--workers", "2", CDS_METRICS_PORT=str(port)) as running:
        workers, held = workers_of(running), listening(port)
        assert held in sockets_of(running.process.pid)
        assert until(lambda: not any(held in sockets_of(one) for one in workers))


def test_a_process_that_has_no_worker_in_it_does_not_die_of_being_told_that_it_is_not_ready() -> None:
    with serving() as running:
        running.process.send_signal(NotReady)  # as a worker gets it that is not there yet
        assert running.post(HOOK, call()).status == 200
        assert running.process.poll() is None
