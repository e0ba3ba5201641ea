"""HTML from a template: no script, nothing from elsewhere, in no frame of a stranger.

In: a template of this package and what it shows (escaped by Jinja). Out: a Response.
"""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request

POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


def page(template: str, **shown: Any) -> Response:
    """A page with its security headers; `up` leads from its address to the top, below whatever path a proxy has."""
    up = "../" * (request.path.count("/") - 1)
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": "no-referrer"}
    return Response(render_template(template, up=up, **shown), headers=headers, mimetype="text/html")
