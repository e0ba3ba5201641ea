"""A service that authenticates, as it runs: its clients, their keys, and a server that has some of them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))  # wire, requests_of

from tokens import BASE, KeyHost, Signer, clients_file, key_file
from wire import Running, free_port, start, stop


@pytest.fixture(scope="session")
def signers() -> dict[str, Signer]:
    """Keys by name; making RSA keys takes a while."""
    return {
        "ec": Signer.new("ES384", "ec-1"),
        "rsa": Signer.new("RS384", "rsa-1"),
        "stranger": Signer.new("ES384", "ec-1"),
        "p256": Signer.new("ES256", "p256"),
    }


@pytest.fixture
def key_host() -> Iterator[KeyHost]:
    host = KeyHost()
    yield host
    host.close()


@pytest.fixture(scope="session")
def guarded(
    tmp_path_factory: pytest.TempPathFactory, signers: dict[str, Signer]
) -> Iterator[tuple[Running, list[str]]]:
    """A running service with three clients whose keys are in a file; at its end it must have logged no token."""
    folder = tmp_path_factory.mktemp("guarded")
    key_file(folder / "keys.json", signers["ec"], signers["rsa"], signers["p256"])
    clients = clients_file(
        folder, 'jwks_file = "keys.json"\naudiences = ["urn:cds"]\nmax_lifetime = 300',
        'issuer = "urn:tenants"\njwks_file = "keys.json"\ntenants = ["north"]',
        'issuer = "urn:jku"\njwks_file = "keys.json"\njku = "https://ehr.example.org/jwks.json"',
    )  # fmt: skip
    store = f"sqlite:///{folder}/store.sqlite"
    sent: list[str] = []
    running = start(free_port(), CDS_CLIENTS=str(clients), CDS_PUBLIC_BASE_URL=BASE, CDS_DATABASE_URL=store)
    yield running, sent
    status, said = stop(running)
    assert status == 0, said
    assert sent and "not admitted: " in said
    for token in sent:
        for part in token.split("."):
            assert len(part) < 12 or part not in said, "a log line holds a part of a token"
