"""Faults 35, 41, 42 and 43 over both sockets: `cds serve` as it runs, called by an EHR whose FHIR server fails."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))  # wire

from ehr import PATIENT, TOKEN, Asked, Ehr, asking, bundle, fhir, http, running
from test_faulty_servers import FAULTS
from wire import HOOK, Reply, Running, free_port, start, stop

SECONDS = 1.5  # for fetching, and as much again for a busy machine


@dataclass
class Hospital:
    """A service, and the FHIR server that it may call: what that one answers can be changed."""

    service: Running
    server: Ehr
    answers: list[Callable[[Asked], Any]] = field(default_factory=list)

    def call(self, answer: Callable[[Asked], Any], server: str = "", **changes: Any) -> Reply:
        self.answers[:] = [answer]
        self.server.asked.clear()
        return self.service.post(HOOK, asking(server or self.server.url, **changes))


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    answers: list[Callable[[Asked], Any]] = []
    clients = tmp_path_factory.mktemp("hospital") / "clients.toml"
    with running(lambda asked: answers[0](asked)) as server:
        allowed = f'[[client.fhir]]\nbase = "{server.url}"\nnetworks = ["127.0.0.0/8"]\n'
        keys = 'jku = "https://ehr.example/jwks.json"'
        clients.write_text(f'[[client]]\nname = "ehr"\nissuer = "urn:ehr"\n{keys}\n{allowed}')
        service = start(free_port(), CDS_CLIENTS=str(clients), CDS_AUTH="off", CDS_FETCH_SECONDS=str(SECONDS))
        yield Hospital(service, server, answers)
        status, said = stop(service)
    assert status == 0
    assert "not fetched" in said
    assert TOKEN not in said and PATIENT not in said


def refused(reply: Reply, reason: str) -> None:
    said = reply.body.decode()
    assert reply.status == 412, said
    assert f"prefetch.count was not sent and could not be fetched: {reason}" in said
    assert TOKEN not in said and PATIENT not in said


@pytest.mark.parametrize(("answer", "reason"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_fault_43_over_the_wire(hospital: Hospital, answer: Any, reason: str) -> None:
    begun = time.monotonic()
    refused(hospital.call(answer), reason)
    assert time.monotonic() - begun < 2 * SECONDS + 1


def test_fault_43_a_redirect_over_the_wire(hospital: Hospital) -> None:
    refused(hospital.call(lambda _: http(302, Location="http://127.0.0.1:1/elsewhere")), "redirect")


@pytest.mark.parametrize(("next", "reason"), [("", "page-loop"), ("http://127.0.0.1:1/fhir/next", "not-allowed")])
def test_fault_35_over_the_wire(hospital: Hospital, next: str, reason: str) -> None:
    def page(asked: Asked) -> bytes:
        return fhir(bundle(next=next or f"{hospital.server.url}{asked.path.removeprefix('/fhir')}"))

    refused(hospital.call(page), reason)


@pytest.mark.parametrize("server", [
    "http://127.0.0.1:1/fhir", "http://user@127.0.0.1/fhir", "http://2130706433/fhir", "http://[::ffff:127.0.0.1]/fhir",
])  # fmt: skip
def test_fault_41_over_the_wire(hospital: Hospital, server: str) -> None:
    reply = hospital.call(lambda _: fhir(bundle()), server)
    assert reply.status in (400, 412)
    assert hospital.server.asked == []


@pytest.mark.parametrize("change", [{"token_type": "Basic"}, {"access_token": "a\r\nX-Evil: 1"}, {"expires_in": "x"}])
def test_fault_42_over_the_wire(hospital: Hospital, change: dict[str, Any]) -> None:
    given = asking(hospital.server.url)["fhirAuthorization"] | change
    assert hospital.call(lambda _: fhir(bundle()), fhirAuthorization=given).status == 400
    assert hospital.server.asked == []
