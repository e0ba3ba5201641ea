"""docs/deploying.md: what it names is there, what it shows is accepted."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from documents import DOCKERFILE, KUBERNETES, METRICS_PORT, ROOT, compose, manifest

import service
from service import clients

TEXT = (ROOT / "docs/deploying.md").read_text("utf-8")


def test_every_link_leads_somewhere() -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", TEXT)
    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_every_file_that_it_names_is_there() -> None:
    named = set(re.findall(r"\b(?:deploy|scripts)/[\w./-]*\w", TEXT))
    assert [name for name in named if not name.startswith("deploy/site") and not (ROOT / name).exists()] == []
    for name in re.findall(r"`(\w+\.yaml)`", TEXT):
        assert (KUBERNETES / name).exists() or (ROOT / name).exists(), name


def test_the_image_is_of_this_version() -> None:
    assert set(re.findall(r"neutropenia-cds:(\d[\w.]*)", TEXT)) == {service.__version__}


def test_every_label_is_there() -> None:
    (line,) = re.findall(r"^- Labels: (.*)$", TEXT, re.MULTILINE)
    for name in re.findall(r"`([^`]+)`", line):
        assert f"{name}=" in DOCKERFILE


@pytest.mark.parametrize("table", re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL))
def test_hapi_fhir_may_be_called_in_demo_mode_alone(table: str, tmp_path: Path) -> None:
    example = (ROOT / "deploy/clients.example.toml").read_text("utf-8")
    (tmp_path / "clients.toml").write_text(f"{example}\n{table}", "utf-8")
    with pytest.raises(ValueError, match="https"):
        clients.read(tmp_path / "clients.toml", False)
    (client,) = clients.read(tmp_path / "clients.toml", True)
    port = compose()["services"]["hapi"]["environment"]["SERVER_PORT"]
    assert [one.base for one in client.fhir] == [f"http://127.0.0.1:{port}/fhir"]


def test_the_job_for_prometheus_finds_the_port_of_the_metrics(tmp_path: Path) -> None:
    (table,) = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
    shown = yaml.safe_load(table)
    (job,) = shown["scrape_configs"]
    assert f'up{{job="{job["job_name"]}"}}' in (ROOT / "deploy/prometheus/alerts.yaml").read_text("utf-8")
    (pods,) = job.pop("kubernetes_sd_configs")  # Debian builds its Prometheus without them
    assert pods == {"role": "pod", "namespaces": {"names": [manifest("Namespace")["metadata"]["name"]]}}
    ports = manifest("Deployment")["spec"]["template"]["spec"]["containers"][0]["ports"]
    (kept,) = (one["regex"] for one in job["relabel_configs"] if one.get("action") == "keep")
    assert {one["name"]: one["containerPort"] for one in ports}[kept] == METRICS_PORT
    if promtool := shutil.which("promtool"):  # not everywhere; ./cds test --all installs it
        (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(shown), "utf-8")
        shutil.copy(ROOT / "deploy/prometheus/alerts.yaml", tmp_path)
        subprocess.run([promtool, "check", "config", tmp_path / "prometheus.yaml"], check=True, capture_output=True)


def test_the_password_of_the_database_is_shown_as_it_is_set() -> None:
    assert f"`CDS_DATABASE_URL={compose()['services']['cds']['environment']['CDS_DATABASE_URL']}`" in TEXT
