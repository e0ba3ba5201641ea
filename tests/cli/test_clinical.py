"""docs/clinical.md is what the engine runs: the file is what the command prints, nothing that decides is missing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest
from click.testing import CliRunner

from service.cli import main
from service.cli.clinical import LIMITS, document
from service.cli.clinical_words import Paper
from service.clinical.knowledge import load, profiles
from service.clinical.knowledge.model import Row
from service.fhir.moments import Moments
from service.web.terms import Terms

ROOT = Path(__file__).resolve().parents[2]
KNOWLEDGE = load()
DOCUMENT = document(KNOWLEDGE)
PAPER = Paper(Terms(KNOWLEDGE, datetime(2026, 1, 1, tzinfo=UTC), Moments(UTC)))
FLAT = DOCUMENT.replace("\\*", "*").replace("\\|", "|")


def section(title: str) -> str:
    return f"{FLAT}\n## ".partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_file_is_what_the_command_prints() -> None:
    printed = CliRunner(env={"CDS_THRESHOLDS": ""}).invoke(main, ["doctor", "--clinical"]).output
    assert printed == DOCUMENT
    assert (ROOT / "docs/clinical.md").read_text("utf-8") == DOCUMENT, (
        "write it anew: ./cds doctor --clinical > docs/clinical.md"
    )


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_it_is_the_same_in_every_process(seed: str) -> None:
    command = [sys.executable, "-c", "from service.cli import main; main(['doctor', '--clinical'])"]
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
    environ |= {"PYTHONHASHSEED": seed}
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == DOCUMENT


def test_it_is_the_same_each_time_and_speaks_of_the_thresholds_in_force() -> None:
    assert document(load()) == DOCUMENT
    assert "thresholds for vitamin B12 **aafp**" in document(load("aafp"))
    for name in set(profiles()) - {KNOWLEDGE.profile}:
        assert f"### {name}\n" in section("Other limits to choose")


def test_the_contents_lead_to_every_section() -> None:
    listed = re.findall(r"^- \[(.+)\]\(#(.+)\)$", DOCUMENT, re.MULTILINE)
    assert [name for name, _ in listed] == re.findall(r"^## (.+)$", DOCUMENT, re.MULTILINE)
    assert [anchor for _, anchor in listed] == [re.sub(r"[^\w-]", "", n.lower().replace(" ", "-")) for n, _ in listed]


def test_every_band_stands_there_with_its_limits() -> None:
    for fact, scales in KNOWLEDGE.scales.items():
        for band in (band for scale in scales for band in scale.bands):
            numbered = band.label[:1] in "<≤>≥" or band.label[:1].isdigit()
            assert (band.label.rpartition(" ")[0] if numbered else band.label) in FLAT, (fact, band.label)


ROWS_IN = {
    "Emergencies": "emergency", "Other causes": "competing", "What is suggested": "order",
    "What raises a card": "indicator", "Checks of orders": "check", "How sure a nutrient is the cause": "certainty",
}  # fmt: skip


@pytest.mark.parametrize(("title", "name"), ROWS_IN.items())
def test_every_row_of_a_table_has_its_line(title: str, name: str) -> None:
    text = section(title)
    more = len(KNOWLEDGE.tables["composite"]) if name == "certainty" else 0
    assert len(lines_of(text)) == len(KNOWLEDGE.tables[name]) + more


@pytest.mark.parametrize("nutrient", KNOWLEDGE.nutrients, ids=lambda nutrient: nutrient.id)
def test_every_row_of_a_nutrient_has_its_line(nutrient: object) -> None:
    one = next(n for n in KNOWLEDGE.nutrients if n is nutrient)
    scales = sum(len(KNOWLEDGE.scales[fact]) for fact in one.facts)
    rows = len(one.status) + len(one.feature) + len(one.specific) + len(one.cap)
    assert len(lines_of(section(one.name[0].upper() + one.name[1:]))) == scales + rows


def lines_of(text: str) -> list[str]:
    """The rows of the tables, without their heads."""
    found = [line for line in text.splitlines() if line.startswith("| ")]
    return [line for line in found if not re.match(r"\| (\w[\w ,]*\| )+Source \|$", line)]


def rows() -> Iterator[Row]:
    yield from chain.from_iterable(KNOWLEDGE.tables[name] for name in ROWS_IN.values())
    for one in KNOWLEDGE.nutrients:
        yield from chain(one.status, one.feature, one.specific, one.cap)


def test_every_source_of_a_row_is_listed_and_every_number_has_its_source() -> None:
    listed = section("Sources")
    assert [row.citation for row in rows() if KNOWLEDGE.citations[row.citation].text not in listed] == []
    cited = {int(number) for number in re.findall(r"\[(\d+)\]", FLAT.partition("\n## Sources\n")[0])}
    assert cited == {int(number) for number in re.findall(r"^(\d+)\. ", listed, re.MULTILINE)}


def test_no_id_stands_where_there_are_words() -> None:
    ids = {fact for fact in (*KNOWLEDGE.facts, *KNOWLEDGE.scales, *KNOWLEDGE.domains) if fact.count("-") > 1}
    cells = re.sub(r"<https?://[^>]*>", "", FLAT)
    assert [one for one in ids if re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", cells)] == []


def test_each_line_of_a_table_has_as_many_cells_as_its_head() -> None:
    for block in re.findall(r"(?:^\|.*\n)+", DOCUMENT, re.MULTILINE):
        head, rule, *lines = block.splitlines()
        wanted = rule.count("---")
        assert head.count("|") == wanted + 1
        for line in lines:
            assert len(re.findall(r"(?<!\\)\|", line)) == wanted + 1, line


def test_the_block_to_sign_names_the_version_and_says_that_nobody_has() -> None:
    text = section("Sign-off")
    assert text.count(f"| {KNOWLEDGE.version} |") == 2
    assert "No clinician has signed it off yet" in text
    assert all(head in text for head in ("Name", "Role", "Date", "Signature"))


def test_what_is_not_judged_is_written_by_hand_beside_the_knowledge() -> None:
    by_hand = (ROOT / LIMITS).read_text("utf-8").partition("\n")[2].strip()
    assert by_hand in DOCUMENT and len(by_hand.splitlines()) > 20


def test_nothing_in_a_cell_is_taken_for_markup() -> None:
    assert Paper.safe("**a** 10*9/L | b\nc") == "a 10\\*9/L \\| b c"


def test_it_says_of_what_comes_once_in_how_many_days() -> None:
    rows = [row for table in ("indicator", "check") for row in KNOWLEDGE.tables[table] if "once_days" in row.then]
    assert len(re.findall(r"\(on one day in \d+\)", FLAT)) == len(rows) > 0
    assert "Low count below 1.2 with a Duffy-null phenotype (on one day in 90)" in section("What raises a card")


def test_an_option_names_the_order_that_it_belongs_to() -> None:
    lines = lines_of(section("Treatment in words, and advice").partition("### ")[0])
    said = PAPER.terms.said
    for line, row in zip(lines, KNOWLEDGE.tables["option"], strict=True):
        assert f"| suggested: {said('order', row.then['order'])}; " in line
    assert "| suggested: zinc replacement; age: 16 years or older or not known |" in FLAT


def test_scales_of_one_result_say_what_each_is_for() -> None:
    facts = [fact for fact in KNOWLEDGE.scales if KNOWLEDGE.scales[fact]]
    named = [PAPER.scale(fact) for fact in facts]
    assert [name for name in named if named.count(name) > 1] == []
    assert all(f"| {name} | " in FLAT for name in named)


def test_no_word_is_said_twice_and_ages_that_follow_on_each_other_are_one() -> None:
    assert re.findall(r"\b(\w+) \1\b|\b(below the limit) below|(above the limit) above|US or US", FLAT) == []
    assert "| within the laboratory's range;" not in FLAT and "; within the laboratory's range; above the" in FLAT
    assert "EU or US (also where none is set)" in FLAT and "follows: US (also where none is set)" in FLAT
    assert not [a for a in re.findall(r"to below (\d+ \w+)", FLAT) if f"to below {a} or {a} or older" in FLAT]
    assert "age: 18 years or older | <51 ug/dL" in FLAT
    assert "age: 12 years or older or not known; pregnancy" in FLAT


def test_ages_are_joined_only_where_they_meet() -> None:
    for wanted, said in (
        ({"adult", "unknown"}, "age: 19 years or older or not known"),
        ({"under-6-months", "child", "adult"}, "age: below 10.3 years or 19 years or older"),
        ({"early-teens", "late-teens"}, "age: 10.3 years to below 18 years"),
    ):
        assert PAPER.when({"copper-age-group": frozenset(wanted)}) == said
