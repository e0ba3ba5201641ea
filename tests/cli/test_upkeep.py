"""`cds purge` and `cds audit`, and what all commands say of a store that is not there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from filling import Site
from sqlalchemy import func, select, update

from service.store import Store, open_store
from service.store.audit import Act, append
from service.store.cards_issued import Issued, remember
from service.store.tables import audit, card_issued

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def site(url: str, tmp_path: Path) -> Site:
    return Site(url, tmp_path)


@pytest.fixture
def old(site: Site, store: Store) -> Store:
    """A card of today, one of 40 days ago and one of 800."""
    ages = {"new": 0, "old": 40, "ancient": 800}
    cards = [
        Issued(name, NOW - days * DAY, "p", "s", "", "t", "r", "info", "mild", "f", "1", "nice-ng239", evidence=b"x")
        for name, days in ages.items()
    ]
    with store.quick() as transaction:
        remember(transaction, cards)
    return store


def left(store: Store) -> list[int]:
    """Cards, and cards with evidence."""
    with store.read() as connection:
        counted = (func.count(), func.count(card_issued.c.evidence))
        return [int(n) for n in connection.execute(select(*counted).select_from(card_issued)).one()]


def test_a_dry_run_says_what_would_go_and_keeps_it(site: Site, old: Store) -> None:
    result = site.run("purge", "--dry-run")
    assert result.exit_code == 0
    lines = [line.split(maxsplit=1) for line in result.output.splitlines()]
    assert lines[0] == ["2", "what cards rest on, older than 30 days (CDS_EVIDENCE_DAYS)"]
    assert lines[1] == ["1", "cards older than 730 days (CDS_CARDS_DAYS)"]
    assert "nothing was removed" in result.output
    assert left(old) == [3, 3]


def test_purge_removes_what_the_settings_say(site: Site, old: Store) -> None:
    result = site.run("purge", CDS_EVIDENCE_DAYS="41")
    assert result.output.splitlines()[0].split()[0] == "1"
    assert result.output.endswith("removed\n")
    assert left(old) == [2, 2]
    assert site.run("purge").output.endswith("removed\n")
    assert left(old) == [2, 1]
    assert site.run("purge").output.endswith("nothing to do\n")


def acts(store: Store, number: int) -> None:
    for n in range(number):
        with store.write() as connection:
            append(connection, Act("me", "view", str(n), "ok"), NOW)


def test_a_trail_that_is_whole_is_told_with_its_length_and_its_last_digest(site: Site, store: Store) -> None:
    assert site.run("audit").output == "ok      no row yet\n"
    acts(store, 3)
    with store.read() as connection:
        digest = connection.scalar(select(audit.c.digest).where(audit.c.number == 3))
    result = site.run("audit")
    assert (result.exit_code, result.output) == (0, f"ok      3 rows, the last digest is {digest}\n")


def test_a_broken_trail_is_told_with_its_first_wrong_row(site: Site, store: Store) -> None:
    acts(store, 3)
    with store.write() as connection:
        connection.execute(update(audit).where(audit.c.number == 2).values(outcome="other"))
    result = site.run("audit")
    assert result.exit_code == 1
    assert result.output.startswith("BROKEN  row 2 does not follow")


COMMANDS = (["report"], ["purge"], ["audit"], ["replay", "--knowledge", "."])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: str(one[0]))
def test_a_store_that_is_off_or_not_there_is_named_and_none_is_made(command: list[str], tmp_path: Path) -> None:
    if "." in command:
        (tmp_path / "site.toml").write_text(
            '[overlay]\nname = "x"\napproved_by = "Dr. A"\napproved_on = 2026-11-01\n', "utf-8"
        )
        command = [*command[:-1], str(tmp_path / "site.toml")]
    site = Site(f"sqlite:///{tmp_path}/made/store.sqlite", tmp_path)
    off = site.run(*command, CDS_DATABASE_URL="off")
    assert off.exit_code == 2
    assert off.stderr.startswith("Error: CDS_DATABASE_URL: is off")
    (tmp_path / "canary").mkdir()
    nowhere = tmp_path / "canary" / "store.sqlite"
    result = site.run(*command, CDS_DATABASE_URL=f"sqlite:///{nowhere}")
    assert result.exit_code == 2
    assert "no database is there yet" in result.stderr and "canary" not in result.stderr
    assert not list(nowhere.parent.iterdir())


@pytest.mark.parametrize("command", ["report", "purge", "audit"])
def test_a_store_that_does_not_answer_is_named_without_its_address(command: str, tmp_path: Path) -> None:
    broken = tmp_path / "canary.sqlite"
    broken.write_bytes(b"no database" * 1000)
    result = Site(f"sqlite:///{tmp_path}/store.sqlite", tmp_path).run(command, CDS_DATABASE_URL=f"sqlite:///{broken}")
    assert result.exit_code == 2
    assert "CDS_DATABASE_URL: the database does not answer (DatabaseError)" in result.stderr
    assert "canary" not in result.stderr


def test_the_store_of_a_table_that_is_gone_does_not_answer(site: Site, store: Store) -> None:
    with store.write() as connection:
        connection.exec_driver_sql("DROP TABLE feedback")
    assert site.run("report").exit_code == 2


def test_the_commands_leave_the_store_usable(site: Site, url: str) -> None:
    for command in ("report", "audit", "purge"):
        assert site.run(command).exit_code == 0
    open_store(url).close()
