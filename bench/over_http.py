"""The performance goals that need load over HTTP: `cds serve` with the whole knowledge, and the store on.

In: how long to run. Out: Figures. Programs that are compared take turns in one run, each pinned to the same core, with
wrk on the other; CPU time is that of all processes of a program, with what is done behind the answers.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from statistics import median

import msgspec

from bench import servers
from bench.figures import Figure, Runs
from bench.load import Loaded, load
from bench.peer import NoPeer, interpreter
from bench.requests import SIZES, request
from bench.servers import Server
from service.clinical.knowledge import load as load_knowledge

__all__ = ["bodies", "latency", "memory", "peer", "scaling", "the_limit"]

CARDS = 2
LONGER = 3  # times as long a run for what only a run in a hundred shows
NAMES = dict(zip(SIZES, ("20 kB", "100 kB"), strict=True))
Start = Callable[[set[int]], AbstractContextManager[Server]]

log = logging.getLogger("bench")


def bodies() -> dict[int, bytes]:
    """The reference requests of today, by their number of results."""
    knowledge, newest = load_knowledge("nice-ng239"), datetime.now(UTC) - timedelta(hours=2)
    return {results: request(knowledge, results, newest=newest) for results in SIZES}


def the_limit(runs: Runs) -> Iterator[Figure]:
    """Goal 1: CPU time per request against a bare WSGI application that parses the same body."""
    bounds = dict(zip(SIZES, (2.5, 1.6), strict=True))
    for results, found in _compared({"service": servers.service, "echo": servers.echo}, runs).items():
        size, cpu = NAMES[results], _cpu(found)
        what = f"{size}: CPU per request, service / bare echo"
        yield Figure(1, what, cpu["service"] / cpu["echo"], "x", bounds[results])
        for name in found:
            yield Figure(1, f"{size}: CPU per request, {name}", cpu[name] * 1000, "ms")
        yield Figure(1, f"{size}: answers but 200", sum(one.not_200 for some in found.values() for one in some), "", 0)
        kept = sum(one.kept for one in found["service"]) / sum(one.sent * CARDS for one in found["service"])
        yield Figure(1, f"{size}: cards kept in the store, of those found", kept * 100, "%")


def latency(runs: Runs) -> Iterator[Figure]:
    """Goal 4: how long one worker takes, by the clock."""
    here, there = servers.cores()
    with servers.service(here) as server:
        for results, connections, bound in ((SIZES[0], 8, 15), (SIZES[1], 8, 40), (SIZES[0], 64, 50)):
            name = f"{NAMES[results]}, {connections} connections"
            log.info("goal 4: %s", name)
            _warm_up(server, bodies()[results], there)
            one = load(server, bodies()[results], runs.seconds * LONGER, there, connections)
            yield Figure(4, f"{name}: p99", one.p99 * 1000, "ms", bound)
            yield Figure(4, f"{name}: p99 / p50", one.p99 / one.p50, "x")
            yield Figure(4, f"{name}: answers a second", one.answers / one.seconds, "/s")
            yield Figure(4, f"{name}: answers but 200", one.not_200, "", 0)


def peer(runs: Runs) -> Iterator[Figure]:
    """Goal 5: CPU time per request of HealthChain with one simple rule against ours with all."""
    try:
        python = interpreter()
    except NoPeer as reason:
        log.warning("goal 5 is not measured: %s", reason)
        return
    ways = {"plain": 5.0, "objects": 20.0}
    starts: dict[str, Start] = {"service": servers.service}
    starts |= {way: partial(servers.healthchain, python=python, way=way) for way in ways}
    names = {"plain": "HealthChain on dicts", "objects": "HealthChain on FHIR objects"}
    for results, found in _compared(starts, runs).items():
        size, cpu = NAMES[results], _cpu(found)
        for way, bound in ways.items():
            what = f"{size}: CPU per request, {names[way]} / service"
            yield Figure(5, what, cpu[way] / cpu["service"], "x", bound, at_least=True)
        for way in ways:
            yield Figure(5, f"{size}: CPU per request, {names[way]}", cpu[way] * 1000, "ms")
        yield Figure(5, f"{size}: answers but 200", sum(one.not_200 for some in found.values() for one in some), "", 0)


def memory(runs: Runs) -> Iterator[Figure]:
    """Goal 7: memory of all processes, what they share counted once; and whether it grows with the calls."""
    here, there = servers.cores()
    found = {}
    for workers in (1, 3):
        log.info("goal 7: memory with %d workers", workers)
        with servers.service(here | there, workers) as server:
            _calls(server, runs.calls // 2, there)
            found[workers] = server.megabytes
            if workers == 1:
                alone = replace(server, process=server.processes[1]).megabytes
                log.info("goal 7: memory over %d calls", runs.calls)
                made = runs.calls // 2 + _calls(server, runs.calls - runs.calls // 2, there)
                grown = server.megabytes - found[1]
    yield Figure(7, "one worker and its parent process, PSS", found[1], "MB", 60)
    yield Figure(7, "that worker alone, PSS", alone, "MB")
    yield Figure(7, "each further worker, PSS", (found[3] - found[1]) / 2, "MB", 25)
    yield Figure(7, f"growth from the {runs.calls // 2:,}th to the {made:,}th call", grown, "MB", 5)


def scaling(runs: Runs) -> Iterator[Figure]:
    """Goal 9: two workers cost as much a request as one; no process is pinned."""
    here, there = servers.cores()
    everywhere = here | there
    starts: dict[str, Start] = {
        "one worker": lambda _: servers.service(everywhere, 1),
        "two workers": lambda _: servers.service(everywhere, 2),
    }
    found = _compared(starts, runs, everywhere, SIZES[:1])[SIZES[0]]
    cpu, speed = _cpu(found), {name: median(one.answers / one.seconds for one in some) for name, some in found.items()}
    yield Figure(9, "CPU per request, two workers / one", cpu["two workers"] / cpu["one worker"], "x", 1.1)
    yield Figure(9, "answers a second, two workers / one", speed["two workers"] / speed["one worker"], "x")
    for name in found:
        yield Figure(9, f"answers a second, {name}", speed[name], "/s")


def _compared(
    starts: Mapping[str, Start], runs: Runs, load_on: set[int] | None = None, sizes: tuple[int, ...] = SIZES
) -> dict[int, dict[str, list[Loaded]]]:
    """Runs of each program with each body; all are up at the same time and take turns, the others idle."""
    here, there = servers.cores()
    on, asked = load_on or there, bodies()
    found: dict[int, dict[str, list[Loaded]]] = {size: {name: [] for name in starts} for size in sizes}
    with ExitStack() as until_the_end:
        up = {name: until_the_end.enter_context(start(here)) for name, start in starts.items()}
        for server in up.values():
            _warm_up(server, asked[SIZES[0]], on)
        for turn in range(runs.rounds):
            for size in sizes:
                for name, server in up.items():
                    log.info("%s, %s: round %d of %d", name, NAMES[size], turn + 1, runs.rounds)
                    found[size][name].append(load(server, asked[size], runs.seconds, on))
    return found


def _warm_up(server: Server, body: bytes, on: set[int]) -> None:
    """A second of load; RuntimeError when the answer is not what is to be measured."""
    status, answer = server.answer(body)
    if status != 200 or (server.store and len(msgspec.json.decode(answer)["cards"]) != CARDS):
        raise RuntimeError(f"the reference request is answered {status}, or not with {CARDS} cards")
    load(server, body, 1, on)


def _calls(server: Server, number: int, on: set[int]) -> int:
    """Make at least so many calls; how many it were."""
    made, body = 0, bodies()[SIZES[0]]
    while made < number:
        made += load(server, body, 5 if number - made > 1000 else 1, on).answers
    return made


def _cpu(found: Mapping[str, list[Loaded]]) -> dict[str, float]:
    return {name: median(one.cpu_seconds for one in some) for name, some in found.items()}
