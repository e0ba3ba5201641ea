"""Whole charts outside a hook: a Bundle or a file as what is known of each patient in it.

In: FHIR R4 Bundles and resources as bytes. Out: PatientFacts for `POST /assess` and `cds assess`. No clock: the
instant of judgement comes with the call. Source: design of `POST /assess`; knowledge H5.38.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time

from cds_hooks.errors import InvalidRequest
from cds_hooks.prefetch import Resource
from service.clinical.facts import PatientFacts
from service.fhir.bundles import open_bundle, split_patients
from service.fhir.reader import RawResource, Site
from service.ground import Ground

FIRST_YEAR, LAST_YEAR = 1900, 2200

Chart = tuple[str | None, Sequence[RawResource]]  # whose, and the resources


def read_one(body: bytes, ground: Ground, as_of: datetime) -> PatientFacts:
    """What is known of the one patient in a Bundle or resource; InvalidRequest when there are several."""
    charts = _charts(open_bundle(body, "$"))
    if len(charts) > 1:
        problem = f"holds results of {len(charts)} patients"
        raise InvalidRequest(path="$", problem=problem, hint="send one patient at a time", code="multiple-matches")
    return next(_read(charts, ground, as_of))


def read_all(resources: Sequence[Resource], ground: Ground, as_of: datetime) -> Iterable[PatientFacts]:
    """What is known of each patient, in the order in which they turn up."""
    return _read(_charts(resources), ground, as_of)


def _charts(resources: Sequence[Resource]) -> list[Chart]:
    """Resources by patient; when nobody is named, those of one unnamed patient."""
    charts: list[Chart] = [*split_patients(resources).items()]
    return charts or [(None, resources)]


def _read(charts: Iterable[Chart], ground: Ground, as_of: datetime) -> Iterator[PatientFacts]:
    for patient, resources in charts:
        name = patient.removeprefix("Patient/") if patient else None
        facts = ground.reader.read(resources, name, as_of.date())
        nameless = (facts.subject or "").startswith("prefetch.")  # a Patient without id is known by its place alone
        yield replace(facts, subject=None) if nameless else facts


def end_of_day(day: date, site: Site) -> datetime:
    """The last second of a day at the site; ValueError before 1900 and after 2200."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ValueError("a day that no patient's results are of")
    return datetime.combine(day, time(23, 59, 59), site.zone)
