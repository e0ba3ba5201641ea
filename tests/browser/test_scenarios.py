"""Each scenario opens by click and by address, and shows the cards that its answer has."""

from __future__ import annotations

import re

import pytest
from driving import Bench
from playwright.sync_api import Page, expect

from service import stories

pytestmark = pytest.mark.browser

WORDS = {"critical": "Critical", "warning": "Warning", "info": "Information"}


def holds_its_cards(page: Page, name: str) -> None:
    """The cards of a story with their signs, words and suggestions, as its answer has them."""
    cards, story = stories.find(name).response["cards"], stories.find(name)
    expect(page.locator("#story-title")).to_have_text(story.title)
    shown = page.locator("#cards article.card")
    expect(shown).to_have_count(len(cards))
    if not cards:
        expect(page.locator("#cards")).to_contain_text("The service had nothing to say about what was sent")
    for card, drawn in zip(cards, shown.all(), strict=True):
        expect(drawn).to_have_attribute("data-indicator", card["indicator"])
        expect(drawn.locator("header .level")).to_have_text(WORDS[card["indicator"]])
        expect(drawn.locator("header svg.sign")).to_have_class(f"sign {card['indicator']}")
        expect(drawn.locator("button.accept")).to_have_count(len(card.get("suggestions", [])))
        expect(drawn.locator(".override option")).to_have_count(1 + len(card.get("overrideReasons", [])))
        expect(drawn.locator("h3")).to_have_text(re.compile(".{20}"), use_inner_text=True)


@pytest.mark.parametrize("name", stories.names())
def test_a_scenario_opens_by_its_address(bench: Bench, name: str) -> None:
    holds_its_cards(bench.story(name), name)


def test_every_scenario_opens_with_one_click_and_says_so_in_the_address(driven: Page) -> None:
    for name in stories.names():
        driven.locator(f'a[data-story="{name}"]').click()
        holds_its_cards(driven, name)
        expect(driven).to_have_url(re.compile(rf"/\?story={name}$"))
        expect(driven.locator("#story-list [aria-current]")).to_have_attribute("data-story", name)


def test_the_list_tells_each_scenario_in_a_line_with_its_indicators(driven: Page) -> None:
    for name in stories.names():
        story, entry = stories.find(name), driven.locator(f'a[data-story="{name}"]')
        assert story.title in entry.inner_text() and story.shows in entry.inner_text()
        expected = [card["indicator"] for card in story.response["cards"]] or ["none"]
        assert [one.get_attribute("class") for one in entry.locator("svg").all()] == [f"sign {one}" for one in expected]


def test_back_opens_the_scenario_before(driven: Page) -> None:
    driven.locator('a[data-story="infant"]').click()
    holds_its_cards(driven, "infant")
    driven.go_back()
    holds_its_cards(driven, "b12-deficient-positive-antibody")


def test_the_filter_leaves_what_has_all_its_words(driven: Page) -> None:
    driven.fill("#filter", "order zinc")
    left = driven.locator("#story-list a:visible")
    expect(left).to_have_count(1)
    expect(left).to_have_attribute("data-story", "order-zinc-with-low-copper")
    expect(driven.locator("#filtered")).to_have_text(f"1 of {len(stories.names())}")
    driven.fill("#filter", "")
    expect(left).to_have_count(len(stories.names()))


def test_an_unknown_scenario_is_said_to_be_unknown(bench: Bench) -> None:
    bench.expects_refusals = True
    bench.page.goto(f"{bench.base}/?story=nobody")
    expect(bench.page.locator("#problem")).to_contain_text("no story has this name")


def test_no_address_holds_a_value_of_the_patient(bench: Bench) -> None:
    page = bench.story("copper-low-after-bypass-high-zinc")
    page.locator('[data-analyte="zinc"] .amount').fill("987.25")
    expect(page.locator("#cards")).to_contain_text("987.25")
    page.locator("#born").fill("1961-07-19")
    page.locator("#send").click()
    expect(page.locator("#said")).to_contain_text("Sent by")
    assert not [one.url for one in bench.asked if re.search(r"987|1961|story-(?!list)", one.url.partition("//")[2])]
    assert page.url == f"{bench.base}/?story=copper-low-after-bypass-high-zinc"
