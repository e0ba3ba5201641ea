"""Rules for any JSON that a service sends: no empties, extensions as they should be.

In: a parsed body and the name of its place. Out: sights with JSON paths. No recursion: the body may be deep.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, TypeGuard

from service.probe.findings import Sight
from service.probe.lines import Level

MAY_BE_EMPTY = {"cards", "services"}
OPTIONAL = {
    "title", "prefetch", "usageRequirements", "extension", "systemActions", "detail", "uuid", "suggestions",
    "selectionBehavior", "overrideReasons", "links", "isRecommended", "actions", "url", "icon", "topic", "display",
    "appContext", "version", "hookVersion",
}  # fmt: skip
REVERSE_DOMAIN = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9_-]+)+\Z")


def walk(body: Any) -> Iterator[tuple[str, str, Any, bool]]:
    """Path, name, value of everything below the body, and whether it belongs to a resource or an extension."""
    stack: list[tuple[str, str, Any, bool]] = [("", "", body, False)]
    while stack:
        path, name, value, foreign = stack.pop()
        yield path, name, value, foreign
        inside = foreign or name in ("resource", "extension")
        if isinstance(value, dict):
            start = f"{path}." if path else ""
            stack += [(f"{start}{key}", key, inner, inside) for key, inner in value.items()]
        elif isinstance(value, list):
            stack += [(f"{path}[{at}]", "", inner, inside) for at, inner in enumerate(value)]


def empties(body: Any, place: str) -> Iterator[Sight]:
    """Lines 2 and 3."""
    faults = {"2": 0, "3": 0}
    for path, name, value, foreign in walk(body):
        if path and (value is None or value in ("", [], {})) and not (path in MAY_BE_EMPTY and value == []):
            line = "3" if name in OPTIONAL and not foreign else "2"
            faults[line] += 1
            yield Sight(line, False, f"{place}: {path or '$'}", "leave the field out: only what has a value is sent")
    yield from (Sight(line, True, place, "") for line, times in faults.items() if not times)


def extensions(body: Any, place: str) -> Iterator[Sight]:
    """Line 81. Inside FHIR resources extensions are lists: not looked at here."""
    for path, name, value, foreign in walk(body):
        if name == "extension" and value is not None and not foreign:
            where = f"{place}: {path}"
            remedy = "send an object: reverse-domain key to value"
            yield Sight("81", isinstance(value, dict), where, remedy)
            odd = isinstance(value, dict) and any(not REVERSE_DOMAIN.match(key) for key in value)
            yield Sight("81", not odd, where, "name keys as reverse domains: org.example.key", Level.SHOULD)


def members(value: Any, name: str) -> list[tuple[int, dict[str, Any]]]:
    """The objects of a list that a field of an object holds, with their places; what is no object is left out."""
    held = value.get(name) if isinstance(value, dict) else None
    return [(at, one) for at, one in enumerate(held) if isinstance(one, dict)] if isinstance(held, list) else []


def given(part: Any, name: str) -> bool:
    """Whether an object has a field with a value; null is for line 3 to tell."""
    return isinstance(part, dict) and part.get(name) is not None


def is_text(value: Any) -> TypeGuard[str]:
    """A string; an empty one is for line 2 to tell."""
    return isinstance(value, str)


def are_objects(value: Any) -> bool:
    """A list of objects."""
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)
