"""Two services on one PostgreSQL are one memory: feedback, repeats, used tokens, migrations."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from posted import OURS, cards, item, review, rows, running, tell
from tokens import BASE, SERVICE, Signer, clients_file, key_file
from wire import Running, free_port, start, stop

pytestmark = pytest.mark.database
PENDING = {"overrideReason": {"reason": {"system": OURS, "code": "pending"}}}


@pytest.fixture
def key(tmp_path: Path) -> str:
    (tmp_path / "key").write_text("k" * 64)
    return str(tmp_path / "key")


@pytest.fixture
def both(postgresql_url: str, key: str) -> Iterator[tuple[Running, Running]]:
    """Two services that start at once on an empty database: one of them makes the tables."""
    given = {"CDS_DATABASE_URL": postgresql_url, "CDS_KEY_FILE": key}
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda port: start(port, **given), [free_port(), free_port()])
    yield one, two
    assert [stop(service)[0] for service in (one, two)] == [0, 0]


def test_feedback_to_one_is_seen_by_the_other(both: tuple[Running, Running], postgresql_url: str) -> None:
    one, two = both
    (first,) = cards(one, review())
    assert first["indicator"] == "warning"
    assert tell(two, item(first["uuid"], **PENDING)).status == 200
    (again,) = cards(two, review())
    assert again["indicator"] == "info"
    assert "overridden (A result or consult is pending)" in again["detail"]
    assert rows(postgresql_url, "SELECT matched FROM feedback") == [(True,)]
    assert tell(one, item(first["uuid"], **PENDING)).status == 200
    assert len(rows(postgresql_url, "SELECT id FROM feedback")) == 1, "sent again, to the other: one row"
    assert len(rows(postgresql_url, "SELECT version_num FROM alembic_version")) == 1


def test_a_suppression_holds_on_both(both: tuple[Running, Running]) -> None:
    one, two = both
    assert [card["indicator"] for card in cards(one, review())] == ["warning"]
    for service in (one, two, one, two):
        assert [card["indicator"] for card in cards(service, review())] == ["info"]
    assert [card["indicator"] for card in cards(two, review(0.8))] == ["warning"], "a new result is news to both"
    assert [card["indicator"] for card in cards(one, review(0.8))] == ["info"]


def test_a_token_is_let_in_once_by_both_together(postgresql_url: str, key: str, tmp_path: Path) -> None:
    signer = Signer.new("ES384", "k")
    key_file(tmp_path / "keys.json", signer)
    clients = str(clients_file(tmp_path, 'jwks_file = "keys.json"'))
    given = {"CDS_CLIENTS": clients, "CDS_PUBLIC_BASE_URL": BASE, "CDS_KEY_FILE": key}
    tokens, body = [signer.token() for _ in range(10)], json.dumps(review()).encode()
    seen: list[Counter[int]] = [Counter() for _ in tokens]

    def use(service: Running) -> None:
        for token, counted in zip(tokens, seen, strict=True):
            bearer = f"Bearer {token}"
            reply = service.ask("POST", SERVICE, body, Content_Type="application/json", Authorization=bearer)
            counted[reply.status] += 1

    with ExitStack() as stack:
        services = [stack.enter_context(running(postgresql_url, "--workers", "2", **given)) for _ in range(2)]
        threads = [threading.Thread(target=use, args=(service,)) for service in services * 3]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [Counter({401: 5, 200: 1})] * len(tokens)
