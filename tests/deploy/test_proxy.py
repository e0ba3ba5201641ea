"""deploy/nginx.conf, run by nginx in front of a service: what SECURITY.md asks of a proxy."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator

import pytest
from documents import port_of_the_image
from nginx import Proxy, in_front, needs_nginx
from wire import HOOK, Running, free_port, start, stop

CANARY = "canary-of-a-link"

pytestmark = needs_nginx


@pytest.fixture(scope="module")
def upstream() -> Iterator[Running]:
    running = start(free_port())
    yield running
    if running.process.poll() is None:
        stop(running)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstream: Running) -> Iterator[Proxy]:
    there = {f"http://cds:{port_of_the_image()}": f"http://127.0.0.1:{upstream.port}"}
    with in_front(tmp_path_factory.mktemp("proxy"), there) as found:
        yield found


def test_calls_come_through_by_tls(proxy: Proxy) -> None:
    status, body, strict = proxy.ask("GET", "/cds-services")
    assert status == 200
    assert b"neutropenia-review" in body
    assert strict.startswith("max-age=")


def test_plain_http_is_not_answered(proxy: Proxy) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    connection.request("GET", "/cds-services")
    assert connection.getresponse().status == 400


def test_the_service_itself_says_what_is_too_long(proxy: Proxy) -> None:
    status, body, _ = proxy.ask("POST", HOOK, b" " * (4 * 1024 * 1024 + 1), Content_Type="application/json")
    assert status == 413
    assert b"OperationOutcome" in body


def test_long_tokens_and_addresses_come_through(proxy: Proxy) -> None:
    assert proxy.ask("GET", "/livez", Authorization=f"Bearer {'t' * (16 * 1024 - 7)}")[0] == 200
    status, body, _ = proxy.ask("GET", f"/livez?{'q' * 9000}")
    assert status == 414
    assert b"OperationOutcome" in body


@pytest.mark.parametrize(
    "doubtful",
    [
        b"GET /livez HTTP/1.0\r\n\r\n",  # no Host
        b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"GET /livez HTTP/1.1\r\nHost: x\r\nNo colon\x00\r\n\r\n",
    ],
)
def test_doubtful_requests_are_refused(proxy: Proxy, doubtful: bytes) -> None:
    assert b" 400" in proxy.send(doubtful)


def test_a_storm_is_held_back_with_429(proxy: Proxy) -> None:
    """Last of those that need answers: 200 calls beyond the rate are let through at once."""
    lines = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    with proxy.wire() as wire:
        wire.sendall(lines * 900)
        answers = b""
        while b" 429 " not in answers and (part := wire.recv(65536)):
            answers = answers[-20:] + part
    assert b" 429 " in answers


def test_no_signature_of_a_link_is_logged_whatever_happens(proxy: Proxy, upstream: Running) -> None:
    time.sleep(2.5)  # the storm of before is over
    address = f"/cards/7f9c24e8-3b12-4e0c-9a51-0d7f6c2b8a44?signature={CANARY}"
    assert proxy.ask("GET", address)[0] in {403, 404, 503}
    stop(upstream)
    assert proxy.ask("GET", address)[0] == 502
    until = time.monotonic() + 5  # nginx writes when the answer is out
    while proxy.log.read_text().count("/cards/") < 2 and time.monotonic() < until:
        time.sleep(0.05)
    assert proxy.log.read_text().count("/cards/") == 2
    written = "".join(path.read_text() for path in proxy.log.parent.glob("*.log"))
    assert CANARY not in written
