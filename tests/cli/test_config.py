"""`cds config`: every setting with what is in force; no password; all faults at once; what production refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.cli.config import in_force
from service.ground import read_settings
from service.settings import Settings, SettingsError, read, variables

PRODUCTION = {"CDS_MODE": "production", "CDS_PUBLIC_BASE_URL": "https://cds.example.org",
              "CDS_DATABASE_URL": "sqlite:////tmp/store.sqlite"}  # fmt: skip


def config(*arguments: str, status: int = 0, **given: str) -> tuple[str, str]:
    """What it prints, and what it says beside."""
    plain = {"COLUMNS": "400", "CDS_DATABASE_URL": "off", **given}
    done = CliRunner(env=plain).invoke(main, ["config", *arguments])
    assert done.exit_code == status, done.output
    return done.stdout, done.stderr


def row(printed: str, name: str) -> list[str]:
    (line,) = (line for line in printed.splitlines() if line.startswith(f"{name} "))
    return line.split()


def test_every_setting_has_a_row() -> None:
    printed, _ = config()
    assert [line.split()[0] for line in printed.splitlines()[1:]] == [one.name for one in variables()]


def test_a_row_has_what_is_in_force_beside_the_default() -> None:
    printed, _ = config(CDS_TIME_ZONE="Europe/Zurich", CDS_DRAIN_SECONDS="1.5", CDS_MAX_BODY="1025")
    assert row(printed, "CDS_TIME_ZONE")[1:3] == ["Europe/Zurich", "UTC"]
    assert row(printed, "CDS_DRAIN_SECONDS")[1:3] == ["1.5", "3"]
    assert row(printed, "CDS_MAX_BODY")[1:4] == ["1025", "4", "MiB"]
    assert row(printed, "CDS_DATABASE_URL")[1] == "off"


def test_every_default_in_force_is_shown_as_the_table_has_it() -> None:
    for one in variables():
        if one.field != "database_url":
            assert in_force(one.field, Settings()) in (one.shown_default, "no")


@pytest.mark.parametrize("url", [
    "postgresql://me:canary7731@db.example/cds", "postgresql://me@db.example/cds?password=canary7731",
    "postgresql://me@db.example/cds?sslpassword=canary7731&sslmode=require",
])  # fmt: skip
def test_no_password_is_shown(url: str) -> None:
    printed, _ = config(CDS_DATABASE_URL=url, status=2)  # there is no key for it
    assert "db.example/cds" in printed
    assert "canary7731" not in printed


def test_all_faults_are_said_and_the_rest_is_shown() -> None:
    printed, said = config(status=2, CDS_MODE="x", CDS_MAX_BODY="canary7731", CDS_TIME_ZONE="Europe/Zurich", CDS_XY="1")
    assert "Error: CDS_MODE: use demo or production" in said and "Error: CDS_MAX_BODY: " in said
    assert "Warning: CDS_XY is not a setting" in said
    assert row(printed, "CDS_MODE")[1:4] == ["cannot", "be", "used"]
    assert row(printed, "CDS_TIME_ZONE")[1] == "Europe/Zurich"
    assert "canary7731" not in printed + said


INSECURE = [
    ({"CDS_AUTH": "off"}, "CDS_AUTH: production authenticates"),
    ({"CDS_PUBLIC_BASE_URL": "http://127.0.0.1:8080"}, "CDS_PUBLIC_BASE_URL: production is reached by https"),
    ({"CDS_PUBLIC_BASE_URL": ""}, "CDS_PUBLIC_BASE_URL: is not set"),
    ({"CDS_CLIENTS": ""}, "CDS_CLIENTS: is not set"),
    ({"CDS_DATABASE_URL": "off"}, "CDS_DATABASE_URL: is off"),
    ({"CDS_DATABASE_URL": "postgresql://me:canary7731@db.example/cds"}, "CDS_DATABASE_URL: holds a password"),
    ({"CDS_DATABASE_URL": "postgresql:///cds?password=canary7731"}, "CDS_DATABASE_URL: holds a password"),
    ({"CDS_WORKBENCH": "on"}, "CDS_WORKBENCH: asks for no token"),
    ({"CDS_CORS_ORIGINS": "*"}, "CDS_CORS_ORIGINS: list exact origins"),
    ({"CDS_CORS_ORIGINS": "https://a.example,http://b.example"}, "CDS_CORS_ORIGINS: production lets in https alone"),
]


@pytest.fixture
def production(tmp_path: Path) -> dict[str, str]:
    clients = tmp_path / "clients.toml"
    clients.write_text('[[client]]\nname = "a"\nissuer = "urn:a"\njku = "https://a.example/jwks"\n')
    return PRODUCTION | {"CDS_CLIENTS": str(clients)}


def test_production_starts_when_it_is_secure(production: dict[str, str]) -> None:
    assert read_settings(production).authenticates
    listed = read_settings(production | {"CDS_CORS_ORIGINS": "https://a.example,http://localhost:3000"})
    assert len(listed.cors_origins) == 2


@pytest.mark.parametrize(("given", "said"), INSECURE)
def test_production_refuses_what_is_insecure(production: dict[str, str], given: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(production | given)
    assert [one for one in caught.value.faults if one.startswith(said)], caught.value.faults
    assert "canary7731" not in str(caught.value.faults)


def test_all_that_production_lacks_is_said_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings({"CDS_MODE": "production", "CDS_AUTH": "on", "CDS_DATABASE_URL": "off", "CDS_WORKBENCH": "on"})
    assert {one.partition(":")[0] for one in caught.value.faults} == {
        "CDS_PUBLIC_BASE_URL", "CDS_CLIENTS", "CDS_DATABASE_URL", "CDS_WORKBENCH",
    }  # fmt: skip


def test_what_is_wrong_with_the_key_is_said_with_all_else(tmp_path: Path) -> None:
    short = tmp_path / "key"
    short.write_text("too short")
    postgresql = {"CDS_DATABASE_URL": "postgresql://cds@db.example/cds", "CDS_MODE": "x"}
    for given, fault in (({}, "is not set"), ({"CDS_KEY_FILE": str(short)}, "key 1 has fewer than 32 bytes")):
        _, said = config(status=2, **postgresql, **given)
        assert "Error: CDS_MODE: " in said and f"Error: CDS_KEY_FILE: {fault}" in said
    config(CDS_KEY_FILE=str(short))  # nothing is remembered, so nothing needs a key


def test_demo_mode_lets_in_http_origins() -> None:
    assert read({"CDS_CORS_ORIGINS": "http://b.example"}).cors_origins == ("http://b.example",)
