"""Order templates become draft ServiceRequests (FHIR R4) that a click accepts.

In: a SuggestedOrder and what it is filled with. Out: a dict as FHIR JSON, valid as fhir.resources R4B
ServiceRequest (checked in tests, never at run time). Medication is never ordered here: that kind is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from service.clinical.assessment import SuggestedOrder

MAX_SUPPORTING = 10


@dataclass(frozen=True, slots=True)
class Category:
    """What kind of service is asked for: words, and a code where one is verified."""

    text: str
    system: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Patient:
    """For whom and when an order is drafted."""

    subject: str  # "Patient/id"
    as_of: datetime


def draft_order(
    order: SuggestedOrder, text: str, category: Category, patient: Patient, supporting: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A draft ServiceRequest that proposes `order`, worded `text`; its inner objects are shared: never change them."""
    if order.kind == "medication":
        raise ValueError("a medication is an option in words, never a drafted order")
    filled: dict[str, Any] = {
        **_template(order.system, order.code, order.display, text, category),
        "priority": order.priority,
        "subject": {"reference": patient.subject},
        "authoredOn": patient.as_of.isoformat(timespec="seconds"),
        "reasonCode": [{"text": order.reason}],
    }
    if order.within_days is not None:
        due = patient.as_of + timedelta(days=order.within_days)
        filled["occurrenceDateTime"] = due.date().isoformat()
    if supporting:
        filled["supportingInfo"] = [{"reference": reference} for reference in supporting[:MAX_SUPPORTING]]
    return filled


@lru_cache(maxsize=1024)
def _template(system: str, code: str, display: str, text: str, category: Category) -> dict[str, Any]:
    """The part of a ServiceRequest that is the same for every patient."""
    return {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "category": [_concept(category.system, category.code, category.text, category.text)],
        "code": _concept(system, code, display, text),
    }


def _concept(system: str, code: str, display: str, text: str) -> dict[str, Any]:
    if not code:
        return {"text": text}
    return {"coding": [{"system": system, "code": code, "display": display}], "text": text}
