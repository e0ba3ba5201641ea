"""Alerts and dashboard against what the service counts: no metric, label or word that it does not make."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Histogram

from service.app import create_app
from service.cli import main
from service.ground import read_settings
from service.telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OPERATIONS, RUNBOOK = ((ROOT / f"docs/{name}.md").read_text("utf-8") for name in ("operations", "runbook"))
PARTS = ("For patients", "Look first", "Do", "Escalate")  # of each entry of the runbook
PROGRAMS = {"curl", "docker", "grep", "tail", "sort", "uniq", "date"}
RULES = DEPLOY / "prometheus" / "alerts.yaml"
IN_FORCE = {"version", "thresholds", "service"}  # of cds_knowledge_info
OF_PROMETHEUS = {"instance", "job", "le"}
NAME = re.compile(r"\b(cds_\w+?)(?:\{([^}]*)\}|(?=\W|\Z))")
LABEL = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
GROUPED = re.compile(r"\bby \(([^)]*)\)")


@pytest.fixture(scope="module")
def metrics() -> Metrics:
    found: Metrics = create_app(read_settings({"CDS_METRICS_PORT": "9090"})).extensions["cds"].telling.metrics
    return found


def made(metrics: Metrics) -> dict[str, set[str]]:
    """Every name of a sample with its labels."""
    found: dict[str, set[str]] = {"cds_knowledge_info": IN_FORCE}
    for one in metrics.registry._collector_to_names:
        if isinstance(one, Counter):
            found[f"{one._name}_total"] = set(one._labelnames)
        if isinstance(one, Histogram):
            found |= {f"{one._name}_{part}": set(one._labelnames) for part in ("bucket", "sum", "count")}
    return found


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]


def queries() -> list[tuple[str, str]]:
    """Every query with where it stands."""
    board = json.loads((DEPLOY / "grafana" / "dashboard.json").read_text("utf-8"))
    panels = [(panel["title"], one["expr"]) for panel in board["panels"] for one in panel["targets"]]
    return [*((one["alert"], one["expr"]) for one in alerts()), *panels]


@pytest.mark.parametrize(("where", "query"), queries(), ids=[where for where, _ in queries()])
def test_a_query_names_what_the_service_makes(where: str, query: str, metrics: Metrics) -> None:
    there = made(metrics)
    named = NAME.findall(query)
    assert named or "up{" in query
    labels = {label.strip() for group in GROUPED.findall(query) for label in group.split(",")}
    for name, matchers in named:
        assert name in there
        labels -= there[name] | OF_PROMETHEUS
        for label, how, value in LABEL.findall(matchers):
            assert label in there[name] | OF_PROMETHEUS, (name, label)
            if label in there[name] and name != "cds_knowledge_info":
                words = value.split("|") if "~" in how else [value]
                assert set(words) <= metrics.sets["fetched" if label == "fetched" else label], (label, value)
    assert not labels


def test_every_metric_has_its_place_on_the_dashboard(metrics: Metrics) -> None:
    shown = {name for _, query in queries() for name, _ in NAME.findall(query)}
    assert {name for name in made(metrics) if not name.endswith(("_sum", "_count"))} <= shown


def test_every_metric_is_in_the_table_of_the_documentation(metrics: Metrics) -> None:
    table = OPERATIONS.partition("| metric | labels | what it counts |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = {cells[0].strip("` "): set(re.findall(r"`(\w+)`", cells[1])) for cells in map(cells_of, table.splitlines())}
    expected = {name: labels for name, labels in made(metrics).items() if not name.endswith(("_sum", "_count"))}
    assert {name.removesuffix("_bucket"): labels for name, labels in expected.items()} == rows


def cells_of(line: str) -> list[str]:
    return line.strip("| ").split(" | ")


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: str(alert["alert"]))
def test_an_alert_has_a_severity_a_sentence_and_a_heading_in_the_documentation(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"]["summary"]
    assert alert["annotations"]["runbook"] == f"docs/runbook.md#{alert['alert'].lower()}"
    assert entry(alert["alert"])


def entry(alert: str) -> str:
    """What the runbook says of an alert."""
    return RUNBOOK.partition(f"\n### {alert}\n")[2].partition("\n### ")[0]


def test_the_runbook_has_no_alert_that_is_none() -> None:
    assert re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE) == [alert["alert"] for alert in alerts()]


@pytest.mark.parametrize("alert", [alert["alert"] for alert in alerts()])
def test_the_runbook_says_what_an_alert_means_where_to_look_what_to_do_and_whom_to_call(
    alert: str, metrics: Metrics
) -> None:
    said = entry(alert)
    assert tuple(re.findall(r"^\*\*([A-Z][a-z ]+)\*\*", said, re.MULTILINE)) == PARTS
    meaning, look, do, call = (part.strip(": \n") for part in re.split(r"^\*\*[A-Z][a-z ]+\*\*", said, flags=re.M)[1:])
    assert all(len(part.split()) >= 5 for part in (meaning, do, call))
    (commands,) = re.findall(r"\A```sh\n(.*?)```\Z", look, re.DOTALL)
    for step in re.split(r"[|;\n]+ *", re.sub(r"'[^']*'|2>&1", "", commands).strip()):
        assert step.split()[0] in PROGRAMS, step
    for name in re.findall(r"cds_\w+", said):
        assert name in made(metrics), name
    for name, options in re.findall(r"docker exec cds cds (\w+)(.*)", commands):
        assert set(options.split()) <= {option for one in main.commands[name].params for option in one.opts}


def test_the_table_of_the_runbook_names_each_alert_by_its_severity() -> None:
    table = RUNBOOK.partition("|---|---|---|\n")[2].partition("\n\n")[0]
    told = {name: line.rpartition("| ")[2].split(":")[0].strip(" |") for line in table.splitlines()
            for name in re.findall(r"\[(\w+)\]", line)}  # fmt: skip
    assert told == {alert["alert"]: alert["labels"]["severity"] for alert in alerts()}


def test_every_alert_is_tried_from_both_sides() -> None:
    tried = yaml.safe_load((RULES.parent / "alerts.test.yaml").read_text("utf-8"))["tests"]
    cases = [case for one in tried for case in one["alert_rule_test"]]
    for alert in alerts():
        own = [bool(case.get("exp_alerts")) for case in cases if case["alertname"] == alert["alert"]]
        assert {True, False} <= set(own), alert["alert"]


@pytest.mark.parametrize(
    "check",
    [("check", "rules", "alerts.yaml"), ("test", "rules", "alerts.test.yaml"), ("check", "config", "prometheus.yaml")],
)
def test_promtool_finds_nothing(check: tuple[str, ...]) -> None:
    promtool = shutil.which("promtool")
    if not promtool:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus); ./cds test --all does so as root")
    done = subprocess.run([promtool, *check], cwd=RULES.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
