"""Cards as a kind of client takes them: nothing that it refuses, nothing lost, nothing invented."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cds_hooks.cards import Action, Card, Suggestion
from cds_hooks.parts import Coding, Link, OverrideReason, Source
from service.profiles import SiteChoices, SiteCode, profiles, shaped
from service.profiles.bodies import as_html, as_text

STORIES = Path(__file__).resolve().parents[2] / "fixtures" / "fhir" / "stories"
CARDS = [json.loads(f.read_bytes())["cards"] for f in sorted(STORIES.glob("*/response.json"))]
DETAILS = [card["detail"] for cards in CARDS for card in cards]
LOINC = {"coding": [{"system": "http://loinc.org", "code": "2132-9"}], "text": "Vitamin B12"}
EPIC = "urn:com.epic.cdshooks.action.code.system.preference-list-item"


def order(code: dict[str, Any] = LOINC) -> Action:
    return Action("create", "Order something", {"resourceType": "ServiceRequest", "code": code})


REMOVE = Action("delete", "Remove the draft", resource_id="MedicationRequest/1")
CARD = Card(
    "A card", "warning", Source("us", topic=Coding("urn:topic", "ab1")),
    detail="**Bold** and [a source](https://a.example/1)",
    suggestions=(Suggestion("both", (order(), REMOVE), is_recommended=True), Suggestion("one", (REMOVE,))),
    selection_behavior="at-most-one",
    override_reasons=(OverrideReason("urn:r", "r", "reason"),),
    links=(Link("ours", "https://a.example/1"), Link("theirs", "https://a.example.evil/1")),
    extension={"org.example": {"x": 1}},
)  # fmt: skip


def as_sent(profile: str, card: Card = CARD, **site: Any) -> Card:
    (one,) = shaped([card], profiles()[profile], SiteChoices(**site))
    assert one.as_json()
    return one


def test_the_kinds_of_clients_are_these() -> None:
    assert set(profiles()) == {"generic", "epic", "cerner", "sandbox"}


@pytest.mark.parametrize("profile", ["generic", "sandbox"])
def test_a_client_that_goes_by_the_book_gets_the_card_as_it_is(profile: str) -> None:
    assert as_sent(profile) == replace(CARD, selection_behavior="any")


@pytest.mark.parametrize("profile", sorted(profiles()))
def test_what_names_a_card_and_its_gravity_never_changes(profile: str) -> None:
    sent = as_sent(profile)
    for name in ("uuid", "summary", "indicator", "override_reasons"):
        assert getattr(sent, name) == getattr(CARD, name)
    assert sent.selection_behavior == "any"
    assert as_sent(profile, Card("A card", "info", Source("us"))).selection_behavior is None


@pytest.mark.parametrize("profile", ["epic", "cerner"])
def test_a_suggestion_of_several_actions_becomes_one_for_each(profile: str) -> None:
    sent = as_sent(profile).suggestions
    assert [(one.label, len(one.actions), one.is_recommended) for one in sent] == [
        ("Order something", 1, True), ("Remove the draft", 1, True), ("one", 1, False),
    ]  # fmt: skip
    assert sent[2].uuid == CARD.suggestions[1].uuid
    assert len({one.uuid for one in sent}) == 3


@pytest.mark.parametrize(("registered", "kept"), [((), 0), (("https://a.example/",), 1), (("https://b.example/",), 0)])
def test_links_that_are_not_registered_are_not_sent(registered: tuple[str, ...], kept: int) -> None:
    for profile in ("epic", "cerner"):
        assert [one.label for one in as_sent(profile, links=registered).links] == ["ours"] * kept
    assert len(as_sent("generic", links=registered).links) == 2


@pytest.mark.parametrize("name", ["http://loinc.org|2132-9", "Vitamin B12"])
def test_the_code_of_the_site_comes_before_ours(name: str) -> None:
    sent = as_sent("epic", orders={name: SiteCode(EPIC, "4711", "B12 level")}).suggestions[0].actions[0]
    assert sent.resource and sent.resource["code"] == {
        "coding": [{"system": EPIC, "code": "4711", "display": "B12 level"}, *LOINC["coding"]], "text": "Vitamin B12",
    }  # fmt: skip
    assert "4711" not in str(LOINC)


def test_an_order_that_the_site_has_no_code_for_keeps_ours() -> None:
    sent = as_sent("epic", orders={"http://loinc.org|1-8": SiteCode(EPIC, "4711")}).suggestions[0].actions[0]
    assert sent.resource and sent.resource["code"] == LOINC


@pytest.mark.parametrize(("profile", "chosen", "media"), [
    ("epic", "", None), ("epic", "html", "text/html"), ("epic", "text", "text/plain"), ("cerner", "", None),
])  # fmt: skip
def test_the_media_type_of_a_body_is_said_where_it_is_read(profile: str, chosen: str, media: str | None) -> None:
    sent = as_sent(profile, detail=chosen)
    assert (sent.extension or {}).get("com.epic.cdshooks.card.detail.content-type") == media
    assert (sent.extension or {})["org.example"] == {"x": 1}


def test_a_body_of_cerner_is_plain_text() -> None:
    assert as_sent("cerner").detail == "Bold and a source <https://a.example/1>"


@pytest.mark.parametrize("detail", DETAILS)
def test_no_word_of_a_body_is_lost(detail: str) -> None:
    said = as_text(detail).casefold()
    markup = re.sub(r"\]\(https?://[^)\s]+\)", " ", re.sub(r"^\|[-| ]+\|$", "", detail, flags=re.MULTILINE))
    plain = re.sub(r"&lt;", "<", re.sub(r"&gt;", ">", re.sub(r"&amp;", "&", markup.replace("\\", ""))))
    words = re.findall(r"[^\s*#|\[\]]{2,}", plain.casefold())
    at = 0
    for word in words:
        assert word in said[at:], word
        at = said.index(word, at) + len(word)
    html = as_html(detail)
    assert html.count("<li>") == len(re.findall(r"^(?:- |\d+\. )", detail, re.MULTILINE))


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "<img src=x onerror=y>"])
def test_what_was_inert_in_markdown_is_inert_in_html(evil: str) -> None:
    assert not re.search(r"<script|<img|href=\"javascript", as_html(f"A **bold** {evil}"))


def test_a_list_is_numbered_as_it_was_and_a_table_has_a_line_to_a_row() -> None:
    text = as_text("#### Sources\n\n1. one\n2. two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nend\nof it")
    assert text == "SOURCES\n\n1. one\n2. two\na | b\n1 | 2\n\nend of it"
