"""The source attributes of a CDS service: where its rules come from, and which data of a person they use.

In: the services on offer, the knowledge that they run. Out: the 13 attributes that 45 CFR 170.315(b)(11)(iv)(A) names
for an evidence-based intervention, as a page and as JSON. Everything but the developer and the funding is found in the
knowledge.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cache, partial
from typing import Any

from flask import Flask, Response

from cds_hooks.errors import UnknownService
from cds_hooks.services import Service
from service.clinical.knowledge.model import Citation, Knowledge
from service.files import find_file
from service.web import uses
from service.web.bodies import JSON
from service.web.pages import asks_for_page, encode, page

REGULATION = "45 CFR 170.315(b)(11)(iv)(A), evidence-based decision support intervention"
DEVELOPER = "The neutropenia-cds contributors translated the publications into rules (Apache License 2.0)."
NOT_STATED = "Not stated: the developer names no funding source. The site that deploys the service knows its own."
CHANGES = "service/clinical/knowledge/CHANGELOG.md"
NEVER = "It is not read from the Patient, nor from any Observation or Condition."
DUFFY = "A Duffy-null phenotype, which explains lower counts, is known from a diagnosis or from red cell typing alone."
NOT_USED = {
    "race": ("Use of race", f"{NEVER} {DUFFY}"),
    "ethnicity": ("Use of ethnicity", f"{NEVER} {DUFFY}"),
    "language": ("Use of language", NEVER),
    "sexual-orientation": ("Use of sexual orientation", NEVER),
    "gender-identity": ("Use of gender identity", NEVER),
}
_CHECKS = "check"


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute; `used` is None where it is no data of the patient."""

    id: str
    name: str  # in the words of the regulation
    said: str
    used: bool | None = None
    details: tuple[str, ...] = ()
    citations: tuple[Citation, ...] = ()


def add_pages(app: Flask, services: Mapping[str, tuple[Service, Any]], knowledge: Knowledge) -> None:
    """GET /cds-services/{id}/source-attributes."""
    found = cache(partial(attributes, knowledge=knowledge))

    def show(id: str) -> Response:
        if id not in services:
            raise UnknownService(problem="no service has this id", hint="see /cds-services")
        service, _ = services[id]
        if asks_for_page():
            title = service.title or id
            return page("attributes.html", title=title, id=id, attributes=found(id), k=knowledge, regulation=REGULATION)
        return Response(encode(as_json(service, found(id), knowledge)), mimetype=JSON)

    app.add_url_rule("/cds-services/<id>/source-attributes", "source-attributes", show)


def as_json(service: Service, found: tuple[Attribute, ...], knowledge: Knowledge) -> dict[str, Any]:
    """The attributes as openapi.yaml says (SourceAttributes), with nothing that is empty."""
    return {
        "service": service.id,
        "title": service.title or service.id,
        "knowledge": {"version": knowledge.version, "profile": knowledge.profile},
        "regulation": REGULATION,
        "reads": list(uses.PATIENT),
        "attributes": [_filled(asdict(one) | {"citations": list(map(_cited, one.citations))}) for one in found],
    }


def _cited(citation: Citation) -> dict[str, Any]:
    return _filled(asdict(citation))


def _filled(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value not in (None, "", (), [])}


def attributes(id: str, knowledge: Knowledge) -> tuple[Attribute, ...]:
    """All thirteen, in the order of the regulation."""
    return (*_of_the_source(id, knowledge), *_of_the_patient(knowledge))


def _of_the_source(id: str, knowledge: Knowledge) -> Iterator[Attribute]:
    cited = _citations(id, knowledge)
    said = f"{len(cited)} sources; those named a service rule are the developer's own and have no publication."
    bibliography = "Bibliographic citation of the intervention (clinical research or guideline)"
    yield Attribute("bibliographic-citation", bibliography, said, citations=cited)
    yield Attribute("developer", "Developer of the intervention", DEVELOPER)
    yield Attribute("funding-source", "Funding source of the technical implementation", NOT_STATED)
    signed = (
        f"Signed off by {knowledge.signed_off_by}." if knowledge.signed_off_by else "No clinician has signed it off."
    )
    dates = "Release and, if applicable, revision dates of the intervention or reference source"
    in_force = f"Knowledge {knowledge.version}; a version begins with the year and month of its release. {signed}"
    yield Attribute("release-and-revision-dates", dates, in_force, details=_releases())


def _of_the_patient(knowledge: Knowledge) -> Iterator[Attribute]:
    for id, (name, said) in NOT_USED.items():
        yield Attribute(id, name, said, used=False)
    sex, birth = uses.of_sex(knowledge), uses.of_birth(knowledge)
    said = "Patient.gender, where limits differ by sex; whatever is neither male nor female counts as unknown."
    yield Attribute("sex", "Use of sex", said, bool(sex), sex)
    said = "Patient.birthDate with its time: where limits, causes and referrals differ by age."
    yield Attribute("date-of-birth", "Use of date of birth", said, bool(birth), birth)
    social, status = uses.of_social_determinants(knowledge), uses.of_health_status(knowledge)
    name = "Use of social determinants of health data"
    said = "As recorded problems." if social else "No problem, result or questionnaire of this kind is read."
    yield Attribute("social-determinants-of-health", name, said, bool(social), social)
    name, said = "Use of health status assessments data", "As recorded problems and results; no questionnaire is read."
    yield Attribute("health-status-assessments", name, said, bool(status), status)


def _citations(id: str, knowledge: Knowledge) -> tuple[Citation, ...]:
    """Every source that the service can rest on; those of order checks alone are not the review's."""
    checks = {row.citation for row in knowledge.tables[_CHECKS]}
    others = {row.citation for table, rows in knowledge.tables.items() if table != _CHECKS for row in rows}
    others |= {band.citation for scales in knowledge.scales.values() for scale in scales for band in scale.bands}
    others |= {scale.citation for scales in knowledge.scales.values() for scale in scales}
    others |= {fact.citation for fact in knowledge.facts.values()}
    others |= {
        row.citation for n in knowledge.nutrients for row in (*n.status, *n.reason, *n.feature, *n.specific, *n.cap)
    }
    left_out = checks - others if id == "neutropenia-review" else set()
    return tuple(one for key, one in knowledge.citations.items() if key not in left_out and key in checks | others)


@cache
def _releases() -> tuple[str, ...]:
    """Every version of the knowledge, the newest first, as its own changelog names them."""
    found = re.findall(r"^## ((\d{4})\.(\d{2})\.\d+)", find_file(CHANGES).read_text("utf-8"), re.MULTILINE)
    said = [f"{version}: {year}-{month}" for version, year, month in found]
    return tuple(f"{one} ({'release' if one is said[-1] else 'revision'})" for one in said)
