"""The cells of a rule table: how a patient is written in a row, and how it becomes PatientFacts. No FHIR here.

A result     140 | 140 pg/mL | <150 pg/mL | 110 @-40d | 0.8 @-1d 08:00 | 88 [70-140] | 0.3 prelim | positive; several
             with `;`. Unit: its own, else the heading's, else the analyte's first. Without a time: today, at no known
             hour. Also: corrected, amended, manual, automated, inferred (the unit), undated, H N L (flags), #A (draw)
age          45 y | 8 mo | 10 d | 10 y 109 d | 18 h | unknown         (default 45 y)
sex          female | male | unknown                                  (default female)
pregnant     32 wk | yes | due in 20 d | due 20 d ago
problems     concept [inactive] [unconfirmed] [procedure | visit | mother | family] [since -200d] [until -20d]
             [recorded -3h]; ...
drugs        concept [1 mg/d] [3 /wk] (days of a week) [since -20d] [until -3d] [injection | local | systemic]
             [statement ...] [stopped ...]; ...
orders       order-id [-3d]; ...         gaps   what reason [-3d]; ...
comment      a laboratory comment on every result of the row          profile   a profile of thresholds
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from service.clinical.facts import Gap, LabResult, Medication, Moment, OrderOnFile, PatientFacts, Problem, Range
from service.clinical.interval import Interval
from service.clinical.knowledge import load
from service.clinical.knowledge.model import Analyte, Unit
from service.clinical.units import comparison, converted

AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)
KNOWLEDGE = load()
ALIASES = {
    "anc": "neutrophils", "b12": "vitamin-b12", "mma": "methylmalonic-acid", "segs": "segmented", "cp": "ceruloplasmin",
    "hb": "hemoglobin", "ig": "immature-granulocytes",
}  # fmt: skip
SPECIAL = (
    "age", "sex", "pregnant", "problems", "drugs", "orders", "gaps", "comment", "profile", "drafts", "clozapine rules",
)  # fmt: skip
FLAGS = {"H": "above", "N": "within", "L": "below"}
STATUS = {"prelim": "preliminary", "preliminary": "preliminary", "corrected": "corrected", "amended": "amended"}
DRUG_STATUS = ("active", "on-hold", "completed", "stopped", "ended", "draft", "not-taken", "entered-in-error")
KINDS = ("request", "statement", "administration", "dispense")
ROUTES = ("injection", "local", "systemic")
VALUE = re.compile(r"(?P<comparator><=|>=|<|>)?\s*(?P<number>\d+(?:\.\d+)?)\s*(?P<rest>.*)")
AGO = re.compile(r"@?-(\d+)(d|h)")


class CellError(ValueError):
    """A cell or a heading that the language does not know."""


def analyte_of(words: str) -> str | None:
    """The analyte that words name: 'vitamin b12', 'b12', 'segs %'; None when there is none."""
    percent = words.endswith(" %")
    name = words.removesuffix(" %").lower().replace(" ", "-")
    name = ALIASES.get(name, name) + ("-percent" if percent else "")
    return name if name in KNOWLEDGE.analytes else None


def column(heading: str) -> tuple[str, str | None]:
    """(analyte or special column, unit) of a heading."""
    if heading in SPECIAL:
        return heading, None
    whole = analyte_of(heading)
    if whole:
        return whole, None
    words, _, unit = heading.rpartition(" ")
    part = analyte_of(words) if words else None
    if part is None:
        raise CellError(f"there is no column {heading!r}")
    unit_of(KNOWLEDGE.analytes[part], unit)
    return part, unit


def unit_of(analyte: Analyte, spelling: str | None) -> Unit:
    if spelling is None:
        return next(iter(analyte.units.values()), Unit("", Decimal(1)))
    found = comparison(analyte, None, spelling, None)
    if found is None:
        raise CellError(f"{spelling!r} is no unit of {analyte.id}")
    return found


def on_day(day: date) -> Moment:
    """A date without a time."""
    start = datetime.combine(day, time(), UTC)
    return Moment(start, start + timedelta(hours=23, minutes=59, seconds=59), day.isoformat())


def instant(at: datetime) -> Moment:
    return Moment(at, at, at.isoformat().replace("+00:00", "Z"))


def moment(words: str, clock: str | None = None) -> Moment:
    """-40d, -3h; with a clock: at that time of the day."""
    ago = AGO.fullmatch(words)
    if ago is None:
        raise CellError(f"{words!r} is no time")
    if ago[2] == "h":
        return instant(AS_OF - timedelta(hours=int(ago[1])))
    day = AS_OF.date() - timedelta(days=int(ago[1]))
    return instant(datetime.combine(day, time.fromisoformat(clock), UTC)) if clock else on_day(day)


def result(analyte_id: str, default_unit: str | None, cell: str, number: int, comment: str) -> LabResult:
    """One result of a cell."""
    analyte = KNOWLEDGE.analytes[analyte_id]
    found = VALUE.fullmatch(cell)
    words = (found["rest"] if found else cell).split()
    answer = None if found else words.pop(0)
    if answer not in (None, "positive", "negative"):
        raise CellError(f"{cell!r} is no result")
    fields: dict[str, Any] = {"status": "final", "comments": (comment,) if comment else ()}
    spelling, day, clock, limits = default_unit, "-0d", None, None
    for word in words:
        if word.startswith("@"):
            day = word
        elif re.fullmatch(r"\d\d:\d\d", word):
            clock = word
        elif re.fullmatch(r"\[[\d.]*-[\d.]*\]", word):
            limits = word.strip("[]")
        elif word.startswith("#"):
            fields["specimen"] = f"Specimen/{word[1:]}"
        elif word in STATUS:
            fields["status"] = STATUS[word]
        elif word in FLAGS:
            fields["flag"] = FLAGS[word]
        elif word in ("manual", "automated"):
            fields["method"] = word
        elif word in ("inferred", "undated"):
            fields["unit_inferred" if word == "inferred" else "when"] = True
        else:
            spelling = word
    unit = unit_of(analyte, spelling)
    undated = fields.pop("when", False)
    value = Interval.reported(converted(Decimal(found["number"]), unit), found["comparator"]) if found else None
    return LabResult(
        analyte_id, f"Observation/{number}", when=None if undated else moment(day, clock), value=value, unit=unit.unit,
        answer=answer, text=cell, range=_range(limits, unit), **fields,
    )  # fmt: skip


def _range(limits: str | None, unit: Unit) -> Range | None:
    if limits is None:
        return None
    low, _, high = limits.partition("-")
    bounds = (converted(Decimal(n), unit) if n else None for n in (low, high))
    return Range(*bounds)


def birth_of(cell: str) -> Moment | None:
    """The birth of someone of that age."""
    if cell == "unknown":
        return None
    found = re.findall(r"(\d+) (y|mo|d|h)\b", cell)
    if not found or " ".join(f"{n} {u}" for n, u in found) != cell:
        raise CellError(f"{cell!r} is no age")
    size = {unit: int(n) for n, unit in found}
    if "h" in size:
        return instant(AS_OF - timedelta(hours=size["h"]))
    months = AS_OF.year * 12 + AS_OF.month - 1 - 12 * size.get("y", 0) - size.get("mo", 0)
    return on_day(date(months // 12, months % 12 + 1, AS_OF.day) - timedelta(days=size.get("d", 0)))


def pregnancy(cell: str, number: int) -> tuple[tuple[LabResult, ...], tuple[Problem, ...]]:
    if cell == "yes":
        return (), (Problem(frozenset(["pregnancy"]), "Condition/pregnancy", active=True),)
    weeks, due = re.fullmatch(r"(\d+) wk", cell), re.fullmatch(r"due (?:in (\d+) d|(\d+) d ago)", cell)
    if weeks:
        return (result("gestational-age", None, weeks[1], number, ""),), ()
    if not due:
        raise CellError(f"{cell!r} says nothing of a pregnancy")
    day = AS_OF.date() + timedelta(days=int(due[1]) if due[1] else -int(due[2]))
    today = on_day(AS_OF.date())
    return (LabResult("delivery-date", f"Observation/{number}", "final", today, text=day.isoformat()),), ()


def _timed(words: list[str], names: tuple[str, ...]) -> dict[str, Moment]:
    """The words after `since`, `until` ..., taken out of the list."""
    times = {}
    for name in names:
        if name in words:
            place = words.index(name)
            times[name] = moment(words[place + 1])
            del words[place : place + 2]
    return times


def problem(cell: str, number: int) -> Problem:
    concept, *words = cell.split()
    times = _timed(words, ("since", "until", "recorded"))
    kind = next((k for k in ("procedure", "visit", "mother", "family") if k in words), "condition")
    _nothing_else(words, (kind, "inactive", "unconfirmed"), cell)
    active, sure = "inactive" not in words and kind not in ("procedure", "visit"), "unconfirmed" not in words
    onset, recorded, abatement = (times.get(t) for t in ("since", "recorded", "until"))
    name = f"Condition/{number}"
    return Problem(frozenset([concept]), name, active, onset, recorded, abatement, kind, confirmed=sure)


def drug(cell: str, number: int) -> Medication:
    concept, *words = cell.split()
    times = _timed(words, ("since", "until"))
    dose = None
    if len(words) >= 2 and words[1] in ("mg/d", "ug/d", "g/d"):
        dose = Decimal(words[0]) * {"mg/d": Decimal(1), "ug/d": Decimal("0.001"), "g/d": Decimal(1000)}[words[1]]
        del words[:2]
    often = Decimal(words.pop(words.index("/wk") - 1)) if "/wk" in words else None
    words = [w for w in words if w != "/wk"]
    kind = next((k for k in KINDS if k in words), "request")
    status = next((s for s in DRUG_STATUS if s in words), "completed" if kind in KINDS[2:] else "active")
    route = next((r for r in ROUTES if r in words), None)
    _nothing_else(words, (kind, status, route), cell)
    start, end = times.get("since"), times.get("until")
    return Medication(frozenset([concept]), f"Medication/{number}", kind, status, start, end, route, dose, False, often)


def _nothing_else(words: list[str], known: tuple[str | None, ...], cell: str) -> None:
    other = [w for w in words if w not in known]
    if cell.split()[0] not in KNOWLEDGE.concepts:
        raise CellError(f"there is no concept {cell.split()[0]}")
    if other:
        raise CellError(f"{' '.join(other)!r} is not understood in {cell!r}")


def order(cell: str, number: int) -> OrderOnFile:
    name, *when = cell.split()
    if name not in KNOWLEDGE.orders:
        raise CellError(f"{name!r} is no order")
    return OrderOnFile(frozenset([name]), f"ServiceRequest/{number}", moment(when[0]) if when else None)


def gap(cell: str) -> Gap:
    what, reason, *when = cell.split()
    return Gap(what, reason, when=moment(when[0]) if when else None)


def split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(";") if part.strip()]


def facts_of(cells: dict[str, str]) -> PatientFacts:
    """The patient of a row: non-empty input cells by heading."""
    comment = cells.get("comment", "")
    results: list[LabResult] = []
    for heading, cell in cells.items():
        name, unit = column(heading)
        if name not in SPECIAL:
            results += [result(name, unit, c, len(results) + 1 + i, comment) for i, c in enumerate(split(cell))]
    pregnant = pregnancy(cells["pregnant"], len(results) + 1) if "pregnant" in cells else ((), ())
    return PatientFacts(
        "Patient/p",
        birth_of(cells.get("age", "45 y")),
        cells.get("sex", "female"),
        (*results, *pregnant[0]),
        tuple(problem(c, i) for i, c in enumerate(split(cells.get("problems", "")))) + pregnant[1],
        tuple(drug(c, i) for i, c in enumerate(split(cells.get("drugs", "")))),
        tuple(order(c, i) for i, c in enumerate(split(cells.get("orders", "")))),
        tuple(gap(c) for c in split(cells.get("gaps", ""))),
    )
