"""Spans: of a call and its parts, inside its caller's trace, without a value; over the wire to a collector."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from flask.testing import FlaskClient
from requests_of import CANARY, call
from test_canaries import CALLS
from test_life_cycle import serving, until
from wire import HOOK

from service.app import create_app
from service.settings import Settings, SettingsError

if importlib.util.find_spec("opentelemetry") is None:
    pytest.skip("the extra `traces` is not installed", allow_module_level=True)

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from service.telemetry import traces

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()

    def open_exporter(version: str) -> None:
        traces.open_provider(version).add_span_processor(SimpleSpanProcessor(exporter))

    monkeypatch.setattr(traces, "open_exporter", open_exporter)
    monkeypatch.setattr(traces, "_tracer", traces._tracer)  # as it was, when the test is over
    yield exporter


@pytest.fixture
def client(spans: InMemorySpanExporter) -> FlaskClient:
    return create_app(Settings(traces=True), lambda: datetime(2026, 6, 15, tzinfo=UTC)).test_client()


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


def test_a_call_is_a_span_with_its_parts_in_the_trace_of_its_caller(
    client: FlaskClient, spans: InMemorySpanExporter
) -> None:
    client.post(HOOK, json=call(), headers={"Traceparent": f"00-{TRACE}-{PARENT}-01"})
    found = by_name(spans)
    assert found.keys() == {"call", "judge", "store"}
    whole = found["call"]
    assert whole.context and whole.parent
    assert (f"{whole.context.trace_id:032x}", f"{whole.parent.span_id:016x}") == (TRACE, PARENT)
    for name in ("judge", "store"):
        parent = found[name].parent
        assert parent and parent.span_id == whole.context.span_id
    assert whole.attributes
    assert whole.attributes["cds.service"] == "neutropenia-review"
    assert (whole.attributes["cds.outcome"], whole.attributes["http.response.status_code"]) == ("answered", 200)


def test_a_trace_of_its_own_begins_where_the_caller_has_none(client: FlaskClient, spans: InMemorySpanExporter) -> None:
    client.post(HOOK, json=call(), headers={"Traceparent": CANARY})
    assert by_name(spans)["call"].parent is None


def test_no_span_holds_what_was_sent(client: FlaskClient, spans: InMemorySpanExporter) -> None:
    for path, value in CALLS:
        body = {"data": value} if isinstance(value, bytes) else {"json": value}
        client.post(path, content_type="application/json", headers={"X-Request-Id": CANARY}, **body)
    finished = spans.get_finished_spans()
    assert len(finished) > 50
    assert CANARY not in "".join(span.to_json() for span in finished).lower()


def test_what_is_no_call_is_no_span(client: FlaskClient, spans: InMemorySpanExporter) -> None:
    client.get("/readyz")
    client.get("/cds-services")
    assert not spans.get_finished_spans()


def test_spans_of_workers_reach_the_collector() -> None:
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    where = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "OTEL_BSP_SCHEDULE_DELAY": "100"}
    with serving("--workers", "2", CDS_TRACES="yes", **where) as running:
        running.post(HOOK, call())
        assert until(lambda: bool(received))
    server.shutdown()
    said = ExportTraceServiceRequest.FromString(received[0])
    names = {span.name for one in said.resource_spans for scope in one.scope_spans for span in scope.spans}
    assert names == {"call", "judge", "store"}
    assert CANARY.encode() not in b"".join(received)


def test_without_the_extra_the_start_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "service.telemetry.traces", None)
    monkeypatch.delattr("service.telemetry.traces", raising=False)
    with pytest.raises(SettingsError, match="pip install neutropenia-cds\\[traces\\]"):
        create_app(Settings(traces=True))


def test_nothing_of_it_is_loaded_when_it_is_off() -> None:
    program = (
        "import sys; from service.app import create_app; from service.settings import Settings;"
        "create_app(Settings()); print(*{'opentelemetry', 'prometheus_client', 'structlog'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
