"""What is told of each request when its answer goes out: a line of the log, metrics and a span where they are on.

In: the request in hand as the parts of the service describe it (service.telemetry). Out: nothing to the client but
X-Request-Id. Metrics and traces are loaded here, and only when the settings ask for them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any

from flask import Request, Response, g

from cds_hooks.cards import Card
from cds_hooks.services import Service
from service import __version__ as version
from service import callback, clients, hooks, telemetry
from service.callers import Caller
from service.clinical.knowledge.model import Knowledge
from service.hooks import Answered
from service.memory import Memory
from service.memory.records import said_of
from service.settings import Settings, SettingsError
from service.telemetry import Call, Judged

if TYPE_CHECKING:
    from service.telemetry.metrics import Metrics

log = logging.getLogger("service")
Services = Mapping[str, tuple[Service, hooks.Hook]]

KINDS = frozenset({"call", "feedback", "assess", "evidence"})  # endpoints of which each request is told
OUTCOMES = {
    200: "answered", 304: "answered", 400: "invalid", 401: "not-admitted", 412: "lacking", 500: "crash",
    503: "unavailable",
}  # fmt: skip
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_LONGEST = 64
NO_TRACES = "needs OpenTelemetry: `pip install neutropenia-cds[traces]`, or leave it out"


class Telling:
    """How requests are told, made at the start."""

    def __init__(self, metrics: Metrics | None, knowledge: str, traces: bool) -> None:
        self.metrics, self._knowledge, self._traces = metrics, knowledge, traces

    def begin(self, asked: Request) -> None:
        """A request comes in."""
        traceparent = asked.headers.get("Traceparent", "")
        call = telemetry.begin(asked.headers.get("X-Request-Id", ""), traceparent)
        if asked.endpoint in KINDS:
            call.kind = asked.endpoint
            call.service = (asked.view_args or {}).get("id", "")
        if self._traces and call.kind:
            from service.telemetry import traces

            traces.begin(call, traceparent)

    def end(self, answer: Response, services: Services) -> None:
        """Its answer goes out."""
        call = telemetry.in_hand()
        answer.headers["X-Request-Id"] = call.request_id
        if call.service not in services:
            call.service = ""
        who: Caller | None = g.get("caller")
        if who:
            call.client, call.tenant = who.name, who.tenant if _is_plain(who.tenant) else ""
        outcome, seconds = OUTCOMES.get(answer.status_code, "refused"), perf_counter() - call.started
        if self.metrics:
            self.metrics.tell(call, outcome, seconds)
        if call.span is not None:
            from service.telemetry import traces

            traces.end(call, outcome, answer.status_code)
        level = logging.INFO if call.kind else logging.DEBUG
        if log.isEnabledFor(level):
            log.log(level, call.kind or "request", extra=self._line(call, outcome, answer.status_code, seconds))

    def _line(self, call: Call, outcome: str, status: int, seconds: float) -> dict[str, Any]:
        """The members of the log line. None is a value that a client chose, but for ids in their own form."""
        told = {"request_id": call.request_id, "trace_id": call.trace_id, "status": status, "outcome": outcome}
        told |= {"ms": _ms(seconds), **{f"{name}_ms": _ms(took) for name, took in call.times.items()}}
        if not call.kind:
            return told
        told |= {"hook_instance": call.hook_instance, "client": call.client, "tenant": call.tenant}
        told |= {"service": call.service, "knowledge": self._knowledge}
        if call.kind == "call" and outcome == "answered":
            sent = [one for one in call.cards if one.fate in ("shown", "lowered")]
            told |= {"cards": len(sent), "held_back": len(call.cards) - len(sent), "gaps": len(call.gaps)}
            told |= {"keys_missing": sum(state in ("missing", "error") for state in call.prefetch.values())}
        return told

    def ready(self, answer: str) -> None:
        """An answer of /readyz."""
        if self.metrics:
            self.metrics.ready(answer)

    def starts(self) -> None:
        """A worker starts."""
        if self.metrics:
            self.metrics.starts()


def judged(answered: Answered, sent: Iterable[Card], *, silent: bool) -> None:
    """What a call led to, of which `sent` goes out."""
    call, went = telemetry.in_hand(), {card.uuid: card for card in sent}
    call.gaps = [gap.reason for gap in answered.facts.gaps] if answered.facts else []
    call.cards = [Judged(card.indicator, said_of(card).row, _fate(card, went, silent)) for card in answered.cards]


def _fate(card: Card, went: Mapping[str, Card], silent: bool) -> str:
    if silent:
        return "silent"
    if card.uuid not in went:
        return "left-out"
    return "shown" if went[card.uuid] is card else "lowered"


def open_telling(chosen: Settings, knowledge: Knowledge, services: Services, memory: Memory | None) -> Telling:
    """The telling that the settings ask for; SettingsError when traces cannot be had."""
    if chosen.traces:
        try:
            from service.telemetry import traces
        except ImportError:
            raise SettingsError([f"CDS_TRACES: {NO_TRACES}"]) from None
        traces.open_exporter(version)
    if not chosen.metrics_port:
        return Telling(None, knowledge.version, chosen.traces)
    from service.telemetry.metrics import Metrics, Words

    named = clients.read(chosen.clients, chosen.mode == "demo") if chosen.clients else ()
    words = Words(
        services=frozenset(services),
        clients=frozenset(one.name for one in named),
        rows=frozenset(_rows(knowledge)),
        reasons=frozenset(key.removeprefix("gap.") for key in knowledge.wording if key.startswith("gap.")),
        keys=frozenset(key for service, _ in services.values() for key in service.prefetch),
        fetches=callback.REASONS | {"fetched"},
    )
    metrics = Metrics(words)
    if memory:
        memory.store.on_fault = metrics.store_fault
    return Telling(metrics, knowledge.version, chosen.traces)


def _rows(knowledge: Knowledge) -> Iterable[str]:
    yield from (row.id for table in knowledge.tables.values() for row in table)
    for one in knowledge.nutrients:
        yield from (row.id for table in (one.status, one.reason, one.feature, one.specific, one.cap) for row in table)


def _is_plain(text: str) -> bool:
    return len(text) <= _LONGEST and _PLAIN.issuperset(text)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
