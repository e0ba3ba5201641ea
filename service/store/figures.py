"""What became of cards, counted: the queries behind `cds report`. No row of it tells of a single patient.

In: a period. Out: Figures. A card counts once, by its latest feedback; it is `shown` when it was answered, as it was
judged or lowered. What is not answered is left out (a repeat) or silent. Source: CDS Hooks 2.0 "Feedback".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import Connection, and_, extract, func, select
from sqlalchemy.sql import ColumnElement

from service.store.database import Store
from service.store.tables import calls, card_issued, feedback

# What is counted of cards; shown = accepted + overridden + no_response, and cards = shown + left_out + silent.
COUNTED = (
    "cards", "shown", "accepted", "overridden", "no_response", "suppressed", "left_out", "lowered", "silent",
)  # fmt: skip
# How cards are grouped; calls by the columns that they have as well.
GROUPS: Mapping[str, tuple[str, ...]] = {
    "services": ("service",), "rules": ("topic", "row"), "indicators": ("indicator",), "knowledge": ("knowledge",),
    "clients": ("client",),
}  # fmt: skip
QUARTER = 900  # seconds: every time zone is so many of them from UTC

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days of a site, both included; None: without a bound."""

    zone: tzinfo
    since: date | None = None
    until: date | None = None

    def holds(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether an instant lies in it."""
        begins = self.since and datetime.combine(self.since, time(), self.zone).astimezone(UTC)
        ends = self.until and datetime.combine(self.until + timedelta(days=1), time(), self.zone).astimezone(UTC)
        return and_(True, *([at >= begins] if begins else []), *([at < ends] if ends else []))

    def holds_day(self, day: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether a day lies in it."""
        return and_(True, *([day >= self.since] if self.since else []), *([day <= self.until] if self.until else []))


@dataclass(frozen=True, slots=True)
class Figures:
    """The counts of a period."""

    total: Counter[str] = field(default_factory=Counter)
    groups: Mapping[str, dict[Key, Counter[str]]] = field(default_factory=lambda: {name: {} for name in GROUPS})
    reasons: Counter[str] = field(default_factory=Counter)  # system|code -> cards overridden; "": none was given
    calls: Mapping[str, Counter[Key]] = field(default_factory=lambda: {name: Counter() for name in ("", *GROUPS)})
    days: dict[date, Counter[str]] = field(default_factory=dict)
    unmatched: int = 0  # items of feedback about cards that are not known


def count(store: Store, period: Period) -> Figures:
    """The figures of a period; StoreDown when they cannot be had."""
    with store.read() as connection:
        found = Figures(unmatched=_unmatched(connection, period))
        for row in connection.execute(_cards(period)):
            _add_cards(found, row)
        for row in connection.execute(_calls(period)):
            _add_calls(found, row)
        for row in connection.execute(_quarters(period)):
            day = datetime.fromtimestamp(int(row.quarter), period.zone).date()
            found.days.setdefault(day, Counter()).update(_fates(row.fate, row.number))
    return found


def _cards(period: Period) -> Any:
    """Cards with the outcome and the reason of their latest feedback, counted by all that they are grouped by."""
    newest = [feedback.c.at.desc(), feedback.c.id.desc()]
    place = func.row_number().over(partition_by=feedback.c.card, order_by=newest).label("place")
    latest = select(feedback.c.card, feedback.c.outcome, feedback.c.reason, place).subquery()
    became = and_(latest.c.card == card_issued.c.uuid, latest.c.place == 1)
    names = dict.fromkeys(name for columns in GROUPS.values() for name in columns)
    groups = [*(card_issued.c[name] for name in names), card_issued.c.fate, latest.c.outcome, latest.c.reason]
    cards = card_issued.outerjoin(latest, became)
    asked = select(*groups, func.count().label("number")).select_from(cards).where(period.holds(card_issued.c.at))
    return asked.group_by(*groups)


def _quarters(period: Period) -> Any:
    """Cards by quarter of an hour: no database reckons in every time zone."""
    epoch = extract("epoch", card_issued.c.at)
    quarter = (epoch - epoch % QUARTER).label("quarter")
    asked = select(quarter, card_issued.c.fate, func.count().label("number")).where(period.holds(card_issued.c.at))
    return asked.group_by("quarter", card_issued.c.fate)


def _calls(period: Period) -> Any:
    groups = (calls.c.service, calls.c.client, calls.c.knowledge)
    asked = select(*groups, func.sum(calls.c.number).label("number")).where(period.holds_day(calls.c.day))
    return asked.group_by(*groups)


def _unmatched(connection: Connection, period: Period) -> int:
    """What came before its card was written is matched now; what came while its card was there stays so."""
    known = select(card_issued.c.uuid).where(card_issued.c.uuid == feedback.c.card).exists()
    strange = feedback.c.matched.is_(False) & ~known & period.holds(feedback.c.received)
    return int(connection.scalar(select(func.count()).select_from(feedback).where(strange)) or 0)


def _add_cards(found: Figures, row: Any) -> None:
    counts = _fates(row.fate, row.number)
    if counts["shown"]:
        counts[row.outcome or "no_response"] = row.number
        if row.outcome == "overridden":
            found.reasons[row.reason] += row.number
    found.total.update(counts)
    for group, columns in GROUPS.items():
        found.groups[group].setdefault(_key(row, columns), Counter()).update(counts)


def _add_calls(found: Figures, row: Any) -> None:
    found.calls[""][()] += int(row.number)
    for group, columns in GROUPS.items():
        if set(columns) <= set(calls.c.keys()):
            key = _key(row, columns)
            found.calls[group][key] += int(row.number)
            found.groups[group].setdefault(key, Counter())  # whoever calls and gets no card is seen too


def _key(row: Any, columns: Iterable[str]) -> Key:
    return tuple(str(getattr(row, name)) for name in columns)


def _fates(fate: str, number: int) -> Counter[str]:
    """What the fate of some cards counts as."""
    own = fate.replace("-", "_")
    counted = {"shown": ("shown",), "lowered": ("shown", "lowered", "suppressed"), "left_out": (own, "suppressed")}
    return Counter(dict.fromkeys(("cards", *counted.get(own, (own,))), number))
