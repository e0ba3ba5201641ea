"""Whether the knowledge holds together: every fault, one sentence each.

In: Knowledge. Out: faults. Source: design section 5: every number has a unit, every band and row a citation; bands
ascend without a gap; no row is dead; no fully measured combination falls to the last row, which is not-assessable; what
rows name exists.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from service.clinical.knowledge.model import Band, Knowledge, Levels, Nutrient, Row, Scale

INDICATORS = frozenset(["info", "warning", "critical"])
STATUSES = frozenset(
    ["deficient", "indeterminate", "sufficient", "high", "low-other-cause", "treated", "not-assessable"]
)
Box = dict[str, frozenset[str]]


def check(knowledge: Knowledge) -> list[str]:
    """Everything that is wrong."""
    return [
        *_scales(knowledge), *_facts(knowledge), *_rows(knowledge), *_nutrients(knowledge), *_certainty(knowledge),
        *_targets(knowledge),
    ]  # fmt: skip


def domain_of(knowledge: Knowledge, fact: str) -> frozenset[str] | None:
    """The levels that a fact can take; None when there is no such fact."""
    if fact in knowledge.scales:
        levels = {b.level for s in knowledge.scales[fact] for b in s.bands}
        return frozenset(levels | {"unknown"} | ({"crossing"} if _can_cross(knowledge.scales[fact]) else set()))
    if fact in knowledge.facts:
        declared = knowledge.facts[fact]
        if declared.choices:
            return frozenset(level for level, _ in declared.choices)
        if declared.kind == "age":
            return frozenset([*(level for level, _, _ in declared.groups), "unknown"])
        return frozenset(["yes", "no"])
    prefix, _, of = fact.partition(":")
    if of and prefix in knowledge.prefixes and (of in knowledge.analytes or of in {n.id for n in knowledge.nutrients}):
        return knowledge.prefixes[prefix]
    return knowledge.domains.get(fact)


def _can_cross(scales: Iterable[Scale]) -> bool:
    """Whether a comparator can leave the band open: a scale in numbers."""
    return any(not s.by_range for s in scales)


def _scales(knowledge: Knowledge) -> Iterator[str]:
    for fact, scales in knowledge.scales.items():
        if not scales:
            yield f"scale {fact}: no scale is left for the profile {knowledge.profile}"
        for scale in scales:
            where = f"scale {fact} {scale.unit or 'by range'}"
            yield from _named(knowledge, where, scale.when, scale.citation)
            analyte = knowledge.analytes.get(scale.analyte)
            if analyte is None:
                yield f"{where}: there is no analyte {scale.analyte}"
            elif not scale.by_range and scale.unit not in {u.unit for u in analyte.units.values()}:
                yield f"{where}: {scale.unit} is no comparison unit of {scale.analyte}"
            yield from _bands(where, scale, knowledge)


def _bands(where: str, scale: Scale, knowledge: Knowledge) -> Iterator[str]:
    """Bands in numbers ascend; the last one alone is open."""
    for band in scale.bands:
        if band.citation not in knowledge.citations:
            yield f"{where}: band {band.level} cites {band.citation or 'nothing'}, which is no source"
    if scale.by_range:
        return
    ends = [_end(b) for b in scale.bands]
    if ends[-1] is not None or None in ends[:-1]:
        yield f"{where}: the last band, and only it, is open"
    numbers = [e for e in ends if e is not None]
    if any(a >= b for a, b in itertools.pairwise(numbers)):
        yield f"{where}: the bands do not ascend"


def _end(band: Band) -> tuple[Decimal, int] | None:
    """Where a band ends; one that excludes its end ends before one that includes it."""
    if band.below is not None:
        return (band.below, 0)
    return None if band.upto is None else (band.upto, 1)


def _facts(knowledge: Knowledge) -> Iterator[str]:
    for fact in knowledge.facts.values():
        for concept in sorted(fact.concepts - knowledge.concepts.keys()):
            yield f"fact {fact.id}: there is no concept {concept}"
        if fact.kind in ("problem", "mother", "medication") and not fact.concepts:
            yield f"fact {fact.id}: it names no concept"
        if fact.citation not in knowledge.citations:
            yield f"fact {fact.id}: cites {fact.citation or 'nothing'}, which is no source"
        for _, when in fact.choices:
            yield from _named(knowledge, f"fact {fact.id}", when, fact.citation)
        if fact.choices and fact.choices[-1][1]:
            yield f"fact {fact.id}: its last choice must match always"


def _named(knowledge: Knowledge, where: str, when: Levels, citation: str) -> Iterator[str]:
    """Faults of a condition: facts and levels that do not exist, a source that does not."""
    if citation not in knowledge.citations:
        yield f"{where}: cites {citation or 'nothing'}, which is no source"
    for fact, levels in when.items():
        domain = domain_of(knowledge, fact)
        if domain is None:
            yield f"{where}: there is no fact {fact}"
        elif levels - domain:
            yield f"{where}: {fact} is never {', '.join(sorted(levels - domain))}"


def _rows(knowledge: Knowledge) -> Iterator[str]:
    tables: list[tuple[Row, ...]] = [t for name, t in knowledge.tables.items() if name != "certainty"]
    for nutrient in knowledge.nutrients:
        tables += [nutrient.status, nutrient.reason, nutrient.feature, nutrient.specific, nutrient.cap]
    seen: set[tuple[str, str]] = set()
    for rows in tables:
        for row in rows:
            yield from _named(knowledge, f"{row.table} {row.id}", row.when, row.citation)
            if row.table not in ("feature", "specific") and (row.table, row.id) in seen:
                yield f"{row.table} {row.id}: a row of this id exists already"
            seen.add((row.table, row.id))
    yield from _dead(knowledge, knowledge.tables["emergency"])


def _nutrients(knowledge: Knowledge) -> Iterator[str]:
    for nutrient in knowledge.nutrients:
        yield from _nutrient(knowledge, nutrient)


def _nutrient(knowledge: Knowledge, nutrient: Nutrient) -> Iterator[str]:
    last = nutrient.status[-1]
    if last.when or last.then.get("status") != "not-assessable":
        yield f"{nutrient.id}: the last status row must match always and say not-assessable"
    for row in nutrient.status:
        if row.then.get("status") not in STATUSES:
            yield f"status {row.id}: {row.then.get('status')} is no status"
    yield from _dead(knowledge, nutrient.status)
    facts = {fact for row in nutrient.status for fact in row.when}
    measured = {f: (domain_of(knowledge, f) or frozenset()) - {"unknown"} for f in facts}
    for box in leftover(measured, nutrient.status[:-1], measured):
        yield f"{nutrient.id}: nothing but the last row matches when {_shown(box, measured)}"
    for order in sorted((nutrient.work_up | nutrient.confirming) - knowledge.orders.keys()):
        yield f"{nutrient.id}: there is no order {order}"


def _certainty(knowledge: Knowledge) -> Iterator[str]:
    rows = knowledge.tables["certainty"]
    domains = knowledge.certainty_domains
    for row in rows:
        for fact, levels in row.when.items():
            if levels - domains[fact]:
                yield f"certainty {row.id}: {fact} is never {', '.join(sorted(levels - domains[fact]))}"
        if row.citation not in knowledge.citations:
            yield f"certainty {row.id}: cites {row.citation or 'nothing'}, which is no source"
    for index, row in enumerate(rows):
        if not leftover({**domains, **row.when}, rows[:index], domains):
            yield f"certainty {row.id}: is never reached"


def _dead(knowledge: Knowledge, rows: tuple[Row, ...]) -> Iterator[str]:
    domains = {f: domain_of(knowledge, f) or frozenset() for row in rows for f in row.when}
    for index, row in enumerate(rows):
        if not leftover({**domains, **row.when}, rows[:index], domains):
            yield f"{row.table} {row.id}: is never reached: earlier rows match all that it matches"


def leftover(
    box: Mapping[str, frozenset[str]], rows: Iterable[Row], domains: Mapping[str, frozenset[str]]
) -> list[Box]:
    """What of a box of levels no row matches, as disjoint boxes."""
    rest: list[Box] = [dict(box)]
    for row in rows:
        rest = [piece for b in rest for piece in _minus(b, {f: v & domains[f] for f, v in row.when.items()})]
    return rest


def _minus(box: Box, row: Box) -> Iterator[Box]:
    inside = dict(box)
    for fact, levels in row.items():
        outside = inside[fact] - levels
        if outside == inside[fact]:
            yield inside
            return
        if outside:
            yield {**inside, fact: outside}
        inside[fact] &= levels


def _shown(box: Box, domains: Mapping[str, frozenset[str]]) -> str:
    return ", ".join(f"{f} is {' or '.join(sorted(v))}" for f, v in sorted(box.items()) if v != domains[f])


def _targets(knowledge: Knowledge) -> Iterator[str]:
    """What rows conclude exists: orders, options, indicators, groups."""
    checks = (row for row in knowledge.tables["check"] if "order" in row.then)
    for row in (*knowledge.tables["order"], *knowledge.tables["option"], *knowledge.tables["substitute"], *checks):
        named = row.then.get("use", row.then.get("order", ""))
        for order in [named] if isinstance(named, str) else named:
            if order not in knowledge.orders:
                yield f"{row.table} {row.id}: there is no order {order}"
    for row in knowledge.tables["competing"]:
        for fact in row.then.get("named_by", ()):
            if not knowledge.facts.get(fact) or not knowledge.facts[fact].concepts:
                yield f"competing {row.id}: named_by {fact} is no fact of problems or drugs"
    for row in (*knowledge.tables["order"], *(r for r in knowledge.tables["check"] if "order" in r.then)):
        if not row.then.get("reason") or not row.then.get("group"):
            yield f"order {row.id}: reason and group are missing"
    for row in knowledge.tables["indicator"]:
        if row.then.get("indicator") not in INDICATORS:
            yield f"indicator {row.id}: {row.then.get('indicator')} is no indicator"
