"""What the memory costs: the same calls with the store on and off, in one run.

In: nothing; requests are made here. Out: Figures by the clock, as a client waits; what is done behind the answers is
given time between them, and counted apart. Commits rest on the disk: the share of its fsync is said.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter, process_time, sleep

from flask import Flask

from bench.figures import HOOK, Figure, Runs
from bench.measure import serving
from bench.requests import AS_OF, PATIENT, SIZES, request
from service.app import create_app
from service.clinical.knowledge import load
from service.settings import Settings
from service.store import open_store
from service.store.feedback import Told, keep

__all__ = ["bodies", "remembering"]

CALLS, COMMITS, BOUND = 150, 500, 1.10
BEHIND = 0.03  # seconds after a call, in which what nobody waits for is written


def remembering(_: Runs) -> Iterator[Figure]:
    """Goal 10: store on or off changes the time of an answer at 20 kB by at most a tenth."""
    home = Path(tempfile.mkdtemp(prefix="cds-bench-", dir=Path.cwd()))
    try:
        yield from _answers(home / "answers.sqlite")
        yield from _commits(home / "commits.sqlite")
    finally:
        for file in home.iterdir():
            file.unlink()
        home.rmdir()


def bodies() -> dict[str, bytes]:
    """A call that is answered with two cards, and one of the same length that is answered with none."""
    with_cards = request(load("nice-ng239"), SIZES[0])
    asked = json.loads(with_cards)
    for key in ("count", "nutrients"):
        for entry in asked["prefetch"][key]["entry"]:
            limits = entry["resource"]["referenceRange"][0]
            middle = (limits["low"]["value"] + limits["high"]["value"]) / 2
            entry["resource"]["valueQuantity"]["value"] = round(middle, 2)
    return {"two cards": with_cards, "no card": json.dumps(asked, separators=(",", ":")).encode()}


def _answers(file: Path) -> Iterator[Figure]:
    apps = {"off": create_app(Settings(), lambda: AS_OF), "on": create_app(_on(file), lambda: AS_OF)}
    for name, body in bodies().items():
        with serving():
            took, before, cpu = _in_turn(apps, body)
        ratio = took["on"] / took["off"]
        yield Figure(10, f"20 kB, {name}: store on / off", ratio, "x", BOUND)
        for how, seconds in took.items():
            yield Figure(10, f"20 kB, {name}: store {how}", seconds * 1000, "ms")
        yield Figure(10, f"20 kB, {name}: CPU time before the answer, on / off", before["on"] / before["off"], "x")
        yield Figure(10, f"20 kB, {name}: CPU time with what is done behind, on / off", cpu["on"] / cpu["off"], "x")
    with contextlib.closing(sqlite3.connect(file)) as database:
        pages, size = (database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    calls = len(bodies()) * (CALLS + 1)
    yield Figure(10, "database per 1,000 calls, half of them with two cards", pages * size / calls, "kB")


def _on(file: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{file}")


def _in_turn(apps: dict[str, Flask], body: bytes) -> tuple[dict[str, float], ...]:
    """Medians: an answer by the clock, its CPU time, and CPU time until all is written; patients are new each time."""
    clients = {how: app.test_client() for how, app in apps.items()}
    took: dict[str, list[float]] = {how: [] for how in apps}
    before: dict[str, list[float]] = {how: [] for how in apps}
    cpu: dict[str, list[float]] = {how: [] for how in apps}
    for number in range(CALLS + 1):
        asked = body.replace(PATIENT.encode(), f"bench-{number:06}".encode())
        for how, client in sorted(clients.items(), reverse=bool(number % 2)):
            by_clock, by_cpu = perf_counter(), process_time()
            assert client.post(HOOK, data=asked, content_type="application/json").status_code == 200
            took[how].append(perf_counter() - by_clock)
            before[how].append(process_time() - by_cpu)
            sleep(BEHIND)
            cpu[how].append(process_time() - by_cpu)
    return _medians(took), _medians(before), _medians(cpu)


def _medians(seconds: dict[str, list[float]]) -> dict[str, float]:
    return {how: median(some[1:]) for how, some in seconds.items()}


def _commits(file: Path) -> Iterator[Figure]:
    """Batches of one item, each committed before it is acknowledged; and the disk by itself."""
    store = open_store(f"sqlite:///{file}")
    began = perf_counter()
    for number in range(COMMITS):
        keep(store, [Told(str(number), "accepted", AS_OF)], "s", "", AS_OF)
    seconds = (perf_counter() - began) / COMMITS
    store.close()
    yield Figure(10, "feedback kept, one writer", 1 / seconds, "commits/s")
    disk = _fsync(file.with_name("plain"))
    yield Figure(10, "one fsync of the disk", disk * 1000, "ms")
    yield Figure(10, "its share of a commit", disk / seconds * 100, "%")


def _fsync(file: Path) -> float:
    """Median seconds of writing a page behind another and waiting for the disk."""
    took = []
    with file.open("wb", buffering=0) as plain:
        for _ in range(COMMITS // 5):
            began = perf_counter()
            plain.write(b"x" * 4096)
            os.fdatasync(plain.fileno())
            took.append(perf_counter() - began)
    return median(took)
