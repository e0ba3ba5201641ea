"""`cds migrate`: looks without changing, and goes back only when it is told what that removes."""

from __future__ import annotations

from pathlib import Path

import pytest
from filling import Site
from sqlalchemy import text

from service.store import Store
from service.store.migrating import migrate, revision, steps

KNOWN = [step.revision for step in steps()]


@pytest.fixture
def site(url: str, tmp_path: Path) -> Site:
    return Site(url, tmp_path)


def test_every_revision_is_listed_with_what_it_brought_and_nothing_is_changed(site: Site, url: str) -> None:
    migrate(url, "0002")
    said = site.run("migrate")
    assert said.exit_code == 0
    assert [line.split()[0] for line in said.output.splitlines()] == KNOWN
    assert "0002  Tokens that were used.  <- the tables\n" in said.output
    assert said.output.count("<- the tables") == 1
    assert revision(url) == "0002"


def test_going_back_waits_for_a_yes_and_says_what_goes(site: Site, url: str) -> None:
    site.call("b12-deficient-positive-antibody")
    site.settled()
    said = site.run("migrate", "--to", "0001")
    assert said.exit_code == 1
    assert said.output.splitlines()[0] == "Going back to 0001 removes"
    assert "\n  of 0003: feedback, counts of calls, the audit trail" in said.output
    assert "\n  of 0002: used tokens" in said.output
    assert revision(url) == KNOWN[-1]
    said = site.run("migrate", "--to", "0002", "--yes")
    assert (said.exit_code, said.output) == (0, f"tables at {KNOWN[-1]} -> 0002\n")
    assert revision(url) == "0002"
    assert site.run("migrate", "--to", KNOWN[-1]).output == f"tables at 0002 -> {KNOWN[-1]}\n", "forward needs no yes"
    assert site.run("migrate", "--to", KNOWN[-1]).output == f"tables at {KNOWN[-1]} already\n"


def test_a_revision_that_is_not_known_is_refused_with_those_that_are(site: Site, url: str) -> None:
    said = site.run("migrate", "--to", "../etc", "--yes")
    assert said.exit_code == 2
    assert f"is none of {', '.join(KNOWN)}" in said.stderr
    assert revision(url) == KNOWN[-1]


@pytest.mark.parametrize("command", [["migrate"], ["migrate", "--to", "0001", "--yes"], ["report"], ["purge"]])
def test_tables_of_a_newer_version_are_said_to_be_such_and_stay(site: Site, store: Store, command: list[str]) -> None:
    with store.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    said = site.run(*command)
    assert said.exit_code == 2
    told = f"Error: CDS_DATABASE_URL: its tables are of a newer version (9999; this one knows {KNOWN[-1]}): start that"
    assert said.stderr.startswith(told)
    assert f"`cds migrate --to {KNOWN[-1]}`" in said.stderr
    assert revision(site.url) == "9999"


def test_a_store_that_is_not_there_is_named_and_none_is_made(tmp_path: Path) -> None:
    site = Site(f"sqlite:///{tmp_path}/made/store.sqlite", tmp_path)
    said = site.run("migrate", CDS_DATABASE_URL=f"sqlite:///{tmp_path}/nowhere.sqlite")
    assert (said.exit_code, "no database is there yet" in said.stderr) == (2, True)
    assert not (tmp_path / "nowhere.sqlite").exists()
