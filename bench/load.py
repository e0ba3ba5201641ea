"""Load over HTTP by wrk, one patient after the other, and what it costs the server.

In: a Server and a body. Out: Loaded. RuntimeError when wrk is missing or fails.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from functools import partial
from itertools import count
from pathlib import Path

import msgspec

from bench.requests import PATIENT
from bench.servers import Server

__all__ = ["REMEDY", "Loaded", "has_wrk", "load"]

SCRIPT = Path(__file__).with_name("wrk.lua")
REMEDY = "wrk, which makes the load, is missing: install it (Debian, Ubuntu: apt-get install wrk)"
APART = 10_000_000  # patients between one run and the next
_runs = count(1)


class _Said(msgspec.Struct, frozen=True):
    """What wrk.lua prints."""

    sent: int  # more than there are answers: wrk does not wait for the last ones
    answers: int
    seconds: float
    p50: float
    p99: float
    other: int
    broken: int


class Loaded(msgspec.Struct, frozen=True):
    """A run: how many calls and answers in how many seconds, how long they took, and what each cost."""

    sent: int
    answers: int
    seconds: float
    p50: float
    p99: float
    not_200: int  # other answers, and calls without one
    cpu_seconds: float  # per call, with what was done behind it
    kept: int  # cards that the store has more


def has_wrk() -> bool:
    """Whether the load can be made."""
    return shutil.which("wrk") is not None


def load(server: Server, body: bytes, seconds: int, on: set[int], connections: int = 8) -> Loaded:
    """Call for so many seconds, from cores of one's own."""
    before, kept = server.cpu_seconds, server.kept
    said = _wrk(server, body, seconds, on, connections)
    server.calm_down()
    used = server.cpu_seconds - before
    not_200 = said.other + said.broken
    return Loaded(
        said.sent, said.answers, said.seconds, said.p50, said.p99, not_200, used / said.sent, server.kept - kept
    )


def _wrk(server: Server, body: bytes, seconds: int, on: set[int], connections: int) -> _Said:
    if not has_wrk():
        raise RuntimeError(REMEDY)
    with tempfile.NamedTemporaryFile(prefix="cds-bench-") as file:
        file.write(body.replace(PATIENT.encode(), b"\0"))
        file.flush()
        how = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
        first = str(next(_runs) * APART)
        command = ["wrk", *how, f"http://127.0.0.1:{server.port}{server.path}", "--", file.name, first]
        pinned = partial(os.sched_setaffinity, 0, on)
        done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=pinned)
    if done.returncode:
        raise RuntimeError(f"wrk failed: {done.stderr.strip() or done.stdout.strip()}")
    return msgspec.json.decode(done.stdout.strip().rpartition("\n")[2], type=_Said)
