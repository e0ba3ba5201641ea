"""The cards of the order checks: every row makes one that says what it rests on and what can be done.

The patients and drafts are those of the tables in tests/rules.
"""

from __future__ import annotations

import string
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class

from cds_hooks.cards import Card
from service.clinical.assess import case_of, conclude
from service.clinical.knowledge.model import Row
from service.order_checks.card import check_cards
from service.order_checks.conflicts import Conflict, conflicts
from service.order_checks.faults import faults
from service.order_checks.texts import LONGEST_NAME, Chart, name_of

sys.path.insert(0, str(Path(__file__).parents[1] / "rules"))
from cells import AS_OF, KNOWLEDGE
from drafted import asked_of, drafts_of, waiting
from tables import all_rows

ROWS = {row.id: row for row in KNOWLEDGE.tables["check"] if row.then["level"] != "none"}
WIDEST = "w" * LONGEST_NAME


@cache
def shown() -> dict[str, tuple[Card, Conflict, Chart]]:
    """A card of each row, with what it was made of."""
    found: dict[str, tuple[Card, Conflict, Chart]] = {}
    for row in (r for r in all_rows() if "drafts" in r.inputs):
        facts, drafts = row.facts(), drafts_of(row.inputs["drafts"])
        rules = replace(KNOWLEDGE, clozapine=row.inputs.get("clozapine rules", "unset"))
        case = case_of(replace(facts, orders=facts.orders + waiting(drafts)), rules, AS_OF)
        for conflict in conflicts(asked_of(row.inputs["drafts"]), drafts, case):
            if conflict.row.id not in found:
                chart = Chart(case, conclude(case))
                (card,) = check_cards([conflict], chart)
                found[conflict.row.id] = card, conflict, chart
    return found


def named(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_the_rows_hold_together() -> None:
    assert faults(KNOWLEDGE) == []


@pytest.mark.parametrize("id", ROWS)
def test_a_row_makes_a_card_that_says_what_conflicts_and_what_it_rests_on(id: str) -> None:
    card, conflict, chart = shown()[id]
    said: dict[str, Any] = card.as_json()
    if any("{draft}" in text for text in ROWS[id].then["summary"]):
        assert name_of(conflict, chart).lower() in said["summary"].lower()
    assert "{" not in said["summary"] + said["detail"]
    assert said["extension"]["org.neutropenia-cds.card"]["rule"] == ROWS[id].then["about"]
    assert said["extension"]["org.neutropenia-cds.card"]["row"] == id
    assert said["source"]["topic"]["code"] == ROWS[id].then["about"]
    assert "#### Sources" in said["detail"]
    assert f"Knowledge {KNOWLEDGE.version}" in said["detail"]
    assert "systemActions" not in said


@pytest.mark.parametrize("id", ROWS)
def test_what_a_card_offers_is_valid_and_never_a_drug(id: str) -> None:
    card, conflict, _ = shown()[id]
    for suggestion in card.as_json().get("suggestions", []):
        for action in suggestion["actions"]:
            if action["type"] == "delete":
                assert action["resourceId"] == conflict.draft.reference
            else:
                assert action["type"] == "create"
                assert action["resource"]["resourceType"] == "ServiceRequest"
                get_fhir_model_class("ServiceRequest").model_validate(action["resource"])


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.id)
def test_the_last_summary_of_a_row_always_fits(row: Row) -> None:
    *_, last = row.then["summary"]
    assert named(last) <= {"draft"}
    assert len(last.format(draft=WIDEST)) < 140


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.id)
def test_a_text_begins_with_the_finding_and_names_only_what_the_row_shows(row: Row) -> None:
    assert row.then["text"].startswith("**")
    shown_names = {s.replace("-", "_") for s in row.then.get("shows", ())}
    scales = (KNOWLEDGE.scales[s] for s in row.then.get("shows", ()) if s in KNOWLEDGE.scales)
    analytes = {scale[0].analyte.replace("-", "_") for scale in scales}
    nutrients = {n.id: {KNOWLEDGE.scales[f][0].analyte.replace("-", "_") for f in n.facts} for n in KNOWLEDGE.nutrients}
    analytes |= {a for s in row.then.get("shows", ()) for a in nutrients.get(s, ())}
    values = {"draft", "clozapine_rules", *shown_names, *analytes}
    values |= {f"{v}_date" for v in values}
    for text in (*row.then["summary"], row.then["text"]):
        assert named(text) <= values, text


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.id)
def test_a_reader_can_say_why_he_goes_on(row: Row) -> None:
    reasons = row.then.get("override", ())
    assert 1 <= len(reasons) <= 6
    assert len(set(reasons)) == len(reasons)
