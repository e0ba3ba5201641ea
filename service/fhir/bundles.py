"""What a file or a request body holds: its resources, and whose they are.

In: a FHIR R4 Bundle (nested Bundles are opened), a bare resource, or a list of them. Out: resources by patient.
Source: design.md section 2 (`POST /assess`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from cds_hooks.prefetch import Resource, read_value
from service.fhir.reader import RawResource
from service.fhir.references import short
from service.fhir.resources import Reference


class _Subject(msgspec.Struct, gc=False):
    id: str | None = None
    subject: Reference | None = None
    patient: Reference | None = None


_SUBJECT = msgspec.json.Decoder(_Subject)


def open_bundle(raw: msgspec.Raw | bytes, key: str = "bundle") -> tuple[Resource, ...]:
    """The resources of a body, in their order; InvalidRequest when a Bundle is not built like one."""
    # A Raw begins with its value: blanks before the body would hide what it is.
    return read_value(key, raw if isinstance(raw, msgspec.Raw) else msgspec.Raw(raw.strip())).resources


def split_patients(resources: Sequence[RawResource]) -> dict[str, list[RawResource]]:
    """The resources of each patient, by "Patient/id" or fullUrl; those of nobody in particular go to everyone."""
    patients: dict[str, str] = {}
    subjects = [_subject(one) for one in resources]
    for one, name in zip(resources, subjects, strict=True):
        if one.type == "Patient" and name:
            patients[name] = patients[name.replace("Patient/", "urn:uuid:")] = name
            if one.full_url:
                patients[short(one.full_url)] = name
    owners = [patients.setdefault(name, name) if name else None for name in subjects]
    found: dict[str, list[RawResource]] = {name: [] for name in dict.fromkeys(_of(patients.values(), owners))}
    for one, owner in zip(resources, owners, strict=True):
        for name in [owner] if owner else found:
            found[name].append(one)
    return found


def _of(patients: Iterable[str], owners: Iterable[str | None]) -> Iterable[str]:
    return (owner for owner in (*patients, *owners) if owner)


def _subject(one: RawResource) -> str | None:
    """Whom a resource is about, "Patient/id" or urn; None when it does not say."""
    try:
        found = _SUBJECT.decode(one.raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    if one.type == "Patient":
        return f"Patient/{found.id}" if found.id else one.full_url
    reference = found.subject or found.patient
    if reference is None or not reference.reference or reference.reference.startswith("#"):
        return None
    name = short(reference.reference)
    return name if name.startswith(("Patient/", "urn:")) else None
