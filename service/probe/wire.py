"""HTTP to one origin: no redirects, no proxies, no netrc, a limit on the body, and one on the time of a whole call.

In: method, path, body. Out: an Answer, whatever came back; `status` 0 when nothing did. Values from the answer reach
findings only as places and counts, never as text.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

LONGEST_BODY = 4 * 1024 * 1024
MOST_SILENCE = 3  # calls in a row without an answer, after which the service counts as gone
NOTHING: Any = object()  # no JSON in the body


class NotReachable(Exception):
    """Nothing that speaks HTTP answered; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one call."""

    asked: str  # what was asked, for findings: method, path, and what was special about it
    status: int  # 0: no answer
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    seconds: float
    fault: str = ""  # why there is no answer, or not all of it

    @property
    def json(self) -> Any:
        """The body as JSON; NOTHING when it is none, or nested beyond reading."""
        try:
            return json.loads(self.body.decode("utf-8"), parse_constant=_refuse)
        except (ValueError, RecursionError):
            return NOTHING

    def is_one_of(self, *statuses: int) -> bool:
        """Whether it came with one of these statuses."""
        return self.status in statuses

    @property
    def shown(self) -> str:
        """The status, for findings."""
        said = str(self.status) if self.status else "no answer"
        return f"{said}, {self.fault}" if self.fault else said


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def is_loopback(url: str) -> bool:
    """Whether an address is of this machine alone."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


class Wire:
    """The way to one service. `tokens` are sent in turn, one per call; `notice` is told of each answer.

    Raises NotReachable when nothing comes back any more.
    """

    def __init__(self, base: str, tokens: tuple[str, ...], timeout: float, notice: Callable[[Answer], None]) -> None:
        self.base, self.tokens, self.timeout, self._notice = base, tokens, timeout, notice
        self.calls = 0
        self._let_in: set[bool] = set()  # what became of POSTs with one of the tokens
        self._silent = 0
        self._ours = {f"Bearer {token}" for token in tokens}
        self._turn = self._tokens()
        self._session = _session()

    def ask(
        self, method: str, path: str, what: str = "", body: object = NOTHING, token: str | None = "", **headers: str
    ) -> Answer:
        """One call. `body`: bytes as they are, else as JSON. `token`: "" the next in turn, None no header at all."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        data = b"" if body is NOTHING else body if isinstance(body, bytes) else json.dumps(body).encode()
        if body is not NOTHING:
            sent.setdefault("Content-Type", "application/json")
        authorization = next(self._turn) if token == "" else token
        if authorization:
            sent["Authorization"] = authorization
        asked = f"{method} {path}" + (f" ({what})" if what else "")
        answer = self._within_time(asked, requests.Request(method, self.base + path, sent, data=data or None))
        self.calls += 1
        self._silent = 0 if answer.status else self._silent + 1
        if self._silent == MOST_SILENCE:
            raise NotReachable(f"{MOST_SILENCE} calls in a row got no answer ({answer.fault}); the last: {asked}")
        if method == "POST" and authorization in self._ours:
            self._let_in.add(not answer.is_one_of(401, 403))
        self._notice(answer)
        return answer

    @property
    def fate(self) -> str:
        """What became of the tokens: none given; taken, one let a call in; refused, none did."""
        if not self.tokens:
            return "none"
        return "refused" if self._let_in == {False} else "taken"

    def _tokens(self) -> Iterator[str | None]:
        while True:
            yield from (f"Bearer {token}" for token in self.tokens)
            if not self.tokens:
                yield None

    def _within_time(self, asked: str, request: requests.Request) -> Answer:
        """The call in a thread of its own: a peer that sends a byte a second would outlast any timeout of reads."""
        found: list[Answer] = []
        session, began = self._session, time.monotonic()
        thread = threading.Thread(target=lambda: found.append(self._call(session, asked, request)), daemon=True)
        thread.start()
        thread.join(self.timeout)
        if found:
            return found[0]
        self._session = _session()  # the old one is still waiting
        return Answer(asked, 0, {}, b"", time.monotonic() - began, f"nothing whole within {self.timeout:g} s")

    def _call(self, session: requests.Session, asked: str, request: requests.Request) -> Answer:
        began = time.monotonic()
        try:
            try:
                return self._once(session, asked, request)
            except requests.ConnectionError:
                # A connection that was kept may have been closed meanwhile: once more, on a new one.
                return self._once(_session(), asked, request)
        except (requests.RequestException, OSError, ValueError) as fault:
            # ValueError: urllib3 and http.client let it pass for a status line or a header that is none.
            return Answer(asked, 0, {}, b"", time.monotonic() - began, _reason(fault))

    def _once(self, session: requests.Session, asked: str, request: requests.Request) -> Answer:
        began = time.monotonic()
        ready = session.prepare_request(request)
        with session.send(ready, timeout=self.timeout, allow_redirects=False, stream=True) as reply:
            body, fault = _read(reply)
            return Answer(asked, reply.status_code, reply.headers, body, time.monotonic() - began, fault)


def _read(reply: requests.Response) -> tuple[bytes, str]:
    body = b""
    for chunk in reply.iter_content(64 * 1024):
        body += chunk
        if len(body) > LONGEST_BODY:
            return b"", f"longer than {LONGEST_BODY} bytes"
    return body, ""


def _reason(fault: Exception) -> str:
    """The kind of a fault in words; its own text may hold addresses and what was sent."""
    if isinstance(fault, requests.exceptions.SSLError):
        return "TLS failed: is the certificate one that this machine trusts? REQUESTS_CA_BUNDLE names others"
    if isinstance(fault, requests.Timeout):
        return "too slow"
    if isinstance(fault, requests.ConnectionError) and "RemoteDisconnected" not in str(fault):
        return "no connection, or the peer speaks no HTTP"
    return "the peer closed, or speaks no HTTP"


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # netrc would add a header of its own, a proxy another origin
    session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or True
    session.headers.update({"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "cds-check"})
    return session
