"""Requests gone wrong: a JSON value, changed at random where its structure is, not only in its bytes.

In: a value and a Random. Out: another value, made of the same parts; the same Random gives the same one.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any

from requests_of import CANARY

from service.stories import find, moved, names

ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2.5, -0.0, 1e300, 1e-300, 10**30, "", " ", "\u0000", "0", "-1", "1e3", "0,5", "<0.5",
    "NaN", [], {}, [[]], [None], [{}], {"": None}, [[[[[[[[[[]]]]]]]]]], "\U0001f9ea", "e\u0301" * 60, "x" * 10_000,
    CANARY, f"{CANARY} {CANARY}", f"<script>{CANARY}</script>", f"[{CANARY}](javascript:alert(1))", f"| {CANARY} |",
    {CANARY: CANARY}, [CANARY], {"value": CANARY}, {"reference": f"Patient/{CANARY}"}, {"coding": [{"code": CANARY}]},
    {"resourceType": "Bundle"}, {"resourceType": CANARY}, {"resourceType": "OperationOutcome"},
    "2026-06-15", "2026-06-15T12:00:00Z", "2026-06-15T12:00:00+14:00", "2026-06", "2026", "2026-02-30", "0001-01-01",
    "9999-12-31T23:59:59-12:00", "2026-06-15T24:00:00Z", "2026-06-14T23:59:60Z", "0000-00-00", "20260615",
    "10*9/L", "/uL", "%", "K/uL", "mg/dL", "final", "preliminary", "entered-in-error", "corrected", "active", "draft",
    "Patient", "Observation", "http://loinc.org", "#contained", "urn:uuid:5f1c2a34-0f4e-4b55-9f0a-8a4f3c1d7b10",
)  # fmt: skip
# Not a plain key: of those the service tells its operator, by name, when they stand in the prefetch.
KEYS = ("value", "code", "id", "subject", "entry", "resource", "contained", "extension", f"{CANARY} key", "", "$ref")
Path = tuple[str | int, ...]


def requests(day: Any) -> dict[str, dict[str, Any]]:
    """The stories as told on a day, by name; ids and names of patients are canaries."""
    told = {name: find(name) for name in names()}
    whole = {name: moved(one.request, day - one.as_of) for name, one in told.items()}
    return {name: json.loads(_canaries(json.dumps(asked))) for name, asked in whole.items()}


def _canaries(text: str) -> str:
    named = text.replace("Practitioner/story-", "Practitioner/").replace("story-", f"{CANARY}-")
    return re.sub(r'("family": ")', rf"\g<1>{CANARY}", named)


def chart(asked: dict[str, Any]) -> dict[str, Any]:
    """What a request holds, as one Bundle for /assess."""
    values = [*asked["prefetch"].values(), asked["context"].get("draftOrders")]
    entries = [{"resource": value} for value in values if value]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def places(value: Any, at: Path = ()) -> Iterator[Path]:
    """The path of every value inside another."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*at, key)
        yield from places(one, (*at, key))


def inside(value: Any, at: Path) -> Any:
    for key in at:
        value = value[key]
    return value


def mutated(value: Any, random: Random, times: int = 1, under: Path = ()) -> Any:
    """A copy, changed at some places; with `under` only below that place."""
    found = copy.deepcopy(value)
    for _ in range(times):
        below = list(places(inside(found, under), under))
        if not below:
            return found
        at = random.choice(below)
        random.choice(WAYS)(inside(found, at[:-1]), at[-1], found, random)
    return found


def _odd(owner: Any, key: Any, whole: Any, random: Random) -> None:
    owner[key] = copy.deepcopy(random.choice(ODD))


def _gone(owner: Any, key: Any, whole: Any, random: Random) -> None:
    del owner[key]


def _elsewhere(owner: Any, key: Any, whole: Any, random: Random) -> None:
    owner[key] = copy.deepcopy(inside(whole, random.choice(list(places(whole)))))


def _wrapped(owner: Any, key: Any, whole: Any, random: Random) -> None:
    owner[key] = random.choice(([owner[key]], {"value": owner[key]}, [owner[key], owner[key]]))


def _another(owner: Any, key: Any, whole: Any, random: Random) -> None:
    """One more element, or one more key."""
    if isinstance(owner, list):
        owner.insert(random.randint(0, len(owner)), copy.deepcopy(random.choice((owner[key], random.choice(ODD)))))
    else:
        owner[random.choice(KEYS)] = copy.deepcopy(random.choice((owner[key], random.choice(ODD))))


def _tweaked(owner: Any, key: Any, whole: Any, random: Random) -> None:
    """A little off: a number scaled, a text cut or joined, a truth turned."""
    was = owner[key]
    if isinstance(was, bool):
        owner[key] = not was
    elif isinstance(was, int | float):
        owner[key] = random.choice((-was, was * 10, was * 1000, was / 1000, str(was), 0))
    elif isinstance(was, str):
        cut = random.randint(0, len(was))
        owner[key] = random.choice(
            (was[:cut], was[cut:], was * 2, f" {was} ", was.upper(), was + random.choice("\n<|`]"))
        )
    else:
        _odd(owner, key, whole, random)


WAYS = (_odd, _odd, _gone, _elsewhere, _wrapped, _another, _tweaked, _tweaked)
