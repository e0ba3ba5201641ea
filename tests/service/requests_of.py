"""Small requests to build faults from. They carry canaries: words that no error, log line or console may ever show."""

from __future__ import annotations

from typing import Any

CANARY = "canary7731"  # what nobody but the answer with cards may hold
PATIENT = f"{CANARY}-p-1"


def observation(code: str = "751-8", value: object = 2.5, patient: str = PATIENT, **changes: Any) -> dict[str, Any]:
    """A neutrophil count; `changes` replace fields."""
    unit = {"unit": "10*9/L", "system": "http://unitsofmeasure.org", "code": "10*9/L"}
    return {
        "resourceType": "Observation",
        "id": f"o-{code}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-06-14",
        "valueQuantity": {"value": value, **unit},
        **changes,
    }


def patient(id: str = PATIENT) -> dict[str, Any]:
    named = {"name": [{"family": f"{CANARY}-name"}], "identifier": [{"value": f"{CANARY}-number"}]}
    return {"resourceType": "Patient", "id": id, "birthDate": "1980-01-01", "gender": "female", **named}


def bundle(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}


def call(prefetch: object = ..., **changes: Any) -> dict[str, Any]:
    """A patient-view call with a normal count; fields set to `...` are left out."""
    if prefetch is ...:
        prefetch = {"patient": patient(), "count": bundle(observation())}
    asked = {
        "hook": "patient-view",
        "hookInstance": "5f1c2a34-0f4e-4b55-9f0a-8a4f3c1d7b10",
        "context": {"userId": f"Practitioner/{CANARY}-d-1", "patientId": PATIENT},
        "prefetch": prefetch,
        **changes,
    }
    return {name: value for name, value in asked.items() if value is not ...}
