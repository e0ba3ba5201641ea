"""Bytes of one resource as the fields that we read, each resource by itself.

In: the bytes of a resource and its type. Out: its Struct, or None when it is not built as FHIR has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from service.fhir import resources as fhir


class Head(Struct, gc=False):
    code: fhir.CodeableConcept


class Contained(Struct, gc=False):
    resourceType: str = ""


READ: dict[str, type[Struct]] = {
    "Patient": fhir.Patient,
    "DiagnosticReport": fhir.DiagnosticReport,
    "Specimen": fhir.Specimen,
    "Medication": fhir.Medication,
    "Observation": fhir.Observation,
    "Condition": fhir.Condition,
    "Procedure": fhir.Procedure,
    "ServiceRequest": fhir.ServiceRequest,
    "Encounter": fhir.Visit,
    "Appointment": fhir.Visit,
    "FamilyMemberHistory": fhir.FamilyMemberHistory,
    "MedicationRequest": fhir.MedicationUse,
    "MedicationStatement": fhir.MedicationUse,
    "MedicationAdministration": fhir.MedicationUse,
    "MedicationDispense": fhir.MedicationUse,
}
_DECODERS = {name: msgspec.json.Decoder(shape) for name, shape in {**READ, "": Head, "contained": Contained}.items()}


def decode(kind: str, raw: bytes | msgspec.Raw) -> Struct | None:
    """The resource, None when it is not built as FHIR has it."""
    try:
        found: Struct = _DECODERS[kind].decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return found


def contained(owner: Any) -> Iterator[tuple[str, msgspec.Raw]]:
    """Type and bytes of the Observations and Specimens inside another resource."""
    for raw in getattr(owner, "contained", ()):
        peek = decode("contained", raw)
        if isinstance(peek, Contained) and peek.resourceType in ("Observation", "Specimen"):
            yield peek.resourceType, raw


def code_of(raw: bytes | msgspec.Raw) -> fhir.CodeableConcept | None:
    """The code of a resource that could not be read as a whole."""
    head = decode("", raw)
    return head.code if isinstance(head, Head) else None
