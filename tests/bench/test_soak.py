"""The soak, short: that it runs through, and that it can tell."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.soak import ROLLUP, Held, faults

ROOT = Path(__file__).resolve().parents[2]
WARM = {1: Held(60.0, 9), 2: Held(70.0, 27)}
MOST = 5.0

on_linux = pytest.mark.skipif(not ROLLUP.exists(), reason="memory is read from /proc of Linux")


def soaked(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench.soak", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


@pytest.mark.hostile
@on_linux
def test_a_short_one_finds_that_nothing_grows() -> None:
    # The bound is wider than it should be: after so few calls a worker may still get a larger heap once.
    done = soaked("--calls", "3000", "--warm-up", "1500", "--workers", "1", "--most", "10")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()[1:6]] == ["warm", "1/4", "2/4", "3/4", "end"]
    assert "worker 1" in done.stdout.splitlines()[0]
    assert "by status 200: " in done.stdout.splitlines()[-1]


@pytest.mark.hostile
@on_linux
def test_it_ends_with_1_when_memory_is_not_within_its_bound() -> None:
    done = soaked("--calls", "20", "--warm-up", "10", "--workers", "1", "--most=-1000")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "more than -1000" in done.stdout


def test_what_stays_as_it_is_has_no_fault() -> None:
    assert faults([WARM, {1: Held(64.9, 9), 2: Held(70.0, 26)}], {200: 10}, MOST) == []


@pytest.mark.parametrize(
    ("end", "statuses", "fault"),
    [
        ({2: Held(75.1, 27)}, {}, "process 2 grew by 5.1 MB, more than 5"),
        ({1: Held(60.0, 10)}, {}, "process 1 has 1 descriptors more"),
        ({}, {503: 2}, "2 answers with status 503"),
    ],
)
def test_what_grows_or_fails_is_named(end: dict[int, Held], statuses: dict[int, int], fault: str) -> None:
    assert faults([WARM, WARM, WARM | end], {200: 10, **statuses}, MOST) == [fault]


def test_a_worker_that_was_replaced_is_no_smaller_one() -> None:
    assert faults([WARM, {1: WARM[1], 3: WARM[2]}, WARM], {200: 10}, MOST) == ["a worker died and was replaced"]
