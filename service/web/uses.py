"""Which data of a person the knowledge uses, and where: found by walking it.

In: the knowledge. Out: a line for each fact, scale and table that rests on the sex, on an age, on social or health
status. What the knowledge cannot show, because Python reads it, is declared here; a test holds the list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from service.clinical.knowledge.model import Knowledge, Levels, Row, Scale
from service.web.names import Names

PATIENT = ("id", "gender", "birthDate", "_birthDate.extension")  # all that is read of the Patient resource
SEX = "sex"
AGE = "age"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SOCIAL = re.compile(r"Z(?:5[5-9]|6[0-5])")  # ICD-10-CM: hazards of socioeconomic and psychosocial circumstances
# Of what USCDI lists under health status assessments, that which the knowledge knows.
STATUS_CONCEPTS = ("pregnancy", "ectopic-pregnancy", "alcohol-use-disorder", "cognitive-impairment")
STATUS_ANALYTES = ("pregnancy-status", "gestational-age", "delivery-date")
# Functions of the core that read the birth themselves, and what for.
BIRTH_IN_PYTHON = {
    "service.clinical.case": "the age that every group rests on; a birth further back than anyone lives is none",
    "service.clinical.newborn": "the lower limit of the count by the hour of life",
    "service.clinical.chart": "low blood pressure as a sign of sepsis in adults alone; methylmalonic acid without a"
    " kidney value in younger patients alone",
    "service.clinical.assess": "whether the age is known",
    "service.fhir.observations": "results dated before the birth are not used",
}


def of_sex(knowledge: Knowledge) -> tuple[str, ...]:
    """Where the sex decides."""
    return tuple(_resting_on(frozenset([SEX]), knowledge))


def of_birth(knowledge: Knowledge) -> tuple[str, ...]:
    """The age groups, where they decide, and what Python asks of the birth."""
    groups = {fact.id: fact for fact in knowledge.facts.values() if fact.kind == AGE}
    names = Names(knowledge)
    told = (f"Age groups: {', '.join(names.level(fact.id, g[0]) for g in fact.groups)}" for fact in groups.values())
    return (*dict.fromkeys(told), *_resting_on(frozenset(groups), knowledge), *map(_capital, BIRTH_IN_PYTHON.values()))


def of_social_determinants(knowledge: Knowledge) -> tuple[str, ...]:
    """Problems of the knowledge that are social determinants of health."""
    concepts = knowledge.concepts.values()
    return tuple(c.name for c in concepts if any(SOCIAL.match(code) for code in c.codes.get(ICD10, ())))


def of_health_status(knowledge: Knowledge) -> tuple[str, ...]:
    """Problems and results of the knowledge that assess the health status."""
    concepts = tuple(knowledge.concepts[one].name for one in STATUS_CONCEPTS)
    return (*concepts, *(knowledge.analytes[one].name for one in STATUS_ANALYTES))


def _resting_on(facts: frozenset[str], knowledge: Knowledge) -> Iterator[str]:
    """Scales, declared facts and tables that ask one of the facts, each once."""
    names = Names(knowledge)
    scales = (scale for all_ in knowledge.scales.values() for scale in all_ if _asks(scale.when, facts))
    yield from dict.fromkeys(_scale(scale, names) for scale in scales)
    choices = ((fact.id, when) for fact in knowledge.facts.values() for _, when in fact.choices)
    yield from dict.fromkeys(f"Fact: {names.fact(one)}" for one, when in choices if _asks(when, facts))
    yield from dict.fromkeys(f"Row {row.id} of {where}" for where, row in _rows(knowledge) if _asks(row.when, facts))


def _rows(knowledge: Knowledge) -> Iterator[tuple[str, Row]]:
    for table, rows in knowledge.tables.items():
        yield from ((f"the table {table}", row) for row in rows)
    for nutrient in knowledge.nutrients:
        tables: Iterable[Row] = (
            *nutrient.status, *nutrient.reason, *nutrient.feature, *nutrient.specific, *nutrient.cap,
        )  # fmt: skip
        yield from ((nutrient.name, row) for row in tables)


def _asks(when: Levels, facts: frozenset[str]) -> bool:
    return not facts.isdisjoint(when)


def _scale(scale: Scale, names: Names) -> str:
    fact, analyte = names.fact(scale.fact), names.knowledge.analytes[scale.analyte].name
    return f"Limits of {analyte}" + (f": {fact}" if fact not in (analyte, names.result(scale.analyte)) else "")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
