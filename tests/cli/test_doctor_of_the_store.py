"""What `cds doctor` says of the store, of silent services and of what is kept."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner
from filling import Site

from service.cli import main
from service.hooks import HOOKS
from service.store import open_store

WHO = ("north", "south")


def doctor(folder: Path, **settings: str) -> str:
    tables = (f'[[client]]\nname = "{one}"\nissuer = "urn:{one}"\njku = "https://a.example/{one}"\n' for one in WHO)
    (folder / "clients.toml").write_text("".join(tables))
    store = f"sqlite:///{folder}/store.sqlite"
    given = {"CDS_DATABASE_URL": store, "CDS_CLIENTS": f"{folder}/clients.toml", "CDS_AUTH": "off"} | settings
    result = CliRunner(env=given).invoke(main, ["doctor"])
    assert result.exit_code == 0, result.output
    return result.output.partition("store: ")[2]


def test_the_kind_of_the_store_what_is_kept_and_repeats_are_told(tmp_path: Path) -> None:
    said = doctor(tmp_path)
    assert said.startswith("sqlite\n")
    assert "kept: evidence 30 days, cards and feedback 730 days" in said
    assert "repeats: lowered to info for 24 hours, never severe counts and critical cards" in said
    assert "comments in feedback are dropped" in said
    assert "SILENT" not in said and "warning" not in said and str(tmp_path) not in said


def test_other_settings_are_told(tmp_path: Path) -> None:
    said = doctor(
        tmp_path, CDS_EVIDENCE_DAYS="7", CDS_CARDS_DAYS="90", CDS_REPEATS="omit", CDS_REPEAT_HOURS="8",
        CDS_REPEAT_SEVERE="yes", CDS_KEEP_COMMENTS="yes",
    )  # fmt: skip
    assert "evidence 7 days, cards and feedback 90 days" in said
    assert "repeats: left out for 8 hours, severe ones too" in said
    assert "comments in feedback are kept: they may name a patient" in said
    assert "repeats: shown as they are\n" in doctor(tmp_path, CDS_REPEATS="show")


@pytest.mark.parametrize(
    ("silent", "whom"),
    [
        ("neutropenia-review", {"neutropenia-review": "all"}),
        ("*", {one.id: "all" for one in HOOKS}),
        ("neutropenia-review@north, *@south", {
            "neutropenia-review": "north, south", "neutropenia-order-select": "south",
            "neutropenia-order-sign": "south",
        }),
    ],
)  # fmt: skip
def test_silent_services_are_told_with_those_who_get_no_card(tmp_path: Path, silent: str, whom: dict[str, str]) -> None:
    said = [line.strip() for line in doctor(tmp_path, CDS_SILENT=silent).splitlines()]
    expected = [f"SILENT {id}, for {who}: judges and keeps, and answers no card" for id, who in whom.items()]
    assert [line for line in said if line.startswith("SILENT")] == expected


def test_silence_without_a_store_keeps_nothing(tmp_path: Path) -> None:
    said = doctor(tmp_path, CDS_DATABASE_URL="off", CDS_SILENT="neutropenia-review")
    assert "keeping nothing: CDS_DATABASE_URL is off" in said
    assert "evidence 30 days" not in said


def test_a_database_of_a_newer_version_is_said_to_be_one(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/store.sqlite"
    open_store(store).close()
    with sqlite3.connect(tmp_path / "store.sqlite") as tables:
        tables.execute("update alembic_version set version_num = '9999'")
    for command, status in ((["doctor"], 1), (["serve", "--port", "8399"], 2)):
        result = CliRunner(env={"CDS_DATABASE_URL": store, "CDS_WORKBENCH": "off"}).invoke(main, command)
        assert (result.exit_code, isinstance(result.exception, SystemExit)) == (status, True)
        assert "CDS_DATABASE_URL: its tables are of a newer version (9999; this one knows 0003): start" in result.output


def test_a_key_that_does_not_open_what_is_kept_is_warned_of(tmp_path: Path) -> None:
    site = Site(f"sqlite:///{tmp_path}/store.sqlite", tmp_path)
    site.call("b12-deficient-positive-antibody")
    site.settled()
    warned = "warning: CDS_KEY_FILE: the newest evidence was sealed with a key that is not in the file"
    own = site.key.read_text()
    for keys, fits in ((own, True), ("x" * 64, False), (f"{'x' * 64}\n{own}", True)):
        site.key.write_text(keys)
        said = site.run("doctor")
        assert said.exit_code == 0
        assert (warned in said.output) is not fits


def test_tables_that_cannot_be_read_are_a_fault_of_the_database(tmp_path: Path) -> None:
    site = Site(f"sqlite:///{tmp_path}/store.sqlite", tmp_path)
    with sqlite3.connect(tmp_path / "store.sqlite") as tables:
        tables.execute("DROP TABLE card_issued")
    said = site.run("doctor")
    assert said.exit_code == 1
    assert "FAULT  store: sqlite\n  CDS_DATABASE_URL: the database does not answer (OperationalError)" in said.output
