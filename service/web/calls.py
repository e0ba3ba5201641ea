"""POST /cds-services/{id}: from the body to the cards as the client takes them. The workbench takes the same way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from flask import Flask, Response, request

from cds_hooks import request as hook_request
from cds_hooks.cards import Card
from cds_hooks.cards import response as cards_response
from cds_hooks.errors import UnknownService
from cds_hooks.request import HookRequest
from cds_hooks.services import Service
from service import hooks, telemetry
from service.callers import whose
from service.hooks import Answered
from service.memory import Call
from service.profiles import shaped
from service.settings import Settings
from service.settings.texts import is_origin
from service.web import telling
from service.web.bodies import JSON, read_body
from service.web.cards import links_of, with_links
from service.web.checks import linked
from service.web.links import Links
from service.web.parts import Parts, caller, encode, log, request_id

PLAIN_KEY, MOST_KEYS = re.compile(r"[A-Za-z0-9_-]{1,40}\Z"), 20


@dataclass(frozen=True, slots=True)
class Called:
    """A call as it was read: which service, and what it is asked."""

    service: Service
    hook: hooks.Hook
    asked: HookRequest
    body: bytes


def add_calls(app: Flask, parts: Parts) -> None:
    """The route of the CDS services."""
    app.add_url_rule("/cds-services/<id>", "call", partial(_call, parts, links_of(parts)), methods=["POST"])


def _call(parts: Parts, links: Links, id: str) -> Response:
    called, now = read_call(parts, id), parts.now()
    _remark(called.asked, id)
    with telemetry.timed("judge"):
        answered = judged(called, parts, now)
    with telemetry.timed("store"):
        found = tuple(settled(called, answered, parts, now))
    telling.judged(answered, found, silent=parts.settings.is_silent(id, caller(parts).name))
    return Response(encode(as_sent(found, called, parts, links)), mimetype=JSON)


def read_call(parts: Parts, id: str) -> Called:
    """The request in hand as a call of a service; UnknownService, InvalidRequest and what `read_body` raises."""
    if id not in parts.services:
        raise UnknownService(problem="no service has this id", hint="see /cds-services")
    service, hook = parts.services[id]
    body = read_body(parts.settings.max_body)
    return Called(service, hook, hook_request.parse(body, service), body)


def judged(called: Called, parts: Parts, now: datetime) -> Answered:
    """The cards and what they rest on, before anything is remembered."""
    return hooks.answer(called.asked, called.service, called.hook, parts.ground, now, caller(parts).reach)


def settled(called: Called, answered: Answered, parts: Parts, now: datetime) -> Iterable[Card]:
    """The cards that go out: none of a silent service, and what the memory makes of those that came before."""
    id, asked, who = called.service.id, called.asked, caller(parts)
    silent = parts.settings.is_silent(id, who.name)
    if parts.memory is None:
        return () if silent else answered.cards
    server, on_order = whose(who, asked.fhir_server or ""), called.service.hook != "patient-view"
    call = Call(id, who.name, server, asked.context.patient_id, now, on_order)
    return parts.memory.settle(answered, call, parts.ground.knowledge, silent=silent)


def as_sent(found: Iterable[Card], called: Called, parts: Parts, links: Links) -> dict[str, Any]:
    """The answer: the cards with their links, as the client takes them."""
    who = caller(parts)
    if base := base_of(parts.settings):
        found = (with_links(linked(card, base), parts, links, called.service.id, base) for card in found)
    return cards_response(shaped(found, who.profile, who.site))


def base_of(chosen: Settings) -> str:
    """The address that clients call; in demo mode that of the call, which a client could make up, when it is one."""
    called = request.host_url.rstrip("/")
    return chosen.public_base_url or (called if chosen.mode == "demo" and is_origin(called) else "")


def _remark(asked: HookRequest, id: str) -> None:
    """Log what a client does wrong that costs no refusal. Its own words only when they are plain keys."""
    telemetry.in_hand().hook_instance = asked.hook_instance if asked.hook_instance_is_uuid else ""
    if not asked.hook_instance_is_uuid:
        log.warning("%s: hookInstance is not a UUID (request %s)", id, request_id())
    if asked.other_keys:
        shown = ", ".join(filter(PLAIN_KEY.match, asked.other_keys[:MOST_KEYS])) or "no plain name"
        log.warning("%s: unknown prefetch keys: %d (%s) (request %s)", id, len(asked.other_keys), shown, request_id())
