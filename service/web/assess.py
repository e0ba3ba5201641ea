"""POST /assess: the same judgement without a hook."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from functools import partial
from typing import Any

import msgspec
from flask import Flask, Request, Response, request

from cds_hooks import door
from cds_hooks.errors import InvalidRequest, Issue
from service import charts, contract, explain
from service.web.bodies import JSON, read_body
from service.web.parts import Parts, encode

NO_RESOURCE = "send a FHIR R4 Bundle or resource; a hook request goes to /cds-services/{id}"

_ANYTHING: msgspec.json.Decoder[Any] = msgspec.json.Decoder()


def add_assess(app: Flask, parts: Parts) -> None:
    """Its route."""
    app.add_url_rule("/assess", "assess", partial(_assess, parts), methods=["POST"])


def _assess(parts: Parts) -> Response:
    """POST /assess."""
    as_of, why = _as_of(request, parts), _asks(request, "explain")
    sent = read_body(parts.settings.max_body)
    try:
        issues = contract.faults("AssessRequest", door.decode(sent, _ANYTHING))
    except msgspec.ValidationError:
        issues = (Issue("$", "holds a number out of range", "send numbers that a double can hold", "value"),)
    if issues:
        raise InvalidRequest(*(replace(one, hint=NO_RESOURCE) if one.path == "$" else one for one in issues))
    facts = charts.read_one(sent, parts.ground, as_of)
    return Response(encode(explain.answer(facts, parts.ground.knowledge, as_of, why)), mimetype=JSON)


def _asks(asked: Request, name: str) -> bool:
    """Whether a query parameter says true."""
    said = asked.args.getlist(name)
    if said not in ([], ["true"], ["false"]):
        raise InvalidRequest(path=name, problem="is neither true nor false", hint="say true", code="value")
    return said == ["true"]


def _as_of(asked: Request, parts: Parts) -> datetime:
    """The end of the day that `as-of` names, else now."""
    if set(asked.args) - {"as-of", "explain"}:
        raise InvalidRequest(problem="unknown query parameter", hint="there are as-of and explain", code="value")
    days = asked.args.getlist("as-of")
    if not days:
        return parts.now()
    try:
        (text,) = days
        return charts.end_of_day(date.fromisoformat(text), parts.ground.site)
    except ValueError:
        hint = "one day from 1900 to 2200, as in as-of=2026-06-15"
        raise InvalidRequest(path="as-of", problem="is not a day", hint=hint, code="value") from None
