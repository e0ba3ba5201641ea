"""HTTP: routes, the door for bodies, one error handler. The only file that knows Flask.

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
from werkzeug.http import parse_options_header

import service
from cds_hooks import door
from cds_hooks import request as hook_request
from cds_hooks.cards import response as cards_response
from cds_hooks.errors import (
    CdsHooksError,
    InvalidRequest,
    Issue,
    Refusal,
    TooLarge,
    UnknownService,
    UnsupportedMediaType,
    operation_outcome,
)  # fmt: skip
from cds_hooks.request import HookRequest
from cds_hooks.services import Service, discovery
from service import charts, contract, explain, hooks
from service.clinical.knowledge.model import Knowledge
from service.fhir_base import Bases
from service.ground import Ground, prepare, read_settings
from service.settings import Settings

JSON, FHIR_JSON, YAML = "application/json", "application/fhir+json", "application/yaml"
LONGEST_ADDRESS, LONGEST_HEADER, MOST_HEADERS = 8 * 1024, 16 * 1024, 100
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type",
    "Access-Control-Max-Age": "600",
}
# Who may call from a browser in demo mode when no origin is configured: pages of this machine, and the public Sandbox.
DEMO_ORIGIN = re.compile(
    r"(?:http://(?:localhost|127\.0\.0\.1|\[::1\])(?::[0-9]{1,5})?|https://sandbox\.cds-hooks\.org)\Z"
)
PLAIN_KEY, MOST_KEYS = re.compile(r"[A-Za-z0-9_-]{1,40}\Z"), 20
NO_RESOURCE = "send a FHIR R4 Bundle or resource; a hook request goes to /cds-services/{id}"
SAID = {
    404: ("not-found", "nothing is at this address", "see /openapi.yaml and /cds-services"),
    405: ("not-supported", "this address has other methods", "see the Allow header"),
    413: ("too-long", "the body is too long", "send less, or raise CDS_MAX_BODY"),
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


def create_app(chosen: Settings | None = None, clock: Callable[[], datetime] | None = None, bases: Bases = ()) -> Flask:
    """The application; default settings: os.environ. SettingsError or InvalidKnowledge when it must not start."""
    chosen = chosen if chosen is not None else read_settings(os.environ)
    ground = prepare(chosen, bases)
    parts = Parts(chosen, clock or _now, ground, hooks.offered(ground))
    app = Flask("service", static_folder=None)
    app.url_map.merge_slashes = False
    # One byte more than allowed: a chunked body is cut at this length without a word, and is then seen to be too long.
    app.config["MAX_CONTENT_LENGTH"] = chosen.max_body + 1
    app.before_request(partial(_before, app))
    app.after_request(partial(_after, chosen))
    app.register_error_handler(Exception, _refuse)
    _add_routes(app, parts)
    return app


def _add_routes(app: Flask, parts: Parts) -> None:
    constants = {
        "/cds-services": (encode(discovery(one for one, _ in parts.services.values())), JSON),
        "/livez": (encode({"status": "ok"}), JSON),
        "/readyz": (encode(_readiness(parts.ground.knowledge)), JSON),
        "/openapi.yaml": (contract.as_sent(), YAML),
    }
    for address, (body, mimetype) in constants.items():
        app.add_url_rule(address, address, partial(Response, body, mimetype=mimetype))
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
    asked = hook_request.parse(_body(parts.settings.max_body), called)
    _remark(asked, id)
    found = hooks.answer(asked, called, hook, parts.ground, parts.clock())
    return Response(encode(cards_response(found)), mimetype=JSON)


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
    body = _body(parts.settings.max_body)
    try:
        issues = contract.faults("AssessRequest", door.decode(body, _ANYTHING))
    except msgspec.ValidationError:
        issues = (Issue("$", "holds a number out of range", "send numbers that a double can hold", "value"),)
    if issues:
        raise InvalidRequest(*(replace(one, hint=NO_RESOURCE) if one.path == "$" else one for one in issues))
    facts = charts.read_one(body, parts.ground, as_of)
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


def _body(longest: int) -> bytes:
    """The body as it was sent, when it is JSON in UTF-8, uncompressed and not too long."""
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind.lower() not in (JSON, FHIR_JSON):
        raise UnsupportedMediaType(path="Content-Type", problem="is not JSON", hint=f"send {JSON} or {FHIR_JSON}")
    if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(path="Content-Type", problem="names another charset", hint="send UTF-8")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType(path="Content-Encoding", problem="is not read", hint="send it uncompressed")
    if (request.content_length or 0) > longest:
        request.environ["wsgi.input"].read(longest)  # a client that is cut off while it sends may miss the answer
    elif len(body := request.get_data(cache=False)) <= longest:
        return body
    raise TooLarge(Issue("", *SAID[413][1:]))


# --- before and after every request -----------------------------------------------------------------------------------


def _before(app: Flask) -> Response | None:
    """Preflights first, then limits that some servers leave to the application."""
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
    return None


def _after(chosen: Settings, answer: Response) -> Response:
    """What every answer carries."""
    answer.headers.update({"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Origin"})
    if "request_id" in g:
        answer.headers["X-Request-Id"] = g.request_id
    origin = request.headers.get("Origin", "")
    if _may_call(origin, chosen):
        answer.headers["Access-Control-Allow-Origin"] = origin
        if request.method == "OPTIONS":
            answer.headers.update(PREFLIGHT)
    return answer


def _may_call(origin: str, chosen: Settings) -> bool:
    demo = chosen.mode == "demo" and not chosen.cors_origins and DEMO_ORIGIN.match(origin) is not None
    return demo or origin in chosen.cors_origins


# --- the error handler ------------------------------------------------------------------------------------------------


def _refuse(fault: Exception) -> Response:
    """Any exception as an answer. A crash is logged without its message, which may hold a value."""
    if isinstance(fault, HTTPException):
        return _said(fault.code or 500, dict(fault.get_headers()) if fault.code == 405 else None)
    if isinstance(fault, Refusal):
        outcome = operation_outcome(fault)
        return Response(encode(outcome) if outcome else b"", fault.status, mimetype=FHIR_JSON)
    frames = reversed(traceback.extract_tb(fault.__traceback__))
    where = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in frames)
    log.error("%s at %s (request %s)", type(fault).__name__, where, _request_id())
    return _said(500)


def _said(status: int, headers: dict[str, str] | None = None) -> Response:
    """An answer to a fault of HTTP itself."""
    code, problem, hint = SAID.get(status, ("exception" if status == 500 else "invalid", "this cannot be answered", ""))
    outcome = operation_outcome(CdsHooksError(problem=problem, hint=hint, code=code))
    return Response(encode(outcome), status, headers, mimetype=FHIR_JSON)
