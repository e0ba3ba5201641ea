"""The body of a card: the verdict first, evidence with its thresholds and sources, nothing from a chart that acts."""

from __future__ import annotations

import re
from dataclasses import replace

import patients
import pytest
from builders import CITATIONS, cause, knowledge, normal, nutrient, order, patient, result, unmeasured

from service.cards import cards
from service.clinical.assessment import Advice, Assessment, Evidence, Option
from service.clinical.facts import Gap

K = knowledge()
SPOKEN = sorted(name for name, assessment in patients.EVERYONE.items() if assessment.indicator != "none")
HOSTILE = {
    "a script": "<script>alert(1)</script>",
    "an image with a handler": "<img src=x onerror=alert(1)>",
    "a link that runs": "[x](javascript:alert(1))",
    "an image": "![x](https://evil.example/x.png)",
    "a bare address": "see https://evil.example/x",
    "table cells": "a | b | c",
    "lines of its own": "a\n\n# heading\n\n- item",
    "ten kilobytes": "word " * 2000,
    "one word of ten kilobytes": "w" * 10_000,
    "format names": "{count} {0.__class__} %s",
}

ACTIVE = r"<|(?<!\\)[!\]][\[(](javascript|x|https)|://evil|\n# heading|\n- item"


def body(assessment: Assessment) -> str:
    return cards(assessment, K)[-1].detail or ""


def section(assessment: Assessment, title: str) -> list[str]:
    """The lines below a heading of the detail."""
    found = re.search(rf"^#### {title}\n\n(.*?)(?:\n\n|\Z)", body(assessment), re.MULTILINE | re.DOTALL)
    return found[1].splitlines() if found else []


@pytest.mark.parametrize("name", SPOKEN)
def test_the_first_line_is_the_verdict_in_bold(name: str) -> None:
    first = body(patients.EVERYONE[name]).splitlines()[0]
    assert first.startswith("**")
    assert first.endswith((".", ".**"))


@pytest.mark.parametrize("name", SPOKEN)
def test_the_last_line_names_knowledge_thresholds_date_and_limits(name: str) -> None:
    assert body(patients.EVERYONE[name]).splitlines()[-1] == (
        "Knowledge 1.0.0, not yet signed off by a clinician, thresholds nice-ng239; results as of 15 Jun 2026. "
        "Advice for a clinician to review; not for emergency triage."
    )


def test_a_clinician_who_signed_takes_the_notice_away() -> None:
    (card,) = cards(patients.MILD, replace(K, signed_off_by="Dr. A. Clinician"))
    assert "Knowledge 1.0.0, thresholds" in (card.detail or "") and "signed off" not in (card.detail or "")


def test_advice_for_the_patient_stands_on_the_main_card_with_its_source() -> None:
    advice = (Advice("hygiene", "Wash hands.", "bnf"),)
    assert section(replace(patients.MILD, advice=advice), "For the patient") == ["- Wash hands. [2]"]
    emergency, main = cards(replace(patients.BLASTS, advice=advice), K)
    assert "Wash hands." in (main.detail or "") and "Wash hands." not in (emergency.detail or "")


def test_a_second_emergency_is_a_line_on_the_first_ones_card() -> None:
    (card,) = cards(replace(patients.EMERGENCY, emergencies=("febrile-neutropenia", "methotrexate-toxicity")), K)
    assert "Also: **possible methotrexate toxicity**" in (card.detail or "")


@pytest.mark.parametrize("name", SPOKEN)
def test_the_unit_of_the_count_never_becomes_emphasis(name: str) -> None:
    assert not re.search(r"10(?<!\\)\*9", body(patients.EVERYONE[name]))


@pytest.mark.parametrize("name", SPOKEN)
def test_every_row_of_the_table_has_four_cells(name: str) -> None:
    for row in section(patients.EVERYONE[name], "What was found"):
        assert row.count("|") == 5, row


def test_what_was_found_shows_result_date_threshold_source_and_verdict() -> None:
    assert section(patients.PERNICIOUS, "What was found")[2:] == [
        r"| Neutrophils 0.90 x10\*9/L (900 per uL) | 14 Jun | 0.5 to &lt;1.0 x10\*9/L | **moderate neutropenia** |",
        "| Hemoglobin 9.1 g/dL | 14 Jun | &lt;12.0 g/dL [1] | below the limit |",
        "| MCV 115 fL | 14 Jun | &gt;100 fL [1] | above the limit |",
        "| Vitamin B12 140 pg/mL | 10 Jun | &lt;180 pg/mL [2] | **deficient** |",
        "| Methylmalonic acid 7.4 umol/L | 14 Jun | &gt;0.40 umol/L [2] | raised |",
        "| Folate 15.6 ng/mL | 14 Jun | &gt;=4 ng/mL [3] | **sufficient** |",
    ]


def test_causes_come_with_certainty_reasons_and_sources_the_likeliest_first() -> None:
    assert section(patients.PERNICIOUS, "Causes") == [
        "- **Vitamin B12 deficiency: established** (MCV above its limit; a second cell line is low) [2]",
        "- **Pernicious anemia: established** (anti-intrinsic factor antibody positive) [2]",
        "- **Drug-induced neutropenia: possible** (metformin)",
        "- Unlikely: folate deficiency",
    ]
    assert "- Copper, CRP: not recorded" in section(patients.PERNICIOUS, "Not known")


def test_in_an_infant_nutrition_never_comes_first() -> None:
    assert [line.split(":")[0] for line in section(patients.INFANT, "Causes")] == [
        "- **Congenital neutropenia",
        "- **Vitamin B12 deficiency",
    ]


def test_reasons_of_a_status_are_said_in_words() -> None:
    (row,) = [row for row in section(patients.COPPER, "What was found") if row.startswith("| Copper")]
    assert row.endswith("| **deficient**; CRP not recorded within 72 h; read as not raised |")


def test_what_is_absent_is_not_recorded_and_never_normal() -> None:
    lines = section(patients.MILD, "Not known")
    assert lines == ["- Vitamin B12, folate, copper, CRP: not recorded"]
    assert "normal" not in body(patients.MILD).lower()


def test_more_than_six_reasons_are_counted() -> None:
    gaps = tuple(Gap(f"thing-{n}", f"reason-{n}") for n in range(9))
    lines = section(normal(gaps=gaps, nutrients=()), "Not known")
    assert lines[5:] == ["- Thing 5: reason 5", "- and 3 more"]


def test_six_reasons_are_all_said() -> None:
    gaps = tuple(Gap(f"thing-{n}", f"reason-{n}") for n in range(6))
    assert section(normal(gaps=gaps), "Not known")[-1] == "- Thing 5: reason 5"


def test_an_unmapped_result_is_named() -> None:
    line = section(
        patient(nutrients=(), gaps=(Gap("Observation", "no-known-code", "Observation/9", "Neutro abs"),)), "Not known"
    )
    assert line == ["- An observation: looks like one of ours, but its code is not known here (Neutro abs)"]


def test_an_unknown_reason_reads_as_itself() -> None:
    assert section(patient(causes=(cause("alcohol", "possible", "new-reason", kind="competing"),)), "Causes") == [
        "- **Direct effect of alcohol: possible** (new reason)"
    ]


def test_orders_with_one_reason_share_a_line_and_medication_is_no_order() -> None:
    assert section(patients.MILD, "Suggested orders and why")[1] == (
        "- **Vitamin B12, folate, copper, ceruloplasmin**: Not recorded, and a nutritional cause of a low count."
    )
    assert not [line for line in section(patients.PERNICIOUS, "Suggested orders and why") if "replacement" in line]


def test_orders_say_how_soon_and_how_urgent() -> None:
    orders = (order("crp", "x", "A.", priority="stat", within_days=0), order("tsh", "x", "B.", within_days=1))
    assert section(patient(orders=orders), "Suggested orders and why") == [
        "- **CRP** (stat, today): A.",
        "- **TSH** (within 1 day): B.",
    ]


def test_options_carry_their_caution_and_source() -> None:
    (line,) = section(patients.DEFICIENT_NORMAL, "Options to weigh")
    assert line.startswith("- Hydroxocobalamin 1 mg")
    assert line.endswith(
        r"*Caution: Draw diagnostic samples first when that delays nothing. Deep subcutaneous or oral when "
        r"platelets are below 50 x10\*9/L.* [2]"
    )


@pytest.mark.parametrize("name", SPOKEN)
def test_only_what_is_cited_is_listed_and_every_number_has_its_source(name: str) -> None:
    text, lines = body(patients.EVERYONE[name]), section(patients.EVERYONE[name], "Sources")
    above = text.partition("#### Sources")[0]
    cited = {int(number) for number in re.findall(r" \[(\d+)\]", above)}
    assert [line.split(". ")[0] for line in lines] == [str(number) for number in sorted(cited)]


def test_a_source_with_an_address_is_a_link_and_an_unknown_one_is_named() -> None:
    evidence = replace(result("folate", "2.4", "ng/mL", "deficient", "<3 ng/mL"), citation="local-handbook")
    lines = section(normal(nutrients=(nutrient("folate", "deficient", evidence, patients.B12_LOW),)), "Sources")
    assert lines == ["1. local-handbook", f"2. [{CITATIONS['nice-ng239'].text}]({CITATIONS['nice-ng239'].url})"]


@pytest.mark.parametrize("name", HOSTILE)
def test_text_from_a_chart_is_inert_and_cut(name: str) -> None:
    """operations fault 54."""
    text = HOSTILE[name]
    evidence = Evidence(
        "intrinsic-factor-antibody", "anti-intrinsic factor antibody", "bnf", "Observation/1", text=text
    )
    hostile = patient(
        nutrients=(nutrient("vitamin B12", "deficient", evidence), *unmeasured("folate")),
        lineages=(replace(evidence, name="smear"),),
        gaps=(Gap("Observation", "no-known-code", "Observation/9", text), Gap(text, "status")),
    )
    (card,) = cards(hostile, K)
    detail = card.detail or ""
    assert not re.search(ACTIVE, detail)
    assert len(detail) < 4000
    assert all(row.count("|") == 5 for row in detail.splitlines() if row.startswith("|"))
    assert len(card.summary) < 140 and "script" not in card.summary


def test_options_and_reasons_are_never_cut() -> None:
    long = "A sentence that goes on. " * 30
    orders = (order("crp", "x", long + "Last."),)
    detail = body(patient(orders=orders, options=(Option("x", long + "End.", "", "bnf"),)))
    assert "Last." in detail and "End." in detail
