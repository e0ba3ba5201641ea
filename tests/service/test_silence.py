"""Silent mode names services and clients that are there, and is said where one looks."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from service.app import create_app
from service.cli import main
from service.settings import Settings, SettingsError
from service.silence import told

CLIENTS = '[[client]]\nname = "st-elsewhere"\nissuer = "urn:a"\njku = "https://a.example/jwks.json"\n'


def settings(folder: Path, *silent: str) -> Settings:
    file = folder / "clients.toml"
    file.write_text(CLIENTS)
    return Settings(silent=silent, clients=file, auth="off")


@pytest.mark.parametrize(("silent", "said"), [
    ("neutropenia", "there is no service of this name: did you mean neutropenia-review?"),
    ("*@nobody", "there is no client of this name: there are st-elsewhere"),
    ("*@st-elsewher", "there is no client of this name: did you mean st-elsewhere?"),
])  # fmt: skip
def test_what_is_not_there_stops_the_start(tmp_path: Path, silent: str, said: str) -> None:
    with pytest.raises(SettingsError, match="CDS_SILENT") as caught:
        create_app(settings(tmp_path, "neutropenia-review", silent))
    (fault,) = caught.value.faults
    assert said in fault


@pytest.mark.parametrize(("silent", "said"), [
    (("*",), "neutropenia-review, neutropenia-order-select, neutropenia-order-sign."),
    (("neutropenia-review",), "Silent, emergencies too: neutropenia-review."),
    (("neutropenia-review@st-elsewhere",), "neutropenia-review (for some clients)."),
    ((), ""),
])  # fmt: skip
def test_who_is_silent_is_said_in_a_line(tmp_path: Path, silent: tuple[str, ...], said: str) -> None:
    assert said in told(settings(tmp_path, *silent))


def test_the_doctor_finds_a_name_that_is_not_there() -> None:
    result = CliRunner(env={"CDS_SILENT": "neutropenia"}).invoke(main, ["doctor"])
    assert result.exit_code == 1
    assert "CDS_SILENT: there is no service of this name" in result.output


def test_the_doctor_makes_no_database(tmp_path: Path) -> None:
    result = CliRunner(env={"CDS_DATABASE_URL": f"sqlite:///{tmp_path}/store.sqlite"}).invoke(main, ["doctor"])
    assert result.exit_code == 0
    assert list(tmp_path.iterdir()) == []


def test_a_map_of_orders_that_nobody_drafts_is_said(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    code = '{ system = "urn:x", code = "1" }'
    file.write_text(f'{CLIENTS}[client.orders]\n"2132-9" = {code}\n"http://loinc.org|2132-9" = {code}\n')
    said = CliRunner(env={"CDS_CLIENTS": str(file), "CDS_AUTH": "off"}).invoke(main, ["doctor"]).output
    assert "client.orders of st-elsewhere: no order has '2132-9'" in said
    assert "no order has 'http://loinc.org|2132-9'" not in said
    listed = CliRunner().invoke(main, ["doctor", "--orders"]).output
    assert "http://loinc.org|2132-9\tVitamin B12\n" in listed
    assert "Hematology referral\tHematology referral\n" in listed
