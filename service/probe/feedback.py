"""Feedback about cards: all that EHRs send, and what nobody should. Checklist 61 to 68.

In: the wire, a service, whether it asks for a token. Out: sights; nothing when there is no such address. The feedback
is about cards that do not exist, and about no patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from service.probe.calls import sight
from service.probe.findings import Seen, Sight
from service.probe.lines import Level
from service.probe.made_up import Offer
from service.probe.wire import Answer, Wire

TAKEN, REFUSED = (200, 201, 202, 204), (400, 422)
AT = "2026-01-31T08:00:00Z"
REASON = {"system": "https://example.org/cds-check", "code": "cds-check"}


def path(offer: Offer) -> str:
    """The way to the feedback of a service."""
    return f"{offer.path}/feedback"


def is_there(wire: Wire, offer: Offer) -> bool:
    """Whether the address exists: a body that is no feedback gets anything but 404 or 405."""
    answer = wire.ask("POST", path(offer), "is there feedback?", {"feedback": [_item()]})
    return not answer.is_one_of(404, 405, 501)


def look(wire: Wire, offer: Offer, closed: bool) -> Iterator[Seen]:
    """Everything that feedback to one service shows."""
    yield from _taken(wire, offer)
    yield from _refused(wire, offer)
    item = _item()
    for time in ("first", "second"):
        answer = _send(wire, offer, f"the same card, {time} time", item, item)
        remedy = "take feedback on a card again: clients repeat it"
        yield sight(answer, "61", answer.is_one_of(*TAKEN), remedy, Level.SHOULD)
    bare = wire.ask("POST", path(offer), "no token", {"feedback": [_item()]}, token=None)
    remedy = "ask for a token exactly when the service does"
    yield Sight("66", bare.is_one_of(401, 403) == closed, bare.asked, f"{remedy} (seen: {bare.shown})")


def _taken(wire: Wire, offer: Offer) -> Iterator[Seen]:
    accepted = {"outcome": "accepted", "acceptedSuggestions": [{"id": str(uuid4())}]}
    comment = {"overrideReason": {"userComment": "cds-check"}}
    table: tuple[tuple[str, str, dict[str, Any], Level | None], ...] = (
        ("62", "accepted", accepted, None),
        ("64", "overridden with a reason", {"overrideReason": {"reason": REASON}}, None),
        ("64", "overridden with a comment", comment, None),
        ("64", "overridden without a reason", {}, None),
        ("68", "overrideReasons", {"overrideReasons": {"reason": REASON}}, None),
    )
    for line, what, members, level in table:
        answer = _send(wire, offer, what, _item(**members))
        yield sight(answer, line, answer.is_one_of(*TAKEN), "answer 200: this is feedback by the book", level)
    mixed = _send(wire, offer, "two unknown cards", _item(), _item(**accepted))
    yield sight(mixed, "67", mixed.is_one_of(*TAKEN), "take feedback on unknown cards: clients do not try again")


def _refused(wire: Wire, offer: Offer) -> Iterator[Seen]:
    table: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("62", "an unknown outcome", {"outcome": "cds-check-secret"}),
        ("62", "a timestamp that is none", {"outcomeTimestamp": "cds-check-secret"}),
        ("63", "accepted without suggestions", {"outcome": "accepted"}),
    )
    for line, what, members in table:
        answer = _send(wire, offer, what, _item(**members))
        yield sight(answer, line, answer.is_one_of(*REFUSED), "refuse it with 400", Level.SHOULD)
    for what, body in (("JSON that breaks off", b'{"feedback": ['), ("feedback that is no list", {"feedback": 5})):
        answer = wire.ask("POST", path(offer), what, body)
        yield sight(answer, "67", answer.is_one_of(*REFUSED), "refuse it with 400", Level.SHOULD)


def _send(wire: Wire, offer: Offer, what: str, *items: dict[str, Any]) -> Answer:
    return wire.ask("POST", path(offer), what, {"feedback": list(items)})


def _item(**members: Any) -> dict[str, Any]:
    return {"card": str(uuid4()), "outcome": "overridden", "outcomeTimestamp": AT} | members
