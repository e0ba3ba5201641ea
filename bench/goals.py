"""The performance goals, each as figures with their bounds; here are those that one process can measure.

In: how long to run; requests are made here. Out: Figures. Goals 1, 4, 5, 7 and 9 need load: bench.over_http.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from time import perf_counter
from unittest.mock import patch

from bench import over_http
from bench.figures import HOOK, Figure, Measure, Runs
from bench.keeping import keeping
from bench.measure import cpu_seconds, in_turn, percentiles, serving
from bench.pipeline import STAGES, Pipeline
from bench.processes import FORBIDDEN, first_answer, imported, modules_of
from bench.remembering import remembering
from bench.requests import AS_OF, PANEL, SIZES, junk, request
from service.app import create_app
from service.settings import Settings

__all__ = ["GOALS", "LOADED"]

CALLS = 600
LINEAR = 5.0  # four times the work, and caches that hold less of it; 16 would be quadratic


def cost(_: Runs) -> Iterator[Figure]:
    """Goal 2: the whole against `orjson.loads` of the same body, and each stage of it."""
    pipeline = Pipeline()
    for results in (50, 200):
        body = request(pipeline.ground.knowledge, results)
        works = {"orjson.loads": partial(pipeline.reference, body), "all": partial(pipeline.answer, body)}
        with serving():
            seconds = cpu_seconds(works) | in_turn(_stages(pipeline, body))
        reference = seconds["orjson.loads"]
        yield Figure(2, f"{results} results: all", seconds["all"] / reference, "x", 1.5)
        for stage in STAGES:
            yield Figure(2, f"{results} results: {stage}", seconds[stage] / reference, "x")
        for name in works:
            yield Figure(2, f"{results} results: {name}", seconds[name] * 1000, "ms")


def _stages(pipeline: Pipeline, body: bytes) -> dict[str, Callable[[], object]]:
    """Each stage with what the one before it gives."""
    stages: dict[str, Callable[[], object]] = {}
    given: object = body
    for stage in STAGES:
        stages[stage] = partial(pipeline.stage, stage, given)
        given = stages[stage]()
    return stages


def spread(_: Runs) -> Iterator[Figure]:
    """Goal 3: how much longer than usual the slowest calls take at 100 kB, with and without the worker's collector."""
    pipeline = Pipeline()
    work = partial(pipeline.answer, request(pipeline.ground.knowledge, SIZES[1]))
    with serving():
        found = percentiles(work, CALLS)
    yield Figure(3, "p99 / p50, CPU time", found["cpu"], "x", 3.0)
    yield Figure(3, "p99 / p50, by the clock", found["wall"], "x")
    yield Figure(3, "p50, by the clock", found["p50"] * 1000, "ms")
    without = percentiles(work, CALLS)
    yield Figure(3, "p99 / p50, CPU time, default collector", without["cpu"], "x")


def start(_: Runs) -> Iterator[Figure]:
    """Goal 6: imports in fresh interpreters, what they load, and the way to the first answer."""
    seconds = imported("service.app", "flask")
    more = seconds["service.app"] - seconds["flask"]
    yield Figure(6, "CPU time: import service.app less import flask", more * 1000, "ms", 60)
    yield Figure(6, "CPU time: import flask", seconds["flask"] * 1000, "ms")
    yield Figure(6, f"modules loaded of {', '.join(FORBIDDEN)}", len(modules_of("service.app")), "", 0)
    body = request(Pipeline().ground.knowledge, SIZES[0])
    yield Figure(6, "start to first answer", first_answer(HOOK, body), "s", 0.4)


def growth(_: Runs) -> Iterator[Figure]:
    """Goal 8: four times the results cost about four times as much; junk is refused before any rule runs."""
    pipeline = Pipeline()
    knowledge = pipeline.ground.knowledge
    bodies = {f"{n} results": request(knowledge, n) for n in (100, 200, 400, 800)}
    bodies |= {f"{n} draws": request(knowledge, n, PANEL[:1], timedelta(days=1)) for n in (400, 1600)}
    with serving():
        seconds = cpu_seconds({name: partial(pipeline.answer, body) for name, body in bodies.items()})
    for fewer, more in ((100, 400), (200, 800)):
        ratio = seconds[f"{more} results"] / seconds[f"{fewer} results"]
        yield Figure(8, f"{more} results / {fewer} results", ratio, "x", LINEAR)
    ratio = seconds["1600 draws"] / seconds["400 draws"]
    yield Figure(8, "1600 draws / 400 draws, one result each", ratio, "x", LINEAR)
    for name in bodies:
        yield Figure(8, name, seconds[name] * 1000, "ms")
    yield from _refused()


def _refused() -> Iterator[Figure]:
    client = create_app(Settings(), lambda: AS_OF).test_client()
    for kind, body in junk().items():
        with patch("service.hooks.assess") as assess:
            started = perf_counter()
            status = client.post(HOOK, data=body, content_type="application/json").status_code
            seconds = perf_counter() - started
        yield Figure(8, f"2 MB of junk, {kind}: answered {status}", seconds * 1000, "ms")
        yield Figure(8, f"2 MB of junk, {kind}: assessments", assess.call_count + (status != 400), "", 0)


GOALS: Mapping[int, Measure] = {
    1: over_http.the_limit, 2: cost, 3: spread, 4: over_http.latency, 5: over_http.peer, 6: start, 7: over_http.memory,
    8: growth, 9: over_http.scaling, 10: remembering, 11: keeping,
}  # fmt: skip
LOADED = frozenset({1, 4, 5, 7, 9})  # need wrk
