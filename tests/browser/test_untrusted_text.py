"""Whatever a card says stays text: HTML, scripts, addresses that are none of the web."""

from __future__ import annotations

import json
from typing import Any

import pytest
from driving import Bench, put
from markdown_it import MarkdownIt
from playwright.sync_api import Page, Route, expect

from service import stories

pytestmark = pytest.mark.browser

HOSTILE = "<script>window.hit = 1</script><img src=x onerror='window.hit = 1'>[here](javascript:window.hit=1)"
SAME_TEXT = """async ([text, reference]) => {
    const { markdown } = await import("/workbench/static/markdown.js");
    const holder = document.createElement("div");
    holder.append(...markdown(text));
    const words = (node) => node.textContent.replace(/\\s+/g, "");
    const shape = (node) => [...node.querySelectorAll("h1,h2,h3,h4,h5,h6,p,li,th,td,a,strong,em,code,hr,br")]
        .map((one) => `${one.tagName.replace("H", "h").toLowerCase()}:${one.href ?? ""}:${words(one)}`);
    const other = document.createElement("template");
    other.innerHTML = reference;
    for (const tight of [holder, other.content])
        for (const one of tight.querySelectorAll("li > p")) one.replaceWith(...one.childNodes);
    return [words(holder), words(other.content), shape(holder), shape(other.content)];
}"""
PICKY = [
    "a **b *c* d** e*f*g h_i_j _k l_ `m*n*o` \\*p\\* &lt;q&gt; &#960; &#x3c0; &unknown;",
    "# one\n\n#### two ##\n\nthree  \nfour\\\nfive\nsix\n\n---\n\nseven",
    "- a\n- b **c**\n  d\n- e\n\n1. f\n2. g\n\n3) h",
    "- a\n  - b\n  - c\n- d",
    "| a | b |\n|---|---|\n| c \\| d | **e** |\n| f |\n\nafter",
    "[a](https://example.org/x?y=1&z=(2)) [b](<http://example.org/c>) [c] (d) [e](ftp://f) [g](/h)",
    "2 < 3 > 1 & 4 * 5 * 6 ** 7 __ 8",
    "**a [b](https://example.org) c**: d",
    "1.5 x10\\*9/L, 10_000, snake_case_name, *a*b, **a**b",
]


@pytest.fixture(scope="module")
def reference() -> MarkdownIt:
    """CommonMark with tables and without HTML, as the pages of the service are made."""
    return MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def altered(page: Page, **changes: Any) -> None:
    """From now on the first card of each preview says something else, as a service of another make might."""

    def alter(route: Route) -> None:
        answer = route.fetch()
        judged = answer.json()
        judged["response"]["cards"][0] |= changes
        route.fulfill(response=answer, body=json.dumps(judged))

    page.route("**/workbench/judge/*", alter)


def is_inert(page: Page) -> None:
    assert page.evaluate("window.hit") is None
    assert page.locator("#results script, #results img, #results iframe, #results [onerror]").count() == 0
    hrefs = page.locator("#results a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
    assert [one for one in hrefs if not one.startswith(("http://", "https://", "#"))] == []


def test_a_card_that_is_hostile_in_every_text_stays_text(bench: Bench) -> None:
    coding = {"system": "urn:x", "code": "x", "display": HOSTILE}
    action = {"type": "create", "description": HOSTILE, "resource": {"code": {"text": HOSTILE}}}
    altered(
        bench.page,
        summary=HOSTILE,
        detail=f"{HOSTILE}\n\n#### {HOSTILE}\n\n| {HOSTILE} |\n|---|\n| {HOSTILE} |\n\n- {HOSTILE}\n",
        source={"label": HOSTILE, "topic": coding},
        suggestions=[{"label": HOSTILE, "uuid": "x", "actions": [action]}],
        overrideReasons=[coding],
        links=[
            {"label": HOSTILE, "url": "javascript:window.hit=1", "type": "absolute"},
            {"label": "data", "url": "data:text/html,<script>window.hit=1</script>", "type": "absolute"},
            {"label": "within", "url": "https://app.example.org/launch", "type": "smart"},
        ],
    )
    page = bench.open()
    expect(page.locator("#cards h3")).to_have_text(HOSTILE)
    for place in (
        "#cards .detail p",
        "#cards .detail h4",
        "#cards .detail td",
        "#cards .detail li",
        ".accept",
        ".links",
    ):
        expect(page.locator(place).first).to_contain_text("<script>window.hit = 1</script>")
        expect(page.locator(place).first).to_contain_text("<img src=x onerror=")
    expect(page.locator("#cards .detail p").first).to_contain_text("[here](javascript:window.hit=1)")
    expect(page.locator(".links a")).to_have_count(0)
    page.locator("#cards summary").evaluate_all("all => all.forEach(one => one.click())")
    page.wait_for_timeout(200)
    is_inert(page)


def test_hostile_words_of_a_chart_stay_text_in_cards_pictures_and_evidence(bench: Bench) -> None:
    page = bench.story("order-folic-acid-before-b12")
    request = json.loads(page.locator("#json").input_value())
    draft = request["context"]["draftOrders"]["entry"][0]["resource"]
    draft["medicationCodeableConcept"]["text"] = f"Folic acid {HOSTILE}"
    for one in request["prefetch"]["nutrients"]["entry"]:
        one["resource"]["id"] = "x-1"
        one["resource"]["code"]["text"] = HOSTILE
        one["resource"]["note"] = [{"text": HOSTILE}]
    request["prefetch"]["patient"]["name"] = [{"family": HOSTILE}]
    page.locator("#tab-json").click()
    put(page, json.dumps(request))
    expect(page.locator("#cards .detail").first).to_contain_text("<script>")
    for view in ("#tab-developers", "#tab-patient"):
        page.locator(view).click()
    page.locator("#tab-form").click()
    expect(page.locator("#form")).to_contain_text("<script>")
    is_inert(page)


@pytest.mark.parametrize("text", PICKY)
def test_markdown_reads_as_commonmark_does(driven: Page, reference: MarkdownIt, text: str) -> None:
    words, wanted, shape, wanted_shape = driven.evaluate(SAME_TEXT, [text, reference.render(text)])
    assert words == wanted or "](" in words  # only an address that is none of the web stays as it was written
    if "](" not in words:
        assert [re_headed(one) for one in shape] == [re_headed(one) for one in wanted_shape]


def re_headed(one: str) -> str:
    """Headings begin lower on a card than in a text."""
    return "h" + one[2:] if one[0] == "h" and one[1].isdigit() else one


@pytest.mark.parametrize("name", [name for name in stories.names() if stories.find(name).response["cards"]])
def test_every_card_reads_as_the_page_of_its_evidence(driven: Page, reference: MarkdownIt, name: str) -> None:
    for card in stories.find(name).response["cards"]:
        words, wanted, shape, wanted_shape = driven.evaluate(
            SAME_TEXT, [card["detail"], reference.render(card["detail"])]
        )
        assert words == wanted
        assert shape == wanted_shape
