"""The picture of the count: every value at its place, no value only in a colour, nothing of the chart as markup."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree

import pytest
from kept import KNOWLEDGE

from service.clinical.knowledge.model import Band
from service.evidence import bands_in_force
from service.fhir.moments import Moments
from service.web.drawing import BOTTOM, LEFT, RIGHT, TOP, draw
from service.web.svg import element
from service.web.terms import Terms

SVG = "{http://www.w3.org/2000/svg}"
NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ADULT = {"limit": "1.5"}


def count(value: object, when: str = "2026-06-14", number: int = 0, **more: object) -> dict[str, Any]:
    return {"value": value, "unit": "10*9/L", "effective": when, "derivation": "measured",
            "observations": [f"Observation/{number}"], **more}  # fmt: skip


def past(value: object, when: str, number: int = 1, analyte: str = "neutrophils", unit: str = "10*9/L") -> Any:
    return {"analyte": analyte, "value": value, "unit": unit, "effective": when, "observation": f"Observation/{number}"}


def bands(recorded: dict[str, Any]) -> tuple[Band, ...]:
    return bands_in_force(recorded, KNOWLEDGE)


def picture(anc: object, *history: Any, **more: Any) -> ElementTree.Element:
    recorded = {"anc": anc, "history": list(history), **ADULT, **more}
    drawn = draw(recorded, bands(recorded), Terms(KNOWLEDGE, NOW, Moments(UTC)))
    return ElementTree.fromstring(drawn.replace("<svg", f'<svg xmlns="{SVG[1:-1]}"', 1))


def texts(svg: ElementTree.Element) -> list[str]:
    return [str(one.text) for one in svg.iter(f"{SVG}text")]


def marks(svg: ElementTree.Element) -> list[tuple[str, str]]:
    """What kind each mark is, and what it says."""
    groups = [g for g in svg.iter(f"{SVG}g") if g[1].get("class") != "mark other"]
    return [(str(g[1].get("class")).removeprefix("mark "), str(g[0].text)) for g in groups]


def heights(svg: ElementTree.Element) -> dict[str, float]:
    """Where on the axis each value is written."""
    ticks = (one for one in svg.iter(f"{SVG}text") if one.get("class") == "tick" and one.get("text-anchor") == "end")
    return {str(one.text): float(str(one.get("y"))) - 4 for one in ticks}


def test_the_bands_of_the_patient_stand_with_their_ends_and_the_lower_limit() -> None:
    svg = picture(count("0.8"))
    words = ["very severe", "severe", "moderate", "mild", "normal", "lower limit"]
    assert [word for word in words if word not in texts(svg)] == []
    at = heights(svg)
    assert at["0.2"] > at["0.5"] > at["1"] > at["1.5"]
    (limit,) = (line for line in svg.iter(f"{SVG}line") if line.get("class") == "limit")
    assert float(str(limit.get("y1"))) == pytest.approx(at["1.5"], abs=0.1)


def test_the_axis_is_logarithmic() -> None:
    at = heights(picture(count("0.8")))
    assert at["0.5"] - at["1"] == pytest.approx((at["0.2"] - at["0.5"]) * 0.693 / 0.916, abs=0.5)


SHAPES = {
    "graded": (count("0.8"), [], {}, ("full is-low", "0.8 x10*9/L on 14 Jun (graded)")),
    "earlier": (None, [past("0.7", "2026-01-10")], {}, ("earlier", "0.7 x10*9/L on 10 Jan")),
    "not_graded": (None, [], {"ungraded": count("0.3")}, ("open is-low", "0.3 x10*9/L on 14 Jun (not graded)")),
    "preliminary": (
        None,
        [],
        {"ungraded": count("0.3", status="preliminary")},
        ("open is-low", "0.3 x10*9/L on 14 Jun (preliminary, not graded)"),
    ),
    "below": (count("0.5", comparator="<"), [], {}, ("open graded is-low", "<0.5 x10*9/L on 14 Jun (graded)")),
    "above": (count("1.2", comparator=">"), [], {}, ("open graded", ">1.2 x10*9/L on 14 Jun (graded)")),
    "zero": (count("0"), [], {}, ("open graded is-low", "0 x10*9/L on 14 Jun (graded)")),
}


@pytest.mark.parametrize(("anc", "history", "more", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_each_kind_of_point_has_a_shape_and_says_what_it_is(anc: Any, history: Any, more: Any, expected: Any) -> None:
    assert marks(picture(anc, *history, **more)) == [expected]


RED = {
    "below_the_limit": ("1.49", {}, True), "at_the_limit": ("1.5", {}, False), "above_it": ("1.6", {}, False),
    "low_by_age_normal_by_another_limit": ("1.3", {"severity": "normal"}, False),
    "low_by_age_borderline_by_all": ("1.4", {"severity": "borderline"}, False),
}  # fmt: skip


@pytest.mark.parametrize(("value", "more", "low"), RED.values(), ids=RED.keys())
def test_red_means_low_not_graded(value: str, more: Any, low: bool) -> None:
    ((kind, _),) = marks(picture(count(value), **more))
    assert kind == ("full is-low" if low else "full")


def test_a_preliminary_count_is_as_large_as_the_graded_one_and_has_its_value_and_its_word() -> None:
    svg = picture(count("1.6", "2026-06-10"), ungraded=count("0.3", number=1, status="preliminary"), severity="normal")
    wide = [abs(float(x) - float(y)) for p in svg.iter(f"{SVG}path") if "mark" in str(p.get("class"))
            for _, x, _, y in [re.findall(r"([\d.]+) [\d.]+", str(p.get("d")))]]  # fmt: skip
    assert [kind for kind, _ in marks(svg)] == ["full", "open is-low"]
    assert wide[0] == wide[1] > 0
    assert {"1.6", "0.3", "preliminary"} <= set(texts(svg))


@pytest.mark.parametrize(("status", "word"), [("preliminary", "preliminary"), ("final", "not graded")])
def test_a_count_that_is_not_graded_says_so_beside_its_mark(status: str, word: str) -> None:
    svg = picture(None, ungraded=count("0.3", status=status))
    assert [str(t.text) for t in svg.iter(f"{SVG}text") if t.get("class") == "why"] == [word]


def test_a_value_known_as_below_points_down_and_one_known_as_above_up() -> None:
    def tip(comparator: str) -> float:
        (shape,) = (
            p for p in picture(count("1.2", comparator=comparator)).iter(f"{SVG}path") if "mark" in str(p.get("class"))
        )
        ends = [float(pair.split()[1]) for pair in str(shape.get("d"))[1:-1].split("L")]
        return ends[2] - ends[0]

    assert tip("<") > 0 > tip(">")


def test_zero_lies_on_the_bottom_line() -> None:
    (shape,) = (p for p in picture(count("0")).iter(f"{SVG}path") if "mark" in str(p.get("class")))
    assert str(shape.get("d")).split("L")[1].split()[1] == str(BOTTOM)


@pytest.mark.parametrize("limit", [-1.5, 0])
def test_a_limit_that_has_no_place_on_the_axis_is_no_end_of_it(limit: float) -> None:
    assert len(marks(picture(count("0.35"), limit=limit))) == 1


def test_without_a_count_there_is_no_picture() -> None:
    recorded: dict[str, Any] = {"anc": None, "history": [past("12", "2026-01-10", analyte="hemoglobin", unit="g/dL")]}
    assert draw(recorded, (), Terms(KNOWLEDGE, NOW, Moments(UTC))) == ""


TIMES = {
    "one_point": ["2026-06-14"],
    "equal_days": ["2026-06-14", "2026-06-14"],
    "equal_instants": ["2026-06-14T08:00:00Z", "2026-06-14T08:00:00Z", "2026-06-14T08:00:00Z"],
    "far_apart": ["1996", "2026-06-14"],
    "every_precision": ["2019", "2024-03", "2026-06-14", "2026-06-14T08:00:00.123+02:00"],
    "many": [f"2026-05-{day:02}" for day in range(1, 30)],
}


@pytest.mark.parametrize("times", TIMES.values(), ids=TIMES.keys())
def test_whatever_the_dates_every_point_is_inside_and_no_dates_overlap(times: list[str]) -> None:
    svg = picture(None, *(past("0.7", when, place) for place, when in enumerate(times)))
    dots = [(float(str(c.get("cx"))), float(str(c.get("cy")))) for c in svg.iter(f"{SVG}circle")]
    assert len(dots) == len(times)
    assert all(LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in dots)
    days = sorted(float(str(t.get("x"))) for t in svg.iter(f"{SVG}text") if t.get("text-anchor") == "middle")
    assert all(later - earlier > 40 for earlier, later in pairwise(days))
    assert days


def test_counts_of_one_week_beside_a_result_of_another_decade_share_one_date() -> None:
    old = past("12", "1996-01-10", 9, "hemoglobin", "g/dL")
    svg = picture(count("0.8"), past("0.7", "2026-06-10"), old)
    days = [one for one in texts(svg) if "Jun" in one]
    assert days == ["14 Jun"]


def test_a_draw_that_is_graded_is_not_drawn_twice() -> None:
    assert len(marks(picture(count("0.8", number=7), past("0.8", "2026-06-14", 7)))) == 1


def test_other_lineages_stand_beside_it_in_their_own_units() -> None:
    blood = [past("9.5", "2026-06-14", 2, "hemoglobin", "g/dL"), past("95", "2026-01-10", 3, "hemoglobin", "g/L"),
             past("12.1", "2026-02-10", 4, "hemoglobin", "g/dL")]  # fmt: skip
    svg = picture(count("0.8"), *blood)
    squares = [r for r in svg.iter(f"{SVG}rect") if r.get("class") == "mark other"]
    assert {"Hemoglobin", "g/dL", "9.5"} <= set(texts(svg))
    assert len(squares) == 2  # the result in another unit is not on this scale


def test_the_whole_picture_is_there_in_words() -> None:
    svg = picture(count("0.8"), past("2.1", "2025-01-10"), past("9.5", "2026-06-14", 2, "hemoglobin", "g/dL"))
    described = svg.find(f"{SVG}desc")
    assert described is not None and described.text is not None
    for part in (
        "2.1 x10*9/L on 10 Jan 2025",
        "0.8 x10*9/L on 14 Jun (graded)",
        "Lower limit 1.5",
        "Hemoglobin: 9.5 g/dL",
    ):
        assert part in described.text
    assert str(svg.get("aria-labelledby")).split() == ["chart-title", "chart-desc"]


def test_a_text_of_the_chart_is_no_markup() -> None:
    bad = '<script>alert(1)</script>"&'
    recorded = {
        "anc": count("0.8", unit=bad, comparator="<"),
        "history": [past("9", "2026-06-14", 2, "mcv", bad)],
        **ADULT,
    }
    drawn = draw(recorded, bands(recorded), Terms(KNOWLEDGE, NOW, Moments(UTC)))
    assert "<script" not in drawn
    assert bad in texts(picture(count("0.8"), past("9", "2026-06-14", 2, "mcv", bad)))


def test_colours_come_from_the_style_sheet_alone() -> None:
    recorded = {"anc": count("0.8"), "history": [], **ADULT}
    assert not re.search(
        r"style=|#[0-9a-f]{3}|fill=", draw(recorded, bands(recorded), Terms(KNOWLEDGE, NOW, Moments(UTC)))
    )


LIMITS = {"1.5": "mild", "1.0": "moderate", "1.75": "low-for-age", "1.1": "low-for-age", "7.5": "by-the-hour"}


@pytest.mark.parametrize(("limit", "last_low"), LIMITS.items(), ids=LIMITS.keys())
def test_the_bands_are_those_of_the_limit_that_was_in_force(limit: str, last_low: str) -> None:
    found = bands({"limit": limit})
    assert [band.level for band in found if band.side != "ok"][-1] == last_low


def test_without_a_limit_there_are_no_bands() -> None:
    assert bands({}) == ()
    assert marks(picture(None, past("0.7", "2026-01-10"), limit=None)) == [("earlier", "0.7 x10*9/L on 10 Jan")]


def test_without_bands_nothing_is_red() -> None:
    ((kind, _),) = marks(picture(count("0.7"), limit=None))
    assert kind == "full"


def test_an_attribute_is_no_markup() -> None:
    assert element("g", id='"><script>&') == '<g id="&quot;&gt;&lt;script&gt;&amp;"/>'
