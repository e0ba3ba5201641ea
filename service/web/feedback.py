"""POST /cds-services/{id}/feedback: what became of cards, acknowledged once it is kept."""

from __future__ import annotations

from functools import partial

from flask import Flask, Response

from cds_hooks import feedback
from cds_hooks.errors import Unavailable, UnknownService
from cds_hooks.feedback import Feedback
from service.store import StoreDown
from service.store.feedback import Told, keep
from service.web.bodies import JSON, read_body
from service.web.parts import Parts, caller, log

REMEDY = "send the same batch again in some seconds: what was kept already is kept once"


def add_feedback(app: Flask, parts: Parts) -> None:
    """Its route."""
    app.add_url_rule("/cds-services/<id>/feedback", "feedback", partial(_feedback, parts), methods=["POST"])


def _feedback(parts: Parts, id: str) -> Response:
    if id not in parts.services:
        raise UnknownService(problem="no service has this id", hint="see /cds-services")
    items = feedback.parse(read_body(parts.settings.max_body))
    if parts.memory is None:
        raise Unavailable(problem="feedback is not kept here", hint="the service runs with CDS_DATABASE_URL=off")
    told = [_told(one, parts.settings.keep_comments) for one in items]
    try:
        keep(parts.memory.store, told, id, caller(parts).name, parts.now())
    except StoreDown as fault:
        log.error("%s: feedback not kept: %s", id, fault)
        raise Unavailable(problem="feedback cannot be kept now", hint=REMEDY) from None
    return Response("{}", mimetype=JSON)


def _told(one: Feedback, comments: bool) -> Told:
    why, comment = one.override, one.override.comment if one.override and comments else None
    reason = f"{why.system or ''}|{why.code}" if why and why.code else ""
    if why and not reason and why.epic:  # a site maps its own reasons in Epic
        reason = f"epic|{why.epic.get('reasonCategory') or why.epic.get('reasonTitle') or 'other'}"
    return Told(one.card, one.outcome, one.at, one.accepted, _line(reason), _line(comment) if comment else None)


def _line(text: str) -> str:
    """The text in characters that every database takes."""
    return "".join(one if one.isprintable() else " " for one in text)
