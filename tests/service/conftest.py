"""One running service for all tests of HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from wire import LISTED, Running, free_port, start, stop


@pytest.fixture(scope="session")
def server() -> Iterator[Running]:
    """One service for all tests, as it runs by default but for a listed origin; it must stop with exit status 0."""
    running = start(free_port(), CDS_CORS_ORIGINS=LISTED)
    yield running
    status, said = stop(running)
    assert status == 0, said


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-stories", action="store_true", help="write the stories' answers anew")
