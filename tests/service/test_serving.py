"""`cds serve` as operators see it: what it prints, how it refuses to start, how it stops."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from requests_of import call
from wire import HOOK, Running, environment, free_port, start, stop

from service.cli.serve import CALLED_AS, greeting
from service.settings import Settings

BY_HAND = [sys.executable, "-c", "from service.cli import main; main()"]


def refused(*arguments: str, status: int = 1, **settings: str) -> str:
    """What `cds serve` says when it does not start; nothing may have been announced."""
    done = subprocess.run(
        [*BY_HAND, "serve", *arguments], env=environment(**settings), capture_output=True, text=True, timeout=20
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "listens" not in done.stdout
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_says_what_to_open_and_gives_a_line_to_paste() -> None:
    running = start(free_port())
    status, said = stop(running)
    assert status == 0
    assert f"http://127.0.0.1:{running.port}/cds-services" in said
    assert "Mode demo, thresholds nice-ng239, time zone UTC." in said
    assert "curl" in said and "story b12-deficient-positive-antibody" in said


def test_a_port_in_use_is_said_and_not_shared() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in refused("--port", str(port))


@pytest.mark.parametrize("host", ["no.such.host.invalid", "300.1.1.1", "a..b"])
def test_an_address_that_is_none_is_said(host: str) -> None:
    said = refused("--host", host)
    assert f"cannot listen on {host}" in said and "Choose another --port or --host." in said


def test_a_name_of_this_machine_is_resolved() -> None:
    running = start(free_port(), "--host", "localhost")
    status, said = stop(running)
    assert status == 0
    assert f"listens on 127.0.0.1 port {running.port}" in said


def test_it_refuses_to_start_with_every_fault_of_the_settings() -> None:
    said = refused(status=2, CDS_MODE="x", CDS_MAX_BODY="x", CDS_COLOR="x", CDS_THRESHOLDS="nice")
    assert "Error: CDS_THRESHOLDS: there is no profile of this name" in said
    assert "Error: CDS_MODE" in said and "Error: CDS_MAX_BODY" in said
    assert "Warning: CDS_COLOR is not a setting" in said


def test_it_refuses_to_start_with_a_faulty_overlay(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text("x = 1\n")
    assert "overlay.toml" in refused(status=2, CDS_KNOWLEDGE_OVERLAY=str(overlay))


def test_for_other_machines_it_listens_only_with_authentication_or_when_told_so_in_words(tmp_path: Path) -> None:
    port = free_port()
    said = refused("--host", "0.0.0.0", "--port", str(port))
    assert "0.0.0.0 can be reached by other machines, and no call needs a token" in said
    assert "CDS_CLIENTS" in said and "--without-authentication" in said
    status, said = stop(start(port, "--host", "0.0.0.0", "--without-authentication"))
    assert status == 0
    assert "Calls need no token." in said
    clients = tmp_path / "clients.toml"
    clients.write_text('[[client]]\nname = "a"\nissuer = "urn:a"\njku = "https://a.example/jwks"\n')
    where = {"CDS_CLIENTS": str(clients), "CDS_DATABASE_URL": f"sqlite:///{tmp_path}/store.sqlite"}
    given = where | {"CDS_MODE": "production", "CDS_PUBLIC_BASE_URL": "https://cds.example.org"}
    status, said = stop(start(port, "--host", "0.0.0.0", **given))
    assert status == 0
    assert "Calls need the token of a client (CDS_CLIENTS)." in said
    tried = said.partition("Try it, with a token of a client for ")[2]
    assert tried.startswith(f"{given['CDS_PUBLIC_BASE_URL']} in $TOKEN:")
    assert '-H "Authorization: Bearer $TOKEN" -d @-' in tried


def test_production_without_authentication_does_not_start() -> None:
    assert "CDS_AUTH: production authenticates" in refused(status=2, CDS_MODE="production", CDS_AUTH="off")
    assert "CDS_CLIENTS: is not set" in refused(status=2, CDS_MODE="production")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("workers", ["1", "2"])
def test_it_stops_with_exit_status_0(by: signal.Signals, workers: str) -> None:
    running = start(free_port(), "--workers", workers)
    running.process.send_signal(by)
    said, _ = running.process.communicate(timeout=15)
    assert running.process.returncode == 0, said


def test_a_request_that_is_being_answered_is_finished_when_it_stops() -> None:
    running = start(free_port())
    body = json.dumps(call()).encode()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    connection.putrequest("POST", HOOK)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:10])
    assert running.ask("GET", "/livez").status == 200  # the half-sent request is taken up by now
    running.process.send_signal(signal.SIGTERM)
    connection.send(body[10:])
    assert connection.getresponse().status == 200
    running.process.communicate(timeout=15)
    assert running.process.returncode == 0


def test_readiness_names_the_knowledge_in_force(server: Running) -> None:
    ready = server.ask("GET", "/readyz").json
    assert ready["status"] == "ok"
    assert ready["knowledge"]["profile"] == "nice-ng239"


def test_head_is_get_without_its_body(server: Running) -> None:
    head, get = server.ask("HEAD", "/cds-services"), server.ask("GET", "/cds-services")
    assert (head.status, head.body) == (200, b"")
    assert head.headers["Content-Length"] == str(len(get.body))


@pytest.mark.parametrize("path", ["/nowhere", "/cds-services/", "/CDS-SERVICES"])
def test_another_address_is_404_and_never_a_redirect(server: Running, path: str) -> None:
    assert server.ask("GET", path).status == 404


def test_the_call_to_try_is_written_as_the_command_was_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (file := tmp_path / "here it" / "cds").parent.mkdir()
    file.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for called, said in (("./cds", "./cds"), ("/opt/it/cds", "/opt/it/cds"), (str(file), f"'{file}'")):
        monkeypatch.setenv(CALLED_AS, called)
        assert f"\n  {said} story " in greeting("127.0.0.1", 8080, Settings())
    monkeypatch.setenv("PATH", str(file.parent))
    assert "\n  cds story " in greeting("127.0.0.1", 8080, Settings())
