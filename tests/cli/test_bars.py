"""Bars of bands: the mark stands in the band that decided, on either side of each bound, and reads without colour."""

from __future__ import annotations

from decimal import Decimal

import pytest

from service.cli.bars import BETWEEN, SHADES, bar, below, names
from service.clinical.interval import Interval
from service.clinical.knowledge.loader import load
from service.clinical.knowledge.model import Band, Scale
from service.clinical.scales import place

GRADES = next(scale.bands for scale in load("nice-ng239").scales["grade"] if len(scale.bands) == 5)
B12 = (
    Band("deficient", "low", below=Decimal(180)), Band("indeterminate", "middle", upto=Decimal(350)),
    Band("sufficient", "ok"),
)  # fmt: skip


def drawn(bands: tuple[Band, ...], value: str, width: int = 60, comparator: str | None = None) -> str:
    return bar(bands, Interval.reported(Decimal(value), comparator), width)[0].plain


def part(text: str) -> int:
    """Which band the mark stands in."""
    return next(at for at, one in enumerate(text.split(BETWEEN)) if set(one) & set("●<>()"))


@pytest.mark.parametrize("width", [18, 24, 32, 60, 90])
@pytest.mark.parametrize("value", ["0", "0.19", "0.2", "0.49", "0.50", "0.99", "1.0", "1.49", "1.5", "2", "7.4", "40"])
def test_the_mark_stands_in_the_band_that_the_rules_give(value: str, width: int) -> None:
    exact = Interval.exact(Decimal(value))
    decided = place(exact, GRADES)
    assert decided
    assert part(drawn(GRADES, value, width)) == GRADES.index(decided)


@pytest.mark.parametrize(("value", "found"), [("179.9", 0), ("180", 1), ("350", 1), ("350.1", 2)])
def test_a_band_with_its_upper_end_included_holds_it(value: str, found: int) -> None:
    assert part(drawn(B12, value)) == found


def test_a_comparator_points_to_where_the_value_lies() -> None:
    assert (part(drawn(B12, "180", comparator="<")), part(drawn(B12, "350", comparator=">"))) == (0, 2)
    assert "<" in drawn(B12, "180", comparator="<") and ">" in drawn(B12, "350", comparator=">")


def test_a_count_known_between_two_values_has_both_ends() -> None:
    text = bar(GRADES, Interval(Decimal("0.3"), Decimal("0.6")), 60)[0].plain
    assert text.index("(") < text.index(")")


def test_low_is_dense_and_in_range_is_light_without_any_colour() -> None:
    low, middle, ok = drawn(B12, "400").split(BETWEEN)
    assert (set(low), set(middle)) == ({SHADES["low"]}, {SHADES["middle"]})
    assert SHADES["ok"] in ok


@pytest.mark.parametrize("width", range(18, 91, 6))
def test_no_bar_is_wider_than_asked(width: int) -> None:
    for scale in (s for scales in load("nice-ng239").scales.values() for s in scales if drawable(s)):
        for line in bar(scale.bands, Interval.exact(Decimal(1)), width):
            assert len(line.plain.rstrip()) <= max(width, 6 * len(scale.bands)), scale.fact


def drawable(scale: Scale) -> bool:
    return bool(bar(scale.bands, Interval.exact(Decimal(1)), 30)[0].plain)


def test_bands_without_numbers_have_no_bar() -> None:
    assert not bar((Band("low", "low"), Band("ok", "ok")), Interval.exact(Decimal(1)), 30)[0].plain


def test_numbers_below_never_touch_and_names_fit() -> None:
    assert below([(2, "100"), (4, "180"), (6, "350")]) == " 100 180 350"
    assert "v. severe" in names(GRADES, 54).plain and "very severe" in names(GRADES, 90).plain
