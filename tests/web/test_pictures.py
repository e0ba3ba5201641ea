"""Each nutrient on the scales of its tests: what is not known is never drawn as good, and all of it stands in words."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import escape
from typing import Any
from xml.etree import ElementTree

import pytest
from kept import GROUND, KNOWLEDGE, judged
from markupsafe import Markup

from service.cli.story import names
from service.clinical.assess import assess
from service.clinical.facts import Gap, LabResult, Moment, OrderOnFile, PatientFacts, Problem, Range
from service.clinical.interval import Interval
from service.clinical.knowledge.model import Citation
from service.evidence import recorded
from service.fhir.moments import Moments
from service.placed import placed
from service.web.pictures import Picture, cited, pictures
from service.web.scale import LEFT, RIGHT, parts
from service.web.shown import show
from service.web.terms import Terms

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
ADULT = Moment(datetime(1980, 3, 1, tzinfo=UTC), datetime(1980, 3, 1, 23, 59, 59, tzinfo=UTC), "1980-03-01")
BAD = "<script>alert(1)</script>\"&'"


def lab(analyte: str, value: str, unit: str, comparator: str | None = None, **more: Any) -> LabResult:
    at = NOW - timedelta(days=more.pop("days", 1))
    when = Moment(at, at, at.isoformat()) if more.pop("dated", True) else None
    made = {"analyte": analyte, "reference": f"Observation/{analyte}-{value}", "status": "final", "when": when}
    text = more.pop("text", f"{comparator or ''}{value} {unit}")
    return LabResult(
        **{**made, "value": Interval.reported(Decimal(value), comparator), "unit": unit, "text": text, **more}
    )


def chart(*results: LabResult, **more: Any) -> PatientFacts:
    return PatientFacts(**{"subject": "Patient/1", "birth": ADULT, "sex": "female", "results": results, **more})


def drawn(facts: PatientFacts) -> dict[str, Picture]:
    assessment = assess(facts, KNOWLEDGE, NOW)
    return {one.id: one for one in show(assessment, facts, KNOWLEDGE, NOW).pictures}


def svg(picture: Picture) -> ElementTree.Element:
    (found,) = ElementTree.fromstring(picture.html).iter("svg")
    return found


def texts(picture: Picture) -> list[str]:
    return [str(one.text) for one in svg(picture).iter("text")]


def marks(picture: Picture) -> list[tuple[str, str]]:
    """What kind each mark is, and what it says."""
    groups = (list(g) for g in svg(picture).iter("g"))
    return [(str(g[-1].get("class")).removeprefix("mark "), str(g[0].text)) for g in groups]


def desc(picture: Picture) -> str:
    return str(svg(picture).findtext("desc"))


def b12(value: str, comparator: str | None = None, **more: Any) -> Picture:
    return drawn(chart(lab("vitamin-b12", value, "pg/mL", comparator, **more)))["vitamin-b12"]


def x_of(picture: Picture) -> float:
    """Where the one mark stands: its middle, of an arrow its blunt end."""
    ((*_, shape),) = (list(g) for g in svg(picture).iter("g"))
    if shape.get("cx"):
        return float(str(shape.get("cx")))
    if shape.get("width"):
        return float(str(shape.get("x"))) + float(str(shape.get("width"))) / 2
    return float(str(shape.get("d")).removeprefix("M").split()[0])


# --- a value among its bands ------------------------------------------------------------------------------------------


def test_the_bands_stand_with_their_names_their_ends_and_the_unit() -> None:
    found = texts(b12("140"))
    for word in (
        "Vitamin B12",
        "100",
        "180",
        "350",
        "1000",
        "pg/mL",
        "deficient",
        "indeterminate",
        "sufficient",
        "high",
    ):
        assert word in found
    assert "140 pg/mL · 14 Jun" in found


SIDES = {
    "99": ("out-of-range", 0), "100": ("out-of-range", 1), "179.9": ("out-of-range", 1), "180": ("middling", 2),
    "350": ("middling", 2), "350.1": ("in-range", 3), "1000": ("in-range", 3), "1000.1": ("in-range", 4),
    "0": ("out-of-range", 0), "4000": ("in-range", 4),
}  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), SIDES.items(), ids=SIDES.keys())
def test_a_value_at_an_end_stands_in_the_band_that_judged_it(value: str, expected: tuple[str, int]) -> None:
    picture, (kind, place) = b12(value), expected
    step = (RIGHT - LEFT) / 5
    assert marks(picture)[0][0] == kind
    assert LEFT + step * place < x_of(picture) < LEFT + step * (place + 1)


def test_what_is_low_between_and_in_range_differs_in_shape() -> None:
    shapes = {next(iter(svg(b12(value)).iter("g")))[-1].tag for value in ("140", "250", "500")}
    assert shapes == {"path", "rect", "circle"}


COMPARED = {
    "below_a_cut_off": ("150", "<", "deficient", "left"),
    "below_at_the_cut_off": ("180", "<", "deficient", "left"),
    "crossing": ("400", "<", "crosses a limit", "left"),
    "above": ("2000", ">", "high", "right"),
    "beyond_the_end": ("9000", ">", "high", "right"),
}


@pytest.mark.parametrize(("value", "comparator", "verdict", "points"), COMPARED.values(), ids=COMPARED.keys())
def test_a_value_known_as_below_or_above_is_an_open_arrow(
    value: str, comparator: str, verdict: str, points: str
) -> None:
    picture = b12(value, comparator)
    ((kind, said),) = marks(picture)
    blunt, tip = re.findall(r"[\d.]+ [\d.]+", str(next(iter(svg(picture).iter("g")))[-1].get("d")))[:2]
    assert "open" in kind and verdict in said and f"{comparator}{value}" in said
    assert (float(tip.split()[0]) < float(blunt.split()[0])) is (points == "left")


@pytest.mark.parametrize(("comparator", "place"), [("<", 1), (">", 2), ("<=", 1), (">=", 2)])
def test_what_lies_below_a_cut_off_starts_below_it_and_what_lies_above_starts_above(
    comparator: str, place: int
) -> None:
    step = (RIGHT - LEFT) / 5
    assert LEFT + step * place < x_of(b12("180", comparator)) < LEFT + step * (place + 1)
    assert LEFT + step * (place + 1) < x_of(b12("350", comparator)) < LEFT + step * (place + 2)


def test_a_value_beyond_the_scale_is_an_arrow_inside_it_and_is_said() -> None:
    picture = b12("4001")
    (kind, shape), (_, inside) = (
        (g[-1].get("class"), g[-1]) for one in ("4001", "4000") for g in svg(b12(one)).iter("g")
    )
    assert (kind, shape.tag, inside.tag) == ("mark in-range", "path", "circle")
    assert LEFT < x_of(picture) < RIGHT - 10
    assert "lies beyond the end of the scale" in desc(picture)
    assert "4001 pg/mL" in desc(picture)
    assert "beyond" not in desc(b12("4000"))


def test_the_laboratorys_range_gives_the_bands_where_the_rules_ask_for_it() -> None:
    zinc = lab("zinc", "50", "ug/dL", range=Range(Decimal(66), Decimal(110)))
    picture = drawn(chart(zinc))["zinc"]
    assert {"66", "110", "ug/dL"} <= set(texts(picture))
    assert "deficient <66 ug/dL; sufficient 66 to 110 ug/dL; high >110 ug/dL" in desc(picture)


@pytest.mark.parametrize(("low", "high", "ends"), [(66, None, ["66"]), (None, 110, ["110"])])
def test_a_range_with_one_end_has_two_bands(low: int | None, high: int | None, ends: list[str]) -> None:
    limits = Range(Decimal(low) if low else None, Decimal(high) if high else None)
    picture = drawn(chart(lab("magnesium", "90", "mg/dL", range=limits)))["magnesium"]
    ticks = [t.text for t in svg(picture).iter("text") if t.get("class") == "tick"]
    assert ticks[:-1] == ends


def test_a_result_that_has_no_limits_is_shown_without_bands() -> None:
    picture = drawn(chart(lab("magnesium", "2", "mg/dL")))["magnesium"]
    assert "no limits to place it on" in desc(picture)
    assert marks(picture) == [] and not list(svg(picture).iter("rect"))


def test_a_value_is_shown_as_reported_and_in_the_unit_of_the_bands() -> None:
    young = {"birth": Moment(NOW - timedelta(days=3000), NOW - timedelta(days=3000), "2018-03-28")}
    picture = drawn(chart(lab("copper", "10", "umol/L"), **young))["copper"]
    assert re.search(r"10 umol/L \(6\d(\.\d+)? ug/dL\)", desc(picture))


# --- several tests ----------------------------------------------------------------------------------------------------


def test_each_test_of_a_nutrient_has_a_row_with_its_own_unit() -> None:
    several = (
        lab("vitamin-b12", "250", "pg/mL"),
        lab("active-b12", "20", "pmol/L"),
        lab("methylmalonic-acid", "0.5", "umol/L"),
    )
    picture = drawn(chart(*several))["vitamin-b12"]
    assert [kind for kind, _ in marks(picture)] == ["middling", "out-of-range", "out-of-range"]
    assert {"pg/mL", "pmol/L", "umol/L"} <= set(texts(picture))
    assert str(svg(picture).get("viewBox")).endswith(" 276")
    for said in ("250 pg/mL", "20 pmol/L", "0.5 umol/L", "Bands"):
        assert said in desc(picture)


def test_the_limits_are_cited_with_their_address() -> None:
    source = KNOWLEDGE.citations["nice-ng239"]
    assert f'<a href="{escape(source.url)}" rel="noreferrer">{escape(source.text)}</a>' in b12("140").html


@pytest.mark.parametrize(("url", "linked"), [("https://example.org/a?b&c", 1), ("javascript:alert(1)", 0), ("", 0)])
def test_only_an_address_of_the_web_is_linked(url: str, linked: int) -> None:
    source = Citation("x", BAD, url)
    terms = Terms(replace(KNOWLEDGE, citations={"x": source}), NOW, Moments(UTC))
    text = cited(terms, "x")
    assert text.count("<a ") == linked and "javascript" not in text and "<script" not in text
    ElementTree.fromstring(text)
    assert cited(terms, BAD) == f"<cite>{escape(BAD)}</cite>"


# --- what is not known is not good ------------------------------------------------------------------------------------


NOT_GOOD: dict[str, tuple[dict[str, Any], str]] = {
    "old": ({"days": 800}, "not judged (too old)"),
    "preliminary": ({"status": "preliminary"}, "not judged (preliminary result)"),
    "undated": ({"dated": False}, "not judged (not dated)"),
}


@pytest.mark.parametrize(("change", "said"), NOT_GOOD.values(), ids=NOT_GOOD.keys())
def test_a_good_value_that_cannot_be_used_is_open_and_says_why(change: dict[str, Any], said: str) -> None:
    picture = b12("500", **change)
    assert [kind for kind, _ in marks(picture)] == ["unused"]
    assert said in marks(picture)[0][1] and said in desc(picture)
    assert any("not judged" in text for text in texts(picture))


def test_a_result_that_is_shown_is_not_said_to_be_missing() -> None:
    assert "not recorded" not in b12("500", status="preliminary").html
    assert "not recorded" in drawn(chart(gaps=(Gap("copper", "unit-missing", "Observation/7"),)))["not-measured"].html


def test_a_value_that_crosses_a_limit_cites_the_limits_of_this_patient() -> None:
    html = b12("400", "<").html
    assert escape(KNOWLEDGE.citations["nice-ng239"].text) in html
    assert escape(KNOWLEDGE.citations["h3-children"].text) not in html


def test_a_good_value_that_proves_nothing_here_is_open() -> None:
    gas = Problem(frozenset({"nitrous-oxide-use"}), "Condition/1", active=True)
    facts = chart(lab("vitamin-b12", "500", "pg/mL"), problems=(gas,))
    picture = drawn(facts)["vitamin-b12"]
    assert marks(picture) == [("unused", "500 pg/mL, 14 Jun: sufficient, does not reassure")]
    assert "500 pg/mL · 14 Jun · does not reassure" in texts(picture)
    assert marks(b12("500"))[0][0] == "in-range"


def test_a_good_value_whose_nutrient_is_deficient_all_the_same_is_open() -> None:
    facts = chart(
        lab("copper", "110", "ug/dL"), lab("ferritin", "40", "ng/mL"), lab("transferrin-saturation", "10", "%")
    )
    assert marks(drawn(facts)["copper"])[0][0] == "in-range"
    assert [kind for kind, _ in marks(drawn(facts)["iron"])] == ["middling", "out-of-range"]
    masked = chart(
        lab("vitamin-b12", "500", "pg/mL"),
        lab("methylmalonic-acid", "0.9", "umol/L"),
        lab("egfr", "90", "mL/min/{1.73_m2}"),
    )
    picture = drawn(masked)["vitamin-b12"]
    assert marks(picture)[0][0] == "unused" and "sufficient" not in str(svg(picture).findtext("title"))


def test_what_was_not_measured_is_said_and_never_drawn() -> None:
    found = drawn(chart(lab("neutrophils", "2.0", "10*9/L")))
    assert "svg" not in found["not-measured"].html
    for name in ("Vitamin B12: not recorded", "Copper: not recorded", "Magnesium: not recorded"):
        assert name in found["not-measured"].html
    assert "vitamin-b12" not in found


def test_what_was_asked_for_and_not_measured_stands_in_the_one_list_of_what_was_not_measured() -> None:
    ordered = OrderOnFile(frozenset({"zinc"}), "ServiceRequest/1")
    found = drawn(chart(lab("neutrophils", "0.8", "10*9/L"), orders=(ordered,)))
    assert list(found) == ["count", "not-measured"]
    for name in ("Zinc", "Vitamin B12"):  # the one is on order, the other is suggested
        assert f"{name}: not recorded" in found["not-measured"].html


def test_a_result_that_could_not_be_read_is_said_and_not_drawn() -> None:
    gap = Gap("copper", "unit-missing", "Observation/7")
    picture = drawn(chart(gaps=(gap,)))["copper"]
    assert "Not used:</b> Copper, reported without a unit" in picture.html and "svg" not in picture.html


def test_what_bears_on_a_level_stands_in_words() -> None:
    facts = chart(lab("ferritin", "60", "ng/mL"), lab("crp", "80", "mg/L"))
    assert "inflammation distorts the level" in drawn(facts)["iron"].html


# --- the limits of the count ------------------------------------------------------------------------------------------


def test_the_patients_own_limits_are_named_with_why() -> None:
    duffy = Problem(frozenset({"duffy-null"}), "Condition/1", active=True)
    count = lab("neutrophils", "1.3", "10*9/L", range=Range(Decimal("1.8"), Decimal("7.7")))
    picture = drawn(chart(count, problems=(duffy,)))["count"]
    assert {"lower limit", "Duffy-null 1.2", "laboratory 1.8"} <= set(texts(picture))
    for said in (
        "Lower limit by age 1.5 x10*9/L (age 1 year or older)",
        "Duffy-null phenotype: from 1.2",
        "1.8 x10*9/L",
    ):
        assert said in picture.html
    assert "Lower limit of the laboratory 1.8" in desc(picture)
    heights = [float(str(t.get("y"))) for t in svg(picture).iter("text") if "limit-word" in str(t.get("class"))]
    assert all(abs(a - b) >= 10 for a in heights for b in heights if a is not b)


def test_without_a_count_it_says_so() -> None:
    assert "No neutrophil count can be shown" in drawn(chart())["count"].html


# --- markup -----------------------------------------------------------------------------------------------------------


def test_a_text_of_the_chart_is_no_markup() -> None:
    hostile = LabResult(
        "vitamin-b12", BAD, "final", None, None, BAD, BAD, BAD, Range(Decimal(1), Decimal(2)), comments=(BAD,)
    )
    facts = chart(hostile, gaps=(Gap("copper", BAD, BAD, BAD), Gap(BAD, BAD, BAD, BAD)))
    shown = show(assess(facts, KNOWLEDGE, NOW), facts, KNOWLEDGE, NOW)
    for part in (*(one.html for one in shown.pictures), shown.tree):
        assert "<script" not in part
        ElementTree.fromstring(part)
    assert any(escape(BAD).replace("-", " ")[:20] in one.html.replace("-", " ") for one in shown.pictures)


@pytest.mark.parametrize("name", names())
def test_the_pictures_of_every_story_are_sound_and_say_what_they_show(name: str) -> None:
    assessment, facts, now = judged(name)
    found = show(assessment, facts, KNOWLEDGE, now).pictures
    assert found[0].id == "count" and len({one.id for one in found}) == len(found)
    ids = []
    for one in found:
        root = ElementTree.fromstring(one.html)
        assert "style=" not in one.html and "<script" not in one.html
        for drawing in root.iter("svg"):
            title, text = drawing.find("title"), drawing.find("desc")
            assert title is not None and text is not None and title.text and text.text
            assert drawing.get("aria-labelledby") == f"{title.get('id')} {text.get('id')}"
            assert drawing.get("role") == "img"
            ids += [title.get("id"), text.get("id")]
            words = f"{title.text} {text.text}"
            values = [t.text for t in drawing.iter("text") if t.get("class") in ("value", "said")]
            assert all(str(value).split(" · ")[0] in words for value in values)
    assert len(ids) == len(set(ids))


def test_the_zone_of_the_site_gives_the_days() -> None:
    facts = chart(lab("vitamin-b12", "140", "pg/mL", days=0))
    terms = Terms(KNOWLEDGE, NOW, Moments(GROUND.site.zone))
    found = pictures(recorded(assess(facts, KNOWLEDGE, NOW)), placed(facts, KNOWLEDGE, NOW), terms)
    assert "15 Jun" in Markup(found[1].html)


def test_bands_begin_at_zero_and_every_part_has_room() -> None:
    for scales in KNOWLEDGE.scales.values():
        for scale in scales:
            drawn_parts = parts(() if scale.by_range else scale.bands)
            assert all(part.end > part.begin and part.right > part.left for part in drawn_parts)
