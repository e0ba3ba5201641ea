"""Feedback: section 2.10 of the checklist."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from cds_hooks.errors import InvalidRequest
from cds_hooks.feedback import Override, parse

CARD = "11111111-1111-4111-8111-111111111111"
IDEA = "22222222-2222-4222-8222-222222222222"
ACCEPTED = {
    "card": CARD,
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": IDEA}],
    "outcomeTimestamp": "2026-01-31T08:00:00Z",
}
OVERRIDDEN = {"card": CARD, "outcome": "overridden", "outcomeTimestamp": "2026-01-31T08:00:00Z"}


def body(*items: object) -> bytes:
    return json.dumps({"feedback": list(items)}).encode()


def refused(sent: bytes) -> list[str]:
    with pytest.raises(InvalidRequest) as error:
        parse(sent)
    assert "canary" not in str(error.value)
    return [issue.path for issue in error.value.issues]


def changed(item: dict, **changes: object) -> bytes:
    return body({key: value for key, value in {**item, **changes}.items() if value is not ...})


def test_61_items_of_many_calls_and_repeats_are_kept_in_order() -> None:
    items = parse(body(ACCEPTED, OVERRIDDEN, {**OVERRIDDEN, "card": IDEA}, ACCEPTED))
    assert [(item.card, item.outcome) for item in items] == [
        (CARD, "accepted"),
        (CARD, "overridden"),
        (IDEA, "overridden"),
        (CARD, "accepted"),
    ]


def test_61_a_thousand_items_are_read_and_one_fault_refuses_them_all() -> None:
    assert len(parse(body(*[OVERRIDDEN] * 1000))) == 1000
    assert refused(body(*[OVERRIDDEN] * 999, {**OVERRIDDEN, "outcome": "x"})) == ["feedback[999].outcome"]


@pytest.mark.parametrize("sent", [b"", b"[]", b"5", b"{", b'{"feedback": [{"x": 1e400}]}', b'{"a":' * 100_000, b"\xff"])
def test_67_a_body_that_is_no_json_object_is_refused(sent) -> None:
    assert refused(sent) == ["$"]


@pytest.mark.parametrize("items", ["{}", '{"feedback": []}', '{"feedback": {}}', '{"feedback": null}'])
def test_61_67_feedback_without_items_is_refused(items) -> None:
    assert refused(items.encode()) == ["feedback"]


def test_62_the_fields_of_an_item_are_read() -> None:
    (item,) = parse(body(ACCEPTED))
    assert (item.card, item.outcome, item.accepted) == (CARD, "accepted", (IDEA,))
    assert item.at == datetime(2026, 1, 31, 8, tzinfo=UTC)


@pytest.mark.parametrize("name", ["card", "outcome", "outcomeTimestamp"])
@pytest.mark.parametrize("value", [..., None, "", 5, "canary" * 50])
def test_62_each_required_field_is_required(name, value) -> None:
    assert refused(changed(OVERRIDDEN, **{name: value})) == [f"feedback[0].{name}"]


def test_62_every_fault_is_said_at_once_with_its_place() -> None:
    assert refused(body({}, 5, ACCEPTED, {**OVERRIDDEN, "outcome": "canary"})) == [
        "feedback[0].outcome",
        "feedback[0].card",
        "feedback[0].outcomeTimestamp",
        "feedback[1]",
        "feedback[1].outcome",
        "feedback[1].card",
        "feedback[1].outcomeTimestamp",
        "feedback[3].outcome",
    ]


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-01-31T08:00:00Z", 8),
        ("2026-01-31t08:00:00z", 8),
        ("2026-01-31T08:00:00.123456789Z", 8),
        ("2026-01-31T08:00:00+02:00", 6),
        ("2026-01-31T08:00:00-00:00", 8),
    ],
)
def test_62_an_rfc_3339_timestamp_is_read_as_utc(text, hour) -> None:
    (item,) = parse(changed(OVERRIDDEN, outcomeTimestamp=text))
    assert (item.at.tzinfo, item.at.hour) == (UTC, hour)


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "2026-01-31T08:00:00",
        "2026-02-30T08:00:00Z",
        "2026-01-31T25:00:00Z",
        "20260131T080000Z",
        1769846400,
        "2026-01-31 08:00:00Z",
        "0001-01-01T00:00:00+23:59",
        "2026-01-31T08:00:00Z\n",
    ],
)
def test_62_what_is_no_rfc_3339_timestamp_is_refused(text) -> None:
    assert refused(changed(OVERRIDDEN, outcomeTimestamp=text)) == ["feedback[0].outcomeTimestamp"]


@pytest.mark.parametrize("value", [..., None, [], {}, "x"])
def test_63_accepted_without_suggestions_is_refused(value) -> None:
    assert refused(changed(ACCEPTED, acceptedSuggestions=value)) == ["feedback[0].acceptedSuggestions"]


@pytest.mark.parametrize("value", [{}, {"id": ""}, {"id": 5}])
def test_63_an_accepted_suggestion_has_an_id(value) -> None:
    assert refused(changed(ACCEPTED, acceptedSuggestions=[{"id": IDEA}, value])) == [
        "feedback[0].acceptedSuggestions[1].id"
    ]


REASON = {"code": "known", "system": "http://r.example", "display": "Known"}


def test_64_overridden_without_a_reason_is_legal() -> None:
    assert parse(body(OVERRIDDEN))[0].override is None
    assert parse(changed(OVERRIDDEN, overrideReason=None))[0].override is None


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ({"reason": REASON}, Override("http://r.example", "known", "Known")),
        ({"reason": {"code": "a", "system": "b"}}, Override("b", "a")),
        ({"userComment": "words"}, Override(comment="words")),
        ({"reason": REASON, "userComment": ""}, Override("http://r.example", "known", "Known")),
    ],
)
@pytest.mark.parametrize("spelling", ["overrideReason", "overrideReasons"])
def test_64_68_a_reason_a_comment_or_both_are_read_in_either_spelling(sent, read, spelling) -> None:
    assert parse(changed(OVERRIDDEN, **{spelling: sent}))[0].override == read


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        ({}, ""),
        ({"userComment": ""}, ""),
        ("canary", ""),
        ({"reason": "canary"}, ".reason"),
        ({"reason": {"code": "a"}}, ".reason.system"),
        ({"reason": {"system": "a"}}, ".reason.code"),
        ({"userComment": 5, "reason": REASON}, ".userComment"),
    ],
)
def test_64_a_reason_that_says_nothing_is_refused(sent, path) -> None:
    assert f"feedback[0].overrideReason{path}" in refused(changed(OVERRIDDEN, overrideReason=sent))


def test_67_a_card_that_nobody_knows_is_read_like_any_other() -> None:
    assert parse(changed(OVERRIDDEN, card="not one of ours"))[0].card == "not one of ours"


def test_67_a_comment_is_not_in_the_text_of_an_item() -> None:
    (item,) = parse(changed(OVERRIDDEN, overrideReason={"userComment": "canary words"}))
    assert item.override.comment == "canary words"
    assert "canary" not in f"{item} {item!r} {item.override}"


def test_68_epics_reasons_in_its_extension_are_read() -> None:
    prefix = "com.epic.cdshooks.feedback.overrideReason."
    extension = {
        prefix + "reasonCategory": "1",
        prefix + "reasonDisplay": "Known",
        prefix + "reasonTitle": "K",
        "x.y": 1,
    }
    (item,) = parse(changed(OVERRIDDEN, overrideReasons={"extension": extension}))
    assert item.override.epic == {"reasonCategory": "1", "reasonDisplay": "Known", "reasonTitle": "K"}


def test_68_where_both_spellings_come_the_one_of_the_specification_counts() -> None:
    sent = changed(OVERRIDDEN, overrideReason={"reason": REASON}, overrideReasons={"userComment": "x"})
    assert parse(sent)[0].override == Override("http://r.example", "known", "Known")
