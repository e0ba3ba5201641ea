"""Bad inputs and faults over a real socket; the number in a name is the one in the list of faults that operators keep.

Not here because something else holds them: 23 (CORS) in test_cors.py, 36 to 40 (results) in the reader's tests.
"""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import pytest
from requests_of import PATIENT, bundle, call, observation, patient
from wire import HOOK, Reply, Running

from service import contract

BOTH = pytest.mark.parametrize("path", [HOOK, "/assess"])
GOOD = json.dumps(call()).encode()
LIMIT = 4 * 1024 * 1024
HOST = b"Host: 127.0.0.1\r\n"
TYPE = b"Content-Type: application/json\r\n"


def check_refusal(reply: Reply | None, status: int, secret: str = "") -> dict[str, Any]:
    """The answer has that status, is a valid OperationOutcome, and repeats nothing that was sent."""
    assert reply is not None
    assert reply.status == status, reply.body
    assert reply.headers["Cache-Control"] == "no-store"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Content-Type"] == "application/fhir+json"
    outcome: dict[str, Any] = reply.json
    contract.validator("OperationOutcome").validate(outcome)
    assert not secret or secret not in reply.body.decode()
    return outcome


def expressions(outcome: dict[str, Any]) -> list[str]:
    return [path for issue in outcome["issue"] for path in issue.get("expression", [])]


# --- 1 to 10: bodies that are no JSON ---------------------------------------------------------------------------------

BODIES = {
    "fault_1_empty": b"",
    "fault_1_blank": b" \n ",
    "fault_2_list": b"[]",
    "fault_2_text": b'"x"',
    "fault_2_null": b"null",
    "fault_2_number": b"5",
    "fault_3_truncated": GOOD[:-20],
    "fault_4_trailing": GOOD + b"}",
    "fault_4_second_document": GOOD + b" {}",
    "fault_6_nan": b'{"resourceType": NaN, "hook": NaN}',
    "fault_6_infinity": b'{"resourceType": "Observation", "x": -Infinity}',
    "fault_8_of_100000_arrays": b'{"resourceType": "Observation", "hook": ' + b"[" * 100_000,
    "fault_8_of_100000_arrays_closed": b'{"resourceType": "x", "hook": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "fault_10_invalid_utf8": b'{"resourceType": "\xff", "hook": "\xff"}',
    "fault_10_utf16": json.dumps(call()).encode("utf-16"),
    "fault_10_bom": b"\xef\xbb\xbf" + GOOD,
}


@BOTH
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_json_object_is_400(server: Running, path: str, body: bytes) -> None:
    check_refusal(server.post(path, body), 400)


@pytest.mark.parametrize("body", [b"1e400", b"9" * 5000], ids=["fault_6_1e400", "fault_7_of_5000_digits"])
def test_a_number_beyond_numbers_is_400(server: Running, body: bytes) -> None:
    check_refusal(server.post("/assess", b'{"resourceType": "Observation", "x": ' + body + b"}"), 400)
    authorization = b'"fhirServer": "https://x", "fhirAuthorization": {"expires_in": ' + body + b'}, "prefetch"'
    asked = GOOD.replace(b'"prefetch"', authorization)
    check_refusal(server.post(HOOK, asked), 400)


@pytest.mark.parametrize("number", ["1e400", "9" * 5000], ids=["fault_6_1e400", "fault_7_of_5000_digits"])
def test_such_a_number_in_one_prefetched_resource_costs_that_resource_alone(server: Running, number: str) -> None:
    asked = json.dumps(call()).replace('"value": 2.5', f'"value": {number}')
    assert number in asked
    assert server.post(HOOK, asked.encode()).status == 200


@BOTH
def test_fault_5_of_a_duplicate_key_the_last_value_counts(server: Running, path: str) -> None:
    body = b'{"hook": "order-sign", "resourceType": 5,' + json.dumps(call() | {"resourceType": "Basic"}).encode()[1:]
    assert server.post(path, body).status == 200


@BOTH
def test_fault_8_deep_nesting_is_refused_at_once(server: Running, path: str) -> None:
    started = time.monotonic()
    check_refusal(server.post(path, b"[" * 100_000), 400)
    assert time.monotonic() - started < 0.5, "50 ms of work, and the wire"


@pytest.mark.parametrize("path", [HOOK, "/assess"])
def test_fault_9_a_lone_surrogate_is_400(server: Running, path: str) -> None:
    body = GOOD.replace(PATIENT.encode(), rb"\ud800").replace(b'{"hook"', b'{"resourceType": "\\udfff", "hook"')
    check_refusal(server.post(path, body), 400)


# --- 11 to 16: what a body is said to be, and how long it is ----------------------------------------------------------

TYPES = {
    "application/json": 200,
    "application/fhir+json": 200,
    "application/json; charset=utf-8": 200,
    'Application/JSON; Charset="UTF-8"': 200,
    "application/fhir+json; fhirVersion=4.0": 200,
    "text/plain": 415,
    "application/xml": 415,
    "application/jsonx": 415,
    "application/json; charset=iso-8859-1": 415,
    "": 415,
}


@pytest.mark.parametrize(("content_type", "status"), TYPES.items())
def test_fault_11_12_only_json_in_utf8_is_read(server: Running, content_type: str, status: int) -> None:
    reply = server.post(HOOK, GOOD, content_type)
    assert reply.status == status
    if status != 200:
        assert expressions(check_refusal(reply, 415)) == ["Content-Type"]


def test_fault_11_without_content_type_is_415(server: Running) -> None:
    head = b"POST " + HOOK.encode() + b" HTTP/1.1\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(GOOD)
    check_refusal(server.send(head + GOOD), 415)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
def test_fault_13_a_compressed_body_is_415(server: Running, encoding: str) -> None:
    reply = server.ask("POST", HOOK, GOOD, Content_Type="application/json", Content_Encoding=encoding)
    check_refusal(reply, 415)


def test_fault_13_identity_is_no_compression(server: Running) -> None:
    assert server.ask("POST", HOOK, GOOD, Content_Type="application/json", Content_Encoding="identity").status == 200


def padded(length: int, tail: bytes = b"") -> bytes:
    return GOOD + b" " * (length - len(GOOD) - len(tail)) + tail


def chunked(body: bytes) -> bytes:
    parts = [body[at : at + 65536] for at in range(0, len(body), 65536)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    head = b"POST " + HOOK.encode() + b" HTTP/1.1\r\n" + HOST + TYPE + b"Transfer-Encoding: chunked\r\n\r\n"
    return head + chunks + b"0\r\n\r\n"


def test_fault_14_one_byte_too_many_is_413_and_the_limit_itself_is_read(server: Running) -> None:
    assert server.post(HOOK, padded(LIMIT)).status == 200
    check_refusal(server.post(HOOK, padded(LIMIT + 1)), 413)


def test_fault_15_a_chunked_body_is_not_cut_but_refused(server: Running) -> None:
    within = server.send(chunked(padded(LIMIT)))
    assert within is not None and within.status == 200
    check_refusal(server.send(chunked(padded(LIMIT + 1))), 413)


def test_fault_16_garbage_behind_the_limit_is_not_overlooked(server: Running) -> None:
    check_refusal(server.send(chunked(padded(LIMIT + 8, b"garbage!"))), 413)
    check_refusal(server.post("/assess", padded(LIMIT + 8, b"garbage!")), 413)


# --- 17 to 25: HTTP itself --------------------------------------------------------------------------------------------

FRAMING = {
    "both_lengths": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
    "two_lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n",
    "negative_length": b"Content-Length: -1\r\n",
    "signed_length": b"Content-Length: +5\r\n",
    "bad_chunk": b"Transfer-Encoding: chunked\r\n",
}


@pytest.mark.parametrize("framing", FRAMING.values(), ids=FRAMING.keys())
def test_fault_17_a_body_of_doubtful_length_is_400_and_the_connection_closed(server: Running, framing: bytes) -> None:
    head = b"POST " + HOOK.encode() + b" HTTP/1.1\r\n" + HOST + TYPE
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(head + framing + b"\r\nzz\r\n\r\nGET /livez HTTP/1.1\r\n\r\n")
        said = b""
        while part := wire.recv(65536):
            said += part
    assert said.startswith(b"HTTP/1.1 400")
    assert said.count(b"HTTP/1.1 ") == 1, "the bytes behind were taken for a second request"


KIB = 1024


@pytest.mark.parametrize(("length", "status"), [(9 * KIB, 200), (16 * KIB, 200), (16 * KIB + 1, 431), (70 * KIB, 431)])
def test_fault_18_a_header_over_16_kib_is_431(server: Running, length: int, status: int) -> None:
    reply = server.ask("GET", "/livez", Authorization="x" * length)
    assert reply.status == status
    if status == 431:
        check_refusal(reply, 431)


def test_fault_18_more_than_100_headers_are_431(server: Running) -> None:
    assert server.ask("GET", "/livez", **{f"X_{at}": "x" for at in range(300)}).status == 431


def test_fault_19_an_endless_address_is_414(server: Running) -> None:
    for path in ("/" + "a" * 20_000, "/cds-services?" + "a" * 20_000):
        outcome = check_refusal(server.ask("GET", path), 414, secret="aaaa")
        assert "Traceback" not in str(outcome)


IDS = ["unknown", "%00", "..", "%2e%2e", "../livez", "neutropenia-review%00", "neutropenia-review/x", ""]


@pytest.mark.parametrize("id", IDS)
def test_fault_20_an_unknown_service_is_404(server: Running, id: str) -> None:
    check_refusal(server.post(f"/cds-services/{id}", GOOD), 404)


METHODS = [
    ("GET", HOOK, {"POST", "OPTIONS"}),
    ("DELETE", HOOK, {"POST", "OPTIONS"}),
    ("PUT", "/assess", {"POST", "OPTIONS"}),
    ("POST", "/cds-services", {"GET", "HEAD", "OPTIONS"}),
    ("TRACE", "/cds-services", {"GET", "HEAD", "OPTIONS"}),
    ("TRACE", HOOK, {"POST", "OPTIONS"}),
]


@pytest.mark.parametrize(("method", "path", "allowed"), METHODS)
def test_fault_21_22_another_method_is_405_with_those_allowed(
    server: Running, method: str, path: str, allowed: set[str]
) -> None:
    reply = server.ask(method, path)
    check_refusal(reply, 405)
    assert set(reply.headers["Allow"].split(", ")) == allowed


def test_fault_24_an_odd_expectation_does_not_hang(server: Running) -> None:
    head = b"POST " + HOOK.encode() + b" HTTP/1.1\r\n" + HOST + TYPE
    reply = server.send(head + b"Expect: 200-ok\r\nContent-Length: %d\r\n\r\n" % len(GOOD) + GOOD)
    assert reply is not None and reply.status in (200, 417)


HALF_A_HEAD = b"POST /assess HTTP/1.1\r\nHost: x\r\nX-"
HALF_A_BODY = b"POST /assess HTTP/1.1\r\n" + HOST + TYPE + b"Content-Length: 99\r\n\r\n{"


@pytest.mark.parametrize("many", [40, 400])
@pytest.mark.parametrize("half", [HALF_A_HEAD, HALF_A_BODY], ids=["head", "body"])
def test_fault_25_half_sent_requests_do_not_stop_the_others(server: Running, many: int, half: bytes) -> None:
    wires = [socket.create_connection(("127.0.0.1", server.port), timeout=10) for _ in range(many)]
    try:
        for wire in wires:
            wire.sendall(half)
        time.sleep(0.3)  # time for them to be taken up
        started = time.monotonic()
        assert server.post(HOOK, GOOD).status == 200
        assert time.monotonic() - started < 1
    finally:
        for wire in wires:
            wire.close()


# --- 26 to 34: the call -----------------------------------------------------------------------------------------------


def context(**changes: Any) -> dict[str, Any]:
    return {"userId": "Practitioner/d-1", "patientId": PATIENT} | changes


CALLS = {
    "fault_26_other_hook": (call(hook="order-sign"), 400, ["hook"]),
    "fault_26_no_hook": (call(hook=...), 400, ["hook"]),
    "fault_27_no_instance": (call(hookInstance=...), 400, ["hookInstance"]),
    "fault_27_instance_is_no_uuid": (call(hookInstance="abc"), 200, []),
    "fault_28_no_context": (call(context=...), 400, ["context"]),
    "fault_28_patient_with_prefix": (call(context=context(patientId=f"Patient/{PATIENT}")), 200, []),
    "fault_29_extra_fields": (call(extension={"com.example": {"a": 1}}, more=[1], context=context(extra=1)), 200, []),
    "fault_30_no_prefetch": (call(prefetch=None) | {"prefetch": {}}, 412, ["prefetch.count"]),
    "fault_30_prefetch_left_out": ({k: v for k, v in call().items() if k != "prefetch"}, 412, ["prefetch.count"]),
    "fault_31_null_is_known_absence": (call({"count": None}), 200, []),
    "all_faults_at_once": (
        call(hook=1, hookInstance=..., context=context(patientId="?")),
        400,
        ["hook", "hookInstance", "context.patientId"],
    ),
}


@pytest.mark.parametrize(("asked", "status", "paths"), CALLS.values(), ids=CALLS.keys())
def test_a_call_is_checked_and_each_fault_named(
    server: Running, asked: dict[str, Any], status: int, paths: list[str]
) -> None:
    reply = server.post(HOOK, asked)
    assert reply.status == status, reply.body
    if status != 200:
        assert sorted(expressions(check_refusal(reply, status))) == sorted(paths)


@pytest.mark.parametrize("id", [..., "", "a" * 65, "a?b", "..", "a\r\nb", "a/b", "Patient/a/b", "Group/a", 5, None])
def test_fault_28_a_patient_id_that_is_none_is_400(server: Running, id: object) -> None:
    given = {"userId": "Practitioner/d-1"} | ({} if id is ... else {"patientId": id})
    outcome = check_refusal(server.post(HOOK, call(context=given)), 400, secret="a" * 65)
    assert expressions(outcome) == ["context.patientId"]


def outcome_resource(severity: str, code: str = "exception") -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


def epic_empty() -> dict[str, Any]:
    warning = outcome_resource("warning") | {"issue": [{"severity": "warning", "code": "4101"}]}
    return {"resourceType": "Bundle", "total": 0, "entry": [{"resource": warning, "search": {"mode": "outcome"}}]}


def test_fault_32_a_count_that_the_client_could_not_get_is_412(server: Running) -> None:
    outcome = check_refusal(server.post(HOOK, call({"count": outcome_resource("error")})), 412)
    assert expressions(outcome) == ["prefetch.count"]


@pytest.mark.parametrize("value", [outcome_resource("warning"), outcome_resource("information"), epic_empty()])
def test_fault_32_a_warning_means_that_nothing_was_found(server: Running, value: dict[str, Any]) -> None:
    reply = server.post(HOOK, call({"count": value}))
    assert (reply.status, reply.json) == (200, {"cards": []})


def test_fault_32_another_key_that_failed_is_said_on_the_card(server: Running) -> None:
    low = bundle(observation(value=0.9, effectiveDateTime=today()))
    failed = server.post(HOOK, call({"patient": patient(), "count": low, "nutrients": outcome_resource("error")}))
    (card,) = failed.json["cards"]
    assert "nutrient results: could not be fetched" in card["detail"].lower()


def test_fault_33_results_of_another_patient_are_left_out(server: Running) -> None:
    other = bundle(observation(value=0.1, patient="p-2", effectiveDateTime=today()))
    reply = server.post(HOOK, call({"patient": patient(), "count": other}))
    assert reply.status == 200
    assert not any("0.1" in card["summary"] for card in reply.json["cards"])


def test_fault_34_a_bundle_of_10000_entries_is_answered_in_time_or_refused(server: Running) -> None:
    many = bundle(*(observation(id=f"o{at}") for at in range(10_000)))
    started = time.monotonic()
    assert server.post(HOOK, call({"count": many})).status in (200, 413)
    assert time.monotonic() - started < 5


def test_a_next_page_that_holds_all_of_the_count_is_412_and_is_not_followed(server: Running) -> None:
    page = {"resourceType": "Bundle", "total": 1, "link": [{"relation": "next", "url": "http://127.0.0.1:9/next"}]}
    check_refusal(server.post(HOOK, call({"count": page})), 412)


def today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())
