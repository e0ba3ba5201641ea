"""The pages of cards, joined with what is remembered of them; the links to them on cards."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_bytes

from flask import Flask, Request, g

from cds_hooks.cards import Card
from cds_hooks.errors import Refusal, Unavailable
from cds_hooks.parts import Link
from service.callers import Caller, caller_of
from service.evidence import Stored
from service.memory.behind import behind
from service.store import StoreDown
from service.web import evidence
from service.web.links import Links
from service.web.parts import Parts


def links_of(parts: Parts) -> Links:
    """What signs the links: the keys of the site, so that all workers and replicas know them."""
    secret, *older = parts.memory.link_keys if parts.memory else (token_bytes(),)
    return Links(secret, tuple(older))


def add_evidence(app: Flask, parts: Parts) -> None:
    """GET /cards/{uuid}: for who has the link, or the token of the client that the card was for."""

    def find(uuid: str) -> Stored | None:
        if parts.memory is None:
            return None
        who: Caller = g.get("caller", parts.anyone)
        try:
            return behind(parts.memory, uuid, who.name, parts.ground.knowledge, parts.now())
        except StoreDown:
            raise Unavailable(problem="the card cannot be looked up now", hint="open it again") from None

    def caller_may(asked: Request) -> bool:
        header = asked.headers.get("Authorization", "")
        if parts.gate is None or not header:
            return False
        try:
            g.caller = caller_of(*parts.gate.admit(header, asked.path, parts.clock()), parts.settings)
        except Refusal:
            return False
        return True

    door = evidence.Door(links_of(parts), parts.now, caller_may)
    evidence.add_pages(app, parts.ground.knowledge, door, find)


def with_links(card: Card, parts: Parts, links: Links, service: str, base: str) -> Card:
    """The card with the way to what it rests on, and to the attributes of the service."""
    own = Link("Source attributes of this service", f"{base}/cds-services/{service}/source-attributes")
    if parts.memory is None:
        return replace(card, links=(*card.links, own))
    rests = Link("What this card rests on", links.link_to(card.uuid, base, parts.now()))
    return replace(card, links=(rests, *card.links, own))
