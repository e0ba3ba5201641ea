"""The pictures of the README: `./cds test --all tests/browser/test_screenshots.py --screenshots docs` makes them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from driving import Bench
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

DOCS = Path(__file__).parents[2] / "docs"
MOST = 300_000  # bytes
SCALE = 0.65  # a page of 1400 pixels as wide as the README is read


def size(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG."""
    head = picture.read_bytes()[:24]
    assert head[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", head[16:24])


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where the pictures go."""
    chosen: Path | None = request.config.getoption("--screenshots", None)
    return chosen or tmp_path


def test_the_workbench_with_cards_and_pictures(benches: Callable[..., Bench], folder: Path) -> None:
    page = benches(1400, 1830, device_scale_factor=SCALE).story("clozapine-moderate")
    expect(page.locator("#pictures svg").first).to_be_visible()
    page.screenshot(path=folder / "workbench.png")
    assert size(folder / "workbench.png") == (int(1400 * SCALE), int(1830 * SCALE))
    assert (folder / "workbench.png").stat().st_size < MOST


def test_the_workbench_on_a_phone_in_the_dark(benches: Callable[..., Bench], folder: Path) -> None:
    page = benches(390, 900, color_scheme="dark").story("order-folic-acid-before-b12")
    page.screenshot(path=folder / "workbench-phone.png")
    assert size(folder / "workbench-phone.png") == (390, 900)
    assert (folder / "workbench-phone.png").stat().st_size < MOST


@pytest.mark.parametrize("name", ["workbench.png", "workbench-phone.png"])
def test_the_readme_shows_pictures_that_are_there(name: str) -> None:
    assert f"(docs/{name})" in (DOCS.parent / "README.md").read_text("utf-8")
    assert (DOCS / name).stat().st_size < MOST
