"""Log lines: every record of this process in one form, with the keys that are allowed and no others.

In: records of `logging`. Out: a line each on standard error, JSON for machines or text for people. Records of other
libraries lose their message, which may hold an address or a value: their logger and level stay.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, Literal, TextIO

import msgspec
import structlog
from structlog.processors import TimeStamper
from structlog.stdlib import ExtraAdder, ProcessorFormatter

from service.telemetry import in_hand

Form = Literal["json", "text"]
Event = MutableMapping[str, Any]

# In the order in which they are written. What is in none of them is dropped.
KEYS = (
    "timestamp", "level", "event", "logger",
    "request_id", "trace_id", "hook_instance", "client", "tenant", "service", "status", "outcome",
    "ms", "judge_ms", "fetch_ms", "store_ms", "cards", "held_back", "gaps", "keys_missing", "knowledge",
)  # fmt: skip
_OURS, SERVER = "service", "_granian"
WITHHELD = "a message of a library, withheld"
_encode = msgspec.json.Encoder().encode


def configure(form: Form, level: str) -> None:
    """Send every record of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(form, sys.stderr))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(level.upper())


def for_granian() -> Mapping[str, Any]:
    """What the server's own logging is changed by: its lines come to us."""
    return {"handlers": {}, "formatters": {}, "loggers": {SERVER: {"handlers": [], "propagate": True}}}


def form_of(chosen: str, stream: TextIO) -> Form:
    """The form that the setting names; without one text on a terminal and JSON elsewhere."""
    return "text" if chosen == "text" or (not chosen and stream.isatty()) else "json"


def formatter(form: Form, stream: TextIO) -> logging.Formatter:
    """Records as lines."""
    if form == "json":
        last: Sequence[Any] = (TimeStamper(fmt="iso", utc=True), _allowed, _as_json)
    else:
        pretty = structlog.dev.ConsoleRenderer(colors=stream.isatty(), sort_keys=False, pad_event_to=0)
        last = (TimeStamper(fmt="%H:%M:%S", utc=False), _allowed, pretty)
    return ProcessorFormatter(processors=(_own, ExtraAdder(), *last))


def _own(_: object, level: str, event: Event) -> Event:
    """Level, logger and the request in hand; the message of a library is withheld."""
    name: str = event["_record"].name
    said: str = event["event"] if name.partition(".")[0] in (_OURS, SERVER) else WITHHELD
    line = said if said.isprintable() else "".join(one if one.isprintable() else " " for one in said)
    own = {"level": level, "event": line, "request_id": in_hand().request_id, "_record": event["_record"]}
    return own if name == _OURS else own | {"logger": name.removeprefix("_")}


def _allowed(_: object, __: str, event: Event) -> Event:
    return {key: event[key] for key in KEYS if event.get(key, "") != ""}


def _as_json(_: object, __: str, event: Event) -> str:
    return _encode(event).decode()
