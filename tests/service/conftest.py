"""One running service for all tests of HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from requests_of import CANARY
from wire import LISTED, Running, free_port, start, stop


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for all tests, as it runs by default but for a listed origin; it must stop with exit status 0.

    Fault 55: what all of them sent holds canaries; none is in what the service printed, nor in its database.
    """
    folder = tmp_path_factory.mktemp("server")
    running = start(free_port(), CDS_CORS_ORIGINS=LISTED, CDS_DATABASE_URL=f"sqlite:///{folder}/store.sqlite")
    yield running
    status, said = stop(running)
    assert status == 0, said
    assert CANARY not in said.lower()
    assert [file.name for file in folder.iterdir() if CANARY.encode() in file.read_bytes().lower()] == []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-stories", action="store_true", help="write the stories' answers anew")
