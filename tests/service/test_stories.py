"""The stories in fixtures/fhir/stories: each request gives the answer that lies beside it.

A story is a folder with request.json, story.toml (title, what it shows, the day for which its dates are written) and
response.json, in which uuids are numbered. After a change that is meant: `./cds test tests/service --update-stories`.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from flask.testing import FlaskClient

from service import contract
from service.app import create_app
from service.settings import Settings
from service.stories import Story, find, moved, names

HERE = Path(__file__).resolve().parents[2] / "fixtures" / "fhir" / "stories"
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
STORIES = pytest.mark.parametrize("name", names())


@cache
def client(day: date) -> FlaskClient:
    noon = datetime.combine(day, time(12), UTC)
    return create_app(Settings(public_base_url="https://cds.example.org"), clock=lambda: noon).test_client()


def replay(story: Story) -> Any:
    """The answer of the service on the story's day, as text with numbered uuids and as it came."""
    answer = client(story.as_of).post(f"/cds-services/{service_for(story)}", json=story.request)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer.json


def service_for(story: Story) -> str:
    offered = client(story.as_of).get("/cds-services").json
    assert offered
    return next(str(one["id"]) for one in offered["services"] if one["hook"] == story.request["hook"])


def numbered(value: Any) -> Any:
    """The same JSON with each uuid replaced by its number in order of appearance."""
    seen: dict[str, str] = {}
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(UUID.sub(lambda match: seen.setdefault(match[0], f"uuid-{len(seen) + 1}"), text))


def test_every_folder_is_a_whole_story() -> None:
    folders = sorted(path.name for path in HERE.iterdir() if path.is_dir())
    assert folders == names()
    assert len(folders) >= 10


@STORIES
def test_a_story_has_the_answer_that_lies_beside_it(name: str, request: pytest.FixtureRequest) -> None:
    story = find(name)
    got = numbered(replay(story))
    file = story.folder / "response.json"
    if request.config.getoption("--update-stories", default=False):
        file.write_text(json.dumps(got, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert got == json.loads(file.read_text("utf-8"))


@STORIES
def test_the_answer_is_as_the_contract_says_and_every_order_is_valid_fhir(name: str) -> None:
    body = replay(find(name))
    contract.validator("HookResponse").validate(body)
    for card in body["cards"]:
        for suggestion in card.get("suggestions", []):
            for resource in (action["resource"] for action in suggestion["actions"] if action["type"] == "create"):
                get_fhir_model_class(resource["resourceType"]).model_validate(resource)


@STORIES
def test_the_request_is_valid_fhir_and_asks_with_the_keys_of_discovery(name: str) -> None:
    story = find(name)
    contract.validator("HookRequest").validate(story.request)
    offered = client(story.as_of).get("/cds-services").json
    assert offered
    (keys,) = [one["prefetch"].keys() for one in offered["services"] if one["hook"] == story.request["hook"]]
    assert story.request["prefetch"].keys() <= keys
    for resource in filter(None, story.request["prefetch"].values()):
        get_fhir_model_class(resource["resourceType"]).model_validate(resource)
    assert ("draftOrders" in story.request["context"]) is (story.request["hook"] != "patient-view")


@STORIES
def test_a_story_told_another_day_has_the_same_summaries_but_for_dates(name: str) -> None:
    story = find(name)
    later = story.as_of + timedelta(days=400)
    answer = client(later).post(f"/cds-services/{service_for(story)}", json=moved(story.request, later - story.as_of))
    assert answer.json
    assert [undated(card) for card in answer.json["cards"]] == [undated(card) for card in replay(story)["cards"]]


def undated(card: dict[str, Any]) -> tuple[str, str]:
    return card["indicator"], re.sub(r"\b\d{1,2} [A-Z][a-z]{2}(?: \d{4})?\b", "<day>", card["summary"])


@pytest.mark.parametrize("hour", [0, 5, 11, 18, 23])
@STORIES
def test_a_story_has_the_same_cards_at_every_hour(name: str, hour: int) -> None:
    story = find(name)
    moment = datetime.combine(story.as_of, time(hour, 7, 31), UTC)
    playing = create_app(Settings(public_base_url="https://cds.example.org"), clock=lambda: moment).test_client()
    answer = playing.post(f"/cds-services/{service_for(story)}", json=story.at(moment))
    assert answer.json
    assert [undated(card) for card in answer.json["cards"]] == [undated(card) for card in replay(story)["cards"]]
    rows = [[verdicts(card) for card in body["cards"]] for body in (answer.json, story.response)]
    assert rows[0] == rows[1]


def verdicts(card: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Result, threshold and verdict of each line of a card's tables; what it did not know, without dates."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in card["detail"].splitlines() if "|" in line]
    return [(cells[0], cells[-2], cells[-1]) for cells in lines]


def test_at_another_moment_hours_are_kept_to_the_minute_and_days_are_those_of_the_zone() -> None:
    story = find("b12-deficient-positive-antibody")
    moment = datetime(2027, 1, 1, 0, 30, 59, tzinfo=timezone(timedelta(hours=2)))
    told = json.dumps(story.at(moment))
    assert '"2026-06-14T08:00:00Z"' in json.dumps(story.request)
    assert '"2026-12-30T18:30:00Z"' in told  # 28 hours before
    assert '"birthDate": "1981-09-18"' in told


def test_dates_of_every_kind_are_moved_and_nothing_else() -> None:
    by = timedelta(days=1)
    moves = {
        "2026-02-28": "2026-03-01",
        "2026-12-31T23:59:59+02:00": "2027-01-01T23:59:59+02:00",
        "2026-06": "2026-06",
        "12345-67-89": "12345-67-89",
        "a 2026-02-28 b": "a 2026-02-28 b",
    }
    assert moved({"a": [*moves, 5, None]}, by) == {"a": [*moves.values(), 5, None]}


REASONS = {
    "already-treated", "benefit-outweighs-risk", "expected-after-chemotherapy", "known-benign-neutropenia",
    "patient-declines", "pending", "result-outdated", "specialist-decision", "under-hematology-care",
}  # fmt: skip


@STORIES
def test_a_card_names_at_most_six_reasons_by_codes_that_do_not_change(name: str) -> None:
    for card in replay(find(name))["cards"]:
        codes = [reason["code"] for reason in card["overrideReasons"]]
        assert 1 <= len(codes) <= 6
        assert len(set(codes)) == len(codes)
        assert set(codes) <= REASONS
