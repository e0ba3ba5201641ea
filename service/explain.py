"""Why a conclusion is what it is: the row that matched, on which facts, and why the nearest rows did not match.

In: PatientFacts, Knowledge, the moment. Out: one Explained per conclusion; `as_json`: the same as plain data. A nearest
row is one that a single fact kept from deciding; those of which most other facts hold come first. Source: the rows of
the knowledge and their citations.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from service.clinical import assessment
from service.clinical.assess import assess, case_of
from service.clinical.assessment import COUNT_UNIT
from service.clinical.attribution import (
    CERTAINTY,
    DEFICIENT,
    certainties,
    certainty_levels,
    certainty_of,
    evidence,
    multiple,
)
from service.clinical.case import Case
from service.clinical.facts import LabResult, PatientFacts
from service.clinical.grading import bands_at, graded
from service.clinical.knowledge.model import Knowledge, Row
from service.clinical.samples import SAMPLES

MOST_NEAR = 3
WHOLE = ("emergency", "indicator", "flag", "composite", "competing")  # tables of which every matching row counts


@dataclass(frozen=True, slots=True)
class FactSaid:
    """One fact of a row: its level, the levels that the row asks for, and the result behind it."""

    fact: str
    level: str
    wanted: tuple[str, ...]
    result: str = ""  # "140 pg/mL, 2026-06-14"
    band: str = ""  # "<180 pg/mL"
    observation: str = ""
    because: tuple[FactSaid, ...] = ()  # of a fact that the knowledge makes of others: those that decided
    on_file: tuple[str, ...] = ()  # of a problem or drug: the concepts found in the chart

    @property
    def holds(self) -> bool:
        """Whether the fact has a level that the row asks for."""
        return self.level in self.wanted


@dataclass(frozen=True, slots=True)
class RowSaid:
    """A row with its facts and its source."""

    row: str
    citation: str
    facts: tuple[FactSaid, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """One conclusion: what it is about, the row behind it, and the rows that missed it by one fact."""

    about: str  # "vitamin-b12", "vitamin-b12-deficiency", "emergency", ...
    conclusion: str
    row: RowSaid | None  # None: no row of the table matches
    near: tuple[RowSaid, ...]


def explain(facts: PatientFacts, knowledge: Knowledge, as_of: datetime) -> tuple[Explained, ...]:
    """Every conclusion about a patient: nutrients, their part in the low count, then emergencies, cards, causes."""
    case = case_of(facts, knowledge, as_of)
    tables = (one for table in WHOLE for one in _table(case, table))
    return (_severity(case), *_nutrients(case), *_certainties(case), *tables)


def _severity(case: Case) -> Explained:
    """The grade of the count, with its band."""
    reading, level = graded(case), case["severity"]
    if reading is None or reading.count is None:
        return Explained("severity", level, None, ())
    count, bands = reading.count, bands_at(case, "grade", reading.specimen.when)
    band = next((b for b in bands if b.level == level), None)
    said = f"{count.value.comparator or ''}{count.value.number} {COUNT_UNIT} {count.derivation}, {count.when.text}"
    fact = FactSaid("grade", level, (level,), said, band.label if band else "", ", ".join(count.observations))
    return Explained("severity", level, RowSaid("grade", band.citation if band else "h2-age-limits", (fact,)), ())


def _nutrients(case: Case) -> Iterator[Explained]:
    for nutrient in case.knowledge.nutrients:
        row = next(r for r in nutrient.status if case.matches(r.when))
        yield _explained(nutrient.id, case[f"status:{nutrient.id}"], row, nutrient.status, case)


def _certainties(case: Case) -> Iterator[Explained]:
    """The part of each nutrient in the low count, what caps it, and several deficiencies together (C3)."""
    causes = certainties(case)
    for nutrient, cause in zip(case.knowledge.causal, causes, strict=True):
        level, row = certainty_of(case, nutrient.id)
        rows, levels = case.knowledge.tables["certainty"], certainty_levels(case, nutrient.id)
        yield _explained(nutrient.cause, cause.certainty, row, rows, case, levels)
        for cap in case.all(nutrient.cap) if level != row.then["certainty"] else ():
            yield Explained(nutrient.cause, f"at most {cap.then['at_most']}", _said(cap, case), ())
    together = multiple(case, causes)
    if together:
        facts = tuple(_fact(f"status:{n}", tuple(sorted(DEFICIENT)), case, None) for n in together.reasons)
        yield Explained(together.cause, together.certainty, RowSaid(together.row, together.citations[0], facts), ())


def _table(case: Case, table: str) -> Iterator[Explained]:
    """The rows of a table that match; without one, those that came nearest."""
    rows = case.knowledge.tables[table]
    matching = case.all(rows)
    for row in matching:
        yield Explained(table, str(row.then.get("cause", row.id)), _said(row, case), ())
    near = _near(rows, case, case)
    if near:
        yield Explained(table, "none" if not matching else "no other", None, near)


def _explained(
    about: str, conclusion: str, row: Row, rows: tuple[Row, ...], case: Case, levels: Mapping[str, str] | None = None
) -> Explained:
    found = case if levels is None else levels
    return Explained(about, conclusion, _said(row, case, levels), _near(rows, case, found, True))


def _near(
    rows: tuple[Row, ...], case: Case, levels: Mapping[str, str], first_counts: bool = False
) -> tuple[RowSaid, ...]:
    """The rows that one fact kept from matching; where the first match counts, those that would be it."""
    missed = ((row, [f for f, wanted in row.when.items() if levels[f] not in wanted]) for row in rows)
    single = ((row, facts[0]) for row, facts in missed if len(facts) == 1)
    near = [row for row, fact in single if not first_counts or _decides(row, fact, rows, levels)]
    near.sort(key=lambda row: (-len(row.when), -CERTAINTY.index(row.then.get("certainty", CERTAINTY[0]))))
    return tuple(_said(row, case, None if levels is case else levels) for row in near[:MOST_NEAR])


def _decides(row: Row, missing: str, rows: tuple[Row, ...], levels: Mapping[str, str]) -> bool:
    """Whether a row would be the first to match if its missing fact had a level that it asks for."""

    def matches(other: Row, level: str) -> bool:
        return all((level if f == missing else levels[f]) in wanted for f, wanted in other.when.items())

    earlier = rows[: rows.index(row)]
    return any(not any(matches(other, level) for other in earlier) for level in row.when[missing])


def _said(row: Row, case: Case, levels: Mapping[str, str] | None = None) -> RowSaid:
    said = tuple(_fact(fact, tuple(sorted(wanted)), case, levels) for fact, wanted in row.when.items())
    return RowSaid(row.id, row.citation, said)


def _fact(fact: str, wanted: tuple[str, ...], case: Case, levels: Mapping[str, str] | None) -> FactSaid:
    if levels is not None:
        return FactSaid(fact, levels[fact], wanted)
    if fact in case.knowledge.scales:
        finding = case.finding(fact)
        said = evidence(case.knowledge, finding)
        return FactSaid(fact, finding.level, wanted, *_result(finding.result, said.band if said else ""))
    declared = case.knowledge.facts.get(fact)
    if declared is None:
        kind, _, analyte = fact.partition(":")
        result = case.choose(analyte) if kind in SAMPLES else None
        return FactSaid(fact, case[fact], wanted, *_result(result))
    decided = next((when for _, when in declared.choices if case.matches(when)), {})
    because = tuple(_fact(one, tuple(sorted(asked)), case, None) for one, asked in decided.items())
    on_file = tuple(sorted(case.behind(fact))) if declared.concepts else ()
    return FactSaid(fact, case[fact], wanted, because=because, on_file=on_file)


def _result(result: LabResult | None, band: str = "") -> tuple[str, str, str]:
    """A result with its date, its band, its resource."""
    if result is None:
        return "", band, ""
    text = result.text or result.answer or ""
    return f"{text}, {result.when.text}" if result.when else text, band, result.reference


def answer(facts: PatientFacts, knowledge: Knowledge, as_of: datetime, why: bool) -> dict[str, Any]:
    """The Assessment as JSON, with its explanation when that is asked for."""
    more = {"explanation": as_json(explain(facts, knowledge, as_of))} if why else {}
    return assessment.as_json(assess(facts, knowledge, as_of)) | more


def as_json(explained: tuple[Explained, ...]) -> list[dict[str, Any]]:
    """Plain data, with nothing that is empty."""
    return [
        {
            "about": one.about, "conclusion": one.conclusion, **({"row": _row(one.row)} if one.row else {}),
            "near": [_row(row) for row in one.near],
        }
        for one in explained
    ]  # fmt: skip


def _row(row: RowSaid) -> dict[str, Any]:
    return {"row": row.row, "citation": row.citation, "facts": [_fact_said(fact) for fact in row.facts]}


def _fact_said(fact: FactSaid) -> dict[str, Any]:
    said = {"fact": fact.fact, "level": fact.level, "wanted": list(fact.wanted), "holds": fact.holds}
    more = {
        "result": fact.result, "band": fact.band, "observation": fact.observation,
        "because": [_fact_said(one) for one in fact.because], "onFile": list(fact.on_file),
    }  # fmt: skip
    return said | {name: value for name, value in more.items() if value}
