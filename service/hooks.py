"""What we offer, and the way from a request to its answer.

In: settings, checked requests, resources as bytes. Out: the CDS services for discovery, cards, Assessments.
No Flask, no clock: the instant of judgement comes with the call. CDS Hooks 2.0 "Discovery", "Prefetch Template".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from types import MappingProxyType
from urllib.parse import quote

from cds_hooks import prefetch
from cds_hooks.cards import Card
from cds_hooks.errors import InvalidRequest
from cds_hooks.prefetch import Prefetched, Resource, State
from cds_hooks.request import HookRequest
from cds_hooks.services import Service
from service.cards import cards
from service.clinical.assess import assess
from service.clinical.facts import Gap, PatientFacts
from service.clinical.knowledge.model import Knowledge
from service.fhir.bundles import open_bundle, split_patients
from service.fhir.reader import RawResource, Site
from service.ground import Ground

PATIENT = "patient={{context.patientId}}"
MOST = "_count=200"  # the largest page that every EHR gives

# Observations by the codes of the knowledge. EHRs refuse a search without a category, and vitals are no laboratory's.
RESULTS = MappingProxyType({
    "count": "category=laboratory&",
    "nutrients": "category=laboratory&",
    "markers": "category=laboratory&",
    "persistent": "category=laboratory&",
    "vitals": "",
})  # fmt: skip
# The rest by patient. No `_sort` anywhere: some EHRs do not know it, so newest-first is our work.
RECORDS = MappingProxyType({
    "conditions": f"Condition?{PATIENT}&{MOST}",
    "medications": f"MedicationRequest?{PATIENT}&{MOST}",
    "statements": f"MedicationStatement?{PATIENT}&{MOST}",
    "administrations": f"MedicationAdministration?{PATIENT}&{MOST}",
    "procedures": f"Procedure?{PATIENT}&{MOST}",
    "visits": f"Encounter?{PATIENT}&{MOST}",
    "orders": f"ServiceRequest?{PATIENT}&status=active,draft,on-hold&{MOST}",
})  # fmt: skip
REQUIRED = frozenset({"count"})
NOT_CLINICIANS = ("Patient", "RelatedPerson")
FIRST_YEAR, LAST_YEAR = 1900, 2200

log = logging.getLogger("service")
Chart = tuple[str | None, Sequence[RawResource]]  # whose, and the resources


# --- CDS services -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hook:
    """A CDS service of ours: where it hangs, and what makes its cards."""

    id: str
    hook: str
    title: str
    description: str
    answer: Callable[[HookRequest, PatientFacts, Knowledge, datetime], Iterable[Card]]


def _review(request: HookRequest, facts: PatientFacts, knowledge: Knowledge, as_of: datetime) -> Iterable[Card]:
    """The cards of the whole assessment."""
    return cards(assess(facts, knowledge, as_of), knowledge)


HOOKS = (
    Hook(
        id="neutropenia-review",
        hook="patient-view",
        title="Neutropenia review",
        description="Grades a low neutrophil count, judges the nutrients that can cause it, weighs other causes"
        " and suggests what to order. Reads FHIR R4. Silent when there is nothing to say.",
        answer=_review,
    ),
)


def offered(ground: Ground) -> dict[str, tuple[Service, Hook]]:
    """Every service by its id, with prefetch templates made of the codes that the knowledge and the site know."""
    templates = _templates(ground)
    return {hook.id: (_service(hook, templates, ground.knowledge), hook) for hook in HOOKS}


def _service(hook: Hook, templates: Mapping[str, str], knowledge: Knowledge) -> Service:
    return Service(
        id=hook.id,
        hook=hook.hook,
        title=hook.title,
        description=hook.description,
        prefetch=templates,
        required=REQUIRED,
        usage_requirements=(
            "FHIR R4. Fully functional from prefetch alone; only the key count is required, the others add certainty. "
            f"Knowledge {knowledge.version}, thresholds {knowledge.profile}, "
            f"signed off by {knowledge.signed_off_by or 'no clinician yet'}."
        ),
        extension={"org.neutropenia-cds.service": {"knowledge": knowledge.version, "thresholds": knowledge.profile}},
    )


def _templates(ground: Ground) -> dict[str, str]:
    """Prefetch key -> FHIR read or search."""
    codes = _codes(ground)
    results = {
        key: f"Observation?{PATIENT}&{category}code={','.join(codes[key])}&{MOST}" for key, category in RESULTS.items()
    }
    return {"patient": "Patient/{{context.patientId}}", **results, **RECORDS}


def _codes(ground: Ground) -> dict[str, list[str]]:
    """system|code of every analyte by its prefetch key, the site's own codes too."""
    analytes = ground.knowledge.analytes
    known = [(one.prefetch, (code.system, code.code)) for one in analytes.values() for code in one.codes]
    local = [(analytes[analyte].prefetch, code) for code, analyte in ground.site.local_codes.items()]
    found: dict[str, list[str]] = {}
    for key, (system, code) in dict.fromkeys(known + local):
        found.setdefault(key, []).append(f"{_quoted(system)}|{_quoted(code)}")
    return found


def _quoted(text: str) -> str:
    """Part of a token search: `\\` and `$` escaped as FHIR has it, then whatever an address cannot hold."""
    return quote(re.sub(r"([\\$])", r"\\\1", text), safe="/:")


# --- from request to answer -------------------------------------------------------------------------------------------


def answer(request: HookRequest, service: Service, hook: Hook, ground: Ground, now: datetime) -> Iterable[Card]:
    """The cards for a call; PreconditionFailed when the blood count cannot be had. Patients and relatives get none."""
    if request.context.user_type in NOT_CLINICIANS:
        return ()
    fetched = prefetch.read(request, service)
    prefetch.require(fetched, service)
    resources = [resource for one in fetched.values() for resource in one.resources]
    as_of = now.astimezone(ground.site.zone)
    facts = ground.reader.read(resources, request.context.patient_id, as_of.date())
    if _holds_another(facts, fetched["patient"], request.context.patient_id):
        call = request.hook_instance if request.hook_instance_is_uuid else "no UUID"
        log.warning("%s: prefetch holds another patient (hookInstance %s)", service.id, call)
    return hook.answer(request, _with_gaps(facts, fetched.values()), ground.knowledge, as_of)


def _holds_another(facts: PatientFacts, patient: Prefetched, wanted: str) -> bool:
    """Whether a resource is about someone else, or the Patient is."""
    named = [name for name in split_patients(patient.resources) if name.startswith("Patient/")]
    other = bool(named) and f"Patient/{wanted}" not in named
    return other or any(gap.reason == "other-patient" for gap in facts.gaps)


def _with_gaps(facts: PatientFacts, fetched: Iterable[Prefetched]) -> PatientFacts:
    """The facts with the keys that were not sent, and a Gap for each that failed or of which a part is held back."""
    keys = tuple(fetched)
    failed = tuple(Gap(one.key, "query-failed") for one in keys if one.state is State.ERROR)
    partial = tuple(Gap(one.key, "incomplete") for one in keys if one.state is State.SUPPLIED and not one.complete)
    missing = frozenset(one.key for one in keys if one.state is State.MISSING)
    return replace(facts, gaps=facts.gaps + failed + partial, unavailable=missing)


def read_one(body: bytes, ground: Ground, as_of: datetime) -> PatientFacts:
    """What is known of the one patient in a Bundle or resource; InvalidRequest when there are several."""
    charts = _charts(open_bundle(body, "$"))
    if len(charts) > 1:
        problem = f"holds results of {len(charts)} patients"
        raise InvalidRequest(path="$", problem=problem, hint="send one patient at a time", code="multiple-matches")
    return next(_read(charts, ground, as_of))


def read_all(resources: Sequence[Resource], ground: Ground, as_of: datetime) -> Iterable[PatientFacts]:
    """What is known of each patient, in the order in which they turn up."""
    return _read(_charts(resources), ground, as_of)


def _charts(resources: Sequence[Resource]) -> list[Chart]:
    """Resources by patient; when nobody is named, those of one unnamed patient."""
    charts: list[Chart] = [*split_patients(resources).items()]
    return charts or [(None, resources)]


def _read(charts: Iterable[Chart], ground: Ground, as_of: datetime) -> Iterator[PatientFacts]:
    for patient, resources in charts:
        name = patient.removeprefix("Patient/") if patient else None
        facts = ground.reader.read(resources, name, as_of.date())
        nameless = (facts.subject or "").startswith("prefetch.")  # a Patient without id is known by its place alone
        yield replace(facts, subject=None) if nameless else facts


def end_of_day(day: date, site: Site) -> datetime:
    """The last second of a day at the site; ValueError before 1900 and after 2200."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError("a day that no patient's results are of")
    return datetime.combine(day, time(23, 59, 59), site.zone)
