"""The thread of the store: faults reach who waits, what is late is done, and what waits at the end is done then."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from service.store.worker import Asked, Closed, TooLate, Worker


def test_what_was_asked_is_handed_over_and_its_fault_raised() -> None:
    worker, late = Worker("t"), list[BaseException]()
    good, bad = Asked(lambda: 7, late.append), Asked(lambda: 1 // 0, late.append)
    for one in (good, bad):
        worker.put(one)
    assert good.result(5) == 7
    with pytest.raises(ZeroDivisionError):
        bad.result(5)
    worker.close()
    assert late == [], "who waited knows"


def test_what_is_not_ready_in_time_is_done_all_the_same_and_its_fault_told() -> None:
    worker, late, go = Worker("t"), list[BaseException](), threading.Event()
    done = []

    def slow() -> None:
        go.wait(5)
        done.append(1)
        raise OSError

    asked = Asked(slow, late.append)
    worker.put(asked)
    with pytest.raises(TooLate):
        asked.result(0.01)
    go.set()
    worker.close()
    assert done == [1]
    assert [type(one) for one in late] == [OSError]


def test_things_are_done_in_turn_and_none_after_the_end() -> None:
    worker, done = Worker("t"), list[int]()
    for number in range(100):
        worker.put(lambda number=number: done.append(number))  # type: ignore[misc]  # mypy infers no lambda's default
    worker.close()
    assert done == list(range(100))
    with pytest.raises(Closed):
        worker.put(lambda: None)
    Worker("never asked").close()


def leave(file: Path) -> None:
    """Ask for something that takes a while, which asks again, and go."""
    worker, left = Worker("t"), threading.Event()

    def again() -> None:
        left.wait(0.2)
        worker.put(lambda: file.write_text("done", "utf-8") and None)

    worker.put(again)


def test_what_waits_when_a_process_ends_is_done(tmp_path: Path) -> None:
    child = multiprocessing.get_context("fork").Process(target=leave, args=(tmp_path / "child",))
    child.start()
    child.join(10)
    assert (child.exitcode, (tmp_path / "child").read_text("utf-8")) == (0, "done")
    program = f"from test_worker import leave; from pathlib import Path; leave(Path({str(tmp_path / 'main')!r}))"
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent, check=True, timeout=20)
    assert (tmp_path / "main").read_text("utf-8") == "done"
