"""The page by keyboard, on narrow and wide screens, light and dark, on paper; for those who cannot see it well."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from driving import Bench, put
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

SHOWN = (
    "b12-deficient-positive-antibody",
    "methotrexate-toxicity",
    "order-zinc-with-low-copper",
    "normal-count-no-card",
)
VIEWS = ("", "#developers", "#server")
WIDTHS = (320, 360, 640, 800, 1100, 1600)
SERIOUS = ("serious", "critical")


def faults(page: Page) -> list[str]:
    """What axe-core finds that keeps people from using the page."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {node['target']} {node['failureSummary']}"
        for one in found
        for node in one["nodes"]
        if one["impact"] in SERIOUS
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", SHOWN)
def test_axe_finds_nothing_serious(benches: Callable[..., Bench], name: str, scheme: str) -> None:
    page = benches(color_scheme=scheme).story(name)
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert faults(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_in_the_other_views(benches: Callable[..., Bench], scheme: str) -> None:
    bench = benches(color_scheme=scheme)
    page = bench.open("/?story=infant#developers")
    page.locator("#tab-json").click()
    expect(page.locator("#view-developers")).to_contain_text("GET /cds-services")
    page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert faults(page) == []
    page.locator("#tab-server").click()
    put(page, "{")
    expect(page.locator("#gutter mark")).to_have_count(1)
    assert faults(page) == []


def test_axe_finds_nothing_serious_on_a_phone_after_a_decision(benches: Callable[..., Bench]) -> None:
    page = benches(360, 760).open()
    page.locator("#stories-toggle").click()
    assert faults(page) == []
    page.locator('a[data-story="duffy-null"]').click()
    page.get_by_role("button", name="Override").click()
    expect(page.locator(".record li").last).to_contain_text("The next call")
    assert faults(page) == []


def test_axe_would_find_a_fault(driven: Page) -> None:
    driven.locator("#filter").evaluate("one => { one.previousElementSibling.remove(); one.placeholder = ''; }")
    assert any("label" in one for one in faults(driven))


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_wider_than_the_screen(benches: Callable[..., Bench], width: int) -> None:
    bench = benches(width, 760)
    for name in SHOWN:
        for view in VIEWS:
            page = bench.open(f"/?story={name}{view}")
            page.locator("#tab-json").click()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, view)
            page.locator("#tab-form").click()
            page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, view)


def test_on_a_phone_the_verdict_stays_in_sight_while_values_change(benches: Callable[..., Bench]) -> None:
    page = benches(360, 760).open()
    field = page.locator('[data-analyte="vitamin-b12"] .amount')
    field.scroll_into_view_if_needed()
    expect(page.locator("#strip")).to_be_in_viewport()
    field.fill("650")
    expect(page.locator("#strip")).not_to_contain_text("vitamin B12 deficiency")
    expect(page.locator("#strip")).to_be_in_viewport()


def test_the_keyboard_alone_opens_a_scenario_changes_a_value_and_accepts(driven: Page) -> None:
    keys = driven.keyboard
    reach(driven, "#filter", "Tab")
    keys.type("folate")
    reach(driven, 'a[data-story="folate-low-b12-unknown"]', "Tab")
    keys.press("Enter")
    expect(driven.locator("#story-title")).to_contain_text("Folate deficient")
    expect(driven.locator("#cards h3")).to_contain_text("folate", ignore_case=True)
    reach(driven, "button.accept", "Tab")
    keys.press("Enter")
    expect(driven.locator(".record li").last).to_contain_text("The next call")
    reach(driven, '[data-analyte="folate"] .amount', "Tab")
    keys.press("ControlOrMeta+A")
    keys.type("12")
    expect(driven.locator("#cards")).to_contain_text("Folate 12 ")
    reach(driven, "#tab-form", "Shift+Tab")
    keys.press("ArrowRight")
    expect(driven.locator("#json")).to_be_visible()
    expect(driven.locator("#tab-json")).to_be_focused()


def reach(page: Page, target: str, key: str) -> None:
    """Press a key until the focus is there; each stop on the way shows where it is."""
    for _ in range(150):
        page.keyboard.press(key)
        there, outlined, name = page.evaluate(
            """target => { const one = document.activeElement, style = getComputedStyle(one);
               return [one.matches(target), parseFloat(style.outlineWidth) > 0 && style.outlineStyle !== "none",
                       one.outerHTML.slice(0, 80)]; }""",
            target,
        )
        assert outlined or name.startswith("<body"), name
        if there:
            return
    raise AssertionError(f"{key} never reaches {target}")


def test_the_first_stop_of_the_keyboard_leads_past_the_list(driven: Page) -> None:
    driven.keyboard.press("Tab")
    expect(driven.locator(".skip")).to_be_focused()
    expect(driven.locator(".skip")).to_be_in_viewport()
    driven.keyboard.press("Enter")
    expect(driven.locator("#results")).to_be_focused()


def test_a_change_is_told_politely_and_once_it_rests(driven: Page) -> None:
    live = driven.locator("#live")
    expect(live).to_have_attribute("aria-live", "polite")
    expect(live).to_contain_text("Warning: Bicytopenia")
    driven.evaluate(
        "() => { window.told = 0; new MutationObserver(() => window.told++).observe(live, {childList: true}); }"
    )
    for value in ("0.7", "0.6", "0.4", "0.3"):
        driven.locator('[data-analyte="neutrophils"] .amount').fill(value)
    expect(live).to_contain_text("Critical: ")
    assert driven.evaluate("window.told") == 1


def late(route: Route) -> None:
    """As over a slow line: the page is painted before its scenarios are there."""
    time.sleep(0.8)
    route.continue_()


def test_nothing_moves_by_itself(benches: Callable[..., Bench]) -> None:
    for width in (360, 800, 1400):
        bench = benches(width, 900)
        bench.page.add_init_script("""window.shift = 0; new PerformanceObserver((list) => {
            for (const one of list.getEntries()) if (!one.hadRecentInput) window.shift += one.value;
        }).observe({ type: "layout-shift", buffered: true });""")
        bench.page.route("**/workbench/stories", late)
        page = bench.open()
        page.wait_for_timeout(600)
        page.locator('[data-analyte="vitamin-b12"] .amount').fill("650")
        page.wait_for_timeout(600)
        assert page.evaluate("window.shift") < 0.001, width


def test_who_wants_no_motion_gets_none(benches: Callable[..., Bench]) -> None:
    page = benches(reduced_motion="reduce").open()
    moving = page.evaluate("""() => [...document.querySelectorAll("*")].filter((one) => {
        const style = getComputedStyle(one);
        return parseFloat(style.transitionDuration) > 0 || style.animationName !== "none"; }).length""")
    assert moving == 0


def test_paper_has_cards_pictures_and_evidence_and_no_controls(driven: Page) -> None:
    driven.emulate_media(media="print")
    for part in ("#cards article", "#pictures svg", "#evidence .tree"):
        expect(driven.locator(part).first).to_be_visible()
    sources = driven.locator("#cards .detail > details", has_text="Sources")
    assert not sources.evaluate("one => one.open")
    expect(sources.locator("li").first).to_be_visible()
    expect(driven.locator("#evidence .row li").first).to_be_visible()
    for part in ("#request", "#stories", "#views", ".override", "#send", ".skip"):
        expect(driven.locator(part).first).to_be_hidden()
    assert len(driven.pdf()) > 20_000


def test_indicators_differ_by_shape_and_word_not_by_colour_alone(driven: Page) -> None:
    shapes, words = set(), set()
    for name in ("duffy-null", "clozapine-moderate", "infant"):
        driven.locator(f'a[data-story="{name}"]').click()
        level = driven.locator("#cards article header .level")
        expect(driven.locator("#story-list [aria-current]")).to_have_attribute("data-story", name)
        driven.wait_for_timeout(300)
        shapes.add(level.locator(".shape").get_attribute("d"))
        words.add(level.inner_text())
    assert words == {"Information", "Warning", "Critical"} and len(shapes) == 3
