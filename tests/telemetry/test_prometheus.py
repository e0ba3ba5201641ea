"""deploy/prometheus and deploy/grafana, run by Prometheus: what their queries find in a service that is called.

Prometheus scrapes twice or more, with calls of all kinds between: answered, repeated, refused, without a count, without
units, fetched from a FHIR server and not, with the database away, and a worker that dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from ehr import asking, fhir, http
from ehr import running as ehr_running
from requests_of import bundle, call, observation
from test_deploy import DEPLOY, alerts
from test_life_cycle import until, workers_of
from test_metrics import scraped, total
from tokens import BASE, SERVICE, Signer, clients_file, key_file
from wire import Running, free_port, start, stop

from service.stories import find

PROMETHEUS = shutil.which("prometheus")
pytestmark = pytest.mark.skipif(
    PROMETHEUS is None, reason="prometheus is not installed; ./cds test --all does so as root"
)
STORY = "b12-deficient-positive-antibody"
# What Grafana puts in when all instances are chosen.
FILLED = {"$instance": ".*", "$__rate_interval": "5m", "$__range": "1h"}
UNITLESS = 15  # in each of two rounds: more than the alert bears


@dataclass(frozen=True)
class Prometheus:
    """Debian's Prometheus on this machine with the configuration of deploy/."""

    port: int

    def ask(self, path: str, **query: str) -> Any:
        address = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=10) as answer:
            return json.load(answer)["data"]

    def values(self, query: str) -> list[float]:
        """What a query finds, without what is no number."""
        found = [float(one["value"][1]) for one in self.ask("query", query=query)["result"]]
        return [value for value in found if value == value]


@dataclass(frozen=True)
class Site:
    """A service with authentication and metrics, called by one client; whose FHIR server answers or does not."""

    running: Running
    metrics: int
    signer: Signer
    store: Path  # its folder
    fhir: str
    answers: list[bytes]

    def post(self, value: object, path: str = SERVICE, token: str = "") -> int:
        bearer = f"Bearer {token or self.signer.token(path=path)}"
        body = json.dumps(value).encode()
        return self.running.ask("POST", path, body, Content_Type="application/json", Authorization=bearer).status

    def be_called(self) -> None:
        """Calls of each kind, that end in each way but a crash."""
        story = find(STORY).at(datetime.now(UTC))
        assert [self.post(story) for _ in range(3)] == [200] * 3
        for _ in range(2):
            assert self.post(asking(self.fhir)) in (200, 412)
            self.answers.reverse()
        unitless = observation("751-8", 2.5) | {"valueQuantity": {"value": 2.5}}
        assert {self.post(call({"count": bundle(unitless, observation())})) for _ in range(UNITLESS)} == {200}
        assert self.post(call({})) == 412
        assert self.post(story, token="none") == 401
        with self.store_away():
            assert self.post({"feedback": []}, f"{SERVICE}/feedback") == 503
        assert until(lambda: self.running.ask("GET", "/readyz").status == 200)

    @contextlib.contextmanager
    def store_away(self) -> Iterator[None]:
        elsewhere = self.store.with_name("elsewhere")
        self.store.rename(elsewhere)
        assert until(lambda: self.running.ask("GET", "/readyz").status == 503)
        yield
        elsewhere.rename(self.store)


@contextlib.contextmanager
def site(folder: Path, instance: int) -> Iterator[Site]:
    signer = Signer.new("ES384", "ec-1")
    key_file(folder / "keys.json", signer)
    (folder / "store").mkdir()
    answers = [fhir({"resourceType": "Bundle", "type": "searchset"}), http(500)]
    with ehr_running(lambda _: answers[0]) as ehr:
        allowed = f'jwks_file = "keys.json"\n[[client.fhir]]\nbase = "{ehr.url}"\nnetworks = ["127.0.0.0/8"]'
        given = {"CDS_CLIENTS": str(clients_file(folder, allowed)), "CDS_PUBLIC_BASE_URL": BASE,
                 "CDS_DATABASE_URL": f"sqlite:///{folder}/store/store.sqlite", "CDS_METRICS_PORT": str(instance),
                 "TMPDIR": str(folder)}  # fmt: skip
        running = start(free_port(), "--workers", "2", **given)
        try:
            yield Site(running, instance, signer, folder / "store", ehr.url, answers)
        finally:
            if running.process.poll() is None:
                stop(running)


@contextlib.contextmanager
def prometheus(folder: Path, target: int) -> Iterator[Prometheus]:
    """Prometheus that scrapes each second, instead of each fifteen, what listens here instead of in compose."""
    chosen = yaml.safe_load((DEPLOY / "prometheus/prometheus.yaml").read_text("utf-8"))
    chosen["global"] = dict.fromkeys(chosen["global"], "1s")
    chosen["scrape_configs"][0]["static_configs"][0]["targets"] = [f"127.0.0.1:{target}"]
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(chosen), "utf-8")
    shutil.copy(DEPLOY / "prometheus/alerts.yaml", folder)
    port = free_port()
    command = [PROMETHEUS or "", f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/data",
               f"--web.listen-address=127.0.0.1:{port}"]  # fmt: skip
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    found = Prometheus(port)
    try:
        assert until(lambda: found.values("up") == [1.0], 30), (folder / "log").read_text()
        yield found
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Site]]:
    """Prometheus that has seen two rounds of calls."""
    port = free_port()
    with (
        site(tmp_path_factory.mktemp("site"), port) as called,
        prometheus(tmp_path_factory.mktemp("prometheus"), port) as watching,
    ):
        called.be_called()
        assert until(lambda: seen(watching, called), 30)
        os.kill(min(workers_of(called.running)), signal.SIGKILL)
        assert until(lambda: total(scraped(port), "cds_worker_starts_total") == 3, 30)
        called.be_called()
        assert until(lambda: seen(watching, called), 30)
        yield watching, called


def seen(watching: Prometheus, called: Site) -> bool:
    """Whether Prometheus has seen all that is counted until now."""
    return watching.values("sum(cds_calls_total)") == [total(scraped(called.metrics), "cds_calls_total")]


def panels() -> list[tuple[str, str]]:
    board = json.loads((DEPLOY / "grafana/dashboard.json").read_text("utf-8"))
    found = [(f"{panel['title']} {one['refId']}", one["expr"]) for panel in board["panels"] for one in panel["targets"]]
    for variable, text in FILLED.items():
        found = [(title, query.replace(variable, text)) for title, query in found]
    return found


@pytest.mark.parametrize(("title", "query"), panels(), ids=[title for title, _ in panels()])
def test_every_panel_shows_something(watched: tuple[Prometheus, Site], title: str, query: str) -> None:
    assert "$" not in query
    assert watched[0].values(query)
    assert any(value > 0 for value in watched[0].values(query))


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_what_an_alert_compares_is_there(watched: tuple[Prometheus, Site], alert: dict[str, Any]) -> None:
    compared = alert["expr"].partition(" or absent(")[0].rpartition(" ")[0].rpartition(" ")[0]
    assert watched[0].values(compared), compared


def test_prometheus_judges_every_alert_and_those_that_do_not_wait_fire(watched: tuple[Prometheus, Site]) -> None:
    def judged() -> dict[str, str]:
        (group,) = watched[0].ask("rules")["groups"]
        assert [(rule["name"], rule["lastError"]) for rule in group["rules"] if rule.get("lastError")] == []
        return {rule["name"]: rule["state"] for rule in group["rules"]}

    expected = {"CdsWorkersDie": "firing", "CdsUnitsNotUnderstood": "firing", "CdsNotReady": "pending"}
    assert until(lambda: expected.items() <= judged().items(), 20), judged()
    assert {name for name, state in judged().items() if state == "inactive"} >= {"CdsDown", "CdsCrashes"}
    assert judged().keys() == {alert["alert"] for alert in alerts()}


def test_the_choice_of_an_instance_finds_it(watched: tuple[Prometheus, Site]) -> None:
    """What the dashboard asks for its variable `instance`: label_values(cds_knowledge_info, instance)."""
    board = json.loads((DEPLOY / "grafana/dashboard.json").read_text("utf-8"))
    (query,) = (one["query"]["query"] for one in board["templating"]["list"] if one["type"] == "query")
    assert query == "label_values(cds_knowledge_info, instance)"
    found = watched[0].ask("label/instance/values", **{"match[]": "cds_knowledge_info"})
    assert found == [f"127.0.0.1:{watched[1].metrics}"]


def test_a_service_that_is_gone_is_down(watched: tuple[Prometheus, Site]) -> None:
    """Last of those that need it."""
    (down,) = (alert["expr"] for alert in alerts() if alert["alert"] == "CdsDown")
    assert watched[0].values(down) == []
    stop(watched[1].running)
    assert until(lambda: watched[0].values(down) == [0.0], 20)
