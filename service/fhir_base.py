"""A FHIR server that a CDS client may name in its calls.

In: what the site configured. Out: a value to hold `fhirServer` against, and the private networks that its address may
be in.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True)
class FhirBase:
    """Base address (scheme and host in small letters, no trailing slash, no query) and the networks allowed for it."""

    base: str
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
