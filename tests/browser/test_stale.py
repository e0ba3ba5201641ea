"""What is shown is of the request in hand, or says that it is not: with a server that is slow, hung or broken."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from driving import Bench, put
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

JUDGE = "**/workbench/judge/*"
PARTS = ("strip", "cards", "pictures-part", "evidence-part", "view-developers")
STALE = re.compile(r"(^|\s)stale(\s|$)")
COUNT = '[data-analyte="neutrophils"] .amount'


@pytest.fixture
def held(bench: Bench) -> Callable[[str], list[Route]]:
    """Holds each request to an address from now on."""

    def hold(address: str) -> list[Route]:
        kept: list[Route] = []
        bench.page.route(address, lambda route: kept.append(route))
        return kept

    return hold


def is_stale(page: Page, *parts: str) -> None:
    for part in parts or PARTS[1:]:
        expect(page.locator(f"#{part}")).to_have_class(STALE)


def is_fresh(page: Page) -> None:
    for part in PARTS:
        expect(page.locator(f"#{part}")).not_to_have_class(STALE)
    expect(page.locator("#problem")).to_be_empty()


def opacity(page: Page, part: str) -> float:
    return float(page.locator(f"#{part}").evaluate("one => getComputedStyle(one).opacity"))


def test_of_another_scenario_nothing_of_the_one_before_is_seen(bench: Bench, held: Any) -> None:
    page = bench.open()
    old = page.locator("#cards h3").first.inner_text()
    routes = held(JUDGE)
    page.locator('a[data-story="normal-count-no-card"]').click()
    expect(page.locator("#story-title")).not_to_contain_text("B12")
    for part in ("#cards", "#pictures-part", "#evidence-part"):
        expect(page.locator(part)).not_to_be_visible()
    expect(page.locator("#said")).to_contain_text("Being judged")
    expect(page.locator("#strip")).not_to_contain_text(old)
    routes[0].continue_()
    page.unroute(JUDGE)
    expect(page.locator("#cards")).to_be_visible()
    is_fresh(page)


def test_after_a_change_what_stands_is_greyed_until_its_answer_is_there(bench: Bench, held: Any) -> None:
    page = bench.story("normal-count-no-card")
    routes = held(JUDGE)
    page.locator(COUNT).first.fill("0.1")
    is_stale(page)
    expect(page.locator("#said")).to_contain_text("Being judged")
    expect(page.locator("#live")).to_contain_text("Being judged")
    for part in ("cards", "pictures-part", "evidence-part"):
        assert opacity(page, part) < 0.6
    routes[0].continue_()
    page.unroute(JUDGE)
    expect(page.locator("#cards h3").first).to_contain_text("severe neutropenia", ignore_case=True)
    is_fresh(page)
    assert opacity(page, "cards") == 1


def test_a_fast_answer_greys_nothing_to_the_eye(driven: Page) -> None:
    assert (
        driven.evaluate("""() => { const one = document.getElementById("cards");
        one.classList.add("stale"); return getComputedStyle(one).opacity; }""")
        == "1"
    )
    expect(driven.locator("#cards")).to_have_css("opacity", "0.45")


def test_an_answer_to_the_text_before_is_not_shown_while_the_next_one_rests(bench: Bench, held: Any) -> None:
    """It comes after the change, and before the change is sent."""
    page = bench.open()
    page.evaluate("""() => { const real = window.fetch; window.answers = [];
        window.fetch = (address, options) => String(address).includes("judge")
            ? new Promise((done) => window.answers.push(() => real(address, { ...options, signal: null }).then(done)))
            : real(address, options); }""")
    page.locator(COUNT).first.fill("0.3")
    page.wait_for_function("() => window.answers.length === 1")
    # In one go: the answer is let through, and before it can be there the value changes.
    page.locator(COUNT).first.evaluate("""(field) => { window.answers[0]();
        field.value = "1.9"; field.dispatchEvent(new Event("input", { bubbles: true })); }""")
    page.wait_for_function("() => window.answers.length === 2")
    page.wait_for_timeout(300)
    is_stale(page)
    expect(page.locator("#cards h3").first).not_to_contain_text("severe neutropenia", ignore_case=True)
    page.evaluate("() => { window.answers[1](); }")
    is_fresh(page)


def test_a_card_of_the_request_before_cannot_be_accepted(bench: Bench, held: Any) -> None:
    page = bench.open()
    held(JUDGE)
    page.locator(COUNT).first.fill("0.3")
    page.locator("button.accept").first.click()
    expect(page.locator(".record").first).to_have_text("Not sent: this card is of the request before.")
    assert not [one for one in bench.asked if "/cds-services/" in one.url]


def test_after_sending_all_that_is_shown_is_of_what_was_sent(bench: Bench, held: Any) -> None:
    page = bench.open()
    routes = held(JUDGE)
    with page.expect_request(JUDGE):
        page.locator(COUNT).first.fill("0.31")
    page.wait_for_timeout(200)
    page.unroute(JUDGE)
    page.locator("#send").click()
    expect(page.locator("#said")).to_contain_text("Sent by POST")
    for part in ("#cards", "#pictures", "#evidence"):
        expect(page.locator(part)).to_contain_text("0.31")
    is_fresh(page)
    assert len(routes) == 1


def test_when_only_the_pictures_of_what_was_sent_are_missing_it_says_so(bench: Bench) -> None:
    page = bench.open()
    page.route(JUDGE, lambda route: route.fulfill(status=200, body="<html>"))
    page.locator("#send").click()
    expect(page.locator("#problem")).to_contain_text("The call was sent; its pictures and evidence are missing")
    is_stale(page)


BROKEN = {
    "no_json": ("<html>", "is not JSON"), "empty": ("", "cannot show the answer"), "null": ("null", "cannot show"),
    "another_shape": ('{"response": {}}', "cannot show the answer"), "half": ('{"response": {"cards": []}}', "cannot"),
}  # fmt: skip


@pytest.mark.parametrize(("body", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_an_answer_that_cannot_be_read_is_a_problem_in_words(bench: Bench, body: str, words: str) -> None:
    page = bench.open("/#developers")
    page.route(JUDGE, lambda route: route.fulfill(status=200, body=body))
    page.locator(COUNT).first.fill("0.3")
    expect(page.locator("#problem")).to_contain_text(words)
    is_stale(page)
    expect(page.locator("#strip")).to_have_text("No answer")


def test_a_refusal_greys_all_that_was_judged_before(bench: Bench) -> None:
    bench.expects_refusals = True
    page = bench.open()
    page.locator("#tab-json").click()
    put(page, page.locator("#json").input_value().replace('"userId": ', '"user": '))
    expect(page.locator("#problem")).to_contain_text("The service refuses the request (400)")
    is_stale(page)
    expect(page.locator("#strip")).to_have_class("strip none")
    expect(page.locator("#strip")).to_contain_text("refuses")


def test_a_server_that_never_answers_is_not_waited_for_for_ever(bench: Bench, held: Any) -> None:
    page = bench.page
    page.clock.install()
    bench.open()
    held(JUDGE)
    page.locator(COUNT).first.fill("0.3")
    expect(page.locator("#problem")).to_contain_text("has not answered within 10 seconds", timeout=15_000)
    is_stale(page)


def test_of_stories_opened_one_after_the_other_the_last_stays(bench: Bench, held: Any) -> None:
    page = bench.open()
    routes = held("**/workbench/stories/infant")
    with page.expect_request("**/workbench/stories/infant"):
        page.locator('a[data-story="infant"]').click()
    page.locator('a[data-story="duffy-null"]').click()
    expect(page.locator("#story-title")).to_contain_text("Fy(a-b-)")
    routes[0].continue_()
    page.wait_for_timeout(500)
    expect(page.locator("#story-title")).to_contain_text("Fy(a-b-)")
    expect(page).to_have_url(re.compile("story=duffy-null"))


ODD = {
    "text_empty": {"resourceType": "Condition", "code": {"text": ""}},
    "coding_null": {"resourceType": "Condition", "code": {"coding": [None]}},
    "coding_no_list": {"resourceType": "Condition", "code": {"coding": {}}},
    "text_a_number": {"resourceType": "Condition", "code": {"text": 5}},
    "display_empty": {"resourceType": "Procedure", "code": {"coding": [{"display": ""}]}},
    "code_empty": {"resourceType": "Encounter", "type": [{"coding": [{"code": ""}]}]},
    "observed": {"resourceType": "Observation", "code": {"coding": [None]}, "valueCodeableConcept": {"coding": {}}},
    "day_a_number": {"resourceType": "Procedure", "performedPeriod": {"start": 5}},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_an_odd_resource_leaves_the_form_usable(bench: Bench, odd: Any) -> None:
    bench.expects_refusals = True  # the service may refuse it
    page = bench.open()
    request = json.loads(page.locator("#json").input_value())
    request["prefetch"]["conditions"] = {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": odd}]}
    request["prefetch"]["patient"]["birthDate"] = "1971-02-03"
    put(page, json.dumps(request))
    expect(page.locator("#born")).to_have_value("1971-02-03")
    expect(page.locator("#form")).to_be_enabled()
    expect(page.locator(f'[data-of="{odd["resourceType"]}/undefined"] .name')).to_have_text(odd["resourceType"])
    page.locator("#sex").select_option("male")
    assert '"gender": "male"' in page.locator("#json").input_value()


@pytest.mark.parametrize("text", ["null", "5", "[]", '{"prefetch": "x"}'])
def test_a_request_that_is_no_form_leaves_no_value_of_the_one_before(bench: Bench, text: str) -> None:
    bench.expects_refusals = True
    page = bench.open()
    put(page, text)
    expect(page.locator("#form-fault")).to_contain_text("cannot be shown as a form")
    expect(page.locator("#form")).to_be_empty()
    expect(page.locator("#form")).to_have_attribute("disabled", "")
    page.locator("#reset").click()
    expect(page.locator("#form-fault")).to_be_hidden()
    expect(page.locator("#age")).to_be_enabled()


def test_with_another_unit_goes_the_code_that_fits_it(driven: Page) -> None:
    row = driven.locator('[data-analyte="vitamin-b12"]')

    def code() -> str:
        request = json.loads(driven.locator("#json").input_value())
        held = [one["resource"] for one in request["prefetch"]["nutrients"]["entry"]]
        (coded,) = [one["code"]["coding"][0]["code"] for one in held if one["id"] == "vitamin-b12"]
        return str(coded)

    mass = code()
    row.locator(".unit").select_option(label="pmol/L")
    expect(driven.locator("#cards")).to_contain_text("Vitamin B12 110 pmol/L")
    expect(driven.locator("#cards")).not_to_contain_text("contradict")
    assert code() != mass
    driven.locator("#tab-json").click()
    put(driven, driven.locator("#json").input_value() + " ")  # the form is drawn anew, and knows the line
    driven.locator("#tab-form").click()
    row.locator(".unit").select_option(label="pg/mL")
    expect(driven.locator("#cards")).to_contain_text("Vitamin B12 110 pg/mL")
    assert code() == mass
