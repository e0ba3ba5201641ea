"""The limit of what a Python service can reach: parse the body, and answer the same bytes whatever it says.

In: a request to any path. Out: 2.7 kB of JSON. Served by granian with one worker, as the service is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import orjson

__all__ = ["ANSWER", "app"]

LENGTH = 2700
ANSWER = b'{"cards": [], "padding": "' + b"x" * (LENGTH - 28) + b'"}'


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Nothing but HTTP and JSON; ValueError when the body is no JSON."""
    orjson.loads(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(LENGTH))])
    return [ANSWER]
