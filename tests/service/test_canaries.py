"""Fault 55: what was sent is in no error, no log line, nothing that the service prints, and not in its database.

The canaries are those of requests_of.py, so the running service of all other tests is scanned, too (conftest.py), and
each of its refusals (wire.py).
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from requests_of import CANARY, PATIENT, bundle, call, observation, patient
from wire import HOOK, Reply, Running, free_port, start, stop

SELECT, SIGN = "/cds-services/neutropenia-order-select", "/cds-services/neutropenia-order-sign"
TOKEN = f"{CANARY}-token"
AUTHORIZATION = {
    "access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": f"{CANARY}-scope", "subject": TOKEN,
}  # fmt: skip
SERVER = {"fhirServer": f"https://{CANARY}.example/fhir", "fhirAuthorization": AUTHORIZATION}
Json = dict[str, Any]


def draft(**changes: Any) -> Json:
    text = {"text": f"Metformin 500 mg tablet {CANARY}"}
    order = {"resourceType": "MedicationRequest", "id": CANARY, "status": "draft", "medicationCodeableConcept": text}
    return order | {"subject": {"reference": f"Patient/{PATIENT}"}} | changes


def order_call(hook: str, *drafts: Json, **context: Any) -> Json:
    said = {"userId": f"Practitioner/{CANARY}", "patientId": PATIENT, "draftOrders": bundle(*drafts), **context}
    neuropathy = {"resourceType": "Condition", "id": CANARY, "code": {"text": "Peripheral neuropathy"}}
    condition = neuropathy | {"subject": {"reference": f"Patient/{PATIENT}"}}
    keys = {"patient": patient(), "count": bundle(observation(value=3)), "nutrients": bundle(), "medications": bundle()}
    return call(keys | {"conditions": bundle(condition)}, hook=hook, context=said)


CALLS: list[tuple[str, object]] = [
    (HOOK, call()),
    (HOOK, call(hookInstance=CANARY)),
    (HOOK, call(hook=CANARY)),
    (HOOK, call(**SERVER)),
    (HOOK, call({}, **SERVER)),
    (HOOK, call(fhirAuthorization=AUTHORIZATION)),
    (HOOK, call(**SERVER | {"fhirAuthorization": AUTHORIZATION | {"access_token": f"{TOKEN}\r\nX: y"}})),
    (HOOK, call(**SERVER | {"fhirAuthorization": AUTHORIZATION | {"expires_in": TOKEN, "token_type": TOKEN}})),
    (HOOK, call(fhirServer=f"file:///{CANARY}")),
    (HOOK, call(context={"patientId": f"{CANARY}?", "userId": CANARY})),
    (HOOK, call(context=CANARY)),
    (HOOK, call(prefetch=CANARY)),
    (HOOK, call({"count": CANARY})),
    (HOOK, call({"count": {"resourceType": CANARY}, f"{CANARY}, Jane": None})),
    (HOOK, call({"count": {"resourceType": "Bundle", "entry": CANARY}})),
    (HOOK, call({"count": {"resourceType": "Bundle", "entry": [CANARY]}})),
    (HOOK, call({"count": bundle(observation(patient=f"{CANARY}-other"))})),
    (HOOK, call({"count": bundle(observation(value=CANARY, status=CANARY) | {"code": {"text": CANARY}})})),
    (HOOK, json.dumps(call()).encode()[:-9]),
    (HOOK, json.dumps(call()).encode() + CANARY.encode()),
    (HOOK, f'{{"hook": {CANARY}}}'.encode()),
    (f"/cds-services/{CANARY}", call()),
    (f"/{CANARY}?{CANARY}={CANARY}", call()),
    (SIGN, order_call("order-sign", draft())),
    (SIGN, order_call("order-sign", draft(subject={"reference": f"Patient/{CANARY}-other"}))),
    (SIGN, order_call("order-sign", draft(), draftOrders=CANARY)),
    (SELECT, order_call("order-select", draft(), selections=[CANARY])),
    (SELECT, order_call("order-select", draft(), selections=CANARY)),
    ("/assess", bundle(patient(), observation())),
    ("/assess", bundle(patient(), patient(f"{CANARY}-other"))),
    ("/assess", {"resourceType": CANARY, CANARY: CANARY}),
    ("/assess", {"resourceType": [CANARY]}),
    ("/assess", {"resourceType": "Bundle", "type": [CANARY], "entry": [{"resource": CANARY, "fullUrl": [CANARY]}]}),
    (f"/assess?as-of={CANARY}", bundle()),
    (f"/assess?{CANARY}=1", bundle()),
    (f"/assess?explain={CANARY}", bundle()),
]
NO_HTTP = [f"GET /{CANARY} HTTP/9\r\n\r\n", f"GET / HTTP/1.1\r\n{CANARY}\r\n\r\n", f"{CANARY} / HTTP/1.1\r\n\r\n"]


@pytest.fixture(scope="module", params=["json", "text"])
def said(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[list[Reply], str, Path]:
    """All answers of a service to the calls above, what it printed until it stopped, and the folder of its database."""
    folder = tmp_path_factory.mktemp("canaries")
    log = {"CDS_LOG": request.param, "CDS_LOG_LEVEL": "debug"}
    running = start(free_port(), CDS_DATABASE_URL=f"sqlite:///{folder}/store.sqlite", **log)
    try:
        replies = [running.post(path, value) for path, value in CALLS]
        replies += [every(running, "GET"), every(running, "TRACE")]
        for data in NO_HTTP:
            with contextlib.suppress(ConnectionError):
                running.send(data.encode())
    finally:
        printed = stop(running)[1]
    return replies, printed, folder


def every(running: Running, method: str) -> Reply:
    """A request with canaries in each header that anyone may read."""
    given = dict.fromkeys(
        ("Authorization", "Cookie", "User_Agent", "Referer", "Origin", "X_Request_Id", "Traceparent"), TOKEN
    )
    return running.ask(method, f"/cds-services?{CANARY}", None, Host=CANARY, **given)


def test_fault_55_the_calls_are_of_every_kind(said: tuple[list[Reply], str, Path]) -> None:
    replies, printed, folder = said
    assert {reply.status for reply in replies} == {200, 400, 404, 405, 412}
    for line in ("hookInstance is not a UUID", "unknown prefetch keys: 1 (no plain name)", "another patient"):
        assert line in printed
    with contextlib.closing(sqlite3.connect(folder / "store.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM card_issued").fetchone() > (0,)


def test_fault_55_no_refusal_repeats_what_was_sent(said: tuple[list[Reply], str, Path]) -> None:
    assert not [
        reply for reply in said[0] if reply.status != 200 and CANARY in f"{reply.headers}{reply.body!r}".lower()
    ]


def test_fault_55_nothing_that_is_printed_or_stored_holds_what_was_sent(said: tuple[list[Reply], str, Path]) -> None:
    _, printed, folder = said
    assert CANARY not in printed.lower()
    assert [file.name for file in folder.iterdir() if CANARY.encode() in file.read_bytes().lower()] == []
