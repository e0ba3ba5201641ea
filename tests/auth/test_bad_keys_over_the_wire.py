"""Fault 48 over both sockets: a client's server gives keys that must not verify, beside a good one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from requests_of import bundle, call, patient
from tokens import SERVICE, KeyHost, Signer, claims, clients_file
from wire import free_port, start, stop


@pytest.mark.filterwarnings("ignore:Key size")
def test_fault_48_over_the_wire_only_the_good_key_lets_a_call_in(tmp_path: Path, key_host: KeyHost) -> None:
    good = Signer.new("ES384", "good")
    bad = {
        "private": (Signer.new("ES384", "private"), {}),
        "weak": (Signer.new("RS384", "weak", 1024), {}),
        "encrypts": (Signer.new("ES384", "encrypts"), {"use": "enc"}),
        "signs": (Signer.new("ES384", "signs"), {"key_ops": ["sign"]}),
        "other": (Signer.new("ES384", "other"), {"alg": "ES256"}),
    }
    published: list[dict[str, Any]] = [{**one.public, **changes} for one, changes in bad.values()]
    published[0] = bad["private"][0].private
    key_host.keys = [*published, {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, good.public]
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    clients = clients_file(tmp_path, f'jku = "{key_host.url}"')
    store = f"sqlite:///{tmp_path}/store.sqlite"
    server = start(port, CDS_CLIENTS=str(clients), CDS_PUBLIC_BASE_URL=base, CDS_DATABASE_URL=store)
    body = call({"patient": patient(), "count": bundle()})

    def status(signer: Signer) -> int:
        token = signer.sign(signer.header(jku=key_host.url), claims(aud=base + SERVICE))
        return server.ask("POST", SERVICE, json.dumps(body).encode(), Content_Type="application/json",
                          Authorization=f"Bearer {token}").status  # fmt: skip

    try:
        assert {name: status(one) for name, (one, _) in bad.items()} == dict.fromkeys(bad, 401)
        assert status(good) == 200
    finally:
        ended, said = stop(server)
    assert ended == 0
    assert "keys: 2 usable, 5 ignored" in said

