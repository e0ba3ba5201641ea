"""The FHIR servers that may be called back: addresses that compare as text, and the networks where they may lie.

In: what an operator wrote, or a client sent. Out: a FhirBase; ValueError with the remedy, which repeats no value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

PORT_OF = {"https": 443, "http": 80}
LONGEST = 2048

# No blank, user, query, fragment or escape, and no segment of dots: what an address looks like is where it leads.
_HOST = r"(?i:https?)://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[1-9][0-9]{0,4})?"
_SHAPE = re.compile(_HOST + r"(?:/(?!\.+(?:/|\Z))[A-Za-z0-9._~!$&'()*+,;=:@-]+)*/?\Z")
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\Z")
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)\Z")  # what resolvers take for an IPv4 address


@dataclass(frozen=True, slots=True)
class FhirBase:
    """One server, and below which path. Without `networks` it must have an address of the public Internet."""

    base: str  # normalised, no trailing slash
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


Bases = tuple[FhirBase, ...]


def fhir_base(text: str, networks: Iterable[str] = ()) -> FhirBase:
    """A base as an operator allows it; http is for this machine alone."""
    base = normalised(text)
    if base.startswith("http:") and not _is_loopback(urlsplit(base).hostname or ""):
        raise ValueError("use https: a token would go over http to another machine as plain text")
    try:
        return FhirBase(base, tuple(ip_network(one) for one in networks))
    except ValueError:
        raise ValueError("name networks by their first address and length, e.g. 10.20.0.0/16") from None


def normalised(text: str) -> str:
    """An http(s) address: lower case but for the path, without default port, final dot and final slash."""
    try:
        parts = urlsplit(text if len(text) <= LONGEST and _SHAPE.match(text) else "")
        scheme, host, port = parts.scheme.lower(), _host(parts.hostname or ""), parts.port
    except ValueError:
        raise ValueError(
            "give the base address of a FHIR server, e.g. https://fhir.example.com/r4: in ASCII (hosts as xn--), IP"
            " addresses as usually written, no user, query, fragment, % escape, double slash or segment of dots"
        ) from None
    shown = host if port in (None, PORT_OF[scheme]) else f"{host}:{port}"
    return f"{scheme}://{shown}{parts.path.rstrip('/')}"


def is_under(base: str, address: str) -> bool:
    """Whether a normalised address is the base or lies below it, segment by segment."""
    return address == base or address.startswith(f"{base}/")


def _host(text: str) -> str:
    name = text.removesuffix(".")
    try:
        address = ip_address(name)
    except ValueError:
        if not _NAME.match(name) or _NUMBER.match(name):
            raise
        return name
    return f"[{address.compressed}]" if address.version == 6 else address.compressed


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
