"""An EHR on this machine over real sockets: its FHIR server answers as a test says; and a spy on connections."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from service.app import create_app
from service.fhir_base import Bases, fhir_base
from service.settings import Settings

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
LOOPBACK = ("127.0.0.0/8", "::1/128")
PATIENT, TOKEN = "canary-patient-7", "canary-token-8c1f"
SHORT, LONG = 0.8, 5.0  # seconds for fetching: where the deadline is what is tested, and where it must not matter
Json = dict[str, Any]


# --- what it sends ----------------------------------------------------------------------------------------------------


def http(status: int = 200, body: bytes = b"", kind: str = "application/fhir+json", **headers: str) -> bytes:
    """A whole answer; header names are written with underscores."""
    said = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    said |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} Said", *(f"{name}: {value}" for name, value in said.items()), "", ""]
    return "\r\n".join(lines).encode() + body


def fhir(resource: Json, status: int = 200, **headers: str) -> bytes:
    return http(status, json.dumps(resource).encode(), **headers)


def observation(code: str, value: float, unit: str = "10*9/L", id: str = "", **changes: Any) -> Json:
    return {
        "resourceType": "Observation", "id": id or f"o-{code}", "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{PATIENT}"}, "effectiveDateTime": "2026-06-14",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
        **changes,
    }  # fmt: skip


def bundle(*resources: Json, next: str | None = None, **more: Any) -> Json:
    links = {"link": [{"relation": "next", "url": next}]} if next is not None else {}
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": r} for r in resources],
        **links,
        **more,
    }


def outcome(severity: str = "error") -> Json:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": "processing"}]}


PERSON = {"resourceType": "Patient", "id": PATIENT, "birthDate": "1980-01-01", "gender": "female"}
COUNT, B12 = observation("751-8", 0.9), observation("2132-9", 110, "pg/mL")


def key_of(asked: Asked) -> str:
    """The prefetch key that a query belongs to, of those that hold something here."""
    if asked.path.startswith(f"/fhir/Patient/{PATIENT}"):
        return "patient"
    return next((key for key, code in (("count", "751-8"), ("nutrients", "2132-9")) if code in asked.path), "other")


def chart(asked: Asked) -> bytes:
    """A whole chart: a low count, a low vitamin B12, nothing else."""
    return fhir({"patient": PERSON, "count": bundle(COUNT), "nutrients": bundle(B12)}.get(key_of(asked), bundle()))


# --- the server -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """A request as it came over the wire."""

    path: str
    headers: dict[str, str]
    wire: socket.socket = field(repr=False)


Answer = Callable[[Asked], bytes | None]  # None: it has said what it has to say by itself


class Ehr:
    """A FHIR server that gives each connection a thread, and one answer, or more when that says keep-alive."""

    def __init__(self, answer: Answer, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        self.asked: list[Asked] = []
        self._answer, self._context = answer, context
        self._door = socket.create_server((host, 0))
        self.port: int = self._door.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}/fhir"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):  # the door was closed
            while True:
                threading.Thread(target=self._serve, args=self._door.accept()[:1], daemon=True).start()

    def _serve(self, wire: socket.socket) -> None:
        with contextlib.suppress(OSError), wire:  # the service hangs up on slow servers
            if self._context:
                wire = self._context.wrap_socket(wire, server_side=True)
            while asked := self._hear(wire):
                self.asked.append(asked)
                said = self._answer(asked)
                wire.sendall(said or b"")
                if b"Connection: keep-alive" not in (said or b""):
                    break
            wire.close()

    @staticmethod
    def _hear(wire: socket.socket) -> Asked | None:
        head = b""
        while b"\r\n\r\n" not in head:
            if not (piece := wire.recv(65536)):
                return None
            head += piece
        first, *lines = head.decode("latin-1").split("\r\n\r\n")[0].split("\r\n")
        return Asked(first.split(" ")[1], dict(line.lower().split(": ", 1) for line in lines), wire)

    def close(self) -> None:
        self._door.close()


@contextlib.contextmanager
def running(answer: Answer, context: ssl.SSLContext | None = None) -> Iterator[Ehr]:
    ehr = Ehr(answer, context)
    try:
        yield ehr
    finally:
        ehr.close()


# --- the call ---------------------------------------------------------------------------------------------------------


def allowed(*urls: str) -> Bases:
    return tuple(fhir_base(url, LOOPBACK) for url in urls)


def client(bases: Bases = (), **settings: Any) -> FlaskClient:
    return create_app(Settings(**{"fetch_seconds": LONG, **settings}), lambda: NOON, bases).test_client()


def asking(server: str | None, prefetch: Json | None = None, **changes: Any) -> Json:
    """A patient-view call that leaves it to the service to fetch; a value of `...` leaves a field out."""
    token = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": "user/*.rs", "subject": "us"}
    call = {
        "hook": "patient-view", "hookInstance": "5f1c2a34-0f4e-4b55-9f0a-8a4f3c1d7b10",
        "context": {"userId": "Practitioner/d-1", "patientId": PATIENT},
        "prefetch": prefetch or {}, "fhirServer": server or ..., "fhirAuthorization": token if server else ...,
        **changes,
    }  # fmt: skip
    return {name: value for name, value in call.items() if value is not ...}


def post(web: FlaskClient, call: Json) -> TestResponse:
    service = "neutropenia-review" if call["hook"] == "patient-view" else f"neutropenia-{call['hook']}"
    return web.post(f"/cds-services/{service}", json=call)


# --- certificates -----------------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a certificate that it has signed itself for a name, and that certificate's file."""
    if (openssl := shutil.which("openssl")) is None:
        pytest.skip("openssl, which makes the certificate, is not installed")  # it is no part of the service
    kind = "IP" if name[0].isdigit() else "DNS"
    command = [
        openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test",
        "-addext", f"subjectAltName={kind}:{name}",
        "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context, folder / "cert.pem"


# --- the spy ----------------------------------------------------------------------------------------------------------

_watching: list[list[Any]] = []


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect":
        for seen in _watching:
            seen.append(arguments[1])


@contextlib.contextmanager
def connections() -> Iterator[list[Any]]:
    """Every address that this process connects to meanwhile, seen by the interpreter itself."""
    if not _watching:
        sys.addaudithook(_audit)  # cannot be taken away again: it looks at the list
    seen: list[Any] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)
