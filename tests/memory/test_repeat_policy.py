"""Which card is a repeat, as a table: what was there before, what is asked now, what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from service.memory.policy import Fate, Key, Rules, fate
from service.store.cards_issued import Earlier, Issued

NOW = datetime(2026, 6, 15, 12, tzinfo=timezone(timedelta(hours=2)))
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
KEY = Key("neutropenia", "warning", "moderate", "f1", 0, on_order=False)
ORDER = replace(KEY, on_order=True)
CARD = Issued(
    "c1", (NOW - HOUR).astimezone(UTC), "p", "s", "", "neutropenia", "r", "warning", "moderate", "f1", "1", "x"
)

SHOWN = Fate()


def before(override: str | None = None, **changes: Any) -> Earlier:
    return Earlier(replace(CARD, **changes), override)


def lowered(because: str = "repeat", at: datetime = CARD.at, hours: int = 24, what: str = "lowered") -> Fate:
    return Fate(what, because, "c1", at, at + timedelta(hours=hours))


OURS = "urn:neutropenia-cds:override-reason|known-benign-neutropenia"
DAY_AGO = (NOW - 24 * HOUR).astimezone(UTC)
TABLE: dict[str, tuple[Earlier | None, Key, Rules, Fate]] = {
    "nothing before": (None, KEY, Rules(), SHOWN),
    "the same within the period": (before(), KEY, Rules(), lowered()),
    "the same, the site leaves out": (before(), KEY, Rules("omit"), lowered(what="left-out")),
    "the same, the site shows": (before(), KEY, Rules("show"), SHOWN),
    "overridden, the site shows": (before("|x"), KEY, Rules("show"), SHOWN),
    "overridden for a reason": (before(OURS), KEY, Rules(), lowered(f"override:{OURS}")),
    "overridden without a reason": (before(""), KEY, Rules(), lowered("override:")),
    "new result, other value, other row": (before(fingerprint="f0"), KEY, Rules(), SHOWN),
    "overridden, then a new result": (before(OURS, fingerprint="f0"), KEY, Rules(), SHOWN),
    "worse": (before(severity="mild"), KEY, Rules(), SHOWN),
    "better": (before(severity="moderate"), replace(KEY, severity="mild"), Rules(), SHOWN),
    "another topic": (before(topic="nutrient"), KEY, Rules(), SHOWN),
    "at the end of the period": (before(at=DAY_AGO), KEY, Rules(), lowered(at=DAY_AGO)),
    "one second beyond it": (before(at=DAY_AGO - SECOND), KEY, Rules(), SHOWN),
    "overridden, beyond the period": (before(OURS, at=DAY_AGO - SECOND), KEY, Rules(), SHOWN),
    "a shorter period of the site": (before(at=NOW - 2 * HOUR), KEY, Rules(hours=1), SHOWN),
    "severe": (before(severity="severe"), replace(KEY, severity="severe"), Rules(), SHOWN),
    "very severe, overridden": (
        before("", severity="very-severe"), replace(KEY, severity="very-severe"), Rules(), SHOWN,
    ),
    "critical": (before(indicator="critical"), replace(KEY, indicator="critical"), Rules(), SHOWN),
    "severe, the site wants it": (
        before(severity="severe"), replace(KEY, severity="severe"), Rules(severe_too=True), lowered(),
    ),
    "critical, the site wants it": (before(), replace(KEY, indicator="critical"), Rules(severe_too=True), lowered()),
    "severe, the site shows all": (
        before(severity="severe"), replace(KEY, severity="severe"), Rules("show", severe_too=True), SHOWN,
    ),
    "an order that is asked again": (before(), ORDER, Rules(), SHOWN),
    "an order that was overridden": (before(OURS), ORDER, Rules(), lowered(f"override:{OURS}")),
    "a lowered card begins no period": (before(fate="lowered"), KEY, Rules(), SHOWN),
    "a lowered card that was overridden": (before("", fate="lowered"), KEY, Rules(), lowered("override:")),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_the_fate_of_a_card(name: str) -> None:
    earlier, key, rules, expected = TABLE[name]
    assert fate(key, [earlier] if earlier else [], rules, NOW) == expected


def test_an_override_counts_more_than_a_newer_card() -> None:
    newer = before(uuid="c2", at=CARD.at + HOUR / 2)
    assert fate(KEY, [newer, before("|x")], Rules(), NOW) == lowered("override:|x")


def test_an_open_chart_is_told_in_full_once_a_period() -> None:
    """A card each hour for three days: at full level once a day, whatever was lowered in between."""
    seen: list[Earlier] = []
    for hour in range(72):
        now = NOW + hour * HOUR
        found = fate(KEY, reversed(seen), Rules(hours=23), now)
        seen.append(before(uuid=str(hour), at=now, fate=found.fate))
    assert [one.card.uuid for one in seen if one.card.fate == "shown"] == ["0", "24", "48"]


@pytest.mark.parametrize("hours", [1, 24, 720])
def test_what_is_held_back_says_until_when(hours: int) -> None:
    assert fate(KEY, [before()], Rules(hours=hours), NOW).until == CARD.at + hours * HOUR
