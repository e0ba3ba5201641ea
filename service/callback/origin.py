"""One server, as long as one call lasts: connections to its checked addresses and to nothing else.

In: an address below a base, the addresses that its host was found to have. Out: bodies; Failed with its reason.
It sends through an HTTPAdapter without a Session, which would add redirects, cookies, and proxies and passwords of the
environment. Loaded when a server is called, so that others do without `requests`.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from threading import Lock
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from service.callback.fetched import Failed
from service.fhir_base import PORT_OF

CHUNK = 64 * 1024
KEPT = 16  # connections that wait for the next page: more than there are keys
REASONS = {401: "unauthorized", 403: "unauthorized", 404: "not-found", 410: "not-found", 429: "rate-limited"}
REASONS_OF_HUNDREDS = {2: "not-fhir", 3: "redirect", 4: "rejected", 5: "server-error"}

# Its warnings hold whole addresses ("Failed to parse headers"), and those a patient's id.
logging.getLogger("urllib3").setLevel(logging.ERROR)


class Line:
    """The open sockets of one call. After `hang_up` none is open and none can be opened: no thread waits any longer."""

    def __init__(self) -> None:
        self._lock, self._sockets, self._is_down = Lock(), list[socket.socket](), False

    def hold(self, wire: socket.socket) -> None:
        """Keep a socket in view."""
        with self._lock:
            self._sockets.append(wire)
            if self._is_down:
                _shut(wire)

    def hang_up(self) -> None:
        """End whatever is under way; whoever reads is told that the other side closed."""
        with self._lock:
            self._is_down = True
            for wire in self._sockets:
                _shut(wire)


def _shut(wire: socket.socket) -> None:
    with suppress(OSError):  # closed already, by us or by the other side
        # Not its own method: that of a TLS socket takes its state away under a thread that reads.
        socket.socket.shutdown(wire, socket.SHUT_RDWR)


class _Held(HTTPConnection):
    def __init__(self, *args: Any, line: Line, **options: Any) -> None:
        super().__init__(*args, **options)
        self._line = line

    def connect(self) -> None:
        super().connect()
        assert self.sock is not None
        self._line.hold(self.sock)


class _HeldTls(_Held, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Held


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _HeldTls


class _Pinned(HTTPAdapter):
    """Sends whatever it is given to the one address of its pool."""

    def __init__(self, pool: HTTPConnectionPool) -> None:
        super().__init__()
        self._pool = pool

    def get_connection_with_tls_context(self, *_: object, **__: object) -> HTTPConnectionPool:
        return self._pool

    def cert_verify(self, *_: object, **__: object) -> None:
        """Nothing to set: the pool's own context verifies, and has read the certificates once."""

    def close(self) -> None:
        super().close()
        self._pool.close()


@cache
def trust() -> ssl.SSLContext:
    """Whom TLS believes: the system's authorities (OpenSSL: SSL_CERT_FILE, SSL_CERT_DIR) and those of certifi."""
    context = ssl.create_default_context()
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


class Origin:
    """A server at its checked addresses, until the deadline (of `time.monotonic`)."""

    def __init__(self, address: str, ips: Sequence[str], headers: Mapping[str, str], line: Line, until: float) -> None:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port or PORT_OF[parts.scheme]
        self._until, self._headers = until, {**headers, "Host": parts.netloc}
        self._ways = tuple(_Pinned(_pool(parts.scheme, ip, port, host, line)) for ip in ips)

    def get(self, url: str) -> Iterator[bytes]:
        """The body of a 200, decompressed, piece by piece."""
        asked = requests.Request("GET", url, self._headers).prepare()
        try:
            answer = self._send(asked)
            with answer:
                if answer.status_code != 200:
                    hundred = REASONS_OF_HUNDREDS.get(answer.status_code // 100, "not-fhir")
                    raise Failed(REASONS.get(answer.status_code, hundred))
                yield from answer.iter_content(CHUNK)
        except (requests.RequestException, HTTPError, OSError) as fault:
            raise Failed(self._reason(fault)) from None

    def close(self) -> None:
        """Close what waits for a next page now, and whatever is still in use when it is done."""
        for way in self._ways:
            way.close()

    def _send(self, asked: requests.PreparedRequest) -> requests.Response:
        """Over the first of the addresses that can be had; the last gets a second try."""
        # A connection that waited for the next page may be closed by the other side without a word.
        *others, last = (*self._ways, self._ways[-1])
        for place, way in enumerate(others):
            with suppress(requests.ConnectTimeout, requests.ConnectionError):
                return way.send(asked, stream=True, timeout=(self._left() / (len(others) + 1 - place), self._left()))
        return last.send(asked, stream=True, timeout=(self._left(), self._left()))

    def _left(self) -> float:
        left = self._until - monotonic()
        if left <= 0:
            raise Failed("timeout")
        return left

    def _reason(self, fault: Exception) -> str:
        if isinstance(fault, requests.Timeout) or monotonic() >= self._until:
            return "timeout"
        if isinstance(fault, requests.exceptions.SSLError):
            return "tls"
        return "not-fhir" if isinstance(fault, requests.exceptions.ContentDecodingError) else "refused"


def _pool(scheme: str, ip: str, port: int, host: str, line: Line) -> HTTPConnectionPool:
    if scheme == "http":
        return _Pool(ip, port, maxsize=KEPT, line=line)
    return _TlsPool(ip, port, maxsize=KEPT, line=line, ssl_context=trust(), server_hostname=host)
