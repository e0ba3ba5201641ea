"""Commands on stores that calls of this process fill."""

from __future__ import annotations

import pytest

from service import memory


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store is waited for, however busy the machine: what a slow one costs is tested where it is slow."""
    monkeypatch.setattr(memory, "WAIT", 10)
