"""What the page of a card shows, in words: results, what was missing, causes, sources.

In: what is kept of the card (service.evidence), the knowledge. Out: plain values for the template, in the order of the
page; sources are numbered as they come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.cards.found import UNGRADED_FLAGS
from service.cards.words import capital
from service.evidence import Stored
from service.web.points import COUNT
from service.web.terms import Terms

GRADE = "grade"
SURE = ("established", "probable", "possible")  # causes in question


@dataclass(frozen=True, slots=True)
class Input:
    """One result that was read."""

    name: str
    amount: str
    day: str
    band: str
    verdict: str
    sources: tuple[int, ...]
    observations: tuple[str, ...]
    leads: bool = False  # the graded count, and results that are not in range


def inputs(a: Mapping[str, Any], stored: Stored, terms: Terms) -> list[Input]:
    """Every result, each once: counts, other lineages, nutrients, then whatever else a row asked."""
    found = [*_counts(a, stored, terms)]
    found += [_evidence(e, _level(e, terms), terms) for e in a["lineages"]]
    found += _of_nutrients(a, terms)
    seen = {one for row in found for one in row.observations}
    for fact in _facts(stored):
        if (reference := fact.get("observation")) and fact["fact"] != GRADE and reference not in seen:
            seen.add(reference)
            found.append(_asked(fact, terms))
    return found


def _of_nutrients(a: Mapping[str, Any], terms: Terms) -> Iterator[Input]:
    """Their results; the nutrient's own carries its status with the reasons. What stands there already is left out."""
    seen = {e.get("observation") for e in a["lineages"]}
    own = {n.id: n.analyte for n in terms.knowledge.nutrients}
    for nutrient in a["nutrients"]:
        for place, e in enumerate(filter(_measured, nutrient["evidence"])):
            if e.get("observation") not in seen:
                seen.add(e.get("observation"))
                leads = place == 0 and e["analyte"] == own.get(nutrient["nutrient"])
                yield _evidence(e, _status(nutrient, terms) if leads else _level(e, terms), terms)


def _measured(e: Mapping[str, Any]) -> bool:
    return e.get("value") not in (None, "")


def _status(nutrient: Mapping[str, Any], terms: Terms) -> str:
    return "; ".join([terms.said("status", nutrient["status"]), *map(terms.reason, nutrient["reasons"])])


def _level(e: Mapping[str, Any], terms: Terms) -> str:
    return terms.said("level", e["level"]) if e.get("level") else ""


def _counts(a: Mapping[str, Any], stored: Stored, terms: Terms) -> Iterator[Input]:
    if one := a.get("ungraded"):
        flag = next((f for f in UNGRADED_FLAGS if f in a["flags"]), None)
        verdict = terms.said("flag", flag) if flag else terms.said("status", "not-assessable")
        yield _count(one, "", verdict, (), terms)
    if one := a.get("anc"):
        graded = (e["row"]["citation"] for e in stored.explanation if e["about"] == "severity" and "row" in e)
        source = next(graded, "")
        limit = f"from {a['limit']} {one['unit']}" if a.get("limit") is not None else ""
        band = terms.band(a.get("severityBand", "") or limit)
        yield _count(one, band, terms.said("severity", a["severity"]), terms.cite(source), terms)
        if lower := a.get("lower"):
            yield _count({**one, **lower}, "", "another reading of the same sample", (), terms)


def _count(one: Mapping[str, Any], band: str, verdict: str, sources: tuple[int, ...], terms: Terms) -> Input:
    derived = "" if one["derivation"] == "measured" else f", {terms.said('derivation', one['derivation'])}"
    name = f"{terms.analyte(COUNT)}{derived}"
    observed = tuple(one["observations"])
    return Input(name, terms.amount(one), terms.day(one["effective"]), band, verdict, sources, observed, True)


def _evidence(e: Mapping[str, Any], verdict: str, terms: Terms) -> Input:
    observed = (e["observation"],) if e.get("observation") else ()
    name, band = terms.analyte(e["analyte"]), terms.band(e.get("band", ""))
    day, sources = terms.day(e.get("effective")), terms.cite(e["citation"])
    return Input(name, terms.amount(e), day, band, verdict, sources, observed, terms.stands_out(e))


def _asked(fact: Mapping[str, Any], terms: Terms) -> Input:
    """A result that a row asked for, beside the evidence."""
    amount, _, when = str(fact.get("result", "")).rpartition(", ")
    name, verdict = capital(terms.fact(fact["fact"])), terms.said("level", fact["level"])
    band = terms.band(fact.get("band", ""))
    if not amount:
        amount, when = when, ""
    return Input(name, terms.band(amount), terms.day(when), band, verdict, (), (fact["observation"],))


def missing(a: Mapping[str, Any], terms: Terms) -> list[str]:
    """What could not be used or was not there: a line for each reason."""
    grouped: dict[str, list[str]] = {}
    for what, reason in (*_unmeasured(a, terms), *_gaps(a, terms)):
        names = grouped.setdefault(reason, [])
        if what not in names:
            names.append(what)
    return [capital(f"{', '.join(names)}: {reason}") for reason, names in grouped.items()]


def _unmeasured(a: Mapping[str, Any], terms: Terms) -> Iterator[tuple[str, str]]:
    """Nutrients that no result speaks of."""
    for nutrient in a["nutrients"]:
        if nutrient["status"] == "not-assessable" and not any(map(_measured, nutrient["evidence"])):
            name = next(n.name for n in terms.knowledge.nutrients if n.id == nutrient["nutrient"])
            yield from ((name, terms.gap(reason)) for reason in nutrient["reasons"])


def _gaps(a: Mapping[str, Any], terms: Terms) -> Iterator[tuple[str, str]]:
    for gap in a["gaps"]:
        detail = "".join(f" ({gap[key]})" for key in ("detail", "observation") if gap.get(key))
        yield terms.missing(gap["what"]), f"{terms.gap(gap['reason'])}{detail}"


def causes(a: Mapping[str, Any], terms: Terms) -> list[tuple[str, str]]:
    """Causes that come into question, the surest first, each with its certainty."""
    found = [(SURE.index(one["certainty"]), one["cause"]) for one in a["causes"] if one["certainty"] in SURE]
    return [(terms.about(cause), terms.said("certainty", SURE[sure])) for sure, cause in sorted(found)]


def _facts(stored: Stored) -> Iterable[Mapping[str, Any]]:
    return (fact for one in stored.explanation if one.get("row") for fact in one["row"]["facts"])
