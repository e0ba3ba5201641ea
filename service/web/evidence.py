"""The page of one card: what it rests on, why it says so, what was missing, what became of it.

In: what is kept of the card (service.evidence), who asks. Out: HTML for a clinician, or the card and the Assessment as
JSON. Who may not see it, and who asks for what is not there, get one and the same 404: an answer of its own would tell
that the card exists. Design section 2 (`GET /cards/{uuid}`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Flask, Request, Response, request
from markdown_it import MarkdownIt
from markupsafe import Markup

from cds_hooks.errors import UnknownService
from service.cards import EXTENSION
from service.clinical.knowledge.model import Knowledge
from service.evidence import Stored, bands_in_force
from service.fhir.moments import Moments
from service.placed import Scales
from service.web.behind import causes, inputs, missing
from service.web.bodies import JSON
from service.web.links import Links
from service.web.pages import asks_for_page, encode, page
from service.web.pictures import UNMEASURED, pictures
from service.web.terms import Terms
from service.web.tree import tree

# What GitHub's Markdown has and cards use. HTML of a chart stays text, and no picture is fetched.
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
_HINT = "open the link again from a fresh card: it holds for one shift and for its own card"


def _nobody(asked: Request) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in: with the link of the card, or as the caller's gate says."""

    links: Links
    clock: Callable[[], datetime]
    caller_may: Callable[[Request], bool] = _nobody

    def opens(self, uuid: str, asked: Request) -> bool:
        """Whether the request in hand may see this card."""
        return self.links.allows(uuid, asked.args.get("t", ""), self.clock()) or self.caller_may(asked)


def add_pages(app: Flask, knowledge: Knowledge, door: Door, find: Callable[[str], Stored | None]) -> None:
    """GET /cards/{uuid}; `find` is asked only when the door is open."""

    def show(uuid: str) -> Response:
        readable = asks_for_page()
        stored = find(uuid) if door.opens(uuid, request) else None
        if stored is None and not readable:
            raise UnknownService(problem="no card can be shown here", hint=_HINT)
        if stored is None:
            return page("gone.html", 404, k=knowledge)
        if not readable:
            return Response(encode(as_json(stored)), mimetype=JSON)
        return page("evidence.html", **_shown(uuid, stored, knowledge))

    app.add_url_rule("/cards/<uuid>", "evidence", show)


def as_json(stored: Stored) -> dict[str, Any]:
    """The card, the Assessment behind it and what became of it, as openapi.yaml says (CardEvidence)."""
    received = [
        {"outcome": one.outcome, "at": one.at, **({"reason": one.reason} if one.reason else {})}
        for one in stored.feedback
    ]  # fmt: skip
    more = {"reason": stored.reason, "until": stored.until}
    return {
        "card": stored.card,
        "assessment": stored.assessment,
        "explanation": list(stored.explanation),
        "drafts": list(stored.drafts),
        "issued": stored.issued,
        "service": stored.service,
        "knowledge": {"version": stored.version, "profile": stored.profile},
        "fate": {"is": stored.fate, **{name: value for name, value in more.items() if value}},
        "feedback": received,
    }


def _shown(uuid: str, stored: Stored, knowledge: Knowledge) -> dict[str, Any]:
    """What the template shows."""
    assert stored.issued.tzinfo
    terms = Terms(knowledge, stored.issued, Moments(stored.issued.tzinfo))
    card, a = stored.card or {}, stored.assessment
    shown: dict[str, Any] = {"uuid": uuid, "stored": stored, "card": card, "k": knowledge, "check": _check(card)}
    shown["said"] = Markup(_MARKDOWN.render(card.get("detail", "")))  # made of escaped text: html is off
    if a is not None:
        scales = stored.scales or Scales(bands=bands_in_force(a, knowledge))
        count, *others = pictures(a, scales, terms)
        shown["chart"] = Markup(count.html)  # pictures and tree are escaped all through
        known = others if stored.scales else ()  # by which scales other knowledge judged is not kept
        shown["nutrients"] = [Markup(one.html) for one in known if one.id != UNMEASURED]
        shown |= {"inputs": inputs(a, stored, terms), "missing": missing(a, terms), "causes": causes(a, terms)}
        shown["why"] = Markup(tree(a, stored.explanation, terms, of_check=bool(_check(card))))
    shown["sources"] = list(terms.sources())
    return shown


def _check(card: Any) -> dict[str, str]:
    """The order check and its row, of a card that comes from one."""
    said = (card.get("extension") or {}).get(EXTENSION, {})
    return {"check": said["rule"], "row": said["row"]} if "row" in said else {}
