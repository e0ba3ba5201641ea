"""What a form can choose from: results, conditions and drugs by name, each with a code that the rules know.

In: the knowledge in force. Out: plain data (openapi.yaml: Vocabulary). Whatever is chosen here is read as what it is
called; FHIR R4 Observation, Condition, MedicationStatement.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.clinical.knowledge.model import Analyte, Code, Knowledge, Unit
from service.clinical.knowledge.vocabulary import SYSTEMS
from service.templates import RESULTS
from service.web.parts import Parts

# In which system a concept is offered: the first that it has. A prefix of ICD-10-CM or ATC is a code of its own there.
OF_CONDITIONS = tuple(SYSTEMS[one] for one in ("snomed", "icd10"))
OF_DRUGS = tuple(SYSTEMS[one] for one in ("rxnorm", "atc", "cvx", "snomed"))
WITHOUT_UNIT = "1"  # a share of one beside percent: nobody means it who has both to choose from


def vocabulary(parts: Parts) -> dict[str, Any]:
    """All of it, but for the day."""
    known = parts.ground.knowledge
    answers = _answers(known)
    return {
        "results": [_result(one, answers) for one in known.analytes.values()],
        "conditions": list(_concepts(known, ("condition", "both"), OF_CONDITIONS)),
        "medications": list(_concepts(known, ("drug", "both"), OF_DRUGS)),
        "fhirServers": [one.base for one in parts.anyone.reach.bases],
    }


def _result(analyte: Analyte, answers: Mapping[str, Any]) -> dict[str, Any]:
    units = list(_units(analyte)) if analyte.kind == "quantity" else []
    code = _code(analyte, units[0]["code"] if units else "") or analyte.codes[0]
    laboratory = RESULTS[analyte.prefetch].startswith("category=laboratory")
    said = {
        "analyte": analyte.id, "name": analyte.name, "kind": analyte.kind, "prefetch": analyte.prefetch,
        "category": "laboratory" if laboratory else "vital-signs", "coding": _coding(code),
        "units": [_with_coding(one, analyte, code) for one in units],
    }  # fmt: skip
    return said | ({"answers": answers} if analyte.kind == "presence" else {})


def _with_coding(unit: dict[str, Any], analyte: Analyte, usual: Code) -> dict[str, Any]:
    code = _code(analyte, unit["code"]) or usual
    return unit if code == usual else unit | {"coding": _coding(code)}


def _code(analyte: Analyte, unit: str) -> Code | None:
    """The first code under which a laboratory reports in a unit: moles have a code of their own."""
    other = "[Mass/" if "mol" in unit else "[Moles/"
    fitting = (one for one in analyte.codes if other not in one.display)
    return next(fitting, None)


def _coding(code: Code) -> dict[str, str]:
    return {"system": code.system, "code": code.code, "display": code.display}


def _units(analyte: Analyte) -> Iterator[dict[str, Any]]:
    """The units that differ, each in UCUM: those that limits are stated in first; none that no code goes with."""
    spellings: dict[Unit, list[str]] = {}
    for spelling, unit in analyte.units.items():
        spellings.setdefault(unit, []).append(spelling)
    by_use = sorted(spellings.items(), key=lambda one: one[0].unit not in one[1])
    for _, written in by_use:
        code = _ucum(written)
        if code != WITHOUT_UNIT and _code(analyte, code):
            degrees = (one for one in written if one.startswith("°") and one != one.casefold())
            yield {"unit": next(degrees, code), "code": code}


def _ucum(written: list[str]) -> str:
    """The spelling that is UCUM: what stands first in the knowledge, in its own case."""
    same = [one for one in written if one.casefold() == written[0].casefold()]
    return next((one for one in same if one != one.casefold()), same[0])


def _answers(known: Knowledge) -> dict[str, dict[str, str]]:
    """How a positive and a negative finding are coded."""
    found: dict[str, dict[str, str]] = {}
    for (system, code), answer in known.reading.answers.items():
        if system == SYSTEMS["snomed"]:
            found.setdefault(answer, {"system": system, "code": code, "display": answer})
    return found


def _concepts(known: Knowledge, kinds: tuple[str, ...], systems: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    for concept in sorted(known.concepts.values(), key=lambda one: one.name.casefold()):
        coded = [system for system in systems if concept.codes.get(system)] if concept.kind in kinds else []
        if coded:
            code = {"system": coded[0], "code": concept.codes[coded[0]][0]}
            yield {"concept": concept.id, "name": concept.name, "coding": code}
