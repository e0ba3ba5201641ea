"""A drafted order as an EHR sends it, often unfinished: a field that is not built as FHIR has it costs itself alone.

In: the bytes of one resource. Out: a Struct; null counts as absent, "1" as a number. Source: FHIR R4.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from cds_hooks.grammar import is_id
from service.fhir import resources as fhir
from service.fhir.concepts import texts_of
from service.fhir.reader import RawResource


class Range(msgspec.Struct, gc=False):
    low: fhir.Quantity | None = None
    high: fhir.Quantity | None = None


class Repeat(fhir.Repeat, gc=False):
    boundsRange: Range | None = None
    count: Decimal | None = None
    frequencyMax: int | None = None
    when: list[str] = msgspec.field(default_factory=list)
    timeOfDay: list[str] = msgspec.field(default_factory=list)


class Timing(fhir.Timing, gc=False):
    repeat: Repeat | None = None
    event: list[str] = msgspec.field(default_factory=list)


class DoseAndRate(fhir.DoseAndRate, gc=False):
    doseRange: Range | None = None


class Dosage(fhir.Dosage, gc=False):
    """A Dosage with all that says how much and how often."""

    timing: Timing | None = None
    doseAndRate: list[DoseAndRate] = msgspec.field(default_factory=list)  # type: ignore[assignment]  # narrower items than the base class has
    sequence: int | None = None
    asNeededBoolean: bool = False
    asNeededCodeableConcept: fhir.CodeableConcept | None = None
    method: fhir.CodeableConcept | None = None
    patientInstruction: str | None = None
    additionalInstruction: list[fhir.CodeableConcept] = msgspec.field(default_factory=list)

    @property
    def notes(self) -> list[str]:
        """What its further instructions say, each on its own."""
        return list(dict.fromkeys(text for one in self.additionalInstruction for text in texts_of(one)))

    @property
    def words(self) -> str:
        """What it says in words."""
        return ". ".join(text for text in (self.text, self.patientInstruction) if text)


class Supply(fhir.Validity, gc=False):
    expectedSupplyDuration: fhir.Quantity | None = None
    numberOfRepeatsAllowed: Decimal | None = None


class Ingredient(msgspec.Struct, gc=False):
    itemCodeableConcept: fhir.CodeableConcept | None = None


class Medication(fhir.Medication, gc=False):
    ingredient: list[Ingredient] = msgspec.field(default_factory=list)


class MedicationRequest(fhir.MedicationUse, gc=False, kw_only=True):
    dosageInstruction: list[Dosage] = msgspec.field(default_factory=list)  # type: ignore[assignment]  # narrower items than the base class has
    dispenseRequest: Supply | None = None
    priorPrescription: fhir.Reference | None = None


class Order(msgspec.Struct, gc=False):
    """What every order has."""

    id: str | None = None
    status: str = ""
    intent: str = ""
    doNotPerform: bool = False
    reasonCode: list[fhir.CodeableConcept] = []

    def reference(self, kind: str) -> str:
        """How others name it, as in MedicationRequest/d1; "" without an id that FHIR allows."""
        return f"{kind}/{self.id}" if self.id and is_id(self.id) else ""


class Whose(msgspec.Struct, gc=False):
    subject: fhir.Reference | None = None
    patient: fhir.Reference | None = None


class Formula(msgspec.Struct, gc=False):
    baseFormulaType: fhir.CodeableConcept | None = None
    baseFormulaProductName: str | None = None


class Supplement(msgspec.Struct, gc=False):
    type: fhir.CodeableConcept | None = None
    productName: str | None = None
    schedule: list[Timing] = []
    quantity: fhir.Quantity | None = None
    instruction: str | None = None


class NutritionOrder(msgspec.Struct, gc=False):
    enteralFormula: Formula | None = None
    supplement: list[Supplement] = []


class Forecast(msgspec.Struct, gc=False):
    vaccineCode: list[fhir.CodeableConcept] = []
    forecastStatus: fhir.CodeableConcept | None = None


class ImmunizationRecommendation(msgspec.Struct, gc=False):
    recommendation: list[Forecast] = []


READ: Mapping[str, type[msgspec.Struct]] = {
    "MedicationRequest": MedicationRequest,
    "ServiceRequest": fhir.ServiceRequest,
    "NutritionOrder": NutritionOrder,
    "ImmunizationRecommendation": ImmunizationRecommendation,
}
FAULTS = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
Shape = TypeVar("Shape", bound=msgspec.Struct)


def read_as(shape: type[Shape], one: RawResource) -> Shape | None:
    """The resource, field by field where it is not built as FHIR has it; None when it is no object at all."""
    try:
        return cast(Shape, _decoder(shape, strict=True).decode(one.raw))
    except FAULTS:
        return cast(Shape | None, _lenient(bytes(one.raw), shape))


@cache
def _decoder(kind: Any, *, strict: bool) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, strict=strict)


def _try(raw: bytes, kind: Any) -> Any:
    try:
        return _decoder(kind, strict=False).decode(raw)
    except FAULTS:
        return None


def _lenient(raw: bytes, kind: Any) -> Any:
    """A value of a kind; of a list and of an object what can be read of it, else None."""
    found = _try(raw, kind)
    if found is not None:
        return found
    options = get_args(kind) if get_origin(kind) in (Union, types.UnionType) else (kind,)
    return next((part for option in options if (part := _part(raw, option)) is not None), None)


def _part(raw: bytes, kind: Any) -> Any:
    if get_origin(kind) is list:
        items = _try(raw, list[msgspec.Raw]) or [raw]
        (of,) = get_args(kind)
        return [part for item in items if (part := _lenient(bytes(item), of)) is not None]
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return None
    sent = _try(raw, dict[str, msgspec.Raw])
    if sent is None:
        return None
    hints = _hints(kind)
    read = {name: _lenient(bytes(sent[name]), hints[name]) for name in kind.__struct_fields__ if name in sent}
    return kind(**{name: value for name, value in read.items() if value is not None})


@cache
def _hints(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    return get_type_hints(kind)
