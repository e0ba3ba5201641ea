"""A running service as a process of its own, and a way to talk to it byte by byte."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from contracted import check
from requests_of import CANARY

LISTED = "https://ehr.example.org"
QUIET = {"CDS_DATABASE_URL": "off", "CDS_DRAIN_SECONDS": "0", "CDS_LOG_LEVEL": "warning"}
HOOK = "/cds-services/neutropenia-review"


def environment(**settings: str) -> dict[str, str]:
    """This process's environment with no CDS_* variables but those given; nothing is remembered unless they say so.

    Nor has a call a line of its own: nobody reads what a service prints until it stops, and a pipe holds 64 KiB.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    return kept | QUIET | settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Reply:
    """What came back over the wire."""

    status: int
    headers: http.client.HTTPMessage = field(repr=False)
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Running:
    """A service that answers on a port of this machine."""

    port: int
    process: subprocess.Popen[str]

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Reply:
        """One request by the book; header names are written with underscores."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            return self._reply(method, path, connection.getresponse())
        finally:
            connection.close()

    def post(self, path: str, value: object, content_type: str = "application/json") -> Reply:
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        return self.ask("POST", path, body, Content_Type=content_type)

    def send(self, data: bytes) -> Reply | None:
        """Bytes as they are; None when the server closes without an answer."""
        method, path = data.decode("latin-1").split(" ", 2)[:2]
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as wire:
            wire.settimeout(10)
            # Refused before all of it was read: the answer may be there all the same.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                wire.sendall(data)
            answer = http.client.HTTPResponse(wire, method=method)
            try:
                answer.begin()
                return self._reply(method, path, answer)
            except (http.client.HTTPException, ConnectionResetError):
                return None

    @staticmethod
    def _reply(method: str, path: str, answer: http.client.HTTPResponse) -> Reply:
        """The answer, which is one that the contract describes; a refusal repeats nothing that only the caller knew."""
        reply = Reply(answer.status, answer.headers, answer.read())
        check(method, path, reply.status, reply.headers["Content-Type"], reply.body)
        if reply.status != 200:
            assert CANARY not in f"{reply.headers}{reply.body.decode()}".lower(), reply
        return reply


def start(port: int, *arguments: str, **settings: str) -> Running:
    """Start `cds serve` and wait until it is ready."""
    command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--port", str(port), *arguments]
    process = subprocess.Popen(
        command, env=environment(**settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    running = Running(port, process)
    until = time.monotonic() + 20
    while time.monotonic() < until and process.poll() is None:
        try:
            if running.ask("GET", "/readyz").status == 200:
                return running
        except OSError:
            time.sleep(0.05)
    process.kill()
    said = process.communicate()[0]
    raise AssertionError(f"the service never got ready:\n{said}")


def stop(running: Running) -> tuple[int, str]:
    """Ask it to stop as an operator does; its exit status and what it printed."""
    running.process.send_signal(signal.SIGTERM)
    try:
        said = running.process.communicate(timeout=15)[0]
    except subprocess.TimeoutExpired:
        running.process.kill()
        raise
    return running.process.returncode, said
