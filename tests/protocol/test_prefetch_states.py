"""Prefetch: section 2.5 of the checklist. What each form of a value, and of its absence, means."""

from __future__ import annotations

import json
from itertools import product

import pytest
from msgspec import Raw

from cds_hooks.errors import InvalidRequest, PreconditionFailed, operation_outcome
from cds_hooks.prefetch import State, read, read_value, require, resolve

BASIC = {"resourceType": "Basic", "id": "b1"}


def bundle(*entries: dict, **more) -> dict:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **more}


def entry(resource: dict, mode: str | None = None) -> dict:
    return {"fullUrl": "urn:x", "resource": resource, **({"search": {"mode": mode}} if mode else {})}


def outcome(*severities: str) -> dict:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": one, "code": "x"} for one in severities]}


EPIC_4101 = {
    "resourceType": "Bundle",
    "type": "searchset",
    "total": 0,
    "entry": [
        {
            "fullUrl": "urn:uuid:1",
            "search": {"mode": "outcome"},
            "resource": {
                "resourceType": "OperationOutcome",
                "issue": [
                    {
                        "severity": "warning",
                        "code": "processing",
                        "details": {"coding": [{"system": "urn:x", "code": "4101"}]},
                    }
                ],
            },
        }
    ],
}


def value_of(value: object):
    return read_value("key", Raw(json.dumps(value).encode()))


def shown(value: object) -> tuple[str, list[str]]:
    got = value_of(value)
    return got.state.name, [resource.type for resource in got.resources]


def test_26_a_key_that_was_not_sent_is_missing(asked, service) -> None:
    for prefetch in (..., {}, {"other": BASIC}):
        states = read(asked(prefetch=prefetch), service)
        assert {key: one.state for key, one in states.items()} == dict.fromkeys(service.prefetch, State.MISSING)


def test_27_null_means_that_nothing_was_found(asked, service) -> None:
    states = read(asked(prefetch={"readings": None}), service)
    assert (states["readings"].state, states["visits"].state) == (State.EMPTY, State.MISSING)


@pytest.mark.parametrize("severity", ["error", "fatal"])
@pytest.mark.parametrize(
    "wrap", [lambda one: one, lambda one: bundle(entry(one)), lambda one: bundle(entry(one, "outcome"))]
)
def test_28_an_outcome_that_failed_is_an_error(severity, wrap) -> None:
    assert shown(wrap(outcome("information", severity))) == ("ERROR", [])


@pytest.mark.parametrize("severity", ["warning", "information"])
@pytest.mark.parametrize(
    "wrap", [lambda one: one, lambda one: bundle(entry(one)), lambda one: bundle(entry(one, "outcome"))]
)
def test_28_an_outcome_that_warns_means_that_nothing_was_found(severity, wrap) -> None:
    assert shown(wrap(outcome(severity, severity))) == ("EMPTY", [])


def test_28_epics_empty_search_means_that_nothing_was_found() -> None:
    assert shown(EPIC_4101) == ("EMPTY", [])


@pytest.mark.parametrize("issue", [[], None, "x", [{}], [{"severity": 5}]])
def test_28_an_outcome_that_cannot_be_read_is_an_error(issue) -> None:
    assert shown({"resourceType": "OperationOutcome", "issue": issue}) == ("ERROR", [])


def test_28_results_beside_a_failure_are_supplied_and_known_to_be_incomplete() -> None:
    got = value_of(bundle(entry(BASIC), entry(outcome("error"), "outcome")))
    assert (got.state, len(got.resources), got.complete) == (State.SUPPLIED, 1, False)
    assert value_of(bundle(entry(BASIC), entry(outcome("warning"), "outcome"))).complete


@pytest.mark.parametrize(
    ("value", "types"),
    [
        (BASIC, ["Basic"]),
        ({"id": "b1", "resourceType": "Basic"}, ["Basic"]),
        (bundle(entry(BASIC)), ["Basic"]),
        (bundle(entry(BASIC, "match")), ["Basic"]),
        (bundle(entry(BASIC), type="collection"), ["Basic"]),
        (bundle(entry(BASIC, "match"), entry({"resourceType": "Group"}, "include")), ["Basic", "Group"]),
        (bundle(entry(BASIC), entry({"resourceType": "Group"}, "outcome")), ["Basic"]),
        (bundle(entry(bundle(entry(BASIC), entry(bundle(entry(BASIC)))))), ["Basic", "Basic"]),
        (bundle({"fullUrl": "urn:x"}, entry(BASIC)), ["Basic"]),
        (bundle(entry({"id": "no type"})), [""]),
        (bundle(entry({"resourceType": 5})), [""]),
    ],
)
def test_29_resources_are_found_in_bundles_of_any_kind_and_bare(value, types) -> None:
    assert shown(value) == ("SUPPLIED", types)


@pytest.mark.parametrize(
    "value", [bundle(), {"resourceType": "Bundle"}, {"resourceType": "Bundle", "entry": None}, bundle(entry(bundle()))]
)
def test_29_a_bundle_without_entries_means_that_nothing_was_found(value) -> None:
    assert shown(value) == ("EMPTY", [])


def test_29_a_bundle_that_keeps_back_what_it_counts_is_an_error() -> None:
    assert shown(bundle(total=3)) == ("ERROR", [])
    assert shown(bundle(total=0)) == ("EMPTY", [])


def test_29_an_object_that_is_no_resource_is_an_error() -> None:
    assert shown({}) == shown({"id": "x"}) == ("ERROR", [])


def test_29_a_next_page_that_was_not_sent_makes_the_answer_incomplete() -> None:
    pages = [{"relation": "self", "url": "a"}, {"relation": "next", "url": "b"}]
    assert value_of(bundle(entry(BASIC), link=pages)).complete is False
    assert value_of(bundle(entry(BASIC), link=pages[:1])).complete is True


def test_29_each_resource_comes_as_it_was_sent_with_its_place() -> None:
    got = value_of(bundle(entry(BASIC), entry(bundle(entry(BASIC, "match"))))).resources
    assert [one.path for one in got] == [
        "prefetch.key.entry[0].resource",
        "prefetch.key.entry[1].resource.entry[0].resource",
    ]
    assert [(one.full_url, one.mode) for one in got] == [("urn:x", None), ("urn:x", "match")]
    assert [json.loads(bytes(one.raw)) for one in got] == [BASIC, BASIC]
    assert value_of(BASIC).resources[0].path == "prefetch.key"


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ({"resourceType": "Bundle", "entry": {}}, "prefetch.key.entry"),
        ({"resourceType": "Bundle", "entry": ["canary"]}, "prefetch.key.entry[0]"),
        (bundle({"resource": BASIC, "fullUrl": 5}), "prefetch.key.entry[0].fullUrl"),
        (bundle(entry({"resourceType": "Bundle", "entry": 5})), "prefetch.key.entry[0].resource.entry"),
    ],
)
def test_29_a_bundle_that_is_not_built_like_one_is_refused_with_its_place(value, path) -> None:
    with pytest.raises(InvalidRequest) as refused:
        value_of(value)
    assert [issue.path for issue in refused.value.issues] == [path]
    assert "canary" not in str(refused.value)


def test_29_bundles_are_opened_to_a_depth_of_eight() -> None:
    value: dict = bundle(entry(BASIC))
    for _ in range(7):
        value = bundle(entry(value))
    assert shown(value) == ("SUPPLIED", ["Basic"])
    with pytest.raises(InvalidRequest):
        value_of(bundle(entry(value)))


SENT = {State.MISSING: ..., State.EMPTY: None, State.SUPPLIED: BASIC, State.ERROR: outcome("fatal")}


@pytest.mark.parametrize(("needed", "other"), list(product(State, State)))
def test_30_34_only_a_required_key_that_is_missing_or_failed_is_a_failed_precondition(
    needed, other, asked, service
) -> None:
    sent = {"readings": SENT[needed], "visits": SENT[other]}
    states = read(asked(prefetch={key: one for key, one in sent.items() if one is not ...}), service)
    assert (states["readings"].state, states["visits"].state) == (needed, other)
    if needed in (State.SUPPLIED, State.EMPTY):
        return require(states, service.required)
    with pytest.raises(PreconditionFailed) as refused:
        require(states, service.required)
    issue = operation_outcome(refused.value)["issue"]
    assert (refused.value.status, [one["expression"] for one in issue]) == (412, [["prefetch.readings"]])


def test_34_without_prefetch_every_key_is_missing_and_all_null_every_key_is_empty(asked, service) -> None:
    for prefetch, state in ((..., State.MISSING), (None, State.MISSING), ({}, State.MISSING)):
        assert {one.state for one in read(asked(prefetch=prefetch), service).values()} == {state}
    nothing = read(asked(prefetch=dict.fromkeys(service.prefetch)), service)
    assert {one.state for one in nothing.values()} == {State.EMPTY}


def test_32_keys_of_other_services_are_not_looked_at(asked, service) -> None:
    request = asked(prefetch={"theirs": "no resource", "readings": BASIC})
    assert set(request.prefetch) == {"readings"}
    assert set(read(request, service)) == set(service.prefetch)


def test_22_35_tokens_are_filled_in_with_the_bare_id(asked, service) -> None:
    context = {"userId": "PractitionerRole/7", "patientId": "Patient/p1"}
    tokens = asked(context=context).context.tokens
    assert resolve("Patient/{{context.patientId}}", tokens) == "Patient/p1"
    assert resolve("{{context.userId}}", tokens) == "PractitionerRole/7"
    assert resolve("PractitionerRole/{{userPractitionerRoleId}}", tokens) == "PractitionerRole/7"
    assert resolve("A?b={{context.patientId}}&c={{context.patientId}}", tokens) == "A?b=p1&c=p1"


@pytest.mark.parametrize("template", ["Encounter/{{context.encounterId}}", "Practitioner/{{userPractitionerId}}"])
def test_35_a_template_whose_token_the_context_lacks_is_not_filled_in(template, asked) -> None:
    context = {"userId": "PractitionerRole/7", "patientId": "p1"}
    assert resolve(template, asked(context=context).context.tokens) is None


def test_35_what_is_filled_in_cannot_add_to_the_address() -> None:
    assert resolve("A?b={{x}}", {"x": "1&c=2/../#?"}) == "A?b=1%26c%3D2%2F..%2F%23%3F"


@pytest.mark.parametrize(
    "given",
    [
        {"response": {"status": "403 Forbidden", "outcome": outcome("error")}},
        {"response": {"status": "404"}},
        {"fullUrl": "urn:x"},
        {"resource": None},
        {"resource": {}},
    ],
)
def test_29_an_entry_without_its_resource_is_no_empty_answer(given: dict) -> None:
    assert read_value("count", Raw(json.dumps(bundle(given)).encode())).state is State.ERROR
    beside = read_value("count", Raw(json.dumps(bundle(given, entry(BASIC))).encode()))
    assert (beside.state, beside.complete) == (State.SUPPLIED, False)


@pytest.mark.parametrize(("total", "complete"), [(1, True), (0, True), (2, False), (500, False)])
def test_29_a_search_that_counts_more_than_it_sends_is_incomplete(total: int, complete: bool) -> None:
    found = read_value("count", Raw(json.dumps(bundle(entry(BASIC), total=total)).encode()))
    assert (found.state, found.complete) == (State.SUPPLIED, complete)
