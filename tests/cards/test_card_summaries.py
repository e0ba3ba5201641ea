"""What a card says in one line: fewer than 140 characters (cds-hooks 46), count with unit and date, likeliest cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import patients
import pytest
from builders import (
    AS_OF,
    cause,
    count,
    exact,
    knowledge,
    normal,
    nutrient,
    on,
    order,
    patient,
    result,
    severe,
    ungraded,
)

from service.cards import cards
from service.cards.summary import SUMMARY_LIMIT, Headline, summary
from service.cards.words import cells, count_text, day, fitted
from service.clinical.assessment import Assessment
from service.clinical.facts import Gap, Moment
from service.clinical.interval import Interval

K = knowledge()

SUMMARIES = {
    "mild": "Mild neutropenia 1.20 x10*9/L (12 Jun): cause not established; not recorded: vitamin B12, folate, copper",
    "indeterminate": "Moderate neutropenia 0.80 x10*9/L (14 Jun): "
    "vitamin B12 indeterminate, measure methylmalonic acid",
    "pernicious": "Bicytopenia, moderate neutropenia 0.90 x10*9/L (14 Jun): "
    "established cause: vitamin B12 deficiency and pernicious anemia",
    "folate": "Mild neutropenia 1.30 x10*9/L (14 Jun): probable cause: folate deficiency",
    "copper": "Moderate neutropenia 0.80 x10*9/L (14 Jun): probable cause: copper deficiency",
    "wilson": "Mild neutropenia 1.20 x10*9/L (12 Jun): copper low, Wilson disease not excluded",
    "clumped": "Neutrophil count of 13 Jun cannot be graded: clumps or an old sample reported. Repeat",
    "stale": "Last neutrophil count 0.80 x10*9/L on 1 Dec 2025 is 196 days old: repeat",
    "provisional": "PROVISIONAL neutrophils 0.30 x10*9/L (15 Jun, preliminary): confirm now",
    "deficient-normal": "Vitamin B12 deficient (140 pg/mL, 10 Jun); neutrophils normal",
    "indeterminate-normal": "Vitamin B12 indeterminate (250 pg/mL): measure methylmalonic acid",
    "infant": "Severe neutropenia 0.35 x10*9/L (14 Jun): weigh infection, immune and inherited causes first; "
    "established cause: vitamin B12 deficiency",
    "emergency": "EMERGENCY: fever or its equivalent with neutrophils 0.05 x10*9/L (15 Jun): "
    "cultures and antibiotics now, see detail",
}


def said(assessment: Assessment) -> str:
    return cards(assessment, K)[-1].summary


@pytest.mark.parametrize("name", SUMMARIES)
def test_a_summary_names_severity_count_date_and_likeliest_cause(name: str) -> None:
    assert said(patients.EVERYONE[name]) == SUMMARIES[name]


SINGLE = {
    "a severe count names drugs, infection and marrow before nutrition": (
        severe(
            causes=(cause("vitamin-b12-deficiency", "probable"), cause("drug-induced", "possible", kind="competing"))
        ),
        "Severe neutropenia 0.35 x10*9/L (14 Jun): weigh drugs, infection and marrow disease first; "
        "probable cause: vitamin B12 deficiency",
    ),
    "a severe count with a likely drug names the drug": (
        severe(
            causes=(cause("vitamin-b12-deficiency", "possible"), cause("drug-induced", "probable", kind="competing"))
        ),
        "Severe neutropenia 0.35 x10*9/L (14 Jun): probable cause: drug-induced neutropenia",
    ),
    "an infant without a known cause hears nothing of nutrition": (
        patient(flags=("nutrition-not-led",)),
        "Mild neutropenia 1.20 x10*9/L (12 Jun): weigh infection, immune and inherited causes first",
    ),
    "an unknown grade asks for the exact count": (
        patient(
            severity="neutropenia-grade-unknown", count=count(Interval.reported(Decimal("1.5"), "<")), nutrients=()
        ),
        "Neutropenia of unknown grade <1.5 x10*9/L (14 Jun): exact count today; cause not established",
    ),
    "a newborn is not graded without the hour of birth": (
        ungraded(flags=("hour-specific-range-needed", "nutrition-not-led"), ungraded=count("3.99"), nutrients=()),
        "Newborn, neutrophils 3.99 x10*9/L (14 Jun): not graded, the range depends on hours of life and maturity",
    ),
    "a count without unit cannot be graded": (
        ungraded(gaps=(Gap("neutrophils", "unit-missing", "Observation/1"),)),
        "Neutrophil count cannot be graded: reported without a unit. Repeat",
    ),
    "a deficiency behind a stale count is not lost": (
        replace(patients.STALE, nutrients=(nutrient("vitamin B12", "deficient", patients.B12_LOW),)),
        "Last neutrophil count 0.80 x10*9/L on 1 Dec 2025 is 196 days old: repeat; vitamin B12 deficient",
    ),
    "a deficiency that raised the card leads, an old count does not": (
        ungraded(
            rows=("vitamin-b12-deficient",),
            flags=("stale-anc",),
            ungraded=count("0.80", "2024-12-01"),
            nutrients=(nutrient("vitamin B12", "deficient", patients.B12_LOW),),
        ),
        "Vitamin B12 deficient (140 pg/mL, 10 Jun); neutrophil count not assessed",
    ),
    "a row without a text of its own is said": (
        ungraded(rows=("white-cells-below-limit",), nutrients=(), gaps=()),
        "All white cells together below the neutrophil limit: differential needed; neutrophil count not assessed",
    ),
    "fever stands before the grade": (
        patient(rows=("fever-below-1.0",), nutrients=()),
        "Fever, mild neutropenia 1.20 x10*9/L (12 Jun): see the patient the same day, repeat within 24 h; "
        "cause not established",
    ),
    "two deficiencies at a normal count": (
        normal(nutrients=(nutrient("vitamin B12", "deficient", patients.B12_LOW), nutrient("folate", "deficient"))),
        "Vitamin B12 and folate deficient; neutrophils normal",
    ),
    "a deficiency without any count": (
        ungraded(nutrients=(nutrient("vitamin B12", "deficient", patients.B12_LOW),), gaps=()),
        "Vitamin B12 deficient (140 pg/mL, 10 Jun); neutrophil count not assessed",
    ),
    "an indeterminate nutrient is not told to measure itself": (
        normal(
            nutrients=(nutrient("vitamin B12", "indeterminate", result("vitamin B12", "250", "pg/mL")),),
            orders=(order("vitamin-b12", "vitamin-b12"),),
        ),
        "Vitamin B12 indeterminate (250 pg/mL, 14 Jun); neutrophils normal",
    ),
    "a normal count beside another finding": (
        normal(flags=("severe-anemia",)),
        "Severe anemia; neutrophils 3.10 x10*9/L (10 Jun)",
    ),
    "nothing usable at all": (ungraded(nutrients=(), gaps=()), "Neutrophil count cannot be graded. Repeat"),
    "an unreadable newer count beside a normal older one": (
        normal(gaps=(Gap("neutrophils", "unit-missing", "Observation/new", when=on("2026-06-13")),)),
        "Neutrophil count of 13 Jun cannot be graded: reported without a unit. Repeat",
    ),
    "the gravest other finding stands first": (
        severe(flags=("bicytopenia", "severe-anemia"), causes=(cause("hiv", "probable", kind="competing"),)),
        "Severe anemia, severe neutropenia 0.35 x10*9/L (14 Jun): probable cause: HIV infection",
    ),
}


@pytest.mark.parametrize("name", SINGLE)
def test_each_kind_of_finding_has_its_own_line(name: str) -> None:
    assessment, expected = SINGLE[name]
    assert said(assessment) == expected


COUNTS = [
    (exact("0.8"), "0.80 x10*9/L", "800"),
    (exact("1.50"), "1.50 x10*9/L", "1500"),
    (exact("0.585"), "0.58 x10*9/L", "585"),
    (exact("0.4999"), "0.49 x10*9/L", "499"),  # severe: must not read 0.50
    (exact("0.50"), "0.50 x10*9/L", "500"),
    (exact("0"), "0.00 x10*9/L", "0"),
    (Interval.reported(Decimal("0.1"), "<"), "<0.1 x10*9/L", "<100"),
    (Interval.reported(Decimal("1.5"), ">"), ">1.5 x10*9/L", ">1500"),
    (Interval.reported(Decimal("0.6"), ">="), "at least 0.6 x10*9/L", "at least 600"),
    (Interval(Decimal("0.789"), None), "at least 0.78 x10*9/L", "at least 789"),  # a bound never claims more
    (Interval(Decimal(0), Decimal("0.789"), high_open=True), "<0.79 x10*9/L", "<789"),
    (Interval(Decimal("0.6"), Decimal("0.9")), "0.60 to 0.90 x10*9/L", "600 to 900"),
]


@pytest.mark.parametrize(("value", "shown", "per_ul"), COUNTS)
def test_a_count_has_two_decimals_its_comparator_and_never_a_milder_look(
    value: Interval, shown: str, per_ul: str
) -> None:
    assert (count_text(K, value), cells(K, value)) == (shown, per_ul)


def month(text: str, first: datetime, last: datetime) -> Moment:
    return Moment(first, last, text)


DATES = [
    (on("2026-06-14"), "14 Jun"),
    (on("2025-06-14"), "14 Jun 2025"),
    (month("2026-06", datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 30, tzinfo=UTC)), "Jun 2026"),
    (month("2026", datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 12, 31, tzinfo=UTC)), "2026"),
    (None, "not dated"),
]


@pytest.mark.parametrize(("when", "shown"), DATES)
def test_a_date_is_as_precise_as_it_is_known(when: Moment | None, shown: str) -> None:
    assert day(K, when, AS_OF) == shown


def widest(table: str) -> str:
    """The longest text of a table that may stand alone."""
    return max((text for key, text in K.wording.items() if key.startswith(f"{table}.") and "{" not in text), key=len)


LONGEST_DAY = day(K, datetime(2025, 9, 30, tzinfo=UTC) - timedelta(0), AS_OF)
WIDEST = {
    "headline": f"{max((K.wording[f'headline.{k}'] for k in K.wording['headline.order'].split()), key=len)}, "
    + widest("severity"),
    "severity": widest("severity"),
    "count": count_text(K, Interval(Decimal("100.01"), Decimal("199.99"))),
    "date": LONGEST_DAY,
    "first": max((text for key, text in K.wording.items() if key.startswith("lead.first")), key=len),
    "lead": "x" * 150,
    "also": "; " + "x" * 150,
    "days": "36500",
    "reason": widest("gap"),
    "nutrients": "x" * 150,
    "nutrient": "protein-energy malnutrition",
    "value": "0." + "1" * 60,
    "measured": LONGEST_DAY,
    "test": widest("order"),
    "neutrophils": widest("neutrophils"),
    "finding": widest("flag"),
}
KINDS = sorted({key.removeprefix("summary.").rpartition("-")[0] for key in K.wording if key.startswith("summary.")})


ABSENT = [set(), {"first"}, {"lead"}, {"reason"}, {"value", "measured"}, {"test"}, {"finding"}]
UNCOUNTED = [
    kind for kind in KINDS if kind.startswith(("deficient", "indeterminate", "unreadable", "plain", "emergency"))
]


@pytest.mark.parametrize(
    ("kind", "absent"),
    [(kind, names) for kind in KINDS for names in ABSENT] + [(kind, {"count", "date"}) for kind in UNCOUNTED],
)
@pytest.mark.parametrize("also", ["", WIDEST["also"]])
def test_the_widest_values_fit_every_kind_of_summary(kind: str, absent: set[str], also: str) -> None:
    values = {name: text for name, text in WIDEST.items() if name not in absent} | {"also": also}
    assert 0 < len(summary(Headline(kind, values), K)) < SUMMARY_LIMIT


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_summary_has_a_verdict_for_the_detail(kind: str) -> None:
    assert fitted(K, "verdict", kind, WIDEST)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.startswith("emergency")])
def test_an_emergency_is_said_even_without_a_count(kind: str) -> None:
    assert "mergency" in fitted(K, "verdict", kind, {})
    assert "EMERGENCY" in summary(Headline(kind, {}), K)


def test_a_number_that_does_not_fit_is_left_out_whole() -> None:
    wide = result("vitamin B12", "140." + "1" * 200, "pg/mL")
    assert (
        said(normal(nutrients=(nutrient("vitamin B12", "deficient", wide),)))
        == "Vitamin B12 deficient; neutrophils normal"
    )


def test_a_summary_with_everything_at_once_still_fits() -> None:
    names = ("vitamin B12", "folate", "copper", "zinc", "iron", "protein-energy", "magnesium")
    everything = severe(
        "0.199",
        severity="very-severe",
        flags=("severe-thrombocytopenia", "pancytopenia", "nutrition-not-led"),
        nutrients=tuple(nutrient(name, "deficient") for name in names),
        causes=(cause("protein-energy-malnutrition", "established"), cause("multiple-deficiencies", "established")),
    )
    assert said(everything) == (
        "Severe thrombocytopenia, very severe neutropenia 0.19 x10*9/L (14 Jun): "
        "weigh infection, immune and inherited causes first"
    )
