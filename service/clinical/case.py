"""One patient at one moment, with every fact worked out at most once and only when a rule asks for it.

In: PatientFacts, Knowledge, the moment. Out: levels of facts by name (`case["b12"]`), and the findings behind them.
A fact is, by its name: a scale of the knowledge; a fact declared in it; `age:`, `range:`, `sample:` or `conflict:` of
an analyte; or a function of service.clinical.derived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

from service.clinical.ages import age_in, apart, days_between
from service.clinical.comments import is_clumped
from service.clinical.counts import Reading, read_count
from service.clinical.facts import LabResult, Medication, Moment, PatientFacts, Problem
from service.clinical.interval import Interval
from service.clinical.knowledge.model import DeclaredFact, Knowledge, Levels, Row, Scale
from service.clinical.once import once
from service.clinical.records import exposures, problems_of
from service.clinical.scales import CROSSING, UNKNOWN, Finding, against_range, depth, place
from service.clinical.specimens import best, specimens


class Case(dict[str, str]):
    """Levels by fact, filled on demand. `derived` holds the facts that need Python, `prefixed` those of any analyte."""

    def __init__(
        self,
        patient: PatientFacts,
        knowledge: Knowledge,
        as_of: datetime,
        derived: Mapping[str, Callable[[Case], str]],
        prefixed: Mapping[str, Callable[[Case, str], str]],
    ) -> None:
        super().__init__()
        self.patient, self.knowledge, self.as_of = patient, knowledge, as_of
        self._derived, self._prefixed = derived, prefixed
        self.kept: dict[tuple[object, ...], Any] = {}  # what functions marked `once` found

    def __missing__(self, fact: str) -> str:
        level = self[fact] = self._level(fact)
        return level

    def _level(self, fact: str) -> str:
        if fact in self.knowledge.scales:
            return self.finding(fact).level
        if fact in self.knowledge.facts:
            return self._declared(self.knowledge.facts[fact])
        if fact in self._derived:
            return self._derived[fact](self)
        prefix, _, analyte = fact.partition(":")
        return self._prefixed[prefix](self, analyte)

    def matches(self, when: Levels) -> bool:
        """Whether every fact has one of its levels."""
        for fact, levels in when.items():  # noqa: SIM110 - asked some hundred times a case: all() would double its cost
            if self[fact] not in levels:
                return False
        return True

    def first(self, rows: tuple[Row, ...]) -> Row | None:
        """The first row that matches."""
        return next((row for row in rows if self.matches(row.when)), None)

    def all(self, rows: tuple[Row, ...]) -> tuple[Row, ...]:
        """Every row that matches, in the order of the knowledge."""
        return tuple([row for row in rows if self.matches(row.when)])

    @property
    def today(self) -> date:
        """The day of the assessment at the site."""
        return self.as_of.date()

    def limit(self, name: str) -> Decimal:
        """A named number of the knowledge."""
        return self.knowledge.limits[name]

    @once
    def hours(self, name: str) -> timedelta:
        """A named number of hours."""
        return timedelta(hours=float(self.limit(name)))

    @cached_property
    def results(self) -> Mapping[str, tuple[LabResult, ...]]:
        """Dated results that count, by analyte, the newest first; preliminary ones are not among them."""
        found: dict[str, list[LabResult]] = {}
        for result in self.patient.results:
            if result.when and result.status != "preliminary" and result not in self.clumped:
                found.setdefault(result.analyte, []).append(result)
        return {analyte: tuple(sorted(rs, key=_newest_first)) for analyte, rs in found.items()}

    @cached_property
    def clumped(self) -> tuple[LabResult, ...]:
        """Platelets that clumped: their count says nothing."""
        platelets = (one for one in self.patient.results if one.analyte == "platelets")
        return tuple(one for one in platelets if is_clumped(one, self.knowledge.limits))

    @cached_property
    def recorded(self) -> frozenset[str]:
        """Every concept that a problem or a drug of the chart matches."""
        problems, drugs = self.patient.problems, self.patient.medications
        return frozenset().union(*(p.concepts for p in problems), *(d.concepts for d in drugs))

    def newest(self, analyte: str) -> LabResult | None:
        """The newest dated result that counts."""
        return next(iter(self.results.get(analyte, ())), None)

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """The neutrophil count of every draw, newest first."""
        return self._read(preliminary=False)

    @cached_property
    def preliminary(self) -> tuple[Reading, ...]:
        """The same of preliminary results."""
        return self._read(preliminary=True)

    def _read(self, *, preliminary: bool) -> tuple[Reading, ...]:
        wanted = self.knowledge.count_analytes
        chosen = [r for r in self.patient.results if r.analyte in wanted and (r.status == "preliminary") is preliminary]
        draws = specimens(chosen, self.hours("same-specimen-hours"))
        return tuple(r for r in (read_count(s, self.knowledge.limits) for s in draws) if r)

    @once
    def age(self, unit: str, at: date | None = None) -> Decimal | None:
        """The patient's age (d, mo, y) at a day, by default the day of the assessment."""
        return age_in(unit, self.birth, at or self.today)

    @cached_property
    def birth(self) -> Moment | None:
        """The birth, unless it lies further back than anyone lives: a placeholder is no age."""
        born = self.patient.birth
        if born is None or self.today.year - born.earliest.year > self.limit("oldest-years"):
            return None
        return born

    @once
    def finding(self, fact: str) -> Finding:
        """Where the result of a scale's analyte stands: of those that were chosen the one that is lowest on it."""
        found = [self.place(fact, one) for one in self.chosen(self.knowledge.scales[fact][0].analyte)]
        return min(found, key=depth, default=Finding(fact, UNKNOWN))

    def choose(self, analyte: str) -> LabResult | None:
        """The result of an analyte that rules look at."""
        return next(iter(self.chosen(analyte)), None)

    @once
    def chosen(self, analyte: str) -> Sequence[LabResult]:
        """The newest result; of the blood count the one nearest to the graded count within the window (H2.17), then the
        newest there, which may be worse; without a count the newest recent one."""
        found = [(r, r.when) for r in self.results.get(analyte, ()) if r.when]
        if analyte not in self.knowledge.lineages:
            return self.results.get(analyte, ())[:1]
        if self.anchor is None:
            return [r for r, t in found if days_between(t, self.today) <= self.limit("count-recent-days")][:1]
        near = [(r, gap) for r, t in found if (gap := apart(t, self.anchor)) <= self.hours("beside-count-hours")]
        return [r for r, _ in sorted(near, key=lambda pair: pair[1])[:1] + near[:1]]

    @cached_property
    def anchor(self) -> Moment | None:
        """When the newest readable count was taken."""
        return next((r.count.when for r in self.readings if r.count), None)

    def place(self, fact: str, result: LabResult) -> Finding:
        """A result on the first scale of a fact that fits the patient at that time and the unit."""
        at = result.when.earliest.date() if result.when else self.today
        if result.value is None:
            return Finding(fact, result.answer or UNKNOWN, result)
        scales = sorted(self.scales_at(fact, at), key=lambda s: not s.by_range and s.unit != result.unit)
        for scale in scales:
            if found := (self._by_range if scale.by_range else self._by_bands)(scale, result):
                return found
        # The laboratory's own word counts where neither its range nor a cut-off can be had.
        flagged = next((s for s in scales if s.by_range), None)
        return against(flagged, result, result.flag) if flagged and result.flag else Finding(fact, UNKNOWN, result)

    @once
    def scales_at(self, fact: str, at: date) -> tuple[Scale, ...]:
        """The scales of a fact that fit the patient at a day, in the order of the knowledge."""
        return tuple(s for s in self.knowledge.scales[fact] if self._fits(s, at))

    def _fits(self, scale: Scale, at: date) -> bool:
        if at == self.today:
            return self.matches(scale.when)
        return all(self.level_at(fact, at) in levels for fact, levels in scale.when.items())

    def level_at(self, fact: str, at: date) -> str:
        declared = self.knowledge.facts.get(fact)
        if declared and declared.kind == "age":
            return self._age_group(fact, at)
        return self[fact]

    def _by_range(self, scale: Scale, result: LabResult) -> Finding | None:
        where = against_range(result.value, result.range) if result.range and result.value else None
        return against(scale, result, where) if where else None

    def _by_bands(self, scale: Scale, result: LabResult) -> Finding | None:
        if (value := self.in_unit(result, scale.unit)) is None:
            return None
        band = place(value, scale.bands)
        return Finding(scale.fact, band.level if band else CROSSING, result, band, scale)

    def in_unit(self, result: LabResult, unit: str) -> Interval | None:
        """The value in a comparison unit: as reported, or converted when no cut-off is stated in its own."""
        if result.value is None or result.unit == unit:
            return result.value
        conversion = self.knowledge.analytes[result.analyte].conversions.get(result.unit)
        return result.value.scaled(conversion[1]) if conversion and conversion[0] == unit else None

    def _declared(self, fact: DeclaredFact) -> str:
        if fact.kind == "age":
            return self._age_group(fact.id, self.today)
        for level, when in fact.choices:
            if self.matches(when):
                return level
        return "yes" if self.behind(fact.id) else "no"

    @once
    def behind(self, fact: str) -> frozenset[str]:
        """The concepts on file that make a declared fact of problems or drugs `yes`."""
        declared = self.knowledge.facts[fact]
        if declared.concepts.isdisjoint(self.recorded):
            return frozenset()
        found: Iterator[Problem | Medication]
        if declared.kind == "medication":
            found = exposures(self.patient, declared, self.today)
        else:
            found = problems_of(self.patient, declared, self.knowledge.concepts, self.today)
        return frozenset().union(*(one.concepts & declared.concepts for one in found))

    @once
    def _age_group(self, fact: str, at: date) -> str:
        """The group of an age at a day; `unknown` without a birth date."""
        for level, unit, below in self.knowledge.facts[fact].groups:
            age = self.age(unit, at)
            if age is None:
                return UNKNOWN
            if age < below:
                return level
        return UNKNOWN


def _newest_first(result: LabResult) -> tuple[float, bool, int, float, str, str]:
    assert result.when
    return (-result.when.earliest.timestamp(), *best(result))


def against(scale: Scale, result: LabResult, where: str) -> Finding:
    """A result that is below, within or above the laboratory's range, on the scale that is made of it."""
    band = scale.bands[("below", "within", "above").index(where)]
    return Finding(scale.fact, band.level, result, band, scale)
