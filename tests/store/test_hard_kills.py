"""Fault 51: the service is killed again and again while feedback comes in; what it acknowledged is there.

This is the death of processes; that a power cut loses nothing either rests on synchronous=FULL (test_store.py).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from http.client import HTTPException
from pathlib import Path

import pytest
from posted import item, rows, tell
from wire import Running, environment, free_port

CLIENTS = 4
ROUNDS = {"sqlite": 20, "postgresql": 5}


def launch(port: int, **settings: str) -> Running:
    """`cds serve` with two workers in a process group of its own."""
    command = [
        sys.executable,
        "-c",
        "from service.cli import main; main()",
        "serve",
        "--port",
        str(port),
        "--workers",
        "2",
    ]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, env=environment(**settings), stdout=quiet, stderr=quiet, text=True, start_new_session=True
    )
    running, until = Running(port, process), time.monotonic() + 20
    while time.monotonic() < until:
        try:
            if running.ask("GET", "/readyz").status == 200:
                return running
        except (OSError, HTTPException):
            time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    raise AssertionError("the service never got ready")


def one_round(running: Running, seconds: float) -> tuple[set[str], set[str]]:
    """What was sent and what was acknowledged until the service was killed."""
    sent: set[str] = set()
    acknowledged: set[str] = set()

    def post() -> None:
        while True:
            batch = [item() for _ in range(random.randint(1, 20))]
            names = {one["card"] for one in batch}
            sent.update(names)
            try:
                reply = tell(running, *batch)
            except (OSError, HTTPException):
                return
            assert reply.status == 200, reply
            acknowledged.update(names)

    threads = [threading.Thread(target=post) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    os.killpg(running.process.pid, signal.SIGKILL)
    for thread in threads:
        thread.join(20)
    running.process.wait(20)
    return sent, acknowledged


@pytest.mark.hostile
def test_fault_51_nothing_that_was_acknowledged_is_lost(url: str, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 64)
    settings = {"CDS_DATABASE_URL": url, "CDS_KEY_FILE": str(tmp_path / "key")}
    sent: set[str] = set()
    acknowledged: set[str] = set()
    rounds = ROUNDS[url.partition(":")[0].partition("+")[0]]
    for number in range(rounds):
        running = launch(free_port(), **settings)
        more = one_round(running, random.uniform(0.1, 1.0))
        sent, acknowledged = sent | more[0], acknowledged | more[1]
        kept = [str(card) for (card,) in rows(url, "SELECT card FROM feedback")]
        assert len(kept) == len(set(kept)) and set(kept) <= sent
        assert not acknowledged - set(kept), f"round {number}: {len(acknowledged - set(kept))} lost"
    print(
        f"{rounds} rounds of kill -9: {len(acknowledged)} acknowledged, {len(acknowledged - set(kept))} lost, "
        f"{len(set(kept) - acknowledged)} kept whose answer was cut off"
    )
    assert len(acknowledged) > 100 * rounds
    assert rows(url, "SELECT count(*) FROM audit")[0][0] > rounds
