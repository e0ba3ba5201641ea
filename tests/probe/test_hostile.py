"""Whatever a service answers, the probe ends in time with a verdict; it calls no other origin and believes nothing."""

from __future__ import annotations

import gzip
import json
import random
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from broken import only_known
from toy import DISCOVERY, SAFE, Asked, Reply, Toy, listening, mint, serving

from service import probe
from service.probe.findings import Report, Verdict
from service.probe.wire import LONGEST_BODY, NotReachable

RED = (Verdict.FAIL, Verdict.WARN)


def look(base: str, **more: Any) -> Report:
    return probe.look(probe.Target(base, **({"timeout": 5} | more)))


@contextmanager
def saying(data: bytes, pause: float = 0) -> Iterator[str]:
    """A peer that sends bytes to whoever connects, one by one when there is a pause."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        def answer(connection: socket.socket) -> None:
            with connection:
                try:
                    connection.recv(65536)
                    for one in [data] if not pause else [data[at : at + 1] for at in range(len(data))]:
                        connection.sendall(one)
                        if stopped.wait(pause):
                            return
                except OSError:
                    return  # the probe has hung up

        threading.Thread(target=serve, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            stopped.set()
            server.shutdown(socket.SHUT_RDWR)


# --- nothing to see: exit status 2 ------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", [b"SSH-2.0-OpenSSH_9.2\r\n", b"", b"\x00\xff" * 500, b"HTTP/1.1 abc\r\n\r\n"])
def test_a_peer_that_speaks_no_http_is_not_reachable(data: bytes) -> None:
    with saying(data) as base, pytest.raises(NotReachable):
        look(base)


def test_a_closed_port_is_not_reachable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(NotReachable, match="no connection"):
        look(f"http://127.0.0.1:{port}")


def test_a_byte_now_and_then_does_not_outlast_the_time_of_a_call() -> None:
    began = time.monotonic()
    dripping = b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1000
    with saying(dripping, pause=0.1) as base, pytest.raises(NotReachable, match="nothing whole within 0"):
        look(base, timeout=0.5)
    assert time.monotonic() - began < 2


def test_a_service_that_falls_silent_is_given_up_after_three_calls() -> None:
    asked = []

    def answer(one: Asked) -> Reply:
        asked.append(one)
        if one.path != "/cds-services":
            time.sleep(1)
        return Reply(200, DISCOVERY)

    with listening(answer) as base, pytest.raises(NotReachable, match="3 calls in a row"):
        look(base, timeout=0.2)
    assert len(asked) == 4


@pytest.mark.parametrize("tokens", [(), ("wrong",)])
def test_discovery_that_asks_for_a_token_says_so(tokens: tuple[str, ...]) -> None:
    with serving(Toy(closed=True, open_discovery=False)) as base, pytest.raises(NotReachable, match="token"):
        look(base, tokens=tokens)


def test_a_service_that_is_not_offered_is_named() -> None:
    with serving(Toy(closed=False)) as base, pytest.raises(probe.UnknownService, match="there are: toy-sign, toy-view"):
        look(base, services=("other",))


# --- odd answers ------------------------------------------------------------------------------------------------------


DEEP = b'{"services":' + b'[{"x":' * 50_000
BODIES = {
    "HTML": b"<html></html>",
    "binary": bytes(range(256)),
    "nothing": b"",
    "too long": b'{"services": [], "cards": []' + b" " * LONGEST_BODY + b"}",
    "deep": DEEP,
    "deep and whole": b'{"services": ' + b"[" * 900 + b"1" + b"]" * 900 + b"}",
    "NaN": b'{"services": [], "cards": [], "x": NaN}',
    "long number": b'{"services": ' + b"9" * 5000 + b"}",
    "UTF-16": json.dumps(DISCOVERY).encode("utf-16"),
    "text": b'"services"',
    "null": b"null",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_discovery_that_is_none_fails_and_is_no_crash(body: bytes) -> None:
    with listening(lambda _: Reply(200, body)) as base:
        assert look(base).lines(Verdict.FAIL) == {"5"}


def test_a_lone_surrogate_in_discovery_is_no_crash() -> None:
    body = (
        b'{"services": [{"id": "\\ud800", "hook": "\\ud800", "description": "\\ud800", "prefetch": {"\\ud800": "x"}}]}'
    )
    with listening(lambda _: Reply(200, body)) as base:
        report = look(base)
    assert report.lines(Verdict.FAIL) == {"8"}
    json.dumps(report.as_json()).encode()


def test_a_body_that_unpacks_without_end_is_cut_off() -> None:
    bomb = gzip.compress(b'{"services": []' + b" " * 200_000_000 + b"}", 1)
    with listening(lambda _: Reply(200, bomb, {"Content-Encoding": "gzip"})) as base:
        began = time.monotonic()
        assert look(base).lines(Verdict.FAIL) == {"5"}
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_answer_that_is_none_fails_line_42(body: bytes) -> None:
    def answer(asked: Asked) -> Reply:
        return Reply(200, DISCOVERY if asked.path == "/cds-services" else body)

    with listening(answer) as base:
        assert "42" in look(base, services=("toy-view",)).lines(Verdict.FAIL)


def test_what_is_too_long_is_said() -> None:
    with listening(lambda _: Reply(200, BODIES["too long"])) as base:
        (finding,) = (one for one in look(base).findings if one.verdict is Verdict.FAIL)
    assert f"(seen: status 200, longer than {LONGEST_BODY} bytes" in finding.says


ODD: tuple[Any, ...] = (
    None,
    True,
    0,
    -1.5,
    "",
    "x",
    "\ud800\n\x1b[31m",
    [],
    ["x"],
    [[]],
    [None],
    {},
    {"": None},
    {"a": {"b": []}},
)


def changed(value: Any, dice: random.Random) -> Any:
    """The same with odd things in some places."""
    if dice.random() < 0.06:
        return dice.choice(ODD)
    if isinstance(value, dict):
        return {key: changed(inner, dice) for key, inner in value.items()}
    return [changed(inner, dice) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("seed", range(25))
def test_odd_types_anywhere_crash_nothing(seed: int) -> None:
    dice = random.Random(seed)

    def mutation(_: Asked, reply: Reply) -> Reply:
        return Reply(reply.status, changed(reply.body, dice))

    with serving(Toy(closed=False), mutation) as base:
        report = look(base)
    assert report.status in (0, 1)
    json.dumps(report.as_json())


# --- one origin -------------------------------------------------------------------------------------------------------


def test_redirects_are_not_followed() -> None:
    called: list[Asked] = []
    with listening(lambda asked: called.append(asked) or Reply(200, DISCOVERY)) as other:
        away = Reply(307, None, {"Location": f"{other}/cds-services"})
        with listening(lambda _: away) as base:
            assert look(base).lines(Verdict.FAIL) == {"5"}
    assert called == []


def test_proxies_and_netrc_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Asked] = []
    (tmp_path / ".netrc").write_text("default login user password cds-check-password\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    sent: list[Asked] = []

    def mutation(asked: Asked, reply: Reply) -> Reply:
        sent.append(asked)
        return reply

    with listening(lambda asked: called.append(asked) or Reply(200, DISCOVERY)) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
        monkeypatch.setenv("http_proxy", proxy)
        with serving(Toy(closed=False), mutation) as base:
            assert look(base, services=("toy-view",)).status == 0
    assert called == []
    assert {one.headers["authorization"] for one in sent if "authorization" in one.headers} == {
        "Bearer cds-check-secret"
    }


# --- where it listens, and who may call -------------------------------------------------------------------------------


def test_line_1_and_69_plain_http_and_no_token_beyond_this_machine_are_red() -> None:
    # 0.0.0.0 leads to this machine, and is no loopback address.
    with serving(Toy(closed=False), host="0.0.0.0") as base:
        report = look(base)
    assert report.lines(*RED) == {"1", "69"}
    assert report.status == 1


def test_line_1_https_passes_with_a_certificate_that_the_machine_trusts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key"), "-out", str(tmp_path / "certificate")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names, *files]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")  # it makes the certificate, here as on any developer's machine
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    with serving(Toy(closed=False), tls=tls) as base:
        with pytest.raises(NotReachable, match="TLS"):
            look(base)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "certificate"))
        report = look(base)
    assert "1" in report.lines(Verdict.PASS)
    assert report.lines(*RED) == set()


def test_without_an_origin_only_credentials_for_everyone_are_red() -> None:
    def reflecting(asked: Asked, reply: Reply) -> Reply:
        more = {
            "Access-Control-Allow-Origin": asked.headers.get("origin", ""),
            "Access-Control-Allow-Credentials": "true",
        }
        return Reply(reply.status, reply.body, SAFE | more)

    with serving(Toy(closed=False)) as base:
        assert "80" in look(base).lines(Verdict.SKIPPED)
    with serving(Toy(closed=False), reflecting) as base:
        assert look(base).lines(*RED) == {"80"}


def test_a_closed_service_without_a_token_is_skipped_not_blamed() -> None:
    with serving(Toy(closed=True)) as base:
        report = look(base)
    assert report.lines(*RED) == set()
    assert {"12", "27", "42", "46", "64"} <= report.lines(Verdict.SKIPPED)
    assert {"71", "72", "76"} <= report.lines(Verdict.PASS)
    assert any("--token" in one.says for one in report.findings if one.line == "12")


def test_one_token_where_each_is_taken_once_is_skipped_not_blamed() -> None:
    with serving(Toy(closed=True)) as base:
        report = look(base, tokens=(mint(),))
    assert report.lines(*RED) == set()
    assert "12" in report.lines(Verdict.SKIPPED)


def test_a_service_of_an_unknown_hook_is_named_and_not_called() -> None:
    asked: list[Asked] = []

    def mutation(one: Asked, reply: Reply) -> Reply:
        asked.append(one)
        if one.path == "/cds-services":
            reply.body["services"][0]["hook"] = "our-own-hook"
        return reply

    with serving(Toy(closed=False), mutation) as base:
        report = look(base)
    assert (report.services, report.not_called) == (("toy-sign",), ("toy-view",))
    assert not [one for one in asked if "toy-view" in one.path]


def test_no_more_than_twenty_services_are_called() -> None:
    many = {"services": [DISCOVERY["services"][0] | {"id": f"toy-{at}"} for at in range(25)]}
    with listening(lambda one: Reply(200, many if one.method == "GET" else {"cards": []})) as base:
        report = look(base)
    assert (len(report.services), len(report.not_called)) == (20, 5)


def test_without_a_card_to_speak_of_a_refusal_of_feedback_is_no_failure() -> None:
    refuse = only_known(400)

    def mutation(asked: Asked, reply: Reply) -> Reply:
        return Reply(200, {"cards": []}) if asked.is_call and reply.status == 200 else refuse(asked, reply)

    with serving(Toy(closed=False), mutation) as base:
        report = look(base)
    assert report.lines(Verdict.FAIL) == set()
    assert report.lines(Verdict.WARN) == {"61", "62", "64", "67", "68"}


def test_a_kept_connection_that_is_closed_is_opened_again() -> None:
    with serving(Toy(closed=False), lambda asked, reply: Reply(0) if asked.nth > 3 else reply) as base:
        assert look(base).lines(*RED) == set()


def test_a_service_without_feedback_is_skipped_there() -> None:
    def mutation(asked: Asked, reply: Reply) -> Reply:
        lost = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-found"}]}
        return Reply(404, lost) if asked.is_feedback else reply

    with serving(Toy(closed=False), mutation) as base:
        report = look(base)
    assert report.lines(*RED) == set()
    assert {"61", "62", "63", "64", "66", "67", "68"} <= report.lines(Verdict.SKIPPED)
