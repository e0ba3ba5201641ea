"""POST /workbench/fetch: the service's own prefetch against a FHIR server, key by key.

In: an allowed base, the id of a patient, perhaps a token. Out: what each query brought, and a request that holds it
(openapi.yaml: FetchRequest, FetchReport). The token goes to that server alone: it is in no answer, log or request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import msgspec
from flask import Response

from cds_hooks import door
from cds_hooks import request as hook_request
from cds_hooks.errors import InvalidRequest
from cds_hooks.prefetch import Prefetched, State
from cds_hooks.request import HookRequest
from cds_hooks.services import Service
from service import callback, contract
from service.callback.fetched import Fetched
from service.web.bodies import JSON, read_body
from service.web.parts import Parts, caller, encode

HOOK, USER = "patient-view", "Practitioner/workbench"
NOT_ALLOWED = "name it in CDS_CLIENTS under [[client.fhir]], and start with CDS_AUTH=off (demo mode alone)"
# The reasons of service.callback in words, each with what can be done.
WORDS = {
    "refused": "no connection: is the server there, and does it listen at this address?",
    "tls": "its certificate is not trusted: name its authority in SSL_CERT_FILE",
    "timeout": "no answer in time: CDS_FETCH_SECONDS says how long all queries together may take",
    "unauthorized": "401 or 403: the access token is missing, has expired, or its scope is too narrow",
    "not-found": "404 or 410: no such patient or resource there",
    "rate-limited": "429: the server asks for fewer calls",
    "rejected": "another 4xx: the server does not take this query",
    "server-error": "5xx, or an OperationOutcome in place of an answer",
    "redirect": "3xx: redirects are not followed; allow the address itself",
    "not-fhir": "the answer is no FHIR JSON of the type that was asked for",
    "too-large": "longer than is read: CDS_MAX_BODY for all keys, half of it for one, 20 pages",
    "page-loop": "its next pages lead in a circle",
    "not-allowed": "its next page lies outside the allowed base",
    "forbidden-address": "its name leads into a network that is not named with its base",
    "no-address": "its name is not in DNS",
}
HELD_BACK = "a part was held back: an error or a next page stands beside what came"

_ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True)
class Key:
    """One prefetch key, fetched and read."""

    query: str
    fetched: Fetched
    read: Prefetched

    @property
    def said(self) -> str:
        """What went wrong, "" when nothing did."""
        if self.read.reason:
            return WORDS[self.read.reason]
        return "" if self.read.complete or self.read.state is not State.SUPPLIED else HELD_BACK

    @property
    def value(self) -> Any:
        """What the request holds under the key: what came, else an outcome that says why nothing did."""
        if self.fetched.raw is not None and not self.read.reason:
            return msgspec.Raw(self.fetched.raw)
        issue = {"severity": "error", "code": "incomplete", "diagnostics": self.said}
        return {"resourceType": "OperationOutcome", "issue": [issue]}


def fetch(parts: Parts) -> Response:
    """Ask for every key of the service; 400 when no base allows the server, and then nobody is asked."""
    wanted = _read(parts)
    service = next(one for one, hook in parts.services.values() if hook.hook == HOOK)
    asked = _request(wanted, service)
    reach = caller(parts).reach
    if reach.base_of(asked.fhir_server or "") is None:
        raise InvalidRequest(path="fhirServer", problem="is no server that may be called", hint=NOT_ALLOWED)
    found = _fetched(asked, service, reach)
    made = {
        "hook": HOOK,
        "hookInstance": asked.hook_instance,
        "context": {"userId": USER, "patientId": asked.context.patient_id},
        "prefetch": {key: one.value for key, one in found.items()},
    }
    return Response(encode({"keys": [_told(key, one) for key, one in found.items()], "request": made}), mimetype=JSON)


def _read(parts: Parts) -> Mapping[str, Any]:
    """The body, as the contract has it."""
    try:
        wanted = door.decode(read_body(parts.settings.max_body), _ANYTHING)
    except msgspec.ValidationError:
        raise InvalidRequest(path="$", problem="holds a number out of range", hint="see /openapi.yaml") from None
    if faults := contract.faults("FetchRequest", wanted):
        raise InvalidRequest(*faults)
    held: Mapping[str, Any] = wanted
    return held


def _request(wanted: Mapping[str, Any], service: Service) -> HookRequest:
    """The call that an EHR would make which sends no prefetch; checked like one."""
    made = {
        "hook": HOOK,
        "hookInstance": str(uuid4()),
        "context": {"userId": USER, "patientId": wanted["patientId"]},
        "fhirServer": wanted["fhirServer"],
    }
    if token := wanted.get("accessToken"):
        grant = {"access_token": token, "token_type": "Bearer", "expires_in": 300, "scope": "any", "subject": "any"}
        made |= {"fhirAuthorization": grant}
    return hook_request.parse(encode(made), service)


def _fetched(asked: HookRequest, service: Service, reach: callback.CallBack) -> dict[str, Key]:
    queries = callback.queries_of(asked, service.prefetch)
    found = callback.fetched(queries, asked.fhir_server or "", asked.authorization, reach)
    return {one.key: Key(queries[one.key], one, callback.opened(one)) for one in found}


def _told(key: str, one: Key) -> dict[str, Any]:
    state = "error" if one.read.reason else one.read.state.value
    took, results = round(one.fetched.seconds * 1000, 1), len(one.read.resources)
    told = {"key": key, "query": one.query, "state": state, "results": results, "took_ms": took}
    return told | ({"said": one.said} if one.said else {})
