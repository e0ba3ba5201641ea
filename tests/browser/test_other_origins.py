"""What the CDS Hooks Sandbox needs: calls from another origin, with the preflights that a browser sends before them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from driving import STRANGER
from playwright.sync_api import Browser, Page, Request
from wire import Running

from service import stories

pytestmark = pytest.mark.browser

STORY = "iron-deficiency"
# What the Sandbox sends with each call; `authorization` and a JSON body each bring a preflight about.
CALL = """async ([url, method, body]) => {
    const headers = { "Content-Type": "application/json", "Authorization": "Bearer none" };
    try {
        const answer = await fetch(url, { method, headers, body: body === null ? undefined : JSON.stringify(body) });
        return [answer.status, await answer.json()];
    } catch (fault) {
        return [0, String(fault)];
    }
}"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><link rel=icon href=data:,><title>an EHR</title>")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: pytest's output is not its log."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Another server of this machine: the page of an EHR."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def elsewhere(chromium: Browser) -> Iterator[Page]:
    """A page of no origin yet."""
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def calls(base: str, cards: list[Any]) -> list[tuple[str, str, Any]]:
    """Discovery, a call, and feedback on its first card."""
    told = {"card": "none", "outcome": "overridden", "outcomeTimestamp": "2026-06-15T09:30:00Z"}
    batch = {"feedback": [told | {"card": card["uuid"]} for card in cards] or [told]}
    call = f"{base}/cds-services/neutropenia-review"
    request = stories.find(STORY).at(datetime.now(UTC))
    return [(f"{base}/cds-services", "GET", None), (call, "POST", request), (f"{call}/feedback", "POST", batch)]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_page_of_this_machine_may_discover_call_and_tell(
    elsewhere: Page, service: Running, port: int, host: str
) -> None:
    asked: list[Request] = []
    elsewhere.context.on("request", lambda one: asked.append(one))
    elsewhere.goto(f"http://{host}:{port}/")
    base, cards = f"http://127.0.0.1:{service.port}", []
    for number in range(3):
        status, answer = elsewhere.evaluate(CALL, list(calls(base, cards)[number]))
        assert status == 200, answer
        cards = answer.get("cards", cards)
    assert [card["indicator"] for card in cards] != []
    assert answer == {}


def test_a_preflight_goes_before_each_of_these_calls(elsewhere: Page, service: Running, port: int) -> None:
    elsewhere.goto(f"http://127.0.0.1:{port}/")
    devtools = elsewhere.context.new_cdp_session(elsewhere)
    methods: list[tuple[str, str]] = []
    devtools.on(
        "Network.requestWillBeSent", lambda one: methods.append((one["request"]["method"], one["request"]["url"]))
    )
    devtools.send("Network.enable")
    base = f"http://127.0.0.1:{service.port}"
    wanted = calls(base, [])
    for one in wanted:
        assert elsewhere.evaluate(CALL, list(one))[0] == 200
    for url, method, _ in wanted:
        assert ("OPTIONS", url) in methods and (method, url) in methods


def test_a_page_of_a_stranger_may_do_none_of_it(elsewhere: Page, service: Running, port: int) -> None:
    elsewhere.goto(f"http://{STRANGER}:{port}/")
    assert elsewhere.evaluate("location.hostname") == STRANGER
    for one in calls(f"http://127.0.0.1:{service.port}", []):
        status, fault = elsewhere.evaluate(CALL, list(one))
        assert (status, fault) == (0, "TypeError: Failed to fetch"), json.dumps(one)[:80]


def test_a_page_of_a_stranger_cannot_show_the_workbench_in_a_frame(
    elsewhere: Page, service: Running, port: int
) -> None:
    elsewhere.goto(f"http://{STRANGER}:{port}/")
    elsewhere.evaluate(
        "url => new Promise((done) => { const one = document.createElement('iframe'); one.onload = done; "
        "one.src = url; document.body.append(one); })",
        f"http://127.0.0.1:{service.port}/",
    )
    framed = elsewhere.frames[1]
    assert framed.locator("#cards").count() == 0
