"""The requests that are measured are such that the service has work with them; how long it takes is no test."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from bench.pipeline import STAGES, Pipeline
from bench.remembering import bodies
from bench.requests import AS_OF, PANEL, SIZES, junk, request
from service.app import create_app
from service.settings import Settings

PIPELINE = Pipeline()
KNOWLEDGE = PIPELINE.ground.knowledge
HOOK = "/cds-services/neutropenia-review"


@pytest.mark.parametrize("results", SIZES)
def test_a_request_is_the_same_each_time(results: int) -> None:
    assert request(KNOWLEDGE, results) == request(KNOWLEDGE, results)


@pytest.mark.parametrize(("results", "length"), [(33, 20_000), (165, 100_000)])
def test_a_request_has_the_results_and_about_the_length_that_are_said(results: int, length: int) -> None:
    body = request(KNOWLEDGE, results)
    sent = json.loads(body)["prefetch"]
    assert len(sent["count"]["entry"]) + len(sent["nutrients"]["entry"]) == results
    assert sent["count"]["entry"] and sent["nutrients"]["entry"]
    assert abs(len(body) - length) < length * 0.15


@pytest.mark.parametrize("results", [*SIZES, 800])
def test_a_request_is_answered_with_two_cards_of_which_one_names_the_deficiency(results: int) -> None:
    client = create_app(Settings(), lambda: AS_OF).test_client()
    answer = client.post(HOOK, data=request(KNOWLEDGE, results), content_type="application/json")
    assert answer.status_code == 200
    emergency, main = answer.get_json()["cards"]
    assert emergency["summary"].startswith("EMERGENCY: blasts")
    assert "established cause: vitamin B12 deficiency" in main["detail"]
    assert emergency["suggestions"] and main["suggestions"]


def test_a_request_has_a_patient_two_bundles_of_results_and_a_condition() -> None:
    sent = {key: value for key, value in json.loads(request(KNOWLEDGE, 33))["prefetch"].items() if value}
    held = {key: {one["resource"]["resourceType"] for one in value.get("entry", ())} for key, value in sent.items()}
    assert held == {
        "patient": set(),
        "count": {"Observation"},
        "nutrients": {"Observation"},
        "conditions": {"Condition"},
    }
    assert len(sent["conditions"]["entry"]) == 1


def test_every_result_is_read_and_none_is_a_gap() -> None:
    given: Any = request(KNOWLEDGE, 165)
    for stage in STAGES[:3]:
        given = PIPELINE.stage(stage, given)
    assert len(given.results) == 165
    assert given.gaps == ()


def test_each_draw_of_one_result_is_read() -> None:
    given: Any = request(KNOWLEDGE, 1600, PANEL[:1], timedelta(days=1))
    for stage in STAGES[:3]:
        given = PIPELINE.stage(stage, given)
    assert len(given.results) == 1600


def test_the_stages_one_by_one_say_what_the_whole_says() -> None:
    body = request(KNOWLEDGE, SIZES[0])
    given: Any = body
    for stage in STAGES:
        given = PIPELINE.stage(stage, given)
    assert isinstance(given, bytes)
    assert told(given) == told(PIPELINE.answer(body))


def told(answer: bytes) -> list[tuple[str, str]]:
    """What an answer's cards say; their uuids are new each time."""
    return [(card["summary"], card["detail"]) for card in json.loads(answer)["cards"]]


@pytest.mark.parametrize("kind", junk())
def test_junk_is_refused_and_as_long_as_is_said(kind: str) -> None:
    body = junk()[kind]
    client = create_app(Settings(), lambda: AS_OF).test_client()
    assert client.post(HOOK, data=body, content_type="application/json").status_code == 400
    assert abs(len(body) - 2_000_000) < 100


def test_of_the_calls_that_are_remembered_one_has_cards_and_one_has_none_at_the_same_length() -> None:
    client = create_app(Settings(), lambda: AS_OF).test_client()
    asked = bodies()
    found = {
        name: len(client.post(HOOK, data=body, content_type="application/json").get_json()["cards"])
        for name, body in asked.items()
    }
    assert found == {"two cards": 2, "no card": 0}
    lengths = [len(body) for body in asked.values()]
    assert max(lengths) < min(lengths) * 1.05
