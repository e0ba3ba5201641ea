"""`cds doctor --call`: whether the servers that the service will call answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from ehr import Asked, certificate, fhir, http, running
from joserfc.jwk import ECKey

from service.cli import main

STATEMENT = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"}
WORDS = [
    (fhir(STATEMENT), 0, "FHIR 4.0.1"),
    (http(401), 0, "ok"),
    (http(404), 1, "not-found: no FHIR server is at this path"),
    (http(200, b"<html>", "text/html"), 1, "not-fhir: what answers is no FHIR server"),
    (http(302, Location="https://evil.example"), 1, "redirect"),
    (http(500), 1, "server-error"),
]


def doctor(folder: Path, base: str, networks: str = '"127.0.0.0/8"', keys: str = "keys.json") -> tuple[int, str]:
    path = folder / "clients.toml"
    (folder / "keys.json").write_text("{}")
    jku = f'jku = "{keys}"' if keys.startswith("http") else f'jwks_file = "{keys}"'
    fhir_table = f'[[client.fhir]]\nbase = "{base}"\nnetworks = [{networks}]\n'
    path.write_text(f'[[client]]\nname = "a"\nissuer = "urn:a"\n{jku}\n{fhir_table}')
    settings = {"CDS_CLIENTS": str(path), "CDS_AUTH": "off", "CDS_FETCH_SECONDS": "3"}
    result = CliRunner(env=settings).invoke(main, ["doctor", "--call"])
    return result.exit_code, result.output


@pytest.mark.parametrize(("answer", "status", "said"), WORDS)
def test_what_a_fhir_server_answers_is_said(tmp_path: Path, answer: bytes, status: int, said: str) -> None:
    asked: list[Asked] = []

    def reply(one: Asked) -> bytes:
        asked.append(one)
        return answer

    with running(reply) as server:
        found, text = doctor(tmp_path, f"{server.url}/r4")
    assert (found, said in text) == (status, True), text
    assert "FHIR server of a at http://127.0.0.1" in text
    assert [one.path for one in asked] == [asked[0].path]
    assert asked[0].path.endswith("/r4/metadata")


def test_an_address_that_is_not_public_needs_its_network(tmp_path: Path) -> None:
    with running(lambda _: fhir(STATEMENT)) as server:
        status, said = doctor(tmp_path, f"{server.url}/r4", networks='"10.0.0.0/8"')
    assert status == 1
    assert "name its network in `networks`" in said


def test_keys_that_cannot_be_had_are_named(tmp_path: Path) -> None:
    with running(lambda one: http(500) if "jwks" in one.path else fhir(STATEMENT)) as server:
        status, said = doctor(tmp_path, f"{server.url}/r4", keys=f"{server.url}/jwks.json")
    assert status == 1
    assert "keys of a at http://127.0.0.1" in said
    assert "status 500" in said
    assert "ok     FHIR server of a" in said


def test_without_clients_there_is_nobody_to_call() -> None:
    result = CliRunner(env={"CDS_CLIENTS": ""}).invoke(main, ["doctor", "--call"])
    assert (result.exit_code, result.output) == (0, "CDS_CLIENTS names no server to call\n")


@pytest.mark.parametrize(("trusted", "status"), [(True, 0), (False, 1)])
def test_a_key_server_of_the_hospitals_own_authority_is_trusted_when_the_system_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, signers_public: bytes, trusted: bool, status: int
) -> None:
    context, authority = certificate(tmp_path, "localhost")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority) if trusted else "/dev/null")
    with running(lambda one: http(200, signers_public, "application/json"), context) as server:
        address = server.url.replace("127.0.0.1", "localhost")
        path = tmp_path / "clients.toml"
        path.write_text(f'[[client]]\nname = "a"\nissuer = "urn:a"\njku = "{address}/jwks.json"\n')
        result = CliRunner(env={"CDS_CLIENTS": str(path), "CDS_AUTH": "off"}).invoke(main, ["doctor", "--call"])
    assert result.exit_code == status, result.output
    assert ("jwks.json: 1" in result.output) is trusted


@pytest.fixture(scope="module")
def signers_public() -> bytes:
    key = ECKey.generate_key("P-384", {"kid": "k", "use": "sig"}).as_dict(private=False)
    return json.dumps({"keys": [key]}).encode()
