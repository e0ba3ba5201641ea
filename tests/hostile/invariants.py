"""What holds for every request, however bad; an answer that breaks one is an AssertionError.

No 5xx; every answer as the contract says; no error and no log line holds what was sent; no text of a card is HTML or a
link of its own; and what raises an alarm raises it whatever else is in the request.
"""

from __future__ import annotations

import copy
import json
import logging
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from random import Random
from typing import Any

from contracted import check
from flask.testing import FlaskClient
from mutations import ODD, chart, inside, mutated, places, requests
from requests_of import CANARY

from service.app import create_app
from service.settings import Settings

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
SERVICES = {
    "patient-view": "/cds-services/neutropenia-review",
    "order-select": "/cds-services/neutropenia-order-select",
    "order-sign": "/cds-services/neutropenia-order-sign",
}
PREVIEWS = tuple(address.replace("/cds-services", "/workbench/judge") for address in SERVICES.values())
TARGETS = (*SERVICES.values(), "/assess", "/assess?explain=true", "/assess?as-of=2026-06-10", *PREVIEWS)
ACTIVE = re.compile(r"<\s*script|(?<!\\)\]\(\s*javascript", re.IGNORECASE)
RUNS = re.compile(r"<(?:script|style|img|iframe|object|embed)|<[^>]*\s(?:on[a-z]+|style)=", re.IGNORECASE)
NAMED_KEYS = re.compile(r"unknown prefetch keys: .*", re.DOTALL)  # keys that are plain words are said to the operator
Json = dict[str, Any]
Law = Callable[[Random], None]


class Heard(logging.Handler):
    """What the service logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


HEARD = Heard()


@cache
def client() -> FlaskClient:
    log = logging.getLogger("service")
    log.addHandler(HEARD)
    log.propagate = False
    chosen = Settings(public_base_url="https://cds.example.org", workbench="on")
    return create_app(chosen, clock=lambda: NOON).test_client()


@cache
def stories() -> dict[str, Json]:
    return requests(date(2026, 6, 15))


def seeds() -> list[tuple[int, Json]]:
    """Right requests: the number of the target, the body."""
    hooks = [(TARGETS.index(SERVICES[asked["hook"]]), asked) for asked in stories().values()]
    charts = [(3 + at % 3, chart(asked)) for at, asked in enumerate(stories().values())]
    previews = [(at + TARGETS.index(PREVIEWS[0]), asked) for at, asked in hooks]
    return hooks + charts + previews


def held(target: str, body: bytes) -> tuple[int, Any]:
    """Status and JSON of an answer that breaks no law."""
    HEARD.lines.clear()
    answer = client().post(target, data=body, content_type="application/json")
    sent = answer.get_data()
    assert answer.status_code < 500, f"{answer.status_code}: {HEARD.lines}"
    check("POST", target, answer.status_code, answer.headers["Content-Type"], sent)
    logged = NAMED_KEYS.sub("", "\n".join(HEARD.lines))
    assert CANARY not in logged.lower(), f"the log repeats what was sent: {logged}"
    if answer.status_code != 200:
        assert CANARY.encode() not in sent.lower(), f"the answer repeats what was sent: {sent!r}"
    said = json.loads(sent)
    for card in said.get("response", said).get("cards", ()):
        assert not ACTIVE.search(card["detail"]), card["detail"]
    for fragment in (*(one["html"] for one in said.get("pictures", ())), said.get("evidence", "")):
        assert not RUNS.search(fragment), fragment
    return answer.status_code, said


def asked(request: Json) -> tuple[int, list[str]]:
    """Status, and the indicators of the cards, of a call of a service."""
    status, said = held(SERVICES[request["hook"]], json.dumps(request).encode())
    return status, [card["indicator"] for card in said.get("cards", ())]


# --- alarms -----------------------------------------------------------------------------------------------------------


@cache
def alarms() -> list[Json]:
    """The stories whose patient and count alone raise a critical card."""
    views = [one for one in stories().values() if one["hook"] == "patient-view"]
    bare = [(one, one | {"prefetch": {key: one["prefetch"].get(key) for key in ("patient", "count")}}) for one in views]
    return [one for one, alone in bare if "critical" in asked(alone)[1]]


def alarm_stands_beside_anything(random: Random) -> None:
    """The patient and the count raise an alarm: with the other keys in any state the answer is not silence."""
    request = copy.deepcopy(random.choice(alarms()))
    kept = {key: request["prefetch"].pop(key) for key in ("patient", "count")}
    request = mutated(request, random, random.randint(1, 12), ("prefetch",))
    request["prefetch"] |= kept
    status, indicators = asked(request)
    assert status != 200 or indicators, json.dumps(request)


def alarm_stands_beside_what_is_not_read(random: Random) -> None:
    """Resources that mean nothing to us change no indicator."""
    request = copy.deepcopy(random.choice(list(stories().values())))
    before = asked(request)
    bundles = [one for one in request["prefetch"].values() if one and one["resourceType"] == "Bundle"]
    entries = random.choice(bundles).setdefault("entry", [])
    entries.insert(random.randint(0, len(entries)), {"resource": _meaningless(random)})
    assert asked(request) == before, json.dumps(request)


def _meaningless(random: Random) -> Json:
    code = {"coding": [{"system": "urn:x", "code": CANARY}], "text": CANARY}
    junk: Json = {
        key: random.choice(ODD) for key in ("status", "valueQuantity", "subject", "effectiveDateTime", "note")
    }
    return random.choice(({**junk, "resourceType": "Basic"}, {**junk, "resourceType": "Observation", "code": code}))


def no_broken_count_is_silence(random: Random) -> None:
    """The only count is low, one field of it is of the wrong type: a card says so, or the request is refused."""
    request = copy.deepcopy(random.choice(_with_one_low_count()))
    (entry,) = request["prefetch"]["count"]["entry"]
    fields = [at for at in places(entry["resource"]) if at[0] not in ("code", "resourceType")]
    at = random.choice(fields)
    owner, was = inside(entry["resource"], at[:-1]), inside(entry["resource"], at)
    numbers = (int, float)  # another number is another value, and nothing broken
    broken = [odd for odd in ODD if odd is not None and type(odd) is not type(was)]
    owner[at[-1]] = random.choice([o for o in broken if not (type(o) in numbers and type(was) in numbers)])
    status, indicators = asked(request)
    assert status != 200 or indicators, f"{at}: {json.dumps(owner)}"


@cache
def _with_one_low_count() -> list[Json]:
    found = []
    for request in map(copy.deepcopy, alarms()):
        counts = [e for e in request["prefetch"]["count"]["entry"] if "751-8" in json.dumps(e["resource"]["code"])]
        request["prefetch"] = {key: request["prefetch"][key] for key in ("patient", "count")}
        request["prefetch"]["count"]["entry"] = counts[:1]
        if counts and asked(request)[1]:
            found.append(request)
    return found


LAWS: tuple[Law, ...] = (alarm_stands_beside_anything, alarm_stands_beside_what_is_not_read, no_broken_count_is_silence)
