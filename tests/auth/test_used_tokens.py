"""Fault 46: a token is good for one call, in one process, in several, and on several machines."""

from __future__ import annotations

import json
import threading
from collections import Counter
from pathlib import Path

from requests_of import call
from sqlalchemy import create_engine, text
from tokens import BASE, SERVICE, Signer, clients_file, key_file
from wire import Running, free_port, start, stop

Signers = dict[str, Signer]


def posted(server: Running, token: str) -> int:
    body = json.dumps(call()).encode()
    bearer = f"Bearer {token}"
    return server.ask("POST", SERVICE, body, Content_Type="application/json", Authorization=bearer).status


def settings(folder: Path, signer: Signer) -> dict[str, str]:
    key_file(folder / "keys.json", signer)
    clients = clients_file(folder, 'jwks_file = "keys.json"')
    store = f"sqlite:///{folder}/store.sqlite"
    return {"CDS_CLIENTS": str(clients), "CDS_PUBLIC_BASE_URL": BASE, "CDS_DATABASE_URL": store}


def test_fault_46_a_token_is_let_in_once(guarded: tuple[Running, list[str]], signers: Signers) -> None:
    server, sent = guarded
    token = signers["ec"].token()
    sent.append(token)
    assert [posted(server, token) for _ in range(3)] == [200, 401, 401]
    again = signers["ec"].token(jti="same")
    other = signers["rsa"].token(jti="same", iss="urn:tenants", tenant="north")
    assert [posted(server, one) for one in (again, other)] == [200, 200], "another issuer has ids of its own"


def test_fault_46_a_refused_token_is_not_remembered(guarded: tuple[Running, list[str]], signers: Signers) -> None:
    server, sent = guarded
    forged, genuine = signers["stranger"].token(jti="claimed"), signers["ec"].token(jti="claimed")
    sent += [forged, genuine]
    assert [posted(server, one) for one in (forged, genuine)] == [401, 200]


def test_fault_46_a_token_is_let_in_once_by_two_services_with_two_workers_each(
    tmp_path: Path, signers: Signers
) -> None:
    given = settings(tmp_path, signers["ec"])
    servers = [start(free_port(), "--workers", "2", **given) for _ in range(2)]
    tokens = [signers["ec"].token() for _ in range(12)]
    seen: list[Counter[int]] = [Counter() for _ in tokens]

    def use(server: Running) -> None:
        for token, counted in zip(tokens, seen, strict=True):
            counted[posted(server, token)] += 1

    threads = [threading.Thread(target=use, args=(server,)) for server in servers * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [stop(server)[0] for server in servers] == [0, 0]
    assert seen == [Counter({401: 5, 200: 1})] * len(tokens)


def test_fault_46_a_token_is_remembered_when_the_service_starts_again(tmp_path: Path, signers: Signers) -> None:
    given, token, found = settings(tmp_path, signers["ec"]), signers["ec"].token(), []
    for _ in range(2):
        server = start(free_port(), **given)
        found.append(posted(server, token))
        stop(server)
    assert found == [200, 401]


def test_fault_50_without_the_store_nobody_is_let_in_and_all_may_come_again(tmp_path: Path, signers: Signers) -> None:
    given = settings(tmp_path, signers["ec"])
    server = start(free_port(), **given)
    try:
        assert posted(server, signers["ec"].token()) == 200
        with create_engine(given["CDS_DATABASE_URL"]).begin() as other:
            other.execute(text("ALTER TABLE replay RENAME TO gone"))
        token = signers["ec"].token()
        body, bearer = json.dumps(call()).encode(), f"Bearer {token}"
        reply = server.ask("POST", SERVICE, body, Content_Type="application/json", Authorization=bearer)
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert "store" not in reply.body.decode()
        with create_engine(given["CDS_DATABASE_URL"]).begin() as other:
            other.execute(text("ALTER TABLE gone RENAME TO replay"))
        assert [posted(server, token) for _ in range(2)] == [200, 401]
    finally:
        said = stop(server)[1]
    assert "cannot tell who calls: store down, client client-1 (request " in said
