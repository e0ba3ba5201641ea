"""Conditions, procedures, the mother's history, and orders on file.

In: decoded resources. Out: facts.Problem, facts.OrderOnFile; None for what the knowledge does not speak of.
Source: knowledge G (conditions), B2 (the mother of an infant), orders.
"""

from __future__ import annotations

from service.clinical.facts import Moment, OrderOnFile, Problem
from service.clinical.knowledge.model import Knowledge
from service.clinical.knowledge.vocabulary import Vocabulary
from service.fhir import resources as fhir
from service.fhir.concepts import Matcher, OrderMatcher, texts_of
from service.fhir.moments import Moments

REFUTED = frozenset(["refuted", "entered-in-error"])
ACTIVE = frozenset(["active", "recurrence", "relapse"])
NOT_DONE = frozenset(["not-done", "entered-in-error", "preparation"])
NOT_MET = frozenset(["cancelled", "entered-in-error", "noshow", "waitlist"])
ON_FILE = frozenset(["active", "draft", "on-hold"])
MOTHER = frozenset(["MTH", "NMTH", "72705000"])
MOTHER_WORDS = frozenset(["mother", "mutter", "moeder", "mère"])


class ProblemReader:
    """Condition concepts and orders, indexed once."""

    def __init__(self, vocabulary: Vocabulary | Knowledge) -> None:
        self._matcher = Matcher(vocabulary, "condition", "both")
        self._visits = Matcher(vocabulary, "visit")
        self._orders = OrderMatcher(vocabulary.orders)
        self._referrals = frozenset(order.id for order in vocabulary.orders.values() if order.kind == "referral")

    def condition(self, seen: fhir.Condition, reference: str, moments: Moments) -> Problem | None:
        """A Condition; refuted ones are nothing."""
        if _codes(seen.verificationStatus) & REFUTED:
            return None
        concepts, by_name = self._matcher.match(seen.code)
        if not concepts:
            return None
        abated = moments.of(seen.abatementDateTime, seen.abatementPeriod)
        status = _codes(seen.clinicalStatus)
        return Problem(
            concepts,
            reference,
            active=bool(status & ACTIVE) if status else abated is None,
            onset=_begin(moments, seen.onsetDateTime, seen.onsetPeriod),
            recorded=moments.first(seen.recordedDate),
            abatement=abated,
            by_name=by_name,
            confirmed="confirmed" in _codes(seen.verificationStatus),
        )

    def procedure(self, seen: fhir.Procedure, reference: str, moments: Moments) -> Problem | None:
        """A Procedure that was done."""
        if seen.status in NOT_DONE:
            return None
        concepts, by_name = self._matcher.match(seen.code)
        onset = _begin(moments, seen.performedDateTime, seen.performedPeriod)
        return Problem(concepts, reference, False, onset, kind="procedure", by_name=by_name) if concepts else None

    def visit(self, seen: fhir.Visit, reference: str, moments: Moments) -> Problem | None:
        """An Encounter or Appointment with a specialty that the knowledge speaks of."""
        if seen.status in NOT_MET:
            return None
        kinds = [*seen.type, *seen.specialty, *([seen.serviceType] if seen.serviceType else [])]
        matched = [found for kind in kinds if (found := self._visits.match(kind))[0]]
        concepts, by_name = frozenset[str]().union(*(found[0] for found in matched)), all(found[1] for found in matched)
        when = moments.first(seen.period.start if seen.period else None, seen.start)
        return Problem(concepts, reference, False, when, kind="visit", by_name=by_name) if concepts else None

    def referral(self, seen: fhir.ServiceRequest, reference: str, moments: Moments) -> Problem | None:
        """A referral that was completed; by its words only when they order one: a laboratory says "hematology" too."""
        if seen.status != "completed" or seen.doNotPerform:
            return None
        concepts, by_name = self._visits.match(seen.code)
        if by_name and self._orders.match(seen.code).isdisjoint(self._referrals):
            return None
        when = moments.first(seen.authoredOn)
        return Problem(concepts, reference, False, when, kind="visit", by_name=by_name) if concepts else None

    def family(self, seen: fhir.FamilyMemberHistory, reference: str) -> list[Problem]:
        """What a member of the family has."""
        if seen.status == "entered-in-error":
            return []
        words = {word for text in texts_of(seen.relationship) for word in text.casefold().split()}
        kind = "mother" if _codes(seen.relationship) & MOTHER or words & MOTHER_WORDS else "family"
        matched = [self._matcher.match(one.code) for one in seen.condition]
        return [Problem(c, reference, True, kind=kind, by_name=by_name) for c, by_name in matched if c]

    def order(self, seen: fhir.ServiceRequest, reference: str, moments: Moments) -> OrderOnFile | None:
        """A request that waits to be done."""
        if seen.status not in ON_FILE or seen.doNotPerform:
            return None
        orders = self._orders.match(seen.code)
        return OrderOnFile(orders, reference, moments.first(seen.authoredOn)) if orders else None


def _codes(concept: fhir.CodeableConcept | None) -> frozenset[str]:
    return frozenset(c.code for c in concept.coding if c.code) if concept else frozenset()


def _begin(moments: Moments, when: str | None, span: fhir.Period | None) -> Moment | None:
    return moments.first(when, span.start if span else None)
