"""Who called, as it is told: the client's name in line and metric, the tenant in the line when it is a plain word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from requests_of import CANARY, call
from test_call_lines import line_of, lines_of
from test_metrics import scraped, total
from tokens import BASE, SERVICE, Signer, clients_file, key_file
from wire import Reply, Running, free_port, start, stop


@pytest.mark.parametrize(("tenant", "told"), [("north", "north"), ("Jane Doe", ""), (CANARY * 8, "")])
def test_a_client_is_told_by_its_name(tmp_path: Path, tenant: str, told: str) -> None:
    signer = Signer.new("ES384", "ec-1")
    key_file(tmp_path / "keys.json", signer)
    clients = clients_file(tmp_path, 'jwks_file = "keys.json"')
    store, port = f"sqlite:///{tmp_path}/store.sqlite", free_port()
    running = start(
        free_port(), CDS_CLIENTS=str(clients), CDS_PUBLIC_BASE_URL=BASE, CDS_DATABASE_URL=store, CDS_LOG="json",
        CDS_METRICS_PORT=str(port), CDS_LOG_LEVEL="info",
    )  # fmt: skip
    try:
        good, again = signer.token(tenant=tenant), signer.token(tenant=tenant)
        replies = [posted(running, token) for token in (good, good, again)]
        found = scraped(port)
    finally:
        lines = lines_of(stop(running)[1])
    assert [reply.status for reply in replies] == [200, 401, 200]
    name = line_of(replies[0], lines)["client"]
    assert name == line_of(replies[2], lines)["client"] != ""
    assert line_of(replies[0], lines).get("tenant", "") == told
    assert total(found, "cds_calls_total", client=name, outcome="answered") == 2
    assert total(found, "cds_calls_total", client="", outcome="not-admitted") == 1
    assert not [one for one in lines if tenant in json.dumps(one) and not told]


def posted(running: Running, token: str) -> Reply:
    body, bearer = json.dumps(call()).encode(), f"Bearer {token}"
    return running.ask("POST", SERVICE, body, Content_Type="application/json", Authorization=bearer)
