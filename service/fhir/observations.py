"""Observations as results: which analyte, when, how much; or the Gap that says why not.

In: decoded Observations, with what else of the chart bears on them. Out: LabResults and Gaps.
Source: knowledge A1-A2, G, H5.38, H6.46, H6.50; operations faults 36-40.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

from service.clinical.facts import Gap, LabResult, Moment
from service.clinical.knowledge.model import Analyte, Knowledge
from service.clinical.knowledge.vocabulary import Vocabulary
from service.fhir.concepts import Names, texts_of, words_of
from service.fhir.moments import Moments
from service.fhir.quantities import Answers, measure
from service.fhir.resources import CodeableConcept, Observation, Value

LOINC = "http://loinc.org"
NOT_USED = frozenset(["", "registered", "cancelled", "entered-in-error", "unknown"])  # statuses of FHIR
USABLE = frozenset(["final", "amended", "corrected", "preliminary"])
STATUS_RANK = {"corrected": 3, "amended": 2, "final": 1, "preliminary": 0}
OLDEST_YEARS = 120


@dataclass(frozen=True, slots=True)
class Coded:
    """An analyte, and what the code that named it says of method and property."""

    analyte: Analyte
    method: str | None = None
    is_molar: bool | None = None  # of the code: [Moles/volume] or [Mass/volume]


@dataclass(slots=True)
class Draws:
    """What the chart says around Observations: reports that list them, comments on specimens, the patient's birth."""

    reports: dict[str, tuple[str, Moment | None]] = field(default_factory=dict)  # Observation -> report, its time
    comments: dict[str, tuple[str, ...]] = field(default_factory=dict)  # Specimen -> what is noted on it
    birth: Moment | None = None
    today: date | None = None


class ObservationReader:
    """Codes and names of results, indexed once."""

    def __init__(self, vocabulary: Vocabulary | Knowledge, local_codes: Mapping[tuple[str, str], str]) -> None:
        analytes = vocabulary.analytes
        self._coded = {
            (code.system, code.code): Coded(analyte, code.method, _property(code.display))
            for analyte in analytes.values()
            for code in analyte.codes
        }
        self._local = {key: Coded(analytes[id]) for key, id in local_codes.items()}
        self._names = Names.of((name, a.id) for a in analytes.values() for name in a.names)
        self._lookalikes = Names.of((word, word) for word in vocabulary.reading.lookalikes)
        self._answers, self._flags = Answers(vocabulary.reading), vocabulary.reading.flags
        self._unmapped: dict[str, str | None] = {}

    def read(self, seen: Observation, names: tuple[str, ...], moments: Moments, draws: Draws) -> list[LabResult | Gap]:
        """What one Observation and its components give; `names` are the references under which it is known."""
        parts = [(part, coded) for part in (seen, *seen.component) if (coded := self._find(part.code))]
        if not parts:
            return list(self._look_closer(seen, names[0]))
        when, assumed = _when(seen, names, moments, draws)
        wrong = _not_usable(seen, when, draws)
        if wrong:
            return [Gap(coded.analyte.id, wrong, names[0], when=when) for _, coded in parts]
        found: list[LabResult | Gap] = []
        for part, coded in parts:
            self._result(seen, part, coded, when, names, draws, found)
            if when is None or assumed:
                found.append(Gap(coded.analyte.id, "time-assumed" if when else "undated", names[0], when=when))
        return found

    def analyte(self, concept: CodeableConcept) -> str | None:
        """The analyte of a concept, by its codes."""
        coded = self._find(concept)
        return coded.analyte.id if coded else None

    def _find(self, concept: CodeableConcept) -> Coded | None:
        """LOINC first, then other standard codes, then the site's own."""
        codings = concept.coding
        if len(codings) == 1:
            key = (codings[0].system or "", codings[0].code or "")
            return self._coded.get(key) or self._local.get(key)
        keys = [(c.system or "", c.code or "") for c in codings]
        for key in (*[key for key in keys if key[0] == LOINC], *keys):
            if key in self._coded:
                return self._coded[key]
        return next((self._local[key] for key in keys if key in self._local), None)

    def _result(
        self, seen: Observation, part: Value, coded: Coded, when: Moment | None, names: tuple[str, ...], draws: Draws,
        found: list[LabResult | Gap],
    ) -> None:  # fmt: skip
        """Add the result of one part, or its Gap."""
        id, reference = coded.analyte.id, names[0]
        measured = "no-value" if part.dataAbsentReason else measure(part, coded.analyte, self._answers)
        if isinstance(measured, str):
            found.append(Gap(id, measured, reference, when=when))
            return
        if coded.is_molar is not None and measured.is_molar is not None and coded.is_molar != measured.is_molar:
            found.append(Gap(id, "unit-differs-from-code", reference, when=when))
        specimen = seen.specimen.reference if seen.specimen else None
        if specimen and specimen.startswith("#"):
            specimen = reference + specimen
        comments = _comments(seen, specimen, draws) if seen.note or specimen else ()
        report = _report(names, draws) if draws.reports else None
        found.append(LabResult(
            id, reference, seen.status, when, measured.value, measured.unit, measured.answer, measured.text,
            measured.range, specimen, report, coded.method, comments, measured.inferred, self._flag(part),
        ))  # fmt: skip

    def _flag(self, part: Value) -> str | None:
        """Where the laboratory says that a result stands against its range."""
        codes = (c.code for said in part.interpretation for c in said.coding)
        return next((where for code in codes if (where := self._flags.get(code or ""))), None)

    def _look_closer(self, seen: Observation, reference: str) -> Iterator[Gap]:
        """A Gap for each part without a known code that is named like one of ours; a LOINC code says it is not."""
        for part in (seen, *seen.component):
            if not _has_value(part) or any(c.system == LOINC and c.code for c in part.code.coding):
                continue
            for analyte in {id for text in texts_of(part.code) if (id := self._named(text))}:
                yield Gap(analyte, "unmapped-code", reference, detail=_label(part.code))

    def _named(self, text: str) -> str | None:
        if text not in self._unmapped:
            if len(self._unmapped) > MOST_KEPT:
                self._unmapped.clear()
            self._unmapped[text] = self._name(words_of(text))
        return self._unmapped[text]

    def _name(self, words: list[str]) -> str | None:
        """The analyte whose name is the longest in the words, unless a word says that it is something else."""
        if any(True for _ in self._lookalikes.find(words)):
            return None
        found = max(self._names.find(words), key=lambda hit: hit[1] - hit[0], default=None)
        return min(found[2]) if found else None


MOST_KEPT = 10_000


def _property(display: str) -> bool | None:
    return True if "[Moles/" in display else False if "[Mass/" in display else None


def _label(concept: CodeableConcept) -> str:
    """System, code and name of a result without a known code: what a site needs to map it."""
    name = next(iter(texts_of(concept)), "")
    coding = next((c for c in concept.coding if c.code), None)
    return f"{name} ({coding.system or 'no system'}|{coding.code})" if coding else f"{name} (no code)"


def _has_value(part: Value) -> bool:
    return not (part.valueQuantity is None and part.valueString is None and part.valueCodeableConcept is None)


def _when(seen: Observation, names: tuple[str, ...], moments: Moments, draws: Draws) -> tuple[Moment | None, bool]:
    """When it was taken, and whether that is assumed: its own time, a report's, else when it was issued (H5.38)."""
    when = moments.of(seen.effectiveDateTime or seen.effectiveInstant, seen.effectivePeriod)
    if when is None:
        listed = (draws.reports[name][1] for name in names if name in draws.reports)
        when = next((moment for moment in listed if moment), None)
    if when is None:
        return moments.first(seen.issued), True
    return when, False


def _not_usable(seen: Observation, when: Moment | None, draws: Draws) -> str | None:
    """Why nothing of an Observation can be used."""
    if seen.status not in USABLE:
        return f"status-{seen.status or 'missing'}" if seen.status in NOT_USED else "status-not-understood"
    if when is None:
        return None
    if draws.today and when.earliest.date() > draws.today:
        return "future"
    if draws.today and draws.today.year - when.latest.year > OLDEST_YEARS:
        return "too-old"
    if draws.birth and when.latest < draws.birth.earliest:
        return "before-birth"
    return None


def _report(names: tuple[str, ...], draws: Draws) -> str | None:
    return next((draws.reports[name][0] for name in names if name in draws.reports), None)


def _comments(seen: Observation, specimen: str | None, draws: Draws) -> tuple[str, ...]:
    own = tuple(note.text for note in seen.note if note.text)
    return own + draws.comments.get(specimen, ()) if specimen else own


def without_duplicates(results: list[LabResult]) -> tuple[LabResult, ...]:
    """One result per analyte, method, time and value; at one time a corrected report replaces others (H6.50)."""
    groups: dict[object, list[LabResult]] = {}
    for r in results:
        key = (r.analyte, r.method, r.when.earliest, r.when.latest) if r.when else r.reference
        groups.setdefault(key, []).append(r)
    return tuple(r for group in groups.values() for r in (group if len(group) == 1 else _reports(group)))


def _reports(group: list[LabResult]) -> Iterable[LabResult]:
    """Of reports of one analyte at one time those of the best status, each value once."""
    best = max(STATUS_RANK[r.status] for r in group)
    ranked = sorted((r for r in group if STATUS_RANK[r.status] == best), key=lambda r: r.reference)
    return {(r.value, r.unit, r.answer): r for r in reversed(ranked)}.values()
