"""What we offer, and the way from a request to its answer, over HTTP without a socket."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from contracted import check
from flask.testing import FlaskClient
from requests_of import PATIENT, bundle, call, observation, patient
from werkzeug.test import TestResponse
from wire import HOOK

from service.app import create_app
from service.hooks import HOOKS
from service.settings import Settings, read
from service.templates import RECORDS, RESULTS

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
KEYS = ["patient", *RESULTS, *RECORDS]


def client(settings: Settings | None = None, now: datetime = NOON) -> FlaskClient:
    return create_app(settings or Settings(), clock=lambda: now).test_client()


@pytest.fixture(scope="module")
def web() -> FlaskClient:
    return client()


def post(web: FlaskClient, path: str, value: object) -> TestResponse:
    answer = web.post(path, json=value)
    check("POST", path, answer.status_code, answer.content_type, answer.data)
    return answer


def cards(web: FlaskClient, asked: dict[str, Any]) -> list[dict[str, Any]]:
    answer = post(web, HOOK, asked)
    assert answer.status_code == 200, answer.data
    found: list[dict[str, Any]] = answer.json["cards"] if answer.json else []
    return found


def service_of(web: FlaskClient) -> dict[str, Any]:
    answer = web.get("/cds-services")
    assert answer.json
    found: dict[str, Any] = answer.json["services"][0]
    return found


# --- discovery --------------------------------------------------------------------------------------------------------


def test_discovery_names_every_service_with_its_prefetch_and_the_knowledge_in_force(web: FlaskClient) -> None:
    service = service_of(web)
    assert (service["id"], service["hook"]) == (HOOKS[0].id, HOOKS[0].hook)
    assert sorted(service["prefetch"]) == sorted(KEYS)
    version = service["extension"]["org.neutropenia-cds.service"]["knowledge"]
    assert version in service["usageRequirements"]
    assert "prefetch alone" in service["usageRequirements"]


@pytest.mark.parametrize("key", [key for key in RESULTS if key != "vitals"])
def test_laboratory_queries_have_a_category_and_codes_with_their_system(web: FlaskClient, key: str) -> None:
    template = service_of(web)["prefetch"][key]
    shape = r"Observation\?patient=\{\{context\.patientId\}\}&category=laboratory&code=([^&]+)&_count=200"
    match = re.fullmatch(shape, template)
    assert match
    assert all(re.fullmatch(r"[a-z]+:[^|]+\|[A-Za-z0-9-]+", code) for code in match[1].split(","))
    assert len(set(match[1].split(","))) == len(match[1].split(","))


def test_vitals_are_no_laboratory_results(web: FlaskClient) -> None:
    assert "category" not in service_of(web)["prefetch"]["vitals"]


def test_the_queries_hold_the_codes_of_the_knowledge(web: FlaskClient) -> None:
    prefetch = service_of(web)["prefetch"]
    assert "http://loinc.org|751-8" in prefetch["count"]
    assert "http://loinc.org|2132-9" in prefetch["nutrients"]
    assert "http://loinc.org|31444-3" in prefetch["persistent"]
    assert "http://loinc.org|8310-5" in prefetch["vitals"]


@pytest.fixture
def mapped(tmp_path: Path) -> FlaskClient:
    file = tmp_path / "codes.toml"
    file.write_text('["urn:oid:2.999.1"]\nNEUT = "neutrophils"\n')
    return client(read({"CDS_LOCAL_CODES": str(file)}))


def test_a_local_code_is_asked_for_and_read(mapped: FlaskClient, web: FlaskClient) -> None:
    assert "urn:oid:2.999.1|NEUT" in service_of(mapped)["prefetch"]["count"]
    resource = observation(value=0.9)
    resource["code"] = {"coding": [{"system": "urn:oid:2.999.1", "code": "NEUT"}]}
    asked = call({"count": bundle(resource)})
    (card,) = cards(mapped, asked)
    assert card["indicator"] == "warning"
    assert not [one for one in cards(web, asked) if one["indicator"] == "warning"]


ESCAPED = {
    "A&B": "A%26B", "A+B": "A%2BB", "A#1": "A%231", "A%1": "A%251", "A$1": "A%5C%241", "Ä": "%C3%84",
    "{{x}}": "%7B%7Bx%7D%7D",
}  # fmt: skip


@pytest.mark.parametrize(("code", "sent"), ESCAPED.items())
def test_a_local_code_is_escaped_in_the_query(tmp_path: Path, code: str, sent: str) -> None:
    file = tmp_path / "codes.toml"
    file.write_text(f'["urn:oid:2.999.1"]\n"{code}" = "neutrophils"\n', "utf-8")
    count = service_of(client(read({"CDS_LOCAL_CODES": str(file)})))["prefetch"]["count"]
    assert f",urn:oid:2.999.1|{sent}&" in count


# --- the hook ---------------------------------------------------------------------------------------------------------


def low(**changes: Any) -> dict[str, Any]:
    return bundle(observation(value=0.9, **changes))


def test_a_low_count_gives_one_card_and_a_normal_one_none(web: FlaskClient) -> None:
    (card,) = cards(web, call({"patient": patient(), "count": low()}))
    assert card["extension"]["org.neutropenia-cds.card"]["severity"] == "moderate"
    assert cards(web, call({"patient": patient(), "count": bundle(observation(value=2.5))})) == []


@pytest.mark.parametrize("viewer", [f"Patient/{PATIENT}", "RelatedPerson/r-1"])
def test_a_patient_who_looks_gets_no_card_and_no_refusal(web: FlaskClient, viewer: str) -> None:
    context = {"userId": viewer, "patientId": PATIENT}
    assert cards(web, call({"count": low()}, context=context)) == []
    assert cards(web, call({}, context=context)) == []
    assert cards(web, call({"count": low()}, context=context | {"userId": "PractitionerRole/x"}))


@pytest.mark.parametrize("key", [key for key in KEYS if key not in ("patient", "count")])
def test_a_key_that_was_not_sent_is_said_and_one_that_is_empty_is_not(web: FlaskClient, key: str) -> None:
    full: dict[str, Any] = dict.fromkeys(KEYS) | {"patient": patient(), "count": low()}
    (whole,) = cards(web, call(full))
    (lacking,) = cards(web, call({name: value for name, value in full.items() if name != key}))
    assert "not supplied with the request" in lacking["detail"]
    assert "not supplied with the request" not in whole["detail"]


def test_a_page_that_is_not_the_last_is_said(web: FlaskClient) -> None:
    more = low() | {"link": [{"relation": "next", "url": "https://ehr.example.org/next"}]}
    (card,) = cards(web, call({"patient": patient(), "count": more}))
    assert "only a part was supplied" in card["detail"]


DAYS = [
    # now (UTC), zone, a count of 15 June: used, or of a later day at the site
    ("2026-06-15T00:30:00+00:00", "UTC", True),
    ("2026-06-14T23:30:00+00:00", "UTC", False),
    ("2026-06-14T23:30:00+00:00", "Europe/Zurich", True),
    ("2026-06-15T00:30:00+00:00", "America/New_York", False),
]


@pytest.mark.parametrize(("now", "zone", "used"), DAYS)
def test_today_is_today_at_the_site(now: str, zone: str, used: bool) -> None:
    web = client(read({"CDS_TIME_ZONE": zone}), datetime.fromisoformat(now))
    asked = call({"patient": patient(), "count": low(effectiveDateTime="2026-06-15")})
    graded = [card for card in cards(web, asked) if card["indicator"] == "warning"]
    assert bool(graded) is used


def test_the_same_call_twice_has_cards_of_their_own(web: FlaskClient) -> None:
    first, second = (cards(web, call({"count": low()}))[0]["uuid"] for _ in range(2))
    assert first != second


# --- /assess ----------------------------------------------------------------------------------------------------------


def assessed(web: FlaskClient, value: object, query: str = "?as-of=2026-06-15") -> dict[str, Any]:
    answer = post(web, "/assess" + query, value)
    assert answer.status_code == 200, answer.data
    assert answer.json
    return answer.json


def test_a_bundle_a_nested_bundle_and_a_bare_resource_are_assessed_alike(web: FlaskClient) -> None:
    flat = assessed(web, bundle(observation(value=0.9)))
    assert flat["severity"] == "moderate"
    assert assessed(web, bundle(bundle(observation(value=0.9)))) == flat
    assert assessed(web, observation(value=0.9)) == flat


def test_blanks_around_a_body_change_nothing(web: FlaskClient) -> None:
    for blanks in (b" ", b"\n\t", b"\r\n"):
        body = blanks + json.dumps(bundle(observation(value=0.9))).encode() + blanks
        answer = web.post("/assess?as-of=2026-06-15", data=body, content_type="application/json")
        assert answer.json and answer.json["severity"] == "moderate"


def test_an_empty_bundle_is_assessed_as_nothing_known(web: FlaskClient) -> None:
    for empty in (bundle(), {"resourceType": "Bundle"}):
        found = assessed(web, empty)
        assert (found["subject"], found["anc"], found["indicator"]) == (None, None, "none")


def test_several_patients_are_refused_and_the_count_of_them_named(web: FlaskClient) -> None:
    answer = post(web, "/assess", bundle(patient("a"), patient("b"), observation(patient="c")))
    assert answer.status_code == 400
    assert answer.json
    (issue,) = answer.json["issue"]
    assert issue["code"] == "multiple-matches"
    assert "3 patients" in issue["diagnostics"]


def test_as_of_is_the_end_of_that_day_and_now_when_left_out(web: FlaskClient) -> None:
    evening = observation(value=0.9, effectiveDateTime="2026-06-14T23:00:00Z")
    assert assessed(web, evening, "?as-of=2026-06-14")["severity"] == "moderate"
    assert assessed(web, evening, "?as-of=2026-06-13")["anc"] is None
    assert assessed(web, evening, "")["asOf"] == "2026-06-15"


BAD_QUERIES = [
    "as-of=", "as-of=today", "as-of=2026-02-30", "as-of=1899-12-31", "as-of=2201-01-01",
    "as-of=2026-06-15&as-of=2026-06-16", "asof=2026-06-15", "as-of=2026-06-15&x=1",
]  # fmt: skip


@pytest.mark.parametrize("query", BAD_QUERIES)
def test_a_query_that_would_be_misunderstood_is_refused(web: FlaskClient, query: str) -> None:
    assert post(web, f"/assess?{query}", observation()).status_code == 400


@pytest.mark.parametrize("day", ["1900-01-01", "2200-12-31"])
def test_the_first_and_the_last_day_are_judged(web: FlaskClient, day: str) -> None:
    assert assessed(web, observation(), f"?as-of={day}")["asOf"] == day


WRONG = [
    ({"resourceType": "Bundle", "entry": 5}, "$.entry"),
    ({"resourceType": "Bundle", "entry": [5]}, "$.entry[0]"),
    ({"resourceType": "Bundle", "entry": [{"resource": "secret"}]}, "$.entry[0].resource"),
    ({"resourceType": "Bundle", "entry": [{"resource": {"id": "secret"}}]}, "$.entry[0].resource"),
    ({"id": "secret"}, "$"),
    ({}, "$"),
    ({"resourceType": ""}, "$.resourceType"),
    ({"resourceType": 5}, "$.resourceType"),
]


@pytest.mark.parametrize(("value", "path"), WRONG)
def test_an_envelope_that_is_not_as_the_contract_says_is_400_with_the_path(
    web: FlaskClient, value: object, path: str
) -> None:
    answer = post(web, "/assess", value)
    assert answer.status_code == 400
    assert answer.json
    assert path in [one for issue in answer.json["issue"] for one in issue["expression"]]
    assert b"secret" not in answer.data


@pytest.mark.parametrize("value", [{}, call()], ids=["empty", "hook_request"])
def test_a_field_that_is_missing_is_named_and_a_hook_request_shown_its_address(web: FlaskClient, value: object) -> None:
    answer = post(web, "/assess", value)
    assert answer.status_code == 400 and answer.json
    (issue,) = answer.json["issue"]
    assert issue["diagnostics"].startswith("$ lacks resourceType: ")
    assert "/cds-services/{id}" in issue["diagnostics"]


def test_a_patient_without_id_has_no_place_for_a_name(web: FlaskClient) -> None:
    nameless = {"resourceType": "Patient", "birthDate": "1980-01-01"}
    count = {name: value for name, value in observation(value=0.9).items() if name != "subject"}
    for value in (nameless, bundle(nameless, count)):
        assert assessed(web, value)["subject"] is None


def test_a_malformed_resource_in_a_bundle_is_a_gap_and_costs_nothing_else(web: FlaskClient) -> None:
    broken = observation(code="2132-9") | {"status": ["secret"]}
    found = assessed(web, bundle(observation(value=0.9), broken))
    assert found["severity"] == "moderate"
    assert [gap["reason"] for gap in found["gaps"]].count("unreadable-resource") == 1


def test_numbers_keep_their_digits(web: FlaskClient) -> None:
    raw = web.post("/assess?as-of=2026-06-15", json=observation(value=0.9)).get_data(as_text=True)
    assert '"value":0.9,' in raw


# --- crashes and weight -----------------------------------------------------------------------------------------------


def test_a_crash_is_500_without_a_word_of_the_patient(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object) -> None:
        raise ValueError("secret 0.9")

    monkeypatch.setattr("service.hooks.assess", crash)
    answer = post(client(), HOOK, call({"count": low()}))
    assert answer.status_code == 500
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ValueError at " in caplog.text and "test_review.py" in caplog.text
    assert "secret" not in caplog.text and b"secret" not in answer.data


def test_a_hook_instance_that_is_no_uuid_is_logged_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    answer = post(client(), HOOK, call(hookInstance="secret"))
    said = f"neutropenia-review: hookInstance is not a UUID (request {answer.headers['X-Request-Id']})"
    assert [record.getMessage() for record in caplog.records] == [said]
    assert "secret" not in caplog.text


def test_nothing_is_remarked_of_a_call_by_the_book(caplog: pytest.LogCaptureFixture) -> None:
    answer = post(client(), HOOK, call())
    assert caplog.text == ""
    assert len(answer.headers["X-Request-Id"]) == 32  # that of its line in the log of calls


def test_unknown_prefetch_keys_are_logged_by_number_and_only_plain_ones_by_name(
    caplog: pytest.LogCaptureFixture,
) -> None:
    more = {"patient": patient(), "count": low(), "vitaminB12": None, "Doe, Jane": None, "x" * 41: None, "y" * 40: None}
    assert cards(client(), call(more))
    assert f"neutropenia-review: unknown prefetch keys: 4 (vitaminB12, {'y' * 40}) " in caplog.text
    assert "Jane" not in caplog.text and "x" * 41 not in caplog.text


@pytest.mark.parametrize("value", [0.4, 2.5])
@pytest.mark.parametrize("named", [PATIENT, "p-2"])
def test_results_of_another_patient_alone_are_no_silence(web: FlaskClient, named: str, value: float) -> None:
    others = {"patient": patient(named), "count": bundle(observation(value=value, patient="p-2"))}
    (card,) = cards(web, call(others))
    assert card["indicator"] == "info"
    assert "belongs to another patient" in card["summary"]


OTHERS = {
    "patient_and_results": {"patient": patient("p-2"), "count": bundle(observation(value=0.4, patient="p-2"))},
    "patient_alone": {"patient": patient("p-2"), "count": None},
    "results_alone": {"patient": patient(), "count": bundle(observation(value=0.4, patient="p-2"))},
}


@pytest.mark.parametrize("prefetch", OTHERS.values(), ids=OTHERS.keys())
def test_another_patient_in_prefetch_is_logged_without_his_id(
    prefetch: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    cards(client(), call(prefetch))
    said = f"neutropenia-review: prefetch holds another patient (hookInstance {call()['hookInstance']})"
    assert [record.getMessage() for record in caplog.records] == [said]
    assert PATIENT not in caplog.text and "p-2" not in caplog.text


def test_answering_calls_loads_no_fhir_models() -> None:
    program = (
        "import sys, json; from service.app import create_app; from requests_of import call, observation, bundle\n"
        "web = create_app().test_client(); assert web.post('/assess', json=bundle(observation())).status_code == 200\n"
        f"assert web.post({HOOK!r}, json=call()).status_code == 200\n"
        "print(*sorted({'fhir', 'pydantic', 'requests', 'rich', 'granian'} & set(sys.modules)))"
    )
    here = Path(__file__).parent
    done = subprocess.run([sys.executable, "-c", program], cwd=here, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


class Counted(io.BytesIO):
    """A body that notes how much is read of it at once."""

    most = 0

    def read(self, size: int | None = -1) -> bytes:
        got = super().read(size)
        self.most = max(self.most, len(got))
        return got


def test_a_body_that_is_too_long_is_thrown_away_in_pieces(web: FlaskClient) -> None:
    """Read whole, 64 of them at once doubled the memory of a worker for good (found under load)."""
    sent = Counted(b" " * (4 * 1024 * 1024 + 1))
    length = str(len(sent.getvalue()))
    headers = {"Content-Type": "application/json", "Content-Length": length}
    answer = web.post(HOOK, input_stream=sent, headers=headers)
    assert answer.status_code == 413
    assert 0 < sent.most <= 64 * 1024
    assert sent.tell() >= 4 * 1024 * 1024, "a client that is cut off while it sends may miss the answer"
