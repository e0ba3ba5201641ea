"""Our service with authentication on passes its own conformance probe: tokens on every call, wrong ones a bare 401."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner
from tokens import Signer, claims, clients_file, key_file
from wire import free_port, start, stop

from service.cli import main

PATHS = ("", *(f"/{name}" for name in ("neutropenia-review", "neutropenia-order-select", "neutropenia-order-sign")))
ENOUGH = 400  # each token is good for one call


def test_a_service_that_asks_for_tokens_passes_the_probe(tmp_path: Path, signers: dict[str, Signer]) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    key_file(tmp_path / "keys.json", signers["ec"])
    clients = clients_file(tmp_path, 'jwks_file = "keys.json"')
    store = f"sqlite:///{tmp_path}/store.sqlite"
    server = start(port, CDS_CLIENTS=str(clients), CDS_PUBLIC_BASE_URL=base, CDS_DATABASE_URL=store)
    audiences = [f"{base}/cds-services{path}{end}" for path in PATHS for end in ("", "/feedback")]
    header = signers["ec"].header()
    tokens = tmp_path / "tokens"
    tokens.write_text("\n".join(signers["ec"].sign(header, claims(aud=audiences)) for _ in range(ENOUGH)))
    try:
        result = CliRunner().invoke(main, ["check", base, "--token-file", str(tokens), "--json"])
    finally:
        status, _ = stop(server)
    findings = json.loads(result.output)["findings"]
    assert [one for one in findings if one["verdict"] in ("fail", "warn")] == []
    assert (result.exit_code, status) == (0, 0)
    passed = {one["line"] for one in findings if one["verdict"] == "pass"}
    assert {"69", "70", "71", "72", "75", "76"} <= passed
