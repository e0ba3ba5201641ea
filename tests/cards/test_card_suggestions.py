"""What a click orders: orders.md, cds-hooks 54-59."""

from __future__ import annotations

import json
from typing import Any

import patients
import pytest
from builders import REPEAT, WORK_UP, knowledge, order, patient
from fhir.resources.R4B.servicerequest import ServiceRequest

from service.cards import cards
from service.cards.suggestions import suggestions
from service.clinical.assessment import Assessment, SuggestedOrder
from service.fhir.orders import Category, Patient, draft_order

K = knowledge()
SPOKEN = sorted(name for name, assessment in patients.EVERYONE.items() if assessment.indicator != "none")
KINDS = ("laboratory", "imaging", "procedure", "referral")


def labels(assessment: Assessment) -> list[str]:
    return [suggestion.label for suggestion in suggestions(assessment, K)]


def resources(assessment: Assessment) -> list[dict[str, Any]]:
    return [dict(a.resource or {}) for card in cards(assessment, K) for s in card.suggestions for a in s.actions]


@pytest.mark.parametrize("name", SPOKEN)
def test_every_emitted_resource_is_a_valid_service_request(name: str) -> None:
    for resource in resources(patients.EVERYONE[name]):
        assert ServiceRequest.model_validate(resource).get_resource_type() == "ServiceRequest"
        assert json.loads(json.dumps(resource)) == resource


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("priority", ["routine", "urgent", "stat"])
@pytest.mark.parametrize("code", ["", "13964-2"])
@pytest.mark.parametrize("within_days", [None, 0, 28])
def test_an_order_of_every_shape_is_valid(kind: str, priority: str, code: str, within_days: int | None) -> None:
    one = order("methylmalonic-acid", "x", "Because.", kind, priority, code, within_days)
    (resource,) = resources(patient(orders=(one,)))
    assert ServiceRequest.model_validate(resource)


def test_a_drafted_order_says_what_for_whom_when_and_why() -> None:
    assert resources(patient(orders=(REPEAT,))) == [
        {
            "resourceType": "ServiceRequest",
            "status": "draft",
            "intent": "proposal",
            "category": [
                {
                    "coding": [
                        {"system": "http://snomed.info/sct", "code": "108252007", "display": "Laboratory procedure"}
                    ],
                    "text": "Laboratory procedure",
                }
            ],
            "priority": "routine",
            "code": {
                "coding": [
                    {
                        "system": "http://loinc.org",
                        "code": "57782-5",
                        "display": "cbc-with-manual-differential as LOINC says",
                    }
                ],
                "text": "CBC with manual differential",
            },
            "subject": {"reference": "Patient/p1"},
            "occurrenceDateTime": "2026-07-13",
            "authoredOn": "2026-06-15T12:00:00+00:00",
            "reasonCode": [{"text": "One count proves little: a second one shows the course."}],
            "supportingInfo": [{"reference": "Observation/anc"}],
        }
    ]


def test_an_order_without_a_verified_code_is_ordered_by_its_text() -> None:
    (resource,) = resources(patient(orders=(order("blood-culture", "x"),)))
    assert resource["code"] == {"text": "Blood cultures"}


def test_a_kind_without_a_verified_category_code_has_its_words() -> None:
    (resource,) = resources(patient(orders=(order("gastroscopy", "x", kind="procedure"),)))
    assert resource["category"] == [{"text": "Procedure"}]


def test_an_order_rests_on_the_count_and_on_its_nutrient() -> None:
    mma = resources(patients.INDETERMINATE)[-1]
    assert mma["supportingInfo"] == [{"reference": "Observation/anc"}, {"reference": "Observation/vitamin-B12"}]


@pytest.mark.parametrize("name", SPOKEN)
def test_medication_is_never_an_action(name: str) -> None:
    for resource in resources(patients.EVERYONE[name]):
        assert "replacement" not in resource["code"]["text"]


def test_a_medication_cannot_be_drafted_at_all() -> None:
    medication = order("copper-replacement", "treatment", kind="medication")
    with pytest.raises(ValueError, match="option in words"):
        draft_order(medication, "Copper", Category("Medication"), Patient("Patient/1", patients.MILD.as_of))


def test_an_option_stands_in_the_detail_only() -> None:
    (card,) = cards(patients.DEFICIENT_NORMAL, K)
    assert "Hydroxocobalamin" in (card.detail or "")
    assert [s.label for s in card.suggestions] == ["Order anti-intrinsic factor antibody"]


def test_orders_of_one_group_are_one_suggestion_with_an_action_each() -> None:
    (work_up,) = suggestions(patient(orders=WORK_UP), K)
    assert work_up.label == "Work-up: vitamin B12, folate, copper, ceruloplasmin"
    assert work_up.actions[0].description == ("Vitamin B12. Not recorded, and a nutritional cause of a low count.")
    assert len(work_up.actions) == 4


MIXED: tuple[SuggestedOrder, ...] = (
    order("neurology-referral", "referral", kind="referral"),
    *WORK_UP,
    order("homocysteine", "folate", priority="urgent"),
    order("hiv", "infection"),
    order("methylmalonic-acid", "vitamin-b12"),
    REPEAT,
    order("blood-culture", "emergency", priority="stat"),
)
MIXED_PATIENT = patient(orders=MIXED, nutrients=patients.INDETERMINATE.nutrients)


def test_suggestions_stand_in_the_order_in_which_they_are_needed_and_at_most_five() -> None:
    assert labels(MIXED_PATIENT) == [
        "Order blood cultures",
        "Repeat CBC with manual differential, within 28 days",
        "Order methylmalonic acid",
        "Order homocysteine",
        "Order HIV test",
    ]


def test_what_five_suggestions_cannot_hold_stands_in_the_detail() -> None:
    (card,) = cards(MIXED_PATIENT, K)
    assert len(card.suggestions) == 5
    assert "Neurology referral" in (card.detail or "") and "ceruloplasmin" in (card.detail or "")


def test_an_urgent_referral_is_not_crowded_out() -> None:
    urgent = order("hematology-urgent", "referral", kind="referral", priority="urgent")
    assert "Request urgent hematology consultation" in labels(patient(orders=(*MIXED[1:], urgent)))[:3]


def test_a_group_is_due_when_its_soonest_order_is() -> None:
    soon, late = order("crp", "repeat", within_days=1), order("tsh", "repeat", within_days=7)
    assert labels(patient(orders=(late, soon))) == ["Repeat count: TSH, CRP, within 1 day"]


def test_an_order_that_two_groups_ask_for_is_offered_once() -> None:
    assert labels(patient(orders=(order("folate", "vitamin-b12"), order("folate", "work-up")))) == ["Order folate"]


@pytest.mark.parametrize(("priority", "recommended"), [("routine", False), ("urgent", True), ("stat", True)])
def test_urgent_orders_are_recommended(priority: str, recommended: bool) -> None:
    (suggestion,) = suggestions(patient(orders=(order("crp", "x", priority=priority),)), K)
    assert suggestion.is_recommended is recommended


def test_several_may_be_taken() -> None:
    assert {card.selection_behavior for card in cards(MIXED_PATIENT, K)} == {"any"}


def test_without_a_subject_nothing_can_be_ordered() -> None:
    (card,) = cards(patient(subject=None), K)
    assert card.suggestions == ()
    assert "Suggested orders and why" in (card.detail or "")
