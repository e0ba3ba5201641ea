"""The loaded knowledge and the wording fit each other: whatever a row can conclude has words on a card."""

from __future__ import annotations

from collections.abc import Iterator

import patients
import pytest
from builders import cause, unmeasured

from service.cards import cards
from service.cards.words import known
from service.clinical.knowledge.loader import load
from service.clinical.knowledge.model import Row

K = load()
TABLES = [table for n in K.nutrients for table in (n.status, n.reason, n.feature, n.specific, n.cap)]
ROWS: list[Row] = [row for table in (*TABLES, *K.tables.values()) for row in table]


def missing(ids: Iterator[str], *tables: str) -> set[str]:
    return {id for id in ids if not any(known(K, table, id) for table in tables)}


def test_every_reason_of_a_row_has_words() -> None:
    reasons = (reason for row in ROWS for reason in row.reasons)
    assert missing(reasons, "reason", "feature") - K.concepts.keys() == set()


def test_every_reason_that_a_nutrient_adds_has_words() -> None:
    added = (str(row.then["reason"]) for n in K.nutrients for row in n.reason)
    assert missing(added, "reason", "feature") == set()


def test_every_feature_and_specific_cause_has_words() -> None:
    features = (row.id for n in K.nutrients for row in (*n.feature, *n.specific))
    assert missing(features, "feature", "reason") == set()


@pytest.mark.parametrize(("field", "table"), [("flag", "flag"), ("certainty", "certainty"), ("cause", "cause")])
def test_every_conclusion_has_words(field: str, table: str) -> None:
    concluded = [str(row.then[field]) for row in ROWS if field in row.then]
    assert concluded and missing(iter(concluded), table) == set()


def test_every_status_and_every_cause_of_a_nutrient_has_words() -> None:
    assert missing((str(row.then["status"]) for n in K.nutrients for row in n.status), "status") == set()
    assert missing((n.cause for n in K.causal), "cause") == set()


def test_every_order_and_every_group_has_words() -> None:
    assert missing(iter(K.orders), "order") == set()
    groups = (str(r.then["group"]) for r in K.tables["order"] if K.orders[first_order(r)].kind != "medication")
    assert missing(groups, "group") == set()


def first_order(row: Row) -> str:
    order = row.then["order"]
    return order if isinstance(order, str) else order[0]


def test_every_emergency_has_a_summary_and_is_known_as_febrile_or_not() -> None:
    emergencies = K.tables["emergency"]
    assert emergencies
    for row in emergencies:
        assert known(K, "summary", f"emergency-{row.id}-1"), row.id
        febrile = "fever" in row.when or "temperature-raised" in row.when
        assert row.then.get("febrile", False) is febrile, f"{row.id}: does it suppress the nutritional card (H1.5)?"


def test_every_prefetch_key_that_can_be_lacking_has_a_name() -> None:
    assert missing(iter({a.prefetch for a in K.analytes.values()}), "gap-what") == set()


def test_a_cause_of_an_unmeasured_nutrient_stands_under_what_is_not_known_alone() -> None:
    assessment = patients.patient(
        nutrients=unmeasured("folate"), causes=(cause("folate-deficiency", "not-assessable", "not-measured"),)
    )
    (card,) = cards(assessment, K)
    assert "- Folate, CRP: not recorded" in (card.detail or "")
    assert "folate deficiency" not in (card.detail or "")


@pytest.mark.parametrize("name", sorted(patients.EVERYONE))
def test_the_loaded_wording_says_every_kind_of_card(name: str) -> None:
    assessment = patients.EVERYONE[name]
    assert bool(cards(assessment, K)) is (assessment.indicator != "none")
