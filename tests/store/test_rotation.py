"""Another key, in the steps of docs/operations.md, with two services on one database: what goes on, what does not."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from posted import Json, cards, item, review, rows, tell
from wire import Reply, Running, free_port, start, stop

OLD, NEW = "0" * 64, "1" * 64
MEASURED = b"0.90 x10*9/L"  # the count of `review`, which stands in what is sealed alone
OF_A_CARD = "What this card rests on"
UNSEALED = "SELECT count(*) FROM card_issued WHERE evidence IS NULL"


class Replicas:
    """Two services that share a database and a file of keys."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.keys = url, folder / "site.keys"
        self.write(OLD)
        self.both = [self._start(), self._start()]

    def write(self, *keys: str) -> None:
        self.keys.write_text("\n".join(keys) + "\n")

    def _start(self) -> Running:
        return start(free_port(), CDS_DATABASE_URL=self.url, CDS_KEY_FILE=str(self.keys))

    def replace(self, number: int) -> None:
        assert stop(self.both[number])[0] == 0
        self.both[number] = self._start()

    def replace_both(self) -> None:
        self.replace(0)
        self.replace(1)

    def card(self, number: int = 0, whose: str = "one", **more: float) -> Json:
        """The one card about a patient, once what it rests on is written."""
        (card,) = cards(self.both[number], review(whose=whose, **more))
        until = time.monotonic() + 10
        while rows(self.url, UNSEALED) != [(0,)]:
            assert time.monotonic() < until
            time.sleep(0.02)
        return card

    def page(self, number: int, card: Json) -> Reply:
        (link,) = (one["url"] for one in card["links"] if one["label"] == OF_A_CARD)
        parts = urlsplit(link)
        return self.both[number].ask("GET", f"{parts.path}?{parts.query}", Accept="text/html")

    def opens(self, card: Json) -> list[bool]:
        """Whether both show what the card rests on, by its link."""
        replies = [self.page(number, card) for number in (0, 1)]
        return [reply.status == 200 and MEASURED in reply.body for reply in replies]


@pytest.fixture
def replicas(url: str, tmp_path: Path) -> Iterator[Replicas]:
    made = Replicas(url, tmp_path)
    yield made
    assert [stop(one)[0] for one in made.both] == [0, 0]


def test_another_key_costs_no_link_and_no_evidence_at_any_step(replicas: Replicas) -> None:
    before = replicas.card()
    assert replicas.opens(before) == [True, True]
    replicas.write(OLD, NEW)  # first all know the new key, then one after the other uses it
    replicas.replace_both()
    replicas.write(NEW, OLD)
    replicas.replace(0)
    by_the_new = replicas.card(0, "two")
    by_the_old = replicas.card(1, "three")
    for card in (before, by_the_new, by_the_old):
        assert replicas.opens(card) == [True, True]
    replicas.replace(1)
    for card in (before, by_the_new, by_the_old):
        assert replicas.opens(card) == [True, True]
    replicas.write(NEW)  # when what the old one sealed is gone
    replicas.replace_both()
    assert replicas.opens(by_the_new) == [True, True]
    assert replicas.page(0, before).status == 404, "its link was made with the key that is gone"


def test_a_repeat_comes_once_more_in_full_and_is_a_repeat_again(replicas: Replicas) -> None:
    first, again = (replicas.card(n) for n in (0, 1))
    assert [first["indicator"], again["indicator"]] == ["warning", "info"]
    replicas.write(NEW, OLD)
    replicas.replace_both()
    assert [replicas.card(n)["indicator"] for n in (0, 1)] == ["warning", "info"], "the patient has another pseudonym"
    pseudonyms = rows(replicas.url, "SELECT count(DISTINCT pseudonym) FROM card_issued")
    assert pseudonyms == [(2,)]
    assert tell(replicas.both[0], item(first["uuid"])).status == 200
    assert rows(replicas.url, "SELECT matched FROM feedback") == [(True,)], "a card is known by its id"


def test_without_the_first_step_a_replica_does_not_know_what_the_other_signs(replicas: Replicas) -> None:
    replicas.write(NEW, OLD)
    replicas.replace(0)
    assert replicas.opens(replicas.card(0)) == [True, False]
    assert replicas.opens(replicas.card(1, "two")) == [True, True]
