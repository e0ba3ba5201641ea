"""How many cards, of which kind, and what every card carries (cds-hooks 42-52, 81; knowledge A7, H1.5, H2.20-21)."""

from __future__ import annotations

from dataclasses import replace

import patients
import pytest
from builders import knowledge

from service.cards import cards

K = knowledge()
SPOKEN = sorted(name for name, assessment in patients.EVERYONE.items() if assessment.indicator != "none")


def test_nothing_to_say_is_no_card() -> None:
    assert cards(patients.NOTHING, K) == ()


@pytest.mark.parametrize("name", SPOKEN)
def test_an_emergency_alone_adds_a_card(name: str) -> None:
    given = cards(patients.EVERYONE[name], K)
    topics = [card.source.topic.code for card in given if card.source.topic]
    expected = {"emergency": ["emergency"], "blasts": ["emergency", "neutropenia"], "deficient-normal": ["nutrient"]}
    assert topics == expected.get(name, ["neutropenia"])


@pytest.mark.parametrize("name", SPOKEN)
def test_the_card_is_as_urgent_as_the_assessment(name: str) -> None:
    assessment = patients.EVERYONE[name]
    assert {card.indicator for card in cards(assessment, K)} == {assessment.indicator}


@pytest.mark.parametrize("name", SPOKEN)
def test_every_card_carries_rule_severity_and_knowledge_version(name: str) -> None:
    """cds-hooks 81."""
    assessment = patients.EVERYONE[name]
    for rule, card in zip(assessment.rows, cards(assessment, K), strict=False):
        assert card.extension == {
            "org.neutropenia-cds.card": {
                "rule": rule,
                "severity": assessment.severity,
                "knowledge": "1.0.0",
            }
        }


def test_a_febrile_emergency_suppresses_the_nutritional_card_and_keeps_the_deficiency_as_a_line() -> None:
    (card,) = cards(patients.EMERGENCY, K)
    assert "Also found: **vitamin B12 deficient**" in (card.detail or "")
    assert "Hydroxocobalamin" not in (card.detail or "")
    assert [s.label for s in card.suggestions] == [
        "Order stat: emergency evaluation for suspected neutropenic sepsis, blood cultures"
    ]


def test_another_emergency_leaves_the_main_card_and_shares_no_order_with_it() -> None:
    emergency, main = cards(patients.BLASTS, K)
    assert [s.label for s in emergency.suggestions] == ["Request urgent hematology consultation"]
    assert [s.label for s in main.suggestions] == ["Repeat CBC with manual differential, within 28 days"]


def test_an_emergency_without_words_of_its_own_is_still_said() -> None:
    emergency, _ = cards(replace(patients.BLASTS, emergencies=("new-row",), flags=()), K)
    assert emergency.summary == "EMERGENCY: neutrophils 0.35 x10*9/L (14 Jun): see detail"


def test_cards_without_orders_name_no_selection_behavior() -> None:
    (card,) = cards(replace(patients.MILD, orders=()), K)
    assert (card.suggestions, card.selection_behavior) == ((), None)
