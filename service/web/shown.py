"""What a judgement rests on, as pictures and as a tree, in one call.

In: an Assessment with the facts it was made of, the knowledge, the moment in the time zone of the site. Out: Shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from service import explain
from service.clinical.assessment import Assessment
from service.clinical.facts import PatientFacts
from service.clinical.knowledge.model import Knowledge
from service.evidence import recorded
from service.fhir.moments import Moments
from service.placed import placed
from service.web.pictures import Picture, pictures
from service.web.terms import Terms
from service.web.tree import tree


@dataclass(frozen=True, slots=True)
class Shown:
    """Escaped HTML; it needs static/pictures.css."""

    pictures: tuple[Picture, ...]
    tree: str


def show(assessment: Assessment, facts: PatientFacts, knowledge: Knowledge, as_of: datetime) -> Shown:
    """The pictures of a patient, and why the conclusions are what they are."""
    assert as_of.tzinfo
    terms = Terms(knowledge, as_of, Moments(as_of.tzinfo))
    kept, why = recorded(assessment), explain.as_json(explain.explain(facts, knowledge, as_of))
    return Shown(pictures(kept, placed(facts, knowledge, as_of), terms), tree(kept, why, terms))
