"""POST /workbench/judge/{service}: what the service would answer, what that rests on, and whether it is by the rules.

In: a hook request. Out: the answer without what is remembered, its Assessment with pictures and reasons, checks,
queries, a line to call it by hand (openapi.yaml: Judgement). Nothing is written: no card is recorded, no repeat is
lowered.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from secrets import token_bytes
from time import perf_counter
from typing import Any

import msgspec
from flask import Response

from cds_hooks import door, prefetch
from service.clinical.assessment import as_json
from service.hooks import Answered
from service.web.bodies import JSON
from service.web.calls import Called, as_sent, base_of, judged, read_call, settled
from service.web.links import Links
from service.web.parts import Parts, encode
from service.web.shown import show
from service.workbench.validation import checks

_MEMBERS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
END = "END-OF-REQUEST"


def judge(parts: Parts, id: str) -> Response:
    """The preview of one call."""
    forgetful, start = replace(parts, memory=None), perf_counter()
    called, now = read_call(forgetful, id), parts.now()
    found = judged(called, forgetful, now)
    cards = settled(called, found, forgetful, now)
    answer = encode(as_sent(cards, called, forgetful, Links(token_bytes())))
    took = perf_counter() - start
    drafted = {one.reference for one in found.drafts}
    shown = {
        "response": msgspec.Raw(answer),
        "assessment": as_json(found.assessment) if found.assessment else None,
        "took_ms": round(took * 1000, 1),
        **_behind(found, forgetful, now),
        "checks": checks(msgspec.json.decode(answer), called.asked.context.patient_id, drafted),
        "prefetch": list(_queries(called)),
        "curl": _curl(called, base_of(parts.settings)),
    }
    return Response(encode(shown), mimetype=JSON)


def _behind(found: Answered, parts: Parts, now: datetime) -> dict[str, Any]:
    """What the cards rest on, for a page: nothing for a patient or relative."""
    if found.assessment is None or found.facts is None:
        return {"pictures": [], "evidence": ""}
    shown = show(found.assessment, found.facts, parts.ground.knowledge, now)
    return {"pictures": [asdict(one) for one in shown.pictures], "evidence": shown.tree}


def _queries(called: Called) -> Iterator[dict[str, str]]:
    """Each key with what was sent under it, and its query for this patient where the context can fill it."""
    tokens, templates = called.asked.context.tokens, called.service.prefetch
    for key, one in prefetch.read(called.asked, called.service).items():
        filled = prefetch.resolve(templates[key], tokens)
        said = {"key": key, "state": one.state.value, "template": templates[key]}
        yield said | ({"filled": filled} if filled is not None else {})


def _curl(called: Called, base: str) -> str:
    """The call for a shell. No answer repeats a token, so the authorization is left out."""
    members = door.decode(called.body, _MEMBERS)
    kept = msgspec.json.encode({name: value for name, value in members.items() if name != "fhirAuthorization"})
    body = msgspec.json.format(kept, indent=1).decode()  # in short lines: a terminal cuts long ones
    address = shlex.quote(f"{base}/cds-services/{called.service.id}")
    return f"curl -s {address} -H 'Content-Type: application/json' --data-binary @- <<'{END}'\n{body}\n{END}\n"
