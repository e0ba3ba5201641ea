"""Spans by OpenTelemetry: of a call, of fetching what it lacks, of judging and of remembering.

In: the Call in hand. Out: spans to where the variables of OpenTelemetry say (OTEL_EXPORTER_OTLP_ENDPOINT and others).
Attributes are ids and words of closed sets. Loaded only with CDS_TRACES=yes; needs the extra `traces`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.telemetry import Call, in_hand

FAILED = 500
_parents = TraceContextTextMapPropagator()
_tracer: trace.Tracer = trace.NoOpTracer()


def open_provider(version: str) -> TracerProvider:
    """The provider of this process's spans, which all later ones are of."""
    global _tracer
    provider = TracerProvider(resource=Resource.create({"service.name": "neutropenia-cds", "service.version": version}))
    _tracer = provider.get_tracer("service", version)
    return provider


def open_exporter(version: str) -> None:
    """Send spans to the collector, in the background."""
    open_provider(version).add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


def begin(call: Call, traceparent: str) -> None:
    """A call comes in, perhaps as a part of its caller's trace."""
    within = _parents.extract({"traceparent": traceparent})
    call.span = _tracer.start_span(call.kind, within, SpanKind.SERVER)
    call.trace_id = f"{call.span.get_span_context().trace_id:032x}"


def end(call: Call, outcome: str, status: int) -> None:
    """Its answer goes out."""
    said = {"service": call.service, "client": call.client, "outcome": outcome, "request_id": call.request_id}
    call.span.set_attributes({f"cds.{name}": word for name, word in said.items()})
    call.span.set_attributes({"http.response.status_code": status, "cds.cards": len(call.cards)})
    if status >= FAILED:
        call.span.set_status(StatusCode.ERROR)
    call.span.end()


@contextmanager
def part(name: str, timed: AbstractContextManager[None]) -> Iterator[None]:
    """A span inside the call's; what goes wrong in it says nothing but that."""
    within = set_span_in_context(in_hand().span)
    span = _tracer.start_span(name, within)
    try:
        with timed:
            yield
    except BaseException:  # whatever ends it, an interrupt too, the span says so, and it is raised on
        span.set_status(StatusCode.ERROR)
        raise
    finally:
        span.end()
