"""The page of an order check, and the links of its cards: every row stands there, with its limits and its source."""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient

from cds_hooks.cards import Card
from cds_hooks.parts import Source
from service.app import create_app
from service.cards import EXTENSION
from service.cards.words import capital
from service.clinical.knowledge import load
from service.clinical.knowledge.model import Row
from service.settings import Settings
from service.web.checks import _text, linked
from service.web.names import Names

STORIES = Path(__file__).resolve().parents[2] / "fixtures" / "fhir" / "stories"
KNOWLEDGE = load("nice-ng239")
NAMES = Names(KNOWLEDGE)
ROWS = KNOWLEDGE.tables["check"]
WORDS_OF_ENGLISH = frozenset({"beta-lactam"})
CHECKS = sorted({str(row.then["about"]) for row in ROWS})


@cache
def client() -> FlaskClient:
    return create_app(Settings()).test_client()


@cache
def page(check: str) -> str:
    answer = client().get(f"/checks/{check}")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    return answer.get_data(as_text=True)


def words(part: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", part)).split())


@cache
def section(row: str, check: str) -> str:
    (found,) = re.findall(rf'<section id="{row}".*?</section>', page(check), re.DOTALL)
    return str(found)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_every_row_stands_on_its_page_with_its_source(row: Row) -> None:
    part = section(row.id, str(row.then["about"]))
    said, source = words(part), KNOWLEDGE.citations[row.citation]
    assert " ".join(source.text.split()) in said
    assert not source.url or f'href="{html.escape(source.url)}"' in part
    for fact, levels in row.when.items():
        assert capital(NAMES.fact(fact)) in said
        assert all(NAMES.level(fact, level) in said for level in levels)
        for scale in KNOWLEDGE.scales.get(fact, ()):
            assert all(NAMES.band(band.label) in said for band in scale.bands)


@pytest.mark.parametrize("check", CHECKS)
def test_no_placeholder_no_markup_and_no_id_stands_there_as_it_is(check: str) -> None:
    said = words(re.sub(r'<a href="[^"]*"', "<a", page(check)))
    assert not re.findall(r"[{}]|\*\*|_date|\w_\w", said)
    ids = {fact for row in ROWS for fact in row.when if "-" in fact and ":" not in fact} | KNOWLEDGE.facts.keys()
    shown = {one for one in ids if "-" in one and re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", said)}
    assert shown <= WORDS_OF_ENGLISH
    assert not re.search(r"\byes with\b(?!:)|\b(?:age|sample|status):[a-z]", said)


def test_what_a_card_fills_in_stands_by_its_name() -> None:
    part = section("folic-acid-b12-deficient-treatment-unsure", "O1")
    assert "<var>The order</var>: B12 deficiency (<var>vitamin B12</var>, <var>date</var>)" in part


def test_a_text_of_the_knowledge_is_no_markup_and_its_names_are_filled() -> None:
    said = _text("**{draft}** <b>&{urine_copper_date} {crp}</b>", NAMES)
    bold, rest = "<strong><var>the order</var></strong>", "<var>date</var> <var>CRP</var>"
    assert said == f"{bold} &lt;b&gt;&amp;{rest}&lt;/b&gt;"


def test_the_limits_of_a_dose_and_of_a_course_stand_there() -> None:
    said = words(section("folic-acid-b12-unknown-dialysis", "O2"))
    assert "folic acid, 1 mg a day or more, or a dose that is not stated, at most 5 mg a day" in said
    assert "for more than 120 days, or without a stated end" in words(section("metformin-b12-never-measured", "O22"))


@pytest.mark.parametrize("check", CHECKS)
def test_a_page_holds_no_script_and_takes_nothing_from_elsewhere(check: str) -> None:
    text = page(check)
    assert "<script" not in text
    assert not re.search(r'<(?:link|img|iframe)[^>]*(?:href|src)="(?!\.\./static/)', text)
    headers = client().get(f"/checks/{check}").headers
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert "not yet signed off by a clinician" in words(text).lower()


@pytest.mark.parametrize("check", ["O99", "o2", "..", "<script>", "O2%00"])
def test_an_unknown_check_is_not_found_and_not_repeated(check: str) -> None:
    answer = client().get(f"/checks/{check}")
    assert answer.status_code == 404
    assert "script" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("row", [row for row in ROWS if row.then["level"] != "none"], ids=lambda row: row.id)
def test_the_link_of_a_card_leads_to_its_row(row: Row) -> None:
    about, name = row.then["about"], row.id
    card = Card("A card", "info", Source("us"), extension={EXTENSION: {"rule": about, "row": name}})
    first, *_ = linked(card, "https://cds.example.org/here").links
    address = urlsplit(first.url)
    assert (address.netloc, address.path, address.fragment) == ("cds.example.org", f"/here/checks/{about}", name)
    assert section(address.fragment, address.path.rpartition("/")[2])


def test_a_card_that_is_of_no_check_has_no_such_link() -> None:
    assert linked(Card("A card", "info", Source("us")), "https://cds.example.org").links == ()


def test_every_check_that_names_a_publication_links_it() -> None:
    lacking = {row.id for row in ROWS if not KNOWLEDGE.citations[row.citation].url}
    named = {row.id for row in ROWS if not KNOWLEDGE.citations[row.citation].text.startswith("Service ")}
    assert lacking & named == set()


@pytest.mark.parametrize(("set_to", "leads_to"), [("https://cds.example.org", "cds.example.org"), ("", "evil.example")])
def test_a_made_up_host_leads_nowhere_where_the_address_is_set(set_to: str, leads_to: str) -> None:
    story = json.loads((STORIES / "order-folic-acid-before-b12" / "request.json").read_bytes())
    web = create_app(Settings(public_base_url=set_to)).test_client()
    answer = web.post("/cds-services/neutropenia-order-sign", json=story, headers={"Host": "evil.example"})
    assert answer.json
    ours = [link["url"] for card in answer.json["cards"] for link in card["links"] if "/checks/" in link["url"]]
    assert ours
    assert {urlsplit(url).netloc for url in ours} == {leads_to}


HOSTS = ["cds_service:8080", "xn--bcher-kva.example", "1.2.3.4:080", "host:", "", "a b", "h:99999", "x" * 300]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_no_link_can_hold_costs_the_link_and_never_the_card(host: str) -> None:
    story = json.loads((STORIES / "order-folic-acid-before-b12" / "request.json").read_bytes())
    answer = client().post("/cds-services/neutropenia-order-sign", json=story, headers={"Host": host})
    assert answer.status_code in (200, 400)  # Werkzeug itself refuses some that are no host at all
    if answer.status_code == 200:
        assert answer.json
        (card,) = answer.json["cards"]
        assert card["links"]


def test_a_name_before_its_value_stands_there_once() -> None:
    assert _text("copper {copper} ({copper_date}) is too low", NAMES) == (
        "<var>copper</var> (<var>date</var>) is too low"
    )
    assert "Copper copper" not in words(page("O3")) and "copper copper" not in words(page("O3"))
