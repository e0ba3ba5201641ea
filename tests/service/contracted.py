"""Whether an answer is one that openapi.yaml describes: its status, its media type, its body."""

from __future__ import annotations

import json
import re
from typing import Any

from service import contract

# The HTTP server itself answers requests that are no HTTP, or have too many headers, before the application sees them.
BY_THE_SERVER = {400, 431}


def resolved(node: dict[str, Any]) -> dict[str, Any]:
    """A response with its reference followed."""
    while "$ref" in node:
        target: Any = contract.document()
        for step in node["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        node = target
    return node


def operation(method: str, path: str) -> dict[str, Any] | None:
    """What the contract says of a method at an address; of any method there when it does not know this one."""
    for template, item in contract.document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path.partition("?")[0]):
            known = {name: told for name, told in item.items() if name in ("get", "post")}
            wanted = "get" if method == "HEAD" else method.lower()
            found: dict[str, Any] = known.get(wanted) or next(iter(known.values()))
            return found
    return None


def check(method: str, path: str, status: int, content_type: str | None, body: bytes) -> None:
    """Fail unless the contract describes this answer."""
    if method == "OPTIONS":
        assert (status, body) == (204, b"")
        return
    if status in BY_THE_SERVER and not body:
        return
    told = operation(method, path)
    if told is None:
        assert status in (404, 414, 431), f"{method} {path[:80]}: {status}"
        contract.validator("OperationOutcome").validate(json.loads(body))
        return
    assert str(status) in told["responses"], f"{method} {path[:80]} answers {status}, which openapi.yaml does not know"
    described = resolved(told["responses"][str(status)]).get("content")
    if described is None:
        assert (content_type, body) == (None, b""), f"{method} {path[:80]}: {status} has no body"
        return
    kind = (content_type or "").removesuffix("; charset=utf-8")  # Flask's way of sending text
    assert kind in described, f"{method} {path[:80]}: {status} as {content_type}"
    if body and content_type and content_type.endswith("json"):
        name = described[content_type]["schema"]["$ref"].rpartition("/")[2]
        contract.validator(name).validate(json.loads(body))
