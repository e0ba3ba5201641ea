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
from service.cards.words import words
from service.clinical.assess import assess
from service.clinical.assessment import Assessment
from service.clinical.facts import Gap, PatientFacts
from service.clinical.knowledge.model import Knowledge
from service.fhir.bundles import split_patients
from service.ground import Ground
from service.order_checks.drafts import Draft
from service.templates import templates_of

REQUIRED = frozenset({"count"})
NOT_CLINICIANS = ("Patient", "RelatedPerson")

log = logging.getLogger("service")


# --- CDS services -----------------------------------------------------------------------------------------------------


Judged = tuple[tuple[Card, ...], Assessment]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one call asks: the prefetch keys that it cannot do without, and how its cards are made."""

    needs: frozenset[str]  # beside those of the service: without them only a critical card is an answer
    judge: Callable[[PatientFacts], Judged]
    drafts: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """The cards of a call, and what they rest on; nothing of it for a patient or a relative."""

    cards: tuple[Card, ...] = ()
    assessment: Assessment | None = None
    facts: PatientFacts | None = None
    drafts: tuple[Draft, ...] = ()


@dataclass(frozen=True, slots=True)
class Hook:
    """A CDS service of ours: where it hangs, and what makes its cards."""

    id: str
    hook: str
    open: Callable[[HookRequest, Sequence[Resource], Ground, datetime], Asked]
    required: frozenset[str] = frozenset()


def _review(request: HookRequest, resources: Sequence[Resource], ground: Ground, as_of: datetime) -> Asked:
    """The cards of the whole assessment."""

    def judge(facts: PatientFacts) -> Judged:
        found = assess(facts, ground.knowledge, as_of)
        return cards(found, ground.knowledge), found

    return Asked(frozenset(), judge)


def _order(request: HookRequest, resources: Sequence[Resource], ground: Ground, as_of: datetime) -> Asked:
    """The cards of the checks that the drafts run into."""
    drafted = ground.checks.open(request, resources, as_of)
    if drafted.foreign:
        log.warning("%s: %d drafts of another patient passed over (%s)", request.hook, drafted.foreign, _call(request))
    return Asked(drafted.needs, lambda facts: ground.checks.judge(drafted, facts, as_of), drafted.among)


HOOKS = (
    Hook("neutropenia-review", "patient-view", _review, REQUIRED),
    Hook("neutropenia-order-select", "order-select", _order),
    Hook("neutropenia-order-sign", "order-sign", _order),
)


def offered(ground: Ground, silent: Mapping[str, str] | None = None) -> dict[str, tuple[Service, Hook]]:
    """Every service by its id, with prefetch templates made of the codes that the knowledge and the site know.

    `silent` has the services that answer no card: service id -> silent | silent-for-some.
    """
    templates = templates_of(ground)
    return {one.id: (_service(one, templates, ground.knowledge, (silent or {}).get(one.id)), one) for one in HOOKS}


def _service(hook: Hook, templates: Mapping[str, str], knowledge: Knowledge, silent: str | None) -> Service:
    in_force = {"version": knowledge.version, "profile": knowledge.profile}
    signed = knowledge.signed_off_by or words(knowledge, "service-usage", "unsigned")
    usage = words(knowledge, "service-usage", "all", **in_force, signed=signed)
    return Service(
        id=hook.id,
        hook=hook.hook,
        title=words(knowledge, "service-title", hook.id),
        description=words(knowledge, "service-description", hook.id),
        prefetch=templates,
        required=hook.required,
        usage_requirements=words(knowledge, "service-usage", silent, usage=usage) if silent else usage,
        extension={"org.neutropenia-cds.service": {"knowledge": knowledge.version, "thresholds": knowledge.profile}},
    )


# --- from request to answer -------------------------------------------------------------------------------------------


def answer(
    request: HookRequest, service: Service, hook: Hook, ground: Ground, now: datetime, reach: CallBack = NOBODY
) -> Answered:
    """The cards for a call; PreconditionFailed when the blood count cannot be had. Patients and relatives get none."""
    if request.context.user_type in NOT_CLINICIANS:
        return Answered()
    fetched, as_of = callback.read(request, service, reach), now.astimezone(ground.site.zone)
    resources = [resource for one in fetched.values() for resource in one.resources]
    asked = hook.open(request, resources, ground, as_of)
    prefetch.require(fetched, service.required)
    facts = ground.reader.read(resources, request.context.patient_id, as_of.date())
    if _holds_another(facts, fetched["patient"], request.context.patient_id):
        log.warning("%s: prefetch holds another patient (%s)", service.id, _call(request))
    facts = _with_gaps(facts, fetched.values())
    found, assessment = asked.judge(facts)
    if not any(card.indicator == "critical" for card in found):
        prefetch.require(fetched, asked.needs)
    return Answered(found, assessment, facts, asked.drafts)


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
