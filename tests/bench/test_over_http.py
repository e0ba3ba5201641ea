"""The load over HTTP is made for real, at a small size; how fast an answer comes is no test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from bench import servers
from bench.figures import Figure, Runs
from bench.goals import GOALS, LOADED
from bench.load import REMEDY, has_wrk, load
from bench.over_http import NAMES, bodies
from bench.peer import NoPeer, interpreter
from bench.requests import PATIENT, SIZES
from bench.servers import Server

needs_wrk = pytest.mark.skipif(not has_wrk(), reason=REMEDY)  # apt-get installs it; ./cds test --all does so
SMALL = Runs(seconds=1, rounds=1, calls=100)
HERE, THERE = servers.cores()


@pytest.fixture(scope="module")
def echo() -> Iterator[Server]:
    with servers.echo(HERE) as server:
        yield server


@pytest.fixture(scope="module")
def service() -> Iterator[Server]:
    with servers.service(HERE) as server:
        yield server


def test_the_echo_answers_2_7_kB_whatever_it_is_asked_as_long_as_it_is_json(echo: Server) -> None:
    answers = {echo.answer(body) for body in (b"{}", *bodies().values())}
    assert [(status, len(answer)) for status, answer in answers] == [(200, 2700)]
    assert msgspec.json.decode(answers.pop()[1])["cards"] == []
    assert echo.answer(b"no JSON")[0] == 500


def test_the_service_answers_the_same_bodies_with_two_cards_that_it_keeps(service: Server) -> None:
    before = service.kept
    for body in bodies().values():
        status, answer = service.answer(body)
        assert (status, len(msgspec.json.decode(answer)["cards"])) == (200, 2)
    assert service.kept > before


def test_a_server_counts_the_processor_time_and_the_memory_of_all_its_processes(service: Server) -> None:
    parent, worker = service.processes
    assert parent == service.process
    before = service.cpu_seconds
    for _ in range(20):
        service.answer(bodies()[SIZES[1]])
    assert 0.02 < service.cpu_seconds - before < 5
    shares = [Server(0, "", one).megabytes for one in (parent, worker)]
    assert shares[0] == pytest.approx(service.megabytes, rel=0.1)  # a parent's processes are its children too
    assert 0 < shares[1] < shares[0]


@needs_wrk
@pytest.mark.parametrize("results", SIZES)
def test_echo_and_service_get_the_same_calls_and_answer_each_with_200(
    echo: Server, service: Server, results: int
) -> None:
    body = bodies()[results]
    for server in (echo, service):
        found = load(server, body, 1, THERE)
        assert found.not_200 == 0
        assert found.answers <= found.sent
        assert 0 < found.p50 <= found.p99
        assert 0 < found.cpu_seconds < 1


@needs_wrk
def test_each_call_is_about_a_new_patient_and_all_its_cards_are_kept(service: Server) -> None:
    found = load(service, bodies()[SIZES[0]], 1, THERE)
    assert found.kept == 2 * found.sent


@needs_wrk
def test_other_answers_than_200_are_counted(service: Server) -> None:
    found = load(service, b'{"about": "' + PATIENT.encode() + b'"}', 1, THERE)
    assert found.not_200 == found.answers > 0


@needs_wrk
def test_a_server_that_is_away_is_a_fault_or_counted(service: Server) -> None:
    port = servers.free_port()
    with pytest.raises(RuntimeError, match="wrk failed"):
        load(Server(port, "/", service.process), b"{}", 1, THERE)


def test_without_wrk_the_remedy_is_said(echo: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RuntimeError, match="apt-get install wrk"):
        load(echo, b"{}", 1, THERE)


BOUNDED = {  # of each goal: what has a bound, in the words of the table
    1: {f"{size}: CPU per request, service / bare echo": bound for size, bound in (("20 kB", 2.5), ("100 kB", 1.6))},
    4: {
        "20 kB, 8 connections: p99": 15.0,
        "100 kB, 8 connections: p99": 40.0,
        "20 kB, 64 connections: p99": 50.0,
    },
    7: {"one worker and its parent process, PSS": 60.0, "each further worker, PSS": 25.0},
    9: {"CPU per request, two workers / one": 1.1},
}


@needs_wrk
@pytest.mark.hostile
@pytest.mark.parametrize("goal", BOUNDED)
def test_a_goal_is_measured_with_the_bounds_of_the_table(goal: int) -> None:
    figures = [*GOALS[goal](SMALL)]
    assert {one.goal for one in figures} == {goal}
    found = {one.what: one.bound for one in figures if one.bound}
    assert BOUNDED[goal].items() <= found.items()
    assert all(one.value > 0 for one in figures if one.what in BOUNDED[goal])
    refused(figures)


@needs_wrk
@pytest.mark.hostile
def test_the_peer_answers_the_same_calls_on_dicts_and_on_objects() -> None:
    try:
        python = interpreter()
    except NoPeer as reason:
        pytest.skip(str(reason))  # a machine without a package index; the benchmark goes on without it too
    for way in ("plain", "objects"):
        with servers.healthchain(HERE, python, way) as server:
            status, answer = server.answer(bodies()[SIZES[0]])
            assert (status, len(msgspec.json.decode(answer)["cards"])) == (200, 2)
            assert 2600 < len(answer) < 2900
    figures = [*GOALS[5](SMALL)]
    bounds = {one.what: (one.bound, one.at_least) for one in figures if one.at_least}
    assert bounds == {
        f"{size}: CPU per request, HealthChain on {way} / service": (bound, True)
        for size in NAMES.values()
        for way, bound in (("dicts", 5.0), ("FHIR objects", 20.0))
    }
    refused(figures)


def refused(figures: list[Figure]) -> None:
    """Goals 1, 4 and 5 count answers but 200: none."""
    counts = [one.value for one in figures if one.what.endswith("answers but 200")]
    assert set(counts) <= {0}
    assert bool(counts) == (figures[0].goal in (1, 4, 5))


def test_goals_one_to_eleven_are_there_and_those_over_http_are_known_to_need_load() -> None:
    assert sorted(GOALS) == list(range(1, 12))
    assert {goal for goal, measure in GOALS.items() if measure.__module__ == "bench.over_http"} == LOADED
