"""Loads the knowledge, checks it whole and gives the frozen result.

In: the TOML files beside this module, the name of a threshold profile, what a site lays over the rules.
Out: Knowledge, or InvalidKnowledge with every fault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from service.clinical.knowledge.checks import check
from service.clinical.knowledge.model import Knowledge, Row, Scale
from service.clinical.knowledge.rules import Document, Faults, InvalidKnowledge, Rules, read_rules
from service.clinical.knowledge.vocabulary import load_vocabulary, read_toml

FOLDER = Path(__file__).parent
LayOver = Callable[[Rules, Faults], str]
NOT_RULES = frozenset(["orders.toml", "reading.toml", "citations_vocabulary.toml", "wording.toml", "names.toml"])


def profiles() -> tuple[str, ...]:
    """The names of the threshold profiles."""
    return tuple(read_toml(FOLDER / "knowledge.toml")["profiles"])


def load(profile: str = "nice-ng239", lay_over: LayOver | None = None, folder: Path = FOLDER) -> Knowledge:
    """The checked knowledge of a folder for one profile; InvalidKnowledge says all faults at once.

    `lay_over` changes the rules and gives the name that goes into the version.
    """
    faults = Faults()
    documents = [(p.name, read_toml(p)) for p in sorted(folder.glob("*.toml")) if p.name not in NOT_RULES]
    documents.sort(key=lambda d: d[1].get("nutrient", {}).get("place", 0))
    head = next(content for name, content in documents if name == "knowledge.toml")
    if profile not in head["profiles"]:
        raise InvalidKnowledge([f"there is no profile of this name; choose one of {', '.join(head['profiles'])}"])
    rules = read_rules(documents, faults)
    version, signed = str(head["knowledge"]["version"]), str(head["knowledge"]["signed_off_by"])
    if lay_over is not None:
        version = f"{version}+{lay_over(rules, faults)}"
    made = {"version": version, "profile": profile, "signed_off_by": signed}
    knowledge = _built(rules, documents, folder, str(head["profiles"][profile]), faults, **made)
    if knowledge:
        faults += check(knowledge)
    if faults or knowledge is None:
        raise InvalidKnowledge(faults)
    return knowledge


def _built(
    rules: Rules, documents: list[Document], folder: Path, source: str, faults: Faults, **made: Any
) -> Knowledge | None:
    try:
        words = load_vocabulary(folder)
    except InvalidKnowledge as invalid:
        faults += invalid.faults
        return None
    profile = made["profile"]
    return Knowledge(
        **made,
        analytes=words.analytes,
        analyte_of=words.analyte_of,
        concepts=words.concepts,
        orders=words.orders,
        reading=words.reading,
        citations={**words.citations, **rules.citations},
        scales={fact: _for_profile(scales, profile) for fact, scales in rules.scales.items()},
        nutrients=tuple(replace(n, status=_cited(n.status, source)) for n in rules.nutrients),
        tables={name: _cited(tuple(rows), source) for name, rows in rules.tables.items()},
        causal=tuple(n for n in rules.nutrients if n.cause),
        facts=rules.facts,
        limits=rules.limits,
        certainty_domains=rules.certainty_domains,
        wording=_wording(folder / "names.toml") | _wording(folder / "wording.toml") | _summaries(rules.tables["check"]),
        **_sections({name: table for _, content in documents for name, table in content.items()}),
    )


def _sections(tables: Mapping[str, Any]) -> dict[str, Any]:
    """The single tables of the files: what the count is read from, the newborn curve, domains of derived facts."""
    count, curve = tables["count"], tables["newborn"]["hours_and_limits"]
    return {
        "count_analytes": frozenset(count["analytes"]),
        "lineages": frozenset(count["lineages"]),
        "shown_facts": tuple(count["shown"]),
        "newborn_curve": tuple((Decimal(hour), Decimal(limit)) for hour, limit in curve),
        "recovery_concepts": {name: frozenset(concepts) for name, concepts in tables["recovery"].items()},
        "domains": {fact: frozenset(levels) for fact, levels in tables["domain"].items()},
        "prefixes": {prefix: frozenset(levels) for prefix, levels in tables["prefix"].items()},
    }


def _for_profile(scales: list[Scale], profile: str) -> tuple[Scale, ...]:
    """The scales of a fact without those of other profiles."""
    chosen = [s for s in scales if profile in s.when.get("profile", (profile,))]
    return tuple(replace(s, when={f: v for f, v in s.when.items() if f != "profile"}) for s in chosen)


def _cited(rows: tuple[Row, ...], source: str) -> tuple[Row, ...]:
    """Rows whose citation is `profile` cite the source of the profile in force."""
    return tuple(replace(r, citation=source) if r.citation == "profile" else r for r in rows)


def _summaries(checks: list[Row]) -> dict[str, str]:
    """The summaries of the order checks, as those of other cards: the longest that fits is taken."""
    texts = ((row.id, row.then.get("summary", ())) for row in checks)
    return {f"summary.check-{id}-{rung}": text for id, said in texts for rung, text in enumerate(said, 1)}


def _wording(path: Path) -> dict[str, str]:
    return {f"{table}.{key}": text for table, texts in read_toml(path).items() for key, text in texts.items()}
