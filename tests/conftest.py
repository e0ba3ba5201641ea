"""No test writes into the home of who runs it; both databases for whoever asks for `url` or `store`."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest
from databases import own_postgresql, postgresql, postgresql_url, store, url

__all__ = ["own_postgresql", "postgresql", "postgresql_url", "store", "url"]

os.environ["CDS_DATABASE_URL"] = "off"


@pytest.fixture(autouse=True)
def levels_of_logging() -> Iterator[None]:
    """A command that is run in this process says what is logged; the next test has the levels of before."""
    loggers = (logging.getLogger(), logging.getLogger("service"))
    before = [one.level for one in loggers]
    yield
    for one, level in zip(loggers, before, strict=True):
        one.setLevel(level)
