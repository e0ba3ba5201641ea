"""The evidence tree: every conclusion leads down to the result, its limit and its source, and says why no other row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html import unescape
from typing import Any
from xml.etree import ElementTree

import pytest
from kept import KNOWLEDGE, judged

from service import explain
from service.cli.story import names
from service.evidence import recorded
from service.fhir.moments import Moments
from service.web.terms import Terms
from service.web.tree import tree

ALL = pytest.mark.parametrize("name", names())
COPPER = "copper-low-after-bypass-high-zinc"


@cache
def explanation(name: str) -> tuple[dict[str, Any], ...]:
    _, facts, now = judged(name)
    return tuple(explain.as_json(explain.explain(facts, KNOWLEDGE, now)))


@cache
def fragment(name: str, of_check: bool = False) -> str:
    assessment, _, now = judged(name)
    assert now.tzinfo
    terms = Terms(KNOWLEDGE, now, Moments(now.tzinfo))
    return tree(recorded(assessment), explanation(name), terms, of_check=of_check)


def words(part: str) -> str:
    """The text without what is quoted as an id."""
    bare = re.sub(r"<code>.*?</code>", "", part)
    inline = re.sub(r"</?(?:b|strong|span|a|cite)\b[^>]*>", "", bare)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", inline)).split())


def branch(name: str, about: str) -> str:
    """The conclusions about one thing, as text."""
    found = ElementTree.fromstring(fragment(name)).iter("details")
    return " ".join(
        words(ElementTree.tostring(one, "unicode"))
        for one in found
        if one.get("class") == "conclusion" and str("".join(one[0].itertext())).startswith(about)
    )


def facts_of(rows: Any) -> Iterator[dict[str, Any]]:
    for fact in rows:
        yield fact
        yield from facts_of(fact.get("because", ()))


@ALL
def test_it_is_sound_without_script_or_style_and_opens_by_keyboard(name: str) -> None:
    root = ElementTree.fromstring(fragment(name))
    assert "style=" not in fragment(name) and "<script" not in fragment(name)
    for one in root.iter("details"):
        assert one[0].tag == "summary" and "".join(one[0].itertext()).strip()
        assert [child.tag for child in one].count("summary") == 1


@ALL
def test_every_row_stands_with_its_facts_its_results_and_its_source(name: str) -> None:
    said, text = words(fragment(name)), fragment(name)
    for one in explanation(name):
        rows = ([one["row"]] if one.get("row") else []) + one["near"]
        for row in rows:
            assert " ".join(KNOWLEDGE.citations[row["citation"]].text.split()) in said
        for fact in facts_of(one["row"]["facts"] if one.get("row") else ()):
            assert not fact.get("observation") or f"<code>{fact['observation']}</code>" in text


IDS = {fact for row in KNOWLEDGE.tables["indicator"] for fact in row.when} | set(KNOWLEDGE.facts)
RAW = {one for one in IDS if "-" in one}


@ALL
def test_no_fact_and_no_row_stands_there_as_its_id(name: str) -> None:
    said = words(fragment(name))
    shown = {one for one in RAW if re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", said)}
    assert shown == set()
    assert re.findall(rf"\b(?:{'|'.join(KNOWLEDGE.prefixes)}):[a-z]\S*", said) == []
    rows = {row["row"] for one in explanation(name) for row in one["near"] if "-" in row["row"]}
    # Some ids are words of English: a row is only raw where its hyphens are.
    assert {row for row in rows if re.search(rf"(?<![\w-]){re.escape(row)}(?![\w-])", said)} <= WORDS
    assert " yes with " not in said


WORDS = {"low-for-age"}


def test_a_conclusion_leads_to_the_result_its_day_its_limit_and_its_source() -> None:
    said = branch(COPPER, "Copper:")
    assert said.startswith("Copper: deficient By the rule: deficient")
    assert "Copper: low · 12 ug/dL, 14 Jun · limit below the laboratory's range 80 to 155 ug/dL" in said
    assert "Source: ESPEN micronutrient guideline 2022" in said


def test_the_grade_says_how_the_count_came_about() -> None:
    said = branch(COPPER, "Grade of the count")
    assert "Neutrophil count: severe neutropenia · 0.396 x10*9/L, white cells x percent, 14 Jun" in said
    assert "limit 0.2 to <0.5 x10*9/L" in said


def test_a_row_that_did_not_match_says_what_it_asks_for_and_what_is_there() -> None:
    said = branch(COPPER, "Copper:")
    assert "Rules that one fact kept from deciding" in said
    assert "Wilson disease on record is no, it asks for yes" in said


def test_a_fact_made_of_others_leads_to_the_results_behind_it() -> None:
    said = branch(COPPER, "Raises a card: second cell line low")
    assert "Second cell line low enough to warn: yes Anemia: yes Hemoglobin: markedly low · 8.9 g/dL, 14 Jun" in said


def test_a_problem_or_a_drug_is_named() -> None:
    said = branch("fever-after-chemotherapy-no-count", "Emergency")
    assert re.search(r"on file: \w+", said)


def test_a_cause_names_the_findings_that_point_to_it() -> None:
    said = branch(COPPER, "Copper deficiency: established")
    assert "Findings that point to it: anemia with platelets preserved" in said
    assert "Behind it: zinc excess; gastric bypass" in said


def test_what_leads_stands_before_what_else_was_judged() -> None:
    root = ElementTree.fromstring(fragment(COPPER))
    *first, rest = list(root)
    assert [one.get("class") for one in first] == ["conclusion"] * len(first)
    assert rest.get("class") == "also" and "What else was judged (" in "".join(rest[0].itertext())
    assert "Folate: sufficient" in words(ElementTree.tostring(rest, "unicode"))


def test_beside_the_card_of_an_order_check_nothing_of_it_leads() -> None:
    root = ElementTree.fromstring(fragment(COPPER, of_check=True))
    assert [one.get("class") for one in root] == ["also"]


def test_nothing_explained_is_nothing_shown() -> None:
    assessment, _, now = judged(COPPER)
    assert now.tzinfo
    assert tree(recorded(assessment), (), Terms(KNOWLEDGE, now, Moments(now.tzinfo))) == ""


@pytest.mark.parametrize("key", ["fact", "level", "band", "result", "observation", "row", "citation"])
def test_a_text_of_an_explanation_is_no_markup(key: str) -> None:
    bad = "<script>alert(1)</script>"
    fact: dict[str, Any] = {"fact": "b12", "level": "deficient", "wanted": [bad], "holds": False, "onFile": [bad]}
    row: dict[str, Any] = {"row": "b12-deficient", "citation": "nice-ng239", "facts": [fact]}
    (fact if key not in row else row)[key] = bad
    assessment, _, now = judged(COPPER)
    assert now.tzinfo
    said = [{"about": bad, "conclusion": bad, "row": row, "near": [row]}]
    text = tree(recorded(assessment), said, Terms(KNOWLEDGE, now, Moments(now.tzinfo)))
    assert "<script" not in text
    ElementTree.fromstring(text)
