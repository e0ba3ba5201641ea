"""POST /workbench/judge/{service}: the answer of a call without what is remembered, and what goes with it."""

from __future__ import annotations

import json
import logging
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient
from requests_of import CANARY, bundle, call, observation
from wire import free_port, start, stop

from service import contract
from service.app import create_app
from service.settings import Settings
from service.stories import find, names
from service.workbench.validation import checks

REVIEW = "neutropenia-review"
SERVICE = {"patient-view": REVIEW, "order-select": "neutropenia-order-select", "order-sign": "neutropenia-order-sign"}
TOKEN = f"{CANARY}-token"
Json = dict[str, Any]


def bench(**settings: Any) -> FlaskClient:
    noon = datetime(2026, 6, 15, 12, tzinfo=UTC)
    return create_app(Settings(**{"workbench": "on", **settings}), lambda: noon).test_client()


def judged(web: FlaskClient, asked: Json, service: str = REVIEW) -> Json:
    got = web.post(f"/workbench/judge/{service}", json=asked)
    assert got.status_code == 200, got.get_data(as_text=True)
    contract.validator("Judgement").validate(got.json)
    found: Json = got.json
    return found


def parsed(html: str) -> bool:
    """Whether a fragment is well formed, and nothing in it runs or leads elsewhere unasked."""
    found = list(ElementTree.fromstring(f"<div>{html}</div>").iter())
    tags = {one.tag.rpartition("}")[2] for one in found}
    given = {name for one in found for name in one.attrib}
    return not tags & {"script", "style", "img", "iframe", "object"} and not [
        name for name in given if name == "style" or name.startswith("on")
    ]


def test_what_a_chart_holds_is_text_in_pictures_and_evidence() -> None:
    odd = "<script>alert(1)</script><b onclick='x'>&amp;"
    unit = {"unit": odd, "system": "http://unitsofmeasure.org", "code": "pg/mL"}
    b12 = observation("2132-9", id=odd, valueQuantity={"value": 90, **unit})
    sent = {"patient": None, "count": bundle(observation(value=0.8, id=odd)), "nutrients": bundle(b12)}
    preview = judged(bench(), call(sent))
    shown = [one["html"] for one in preview["pictures"]] + [preview["evidence"]]
    assert all(map(parsed, shown))
    assert "<script" not in "".join(shown)
    assert "&lt;script" in preview["evidence"]


def numbered(answer: Any) -> str:
    """The answer without what is fresh in each: uuids, and the second in which an order was drafted."""
    fresh = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|T[0-9:]{8}\+00:00"
    return re.sub(fresh, "fresh", json.dumps(answer["cards"], sort_keys=True))


@pytest.mark.parametrize("name", names())
def test_a_preview_is_the_answer_of_the_call(name: str) -> None:
    story = find(name)
    noon = datetime.combine(story.as_of, datetime.min.time(), UTC).replace(hour=12)
    web = create_app(Settings(workbench="on"), lambda: noon).test_client()
    service = SERVICE[story.request["hook"]]
    preview = judged(web, story.request, service)
    answer = web.post(f"/cds-services/{service}", json=story.request).json
    assert numbered(preview["response"]) == numbered(answer)
    assert [one for one in preview["checks"] if not one["ok"]] == []
    assert {one["key"] for one in preview["prefetch"]} >= story.request["prefetch"].keys()
    assert preview["assessment"]["subject"] == f"Patient/{story.request['context']['patientId']}"
    assert preview["pictures"][0]["id"] == "count"
    assert all(parsed(one["html"]) for one in (*preview["pictures"], {"html": preview["evidence"]}))


LOW = {"patient": None, "count": bundle(observation(value=0.8))}


def test_a_preview_remembers_nothing_and_is_lowered_by_nothing(tmp_path: Path) -> None:
    web = bench(database_url=f"sqlite:///{tmp_path}/store.sqlite")
    first = judged(web, call(LOW))["response"]
    assert first["cards"][0]["indicator"] == "warning"
    real = [web.post(f"/cds-services/{REVIEW}", json=call(LOW)).json for _ in range(2)]
    assert real[0]["cards"][0]["indicator"] == "warning", "the preview was remembered"
    assert real[1]["cards"][0]["indicator"] == "info", "a repeat was not lowered"
    assert judged(web, call(LOW))["response"]["cards"][0]["indicator"] == "warning"
    uuid = first["cards"][0]["uuid"]
    assert web.get(f"/cards/{uuid}?format=json").status_code == 404
    assert not any("/cards/" in link["url"] for link in first["cards"][0]["links"])


def test_a_silent_service_previews_no_card_and_its_judgement_all_the_same() -> None:
    preview = judged(bench(silent=("*",)), call(LOW))
    assert preview["response"] == {"cards": []}
    assert preview["assessment"]["severity"] == "moderate"


def test_a_patient_as_user_gets_no_assessment() -> None:
    preview = judged(bench(), call(LOW, context={"userId": "Patient/p-1", "patientId": "p-1"}))
    assert preview["response"] == {"cards": []}
    assert preview["assessment"] is None
    assert (preview["pictures"], preview["evidence"]) == ([], "")


def test_each_key_has_its_state_and_its_query_for_this_patient() -> None:
    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    sent = {"patient": None, "count": bundle(observation(value=0.8)), "nutrients": bundle(), "markers": failed}
    found = {one["key"]: one for one in judged(bench(), call(sent))["prefetch"]}
    states = {key: one["state"] for key, one in found.items()}
    assert states == dict.fromkeys(found, "missing") | {
        "patient": "empty", "count": "supplied", "nutrients": "empty", "markers": "error",
    }  # fmt: skip
    assert found["patient"]["template"] == "Patient/{{context.patientId}}"
    assert found["patient"]["filled"] == f"Patient/{call()['context']['patientId']}"
    assert "{{" not in "".join(one["filled"] for one in found.values())


CARD: Json = {
    "uuid": "5f1c2a34-0f4e-4b55-9f0a-8a4f3c1d7b10", "summary": "x", "indicator": "info", "detail": "x",
    "source": {"label": "x", "topic": {"system": "x", "code": "x"}},
    "extension": {"org.neutropenia-cds.card": {"severity": "mild", "knowledge": "1"}},
}  # fmt: skip
CREATE = {"type": "create", "description": "x", "resource": {"resourceType": "ServiceRequest", "status": "draft"}}
DELETE = {"type": "delete", "description": "x", "resourceId": "ServiceRequest/d2"}
WRONG = {
    "46": {"summary": "x" * 141},
    "47": {"indicator": "hard-stop"},
    "48": {"source": {}},
    "53": {"links": [{"label": "x", "url": "javascript:x", "type": "absolute"}]},
    "59": {"suggestions": [{"label": "x", "actions": [CREATE]}], "selectionBehavior": "any"},
    "60": {"suggestions": [{"label": "x", "actions": [DELETE]}], "selectionBehavior": "any"},
}


@pytest.mark.parametrize("line", WRONG)
def test_an_answer_that_breaks_a_rule_is_told_with_the_rule(line: str) -> None:
    found = {one["line"]: one for one in checks({"cards": [CARD | WRONG[line]]}, "p-1", {"ServiceRequest/d1"})}
    assert not found[line]["ok"]
    assert "cards[0]" in found[line]["found"]
    assert found["openapi.yaml"]["ok"] is (line == "53")  # any URI is one for a schema


def test_an_answer_by_the_rules_is_told_as_such() -> None:
    found = checks({"cards": [CARD]}, "p-1", set())
    assert {one["line"] for one in found} >= {"2", "42", "46", "47", "48", "50", "openapi.yaml"}
    assert all(one["ok"] for one in found)


TRUSTED = {
    "fhirServer": "https://fhir.example.org/r4",
    "fhirAuthorization": {
        "access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": "user/*.rs", "subject": "us",
    },
}  # fmt: skip


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_line_for_a_shell_gives_the_same_cards() -> None:
    running = start(free_port())
    try:
        asked = call(LOW, **TRUSTED, extension={"org.example": 'it\'s $HOME `id` "!" \\ END-OF-REQUEST é'})
        preview = running.post(f"/workbench/judge/{REVIEW}", asked).json
        done = subprocess.run(["sh", "-c", preview["curl"]], capture_output=True, text=True, check=True, timeout=30)
    finally:
        stop(running)
    assert numbered(json.loads(done.stdout)) == numbered(preview["response"])
    assert preview["response"]["cards"]
    assert TOKEN not in json.dumps(preview)
    assert "it's $HOME" in preview["curl"]
    assert f"http://127.0.0.1:{running.port}/cds-services/{REVIEW}" in preview["curl"]


def test_the_line_for_a_shell_names_the_address_of_the_site() -> None:
    preview = judged(bench(public_base_url="https://cds.example.org/neutropenia"), call(LOW))
    assert preview["curl"].startswith(f"curl -s https://cds.example.org/neutropenia/cds-services/{REVIEW} ")


FAULTS: list[tuple[int, str, Json]] = [
    (400, "context.patientId", {"json": call(LOW, context={"userId": "Practitioner/d-1"})}),
    (400, "hook", {"json": call(LOW, hook=f"{CANARY}-hook")}),
    (400, "prefetch.count", {"json": call({"count": f"{CANARY}-text"})}),
    (400, "$", {"data": f'{{"{CANARY}": ', "content_type": "application/json"}),
    (412, "prefetch.count", {"json": call({})}),
    (415, "Content-Type", {"data": CANARY, "content_type": "text/plain"}),
    (413, "", {"data": b" " * (5 * 1024 * 1024), "content_type": "application/json"}),
]


@pytest.mark.parametrize(("status", "path", "sent"), FAULTS, ids=[f"{s}-{p}" for s, p, _ in FAULTS])
def test_a_fault_is_that_of_the_call(status: int, path: str, sent: Json, caplog: pytest.LogCaptureFixture) -> None:
    web = bench()
    got = web.post(f"/workbench/judge/{REVIEW}", **sent)
    same = web.post(f"/cds-services/{REVIEW}", **sent)
    assert (got.status_code, got.content_type) == (status, "application/fhir+json")
    assert got.json == same.json
    assert [one for issue in got.json["issue"] for one in issue.get("expression", ())] == ([path] if path else [])
    assert CANARY not in got.get_data(as_text=True) + caplog.text


def test_no_service_no_preview() -> None:
    got = bench().post("/workbench/judge/nothing", json=call())
    assert (got.status_code, got.json["issue"][0]["code"]) == (404, "not-found")


def test_a_preview_logs_no_value(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    stranger = observation(value=0.8, patient=f"{CANARY}-other")
    sent = LOW | {f"{CANARY} key": None, "nutrients": bundle(stranger)}
    judged(bench(), call(sent, hookInstance=f"{CANARY}-instance", **TRUSTED))
    assert "prefetch holds another patient" in caplog.text
    assert CANARY not in caplog.text


@pytest.mark.parametrize("depth", [*range(50, 1000, 50), 5000])
def test_a_request_of_any_depth_is_answered_or_refused(depth: int) -> None:
    odd = '{"a":' * depth + "1e400" + "}" * depth
    body = json.dumps(call(LOW)).replace('"patient": null', f'"patient": {odd}')
    got = bench().post(f"/workbench/judge/{REVIEW}", data=body, content_type="application/json")
    assert got.status_code in (200, 400)
