"""POST /cds-services/{id}: from the body to the cards as the client takes them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial

from flask import Flask, Response, request

from cds_hooks import request as hook_request
from cds_hooks.cards import Card
from cds_hooks.cards import response as cards_response
from cds_hooks.errors import UnknownService
from cds_hooks.request import HookRequest
from service import hooks
from service.callers import whose
from service.memory import Call
from service.profiles import shaped
from service.settings import Settings
from service.settings.texts import is_origin
from service.web.bodies import JSON, read_body
from service.web.cards import links_of, with_links
from service.web.checks import linked
from service.web.links import Links
from service.web.parts import Parts, caller, encode, log, request_id

PLAIN_KEY, MOST_KEYS = re.compile(r"[A-Za-z0-9_-]{1,40}\Z"), 20


def add_calls(app: Flask, parts: Parts) -> None:
    """The route of the CDS services."""
    app.add_url_rule("/cds-services/<id>", "call", partial(_call, parts, links_of(parts)), methods=["POST"])


def _call(parts: Parts, links: Links, id: str) -> Response:
    if id not in parts.services:
        raise UnknownService(problem="no service has this id", hint="see /cds-services")
    called, hook = parts.services[id]
    asked = hook_request.parse(read_body(parts.settings.max_body), called)
    _remark(asked, id)
    now, who = parts.now(), caller(parts)
    answered = hooks.answer(asked, called, hook, parts.ground, now, who.reach)
    silent = parts.settings.is_silent(id, who.name)
    found: Iterable[Card] = () if silent else answered.cards
    if parts.memory:
        server, on_order = whose(who, asked.fhir_server or ""), called.hook != "patient-view"
        call = Call(id, who.name, server, asked.context.patient_id, now, on_order)
        found = parts.memory.settle(answered, call, parts.ground.knowledge, silent=silent)
    if base := _base(parts.settings):
        found = (with_links(linked(card, base), parts, links, id, base) for card in found)
    return Response(encode(cards_response(shaped(found, who.profile, who.site))), mimetype=JSON)


def _base(chosen: Settings) -> str:
    """The address that clients call; in demo mode that of the call, which a client could make up, when it is one."""
    called = request.host_url.rstrip("/")
    return chosen.public_base_url or (called if chosen.mode == "demo" and is_origin(called) else "")


def _remark(asked: HookRequest, id: str) -> None:
    """Log what a client does wrong that costs no refusal. Its own words only when they are plain keys."""
    if not asked.hook_instance_is_uuid:
        log.warning("%s: hookInstance is not a UUID (request %s)", id, request_id())
    if asked.other_keys:
        shown = ", ".join(filter(PLAIN_KEY.match, asked.other_keys[:MOST_KEYS])) or "no plain name"
        log.warning("%s: unknown prefetch keys: %d (%s) (request %s)", id, len(asked.other_keys), shown, request_id())
