"""Whatever an explanation or the page of a check can show has words: facts, their levels, rows, tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pytest

from service.clinical.knowledge import load
from service.clinical.knowledge.checks import domain_of
from service.clinical.knowledge.model import Levels, Row
from service.explain import WHOLE
from service.fhir.moments import Moments
from service.web.terms import Terms

K = load()
TERMS = Terms(K, datetime(2026, 6, 15, tzinfo=UTC), Moments(UTC))
EXPLAINED = [(table, row) for table in (*WHOLE, "certainty") for row in K.tables[table]]
OF_NUTRIENTS = [(n.id, row) for n in K.nutrients for row in (*n.status, *n.cap)]


def rows() -> Iterator[Row]:
    for table in K.tables.values():
        yield from table
    for nutrient in K.nutrients:
        for table in (nutrient.status, nutrient.reason, nutrient.feature, nutrient.specific, nutrient.cap):
            yield from table


def asked() -> Mapping[str, set[str]]:
    """Every fact that a row, a scale or another fact asks, with all levels that can be asked or found."""
    found: dict[str, set[str]] = {"grade": set()}

    def add(when: Levels) -> None:
        for fact, levels in when.items():
            found.setdefault(fact, set()).update(levels)

    for row in rows():
        add(row.when)
    for scales in K.scales.values():
        for scale in scales:
            add(scale.when)
    for fact in K.facts.values():
        found.setdefault(fact.id, set())
        for level, when in fact.choices:
            found[fact.id].add(level)
            add(when)
    for fact_id, levels in found.items():
        levels |= set(domain_of(K, fact_id) or K.certainty_domains.get(fact_id, ()))
    return found


ASKED = asked()
TABLES = ("fact", "feature", "analyte", "gap-what")


def named(fact: str) -> bool:
    prefix, _, of = fact.partition(":")
    if of:
        known = of in K.analytes or of in {n.id for n in K.nutrients}
        return known and f"prefix.{prefix}" in K.wording
    return any(f"{table}.{fact}" in K.wording for table in TABLES) or fact in K.scales or fact in K.concepts


@pytest.mark.parametrize("fact", sorted(ASKED))
def test_every_fact_has_a_name(fact: str) -> None:
    assert named(fact)
    assert TERMS.fact(fact)


@pytest.mark.parametrize("fact", sorted(ASKED))
def test_every_level_of_a_fact_has_words(fact: str) -> None:
    declared = K.facts.get(fact)
    prefix = fact.partition(":")[0]
    tables = {"plain-level", "level"} | ({"status", "certainty"} & {prefix}) | {"severity"}
    lacking = [
        level
        for level in ASKED[fact]
        if not (declared and declared.groups)
        and not {f"{table}.{level}" for table in tables} & K.wording.keys()
        and not {f"level-of.{of}.{level}" for of in (fact, prefix)} & K.wording.keys()
    ]
    assert lacking == []


@pytest.mark.parametrize(("about", "row"), EXPLAINED + OF_NUTRIENTS, ids=lambda one: getattr(one, "id", one))
def test_every_row_that_is_explained_has_words(about: str, row: Row) -> None:
    said = TERMS.rule(about, row.id)
    assert said
    made_of_its_conclusion = {"status", "at_most", "cause", "flag"} & row.then.keys()
    assert (
        made_of_its_conclusion
        or f"rule.{row.id}" in K.wording
        or any(f"{table}.{row.id}" in K.wording for table in ("row", "headline", "reason", "feature"))
    )
    assert said != row.id.replace("-", " ") or " " not in said or f"rule.{row.id}" in K.wording


def test_every_table_that_is_explained_has_a_name() -> None:
    assert [table for table in ("severity", *WHOLE) if f"about.{table}" not in K.wording] == []


AGES = {
    ("b12-age-group", "infant"): "below 1 year",
    ("b12-age-group", "child"): "1 year to below 16 years",
    ("b12-age-group", "adult"): "16 years or older",
    ("count-age-group", "3-13-days"): "3 days to below 14 days",
    ("b12-age-group", "unknown"): "not known",
}


@pytest.mark.parametrize(
    ("asked", "said"), AGES.items(), ids=lambda one: "-".join(one) if isinstance(one, tuple) else ""
)
def test_a_group_of_an_age_is_said_by_its_limits(asked: tuple[str, str], said: str) -> None:
    assert TERMS.level(*asked) == said


def test_no_name_stands_for_a_fact_that_nobody_asks() -> None:
    names = {key.removeprefix("fact.") for key in K.wording if key.startswith("fact.")}
    assert names - ASKED.keys() == set()
    levels = {key.removeprefix("level-of.").rpartition(".")[0] for key in K.wording if key.startswith("level-of.")}
    assert {one.split(".")[0] for one in levels} - ASKED.keys() - K.prefixes.keys() == set()


def test_no_words_stand_for_a_row_that_is_not_there() -> None:
    there = {row.id for _, row in EXPLAINED + OF_NUTRIENTS} | {"grade", "multiple-deficiencies"}
    assert {key.removeprefix("rule.") for key in K.wording if key.startswith("rule.")} - there == set()
