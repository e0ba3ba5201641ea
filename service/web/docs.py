"""The contract as pages: Swagger UI reads /openapi.yaml; everything comes from this origin.

In: the settings, the files of Swagger UI as flask-swagger-ui ships them. Out: HTML at /docs, its files below it. That
package's own page is not used: it has its script inline, and writes the request's Host into it.
"""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from flask import Flask, Response, send_from_directory

from cds_hooks.errors import UnknownService
from service.settings import Settings
from service.web.pages import page

FILES = ("favicon-32x32.png", "swagger-ui-bundle.js", "swagger-ui.css")
# Swagger UI draws its arrows as data: images; it sets styles by the CSSOM, which a policy lets pass.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def add_docs(app: Flask, chosen: Settings) -> None:
    """GET /docs and the files that it takes. Calls can be tried from it in demo mode alone."""

    def docs() -> Response:
        answer = page("docs.html", tries=chosen.mode == "demo")
        answer.headers["Content-Security-Policy"] = POLICY
        return answer

    def file(filename: str) -> Response:
        if filename not in FILES:
            raise UnknownService(problem="no file has this name", hint="see /docs")
        return send_from_directory(_folder(), filename)

    app.add_url_rule("/docs", "docs", docs)
    app.add_url_rule("/docs/<filename>", "docs-file", file)


@cache
def _folder() -> Path:
    """Where the package keeps the files; it is found, not imported."""
    found = find_spec("flask_swagger_ui")
    assert found and found.origin
    return Path(found.origin).parent / "dist"
