"""Cards and the answer: sections 2.7 to 2.9 of the checklist. What cannot be built, and what comes out of the rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cds_hooks.cards import Action, Card, Suggestion, response
from cds_hooks.errors import InvalidCard
from cds_hooks.grammar import is_uuid, json_faults
from cds_hooks.parts import Coding, Link, OverrideReason, Source

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
SOURCE = Source("Demo")
TASK = {"resourceType": "Task", "status": "draft", "intent": "proposal"}


def card(**changes: Any) -> Card:
    return Card(**{"summary": "Something to know", "indicator": "info", "source": SOURCE, **changes})


def refused(build, *args: Any, **named: Any) -> list[str]:
    with pytest.raises(InvalidCard) as error:
        build(*args, **named)
    return [issue.path for issue in error.value.issues]


def test_42_nothing_to_say_is_an_empty_list_of_cards() -> None:
    assert response([]) == {"cards": []}


def test_42_43_cards_are_there_even_when_only_system_actions_are() -> None:
    assert response([], [Action("create", "Add", TASK)]) == {
        "cards": [],
        "systemActions": [{"type": "create", "description": "Add", "resource": TASK}],
    }


def test_43_without_system_actions_the_field_is_left_out() -> None:
    assert set(response([card()])) == {"cards"}


def test_3_a_card_leaves_out_what_it_has_not() -> None:
    assert set(card().as_json()) == {"uuid", "summary", "indicator", "source"}
    assert card().as_json()["source"] == {"label": "Demo"}


def test_46_summary_of_139_characters_is_accepted_whole() -> None:
    assert card(summary="é" * 139).as_json()["summary"] == "é" * 139


@pytest.mark.parametrize("summary", ["x" * 140, "", " ", "two\nlines", "\ud800", None, 5])
def test_46_summary_of_140_characters_or_of_none_is_refused(summary) -> None:
    assert refused(card, summary=summary) == ["card.summary"]


@pytest.mark.parametrize("indicator", ["info", "warning", "critical"])
def test_47_the_three_indicators_are_accepted(indicator) -> None:
    assert card(indicator=indicator).as_json()["indicator"] == indicator


@pytest.mark.parametrize("indicator", ["hard-stop", "INFO", "", None])
def test_47_any_other_indicator_is_refused(indicator) -> None:
    assert refused(card, indicator=indicator) == ["card.indicator"]


def test_48_a_source_has_a_label_and_may_have_addresses_and_a_topic() -> None:
    whole = Source(
        "Demo", "https://a.example", "https://a.example/i.png", Coding("http://t.example", "Topic1", "Topic")
    )
    assert whole.as_json() == {
        "label": "Demo",
        "url": "https://a.example",
        "icon": "https://a.example/i.png",
        "topic": {"system": "http://t.example", "code": "Topic1", "display": "Topic"},
    }


def test_48_a_source_without_label_or_with_a_relative_address_is_refused() -> None:
    assert refused(Source, "") == ["source.label"]
    assert refused(Source, "Demo", "/page", "icon.png") == ["source.url", "source.icon"]


def test_48_a_topic_needs_both_code_and_system() -> None:
    assert refused(Coding, "", "a") == ["coding.system"]
    assert refused(Coding, "http://t.example", "") == ["coding.code"]


@pytest.mark.parametrize(
    ("code", "fits"), [("a", True), ("A1" * 50, True), ("a" * 101, False), ("a-b", False), ("é", False)]
)
def test_45_48_a_topic_code_is_at_most_100_letters_and_digits(code, fits) -> None:
    topic = Coding("http://t.example", code)
    assert fits or refused(Source, "Demo", topic=topic) == ["source.topic.code"]
    assert not fits or Source("Demo", topic=topic).as_json()["topic"]["code"] == code


@pytest.mark.parametrize("detail", ["", "  \n"])
def test_2_49_an_empty_detail_is_refused(detail) -> None:
    assert refused(card, detail=detail) == ["card.detail"]


def test_49_detail_goes_out_as_it_is() -> None:
    assert card(detail="| a |\n|---|\n| b |").as_json()["detail"] == "| a |\n|---|\n| b |"


def test_50_each_card_and_each_suggestion_has_a_fresh_uuid() -> None:
    made = [card(suggestions=(Suggestion("Do"),), selection_behavior="any") for _ in range(50)]
    names = [one.uuid for one in made] + [one.suggestions[0].uuid for one in made]
    assert len(set(names)) == 100
    assert all(is_uuid(name) for name in names)


def test_50_a_uuid_may_be_given_and_must_be_one_and_its_own() -> None:
    assert card(uuid=ONE).as_json()["uuid"] == ONE
    assert refused(card, uuid="1") == ["card.uuid"]
    assert refused(response, [card(uuid=ONE), card(uuid=ONE)]) == ["cards"]
    twice = card(uuid=ONE, suggestions=(Suggestion("Do", uuid=ONE),), selection_behavior="any")
    assert refused(response, [twice]) == ["cards"]


@pytest.mark.parametrize("behavior", ["any", "at-most-one"])
def test_51_with_suggestions_the_selection_behavior_is_given(behavior) -> None:
    made = card(suggestions=(Suggestion("Do"),), selection_behavior=behavior).as_json()
    assert made["selectionBehavior"] == behavior


@pytest.mark.parametrize(
    ("suggestions", "behavior"), [((Suggestion("Do"),), None), ((), "any"), ((Suggestion("Do"),), "all")]
)
def test_51_selection_behavior_exactly_with_suggestions(suggestions, behavior) -> None:
    assert refused(card, suggestions=suggestions, selection_behavior=behavior) == ["card.selectionBehavior"]


def test_52_an_override_reason_has_code_system_and_display() -> None:
    reason = OverrideReason("http://r.example", "known", "Already known")
    expected = {"system": "http://r.example", "code": "known", "display": "Already known"}
    assert card(override_reasons=(reason,)).as_json()["overrideReasons"] == [expected]
    assert len(refused(OverrideReason, "", "", "")) == 3


def test_53_links_are_absolute_or_smart_and_only_smart_ones_carry_context() -> None:
    links = (Link("Page", "https://a.example/p?q=1#r"), Link("App", "https://a.example/launch", "smart", "context"))
    assert card(links=links).as_json()["links"] == [
        {"label": "Page", "url": "https://a.example/p?q=1#r", "type": "absolute"},
        {"label": "App", "url": "https://a.example/launch", "type": "smart", "appContext": "context"},
    ]


@pytest.mark.parametrize(
    ("link", "path"),
    [
        (("", "https://a.example"), "link.label"),
        (("Page", "/relative"), "link.url"),
        (("Page", "javascript:alert(1)"), "link.url"),
        (("Page", "https://a.example/a b"), "link.url"),
        (("Page", "https://a.example", "other"), "link.type"),
        (("Page", "https://a.example", "absolute", "context"), "link.appContext"),
        (("App", "https://a.example", "smart", ""), "link.appContext"),
    ],
)
def test_53_any_other_link_is_refused(link, path) -> None:
    assert refused(Link, *link) == [path]


def test_54_a_suggestion_has_a_label_and_its_actions_when_there_are_any() -> None:
    assert Suggestion("Do", uuid=ONE).as_json() == {"label": "Do", "uuid": ONE}
    assert refused(Suggestion, "") == ["suggestion.label"]
    assert refused(Suggestion, "Do", uuid="x") == ["suggestion.uuid"]
    assert Suggestion("Do", is_recommended=True, uuid=ONE).as_json()["isRecommended"] is True


@pytest.mark.parametrize(
    ("count", "behavior", "fits"), [(1, "at-most-one", True), (2, "at-most-one", False), (2, "any", True)]
)
def test_55_at_most_one_recommendation_where_at_most_one_can_be_taken(count, behavior, fits) -> None:
    suggestions = (*tuple(Suggestion("Do", is_recommended=True) for _ in range(count)), Suggestion("Or this"))
    if fits:
        assert len(card(suggestions=suggestions, selection_behavior=behavior).as_json()["suggestions"]) == count + 1
    else:
        assert refused(card, suggestions=suggestions, selection_behavior=behavior) == ["card.suggestions"]


def test_56_actions_that_belong_together_stay_in_one_suggestion() -> None:
    actions = (Action("delete", "Out", resource_id="Task/1"), Action("create", "In", TASK))
    made = Suggestion("Replace", actions).as_json()
    assert [action["type"] for action in made["actions"]] == ["delete", "create"]


@pytest.mark.parametrize(
    ("kind", "description", "path"), [("CREATE", "In", "action.type"), ("create", "", "action.description")]
)
def test_57_an_action_has_a_type_and_a_description(kind, description, path) -> None:
    assert refused(Action, kind, description, TASK) == [path]


def test_58_each_type_of_action_carries_what_belongs_to_it() -> None:
    changed = {**TASK, "id": "1"}
    assert Action("create", "In", TASK).as_json()["resource"] == TASK
    assert Action("update", "Other", changed).as_json()["resource"] == changed
    assert Action("delete", "Out", resource_id="Task/1").as_json() == {
        "type": "delete",
        "description": "Out",
        "resourceId": "Task/1",
    }


@pytest.mark.parametrize(
    ("action", "path"),
    [
        ({"type": "create"}, "action.resource"),
        ({"type": "create", "resource": json.dumps(TASK)}, "action.resource"),
        ({"type": "create", "resource": {"status": "draft"}}, "action.resource.resourceType"),
        ({"type": "create", "resource": TASK, "resource_id": "Task/1"}, "action.resourceId"),
        ({"type": "update", "resource": TASK}, "action.resource.id"),
        ({"type": "delete"}, "action.resourceId"),
        ({"type": "delete", "resource_id": "https://h.example/Task/1"}, "action.resourceId"),
        ({"type": "delete", "resource_id": "Task/1", "resource": TASK}, "action.resource"),
    ],
)
def test_4_58_what_does_not_belong_to_an_action_is_refused(action, path) -> None:
    assert refused(Action, **{"description": "Do", **action}) == [path]


@pytest.mark.parametrize("empty", [None, "", [], {}, {"a": None}, [""], {"a": {"b": []}}])
def test_2_nothing_empty_goes_out_inside_a_resource_or_an_extension(empty) -> None:
    assert refused(Action, "create", "In", {**TASK, "code": empty})[0].startswith("action.resource.code")
    assert refused(card, extension={"org.example.a": empty})[0].startswith("card.extension.org.example.a")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"x", object(), "\ud800"])
def test_2_nothing_that_json_cannot_carry_goes_out(value) -> None:
    assert refused(Action, "create", "In", {**TASK, "a": [value]}) == ["action.resource.a[0]"]


@pytest.mark.parametrize(
    ("extension", "fits"), [({"org.example.card": {"a": 1}}, True), ({}, False), ({"card": 1}, False)]
)
def test_an_extension_is_an_object_with_reverse_domain_names(extension, fits) -> None:
    if fits:
        assert card(extension=extension).as_json()["extension"] == extension
    else:
        assert refused(card, extension=extension) == ["card.extension"]


def test_every_fault_of_a_card_is_said_at_once() -> None:
    paths = refused(card, summary="", indicator="", uuid="", selection_behavior="any", links=("https://a.example",))
    assert paths == ["card.summary", "card.indicator", "card.uuid", "card.links[0]", "card.selectionBehavior"]


TEXT = st.text(st.sampled_from("aé <|\n\ud800"), max_size=150)
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
MAYBE = st.none() | TEXT
LINKS = {
    "label": TEXT,
    "url": st.sampled_from(["https://a.example", "/a"]),
    "type": st.just("smart"),
    "app_context": MAYBE,
}


@st.composite
def built(draw: st.DrawFn) -> Card | None:
    """A card out of anything, None when its constructor refused."""
    try:
        resource = {"resourceType": "Task", "x": draw(ANY_JSON)} if draw(st.booleans()) else TASK
        actions = (Action("create", draw(TEXT), resource),) if draw(st.booleans()) else ()
        flags = draw(st.lists(st.booleans(), max_size=3))
        suggestions = tuple(Suggestion("Do", actions, flag) for flag in flags)
        links = tuple(Link(**draw(st.fixed_dictionaries(LINKS))) for _ in range(draw(st.integers(0, 1))))
        behavior = (
            draw(st.sampled_from([None, "any", "at-most-one"])) if draw(st.booleans()) else "any" if flags else None
        )
        extension = {"org.example.x": draw(ANY_JSON)} if draw(st.booleans()) else None
        return card(
            summary=draw(TEXT), detail=draw(MAYBE), suggestions=suggestions, selection_behavior=behavior, links=links,
            extension=extension,
        )  # fmt: skip
    except InvalidCard:
        return None


@given(made=built())
def test_whatever_is_built_keeps_the_limits(made: Card | None) -> None:
    if made is None:
        return
    sent = response([made])
    assert json_faults(sent, "$") == []
    assert json.loads(json.dumps(sent, allow_nan=False).encode()) == sent
    shown = sent["cards"][0]
    assert 0 < len(shown["summary"]) < 140
    assert ("selectionBehavior" in shown) == ("suggestions" in shown)
    recommended = [one for one in shown.get("suggestions", ()) if one.get("isRecommended")]
    assert shown.get("selectionBehavior") != "at-most-one" or len(recommended) <= 1
