"""HTTP: routes, what every answer carries, one error handler. With service.web the only part that knows Flask.

In: settings and a clock. Out: a WSGI application that answers as openapi.yaml says. Whatever goes wrong leaves here as
an OperationOutcome with the JSON path and the remedy, never with a value that was sent; logs hold no value either.
"""

from __future__ import annotations

import logging
import os
import re
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any
from uuid import uuid4

import msgspec
from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import HTTPException

import service
from cds_hooks import door
from cds_hooks import request as hook_request
from cds_hooks.cards import response as cards_response
from cds_hooks.errors import (
    CdsHooksError,
    InvalidRequest,
    Issue,
    Refusal,
    UnknownService,
    operation_outcome,
)  # fmt: skip
from cds_hooks.request import HookRequest
from cds_hooks.services import Service, discovery
from service import auth, charts, contract, cors, explain, hooks
from service.clinical.knowledge.model import Knowledge
from service.ground import Ground, prepare, read_settings
from service.memory import Call, Memory, open_memory
from service.settings import Settings
from service.web import checks
from service.web.bodies import FHIR_JSON, JSON, TOO_LONG, read_body

YAML = "application/yaml"
LONGEST_ADDRESS = 8 * 1024
LONGEST_HEADER, MOST_HEADERS = 16 * 1024, 100
# What is open to everybody: no patient is in it. Whatever else there is needs a token when authentication is on.
OPEN = {"/cds-services", "/livez", "/readyz", "/openapi.yaml", "check", "static"}
PLAIN_KEY, MOST_KEYS = re.compile(r"[A-Za-z0-9_-]{1,40}\Z"), 20
NO_RESOURCE = "send a FHIR R4 Bundle or resource; a hook request goes to /cds-services/{id}"
MORE = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}
SAID = {
    404: ("not-found", "nothing is at this address", "see /openapi.yaml and /cds-services"),
    405: ("not-supported", "this address has other methods", "see the Allow header"),
    413: TOO_LONG,
    414: ("too-long", "the address is too long", f"at most {LONGEST_ADDRESS} characters"),
    431: ("too-long", "the headers are too long", f"at most {MOST_HEADERS}, of {LONGEST_HEADER} characters"),
}

log = logging.getLogger("service")
encode = msgspec.json.Encoder(decimal_format="number").encode
_ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Parts:
    """What requests are answered with."""

    settings: Settings
    clock: Callable[[], datetime]
    ground: Ground
    services: dict[str, tuple[Service, hooks.Hook]]
    memory: Memory | None
    gate: auth.Gate | None  # None: whoever reaches the service may call


def create_app(chosen: Settings | None = None, clock: Callable[[], datetime] | None = None) -> Flask:
    """The application; default settings: os.environ. SettingsError or InvalidKnowledge when it must not start."""
    chosen = chosen if chosen is not None else read_settings(os.environ)
    ground = prepare(chosen)
    clock, memory = clock or _now, open_memory(chosen)
    gate = auth.open_gate(chosen, clock, memory.store if memory else None)
    parts = Parts(chosen, clock, ground, hooks.offered(ground), memory, gate)
    app = Flask("service.web")
    app.url_map.merge_slashes = False
    # One byte more than allowed: a chunked body is cut at this length without a word, and is then seen to be too long.
    app.config["MAX_CONTENT_LENGTH"] = chosen.max_body + 1
    app.before_request(partial(_before, app, parts))
    app.after_request(partial(_after, chosen))
    app.register_error_handler(Exception, _refuse)
    _add_routes(app, parts)
    checks.add_pages(app, ground.knowledge)
    return app


def _add_routes(app: Flask, parts: Parts) -> None:
    constants = {
        "/cds-services": (encode(discovery(one for one, _ in parts.services.values())), JSON),
        "/livez": (encode({"status": "ok"}), JSON),
        "/readyz": (encode(_readiness(parts.ground.knowledge)), JSON),
        "/openapi.yaml": (contract.as_sent(), YAML),
    }
    for address, (constant, mimetype) in constants.items():
        app.add_url_rule(address, address, partial(Response, constant, mimetype=mimetype))
    app.add_url_rule("/cds-services/<id>", "call", partial(_call, parts), methods=["POST"])
    app.add_url_rule("/assess", "assess", partial(_assess, parts), methods=["POST"])


def _now() -> datetime:
    return datetime.now(UTC)


def _readiness(knowledge: Knowledge) -> dict[str, Any]:
    in_force = {"version": knowledge.version, "profile": knowledge.profile}
    return {"status": "ok", "version": service.__version__, "knowledge": in_force}


# --- the two ways in --------------------------------------------------------------------------------------------------


def _call(parts: Parts, id: str) -> Response:
    """POST /cds-services/{id}."""
    if id not in parts.services:
        raise UnknownService(problem="no service has this id", hint="see /cds-services")
    called, hook = parts.services[id]
    asked = hook_request.parse(read_body(parts.settings.max_body), called)
    _remark(asked, id)
    now = parts.clock().astimezone(parts.ground.site.zone)
    found = hooks.answer(asked, called, hook, parts.ground, now)
    if parts.memory:
        found = parts.memory.unsaid(found, Call(id, asked.fhir_server or "", asked.context.patient_id, now))
    if base := _base(parts.settings):
        found = [checks.linked(card, base) for card in found]
    return Response(encode(cards_response(found)), mimetype=JSON)


def _base(chosen: Settings) -> str:
    """The address that clients call; in demo mode that of the call, which a client could make up."""
    return chosen.public_base_url or (request.host_url.rstrip("/") if chosen.mode == "demo" else "")


def _remark(asked: HookRequest, id: str) -> None:
    """Log what a client does wrong that costs no refusal. Its own words only when they are plain keys."""
    if not asked.hook_instance_is_uuid:
        log.warning("%s: hookInstance is not a UUID (request %s)", id, _request_id())
    if asked.other_keys:
        shown = ", ".join(filter(PLAIN_KEY.match, asked.other_keys[:MOST_KEYS])) or "no plain name"
        log.warning("%s: unknown prefetch keys: %d (%s) (request %s)", id, len(asked.other_keys), shown, _request_id())


def _request_id() -> str:
    """The id that joins the log lines of one request with its answer (X-Request-Id)."""
    if "request_id" not in g:
        g.request_id = uuid4().hex
    return str(g.request_id)


def _assess(parts: Parts) -> Response:
    """POST /assess."""
    as_of, why = _as_of(request, parts), _asks(request, "explain")
    sent = read_body(parts.settings.max_body)
    try:
        issues = contract.faults("AssessRequest", door.decode(sent, _ANYTHING))
    except msgspec.ValidationError:
        issues = (Issue("$", "holds a number out of range", "send numbers that a double can hold", "value"),)
    if issues:
        raise InvalidRequest(*(replace(one, hint=NO_RESOURCE) if one.path == "$" else one for one in issues))
    facts = charts.read_one(sent, parts.ground, as_of)
    return Response(encode(explain.answer(facts, parts.ground.knowledge, as_of, why)), mimetype=JSON)


def _asks(asked: Request, name: str) -> bool:
    """Whether a query parameter says true."""
    said = asked.args.getlist(name)
    if said not in ([], ["true"], ["false"]):
        raise InvalidRequest(path=name, problem="is neither true nor false", hint="say true", code="value")
    return said == ["true"]


def _as_of(asked: Request, parts: Parts) -> datetime:
    """The end of the day that `as-of` names, else now."""
    if set(asked.args) - {"as-of", "explain"}:
        raise InvalidRequest(problem="unknown query parameter", hint="there are as-of and explain", code="value")
    days = asked.args.getlist("as-of")
    if not days:
        return parts.clock().astimezone(parts.ground.site.zone)
    try:
        (text,) = days
        return charts.end_of_day(date.fromisoformat(text), parts.ground.site)
    except ValueError:
        hint = "one day from 1900 to 2200, as in as-of=2026-06-15"
        raise InvalidRequest(path="as-of", problem="is not a day", hint=hint, code="value") from None


# --- before and after every request -----------------------------------------------------------------------------------


def _before(app: Flask, parts: Parts) -> Response | None:
    """Preflights first, then limits that some servers leave to the application, then who calls."""
    if request.method == "OPTIONS":
        if "Access-Control-Request-Method" in request.headers:
            return Response(status=204)
        if request.routing_exception is None:
            return Response(status=204, headers={"Allow": app.make_default_options_response().headers["Allow"]})
    if len(request.environ.get("PATH_INFO", "")) + len(request.query_string) > LONGEST_ADDRESS:
        return _said(414)
    headers = [value for name, value in request.environ.items() if name.startswith("HTTP_")]
    if len(headers) > MOST_HEADERS or any(len(value) > LONGEST_HEADER for value in headers):
        return _said(431)
    if parts.gate and request.endpoint and request.endpoint not in OPEN:
        try:
            parts.gate.admit(request.headers.get("Authorization", ""), request.path, parts.clock())
        except Refusal:
            request.environ["wsgi.input"].read(parts.settings.max_body)  # who is cut off in sending misses the answer
            raise
    return None


def _after(chosen: Settings, answer: Response) -> Response:
    """What every answer carries."""
    answer.headers.update({"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Origin"})
    if "request_id" in g:
        answer.headers["X-Request-Id"] = g.request_id
    origin = request.headers.get("Origin", "")
    answer.headers.update(cors.headers(origin, chosen, preflight=request.method == "OPTIONS"))
    return answer


# --- the error handler ------------------------------------------------------------------------------------------------


def _refuse(fault: Exception) -> Response:
    """Any exception as an answer. A crash is logged without its message, which may hold a value."""
    if isinstance(fault, HTTPException):
        return _said(fault.code or 500, dict(fault.get_headers()) if fault.code == 405 else None)
    if isinstance(fault, Refusal):
        if isinstance(fault, auth.NotAdmitted | auth.CannotTell):
            log.warning("%s (request %s)", fault.logged, _request_id())
        outcome = operation_outcome(fault)
        answer = Response(encode(outcome) if outcome else b"", fault.status, MORE.get(fault.status), FHIR_JSON)
        if outcome is None:
            del answer.headers["Content-Type"]
        return answer
    frames = reversed(traceback.extract_tb(fault.__traceback__))
    where = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in frames)
    log.error("%s at %s (request %s)", type(fault).__name__, where, _request_id())
    return _said(500)


def _said(status: int, headers: dict[str, str] | None = None) -> Response:
    """An answer to a fault of HTTP itself."""
    code, problem, hint = SAID.get(status, ("exception" if status == 500 else "invalid", "this cannot be answered", ""))
    outcome = operation_outcome(CdsHooksError(problem=problem, hint=hint, code=code))
    return Response(encode(outcome), status, headers, mimetype=FHIR_JSON)
