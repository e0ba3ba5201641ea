"""openapi.yaml against the routes, in both directions, and against itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from contracted import check, resolved
from jsonschema.exceptions import ValidationError
from openapi_spec_validator import validate
from wire import Running

import service
from service import contract
from service.app import OPEN, create_app
from service.settings import Settings

BY_ITSELF = {"HEAD", "OPTIONS"}  # Flask and the CORS rules answer these for every address


def test_the_contract_is_valid_openapi() -> None:
    assert contract.document()["openapi"].startswith("3.1")
    validate(contract.document())


def test_the_contract_and_the_routes_are_the_same() -> None:
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in create_app(Settings(workbench="on")).url_map.iter_rules()
        for method in (rule.methods or set()) - BY_ITSELF
    }
    paths = contract.document()["paths"]
    assert routes == {(path, name) for path, item in paths.items() for name in item if name != "parameters"}


def test_the_contract_is_served_as_it_is(server: Running) -> None:
    reply = server.ask("GET", "/openapi.yaml")
    assert reply.body == contract.as_sent()


def test_the_contract_names_the_version_of_the_service() -> None:
    assert contract.document()["info"]["version"] == service.__version__


def operations() -> list[tuple[str, dict[str, Any]]]:
    paths = contract.document()["paths"]
    return [(f"{name} {path}", item[name]) for path, item in paths.items() for name in ("get", "post") if name in item]


@pytest.mark.parametrize(("name", "told"), operations(), ids=lambda value: value if isinstance(value, str) else "")
def test_every_operation_describes_every_status_with_a_body(name: str, told: dict[str, Any]) -> None:
    everywhere = {"200", "405", "414", "431", "500"}
    with_body = {"400", "413", "415"} if name.startswith("post") else set()
    assert everywhere | with_body <= told["responses"].keys()
    assert all(resolved(one).get("content") for status, one in told["responses"].items() if status != "401")


def test_what_reads_a_patients_data_asks_for_a_token_and_nothing_else_does() -> None:
    asks = {name for name, told in operations() if {"clientToken": []} in told.get("security", [])}
    assert asks == {"post /cds-services/{id}", "post /cds-services/{id}/feedback", "post /assess"}
    assert {name for name, told in operations() if {"401", "503"} <= told["responses"].keys()} == asks
    guarded = {one.rule for one in create_app().url_map.iter_rules() if one.endpoint not in OPEN}
    assert guarded == {"/cds-services/<id>", "/cds-services/<id>/feedback", "/assess"}


def test_no_schema_is_left_unused() -> None:
    text = contract.as_sent().decode()
    schemas = contract.document()["components"]["schemas"]
    assert [name for name in schemas if f"#/components/schemas/{name}\"" not in text] == []


CARD: dict[str, Any] = {
    "uuid": "5f1c2a34-0f4e-4b55-9f0a-8a4f3c1d7b10",
    "summary": "x",
    "detail": "x",
    "indicator": "info",
    "source": {"label": "x", "topic": {"system": "x", "code": "x"}},
    "extension": {"org.neutropenia-cds.card": {"severity": "mild", "knowledge": "1"}},
}
WRONG_CARDS = {
    "140_characters": {"summary": "x" * 140},
    "hard_stop": {"indicator": "hard-stop"},
    "no_uuid": {"uuid": ...},
    "empty_suggestions": {"suggestions": []},
    "behavior_without_suggestions": {"selectionBehavior": "any"},
    "empty_detail": {"detail": ""},
    "unknown_field": {"color": "red"},
    "extension_without_severity": {"extension": {"org.neutropenia-cds.card": {"knowledge": "1"}}},
}


@pytest.mark.parametrize("change", WRONG_CARDS.values(), ids=WRONG_CARDS.keys())
def test_the_contract_refuses_a_card_that_the_specification_forbids(change: dict[str, Any]) -> None:
    contract.validator("Card").validate(CARD | {"summary": "x" * 139})
    wrong = {name: value for name, value in (CARD | change).items() if value is not ...}
    with pytest.raises(ValidationError):
        contract.validator("Card").validate(wrong)


def test_the_contract_refuses_an_answer_whose_draft_does_not_say_whose_it_is() -> None:
    story = Path(__file__).resolve().parents[2] / "fixtures/fhir/stories/b12-deficient-positive-antibody/response.json"
    # Stories number their uuids.
    told = re.sub(r'"uuid-(\d+)"', lambda n: f'"00000000-0000-4000-8000-{n[1]:0>12}"', story.read_text("utf-8"))
    answer = json.loads(told)
    contract.validator("HookResponse").validate(answer)
    del answer["cards"][0]["suggestions"][0]["actions"][0]["resource"]["subject"]
    with pytest.raises(ValidationError):
        contract.validator("HookResponse").validate(answer)


def test_the_check_of_answers_can_fail() -> None:
    with pytest.raises(AssertionError):
        check("GET", "/livez", 418, "application/json", b"{}")
    with pytest.raises(ValidationError):
        check("GET", "/livez", 200, "application/json", b'{"status": "bad"}')
