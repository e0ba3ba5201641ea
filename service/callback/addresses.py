"""Where a host may lie: on the public Internet, or in the networks that its base names.

In: a host and its port. Out: the addresses that may be connected to; Failed.
Source: IANA special-purpose address registries, as far as `ipaddress` has them; RFC 4291, 6052, 3056, 4380.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from service.callback.fetched import Failed

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

UNICAST = IPv6Network("2000::/3")  # all that is assigned for use on the Internet
NAT64 = IPv6Network("64:ff9b::/96")
LOW_32 = 0xFFFF_FFFF


def resolve(host: str, port: int, networks: Sequence[Network]) -> tuple[str, ...]:
    """The addresses of a host that may be connected to, in the resolver's order; asks the resolver once."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError):
        raise Failed("no-address") from None
    addresses = dict.fromkeys(str(one[4][0]) for one in found)
    allowed = tuple(one for one in addresses if is_allowed(ip_address(one), networks))
    if not allowed:
        raise Failed("forbidden-address")
    return allowed


def is_allowed(address: Address, networks: Sequence[Network]) -> bool:
    """Whether packets to an address reach nothing but the public Internet or the named networks."""
    return all(_may_be_reached(one, networks) for one in _reached(address))


def _reached(address: Address) -> Iterator[Address]:
    """Whom packets to an address reach: translators and tunnels take them to an IPv4 address inside of it.

    Of Teredo (2001::/32) no address is global, whatever is inside.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            yield address.ipv4_mapped
            return
        if address in NAT64:
            yield IPv4Address(int(address) & LOW_32)
            return
        if address.sixtofour:
            yield address.sixtofour
    yield address


def _may_be_reached(address: Address, networks: Sequence[Network]) -> bool:
    if address.is_multicast or address.is_unspecified:
        return False
    if any(address in network for network in networks):
        return True
    return address.is_global and (isinstance(address, IPv4Address) or address in UNICAST)
