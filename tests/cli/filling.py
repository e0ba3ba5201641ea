"""A store that real calls of the service have filled: the stories, and feedback on their cards."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import func, select

from service.app import create_app
from service.cli import main
from service.settings import Settings
from service.store import open_store
from service.store.tables import card_issued
from service.stories import find

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
SERVICES = {
    "patient-view": "neutropenia-review", "order-select": "neutropenia-order-select",
    "order-sign": "neutropenia-order-sign",
}  # fmt: skip
Json = dict[str, Any]


@dataclass
class Clock:
    """The instant at which the service judges."""

    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


class Site:
    """A service on a database, and the commands with the settings that it has."""

    def __init__(self, url: str, folder: Path, **settings: Any) -> None:
        self.url, self.key, self.clock = url, folder / "site.key", Clock()
        if not self.key.exists():
            self.key.write_text("k" * 64)
        self.app = create_app(Settings(database_url=url, key_file=self.key, **settings), self.clock)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def call(self, name: str, later: timedelta = timedelta()) -> list[Json]:
        """The cards of a story, some time after noon of its day."""
        story = find(name)
        self.clock.now = datetime(story.as_of.year, story.as_of.month, story.as_of.day, 12, tzinfo=UTC) + later
        answer = self.client.post(f"/cds-services/{SERVICES[story.request['hook']]}", json=story.request)
        assert answer.status_code == 200 and answer.json, answer.get_data(as_text=True)
        cards: list[Json] = answer.json["cards"]
        return cards

    def feedback(self, card: Json | str, outcome: str, **more: Any) -> None:
        """Feedback on a card."""
        uuid = card if isinstance(card, str) else card["uuid"]
        item = {"card": uuid, "outcome": outcome, "outcomeTimestamp": "2026-06-15T13:00:00Z", **more}
        answer = self.client.post("/cds-services/neutropenia-review/feedback", json={"feedback": [item]})
        assert answer.status_code == 200, answer.get_data(as_text=True)

    def settled(self) -> None:
        """Wait until the calls are counted and the evidence of every card is written, behind its answer."""
        store, until = open_store(self.url), time.monotonic() + 20
        own = self.app.extensions["cds"].memory.store
        while own.waiting and time.monotonic() < until:
            time.sleep(0.02)
        own.within(20, lambda: None)  # what was begun is done
        missing = select(func.count()).select_from(card_issued).where(card_issued.c.evidence.is_(None))
        while True:
            with store.read() as connection:
                if not connection.scalar(missing):
                    break
            assert time.monotonic() < until
            time.sleep(0.02)
        store.close()

    def run(self, *arguments: str, **settings: str) -> Result:
        """A command with the settings of the site."""
        url = self.url.replace("+psycopg", "")
        given = {"CDS_DATABASE_URL": url, "CDS_KEY_FILE": str(self.key), **settings}
        return CliRunner(env=given).invoke(main, list(arguments))


def fill(site: Site) -> list[Json]:
    """Seven calls and some feedback; the cards that came."""
    b12 = site.call("b12-deficient-positive-antibody")
    again = site.call("b12-deficient-positive-antibody", timedelta(hours=1))  # the same results: lowered
    order = site.call("order-folic-acid-before-b12")
    copper = site.call("copper-low-after-bypass-high-zinc")
    emergency = site.call("fever-with-low-count")
    site.call("normal-count-no-card")
    zinc = site.call("order-zinc-with-low-copper")
    site.feedback(b12[0], "accepted", acceptedSuggestions=[{"id": b12[0]["suggestions"][0]["uuid"]}])
    reason = {"system": "urn:neutropenia-cds:override-reason", "code": "specialist-decision"}
    site.feedback(order[0], "overridden", overrideReason={"reason": reason})
    site.feedback(copper[0], "overridden", overrideReason={"reason": {"system": "urn:ehr", "code": "Jane Doe, 0.3"}})
    site.feedback("00000000-0000-4000-8000-000000000000", "accepted", acceptedSuggestions=[{"id": "s"}])
    site.settled()
    return [*b12, *again, *order, *copper, *emergency, *zinc]
