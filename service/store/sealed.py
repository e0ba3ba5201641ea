"""Cards with what they rest on, call by call, as `cds replay` takes them.

In: a period. Out: the cards of each call, the oldest call first, and on demand what was sealed of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from sqlalchemy import func, select

from service.store.database import Store
from service.store.figures import Period
from service.store.tables import card_issued


@dataclass(frozen=True, slots=True)
class Kept:
    """A card whose evidence is kept."""

    uuid: str
    at: datetime
    service: str
    topic: str
    row: str
    indicator: str
    severity: str


def kept_calls(store: Store, period: Period) -> Sequence[tuple[Kept, ...]]:
    """The cards of each call whose evidence is kept; StoreDown when they cannot be had."""
    c = card_issued.c
    whose = (c.at, c.pseudonym, c.service, c.client)
    asked = select(c.uuid, c.topic, c.row, c.indicator, c.severity, *whose).where(period.holds(c.at))
    with store.read() as connection:
        rows = connection.execute(asked.where(c.evidence.is_not(None)).order_by(*whose, c.uuid)).all()
    return [
        tuple(Kept(r.uuid, r.at.replace(tzinfo=r.at.tzinfo or UTC), r.service, r.topic, r.row, r.indicator, r.severity)
              for r in call)
        for _, call in groupby(rows, key=lambda r: (r.at, r.pseudonym, r.service, r.client))
    ]  # fmt: skip


def without_evidence(store: Store, period: Period) -> int:
    """How many cards cannot be judged again: what they rest on is gone, or was never kept."""
    gone = period.holds(card_issued.c.at) & card_issued.c.evidence.is_(None)
    with store.read() as connection:
        return int(connection.scalar(select(func.count()).select_from(card_issued).where(gone)) or 0)


def newest(store: Store) -> tuple[str, bytes] | None:
    """The newest card whose evidence is kept, and that evidence, sealed."""
    c = card_issued.c
    asked = select(c.uuid, c.evidence).where(c.evidence.is_not(None)).order_by(c.at.desc()).limit(1)
    with store.read() as connection:
        found = connection.execute(asked).first()
    return (found.uuid, found.evidence) if found else None


def evidence_of(store: Store, uuids: Collection[str]) -> dict[str, bytes]:
    """What some cards rest on, sealed."""
    asked = select(card_issued.c.uuid, card_issued.c.evidence).where(card_issued.c.uuid.in_(sorted(uuids)))
    with store.read() as connection:
        return {row.uuid: row.evidence for row in connection.execute(asked) if row.evidence is not None}
