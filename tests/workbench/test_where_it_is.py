"""Where the workbench is and where it is not: the settings, the address that is listened to, authentication."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from wire import free_port, start, stop

from service import contract, workbench
from service.app import create_app
from service.cli import main
from service.cli.serve import _with_workbench
from service.ground import read_settings
from service.settings import Settings, SettingsError

POLICY = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; object-src 'none'"
ADDRESSES = (
    ("GET", "/"),
    ("GET", "/workbench/stories"),
    ("GET", "/workbench/stories/infant"),
    ("GET", "/workbench/vocabulary"),
    ("POST", "/workbench/judge/neutropenia-review"),
    ("POST", "/workbench/fetch"),
    ("GET", "/workbench/static/workbench.css"),
)


@pytest.mark.parametrize("settings", [{}, {"workbench": "off"}], ids=str)
def test_it_is_nowhere_unless_it_is_switched_on(settings: dict[str, Any]) -> None:
    web = create_app(Settings(**settings)).test_client()
    for method, address in ADDRESSES:
        got = web.open(address, method=method, json={} if method == "POST" else None)
        assert (got.status_code, got.content_type) == (404, "application/fhir+json"), address
        assert got.json["issue"][0]["code"] == "not-found"


def test_switched_on_it_is_there_with_its_policy() -> None:
    web = create_app(Settings(workbench="on")).test_client()
    got = web.get("/")
    assert (got.status_code, got.content_type) == (200, "text/html; charset=utf-8")
    assert got.headers["Content-Security-Policy"] == POLICY
    assert got.headers["X-Content-Type-Options"] == "nosniff"
    assert got.headers["Referrer-Policy"] == "no-referrer"
    assert got.headers["Cache-Control"] == "no-store"


def test_the_page_keeps_its_own_policy() -> None:
    web = create_app(Settings(workbench="on")).test_client()
    page = web.get("/").get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son[a-z]+=|\sstyle=|<style", page)
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert named
    for address in named:
        assert not re.match(r"[a-z]+:|/", address), f"{address} leaves the origin, or the path of a proxy"
        assert web.get(f"/{address}").status_code == 200, address


LISTENING = [
    ("127.0.0.1", {}, True),
    ("127.8.9.1", {}, True),
    ("::1", {}, True),
    ("0.0.0.0", {}, False),
    ("192.0.2.7", {}, False),
    ("127.0.0.1", {"workbench": "off"}, False),
    ("0.0.0.0", {"workbench": "on"}, True),
    ("127.0.0.1", {"mode": "production"}, False),
    ("127.0.0.1", {"auth": "on"}, False),
    ("127.0.0.1", {"clients": Path("clients.toml")}, False),
    ("127.0.0.1", {"clients": Path("clients.toml"), "auth": "off"}, True),
]


@pytest.mark.parametrize(("address", "settings", "there"), LISTENING, ids=str)
def test_served_it_is_there_on_this_machine_alone(
    address: str, settings: dict[str, Any], there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDS_WORKBENCH", "")  # `cds serve` says so to its workers by the environment
    chosen = Settings(**settings)
    assert (found := _with_workbench(chosen, address)).shows_workbench is there
    assert there or found == chosen, "with authentication the service would not start"


@pytest.mark.parametrize("more", [{"CDS_AUTH": "on"}, {"CDS_MODE": "production"}], ids=str)
def test_it_does_not_start_together_with_authentication(more: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"CDS_WORKBENCH": "on", **more})
    assert any(one.startswith("CDS_WORKBENCH: asks for no token") for one in caught.value.faults)


def test_a_worker_never_shows_it_where_calls_need_a_token() -> None:
    assert not Settings(workbench="on", auth="on").shows_workbench
    assert not Settings(workbench="on", mode="production").shows_workbench


def test_the_service_as_it_runs_says_where_it_is() -> None:
    running = start(free_port())
    try:
        assert running.ask("GET", "/").status == 200
        assert running.ask("GET", "/workbench/static/workbench.css").status == 200
        assert running.ask("GET", "/workbench/static/nothing.css").status == 404
    finally:
        said = stop(running)[1]
    assert f"http://127.0.0.1:{running.port}/ " in said


def test_two_workers_both_show_it_and_switched_off_none_does() -> None:
    for settings, expected in (({}, {200}), ({"CDS_WORKBENCH": "off"}, {404})):
        running = start(free_port(), "--workers", "2", **settings)
        try:
            assert {running.ask("GET", "/").status for _ in range(20)} == expected
        finally:
            said = stop(running)[1]
        assert ("workbench" in said) is (expected == {200})


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "on where `cds serve` listens to this machine alone, off elsewhere"),
        ({"CDS_WORKBENCH": "on"}, "on (CDS_WORKBENCH)"),
        ({"CDS_WORKBENCH": "off"}, "off (CDS_WORKBENCH)"),
        ({"CDS_AUTH": "on"}, "off: it asks for no token"),
    ],
    ids=str,
)
def test_the_doctor_says_where_it_is(settings: dict[str, str], said: str) -> None:
    assert f"ok     workbench {said}\n" in CliRunner(env=settings).invoke(main, ["doctor"]).output


def test_every_asset_is_of_a_kind_that_the_contract_names() -> None:
    assets = [path.name for path in (Path(workbench.__file__).parent / "static").iterdir()]
    assert "workbench.css" in assets
    told = contract.document()["paths"]["/workbench/static/{filename}"]["get"]["responses"]["200"]["content"]
    web = create_app(Settings(workbench="on")).test_client()
    for name in assets:
        kind = web.get(f"/workbench/static/{name}").content_type.partition(";")[0]
        assert kind in told, f"{name} is sent as {kind}"


def test_a_module_is_sent_as_one_whatever_the_machine_says() -> None:
    mimetypes.add_type("text/plain", ".js")
    create_app(Settings(workbench="on"))
    assert mimetypes.guess_type("page.js")[0] == "text/javascript"


HOSTS = [
    ("localhost:8080", True), ("127.0.0.1:8080", True), ("[::1]:8080", True), ("192.0.2.7", True),
    ("cds.example.org", True), ("CDS.example.org:443", True),
    ("evil.example", False), ("localhost.evil.example:8080", False), ("127.0.0.1.evil.example", False),
    ("cds.example.org.evil.example", False), ("a'b", False), ("[::1", False),
]  # fmt: skip


@pytest.mark.parametrize(("host", "ours"), HOSTS)
def test_who_comes_by_a_name_that_is_not_ours_is_refused(host: str, ours: bool) -> None:
    web = create_app(Settings(workbench="on", public_base_url="https://cds.example.org")).test_client()
    # Calls too: without a token they fetch what is asked for from the same FHIR servers.
    for method, address in (*ADDRESSES, ("POST", "/cds-services/neutropenia-review"), ("POST", "/assess")):
        got = web.open(address, method=method, json={} if method == "POST" else None, headers={"Host": host})
        if ours:
            assert method == "POST" or got.status_code == 200, address
            continue
        assert (got.status_code, got.content_type) == (400, "application/fhir+json"), address
        assert got.json["issue"][0]["expression"] == ["Host"]


def test_without_the_workbench_a_service_goes_by_any_name() -> None:
    web = create_app(Settings()).test_client()
    assert web.get("/cds-services", headers={"Host": "cds.hospital.example:8080"}).status_code == 200


def test_no_other_origin_reads_it() -> None:
    origin = "http://localhost:3000"  # may read cards in demo mode
    web = create_app(Settings(workbench="on")).test_client()
    assert web.get("/cds-services", headers={"Origin": origin}).headers["Access-Control-Allow-Origin"] == origin
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    for method, address in ADDRESSES:
        for got in (
            web.open(address, method=method, json={} if method == "POST" else None, headers={"Origin": origin}),
            web.options(address, headers=asked),
        ):
            assert not [name for name, _ in got.headers if name.startswith("Access-Control")], address
