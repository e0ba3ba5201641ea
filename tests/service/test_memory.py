"""Cards that come once in a period (H4.36): on one day, for each patient and check; with the store down, always."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from requests_of import PATIENT, bundle, call, observation, patient

from service import contract, memory
from service.app import create_app
from service.clinical.knowledge import load
from service.order_checks.faults import faults
from service.settings import Settings, SettingsError
from service.store import open_store

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
YEAR = timedelta(days=365)
Json = dict[str, Any]


class Clock:
    """The instant at which the service judges."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Service:
    """The order check on metformin, called when one wants, and its store."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.clock = Clock()
        self.database = f"sqlite:///{folder}/store.sqlite"
        self.app: Flask = create_app(Settings(**({"database_url": self.database} | settings)), self.clock)

    def rules(self, whose: str = PATIENT, server: str = "", drug: str = "Metformin 500 mg tablet") -> list[str]:
        answer = self.app.test_client().post("/cds-services/neutropenia-order-sign", json=asked(whose, server, drug))
        assert answer.status_code == 200, answer.get_data(as_text=True)
        contract.validator("HookResponse").validate(answer.json)
        return [card["extension"]["org.neutropenia-cds.card"]["row"] for card in answer.json["cards"]]

    def after(self, by: timedelta, **whose: str) -> list[str]:
        self.clock.now = NOON + by
        return self.rules(**whose)


def asked(whose: str, server: str, drug: str) -> Json:
    draft = {
        "resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order",
        "subject": {"reference": f"Patient/{whose}"}, "medicationCodeableConcept": {"text": drug},
    }  # fmt: skip
    orders = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": draft}]}
    context = {"userId": "Practitioner/d-1", "patientId": whose, "draftOrders": orders}
    about = {"subject": {"reference": f"Patient/{whose}"}}
    neuropathy = {"resourceType": "Condition", "id": "c1", "code": {"text": "Peripheral neuropathy"}, **about}
    prefetch = {
        "patient": patient(id=whose), "count": bundle(observation(value=3, **about)), "nutrients": bundle(),
        "conditions": bundle(neuropathy), "medications": bundle(),
    }  # fmt: skip
    body = call(prefetch, hook="order-sign", context=context)
    return body | ({"fhirServer": server} if server else {})


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine may be busy, and it is not the wait that is looked at."""
    monkeypatch.setattr(memory, "WAIT", 10)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    yield Service(tmp_path)


METFORMIN = ["metformin-b12-never-measured"]


def test_a_reminder_comes_on_one_day_of_its_period(service: Service) -> None:
    assert service.rules() == METFORMIN
    assert service.after(timedelta(hours=11, minutes=59)) == METFORMIN  # an EHR asks again with each order
    assert service.after(timedelta(hours=12)) == []
    assert service.after(YEAR - timedelta(hours=12)) == []
    assert service.after(YEAR + timedelta(hours=11)) == []
    assert service.after(YEAR + timedelta(hours=12)) == METFORMIN
    assert service.after(YEAR + timedelta(days=1, hours=12)) == []


def test_the_days_are_those_of_the_site(tmp_path: Path) -> None:
    service = Service(tmp_path, time_zone=ZoneInfo("Pacific/Auckland"))  # noon in UTC is midnight there
    service.clock.now = NOON - timedelta(minutes=1)
    assert service.rules() == METFORMIN
    service.clock.now = NOON
    assert service.rules() == []


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "UTC", "Asia/Kolkata", "Pacific/Kiritimati"])
def test_the_days_are_those_of_the_site_wherever_it_is(tmp_path: Path, zone: str) -> None:
    service, evening = Service(tmp_path, time_zone=ZoneInfo(zone)), datetime(2026, 6, 15, 20, tzinfo=ZoneInfo(zone))
    for hours, found in ((0, METFORMIN), (3, METFORMIN), (4, []), (12, [])):
        service.clock.now = evening.astimezone(UTC) + timedelta(hours=hours)
        assert service.rules() == found, hours


def test_another_row_of_the_same_check_is_the_same_reminder(service: Service) -> None:
    assert service.rules() == METFORMIN
    assert service.after(timedelta(days=1), drug="Omeprazole 20 mg capsule") == []


def test_another_patient_and_the_same_id_at_another_server_are_reminded(service: Service) -> None:
    assert service.rules() == METFORMIN
    for whose in ({"whose": "p2"}, {"server": "https://other.example/fhir"}):
        assert service.after(timedelta(days=1), **whose) == METFORMIN
        assert service.after(timedelta(days=2), **whose) == []


def test_another_process_on_the_same_store_knows(service: Service, tmp_path: Path) -> None:
    assert service.rules() == METFORMIN
    assert Service(tmp_path).after(timedelta(days=1)) == []


def test_a_card_that_warns_comes_each_time(service: Service) -> None:
    for days in range(3):
        found = service.after(timedelta(days=days), drug="Folic acid 5 mg tablet")
        assert found == ["folic-acid-b12-unknown"]


def test_without_a_store_every_reminder_comes(tmp_path: Path) -> None:
    service = Service(tmp_path, database_url="")
    assert service.rules() == service.after(timedelta(days=1)) == METFORMIN


def test_a_store_that_is_stuck_delays_no_answer_and_hides_no_card(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert service.rules() == METFORMIN
    monkeypatch.setattr(memory, "WAIT", 0.05)
    other, free, held = open_store(service.database), threading.Event(), threading.Event()

    def hold() -> None:
        with other.write():
            held.set()
            free.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    began = time.monotonic()
    with caplog.at_level(logging.WARNING):
        assert service.after(YEAR + timedelta(days=1)) == METFORMIN
    assert time.monotonic() - began < 2  # the writer that is waited for would take five
    assert "store: slow" in caplog.text
    assert PATIENT not in caplog.text
    free.set()
    holder.join()


def test_a_store_that_lost_its_tables_hides_no_card(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    assert service.rules() == METFORMIN
    with open_store(service.database).write() as connection:
        connection.exec_driver_sql("DROP TABLE card_issued")
    with caplog.at_level(logging.WARNING):
        assert service.after(timedelta(days=1)) == METFORMIN
    assert "store: OperationalError" in caplog.text


def test_no_column_holds_the_patient(service: Service, tmp_path: Path) -> None:
    whose = "canary-4711"
    assert service.rules(whose=whose, server="https://canary.example/fhir") == METFORMIN
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"O22" in raw
    assert b"canary" not in raw


def test_a_postgresql_without_a_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="CDS_KEY_FILE"):
        create_app(Settings(database_url="postgresql+psycopg://cds@127.0.0.1:1/cds"))


def test_a_database_that_cannot_be_opened_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match="CDS_"):
        create_app(Settings(database_url=f"sqlite:///{tmp_path}/file/store.sqlite"))


def test_the_reminders_are_those_that_the_rules_name() -> None:
    once = {row.id: row.then["once_days"] for row in load("nice-ng239").tables["check"] if "once_days" in row.then}
    assert once == dict.fromkeys(
        [
            "folic-acid-b12-unknown-dialysis",
            "metformin-b12-never-measured",
            "metformin-b12-never-measured-renewed",
            "acid-suppression-b12-never-measured",
            "acid-suppression-b12-never-measured-renewed",
        ],
        365,
    )


@pytest.mark.parametrize(("level", "days"), [("warning", 365), ("critical", 1), ("info", 0), ("info", 367)])
def test_a_warning_is_never_said_once_only(level: str, days: int) -> None:
    knowledge = load("nice-ng239")
    rows = knowledge.tables["check"]
    changed = tuple(replace(r, then=r.then | {"level": level, "once_days": days}) for r in rows if r.id == METFORMIN[0])
    found = faults(replace(knowledge, tables={**knowledge.tables, "check": changed}))
    assert found == [f"check {METFORMIN[0]}: once_days is for info, at most 366 days"]
