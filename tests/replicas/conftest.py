"""Three services on one PostgreSQL behind one nginx."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "store"))  # posted

from behind_nginx import Replica, Site, Traffic, upstream  # noqa: E402  their place is made known above
from nginx import in_front  # noqa: E402  the same
from servers import Server  # noqa: E402  the same

DRAIN_SECONDS = "2"


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "key").write_text("k" * 64)
    with ExitStack() as until_the_end:
        database = Server()
        until_the_end.callback(database.remove)
        url = database.new_database()
        settings = {"CDS_DATABASE_URL": url, "CDS_KEY_FILE": str(folder / "key"), "CDS_DRAIN_SECONDS": DRAIN_SECONDS}
        with ThreadPoolExecutor(3) as pool:
            replicas = list(pool.map(lambda _: Replica(folder, **settings), range(3)))
        for replica in replicas:
            until_the_end.callback(replica.end)
        yield Site(database, url, replicas, until_the_end.enter_context(in_front(folder, upstream(replicas))))


@pytest.fixture
def site(started: Site) -> Site:
    """All three answer, whatever became of them in another test."""
    for replica in started.replicas:
        if not replica.lives:
            replica.start()
    return started


@pytest.fixture
def traffic(site: Site) -> Iterator[Traffic]:
    """It has begun, and ends with the test."""
    with Traffic(site.proxy).going() as going:
        yield going
