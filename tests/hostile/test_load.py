"""Under load: 64 connections, a tenth of the calls hostile; every right call gets its right answer, and memory is flat.

Half-sent requests beside a normal call are fault 25 in tests/service.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from invariants import SERVICES
from mutations import mutated, requests
from wire import HOOK, Running, free_port, start, stop

from service.stories import find

CONNECTIONS, ONE_IN = 64, 10
WARM_SECONDS, SECONDS = 8, 10
FLAT = 5 * 1024 * 1024
NEW_EACH_TIME = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?<=\"authoredOn\":\")[^\"]+")
JSON = {"Content-Type": "application/json"}
Call = tuple[str, bytes, dict[str, str]]
TOO_LONG: Call = (HOOK, b" " * (4 * 1024 * 1024 + 1), JSON)

pytestmark = pytest.mark.hostile


def plain(body: bytes) -> str:
    """An answer without what is new each time."""
    return NEW_EACH_TIME.sub("", body.decode())


class Load:
    """Connections that call until told to stop, and what was wrong."""

    def __init__(self, running: Running) -> None:
        told = requests(datetime.now(UTC).date())
        self.port, self.over, self.wrong, self.statuses = running.port, threading.Event(), list[str](), Counter[int]()
        self.calls = {name: (SERVICES[asked["hook"]], json.dumps(asked).encode(), JSON) for name, asked in told.items()}
        self.right = {name: running.post(path, body).body for name, (path, body, _) in self.calls.items()}
        self.hostile = list(hostile(list(told.values())))

    def run(self, seed: int) -> None:
        """Calls on connections of one thread; first the largest of all, at once with the others: the most memory."""
        random, names = Random(seed), itertools.cycle(sorted(self.calls))
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            self._call(connection, TOO_LONG)
        for name in itertools.islice(names, seed, None):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            try:
                while not self.over.is_set():
                    if not random.randrange(ONE_IN):
                        status, _ = self._call(connection, random.choice(self.hostile))
                        self._say(status >= 500, f"a hostile call: {status}")
                        break  # what comes behind it comes on a connection of its own
                    status, body = self._call(connection, self.calls[name])
                    good = status == 200 and plain(body) == plain(self.right[name])
                    self._say(not good, f"{name}: {status} {body[:300]!r}")
                    name = next(names)
            except OSError as fault:
                self._say(True, repr(fault))
            finally:
                connection.close()
            if self.over.is_set():
                return

    def _call(self, connection: http.client.HTTPConnection, call: Call) -> tuple[int, bytes]:
        path, body, headers = call
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            self.statuses[answer.status] += 1
            return answer.status, answer.read()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):
            if call in self.calls.values():
                raise
            return 0, b""  # refused before all of it was sent

    def _say(self, is_wrong: bool, what: str) -> None:
        if is_wrong:
            self.wrong.append(what)


def hostile(told: list[Any]) -> Iterator[Call]:
    """Stories gone wrong, bodies that are no JSON, too long or of another type, addresses that lead nowhere."""
    for seed in range(300):
        random = Random(seed)
        asked = random.choice(told)
        body = json.dumps(mutated(asked, random, random.choice((1, 3, 9)))).encode()
        yield SERVICES[asked["hook"]], body, JSON
        yield HOOK, body[: random.randrange(len(body))], JSON
    for body in (b"", b"[" * 100_000, b"\xff" * 1000, b'{"prefetch": ' + b"1" * 5000 + b"}"):
        yield from [(HOOK, body, JSON), ("/assess", body, JSON)] * 10
    yield from [TOO_LONG] * 10
    yield from [(HOOK, b"{}", {"Content-Type": "text/plain"}), ("/cds-services/%00", b"{}", JSON)] * 10
    yield from [
        (HOOK, b"{}", JSON | {"Content-Encoding": "gzip"}),
        (HOOK, b"{}", {**JSON, "X-Long": "x" * 20_000}),
    ] * 10


def worker_of(running: Running) -> int:
    """The process that answers: the one child of the one that listens."""
    pid = running.process.pid
    (child,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def sampled(seconds: float, sample: Callable[[], int]) -> list[int]:
    until, found = time.monotonic() + seconds, list[int]()
    while time.monotonic() < until:
        found.append(sample())
        time.sleep(0.1)
    return found


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
def test_under_load_every_answer_is_right_and_memory_is_flat() -> None:
    if 86_400 - time.time() % 86_400 < 60:
        time.sleep(60)  # the answers name the day
    running = start(free_port())
    try:
        load = Load(running)
        told = {name: [card["indicator"] for card in json.loads(body)["cards"]] for name, body in load.right.items()}
        written = {name: json.loads((find(name).folder / "response.json").read_text("utf-8")) for name in told}
        assert told == {name: [card["indicator"] for card in body["cards"]] for name, body in written.items()}
        threads = [threading.Thread(target=load.run, args=(seed,)) for seed in range(CONNECTIONS)]
        for thread in threads:
            thread.start()
        worker = worker_of(running)
        time.sleep(WARM_SECONDS)
        middle = sampled(SECONDS / 5, lambda: resident(worker))
        time.sleep(SECONDS * 3 / 5)
        end = sampled(SECONDS / 5, lambda: resident(worker))
        load.over.set()
        for thread in threads:
            thread.join()
    finally:
        status, said = stop(running)
    growth = sum(end) / len(end) - sum(middle) / len(middle)
    figures = {"statuses": dict(load.statuses), "resident": end[-1], "growth": growth}
    assert load.wrong == []
    assert load.statuses.keys() >= {200, 400, 413, 415}
    assert load.statuses[200] > 1000
    assert growth < FLAT, figures
    assert (status, "Traceback" in said) == (0, False), said
