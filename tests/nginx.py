"""nginx with the configuration of deploy/, its names and places replaced by those of this machine."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

CONFIGURATION = Path(__file__).resolve().parent.parent / "deploy/nginx.conf"
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt-get install nginx-light)")


@dataclass(frozen=True)
class Proxy:
    """nginx on a port of this machine."""

    port: int
    log: Path
    trusted: ssl.SSLContext

    def connection(self) -> http.client.HTTPSConnection:
        return http.client.HTTPSConnection("localhost", self.port, timeout=30, context=self.trusted)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, str]:
        """Status, body and Strict-Transport-Security of an answer."""
        connection = self.connection()
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


@contextmanager
def in_front(folder: Path, replaced: dict[str, str]) -> Iterator[Proxy]:
    """nginx while it runs; `replaced` says by what to replace names of the configuration, each of which is there."""
    trusted = certificate(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    here = {
        " /tmp/": f" {folder}/",
        "listen 8443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/run/secrets": str(folder),
        "/dev/stdout": str(folder / "access.log"),
        "/dev/stderr": str(folder / "error.log"),
        "worker_processes auto": "worker_processes 1",
    }
    text = CONFIGURATION.read_text("utf-8")
    for theirs, ours in (here | replaced).items():
        assert theirs in text, theirs
        text = text.replace(theirs, ours)
    (folder / "nginx.conf").write_text(text, "utf-8")
    # As root nginx would give its workers to another user, who may not write here.
    more = "daemon off; user root;" if os.geteuid() == 0 else "daemon off;"
    command = [NGINX or "", "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf"), "-g", more]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        proxy = Proxy(port, folder / "access.log", trusted)
        _wait_for(proxy, process)
        yield proxy
    finally:
        process.terminate()
        said = process.communicate(timeout=20)[0]
    assert process.returncode == 0, said + (folder / "error.log").read_text()


def _wait_for(proxy: Proxy, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 10
    while time.monotonic() < until and process.poll() is None:
        try:
            proxy.ask("GET", "/livez")
            return
        except OSError:
            time.sleep(0.05)
