"""What is given with the drafts of a call: whom they name, the drugs that they refer to, supplements as drugs.

In: the resources of a call. Out: references, Medications, MedicationRequests. Source: FHIR R4.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from service.fhir import resources as fhir
from service.fhir.reader import RawResource
from service.fhir.references import short
from service.order_checks import sent
from service.order_checks.drugs import product

_WHOSE = msgspec.json.Decoder(sent.Whose)


def subject_of(one: RawResource) -> str | None:
    """Whom an order names, "" when nobody; None when that cannot be read."""
    try:
        whose = _WHOSE.decode(one.raw)
    except sent.FAULTS:
        return None
    return (whose.subject or whose.patient or fhir.Reference()).reference or ""


def is_of(patient: str, one: RawResource) -> bool:
    """Whether an order is for the patient, or names nobody; one that cannot be read is not."""
    subject = subject_of(one)
    return subject is not None and short(subject) in ("", f"Patient/{patient}", f"urn:uuid:{patient}", patient)


def medications(resources: Iterable[RawResource]) -> dict[str, sent.Medication]:
    """Medication resources by the references that may name them."""
    found: dict[str, sent.Medication] = {}
    for one in resources:
        drug = product(one.raw) if one.type == "Medication" else None
        if drug:
            found |= {f"Medication/{drug.id}": drug} if drug.id else {}
            found |= {short(one.full_url): drug} if one.full_url else {}
    return found


def as_drug(one: sent.Supplement) -> sent.MedicationRequest:
    """A supplement of a NutritionOrder as the order of a drug."""
    kind = one.type or fhir.CodeableConcept()
    called = fhir.CodeableConcept([*kind.coding, fhir.Coding(display=kind.text)], one.productName or kind.text)
    at_once = [sent.DoseAndRate(doseQuantity=one.quantity)] if one.quantity else []
    doses = [sent.Dosage(one.instruction, timing, None, at_once) for timing in (one.schedule or [sent.Timing()])]
    kind_of = "MedicationRequest"
    return sent.MedicationRequest(resourceType=kind_of, medicationCodeableConcept=called, dosageInstruction=doses)


def waiting(request: fhir.ServiceRequest) -> fhir.ServiceRequest:
    """A request as it stands once it is signed: what it covers does not depend on its status."""
    return msgspec.structs.replace(request, status="draft")


def codes_of(concept: fhir.CodeableConcept | None) -> frozenset[str]:
    return frozenset(c.code for c in concept.coding if c.code) if concept else frozenset()
