"""CDS clients: who may call, with which keys, and which FHIR servers each may name.

In: the TOML file that CDS_CLIENTS names. Out: Clients, or ValueError with every fault (key path and remedy, never the
value). Source: CDS Hooks 2.0, Trusting CDS Clients.

    [[client]]
    name = "st-elsewhere"                          # for logs
    issuer = "https://ehr.example.org"             # the `iss` of its tokens
    jku = "https://ehr.example.org/jwks.json"      # where its keys are
    jwks_file = "keys.json"                        # or a file with them; `jku` is then only held against the tokens'
    audiences = ["..."]                            # accepted besides the address of the called endpoint
    tenants = ["..."]                              # left out: any
    algorithms = ["ES384", "RS384"]
    max_lifetime = 900                             # seconds from `iat` to `exp`
    profile = "generic"                            # generic | epic | cerner | sandbox
    links = ["https://cds.example.org/"]           # beginnings of links that the client has registered
    detail = "markdown"                            # or html, text: in place of the profile's

    [client.orders]                                # the site's codes of our orders
    "http://loinc.org|2132-9" = { system = "urn:oid:2.999.2", code = "4711" }

    [[client.fhir]]
    base = "https://ehr.example.org/fhir/r4"
    networks = ["10.1.0.0/16"]                     # private networks that its address may be in
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from service.clients import values as reading
from service.clients.values import NAME, Here, Parse
from service.fhir_base import FhirBase
from service.profiles import SiteChoices
from service.settings import Settings, read_toml
from service.settings.texts import is_safe

SANDBOX = "sandbox.cds-hooks.org"  # its private key is published


@dataclass(frozen=True, slots=True)
class Client:
    """One that may call. Its keys come from `jwks_file` when there is one, else from `jku`."""

    name: str
    issuer: str
    jku: str = ""
    jwks_file: Path | None = None
    audiences: tuple[str, ...] = ()
    tenants: tuple[str, ...] = ()  # none: any tenant, and none, will do
    algorithms: tuple[str, ...] = ("ES384", "RS384")
    max_lifetime: int = 900  # seconds
    profile: str = "generic"
    fhir: tuple[FhirBase, ...] = ()
    site: SiteChoices = field(default_factory=SiteChoices, hash=False)


def read(path: Path, demo: bool) -> tuple[Client, ...]:
    """The clients of a file; ValueError with all faults."""
    here, content, faults = Here(path.parent, demo), read_toml(path), list[str]()
    faults += [
        f"{key if NAME.match(key) else 'a key'} is not known: the file holds [[client]] tables"
        for key in sorted(content.keys() - {"client"})
    ]
    tables = content.get("client")
    if not isinstance(tables, list) or not tables or not all(isinstance(one, dict) for one in tables):
        raise ValueError(*faults, "names no client: begin each with [[client]]")
    clients = []
    for number, table in enumerate(tables, 1):
        values = _values(table, _CLIENT, f"client[{number}]", here, faults)
        faults += (f"client[{number}].{one}" for one in _against(table, values, demo))
        clients.append(values)
    for key in ("name", "issuer"):
        given = [values[key] for values in clients if key in values]
        faults += [f"client[{i}].{key} is that of another client" for i, one in enumerate(given, 1)
                   if one in given[: i - 1]]  # fmt: skip
    if faults:
        raise ValueError(*faults)
    return tuple(_client(given) for given in clients)


def _client(given: dict[str, Any]) -> Client:
    site = SiteChoices(**{key: given.pop(key) for key in _SITE if key in given})
    return Client(**given, site=site)


def faults(chosen: Settings) -> Iterator[tuple[str, str]]:
    """What authentication has against settings: field and fault."""
    production = chosen.mode == "production"
    if production and chosen.auth == "off":
        yield "auth", "production authenticates: leave it out, or use CDS_MODE=demo"
    if production and chosen.public_base_url.startswith("http:"):
        yield "public_base_url", "production is reached by https"
    if production and not all(map(is_safe, chosen.cors_origins)):
        yield "cors_origins", "production lets in https alone (http only on this machine)"
    if chosen.authenticates and not chosen.public_base_url:
        yield "public_base_url", "is not set: tokens name the address that they are for, so authentication needs it"
    if chosen.authenticates and chosen.clients is None:
        yield "clients", "is not set: authentication needs to know who may call"
    if chosen.authenticates and not chosen.database_url:
        yield "database_url", "is off: authentication keeps the ids of used tokens in it"
    if chosen.authenticates and chosen.workbench == "on":
        yield "workbench", "asks for no token, and authentication is on: leave it out, or use CDS_AUTH=off (demo alone)"
    if chosen.clients is not None:
        try:
            read(chosen.clients, not production)
        except ValueError as fault:
            yield from (("clients", one) for one in fault.args)


def _against(table: Mapping[str, Any], values: Mapping[str, Any], demo: bool) -> Iterator[str]:
    """What the values of one client have against each other and against the mode."""
    if not {"jku", "jwks_file"} & table.keys():
        yield "jku is missing: say where the keys are, by jku or jwks_file"
    names = [urlsplit(values.get(key, "")).hostname for key in ("issuer", "jku")]
    if not demo and (SANDBOX in names or values.get("profile") == "sandbox"):
        yield "issuer cannot be the public sandbox in production: anyone can sign with its key"


def _values(
    table: Mapping[str, Any], fields: Mapping[str, Parse], where: str, here: Here, faults: list[str]
) -> dict[str, Any]:
    """The values of a table that can be used; what cannot joins the faults."""
    values = {}
    for key in sorted(table.keys() - fields.keys()):
        close = get_close_matches(key, fields, n=1)
        known = f"did you mean {close[0]}?" if close else f"there are {', '.join(fields)}"
        faults.append(f"{where}.{key if NAME.match(key) else 'a key'} is not known: {known}")
    faults += [f"{where}.{key} is missing" for key in sorted(_REQUIRED & fields.keys() - table.keys())]
    for key in (one for one in fields if one in table):
        try:
            values[key] = fields[key](table[key], here)
        except ValueError as fault:
            # A fault of a list inside begins with its place: fhir[1].base
            faults += [f"{where}.{key}{'' if one.startswith('[') else ': '}{one}" for one in map(str, fault.args)]
    return values


def _fhir(value: Any, here: Here) -> tuple[FhirBase, ...]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("begin each with [[client.fhir]]")
    faults: list[str] = []
    read = [_values(one, _FHIR, f"[{number}]", here, faults) for number, one in enumerate(value, 1)]
    if faults:
        raise ValueError(*faults)
    return tuple(FhirBase(**values) for values in read)


_REQUIRED = {"name", "issuer", "base"}
_FHIR: dict[str, Parse] = {"base": reading.base, "networks": reading.networks}
_CLIENT: dict[str, Parse] = {
    "name": reading.name, "issuer": reading.text, "jku": reading.jku, "jwks_file": reading.file,
    "audiences": reading.texts, "tenants": reading.texts, "algorithms": reading.algorithms,
    "max_lifetime": reading.lifetime, "profile": reading.profile, "fhir": _fhir,
    "links": reading.links, "detail": reading.detail, "orders": reading.orders,
}  # fmt: skip
_SITE = ("links", "detail", "orders")  # how the client wants its cards
