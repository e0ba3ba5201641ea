"""Feedback and calls as a client sends them, and the rows that they leave."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from requests_of import PATIENT, bundle, call, observation, patient
from sqlalchemy import Connection, MetaData, Table, create_engine, select, text
from wire import HOOK, Reply, Running, free_port, start

FEEDBACK = f"{HOOK}/feedback"
NOON = "2026-06-15T12:00:00Z"
DRAWN = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
OURS = "urn:neutropenia-cds:override-reason"
Json = dict[str, Any]
Rows = dict[str, list[dict[str, Any]]]


def item(card: str = "", outcome: str = "overridden", **more: Any) -> Json:
    said: Json = {"card": card or str(uuid4()), "outcome": outcome, "outcomeTimestamp": NOON, **more}
    return said | ({"acceptedSuggestions": [{"id": str(uuid4())}]} if outcome == "accepted" else {})


def tell(running: Running, *items: Json) -> Reply:
    return running.post(FEEDBACK, {"feedback": list(items)})


def review(value: float = 0.9, whose: str = PATIENT, **changes: Any) -> Json:
    about = {"subject": {"reference": f"Patient/{whose}"}}
    drawn = observation(value=value, effectiveDateTime=DRAWN, **about)
    prefetch = {"patient": patient(id=whose), "count": bundle(drawn)}
    return call(prefetch, context={"userId": "Practitioner/d-1", "patientId": whose}, **changes)


def cards(running: Running, asked: Json) -> list[Json]:
    reply = running.post(HOOK, asked)
    assert reply.status == 200, reply
    found: list[Json] = reply.json["cards"]
    return found


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(query))]
    finally:
        engine.dispose()


def tables_of(connection: Connection) -> dict[str, Table]:
    found = MetaData()
    found.reflect(connection)
    return {name: table for name, table in found.tables.items() if name != "alembic_version"}


def held(url: str) -> Rows:
    """All rows of all tables."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {
                name: [dict(row) for row in connection.execute(select(table).order_by(*table.primary_key)).mappings()]
                for name, table in tables_of(connection).items()
            }
    finally:
        engine.dispose()


@contextlib.contextmanager
def running(url: str, *arguments: str, **settings: str) -> Iterator[Running]:
    """A service on a database."""
    service = start(free_port(), *arguments, CDS_DATABASE_URL=url, **settings)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.process.terminate()
            service.process.communicate(timeout=20)
