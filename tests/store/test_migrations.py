"""Migrations forward and back with rows in the tables, beside servers that run, and by several at once."""

from __future__ import annotations

import re
import shlex
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from posted import cards, held, item, review, rows, running, tables_of, tell
from sqlalchemy import create_engine, insert, select
from wire import free_port, start

from service.cli import main
from service.store import migrating, open_store
from service.store.audit import Act, append
from service.store.cards_issued import Calls, Issued, count_calls, remember, set_evidence
from service.store.feedback import Told, keep
from service.store.migrating import migrate, revision, steps
from service.store.replays import UsedTokens
from service.store.tables import metadata

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
KNOWN = [step.revision for step in steps()]
PAIRS = list(pairwise(KNOWN))
NEXT = '''"""What a next version may bring: a column that can be missing, a table, an index."""
import sqlalchemy as sa
from alembic import op
revision, down_revision, LOST = "0099", "{newest}", "what became known since"
def upgrade() -> None:
    op.add_column("card_issued", sa.Column("ward", sa.String(64)))
    op.create_index("card_issued_ward", "card_issued", ["ward"])
    op.create_table("wards", sa.Column("name", sa.String(64), primary_key=True))
def downgrade() -> None:
    op.drop_table("wards")
    op.drop_index("card_issued_ward", "card_issued")
    with op.batch_alter_table("card_issued") as table:
        table.drop_column("ward")
'''


def fill(url: str) -> None:
    """Rows of every table, as the service writes them; one card was shown, one lowered, two were seen by nobody."""
    with closing(open_store(url)) as store:
        fates = ("shown", "lowered", "left-out", "silent")
        issued = [
            Issued(fate, NOON, "p" * 64, "s", "c", "O22", "a-row", "info", "mild", "f", "1", "nice-ng239", 365, fate)
            for fate in fates
        ]
        with store.quick() as transaction:
            remember(transaction, issued)
            set_evidence(transaction, dict.fromkeys(fates, b"sealed"))
            count_calls(transaction, {Calls(NOON.date(), "s", "c", "1"): 7})
        keep(store, [Told("shown", "overridden", NOON, reason="urn:x|y")], "s", "c", NOON)
        assert UsedTokens(store, lambda: NOON).accept_once("urn:ehr", "jti-1", NOON + timedelta(days=1))
        with store.write() as connection:
            append(connection, Act("me", "view", "shown", "ok"), NOON)


def columns(url: str) -> dict[str, set[str]]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {name: {column.name for column in table.columns} for name, table in tables_of(connection).items()}
    finally:
        engine.dispose()


def test_going_back_keeps_all_that_the_older_tables_can_hold_and_forward_loses_nothing(url: str) -> None:
    fill(url)
    for older, newer in reversed(PAIRS):
        before = held(url)
        assert all(before.values()), "every table has rows"
        migrate(url, older)
        assert revision(url) == older
        left, after = columns(url), held(url)
        for name, there in left.items():
            seen = [row for row in before[name] if row.get("fate", "shown") in ("shown", "lowered")]
            assert after[name] == [{column: row[column] for column in row if column in there} for row in seen], name
        migrate(url, newer)
        again = held(url)
        for name, kept in after.items():
            assert [{column: row[column] for column in row if column in left[name]} for row in again[name]] == kept
        migrate(url, older)
    migrate(url)
    assert columns(url).keys() == metadata.tables.keys()
    assert [row["fate"] for row in held(url)["card_issued"]] == ["shown", "shown"], "what is not known was shown"
    fill_again = held(url)
    open_store(url).close()
    assert held(url) == fill_again


@pytest.mark.parametrize(("older", "newer"), PAIRS)
def test_what_the_version_before_writes_can_be_written_on_the_next_tables(url: str, older: str, newer: str) -> None:
    """Two versions share a database while replicas are replaced: a migration only adds."""
    migrate(url, older)
    engine = create_engine(url)
    with engine.connect() as connection:
        known = tables_of(connection)
    migrate(url, newer)
    with engine.begin() as connection:
        for number, table in enumerate(known.values()):
            row = {column.name: made_up(column.type.python_type, number) for column in table.columns}
            connection.execute(insert(table), row)
            assert connection.execute(select(table)).mappings().one().keys() == row.keys()
    engine.dispose()


def made_up(kind: type, number: int) -> object:
    values = {str: f"x{number}", datetime: NOON, int: number + 1, bool: True, bytes: b"x", date: NOON.date()}
    return values[kind]


def test_several_that_start_together_on_older_tables_bring_them_forward_once(url: str) -> None:
    fill(url)
    migrate(url, KNOWN[-2])
    before = held(url)
    with ThreadPoolExecutor(8) as pool:
        for store in pool.map(open_store, [url] * 8):
            store.close()
    assert revision(url) == KNOWN[-1]
    assert held(url)["replay"] == before["replay"]


@pytest.fixture
def next_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Migrations with one more, for this process; servers that are started have those of this version."""
    shutil.copytree(migrating.SCRIPTS, tmp_path / "next", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "next/versions/0099_next.py").write_text(NEXT.format(newest=KNOWN[-1]), "utf-8")
    monkeypatch.setattr(migrating, "SCRIPTS", str(tmp_path / "next"))


@pytest.mark.usefixtures("next_version")
def test_a_server_goes_on_while_a_newer_version_migrates_and_none_of_this_version_starts_after(
    url: str, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("k" * 64)
    settings = {"CDS_KEY_FILE": str(tmp_path / "key")}
    stop, found = threading.Event(), list[tuple[int, int, str]]()
    with running(url, **settings) as service:

        def call() -> None:
            while not stop.is_set():
                (card,) = cards(service, review(whose=f"p{len(found)}"))
                told = tell(service, item(card["uuid"]))
                found.append((len(found), told.status, card["indicator"]))

        caller = threading.Thread(target=call)
        caller.start()
        wait_for(found, 5)
        migrate(url)
        assert revision(url) == "0099"
        wait_for(found, len(found) + 5)
        stop.set()
        caller.join()
        assert {(status, indicator) for _, status, indicator in found} == {(200, "warning")}
        assert rows(url, "SELECT count(*) FROM feedback WHERE matched") == [(len(found),)]
        with pytest.raises(AssertionError, match=rf"tables are of a newer version \(0099; this one knows {KNOWN[-1]}"):
            start(free_port(), CDS_DATABASE_URL=url, **settings)
    for line, status in zip(go_back(), (0, 1, 0), strict=True):
        database = url.replace("+psycopg", "")
        done = CliRunner(env=settings | {"CDS_DATABASE_URL": database}).invoke(main, shlex.split(line)[1:])
        assert done.exit_code == status, done.output
    assert revision(url) == KNOWN[-1]
    with running(url, **settings) as service:
        (card,) = cards(service, review(whose="p0"))
        assert card["indicator"] == "info", "it knows what came before"


def go_back() -> list[str]:
    """The commands of the document, with the newest revision of this version."""
    text = (Path(__file__).resolve().parents[2] / "docs/operations.md").read_text("utf-8")
    block = text.partition("### Go back\n")[2].partition("```sh\n")[2].partition("```")[0]
    return [re.sub(r"--to \d+", f"--to {KNOWN[-1]}", line.partition("#")[0]) for line in block.splitlines()]


def wait_for(found: list[Any], number: int) -> None:
    until = threading.Event()
    for _ in range(1500):
        if len(found) >= number:
            return
        until.wait(0.02)
    raise AssertionError(f"only {len(found)} calls were answered")
