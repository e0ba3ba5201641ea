"""Who is let in: calls with no token, with forged ones, with one twice; browsers. Checklist 66 to 76 and 80.

In: the wire and the services. Out: sights. Without a key the probe can show that wrong tokens are refused, not why.
"""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any
from uuid import uuid4

from service.probe import made_up
from service.probe.findings import Seen, Sight, Skip
from service.probe.lines import Level
from service.probe.made_up import Offer
from service.probe.wire import Answer, Wire, is_loopback

REFUSED = (400, 401, 403)
NO_TOKEN = "no token"
STRANGE_ORIGIN = "https://cds-check.invalid"


def knock(wire: Wire, offer: Offer) -> int:
    """The status of a call by the book without any token."""
    return wire.ask("POST", offer.path, NO_TOKEN, made_up.request(offer), token=None).status


def is_closed(status: int) -> bool:
    """Whether it refuses a call for want of a token."""
    return status in (401, 403)


def tokens(wire: Wire, knocked: dict[Offer, int], spare: str | None) -> Iterator[Seen]:
    """Everything about tokens. `knocked`: what knocking gave; `spare`: a token that was not sent yet."""
    places = [f"POST {offer.path} ({NO_TOKEN})" for offer in knocked]
    closed = {offer: is_closed(status) for offer, status in knocked.items()}
    remedy = "ask for a token on every service, or on none"
    yield Sight("70", len(set(closed.values())) == 1, places[0], remedy, Level.SHOULD)
    if any(closed.values()):
        offer = next(one for one, is_so in closed.items() if is_so)
        yield Sight("69", all(closed.values()), places[0], remedy)
        yield from _forgeries(wire, offer, spare)
        yield from _replay(wire, offer, spare)
        return
    if not is_loopback(wire.base):
        yield Sight("69", False, places[0], "ask for a token: anyone who reaches this address is answered")
    offer = next(iter(knocked))
    garbage = wire.ask(
        "POST", offer.path, "a token that is none", made_up.request(offer), token="Bearer cds-check-secret"
    )
    fits = garbage.is_one_of(401, 403, knocked[offer])
    yield Sight("70", fits, garbage.asked, f"answer as without a token, or 401 (seen: {garbage.shown})")


def _forgeries(wire: Wire, offer: Offer, spare: str | None) -> Iterator[Seen]:
    """Tokens that nobody may take, as like to a real one as can be."""
    header, claims = _taken_apart(spare)
    now = int(time.time())
    claims = {"iss": "https://cds-check.invalid", "aud": wire.base + offer.path} | claims
    claims |= {"iat": now, "exp": now + 300, "jti": str(uuid4())}
    header = {"kid": "cds-check"} | header | {"typ": "JWT"}
    zeros = bytes(96)
    signed = header | {"alg": "ES384"}
    table = [
        ("70", "Basic instead of Bearer", "Basic Y2RzOmNoZWNr"),
        ("70", "a token that is none", "Bearer cds-check-secret"),
        ("71", "alg none", _bearer(header | {"alg": "none"}, claims, b"")),
        ("71", "alg HS256", _hmac(header | {"alg": "HS256"}, claims)),
        ("71", "a forged signature", _bearer(signed, claims, zeros)),
        ("72", "an expired token", _bearer(signed, claims | {"iat": now - 7200, "exp": now - 3600}, zeros)),
        ("72", "a token without claims", _bearer(signed, {}, zeros)),
    ]
    if spare and spare.count(".") == 2:
        kept = spare.split(".")
        table.append(("71", "changed claims", f"Bearer {kept[0]}.{_encoded(claims)}.{kept[2]}"))
    for line, what, token in table:
        answer = wire.ask("POST", offer.path, what, made_up.request(offer), token=token)
        yield Sight(line, answer.is_one_of(*REFUSED), answer.asked, f"refuse it with 401 (seen: {answer.shown})")
        if answer.is_one_of(*REFUSED):
            bare = answer.status == 401 and not answer.body
            remedy = f"answer 401 without a body: the reason belongs into the log (seen: {answer.shown})"
            yield Sight("76", bare, answer.asked, remedy)


def _replay(wire: Wire, offer: Offer, spare: str | None) -> Iterator[Seen]:
    if spare is None:
        return
    sent = [
        wire.ask("POST", offer.path, f"a token, time {n}", made_up.request(offer), token=f"Bearer {spare}")
        for n in (1, 2)
    ]
    if sent[0].is_one_of(401, 403):
        yield Skip("75", "the token is not taken here: is it for this address, and not used before?")
        return
    remedy = "remember (iss, jti) until the token expires, and refuse it the second time"
    yield Sight("75", sent[1].is_one_of(401, 403), sent[1].asked, f"{remedy} (seen: {sent[1].shown})")


def _taken_apart(token: str | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a real token, so that forgeries differ in one thing alone; empty when it cannot be read."""
    parts = (token or "").split(".")
    found: list[dict[str, Any]] = []
    for part in parts[:2]:
        try:
            read = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        except ValueError:  # base64 and JSON alike
            read = None
        found.append(read if isinstance(read, dict) else {})
    return (found[0], found[1]) if len(found) == 2 else ({}, {})


def _bearer(header: dict[str, Any], claims: dict[str, Any], signature: bytes) -> str:
    return f"Bearer {_encoded(header)}.{_encoded(claims)}.{_text(signature)}"


def _hmac(header: dict[str, Any], claims: dict[str, Any]) -> str:
    signed = f"{_encoded(header)}.{_encoded(claims)}"
    return f"Bearer {signed}.{_text(hmac.digest(b'secret', signed.encode(), sha256))}"


def _encoded(value: dict[str, Any]) -> str:
    return _text(json.dumps(value).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def browsers(wire: Wire, paths: Sequence[tuple[str, str]], origin: str | None) -> Iterator[Seen]:
    """Preflights of every address, as (method, path); from the origin that is to be let in, else from a strange one."""
    wrong = False
    for method, path in paths:
        asked_for = {
            "Access_Control_Request_Method": method,
            "Access_Control_Request_Headers": "authorization,content-type",
        }
        answer = wire.ask("OPTIONS", path, "preflight", token=None, Origin=origin or STRANGE_ORIGIN, **asked_for)
        allowed = answer.headers.get("Access-Control-Allow-Origin", "")
        trusts = answer.headers.get("Access-Control-Allow-Credentials", "").lower() == "true"
        if trusts and (allowed == "*" or (not origin and allowed == STRANGE_ORIGIN)):
            wrong = True
            yield Sight("80", False, answer.asked, "list origins: credentials must not go to any origin")
        elif origin:
            yield from _preflight(answer, origin, allowed)
    if origin:
        answer = wire.ask(*paths[0], "from a browser", Origin=origin)
        allowed = answer.headers.get("Access-Control-Allow-Origin", "")
        yield Sight("80", allowed in ("*", origin), answer.asked, "allow the origin on the answer too")
    elif not wrong:
        yield Skip("80", "give --origin to see whether browsers from there may call")


def _preflight(answer: Answer, origin: str, allowed: str) -> Iterator[Seen]:
    fits = 200 <= answer.status < 300
    yield Sight("80", fits, answer.asked, f"answer preflights before asking for a token (seen: {answer.shown})")
    if fits:
        yield Sight("80", allowed in ("*", origin), answer.asked, "allow the origin: Access-Control-Allow-Origin")
        named = {one.strip().lower() for one in answer.headers.get("Access-Control-Allow-Headers", "").split(",")}
        remedy = "allow the headers: Access-Control-Allow-Headers: Authorization, Content-Type"
        # "*" does not stand for Authorization.
        yield Sight("80", "authorization" in named and bool({"content-type", "*"} & named), answer.asked, remedy)
