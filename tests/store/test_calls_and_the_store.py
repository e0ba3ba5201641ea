"""Fault 50, hook calls: the store may be down or slow, cards come; and what is written shows no patient."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from posted import DRAWN, cards, item, review, rows, running, tell
from requests_of import CANARY, PATIENT
from servers import Server
from tokens import BASE, SERVICE, Signer, clients_file, key_file
from wire import HOOK, Running

from service.memory.records import read_evidence
from service.store import Sealing

VALUE = 0.7193  # a count that nothing else holds


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("k" * 64)
    return tmp_path / "key"


@pytest.fixture
def service(url: str, key: Path) -> Iterator[Running]:
    with running(url, CDS_KEY_FILE=str(key)) as started:
        yield started


def seconds(service: Running, value: float) -> float:
    began = time.perf_counter()
    assert [card["indicator"] for card in cards(service, review(value))] == ["warning"]
    return time.perf_counter() - began


def test_a_slow_store_costs_an_answer_the_time_that_it_is_given_and_is_written_later(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    with running(url) as service:
        assert len(cards(service, review())) == 1
        usual = median(seconds(service, 0.90 + n / 1000) for n in range(1, 8))
        with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            slow = median(seconds(service, 0.9) for _ in range(5))  # in full, though it is a repeat
            other.execute("ROLLBACK")
        print(f"usual {usual * 1000:.1f} ms, with a store that is held {slow * 1000:.1f} ms")
        assert slow - usual < 0.1
        until = time.monotonic() + 10
        while time.monotonic() < until and len(rows(url, "SELECT uuid FROM card_issued")) < 13:
            time.sleep(0.1)
        late = rows(url, "SELECT fate FROM card_issued ORDER BY at")
        assert [fate for (fate,) in late] == ["shown"] * 13, "what was given up is written as it was sent"
        assert [card["indicator"] for card in cards(service, review())] == ["info"]


def test_a_card_that_a_lock_kept_from_being_written_is_written_with_what_comes_next(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.sqlite"
    with running(url) as service:
        with contextlib.closing(sqlite3.connect(tmp_path / "store.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            (held,) = cards(service, review(0.91))
            time.sleep(2.5)  # longer than a writer waits for another
            other.execute("ROLLBACK")
        (free,) = cards(service, review(0.92))
        until, kept = time.monotonic() + 10, set[str]()
        while time.monotonic() < until and kept < {held["uuid"], free["uuid"]}:
            kept = {uuid for (uuid,) in rows(url, "SELECT uuid FROM card_issued WHERE evidence IS NOT NULL")}
            time.sleep(0.1)
        assert kept == {held["uuid"], free["uuid"]}


@pytest.mark.database
def test_a_postgresql_that_is_gone_costs_no_card_and_no_time(own_postgresql: Server, key: Path) -> None:
    with running(own_postgresql.new_database(), CDS_KEY_FILE=str(key)) as service:
        usual = median(seconds(service, 0.9 + n / 1000) for n in range(1, 8))
        own_postgresql.stop()
        gone = median(seconds(service, 0.9) for _ in range(5))
        assert gone - usual < 0.1
        own_postgresql.start()
        assert len(cards(service, review())) == 1
        assert [card["indicator"] for card in cards(service, review())] == ["info"]


def test_no_column_shows_the_patient_and_the_key_opens_what_the_card_rests_on(
    service: Running, url: str, key: Path, tmp_path: Path
) -> None:
    (card,) = cards(service, review(VALUE, fhirServer=f"https://{CANARY}.example/fhir"))
    comment = {"overrideReason": {"userComment": f"{CANARY} said so"}}
    assert tell(service, item(card["uuid"], **comment)).status == 200
    assert str(VALUE) in card["detail"] or "0.71" in card["summary"]
    until, sealed = time.monotonic() + 5, None
    while sealed is None and time.monotonic() < until:
        ((uuid, sealed),) = rows(url, "SELECT uuid, evidence FROM card_issued")
    assert sealed is not None and uuid == card["uuid"]
    everything = "".join(
        repr(rows(url, f"SELECT * FROM {table}")) for table in ("card_issued", "feedback", "calls", "audit", "replay")
    )
    files = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
    for canary in (CANARY, PATIENT, str(VALUE), "1980-01-01", DRAWN):
        assert canary not in everything
        assert canary.encode() not in files
    told = Sealing(key.read_bytes()).open(bytes(sealed), card["uuid"])
    assert told and CANARY.encode() not in told, "what is sealed has no subject either"
    held = read_evidence(told)
    assert held.card["summary"] == card["summary"]
    assert [str(one.value.number) for one in held.facts.results if one.value] == [str(VALUE)]
    assert Sealing(b"another key" * 4).open(bytes(sealed), card["uuid"]) is None


@pytest.mark.parametrize(
    ("silent", "holds"), [("*", True), ("neutropenia-review", True), ("neutropenia-order-sign", False)]
)
def test_a_silent_service_judges_and_remembers_and_answers_no_card(
    url: str, key: Path, silent: str, holds: bool
) -> None:
    with running(url, CDS_KEY_FILE=str(key), CDS_SILENT=silent) as service:
        found = [cards(service, review()) for _ in range(2)]
        assert [len(one) for one in found] == ([0, 0] if holds else [1, 1])
        told = service.ask("GET", "/cds-services").json["services"]
        usage = {one["id"]: one["usageRequirements"] for one in told}
        assert ("silent" in usage[HOOK.rpartition("/")[2]].lower()) is holds
    fates = [fate for (fate,) in rows(url, "SELECT fate FROM card_issued ORDER BY at")]
    assert fates == (["silent", "silent"] if holds else ["shown", "lowered"])
    assert rows(url, "SELECT sum(number) FROM calls") == [(2,)]


def test_a_service_is_silent_for_one_client_alone(tmp_path: Path) -> None:
    one, two = Signer.new("ES384", "a"), Signer.new("ES384", "b")
    key_file(tmp_path / "one.json", one)
    key_file(tmp_path / "two.json", two)
    issuer = {"client-1": "urn:one", "client-2": "urn:two"}
    tables = [f'issuer = "urn:{name}"\njwks_file = "{name}.json"' for name in ("one", "two")]
    url = f"sqlite:///{tmp_path}/store.sqlite"
    given = {"CDS_CLIENTS": str(clients_file(tmp_path, *tables)), "CDS_PUBLIC_BASE_URL": BASE}
    with running(url, CDS_SILENT="neutropenia-review@client-2", **given) as service:
        body, found = json.dumps(review()).encode(), {}
        for name, signer in (("client-1", one), ("client-2", two)):
            bearer = f"Bearer {signer.token(iss=issuer[name])}"
            reply = service.ask("POST", SERVICE, body, Content_Type="application/json", Authorization=bearer)
            found[name] = len(reply.json["cards"])
        usage = service.ask("GET", "/cds-services").json["services"][0]["usageRequirements"]
    assert found == {"client-1": 1, "client-2": 0}
    assert "silent" in usage.lower() and "client-2" not in usage
    assert rows(url, "SELECT client, fate FROM card_issued ORDER BY client") == [
        ("client-1", "shown"), ("client-2", "silent"),
    ]  # fmt: skip


def test_a_silent_service_answers_no_card_when_the_store_is_down_or_off_either(tmp_path: Path) -> None:
    with running(f"sqlite:///{tmp_path}/store.sqlite", CDS_SILENT="*") as service:
        (tmp_path / "store.sqlite").rename(tmp_path / "gone")
        assert cards(service, review()) == []
    with running("off", CDS_SILENT="*") as service:
        assert cards(service, review()) == []
