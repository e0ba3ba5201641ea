"""Resources for the reader's tests, and the way to read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, tzinfo
from typing import Any

from msgspec import Raw

from service.clinical.facts import Gap, LabResult, PatientFacts
from service.clinical.knowledge.vocabulary import load_vocabulary
from service.fhir.reader import Reader, Site

VOCABULARY = load_vocabulary()
READER = Reader(VOCABULARY)
LOINC, UCUM, SNOMED = "http://loinc.org", "http://unitsofmeasure.org", "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"
TODAY = date(2026, 6, 15)
Json = dict[str, Any]


@dataclass(frozen=True)
class Sent:
    """A resource as it was sent."""

    type: str
    raw: Raw
    path: str
    full_url: str | None = None


def send(*resources: Json | bytes | tuple[str, Json]) -> list[Sent]:
    """Resources as bytes; a pair holds the fullUrl first."""
    return [_sent(one, index) for index, one in enumerate(resources)]


def _sent(one: Json | bytes | tuple[str, Json], index: int) -> Sent:
    path = f"entry[{index}].resource"
    if isinstance(one, tuple):
        return Sent(one[1]["resourceType"], Raw(json.dumps(one[1]).encode()), path, one[0])
    if isinstance(one, bytes):
        return Sent("Observation", Raw(one), path)
    return Sent(one["resourceType"], Raw(json.dumps(one).encode()), path)


def read(
    *resources: Json | bytes | tuple[str, Json],
    patient: str | None = "p",
    zone: tzinfo = UTC,
    local: Mapping[tuple[str, str], str] | None = None,
) -> PatientFacts:
    """What the reader makes of resources."""
    reader = READER if zone is UTC and not local else Reader(VOCABULARY, Site(zone, local or {}))
    return reader.read(send(*resources), patient, TODAY)


def coded(code: str | None = None, text: str | None = None, system: str = LOINC, display: str | None = None) -> Json:
    """A CodeableConcept."""
    coding = {"system": system, "code": code} | ({"display": display} if display else {})
    return ({"coding": [coding]} if code else {}) | ({"text": text} if text else {})


def quantity(value: Any, unit: str | None = None, code: str | None = None, comparator: str | None = None) -> Json:
    """A Quantity; with a `code` it is UCUM's."""
    fields = {"value": value, "unit": unit, "code": code, "comparator": comparator, "system": UCUM if code else None}
    return {key: field for key, field in fields.items() if field is not None}


def observation(code: str | Json = "751-8", value: Any = None, /, **more: Any) -> Json:
    """A final Observation of the patient on 14 June 2026; a Quantity or other fields by keyword."""
    fields: Json = {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": coded(code) if isinstance(code, str) else code,
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2026-06-14T08:20:00Z",
    }
    if value is not None:
        fields["valueQuantity"] = value
    return {key: field for key, field in (fields | more).items() if field is not None}


def resource(kind: str, **fields: Any) -> Json:
    """Any other resource of the patient."""
    return {"resourceType": kind, "id": "r1", "subject": {"reference": "Patient/p"}} | fields


def only(facts: PatientFacts) -> LabResult:
    """The one result, with no Gap beside it."""
    assert not facts.gaps, facts.gaps
    assert len(facts.results) == 1
    return facts.results[0]


def reasons(facts: PatientFacts) -> list[str]:
    """Why things could not be used."""
    return sorted(gap.reason for gap in facts.gaps)


def refused(facts: PatientFacts) -> Gap:
    """The one Gap, when nothing was used."""
    assert not facts.results
    assert len(facts.gaps) == 1
    return facts.gaps[0]
