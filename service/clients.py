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
    profile = "generic"

    [[client.fhir]]
    base = "https://ehr.example.org/fhir/r4"
    networks = ["10.1.0.0/16"]                     # private networks that its address may be in
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from service.fhir_base import FhirBase
from service.settings import Settings, read_toml

ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
PROFILES = ("generic", "epic", "cerner", "sandbox")
SANDBOX = "sandbox.cds-hooks.org"  # its private key is published
LONGEST_LIFETIME = 3600  # CDS Hooks best practices: tokens live for less than an hour
MOST_TEXT = 512
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")


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


@dataclass(frozen=True, slots=True)
class _Here:
    """What reading a value depends on besides the value."""

    folder: Path
    demo: bool


_Parse = Callable[[Any, _Here], Any]


def read(path: Path, demo: bool) -> tuple[Client, ...]:
    """The clients of a file; ValueError with all faults."""
    here, content, faults = _Here(path.parent, demo), read_toml(path), list[str]()
    faults += [
        f"{key if _NAME.match(key) else 'a key'} is not known: the file holds [[client]] tables"
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
    return tuple(Client(**values) for values in clients)


def faults(chosen: Settings) -> Iterator[tuple[str, str]]:
    """What authentication has against settings: field and fault."""
    production = chosen.mode == "production"
    if production and chosen.auth == "off":
        yield "auth", "production authenticates: leave it out, or use CDS_MODE=demo"
    if production and chosen.public_base_url.startswith("http:"):
        yield "public_base_url", "production is reached by https"
    if chosen.authenticates and not chosen.public_base_url:
        yield "public_base_url", "is not set: tokens name the address that they are for, so authentication needs it"
    if chosen.authenticates and chosen.clients is None:
        yield "clients", "is not set: authentication needs to know who may call"
    if chosen.authenticates and not chosen.database_url:
        yield "database_url", "is off: authentication keeps the ids of used tokens in it"
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
    table: Mapping[str, Any], fields: Mapping[str, _Parse], where: str, here: _Here, faults: list[str]
) -> dict[str, Any]:
    """The values of a table that can be used; what cannot joins the faults."""
    values = {}
    for key in sorted(table.keys() - fields.keys()):
        close = get_close_matches(key, fields, n=1)
        known = f"did you mean {close[0]}?" if close else f"there are {', '.join(fields)}"
        faults.append(f"{where}.{key if _NAME.match(key) else 'a key'} is not known: {known}")
    faults += [f"{where}.{key} is missing" for key in sorted(_REQUIRED & fields.keys() - table.keys())]
    for key in (one for one in fields if one in table):
        try:
            values[key] = fields[key](table[key], here)
        except ValueError as fault:
            # A fault of a list inside begins with its place: fhir[1].base
            faults += [f"{where}.{key}{'' if one.startswith('[') else ': '}{one}" for one in map(str, fault.args)]
    return values


# --- one value each: what it becomes, or ValueError with the remedy ---------------------------------------------------


def _name(value: Any, _: _Here) -> str:
    if not isinstance(value, str) or not _NAME.match(value):
        raise ValueError("use a short name of letters, digits, dots and hyphens: logs show it")
    return value


def _text(value: Any, _: _Here) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= MOST_TEXT:
        raise ValueError(f"give a text of 1 to {MOST_TEXT} characters")
    return value


def _texts(value: Any, here: _Here) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("give a list that is not empty, or leave it out")
    return tuple(dict.fromkeys(_text(one, here) for one in value))


def _algorithms(value: Any, here: _Here) -> tuple[str, ...]:
    named = _texts(value, here)
    if not set(named) <= set(ALGORITHMS):
        raise ValueError(f"choose from {', '.join(ALGORITHMS)}")
    return named


def _lifetime(value: Any, _: _Here) -> int:
    if type(value) is not int or not 0 < value <= LONGEST_LIFETIME:
        raise ValueError(f"give whole seconds, from 1 to {LONGEST_LIFETIME}")
    return value


def _profile(value: Any, _: _Here) -> str:
    if value not in PROFILES:
        raise ValueError(f"choose one of {', '.join(PROFILES)}")
    return str(value)


def _file(value: Any, here: _Here) -> Path:
    if not isinstance(value, str) or not (path := here.folder / value).is_file():
        raise ValueError("name a file that this process can read; its place is relative to this file")
    return path


def _address(value: Any, here: _Here) -> SplitResult:
    """An absolute https address; http on this machine in demo mode."""
    kind = "https (http only on this machine, in demo mode)" if here.demo else "https"
    remedy = f"give an absolute {kind} address without user and fragment"
    try:
        parts = urlsplit(_text(value, here))
        allowed = parts.scheme == "https" or (here.demo and parts.scheme == "http" and _is_local(parts.hostname))
        if not allowed or not parts.hostname or parts.port == 0 or parts.username is not None or "#" in value:
            raise ValueError(remedy)
    except ValueError:
        raise ValueError(remedy) from None
    if re.search(r"[\s\\]", value):
        raise ValueError(remedy)
    return parts


def _is_local(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _jku(value: Any, here: _Here) -> str:
    _address(value, here)
    return str(value)  # exactly as it is written: tokens are compared with it


def _base(value: Any, here: _Here) -> str:
    parts = _address(value, here)
    if parts.query or "?" in value:
        raise ValueError("give the base address of the server, without a query")
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/')}"


def _networks(value: Any, here: _Here) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(one) for one in _texts(value, here))
    except ValueError:
        raise ValueError("list networks such as 10.1.0.0/16, without host bits") from None


def _fhir(value: Any, here: _Here) -> tuple[FhirBase, ...]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("begin each with [[client.fhir]]")
    faults: list[str] = []
    read = [_values(one, _FHIR, f"[{number}]", here, faults) for number, one in enumerate(value, 1)]
    if faults:
        raise ValueError(*faults)
    return tuple(FhirBase(**values) for values in read)


_REQUIRED = {"name", "issuer", "base"}
_FHIR: dict[str, _Parse] = {"base": _base, "networks": _networks}
_CLIENT: dict[str, _Parse] = {
    "name": _name, "issuer": _text, "jku": _jku, "jwks_file": _file, "audiences": _texts, "tenants": _texts,
    "algorithms": _algorithms, "max_lifetime": _lifetime, "profile": _profile, "fhir": _fhir,
}  # fmt: skip
