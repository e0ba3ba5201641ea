"""Laws of the order checks, for every chart that the vocabulary can describe and any drafts.

A draft is unrelated when it runs into nothing, no row names it beside others, and no test that it orders is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

from cells import AS_OF, KNOWLEDGE
from drafted import ROUTES, waiting
from hypothesis import given
from hypothesis import strategies as st
from test_laws import PATIENTS, RANDOM, UUID, Facts, thorough

from service.clinical.assess import case_of, conclude
from service.clinical.case import Case
from service.clinical.facts import PatientFacts
from service.order_checks.card import check_cards
from service.order_checks.conflicts import LEVELS, Conflict, conflicts
from service.order_checks.doses import Amount
from service.order_checks.drafts import Draft
from service.order_checks.texts import Chart

ROWS = KNOWLEDGE.tables["check"]
NAMED = sorted({drug for row in ROWS for drug in row.then["draft"].drugs})
TESTS = sorted(order.id for order in KNOWLEDGE.orders.values() if order.kind == "laboratory")
DOSES = st.sampled_from([None, *map(Decimal, ("0.01", "0.4", "1", "5", "20", "40", "41", "100", "1000"))])
LENGTHS = st.sampled_from([None, *map(Decimal, (5, 10, 14, 56, 57, 100))])


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    """A drug or a test in any dose, route and length."""
    id = f"MedicationRequest/{draw(st.integers(1, 9**9))}"
    if draw(st.booleans()) and draw(st.booleans()):
        return Draft(id, "ServiceRequest", orders=frozenset([draw(st.sampled_from(TESTS))]))
    mg, drug = draw(DOSES), draw(st.sampled_from(NAMED))
    routes = frozenset(ROUTES[draw(st.sampled_from(sorted(ROUTES)))])
    return Draft(
        id, "MedicationRequest", frozenset([drug]), frozenset(), routes, Amount(mg, mg), draw(LENGTHS),
        draw(st.sampled_from([None, Decimal(1), Decimal(7)])), draw(st.booleans()), label=drug,
        firm=draw(st.booleans()), named=draw(DAYS),
    )  # fmt: skip


DAYS = st.frozensets(st.sampled_from(["mon", "tue", "thu"]), max_size=2)
DRAFTS = st.lists(drafts(), max_size=5, unique_by=lambda draft: draft.reference)
UNRELATED = st.builds(
    Draft, st.just("MedicationRequest/other"), st.just("MedicationRequest"), st.just(frozenset[str]()),
    routes=st.sampled_from([frozenset(ROUTES["oral"]), frozenset(ROUTES["unknown"])]), label=st.just("Loratadine"),
)  # fmt: skip


def checked(facts: Facts, asked: Iterable[Draft]) -> tuple[Case, tuple[Conflict, ...]]:
    given_drafts = tuple(asked)
    case = case_of(replace(facts, orders=facts.orders + waiting(given_drafts)), KNOWLEDGE, AS_OF)
    return case, conflicts(given_drafts, given_drafts, case)


def shown(facts: Facts, asked: Iterable[Draft]) -> list[tuple[Any, ...]]:
    """The cards without the names that they get anew each time."""
    case, found = checked(facts, asked)
    cards = check_cards(found, Chart(case, conclude(case)))
    return [tuple(UUID.sub("", repr(card.as_json()[part])) for part in sorted(card.as_json())) for card in cards]


@thorough
@given(facts=PATIENTS, asked=DRAFTS)
def test_each_check_makes_one_card_at_most_the_gravest_first(facts: Facts, asked: list[Draft]) -> None:
    case, found = checked(facts, asked)
    cards = check_cards(found, Chart(case, conclude(case)))
    names = [card.source.topic.code for card in cards if card.source.topic]
    levels = [LEVELS.index(card.indicator) for card in cards]
    assert len(set(names)) == len(names) == len({c.about for c in found})
    assert levels == sorted(levels, reverse=True)


@thorough
@given(facts=PATIENTS, asked=DRAFTS, other=UNRELATED, random=RANDOM)
def test_an_unrelated_draft_never_changes_the_cards_of_another(
    facts: Facts, asked: list[Draft], other: Draft, random: Random
) -> None:
    more = [*asked]
    more.insert(random.randint(0, len(asked)), other)
    assert shown(facts, more) == shown(facts, asked)


@thorough
@given(facts=PATIENTS, asked=DRAFTS, named=DAYS, other=UNRELATED)
def test_the_days_of_an_unrelated_draft_are_not_counted(
    facts: Facts, asked: list[Draft], named: frozenset[str], other: Draft
) -> None:
    assert shown(facts, [*asked, replace(other, named=named)]) == shown(facts, asked)


@thorough
@given(first=DAYS, second=DAYS, drug=st.sampled_from(NAMED))
def test_of_two_weekly_drafts_of_methotrexate_the_distinct_days_count_and_of_another_drug_none(
    first: frozenset[str], second: frozenset[str], drug: str
) -> None:
    facts = PatientFacts("Patient/p", None, None)
    once = Draft("MedicationRequest/1", "MedicationRequest", frozenset(["methotrexate"]), days_per_week=Decimal(1))
    one = replace(once, routes=frozenset(ROUTES["oral"]), named=first)
    other = replace(one, reference="MedicationRequest/2", drugs=frozenset([drug]), named=second)
    rows = {c.row.id for c in checked(facts, [one, other])[1] if c.draft is one}
    together = first | second if drug == "methotrexate" and first else first
    assert ("methotrexate-not-weekly" in rows) == (len(together) > 1)


@thorough
@given(facts=PATIENTS, asked=DRAFTS, random=RANDOM)
def test_the_order_of_the_drafts_changes_no_finding(facts: Facts, asked: list[Draft], random: Random) -> None:
    mixed = random.sample(asked, len(asked))
    assert {(c.row.id, c.draft, c.level) for c in checked(facts, asked)[1]} == {
        (c.row.id, c.draft, c.level) for c in checked(facts, mixed)[1]
    }


@thorough
@given(facts=PATIENTS, asked=DRAFTS)
def test_drafted_drugs_do_not_change_what_is_concluded_of_the_patient(facts: Facts, asked: list[Draft]) -> None:
    drugs = [draft for draft in asked if not draft.orders]
    case, _ = checked(facts, drugs)
    assert conclude(case) == conclude(case_of(facts, KNOWLEDGE, AS_OF))


@thorough
@given(facts=PATIENTS, asked=DRAFTS)
def test_nothing_is_offered_that_is_drafted_already(facts: Facts, asked: list[Draft]) -> None:
    case, found = checked(facts, asked)
    drafted = frozenset[str]().union(*(draft.orders for draft in asked))
    codes = {KNOWLEDGE.orders[order].code for order in drafted if KNOWLEDGE.orders[order].answered_by} - {""}
    for card in check_cards(found, Chart(case, conclude(case))):
        for action in (a for s in card.suggestions for a in s.actions if a.resource):
            assert not codes & {c["code"] for c in (action.resource or {})["code"].get("coding", [])}
