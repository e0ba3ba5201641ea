"""Traps that a table row cannot write: comments on one result only, dates without a day, placeholders for a birth."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from cells import AS_OF, KNOWLEDGE, facts_of

from service.clinical.assess import assess
from service.clinical.assessment import Assessment
from service.clinical.facts import Moment, PatientFacts


def judged(facts: PatientFacts) -> Assessment:
    return assess(facts, KNOWLEDGE, AS_OF)


def month(year: int, number: int) -> Moment:
    first = datetime(year, number, 1, tzinfo=UTC)
    return Moment(first, first + timedelta(days=30, hours=23), f"{year}-{number:02}")


def test_a_void_count_does_not_hide_the_valid_severe_one_before_it() -> None:
    """H2.15: the newest usable count."""
    facts = facts_of({"neutrophils": "0.9 @-1d 08:00; 0.3 @-2d 08:00"})
    newest = max(facts.results, key=lambda r: r.when.earliest if r.when else AS_OF)
    voided = replace(newest, comments=("neutrophil clumps",))
    found = judged(replace(facts, results=tuple(voided if r is newest else r for r in facts.results)))
    assert (found.severity, found.indicator) == ("severe", "critical")
    assert "pseudoneutropenia" in found.flags


def test_a_count_of_a_month_outranks_no_count_of_a_day_in_it() -> None:
    """H5.38: the earliest for freshness; the lower of what may be one time alerts."""
    facts = facts_of({"neutrophils": "0.3 @-1d 08:00; 3.0 @-2d 08:00"})
    vague = [replace(r, when=month(2026, 6)) if r.value and r.value.number == 3 else r for r in facts.results]
    found = judged(replace(facts, results=tuple(vague)))
    assert found.count and found.count.value.number == Decimal("0.3")
    assert found.indicator == "critical"


def test_white_cells_and_percent_of_a_month_are_no_draw() -> None:
    """A1: never a white cell count and a differential of different days."""
    facts = facts_of({"wbc": "4.0 @-1d", "neutrophils %": "20 @-1d"})
    found = judged(replace(facts, results=tuple(replace(r, when=month(2026, 6)) for r in facts.results)))
    assert found.count is None
    assert found.indicator == "info"


def test_a_placeholder_for_the_birth_is_an_unknown_age() -> None:
    born = datetime(1, 1, 1, tzinfo=UTC)
    facts = replace(facts_of({"neutrophils": "0.1"}), birth=Moment(born, born, "0001-01-01"))
    found = judged(facts)
    assert (found.severity, found.indicator) == ("very-severe", "critical")
    assert ("patient", "age-unknown") in {(g.what, g.reason) for g in found.gaps}
