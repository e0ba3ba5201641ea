"""Our own service, running for real, as the tests of the service start it (tests/service/wire.py)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "service"))

from wire import LISTED, Running, free_port, start, stop


@pytest.fixture(scope="session")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for all tests of the probe, as it runs by default but for a listed origin."""
    database = f"sqlite:///{tmp_path_factory.mktemp('probe')}/store.sqlite"
    running = start(free_port(), CDS_CORS_ORIGINS=LISTED, CDS_DATABASE_URL=database)
    yield running
    stop(running)
