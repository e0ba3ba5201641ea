"""A site: replicas on one database behind one proxy, and the traffic of an EHR that writes down what became of it."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

from nginx import Proxy
from posted import FEEDBACK, item, review
from servers import Server
from wire import HOOK, Running, environment, free_port

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = "from service.cli import main; main()"
CALLERS, EVERY = 3, 0.1  # seconds between the calls of one of them
NO_ANSWER = 0


def until(holds: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if holds():
                return True
        time.sleep(0.02)
    return False


class Replica:
    """`cds serve` with all its processes in a group of their own: they live and die together, as a container does."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.port, self._settings, self._log = free_port(), settings, folder / f"replica-{uuid4().hex[:8]}.log"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-c", PROGRAM, "serve", "--port", str(self.port), "--workers", "2"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=environment(**self._settings), stdout=log, stderr=log, start_new_session=True, text=True
            )
        self._running = Running(self.port, self._process)
        assert until(lambda: self.readiness() == "ok"), self._log.read_text("utf-8")

    @property
    def lives(self) -> bool:
        return self._process.poll() is None

    @property
    def process(self) -> int:
        return self._process.pid

    def readiness(self) -> str:
        said: str = self._running.ask("GET", "/readyz").json["status"]
        return said

    def term(self) -> None:
        """Ask it to stop, as an operator does."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        return self._process.wait(20)

    def signal(self, number: signal.Signals) -> None:
        """To all its processes."""
        os.killpg(self._process.pid, number)

    def end(self) -> None:
        """Whatever state it is in."""
        if self.lives:
            self.kill()

    def kill(self) -> None:
        """Until nothing of it is left."""
        self.signal(signal.SIGKILL)
        self._process.wait(20)
        assert until(lambda: not self._is_there()), "killed, and there all the same"

    def _is_there(self) -> bool:
        """Whether a process of the group lives: its parent gone, another takes care of a dead worker."""
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _, group = stat.read_text().rpartition(") ")[2].split()[:3]
                if int(group) == self._process.pid and state not in "ZX":
                    return True
        return False


@dataclass(frozen=True)
class Site:
    """All of it, on this machine."""

    database: Server
    url: str
    replicas: list[Replica]
    proxy: Proxy


def upstream(replicas: list[Replica]) -> dict[str, str]:
    """What docs/operations.md says to change in deploy/nginx.conf for replicas, with those of this machine."""
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    (block,) = re.findall(r"```nginx\n(upstream .*?)```", text, re.DOTALL)
    for number, replica in enumerate(replicas, 1):
        assert f"server cds-{number}:8080 " in block
        block = block.replace(f"cds-{number}:8080", f"127.0.0.1:{replica.port}")
    return {
        "    server {": f"{block}\n    server {{",
        "set $service http://cds:8080;": "",
        "proxy_pass $service;": "proxy_pass http://replicas;",
    }


@dataclass(frozen=True)
class Asked:
    """A request and what became of it."""

    kind: str  # call | feedback
    began: float  # monotonic
    ended: float
    status: int  # NO_ANSWER: the connection broke
    cards: int = 0
    told: tuple[str, ...] = ()  # ids of the cards that the feedback is about
    after: str = ""  # Retry-After

    def overlaps(self, began: float, ended: float) -> bool:
        return self.began <= ended and began <= self.ended


@dataclass
class Traffic:
    """Calls at a steady pace, each of a new patient, and feedback on the cards that come."""

    proxy: Proxy
    asked: list[Asked] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _shown: queue.SimpleQueue[str | None] = field(default_factory=queue.SimpleQueue)

    def of(self, kind: str, since: float = 0) -> list[Asked]:
        return [one for one in self.asked if one.kind == kind and one.began >= since]

    def statuses(self, kind: str, since: float = 0) -> Counter[int]:
        return Counter(one.status for one in self.of(kind, since))

    def told(self, status: int = 200) -> set[str]:
        """Cards whose feedback got this status."""
        return {card for one in self.of("feedback") if one.status == status for card in one.told}

    @contextmanager
    def going(self) -> Iterator[Traffic]:
        """While callers call; those that wait for an answer at the end get it."""
        callers = [threading.Thread(target=self._call, args=(EVERY * n / CALLERS,)) for n in range(CALLERS)]
        teller = threading.Thread(target=self._tell)
        for thread in (*callers, teller):
            thread.start()
        try:
            yield self
        finally:
            self._over.set()
            for thread in callers:
                thread.join(60)
            self._shown.put(None)
            teller.join(60)

    def _call(self, late: float) -> None:
        line, due = Line(self.proxy), time.monotonic() + late
        while not self._over.wait(max(0.0, due - time.monotonic())):
            due = max(due + EVERY, time.monotonic())
            self.asked.append(self._shown_by(line.ask("call", HOOK, review(whose=f"p-{uuid4()}"))))
        line.close()

    def _shown_by(self, answer: tuple[Asked, Any]) -> Asked:
        asked, said = answer
        found = said["cards"] if asked.status == 200 else []
        for card in found:
            self._shown.put(card["uuid"])
        return Asked(asked.kind, asked.began, asked.ended, asked.status, len(found))

    def _tell(self) -> None:
        line = Line(self.proxy)
        while card := self._shown.get():
            self._tell_of([card], line)
        line.close()

    def tell_again(self) -> int:
        """Send all feedback that was put off once more, as one batch; its status."""
        line = Line(self.proxy)
        status = self._tell_of(sorted(self.told(503)), line)
        line.close()
        return status

    def _tell_of(self, cards: list[str], line: Line) -> int:
        asked, _ = line.ask("feedback", FEEDBACK, {"feedback": [item(card) for card in cards]}, tuple(cards))
        self.asked.append(asked)
        return asked.status


class Line:
    """A connection to the proxy that is kept, as EHRs do, and opened anew when it breaks."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy, self._wire = proxy, proxy.connection()

    def ask(self, kind: str, path: str, body: object, told: tuple[str, ...] = ()) -> tuple[Asked, Any]:
        began = time.monotonic()
        try:
            self._wire.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            answer = self._wire.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            self.close()
            self._wire = self._proxy.connection()
            return Asked(kind, began, time.monotonic(), NO_ANSWER, told=told), None
        asked = Asked(
            kind, began, time.monotonic(), answer.status, told=told, after=answer.getheader("Retry-After", "")
        )
        return asked, json.loads(said) if answer.status == 200 else None

    def close(self) -> None:
        self._wire.close()
