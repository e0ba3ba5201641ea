"""HTTP: routes, what every answer carries, one error handler. With service.web the only part that knows Flask.

In: settings and a clock. Out: a WSGI application that answers as openapi.yaml says. Whatever goes wrong leaves here as
an OperationOutcome with the JSON path and the remedy, never with a value that was sent; logs hold no value either.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException

from cds_hooks.errors import CdsHooksError, Refusal, operation_outcome
from cds_hooks.services import discovery
from service import auth, contract, cors, hooks
from service.callers import anyone, caller_of
from service.fhir_base import Bases
from service.ground import prepare, read_settings
from service.memory import open_memory
from service.settings import Settings
from service.silence import silent_services
from service.web import attributes, checks
from service.web.assess import add_assess
from service.web.bodies import FHIR_JSON, JSON, TOO_LONG
from service.web.calls import add_calls
from service.web.cards import add_evidence
from service.web.docs import add_docs
from service.web.feedback import add_feedback
from service.web.parts import Parts, encode, log, request_id
from service.web.ready import add_readiness
from service.web.telling import open_telling
from service.workbench import add_workbench, refuse_strangers

YAML = "application/yaml"
LONGEST_ADDRESS = 8 * 1024
LONGEST_HEADER, MOST_HEADERS = 16 * 1024, 100
# What is open to everybody: no patient is in it. Whatever else there is needs a token when authentication is on.
OPEN = {
    "/cds-services", "/livez", "/readyz", "/openapi.yaml", "check", "docs", "docs-file", "evidence",
    "source-attributes", "static",
}  # fmt: skip
MORE = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}
SAID = {
    404: ("not-found", "nothing is at this address", "see /openapi.yaml and /cds-services"),
    405: ("not-supported", "this address has other methods", "see the Allow header"),
    413: TOO_LONG,
    414: ("too-long", "the address is too long", f"at most {LONGEST_ADDRESS} characters"),
    431: ("too-long", "the headers are too long", f"at most {MOST_HEADERS}, of {LONGEST_HEADER} characters"),
}


def create_app(chosen: Settings | None = None, clock: Callable[[], datetime] | None = None, bases: Bases = ()) -> Flask:
    """The application; default settings: os.environ. SettingsError or InvalidKnowledge when it must not start.

    `bases` may be called back for who calls without a token, beside those of CDS_CLIENTS.
    """
    chosen = chosen if chosen is not None else read_settings(os.environ)
    ground = prepare(chosen)
    clock, memory = clock or _now, open_memory(chosen)
    gate = auth.open_gate(chosen, clock, memory.store if memory else None)
    services = hooks.offered(ground, silent_services(chosen))
    telling = open_telling(chosen, ground.knowledge, services, memory)
    parts = Parts(chosen, clock, ground, services, memory, gate, anyone(chosen, bases), telling)
    app = Flask("service.web")
    app.url_map.merge_slashes = False
    # One byte more than allowed: a chunked body is cut at this length without a word, and is then seen to be too long.
    app.config["MAX_CONTENT_LENGTH"] = chosen.max_body + 1
    app.before_request(partial(_before, app, parts))
    app.after_request(partial(_after, parts))
    app.register_error_handler(Exception, _refuse)
    _add_routes(app, parts)
    app.extensions["cds"] = parts
    return app


def _add_routes(app: Flask, parts: Parts) -> None:
    constants = {
        "/cds-services": (encode(discovery(one for one, _ in parts.services.values())), JSON),
        "/livez": (encode({"status": "ok"}), JSON),
        "/openapi.yaml": (contract.as_sent(), YAML),
    }
    for address, (constant, mimetype) in constants.items():
        app.add_url_rule(address, address, partial(Response, constant, mimetype=mimetype))
    app.extensions["readiness"] = add_readiness(app, parts)
    add_calls(app, parts)
    add_feedback(app, parts)
    add_assess(app, parts)
    checks.add_pages(app, parts.ground.knowledge)
    attributes.add_pages(app, parts.services, parts.ground.knowledge)
    add_evidence(app, parts)
    add_docs(app, parts.settings)
    if parts.settings.shows_workbench:
        add_workbench(app, parts)


def _now() -> datetime:
    return datetime.now(UTC)


# --- before and after every request -----------------------------------------------------------------------------------


def _before(app: Flask, parts: Parts) -> Response | None:
    """Preflights first, then limits that some servers leave to the application, then who calls."""
    parts.telling.begin(request)
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
    if parts.settings.shows_workbench and request.endpoint and (request.method == "POST" or request.blueprint):
        refuse_strangers(parts.settings.public_base_url)
    if parts.gate and request.endpoint and request.endpoint not in OPEN:
        try:
            admitted = parts.gate.admit(request.headers.get("Authorization", ""), request.path, parts.clock())
            g.caller = caller_of(*admitted, parts.settings)
        except Refusal:
            request.environ["wsgi.input"].read(parts.settings.max_body)  # who is cut off in sending misses the answer
            raise
    return None


def _after(parts: Parts, answer: Response) -> Response:
    """What every answer carries."""
    answer.headers.update({"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Vary": "Origin"})
    # The workbench is for its own page alone: it shows more of a patient than cards do.
    origin = request.headers.get("Origin", "") if request.blueprint is None else ""
    answer.headers.update(cors.headers(origin, parts.settings, preflight=request.method == "OPTIONS"))
    parts.telling.end(answer, parts.services)
    return answer


# --- the error handler ------------------------------------------------------------------------------------------------


def _refuse(fault: Exception) -> Response:
    """Any exception as an answer. A crash is logged without its message, which may hold a value."""
    if isinstance(fault, HTTPException):
        return _said(fault.code or 500, dict(fault.get_headers()) if fault.code == 405 else None)
    if isinstance(fault, Refusal):
        if isinstance(fault, auth.NotAdmitted | auth.CannotTell):
            log.warning("%s (request %s)", fault.logged, request_id())
        outcome = operation_outcome(fault)
        answer = Response(encode(outcome) if outcome else b"", fault.status, MORE.get(fault.status), FHIR_JSON)
        if outcome is None:
            del answer.headers["Content-Type"]
        return answer
    frames = reversed(traceback.extract_tb(fault.__traceback__))
    where = " < ".join(f"{f.filename}:{f.lineno} {f.name}" for f in frames)
    log.error("%s at %s (request %s)", type(fault).__name__, where, request_id())
    return _said(500)


def _said(status: int, headers: dict[str, str] | None = None) -> Response:
    """An answer to a fault of HTTP itself."""
    code, problem, hint = SAID.get(status, ("exception" if status == 500 else "invalid", "this cannot be answered", ""))
    outcome = operation_outcome(CdsHooksError(problem=problem, hint=hint, code=code))
    return Response(encode(outcome), status, headers, mimetype=FHIR_JSON)
