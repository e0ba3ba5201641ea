"""GET /readyz: whether requests should come here. 200 with what is in force, or 503 with one word for why not.

    store       the database cannot be written          draining    the service was told to stop

That the knowledge is loaded needs no look: without it there is no application. The store is looked at once a second at
most, for half a second at most; one that takes longer is not ready.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from functools import partial
from time import monotonic
from typing import Final

from flask import Flask, Response

import service
from service.store import StoreDown
from service.web.bodies import JSON
from service.web.parts import Parts, encode

KEPT: Final = 1.0  # seconds for which an answer holds
PATIENCE: Final = 0.5


class Readiness:
    """Whether this process is ready."""

    def __init__(self, check: Callable[[], None] | None) -> None:
        self._check, self._draining = check, False
        self._lock, self._looker = threading.Lock(), ThreadPoolExecutor(1, "readiness")
        self._asked: Future[None] | None = None
        self._found, self._until = "ok", 0.0

    def drain(self) -> None:
        """Be not ready from now on."""
        self._draining = True

    def let_go(self, answer: Response) -> Response:
        """While draining, each answer is the last on its connection: a proxy that keeps some for later opens them
        elsewhere, and has none left on which it sends a call just as the service stops.
        """
        if self._draining:
            answer.headers["Connection"] = "close"
        return answer

    def answer(self) -> str:
        """ok | store | draining"""
        if self._draining:
            return "draining"
        if self._check is None:
            return "ok"
        with self._lock:
            if monotonic() >= self._until:
                self._found = self._look(self._check)
                self._until = monotonic() + KEPT
            return self._found

    def _look(self, check: Callable[[], None]) -> str:
        """Look at the store; while an earlier look goes on there is no second one."""
        asked = self._asked or self._looker.submit(check)
        self._asked = None
        try:
            asked.result(PATIENCE)
        except StoreDown:
            return "store"
        except TooLate:
            self._asked = asked
            return "store"
        return "ok"


def add_readiness(app: Flask, parts: Parts) -> Readiness:
    """Its route."""
    ready = Readiness(parts.memory.store.check if parts.memory else None)
    knowledge = parts.ground.knowledge
    in_force = {"version": knowledge.version, "profile": knowledge.profile}
    said = encode({"status": "ok", "version": service.__version__, "knowledge": in_force})
    app.add_url_rule("/readyz", "/readyz", partial(_answer, parts, ready, said))
    app.after_request(ready.let_go)
    return ready


def _answer(parts: Parts, ready: Readiness, said: bytes) -> Response:
    found = ready.answer()
    parts.telling.ready(found)
    if found == "ok":
        return Response(said, mimetype=JSON)
    return Response(encode({"status": found}), 503, {"Retry-After": "5"}, mimetype=JSON)
