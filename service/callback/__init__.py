"""Calling back: prefetch keys that a client did not send are fetched from its FHIR server, when that one is allowed.

In: a checked request, the CDS service that it calls, and whom we may call. Out: every prefetch key with its
state; what could not be fetched is MISSING and carries its reason. No value, address or token is logged.
CDS Hooks 2.0 "FHIR Resource Access".

    refused  tls  timeout                              no connection, no trust, no time
    unauthorized  not-found  rate-limited              401 and 403, 404 and 410, 429
    rejected  server-error  redirect  not-fhir         any other 4xx, 5xx, 3xx; what is no FHIR JSON
    too-large  page-loop                               longer than we read; pages that lead back
    not-allowed  forbidden-address  no-address         by its base, by its IP address, not in DNS
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from msgspec import Raw

from cds_hooks import prefetch
from cds_hooks.errors import InvalidRequest
from cds_hooks.prefetch import Prefetched, State
from cds_hooks.request import Authorization, HookRequest
from cds_hooks.services import Service
from service import telemetry
from service.callback.fetched import Fetched
from service.fhir_base import Bases, FhirBase, is_under, normalised

log = logging.getLogger("service")

REASONS = frozenset({
    "refused", "tls", "timeout", "unauthorized", "not-found", "rate-limited", "rejected", "server-error", "redirect",
    "not-fhir", "too-large", "page-loop", "not-allowed", "forbidden-address", "no-address",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class CallBack:
    """Whom we may call, how long all of it may take, and how much we read: of all keys, half of it of one."""

    bases: Bases = ()
    seconds: float = 2.0
    most_bytes: int = 4 * 1024 * 1024

    def base_of(self, server: str) -> FhirBase | None:
        """The base that allows this address of a FHIR server, None when none does."""
        try:
            address = normalised(server)
        except ValueError:
            return None
        return next((one for one in self.bases if is_under(one.base, address)), None)


NOBODY = CallBack()


def read(request: HookRequest, service: Service, reach: CallBack) -> dict[str, Prefetched]:
    """Every key of the service with its state; without an allowed base the same as `prefetch.read`."""
    found = sent = prefetch.read(request, service)
    call = telemetry.in_hand()
    missing = {key: service.prefetch[key] for key, one in sent.items() if one.state is State.MISSING}
    queries = queries_of(request, missing)
    if queries and request.fhir_server and reach.bases:
        with telemetry.timed("fetch"):
            asked = fetched(queries, request.fhir_server, request.authorization, reach)
            read = {one.key: opened(one) for one in asked}
        call.fetched = [one.reason or "fetched" for one in read.values()]
        if failed := [f"{one.key} ({one.reason})" for one in read.values() if one.reason]:
            instance = request.hook_instance if request.hook_instance_is_uuid else "no UUID"
            log.warning("%s: not fetched: %s (hookInstance %s)", service.id, ", ".join(failed), instance)
        found = sent | read
    call.prefetch = {key: one.state.value for key, one in found.items()}
    return found


def queries_of(request: HookRequest, templates: Mapping[str, str]) -> dict[str, str]:
    """The read or search of each key, without those that the context cannot fill."""
    resolved = {key: prefetch.resolve(template, request.context.tokens) for key, template in templates.items()}
    return {key: query for key, query in resolved.items() if query is not None}


def fetched(
    queries: Mapping[str, str], server: str, authorization: Authorization | None, reach: CallBack
) -> Iterable[Fetched]:
    """What each query brings; no connection is made to a server that is not allowed."""
    base = reach.base_of(server)
    if base is None:
        return (Fetched(key, None, "not-allowed") for key in queries)
    if authorization and authorization.expires_in == 0:
        return (Fetched(key, None, "unauthorized") for key in queries)
    from service.callback.fetching import Server, fetch  # who calls nobody does without `requests`

    token = authorization.access_token if authorization else None
    return fetch(queries, Server(normalised(server), base.networks, token), reach.seconds, reach.most_bytes)


def opened(one: Fetched) -> Prefetched:
    """A key as if it had been sent, but that an error is a reason to be MISSING."""
    if one.raw is None:
        return Prefetched(one.key, State.MISSING, reason=one.reason)
    try:
        read = prefetch.read_value(one.key, Raw(one.raw), "fetched")
    except InvalidRequest:
        return Prefetched(one.key, State.MISSING, reason="not-fhir")
    return read if read.state is not State.ERROR else Prefetched(one.key, State.MISSING, reason="server-error")
