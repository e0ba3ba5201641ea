"""Both databases: SQLite in a file, and a PostgreSQL server of the tests' own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
for folder in ("service", "auth", "."):  # wire, requests_of; tokens; servers
    sys.path.insert(0, str(HERE / folder))

from servers import Server  # noqa: E402  its place is made known above

from service.store import Store, open_store  # noqa: E402  the same


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A server for all tests."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def own_postgresql() -> Iterator[Server]:
    """A server that the test may stop."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def postgresql_url(postgresql: Server) -> str:
    """A new, empty database of the server."""
    return postgresql.new_database()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.database)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()
