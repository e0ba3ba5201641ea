"""Feedback about cards: all that EHRs send, and what nobody should. Checklist 61 to 68.

In: a service, the cards that it answered, whether it asks for a token. Out: sights. Feedback is about the cards that
calls brought before, else about made-up ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class About:
    """A service, and what feedback on it can be about."""

    wire: Wire
    offer: Offer
    shown: list[tuple[str, str]]  # uuids of cards that it answered, each with that of a suggestion or ""

    @property
    def path(self) -> str:
        """The way to the feedback."""
        return path(self.offer)

    def is_there(self) -> bool:
        """Whether the address exists: feedback by the book gets anything but 404 or 405."""
        return not self.send("is there feedback?", self.item()).is_one_of(404, 405, 501)

    def send(self, what: str, *items: dict[str, Any]) -> Answer:
        """Feedback with these items."""
        return self.wire.ask("POST", self.path, what, {"feedback": list(items)})

    def item(self, **members: Any) -> dict[str, Any]:
        """A card that was overridden, unless `members` say otherwise."""
        return made_up_item() | ({"card": self.shown[0][0]} if self.shown else {}) | members

    def accepted(self) -> dict[str, Any]:
        """A card of which a suggestion was accepted."""
        pairs = [(card, suggestion) for card, suggestion in self.shown if suggestion]
        card, suggestion = pairs[0] if pairs else (self.item()["card"], str(uuid4()))
        return self.item(card=card, outcome="accepted", acceptedSuggestions=[{"id": suggestion}])


def path(offer: Offer) -> str:
    """The way to the feedback of a service."""
    return f"{offer.path}/feedback"


def made_up_item(**members: Any) -> dict[str, Any]:
    """Feedback on a card that nobody answered."""
    return {"card": str(uuid4()), "outcome": "overridden", "outcomeTimestamp": AT} | members


def look(about: About, closed: bool) -> Iterator[Seen]:
    """Everything that feedback to one service shows."""
    yield from _taken(about)
    yield from _refused(about)
    item = about.item()
    for time in ("first", "second"):
        answer = about.send(f"the same card twice, {time} time", item, item)
        remedy = "take feedback on a card again: clients repeat it"
        yield sight(answer, "61", answer.is_one_of(*TAKEN), remedy, Level.SHOULD)
    bare = about.wire.ask("POST", about.path, "no token", {"feedback": [about.item()]}, token=None)
    remedy = "ask for a token exactly when the service does"
    yield Sight("66", bare.is_one_of(401, 403) == closed, bare.asked, f"{remedy} (seen: {bare.shown})")


def _taken(about: About) -> Iterator[Seen]:
    table: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("62", "accepted", about.accepted()),
        ("64", "overridden with a reason", about.item(overrideReason={"reason": REASON})),
        ("64", "overridden with a comment", about.item(overrideReason={"userComment": "cds-check"})),
        ("64", "overridden without a reason", about.item()),
        ("68", "overrideReasons", about.item(overrideReasons={"reason": REASON})),
    )
    # On a made-up card a refusal may be meant for the card: that is no more than line 67.
    level = None if about.shown else Level.SHOULD
    for line, what, item in table:
        answer = about.send(what, item)
        yield sight(answer, line, answer.is_one_of(*TAKEN), "answer 200: this is feedback by the book", level)
    unknown = about.send("two unknown cards", made_up_item(), made_up_item())
    yield sight(unknown, "67", unknown.is_one_of(*TAKEN), "take feedback on unknown cards: clients do not try again")


def _refused(about: About) -> Iterator[Seen]:
    table: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("62", "an unknown outcome", about.item(outcome="cds-check-secret")),
        ("62", "a timestamp that is none", about.item(outcomeTimestamp="cds-check-secret")),
        ("63", "accepted without suggestions", about.item(outcome="accepted")),
    )
    for line, what, item in table:
        answer = about.send(what, item)
        yield sight(answer, line, answer.is_one_of(*REFUSED), "refuse it with 400", Level.SHOULD)
    for what, body in (("JSON that breaks off", b'{"feedback": ['), ("feedback that is no list", {"feedback": 5})):
        answer = about.wire.ask("POST", about.path, what, body)
        yield sight(answer, "67", answer.is_one_of(*REFUSED), "refuse it with 400", Level.SHOULD)
