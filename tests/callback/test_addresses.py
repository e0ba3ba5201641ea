"""Which addresses may be connected to: a table, and the resolver's tricks."""

from __future__ import annotations

import socket
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from service.callback.addresses import is_allowed, resolve
from service.callback.fetched import Failed

HOSPITAL = (ip_network("10.20.0.0/16"), ip_network("fd00:20::/32"))
ALLOWED = ["8.8.8.8", "2600::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"]
FORBIDDEN = [
    "0.0.0.0", "127.0.0.1", "127.8.9.1", "10.20.1.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "192.0.0.1", "198.18.0.1", "203.0.113.7", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
    "::", "::1", "fe80::1", "fd00:20::1", "fec0::1", "ff02::1", "2001:db8::1", "100::1", "::7f00:1",
    "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b:1::a9fe:a9fe",
    "2002:a9fe:a9fe::", "2002:7f00:1::1",
    "2001:0:808:808:0:0:f5eb:fffe",  # Teredo: a public server, a client at 10.20.0.1
    "2001:0:a9fe:a9fe:0:0:f7f7:f7f7",  # Teredo: a server at 169.254.169.254
]  # fmt: skip
IN_THE_HOSPITAL = [
    ("10.20.1.1", True), ("::ffff:10.20.1.1", True), ("fd00:20::1", True), ("8.8.8.8", True),
    ("10.21.1.1", False), ("fd00:21::1", False), ("127.0.0.1", False), ("169.254.169.254", False),
    ("64:ff9b::a9fe:a9fe", False),
]  # fmt: skip


@pytest.mark.parametrize("text", ALLOWED)
def test_fault_41_an_address_of_the_public_internet_is_allowed(text: str) -> None:
    assert is_allowed(ip_address(text), ())


@pytest.mark.parametrize("text", FORBIDDEN)
def test_fault_41_any_other_address_is_not_however_it_is_written(text: str) -> None:
    assert not is_allowed(ip_address(text), ())


@pytest.mark.parametrize(("text", "allowed"), IN_THE_HOSPITAL)
def test_fault_41_a_named_network_is_allowed_and_nothing_beside_it(text: str, allowed: bool) -> None:
    assert is_allowed(ip_address(text), HOSPITAL) is allowed


def test_fault_41_multicast_and_any_address_are_refused_even_when_they_are_named() -> None:
    assert not is_allowed(ip_address("0.0.0.0"), [ip_network("0.0.0.0/8")])
    assert not is_allowed(ip_address("224.0.0.1"), [ip_network("224.0.0.0/4")])
    assert not is_allowed(ip_address("ff02::1"), [ip_network("ff00::/8")])


def answering(*addresses: str) -> Any:
    """A resolver that knows one host with these addresses."""

    def resolver(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port)) for one in addresses]

    return resolver


def test_fault_41_of_several_addresses_only_the_allowed_remain_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answering("127.0.0.1", "8.8.8.8", "fe80::1%eth0", "8.8.8.8"))
    assert resolve("ehr.example.org", 443, ()) == ("8.8.8.8",)


@pytest.mark.parametrize("host", ["0x7f000001", "2130706433", "127.1", "0177.0.0.1", "localhost"])
def test_fault_41_what_the_real_resolver_takes_for_this_machine_is_forbidden(host: str) -> None:
    with pytest.raises(Failed, match=r"^forbidden-address$"):
        resolve(host, 80, ())


def test_a_host_without_address_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failed, match=r"^no-address$"):
        resolve("a" * 64 + ".example", 80, ())  # no label is that long: the resolver does not get to see it

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Failed, match=r"^no-address$"):
        resolve("ehr.example.org", 80, ())
