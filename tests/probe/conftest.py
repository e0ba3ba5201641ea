"""Our own service, running for real, as the tests of the service start it (tests/service/wire.py)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).resolve().parents[1] / "service"))

from wire import LISTED, Running, free_port, start, stop


@pytest.fixture(scope="session")
def ours() -> Iterator[Running]:
    """One service for all tests of the probe, as it runs by default but for a listed origin."""
    running = start(free_port(), CDS_CORS_ORIGINS=LISTED)
    yield running
    stop(running)
