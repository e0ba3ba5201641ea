"""The workbench: a page on which the service is seen and tried, and what that page asks for.

In: the parts of the service. Out: a Blueprint with its own templates and assets. It asks for no token, remembers
nothing (a judgement here is a preview), and is for its own page alone: no other origin reads it. Only where
`Settings.shows_workbench` holds; openapi.yaml, tag Workbench.
"""

from __future__ import annotations

import mimetypes
from functools import cache, partial
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Blueprint, Flask, Response, request

from cds_hooks.errors import InvalidRequest, UnknownService
from service import stories
from service.web.bodies import JSON
from service.web.pages import page
from service.web.parts import Parts, encode
from service.workbench.fetching import fetch
from service.workbench.judging import judge
from service.workbench.shelf import listed, opened
from service.workbench.validation import made_ready
from service.workbench.vocabulary import vocabulary

# Scripts of this origin alone, none in the page itself; no frame, no form to elsewhere.
POLICY = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; object-src 'none'"


def add_workbench(app: Flask, parts: Parts) -> None:
    """Its routes."""
    # Some machines know .js as plain text, and browsers run no module that comes as that.
    mimetypes.add_type("text/javascript", ".js")
    bench = Blueprint(
        "workbench",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/workbench/static",
    )
    bench.add_url_rule("/", "page", partial(page, "workbench.html", policy=POLICY))
    _add_stories(bench, parts)
    _add_vocabulary(bench, parts)
    bench.add_url_rule("/workbench/judge/<id>", "judge", partial(judge, parts), methods=["POST"])
    bench.add_url_rule("/workbench/fetch", "fetch", partial(fetch, parts), methods=["POST"])
    app.register_blueprint(bench)


def refuse_strangers(public_base: str) -> None:
    """Refuse who comes by a name that is not ours: a page of any site can give its own name to this machine's address,
    and would read here, where no call needs a token, what the FHIR server tells (DNS rebinding)."""
    host = urlsplit(f"//{request.host}").hostname or ""
    ours = host in ("localhost", urlsplit(public_base).hostname) or _is_ip(host)
    if request.headers.get("Host") and not ours:
        hint = "open it as localhost or by IP address, or name it in CDS_PUBLIC_BASE_URL"
        raise InvalidRequest(path="Host", problem="is not the name of this service", hint=hint, code="value")


def _is_ip(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _add_stories(bench: Blueprint, parts: Parts) -> None:
    services = {service.hook: id for id, (service, _) in parts.services.items()}
    shelf = cache(partial(listed, services))  # made when first asked for: the service is there sooner

    def listing() -> Response:
        return Response(encode(shelf()), mimetype=JSON)

    def story(name: str) -> Response:
        try:
            told = stories.find(name)
        except KeyError:
            raise UnknownService(problem="no story has this name", hint="see /workbench/stories") from None
        return Response(encode(opened(told, services, parts.now())), mimetype=JSON)

    bench.add_url_rule("/workbench/stories", "stories", listing)
    bench.add_url_rule("/workbench/stories/<name>", "story", story)


def _add_vocabulary(bench: Blueprint, parts: Parts) -> None:
    words = cache(partial(vocabulary, parts))

    def choices() -> Response:
        made_ready()
        return Response(encode({"today": str(parts.now().date()), **words()}), mimetype=JSON)

    bench.add_url_rule("/workbench/vocabulary", "vocabulary", choices)
