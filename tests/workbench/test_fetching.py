"""POST /workbench/fetch against an EHR over real sockets: what each key brought, and who is never called."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest
from ehr import (
    B12,
    COUNT,
    PATIENT,
    PERSON,
    SHORT,
    TOKEN,
    Answer,
    Asked,
    Ehr,
    Json,
    allowed,
    bundle,
    chart,
    client,
    connections,
    fhir,
    http,
    key_of,
    outcome,
    running,
)  # fmt: skip
from flask.testing import FlaskClient
from wire import free_port

from service import callback, contract
from service.callback import CallBack
from service.fhir_base import fhir_base
from service.workbench.fetching import WORDS

KEYS = 13


def bench(*urls: str, **settings: Any) -> FlaskClient:
    return client(allowed(*urls), workbench="on", **settings)


def fetched(ehr: Ehr, **more: Any) -> Json:
    got = bench(ehr.url, **more).post("/workbench/fetch", json=wanted(ehr.url))
    assert got.status_code == 200, got.get_data(as_text=True)
    contract.validator("FetchReport").validate(got.json)
    found: Json = got.json
    return found


def wanted(server: str, **changes: Any) -> Json:
    return {"fhirServer": server, "patientId": PATIENT, "accessToken": TOKEN, **changes}


def by_key(report: Json) -> dict[str, Json]:
    return {one["key"]: one for one in report["keys"]}


def test_each_key_says_what_its_query_brought() -> None:
    with running(chart) as ehr:
        report = fetched(ehr)
    found = by_key(report)
    assert len(found) == len(ehr.asked) == KEYS
    assert {key: (one["state"], one["results"]) for key, one in found.items()} == dict.fromkeys(found, ("empty", 0)) | {
        "patient": ("supplied", 1), "count": ("supplied", 1), "nutrients": ("supplied", 1),
    }  # fmt: skip
    asked = {one.path.removeprefix("/fhir/").replace("%7C", "|") for one in ehr.asked}
    assert asked == {one["query"] for one in found.values()}
    assert found["patient"]["query"] == f"Patient/{PATIENT}"
    assert {one.headers["authorization"] for one in ehr.asked} == {f"bearer {TOKEN}"}
    assert not [one for one in found.values() if "said" in one]
    assert TOKEN not in json.dumps(report)


def test_the_request_holds_what_was_fetched_and_leads_to_the_same_cards() -> None:
    with running(chart) as ehr:
        web = bench(ehr.url)
        made = web.post("/workbench/fetch", json=wanted(ehr.url)).json["request"]
        called = web.post("/cds-services/neutropenia-review", json={**made, "fhirServer": ehr.url, "prefetch": {}})
    contract.validator("HookRequest").validate(made)
    assert made["prefetch"] == dict.fromkeys(made["prefetch"], bundle()) | {
        "patient": PERSON, "count": bundle(COUNT), "nutrients": bundle(B12),
    }  # fmt: skip
    assert not {"fhirServer", "fhirAuthorization"} & made.keys()
    preview = web.post("/workbench/judge/neutropenia-review", json=made).json["response"]
    summaries = [card["summary"] for card in preview["cards"]]
    assert summaries == [card["summary"] for card in called.json["cards"]] != []


def test_without_a_token_none_is_sent() -> None:
    with running(chart) as ehr:
        asked = {name: value for name, value in wanted(ehr.url).items() if name != "accessToken"}
        assert bench(ehr.url).post("/workbench/fetch", json=asked).status_code == 200
    assert not [one for one in ehr.asked if "authorization" in one.headers]


def failing(answer: bytes) -> Answer:
    """The chart, but for nutrients."""

    def said(asked: Asked) -> bytes:
        return answer if key_of(asked) == "nutrients" else chart(asked)

    return said


def slow(asked: Asked) -> bytes:
    if key_of(asked) == "nutrients":
        time.sleep(3 * SHORT)
    return chart(asked)


FAILURES = [
    ("unauthorized", failing(http(403))),
    ("not-found", failing(http(404))),
    ("rate-limited", failing(http(429))),
    ("rejected", failing(http(400))),
    ("server-error", failing(http(500))),
    ("server-error", failing(fhir(bundle(outcome())))),
    ("redirect", failing(http(302, Location="https://elsewhere.example.org/"))),
    ("not-fhir", failing(http(200, b"<html>", "text/html"))),
    ("not-allowed", failing(fhir(bundle(B12, next="https://elsewhere.example.org/fhir?page=2")))),
    ("timeout", slow),
]


@pytest.mark.parametrize(("reason", "answer"), FAILURES, ids=[reason for reason, _ in FAILURES])
def test_what_went_wrong_is_said_in_words(reason: str, answer: Answer) -> None:
    with running(answer) as ehr:
        report = fetched(ehr, fetch_seconds=SHORT) if reason == "timeout" else fetched(ehr)
    told = by_key(report)["nutrients"]
    assert (told["state"], told["results"], told["said"]) == ("error", 0, WORDS[reason])
    if reason == "timeout":
        assert SHORT * 1000 <= told["took_ms"] < 3 * SHORT * 1000
    held = report["request"]["prefetch"]["nutrients"]
    assert held["issue"][0]["diagnostics"] == WORDS[reason]
    assert by_key(report)["count"]["state"] == "supplied"
    web = bench()
    preview = web.post("/workbench/judge/neutropenia-review", json=report["request"]).json
    assert {"what": "nutrients", "reason": "query-failed"} in preview["assessment"]["gaps"]


def test_a_part_that_is_held_back_is_said() -> None:
    with running(failing(fhir(bundle(B12, outcome())))) as ehr:
        told = by_key(fetched(ehr))["nutrients"]
    assert (told["state"], told["results"]) == ("supplied", 1)
    assert told["said"].startswith("a part was held back")


def test_a_server_that_is_not_there_is_refused_for_every_key() -> None:
    nobody = f"http://127.0.0.1:{free_port()}/fhir"
    told = bench(nobody).post("/workbench/fetch", json=wanted(nobody)).json["keys"]
    assert {one["said"] for one in told} == {WORDS["refused"]}


def test_every_reason_has_its_words() -> None:
    listed = (callback.__doc__ or "").split("\n\n")[2]
    reasons = {word for line in listed.splitlines() for word in line.strip().split("   ")[0].split()}
    assert reasons == WORDS.keys()
    assert all(len(said) > 20 for said in WORDS.values())


STRANGERS = [
    "https://fhir.example.org/r4",
    "http://127.0.0.1:9/fhir",
    "http://127.0.0.1/fhir",
    "http://169.254.169.254/latest",
    "{url}/../admin",
    "{url}x",
    "{root}",
]


@pytest.mark.parametrize("server", STRANGERS)
def test_a_server_that_is_not_allowed_is_refused_and_nobody_is_called(server: str) -> None:
    with running(chart) as ehr:
        address = server.format(url=ehr.url, root=ehr.url.removesuffix("/fhir"))
        web = bench(ehr.url)
        with connections() as seen:
            got = web.post("/workbench/fetch", json=wanted(address))
    assert (got.status_code, got.content_type) == (400, "application/fhir+json")
    (issue,) = got.json["issue"]
    assert issue["expression"] == ["fhirServer"]
    assert seen == ehr.asked == []
    assert TOKEN not in got.get_data(as_text=True)


def test_without_any_base_nobody_is_called() -> None:
    with running(chart) as ehr, connections() as seen:
        got = bench().post("/workbench/fetch", json=wanted(ehr.url))
    assert got.status_code == 400
    assert "CDS_CLIENTS" in got.json["issue"][0]["diagnostics"]
    assert seen == []


def test_the_form_is_told_whom_it_may_name() -> None:
    assert bench("http://127.0.0.1:9/fhir").get("/workbench/vocabulary").json["fhirServers"] == [
        "http://127.0.0.1:9/fhir"
    ]


WRONG: list[tuple[int, str, Json]] = [
    (400, "$.patientId", {"json": wanted("https://x.example.org", patientId="a b")}),
    (400, "$.accessToken", {"json": wanted("https://x.example.org", accessToken="a\r\nHost: b")}),
    (400, "$", {"json": {"fhirServer": "https://x.example.org"}}),
    (400, "$", {"json": wanted("https://x.example.org", **{TOKEN: 1})}),
    (400, "fhirServer", {"json": wanted(f"https://{TOKEN}@x.example.org/fhir")}),
    (400, "$", {"json": [TOKEN]}),
    (400, "$", {"data": b"{", "content_type": "application/json"}),
    (400, "$", {"data": b'{"a": 1e400}', "content_type": "application/json"}),
    (415, "Content-Type", {"data": b"{}", "content_type": "application/x-www-form-urlencoded"}),
    (413, "", {"data": b" " * 5_000_000, "content_type": "application/json"}),
]


@pytest.mark.parametrize(("status", "path", "sent"), WRONG, ids=[f"{s}-{p}-{n}" for n, (s, p, _) in enumerate(WRONG)])
def test_what_is_no_request_is_refused_by_its_place(status: int, path: str, sent: Json) -> None:
    got = bench().post("/workbench/fetch", **sent)
    assert (got.status_code, got.content_type) == (status, "application/fhir+json")
    assert [one for issue in got.json["issue"] for one in issue.get("expression", ())] == ([path] if path else [])
    assert TOKEN not in got.get_data(as_text=True)


def test_no_id_and_no_token_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with running(failing(http(500))) as ehr:
        fetched(ehr)
        bench().post("/workbench/fetch", json=wanted(ehr.url))
    assert "canary" not in caplog.text


def test_a_base_that_is_allowed_is_found_by_whatever_lies_below_it() -> None:
    base = fhir_base("https://fhir.example.org/r4")
    reach = CallBack((base,))
    assert reach.base_of("https://FHIR.example.org:443/r4/") == reach.base_of("https://fhir.example.org/r4/t1") == base
    assert reach.base_of("https://fhir.example.org/r40") is reach.base_of("no address") is None
