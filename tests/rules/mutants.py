"""What the tables would have to notice: the knowledge with one row left out, or one cut-off moved.

In: Knowledge. Out: changed Knowledge with a name, one by one. A cut-off is moved in two ways: it takes in, or gives up,
its own value; and it comes nearer by 2 %, so that only a value just beyond it tells the difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from service.clinical.knowledge.model import Band, DeclaredFact, DraftRule, Knowledge, Nutrient, Row, Scale

NEAR = Decimal("0.02")
AGE_STEP = {"d": Decimal(1), "mo": Decimal("0.6"), "y": Decimal("0.01")}
# Windows in days of a declared fact -> the step that shuts out whoever stands at the limit.
WINDOWS = {"within_days": -1, "started_within_days": -1, "taken_days": 1, "recorded_days": 1}
NUTRIENT_TABLES = ("status", "reason", "feature", "specific", "cap")


class RowMutant(NamedTuple):
    name: str
    row: Row
    nutrient: str | None
    knowledge: Knowledge


class CutMutant(NamedTuple):
    name: str
    scale: Scale
    cut: Decimal
    knowledge: Knowledge


class AgeMutant(NamedTuple):
    name: str
    unit: str
    limit: Decimal
    knowledge: Knowledge


class WindowMutant(NamedTuple):
    name: str
    fact: DeclaredFact
    knowledge: Knowledge


def without_rows(knowledge: Knowledge) -> Iterator[RowMutant]:
    """The knowledge without each row of each table."""
    for table, rows in knowledge.tables.items():
        for row, rest in _each_left_out(rows):
            changed = replace(knowledge, tables={**knowledge.tables, table: rest})
            yield RowMutant(f"{table} {row.id}", row, None, changed)
    for nutrient in knowledge.nutrients:
        for table in NUTRIENT_TABLES:
            for row, rest in _each_left_out(getattr(nutrient, table)):
                changed = _with_nutrient(knowledge, replace(nutrient, **{table: rest}))
                yield RowMutant(f"{row.table} {nutrient.id} {row.id}", row, nutrient.id, changed)


def _each_left_out(rows: tuple[Row, ...]) -> Iterator[tuple[Row, tuple[Row, ...]]]:
    for index, row in enumerate(rows):
        yield row, rows[:index] + rows[index + 1 :]


def _with_nutrient(knowledge: Knowledge, changed: Nutrient) -> Knowledge:
    return replace(knowledge, nutrients=tuple(changed if n.id == changed.id else n for n in knowledge.nutrients))


def moved_cuts(knowledge: Knowledge) -> Iterator[CutMutant]:
    """The knowledge with each cut-off of each scale moved."""
    for fact, scales in knowledge.scales.items():
        for place, scale in enumerate(scales):
            for index, band in enumerate(scale.bands):
                cut = band.below if band.below is not None else band.upto
                if cut is None:
                    continue
                where = ", ".join(f"{f} {'/'.join(sorted(v))}" for f, v in sorted(scale.when.items()))
                for how, changed in (("at", _flipped(band)), ("near", _nearer(band))):
                    bands = (*scale.bands[:index], changed, *scale.bands[index + 1 :])
                    others = (*scales[:place], replace(scale, bands=bands), *scales[place + 1 :])
                    name = f"{fact} {band.label} [{where}]: no value {how} {cut}"
                    yield CutMutant(name, scale, cut, replace(knowledge, scales={**knowledge.scales, fact: others}))


def _flipped(band: Band) -> Band:
    return replace(band, below=band.upto, upto=band.below)


def _nearer(band: Band) -> Band:
    """The cut where only values just beyond it, on the side that it excludes, change their band."""
    if band.below is not None:
        return replace(band, below=band.below * (1 - NEAR))
    assert band.upto is not None
    return replace(band, upto=band.upto * (1 + NEAR))


def moved_ages(knowledge: Knowledge) -> Iterator[AgeMutant]:
    """The knowledge with each age limit moved up and down a little: people just beyond it change their group."""
    for fact in knowledge.facts.values():
        for index, (level, unit, below) in enumerate(fact.groups[:-1]):
            for how, sign in (("at or above", 1), ("just below", -1)):
                moved = (*fact.groups[:index], (level, unit, below + sign * AGE_STEP[unit]), *fact.groups[index + 1 :])
                name = f"{fact.id} {level}: nobody {how} {below} {unit}"
                yield AgeMutant(name, unit, below, _with_groups(knowledge, fact, moved))


def _with_groups(knowledge: Knowledge, fact: DeclaredFact, groups: tuple[tuple[str, str, Decimal], ...]) -> Knowledge:
    return replace(knowledge, facts={**knowledge.facts, fact.id: replace(fact, groups=groups)})


def moved_windows(knowledge: Knowledge) -> Iterator[WindowMutant]:
    """The knowledge with each window of a declared fact a day narrower, and a day wider: whoever stands at its limit,
    or a day beyond it, changes."""
    for fact in knowledge.facts.values():
        for field, inward in WINDOWS.items():
            days = getattr(fact, field)
            if days is None:
                continue
            for how, step in (("at", inward), ("a day beyond", -inward)):
                yield _window(knowledge, fact, f"{field}: nobody {how} {days} days", {field: days + step})
        for end, inward in enumerate((1, -1) if fact.last_dose_days else ()):
            for how, step in (("at", inward), ("a day beyond", -inward)):
                ends = list(fact.last_dose_days or ())
                ends[end] += step
                name = f"last_dose_days: nobody {how} {ends[end] - step} days"
                yield _window(knowledge, fact, name, {"last_dose_days": tuple(ends)})


def _window(knowledge: Knowledge, fact: DeclaredFact, name: str, changed: dict[str, Any]) -> WindowMutant:
    facts = {**knowledge.facts, fact.id: replace(fact, **changed)}
    return WindowMutant(f"{fact.id} {name}", fact, replace(knowledge, facts=facts))


class DraftMutant(NamedTuple):
    name: str
    row: Row
    knowledge: Knowledge


BOUNDS = ("mg_from", "mg_above", "mg_upto", "days_above", "days_upto", "days_per_week_above")
GATES = ("routes", "scheduled", "reasons", "unread")


def moved_draft_bounds(knowledge: Knowledge) -> Iterator[DraftMutant]:
    """The knowledge with each bound of a rule of drafts moved up and down a little, or without one of its gates."""
    for row in knowledge.tables["check"]:
        for key, place, rule in _draft_rules(row):
            for name in BOUNDS:
                bound = getattr(rule, name)
                for how, share in (("above", 1 + NEAR), ("below", 1 - NEAR)) if bound is not None else ():
                    moved = replace(rule, **{name: Decimal(bound) * share})
                    yield _drafted(knowledge, row, key, place, moved, f"{key} {name}: nothing {how} {bound}")
            for name in GATES:
                if getattr(rule, name):
                    opened = replace(rule, **{name: type(getattr(rule, name))()})
                    yield _drafted(knowledge, row, key, place, opened, f"{key} any {name}")
            for drug in sorted(rule.drugs) if len(rule.drugs) > 1 else ():
                fewer = replace(rule, drugs=rule.drugs - {drug})
                yield _drafted(knowledge, row, key, place, fewer, f"{key} without {drug}")
        for key in ("unless", "beside"):
            for place in range(len(row.then.get(key, ()))):
                yield _drafted(knowledge, row, key, place, None, f"without {key} {place}")


def _draft_rules(row: Row) -> Iterator[tuple[str, int, DraftRule]]:
    yield "draft", 0, row.then["draft"]
    for key in ("unless", "beside"):
        yield from ((key, place, rule) for place, rule in enumerate(row.then.get(key, ())))


def _drafted(knowledge: Knowledge, row: Row, key: str, place: int, rule: DraftRule | None, name: str) -> DraftMutant:
    rules = () if key == "draft" else row.then[key]
    several = (*rules[:place], *([rule] if rule else []), *rules[place + 1 :])
    changed = replace(row, then={**row.then, key: rule if key == "draft" else several})
    if key == "beside" and not several:
        changed = replace(row, then={k: v for k, v in row.then.items() if k != "beside"})
    checks = tuple(changed if r is row else r for r in knowledge.tables["check"])
    return DraftMutant(f"check {row.id}: {name}", row, replace(knowledge, tables={**knowledge.tables, "check": checks}))
