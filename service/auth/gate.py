"""The token of a call, step by step; the first thing wrong ends it.

In: the Authorization header. Out: the client that has signed the token for this call, once. What costs nothing is
looked at before keys are fetched and signatures checked. Source: CDS Hooks 2.0, Trusting CDS Clients.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from math import ceil
from typing import Any, NamedTuple

import msgspec
from joserfc import jwt
from joserfc.errors import ClaimError, JoseError
from joserfc.jws import JWSRegistry

from service.auth.fetch import KeysDown
from service.auth.refusals import CannotTell, NotAdmitted, Replays
from service.auth.sources import Source
from service.clients import Client
from service.store import StoreDown

LONGEST_HEADER = 16 * 1024  # of a token; joserfc would stop at 512
LEEWAY = 60  # seconds that clocks may differ
FEEDBACK = "/feedback"
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +((?:[A-Za-z0-9_-]+\.){2}[A-Za-z0-9_-]+)\Z")
_TOKEN_ID = re.compile(r"[\x21-\x7e]{1,256}\Z")
# Keys that a token brings along prove nothing; what `crit` asks for is not understood.
_UNWANTED = ("jwk", "x5u", "x5c", "crit")
_OBJECT = msgspec.json.Decoder(dict[str, Any])


class Admitted(NamedTuple):
    """Who was let in."""

    client: Client
    tenant: str  # as the token names it; "" when it names none


class Gate:
    """Lets calls of known clients in."""

    def __init__(self, sources: Mapping[Client, Source], base: str, replays: Replays) -> None:
        self._base, self._replays = base, replays
        self._known = {client.issuer: (client, source) for client, source in sources.items()}

    def admit(self, authorization: str, path: str, now: datetime) -> Admitted:
        """The client that calls; NotAdmitted or CannotTell."""
        token = _token(authorization)
        header, claims = (_decoded(part) for part in token.split(".")[:2])
        issuer = claims.get("iss")
        if not isinstance(issuer, str) or issuer not in self._known:
            raise NotAdmitted("issuer")
        client, source = self._known[issuer]
        _check_header(header, client)
        _check_claims(claims, client, self._audiences(client, path), now)
        _check_signature(token, header, client, source)
        expires = datetime.fromtimestamp(ceil(claims["exp"]) + LEEWAY + 1, UTC)
        try:
            first = self._replays.accept_once(issuer, claims["jti"], expires)
        except StoreDown:
            raise CannotTell("store down", client.name) from None
        if not first:
            raise NotAdmitted("used before", client.name)
        tenant = claims.get("tenant")
        return Admitted(client, tenant if isinstance(tenant, str) else "")

    def _audiences(self, client: Client, path: str) -> list[str]:
        """What `aud` may say: the called address, with a last slash or without; for feedback also the service's."""
        called = {self._base + path, self._base + path.removesuffix(FEEDBACK), *client.audiences}
        return [*called, *(f"{one}/" for one in called)]


def _token(authorization: str) -> str:
    found = _BEARER.match(authorization)  # two headers come joined by a comma
    if found is None:
        raise NotAdmitted("not one bearer token" if authorization else "no token")
    return found[1]


def _decoded(part: str) -> dict[str, Any]:
    """One part of a token, before anything is known of who wrote it."""
    try:
        return _OBJECT.decode(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, msgspec.DecodeError, RecursionError):
        raise NotAdmitted("token malformed") from None


def _check_header(header: Mapping[str, Any], client: Client) -> None:
    if header.get("alg") not in client.algorithms:
        raise NotAdmitted("algorithm", client.name)
    if header.get("typ") != "JWT":  # joserfc does not look at it
        raise NotAdmitted("typ", client.name)
    if any(name in header for name in _UNWANTED):
        raise NotAdmitted("key in the token, or crit", client.name)
    if header.get("jku", client.jku) != client.jku:
        raise NotAdmitted("jku", client.name)
    if not isinstance(header.get("kid"), str):
        raise NotAdmitted("kid", client.name)


def _check_claims(claims: dict[str, Any], client: Client, audiences: list[str], now: datetime) -> None:
    needed = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()), leeway=LEEWAY,
        aud={"essential": True, "values": audiences}, exp={"essential": True}, iat={"essential": True},
        jti={"essential": True},
    )  # fmt: skip
    try:
        needed.validate(claims)
    except ClaimError as fault:
        raise NotAdmitted(f"claim {fault.claim}", client.name) from None
    if claims["exp"] > claims["iat"] + client.max_lifetime:
        raise NotAdmitted("lifetime", client.name)
    if not _TOKEN_ID.match(claims["jti"]):
        raise NotAdmitted("claim jti", client.name)
    if client.tenants and claims.get("tenant") not in client.tenants:
        raise NotAdmitted("tenant", client.name)


def _check_signature(token: str, header: Mapping[str, Any], client: Client, source: Source) -> None:
    try:
        key = source.find(header["kid"], header["alg"])
    except KeysDown as fault:
        raise CannotTell(str(fault), client.name) from None
    if key is None:
        raise NotAdmitted("unknown kid", client.name)
    allowed = JWSRegistry(algorithms=client.algorithms, strict_check_header=False)
    allowed.max_header_length = LONGEST_HEADER
    try:
        jwt.decode(token, key, registry=allowed)
    except (JoseError, ValueError, TypeError):
        raise NotAdmitted("signature", client.name) from None
