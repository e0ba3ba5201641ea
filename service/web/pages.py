"""HTML from a template: no script, nothing from elsewhere, in no frame of a stranger. The same as JSON for programs.

In: a template of this package and what it shows (escaped by Jinja); the request in hand. Out: a Response.
"""

from __future__ import annotations

from typing import Any

import msgspec
from flask import Response, render_template, request

from cds_hooks.errors import InvalidRequest

POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"

encode = msgspec.json.Encoder(decimal_format="number").encode


def page(template: str, status: int = 200, policy: str = POLICY, **shown: Any) -> Response:
    """A page with its security headers; `up` leads from its address to the top, below whatever path a proxy has."""
    up = "../" * (request.path.count("/") - 1)
    headers = {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer"}
    return Response(render_template(template, up=up, **shown), status, headers, mimetype="text/html")


def asks_for_page() -> bool:
    """Whether a person is to read the answer: `format` says so, else a browser, which asks for text/html by name."""
    asked = request.args.getlist("format")
    if asked not in ([], ["html"], ["json"]):
        raise InvalidRequest(path="format", problem="is neither html nor json", hint="say json", code="value")
    return asked == ["html"] if asked else "text/html" in [kind.lower() for kind, _ in request.accept_mimetypes]
