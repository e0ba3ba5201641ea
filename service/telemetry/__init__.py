"""What is told of each request to those who run the service: a log line, metrics, and spans where they are asked for.

In: ids, counts, and words of closed sets that the parts of the service put into the `Call` in hand. Out: nothing here;
`logs`, `metrics` and `traces` tell it, and are loaded only where they are on. No value of a patient gets into a Call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any
from uuid import uuid4

# A client's own id is taken over when it is a UUID: another could be made of a patient's.
_ID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}\Z", re.IGNORECASE)
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-|\Z)")


@dataclass(frozen=True, slots=True)
class Judged:
    """A card that a call led to, and what became of it."""

    indicator: str
    row: str  # that decided it
    fate: str  # shown | lowered | left-out | silent


@dataclass(slots=True)
class Call:
    """The request in hand."""

    request_id: str
    trace_id: str = ""  # of the caller's trace (W3C Trace Context)
    kind: str = ""  # call | feedback | assess | evidence; "": none that is told
    service: str = ""
    client: str = ""
    tenant: str = ""
    hook_instance: str = ""
    prefetch: Mapping[str, str] = field(default_factory=dict)  # key -> supplied | empty | error | missing
    fetched: Sequence[str] = ()  # of each key that was asked for: fetched, or why not
    gaps: Sequence[str] = ()  # reasons
    cards: Sequence[Judged] = ()
    times: dict[str, float] = field(default_factory=dict)  # what took how many seconds
    started: float = field(default_factory=perf_counter)
    span: Any = None  # of the trace, where traces are on


_in_hand: ContextVar[Call | None] = ContextVar("call", default=None)


def begin(request_id: str, traceparent: str) -> Call:
    """A request comes in, with the ids that its headers give, or none."""
    trace = _TRACEPARENT.match(traceparent)
    call = Call(request_id.lower() if _ID.match(request_id) else uuid4().hex, trace[1] if trace else "")
    _in_hand.set(call)
    return call


def in_hand() -> Call:
    """The request in hand; one that nobody looks at where there is none."""
    return _in_hand.get() or Call("")


class _Timed(AbstractContextManager[None]):
    """Adds the seconds spent inside to the times of the call."""

    def __init__(self, name: str) -> None:
        self._name, self._times = name, in_hand().times

    def __enter__(self) -> None:
        self._start = perf_counter()

    def __exit__(self, *_: object) -> None:
        self._times[self._name] = self._times.get(self._name, 0.0) + perf_counter() - self._start


def timed(name: str) -> AbstractContextManager[None]:
    """Time a part of the call, as a span too where traces are on."""
    call = _in_hand.get()
    if call is None:
        return nullcontext()
    if call.span is None:
        return _Timed(name)
    from service.telemetry.traces import part

    return part(name, _Timed(name))
