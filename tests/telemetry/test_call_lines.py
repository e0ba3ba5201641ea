"""The log line of a call over the wire: ids in and out, what it says, what it never says."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from requests_of import CANARY, call
from test_canaries import CALLS
from test_life_cycle import until
from wire import HOOK, Reply, Running, environment, free_port, start, stop

from service.telemetry.logs import KEYS

Json = dict[str, Any]
INSTANCE = "5f1c2a34-0f4e-4b55-9f0a-8a4f3c1d7b10"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
# Header sent, whether it is taken over as the id of the request.
IDS = [
    ("5f1c2a34-0f4e-4b55-9f0a-8a4f3c1d7b11", True),
    ("0123456789abcdef0123456789abcdef", True),
    ("FEDCBA9876543210FEDCBA9876543210", True),
    ("0123456789abcdef0123456789abcdef0", False),
    ("0123456789abcdef-0123-456789abcdef", False),
    ("Doe-Jane-1980-01-01", False),
    ("patient-1", False),
    ("", False),
]
TRACES = [
    (f"00-{TRACE}-00f067aa0ba902b7-01", TRACE),
    (f"01-{TRACE}-00f067aa0ba902b7-01-more", TRACE),
    (f"ff-{TRACE}-00f067aa0ba902b7-01", ""),
    (f"00-{'0' * 32}-00f067aa0ba902b7-01", ""),
    (f"00-{TRACE}-{'0' * 16}-01", ""),
    (f"00-{TRACE.upper()}-00f067aa0ba902b7-01", ""),
    (f"00-{TRACE}-00f067aa0ba902b7", ""),
    (CANARY, ""),
]


def lines_of(printed: str) -> list[Json]:
    return [json.loads(line) for line in printed.splitlines() if line.startswith("{")]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Reply], list[Json]]:
    """Answers to calls with each id, each trace, then to those with canaries; the lines of the log."""
    folder = tmp_path_factory.mktemp("lines")
    running = start(
        free_port(), CDS_LOG="json", CDS_LOG_LEVEL="info", CDS_DATABASE_URL=f"sqlite:///{folder}/store.sqlite"
    )
    replies = [posted(running, X_Request_Id=given) for given, _ in IDS]
    replies += [posted(running, Traceparent=given) for given, _ in TRACES]
    replies += [running.post(path, value) for path, value in CALLS]
    running.ask("GET", "/livez")
    running.ask("GET", "/cds-services")
    status, printed = stop(running)
    assert status == 0
    return replies, lines_of(printed)


def posted(running: Running, **headers: str) -> Reply:
    return running.ask("POST", HOOK, json.dumps(call()).encode(), Content_Type="application/json", **headers)


def line_of(reply: Reply, lines: list[Json]) -> Json:
    """The line of the request that this answers: there is one."""
    own = [one for one in lines if one.get("request_id") == reply.headers["X-Request-Id"] and "outcome" in one]
    (line,) = own
    return line


def test_a_line_says_what_a_call_was_and_what_came_of_it(told: tuple[list[Reply], list[Json]]) -> None:
    replies, lines = told
    line = dict(line_of(replies[0], lines))
    times = [line.pop(name) for name in ("ms", "judge_ms", "store_ms")]
    assert times[0] >= times[1] > 0
    assert line.pop("timestamp").endswith("Z") and line.pop("knowledge")
    assert line.pop("keys_missing") > 5 and isinstance(line.pop("gaps"), int)
    assert line == {
        "level": "info", "event": "call", "request_id": IDS[0][0], "hook_instance": INSTANCE,
        "service": "neutropenia-review", "status": 200, "outcome": "answered", "cards": 0, "held_back": 0,
    }  # fmt: skip


@pytest.mark.parametrize("number", range(len(IDS)))
def test_the_id_of_a_request_is_taken_over_when_it_is_a_uuid(told: tuple[list[Reply], list[Json]], number: int) -> None:
    (given, taken), answered = IDS[number], told[0][number].headers["X-Request-Id"]
    assert answered == given.lower() if taken else uuid.UUID(answered)
    assert (answered == given.lower()) == taken
    assert line_of(told[0][number], told[1])


@pytest.mark.parametrize("number", range(len(TRACES)))
def test_the_trace_of_the_caller_is_in_the_line(told: tuple[list[Reply], list[Json]], number: int) -> None:
    line = line_of(told[0][len(IDS) + number], told[1])
    assert line.get("trace_id", "") == TRACES[number][1]


def test_every_call_has_a_line_and_no_line_has_a_value(told: tuple[list[Reply], list[Json]]) -> None:
    replies, lines = told
    calls = [(reply, path) for reply, (path, _) in zip(replies[-len(CALLS) :], CALLS, strict=True)]
    told_of = [(reply, path) for reply, path in calls if path.startswith(("/cds-services", "/assess"))]
    assert len(told_of) > 30
    for reply, path in told_of:
        line = line_of(reply, lines)
        assert line["status"] == reply.status
        assert ("service" in line) == (path in (HOOK, *SERVICES))
    assert CANARY not in str(lines)
    assert {key for line in lines for key in line} <= set(KEYS)


SERVICES = ("/cds-services/neutropenia-order-select", "/cds-services/neutropenia-order-sign")


def test_what_is_no_call_has_no_line(told: tuple[list[Reply], list[Json]]) -> None:
    assert {line["event"] for line in told[1] if "outcome" in line} == {"call", "assess"}


@pytest.mark.parametrize(("level", "levels"), [("debug", {"debug", "info"}), ("warning", set())])
def test_the_level_is_that_of_the_setting(level: str, levels: set[str]) -> None:
    running = start(free_port(), CDS_LOG="json", CDS_LOG_LEVEL=level)
    running.post(HOOK, call())
    assert {line["level"] for line in lines_of(stop(running)[1])} == levels


def test_a_refused_caller_has_a_line_without_a_name(tmp_path: Path) -> None:
    clients = tmp_path / "clients.toml"
    clients.write_text('[[client]]\nname = "a"\nissuer = "urn:a"\njku = "https://a.example/jwks"\n')
    where = {"CDS_CLIENTS": str(clients), "CDS_DATABASE_URL": f"sqlite:///{tmp_path}/store.sqlite"}
    running = start(
        free_port(), CDS_LOG="json", CDS_LOG_LEVEL="info", CDS_PUBLIC_BASE_URL="https://cds.example.org", **where
    )
    reply = running.ask("POST", HOOK, b"{}", Content_Type="application/json", Authorization=f"Bearer {CANARY}")
    lines = lines_of(stop(running)[1])
    line = line_of(reply, lines)
    assert (line["status"], line["outcome"], line["service"]) == (401, "not-admitted", "neutropenia-review")
    assert "client" not in line and CANARY not in str(lines)


def test_on_a_terminal_a_line_is_for_people() -> None:
    """Standard error of a real one; elsewhere it is JSON (`told`, which has CDS_LOG, and scripts/container-smoke)."""
    terminal, inside = pty.openpty()
    port = free_port()
    command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--port", str(port)]
    given = environment(CDS_LOG_LEVEL="info", TERM="xterm")
    process = subprocess.Popen(command, env=given, stdout=subprocess.DEVNULL, stderr=inside, text=True)
    os.close(inside)
    running = Running(port, process)
    try:
        assert until(lambda: running.post(HOOK, call()).status == 200, 30)
        said = plain(os.read(terminal, 4096).decode())
    finally:
        process.terminate()
        process.wait(15)
        os.close(terminal)
    assert re.match(r"\d\d:\d\d:\d\d \[info *\] call ", said), said
    assert "service=neutropenia-review status=200 outcome=answered" in said
    assert len(said.splitlines()) == 1 and "{" not in said and CANARY not in said


def plain(shown: str) -> str:
    """Without colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)


def test_the_line_in_the_documentation_has_the_keys_of_a_call() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text("utf-8")
    shown = json.loads(text.partition("## Logs\n")[2].partition("```json\n")[2].partition("```")[0])
    assert list(shown) == [key for key in KEYS if key not in ("logger", "fetch_ms")]
