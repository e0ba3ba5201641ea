"""deploy/nginx.conf, run by nginx in front of a service: what SECURITY.md asks of a proxy."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from documents import ROOT, port_of_the_image

sys.path.insert(0, str(ROOT / "tests" / "service"))  # wire

from wire import HOOK, Running, free_port, start, stop

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CANARY = "canary-of-a-link"

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)")


@dataclass(frozen=True)
class Proxy:
    """nginx with the configuration of deploy/, its names and places replaced by those of this machine."""

    port: int
    log: Path
    trusted: ssl.SSLContext

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, str]:
        """Status, body and Strict-Transport-Security of an answer."""
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=10, context=self.trusted)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): text for name, text in headers.items()})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.getheader("Strict-Transport-Security", "")
        finally:
            connection.close()

    def send(self, data: bytes) -> bytes:
        """The beginning of what comes back for bytes as they are."""
        with self.wire() as wire:
            wire.sendall(data)
            return wire.recv(12)

    def wire(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("localhost", self.port), timeout=10)
        return self.trusted.wrap_socket(plain, server_hostname="localhost")


def certificate(folder: Path) -> ssl.SSLContext:
    """Write a certificate for localhost; whoever trusts it."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
         "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
        check=True, capture_output=True,
    )  # fmt: skip
    return ssl.create_default_context(cafile=str(folder / "tls.crt"))


def configuration(folder: Path, port: int, service: int) -> str:
    text = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    for theirs, ours in {
        " /tmp/": f" {folder}/",
        "listen 8443 ssl": f"listen 127.0.0.1:{port} ssl",
        f"http://cds:{port_of_the_image()}": f"http://127.0.0.1:{service}",
        "/run/secrets": str(folder),
        "/dev/stdout": str(folder / "access.log"),
        "/dev/stderr": str(folder / "error.log"),
        "worker_processes auto": "worker_processes 1",
    }.items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    return text


@pytest.fixture(scope="module")
def upstream() -> Iterator[Running]:
    running = start(free_port())
    yield running
    if running.process.poll() is None:
        stop(running)


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, upstream: Running) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    trusted, port = certificate(folder), free_port()
    (folder / "nginx.conf").write_text(configuration(folder, port, upstream.port), "utf-8")
    # As root nginx would give its workers to another user, who may not write here.
    more = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    command = [NGINX or "", "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf"), "-g", more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    found = Proxy(port, folder / "access.log", trusted)
    until = time.monotonic() + 10
    while time.monotonic() < until and process.poll() is None:
        try:
            found.ask("GET", "/livez")
            break
        except OSError:
            time.sleep(0.05)
    assert process.poll() is None, process.communicate()[0] + (folder / "error.log").read_text()
    yield found
    process.terminate()
    assert process.wait(10) == 0, process.communicate()[0]


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
