"""What `cds doctor` says of authentication: who may call, with which keys, without calling anybody."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from tokens import BASE, KeyHost, Signer, clients_file, key_file

from service.cli import main

Signers = dict[str, Signer]


def doctor(folder: Path, **given: str) -> tuple[int, str]:
    store = f"sqlite:///{folder}/store.sqlite"
    settings = {"CDS_PUBLIC_BASE_URL": BASE, "CDS_DATABASE_URL": store, **given}
    result = CliRunner(env=settings).invoke(main, ["doctor"])
    return result.exit_code, result.output


def test_the_doctor_says_that_authentication_is_off(tmp_path: Path) -> None:
    status, said = doctor(tmp_path)
    assert status == 0
    assert "authentication off: whoever reaches the service may call" in said


def test_the_doctor_names_the_clients_and_their_keys_and_calls_nobody(
    tmp_path: Path, signers: Signers, key_host: KeyHost
) -> None:
    key_file(tmp_path / "keys.json", signers["ec"], signers["rsa"])
    clients = clients_file(
        tmp_path, 'jwks_file = "keys.json"\ntenants = ["north", "south"]\nprofile = "epic"',
        f'issuer = "urn:b"\njku = "{key_host.url}"\n[[client.fhir]]\nbase = "https://b.example/fhir"',
    )  # fmt: skip
    status, said = doctor(tmp_path, CDS_CLIENTS=str(clients))
    assert status == 0
    assert f"authentication on, for calls to {BASE}\n" in said
    assert "client-1 (epic): issuer https://ehr.example.org, keys 2 from keys.json\n" in said
    assert "tenants north, south; ES384, RS384; FHIR none\n" in said
    assert f"client-2 (generic): issuer urn:b, keys at {key_host.url} (not called)\n" in said
    assert "tenants any; ES384, RS384; FHIR https://b.example/fhir\n" in said
    assert key_host.asked == 0


def test_the_doctor_finds_a_file_without_usable_keys(tmp_path: Path, signers: Signers) -> None:
    (tmp_path / "keys.json").write_text(json.dumps({"keys": [signers["ec"].private]}))
    (tmp_path / "none.json").write_text("{}")
    clients = clients_file(tmp_path, 'jwks_file = "keys.json"', 'issuer = "urn:b"\njwks_file = "none.json"')
    status, said = doctor(tmp_path, CDS_CLIENTS=str(clients))
    assert status == 1
    assert "CDS_CLIENTS: jwks_file of client-1 has no key that can be used: give public EC or RSA keys" in said
    assert "CDS_CLIENTS: jwks_file of client-2 is no JWK Set" in said


def test_the_doctor_does_not_judge_what_rests_on_a_fault(tmp_path: Path) -> None:
    status, said = doctor(tmp_path, CDS_MODE="production", CDS_AUTH="off")
    assert status == 1
    assert "authentication\n  not checked: mend CDS_AUTH first" in said
