"""The checks when something is ordered: order-select and order-sign.

In: the drafts of a call, the patient's facts. Out: the cards of the checks that they run into, and beside them at
most one of an emergency. A check is a row of knowledge, not code. Source: knowledge part D, H6.68; CDS Hooks
order-select, order-sign.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from cds_hooks.cards import Card
from cds_hooks.prefetch import Resource, read_value
from cds_hooks.request import HookRequest
from service.cards import emergency_cards
from service.clinical.assess import case_of, conclude
from service.clinical.assessment import Assessment
from service.clinical.facts import Medication, PatientFacts
from service.clinical.knowledge.model import Knowledge
from service.clinical.knowledge.rules import InvalidKnowledge
from service.fhir.moments import Moments
from service.fhir.references import short
from service.order_checks.card import check_cards
from service.order_checks.conflicts import conflicts, needs
from service.order_checks.drafts import Draft, DraftReader, as_on_file
from service.order_checks.faults import faults
from service.order_checks.texts import Chart

_SELECTIONS = msgspec.json.Decoder(list[str])


@dataclass(frozen=True, slots=True)
class Drafted:
    """The drafts of one call: those in question, and all that lie beside them."""

    asked: tuple[Draft, ...]
    among: tuple[Draft, ...]
    needs: frozenset[str]  # prefetch keys without which a check of them says nothing
    foreign: int = 0  # drafts of another patient, which are passed over
    on_file: tuple[Resource, ...] = ()  # what the call brought of the chart


class OrderChecks:
    """The knowledge with its ways of reading drafts, indexed once; InvalidKnowledge when its rows do not hold."""

    def __init__(self, knowledge: Knowledge) -> None:
        if wrong := faults(knowledge):
            raise InvalidKnowledge(wrong)
        self._knowledge = knowledge
        self._reader = DraftReader(knowledge)

    def open(self, request: HookRequest, on_file: Iterable[Resource], as_of: datetime) -> Drafted:
        """The drafts of a call; InvalidRequest when their Bundle is not built like one."""
        assert as_of.tzinfo
        sent = read_value("draftOrders", request.context.resources["draftOrders"], "context").resources
        now, patient = as_of.isoformat(timespec="seconds"), request.context.patient_id
        among = self._reader.read(sent, on_file, patient, Moments(as_of.tzinfo), now)
        asked = _selected(among, request)
        foreign = self._reader.foreign(sent, patient)
        return Drafted(asked, among, needs(asked, self._knowledge.tables["check"]), foreign, tuple(on_file))

    def judge(self, drafted: Drafted, facts: PatientFacts, as_of: datetime) -> tuple[tuple[Card, ...], Assessment]:
        """The cards: an emergency of the patient, then the checks, the gravest first; and what they rest on."""
        assert as_of.tzinfo
        waiting = as_on_file(drafted.among, Moments(as_of.tzinfo), as_of.isoformat(timespec="seconds"))
        known = _as_charted(self._dosed(facts, drafted, as_of), drafted.among)
        case = case_of(replace(known, orders=known.orders + waiting), self._knowledge, as_of)
        chart = Chart(case, conclude(case))
        found = conflicts(drafted.asked, drafted.among, case)
        emergency = emergency_cards(chart.assessment, self._knowledge)
        return (*emergency, *check_cards(found, chart)), chart.assessment

    def _dosed(self, facts: PatientFacts, drafted: Drafted, as_of: datetime) -> PatientFacts:
        """The facts with doses that stand in the product's name, "1000 ug tablet", one daily: as drafts are read."""
        unread = {m.reference for m in facts.medications if m.dose_mg_per_day is None and m.kind == "request"}
        if not unread or not facts.subject or not as_of.tzinfo:
            return facts
        requests = [one for one in drafted.on_file if one.type == "MedicationRequest"]
        patient, now = facts.subject.removeprefix("Patient/"), as_of.isoformat(timespec="seconds")
        read = self._reader.read(requests, drafted.on_file, patient, Moments(as_of.tzinfo), now)
        doses = {one.reference: one for one in read if one.reference in unread}
        return replace(facts, medications=tuple(_with_dose(m, doses.get(m.reference)) for m in facts.medications))


def _with_dose(drug: Medication, read: Draft | None) -> Medication:
    amount = read.dose_of(drug.concepts) if read and not read.disputed else None
    known = amount and amount.mg is not None and not amount.assumed
    return replace(drug, dose_mg_per_day=amount.mg) if amount and known else drug


def _selected(drafts: tuple[Draft, ...], request: HookRequest) -> tuple[Draft, ...]:
    """Those that were just selected; all of them where the hook has no selections, or they name none of the drafts."""
    raw = request.context.resources.get("selections")
    chosen = frozenset(map(short, _SELECTIONS.decode(raw))) if raw else frozenset[str]()
    return tuple(draft for draft in drafts if draft.reference in chosen) or drafts


def _as_charted(facts: PatientFacts, drafts: tuple[Draft, ...]) -> PatientFacts:
    """The facts as the drafts leave them: a new draft that the EHR keeps on file already is not yet taken, and one that
    goes on with what is taken is."""
    new = frozenset(draft.reference for draft in drafts if draft.reference and not draft.renewed)
    medications = tuple(m for m in facts.medications if m.reference not in new)
    known = {m.reference for m in medications}
    renewed = (d for d in drafts if d.renewed and d.drugs and d.reference not in known)
    going_on = tuple(Medication(d.drugs, d.reference, "request", "active") for d in renewed)
    orders = tuple(o for o in facts.orders if o.reference not in new)
    return replace(facts, medications=medications + going_on, orders=orders)
