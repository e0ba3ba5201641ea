"""The workbench in a real browser: Debian's Chromium, driven by Playwright, against the service as it runs.

No page of these tests gets further than this machine: the browser resolves no other name. Whatever a page asks for is
listened to; a test that gets a page fails when it asked elsewhere, or when its console held an error.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from driving import OUTSIDE, STRANGER, Bench
from playwright.sync_api import Browser, Page, expect, sync_playwright

for folder in ("service", "callback"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))

from wire import Running, free_port, start, stop  # noqa: E402  found by the path above

NAMES = f"MAP {STRANGER} 127.0.0.1, MAP {OUTSIDE} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 10_000  # milliseconds that something may take to appear on a busy machine

expect.set_options(timeout=PATIENCE)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", metavar="DIR", type=Path, help="write the screenshots of the README there")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """The browser of this system; none is downloaded."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        pytest.skip("Chromium is missing: apt-get install chromium")  # no part of the service
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses a sandbox to root
    with sync_playwright() as playwright:
        flags = [*sandbox, f"--host-resolver-rules={NAMES}"]
        browser = playwright.chromium.launch(executable_path=program, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The database of the service."""
    return tmp_path_factory.mktemp("browser") / "store.sqlite"


@pytest.fixture(scope="package")
def service(store: Path) -> Iterator[Running]:
    """The service as `cds serve` runs it by default, with a database of its own."""
    running = start(free_port(), CDS_DATABASE_URL=f"sqlite:///{store}")
    yield running
    status, said = stop(running)
    assert status == 0, said


@pytest.fixture
def benches(chromium: Browser, service: Running) -> Iterator[Callable[..., Bench]]:
    """Makes pages, each in a browser profile of its own; in the end none may have asked elsewhere or failed."""
    made: list[Bench] = []

    def make(width: int = 1400, height: int = 1000, base: str = "", **options: Any) -> Bench:
        context = chromium.new_context(viewport={"width": width, "height": height}, locale="en-GB", **options)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        bench = Bench(page, base or f"http://127.0.0.1:{service.port}")
        page.on("request", lambda one: bench.asked.append(one))
        page.on("console", bench.remark)
        page.on("pageerror", lambda fault: bench.said.append(f"error: {fault}"))
        made.append(bench)
        return bench

    yield make
    elsewhere = [address for one in made for address in one.elsewhere()]
    said = [line for one in made for line in one.said]
    for one in made:
        one.page.unroute_all(behavior="ignoreErrors")
        one.page.context.close()
    assert elsewhere == []
    assert said == []


@pytest.fixture
def bench(benches: Callable[..., Bench]) -> Bench:
    """A page of the usual size."""
    return benches()


@pytest.fixture
def driven(bench: Bench) -> Page:
    """The page with its first scenario open."""
    return bench.open()
