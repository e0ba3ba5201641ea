"""compose.yaml: what compose understands, what the service accepts, and no secret in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from documents import KNOWN, METRICS_PORT, ROOT, compose, port_of_the_image, with_paths

import service
from service.cli.serve import STOP_SECONDS
from service.ground import read_settings
from service.settings import SettingsError

SERVICES = compose()["services"]
CDS = SERVICES["cds"]
SECRETS = compose()["secrets"]


def faults(path: Path) -> str:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode else ""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """deploy/site as deploy/make-secrets writes it."""
    folder = tmp_path_factory.mktemp("deploy") / "site"
    subprocess.run([ROOT / "deploy/make-secrets", folder], check=True, capture_output=True)
    return folder


def in_container(site: Path, **changes: str) -> dict[str, str]:
    """The environment of the service, its secrets in a folder of this machine."""
    mounted = {f"/run/secrets/{name}": site / Path(SECRETS[name]["file"]).name for name in CDS["secrets"]}
    chosen = {"CDS_PUBLIC_BASE_URL": "https://cds.hospital.example", **changes}
    filled = {name: re.sub(r"^\$\{(\w+):-(.*)\}$", r"\2", value) for name, value in CDS["environment"].items()}
    return with_paths({**filled, **chosen}, mounted)


def test_it_follows_the_schema_of_compose() -> None:
    assert not faults(ROOT / "compose.yaml")


def test_a_misspelt_key_would_be_noticed(tmp_path: Path) -> None:
    text = (ROOT / "compose.yaml").read_text("utf-8")
    (tmp_path / "compose.yaml").write_text(text.replace("read_only:", "readonly:"), "utf-8")
    assert "readonly" in faults(tmp_path / "compose.yaml")


def test_the_service_accepts_its_settings_in_production(site: Path) -> None:
    chosen = read_settings(in_container(site))
    assert chosen.mode == "production"
    assert chosen.authenticates
    assert chosen.database_url.startswith("postgresql")


def test_in_demo_mode_calls_need_their_tokens_all_the_same(site: Path) -> None:
    assert CDS["environment"]["CDS_MODE"].startswith("${CDS_MODE:-")
    assert read_settings(in_container(site, CDS_MODE="demo")).authenticates


def test_the_service_would_say_what_is_missing(site: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        read_settings(in_container(site, CDS_PUBLIC_BASE_URL="", CDS_CLIENTS=""))
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["CDS_PUBLIC_BASE_URL", "CDS_CLIENTS"]


def test_every_variable_is_a_setting() -> None:
    assert {name for name in CDS["environment"] if name.startswith("CDS_")} <= KNOWN


def test_the_address_that_ehrs_call_has_to_be_given() -> None:
    assert CDS["environment"]["CDS_PUBLIC_BASE_URL"].startswith("${CDS_PUBLIC_BASE_URL:?")


def test_secrets_are_files_of_the_folder_that_git_passes_over() -> None:
    assert {Path(one["file"]).parent.as_posix() for one in SECRETS.values()} == {"deploy/site"}
    assert "deploy/site/" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
    named = {name for one in SERVICES.values() for name in one.get("secrets", ())}
    assert named == set(SECRETS)


def test_no_password_stands_in_it() -> None:
    plain = re.compile(r"(password|secret|token)", re.IGNORECASE)
    for one in SERVICES.values():
        for name, value in one.get("environment", {}).items():
            assert not plain.search(name) or (name.endswith("_FILE") and value.startswith("/run/secrets/")), name
            assert not re.search(r"://[^/@]*:[^/@]*@", str(value)), name


@pytest.mark.parametrize("name", SERVICES)
def test_every_image_has_a_version(name: str) -> None:
    repository, _, tag = SERVICES[name]["image"].rpartition(":")
    assert repository
    assert re.match(r"v?\d+(\.\d+)*\b", tag), tag


def test_the_image_of_the_service_is_of_this_version() -> None:
    assert CDS["image"] == f"neutropenia-cds:{service.__version__}"


@pytest.mark.parametrize("name", ["cds", "proxy", "prometheus"])
def test_nothing_more_is_allowed_than_needed(name: str) -> None:
    one = SERVICES[name]
    assert one["read_only"] is True
    assert one["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in one["security_opt"]


def test_running_calls_may_finish(site: Path) -> None:
    drain = read_settings(in_container(site)).drain_seconds
    assert int(CDS["stop_grace_period"].removesuffix("s")) > drain + STOP_SECONDS


def test_metrics_have_a_place_to_count_in_and_are_reached_from_inside_alone(site: Path) -> None:
    chosen = read_settings(in_container(site))
    assert (chosen.metrics_port, chosen.metrics_host) == (METRICS_PORT, "0.0.0.0")
    assert chosen.metrics_port != port_of_the_image()
    assert CDS["tmpfs"] == ["/tmp:size=32m"]
    published = [str(port) for one in SERVICES.values() for port in one.get("ports", ())]
    assert not [port for port in published if str(METRICS_PORT) in port]
    assert str(METRICS_PORT) not in (ROOT / "deploy/nginx.conf").read_text("utf-8")


def test_prometheus_scrapes_the_service_by_the_files_of_deploy() -> None:
    prometheus = SERVICES["prometheus"]
    assert set(prometheus["networks"]) & set(CDS["networks"]) == {"monitoring"}
    files = dict(volume.split(":")[:2] for volume in prometheus["volumes"] if volume.startswith("./"))
    assert list(files) == ["./deploy/prometheus/prometheus.yaml", "./deploy/prometheus/alerts.yaml"]
    read = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yaml").read_text("utf-8"))
    assert {Path(files["./deploy/prometheus/alerts.yaml"]).name} == set(read["rule_files"])
    (scrape,) = read["scrape_configs"]
    assert scrape["static_configs"] == [{"targets": [f"cds:{METRICS_PORT}"]}]


def test_the_proxy_alone_is_reached_from_outside() -> None:
    def opened(one: dict[str, Any]) -> list[str]:
        return [port for port in one.get("ports", ()) if not str(port).startswith("127.0.0.1:")]

    assert {name: opened(one) for name, one in SERVICES.items() if opened(one)} == {"proxy": ["443:8443"]}
    assert SERVICES["database"]["networks"] == ["database"]
    assert compose()["networks"]["database"]["internal"] is True


def test_the_proxy_listens_and_calls_where_compose_says() -> None:
    text = (ROOT / "deploy/nginx.conf").read_text("utf-8")
    assert "listen 8443 ssl;" in text
    assert f"http://cds:{port_of_the_image()};" in text
    for name in SERVICES["proxy"]["secrets"]:
        assert f" /run/secrets/{name};" in text


def test_hapi_fhir_is_a_profile_of_its_own_and_says_that_it_is_not_run() -> None:
    assert {name: one["profiles"] for name, one in SERVICES.items() if "profiles" in one} == {
        "hapi": ["hapi"], "prometheus": ["monitoring"],
    }  # fmt: skip
    before = (ROOT / "compose.yaml").read_text("utf-8").partition("\n  hapi:\n")[0]
    assert "NOT RUN IN OUR TESTS" in before[-400:]


def test_what_is_there_already_stays(site: Path) -> None:
    before = {path.name: path.read_bytes() for path in site.iterdir()}
    subprocess.run([ROOT / "deploy/make-secrets", site], check=True, capture_output=True)
    assert {path.name: path.read_bytes() for path in site.iterdir()} == before
    assert set(before) == {"key", "database-password", "database.conf", "clients.toml"}


def test_secrets_are_random_and_no_other_user_gets_at_them(site: Path, tmp_path: Path) -> None:
    subprocess.run([ROOT / "deploy/make-secrets", tmp_path / "site"], check=True, capture_output=True)
    for name in ("key", "database-password"):
        assert len((site / name).read_bytes()) == 64
        assert (site / name).read_bytes() != (tmp_path / "site" / name).read_bytes()
    assert (site / "key").read_bytes() != (site / "database-password").read_bytes()
    assert (site / "database-password").read_text() in (site / "database.conf").read_text()
    assert site.stat().st_mode & 0o777 == 0o700
