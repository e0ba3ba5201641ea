"""Metrics: what is counted, that no label says what a client sent, and that workers count together."""

from __future__ import annotations

import os
import signal
import socket
import tempfile
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

import click
import pytest
from ehr import asking, fhir, http
from ehr import running as ehr_running
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from requests_of import CANARY, call
from test_canaries import CALLS, every
from test_life_cycle import serving, until, workers_of
from test_serving import refused
from wire import HOOK, Running, free_port

from service import memory
from service.app import create_app
from service.cli import serve
from service.ground import read_settings
from service.settings import Settings
from service.stories import find, names
from service.telemetry.metrics import FAULTS, OTHER, READY

SERVICES = {
    "patient-view": "neutropenia-review", "order-select": "neutropenia-order-select",
    "order-sign": "neutropenia-order-sign",
}  # fmt: skip
ON = {"CDS_METRICS_PORT": "9090", "CDS_DATABASE_URL": "off"}
Samples = dict[str, list[tuple[dict[str, str], float]]]


def read(text: str) -> Samples:
    """Samples by name, without the instants at which they began."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                found.setdefault(sample.name, []).append((dict(sample.labels), sample.value))
    return found


def counted(app_client: FlaskClient) -> Samples:
    """What an application in this process has counted."""
    from prometheus_client import generate_latest

    return read(generate_latest(app_client.application.extensions["cds"].telling.metrics.registry).decode())


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of a metric over the samples that have these labels."""
    return sum(value for given, value in samples.get(name, ()) if labels.items() <= given.items())


@pytest.fixture
def client() -> FlaskClient:
    return create_app(read_settings(ON)).test_client()


# --- what is counted --------------------------------------------------------------------------------------------------


def test_a_call_is_counted_by_service_outcome_and_client(client: FlaskClient) -> None:
    client.post(HOOK, json=call())
    client.post(HOOK, json=call(prefetch={}))
    client.post(HOOK, json={})
    client.post("/cds-services/neutropenia-review/feedback", json={"feedback": []})
    client.get("/livez")
    found = counted(client)
    assert total(found, "cds_calls_total") == 4
    for kind, outcome in (("call", "answered"), ("call", "lacking"), ("call", "invalid"), ("feedback", "invalid")):
        labels = {"kind": kind, "outcome": outcome, "service": "neutropenia-review", "client": ""}
        assert total(found, "cds_calls_total", **labels) == 1
    assert total(found, "cds_call_seconds_count", kind="call", service="neutropenia-review") == 3
    assert 0 < total(found, "cds_call_seconds_sum") < 10


@pytest.fixture(scope="module")
def stories() -> Samples:
    """What is counted while every story is played."""
    instant = datetime(2026, 6, 15, 12, tzinfo=UTC)
    clock = {"now": instant}
    played = create_app(read_settings(ON), clock=lambda: clock["now"]).test_client()
    for name in names():
        story = find(name)
        clock["now"] = datetime.combine(story.as_of, time(12), UTC)
        answer = played.post(f"/cds-services/{SERVICES[story.request['hook']]}", json=story.request)
        assert answer.status_code == 200
    return counted(played)


def test_cards_are_counted_by_service_indicator_row_and_fate(stories: Samples) -> None:
    expected = Counter(
        (SERVICES[find(name).request["hook"]], card["indicator"])
        for name in names()
        for card in find(name).response["cards"]
    )
    found: Counter[tuple[str, str]] = Counter()
    for labels, value in stories["cds_cards_total"]:
        found[labels["service"], labels["indicator"]] += int(value)
        assert labels["fate"] == "shown"
    assert found == expected
    assert total(stories, "cds_cards_total", row="folic-acid-b12-deficient") == 1


def test_gaps_and_prefetch_keys_are_counted(stories: Samples) -> None:
    assert total(stories, "cds_gaps_total", reason="unit-missing") >= 1
    assert total(stories, "cds_prefetch_keys_total", key="count") == len(names())
    assert total(stories, "cds_prefetch_keys_total", key="count", state="supplied") > 0


def test_the_words_of_labels_hold_all_that_the_stories_lead_to(stories: Samples) -> None:
    assert [(name, labels) for name, all in stories.items() for labels, _ in all if OTHER in labels.values()] == []


def test_repeats_and_silent_cards_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "WAIT", 10)
    story = find("b12-deficient-positive-antibody")
    noon = datetime.combine(story.as_of, time(12), UTC)
    for silent in ("", "neutropenia-review"):
        given = ON | {"CDS_DATABASE_URL": f"sqlite:///{tmp_path}/{silent or 'loud'}.sqlite", "CDS_SILENT": silent}
        client = create_app(read_settings(given | {"CDS_KEY_FILE": key_file(tmp_path)}), lambda: noon).test_client()
        for _ in range(2):
            client.post(HOOK, json=story.request)
        found = {labels["fate"]: value for labels, value in counted(client)["cds_cards_total"]}
        assert found == ({"silent": 2} if silent else {"shown": 1, "lowered": 1})


def key_file(folder: Path) -> str:
    file = folder / "key"
    file.write_text("0" * 64)
    file.chmod(0o600)
    return str(file)


def test_calling_back_is_counted_by_client_and_outcome(tmp_path: Path) -> None:
    answers = [fhir({"resourceType": "Bundle", "type": "searchset"}), http(500)]
    with ehr_running(lambda _: answers[0]) as server:
        allowed = f'[[client.fhir]]\nbase = "{server.url}"\nnetworks = ["127.0.0.0/8"]\n'
        file = tmp_path / "clients.toml"
        file.write_text(f'[[client]]\nname = "ehr"\nissuer = "urn:e"\njku = "https://e.example/j"\n{allowed}')
        client = create_app(read_settings(ON | {"CDS_CLIENTS": str(file), "CDS_AUTH": "off"})).test_client()
        asked = asking(server.url)
        client.post(HOOK, json=asked)
        found = counted(client)
        keys = total(found, "cds_callbacks_total")
        assert total(found, "cds_callbacks_total", fetched="not-fhir") == 1  # a Bundle is no Patient
        assert total(found, "cds_callbacks_total", fetched="fetched") == keys - 1 > 5
        answers.reverse()
        client.post(HOOK, json=asked)
        assert total(counted(client), "cds_callbacks_total", fetched="server-error") == keys


def test_faults_of_the_store_are_counted(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    client = create_app(read_settings(ON | {"CDS_DATABASE_URL": f"sqlite:///{folder}/store.sqlite"})).test_client()
    folder.rename(tmp_path / "elsewhere")
    assert client.get("/readyz").status_code == 503
    assert total(counted(client), "cds_store_faults_total", fault="down") == 1
    assert total(counted(client), "cds_readiness_total", answer="store") == 1


def test_what_alerts_wait_for_is_told_before_it_happens(tmp_path: Path) -> None:
    """Prometheus sees no increase in a counter that appears with its first 1: the first crash would be passed over."""
    file = tmp_path / "clients.toml"
    file.write_text('[[client]]\nname = "ehr"\nissuer = "urn:e"\njku = "https://e.example/j"\n')
    client = create_app(read_settings(ON | {"CDS_CLIENTS": str(file), "CDS_AUTH": "off"})).test_client()
    found = counted(client)
    crashes = {
        (one["kind"], one["service"], one["client"]): value
        for one, value in found["cds_calls_total"]
        if one["outcome"] == "crash"
    }
    kinds = {(kind, service) for kind in ("call", "feedback") for service in SERVICES.values()}
    kinds |= {("assess", ""), ("evidence", "")}
    assert crashes == {(*kind, name): 0 for kind in kinds for name in ("", "ehr")}
    assert {one["fault"] for one, _ in found["cds_store_faults_total"]} == FAULTS
    assert {one["answer"] for one, _ in found["cds_readiness_total"]} == READY
    assert {"unit-missing", "no-known-code"} <= {one["reason"] for one, _ in found["cds_gaps_total"]}


# --- labels -----------------------------------------------------------------------------------------------------------


def test_nothing_that_a_client_sends_becomes_a_label() -> None:
    client = create_app(read_settings(ON)).test_client()
    for path, value in CALLS:
        given: dict[str, Any] = {"data": value} if isinstance(value, bytes) else {"json": value}
        client.post(path, content_type="application/json", headers={"X-Request-Id": CANARY}, **given)
    found = counted(client)
    assert total(found, "cds_calls_total") > 20
    assert CANARY not in str(found)
    client.post(f"/cds-services/{CANARY}", json=call())
    assert total(counted(client), "cds_calls_total", service="") >= 1


def test_a_word_of_no_set_counts_as_other(client: FlaskClient) -> None:
    from service.telemetry import Call, Judged

    told = Call("r", kind="call", service=CANARY, client=CANARY, prefetch={CANARY: CANARY}, fetched=[CANARY],
                gaps=[CANARY], cards=[Judged(CANARY, CANARY, CANARY)])  # fmt: skip
    metrics = client.application.extensions["cds"].telling.metrics
    metrics.tell(told, CANARY, 0.1)
    metrics.store_fault(CANARY)
    metrics.ready(CANARY)
    found = counted(client)
    assert CANARY not in str(found) and CANARY not in str(metrics._kept)  # nor is memory filled by such words
    assert total(found, "cds_calls_total", service=OTHER, client=OTHER, outcome=OTHER) == 1
    assert total(found, "cds_cards_total", indicator=OTHER, row=OTHER, fate=OTHER) == 1


# --- the port ---------------------------------------------------------------------------------------------------------


def scraped(port: int) -> Samples:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        return read(answer.read().decode())


@pytest.fixture
def two_workers(tmp_path: Path) -> Iterator[tuple[Running, int]]:
    port = free_port()
    store = f"sqlite:///{tmp_path}/store.sqlite"
    given = {"CDS_METRICS_PORT": str(port), "CDS_DATABASE_URL": store, "TMPDIR": str(tmp_path)}
    with serving("--workers", "2", **given) as running:
        yield running, port


def test_workers_count_together_and_one_that_dies_loses_nothing(two_workers: tuple[Running, int]) -> None:
    running, port = two_workers
    for _ in range(40):
        running.post(HOOK, call())
    found = scraped(port)
    assert total(found, "cds_calls_total", outcome="answered") == 40
    assert total(found, "cds_worker_starts_total") == 2
    for worker in (before := workers_of(running)):
        os.kill(worker, signal.SIGKILL)
    assert until(lambda: len(workers_of(running) - before) == 2 and running.ask("GET", "/livez").status == 200)
    assert until(lambda: total(scraped(port), "cds_worker_starts_total") == 4)
    running.post(HOOK, call())
    assert total(scraped(port), "cds_calls_total", outcome="answered") == 41


def test_the_knowledge_in_force_is_told(two_workers: tuple[Running, int]) -> None:
    running, port = two_workers
    ready = running.ask("GET", "/readyz").json
    ((labels, value),) = scraped(port)["cds_knowledge_info"]
    assert value == 1
    assert (labels["version"], labels["thresholds"]) == tuple(ready["knowledge"].values())
    assert labels["service"] == ready["version"]


def test_canaries_over_the_wire_are_in_no_metric_and_the_folder_goes(
    two_workers: tuple[Running, int], tmp_path: Path
) -> None:
    running, port = two_workers
    for path, value in CALLS:
        running.post(path, value)
    every(running, "GET")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert CANARY not in answer.read().decode().lower()
    (shared,) = tmp_path.glob("cds-metrics-*")
    assert [file for file in shared.iterdir() if CANARY.encode() in file.read_bytes().lower()] == []
    running.process.send_signal(signal.SIGTERM)
    running.process.communicate(timeout=15)
    assert not list(tmp_path.glob("cds-metrics-*"))


def test_the_public_port_has_no_metrics(two_workers: tuple[Running, int]) -> None:
    assert two_workers[0].ask("GET", "/metrics").status == 404


def test_without_the_setting_nothing_is_counted_and_nothing_listens() -> None:
    app = create_app(Settings(database_url=""))
    assert app.extensions["cds"].telling.metrics is None
    port = free_port()
    with serving() as running, pytest.raises(urllib.error.URLError):
        running.post(HOOK, call())
        scraped(port)


def test_a_port_of_the_metrics_that_is_taken_stops_the_start() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = str(other.getsockname()[1])
        said = refused("--port", str(free_port()), CDS_METRICS_PORT=taken)
        assert f"cannot listen on 127.0.0.1 port {taken}: Address already in use" in said and "CDS_METRICS_PORT" in said
    said = refused("--port", taken, CDS_METRICS_PORT=taken)
    assert f"port {taken} is that of the service" in said and "CDS_METRICS_PORT" in said


def test_metrics_without_a_folder_that_can_be_written_stop_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/no/such/folder")  # as a root without a tmpfs; container-smoke has one
    with pytest.raises(click.ClickException, match="TMPDIR"), ExitStack() as until_the_end:
        serve._shared_folder(until_the_end)
