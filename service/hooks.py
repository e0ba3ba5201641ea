"""What we offer, and the way from a request to its answer.

In: settings, checked requests, resources as bytes. Out: the CDS services for discovery, cards, Assessments.
No Flask, no clock: the instant of judgement comes with the call. CDS Hooks 2.0 "Discovery", "Prefetch Template".
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cds_hooks import prefetch
from cds_hooks.cards import Card
from cds_hooks.prefetch import Prefetched, Resource, State
from cds_hooks.request import HookRequest
from cds_hooks.services import Service
from service import callback
from service.callback import NOBODY, CallBack
from service.cards import cards
from service.clinical.assess import assess
from service.clinical.facts import Gap, PatientFacts
from service.clinical.knowledge.model import Knowledge
from service.fhir.bundles import split_patients
from service.ground import Ground
from service.templates import templates_of

REQUIRED = frozenset({"count"})
NOT_CLINICIANS = ("Patient", "RelatedPerson")

log = logging.getLogger("service")


# --- CDS services -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """What one call asks: the prefetch keys that it cannot do without, and how its cards are made."""

    needs: frozenset[str]  # beside those of the service: without them only a critical card is an answer
    cards: Callable[[PatientFacts], Iterable[Card]]


@dataclass(frozen=True, slots=True)
class Hook:
    """A CDS service of ours: where it hangs, and what makes its cards."""

    id: str
    hook: str
    title: str
    description: str
    open: Callable[[HookRequest, Sequence[Resource], Ground, datetime], Asked]
    required: frozenset[str] = frozenset()


def _review(request: HookRequest, resources: Sequence[Resource], ground: Ground, as_of: datetime) -> Asked:
    """The cards of the whole assessment."""
    return Asked(frozenset(), lambda facts: cards(assess(facts, ground.knowledge, as_of), ground.knowledge))


def _order(request: HookRequest, resources: Sequence[Resource], ground: Ground, as_of: datetime) -> Asked:
    """The cards of the checks that the drafts run into."""
    drafted = ground.checks.open(request, resources, as_of)
    if drafted.foreign:
        log.warning("%s: %d drafts of another patient passed over (%s)", request.hook, drafted.foreign, _call(request))
    return Asked(drafted.needs, lambda facts: ground.checks.cards(drafted, facts, as_of))


ON_ORDERS = (
    "checks them against vitamin B12, folate, copper, zinc and the blood count: folic acid before B12, zinc with"
    " low copper, drugs that lower a low count, live vaccines and more. Advice: nothing is blocked."
)

HOOKS = (
    Hook(
        "neutropenia-review", "patient-view", "Neutropenia review",
        "Grades a low neutrophil count, judges the nutrients that can cause it, weighs other causes"
        " and suggests what to order. Reads FHIR R4. Silent when there is nothing to say.",
        _review, REQUIRED,
    ),
    Hook(
        "neutropenia-order-select", "order-select", "Order checks on selection",
        f"When orders are selected, {ON_ORDERS}", _order,
    ),
    Hook(
        "neutropenia-order-sign", "order-sign", "Order checks before signing",
        f"Before orders are signed, {ON_ORDERS}", _order,
    ),
)  # fmt: skip


def offered(ground: Ground) -> dict[str, tuple[Service, Hook]]:
    """Every service by its id, with prefetch templates made of the codes that the knowledge and the site know."""
    templates = templates_of(ground)
    return {hook.id: (_service(hook, templates, ground.knowledge), hook) for hook in HOOKS}


def _service(hook: Hook, templates: Mapping[str, str], knowledge: Knowledge) -> Service:
    return Service(
        id=hook.id,
        hook=hook.hook,
        title=hook.title,
        description=hook.description,
        prefetch=templates,
        required=hook.required,
        usage_requirements=(
            "FHIR R4. Fully functional from prefetch alone. The review needs the key count, an order check what it"
            " cannot do without (412 names it); all others add certainty. "
            f"Knowledge {knowledge.version}, thresholds {knowledge.profile}, "
            f"signed off by {knowledge.signed_off_by or 'no clinician yet'}."
        ),
        extension={"org.neutropenia-cds.service": {"knowledge": knowledge.version, "thresholds": knowledge.profile}},
    )


# --- from request to answer -------------------------------------------------------------------------------------------


def answer(
    request: HookRequest, service: Service, hook: Hook, ground: Ground, now: datetime, reach: CallBack = NOBODY
) -> Iterable[Card]:
    """The cards for a call; PreconditionFailed when the blood count cannot be had. Patients and relatives get none."""
    if request.context.user_type in NOT_CLINICIANS:
        return ()
    fetched, as_of = callback.read(request, service, reach), now.astimezone(ground.site.zone)
    resources = [resource for one in fetched.values() for resource in one.resources]
    asked = hook.open(request, resources, ground, as_of)
    prefetch.require(fetched, service.required)
    facts = ground.reader.read(resources, request.context.patient_id, as_of.date())
    if _holds_another(facts, fetched["patient"], request.context.patient_id):
        log.warning("%s: prefetch holds another patient (%s)", service.id, _call(request))
    found = tuple(asked.cards(_with_gaps(facts, fetched.values())))
    if not any(card.indicator == "critical" for card in found):
        prefetch.require(fetched, asked.needs)
    return found


def _call(request: HookRequest) -> str:
    """The call, for a log line."""
    return f"hookInstance {request.hook_instance if request.hook_instance_is_uuid else 'no UUID'}"


def _holds_another(facts: PatientFacts, patient: Prefetched, wanted: str) -> bool:
    """Whether a resource is about someone else, or the Patient is."""
    named = [name for name in split_patients(patient.resources) if name.startswith("Patient/")]
    other = bool(named) and f"Patient/{wanted}" not in named
    return other or any(gap.reason == "other-patient" for gap in facts.gaps)


def _with_gaps(facts: PatientFacts, fetched: Iterable[Prefetched]) -> PatientFacts:
    """The facts with the keys that were not sent, and a Gap for each that failed or of which a part is held back."""
    keys = tuple(fetched)
    in_vain = (one for one in keys if one.state is State.ERROR or one.reason)
    failed = tuple(Gap(one.key, "query-failed", detail=one.reason) for one in in_vain)
    partial = tuple(Gap(one.key, "incomplete") for one in keys if one.state is State.SUPPLIED and not one.complete)
    missing = frozenset(one.key for one in keys if one.state is State.MISSING and not one.reason)
    return replace(facts, gaps=facts.gaps + failed + partial, unavailable=missing)
