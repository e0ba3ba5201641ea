"""The vocabulary of the knowledge: what is measured, prescribed and recorded, how it is written, how it is ordered.

In: analytes/*.toml, concepts/*.toml, orders.toml, reading.toml. Out: the types of knowledge.model, and every fault that
was met on the way. Source: codes and units as cited in the files.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from pathlib import Path
from typing import Any

from service.clinical.knowledge.build import build
from service.clinical.knowledge.model import Analyte, Citation, Code, Concept, OrderTemplate, Unit
from service.clinical.knowledge.rules import Faults, InvalidKnowledge
from service.clinical.units import converted

LOINC = "http://loinc.org"
SYSTEMS = {
    "snomed": "http://snomed.info/sct",
    "icd10": "http://hl7.org/fhir/sid/icd-10-cm",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "atc": "http://www.whocc.no/atc",
    "cvx": "http://hl7.org/fhir/sid/cvx",
    "nucc": "http://nucc.org/provider-taxonomy",
}
KINDS = {
    "analyte": ("quantity", "presence", "date"),
    "concept": ("condition", "drug", "both", "visit"),
    "order": ("laboratory", "imaging", "procedure", "referral", "medication"),
}
Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """Codes and words by which a chart is read. All words are lower case."""

    answers: Mapping[tuple[str, str], str]  # (system, code) -> positive | negative
    answer_words: Mapping[str, str]
    flags: Mapping[str, str]  # code of an interpretation -> below | within | above
    lookalikes: tuple[str, ...]  # a result with one of these words is never one of ours
    negations_before: tuple[str, ...]
    negations_after: tuple[str, ...]
    routes: Mapping[str, str]  # SNOMED CT code -> systemic | injection
    route_words: Mapping[str, tuple[str, ...]]  # local | injection | systemic, in the order in which they are asked
    local_sources: tuple[str, ...]  # local forms that are a source all the same
    dose_units: Mapping[str, Decimal]  # -> mg
    dose_times: Mapping[str, Decimal]
    dose_periods: Mapping[str, Decimal]  # -> days
    named_days: tuple[str, ...]  # days of the week: beside them "daily" does not mean every day
    counted_days: tuple[str, ...]  # beside them "a week" does not mean one day
    single_doses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All of it, indexed for use."""

    analytes: Mapping[str, Analyte]
    analyte_of: Mapping[tuple[str, str], tuple[str, str | None]]  # (system, code) -> (analyte id, method)
    concepts: Mapping[str, Concept]
    orders: Mapping[str, OrderTemplate]
    citations: Mapping[str, Citation]
    reading: Reading


@cache
def load_vocabulary(folder: Path = Path(__file__).parent) -> Vocabulary:
    """The vocabulary of a folder; InvalidKnowledge with all its faults."""
    faults = Faults()
    measures = _measures(read_toml(folder / "analytes" / "units.toml"), faults)
    analytes = _collect(folder, "analytes/*.toml", "analyte", partial(_analyte, measures), faults)
    concepts = _collect(folder, "concepts/*.toml", "concept", _concept, faults)
    orders = _collect(folder, "orders.toml", "order", partial(build, OrderTemplate), faults)
    citations = _collect(folder, "citations_vocabulary.toml", "citation", partial(build, Citation), faults)
    analyte_of = _by_code(analytes, faults)
    _check(analytes, orders, citations, faults)
    if faults:
        raise InvalidKnowledge(faults)
    return Vocabulary(analytes, analyte_of, concepts, orders, citations, _reading(read_toml(folder / "reading.toml")))


def read_toml(path: Path) -> Entry:
    return tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)


def _collect(folder: Path, pattern: str, table: str, made: Callable[[Entry], Any], faults: Faults) -> dict[str, Any]:
    """Every entry of a table in the files of a pattern, by id."""
    found: dict[str, Any] = {}
    for path in sorted(folder.glob(pattern)):
        document = read_toml(path)
        shared = {key: document[key] for key in ("prefetch",) if key in document}
        for entry in document.get(table, []):
            name = str(entry.get("id", f"{table} without an id"))
            if name in found:
                faults.add(path.name, name, "an entry of this id exists already")
            if table in KINDS and entry.get("kind", KINDS[table][0]) not in KINDS[table]:
                faults.add(path.name, name, f"its kind is none of {', '.join(KINDS[table])}")
            try:
                found[name] = made({**shared, **entry})
            except KeyError as missing:
                faults.add(path.name, name, f"{missing} is missing or not known")
            except TypeError as wrong:
                faults.add(path.name, name, str(wrong))
    return found


def _measures(document: Entry, faults: Faults) -> dict[str, dict[str, Unit]]:
    """Measure -> spelling -> unit; each spelling stands once, in lower case too when that is unambiguous."""
    measures: dict[str, dict[str, Unit]] = {}
    for measure, blocks in document.items():
        exact: dict[str, Unit] = {}
        folded: dict[str, set[Unit]] = {}
        for block in blocks:
            unit = _unit(block)
            for spelling in (*block["spellings"], *block.get("as_written", ())):
                if spelling in exact:
                    faults.add("units.toml", measure, f"{spelling} stands twice")
                exact[spelling] = unit
            for spelling in block["spellings"]:
                folded.setdefault(spelling.casefold(), set()).add(unit)
        measures[measure] = {s: next(iter(units)) for s, units in folded.items() if len(units) == 1} | exact
    return measures


def _unit(block: Entry) -> Unit:
    factor, _, divisor = str(block["factor"]).partition("/")
    return Unit(block["unit"], Decimal(factor), Decimal(block.get("offset", 0)), Decimal(divisor or 1))


def _analyte(measures: Mapping[str, dict[str, Unit]], entry: Entry) -> Analyte:
    codes = tuple(Code(c.get("system", LOINC), c["code"], c["display"], c.get("method")) for c in entry["codes"])
    conversions = entry.get("conversions", {})
    return build(
        Analyte, {"kind": "quantity", **entry}, "measure",
        codes=codes,
        units=measures[entry["measure"]] if "measure" in entry else {},
        plausible=_stretch(entry.get("plausible")),
        conversions={unit: (to["unit"], Decimal(to["factor"])) for unit, to in conversions.items()},
        usual_upper=_stretch(entry.get("usual_upper")),
    )


def _stretch(entry: Entry | None) -> tuple[Decimal, Decimal, str] | None:
    return (Decimal(entry["low"]), Decimal(entry["high"]), entry["unit"]) if entry else None


def _concept(entry: Entry) -> Concept:
    codes = {SYSTEMS[s]: tuple(entry[s]) + tuple(entry.get(f"{s}_exact", ())) for s in SYSTEMS if s in entry}
    undone = {SYSTEMS[s]: tuple(entry[f"except_{s}"]) for s in SYSTEMS if f"except_{s}" in entry}
    read = [f"{prefix}{s}{suffix}" for s in SYSTEMS for prefix, suffix in (("", ""), ("", "_exact"), ("except_", ""))]
    exact = frozenset(entry.get("icd10_exact", ()))
    return build(Concept, entry, *read, codes=codes, exact=exact, except_codes=undone)


def _by_code(analytes: Mapping[str, Analyte], faults: Faults) -> dict[tuple[str, str], tuple[str, str | None]]:
    found: dict[tuple[str, str], tuple[str, str | None]] = {}
    for analyte in analytes.values():
        for code in analyte.codes:
            if (code.system, code.code) in found:
                faults.add("analytes", analyte.id, f"{code.code} is a code of {found[code.system, code.code][0]} too")
            found[code.system, code.code] = (analyte.id, code.method)
    return found


def _check(
    analytes: Mapping[str, Analyte],
    orders: Mapping[str, OrderTemplate],
    citations: Mapping[str, Citation],
    faults: Faults,
) -> None:
    for analyte in analytes.values():
        for problem in _problems(analyte, citations):
            faults.add("analytes", analyte.id, problem)
    for order in orders.values():
        for unknown in set(order.answered_by) - set(analytes):
            faults.add("orders.toml", order.id, f"it is answered by {unknown}, which is no analyte")


def _problems(analyte: Analyte, citations: Mapping[str, Citation]) -> Iterator[str]:
    comparison = {unit.unit for unit in analyte.units.values()}
    if analyte.citation not in citations:
        yield f"citation {analyte.citation} does not exist"
    if not analyte.prefetch:
        yield "it has no prefetch key"
    if analyte.kind == "quantity" and not analyte.units:
        yield "it has no units"
    if any(stretch and stretch[2] not in comparison for stretch in (analyte.plausible, analyte.usual_upper)):
        yield "its plausible range or usual upper limit is in no unit of its own"
    if any(not {unit, to} <= comparison for unit, (to, _) in analyte.conversions.items()):
        yield "a conversion leads from or to no unit of its own"
    if any(converted(Decimal(1), unit) <= converted(Decimal(0), unit) for unit in analyte.units.values()):
        yield "a factor is not above zero"


def _reading(document: Entry) -> Reading:
    answers = {
        (system, code): answer
        for answer, table in document["answers"].items()
        for system, codes in table.items()
        if system != "words"
        for code in codes
    }
    return Reading(
        answers=answers,
        answer_words={word: answer for answer, table in document["answers"].items() for word in table["words"]},
        flags={code: where for where, codes in document["flags"].items() for code in codes},
        lookalikes=tuple(document["lookalike"]["words"]),
        negations_before=tuple(document["negation"]["before"]),
        negations_after=tuple(document["negation"]["after"]),
        routes={code: route for route, codes in document["routes"].items() for code in codes},
        route_words={route: tuple(words) for route, words in document["route_words"].items()},
        local_sources=tuple(document["local_source"]["words"]),
        dose_units={unit: Decimal(mg) for unit, mg in document["dose_units"].items()},
        dose_times={words: Decimal(times) for words, times in document["dose_times"].items()},
        dose_periods={words: Decimal(days) for words, days in document["dose_periods"].items()},
        named_days=tuple(document["dose_days"]["named"]),
        counted_days=tuple(document["dose_days"]["counted"]),
        single_doses=tuple(document["dose_ended"]["words"]),
    )
