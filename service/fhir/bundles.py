"""What a file or a request body holds: its resources, and whose they are.

In: a FHIR R4 Bundle (nested Bundles are opened), a bare resource, or a list of them. Out: resources by patient.
Source: design.md section 2 (`POST /assess`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec

from cds_hooks.prefetch import Resource, read_value
from service.fhir.reader import RawResource
from service.fhir.references import short
from service.fhir.resources import Participant, Reference


class _Subject(msgspec.Struct, gc=False):
    id: str | None = None
    subject: Reference | None = None
    patient: Reference | None = None


class _Appointment(msgspec.Struct, gc=False):
    participant: list[Participant] = []


_SUBJECT, _APPOINTMENT = msgspec.json.Decoder(_Subject), msgspec.json.Decoder(_Appointment)


def open_bundle(raw: msgspec.Raw | bytes, key: str = "bundle") -> tuple[Resource, ...]:
    """The resources of a body, in their order; InvalidRequest when a Bundle is not built like one."""
    # A Raw begins with its value: blanks before the body would hide what it is.
    return read_value(key, raw if isinstance(raw, msgspec.Raw) else msgspec.Raw(raw.strip())).resources


def split_patients(resources: Sequence[RawResource]) -> dict[str, list[RawResource]]:
    """The resources of each patient, by "Patient/id" or fullUrl; those of nobody in particular go to everyone."""
    patients: dict[str, str] = {}
    subjects = [_subjects(one) for one in resources]
    for one, names in zip(resources, subjects, strict=True):
        if one.type == "Patient" and names:
            (name,) = names
            patients[name] = patients[name.replace("Patient/", "urn:uuid:")] = name
            if one.full_url:
                patients[short(one.full_url)] = name
    owners = [_owners(one, names, patients) for one, names in zip(resources, subjects, strict=True)]
    found: dict[str, list[RawResource]] = {name: [] for name in dict.fromkeys(chain(patients.values(), *owners))}
    for one, mine in zip(resources, owners, strict=True):
        for name in mine or found:
            found[name].append(one)
    return found


def _owners(one: RawResource, names: Iterable[str], patients: dict[str, str]) -> list[str]:
    """The patients that a resource names, who become known by it; of an Appointment's urns those that are patients."""
    meant = (n for n in names if one.type != "Appointment" or n in patients or n.startswith("Patient/"))
    return list(dict.fromkeys(patients.setdefault(name, name) for name in meant))


def _subjects(one: RawResource) -> list[str]:
    """Whom a resource is about, "Patient/id" or urn; nobody when it does not say."""
    try:
        found = _SUBJECT.decode(one.raw)
        actors = [p.actor for p in _APPOINTMENT.decode(one.raw).participant] if one.type == "Appointment" else []
    except (msgspec.DecodeError, RecursionError):
        return []
    if one.type == "Patient":
        name = f"Patient/{found.id}" if found.id else one.full_url
        return [name] if name else []
    named = [r.reference for r in (*actors, found.subject or found.patient) if r and r.reference]
    return [n for r in named if (n := short(r)).startswith(("Patient/", "urn:"))]
