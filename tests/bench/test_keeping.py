"""What is told of the growth of the database is of calls that were kept: it comes, and goes with its days."""

from __future__ import annotations

from bench.keeping import keeping


def test_cards_grow_the_database_until_their_days_are_over_and_calls_without_cards_do_not() -> None:
    found = {figure.what: figure.value for figure in keeping(40)}
    grown = found["1,000 calls, two cards"]
    assert grown > found["1,000 calls, two cards: purged after 30 days, VACUUM"] > 0
    assert found["feedback on 1,000 cards"] > 0
    # The trail says what was purged, and stays: a page or two of forty calls.
    assert found["1,000 calls, two cards: purged after 730 days, VACUUM"] < grown / 10
    assert found["1,000 calls, no card"] < grown / 10
