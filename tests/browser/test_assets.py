"""What the page loads: little, from its own origin, by its policy, and the modules that it names."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from driving import Bench
from playwright.sync_api import Page, Response, expect

pytestmark = pytest.mark.browser

STATIC = Path(__file__).parents[2] / "service" / "workbench" / "static"
MOST = 100_000  # bytes, uncompressed, of page, style, scripts and icon until the first card is there
LONGEST = 260  # lines of a module, as of any file


def loaded(bench: Bench) -> dict[str, int]:
    """Size of each asset by its path, until the first card is there."""
    sizes: dict[str, int] = {}

    def weigh(answer: Response) -> None:
        kind = answer.headers.get("content-type", "")
        if not kind.startswith("application/json"):
            sizes[urlsplit(answer.url).path] = len(answer.body())

    bench.page.on("response", weigh)
    bench.open()
    bench.page.wait_for_load_state("networkidle")
    return sizes


def test_the_assets_until_the_first_card_are_below_100_kilobytes(bench: Bench) -> None:
    sizes = loaded(bench)
    assert {"/", "/workbench/static/main.js", "/workbench/static/workbench.css", "/static/pictures.css"} <= sizes.keys()
    assert sum(sizes.values()) < MOST, sizes


def test_the_page_names_each_module_that_the_first_card_needs_and_no_other(bench: Bench) -> None:
    modules = {path for path in loaded(bench) if path.endswith(".js")}
    named = set(
        bench.page.locator('link[rel="modulepreload"]').evaluate_all(
            "all => all.map(one => new URL(one.href).pathname)"
        )
    )
    assert named | {"/workbench/static/main.js"} == modules
    later = {f"/workbench/static/{one.name}" for one in STATIC.glob("*.js")} - modules
    assert later == {f"/workbench/static/{one}.js" for one in ("developers", "feedback", "server")}


def test_no_script_or_style_but_those_of_the_origin_would_run(driven: Page) -> None:
    driven.evaluate("""() => {
        window.blocked = [];
        document.addEventListener("securitypolicyviolation", (one) => window.blocked.push(one.violatedDirective));
    }""")
    assert driven.evaluate("document.querySelectorAll('[style], style, script:not([src])').length") == 0


def test_an_inline_script_is_blocked_by_the_policy(bench: Bench) -> None:
    page = bench.open()
    page.evaluate("""() => { const one = document.createElement("script");
        one.textContent = "window.hit = 1"; document.body.append(one); }""")
    assert page.evaluate("window.hit") is None
    assert any("Content Security Policy" in line for line in bench.said)
    bench.said.clear()


def test_the_page_works_below_the_path_of_a_proxy(bench: Bench) -> None:
    """A proxy that serves the service under /cds/: played by rewriting addresses on their way."""
    page = bench.page
    page.route(
        re.compile(r"/cds/"),
        lambda route: route.fulfill(response=route.fetch(url=route.request.url.replace("/cds/", "/", 1))),
    )
    bench.open("/cds/?story=infant")
    page.locator('a[data-story="duffy-null"]').click()
    expect(page.locator("#story-title")).to_contain_text("Fy(a-b-)")
    expect(page).to_have_url(f"{bench.base}/cds/?story=duffy-null")
    outside = [one.url for one in bench.asked if not urlsplit(one.url).path.startswith("/cds/")]
    assert outside == []


def test_no_module_is_too_long_to_be_read() -> None:
    lengths = {one.name: len(one.read_text("utf-8").splitlines()) for one in STATIC.glob("*.js")}
    assert lengths and max(lengths.values()) <= LONGEST, lengths


def test_a_page_on_which_nothing_answers_says_so(benches: Callable[..., Bench]) -> None:
    bench = benches()
    page = bench.open()
    page.route("**/workbench/judge/*", lambda route: route.abort())
    page.locator('[data-analyte="vitamin-b12"] .amount').fill("650")
    expect(page.locator("#problem")).to_contain_text("The service does not answer: is it still running?")
    expect(page.locator("#cards")).to_have_class("stale")
    page.unroute("**/workbench/judge/*")
    page.locator('[data-analyte="vitamin-b12"] .amount').fill("640")
    expect(page.locator("#problem")).to_be_empty()
    bench.said[:] = [line for line in bench.said if "net::ERR_FAILED" not in line]
