"""Calls of one service: by the book, at its edges, and wrong on purpose. Checklist 12 to 34 and 42 to 45.

In: the wire and a service. Out: sights. A call by the book comes first: without 200 or 412 others tell little.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from cds_hooks.hooks import HOOKS
from service.probe import answers, made_up
from service.probe.findings import Seen, Sight, Skip
from service.probe.lines import LINES, Level
from service.probe.made_up import PATIENT, STRANGER, Offer
from service.probe.wire import Answer, Wire

BY_THE_BOOK = "every prefetch key null"
NORMAL_CALLS = 3
MOST_PARTIAL = 4
ANSWERED, REFUSED = (200, 412), (400, 422)
_NO_ENTRY, _NO_SERVICE = (401, 403, 429), (404, 405, 415)
_NEED_A_CALL = ("Request", "Context", "Prefetch", "Response", "Card", "Suggestion")


def sight(answer: Answer, line: str, holds: bool, remedy: str, level: Level | None = None) -> Seen:
    """What an answer shows of a line; nothing when the service did not let the call in."""
    if answer.status in _NO_ENTRY:
        why = (
            "too many calls" if answer.status == 429 else "a token is asked for: --token, or one per line --token-file"
        )
        return Skip(line, f"{why} (seen: {answer.status})")
    return Sight(line, holds, answer.asked, remedy if holds else f"{remedy} (seen: {answer.shown})", level)


@dataclass
class _Service:
    """One service while it is looked at: what its answers have held so far."""

    wire: Wire
    offer: Offer
    seen: list[Seen] = field(default_factory=list)
    uuids: set[str] = field(default_factory=set)
    shown: list[tuple[str, str]] = field(default_factory=list)  # what answers.cards_shown gives

    def call(self, what: str, sent: dict[str, Any], **headers: str) -> Answer:
        """A call, and what its answer shows by itself."""
        answer = self.wire.ask("POST", self.offer.path, what, sent, **headers)
        if answer.fault and answer.status:
            self.seen.append(sight(answer, "42", False, "answer with a body that can be read"))
        elif answer.status == 200:
            self._look(answer, sent)
        if answer.status == 412:
            self._precondition(answer)
        return answer

    def _look(self, answer: Answer, sent: dict[str, Any]) -> None:
        drafted = made_up.drafted(sent["context"])
        patient = str(sent["context"].get("patientId", "")).removeprefix("Patient/")
        self.seen += answers.look(answer.json, answer.asked, patient, drafted)
        fresh = set(answers.uuids(answer.json))
        if fresh:
            remedy = "make new uuids for each answer: feedback tells cards apart by them"
            where = f"{answer.asked}: cards"
            self.seen.append(Sight("50", not fresh & self.uuids, where, remedy, Level.SHOULD))
        self.uuids |= fresh
        self.shown += answers.cards_shown(answer.json)

    def _precondition(self, answer: Answer) -> None:
        text = answer.body.decode("utf-8", "replace")
        if is_outcome(answer):
            named = any(key in text for key in self.offer.prefetch)
            remedy = "name the prefetch keys that are lacking"
            self.seen.append(Sight("30", named, answer.asked, remedy, Level.SHOULD))


def is_outcome(answer: Answer) -> bool:
    """Whether the body is an OperationOutcome with an issue."""
    body = answer.json
    held = isinstance(body, dict) and body.get("resourceType") == "OperationOutcome"
    return held and isinstance(body.get("issue"), list) and bool(body["issue"])


def look(wire: Wire, offer: Offer, own: Sequence[dict[str, Any]], shown: list[tuple[str, str]]) -> Iterator[Seen]:
    """Everything that calls of one service show. `own`: requests of the user's, sent where their hook fits.

    `shown` takes the cards that were answered, for feedback on them.
    """
    service = _Service(wire, offer, shown=shown)
    first = service.call(BY_THE_BOOK, made_up.request(offer))
    yield from _door(first, offer)
    if first.status in _NO_ENTRY:
        yield from (sight(first, line, False, "") for line, one in LINES.items() if one.section in _NEED_A_CALL)
    if first.status in ANSWERED:
        yield from _repeated(service, first)
        yield from _liberal(service)
        if offer.prefetch:
            yield from _prefetch(service)
            yield from _strangers(service, first)
        yield from _own(service, own)
    if not first.is_one_of(*_NO_ENTRY, *_NO_SERVICE):
        yield from _refusals(service)
    yield from service.seen


def _door(first: Answer, offer: Offer) -> Iterator[Seen]:
    yield sight(first, "12", not first.is_one_of(*_NO_SERVICE), "take POST of application/json at this address")
    if first.is_one_of(*_NO_SERVICE):
        return
    if offer.prefetch:
        yield sight(first, "27", first.status != 412, "null says that there is nothing: answer 200")
    if first.status != 412 or not offer.prefetch:
        yield sight(first, "42", first.status == 200, "answer a call by the book with 200")


def _repeated(service: _Service, first: Answer) -> Iterator[Seen]:
    """The same call again: time, topics. Made-up results may bring cards where null brings none."""
    for _ in range(NORMAL_CALLS - 1):
        service.call(BY_THE_BOOK, made_up.request(service.offer))
    filled = made_up.request(service.offer, prefetch=made_up.results(service.offer))
    one, two = (service.call("made-up results", filled | {"hookInstance": str(uuid4())}) for _ in range(2))
    if service.offer.prefetch:
        yield sight(one, "29", one.is_one_of(*ANSWERED), "take Bundles of type searchset, and resources for reads")
    if one.status == two.status == 200 and (topics := answers.topics(one.json)):
        remedy = "keep topics stable: clients tell cards of one kind apart by them"
        yield sight(two, "45", topics == answers.topics(two.json), remedy)


def _liberal(service: _Service) -> Iterator[Seen]:
    """What is unusual and right: it is answered like a call by the book."""
    offer = service.offer
    hook, made = HOOKS[offer.hook], made_up.request(offer)
    answered = "answer it as without"
    trusted = {"fhirServer": "https://fhir.invalid/r4", "fhirAuthorization": made_up.authorization()}
    table: list[tuple[str, str, dict[str, Any], str, Level | None]] = [
        ("14", "hookInstance in capitals", {"hookInstance": str(uuid4()).upper()}, "take UUIDs in capitals", None),
        ("16", "fhirAuthorization", trusted, "answer it as without, when the FHIR server cannot be used", None),
        ("17", "extension", {"extension": {"org.example.probe": {"any": [1]}}}, answered, None),
        ("18", "an unknown field", {"cdsCheckUnknown": {"any": [1]}}, answered, None),
        ("18", "an unknown field of context", {"context": made_up.context(offer.hook, cdsCheck=1)}, answered, None),
        (
            "22",
            "Patient/ before patientId",
            _with(offer, patientId=f"Patient/{PATIENT}"),
            "take the bare id of it",
            None,
        ),
    ]
    if "Patient" in hook.user_types:
        viewer = _with(offer, userId=f"Patient/{PATIENT}")
        table.append(("21", "a patient as user", viewer, "answer 200, if only with no cards", None))
    for line, what, members, remedy, level in table:
        answer = service.call(what, made_up.request(offer, **members))
        yield sight(answer, line, answer.is_one_of(*ANSWERED), remedy, level)
    charset = service.call("charset=utf-8", made, Content_Type="application/json; charset=utf-8")
    yield sight(charset, "12", charset.is_one_of(*ANSWERED), "take a charset of UTF-8 with the content type")
    fhir = service.call("application/fhir+json", made, Content_Type="application/fhir+json")
    yield sight(fhir, "12", fhir.is_one_of(*ANSWERED), "take application/fhir+json too", Level.SHOULD)


def _with(offer: Offer, **fields: Any) -> dict[str, Any]:
    return {"context": made_up.context(offer.hook, **fields)}


def _prefetch(service: _Service) -> Iterator[Seen]:
    """Every state in which a prefetch key may come."""
    offer = service.offer
    table = [("26", f"prefetch key {at + 1} absent", _without(offer, key)) for at, key in enumerate(offer.prefetch)]
    table = table[:MOST_PARTIAL] + [
        ("28", "OperationOutcome for every key", made_up.errors(offer)),
        ("28", "Bundles that hold a warning", made_up.warnings(offer)),
        ("29", "empty Bundles", made_up.empties(offer)),
    ]
    for line, what, sent in table:
        answer = service.call(what, made_up.request(offer, prefetch=sent))
        yield sight(answer, line, answer.is_one_of(*ANSWERED), "answer 200; 412 when required data is lacking")
    bare = service.call("resources outside Bundles", made_up.request(offer, prefetch=made_up.bare(offer)))
    yield sight(bare, "29", bare.is_one_of(*ANSWERED), "take them: some clients send one result so", Level.SHOULD)
    without = made_up.request(offer)
    del without["prefetch"]
    for what, asked in (("no prefetch", without), ("prefetch {}", made_up.request(offer, prefetch={}))):
        answer = service.call(what, asked)
        refused = 400 <= answer.status < 500
        fits = answer.is_one_of(*ANSWERED)
        yield sight(answer, "30", fits or not refused, "refuse a lack of required data with 412")
        yield sight(answer, "34", fits or refused, "answer 200; 412 when required data is lacking")


def _without(offer: Offer, key: str) -> dict[str, Any]:
    return {name: None for name in offer.prefetch if name != key}


def _strangers(service: _Service, first: Answer) -> Iterator[Seen]:
    """The same results as of another patient must not lead to the same cards."""
    ours, theirs = (made_up.results(service.offer, patient) for patient in (PATIENT, STRANGER))
    own = service.call("made-up results", made_up.request(service.offer, prefetch=ours))
    other = service.call("results of another patient", made_up.request(service.offer, prefetch=theirs))
    said = [answers.summaries(one.json) for one in (first, own, other) if one.status == 200]
    if len(said) < 3 or said[0] == said[1]:
        return
    remedy = "compare each result's subject with context.patientId, and leave strangers out"
    yield sight(other, "33", said[1] != said[2], remedy)


def _own(service: _Service, own: Sequence[dict[str, Any]]) -> Iterator[Seen]:
    for at, sent in enumerate(own):
        if sent.get("hook") == service.offer.hook:
            answer = service.call(f"request {at + 1} of --request", sent | {"hookInstance": str(uuid4())})
            yield sight(answer, "42", answer.is_one_of(*ANSWERED), "answer this request with 200")


def _refusals(service: _Service) -> Iterator[Seen]:
    """What is wrong: it is refused with the status that says so."""
    offer, ask = service.offer, service.wire.ask
    made = made_up.request(offer)
    unnamed = {name: value for name, value in made.items() if name != "hookInstance"}
    untrusted = made | {"fhirAuthorization": made_up.authorization()}
    broken = b'{"hook": "' + offer.hook.encode() + b'", "context": {"patientId": "cds-check-secret"'
    posts: tuple[tuple[str, str, object, tuple[int, ...], str], ...] = (
        ("13", "an unknown hook", made | {"hook": "cds-check-secret"}, (*REFUSED, 404), "refuse it with 400"),
        ("14", "no hookInstance", unnamed, REFUSED, "refuse it with 400"),
        ("15", "fhirAuthorization without fhirServer", untrusted, REFUSED, "refuse it with 400"),
        ("44", "JSON that breaks off", broken, REFUSED, "refuse it with 400"),
        ("44", "a list as body", [], REFUSED, "refuse it with 400"),
    )
    for line, what, body, expected, remedy in posts:
        answer = ask("POST", offer.path, what, body)
        yield sight(answer, line, answer.is_one_of(*expected), remedy, Level.SHOULD)
    plain = ask("POST", offer.path, "text/plain", made, Content_Type="text/plain")
    yield sight(plain, "44", plain.is_one_of(415, 400), "refuse other content types with 415", Level.SHOULD)
    got = ask("GET", offer.path)
    yield sight(got, "44", got.is_one_of(405, 404), "refuse other methods with 405", Level.SHOULD)
    nowhere = ask("POST", "/cds-services/cds-check-no-such-service", "no service has this id", made)
    yield sight(nowhere, "44", nowhere.status == 404, "answer 404 for an id that no service has", Level.SHOULD)
