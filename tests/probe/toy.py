"""A toy CDS Hooks service that keeps every line of the checklist that the probe can see, and can be made to break one.

Two services: `toy-view` (patient-view) and `toy-sign` (order-sign). Open, or closed: then each token is taken once.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import json
import re
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ORIGIN = "https://ehr.example.org"
SAFE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
SEARCH = (
    "Observation?patient={{context.patientId}}&category=laboratory&code=http://loinc.org|718-7&_sort=-date&_count=50"
)
PREFETCH = {"patient": "Patient/{{context.patientId}}", "count": SEARCH}
DISCOVERY = {
    "services": [
        {
            "id": f"toy-{name}",
            "hook": hook,
            "title": "Toy",
            "description": "A toy",
            "version": "2.0.1",
            "usageRequirements": "none",
            "prefetch": PREFETCH,
            "extension": {"org.example.toy": {"of": "discovery"}},
        }
        for name, hook in (("view", "patient-view"), ("sign", "order-sign"))
    ]
}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
CODING = {"system": "https://example.org/toy", "code": "toy", "display": "Toy"}


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    raw: bytes
    nth: int = 1  # on its connection

    @property
    def body(self) -> Any:
        try:
            return json.loads(self.raw)
        except ValueError:
            return None

    @property
    def is_call(self) -> bool:
        return self.method == "POST" and self.path in ("/cds-services/toy-view", "/cds-services/toy-sign")

    @property
    def is_feedback(self) -> bool:
        return self.method == "POST" and self.path.endswith("/feedback")

    @property
    def context(self) -> dict[str, Any]:
        return dict(self.body["context"])


@dataclass(frozen=True)
class Reply:
    """An answer before it is sent; `body` None: none."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=lambda: dict(SAFE))


Mutation = Callable[[Asked, Reply], Reply]


def refusal(status: int, path: str, problem: str) -> Reply:
    issue = {"severity": "error", "code": "invalid", "diagnostics": f"{path}: {problem}", "expression": [path]}
    return Reply(status, {"resourceType": "OperationOutcome", "issue": [issue]})


# --- tokens -----------------------------------------------------------------------------------------------------------


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def mint(claims: dict[str, Any] | None = None) -> str:
    """A token that the toy takes once. Its signature stands for one: nobody else knows the word in it."""
    claims = {"iss": "toy", "jti": str(uuid.uuid4()), "exp": int(time.time()) + 300} | (claims or {})
    head = b64(json.dumps({"alg": "ES384", "kid": "toy", "typ": "JWT"}).encode())
    signed = f"{head}.{b64(json.dumps(claims).encode())}"
    return f"{signed}.{b64(hashlib.sha384(b'only the toy knows' + signed.encode()).digest())}"


def parts(authorization: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Header and claims of a bearer token, whoever signed it."""
    pieces = authorization.removeprefix("Bearer ").split(".")
    if not authorization.startswith("Bearer ") or len(pieces) != 3:
        return None
    try:
        read = [json.loads(base64.urlsafe_b64decode(one + "==")) for one in pieces[:2]]
    except ValueError:
        return None
    return read[0], read[1]


# --- the service ------------------------------------------------------------------------------------------------------


class Toy:
    """What the service does, by the book."""

    def __init__(self, closed: bool, open_discovery: bool = True) -> None:
        self.closed, self.open_discovery = closed, open_discovery
        self.used: set[str] = set()

    def answer(self, asked: Asked) -> Reply:
        reply = self._answer(asked)
        if asked.headers.get("origin") != ORIGIN:
            return reply
        allowed = {"Access-Control-Allow-Origin": ORIGIN}
        if asked.method == "OPTIONS":
            allowed["Access-Control-Allow-Headers"] = "Authorization, Content-Type"
        return replace(reply, headers=reply.headers | allowed)

    def _answer(self, asked: Asked) -> Reply:
        if asked.method == "OPTIONS":
            return Reply(204)
        free = asked.path == "/cds-services" and self.open_discovery
        if self.closed and not free and not self._may_enter(asked.headers.get("authorization", "")):
            return Reply(401)
        if asked.path == "/cds-services" and asked.method == "GET":
            return Reply(200, copy.deepcopy(DISCOVERY))
        if not re.fullmatch(r"/cds-services/toy-(view|sign)(/feedback)?", asked.path):
            return refusal(404, "id", "is unknown")
        if asked.method != "POST":
            return refusal(405, "method", "is not POST")
        if asked.headers.get("content-type", "").partition(";")[0] not in ("application/json", "application/fhir+json"):
            return refusal(415, "Content-Type", "is no JSON")
        if not isinstance(asked.body, dict):
            return refusal(400, "$", "is no object")
        return feedback(asked.body) if asked.is_feedback else call(asked)

    def _may_enter(self, authorization: str) -> bool:
        read = parts(authorization)
        if read is None or authorization != f"Bearer {mint(read[1])}":
            return False
        fresh = read[1]["jti"] not in self.used and read[1]["exp"] > time.time()
        self.used.add(read[1]["jti"])
        return fresh


def call(asked: Asked) -> Reply:
    body = asked.body
    hook = "patient-view" if asked.path.endswith("view") else "order-sign"
    if body.get("hook") != hook:
        return refusal(400, "hook", f"is not {hook}")
    if not UUID.fullmatch(str(body.get("hookInstance"))):
        return refusal(400, "hookInstance", "is no UUID")
    if "fhirAuthorization" in body and "fhirServer" not in body:
        return refusal(400, "fhirServer", "is missing")
    prefetch = body.get("prefetch", {})
    count = prefetch.get("count", 0)
    if count == 0 or (count and count["resourceType"] == "OperationOutcome"):
        return refusal(412, "prefetch.count", "is missing")
    patient = body["context"]["patientId"].removeprefix("Patient/")
    results = [one["resource"] for one in count.get("entry", [])] if count and count["resourceType"] == "Bundle" else []
    known = [one for one in results if one.get("subject", {}).get("reference") == f"Patient/{patient}"]
    return Reply(200, cards(f"{len(known)} results", patient, hook))


def order(patient: str, **members: Any) -> dict[str, Any]:
    usual = {"resourceType": "ServiceRequest", "status": "draft", "intent": "proposal"}
    extension = [{"url": "https://example.org/toy", "valueString": "FHIR's are lists"}]
    return {**usual, "subject": {"reference": f"Patient/{patient}"}, "extension": extension} | members


def cards(summary: str, patient: str, hook: str) -> dict[str, Any]:
    """Two cards that use everything there is."""
    drafted = order(patient, id="cds-check-order")
    changes: list[dict[str, Any]] = [{"type": "create", "description": "Order it", "resource": order(patient)}]
    if hook == "order-sign":
        changes += [
            {"type": "update", "description": "Change it", "resource": drafted},
            {"type": "delete", "description": "Remove it", "resourceId": "ServiceRequest/cds-check-order"},
        ]
    suggestions = [
        {"label": "Do it", "uuid": str(uuid.uuid4()), "isRecommended": True, "actions": changes},
        {"label": "Or that", "uuid": str(uuid.uuid4())},
    ]
    links = [
        {"label": "Page", "url": "https://example.org/page", "type": "absolute"},
        {"label": "App", "url": "https://example.org/app", "type": "smart", "appContext": "toy"},
    ]
    topic = {"system": "https://example.org/topics", "code": "toy"}
    url, icon = "https://example.org", "https://example.org/icon.png"
    source = {"label": "Toy", "url": url, "icon": icon, "topic": topic}
    full = {
        "uuid": str(uuid.uuid4()),
        "summary": summary,
        "detail": "**All** of it",
        "indicator": "info",
        "source": source,
        "suggestions": suggestions,
        "selectionBehavior": "at-most-one",
        "overrideReasons": [dict(CODING)],
        "links": links,
        "extension": {"org.example.toy": {"of": "card"}},
    }
    bare = {"uuid": str(uuid.uuid4()), "summary": "Bare", "indicator": "warning", "source": dict(source)}
    said: dict[str, Any] = {"cards": [full, bare]}
    if hook == "order-sign":
        said["systemActions"] = [{"type": "update", "description": "Note it", "resource": copy.deepcopy(drafted)}]
    return said


def feedback(body: dict[str, Any]) -> Reply:
    items = body.get("feedback")
    if not isinstance(items, list) or not items:
        return refusal(400, "feedback", "is no list")
    for one in items:
        if one.get("outcome") not in ("accepted", "overridden"):
            return refusal(400, "feedback.outcome", "is unknown")
        if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", one.get("outcomeTimestamp", "")):
            return refusal(400, "feedback.outcomeTimestamp", "is no time")
        if one["outcome"] == "accepted" and not one.get("acceptedSuggestions"):
            return refusal(400, "feedback.acceptedSuggestions", "is missing")
    return Reply(200, None)


# --- serving it -------------------------------------------------------------------------------------------------------


def serving(
    toy: Toy, mutation: Mutation | None = None, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> contextlib.AbstractContextManager[str]:
    """The base address of a toy that runs until the block is left."""

    def answer(asked: Asked) -> Reply:
        reply = toy.answer(asked)
        return mutation(asked, reply) if mutation else reply

    return listening(answer, host, tls)


@contextlib.contextmanager
def listening(
    answer: Callable[[Asked], Reply], host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """The base address of whatever answers requests."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        times = 0

        def _do(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.times += 1
            reply = answer(Asked(self.command, self.path, headers, raw, self.times))
            if not reply.status:  # hang up
                self.close_connection = True
                return
            held = reply.body
            body = b"" if held is None else held if isinstance(held, bytes) else json.dumps(held).encode()
            lines = [f"HTTP/1.1 {reply.status} Said", f"Content-Length: {len(body)}"]
            lines += [f"{name}: {value}" for name, value in reply.headers.items()]
            self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

        do_GET = do_POST = do_OPTIONS = _do

        def log_message(self, *_: Any) -> None:
            """Nothing: the tests' output is theirs."""

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
