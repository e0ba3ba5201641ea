"""What requests are answered with, and what belongs to the one in hand."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import msgspec
from flask import g

from cds_hooks.services import Service
from service import auth, hooks, telemetry
from service.callers import Caller
from service.ground import Ground
from service.memory import Memory
from service.settings import Settings
from service.web.telling import Telling

log = logging.getLogger("service")
encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class Parts:
    """Made once at the start."""

    settings: Settings
    clock: Callable[[], datetime]
    ground: Ground
    services: dict[str, tuple[Service, hooks.Hook]]
    memory: Memory | None
    gate: auth.Gate | None  # None: whoever reaches the service may call
    anyone: Caller  # who calls without a token
    telling: Telling

    def now(self) -> datetime:
        """This instant in the time zone of the site."""
        return self.clock().astimezone(self.ground.site.zone)


def caller(parts: Parts) -> Caller:
    """Who sent the request in hand."""
    found: Caller = g.get("caller", parts.anyone)
    return found


def request_id() -> str:
    """The id that joins the log lines of one request with its answer (X-Request-Id)."""
    return telemetry.in_hand().request_id
