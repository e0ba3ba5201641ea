"""Whether the tables would notice: each decision row left out, each cut-off and each age limit moved, changes some row.

A row is noticed by a table row that comes out otherwise without it. A cut-off is tested from both sides when a value at
it and a value just beyond it are in the tables, in the unit of its scale, with what follows. Levels that Python works
out stay within what derived.toml declares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import pytest
from cells import AS_OF
from drafted import drafts_of
from mutants import AGE_STEP, NEAR, AgeMutant, CutMutant, RowMutant, moved_ages, moved_cuts, without_rows
from outcomes import differences
from tables import TableRow, all_rows, knowledge_of

from service.clinical.ages import age_in
from service.clinical.assess import DERIVED, PREFIXED, assess, case_of
from service.clinical.facts import PatientFacts
from service.clinical.knowledge import profiles
from service.clinical.knowledge.checks import domain_of
from service.clinical.knowledge.model import Knowledge
from service.order_checks.conflicts import fits
from service.order_checks.drafts import Draft

DEFAULT = "nice-ng239"
# Rows that change nothing as things stand, and why they are kept.
NEVER_MISSED = {
    "cap zinc zinc-cap": "zinc has no features (H6.43): possible is its most already; C2 asks for it",
    "cap iron iron-cap": "iron has no features (H6.43): possible is its most already; C2 asks for it",
}


@cache
def patients(profile: str = DEFAULT) -> tuple[tuple[TableRow, PatientFacts], ...]:
    """The rows of a profile with their facts."""
    return tuple((row, row.facts()) for row in all_rows() if row.profile == profile)


@cache
def rows_that_match() -> dict[str, list[TableRow]]:
    """Name of a knowledge row -> the table rows in which it matches, or is the one that was taken."""
    found: dict[str, list[TableRow]] = {}
    for row, facts in patients():
        rules = replace(knowledge_of(DEFAULT), clozapine=row.inputs.get("clozapine rules", "unset"))
        for name in _matching(facts, rules, drafts_of(row.inputs.get("drafts", ""))):
            found.setdefault(name, []).append(row)
    return found


def _matching(facts: PatientFacts, knowledge: Knowledge, drafts: tuple[Draft, ...]) -> Iterator[str]:
    assessment, case = assess(facts, knowledge, AS_OF), case_of(facts, knowledge, AS_OF)
    yield from (f"certainty {row}" for row in {c.row for c in assessment.causes if c.kind == "nutritional"})
    yield from (f"status {n.nutrient} {n.row}" for n in assessment.nutrients)
    for table, rows in knowledge.tables.items():
        if table == "check":
            yield from (f"{table} {r.id}" for r in rows if any(fits(r.then["draft"], draft) for draft in drafts))
        elif table != "certainty":
            yield from (f"{table} {r.id}" for r in case.all(rows))
    for n in knowledge.nutrients:
        for rows in (n.reason, n.feature, n.specific, n.cap):
            yield from (f"{r.table} {n.id} {r.id}" for r in case.all(rows))


def _changes(row: TableRow, knowledge: Knowledge) -> bool:
    """Whether a table row comes out otherwise; a table without its last row has no answer at all."""
    try:
        return bool(differences(row, knowledge))
    except StopIteration:
        return True
    except RuntimeError as wrong:  # the same, from inside a generator
        if isinstance(wrong.__cause__, StopIteration):
            return True
        raise


def _missed(mutant: RowMutant) -> bool:
    return not any(_changes(row, mutant.knowledge) for row in rows_that_match().get(mutant.name, []))


def _unmoved(mutant: CutMutant, profile: str) -> bool:
    return not any(_changes(row, mutant.knowledge) for row, facts in patients(profile) if _near(facts, mutant))


def _near(facts: PatientFacts, mutant: CutMutant) -> bool:
    """Whether the patient has a result at the cut-off or just beyond it."""
    margin = mutant.cut * NEAR
    return any(
        r.value is not None and r.analyte == mutant.scale.analyte and abs(r.value.number - mutant.cut) <= margin
        for r in facts.results
        if r.unit == mutant.scale.unit
    )


def _ageless(mutant: AgeMutant) -> bool:
    return not any(_changes(row, mutant.knowledge) for row, facts in patients() if _of_age(facts, mutant))


def _of_age(facts: PatientFacts, mutant: AgeMutant) -> bool:
    age = age_in(mutant.unit, facts.birth, AS_OF.date())
    return age is not None and abs(age - mutant.limit) <= AGE_STEP[mutant.unit] + (mutant.unit == "d")


def assert_none(names: list[str], claim: str) -> None:
    assert not names, "\n".join(f"{claim} {name}" for name in names)


def test_every_decision_row_is_missed_when_it_is_left_out() -> None:
    missed = [m.name for m in without_rows(knowledge_of(DEFAULT)) if _missed(m)]
    assert_none([name for name in missed if name not in NEVER_MISSED], "no table row misses")


@pytest.mark.parametrize("profile", profiles())
def test_every_cut_off_is_tested_from_both_sides(profile: str) -> None:
    ours = knowledge_of(DEFAULT)
    cuts = moved_cuts(knowledge_of(profile))
    mutants = [m for m in cuts if profile == DEFAULT or m.scale not in ours.scales[m.scale.fact]]
    assert mutants
    assert_none([m.name for m in mutants if _unmoved(m, profile)], "no table row stands beside")


def test_every_age_limit_is_tested_from_both_sides() -> None:
    assert_none([m.name for m in moved_ages(knowledge_of(DEFAULT)) if _ageless(m)], "no table row stands beside")


def test_derived_facts_are_those_declared() -> None:
    knowledge = knowledge_of(DEFAULT)
    assert set(DERIVED) == set(knowledge.domains)
    assert set(PREFIXED) == set(knowledge.prefixes)


@pytest.mark.parametrize("profile", profiles())
def test_every_level_is_one_that_its_fact_declares(profile: str) -> None:
    knowledge = knowledge_of(profile)
    strange = set()
    for _, facts in patients(profile):
        case = case_of(facts, knowledge, AS_OF)
        for fact in (*DERIVED, *knowledge.facts, *knowledge.scales):
            if case[fact] not in (domain_of(knowledge, fact) or ()):
                strange.add((fact, case[fact]))
        for fact, level in case.items():
            if level not in (domain_of(knowledge, fact) or ()):
                strange.add((fact, level))
    assert strange == set()
