"""Feedback, audit and retention on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, delete, select, text, update

from service.store import Store, StoreDown
from service.store.audit import Act, append, broken
from service.store.cards_issued import Issued, earlier, remember
from service.store.feedback import Told, keep
from service.store.retention import Limits, purge
from service.store.tables import audit, card_issued, feedback

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def card(uuid: str, at: datetime = NOON) -> Issued:
    return Issued(uuid, at, "p", "s", "", "t", "r", "info", "mild", "f", "1", "nice-ng239", evidence=b"x")


def write(store: Store, *cards: Issued) -> None:
    with store.quick() as transaction:
        remember(transaction, cards)


def rows(store: Store) -> list[tuple[str, str, bool]]:
    with store.read() as connection:
        asked = select(feedback.c.card, feedback.c.outcome, feedback.c.matched).order_by(feedback.c.id)
        found = connection.execute(asked)
        return [tuple(row) for row in found]


def test_a_batch_that_comes_twice_makes_one_row_of_each_item(store: Store) -> None:
    write(store, card("known"))
    batch = [Told("known", "accepted", NOON, ("s1",)), Told("strange", "overridden", NOON)]
    assert keep(store, batch, "s", "", NOON) == 2
    assert keep(store, batch, "s", "", NOON + DAY) == 0
    assert rows(store) == [("known", "accepted", True), ("strange", "overridden", False)]


@pytest.mark.parametrize("change", [{"outcome": "overridden"}, {"at": NOON + DAY}, {"reason": "urn:a|b"}])
def test_another_outcome_time_or_reason_is_another_row(store: Store, change: dict[str, object]) -> None:
    keep(store, [Told("c", "accepted", NOON)], "s", "", NOON)
    told = {"card": "c", "outcome": "accepted", "at": NOON, **change}
    assert keep(store, [Told(**told)], "s", "", NOON) == 1


def test_a_thousand_items_are_kept_all_or_none(store: Store) -> None:
    many = [Told(f"c{n}", "overridden", NOON) for n in range(1000)]
    assert keep(store, many, "s", "", NOON) == 1000
    broken_one = Told("c", "overridden", NOON, comment=object())  # what no driver takes
    with pytest.raises(StoreDown):
        keep(store, [Told("last", "accepted", NOON), broken_one], "s", "", NOON)
    assert len(rows(store)) == 1000


def test_feedback_is_told_in_the_audit_trail(store: Store) -> None:
    keep(store, [Told("c", "accepted", NOON)], "s", "ehr", NOON)
    with store.read() as connection:
        (row,) = connection.execute(select(audit))
        assert (row.actor, row.action, row.outcome, row.before) == ("ehr", "feedback", "1 of 1 new", "")


def acts(store: Store, number: int) -> None:
    for n in range(number):
        with store.write() as connection:
            append(connection, Act("me", "view", str(n), "ok"), NOON + n * DAY)


def whole(connection: Connection) -> int | None:
    return broken(connection)


def test_the_chain_of_the_audit_holds(store: Store) -> None:
    acts(store, 5)
    with store.read() as connection:
        assert whole(connection) is None


@pytest.mark.parametrize("change", [{"outcome": "x"}, {"at": NOON}, {"about": "y"}, {"before": ""}, {"digest": "0"}])
def test_a_row_that_was_changed_is_found(store: Store, change: dict[str, object]) -> None:
    acts(store, 5)
    with store.write() as connection:
        connection.execute(update(audit).where(audit.c.number == 3).values(change))
    with store.read() as connection:
        assert whole(connection) == 3


def test_a_row_that_was_taken_out_is_found(store: Store) -> None:
    acts(store, 5)
    with store.write() as connection:
        connection.execute(delete(audit).where(audit.c.number == 2))
    with store.read() as connection:
        assert whole(connection) == 3


def test_what_is_too_old_goes_and_the_trail_says_so(store: Store) -> None:
    write(store, card("new"), card("old", NOON - 31 * DAY), card("ancient", NOON - 400 * DAY))
    keep(store, [Told("ancient", "accepted", NOON)], "s", "", NOON - 400 * DAY)
    limits = Limits(evidence=30, cards=365)
    expected = {"evidence": 2, "cards": 1, "feedback": 1, "calls": 0, "tokens": 0}
    assert purge(store, limits, NOON, "cds purge", dry=True) == expected
    assert purge(store, limits, NOON, "cds purge") == expected
    assert not any(purge(store, limits, NOON, "cds purge").values())
    with store.read() as connection:
        kept = connection.execute(select(card_issued.c.uuid, card_issued.c.evidence).order_by(card_issued.c.uuid)).all()
        assert [tuple(row) for row in kept] == [("new", b"x"), ("old", None)]
        told = connection.scalars(select(audit.c.outcome).where(audit.c.action == "purge")).all()
        assert told == ["evidence 2, cards 1, feedback 1"]
        assert connection.scalar(text("SELECT count(*) FROM feedback")) == 0


@pytest.mark.parametrize(("age", "goes"), [(30 * DAY, 0), (30 * DAY + timedelta(seconds=1), 1)])
def test_evidence_goes_when_its_days_are_over(store: Store, age: timedelta, goes: int) -> None:
    write(store, card("one", NOON - age))
    assert purge(store, Limits(30, 365), NOON, "x")["evidence"] == goes


def test_feedback_of_another_client_is_unmatched(store: Store) -> None:
    write(store, card("ours"))
    keep(store, [Told("ours", "overridden", NOON)], "s", "another", NOON)
    assert rows(store) == [("ours", "overridden", False)]
    with store.quick() as transaction:
        assert [one.override for one in earlier(transaction, "p", NOON - DAY, NOON - DAY)] == [None]


def test_the_longest_texts_of_four_bytes_are_kept(store: Store) -> None:
    long = "\U0001f9ea" * 1000
    batch = [Told(long, "overridden", NOON, reason=long), Told("good", "accepted", NOON)]
    assert keep(store, batch, "s", "", NOON) == 2
    assert keep(store, [Told(long, "overridden", NOON, reason=long)], "s", "", NOON) == 0
