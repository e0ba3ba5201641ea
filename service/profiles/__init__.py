"""Cards as one client can show them: what EHRs deviate in is data (profiles.toml) and the site's own map of orders.

In: cards by the specification, a Profile, what the site registered. Out: cards by the specification that this client
takes. What the client cannot take is not lost: the body names all orders and sources.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any, Literal

import msgspec

from cds_hooks.cards import Action, Card, Suggestion
from cds_hooks.parts import Link
from service.profiles.bodies import as_html, as_text

DETAILS = ("markdown", "html", "text")
MEDIA_TYPES = {"html": "text/html", "text": "text/plain"}


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a kind of client deviates; see profiles.toml."""

    one_action: bool
    links: Literal["all", "registered"]
    detail: Literal["markdown", "html", "text"]
    content_type: str


@dataclass(frozen=True, slots=True)
class SiteCode:
    """What a site calls one of our orders."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class SiteChoices:
    """What one client registered: beginnings of links, and codes by our code ("system|code") or text of an order."""

    links: tuple[str, ...] = ()
    orders: Mapping[str, SiteCode] = field(default_factory=dict)
    detail: Literal["", "markdown", "html", "text"] = ""  # in place of the profile's


@cache
def profiles() -> Mapping[str, Profile]:
    """Every profile by its name."""
    tables = tomllib.loads((files("service.profiles") / "profiles.toml").read_text("utf-8"))
    return {name: msgspec.convert(table, Profile) for name, table in tables.items()}


def shaped(cards: Iterable[Card], profile: Profile, site: SiteChoices) -> tuple[Card, ...]:
    """The cards as the client takes them, in their order, with their uuids."""
    return tuple(_card(card, profile, site) for card in cards)


def _card(card: Card, profile: Profile, site: SiteChoices) -> Card:
    offered = tuple(_suggestions(card.suggestions, profile, site))
    detail, more = _body(card.detail, site.detail or profile.detail, profile.content_type)
    return replace(
        card,
        detail=detail,
        suggestions=offered,
        selection_behavior="any" if offered else None,
        links=tuple(link for link in card.links if _goes(link, profile, site)),
        extension={**(card.extension or {}), **more} or None,
    )


def _body(detail: str | None, kind: str, said_by: str) -> tuple[str | None, dict[str, Any]]:
    """The body, and the member of the extension that names its media type."""
    if detail is None or kind == "markdown":
        return detail, {}
    body = as_html(detail) if kind == "html" else as_text(detail)
    return body, ({said_by: MEDIA_TYPES[kind]} if said_by else {})


def _goes(link: Link, profile: Profile, site: SiteChoices) -> bool:
    return profile.links == "all" or any(link.url.startswith(known) for known in site.links)


def _suggestions(given: Iterable[Suggestion], profile: Profile, site: SiteChoices) -> Iterator[Suggestion]:
    for suggestion in given:
        actions = tuple(_action(action, site.orders) for action in suggestion.actions)
        if profile.one_action and len(actions) > 1:
            yield from (Suggestion(one.description, (one,), suggestion.is_recommended) for one in actions)
        else:
            yield replace(suggestion, actions=actions)


def _action(action: Action, orders: Mapping[str, SiteCode]) -> Action:
    """The action with the site's code before ours, where the site has one for the order."""
    code = (action.resource or {}).get("code")
    known = [orders[name] for name in _names(code or {}) if name in orders]
    if not (action.resource and code and known):
        return action
    site = {name: value for name in ("system", "code", "display") if (value := getattr(known[0], name))}
    coded = {**code, "coding": [site, *code.get("coding", ())]}
    return replace(action, resource={**action.resource, "code": coded})


def _names(code: Mapping[str, Any]) -> Iterator[str]:
    """What a drafted order can be looked up by."""
    yield from (f"{one['system']}|{one['code']}" for one in code.get("coding", ()) if "system" in one)
    yield code.get("text", "")
