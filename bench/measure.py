"""Time of this process: CPU time for what is compared, the clock for what a caller waits.

In: what to run. Out: seconds. Everything is run once before it is timed, in rounds, and what is compared takes turns,
so that a noisy neighbour hits both.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any

from service.cli.serve import worker

__all__ = ["cpu_seconds", "percentiles", "serving"]

ROUNDS = 9
SECONDS_PER_ROUND = 0.05
Work = Callable[[], Any]


@contextmanager
def serving() -> Iterator[None]:
    """The garbage collector as a serving worker sets it, then as it was."""
    before = gc.get_threshold()
    worker()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def cpu_seconds(works: Mapping[str, Work]) -> dict[str, float]:
    """CPU time of one call of each, the median of several rounds."""
    times = {name: _times(work) for name, work in works.items()}
    rounds = [{name: _round(work, times[name]) for name, work in works.items()} for _ in range(ROUNDS)]
    return {name: median(one[name] for one in rounds) for name in works}


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


def _times(work: Work) -> int:
    """How often to call in a round; it warms up too."""
    work()
    started = process_time()
    work()
    return max(3, int(SECONDS_PER_ROUND / max(process_time() - started, 1e-6)))


def _round(work: Work, times: int) -> float:
    started = process_time()
    for _ in range(times):
        work()
    return (process_time() - started) / times
