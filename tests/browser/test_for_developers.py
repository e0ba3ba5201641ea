"""What developers take along: curl, answer, rules, queries, discovery, the request as a story; a FHIR server."""

from __future__ import annotations

import json
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from driving import OUTSIDE, Bench
from ehr import PATIENT, TOKEN, Asked, chart, fhir, key_of, outcome, running
from playwright.sync_api import Page, expect
from wire import Running, free_port, start, stop

pytestmark = pytest.mark.browser


@pytest.fixture
def developer(benches: Callable[..., Bench]) -> Bench:
    """The view for developers; the page may write to the clipboard."""
    bench = benches(permissions=["clipboard-read", "clipboard-write"])
    bench.open("/?story=order-zinc-with-low-copper#developers")
    expect(bench.page.locator("#view-developers")).to_contain_text("GET /cds-services")
    return bench


def copied(page: Page, label: str) -> str:
    page.get_by_role("button", name=label, exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    text: str = page.evaluate("navigator.clipboard.readText()")
    expect(page.get_by_role("button", name="Copied")).to_have_count(0)
    return text


def test_the_copied_line_for_curl_gives_the_cards_of_the_page(developer: Bench) -> None:
    line = copied(developer.page, "Copy as curl")
    assert developer.base in line
    done = subprocess.run(["sh", "-c", line], capture_output=True, check=True, timeout=20)
    cards = json.loads(done.stdout)["cards"]
    shown = json.loads(copied(developer.page, "Copy the answer"))["cards"]
    assert [card["summary"] for card in cards] == [card["summary"] for card in shown] != []


def test_the_fixture_is_a_story(developer: Bench) -> None:
    request = json.loads(copied(developer.page, "Copy as fixture (request.json)"))
    told = tomllib.loads(copied(developer.page, "Copy story.toml"))
    answer = json.loads(copied(developer.page, "Copy response.json"))
    assert request == json.loads(developer.page.locator("#json").input_value())
    assert request["hook"] == "order-sign"
    assert told["title"] == developer.page.locator("#story-title").inner_text()
    assert str(told["as_of"]) == developer.page.locator("#form").get_attribute("data-today")
    assert [card["indicator"] for card in answer["cards"]] == ["critical"]


def test_rules_queries_timing_and_discovery_are_there(developer: Bench) -> None:
    view = developer.page.locator("#view-developers")
    expect(view).to_contain_text("rules hold: those of cds check, and openapi.yaml")
    view.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
    rules = view.locator("tbody tr td:first-child")
    assert set(rules.all_inner_texts()) >= {"pass"} and "fail" not in rules.all_inner_texts()
    expect(view).to_contain_text("Patient/story-zinc-with-low-copper")
    expect(view.locator("p").first).to_contain_text("Judged in")
    assert "neutropenia-order-select" in copied(developer.page, "Copy")


def test_a_rule_that_fails_is_shown_first(bench: Bench) -> None:
    def alter(route: Any) -> None:
        answer = route.fetch()
        judged = answer.json()
        judged["checks"][0] |= {"ok": False, "found": "cards[0]: here"}
        route.fulfill(response=answer, body=json.dumps(judged))

    bench.page.route("**/workbench/judge/*", alter)
    page = bench.open("/#developers")
    expect(page.locator("#view-developers")).to_contain_text("1 of ")
    expect(page.locator("tr.failed")).to_contain_text("cards[0]: here")


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[tuple[str, Running]]:
    """A FHIR server that the service may ask, and the service; nutrients fail there."""

    def answer(asked: Asked) -> bytes:
        return fhir(outcome(), 500) if key_of(asked) == "nutrients" else chart(asked)

    clients = tmp_path / "clients.toml"
    with running(answer) as server:
        clients.write_text(
            f'[[client]]\nname = "ehr"\nissuer = "urn:ehr"\njku = "https://ehr.example/jwks.json"\n'
            f'[[client.fhir]]\nbase = "{server.url}"\nnetworks = ["127.0.0.0/8"]\n'
        )
        service = start(free_port(), CDS_CLIENTS=str(clients), CDS_AUTH="off")
        yield server.url, service
        status, said = stop(service)
    assert status == 0
    assert TOKEN not in said and PATIENT not in said


def test_a_patient_of_a_fhir_server_is_fetched_and_opened(
    hospital: tuple[str, Running], benches: Callable[..., Bench]
) -> None:
    url, service = hospital
    bench = benches(base=f"http://127.0.0.1:{service.port}")
    page = bench.open("/#server")
    expect(page.get_by_label("Base URL")).to_have_value(url)
    page.get_by_label("Patient id").fill(PATIENT)
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_role("button", name="Fetch").click()
    row = page.locator('tr[data-key="count"]')
    expect(row).to_contain_text("supplied")
    expect(page.locator('tr[data-key="nutrients"]')).to_contain_text("error")
    expect(page.locator('tr[data-key="nutrients"]')).to_contain_text("5xx")
    expect(page.locator("#story-title")).to_have_text("A request of your own")
    assert json.loads(page.locator("#json").input_value())["context"]["patientId"] == PATIENT
    page.locator("#tab-patient").click()
    expect(page.locator("#cards article")).not_to_have_count(0)
    assert PATIENT not in page.url and TOKEN not in page.url and TOKEN not in page.locator("#json").input_value()


def test_a_server_that_is_not_allowed_is_not_asked(bench: Bench) -> None:
    bench.expects_refusals = True
    page = bench.open("/#server")
    expect(page.locator("#no-bases")).to_be_visible()
    page.get_by_label("Base URL").fill("http://127.0.0.1:9/fhir")
    page.get_by_label("Patient id").fill("p1")
    page.get_by_role("button", name="Fetch").click()
    expect(page.locator("#server-said")).to_contain_text("is no server that may be called")
    expect(page.locator("#story-title")).not_to_have_text("A request of your own")


def test_copies_and_calls_work_where_the_browser_trusts_the_address_less(
    benches: Callable[..., Bench], service: Running
) -> None:
    """By http at an address that is not loopback: no clipboard for pages, no crypto.randomUUID."""
    bench = benches(base=f"http://{OUTSIDE}:{service.port}")
    page = bench.open("/?story=infant#developers")
    assert page.evaluate("[window.isSecureContext, typeof navigator.clipboard, typeof crypto.randomUUID]") == [
        False, "undefined", "undefined",
    ]  # fmt: skip
    page.get_by_role("button", name="Copy as curl", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    page.locator("#tab-patient").click()
    with page.expect_request("**/cds-services/neutropenia-review") as sent:
        page.locator("#send").click()
    expect(page.locator("#said")).to_contain_text("Sent by")
    assert UUID(sent.value.post_data_json["hookInstance"]).version == 4
