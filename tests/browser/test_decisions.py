"""Accept and override: the real call, feedback into the store, what is recorded, what the next call holds back."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from driving import Bench
from playwright.sync_api import Locator, Page, expect
from wire import Running, free_port, start, stop

pytestmark = pytest.mark.browser

Row = tuple[Any, ...]


def kept(store: Path, question: str) -> list[Row]:
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        return database.execute(question).fetchall()


def feedback(store: Path) -> list[Row]:
    """Topic of the card, outcome, reason and how many suggestions, as the store has them."""
    question = """SELECT c.topic, f.outcome, f.reason, json_array_length(f.suggestions)
                  FROM feedback f JOIN card_issued c ON c.uuid = f.card WHERE f.matched ORDER BY f.id"""
    return kept(store, question)


def fates(store: Path) -> list[Row]:
    return kept(store, "SELECT fate, indicator FROM card_issued ORDER BY at")


def steps(page: Page) -> Locator:
    return page.locator(".record li")


def posted(bench: Bench, end: str) -> list[Any]:
    """The bodies that went to an address, in order."""
    return [json.loads(one.post_data or "") for one in bench.asked if one.method == "POST" and one.url.endswith(end)]


@pytest.fixture
def own(tmp_path: Path, benches: Callable[..., Bench]) -> Iterator[Callable[..., tuple[Bench, Path]]]:
    """A page of a service with a store of its own."""
    running: list[Running] = []

    def begin(**settings: str) -> tuple[Bench, Path]:
        store = tmp_path / f"{len(running)}.sqlite"
        running.append(start(free_port(), **{"CDS_DATABASE_URL": f"sqlite:///{store}"} | settings))
        return benches(base=f"http://127.0.0.1:{running[-1].port}"), store

    yield begin
    for one in running:
        assert stop(one)[0] == 0


def test_looking_and_changing_leaves_no_trace(own: Callable[..., tuple[Bench, Path]]) -> None:
    bench, store = own()
    page = bench.story("clozapine-moderate")
    page.locator('[data-analyte="neutrophils"] .amount').first.fill("0.8")
    expect(page.locator("#cards")).to_contain_text("0.80")
    assert fates(store) == [] and posted(bench, "/neutropenia-review") != []
    assert {one.url for one in bench.asked if one.method == "POST"} == {
        f"{bench.base}/workbench/judge/neutropenia-review"
    }


def test_accepting_reaches_the_store_and_the_next_call_is_lowered(own: Callable[..., tuple[Bench, Path]]) -> None:
    bench, store = own()
    page = bench.open()
    page.get_by_role("button", name=re.compile("Vitamin B12: ferritin")).click()
    expect(steps(page)).to_have_count(4)
    expect(page.locator("#said")).to_contain_text("Sent and recorded by POST /cds-services/neutropenia-review")
    expect(page.locator("#said")).not_to_contain_text("nothing is remembered")
    expect(steps(page).nth(1)).to_contain_text('accepted "Vitamin B12: ferritin, tTG-IgA, total IgA"')
    expect(steps(page).nth(2)).to_contain_text(re.compile("card shown.*feedback: accepted at"))
    expect(steps(page).nth(3)).to_contain_text("The next call holds it back: it comes as Information")
    assert feedback(store) == [("neutropenia", "accepted", "", 1)]
    assert fates(store) == [("shown", "warning"), ("lowered", "warning")]
    (sent,) = posted(bench, "/feedback")
    assert sent["feedback"][0]["acceptedSuggestions"] != []


def test_overriding_with_a_reason_reaches_the_store(own: Callable[..., tuple[Bench, Path]]) -> None:
    bench, store = own()
    page = bench.open()
    reason = page.get_by_label("Reason to override")
    reason.select_option(index=2)
    chosen = reason.locator("option").nth(2).inner_text()
    page.get_by_role("button", name="Override").click()
    expect(steps(page)).to_have_count(4)
    (row,) = feedback(store)
    assert row[:2] == ("neutropenia", "overridden") and row[2].startswith("urn:neutropenia-cds:override-reason|")
    expect(steps(page).nth(2)).to_contain_text(f"overridden ({chosen})")
    expect(steps(page).nth(3)).to_contain_text("holds it back")
    page.locator("#send").click()
    expect(page.locator("#said")).to_contain_text("Sent by POST /cds-services/neutropenia-review, and recorded")
    expect(page.locator("#cards article")).to_have_attribute("data-indicator", "info")
    expect(page.locator("#cards")).to_contain_text("overridden")


def test_a_second_decision_is_on_the_same_card(own: Callable[..., tuple[Bench, Path]]) -> None:
    bench, store = own()
    page = bench.open()
    page.locator("button.accept").nth(0).click()
    expect(steps(page)).to_have_count(4)
    page.locator("button.accept").nth(1).click()
    expect(steps(page)).to_have_count(3)
    assert [row[1] for row in feedback(store)] == ["accepted", "accepted"]
    assert len(kept(store, "SELECT DISTINCT card FROM feedback")) == 1


def test_where_repeats_are_left_out_the_page_says_so(own: Callable[..., tuple[Bench, Path]]) -> None:
    bench, store = own(CDS_REPEATS="omit")
    page = bench.open()
    page.get_by_role("button", name="Override").click()
    expect(steps(page).last).to_have_text("The next call leaves this card out.")
    page.locator("#send").click()
    expect(page.locator("#cards")).to_contain_text("The service had nothing to say about what was sent")
    assert ("left-out", "warning") in fates(store)


def test_what_is_critical_is_not_held_back(own: Callable[..., tuple[Bench, Path]]) -> None:
    bench, store = own()
    page = bench.story("fever-with-low-count")
    page.get_by_role("button", name="Override").click()
    expect(steps(page).last).to_contain_text("again as Critical: what is critical is not held back")
    assert [row[1] for row in feedback(store)] == ["overridden"]


def test_an_order_check_is_decided_at_its_own_service(own: Callable[..., tuple[Bench, Path]]) -> None:
    bench, store = own()
    page = bench.story("order-live-vaccine")
    page.get_by_label("Reason to override").select_option(index=1)
    page.get_by_role("button", name="Override").click()
    expect(steps(page).last).to_contain_text("holds it back")
    assert posted(bench, "/cds-services/neutropenia-order-sign/feedback") != []
    assert [row[1] for row in feedback(store)] == ["overridden"]


def test_each_real_call_has_a_hook_instance_of_its_own(own: Callable[..., tuple[Bench, Path]]) -> None:
    bench, _ = own()
    page = bench.open()
    for indicator in ("warning", "info"):  # the second is a repeat of the first
        page.locator("#send").click()
        expect(page.locator("#said")).to_contain_text("Sent by")
        expect(page.locator("#cards article")).to_have_attribute("data-indicator", indicator)
    page.locator("button.accept").first.click()
    expect(page.locator(".record li").last).to_contain_text("The next call")
    calls = posted(bench, "/cds-services/neutropenia-review")
    assert len({one["hookInstance"] for one in calls}) == len(calls) == 3


def test_without_a_store_the_page_says_why_nothing_is_kept(own: Callable[..., tuple[Bench, Path]]) -> None:
    bench, _ = own(CDS_DATABASE_URL="off")
    bench.expects_refusals = True
    page = bench.open()
    page.locator("button.accept").first.click()
    expect(steps(page).last).to_contain_text("feedback is not kept here")
    expect(page.locator("#said")).to_contain_text("Sent by POST")
    expect(page.locator("#said")).not_to_contain_text("recorded")


def test_what_a_suggestion_drafts_can_be_read_before_it_is_accepted(bench: Bench) -> None:
    page = bench.story("order-folic-acid-before-b12")
    drafts = page.locator(".drafts")
    drafts.nth(0).locator("summary").first.click()
    expect(drafts.nth(0)).to_contain_text("removes a draft")
    drafts.nth(1).locator("summary").first.click()
    expect(drafts.nth(1)).to_contain_text("Anti-intrinsic factor antibody")
    expect(drafts.nth(1)).to_contain_text("ServiceRequest, draft, proposal")
