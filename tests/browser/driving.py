"""A page of the workbench under watch: what it asks for, what its console says."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request, expect

OUTSIDE = "192.0.2.7"  # an address that the browser takes for this machine, and does not trust as it trusts loopback
STRANGER = "ehr.test"  # a name that the browser takes for this machine, and that is no origin of it


@dataclass
class Bench:
    """A page of the workbench, and what it asked for and said meanwhile."""

    page: Page
    base: str
    asked: list[Request] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    expects_refusals: bool = False  # the browser itself logs each answer of 400 and above

    def open(self, address: str = "/") -> Page:
        """The page once the first cards are there."""
        self.page.goto(self.base + address)
        expect(self.page.locator("#cards > .card").first).to_be_attached()
        return self.page

    def story(self, name: str) -> Page:
        return self.open(f"/?story={name}")

    def elsewhere(self) -> list[str]:
        """What was asked of another origin."""
        own = urlsplit(self.base)[:2]
        return [one.url for one in self.asked if urlsplit(one.url)[:2] != own]

    def remark(self, said: ConsoleMessage) -> None:
        refusal = self.expects_refusals and said.text.startswith("Failed to load resource: the server responded")
        if said.type in ("error", "warning") and not refusal:
            self.said.append(f"{said.type}: {said.text} at {said.location['url']}")


def put(page: Page, text: str) -> None:
    """A whole text into the editor, as one paste; Chromium takes seconds to type one of many lines."""
    page.locator("#json").evaluate(
        "(one, text) => { one.value = text; one.dispatchEvent(new Event('input', { bubbles: true })); }", text
    )
