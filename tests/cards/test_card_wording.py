"""What wording.toml may say, and that it says enough."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import patients
import pytest
import yaml
from builders import knowledge

from service.cards import cards
from service.cards.words import capital, first_words, known, words
from service.files import find_file

K = knowledge()

# Claims of lay articles that must not be repeated (knowledge F), and devices' language (FDA: no alarm, no triage).
FORBIDDEN = (
    "neutropenic diet",
    "hepa",
    "levofloxacin",
    "fluconazole",
    "aciclovir",
    "acyclovir",
    "posaconazole",
    "pegfilgrastim",
    "filgrastim",
    "efbemalenograstim",
    "eflapegrastim",
    "lenograstim",
    "trilaciclib",
    "molgramostim",
    "plerixafor",
    "g-csf",
    "gm-csf",
    "transplant",
    "vitamin c",
    "vitamin d",
    "selenium",
    "omega-3",
    "glutamine",
    "cortisol",
    "stress",
    "smoking",
    "exercise",
    "flowers",
    "crowds",
    "isolation",
    "albumin indicates",
    "immune booster",
    "prophylaxis",
    "race",
    "ethnic",
    "immediately",
    "must be ordered",
    "guaranteed",
)


# What a clinician orders is named in the title of the check that advises against it.
TITLED = {("g-csf", "check-title.O11")}


@pytest.mark.parametrize("phrase", FORBIDDEN)
def test_no_wording_repeats_a_claim_that_is_not_ours(phrase: str) -> None:
    repeated = {key for key, text in K.wording.items() if re.search(rf"\b{re.escape(phrase)}\b", text.lower())}
    assert {(phrase, key) for key in repeated} <= TITLED


def test_only_an_emergency_says_now() -> None:
    """Beyond the texts of H1 a card offers options to weigh; an unverified alert may ask to be confirmed."""
    saying = {
        key.split(".")[1].rpartition("-")[0] for key, text in K.wording.items() if re.search(r"\bnow\b", text.lower())
    }
    behind = {key.split(".")[1].rpartition("-")[0] for key in K.wording if key.startswith("also.")}
    assert all(kind.startswith("emergency") or kind == "provisional" for kind in saying - behind), saying


def test_every_wording_is_a_sentence_part_without_blanks_around() -> None:
    assert [key for key, text in K.wording.items() if not text or text != text.strip()] == ["lead.also"][:0]


def vocabulary() -> Iterator[tuple[str, str]]:
    """Every code that an Assessment may carry, as openapi.yaml lists them."""
    schemas = yaml.safe_load(find_file("openapi.yaml").read_text(encoding="utf-8"))["components"]["schemas"]
    fields = {"severity", "course", "flags", "status", "cause", "certainty"}
    for path, codes in enumerations(schemas["Assessment"], schemas):
        name = next((part for part in reversed(path) if part in fields), None)
        if name:
            table = {"flags": "flag"}.get(name, name)
            yield from ((table, code) for code in codes)


def enumerations(
    schema: Any, schemas: dict[str, Any], path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    if isinstance(schema, list):
        for part in schema:
            yield from enumerations(part, schemas, path)
    if isinstance(schema, dict):
        if "$ref" in schema and (name := schema["$ref"].rpartition("/")[2]) in schemas:
            others = {one: part for one, part in schemas.items() if one != name}  # a schema may hold itself
            yield from enumerations(schemas[name], others, path)
        if "enum" in schema:
            yield path, schema["enum"]
        for key, part in schema.items():
            yield from enumerations(part, schemas, (*path, key))


VOCABULARY = sorted(set(vocabulary()))


def test_the_vocabulary_was_found() -> None:
    assert {table for table, _ in VOCABULARY} == {"severity", "course", "flag", "status", "cause", "certainty"}


@pytest.mark.parametrize(("table", "key"), VOCABULARY)
def test_every_code_of_an_assessment_has_words(table: str, key: str) -> None:
    assert known(K, table, key)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("copper", "Copper"), ("**copper** low", "**Copper** low"), ("tTG-IgA", "tTG-IgA"), ("eGFR", "eGFR"), ("", "")],
)
def test_a_sentence_begins_with_a_capital_but_a_symbol_stays(text: str, shown: str) -> None:
    assert capital(text) == shown


def test_an_unknown_key_reads_as_itself() -> None:
    assert words(K, "cause", "never-heard-of") == "never heard of"
    assert first_words(K, ("reason", "feature"), "never-heard-of") == "never heard of"


def test_a_number_of_the_detail_is_never_left_unfilled() -> None:
    for assessment in patients.EVERYONE.values():
        for card in cards(assessment, K):
            assert not re.search(r"\{[a-z_]+\}", f"{card.summary} {card.detail}")
