"""A conformance probe for any CDS Hooks 2.0 service: what of the checklist can be seen from outside.

In: the base or discovery address of a service. Out: a Report. Calls that origin alone, with a made-up patient and
feedback on the cards that come; follows no redirect; believes no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from service.probe import access, calls, discovery, feedback
from service.probe.findings import Report, Seen, Sight, gather
from service.probe.made_up import ACCESS_TOKEN, CANARIES, Offer
from service.probe.wire import Answer, NotReachable, Wire, is_loopback

MOST_SERVICES = 20
SLOW_SECONDS = 0.5
DISCOVERY = "/cds-services"

Tell = Callable[[str, int, int], None]  # what is looked at, how far, of how much


@dataclass(frozen=True, slots=True)
class Target:
    """What to look at, and how."""

    url: str  # base or discovery address, without query and fragment
    tokens: tuple[str, ...] = field(default=(), repr=False)  # JWTs, sent in turn
    origin: str | None = None  # of a browser client that is to be let in
    services: tuple[str, ...] = ()  # ids; none: all
    timeout: float = 10  # seconds for a whole call
    requests: tuple[dict[str, Any], ...] = ()  # of the user's, with a context each

    @property
    def base(self) -> str:
        """The address below which everything is."""
        return self.url.rstrip("/").removesuffix(DISCOVERY).rstrip("/")


class UnknownService(Exception):
    """A service was asked for that discovery does not offer, or whose hook is unknown; the message names it."""


def look(target: Target, tell: Tell = lambda *_: None) -> Report:
    """Everything that can be seen of a service. Raises NotReachable and UnknownService when there is nothing to see."""
    watch = _Watch(target.tokens)
    wire = Wire(target.base, target.tokens, target.timeout, watch.notice)
    answer = wire.ask("GET", DISCOVERY)
    _enter(answer, target)
    seen: list[Seen] = [*discovery.look(answer)]
    if target.base.startswith("https:") or not is_loopback(target.base):
        remedy = "serve by HTTPS: what is sent is about patients"
        seen.append(Sight("1", target.base.startswith("https:"), answer.asked, remedy))
    offers = _chosen(discovery.offers(answer), target)
    knocked: dict[Offer, int] = {}
    if offers:
        seen += _services(wire, offers, target, knocked, tell)
    seen += watch.seen
    p50 = watch.p50()
    if p50 is not None:
        remedy = f"answer within {SLOW_SECONDS * 1000:.0f} ms: a clinician waits (seen: {p50 * 1000:.0f} ms, median)"
        seen.append(Sight("20", p50 <= SLOW_SECONDS, calls.BY_THE_BOOK, remedy))
    return Report(
        url=target.base + DISCOVERY,
        services=(called := tuple(one.id for one in offers)),
        not_called=tuple(id for id in discovery.ids(answer) if id not in called),
        calls=wire.calls,
        p50_ms=None if p50 is None else round(p50 * 1000),
        access=_access(knocked),
        tokens=wire.fate,
        findings=gather(seen),
    )


def _enter(answer: Answer, target: Target) -> None:
    if not answer.status:
        raise NotReachable(f"{target.base} gave no answer: {answer.fault}")
    if answer.is_one_of(401, 403):
        hint = "is it for this address, not expired, not used before?" if target.tokens else "give --token"
        raise NotReachable(f"discovery asks for a token (status {answer.status}): {hint}")


def _chosen(offers: list[Offer], target: Target) -> list[Offer]:
    known = {one.id for one in offers}
    if unknown := [id for id in target.services if id not in known]:
        raise UnknownService(
            f"{unknown[0]} is not offered, or its hook is unknown; there are: {', '.join(sorted(known))}"
        )
    return [one for one in offers if not target.services or one.id in target.services][:MOST_SERVICES]


def _services(wire: Wire, offers: list[Offer], target: Target, knocked: dict[Offer, int], tell: Tell) -> Iterator[Seen]:
    total = 2 * len(offers) + 2
    for one in offers:
        knocked[one] = access.knock(wire, one)
    tell("tokens", 0, total)
    yield from access.tokens(wire, knocked, target.tokens[-1] if target.tokens else None)
    paths = [("GET", DISCOVERY)]
    for at, one in enumerate(offers):
        tell(one.id, 1 + 2 * at, total)
        shown: list[tuple[str, str]] = []
        yield from calls.look(wire, one, target.requests, shown)
        paths.append(("POST", one.path))
        tell(f"feedback of {one.id}", 2 + 2 * at, total)
        about = feedback.About(wire, one, shown)
        if about.is_there():
            yield from feedback.look(about, access.is_closed(knocked[one]))
            paths.append(("POST", feedback.path(one)))
    tell("browsers", total - 1, total)
    yield from access.browsers(wire, paths, target.origin)


def _access(knocked: dict[Offer, int]) -> str:
    states = {access.is_closed(status) for status in knocked.values()}
    if len(states) != 1:
        return "unknown"
    return "closed" if True in states else "open"


class _Watch:
    """What every answer shows, whatever was asked: checklist 19, A1 to A3, and the time of calls by the book."""

    def __init__(self, tokens: tuple[str, ...]) -> None:
        self.seen: list[Seen] = []
        self._secrets = (ACCESS_TOKEN, *tokens)
        self._seconds: list[float] = []

    def p50(self) -> float | None:
        """The median time of calls by the book, in seconds."""
        return median(self._seconds) if self._seconds else None

    def notice(self, answer: Answer) -> None:
        """Look at an answer that just came."""
        if not answer.status:
            return
        text = answer.body.decode("utf-8", "replace") + "\n".join(answer.headers.values())
        kept = not any(secret in text for secret in self._secrets)
        self.seen.append(Sight("19", kept, answer.asked, "never repeat a token: access tokens and JWTs are keys"))
        if answer.asked.endswith(f"({calls.BY_THE_BOOK})"):
            self._seconds.append(answer.seconds)
        if answer.status >= 400 and answer.status not in (401, 403):
            told = calls.is_outcome(answer)
            self.seen.append(Sight("A1", told, answer.asked, f"answer an OperationOutcome (seen: {answer.shown})"))
            echoed = any(canary in text for canary in CANARIES)
            self.seen.append(Sight("A2", not echoed, answer.asked, "name the place of the fault, not the value"))
        if not answer.asked.startswith("POST"):
            return
        named = [answer.headers.get(name, "").lower() for name in ("Cache-Control", "X-Content-Type-Options")]
        remedy = "send Cache-Control: no-store and X-Content-Type-Options: nosniff"
        self.seen.append(Sight("A3", "no-store" in named[0] and named[1] == "nosniff", answer.asked, remedy))
