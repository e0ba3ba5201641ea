"""What is left for after the answer: written once, by itself, whatever else cannot be written."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from service import stories
from service.app import create_app
from service.memory import Memory
from service.settings import Settings
from service.store import Refused, StoreDown
from service.store.cards_issued import Issued, remember

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
CARD = {"pseudonym": "p", "service": "s", "client": "", "topic": "t", "row": "r", "indicator": "info", "severity": "",
        "fingerprint": "f", "knowledge": "k", "profile": "n"}  # fmt: skip


class Left:
    """A card that was sent, whose writing was given up."""

    class call:
        service = "neutropenia-review"

    def __init__(self, memory: Memory, uuid: str | None) -> None:
        self._memory, self._uuid = memory, uuid

    def write(self) -> None:
        with self._memory.store.quick(lasting=False) as transaction:
            remember(transaction, [Issued(uuid=self._uuid, at=NOW, **CARD)])  # type: ignore[arg-type]  # None too


@pytest.fixture
def served(tmp_path: Path) -> FlaskClient:
    settings = Settings(database_url=f"sqlite:///{tmp_path}/store.sqlite")
    return create_app(settings, clock=lambda: NOW).test_client()


@pytest.fixture
def memory(served: FlaskClient) -> Memory:
    found = served.application.extensions["cds"].memory
    assert isinstance(found, Memory)
    return found


def rows(memory: Memory, statement: str) -> list[tuple[Any, ...]]:
    with memory.store.read() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(statement)]


def test_a_card_that_was_written_although_nobody_heard_of_it_is_there_once_and_holds_up_no_other(
    memory: Memory,
) -> None:
    Left(memory, "a").write()
    memory.leave_unwritten(Left(memory, "a"))  # type: ignore[arg-type]  # all that is asked of it
    memory.leave_unwritten(Left(memory, "b"))  # type: ignore[arg-type]  # the same
    memory.write_behind()
    assert rows(memory, "SELECT uuid FROM card_issued ORDER BY uuid") == [("a",), ("b",)]


def test_a_card_that_the_tables_refuse_is_told_and_holds_up_no_other(
    memory: Memory, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(Refused):
        Left(memory, None).write()
    for uuid in (None, "b"):
        memory.leave_unwritten(Left(memory, uuid))  # type: ignore[arg-type]  # all that is asked of it
    with caplog.at_level(logging.ERROR):
        memory.write_behind()
    assert rows(memory, "SELECT uuid FROM card_issued") == [("b",)]
    assert "neutropenia-review: store: a card that was sent cannot be written: IntegrityError" in caplog.text


def post(served: FlaskClient, times: int) -> None:
    told = stories.find("b12-deficient-positive-antibody").at(NOW)
    for number in range(times):
        told["context"]["patientId"] = f"story-b12-{number}"
        assert served.post("/cds-services/neutropenia-review", json=told).status_code == 200


def test_a_store_that_closes_writes_all_that_is_left(
    served: FlaskClient, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(memory.store, "later", lambda _: True)  # nobody comes to it
        post(served, 20)
    memory._left = False
    memory.leave()
    memory.store.close()
    assert rows(memory, "SELECT count(*), count(evidence) FROM card_issued") == [(20, 20)]
    assert rows(memory, "SELECT sum(number) FROM calls") == [(20,)]


def test_while_the_store_is_away_what_is_left_is_not_tried_again_and_again(
    served: FlaskClient, memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(memory.store, "later", lambda _: True)
        post(served, 20)
    tried: list[object] = []
    with monkeypatch.context() as patched:
        patched.setattr(memory.store, "later", lambda do: bool(tried.append(do)) or True)
        patched.setattr(memory.sealing, "seal", lambda *_: (_ for _ in ()).throw(StoreDown("away")))
        with pytest.raises(StoreDown):
            memory.write_behind()
        assert tried == [], "the next call brings it along"
        memory.leave()
        assert len(tried) == 1
    memory.write_behind()
    memory.store.close()
    assert rows(memory, "SELECT count(*), count(evidence) FROM card_issued") == [(20, 20)]
