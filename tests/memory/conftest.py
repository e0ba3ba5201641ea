"""What is remembered, asked as clients do: the requests of tests/service."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from service import memory

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))  # requests_of


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is waited for, however busy the machine; what a slow one costs is tested where it is slow."""
    monkeypatch.setattr(memory, "WAIT", 10)
