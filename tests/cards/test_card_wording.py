"""What wording.toml may say, and that it says enough."""

from __future__ import annotations

import re
from collections.abc import Iterator

import patients
import pytest
from builders import knowledge

from service.cards import cards
from service.cards.words import first_words, known, words

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


@pytest.mark.parametrize("phrase", FORBIDDEN)
def test_no_wording_repeats_a_claim_that_is_not_ours(phrase: str) -> None:
    assert [key for key, text in K.wording.items() if re.search(rf"\b{re.escape(phrase)}\b", text.lower())] == []


def test_only_an_emergency_says_now() -> None:
    """Beyond the texts of H1 a card offers options to weigh; an unverified alert may ask to be confirmed."""
    saying = {
        key.split(".")[1].rpartition("-")[0] for key, text in K.wording.items() if re.search(r"\bnow\b", text.lower())
    }
    assert all(kind.startswith("emergency") or kind == "provisional" for kind in saying), saying


def test_every_wording_is_a_sentence_part_without_blanks_around() -> None:
    assert [key for key, text in K.wording.items() if not text or text != text.strip()] == ["lead.also"][:0]


def used() -> Iterator[tuple[str, str]]:
    for assessment in patients.EVERYONE.values():
        yield "severity", assessment.severity
        yield from (("flag", flag) for flag in assessment.flags)
        for nutrient in assessment.nutrients:
            yield "status", nutrient.status
        for cause in assessment.causes:
            yield from (("cause", cause.cause), ("certainty", cause.certainty))
        yield from (("order", order.order) for order in assessment.orders)


@pytest.mark.parametrize(("table", "key"), sorted(set(used())))
def test_what_the_assessments_use_has_words(table: str, key: str) -> None:
    assert known(K, table, key)


def test_an_unknown_key_reads_as_itself() -> None:
    assert words(K, "cause", "never-heard-of") == "never heard of"
    assert first_words(K, ("reason", "feature"), "never-heard-of") == "never heard of"


def test_a_number_of_the_detail_is_never_left_unfilled() -> None:
    for assessment in patients.EVERYONE.values():
        for card in cards(assessment, K):
            assert not re.search(r"\{[a-z_]+\}", f"{card.summary} {card.detail}")
