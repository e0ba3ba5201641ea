"""Fault 23 and line 80 of the checklist: browsers from listed origins, and from no others."""

from __future__ import annotations

from pathlib import Path

import pytest
from requests_of import call
from wire import HOOK, LISTED, Reply, Running

from service.app import create_app
from service.settings import read

ALLOW = ("Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers")
OTHERS = ["https://evil.example", f"{LISTED}.evil.example", "http://ehr.example.org", "null", LISTED + "/"]


def preflight(server: Running, path: str, origin: str) -> Reply:
    wanted = {"Access_Control_Request_Method": "POST", "Access_Control_Request_Headers": "authorization, content-type"}
    return server.ask("OPTIONS", path, Origin=origin, **wanted)


@pytest.mark.parametrize("path", ["/cds-services", HOOK, HOOK + "/feedback", "/assess"])
def test_fault_23_a_preflight_from_a_listed_origin_is_allowed(server: Running, path: str) -> None:
    reply = preflight(server, path, LISTED)
    assert [reply.headers[name] for name in ALLOW] == [LISTED, "GET, POST, OPTIONS", "Authorization, Content-Type"]
    assert reply.headers["Vary"] == "Origin"
    assert reply.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("origin", OTHERS)
def test_fault_23_a_preflight_from_another_origin_gets_no_cors_headers(server: Running, origin: str) -> None:
    reply = preflight(server, HOOK, origin)
    assert not [name for name in reply.headers if name.startswith("Access-Control")]
    assert reply.headers["Vary"] == "Origin"


def test_answers_and_errors_can_be_read_from_a_listed_origin_without_credentials(server: Running) -> None:
    for reply in (
        server.ask("GET", "/cds-services", Origin=LISTED),
        server.ask("POST", HOOK, b"{}", Origin=LISTED, Content_Type="application/json"),
        server.ask("GET", "/nowhere", Origin=LISTED),
    ):
        assert reply.headers["Access-Control-Allow-Origin"] == LISTED
        assert reply.headers["Access-Control-Allow-Credentials"] is None


def test_options_that_is_no_preflight_names_the_methods(server: Running) -> None:
    assert set(server.ask("OPTIONS", HOOK).headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


CLIENTS = '[[client]]\nname = "a"\nissuer = "urn:a"\njku = "https://a.example/jwks"\n'
LOCAL = ["http://localhost", "http://localhost:3000", "http://127.0.0.1:8000", "http://[::1]:5000"]
SANDBOX = "https://sandbox.cds-hooks.org"
NOT_LOCAL = ["http://localhost.evil.example", "https://sandbox.cds-hooks.org.evil.example", "http://10.0.0.1", "null"]
MODES = [
    *(("demo", "", origin, True) for origin in [*LOCAL, SANDBOX]),
    *(("demo", "", origin, False) for origin in NOT_LOCAL),
    *(("production", "", origin, False) for origin in [*LOCAL, SANDBOX]),
    ("demo", LISTED, SANDBOX, False),
    ("production", LISTED, LISTED, True),
]


@pytest.mark.parametrize(("mode", "listed", "origin", "allowed"), MODES)
def test_demo_mode_alone_lets_this_machine_and_the_sandbox_in_unless_origins_are_listed(
    tmp_path: Path, mode: str, listed: str, origin: str, allowed: bool
) -> None:
    (tmp_path / "clients.toml").write_text(CLIENTS)
    where = {"CDS_CLIENTS": str(tmp_path / "clients.toml"), "CDS_DATABASE_URL": f"sqlite:///{tmp_path}/store.sqlite"}
    given = where | {"CDS_MODE": mode, "CDS_CORS_ORIGINS": listed, "CDS_PUBLIC_BASE_URL": "https://cds.example.org"}
    client = create_app(read(given)).test_client()
    assert client.get("/cds-services", headers={"Origin": origin}).status_code == 200
    answer = client.post(HOOK, json=call(), headers={"Origin": origin})
    assert answer.status_code == 401  # a page may read that too: its developer sees why nothing comes
    assert answer.headers.get("Access-Control-Allow-Origin") == (origin if allowed else None)
