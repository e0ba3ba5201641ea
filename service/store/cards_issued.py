"""Cards that calls led to: what became of each, which earlier one it repeats, what it rests on.

In: pseudonyms, topics, instants with a time zone. Out: rows of `card_issued`. Source: CDS Hooks 2.0 "Feedback";
knowledge H4.36.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from service.store.database import Store
from service.store.quick import Statement, Transaction, instant
from service.store.tables import LONG, calls, card_issued, feedback


@dataclass(frozen=True, slots=True)
class Issued:
    """A card, and what became of it."""

    uuid: str
    at: datetime
    pseudonym: str
    service: str
    client: str
    topic: str
    row: str
    indicator: str  # as judged, whatever was answered
    severity: str
    fingerprint: str
    knowledge: str
    profile: str
    period_days: int = 0
    fate: str = "shown"  # shown | lowered | left-out | silent
    because: str = ""  # repeat | override | period; with the reason of an override behind a colon
    earlier: str = ""
    until: datetime | None = None
    evidence: bytes | None = None


@dataclass(frozen=True, slots=True)
class Earlier:
    """A card that came before, and the reason with which it was overridden; None: it was not."""

    card: Issued
    override: str | None


class Calls(NamedTuple):
    """What calls are counted by."""

    day: date
    service: str
    client: str
    knowledge: str


_WITHOUT_EVIDENCE = [name for name in Issued.__slots__ if name != "evidence"]



def _unless_there(kind: Any) -> Any:
    """A card may have been written although the word of it was lost on the way back."""
    return kind.insert(card_issued).on_conflict_do_nothing(index_elements=[card_issued.c.uuid])


def _one_more(kind: Any) -> Any:
    keys = [column.name for column in calls.primary_key]
    new = kind.insert(calls)
    return new.on_conflict_do_update(index_elements=keys, set_={"number": calls.c.number + new.excluded.number})


def _earlier() -> Any:
    """Cards of a patient that were sent; lists of values would be expanded anew with each call, and cost more."""
    one, columns = card_issued.c, [card_issued.c[name] for name in _WITHOUT_EVIDENCE]
    reminder = and_(one.period_days > 0, one.at >= bindparam("reminded_since"))
    overridden = and_(
        feedback.c.card == one.uuid, feedback.c.client == one.client, feedback.c.outcome == "overridden"
    )
    return (
        select(*columns, feedback.c.reason, feedback.c.outcome)
        .select_from(card_issued.outerjoin(feedback, overridden))
        .where(one.pseudonym == bindparam("whose"), or_(one.at >= bindparam("since"), reminder))
        .where(or_(one.fate == "shown", one.fate == "lowered"))
        .order_by(one.at.desc(), feedback.c.at.desc())
    )


_INSERT = Statement(_unless_there(sqlite), postgresql=_unless_there(postgresql))
_EARLIER = Statement(_earlier())
_SEAL = Statement(update(card_issued).where(card_issued.c.uuid == bindparam("of")).values(evidence=bindparam("sealed")))
_COUNT = Statement(_one_more(sqlite), postgresql=_one_more(postgresql))


def remember(within: Transaction, cards: Iterable[Issued]) -> None:
    """Write cards down."""
    for one in cards:
        row = {name: getattr(one, name) for name in Issued.__slots__}
        _INSERT.run(within, row | {"because": one.because[:LONG]})


def count_calls(within: Transaction, more: Mapping[Calls, int]) -> None:
    """So many calls more."""
    for counted, number in more.items():
        _COUNT.run(within, {**counted._asdict(), "number": number})


def earlier(within: Transaction, pseudonym: str, since: datetime, reminded_since: datetime) -> Sequence[Earlier]:
    """The cards that a patient's charts have shown, reminders for longer, the newest first; so are overrides of one."""
    asked = {"whose": pseudonym, "since": since, "reminded_since": reminded_since}
    return [_found(row) for row in _EARLIER.ask(within, asked)]


def set_evidence(within: Transaction, sealed: Mapping[str, bytes]) -> None:
    """Put to cards that were written what they rest on."""
    for uuid, content in sealed.items():
        _SEAL.run(within, {"of": uuid, "sealed": content})


def find(store: Store, uuid: str) -> Issued | None:
    """One card with its evidence, still sealed."""
    with store.read() as connection:
        row = connection.execute(select(card_issued).where(card_issued.c.uuid == uuid)).first()
    return _issued(row) if row else None


def _found(row: tuple[Any, ...]) -> Earlier:
    """A row of `_earlier`: the columns but the evidence, then the reason and the outcome of its feedback."""
    *kept, reason, outcome = row
    one = dict(zip(_WITHOUT_EVIDENCE, kept, strict=True))
    card = Issued(**one | {"at": instant(one["at"]), "until": instant(one["until"])})
    return Earlier(card, reason if outcome else None)


def _issued(row: Any) -> Issued:
    return Issued(**{name: _aware(getattr(row, name)) for name in Issued.__slots__})


def _aware(value: Any) -> Any:
    """SQLite gives instants back without their time zone: they are in UTC."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
