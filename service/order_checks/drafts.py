"""What the clinician is about to order: drug or test, route, dose a day, length.

In: the resources of `context.draftOrders` (FHIR R4, often unfinished: no intent, no drug, no dose). Out: Drafts;
what was never to be done gives none. Source: CDS Hooks order-select and order-sign; knowledge G, H4.34.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from service.clinical.facts import Medication, OrderOnFile
from service.clinical.knowledge.model import Knowledge
from service.clinical.knowledge.vocabulary import read_toml
from service.fhir import resources as fhir
from service.fhir.concepts import Matcher, texts_of
from service.fhir.medications import doses_of
from service.fhir.moments import Moments
from service.fhir.problems import ProblemReader
from service.fhir.reader import RawResource
from service.order_checks import sent
from service.order_checks.doses import Amount, Doses
from service.order_checks.drugs import OrderedDrugs, OrderedReader, product_of
from service.order_checks.given import as_drug, codes_of, is_of, medications, subject_of, waiting
from service.order_checks.phrases import Phrases
from service.order_checks.routes import Routes
from service.order_checks.schedule import Schedule

# A re-signed order is active; what is over or was never meant is no order.
OVER = frozenset(["entered-in-error", "cancelled", "stopped", "completed", "ended", "revoked"])
DONE = frozenset(["immune", "contraindicated", "complete"])  # forecastStatus of a vaccine that is not to be given


@dataclass(frozen=True, slots=True)
class Draft:
    """One drafted order, as far as it is known."""

    reference: str  # "MedicationRequest/d1"; "" when it has no id
    kind: str  # resourceType
    drugs: frozenset[str] = frozenset()  # concepts
    orders: frozenset[str] = frozenset()  # ids of orders.toml that it covers
    routes: frozenset[str] = frozenset()  # oral, injection, intramuscular, rectal, local, systemic ... or unknown
    amount: Amount = field(default_factory=Amount)
    days: Decimal | None = None  # length of the course; None: no end is stated
    days_per_week: Decimal | None = None
    scheduled: bool = False  # round the clock, not as needed
    reasons: frozenset[str] = frozenset()  # concepts of what it is ordered for
    label: str = ""  # what the chart calls it
    amounts: Mapping[str, Amount] = field(default_factory=dict, hash=False)  # concept -> its own dose, of several
    ingredients: Mapping[str, str] = field(default_factory=dict, hash=False)  # concept -> its name in the product
    renewed: bool = False  # it goes on with what is taken already
    firm: bool = True  # it will be given: not on hold, not as needed, not far ahead
    waits: bool = False  # it is not given beside another: on hold, one of several options, as needed
    begins: date | None = None  # its first and its last day, where they are stated
    ends: date | None = None
    unread: bool = False  # it has words for the dose, and none of them says how often
    dose_text: str = ""  # as the order words it, for the detail
    named: frozenset[str] = frozenset()  # the days of a week that it names: mon, tue ...
    disputed: bool = False  # it says in more than one way how much or how often: the larger is read

    def dose_of(self, drugs: frozenset[str]) -> Amount:
        """The dose of the ingredients that are meant; of several the largest, one that is not known first."""
        own = [self.amounts.get(drug, self.amount) for drug in sorted(drugs & self.drugs)]
        return max(own, key=lambda one: (one.most is None, one.most or 0), default=self.amount)

    def ingredient(self, drugs: frozenset[str]) -> str:
        """How the product names the ingredient that is meant; "" when it has one only."""
        return next((self.ingredients[drug] for drug in sorted(drugs & self.drugs) if drug in self.ingredients), "")


@dataclass(frozen=True, slots=True)
class _Call:
    """What is the same for all drafts of a call."""

    drugs: Mapping[str, sent.Medication]  # by the references that may name them
    moments: Moments
    now: str


class DraftReader:
    """Drugs, tests and ways of writing an order, indexed once."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._said = said = read_toml(Path(__file__).parent / "reading.toml")
        self._names = OrderedDrugs(knowledge, said)
        self._medications = OrderedReader(knowledge, self._names)
        self._problems = ProblemReader(knowledge)
        self._drugs = Matcher(knowledge, "drug", "both")
        self._conditions = Matcher(knowledge, "condition", "both")
        phrases = Phrases(knowledge.reading, said)
        self._routes, self._schedule = Routes(said), Schedule(knowledge.reading, said, phrases)
        self._doses = Doses(knowledge.reading, said, phrases, self._schedule)
        self._requests = frozenset(said["requested"]["concepts"])

    def read(
        self, given: Iterable[RawResource], on_file: Iterable[RawResource], patient: str, moments: Moments, now: str
    ) -> tuple[Draft, ...]:
        """The drafts for the patient; drugs that they refer to may stand among the drafts or on file."""
        orders = tuple(given)
        call = _Call(medications((*on_file, *orders)), moments, now)
        found = (self._draft(one, call) for one in orders if one.type in sent.READ and is_of(patient, one))
        return tuple(draft for draft in found if draft)

    def foreign(self, given: Iterable[RawResource], patient: str) -> int:
        """How many orders name another patient."""
        return sum(1 for one in given if one.type in sent.READ and subject_of(one) and not is_of(patient, one))

    def _draft(self, one: RawResource, call: _Call) -> Draft | None:
        order, decoded = sent.read_as(sent.Order, one), sent.read_as(sent.READ[one.type], one)
        if order is None or decoded is None or order.status in OVER or order.doNotPerform:
            return None
        draft, stop = self._of(one.type, decoded, call), self._said["not_firm"]
        matched = (self._conditions.match(reason)[0] for reason in order.reasonCode)
        return replace(
            draft,
            reference=order.reference(one.type),
            kind=one.type,
            reasons=frozenset[str]().union(*matched),
            firm=draft.firm and order.status not in stop["status"] and order.intent not in stop["intents"],
            waits=draft.waits or order.status in stop["status"] or order.intent in stop["choices"],
        )

    def _of(self, kind: str, decoded: Any, call: _Call) -> Draft:
        if kind == "MedicationRequest":
            return self._medication(decoded, call)
        if kind == "ServiceRequest":
            order = self._problems.order(waiting(decoded), "", call.moments)
            return self._requested([decoded.code], order.orders if order else frozenset())
        if kind == "NutritionOrder":
            return self._nutrition(decoded, call)
        wanted = (r for r in decoded.recommendation if not codes_of(r.forecastStatus) & DONE)
        return self._vaccine([code for r in wanted for code in r.vaccineCode])

    def _medication(self, use: sent.MedicationRequest, call: _Call) -> Draft:
        renewed = self._renewed(use, call)
        use.authoredOn = use.authoredOn or call.now
        parts, written = product_of(use, call.drugs), [dose for dose in doses_of(use) if isinstance(dose, sent.Dosage)]
        taken = self._medications.of(use, parts, call.moments)
        product, drugs = [text for part in parts for text in texts_of(part)], taken.concepts if taken else frozenset()
        doses = [self._own(dose, drugs) for dose in written]
        schedule, waits = self._schedule, self._schedule.as_needed(doses)
        begins, ends = schedule.span(doses, taken)
        draft = Draft(
            "", "", drugs,
            routes=self._routes.of(doses, product, taken.route if taken else None),
            days=schedule.length(doses, taken, use.dispenseRequest), days_per_week=schedule.days_per_week(doses),
            scheduled=schedule.scheduled(doses), named=schedule.named(doses), label=next(iter(product), ""),
            renewed=renewed, begins=begins, ends=ends, unread=schedule.unread(doses), waits=waits,
            firm=not waits and not self._is_far(taken, call), disputed=schedule.disputed(doses),
            dose_text=next((dose.text for dose in written[:1] if dose.text), ""),
        )  # fmt: skip
        return self._measured(draft, doses, product)

    def _own(self, dose: sent.Dosage, drugs: frozenset[str]) -> sent.Dosage:
        """A dose without what its words say of another drug."""
        said = [name for name in ("text", "patientInstruction") if getattr(dose, name)]
        own = {name: self._names.own(getattr(dose, name), drugs) for name in said}
        notes = [fhir.CodeableConcept(text=self._names.own(note, drugs)) for note in dose.notes]
        return msgspec.structs.replace(dose, **own, additionalInstruction=notes)

    def _measured(self, draft: Draft, doses: Sequence[sent.Dosage], product: Sequence[str]) -> Draft:
        """The draft with its dose; of a product of several ingredients with the dose of each."""
        held = self._doses.ingredients(product, self._names.named)
        alone = len(held) == 1
        disputed = any(self._doses.disputed(doses, one, alone=alone) for one in held)
        draft = replace(draft, disputed=draft.disputed or disputed)
        if alone:
            return replace(draft, amount=self._doses.amount(doses, held[0], draft.drugs))
        amounts, names = dict.fromkeys(draft.drugs, Amount()), dict[str, str]()
        for one in held:
            for drug in one.concepts & draft.drugs:
                amounts[drug] = self._doses.amount(doses, one, frozenset([drug]), alone=False)
                names[drug] = one.name
        return replace(draft, amounts=amounts, ingredients=names)

    def _renewed(self, use: sent.MedicationRequest, call: _Call) -> bool:
        """Whether it goes on with what is taken already: it follows another, or it was written before today."""
        authored, today = call.moments.first(use.authoredOn), call.moments.first(call.now)
        before = bool(authored and today and authored.latest.date() < today.latest.date())
        return use.priorPrescription is not None or (before and use.status in self._said["renewed"]["status"])

    def _is_far(self, taken: Medication | None, call: _Call) -> bool:
        today, ahead = call.moments.first(call.now), timedelta(days=self._said["not_firm"]["days_ahead"])
        return bool(taken and taken.start and today and taken.start.earliest - today.latest > ahead)

    def _nutrition(self, order: sent.NutritionOrder, call: _Call) -> Draft:
        """What is fed by what it is called, and each supplement as the drug that it is."""
        formula = order.enteralFormula
        codes = [formula.baseFormulaType, fhir.CodeableConcept(text=formula.baseFormulaProductName)] if formula else []
        fed = self._requested([code for code in codes if code], frozenset(), feeds=formula is not None)
        found = [self._medication(as_drug(one), call) for one in order.supplement]
        for one in found:
            own = fed.drugs | one.drugs
            amounts = {**fed.amounts, **{drug: one.dose_of(frozenset([drug])) for drug in one.drugs}}
            fed = replace(one, drugs=own, amounts=amounts, routes=frozenset(self._said["supplement"]["routes"]))
        return fed if len(found) != 1 or formula else replace(fed, amounts=found[0].amounts)

    def _requested(self, codes: list[fhir.CodeableConcept], orders: frozenset[str], *, feeds: bool = False) -> Draft:
        """A test by what it is called; of drugs only those that are requested so: "zinc" is a test."""
        matched = (m.match(code)[0] for code in codes for m in (self._drugs, self._conditions))
        drugs = frozenset[str]().union(*matched) & self._requests if not orders else frozenset[str]()
        drugs |= {"enteral-formula"} if feeds else set()
        return Draft("", "", drugs, orders, label=next((t for code in codes for t in texts_of(code)), ""))

    def _vaccine(self, codes: list[fhir.CodeableConcept]) -> Draft:
        """Every vaccine that is recommended, each under its own name."""
        named = {drug: next(iter(texts_of(c)), "") for c in codes for drug in self._drugs.match(c)[0]}
        label = next((t for code in codes for t in texts_of(code)), "")
        return Draft("", "", frozenset(named), label=label, ingredients=named)


def as_on_file(drafts: Iterable[Draft], moments: Moments, now: str) -> tuple[OrderOnFile, ...]:
    """Drafted tests as orders on file: nothing is suggested that is being ordered."""
    return tuple(OrderOnFile(d.orders, d.reference, moments.first(now)) for d in drafts if d.orders)
