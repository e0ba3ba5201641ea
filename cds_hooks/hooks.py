"""The hooks of the CDS Hooks library: what their context holds, and which of it a prefetch template may name.

Source: HL7 cds-hooks-library; the versions are those of the hook pages' metadata.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum


class Kind(Enum):
    """What a context field holds."""

    ID = "the bare id of a FHIR resource"
    USER = "Type/id of the user"
    REFERENCE = "Type/id"
    REFERENCES = "a list of references"
    BUNDLE = "a FHIR Bundle"
    OBJECTS = "a list of objects"


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a hook's context."""

    name: str
    kind: Kind
    required: bool = True
    resource: str = ""  # ID: the type whose prefix is tolerated, e.g. "Patient" for "Patient/1"
    path: str = field(init=False)
    is_token: bool = field(init=False)  # templates may name first-level primitive fields alone

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", f"context.{self.name}")
        object.__setattr__(self, "is_token", self.kind in (Kind.ID, Kind.USER, Kind.REFERENCE))


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook: the moment in the workflow at which a client calls."""

    name: str
    version: str
    fields: tuple[Field, ...]
    user_types: tuple[str, ...] = ()  # empty: the context names no user

    @property
    def tokens(self) -> frozenset[str]:
        """Every token that a prefetch template of this hook may hold."""
        fields = {one.path for one in self.fields if one.is_token}
        return frozenset(fields | {f"user{kind}Id" for kind in self.user_types})


_USER = Field("userId", Kind.USER)
_PATIENT = Field("patientId", Kind.ID, resource="Patient")
_ENCOUNTER = Field("encounterId", Kind.ID, resource="Encounter")
_ENCOUNTER_IF_ANY = Field("encounterId", Kind.ID, required=False, resource="Encounter")
_DRAFT_ORDERS = Field("draftOrders", Kind.BUNDLE)
_CLINICIANS = ("Practitioner", "PractitionerRole")
_ANYONE = (*_CLINICIANS, "Patient", "RelatedPerson")

_LIBRARY = (
    Hook("patient-view", "1.0", (_USER, _PATIENT, _ENCOUNTER_IF_ANY), _ANYONE),
    Hook(
        "order-select",
        "1.0",
        (_USER, _PATIENT, _ENCOUNTER_IF_ANY, Field("selections", Kind.REFERENCES), _DRAFT_ORDERS),
        _CLINICIANS,
    ),
    Hook("order-sign", "1.0", (_USER, _PATIENT, _ENCOUNTER_IF_ANY, _DRAFT_ORDERS), _CLINICIANS),
    Hook(
        "order-dispatch",
        "1.1",
        (
            _PATIENT,
            Field("dispatchedOrders", Kind.REFERENCES),
            Field("performer", Kind.REFERENCE),
            Field("fulfillmentTasks", Kind.OBJECTS, required=False),
        ),
    ),
    Hook("encounter-start", "1.0", (_USER, _PATIENT, _ENCOUNTER), _CLINICIANS),
    Hook("encounter-discharge", "1.0", (_USER, _PATIENT, _ENCOUNTER), _CLINICIANS),
    Hook("appointment-book", "1.0", (_USER, _PATIENT, _ENCOUNTER_IF_ANY, Field("appointments", Kind.BUNDLE)), _ANYONE),
)
HOOKS: dict[str, Hook] = {hook.name: hook for hook in _LIBRARY}
