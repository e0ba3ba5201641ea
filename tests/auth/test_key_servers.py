"""Faults 47 and 48: a client's keys from its server, which may be slow, down, wrong or stormed."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from requests_of import call
from tokens import BASE, SERVICE, KeyHost, Signer, clients_file
from wire import Running, free_port, start, stop

from service.auth.fetch import LONGEST, SECONDS, KeysDown, fetch
from service.auth.keys import Keys, read_keys
from service.auth.sources import COLD_PAUSE, FRESH, PAUSE, STALE, KeyServer

Signers = dict[str, Signer]
SANDBOX_KEY = {
    "kty": "EC", "use": "sig", "crv": "P-384", "kid": "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f", "alg": "ES384",
    "x": "dw_JGR8nB2I6XveNxUOl2qk699ZPLM2nYI5STSdiEl9avAkrm3CkfYMbrrjr8laB",
    "y": "Sm3mLE-n1zYNla_aiE3cb3nZsL51RbC7ysw3q8aJLxGm-hx79RPMYpITDjp7kgzy",
}  # fmt: skip


class Clock:
    """Seconds that pass when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def served(host: KeyHost, clock: Callable[[], float] = time.monotonic) -> KeyServer:
    return KeyServer("ehr", lambda: read_keys(fetch(host.url), demo=False), clock)


def start_with(host: KeyHost, folder: Path) -> Running:
    clients = clients_file(folder, f'jku = "{host.url}"')
    store = f"sqlite:///{folder}/store.sqlite"
    return start(free_port(), CDS_CLIENTS=str(clients), CDS_PUBLIC_BASE_URL=BASE, CDS_DATABASE_URL=store)


def posted(server: Running, token: str) -> int:
    body, bearer = json.dumps(call()).encode(), f"Bearer {token}"
    return server.ask("POST", SERVICE, body, Content_Type="application/json", Authorization=bearer).status


# --- through a running service ----------------------------------------------------------------------------------------


def test_fault_47_keys_rotate_storms_pass_and_a_warm_cache_outlives_the_server(
    key_host: KeyHost, tmp_path: Path, signers: Signers
) -> None:
    old, new = signers["ec"], Signer.new("ES384", "ec-new")
    key_host.keys = [old.public]
    server = start_with(key_host, tmp_path)
    try:
        assert key_host.asked == 0, "nothing is fetched before a client calls"
        assert [posted(server, old.token()) for _ in range(3)] == [200] * 3
        assert key_host.asked == 1
        key_host.keys = [new.public]
        assert posted(server, new.token()) == 200
        assert key_host.asked == 2, "an unknown kid causes one fetch"
        assert posted(server, old.token()) == 401, "a key that was withdrawn is no key"
        threads = [
            threading.Thread(target=lambda i=i: posted(server, new.sign(new.header(kid=f"storm-{i}"), b"{}")))
            for i in range(20)
        ]
        stranger = [signers["stranger"].sign(new.header(kid=f"k-{i}"), claims_of(i)) for i in range(40)]
        for thread in threads:
            thread.start()
        assert [posted(server, token) for token in stranger] == [401] * 40
        for thread in threads:
            thread.join()
        assert key_host.asked == 2, "of a storm of unknown kids none causes a fetch within a minute of the last"
        key_host.close()
        assert [posted(server, new.token()) for _ in range(3)] == [200] * 3
        assert posted(server, old.token()) == 401
    finally:
        assert stop(server)[0] == 0


def claims_of(number: int) -> dict[str, Any]:
    now = int(time.time())
    return {"iss": "https://ehr.example.org", "aud": BASE + SERVICE, "iat": now, "exp": now + 60, "jti": f"n{number}"}


def test_fault_47_without_any_keys_the_answer_is_503(key_host: KeyHost, tmp_path: Path, signers: Signers) -> None:
    key_host.status = 500
    server = start_with(key_host, tmp_path)
    try:
        body, bearer = json.dumps(call()).encode(), f"Bearer {signers['ec'].token()}"
        reply = server.ask("POST", SERVICE, body, Content_Type="application/json", Authorization=bearer)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert key_host.url not in reply.body.decode()
        assert posted(server, signers["ec"].token()) == 503
        assert key_host.asked == 1, "who calls again does not make it worse"
    finally:
        said = stop(server)[1]
    assert "client client-1: its keys cannot be fetched: status 500" in said
    assert "cannot tell who calls: no keys, client client-1 (request " in said
    assert bearer.rpartition(".")[2] not in said


# --- when it fetches: the clock is ours, the server real --------------------------------------------------------------


def test_keys_are_fetched_again_when_they_are_no_longer_fresh(key_host: KeyHost, signers: Signers) -> None:
    clock, one = Clock(), signers["ec"]
    key_host.keys = [one.public]
    source = served(key_host, clock)
    assert source.find("ec-1", "ES384")
    clock.now = FRESH - 1
    assert source.find("ec-1", "ES384")
    assert key_host.asked == 1
    clock.now, key_host.keys = FRESH, []
    assert source.find("ec-1", "ES384") is None
    assert key_host.asked == 2


def test_fault_47_stale_keys_serve_while_the_server_is_down_but_not_for_ever(
    key_host: KeyHost, signers: Signers
) -> None:
    clock, one = Clock(), signers["ec"]
    key_host.keys = [one.public]
    source = served(key_host, clock)
    assert source.find("ec-1", "ES384")
    key_host.status = 503
    for clock.now in (FRESH, FRESH + 1, FRESH + PAUSE - 1):
        assert source.find("ec-1", "ES384")
    assert key_host.asked == 2, "a server that is down is asked once in a pause"
    clock.now = FRESH + PAUSE
    assert source.find("ec-1", "ES384")
    assert key_host.asked == 3
    clock.now = STALE
    with pytest.raises(KeysDown):
        source.find("ec-1", "ES384")
    key_host.status = 200
    clock.now += COLD_PAUSE
    assert source.find("ec-1", "ES384")


def test_fault_47_of_unknown_kids_one_in_a_minute_causes_a_fetch(key_host: KeyHost, signers: Signers) -> None:
    clock = Clock()
    key_host.keys = [signers["ec"].public]
    source = served(key_host, clock)
    assert source.find("unknown", "ES384") is None
    asked = []
    for clock.now in (1, PAUSE - 1, PAUSE, PAUSE + 1, 2 * PAUSE - 1, 2 * PAUSE):
        assert source.find(f"unknown-{clock.now}", "ES384") is None
        assert source.find("ec-1", "ES384")
        asked.append(key_host.asked)
    assert asked == [1, 1, 2, 2, 2, 3]


def test_without_keys_a_server_is_asked_again_soon(key_host: KeyHost, signers: Signers) -> None:
    clock = Clock()
    key_host.keys, key_host.status = [signers["ec"].public], 500
    source = served(key_host, clock)
    for clock.now in (0, COLD_PAUSE - 1):
        with pytest.raises(KeysDown):
            source.find("ec-1", "ES384")
    assert key_host.asked == 1
    clock.now, key_host.status = COLD_PAUSE, 200
    assert source.find("ec-1", "ES384")


def test_many_that_come_at_once_cause_one_fetch_and_all_wait_for_it(key_host: KeyHost, signers: Signers) -> None:
    key_host.keys, key_host.delay = [signers["ec"].public], 0.3
    source, found = served(key_host), list[bool]()
    threads = [
        threading.Thread(target=lambda: found.append(source.find("ec-1", "ES384") is not None)) for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 20
    assert key_host.asked == 1


def test_while_a_server_hangs_one_call_waits_and_the_others_take_the_stale_keys(
    key_host: KeyHost, signers: Signers
) -> None:
    clock = Clock()
    key_host.keys = [signers["ec"].public]
    source = served(key_host, clock)
    assert source.find("ec-1", "ES384")
    key_host.delay, clock.now = 1.0, FRESH
    first = threading.Thread(target=lambda: source.find("ec-1", "ES384"))
    first.start()
    time.sleep(0.2)
    started = time.monotonic()
    assert source.find("ec-1", "ES384")
    assert time.monotonic() - started < 0.3
    first.join()
    assert key_host.asked == 2


def test_who_waits_for_a_server_that_hangs_waits_two_seconds(key_host: KeyHost) -> None:
    key_host.keys, key_host.drip = [{"x": "y" * 1000}], 0.5
    source = served(key_host)
    started = time.monotonic()
    with pytest.raises(KeysDown):
        source.find("ec-1", "ES384")
    with pytest.raises(KeysDown):
        source.find("ec-1", "ES384")
    assert SECONDS - 0.1 < time.monotonic() - started < SECONDS + 0.5
    assert key_host.asked == 1


# --- what is fetched --------------------------------------------------------------------------------------------------


def down(host: KeyHost) -> str:
    with pytest.raises(KeysDown) as caught:
        fetch(host.url)
    assert host.url not in str(caught.value)
    return str(caught.value)


def test_a_redirect_is_not_followed(key_host: KeyHost) -> None:
    other = KeyHost()
    key_host.status, key_host.headers = 302, {"Location": other.url}
    assert down(key_host) == "status 302"
    assert other.asked == 0
    other.close()


def test_a_proxy_of_the_environment_is_not_asked(key_host: KeyHost, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = KeyHost()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert fetch(key_host.url) == b'{"keys": []}'
    assert (key_host.asked, proxy.asked) == (1, 0)
    proxy.close()


def test_what_is_too_long_compressed_slow_or_not_there_is_no_key_set(key_host: KeyHost) -> None:
    key_host.body = b" " * LONGEST
    assert len(fetch(key_host.url)) == LONGEST
    key_host.body += b" "
    assert down(key_host) == "too long"
    key_host.body, key_host.headers = b"{}", {"Content-Encoding": "gzip"}
    assert down(key_host) == "compressed"
    key_host.headers, key_host.body, key_host.drip = {}, b" " * 100, 0.5
    started = time.monotonic()
    assert down(key_host) == "too slow"
    assert time.monotonic() - started < SECONDS + 1
    key_host.drip, key_host.delay = 0, SECONDS + 0.5
    assert down(key_host) == "too slow"
    key_host.close()
    assert down(key_host) == "no answer"


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"keys": {}}', b'{"keys": ' + b"[" * 5000, b"\xff"])
def test_what_is_no_key_set_leaves_the_keys_as_they_were(
    key_host: KeyHost, signers: Signers, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    clock = Clock()
    key_host.keys = [signers["ec"].public]
    source = served(key_host, clock)
    assert source.find("ec-1", "ES384")
    clock.now, key_host.body = FRESH, body
    with caplog.at_level(logging.WARNING):
        assert source.find("ec-1", "ES384")
    assert caplog.messages == ["client ehr: its keys cannot be fetched: is no JWK Set"]


# --- fault 48: which keys count ---------------------------------------------------------------------------------------


def read(*keys: Any, demo: bool = False) -> Keys:
    return read_keys(json.dumps({"keys": keys}).encode(), demo)


def test_public_keys_count(signers: Signers) -> None:
    ec, rsa = signers["ec"], signers["rsa"]
    whole = {**ec.public, "kid": "a+/=", "use": "sig", "key_ops": ["verify"], "alg": "ES384"}
    keys = read(ec.public, rsa.public, whole)
    assert keys.ignored == 0
    assert keys.find("ec-1", "ES384") and keys.find("rsa-1", "RS384") and keys.find("a+/=", "ES384")
    assert keys.find("rsa-1", "ES384") is None and keys.find("a+/=", "ES256") is None


@pytest.mark.filterwarnings("ignore:Key size")
def test_fault_48_keys_that_must_not_verify_are_ignored(signers: Signers) -> None:
    ec, rsa = signers["ec"], signers["rsa"]
    weak = Signer.new("RS384", "weak", 1024)
    bad: list[Any] = [
        ec.private, rsa.private,
        {"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, {**rsa.public, "kty": "oct", "k": "c2VjcmV0"},
        weak.public, {**rsa.public, "n": "A" * 100 + weak.public["n"]}, {**rsa.public, "n": "_" * 20_000},
        {**ec.public, "use": "enc"}, {**ec.public, "key_ops": ["sign"]},
        {**ec.public, "kid": ""}, {**ec.public, "kid": 5}, {name: ec.public[name] for name in ("kty", "crv", "x", "y")},
        {**ec.public, "y": ec.public["x"]}, {**ec.public, "crv": "P-9"}, {**ec.public, "kty": ["EC"]},
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "kid": "okp"},
        {"kty": "EC", "kid": "x"}, {**rsa.public, "e": "AQ"}, 5, None, "x", [],
    ]  # fmt: skip
    for one in bad:
        assert (read(one).usable, read(one).ignored) == ({}, 1), one
    keys = read(*bad, ec.public)
    assert (list(keys.usable), keys.count) == ([("ec-1", "EC")], f"1 usable, {len(bad)} ignored")


def test_the_key_of_the_public_sandbox_counts_in_demo_mode_alone(signers: Signers) -> None:
    renamed = {**SANDBOX_KEY, "kid": "ours"}
    assert read(SANDBOX_KEY, renamed, demo=True).count == "2"
    assert read(SANDBOX_KEY, renamed, signers["ec"].public).count == "1 usable, 2 ignored"


def test_of_two_keys_with_one_kid_the_first_of_its_kind_counts(signers: Signers) -> None:
    ec, rsa, second = signers["ec"], signers["rsa"], signers["stranger"]
    keys = read(ec.public, {**rsa.public, "kid": "ec-1"}, second.public)
    found = keys.find("ec-1", "ES384")
    assert found and found.as_dict() == read(ec.public).usable["ec-1", "EC"].as_dict()
    assert keys.find("ec-1", "RS384")
