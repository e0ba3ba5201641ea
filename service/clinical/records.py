"""What the chart records of problems and drugs.

In: PatientFacts, concepts of the knowledge, a day. Out: whether, and which. Absence means "not recorded", never "not
there" (H5.39). Source: knowledge part G, H4.32.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta

from service.clinical.facts import Medication, Moment, PatientFacts, Problem
from service.clinical.knowledge.model import Concept, DeclaredFact

NEVER = frozenset(["draft", "entered-in-error", "not-taken", "cancelled", "intended", "declined"])
RUNNING = frozenset(["active", "on-hold"])


def concept_recorded(patient: PatientFacts, fact: DeclaredFact, concepts: Mapping[str, Concept], today: date) -> bool:
    """Whether a problem, a procedure or a mother's problem of the concepts is on file and counts on that day."""
    return any(True for _ in problems_of(patient, fact, concepts, today))


def problems_of(
    patient: PatientFacts, fact: DeclaredFact, concepts: Mapping[str, Concept], today: date
) -> Iterator[Problem]:
    """The problems that make a declared fact `yes`."""
    for problem in patient.problems:
        shared = problem.concepts & fact.concepts
        if not shared or (problem.kind in ("mother", "family")) != (fact.kind == "mother"):
            continue
        if fact.kind == "mother" and problem.kind != "mother":
            continue
        history = problem.kind != "condition" or any(concepts[c].history for c in shared)
        if (problem.active or history) and _within(problem, fact.within_days, today):
            yield problem


def _within(problem: Problem, days: int | None, today: date) -> bool:
    """Whether a passing problem is recent enough: its latest known time counts; without a time it is current."""
    times = [m for m in (problem.abatement, problem.recorded, problem.onset) if m]
    if days is None or not times:
        return True
    newest = max(m.latest for m in times)
    return newest.date() >= today - timedelta(days=days)


def drug_recorded(
    patient: PatientFacts, concepts: frozenset[str], today: date, within_days: int | None
) -> Iterator[Medication]:
    """Drugs of the concepts that are running, or ended at most so many days ago (H4.32)."""
    for drug in patient.medications:
        if not drug.concepts & concepts or drug.status in NEVER:
            continue
        if drug.start and drug.start.earliest.date() > today:
            continue
        if _counts(drug, today, within_days):
            yield drug


def _counts(drug: Medication, today: date, within_days: int | None) -> bool:
    end = ended(drug)
    if drug.status in RUNNING and (end is None or end.latest.date() >= today):
        return True
    if within_days is None:
        return False
    return end is not None and end.latest.date() >= today - timedelta(days=within_days)


def ended(drug: Medication) -> Moment | None:
    """When the exposure ended: the end on file; a single administration or dispense ends when it was given."""
    if drug.end:
        return drug.end
    if drug.is_supply or drug.status not in RUNNING:
        return drug.start
    return None
