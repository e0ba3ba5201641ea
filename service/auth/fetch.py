"""The bytes at a client's jku.

In: an address that the site has configured. Out: at most LONGEST bytes, or KeysDown with a fixed word.
"""

from __future__ import annotations

import ssl
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

SECONDS = 2.0
LONGEST = 64 * 1024
_PIECE = 8 * 1024


class KeysDown(Exception):
    """The keys cannot be had; the text is a fixed word."""


def fetch(address: str) -> bytes:
    """What is at an address: no redirect is followed, no proxy of the environment asked, nothing unpacked."""
    import requests  # heavy: only who asks loads it
    from urllib3.exceptions import HTTPError

    until = time.monotonic() + SECONDS
    headers = {"Accept": "application/jwk-set+json, application/json", "Accept-Encoding": "identity"}
    content = b""
    try:
        with requests.Session() as session:
            session.trust_env = False
            session.mount("https://", _tls())
            with session.get(address, headers=headers, timeout=SECONDS, stream=True, allow_redirects=False) as answer:
                if answer.status_code != requests.codes.ok:
                    raise KeysDown(f"status {answer.status_code}")
                if answer.headers.get("Content-Encoding", "identity") != "identity":
                    raise KeysDown("compressed")
                while piece := answer.raw.read1(_PIECE):
                    content += piece
                    if len(content) > LONGEST:
                        raise KeysDown("too long")
                    if time.monotonic() > until:
                        raise KeysDown("too slow")
    except requests.Timeout:
        raise KeysDown("too slow") from None
    except (requests.RequestException, HTTPError, OSError):
        raise KeysDown("no answer") from None
    return content


def _tls() -> HTTPAdapter:
    """Believes the system's authorities (OpenSSL: SSL_CERT_FILE, SSL_CERT_DIR) beside those of certifi."""
    from requests.adapters import HTTPAdapter

    class Tls(HTTPAdapter):
        def init_poolmanager(self, *given: Any, **named: Any) -> None:
            super().init_poolmanager(*given, ssl_context=ssl.create_default_context(), **named)

    return Tls()
