"""The rules part of the knowledge: scales, declared facts, decision rows, limits, wording, citations.

In: the TOML documents of this folder. Out: the types of knowledge.model, and every fault that was met on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from service.clinical.knowledge.build import build
from service.clinical.knowledge.model import Band, Citation, DeclaredFact, DraftRule, Levels, Nutrient, Row, Scale

# What the rows of each table conclude with.
TABLES = {
    "composite": ("cause", "certainty"),
    "order": ("order", "group", "priority", "repeat", "within_days", "reason"),
    "option": ("order", "text", "caution"),
    "certainty": ("certainty",),
    "competing": ("cause", "certainty", "named_by"),
    "emergency": ("flag", "febrile"),
    "indicator": ("indicator", "once_days"),
    "flag": ("flag",),
    "substitute": ("order", "use"),
    "advice": ("text",),
    "check": ("about", "level", "draft", "unless", "beside", "needs", "shows", "summary", "text", "remove", "order",
              "group", "priority", "repeat", "reason", "override", "covered_by", "once_days"),
}
NUTRIENT_TABLES = {
    "status": ("status", "decided_by"),
    "reason": ("reason",),
    "feature": ("uses",),
    "specific": (),
    "cap": ("at_most",),
}
DRAFTS = ("draft", "unless", "beside")  # keys of the order checks that say which drafts are meant
STRUCTURE = frozenset(["id", "when", "citation", "reasons"])
SIDES = frozenset(["low", "middle", "ok", "high"])
Document = tuple[str, Mapping[str, Any]]  # file name, content


class InvalidKnowledge(ValueError):
    """The knowledge cannot be used; `faults` says all that is wrong, one sentence each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


class Faults(list[str]):
    """What is wrong, one sentence each, with the file and the id."""

    def add(self, file: str, where: str, problem: str) -> None:
        """Remember one fault."""
        self.append(f"{file}: {where}: {problem}")


@dataclass
class Rules:
    """What the rule files say."""

    scales: dict[str, list[Scale]] = field(default_factory=dict)
    facts: dict[str, DeclaredFact] = field(default_factory=dict)
    tables: dict[str, list[Row]] = field(default_factory=lambda: {t: [] for t in TABLES})
    nutrients: list[Nutrient] = field(default_factory=list)
    limits: dict[str, Decimal] = field(default_factory=dict)
    citations: dict[str, Citation] = field(default_factory=dict)
    certainty_domains: dict[str, frozenset[str]] = field(default_factory=dict)


def read_rules(documents: list[Document], faults: Faults) -> Rules:
    """Everything that the documents hold, in the order of the file names."""
    rules = Rules()
    for file, content in documents:
        for entry in content.get("citation", []):
            try:
                rules.citations[entry["id"]] = build(Citation, entry)
            except (KeyError, TypeError) as wrong:
                faults.add(file, "citation", str(wrong))
        for entry in content.get("scale", []):
            scale = _read_scale(file, entry, faults)
            if scale:
                rules.scales.setdefault(scale.fact, []).append(scale)
        for entry in content.get("fact", []):
            if entry.get("id") in rules.facts:
                faults.add(file, entry["id"], "a fact of this id exists already")
            try:
                rules.facts[entry["id"]] = _fact(entry)
            except (KeyError, TypeError) as wrong:
                faults.add(file, f"fact {entry.get('id', '?')}", f"{wrong} (missing, or not known)")
        for table in TABLES:
            rules.tables[table] += _rows(table, content, faults, file)
        rules.limits.update(_limits(file, content.get("limits", {}), faults))
        domains = content.get("certainty_domains", {})
        rules.certainty_domains.update({name: frozenset(levels) for name, levels in domains.items()})
        if "nutrient" in content:
            rules.nutrients.append(_nutrient(file, content, rules.scales, faults))
    return rules


def _limits(file: str, entries: Mapping[str, Any], faults: Faults) -> dict[str, Decimal]:
    found = {}
    for name, value in entries.items():
        try:
            found[name] = _number(value)
        except TypeError as wrong:
            faults.add(file, name, str(wrong))
    return found


def _number(value: Any) -> Decimal:
    """A number of TOML, 0 or more; TypeError says what is wrong."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite() or value < 0:
        raise TypeError("is no number of 0 or more (write it without quotes)")
    return Decimal(value)


def _read_scale(file: str, entry: Mapping[str, Any], faults: Faults) -> Scale | None:
    """A scale, or None with a fault."""
    try:
        return _scale(file, entry, faults)
    except KeyError as missing:
        faults.add(file, f"scale of {entry.get('fact', '?')}", f"{missing} is missing")
    except (TypeError, ValueError) as wrong:
        faults.add(file, f"scale of {entry.get('fact', '?')}", f"a band {wrong}")
    return None


def _scale(file: str, entry: Mapping[str, Any], faults: Faults) -> Scale:
    where = f"scale of {entry['fact']}"
    citation = entry.get("citation", "")
    if entry.get("by_range"):
        bands = tuple(Band(level, side, label=label, citation=citation)
                      for (level, side), label in zip(entry["levels"], RANGE_LABELS, strict=True))  # fmt: skip
    else:
        bands = tuple(_bands(entry["bands"], entry["unit"], citation))
    for band in bands:
        if band.side not in SIDES:
            faults.add(file, where, f"side {band.side} is none of {', '.join(sorted(SIDES))}")
    unit = entry.get("unit", "")
    return Scale(
        entry["fact"],
        entry["analyte"],
        unit,
        bands,
        citation,
        levels_of(entry.get("when", {})),
        bool(entry.get("by_range")),
    )


RANGE_LABELS = ("below the laboratory's range", "within the laboratory's range", "above the laboratory's range")


def _bands(entries: list[Mapping[str, Any]], unit: str, citation: str) -> Iterator[Band]:
    """Bands with their labels: '<180 pg/mL', '180 to 350 pg/mL', '>1000 pg/mL'."""
    start = ""
    for entry in entries:
        strange = entry.keys() - {"level", "side", "below", "upto", "label", "citation"}
        if strange:
            raise ValueError(f"knows no {', '.join(sorted(strange))}")
        below, upto = (None if entry.get(k) is None else _number(entry[k]) for k in ("below", "upto"))
        end = f"<{below}" if below is not None else f"{upto}" if upto is not None else ""
        label = f"{start} to {end}" if start and end else end or start
        if not start and upto is not None:
            label = f"≤{upto}"
        if start and not end:
            label = start if start.startswith(">") else f"≥{start}"
        label = f"{entry.get('label', label)} {unit}"
        yield Band(entry["level"], entry["side"], below, upto, label, entry.get("citation", citation))
        start = f"{below}" if below is not None else f">{upto}"


def _fact(entry: Mapping[str, Any]) -> DeclaredFact:
    groups = tuple((level, unit, Decimal(below)) for level, unit, below in entry.get("groups", []))
    choices = tuple((level, levels_of(when)) for level, when in entry.get("choices", []))
    if entry["kind"] == "any":
        choices = tuple(("yes", levels_of(when)) for when in entry["any_of"]) + (("no", {}),)
    return build(DeclaredFact, entry, "any_of", groups=groups, choices=choices)


def levels_of(when: Mapping[str, Any]) -> Levels:
    """`when` with every level as a set."""
    return {fact: frozenset([levels] if isinstance(levels, str) else levels) for fact, levels in when.items()}


def _rows(table: str, content: Mapping[str, Any], faults: Faults, file: str) -> list[Row]:
    found = []
    for entry in content.get(table, []):
        if "id" not in entry:
            faults.add(file, table, "a row has no id")
            continue
        then = {key: value for key, value in entry.items() if key not in STRUCTURE}
        try:
            then |= {key: _drafts(then[key]) for key in DRAFTS if key in then}
        except TypeError as wrong:
            faults.add(file, f"{table} {entry['id']}", str(wrong))
        for key in then.keys() - {*{**TABLES, **NUTRIENT_TABLES}[table]}:
            faults.add(file, f"{table} {entry['id']}", f"{key} is no word of this table")
        when = levels_of(entry.get("when", {}))
        found.append(Row(entry["id"], table, when, then, tuple(entry.get("reasons", [])), entry.get("citation", "")))
    return found


def _drafts(said: Any) -> Any:
    """One rule of drafts, or each of several."""
    return tuple(map(_drafts, said)) if isinstance(said, list) else build(DraftRule, said)


def _nutrient(file: str, content: Mapping[str, Any], scales: Mapping[str, list[Scale]], faults: Faults) -> Nutrient:
    entry = content["nutrient"]
    rows = {table: tuple(_rows(table, content, faults, file)) for table in NUTRIENT_TABLES}
    return build(Nutrient, entry, "place", analyte=scales[entry["facts"][0]][0].analyte, **rows)
