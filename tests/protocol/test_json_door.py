"""Strict JSON at the door: what is refused, and that nothing but InvalidRequest leaves."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cds_hooks.errors import InvalidRequest
from cds_hooks.request import HookRequest, parse
from cds_hooks.services import Service

GOOD = json.dumps(
    {
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/7", "patientId": "p1"},
        "prefetch": {"readings": {"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Basic"}}]}},
    }
).encode()
VALUE = b'{"resourceType": "Basic"}'


def inside(value: bytes) -> bytes:
    """The good call with a prefetched resource replaced by these bytes."""
    return GOOD.replace(VALUE, value)


BROKEN = {
    "an empty body": b"",
    "blanks": b" \n ",
    "a list": b"[]",
    "a string": b'"x"',
    "null": b"null",
    "a number": b"5",
    "a cut body": GOOD[:-1],
    "trailing bytes": GOOD + b"x",
    "a second value": GOOD + GOOD,
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "UTF-16": GOOD.decode().encode("utf-16"),
    "invalid UTF-8 in a resource": inside(b'{"a": "\xff"}'),
    "invalid UTF-8 in a name": inside(b'{"\xff": 1}'),
    "an overlong encoding": inside(b'{"a": "\xc0\xaf"}'),
    "a surrogate in UTF-8": inside(b'{"a": "\xed\xa0\x80"}'),
    "a lone surrogate in a resource": inside(b'{"a": "\\ud800"}'),
    "a lone surrogate in patientId": GOOD.replace(b'"p1"', b'"\\udc00"'),
    "NaN in a resource": inside(b'{"a": NaN}'),
    "Infinity in a resource": inside(b'{"a": -Infinity}'),
    "NaN in an unknown field": GOOD.replace(b'{"hook"', b'{"x": NaN, "hook"', 1),
    "a leading zero": inside(b'{"a": 01}'),
    "a trailing comma": inside(b'{"a": [1,]}'),
    "a control character": inside(b'{"a": "\x01"}'),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
def test_a_body_that_is_not_one_strict_json_object_is_refused(body: bytes, service: Service) -> None:
    with pytest.raises(InvalidRequest) as refused:
        parse(body, service)
    assert [issue.path for issue in refused.value.issues] == ["$"]


@pytest.mark.parametrize("where", ["body", "unknown", "context", "prefetch", "hook"])
@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_a_hundred_thousand_levels_are_refused_at_once(where: str, opening: bytes, service: Service) -> None:
    deep = opening * 100_000
    bodies = {"body": deep, "unknown": b'{"x":' + deep, "prefetch": inside(deep)}
    body = bodies.get(where) or b'{"' + where.encode() + b'":' + deep
    started = time.process_time()
    with pytest.raises(InvalidRequest):
        parse(body, service)
    assert time.process_time() - started < 0.05


def test_of_a_key_given_twice_the_last_value_counts(service: Service) -> None:
    body = GOOD.replace(b'"patientId": "p1"', b'"patientId": "p1", "patientId": "p2"')
    assert parse(body, service).context.patient_id == "p2"


def test_numbers_of_a_resource_are_left_to_whoever_reads_it(service: Service) -> None:
    body = inside(b'{"resourceType": "Basic", "value": 1.10}')
    assert b"1.10" in bytes(parse(body, service).prefetch["readings"])


@given(body=st.binary(max_size=200))
def test_any_bytes_give_a_request_or_an_invalid_request(body: bytes, service: Service) -> None:
    judge(body, service)


@given(at=st.integers(0, len(GOOD)), cut=st.integers(0, 30), put=st.binary(max_size=8))
def test_a_damaged_call_gives_a_request_or_an_invalid_request(at: int, cut: int, put: bytes, service: Service) -> None:
    judge(GOOD[:at] + put + GOOD[at + cut :], service)


LETTERS = 'aP/1."{ \n\u00e9\ud800'
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(LETTERS, max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(LETTERS, max_size=5), inner, max_size=3),
    max_leaves=8,
)
FIELDS = ["hook", "hookInstance", "fhirServer", "fhirAuthorization", "context", "prefetch", "extension"]


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw builds the strategy
@given(changes=st.dictionaries(st.sampled_from(FIELDS), JSON))
def test_any_json_in_any_field_gives_a_request_or_an_invalid_request(changes: dict, service: Service) -> None:
    judge(json.dumps({**json.loads(GOOD), **changes}).encode("utf-8", "surrogatepass"), service)


def judge(body: bytes, service: Service) -> None:
    try:
        assert isinstance(parse(body, service), HookRequest)
    except InvalidRequest as refused:
        assert refused.issues
