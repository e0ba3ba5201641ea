"""One thread that does what it is asked, in turn, and hands it over with a lock alone.

In: functions. Out: what they give, to who waits. concurrent.futures does the same for twice the time: half of the tenth
that the memory may add to an answer would go into its Future. The thread starts when it is first asked, so that
a process may fork before; what is waiting when the process ends is done then.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from multiprocessing.util import Finalize
from queue import SimpleQueue
from typing import Generic, TypeVar

Found = TypeVar("Found")


class TooLate(Exception):
    """It was not ready in time: it is done later."""


class Closed(Exception):
    """The thread takes nothing any more."""


class Asked(Generic[Found]):
    """Something asked of the thread, for one who waits for it."""

    def __init__(self, do: Callable[[], Found], late: Callable[[BaseException], object]) -> None:
        self._do, self._late, self._given_up = do, late, False
        self._done = threading.Lock()
        self._done.acquire()
        self._found: Found
        self._fault: BaseException | None = None

    def result(self, seconds: float) -> Found:
        """What it gave, or the fault that it raised; TooLate when it takes longer."""
        if not self._done.acquire(timeout=seconds):
            self._given_up = True
            if not self._done.acquire(blocking=False):  # it may have been done between the two
                raise TooLate
        if self._fault is not None:
            raise self._fault
        return self._found

    def __call__(self) -> None:
        """Do it. A fault is for who waits; when he has gone, for `late`."""
        try:
            self._found = self._do()
        except BaseException as fault:  # noqa: BLE001  raised where it is waited for
            self._fault = fault
        self._done.release()
        if self._fault is not None and self._given_up:
            self._late(self._fault)


class Worker:
    """The thread and what waits for it."""

    def __init__(self, name: str) -> None:
        self._name, self._lock, self._closed = name, threading.Lock(), False
        self._queue = SimpleQueue[Callable[[], object] | None]()
        self._thread: threading.Thread | None = None
        self._end: Callable[[], object] = _nothing

    def put(self, do: Callable[[], object]) -> None:
        """Have something done, which catches its faults itself; Closed after `close`."""
        if self._thread is None or self._closed:
            self._start()
        self._queue.put(do)

    def _start(self) -> None:
        with self._lock:
            if self._closed:
                raise Closed
            if self._thread is None:
                thread = threading.Thread(target=_work, args=(self._queue,), name=self._name, daemon=True)
                thread.start()
                # Not atexit: a worker process ends without it.
                self._end = Finalize(self, _finish, (self._queue, thread), exitpriority=1)
                self._thread = thread

    def close(self) -> None:
        """Wait until all is done that was asked."""
        with self._lock:
            self._closed = True
        self._end()


def _work(queue: SimpleQueue[Callable[[], object] | None]) -> None:
    while (do := queue.get()) is not None:
        do()
        del do  # what it holds is not kept until the next comes
    while not queue.empty():  # what put itself off
        if do := queue.get():
            do()


def _finish(queue: SimpleQueue[Callable[[], object] | None], thread: threading.Thread) -> None:
    queue.put(None)
    if thread is not threading.current_thread():  # which may be the one that drops the last of what it worked for
        thread.join()


def _nothing() -> None:
    """The thread was never needed."""
