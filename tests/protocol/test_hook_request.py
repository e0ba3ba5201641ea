"""The call of a service, section 2.3 and 2.4 of the checklist: each accepted and each refused form."""

from __future__ import annotations

import json

import pytest

from cds_hooks.errors import InvalidRequest, operation_outcome
from cds_hooks.hooks import HOOKS
from cds_hooks.request import parse
from cds_hooks.services import Service

TOKEN = "eyJhbGciOi.canary-token.x_y-z"
AUTH = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 300, "scope": "user/*.read", "subject": "cds"}
FHIR = "https://ehr.example/fhir"
BUNDLE = {"resourceType": "Bundle", "entry": []}


@pytest.mark.parametrize("hook", [..., None, "", 5, "order-select", "no-such-hook", "Patient-View"])
def test_13_a_hook_that_is_not_the_hook_of_the_service_is_refused(hook, faults_of) -> None:
    assert faults_of(hook=hook) == ["hook"]


def test_13_the_hook_of_the_service_is_accepted(asked) -> None:
    assert asked().hook == "patient-view"


@pytest.mark.parametrize("instance", [..., None, "", "  ", 5, {}, "x" * 257, "line\nbreak"])
def test_14_a_hook_instance_that_is_missing_or_no_short_text_is_refused(instance, faults_of) -> None:
    assert faults_of(hookInstance=instance) == ["hookInstance"]


@pytest.mark.parametrize(
    ("instance", "is_uuid"),
    [
        ("d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", True),
        ("D1577C69-DFBE-44AD-BA6D-3E05E953B2EA", True),
        ("d1577c69dfbe44adba6d3e05e953b2ea", False),
        ("call-17", False),
        ("x" * 256, False),
    ],
)
def test_14_a_hook_instance_that_is_no_uuid_is_accepted_and_flagged(instance, is_uuid, asked) -> None:
    assert asked(hookInstance=instance).hook_instance_is_uuid is is_uuid


@pytest.mark.parametrize(
    "server", [FHIR, FHIR + "/", "http://127.0.0.1:8080/fhir", "https://[::1]:8443/r4", "https://h"]
)
def test_15_an_address_of_a_fhir_server_is_accepted(server, asked) -> None:
    assert asked(fhirServer=server).fhir_server == server


@pytest.mark.parametrize(
    "server",
    [
        "",
        "ehr.example",
        "ftp://ehr.example",
        "https://u:p@ehr.example/fhir",
        FHIR + "?a=b",
        FHIR + "#a",
        FHIR + "\r\nX: y",
        "https://",
        "https:///fhir",
        "https://ehr example",
        "javascript:alert(1)",
        5,
        [FHIR],
    ],
)
def test_15_what_is_no_base_address_is_refused(server, faults_of) -> None:
    assert faults_of(fhirServer=server) == ["fhirServer"]


def test_15_an_authorization_without_its_server_is_refused(faults_of) -> None:
    assert faults_of(fhirAuthorization=AUTH) == ["fhirServer"]
    assert faults_of(fhirAuthorization=AUTH, fhirServer=FHIR) == []


def test_16_the_fields_of_the_authorization_are_read(asked) -> None:
    given = asked(fhirServer=FHIR, fhirAuthorization={**AUTH, "patient": "p1"}).authorization
    assert (given.access_token, given.expires_in, given.scope) == (TOKEN, 300, "user/*.read")
    assert (given.subject, given.patient) == ("cds", "p1")


@pytest.mark.parametrize("name", AUTH)
@pytest.mark.parametrize("value", [..., None, "", []])
def test_16_each_required_field_of_the_authorization_is_required(name, value, faults_of) -> None:
    sent = {key: one for key, one in {**AUTH, name: value}.items() if one is not ...}
    assert f"fhirAuthorization.{name}" in faults_of(fhirServer=FHIR, fhirAuthorization=sent)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token_type", "Basic"),
        ("expires_in", "300"),
        ("expires_in", -1),
        ("expires_in", True),
        ("expires_in", 1.5),
        ("access_token", "a\r\nX-Other: b"),
        ("access_token", "a b"),
        ("access_token", "é"),
        ("patient", "a/b"),
        ("patient", "x" * 65),
    ],
)
def test_16_a_field_of_the_authorization_out_of_its_grammar_is_refused(name, value, faults_of) -> None:
    sent = {**AUTH, name: value}
    assert faults_of(fhirServer=FHIR, fhirAuthorization=sent) == [f"fhirAuthorization.{name}"]


@pytest.mark.parametrize("context", [..., None, [], "p1", 5])
def test_17_a_context_that_is_no_object_is_refused(context, faults_of) -> None:
    assert faults_of(context=context) == ["context"]


@pytest.mark.parametrize("prefetch", [[], "x", 5])
def test_17_a_prefetch_that_is_no_object_is_refused(prefetch, faults_of) -> None:
    assert faults_of(prefetch=prefetch) == ["prefetch"]


@pytest.mark.parametrize("value", ['{"resourceType": "Patient"}', 5, [], True])
def test_4_17_a_prefetched_value_must_be_an_object_or_null_never_json_in_a_string(value, faults_of) -> None:
    assert faults_of(prefetch={"readings": value}) == ["prefetch.readings"]


def test_18_unknown_keys_are_ignored_wherever_they_stand(asked) -> None:
    odd = {"extension": {"a.b": {"c": []}}, "x": 1}
    context = {"userId": "Practitioner/7", "patientId": "p1", **odd}
    request = asked(context=context, fhirServer=FHIR, fhirAuthorization={**AUTH, **odd}, **odd)
    assert request.context.patient_id == "p1"


def test_19_no_token_and_no_patient_is_in_the_text_of_a_request(asked) -> None:
    context = {"userId": "Practitioner/7", "patientId": "canary-patient"}
    request = asked(context=context, fhirServer=FHIR, fhirAuthorization={**AUTH, "patient": "canary-patient"})
    text = f"{request!r} {request} {request.authorization!r} {request.context} {request.prefetch}"
    assert request.context.patient_id == "canary-patient"
    assert "canary" not in text


@pytest.mark.parametrize("kind", ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson"])
def test_21_each_kind_of_user_that_may_view_a_patient_is_accepted(kind, asked) -> None:
    context = asked(context={"userId": f"{kind}/u-1", "patientId": "p1"}).context
    assert (context.user, context.user_type) == (f"{kind}/u-1", kind)
    assert context.tokens[f"user{kind}Id"] == "u-1"


@pytest.mark.parametrize("user", ["Device/1", "Practitioner", "Practitioner/", "/1", "1", "practitioner/1", "", 5])
def test_21_any_other_user_is_refused(user, faults_of) -> None:
    assert faults_of(context={"userId": user, "patientId": "p1"}) == ["context.userId"]


def test_21_on_order_hooks_the_user_is_a_practitioner(order_service) -> None:
    for kind, refused in (("PractitionerRole", False), ("Patient", True), ("RelatedPerson", True)):
        context = {"userId": f"{kind}/1", "patientId": "p1", "selections": ["ServiceRequest/1"], "draftOrders": BUNDLE}
        assert ("context.userId" in order_faults(context, order_service)) is refused


@pytest.mark.parametrize("patient", ["p1", "Patient/p1"])
def test_22_a_patient_is_named_with_or_without_its_type_and_is_bare_inside(patient, asked) -> None:
    context = asked(context={"userId": "Practitioner/7", "patientId": patient}).context
    assert context.patient_id == context.tokens["context.patientId"] == "p1"


@pytest.mark.parametrize("patient", ["a", "x" * 64, "A-1.b", "Patient/" + "x" * 64])
def test_22_every_fhir_id_is_accepted(patient, faults_of) -> None:
    assert faults_of(context={"userId": "Practitioner/7", "patientId": patient}) == []


@pytest.mark.parametrize(
    "patient",
    [
        ...,
        None,
        "",
        " ",
        "x" * 65,
        "a?b",
        "..",
        ".",
        "a\r\nb",
        "a\n",
        "a/b",
        "Patient/",
        "Patient/Patient/p1",
        "Group/p1",
        "p_1",
        "ü",
        5,
        ["p1"],
    ],
)
def test_22_what_is_no_fhir_id_is_refused(patient, faults_of) -> None:
    context = {"userId": "Practitioner/7", "patientId": patient}
    sent = {key: value for key, value in context.items() if value is not ...}
    assert faults_of(context=sent) == ["context.patientId"]


def order_faults(context: dict, service: Service, hook: str | None = None) -> list[str]:
    body = json.dumps({"hook": hook or service.hook, "hookInstance": "i", "context": context}).encode()
    try:
        parse(body, service)
    except InvalidRequest as refused:
        return sorted(issue.path for issue in refused.issues)
    return []


USER = {"userId": "Practitioner/1"}
PATIENT = {"patientId": "p1"}
VISIT = {"encounterId": "e1"}
DRAFTS = {"draftOrders": BUNDLE}
CONTEXTS = {
    "patient-view": (USER | PATIENT, VISIT),
    "order-select": (USER | PATIENT | {"selections": ["ServiceRequest/1"]} | DRAFTS, VISIT),
    "order-sign": (USER | PATIENT | DRAFTS, VISIT),
    "order-dispatch": (
        PATIENT | {"dispatchedOrders": ["ServiceRequest/1"], "performer": "Organization/1"},
        {"fulfillmentTasks": [{"resourceType": "Task"}]},
    ),
    "encounter-start": (USER | PATIENT | VISIT, {}),
    "encounter-discharge": (USER | PATIENT | VISIT, {}),
    "appointment-book": (USER | PATIENT | {"appointments": BUNDLE}, VISIT),
}


@pytest.mark.parametrize("hook", CONTEXTS)
def test_17_the_context_of_each_hook_has_its_required_and_optional_fields(hook) -> None:
    service = Service("any", hook, "Any", "Any")
    required, optional = CONTEXTS[hook]
    assert {field.name for field in HOOKS[hook].fields} == set(required | optional)
    assert order_faults(required, service) == order_faults(required | optional, service) == []
    for name in required | optional:
        without = {key: value for key, value in (required | optional).items() if key != name}
        assert order_faults(without, service) == ([f"context.{name}"] if name in required else [])
        assert order_faults(required | optional | {name: 5}, service) == [f"context.{name}"]


def test_17_the_library_has_seven_hooks() -> None:
    assert set(HOOKS) == set(CONTEXTS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("selections", "ServiceRequest/1"),
        ("selections", [5]),
        ("selections", [""]),
        ("selections", [None]),
        ("selections", {}),
        ("draftOrders", {"resourceType": "ServiceRequest"}),
        ("draftOrders", {}),
        ("draftOrders", '{"resourceType": "Bundle"}'),
        ("draftOrders", {"resourceType": 5}),
    ],
)
def test_17_a_list_of_references_and_a_bundle_are_just_that(name, value, order_service) -> None:
    assert order_faults(CONTEXTS["order-select"][0] | {name: value}, order_service) == [f"context.{name}"]


@pytest.mark.parametrize(
    "selections", [[], ["1"], ["urn:uuid:1"], ["https://ehr.example.org/fhir/ServiceRequest/1/_history/2"]]
)
def test_17_a_client_that_names_drafts_in_its_own_way_or_none_is_no_fault(selections, order_service) -> None:
    assert order_faults(CONTEXTS["order-select"][0] | {"selections": selections}, order_service) == []


def test_17_drafts_and_selections_are_handed_on_as_they_were_sent(order_service) -> None:
    context = CONTEXTS["order-select"][0]
    body = json.dumps({"hook": "order-select", "hookInstance": "i", "context": context}).encode()
    resources = parse(body, order_service).context.resources
    assert {name: json.loads(bytes(raw)) for name, raw in resources.items()} == {
        "selections": ["ServiceRequest/1"],
        "draftOrders": BUNDLE,
    }


def test_17_for_optional_fields_null_counts_as_absent(asked) -> None:
    context = {"userId": "Practitioner/7", "patientId": "p1", "encounterId": None}
    request = asked(context=context, fhirServer=None, fhirAuthorization=None, prefetch=None)
    assert (request.fhir_server, request.authorization) == (None, None)
    assert "context.encounterId" not in request.context.tokens


def test_all_faults_of_a_call_are_said_at_once_and_none_repeats_what_was_sent(service) -> None:
    sent = {
        "hook": "canary-hook",
        "context": {"userId": "Canary/1", "patientId": "canary?"},
        "fhirAuthorization": {"access_token": "canary token", "token_type": "canary"},
        "prefetch": ["canary"],
    }
    with pytest.raises(InvalidRequest) as refused:
        parse(json.dumps(sent).encode(), service)
    outcome = operation_outcome(refused.value)
    places = [path for issue in outcome["issue"] for path in issue["expression"]]
    auth = [f"fhirAuthorization.{name}" for name in ("access_token", "token_type", "expires_in", "scope", "subject")]
    expected = ["hook", "hookInstance", "context.userId", "context.patientId", "fhirServer", "prefetch", *auth]
    assert sorted(places) == sorted(expected)
    assert "canary" not in json.dumps(outcome).lower()
