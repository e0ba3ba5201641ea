"""What a service answers: the envelope, cards, suggestions, actions, links. Checklist 42 to 60 and 81.

In: the body of a 200 and the request that led to it. Out: sights with JSON paths.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from cds_hooks.cards import LONGEST_SUMMARY
from service.probe.findings import Sight
from service.probe.json_rules import are_objects, empties, extensions, given, is_text, members
from service.probe.lines import Level

UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_REFERENCE = re.compile(r"[A-Z]\w*/[A-Za-z0-9.-]{1,64}\Z")
_ACTIVE = re.compile(r"<\s*script|javascript:", re.IGNORECASE)
_ORDERS = ("ServiceRequest", "MedicationRequest", "NutritionOrder", "DeviceRequest", "VisionPrescription")
_FIRST_INTENTS = ("proposal", "plan", "order")


def look(body: Any, place: str, patient: str, drafted: set[str]) -> Iterator[Sight]:
    """Everything that one answer shows. `drafted`: what the request held as drafts, as Type/id."""
    fits = isinstance(body, dict) and are_objects(body.get("cards"))
    yield Sight(
        "42", fits, f"{place}: cards", 'answer {"cards": [...]}, with an object per card; [] for nothing to say'
    )
    if not isinstance(body, dict):
        return
    yield from empties(body, place)
    yield from extensions(body, place)
    for at, card in members(body, "cards"):
        yield from _card(card, f"{place}: cards[{at}]", patient, drafted)
    if given(body, "systemActions"):
        yield Sight("43", are_objects(body["systemActions"]), f"{place}: systemActions", "make it a list of actions")
    for at, action in members(body, "systemActions"):
        yield from _action(action, f"{place}: systemActions[{at}]", patient, drafted)
    named = Counter(uuids(body))
    if named:
        yield Sight("50", max(named.values()) == 1, f"{place}: cards", "give each card and suggestion its own uuid")


def uuids(body: Any) -> list[str]:
    """The uuids of all cards and suggestions."""
    cards = [card for _, card in members(body, "cards")]
    held = [one.get("uuid") for card in cards for one in (card, *(s for _, s in members(card, "suggestions")))]
    return [one for one in held if is_text(one)]


def cards_shown(body: Any) -> list[tuple[str, str]]:
    """The uuids of all cards that have one, each with that of its first suggestion, "" without."""
    found = []
    for _, card in members(body, "cards"):
        named = [one["uuid"] for _, one in members(card, "suggestions") if is_text(one.get("uuid"))]
        if is_text(card.get("uuid")):
            found.append((card["uuid"], next(iter(named), "")))
    return found


def topics(body: Any) -> list[tuple[str, str]]:
    """The topics of all cards."""
    sources = [card.get("source") for _, card in members(body, "cards")]
    held = [one.get("topic") for one in sources if isinstance(one, dict)]
    return sorted((str(one.get("system")), str(one.get("code"))) for one in held if isinstance(one, dict))


def summaries(body: Any) -> list[str]:
    """The summaries of all cards."""
    return sorted(str(card.get("summary")) for _, card in members(body, "cards"))


def _card(card: dict[str, Any], place: str, patient: str, drafted: set[str]) -> Iterator[Sight]:
    summary, detail = card.get("summary"), card.get("detail", "none")
    fits = is_text(summary) and len(summary) <= LONGEST_SUMMARY
    yield Sight("46", fits, f"{place}.summary", f"say it in 1 to {LONGEST_SUMMARY} characters")
    fits = card.get("indicator") in ("info", "warning", "critical")
    yield Sight("47", fits, f"{place}.indicator", "use info, warning or critical, in small letters")
    yield from _source(card.get("source"), f"{place}.source")
    if given(card, "detail"):
        yield Sight("49", is_text(detail), f"{place}.detail", "make it text in Markdown")
        inert = not is_text(detail) or not _ACTIVE.search(detail)
        yield Sight("49", inert, f"{place}.detail", "escape scripts: clients show it as Markdown", Level.SHOULD)
    yield from _uuid(card, place)
    yield from _selection(card, place)
    for at, suggestion in members(card, "suggestions"):
        yield from _suggestion(suggestion, f"{place}.suggestions[{at}]", patient, drafted)
    if given(card, "overrideReasons"):
        yield Sight("52", are_objects(card["overrideReasons"]), f"{place}.overrideReasons", "make it a list of codings")
    for at, reason in members(card, "overrideReasons"):
        fits = all(is_text(reason.get(name)) for name in ("code", "system", "display"))
        yield Sight("52", fits, f"{place}.overrideReasons[{at}]", "give code, system and display")
    if given(card, "links"):
        yield Sight("53", are_objects(card["links"]), f"{place}.links", "make it a list of objects")
    for at, link in members(card, "links"):
        yield from _link(link, f"{place}.links[{at}]")


def _source(source: Any, place: str) -> Iterator[Sight]:
    held = source if isinstance(source, dict) else {}
    yield Sight("48", is_text(held.get("label")), f"{place}.label", "say who gives the advice: it is required")
    for name in ("url", "icon"):
        if given(held, name):
            yield Sight("48", _is_absolute(held[name]), f"{place}.{name}", "give an absolute address")
    if given(held, "topic"):
        topic = held["topic"] if isinstance(held["topic"], dict) else {}
        fits = is_text(topic.get("code")) and is_text(topic.get("system"))
        yield Sight("48", fits, f"{place}.topic", "give code and system: both are required")
    yield Sight("60", "topic" in held, f"{place}.topic", "give a topic: Inferno and some EHRs ask for it")


def _uuid(part: dict[str, Any], place: str) -> Iterator[Sight]:
    if given(part, "uuid"):
        fits = is_text(part["uuid"]) and UUID.match(part["uuid"]) is not None
        yield Sight("50", fits, f"{place}.uuid", "make it a UUID")
    else:
        yield Sight("50", False, f"{place}.uuid", "give one: no feedback comes without it", Level.PRACTICE)


def _selection(card: dict[str, Any], place: str) -> Iterator[Sight]:
    behavior, where = card.get("selectionBehavior"), f"{place}.selectionBehavior"
    if not given(card, "suggestions"):
        remedy = "leave it out: it goes with suggestions"
        yield Sight("51", not given(card, "selectionBehavior"), where, remedy, Level.SHOULD)
        return
    yield Sight("54", are_objects(card["suggestions"]), f"{place}.suggestions", "make it a list of objects")
    if not card["suggestions"]:
        return  # line 3 tells
    yield Sight(
        "51", behavior in ("any", "at-most-one"), where, "say any or at-most-one: it is required with suggestions"
    )
    advised = [one for _, one in members(card, "suggestions") if one.get("isRecommended") is True]
    fits = behavior != "at-most-one" or len(advised) < 2
    yield Sight("55", fits, f"{place}.suggestions", "recommend one at most, or say any")


def _suggestion(one: dict[str, Any], place: str, patient: str, drafted: set[str]) -> Iterator[Sight]:
    yield Sight("54", is_text(one.get("label")), f"{place}.label", "say what is suggested: it is required")
    fits = isinstance(one.get("isRecommended", True), bool)
    yield Sight("54", fits, f"{place}.isRecommended", "make it true or false")
    yield from _uuid(one, place)
    if given(one, "actions"):
        yield Sight("57", are_objects(one["actions"]), f"{place}.actions", "make it a list of objects")
    for at, action in members(one, "actions"):
        yield from _action(action, f"{place}.actions[{at}]", patient, drafted)


def _action(action: dict[str, Any], place: str, patient: str, drafted: set[str]) -> Iterator[Sight]:
    kind, resource, id = action.get("type"), action.get("resource"), action.get("resourceId")
    yield Sight("57", kind in ("create", "update", "delete"), f"{place}.type", "use create, update or delete")
    yield Sight("57", is_text(action.get("description")), f"{place}.description", "describe it: it is required")
    held = resource if isinstance(resource, dict) else {}
    if resource is not None:
        fits = is_text(held.get("resourceType"))
        yield Sight("4", fits, f"{place}.resource", "embed the resource as a JSON object with its resourceType")
    if kind in ("create", "update"):
        yield Sight("58", resource is not None, f"{place}.resource", "give the whole resource")
    if kind == "update":
        yield Sight("58", not held or is_text(held.get("id")), f"{place}.resource.id", "name what is updated")
        yield from _change(f"{held.get('resourceType')}/{held.get('id')}", place, drafted)
    if kind == "delete":
        fits = is_text(id) and _REFERENCE.match(id) is not None
        yield Sight("58", fits, f"{place}.resourceId", "give Type/id of what is deleted")
        yield Sight("58", resource is None, f"{place}.resource", "leave it out: delete takes resourceId")
        yield from _change(str(id), place, drafted)
    if kind == "create" and held.get("resourceType") in _ORDERS:
        yield from _created(held, f"{place}.resource", patient)


def _change(target: str, place: str, drafted: set[str]) -> Iterator[Sight]:
    if drafted:
        remedy = "change only what the request holds as drafted"
        yield Sight("60", target in drafted, place, remedy)


def _created(order: dict[str, Any], place: str, patient: str) -> Iterator[Sight]:
    yield Sight("59", order.get("status") == "draft", f"{place}.status", "make it a draft: a clinician signs it")
    fits = order.get("intent", "order") in _FIRST_INTENTS
    yield Sight("59", fits, f"{place}.intent", "use proposal, plan or order")
    subject = order.get("subject")
    reference = subject.get("reference") if isinstance(subject, dict) else None
    remedy = "refer to the patient of the call, as Patient/id"
    yield Sight("59", is_text(reference) and reference.split("/")[-1] == patient, f"{place}.subject", remedy)


def _link(link: dict[str, Any], place: str) -> Iterator[Sight]:
    yield Sight("53", is_text(link.get("label")), f"{place}.label", "name the link: it is required")
    yield Sight("53", _is_absolute(link.get("url")), f"{place}.url", "give an absolute address")
    yield Sight("53", link.get("type") in ("absolute", "smart"), f"{place}.type", "use absolute or smart")
    if given(link, "appContext"):
        fits = is_text(link["appContext"]) and link.get("type") == "smart"
        yield Sight("53", fits, f"{place}.appContext", "give it, as text, with smart links alone")


def _is_absolute(value: Any) -> bool:
    try:
        parts = urlsplit(value) if is_text(value) else None
    except ValueError:
        return False
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.netloc)
