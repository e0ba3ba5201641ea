"""Resources of one patient as PatientFacts: each read by itself, and what cannot be used is a Gap with its reason.

In: resources as bytes with their type and place, the patient. Out: PatientFacts. One resource that is not built as FHIR
has it costs nothing but itself. Source: design.md section 3; knowledge parts A, G, H5, H6.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, tzinfo
from typing import Any, Protocol

from msgspec import Raw

from service.clinical.facts import Gap, LabResult, Medication, Moment, OrderOnFile, PatientFacts, Problem
from service.clinical.knowledge.model import Knowledge
from service.clinical.knowledge.vocabulary import Vocabulary
from service.fhir import resources as fhir
from service.fhir.concepts import texts_of
from service.fhir.decoding import READ, code_of, contained, decode
from service.fhir.medications import MedicationReader
from service.fhir.moments import Moments
from service.fhir.observations import Draws, ObservationReader, without_duplicates
from service.fhir.problems import ProblemReader
from service.fhir.references import short

CONTAINERS = (fhir.DiagnosticReport, fhir.Observation)
BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"


class RawResource(Protocol):
    """One resource as it was sent; cds_hooks.prefetch.Resource is one."""

    @property
    def type(self) -> str:
        """Its resourceType; "" when it has none."""

    @property
    def raw(self) -> Raw:
        """Its bytes."""

    @property
    def path(self) -> str:
        """Where it stood, for messages."""

    @property
    def full_url(self) -> str | None:
        """Bundle.entry.fullUrl."""


@dataclass(frozen=True)
class Site:
    """What is particular to a site: its time zone, and its own laboratory codes, (system, code) -> analyte id."""

    zone: tzinfo = UTC
    local_codes: Mapping[tuple[str, str], str] = field(default_factory=dict)


@dataclass(slots=True)
class _Seen:
    """A decoded resource and the references under which others may name it, the one to show first."""

    names: tuple[str, ...]
    resource: Any


class Reader:
    """The vocabulary and a site, indexed once; reads any number of patients."""

    def __init__(self, vocabulary: Vocabulary | Knowledge, site: Site | None = None) -> None:
        self._site = site or Site()
        self._observations = ObservationReader(vocabulary, self._site.local_codes)
        self._medications = MedicationReader(vocabulary)
        self._problems = ProblemReader(vocabulary)

    def read(
        self, resources: Iterable[RawResource], patient_id: str | None = None, today: date | None = None
    ) -> PatientFacts:
        """All that is known of the patient; without `today` no result is too new or too old."""
        return _Chart(self, resources, patient_id, today).facts()

    @property
    def parts(self) -> tuple[ObservationReader, MedicationReader, ProblemReader]:
        """The readers of results, drugs and problems."""
        return self._observations, self._medications, self._problems

    @property
    def zone(self) -> tzinfo:
        """The site's time zone."""
        return self._site.zone


class _Chart:
    """The resources of one call, decoded, and what was read of them."""

    def __init__(
        self, reader: Reader, resources: Iterable[RawResource], patient_id: str | None, today: date | None
    ) -> None:
        self.observations, self.medications, self.problems = reader.parts
        self.moments = Moments(reader.zone)
        self.gaps: list[Gap] = []
        self.seen: dict[type, list[_Seen]] = {shape: [] for shape in READ.values()}
        for one in resources:
            if one.type in READ:
                self._decode(one)
        self.patient, self.own = self._patient(patient_id)
        self.draws = self._draws(today)

    def _decode(self, one: RawResource) -> None:
        decoded: Any = decode(one.type, one.raw)
        if decoded is None:
            return self._unreadable(one.type, one.raw, one.path)
        url = one.full_url
        if decoded.id:
            name = f"{one.type}/{decoded.id}"
            names = (name,) if url is None or url.endswith(name) else (name, short(url))
        else:
            names = (short(url) if url else one.path,)
        self.seen[type(decoded)].append(_Seen(names, decoded))
        for kind, raw in contained(decoded) if type(decoded) in CONTAINERS else ():
            inner: Any = decode(kind, raw)
            if inner is None:
                self._unreadable(kind, raw, one.path)
                continue
            inner.subject = inner.subject or decoded.subject  # who is meant stands outside
            self.seen[type(inner)].append(_Seen((f"{names[0]}#{inner.id}",), inner))

    def _unreadable(self, kind: str, raw: bytes | Raw, path: str) -> None:
        code = code_of(raw) if kind == "Observation" else None
        analyte = self.observations.analyte(code) if code else None
        self.gaps.append(Gap(analyte or kind, "unreadable-resource", None, detail=path))

    def _patient(self, patient_id: str | None) -> tuple[_Seen | None, dict[str, bool]]:
        """The Patient, and which references mean him; without an id the only Patient, else the first subject named."""
        wanted = {patient_id, f"Patient/{patient_id}", short(patient_id)} if patient_id else set()
        patients = self.seen[fhir.Patient]
        mine = [p for p in patients if wanted.intersection((p.resource.id, *p.names))] if wanted else patients[:1]
        names = {name for p in mine for name in p.names} | {name for name in wanted if name}
        if not names:
            subjects = (s.resource.subject for kind in (fhir.Observation, fhir.Condition) for s in self.seen[kind])
            named = [s.reference for s in subjects if s and s.reference and not s.reference.startswith("#")]
            names = {short(min(named))} if named else set()
        ids = {name.removeprefix("Patient/").removeprefix("urn:uuid:") for name in names}
        own = dict.fromkeys([form for id in ids for form in (f"Patient/{id}", f"urn:uuid:{id}", id)] + [*names], True)
        others = [p for p in patients if mine and not own.get(p.names[0])]
        self.gaps += [Gap("Patient", "other-patient", p.names[0]) for p in others]
        return (mine[0] if mine else None), own

    def _is_own(self, subject: fhir.Reference | None) -> bool:
        """Whether a resource is about the patient; one that names nobody is accepted."""
        reference = subject.reference if subject else None
        if reference is None or reference.startswith("#"):
            return True
        known = self.own.get(reference)
        if known is None:
            known = self.own[reference] = self.own.get(short(reference), not self.own)
        return known

    def _draws(self, today: date | None) -> Draws:
        draws = Draws(birth=self._birth(), today=today)
        for seen in sorted(self._own(fhir.DiagnosticReport), key=lambda seen: seen.names[0]):
            if seen.resource.status not in ("entered-in-error", "cancelled"):
                when = self.moments.of(seen.resource.effectiveDateTime, seen.resource.effectivePeriod)
                for result in seen.resource.result:
                    name = result.reference or ""
                    listed = f"{seen.names[0]}{name}" if name.startswith("#") else short(name)
                    draws.reports.setdefault(listed, (seen.names[0], when))
        for seen in self._own(fhir.Specimen):
            notes = [note.text for note in seen.resource.note if note.text]
            texts = notes + [text for c in seen.resource.condition for text in texts_of(c)]
            for name in seen.names:
                draws.comments[name] = tuple(texts)
        return draws

    def _own(self, kind: type) -> list[_Seen]:
        """The decoded resources of a kind that are about the patient; the others become Gaps."""
        own = []
        for seen in self.seen[kind]:
            if any(map(self._is_own, _subjects(seen.resource))):
                own.append(seen)
            else:
                self.gaps.append(Gap(kind.__name__, "other-patient", seen.names[0]))
        return own

    def _birth(self) -> Moment | None:
        if self.patient is None:
            return None
        element = self.patient.resource.birth_element
        times = [e.valueDateTime for e in element.extension if e.url == BIRTH_TIME] if element else []
        return self.moments.first(*times, self.patient.resource.birthDate)

    def facts(self) -> PatientFacts:
        """Everything, read."""
        results = self._results()
        problems, orders, medications = self._problems(), self._orders(), self._medications()
        gender = self.patient.resource.gender if self.patient else None
        return PatientFacts(
            subject=self.patient.names[0] if self.patient else next(iter(self.own), None),
            birth=self.draws.birth,
            sex=gender if gender in ("male", "female") else "unknown",
            results=without_duplicates(results),
            problems=tuple(problems),
            medications=tuple(medications),
            orders=tuple(orders),
            gaps=tuple(self.gaps),
        )

    def _results(self) -> list[LabResult]:
        results: list[LabResult] = []
        for seen in self._own(fhir.Observation):
            for found in self.observations.read(seen.resource, seen.names, self.moments, self.draws):
                if isinstance(found, Gap):
                    self.gaps.append(found)
                else:
                    results.append(found)
        return results

    def _problems(self) -> list[Problem]:
        read, moments = self.problems, self.moments
        found = [read.condition(s.resource, s.names[0], moments) for s in self._own(fhir.Condition)]
        found += [read.procedure(s.resource, s.names[0], moments) for s in self._own(fhir.Procedure)]
        found += [read.visit(s.resource, s.names[0], moments) for s in self._own(fhir.Visit)]
        found += [read.referral(s.resource, s.names[0], moments) for s in self._own(fhir.ServiceRequest)]
        family = [p for s in self._own(fhir.FamilyMemberHistory) for p in read.family(s.resource, s.names[0])]
        return [p for p in found if p] + family

    def _orders(self) -> list[OrderOnFile]:
        read = self.problems.order
        found = [read(s.resource, s.names[0], self.moments) for s in self._own(fhir.ServiceRequest)]
        return [order for order in found if order]

    def _medications(self) -> list[Medication]:
        drugs = {name: s.resource for s in self.seen[fhir.Medication] for name in s.names}
        found: list[Medication] = []
        for seen in self._own(fhir.MedicationUse):
            one = self.medications.read(seen.resource, seen.names[0], drugs, self.moments)
            if isinstance(one, Gap):
                self.gaps.append(one)
            elif one:
                found.append(one)
        return found


def _subjects(resource: Any) -> list[fhir.Reference | None]:
    """Whom a resource may be about: its subject, or one of those who take part in it."""
    if isinstance(resource, fhir.FamilyMemberHistory):
        return [resource.patient]
    taking_part = resource.participant if isinstance(resource, fhir.Visit) and not resource.subject else []
    return [one.actor for one in taking_part if one.actor and one.actor.reference] or [resource.subject]
