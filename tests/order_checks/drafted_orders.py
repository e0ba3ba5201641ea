"""FHIR orders for the tests of drafts, as EHRs send them, and the way to read them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from functools import cache
from typing import Any

from msgspec import Raw

from service.clinical.knowledge import load
from service.clinical.knowledge.model import Knowledge
from service.fhir.moments import Moments
from service.order_checks.drafts import Draft, DraftReader

NOW = "2026-06-15T12:00:00+00:00"
ATC = "http://www.whocc.no/atc"
CVX = "http://hl7.org/fhir/sid/cvx"
SNOMED = "http://snomed.info/sct"
Json = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """A resource as it was sent."""

    type: str
    raw: Raw
    path: str = "context.draftOrders.entry[0].resource"
    full_url: str | None = None


def send(one: Json | bytes, full_url: str | None = None) -> Sent:
    if isinstance(one, bytes):
        return Sent("MedicationRequest", Raw(one))
    return Sent(str(one.get("resourceType", "")), Raw(json.dumps(one).encode()), full_url=full_url)


@cache
def knowledge() -> Knowledge:
    return load()


@cache
def reader() -> DraftReader:
    return DraftReader(knowledge())


def read(*orders: Json | bytes, on_file: tuple[Json, ...] = (), patient: str = "p") -> tuple[Draft, ...]:
    """What the reader makes of drafted orders."""
    return reader().read([send(o) for o in orders], [send(o) for o in on_file], patient, Moments(UTC), NOW)


def medication(text: str | None, dose: str | Json | None = None, **changes: Any) -> Json:
    """A drafted MedicationRequest: the product's text, and a dose in words or as a Dosage; `...` leaves a field out."""
    order: Json = {
        "resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": {"text": text} if text else ...,
        "dosageInstruction": [dose if isinstance(dose, dict) else {"text": dose}] if dose else ...,
        **changes,
    }  # fmt: skip
    return {name: value for name, value in order.items() if value is not ...}


def structured(value: float, unit: str, times: int = 1, period: float = 1, of: str = "d", **more: Any) -> Json:
    """A Dosage in numbers."""
    repeat = {"frequency": times, "period": period, "periodUnit": of}
    dose = {"doseQuantity": {"value": value, "unit": unit}}
    return {"timing": {"repeat": repeat}, "doseAndRate": [dose], **more}


def coded(code: str, system: str = ATC, display: str = "") -> Json:
    return {"coding": [{"system": system, "code": code, **({"display": display} if display else {})}]}


def service(code: Json, **changes: Any) -> Json:
    """A drafted ServiceRequest."""
    order = {"resourceType": "ServiceRequest", "id": "s1", "status": "draft", "intent": "order", "code": code}
    return order | {"subject": {"reference": "Patient/p"}} | changes
