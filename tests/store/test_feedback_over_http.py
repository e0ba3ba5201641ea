"""Faults 49 and 50: feedback is acknowledged once it is kept, a batch whole or not at all, and never otherwise."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from posted import FEEDBACK, OURS, cards, item, review, rows, running, tell
from servers import Server
from sqlalchemy import make_url
from tokens import BASE, Signer, clients_file, key_file
from wire import Running

REASON = {"reason": {"system": OURS, "code": "pending"}, "userComment": "Mrs Canary called"}


@pytest.fixture
def key(tmp_path: Path) -> str:
    (tmp_path / "key").write_text("k" * 64)
    return str(tmp_path / "key")


@pytest.fixture
def service(url: str, key: str) -> Iterator[Running]:
    with running(url, CDS_KEY_FILE=key) as started:
        yield started


def kept(url: str) -> list[tuple[Any, ...]]:
    return rows(url, "SELECT card, outcome, reason, comment, matched, client FROM feedback ORDER BY id")


@pytest.mark.parametrize("spelling", ["overrideReason", "overrideReasons"])
def test_fault_49_both_spellings_of_a_reason_are_read(service: Running, url: str, spelling: str) -> None:
    (card,) = cards(service, review())
    assert tell(service, item(card["uuid"], **{spelling: REASON})).json == {}
    ((name, outcome, reason, comment, matched, client),) = kept(url)
    assert (name, outcome, reason, bool(matched), client) == (
        card["uuid"], "overridden", f"{OURS}|pending", True, "",
    )  # fmt: skip
    assert comment is None, "a comment is free text about a patient"


def test_a_reason_in_epics_words_is_kept(service: Running, url: str) -> None:
    extension = {"com.epic.cdshooks.feedback.overrideReason.reasonCategory": "7"}
    assert tell(service, item("c", overrideReasons={"extension": extension})).status == 200
    assert kept(url)[0][2] == "epic|7"


def test_fault_49_a_card_that_nobody_knows_is_acknowledged_and_kept_as_unmatched(service: Running, url: str) -> None:
    assert tell(service, item("never-seen", "accepted"), item("nor-this")).status == 200
    assert [(row[0], bool(row[4])) for row in kept(url)] == [("never-seen", False), ("nor-this", False)]


def test_fault_49_a_batch_is_kept_whole_or_not_at_all(service: Running, url: str) -> None:
    assert tell(service, *(item() for _ in range(50)), item(outcome="shrugged")).status == 400
    assert kept(url) == []
    batch = [item() for _ in range(1000)]
    for _ in range(2):
        assert tell(service, *batch).status == 200
    assert [row[0] for row in kept(url)] == [one["card"] for one in batch], "the same batch twice makes one row of each"


def test_a_comment_is_kept_only_where_the_site_wants_it(url: str, key: str) -> None:
    odd = {"reason": {"system": OURS, "code": "pending"}, "userComment": "a\x00b\x1b[31m\nc\u2028d"}
    with running(url, CDS_KEY_FILE=key, CDS_KEEP_COMMENTS="yes") as service:
        assert tell(service, item("c", overrideReason=odd)).status == 200
    assert kept(url)[0][3] == "a b [31m c d"


@pytest.mark.parametrize("code", ["\x00", "a\x00b", "a\nb", "\x1b[2J"])
def test_a_reason_with_control_characters_is_refused_or_kept_without_them(
    service: Running, url: str, code: str
) -> None:
    reply = tell(service, item("c", overrideReason={"reason": {"system": OURS, "code": code}}))
    assert reply.status in (200, 400)
    assert all("\x00" not in row[2] and "\x1b" not in row[2] for row in kept(url))
    extension = {"com.epic.cdshooks.feedback.overrideReason.reasonTitle": f"x{code}"}
    assert tell(service, item("d", overrideReason={"extension": extension})).status == 200
    assert kept(url)[-1][2].isprintable()


def test_a_long_reason_is_kept_and_the_repeat_is_lowered(service: Running, url: str) -> None:
    (first,) = cards(service, review())
    long = {"reason": {"system": f"http://example.org/{'s' * 100}", "code": "c" * 200}}
    assert tell(service, item(first["uuid"], overrideReason=long)).status == 200
    assert [card["indicator"] for card in cards(service, review())] == ["info"]
    assert len(rows(url, "SELECT because FROM card_issued WHERE because LIKE 'override:http%'")) == 1


def test_with_authentication_the_client_is_named(url: str, key: str, tmp_path: Path) -> None:
    signer = Signer.new("ES384", "k")
    key_file(tmp_path / "keys.json", signer)
    clients = clients_file(tmp_path, 'jwks_file = "keys.json"')
    given = {"CDS_CLIENTS": str(clients), "CDS_PUBLIC_BASE_URL": BASE, "CDS_KEY_FILE": key}
    with running(url, **given) as service:
        body = json.dumps({"feedback": [item("c")]}).encode()
        json_type = {"Content_Type": "application/json"}
        assert service.ask("POST", FEEDBACK, body, **json_type).status == 401
        bearer = f"Bearer {signer.token(FEEDBACK)}"
        assert service.ask("POST", FEEDBACK, body, Authorization=bearer, **json_type).status == 200
        assert service.ask("POST", FEEDBACK, body, Authorization=bearer, **json_type).status == 401
    assert [row[5] for row in kept(url)] == ["client-1"]
    assert rows(url, "SELECT actor, action FROM audit") == [("client-1", "feedback")]


# --- the store is down ------------------------------------------------------------------------------------------------


def refused(service: Running) -> None:
    reply = tell(service, item())
    assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
    assert [card["indicator"] for card in cards(service, review(0.8))] == ["warning"], "cards come all the same"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def on_file(file: Path) -> Iterator[Running]:
    with running(f"sqlite:///{file}") as started:
        assert tell(started, item("first")).status == 200
        yield started


def test_fault_50_a_database_that_another_process_locks(on_file: Running, file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        refused(on_file)
        other.execute("ROLLBACK")
    assert tell(on_file, item("second")).status == 200
    assert [row[0] for row in kept(f"sqlite:///{file}")] == ["first", "second"]


@pytest.mark.parametrize("how", ["replaced by garbage", "moved away"])
def test_fault_50_a_file_that_is_another_one_is_not_written_to(on_file: Running, file: Path, how: str) -> None:
    kept_aside, new = file.with_name("aside"), file.with_name("new")
    os.link(file, kept_aside)
    if how == "moved away":
        file.rename(file.with_name("gone"))
    else:
        new.write_bytes(b"garbage" * 1000)
        new.rename(file)
    refused(on_file)
    file.unlink(missing_ok=True)
    kept_aside.rename(file)
    assert tell(on_file, item("second")).status == 200, "it comes back by itself"
    assert [row[0] for row in kept(f"sqlite:///{file}")][-1] == "second"


@pytest.mark.database
def test_fault_50_a_postgresql_that_stops_and_starts_again(own_postgresql: Server, key: str) -> None:
    url = own_postgresql.new_database()
    with running(url, CDS_KEY_FILE=key) as service:
        assert tell(service, item("first")).status == 200
        own_postgresql.stop()
        refused(service)
        own_postgresql.start()
        assert tell(service, item("second")).status == 200, "it comes back by itself"
        assert [row[0] for row in kept(url)] == ["first", "second"]
        assert make_url(url).password is None


@pytest.mark.database
def test_fault_50_a_postgresql_that_hangs(own_postgresql: Server, key: str) -> None:
    """Its connections stay open and nothing comes: no call waits for longer than a client does."""
    url = own_postgresql.new_database()
    with running(url, CDS_KEY_FILE=key) as service:
        assert tell(service, item("first")).status == 200
        with own_postgresql.frozen():
            for _ in range(2):
                refused(service)  # within the ten seconds of `Running.ask`
        assert tell(service, item("second")).status == 200, "it comes back by itself"
        assert {"first", "second"} <= {row[0] for row in kept(url)}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "cds-test", str(folder)]).returncode:
        pytest.skip("only root may make a small disk")  # mounting takes the right to
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_fault_50_a_disk_that_is_full(small_disk: Path) -> None:
    url = f"sqlite:///{small_disk}/store.sqlite"
    with running(url) as service:
        told: list[str] = []
        while len(told) < 20_000:
            batch = [item() for _ in range(200)]
            reply = tell(service, *batch)
            if reply.status != 200:
                break
            told += [one["card"] for one in batch]
        assert (reply.status, reply.headers["Retry-After"]) == (503, "5")
        assert [card["indicator"] for card in cards(service, review())] == ["warning"]
        assert {row[0] for row in kept(url)} == set(told)
