"""granian, so that SIGTERM takes the service out of use before it stops it.

At SIGTERM the workers are told that they are not ready (SIGUSR1): whoever asks /readyz goes elsewhere, while calls that
come are answered. After `drain_seconds`, at a second SIGTERM or at SIGINT they stop: running calls finish. granian puts
a new worker in the place of one that died; one that dies again within seconds ends the service with exit status 1.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from multiprocessing import active_children
from threading import Thread
from time import monotonic, sleep
from typing import Any, Final

from granian.server import MPServer

NotReady: Final = signal.SIGUSR1
AGAIN: Final = 0.2  # seconds


class Draining(MPServer):
    """The parent process of the workers."""

    drain_seconds = 0.0
    _drain: Thread | None = None
    _process = 0

    def startup(self, *given: Any, **named: Any) -> None:
        """Start the workers; one that is told too early that it is not ready does not die of it."""
        self._process = os.getpid()
        signal.signal(NotReady, signal.SIG_IGN)
        super().startup(*given, **named)  # type: ignore[no-untyped-call]  # granian has no types there

    def signal_handler_interrupt(self, *received: Any, **named: Any) -> None:
        """What a signal does that asks this process to stop; a worker has it until it can take calls."""
        if os.getpid() != self._process:
            os._exit(0)
        if received[:1] != (signal.SIGTERM,) or not self.drain_seconds or self._drain:
            super().signal_handler_interrupt()  # type: ignore[no-untyped-call]  # granian has no types there
            return
        self._drain = Thread(target=self._take_out_of_use, daemon=True)
        self._drain.start()

    def _take_out_of_use(self) -> None:
        """Tell all workers that they are not ready, again and again: new ones too, and one that was about to sleep."""
        until = monotonic() + self.drain_seconds
        while (left := until - monotonic()) > 0 and not self.interrupt_signal:
            for child in active_children():
                if child.pid:
                    with suppress(ProcessLookupError):
                        os.kill(child.pid, NotReady)
            sleep(min(left, AGAIN))
        super().signal_handler_interrupt()  # type: ignore[no-untyped-call]  # granian has no types there
