"""`cds report` on a store that real calls filled, on both databases: numbers, shape, page, what is not in it."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from filling import Json, Site, fill
from sqlalchemy import select, update

from service.cli.kept import COUNTS
from service.store import open_store
from service.store.tables import card_issued

DAY = timedelta(days=1)
NUMBER = {"type": "integer", "minimum": 0}
RATIO = {"type": ["number", "null"]}
COUNTED = {name: NUMBER for name, _, _ in COUNTS} | {"calls": {"type": ["integer", "null"]}}
COUNTED |= {name: RATIO for name in COUNTED if name.endswith("per_100_calls")}
OWN = {name: shape for name, shape in COUNTED.items() if name != "unmatched"}
TEXT = {"type": "string"}


def thing(**fields: Any) -> Json:
    return {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}


def several(**fields: Any) -> Json:
    return {"type": "array", "items": thing(**fields)}


MAYBE_DAY = {"type": ["string", "null"], "pattern": r"^\d{4}-\d\d-\d\d$"}
SHAPE = thing(
    since=MAYBE_DAY, until=MAYBE_DAY, time_zone=TEXT, made=TEXT, **COUNTED,
    overridden_by_reason=several(reason=TEXT, says=TEXT, overridden=NUMBER),
    rules=several(topic=TEXT, row=TEXT, says=TEXT, **OWN),
    days=several(day=TEXT, shown=NUMBER, left_out=NUMBER, silent=NUMBER),
    **{name: several(name=TEXT, **OWN) for name in ("services", "clients", "knowledge", "indicators")},
)  # fmt: skip


def report(site: Site, *options: str, **settings: str) -> Json:
    result = site.run("report", "--json", *options, **settings)
    assert result.exit_code == 0, result.output
    told: Json = json.loads(result.stdout)
    jsonschema.validate(told, SHAPE)
    return told


def some(told: Json, *names: str) -> list[Any]:
    return [told[name] for name in names]


@pytest.fixture
def site(url: str, tmp_path: Path) -> Site:
    return Site(url, tmp_path)


def test_the_numbers_are_those_of_the_calls_and_the_feedback(site: Site) -> None:
    fill(site)
    told = report(site)
    assert some(told, "calls", "cards", "shown", "accepted", "overridden", "no_response") == [7, 6, 6, 1, 2, 3]
    assert some(told, "suppressed", "lowered", "left_out", "silent", "unmatched") == [1, 1, 0, 0, 1]
    assert told["shown_per_100_calls"] == told["cards_per_100_calls"] == 85.7
    services = {one["name"]: some(one, "calls", "shown", "shown_per_100_calls") for one in told["services"]}
    assert services == {"neutropenia-review": [5, 4, 80.0], "neutropenia-order-sign": [2, 2, 100.0]}
    rules = {(one["topic"], one["row"]): (one["says"], one["overridden"]) for one in told["rules"]}
    assert rules["O1", "folic-acid-b12-deficient"] == ("Folic acid with vitamin B12 deficiency", 1)
    assert rules["neutropenia", "moderate-neutropenia"] == ("Neutropenia and its causes", 0)
    assert {one["name"]: one["cards"] for one in told["indicators"]} == {"critical": 4, "warning": 2}
    assert [one["name"] for one in told["clients"]] == ["(without token)"]
    assert told["days"] == [{"day": "2026-06-15", "shown": 6, "left_out": 0, "silent": 0}]


def test_a_reason_of_ours_is_named_and_any_other_text_is_not_repeated(site: Site) -> None:
    fill(site)
    told = report(site)
    assert told["overridden_by_reason"] == [
        {"reason": "other", "says": "A reason that is not one of ours", "overridden": 1},
        {"reason": "specialist-decision", "says": "Decided with the specialist", "overridden": 1},
    ]
    assert "Jane Doe" not in json.dumps(told)
    assert "Jane Doe" not in site.run("report").output


def test_a_code_of_ours_in_the_system_of_another_is_not_ours(site: Site) -> None:
    (card,) = site.call("order-folic-acid-before-b12")
    site.feedback(card, "overridden", overrideReason={"reason": {"system": "urn:ehr", "code": "pending"}})
    assert [one["reason"] for one in report(site)["overridden_by_reason"]] == ["other"]


def test_a_silent_service_shows_nothing_and_tells_what_it_would(url: str, tmp_path: Path) -> None:
    site = Site(url, tmp_path, silent=("neutropenia-review",))
    assert site.call("b12-deficient-positive-antibody") == []
    assert len(site.call("order-folic-acid-before-b12")) == 1
    site.settled()
    told = report(site)
    assert some(told, "cards", "shown", "silent", "no_response") == [2, 1, 1, 1]
    assert some(told, "shown_per_100_calls", "cards_per_100_calls") == [50.0, 100.0]


def test_what_repeats_omit_is_left_out_and_suppressed(url: str, tmp_path: Path) -> None:
    site = Site(url, tmp_path, repeats="omit")
    assert len(site.call("b12-deficient-positive-antibody")) == 1
    assert site.call("b12-deficient-positive-antibody", timedelta(hours=1)) == []
    site.settled()
    assert some(report(site), "cards", "shown", "left_out", "lowered", "suppressed") == [2, 1, 1, 0, 1]


def test_a_period_has_both_its_days_in_the_time_zone_of_the_site(site: Site) -> None:
    fill(site)  # at noon and at one in UTC
    assert report(site, "--since", "2026-06-15", "--until", "2026-06-15")["cards"] == 6
    assert report(site, "--since", "2026-06-16")["cards"] == 0
    assert report(site, "--until", "2026-06-14")["calls"] == 0
    zone = {"CDS_TIME_ZONE": "Pacific/Auckland"}  # noon in UTC is midnight there
    assert report(site, "--since", "2026-06-16", **zone)["cards"] == 6
    assert report(site, "--until", "2026-06-15", **zone)["cards"] == 0


def test_no_patient_pseudonym_card_or_result_is_in_any_form_of_the_report(site: Site, tmp_path: Path) -> None:
    cards = fill(site)
    page = tmp_path / "report.html"
    printed = site.run("report", "--html", str(page)).output
    written = page.read_text("utf-8") + printed + json.dumps(report(site))
    store = open_store(site.url)
    with store.read() as connection:
        pseudonyms = set(connection.scalars(select(card_issued.c.pseudonym)))
    store.close()
    assert pseudonyms
    secrets = {*pseudonyms, *(card["uuid"] for card in cards), "story-", "110 pg", "0.80"}
    assert [one for one in secrets if one in written] == []


# --- the page ---------------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """Elements with their attributes; what is opened is closed."""

    VOID = frozenset(["meta", "br", "rect", "circle"])

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def page(site: Site, tmp_path: Path) -> str:
    fill(site)
    assert site.run("report", "--html", str(tmp_path / "report.html")).exit_code == 0
    return (tmp_path / "report.html").read_text("utf-8")


def test_the_page_is_whole_in_itself(page: str) -> None:
    found = Page(page)
    assert not found.all("script") and not found.all("link") and not found.all("img")
    for _, attributes in found.elements:
        assert not {"src", "href", "srcset"} & attributes.keys()
        assert not [name for name in attributes if name.startswith("on")]
    assert re.findall(r"url\((?!#)|@import|https?://", page) == []
    assert "prefers-color-scheme: dark" in page and "@media print" in page


def test_each_picture_has_a_name_and_says_its_numbers_in_words(page: str) -> None:
    found = Page(page)
    ids = [attributes["id"] for _, attributes in found.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    pictures = [one for one in found.all("svg") if one.get("class") == "picture"]
    assert len(pictures) == 4
    for one in pictures:
        assert one["role"] == "img"
        assert {one["aria-labelledby"], one["aria-describedby"]} <= set(ids)
    said = re.findall(r"<desc [^>]*>(.*?)</desc>", page)
    assert "All cards: 1 accepted, 2 overridden, 3 no response" in said
    assert "2026-06-15: 6 shown" in said


def test_the_bars_are_as_long_as_their_numbers(page: str) -> None:
    first = page.partition('class="picture"')[2].partition("</svg>")[0]
    widths = [float(width) for width in re.findall(r'<rect class="\w+" .*?width="([\d.]+)"', first)]
    assert len(widths) == 3
    assert widths[1] == pytest.approx(2 * widths[0], abs=0.2) and widths[2] == pytest.approx(3 * widths[0], abs=0.2)


def test_the_page_says_what_is_counted_and_that_nobody_signed_the_knowledge(page: str) -> None:
    for _, said, meaning in COUNTS:
        assert f"<dt>{said}</dt><dd>{meaning}</dd>" in page
    assert "Not yet signed off by a clinician" in page


def test_a_page_that_cannot_be_written_is_named(site: Site, tmp_path: Path) -> None:
    result = site.run("report", "--html", str(tmp_path / "none" / "r.html"))
    assert result.exit_code == 2
    assert "cannot be written" in result.stderr


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_table_tells_the_same_without_colour(site: Site) -> None:
    fill(site)
    printed = site.run("report").output
    assert "\x1b[" not in printed
    assert re.search(r"overridden +2 +33% ", printed)
    assert re.search(r"O1 folic-acid-b12-deficient +1 +1 +0 +1 +0 +0 +0 +0 *\n", printed)
    assert re.search(r"neutropenia-review +5 +4 +4 +1 +1 +2 +0 +1 +0 +80\.0", printed)


def test_an_empty_store_is_told_as_one(site: Site, tmp_path: Path) -> None:
    told = report(site)
    assert some(told, "calls", "cards", "shown_per_100_calls") == [0, 0, None]
    result = site.run("report", "--html", str(tmp_path / "r.html"))
    assert result.exit_code == 0
    assert "No card in this period." in (tmp_path / "r.html").read_text("utf-8")


def test_help_says_the_definitions_and_the_shape(site: Site) -> None:
    said = " ".join(site.run("report", "--help").output.split())
    for name, _, meaning in COUNTS:
        assert f"{name} {meaning}" in said
    for name in SHAPE["properties"]:
        assert name in said


def test_a_period_that_ends_before_it_begins_is_refused(site: Site) -> None:
    result = site.run("report", "--since", "2026-06-15", "--until", "2026-06-14")
    assert result.exit_code == 2
    assert "lies before --since" in result.stderr


def test_what_stands_in_the_store_is_text_on_the_page(site: Site, tmp_path: Path) -> None:
    (card,) = site.call("order-folic-acid-before-b12")
    store = open_store(site.url)
    with store.write() as connection:
        connection.execute(update(card_issued).where(card_issued.c.uuid == card["uuid"]).values(row="<b>r</b>"))
    store.close()
    site.run("report", "--html", str(tmp_path / "r.html"))
    page = (tmp_path / "r.html").read_text("utf-8")
    assert "<b>r</b>" not in page and "&lt;b&gt;r&lt;/b&gt;" in page
