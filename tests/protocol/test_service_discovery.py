"""Services, discovery and prefetch templates: sections 2.2 and 2.6 of the checklist."""

from __future__ import annotations

import re

import pytest

from cds_hooks.errors import InvalidService
from cds_hooks.grammar import json_faults
from cds_hooks.hooks import HOOKS
from cds_hooks.services import Service, discovery


def declared(**changes) -> Service:
    right = {"id": "demo", "hook": "patient-view", "title": "Demo", "description": "Shows the protocol"}
    return Service(**{**right, **changes})


def faults(**changes) -> list[str]:
    with pytest.raises(InvalidService) as refused:
        declared(**changes)
    return [str(issue) for issue in refused.value.issues]


def test_6_without_services_discovery_has_an_empty_list() -> None:
    assert discovery([]) == {"services": []}


def test_7_a_service_shows_every_field_that_it_has() -> None:
    whole = declared(
        prefetch={"patient": "Patient/{{context.patientId}}"},
        usage_requirements="Needs FHIR R4",
        extension={"org.example.demo": {"a": 1}},
    )
    entry = discovery([whole])["services"][0]
    assert {name: entry[name] for name in ("hook", "id", "title", "description")} == {
        "hook": "patient-view",
        "id": "demo",
        "title": "Demo",
        "description": "Shows the protocol",
    }
    assert entry["prefetch"] == {"patient": "Patient/{{context.patientId}}"}
    assert entry["usageRequirements"] == "Needs FHIR R4"
    assert entry["extension"] == {"org.example.demo": {"a": 1}}


def test_2_3_7_a_service_leaves_out_what_it_has_not() -> None:
    entry = discovery([declared()])["services"][0]
    assert set(entry) == {"hook", "id", "title", "description", "version"}
    assert json_faults(entry, "entry") == []


@pytest.mark.parametrize("name", ["title", "description", "usage_requirements"])
def test_7_a_service_without_words_is_refused(name) -> None:
    assert len(faults(**{name: " "})) == 1


def test_7_a_service_of_an_unknown_hook_is_refused() -> None:
    assert "demo.hook" in faults(hook="medication-prescribe")[0]


def test_7_every_fault_of_a_declaration_is_said_at_once() -> None:
    assert len(faults(id="a b", title="", description="", prefetch={"x": "nothing"}, extension={})) == 5


@pytest.mark.parametrize("name", ["demo", "a", "A-1.b_c~d", "x" * 128])
def test_8_an_id_that_is_safe_in_an_address_is_accepted(name) -> None:
    assert declared(id=name).id == name


@pytest.mark.parametrize("name", ["", "a b", "a/b", "..", "a?b", "a%20", "ü", "a\n", "x" * 129])
def test_8_an_id_that_is_not_safe_in_an_address_is_refused(name) -> None:
    assert faults(id=name)


def test_9_two_services_with_one_id_are_refused_even_on_two_hooks() -> None:
    with pytest.raises(InvalidService):
        discovery([declared(), declared(hook="order-sign")])
    both = discovery([declared(), declared(id="other", hook="order-sign")])
    assert [entry["id"] for entry in both["services"]] == ["demo", "other"]


def test_11_discovery_names_the_version_of_the_specification() -> None:
    assert re.fullmatch(r"2\.0\.\d+", discovery([declared()])["services"][0]["version"])


def template_faults(template: str, hook: str = "patient-view") -> list[str]:
    try:
        declared(hook=hook, prefetch={"key": template})
    except InvalidService as refused:
        return [str(issue) for issue in refused.issues]
    return []


@pytest.mark.parametrize(
    ("token", "hook"),
    [(f"context.{field.name}", hook.name) for hook in HOOKS.values() for field in hook.fields if field.is_token],
)
def test_35_every_primitive_field_of_a_hook_may_be_named(token, hook) -> None:
    assert template_faults(f"Basic?subject={{{{{token}}}}}", hook) == []


@pytest.mark.parametrize("kind", ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson"])
def test_35_the_user_may_be_named_by_each_kind_that_the_hook_allows(kind) -> None:
    assert template_faults(f"{kind}/{{{{user{kind}Id}}}}") == []


@pytest.mark.parametrize(
    ("template", "hook"),
    [
        ("Patient/{{context.patient}}", "patient-view"),
        ("Patient/{{patientId}}", "patient-view"),
        ("Patient/{{ context.patientId }}", "patient-view"),
        ("Patient/{{context.draftOrders}}", "order-select"),
        ("Patient/{{context.selections}}", "order-select"),
        ("Basic?a={{context.draftOrders.entry.resource.id}}", "order-select"),
        ("Patient/{{userPatientId}}", "order-select"),
        ("Practitioner/{{context.userId}}", "order-dispatch"),
        ("Patient/{{context.patientId}", "patient-view"),
        ("Basic?subject={{context.patientId}", "patient-view"),
    ],
)
def test_35_any_other_token_is_refused(template, hook) -> None:
    assert template_faults(template, hook)


@pytest.mark.parametrize(
    "template",
    [
        "Patient/{{context.patientId}}",
        "{{context.userId}}",
        "Observation?patient={{context.patientId}}&category=laboratory",
        "Condition?subject=Patient/{{context.patientId}}&code:in=http://vs.example/a",
        "Observation?patient={{context.patientId}}&date=ge2020-01-01&_count=50&_sort=-date",
        "Observation?patient={{context.patientId}}&_lastUpdated=lt2026&_id=a,b",
    ],
)
def test_36_reads_and_searches_of_the_subset_are_accepted(template) -> None:
    assert template_faults(template) == []


@pytest.mark.parametrize(
    "query",
    [
        "subject.name=x",
        "subject:Patient.name=x",
        "_include=Observation:subject",
        "_revinclude=Provenance:target",
        "_has:Observation:patient:code=1",
        "code:not=1",
        "code:text=x",
        "code:missing=true",
        "date=ne2020-01-01",
        "date=sa2020",
        "date=ap2020-01-01",
        "_count=0",
        "_count=many",
        "_elements=id",
        "code=",
        "code",
        "",
        "code=a b",
        "code=1&&status=final",
    ],
)
def test_36_what_leaves_the_subset_is_refused(query) -> None:
    assert template_faults(f"Observation?{query}")


@pytest.mark.parametrize(
    "template", ["", "/Patient/1", "https://h/Patient/1", "Patient", "Patient/1/_history/2", "$everything", "a?b=c"]
)
def test_36_what_is_neither_read_nor_search_is_refused(template) -> None:
    assert template_faults(template)


@pytest.mark.parametrize("token", ["today()", "today() - 90 days"])
def test_37_the_date_of_today_is_no_token(token) -> None:
    assert template_faults(f"Observation?patient={{{{context.patientId}}}}&date=ge{{{{{token}}}}}")


def test_38_a_sort_in_the_style_of_dstu2_is_refused() -> None:
    assert template_faults("Observation?patient={{context.patientId}}&_sort=-date") == []
    assert template_faults("Observation?patient={{context.patientId}}&_sort:desc=date")
    assert template_faults("Observation?patient={{context.patientId}}&sort:desc=date")


def test_39_a_repeated_parameter_is_refused() -> None:
    assert template_faults("Observation?patient={{context.patientId}}&date=ge2020&date=le2021")


def test_40_the_recommended_shape_is_accepted() -> None:
    codes = "http://codes.example|1-1,http://codes.example|2-2"
    shape = f"Observation?patient={{{{context.patientId}}}}&category=laboratory&code={codes}&_count=200"
    assert template_faults(shape) == []


def test_30_a_required_key_must_have_a_template() -> None:
    assert "required" in faults(prefetch={"a": "Patient/{{context.patientId}}"}, required=frozenset({"b"}))[0]
