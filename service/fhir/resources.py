"""The fields of FHIR R4 resources that we read, and nothing else; every number is a Decimal.

In: the bytes of one resource. Out: a Struct by its resourceType, or None when it is not built as FHIR has it.
Source: FHIR R4 (hl7.org/fhir/R4), one Struct per resource or data type.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec
from msgspec import Struct


class Coding(Struct, gc=False):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Struct, gc=False):
    coding: list[Coding] = []
    text: str | None = None


class Reference(Struct, gc=False):
    reference: str | None = None
    display: str | None = None


class Quantity(Struct, gc=False):
    value: Decimal | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Period(Struct, gc=False):
    start: str | None = None
    end: str | None = None


class Annotation(Struct, gc=False):
    text: str | None = None


class ReferenceRange(Struct, gc=False):
    low: Quantity | None = None
    high: Quantity | None = None
    type: CodeableConcept | None = None


class Value(Struct, gc=False, kw_only=True):
    """What an Observation and each of its components share."""

    code: CodeableConcept = msgspec.field(default_factory=CodeableConcept)
    valueQuantity: Quantity | None = None
    valueCodeableConcept: CodeableConcept | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: int | None = None
    valueDateTime: str | None = None
    referenceRange: list[ReferenceRange] = []
    interpretation: list[CodeableConcept] = []
    dataAbsentReason: CodeableConcept | None = None


class Component(Value, gc=False):
    pass


class Resource(Struct, gc=False, kw_only=True):
    id: str | None = None
    subject: Reference | None = None


class Observation(Value, gc=False, kw_only=True):
    id: str | None = None
    status: str = ""
    subject: Reference | None = None
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
    specimen: Reference | None = None
    note: list[Annotation] = []
    component: list[Component] = []
    contained: list[msgspec.Raw] = []


class Extension(Struct, gc=False):
    url: str = ""
    valueDateTime: str | None = None


class Element(Struct, gc=False):
    extension: list[Extension] = []


class Patient(Resource, gc=False):
    gender: str | None = None
    birthDate: str | None = None
    birth_element: Element | None = msgspec.field(default=None, name="_birthDate")


class DiagnosticReport(Resource, gc=False):
    status: str = ""
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    result: list[Reference] = []
    contained: list[msgspec.Raw] = []


class Collection(Struct, gc=False):
    collectedDateTime: str | None = None
    collectedPeriod: Period | None = None


class Specimen(Resource, gc=False):
    collection: Collection | None = None
    note: list[Annotation] = []
    condition: list[CodeableConcept] = []


class Condition(Resource, gc=False):
    clinicalStatus: CodeableConcept | None = None
    verificationStatus: CodeableConcept | None = None
    code: CodeableConcept = msgspec.field(default_factory=CodeableConcept)
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    abatementDateTime: str | None = None
    abatementPeriod: Period | None = None
    recordedDate: str | None = None


class Procedure(Resource, gc=False):
    status: str = ""
    code: CodeableConcept = msgspec.field(default_factory=CodeableConcept)
    performedDateTime: str | None = None
    performedPeriod: Period | None = None


class ServiceRequest(Resource, gc=False):
    status: str = ""
    code: CodeableConcept = msgspec.field(default_factory=CodeableConcept)
    authoredOn: str | None = None
    doNotPerform: bool = False


class Participant(Struct, gc=False):
    actor: Reference | None = None


class Visit(Resource, gc=False):
    """An Encounter, or an Appointment, which names its patient among its participants."""

    status: str = ""
    type: list[CodeableConcept] = []
    serviceType: CodeableConcept | None = None
    specialty: list[CodeableConcept] = []
    period: Period | None = None
    start: str | None = None
    participant: list[Participant] = []


class FamilyCondition(Struct, gc=False):
    code: CodeableConcept = msgspec.field(default_factory=CodeableConcept)


class FamilyMemberHistory(Struct, gc=False):
    id: str | None = None
    status: str = ""
    patient: Reference | None = None
    relationship: CodeableConcept = msgspec.field(default_factory=CodeableConcept)
    condition: list[FamilyCondition] = []


class Repeat(Struct, gc=False):
    boundsPeriod: Period | None = None
    boundsDuration: Quantity | None = None
    frequency: int | None = None
    period: Decimal | None = None
    periodUnit: str | None = None
    dayOfWeek: list[str] = []


class Timing(Struct, gc=False):
    repeat: Repeat | None = None
    code: CodeableConcept | None = None


class DoseAndRate(Struct, gc=False):
    doseQuantity: Quantity | None = None


class Dosage(Struct, gc=False):
    """MedicationRequest and -Statement have a Timing and doseAndRate, -Administration a bare dose."""

    text: str | None = None
    timing: Timing | None = None
    route: CodeableConcept | None = None
    doseAndRate: list[DoseAndRate] = []
    dose: Quantity | None = None


class Medication(Struct, gc=False):
    id: str | None = None
    code: CodeableConcept | None = None
    form: CodeableConcept | None = None


class Validity(Struct, gc=False):
    validityPeriod: Period | None = None


class MedicationUse(Resource, gc=False):
    """MedicationRequest, -Statement, -Administration and -Dispense, whose fields differ by name only."""

    resourceType: str
    status: str = ""
    intent: str | None = None
    doNotPerform: bool = False
    contained: list[msgspec.Raw] = []
    medicationCodeableConcept: CodeableConcept | None = None
    medicationReference: Reference | None = None
    authoredOn: str | None = None
    effectiveDateTime: str | None = None
    effectivePeriod: Period | None = None
    whenHandedOver: str | None = None
    whenPrepared: str | None = None
    dispenseRequest: Validity | None = None
    dosageInstruction: list[Dosage] = []
    dosage: list[Dosage] | Dosage | None = None
