"""Time of this process: CPU time for what is compared, the clock for what a caller waits.

In: what to run. Out: seconds. What is compared takes turns, so that a noisy neighbour hits all of it.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

from service.cli.serve import worker

__all__ = ["cpu_seconds", "in_turn", "percentiles", "serving"]

BLOCKS = 10
SECONDS_PER_BLOCK = 0.1
_NOWHERE = open(os.devnull, "w")  # noqa: SIM115  lines are written to it as long as this process lives
Work = Callable[[], Any]


@contextmanager
def serving() -> Iterator[None]:
    """The garbage collector as a serving worker sets it, then as it was; log lines are written and thrown away."""
    before = gc.get_threshold()
    with redirect_stderr(_NOWHERE):
        worker()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def cpu_seconds(works: Mapping[str, Work]) -> dict[str, float]:
    """CPU time of one call of each, the median of calls that follow each other; blocks of each take turns."""
    calls: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(BLOCKS):
        for name, work in works.items():
            work()
            until = perf_counter() + SECONDS_PER_BLOCK
            while perf_counter() < until:
                calls[name].append(_timed(work))
    return {name: median(seconds) for name, seconds in calls.items()}


def in_turn(works: Mapping[str, Work]) -> dict[str, float]:
    """The same, each called once after the other: parts of a whole, which find the caches as the others left them."""
    calls: dict[str, list[float]] = {name: [] for name in works}
    until = perf_counter() + BLOCKS * SECONDS_PER_BLOCK
    while perf_counter() < until:
        for name, work in works.items():
            calls[name].append(_timed(work))
    return {name: median(seconds) for name, seconds in calls.items()}


def _timed(work: Work) -> float:
    started = process_time()
    work()
    return process_time() - started


def percentiles(work: Work, calls: int) -> dict[str, float]:
    """p99 over p50 of single calls, by CPU time and by the clock, and p50 itself in seconds."""
    cpu, wall = [], []
    for _ in range(calls // 10):
        work()
    for _ in range(calls):
        by_clock, by_cpu = perf_counter(), process_time()
        work()
        cpu.append(process_time() - by_cpu)
        wall.append(perf_counter() - by_clock)
    return {"cpu": _spread(cpu), "wall": _spread(wall), "p50": median(wall)}


def _spread(seconds: list[float]) -> float:
    return quantiles(seconds, n=100)[98] / median(seconds)
