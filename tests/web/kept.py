"""What a store would keep of cards, made by real calls of the service: the stories, answered, assessed, explained."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import msgspec
from flask import Flask
from flask.testing import FlaskClient

from cds_hooks import prefetch
from cds_hooks import request as hook_request
from service import explain
from service.app import create_app
from service.clinical.assess import assess
from service.clinical.assessment import Assessment
from service.clinical.facts import PatientFacts
from service.evidence import Stored, recorded
from service.ground import prepare
from service.hooks import HOOKS, offered
from service.placed import placed
from service.settings import Settings
from service.stories import find
from service.web.evidence import Door, add_pages
from service.web.links import Links
from service.web.pages import encode

SECRET = b"0123456789abcdef0123456789abcdef"
BASE = "https://cds.example.org"
GROUND = prepare(Settings())
KNOWLEDGE = GROUND.knowledge
LINKS = Links(SECRET)
READ: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=Decimal)


def noon(name: str) -> datetime:
    """When a story is told."""
    return datetime.combine(find(name).as_of, time(12), UTC)


@cache
def service(now: datetime) -> Flask:
    """The service as it is, at an instant."""
    return create_app(Settings(public_base_url=BASE), clock=lambda: now)


@cache
def cards(name: str) -> tuple[dict[str, Any], ...]:
    """The cards that the service answers a story with."""
    (id,) = (hook.id for hook in HOOKS if hook.hook == find(name).request["hook"])
    answer = service(noon(name)).test_client().post(f"/cds-services/{id}", json=find(name).request)
    assert answer.status_code == 200 and answer.json
    return tuple(answer.json["cards"])


@cache
def judged(name: str) -> tuple[Assessment, PatientFacts, datetime]:
    """What is concluded of a story, of which facts, when."""
    story, now = find(name), noon(name)
    (id,) = (hook.id for hook in HOOKS if hook.hook == story.request["hook"])
    called, _ = offered(GROUND)[id]
    asked = hook_request.parse(json.dumps(story.request).encode(), called)
    resources = [one for fetched in prefetch.read(asked, called).values() for one in fetched.resources]
    facts = GROUND.reader.read(resources, asked.context.patient_id, now.date())
    return assess(facts, KNOWLEDGE, now), facts, now


@cache
def stored(name: str, number: int = 0) -> Stored:
    """A card of a story with all that stands behind it, gone through JSON as through a store."""
    story, (made, facts, now) = find(name), judged(name)
    (id,) = (hook.id for hook in HOOKS if hook.hook == story.request["hook"])
    called, hook = offered(GROUND)[id]
    asked = hook_request.parse(json.dumps(story.request).encode(), called)
    resources = [one for fetched in prefetch.read(asked, called).values() for one in fetched.resources]
    why = explain.explain(facts, KNOWLEDGE, now)
    drafts = GROUND.checks.open(asked, resources, now).asked if hook.id != "neutropenia-review" else ()
    kept = READ.decode(encode([recorded(made), explain.as_json(why), cards(name)[number]]))
    return Stored(
        issued=now, service=id, version=made.version, profile=made.profile, fate="shown",
        scales=placed(facts, KNOWLEDGE, now),
        assessment=kept[0], explanation=tuple(kept[1]), card=kept[2],
        drafts=tuple(f"{draft.label} {draft.dose_text}".strip() for draft in drafts),
    )  # fmt: skip


def app_with(
    kept: dict[str, Stored], now: datetime, may: Callable[[Any], bool] = lambda _: False, links: Links = LINKS
) -> Flask:
    """The service with a lookup of its own in the place of the one that finds nothing."""
    app, whole = Flask("service.web"), service(datetime(2026, 6, 15, 12, tzinfo=UTC))
    app.register_error_handler(Exception, whole.error_handler_spec[None][None][Exception])
    for function in whole.after_request_funcs[None]:
        app.after_request(function)
    add_pages(app, KNOWLEDGE, Door(links, lambda: now, may), kept.get)
    return app


def client(name: str, number: int = 0, later: timedelta = timedelta(0), **changes: Any) -> tuple[FlaskClient, str]:
    """A client of the service that keeps one card of a story, and the address of its evidence without the host."""
    one = replace(stored(name, number), **changes)
    uuid = cards(name)[number]["uuid"]
    address = LINKS.link_to(uuid, "", noon(name))
    return app_with({uuid: one}, noon(name) + later).test_client(), address


def page(name: str, number: int = 0, **changes: Any) -> str:
    """The page of a card of a story."""
    asking, address = client(name, number, **changes)
    answer = asking.get(address, headers={"Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.get_data(as_text=True)
