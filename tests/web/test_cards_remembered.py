"""From a card to its page: the link on the card opens what it rests on, what became of it, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from service import contract, memory
from service.app import create_app
from service.settings import Settings
from service.store.retention import Limits, purge

STORIES = Path(__file__).resolve().parents[2] / "fixtures" / "fhir" / "stories"
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
BASE = "https://cds.example.org/here"
REVIEW = "/cds-services/neutropenia-review"
Json = dict[str, Any]


@dataclass
class Site:
    """A service with a memory, and its clock."""

    folder: Path
    now: datetime = NOON
    settings: Json | None = None

    def __post_init__(self) -> None:
        self.database = f"sqlite:///{self.folder}/store.sqlite"
        chosen = Settings(database_url=self.database, public_base_url=BASE, **(self.settings or {}))
        self.app = create_app(chosen, lambda: self.now)
        self.web: FlaskClient = self.app.test_client()

    def cards(self, story: str = "moderate-indeterminate-b12", path: str = REVIEW) -> list[Json]:
        answer = self.web.post(path, json=json.loads((STORIES / story / "request.json").read_bytes()))
        assert answer.status_code == 200 and answer.json
        return list(answer.json["cards"])

    def open(self, card: Json, **headers: str) -> Any:
        (url,) = [link["url"] for link in card["links"] if "/cards/" in link["url"]]
        parts = urlsplit(url)
        assert url.startswith(BASE)
        return self.web.get(f"{parts.path.removeprefix('/here')}?{parts.query}", headers=headers)

    def tell(self, card: Json, outcome: str = "overridden", **more: Any) -> None:
        item = {"card": card["uuid"], "outcome": outcome, "outcomeTimestamp": "2026-06-15T12:00:00Z", **more}
        assert self.web.post(f"{REVIEW}/feedback", json={"feedback": [item]}).status_code == 200

    def rows(self, sql: str) -> list[Any]:
        with create_engine(self.database).connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql))]

    def settled(self) -> None:
        """Wait until what was left for later is done."""
        store = self.app.extensions["cds"].memory.store
        while store.waiting:
            time.sleep(0.01)
        store.within(10, lambda: None)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "WAIT", 10)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield Site(tmp_path)


def evidence(site: Site, card: Json) -> Json:
    answer = site.open(card, Accept="application/json")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return dict(answer.json)


def test_the_link_of_a_card_opens_what_it_rests_on(site: Site) -> None:
    (card,) = site.cards()
    site.settled()
    found = evidence(site, card)
    assert found["card"]["summary"] == card["summary"]
    assert found["assessment"]["severity"] == "moderate"
    assert found["assessment"]["anc"]["observations"]
    assert "subject" not in found["assessment"]
    assert found["explanation"]
    assert found["fate"] == {"is": "shown"}
    page = site.open(card, Accept="text/html").get_data(as_text=True)
    assert 'class="scale"' in page and 'class="tree"' in page  # with the bands by which it was judged
    assert "<svg" in page and "pg/mL" in page


def test_an_order_card_opens_with_its_draft(site: Site) -> None:
    (card,) = site.cards("order-folic-acid-before-b12", "/cds-services/neutropenia-order-sign")
    site.settled()
    found = evidence(site, card)
    assert found["drafts"]
    contract.validator("CardEvidence").validate(found)


def test_what_is_kept_of_a_card_with_suggestions_is_as_the_contract_says_and_names_nobody(site: Site) -> None:
    (card,) = site.cards()
    site.settled()
    found = evidence(site, card)
    contract.validator("CardEvidence").validate(found)
    drafts = [act["resource"] for one in found["card"]["suggestions"] for act in one["actions"] if "resource" in act]
    assert drafts and not [draft for draft in drafts if "subject" in draft]


def test_a_link_ages_and_opens_its_own_card_alone(site: Site) -> None:
    (one,), (two,) = site.cards(), site.cards("wilson-look-alike")
    site.settled()
    query = urlsplit(next(link["url"] for link in one["links"] if "/cards/" in link["url"])).query
    assert site.web.get(f"/cards/{one['uuid']}?{query}").status_code == 200
    assert site.web.get(f"/cards/{two['uuid']}?{query}").status_code == 404
    assert site.web.get(f"/cards/{one['uuid']}").status_code == 404
    site.now = NOON + timedelta(hours=12, seconds=1)
    assert site.open(one).status_code == 404


def test_another_process_with_the_same_key_opens_the_link(site: Site, tmp_path: Path) -> None:
    (card,) = site.cards()
    site.settled()
    assert Site(tmp_path).open(card).status_code == 200
    (tmp_path / "store.sqlite.key").write_text("another-key-of-thirty-two-bytes-or-more")
    assert Site(tmp_path).open(card).status_code == 404


def test_once_its_days_are_over_the_page_says_so(site: Site) -> None:
    (card,) = site.cards()
    site.settled()
    site.now = NOON + timedelta(hours=11)
    purge(site.app.extensions["cds"].memory.store, Limits(1, 365), NOON + timedelta(days=2), "cds purge")
    found = evidence(site, card)
    assert (found["assessment"], found["card"], found["explanation"]) == (None, None, [])
    assert site.open(card, Accept="text/html").status_code == 200


def test_a_card_that_comes_again_is_lowered_and_its_page_says_why(site: Site) -> None:
    (first,), (second,) = site.cards(), site.cards()
    assert (first["indicator"], second["indicator"]) == ("warning", "info")
    site.settled()
    said = evidence(site, second)["fate"]
    assert said["is"] == "lowered"
    assert said["reason"] == "it came before with the same results"
    assert said["until"] == "2026-06-16T12:00:00Z"


def test_a_card_that_was_overridden_is_lowered_with_the_reason(site: Site) -> None:
    (first,) = site.cards()
    site.tell(first, overrideReason={"reason": {"system": "urn:neutropenia-cds:override", "code": "already-treated"}})
    (second,) = site.cards()
    assert second["indicator"] == "info"
    site.settled()
    assert evidence(site, second)["fate"]["reason"].startswith("it was overridden before (")
    (told,) = evidence(site, first)["feedback"]
    assert told["outcome"] == "overridden"


def test_severe_counts_are_never_silenced_by_default(site: Site) -> None:
    for _ in range(3):
        assert [card["indicator"] for card in site.cards("fever-with-low-count")] == ["critical"]


def test_a_day_later_the_card_is_back(site: Site) -> None:
    site.cards()
    site.now = NOON + timedelta(hours=24, seconds=1)
    assert site.cards()[0]["indicator"] == "warning"


def test_omitted_cards_are_remembered_with_their_reason(tmp_path: Path) -> None:
    site = Site(tmp_path, settings={"repeats": "omit"})
    site.cards()
    assert site.cards() == []
    assert site.rows("SELECT fate, because FROM card_issued ORDER BY at, fate DESC") == [
        ("shown", ""), ("left-out", "repeat"),
    ]  # fmt: skip


def test_a_silent_service_judges_and_remembers_and_says_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, settings={"silent": ("neutropenia-review",)})
    assert site.cards() == []
    assert site.rows("SELECT fate FROM card_issued") == [("silent",)]
    services = {one["id"]: one for one in (site.web.get("/cds-services").json or {})["services"]}
    assert "Silent mode" in services["neutropenia-review"]["usageRequirements"]
    assert "Silent mode" not in services["neutropenia-order-sign"]["usageRequirements"]
    assert site.cards("order-folic-acid-before-b12", "/cds-services/neutropenia-order-sign")


def test_who_looked_at_a_card_stands_in_the_audit_trail(site: Site) -> None:
    (card,) = site.cards()
    site.settled()
    evidence(site, card)
    assert site.rows("SELECT actor, action, about, outcome FROM audit") == [("-", "view", card["uuid"], "shown")]


def test_nothing_in_the_database_names_the_patient(site: Site, tmp_path: Path) -> None:
    request = json.loads((STORIES / "moderate-indeterminate-b12" / "request.json").read_bytes())
    whose = request["context"]["patientId"]
    (card,) = site.cards()
    site.settled()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert card["uuid"].encode() in raw
    assert whose.encode() not in raw
    assert f"Patient/{whose}" not in site.open(card, Accept="text/html").get_data(as_text=True)


def test_what_is_too_old_goes_by_itself_once_a_day(site: Site) -> None:
    site.cards()
    site.settled()
    site.now = NOON + timedelta(days=30)
    site.cards()
    site.settled()
    assert site.rows("SELECT evidence IS NULL FROM card_issued ORDER BY at") == [(0,), (0,)]
    site.now = NOON + timedelta(days=31)
    site.cards()
    site.settled()
    assert site.rows("SELECT evidence IS NULL FROM card_issued ORDER BY at") == [(1,), (0,), (0,)]
    assert site.rows("SELECT actor, outcome FROM audit") == [("retention", "evidence 1")]


@pytest.mark.parametrize("sql", ["UPDATE card_issued SET at = 'zzz'", "UPDATE card_issued SET until = '2026-99-99'"])
def test_a_row_that_cannot_be_read_costs_no_card(site: Site, sql: str) -> None:
    site.cards()
    with create_engine(site.database).begin() as connection:
        connection.execute(text(sql))
    assert [card["indicator"] for card in site.cards()] == ["warning"]


def test_an_overridden_draft_with_another_dose_is_another_matter(tmp_path: Path) -> None:
    site = Site(tmp_path, settings={"repeats": "omit", "repeat_severe": True})
    request = json.loads((STORIES / "order-folic-acid-before-b12" / "request.json").read_bytes())
    (entry,) = request["context"]["draftOrders"]["entry"]
    path = "/cds-services/neutropenia-order-sign"
    for mg, cards in ((5, 1), (5, 0), (15, 1)):
        quantity = {"value": mg, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
        timing = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
        entry["resource"]["dosageInstruction"] = [{"doseAndRate": [{"doseQuantity": quantity}], "timing": timing}]
        answer = site.web.post(path, json=request)
        assert answer.json
        assert len(answer.json["cards"]) == cards, mg
        for card in answer.json["cards"]:
            site.tell(card)


def test_a_silent_service_without_a_memory_says_nothing(tmp_path: Path) -> None:
    web = create_app(Settings(silent=("*",)), lambda: NOON).test_client()
    story = json.loads((STORIES / "fever-with-low-count" / "request.json").read_bytes())
    assert web.post(REVIEW, json=story).json == {"cards": []}
