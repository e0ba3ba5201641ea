"""What a database grows by: calls with a card and without, feedback on the cards; what remains of it after a purge.

In: nothing; requests are made here. Out: Figures of an SQLite file, in pages that hold something. Each call is about
another patient, so that no card is a repeat; tokens are not used here (a row each, gone within the hour).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from flask.testing import FlaskClient

from bench.figures import HOOK, Figure, Runs
from bench.remembering import bodies
from bench.requests import AS_OF, PATIENT
from service.app import create_app
from service.memory import Memory
from service.settings import Settings
from service.store.feedback import Told, keep
from service.store.retention import Limits, purge

__all__ = ["CALLS", "keeping"]

CALLS = 500
GOAL = 11


def keeping(_: Runs | None = None, calls: int = CALLS) -> Iterator[Figure]:
    """Issue 8: the growth of the database, for sizing."""
    for name, body in bodies().items():
        with tempfile.TemporaryDirectory(prefix="cds-bench-", dir=Path.cwd()) as home:
            yield from _grown(Path(home) / "store.sqlite", name, body, calls)


def _grown(file: Path, name: str, body: bytes, calls: int) -> Iterator[Figure]:
    settings = Settings(database_url=f"sqlite:///{file}")
    app = create_app(settings, lambda: AS_OF)
    memory: Memory = app.extensions["cds"].memory
    empty = _bytes_in_use(file)
    uuids = [uuid for number in range(calls) for uuid in _call(app.test_client(), body, f"bench-{number:06}")]
    while memory.store.waiting:
        memory.store.within(60, lambda: None)  # what was left for later comes first
    yield _figure(f"1,000 calls, {name}", _bytes_in_use(file) - empty, calls)
    if uuids:
        held = _bytes_in_use(file)
        keep(memory.store, [Told(uuid, "accepted", AS_OF) for uuid in uuids], "s", "", AS_OF)
        yield _figure("feedback on 1,000 cards", _bytes_in_use(file) - held, len(uuids))
    limits = Limits(settings.evidence_days, settings.cards_days)
    for days in (limits.evidence, limits.cards):
        purge(memory.store, limits, AS_OF + timedelta(days=days + 1), "bench")
        yield _figure(f"1,000 calls, {name}: purged after {days} days", _bytes_in_use(file) - empty, calls)
        _vacuum(file)
        yield _figure(f"1,000 calls, {name}: purged after {days} days, VACUUM", _bytes_in_use(file) - empty, calls)
    memory.store.close()


def _vacuum(file: Path) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("VACUUM")


def _call(client: FlaskClient, body: bytes, patient: str) -> list[str]:
    answer = client.post(HOOK, data=body.replace(PATIENT.encode(), patient.encode()), content_type="application/json")
    assert answer.status_code == 200
    return [str(UUID(card["uuid"])) for card in json.loads(answer.data)["cards"]]


def _bytes_in_use(file: Path) -> int:
    """Pages that hold something: those that a purge has freed are used again, and the file stays as long as it was."""
    with contextlib.closing(sqlite3.connect(file)) as database:
        names = ("page_count", "freelist_count", "page_size")
        pages, free, size = (int(database.execute(f"PRAGMA {name}").fetchone()[0]) for name in names)
    return (pages - free) * size


def _figure(what: str, grown: int, calls: int) -> Figure:
    return Figure(GOAL, what, grown / calls, "kB")  # bytes a call are kilobytes a thousand
