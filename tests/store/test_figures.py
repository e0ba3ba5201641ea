"""What `cds report` counts, on both databases; the store's own functions fill it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.store import Store
from service.store.cards_issued import Calls, Issued, count_calls, remember
from service.store.feedback import Told, keep
from service.store.figures import Figures, Period, count
from service.store.retention import Limits, purge

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ALWAYS = Period(UTC)
OURS = "urn:neutropenia-cds:override-reason|pending"


def card(uuid: str, fate: str = "shown", at: datetime = NOON, **changes: Any) -> Issued:
    fields = {"service": "s", "client": "", "topic": "O1", "row": "r", "indicator": "info", "knowledge": "1"} | changes
    return Issued(uuid, at, "p", severity="mild", fingerprint="f", profile="nice-ng239", fate=fate, **fields)


def write(store: Store, *cards: Issued) -> None:
    with store.quick() as transaction:
        remember(transaction, cards)


def told(store: Store, *items: Told) -> None:
    keep(store, items, "s", "", NOON)


def some(counts: Counter[str], *names: str) -> list[int]:
    return [counts[name] for name in names]


FATES = ("cards", "shown", "left_out", "lowered", "silent", "suppressed")
OUTCOMES = ("shown", "accepted", "overridden", "no_response")


def test_an_empty_store_counts_nothing(store: Store) -> None:
    assert count(store, ALWAYS) == Figures()


def test_each_fate_is_counted_where_it_belongs(store: Store) -> None:
    fates = ["shown", "shown", "lowered", "left-out", "left-out", "left-out", "silent"]
    write(store, *(card(f"c{n}", fate) for n, fate in enumerate(fates)))
    found = count(store, ALWAYS).total
    assert some(found, *FATES) == [7, 3, 3, 1, 1, 4]
    assert some(found, *OUTCOMES) == [3, 0, 0, 3]


def test_a_card_counts_once_by_its_latest_feedback(store: Store) -> None:
    write(store, *(card(name) for name in ("changed", "back", "same", "silence")))
    told(store, Told("changed", "accepted", NOON), Told("changed", "overridden", NOON + HOUR, reason=OURS))
    told(store, Told("back", "accepted", NOON + HOUR), Told("back", "overridden", NOON, reason=OURS))
    told(store, Told("same", "accepted", NOON), Told("same", "overridden", NOON))  # at once: the later in the batch
    found = count(store, ALWAYS)
    assert some(found.total, *OUTCOMES) == [4, 1, 2, 1]
    assert found.reasons == {OURS: 1, "": 1}


def test_feedback_about_a_card_that_was_not_answered_is_no_answer_to_it(store: Store) -> None:
    write(store, card("hidden", "left-out"), card("quiet", "silent"))
    told(store, Told("hidden", "accepted", NOON), Told("quiet", "overridden", NOON))
    found = count(store, ALWAYS)
    assert some(found.total, *OUTCOMES) == [0, 0, 0, 0]
    assert not found.reasons and not found.unmatched


def test_feedback_is_unmatched_until_its_card_is_known_and_never_once_it_was(store: Store) -> None:
    told(store, Told("late", "accepted", NOON), Told("strange", "accepted", NOON), Told("strange", "overridden", NOON))
    assert count(store, ALWAYS).unmatched == 3
    write(store, card("late"))  # the store was slow: the card is written behind its answer
    found = count(store, ALWAYS)
    assert found.unmatched == 2
    assert some(found.total, *OUTCOMES) == [1, 1, 0, 0]


def test_feedback_whose_card_was_purged_since_stays_matched(store: Store) -> None:
    write(store, card("old", at=NOON - 800 * DAY))
    told(store, Told("old", "accepted", NOON), Told("strange", "accepted", NOON))
    assert purge(store, Limits(30, 730), NOON, "x")["cards"] == 1
    assert count(store, ALWAYS).unmatched == 1


def test_cards_are_grouped_by_service_rule_indicator_knowledge_and_client(store: Store) -> None:
    write(store, card("a"), card("b", row="r2"), card("c", "silent", service="t", client="north", knowledge="2"))
    write(store, card("d", topic="O2", indicator="critical"))
    told(store, Told("a", "accepted", NOON), Told("d", "overridden", NOON))
    groups = count(store, ALWAYS).groups
    assert {key: some(n, "cards", *OUTCOMES) for key, n in groups["rules"].items()} == {
        ("O1", "r"): [2, 1, 1, 0, 0], ("O1", "r2"): [1, 1, 0, 0, 1], ("O2", "r"): [1, 1, 0, 1, 0],
    }  # fmt: skip
    assert {key: n["cards"] for key, n in groups["services"].items()} == {("s",): 3, ("t",): 1}
    assert {key: n["cards"] for key, n in groups["clients"].items()} == {("",): 3, ("north",): 1}
    assert {key: n["cards"] for key, n in groups["knowledge"].items()} == {("1",): 3, ("2",): 1}
    assert {key: n["cards"] for key, n in groups["indicators"].items()} == {("info",): 3, ("critical",): 1}


def test_calls_are_counted_by_service_client_and_knowledge_with_and_without_cards(store: Store) -> None:
    with store.quick() as transaction:
        for day, service, client in ((0, "s", ""), (0, "s", ""), (1, "s", "north"), (2, "t", "north")):
            count_calls(transaction, {Calls((NOON + day * DAY).date(), service, client, "1"): 1})
    found = count(store, ALWAYS)
    assert found.calls[""] == {(): 4}
    assert found.calls["services"] == {("s",): 3, ("t",): 1}
    assert found.calls["clients"] == {("",): 2, ("north",): 2}
    assert found.calls["knowledge"] == {("1",): 4}
    assert found.groups["services"].keys() == {("s",), ("t",)}
    assert not found.groups["rules"]
    from_the_second = Period(UTC, since=NOON.date() + DAY, until=NOON.date() + DAY)
    assert count(store, from_the_second).calls[""] == {(): 1}


KOLKATA = ZoneInfo("Asia/Kolkata")  # 5:30 before UTC


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (datetime(2026, 6, 15, 18, 29, 59, tzinfo=UTC), date(2026, 6, 15)),
        (datetime(2026, 6, 15, 18, 30, tzinfo=UTC), date(2026, 6, 16)),
        (datetime(2026, 6, 14, 18, 30, 0, 1, tzinfo=UTC), date(2026, 6, 15)),
        (datetime(2026, 6, 14, 18, 29, 59, 999_000, tzinfo=UTC), date(2026, 6, 14)),
    ],
)
def test_days_are_those_of_the_site_and_both_ends_belong(store: Store, at: datetime, day: date) -> None:
    write(store, card("one", at=at))
    keep(store, [Told("strange", "accepted", NOON)], "s", "", at)
    for since, until, seen in (
        (day, day, 1), (None, day, 1), (day, None, 1), (day + DAY, None, 0), (None, day - DAY, 0),
    ):  # fmt: skip
        found = count(store, Period(KOLKATA, since, until))
        assert (found.total["cards"], found.unmatched) == (seen, seen)
        assert found.days == ({day: Counter(cards=1, shown=1)} if seen else {})
