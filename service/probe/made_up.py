"""Made-up requests: a patient who does not exist, and what an EHR could send of her, built from discovery.

In: a service as discovery tells it. Out: request bodies. Every id begins with `cds-check`, so that it is known when an
error repeats it, and found again in the logs of the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

from cds_hooks.hooks import HOOKS, Field, Kind
from service.probe.json_rules import members

PATIENT, STRANGER, USER = "cds-check-patient", "cds-check-stranger", "Practitioner/cds-check-user"
ORDER = "ServiceRequest/cds-check-order"
ACCESS_TOKEN = "cds-check-access-token"
CANARIES = (PATIENT, STRANGER, "cds-check-user", "cds-check-secret")  # what no error may repeat
MOST_CODES = 20

_SEARCH = re.compile(r"([A-Z]\w*)\?(.*)\Z", re.DOTALL)
_READ = re.compile(r"([A-Z]\w*)/")


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """A service of discovery, as far as it can be called."""

    id: str
    hook: str
    prefetch: Mapping[str, str]

    @property
    def path(self) -> str:
        """The way from the base address."""
        return f"/cds-services/{self.id}"


def request(offer: Offer, **fields: Any) -> dict[str, Any]:
    """A call by the book: every prefetch key is null. `fields` replace or add top-level fields."""
    made = {
        "hook": offer.hook,
        "hookInstance": str(uuid4()),
        "context": context(offer.hook),
        "prefetch": nulls(offer),
    }
    return made | fields


def context(hook: str, **fields: Any) -> dict[str, Any]:
    """The required context of a hook, replaced or added to by `fields`."""
    return {one.name: _value(one) for one in HOOKS[hook].fields if one.required} | fields


def _value(field: Field) -> Any:
    match field.kind:
        case Kind.ID:
            return PATIENT if field.name == "patientId" else f"cds-check-{field.resource.lower()}"
        case Kind.USER:
            return USER
        case Kind.REFERENCE:
            return "Organization/cds-check-performer"
        case Kind.REFERENCES:
            return [ORDER]
        case Kind.BUNDLE:
            resource = _appointment() if field.name == "appointments" else _order()
            return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]}
        case Kind.OBJECTS:
            return [{"resourceType": "Task", "id": "cds-check-task", "status": "draft", "intent": "order"}]


def _order() -> dict[str, Any]:
    coding = {"system": "http://loinc.org", "code": "24323-8", "display": "Comprehensive metabolic panel"}
    return {
        "resourceType": "ServiceRequest",
        "id": ORDER.partition("/")[2],
        "status": "draft",
        "intent": "order",
        "code": {"coding": [coding]},
        "subject": {"reference": f"Patient/{PATIENT}"},
    }


def _appointment() -> dict[str, Any]:
    actor = {"reference": f"Patient/{PATIENT}"}
    participant = [{"actor": actor, "status": "needs-action"}]
    kind, name = "Appointment", "cds-check-appointment"
    return {"resourceType": kind, "id": name, "status": "proposed", "participant": participant}


def drafted(fields: Mapping[str, Any]) -> set[str]:
    """What a context holds as drafted orders or appointments, as Type/id. It may be the user's own."""
    entries = [entry for one in fields.values() for _, entry in members(one, "entry")]
    resources = [one["resource"] for one in entries if isinstance(one.get("resource"), dict)]
    return {f"{one.get('resourceType')}/{one.get('id')}" for one in resources}


def nulls(offer: Offer) -> dict[str, Any]:
    """Every query ran and found nothing."""
    return dict.fromkeys(offer.prefetch)


def empties(offer: Offer) -> dict[str, Any]:
    """The same as Bundles without entries; a read that found nothing stays null."""
    return {key: _bundle([]) if _SEARCH.match(template) else None for key, template in offer.prefetch.items()}


def errors(offer: Offer) -> dict[str, Any]:
    """Every query failed on the client's side."""
    return {key: _outcome("error", "exception") for key in offer.prefetch}


def warnings(offer: Offer) -> dict[str, Any]:
    """Nothing found, as Epic says it: a Bundle whose only entry is an OperationOutcome that warns."""
    entry = {"resource": _outcome("warning", "not-found"), "search": {"mode": "outcome"}}
    return {key: _bundle([entry]) if _SEARCH.match(one) else None for key, one in offer.prefetch.items()}


def bare(offer: Offer) -> dict[str, Any]:
    """One resource per key, searches too, outside any Bundle."""
    return {key: next(iter(_resources(template, PATIENT)), None) for key, template in offer.prefetch.items()}


def results(offer: Offer, patient: str = PATIENT) -> dict[str, Any]:
    """A result of 0.4 of `patient` for each code that templates of Observation name; other searches find nothing."""
    made: dict[str, Any] = {}
    for key, template in offer.prefetch.items():
        found = _resources(template, patient)
        is_search = _SEARCH.match(template) is not None
        made[key] = _bundle([{"resource": one} for one in found]) if is_search else next(iter(found), None)
    return made


def _resources(template: str, patient: str) -> list[dict[str, Any]]:
    if search := _SEARCH.match(template):
        codes = [value for name, _, value in _parameters(search[2]) if name == "code"]
        texts = [unquote(one) for value in codes for one in value.split(",")]
        return [_observation(text, patient) for text in texts[:MOST_CODES]] if search[1] == "Observation" else []
    read = _READ.match(template)
    if read and read[1] == "Patient":
        return [{"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1980-01-01"}]
    return []


def _parameters(query: str) -> list[tuple[str, str, str]]:
    return [one.partition("=") for one in query.split("&")]


def _observation(token: str, patient: str) -> dict[str, Any]:
    system, _, code = token.rpartition("|")
    coding = {"system": system, "code": code} if system else {"code": code}
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
    unit = {"unit": "10*9/L", "system": "http://unitsofmeasure.org", "code": "10*9/L"}
    return {
        "resourceType": "Observation",
        "id": f"cds-check-{re.sub(r'[^A-Za-z0-9.-]', '-', code)}"[:64],
        "status": "final",
        "category": [{"coding": [category]}],
        "code": {"coding": [coding]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": (datetime.now(UTC) - timedelta(hours=6)).isoformat(timespec="seconds"),
        "valueQuantity": {"value": 0.4, **unit},
    }


def _bundle(entries: list[dict[str, Any]]) -> dict[str, Any]:
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return {**bundle, "entry": entries} if entries else bundle


def _outcome(severity: str, code: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}


def authorization() -> dict[str, Any]:
    """An access token that opens nothing."""
    made = {"access_token": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 300, "subject": "cds-check"}
    return made | {"scope": "user/Observation.read user/Patient.rs"}
