"""The reference work: patient-view calls of one made-up patient with as many results as asked for.

In: the knowledge (codes and the prefetch keys that fetch them), a number of results, the newest draw. Out: the body of
a request. The same arguments give the same bytes. The patient has a falling neutrophil count, a large red cell, and
vitamin B12 that is low at last, and blasts in the newest draw: rules have work to do, and the answer carries two cards.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from service.clinical.knowledge.model import Knowledge

__all__ = ["AS_OF", "PANEL", "PATIENT", "SIZES", "junk", "request"]

AS_OF = datetime.fromisoformat("2026-06-15T09:00:00+00:00")
NEWEST = AS_OF - timedelta(hours=2)
PATIENT = "bench-1"
SIZES = (33, 165)  # results: about 20 kB and 100 kB
BETWEEN_DRAWS = timedelta(days=28)
RECORDS = {"medications", "statements", "administrations", "procedures", "visits", "orders"}
LOCAL = "urn:oid:1.3.6.1.4.1.99999.1"
UCUM = "http://unitsofmeasure.org"


class Test(NamedTuple):
    """A line of the panel: what the newest draw shows, and how much more each earlier one."""

    analyte: str
    local: str
    unit: str
    newest: str
    change: str
    low: str
    high: str


PANEL = (
    Test("neutrophils", "NEUT", "10*9/L", "0.9", "0.02", "1.8", "7.5"),
    Test("vitamin-b12", "B12", "pg/mL", "165", "2", "200", "900"),
    Test("wbc", "WBC", "10*9/L", "2.8", "0.02", "4.0", "11.0"),
    Test("hemoglobin", "HGB", "g/dL", "10.9", "0.01", "12.0", "16.0"),
    Test("mcv", "MCV", "fL", "111", "-0.1", "80", "98"),
    Test("platelets", "PLT", "10*9/L", "138", "1", "150", "400"),
    Test("rdw", "RDW", "%", "16.2", "-0.01", "11.5", "14.5"),
    Test("lymphocytes", "LYMPH", "10*9/L", "1.4", "0", "1.0", "4.0"),
    Test("monocytes", "MONO", "10*9/L", "0.3", "0", "0.2", "0.8"),
    Test("eosinophils", "EOS", "10*9/L", "0.1", "0", "0.0", "0.4"),
    Test("blasts-percent", "BLAST", "%", "2", "-2", "0", "0"),
    Test("folate", "FOL", "ng/mL", "9.1", "0.01", "4.0", "20.0"),
    Test("copper", "CU", "ug/dL", "98", "0.1", "70", "140"),
    Test("ceruloplasmin", "CERU", "mg/dL", "27", "0.1", "20", "60"),
    Test("zinc", "ZN", "ug/dL", "84", "0.1", "70", "120"),
    Test("ferritin", "FERR", "ng/mL", "88", "0.5", "20", "300"),
)  # fmt: skip

_encode = msgspec.json.Encoder(decimal_format="number").encode


def request(
    knowledge: Knowledge,
    results: int,
    panel: tuple[Test, ...] = PANEL,
    apart: timedelta = BETWEEN_DRAWS,
    newest: datetime = NEWEST,
) -> bytes:
    """The call with so many results, newest draw first; other prefetch keys were looked for and found empty."""
    found: dict[str, list[dict[str, Any]]] = {"count": [], "nutrients": []}
    for key, observation in _observations(knowledge, results, panel, apart, newest):
        found[key].append(observation)
    conditions = [_condition(newest)]
    keys = {one.prefetch for one in knowledge.analytes.values()} | RECORDS
    return _encode({
        "hook": "patient-view",
        "hookInstance": "8a2f1c1e-5c0b-4f55-9a55-0d6a7c1d2b30",
        "context": {"userId": "Practitioner/bench-2", "patientId": PATIENT, "encounterId": "bench-3"},
        "prefetch": {
            **dict.fromkeys(sorted(keys)),
            "patient": {"resourceType": "Patient", "id": PATIENT, "gender": "female", "birthDate": "1961-03-02"},
            **{key: _bundle(resources) for key, resources in found.items()},
            "conditions": _bundle(conditions),
        },
    })


def junk(length: int = 2_000_000) -> dict[str, bytes]:
    """Bodies of that length that mean nothing, by what is wrong with them."""
    call = b'{"hook": "patient-view", "prefetch": {"count": {"resourceType": "Bundle", "entry": ['
    entry = b'{"resource": {"resourceType": "Observation", "status": "final"}},'
    return {
        "letters": b"x" * length,
        "cut off": (call + entry * (length // len(entry)))[:length],
        "nested": call + b"[" * (length - len(call)),
        "not UTF-8": call + b'"' + b"\xff" * (length - len(call) - 5) + b'"]}}}',
    }


def _observations(
    knowledge: Knowledge, results: int, panel: tuple[Test, ...], apart: timedelta, newest: datetime
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each result with the prefetch key that fetches it."""
    for number in range(results):
        draw, line = divmod(number, len(panel))
        analyte = knowledge.analytes[panel[line].analyte]
        yield analyte.prefetch, _observation(panel[line], analyte.codes[0].code, number, draw, newest - draw * apart)


def _observation(test: Test, loinc: str, number: int, draw: int, when: datetime) -> dict[str, Any]:
    coding = [{"system": "http://loinc.org", "code": loinc}, {"system": LOCAL, "code": test.local}]
    value = max(Decimal(0), Decimal(test.newest) + draw * Decimal(test.change))
    limits = {"low": _quantity(Decimal(test.low), test.unit), "high": _quantity(Decimal(test.high), test.unit)}
    return {
        "resourceType": "Observation",
        "id": f"bench-o-{number}",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": coding, "text": test.analyte},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "effectiveDateTime": when.isoformat(),
        "valueQuantity": {**_quantity(value, test.unit), "system": UCUM, "code": test.unit},
        "referenceRange": [limits],
        "specimen": {"reference": f"Specimen/bench-s-{draw}"},
    }


def _quantity(value: Decimal, unit: str) -> dict[str, Any]:
    return {"value": value, "unit": unit}


def _condition(newest: datetime) -> dict[str, Any]:
    system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
    return {
        "resourceType": "Condition",
        "id": "bench-c-1",
        "clinicalStatus": {"coding": [{"system": system, "code": "active"}]},
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "K29.40"}]},
        "subject": {"reference": f"Patient/{PATIENT}"},
        "recordedDate": (newest - 20 * BETWEEN_DRAWS).date().isoformat(),
    }


def _bundle(resources: list[dict[str, Any]]) -> dict[str, Any]:
    entries = [{"resource": one, "search": {"mode": "match"}} for one in resources]
    return {"resourceType": "Bundle", "type": "searchset", "total": len(resources), "entry": entries}
