"""The FHIR queries that fill our prefetch: Observations by the codes of the knowledge, everything else by patient.

In: the knowledge in force and the site's own codes. Out: a template for each prefetch key. CDS Hooks 2.0
"Prefetch Template".
"""

from __future__ import annotations

import re
from types import MappingProxyType
from urllib.parse import quote

from service.ground import Ground

PATIENT = "patient={{context.patientId}}"
MOST = "_count=200"  # the largest page that every EHR gives

# Observations by the codes of the knowledge. EHRs refuse a search without a category, and vitals are no laboratory's.
RESULTS = MappingProxyType({
    "count": "category=laboratory&",
    "nutrients": "category=laboratory&",
    "markers": "category=laboratory&",
    "persistent": "category=laboratory&",
    "vitals": "",
})  # fmt: skip
# The rest by patient. No `_sort` anywhere: some EHRs do not know it, so newest-first is our work.
RECORDS = MappingProxyType({
    "conditions": f"Condition?{PATIENT}&{MOST}",
    "medications": f"MedicationRequest?{PATIENT}&{MOST}",
    "statements": f"MedicationStatement?{PATIENT}&{MOST}",
    "administrations": f"MedicationAdministration?{PATIENT}&{MOST}",
    "procedures": f"Procedure?{PATIENT}&{MOST}",
    "visits": f"Encounter?{PATIENT}&{MOST}",
    "orders": f"ServiceRequest?{PATIENT}&status=active,draft,on-hold&{MOST}",
})  # fmt: skip


def templates_of(ground: Ground) -> dict[str, str]:
    """Prefetch key -> FHIR read or search."""
    codes = _codes(ground)
    results = {
        key: f"Observation?{PATIENT}&{category}code={','.join(codes[key])}&{MOST}" for key, category in RESULTS.items()
    }
    return {"patient": "Patient/{{context.patientId}}", **results, **RECORDS}


def _codes(ground: Ground) -> dict[str, list[str]]:
    """system|code of every analyte by its prefetch key, the site's own codes too."""
    analytes = ground.knowledge.analytes
    known = [(one.prefetch, (code.system, code.code)) for one in analytes.values() for code in one.codes]
    local = [(analytes[analyte].prefetch, code) for code, analyte in ground.site.local_codes.items()]
    found: dict[str, list[str]] = {}
    for key, (system, code) in dict.fromkeys(known + local):
        found.setdefault(key, []).append(f"{_quoted(system)}|{_quoted(code)}")
    return found


def _quoted(text: str) -> str:
    """Part of a token search: `\\` and `$` escaped as FHIR has it, then whatever an address cannot hold."""
    return quote(re.sub(r"([\\$])", r"\\\1", text), safe="/:")
