"""The body of a request, as bytes: JSON in UTF-8, uncompressed, not too long.

In: the request in hand. Out: bytes; UnsupportedMediaType or TooLarge with the remedy.
"""

from __future__ import annotations

from flask import request
from werkzeug.http import parse_options_header

from cds_hooks.errors import Issue, TooLarge, UnsupportedMediaType

JSON, FHIR_JSON = "application/json", "application/fhir+json"
PIECE = 64 * 1024
TOO_LONG = ("too-long", "the body is too long", "send less, or raise CDS_MAX_BODY")


def read_body(longest: int) -> bytes:
    """The body as it was sent."""
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind.lower() not in (JSON, FHIR_JSON):
        raise UnsupportedMediaType(path="Content-Type", problem="is not JSON", hint=f"send {JSON} or {FHIR_JSON}")
    if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType(path="Content-Type", problem="names another charset", hint="send UTF-8")
    if request.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise UnsupportedMediaType(path="Content-Encoding", problem="is not read", hint="send it uncompressed")
    if (request.content_length or 0) > longest:
        # A client that is cut off while it sends may miss the answer.
        for _ in range(0, longest, PIECE):
            request.environ["wsgi.input"].read(PIECE)
    elif len(sent := request.get_data(cache=False)) <= longest:
        return sent
    raise TooLarge(Issue("", *TOO_LONG[1:]))
