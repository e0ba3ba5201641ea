"""Each check of the knowledge fails when it should: one fault put into what is loaded, one sentence that names it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from service.clinical.knowledge import InvalidKnowledge, load, profiles
from service.clinical.knowledge.checks import check, domain_of
from service.clinical.knowledge.model import Knowledge, Nutrient, Row, Scale
from service.clinical.knowledge.rules import Faults, read_rules
from service.overlay import load_for_site

OURS = load()
EMERGENCIES = OURS.tables["emergency"]


@pytest.mark.parametrize("profile", profiles())
def test_every_profile_loads_without_a_fault(profile: str) -> None:
    assert check(load(profile)) == []
    assert load(profile).profile == profile


def test_a_profile_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(InvalidKnowledge, match="nice-ng239, bsh-2014, aafp"):
        load("nobody")


def with_scale(fact: str, **change: Any) -> Knowledge:
    first, *others = OURS.scales[fact]
    return replace(OURS, scales={**OURS.scales, fact: (replace(first, **change), *others)})


def with_bands(fact: str, change: Callable[[Scale], tuple[Any, ...]]) -> Knowledge:
    return with_scale(fact, bands=change(OURS.scales[fact][0]))


def with_row(table: str, **change: Any) -> Knowledge:
    """The first row of a table, changed."""
    first, *others = OURS.tables[table]
    return with_table(table, (replace(first, **change), *others))


def with_table(table: str, rows: tuple[Row, ...]) -> Knowledge:
    return replace(OURS, tables={**OURS.tables, table: rows})


def with_nutrient(change: Callable[[Nutrient], Nutrient]) -> Knowledge:
    first, *others = OURS.nutrients
    return replace(OURS, nutrients=(change(first), *others))


def with_status(change: Callable[[tuple[Row, ...]], tuple[Row, ...]]) -> Knowledge:
    return with_nutrient(lambda n: replace(n, status=change(n.status)))


def with_fact(fact: str, **change: Any) -> Knowledge:
    return replace(OURS, facts={**OURS.facts, fact: replace(OURS.facts[fact], **change)})


def then(row: Row, **change: Any) -> Row:
    return replace(row, then={**row.then, **change})


FAULTY = {
    "a scale without a source": (with_scale("crp", citation=""), "scale crp mg/L: cites nothing"),
    "a band without a source": (
        with_bands("crp", lambda s: (replace(s.bands[0], citation="hearsay"), *s.bands[1:])),
        "band not-raised cites hearsay",
    ),
    "a gap in the bands": (
        with_bands("egfr", lambda s: (replace(s.bands[0], below=None), *s.bands[1:])),
        "the last band, and only it, is open",
    ),
    "a last band that ends": (
        with_bands("egfr", lambda s: (*s.bands[:-1], replace(s.bands[-1], below=Decimal(200)))),
        "the last band, and only it, is open",
    ),
    "bands that descend": (with_bands("grade", lambda s: (*s.bands[1::-1], *s.bands[2:])), "the bands do not ascend"),
    "a scale of no analyte": (with_scale("crp", analyte="aura"), "there is no analyte aura"),
    "a unit of another analyte": (with_scale("crp", unit="pg/mL"), "pg/mL is no comparison unit of crp"),
    "a scale for an unknown fact": (with_scale("crp", when={"moon": frozenset(["full"])}), "there is no fact moon"),
    "a scale for an unknown level": (with_scale("crp", when={"sex": frozenset(["both"])}), "sex is never both"),
    "no scale left": (replace(OURS, scales={**OURS.scales, "crp": ()}), "scale crp: no scale is left"),
    "a fact of an unknown concept": (with_fact("hiv", concepts=frozenset(["ague"])), "there is no concept ague"),
    "a fact of no concept": (with_fact("hiv", concepts=frozenset()), "it names no concept"),
    "a fact without a source": (with_fact("hiv", citation=""), "fact hiv: cites nothing"),
    "a choice on an unknown level": (
        with_fact("anemia", choices=(("yes", {"hemoglobin": frozenset(["pale"])}), ("no", {}))),
        "hemoglobin is never pale",
    ),
    "a choice that may not match": (
        with_fact("anemia", choices=OURS.facts["anemia"].choices[:-1]), "its last choice must match always",
    ),
    "a row without a source": (with_row("flag", citation=""), "cites nothing, which is no source"),
    "a row on an unknown fact": (with_row("flag", when={"moon": frozenset(["full"])}), "there is no fact moon"),
    "a row on an unknown level": (with_row("flag", when={"sex": frozenset(["both"])}), "sex is never both"),
    "a prefix of no analyte": (with_row("flag", when={"age:aura": frozenset(["old"])}), "there is no fact age:aura"),
    "a row twice": (with_table("flag", OURS.tables["flag"] * 2), "a row of this id exists already"),
    "a dead emergency": (
        with_table("emergency", (replace(EMERGENCIES[0], id="all", when={}), *EMERGENCIES)),
        "is never reached: earlier rows match all that it matches",
    ),
    "a dead status": (with_status(lambda rows: (*rows[:-1], rows[0], rows[-1])), "b12-conflicting: is never reached"),
    "an end that is not open": (with_status(lambda rows: rows[:-1]), "must match always and say not-assessable"),
    "an end that says something": (
        with_status(lambda rows: (*rows[:-1], then(rows[-1], status="sufficient"))),
        "must match always and say not-assessable",
    ),
    "a status that is none": (
        with_status(lambda rows: (then(rows[0], status="so-so"), *rows[1:])), "so-so is no status",
    ),
    "a measured patient without an answer": (
        with_status(lambda rows: tuple(r for r in rows if r.id != "b12-indeterminate")),
        "nothing but the last row matches when",
    ),
    "an unknown order of a nutrient": (
        with_nutrient(lambda n: replace(n, work_up=frozenset(["tea-leaves"]))), "there is no order tea-leaves",
    ),
    "a dead certainty": (
        with_table("certainty", (*OURS.tables["certainty"], OURS.tables["certainty"][0])), "is never reached",
    ),
    "a certainty on an unknown level": (
        with_row("certainty", when={"features": frozenset(["plenty"])}), "features is never plenty",
    ),
    "a certainty without a source": (with_row("certainty", citation=""), "cites nothing"),
    "an unknown order": (
        with_row("order", then={"order": "tea-leaves", "reason": "x", "group": "y"}), "no order tea-leaves",
    ),
    "an order without a reason": (
        with_row("order", then={"order": "crp", "group": "y"}), "reason and group are missing",
    ),
    "an option of an unknown order": (
        with_row("option", then={"order": "tea-leaves", "text": "x"}), "no order tea-leaves",
    ),
    "a substitute of an unknown order": (
        with_row("substitute", then={"order": [], "use": "tea-leaves"}), "no order tea-leaves",
    ),
    "an indicator that is none": (with_row("indicator", then={"indicator": "alarm"}), "alarm is no indicator"),
    "a cause named by what is no drug and no problem": (
        with_row("competing", then={"cause": "hiv", "certainty": "probable", "named_by": ["severity"]}),
        "named_by severity is no fact of problems or drugs",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTY)
def test_the_check_names(fault: str) -> None:
    knowledge, sentence = FAULTY[fault]
    assert any(sentence in found for found in check(knowledge)), check(knowledge)


def test_all_faults_are_said_at_once() -> None:
    both = replace(with_row("indicator", then={"indicator": "alarm"}), facts=with_fact("hiv", citation="").facts)
    assert len(check(both)) >= 2


def test_the_levels_of_a_fact_are_known() -> None:
    assert domain_of(OURS, "crp") == {"not-raised", "slightly-raised", "raised", "unknown", "crossing"}
    assert domain_of(OURS, "alt") == {"not-raised", "raised", "unknown"}
    assert domain_of(OURS, "hiv") == {"yes", "no"}
    assert domain_of(OURS, "wilson-age") == {"younger", "typical", "older", "unknown"}
    assert domain_of(OURS, "age:copper") == {"current", "ageing", "old", "unknown"}
    assert domain_of(OURS, "moon") is None


SIGNED = '[overlay]\nname = "st-elsewhere"\napproved_by = "Dr. A. Clinician"\napproved_on = 2026-11-01\n'
SITE = '''
[[scale]]
fact = "egfr"
analyte = "egfr"
unit = "mL/min/{1.73_m2}"
bands = [{ level = "low", side = "low", below = 45 }, { level = "not-low", side = "ok" }]
citation = "st-elsewhere-2026"

[[citation]]
id = "st-elsewhere-2026"
text = "St. Elsewhere, laboratory handbook, 2026"
'''


def overlay(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_signed_overlay_replaces_a_scale_and_changes_the_version(tmp_path: Path) -> None:
    laid = load_for_site("nice-ng239", overlay(tmp_path, SIGNED + SITE))
    assert laid.version == f"{OURS.version}+st-elsewhere"
    assert laid.scales["egfr"][0].bands[0].below == 45
    assert laid.scales == {**OURS.scales, "egfr": laid.scales["egfr"]}


def test_a_signed_overlay_replaces_a_limit(tmp_path: Path) -> None:
    laid = load_for_site("nice-ng239", overlay(tmp_path, SIGNED + "[limits]\nfever-celsius = 38.3\n"))
    assert laid.limits == {**OURS.limits, "fever-celsius": Decimal("38.3")}


REFUSED = {
    "unsigned": (SITE, "only a signed overlay changes bands"),
    "signed without a day": (
        SIGNED.replace("approved_on = 2026-11-01\n", "") + SITE, "only a signed overlay changes bands",
    ),
    "without a name": (SIGNED.replace("st-elsewhere", "St Elsewhere!"), "small letters, digits and hyphens"),
    "of a scale that is not ours": (SIGNED + SITE.replace('fact = "egfr"', 'fact = "moon"'), "replaces none of ours"),
    "of a scale in another unit": (SIGNED + SITE.replace("mL/min/{1.73_m2}", "mL/s"), "replaces none of ours"),
    "of a limit that is not ours": (SIGNED + "[limits]\nmoon-days = 28\n", "is no limit of the knowledge"),
    "of a table that cannot be": (SIGNED + '[[order]]\nid = "x"\n', "cannot be overlaid"),
    "without a source": (SIGNED + SITE.replace('citation = "st-elsewhere-2026"\n', ""), "cites nothing"),
    "with bands that descend": (SIGNED + SITE.replace('{ level = "low", side = "low", below = 45 }',
        '{ level = "low", side = "low", below = 45 }, { level = "low", side = "low", below = 40 }'), "do not ascend"),
    "that is no TOML": ("[overlay", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_an_overlay_is_refused_when_it_is(what: str, tmp_path: Path) -> None:
    text, sentence = REFUSED[what]
    with pytest.raises(InvalidKnowledge) as refused:
        load_for_site("nice-ng239", overlay(tmp_path, text))
    assert any(sentence in fault for fault in refused.value.faults), refused.value.faults


def test_an_overlay_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidKnowledge, match="cannot be read"):
        load_for_site("nice-ng239", tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("table", "entry", "said"),
    [
        ("order", {"id": "x", "any_of": [{"fever": "yes"}], "order": "crp"}, "any_of is no word of this table"),
        ("status", {"id": "x", "indicator": "info"}, "indicator is no word of this table"),
        ("fact", {"id": "x", "kind": "problem", "within": 3}, "within is no word of a DeclaredFact"),
        ("fact", {"kind": "problem"}, "'id' is missing"),
        ("citation", {"id": "x", "text": "y", "link": "z"}, "link is no word of a Citation"),
    ],
)
def test_a_word_that_nothing_reads_is_a_fault(table: str, entry: dict[str, Any], said: str) -> None:
    """A condition that were ignored would make its row match too widely."""
    content: dict[str, Any] = {table: [entry]}
    if table == "status":
        scale = {"fact": "x", "analyte": "crp", "by_range": True, "levels": [["a", "ok"]] * 3}
        content |= {"scale": [scale], "nutrient": {"id": "x", "name": "x", "facts": ["x"]}}
    faults = Faults()
    read_rules([("a.toml", content)], faults)
    assert any(said in fault for fault in faults), faults
