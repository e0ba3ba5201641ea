"""`cds doctor --call`: whether those answer whom the service will call: key servers and FHIR servers of CDS_CLIENTS.

In: the settings. Out: a line for each, with the reason when it does not answer; exit status 0 or 1. No patient is
asked for: of a FHIR server its CapabilityStatement, which needs no token.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from service import clients
from service.auth.fetch import KeysDown
from service.auth.fetch import fetch as fetch_keys
from service.auth.keys import read_keys
from service.callback.fetching import Server, fetch
from service.clients import Client
from service.fhir_base import FhirBase
from service.settings import Settings

LONGEST = 4 * 1024 * 1024  # bytes: CapabilityStatements of large servers are long
ANSWERS = frozenset(["unauthorized"])  # it is there, and wants a token even for this
REMEDY = {
    "no-address": "its name is not in DNS",
    "forbidden-address": "its address is not public: name its network in `networks`",
    "refused": "nothing listens there",
    "tls": "its certificate is not trusted: add its authority to this machine",
    "timeout": "it is too slow or a firewall drops the call: see CDS_FETCH_SECONDS",
    "not-found": "no FHIR server is at this path",
    "not-fhir": "what answers is no FHIR server",
}


@dataclass(frozen=True, slots=True)
class Reached:
    """Whether one server answers."""

    what: str
    fault: str = ""


def reached(chosen: Settings) -> Iterator[Reached]:
    """Every server that CDS_CLIENTS names."""
    named = clients.read(chosen.clients, chosen.mode == "demo") if chosen.clients else ()
    for client in named:
        if client.jwks_file is None:
            yield _keys(client, chosen)
        yield from (_base(client, base, chosen) for base in client.fhir)


def _keys(client: Client, chosen: Settings) -> Reached:
    what = f"keys of {client.name} at {client.jku}"
    try:
        keys = read_keys(fetch_keys(client.jku), chosen.mode == "demo")
    except (KeysDown, ValueError) as fault:
        return Reached(what, str(fault))
    return Reached(f"{what}: {keys.count}", "" if keys.usable else "none of them can be used")


def _base(client: Client, base: FhirBase, chosen: Settings) -> Reached:
    what = f"FHIR server of {client.name} at {base.base}"
    server = Server(base.base, base.networks, None)
    (found,) = fetch({"metadata": "metadata"}, server, chosen.fetch_seconds, LONGEST)
    if found.raw is None:
        fault = "" if found.reason in ANSWERS else f"{found.reason}: {REMEDY.get(found.reason, 'see its log')}"
        return Reached(what, fault)
    said = msgspec.json.decode(found.raw, type=_Statement)
    is_one = said.resourceType == "CapabilityStatement"
    return Reached(f"{what}: FHIR {said.fhirVersion}" if is_one else what, "" if is_one else REMEDY["not-fhir"])


class _Statement(msgspec.Struct):
    resourceType: str = ""
    fhirVersion: str = "of no stated version"
