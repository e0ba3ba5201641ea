"""/docs in a real browser: the operations of the contract appear, and a call of the service is tried from it.

That no page asks elsewhere, and that no console speaks of a policy that was broken, is held by the fixture `bench`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from driving import Bench
from playwright.sync_api import Page, expect

from service import contract

pytestmark = pytest.mark.browser

LURE = "?url=https://elsewhere.example/x.yaml&configUrl=https://elsewhere.example/c.json"


def documented(bench: Bench, address: str = "/docs") -> Page:
    """The page once the contract is drawn."""
    bench.page.goto(bench.base + address)
    expect(bench.page.locator(".opblock-summary-path").first).to_be_visible()
    return bench.page


# Swagger UI once took the contract, or its whole configuration, from the address.
@pytest.mark.parametrize("address", ["/docs", f"/docs{LURE}"], ids=["plain", "with another contract in the address"])
def test_the_operations_are_those_of_the_contract(bench: Bench, address: str) -> None:
    page = documented(bench, address)
    shown = page.locator(".opblock-summary-path").evaluate_all("found => found.map(one => one.dataset.path)")
    paths = contract.document()["paths"]
    assert sorted(shown) == sorted(path for path, item in paths.items() for name in item if name != "parameters")


def test_a_call_is_tried_from_the_page(bench: Bench) -> None:
    page = documented(bench, "/docs#/CDS%20Hooks/discover")
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    answer = page.locator(".live-responses-table .response").first
    expect(answer).to_contain_text("200")
    expect(answer).to_contain_text("neutropenia-review")


def test_it_can_be_read_on_a_narrow_screen(benches: Callable[..., Bench]) -> None:
    page = documented(benches(width=360))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
