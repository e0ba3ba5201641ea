"""One running service for all tests of HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from wire import LISTED, Running, free_port, start, stop


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for all tests, as it runs by default but for a listed origin; it must stop with exit status 0."""
    database = f"sqlite:///{tmp_path_factory.mktemp('server')}/store.sqlite"
    running = start(free_port(), CDS_CORS_ORIGINS=LISTED, CDS_DATABASE_URL=database)
    yield running
    status, said = stop(running)
    assert status == 0, said


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-stories", action="store_true", help="write the stories' answers anew")
