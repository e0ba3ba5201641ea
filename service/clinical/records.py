"""What the chart records of problems and drugs.

In: PatientFacts, a fact declared in the knowledge, a day. Out: which problems and drugs make it `yes`. Absence means
"not recorded", never "not there" (H5.39). Source: knowledge part G, H4.32-34.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal

from service.clinical.facts import Medication, Moment, PatientFacts, Problem
from service.clinical.knowledge.model import Concept, DeclaredFact

NEVER = frozenset(["draft", "entered-in-error", "not-taken", "cancelled", "intended", "declined"])
RUNNING = frozenset(["active", "on-hold"])
RELATIVES = {"mother": ("mother",), "family": ("mother", "family")}  # kind of a fact -> kinds of problems


def problems_of(
    patient: PatientFacts, fact: DeclaredFact, concepts: Mapping[str, Concept], today: date
) -> Iterator[Problem]:
    """The problems, procedures, visits or relatives' problems that make a declared fact `yes` on that day."""
    for problem in patient.problems:
        shared = problem.concepts & fact.concepts
        if not shared or not _whose(problem, fact) or (fact.confirmed and not problem.confirmed):
            continue
        history = problem.kind != "condition" or any(concepts[c].history for c in shared)
        if (problem.active or history) and _within(problem, fact, today):
            yield problem


def _whose(problem: Problem, fact: DeclaredFact) -> bool:
    if fact.kind in RELATIVES:
        return problem.kind in RELATIVES[fact.kind]
    return problem.kind not in RELATIVES["family"]


def _within(problem: Problem, fact: DeclaredFact, today: date) -> bool:
    """Whether a passing problem is recent enough, by its latest known time (without one it is current), or on file
    for long enough."""
    times = [m for m in (problem.abatement, problem.recorded, problem.onset) if m]
    if fact.recorded_days is not None:
        known = problem.recorded or problem.onset
        return known is not None and known.latest.date() <= today - timedelta(days=fact.recorded_days)
    if fact.within_days is None or not times:
        return True
    newest = max(m.latest for m in times)
    return newest.date() >= today - timedelta(days=fact.within_days)


def exposures(patient: PatientFacts, fact: DeclaredFact, today: date) -> Iterator[Medication]:
    """The uses of drugs that make a declared fact `yes` on that day (H4.32-34)."""
    uses = list(_uses(patient, fact.concepts, today))
    last = max((m.latest.date() for d in uses if (m := last_dose(d))), default=None)
    for drug in uses:
        if fact.last_dose_days is not None:
            counts = last is not None and fact.last_dose_days[0] <= (today - last).days <= fact.last_dose_days[1]
        else:
            counts = _counts(drug, today, fact.within_days)
        if counts and _fits(drug, fact, uses, today):
            yield drug


def _fits(drug: Medication, fact: DeclaredFact, uses: list[Medication], today: date) -> bool:
    """Whether route, dose, days of the week, and the length of the course are those of the fact."""
    often, least = drug.days_per_week, fact.days_per_week_above
    if (fact.routes and (drug.route or "unknown") not in fact.routes) or (least and (often is None or often <= least)):
        return False
    if fact.least_mg_per_day is not None and not _treats(drug, fact.least_mg_per_day):
        return False
    new, long = fact.started_within_days, fact.taken_days
    if new is None and long is None:
        return True
    begun, end = _begun(drug, uses, timedelta(days=long or new or 0)), ended(drug)
    if begun is None or (new is not None and (today - begun).days > new):
        return False
    return long is None or (min(today, end.latest.date() if end else today) - begun).days >= long


def _treats(drug: Medication, least: Decimal) -> bool:
    """Whether it is taken or was given, in a dose that is known to treat (H3.23, H4.32)."""
    enough = drug.route == "injection" or (drug.dose_mg_per_day or 0) >= least
    return enough and (drug.status == "active" or drug.is_supply)


def _begun(drug: Medication, uses: list[Medication], gap: timedelta) -> date | None:
    """When the course began: a renewed prescription goes on with the one before it, unless a gap lies between."""
    if drug.start is None:
        return None
    begun = drug.start.earliest.date()
    same = [(u.start.earliest, ended(u)) for u in uses if u.start and u.concepts & drug.concepts]
    for start, end in sorted(same, key=lambda pair: pair[0], reverse=True):
        if start.date() < begun and (end is None or end.latest.date() >= begun - gap):
            begun = start.date()
    return begun


def drug_recorded(
    patient: PatientFacts, concepts: frozenset[str], today: date, within_days: int | None
) -> Iterator[Medication]:
    """Drugs of the concepts that are running, or ended at most so many days ago (H4.32)."""
    return (drug for drug in _uses(patient, concepts, today) if _counts(drug, today, within_days))


def _uses(patient: PatientFacts, concepts: frozenset[str], today: date) -> Iterator[Medication]:
    """Drugs of the concepts that were taken, and begun by that day."""
    for drug in patient.medications:
        begun = drug.start is None or drug.start.earliest.date() <= today
        if begun and drug.concepts & concepts and drug.status not in NEVER:
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


def last_dose(drug: Medication) -> Moment | None:
    """The last time known at which it was taken: its end, or its start when it runs."""
    return ended(drug) or drug.start
