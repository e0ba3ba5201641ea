"""Doses of drafted orders as EHRs write them: how much of which ingredient, how often, on which days, for how long."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from drafted_orders import Json, medication, read, structured
from hypothesis import given, settings
from hypothesis import strategies as st

from service.fhir.medications import MOST_MILLIGRAMS
from service.order_checks.doses import Amount
from service.order_checks.drafts import Draft

METHOTREXATE = "Methotrexate 2.5 mg tablet"
FOLIC = "Folic acid 5 mg tablet"


def draft_of(product: str | None, dose: Any = None, **more: Any) -> Draft:
    (draft,) = read(medication(product, dose, **more))
    return draft


def timed(repeat: Json | None = None, value: float = 2.5, unit: str = "mg", **timing: Any) -> Json:
    """A Dosage with a timing of any form."""
    said = {**({"repeat": repeat} if repeat else {}), **timing}
    return {"timing": said, "doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}]}


def by_code(code: str, **more: Any) -> Json:
    return timed(None, code={"coding": [{"code": code}]}, **more)


# --- how often --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dose", "days", "mg"),
    [
        (by_code("QD"), "7", "2.5"), (by_code("BID"), "7", "5"), (by_code("TID"), "7", "7.5"),
        (by_code("QID"), "7", "10"), (by_code("AM"), "7", "2.5"), (by_code("PM"), "7", "2.5"),
        (by_code("BED"), "7", "2.5"), (by_code("QOD"), "3.5", "1.25"), (by_code("Q4H"), "7", "15"),
        (by_code("WK"), "1", "0.357143"), (timed(code={"text": "Daily"}), "7", "2.5"),
        (timed({"when": ["MORN"]}), "7", "2.5"), (timed({"timeOfDay": ["08:00:00", "20:00:00"]}), "7", "5"),
        (timed({"frequency": 1, "periodUnit": "d"}), "7", "2.5"),
        (timed({"frequency": 1, "frequencyMax": 3, "period": 1, "periodUnit": "wk"}), "3", "1.071429"),
        (timed({"frequency": 1, "period": 1, "periodMax": 2, "periodUnit": "d"}), "7", "2.5"),
        (timed({"dayOfWeek": ["mon", "wed", "fri"]}), "3", "1.071429"),
        (timed({"dayOfWeek": ["mon"], "frequency": 1, "period": 1, "periodUnit": "wk"}), "1", "0.357143"),
    ],
    ids=str,
)  # fmt: skip
def test_a_frequency_is_read_from_every_part_of_a_timing(dose: Json, days: str, mg: str) -> None:
    draft = draft_of(METHOTREXATE, dose)
    assert (draft.days_per_week, draft.amount) == (Decimal(days), Amount(Decimal(mg), Decimal(mg)))


def test_events_count_by_their_days_within_a_week() -> None:
    daily, weekly = ["2026-06-16", "2026-06-17", "2026-06-18T08:00:00Z"], ["2026-06-16", "2026-06-23", "2026-06-30"]
    assert draft_of(METHOTREXATE, {"timing": {"event": daily}}).days_per_week == 3
    assert draft_of(METHOTREXATE, {"timing": {"event": weekly}}).days_per_week == 1
    assert draft_of(METHOTREXATE, {"timing": {"event": ["soon"]}}).days_per_week is None


@pytest.mark.parametrize(
    ("text", "days", "mg"),
    [
        ("2.5 mg OD", "7", "2.5"), ("2.5 mg BD", "7", "5"), ("2.5 mg TDS", "7", "7.5"), ("2.5 mg QDS", "7", "10"),
        ("2.5 mg q.d.", "7", "2.5"), ("2.5 mg q day", "7", "2.5"), ("2.5mg qday", "7", "2.5"),
        ("2.5 mg 1x/day", "7", "2.5"), ("2.5mg/day", "7", "2.5"), ("15mg/week", "1", "2.142857"),
        ("1 tablet mane", "7", "2.5"), ("1 tablet nocte", "7", "2.5"), ("take 1 tablet nightly", "7", "2.5"),
        ("1 tablet every morning", "7", "2.5"), ("1 tablet each morning", "7", "2.5"),
        ("1 tab mane and nocte", "7", "5"), ("15 mg every 2 weeks", "0.5", "1.071429"),
        ("2.5 mg 6 hourly", "7", "10"), ("2.5 mg every 6-8 hours", "7", "10"), ("1 tablet 3 times a day", "7", "7.5"),
        ("ONE to be taken each day", "7", "2.5"), ("take one daily", "7", "2.5"), ("Take TWO daily", "7", "5"),
        ("1 OD", "7", "2.5"), ("half a tablet daily", "7", "1.25"), ("1 and 1/2 tablets daily", "7", "3.75"),
        ("take 1-2 tablets daily", "7", "5"), ("Take two 2.5 mg tablets weekly", "1", "0.714286"),
        ("2.5 mg on Mon, Wed and Fri", "3", "1.071429"), ("15 mg on Mondays", "1", "2.142857"),
        ("6 x 2.5 mg tablets on Mondays", "1", "2.142857"), ("2.5 mg 5 days a week", "5", "1.785714"),
        ("15 mg q week", "1", "2.142857"), ("15 mg qw", "1", "2.142857"), ("15 mg 1x weekly", "1", "2.142857"),
        ("15 mg every 7 days", "1", "2.142857"), ("15 mg weekly at bedtime", "1", "2.142857"),
        ("2.5 mg once daily on Mondays", "1", "0.357143"), ("2.5 mg daily Mon-Fri", "5", "1.785714"),
        ("2.5 mg daily Sat to Mon", "3", "1.071429"), ("2.5 mg daily except Sunday", "6", "2.142857"),
        ("2.5 mg daily on weekdays", "5", "1.785714"), ("2.5 mg daily, blood test on Monday", "7", "2.5"),
        ("2.5 mg daily. Blood test on Monday.", "7", "2.5"), ("15 mg weekly on Monday, avoid sun", "1", "2.142857"),
        ("15 mg once a week, NOT daily", "1", "2.142857"), ("2.5 mg daily, max 10 mg a day", "7", "2.5"),
        ("15 mg once weekly; folic acid 5 mg daily", "1", "2.142857"),
        ("15 mg weekly with folic acid 5 mg daily", "1", "2.142857"),
        ("1 tablet on alternate days", "3.5", "1.25"),
    ],
)  # fmt: skip
def test_a_frequency_is_read_from_the_words(text: str, days: str, mg: str) -> None:
    draft = draft_of(METHOTREXATE, text)
    assert (draft.days_per_week, draft.amount) == (Decimal(days), Amount(Decimal(mg), Decimal(mg)))
    assert draft_of(METHOTREXATE, {"patientInstruction": text}).days_per_week == Decimal(days)


@pytest.mark.parametrize("text", ["as directed", "2.5 mg every 12 hours, 3 doses, once weekly", "2.5 mg stat", "once"])
def test_days_of_a_week_that_nothing_says_stay_open(text: str) -> None:
    assert draft_of(METHOTREXATE, text).days_per_week is None


@pytest.mark.parametrize(
    ("text", "often"),
    [
        ("1 tab HS", 7), ("1 tablet AM", 7), ("1 tab every AM", 7), ("1 po q d", 7), ("2.5 mg dly", 7),
        ("1 tab before breakfast", 7), ("1 tab BIW", 2), ("1 tab TIW", 3), ("1 tab 5x/wk", 5), ("1 tab MWF", 3),
        ("1 tab on M/W/F", 3), ("6 tabs once a week. Avoid alcohol daily", 1),
        ("15 mg once a week. Drink 2 liters of water daily", 1), ("15 mg weekly; check temperature twice daily", 1),
        ("once weekly, not more than once a day", 1), ("weekly. Total daily dose must not exceed 25 mg", 1),
        ("6 tablets once each week", 1),
    ],
)  # fmt: skip
def test_days_of_a_week_are_those_of_the_drug_and_not_of_what_is_said_beside_it(text: str, often: int) -> None:
    assert draft_of(METHOTREXATE, text).days_per_week == often


@pytest.mark.parametrize(
    "text",
    [
        "Dispense 1,000 tablets. 1 tab daily", "Supply 56 tablets. 1 tab OD",
        "Quantity 30 tablets; take 1 tablet daily",
        "1 tab OD (30 tablets)", "1 tab OD x 90 tablets", "1 tab daily #30",
    ],
)  # fmt: skip
def test_what_is_handed_out_is_no_dose(text: str) -> None:
    assert draft_of("Folic acid 400 mcg tablet", text).amount.mg == Decimal("0.4")


def test_ingredients_that_a_hyphen_joins_are_told_apart() -> None:
    joined = draft_of("folic acid 1 mg-vitamin B12 5 mcg tab", "1 tab daily")
    assert joined.dose_of(frozenset(["folic-acid"])).mg == 1
    assert joined.dose_of(frozenset(["vitamin-b12"])).mg == Decimal("0.005")


@pytest.mark.parametrize(
    "piece",
    ["Tablette", "Tabletten", "Filmtablette", "Filmtabletten", "Tabl.", "Kapsel", "Kapseln", "comprimé", "comprimés",
     "gélule", "gélules", "cp"],
)  # fmt: skip
def test_a_piece_is_known_in_other_languages(piece: str) -> None:
    assert draft_of(FOLIC, f"2 {piece} daily").amount.mg == 10
    assert draft_of(FOLIC, structured(2, piece)).amount.mg == 10


@pytest.mark.parametrize("dose", ["1 tab BD", structured(1, "TAB", 2), structured(1, "cap", 2), "1 cap OD"])
def test_a_piece_that_is_swallowed_says_the_route(dose: Any) -> None:
    assert "oral" in draft_of("Zinc gluconate 50 mg", dose).routes


def test_an_injection_into_the_spine_is_a_route_of_its_own() -> None:
    assert "intrathecal" in draft_of("Methotrexate 12 mg intrathecal", "daily").routes


def test_of_a_contradiction_the_more_frequent_counts() -> None:
    weekly = structured(15, "mg", 1, 1, "wk")
    assert draft_of(METHOTREXATE, {**weekly, "text": "Take 15 mg by mouth daily"}).days_per_week == 7
    assert draft_of(METHOTREXATE, {**structured(2.5, "mg"), "text": "once weekly"}).days_per_week == 7
    assert draft_of(METHOTREXATE, {**weekly, "text": "Take 15 mg once weekly at bedtime"}).days_per_week == 1


def test_named_days_side_by_side_add_up_and_of_doses_one_after_another_the_most_counts() -> None:
    monday, thursday = timed({"dayOfWeek": ["mon"]}), {"text": "2.5 mg on Thursdays"}
    weekly, daily = structured(15, "mg", 1, 1, "wk", sequence=1), structured(2.5, "mg", sequence=2)
    assert draft_of(METHOTREXATE, dosageInstruction=[monday, thursday]).days_per_week == 2
    assert draft_of(METHOTREXATE, dosageInstruction=[monday, monday]).days_per_week == 1
    assert draft_of(METHOTREXATE, dosageInstruction=[weekly, daily]).days_per_week == 7


# --- schemes, meals, further instructions -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "days", "mg"),
    [
        ("1-0-0", 7, "5"), ("1-0-1", 7, "10"), ("1-0-1-0", 7, "10"), ("1 - 1 - 1", 7, "15"), ("½-0-½", 7, "5"),
        ("2 Tbl daily", 7, "10"), ("2 Tabl daily", 7, "10"), ("2 Kps daily", 7, "10"),
        ("1/2-0-1/2", 7, "5"), ("1-0-½", 7, "7.5"), ("0,5-0-0,5", 7, "5"), ("2-0-1", 7, "15"), ("0–0–1", 7, "5"),
        ("1-1-2", 7, "20"), ("1-0-1 Tbl.", 7, "10"), ("Tbl. 1-0-1", 7, "10"), ("1-0-1 Kps", 7, "10"),
        ("1-0-1 tabl", 7, "10"), ("1-0-1 tablets daily", 7, "10"), ("1-0-1 for 10 days", 7, "10"),
        ("5 mg 1-0-1", 7, "10"), ("1-0-1 (5 mg)", 7, "10"), ("5-0-5 mg", 7, "10"), ("1 tablet 1-0-1", 7, "10"),
        ("twice daily 1-1-1", 7, "15"), ("twice daily 1-0-0", 7, "10"), ("1-0-1 on Mondays", 1, "1.429"),
        ("1-0-0 once weekly", 1, "0.714"), ("1-0-1 once weekly", 1, "1.429"), ("1½ tablets daily", 7, "7.5"),
    ],
)  # fmt: skip
def test_a_scheme_of_the_times_of_a_day_says_how_much_and_how_often(text: str, days: int, mg: str) -> None:
    draft = draft_of(FOLIC, text)
    assert (draft.days_per_week, draft.amount) == (days, Amount(Decimal(mg), Decimal(mg)))


GERMAN = ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"]


@pytest.mark.parametrize(
    "when", ["einmal wöchentlich", "einmal pro Woche", "wöchentlich", *GERMAN, *(f"{day}s" for day in GERMAN)]
)
def test_a_weekly_scheme_is_weekly_in_the_language_of_schemes_too(when: str) -> None:
    assert draft_of(METHOTREXATE, f"1-0-0 {when}").days_per_week == 1
    assert draft_of(METHOTREXATE, noted("1-0-0", {"text": when})).days_per_week == 1
    assert draft_of(METHOTREXATE, "2.5 mg täglich").days_per_week == 7


def test_a_scheme_says_how_often_beside_a_quantity() -> None:
    once = {"doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}]}
    assert draft_of(FOLIC, {**once, "text": "1-0-1"}).amount.mg == 10


@pytest.mark.parametrize(
    ("text", "days", "mg"),
    [
        ("1-2 tablets daily", 7, "10"), ("1 tablet daily from 15-06-26", 7, "5"),
        ("1 tablet daily from 2026-06-15", 7, "5"), ("1 tablet daily from 1-6-26", 7, "5"),
        ("1 tablet Mon-Wed-Fri", 3, "2.143"), ("1 tablet daily on days 1-2-3", 7, "5"),
        ("1 tablet daily from day 1-2-3", 7, "5"), ("1 tablet daily, ward 1 - 2 - 3 - 4 - 5", 7, "5"),
        ("1 tablet daily, ward 1-2-3-4-5", 7, "5"), ("1 tablet daily 0-0-0", 7, "5"),
        ("1 tablet daily, batch 4/1-2-3", 7, "5"), ("1 tablet daily, batch 1-2-3/4", 7, "5"),
    ],
)  # fmt: skip
def test_what_is_written_like_a_scheme_and_is_none(text: str, days: int, mg: str) -> None:
    draft = draft_of(FOLIC, text)
    assert (draft.days_per_week, draft.amount) == (days, Amount(Decimal(mg), Decimal(mg)))


@pytest.mark.parametrize(
    "text",
    [
        "with meals", "with each meal", "with every meal", "with main meals", "at meals", "at each meal",
        "at mealtimes",
        "before meals", "before each meal", "after meals", "after each meal", "with all meals", "zu den Mahlzeiten",
        "pendant les repas", "aux repas", "before every meal", "after every meal",
    ],
)  # fmt: skip
def test_meals_alone_are_read_as_three_a_day_which_is_assumed(text: str) -> None:
    draft = draft_of(FOLIC, f"1 tablet {text}")
    assert (draft.days_per_week, draft.amount.mg, draft.amount.assumed) == (7, 15, "at-meals")


def test_a_timing_by_meals_alone_is_assumed_too() -> None:
    for code in ("C", "AC", "PC"):
        assert draft_of(FOLIC, timed({"when": [code]}, 1, "tablet")).amount.assumed == "at-meals"
    for repeat in ({"when": ["C"], "frequency": 2, "period": 1, "periodUnit": "d"}, {"when": ["CM", "CV"]}):
        assert draft_of(FOLIC, timed(repeat, 1, "tablet")).amount.assumed == ""
    assert draft_of(FOLIC, noted("1 tablet", {"text": "Take with meals"})).amount.assumed == "at-meals"


def test_meals_and_once_more_are_four_a_day() -> None:
    assert draft_of(FOLIC, "1 tablet after each meal and at bedtime").amount.mg == 20
    assert draft_of(FOLIC, "1 tablet with meals and at night").amount.mg == 20
    assert draft_of(FOLIC, "1 tablet in the evening after meals").amount.mg == 5


@pytest.mark.parametrize(
    ("product", "quantity", "text", "mg", "disputed"),
    [
        (FOLIC, (400, "ug"), "5 mg daily", 5, True), (FOLIC, (0, "mg"), "1-0-0", 5, True),
        (FOLIC, (5, "mg"), "400 ug daily", 5, False), (FOLIC, (5, "mg"), "1 tablet daily", 5, False),
        (FOLIC, (1, "tablet"), "take 5 mg daily", 5, False), (FOLIC, (1, "tablet"), "2 tablets daily", 10, True),
        ("Vitamin B12 500 mcg tablet", (1000, "ug"), "2 tablets (500 mcg each) daily", 1, False),
        ("Folic acid 2.5 mg/5 mL oral solution", (10, "mL"), "5 mg daily", 5, False),
        (FOLIC, (5, "mg"), "daily, max. 10 mg", 5, False),
        (FOLIC, (5, "mg"), "daily with 10 tablets at most", 50, True),
    ],
)  # fmt: skip
def test_of_a_quantity_and_of_words_the_larger_is_read(
    product: str, quantity: tuple[float, str], text: str, mg: int, disputed: bool
) -> None:
    value, unit = quantity
    draft = draft_of(product, {"text": text, "doseAndRate": [{"doseQuantity": {"value": value, "unit": unit}}]})
    assert (draft.amount.mg, draft.disputed) == (mg, disputed)


@pytest.mark.parametrize(
    ("text", "mg"), [("1-0-1 Tbl., max. 2-0-2", 10), ("max. 10 mg a day; 5 mg daily", 5), ("1-0-0. max 4 tablets", 5)]
)
def test_the_most_that_may_be_taken_is_no_dose(text: str, mg: int) -> None:
    assert draft_of(FOLIC, text).amount.mg == mg


@pytest.mark.parametrize(
    ("text", "days", "mg"),
    [
        ("1 tablet twice daily with meals", 7, "10"), ("1 tablet daily. Take with meals.", 7, "5"),
        ("1 tablet once weekly. Take with meals.", 1, "0.714"), ("with meals 1 tablet daily", 7, "5"),
    ],
)  # fmt: skip
def test_meals_beside_a_frequency_say_nothing_of_it(text: str, days: int, mg: str) -> None:
    draft = draft_of(FOLIC, text)
    assert (draft.days_per_week, draft.amount.mg, draft.disputed) == (days, Decimal(mg), False)


def test_food_does_not_say_how_often() -> None:
    assert draft_of(FOLIC, "1 tablet with food").amount == Amount(Decimal(5), Decimal(10), "one-a-day")
    assert draft_of(FOLIC, "1 tablet with food").days_per_week is None


@pytest.mark.parametrize(
    ("repeat", "mg"),
    [
        ({"when": ["C"]}, 15), ({"when": ["AC"]}, 15), ({"when": ["PC"]}, 15), ({"when": ["CM"]}, 5),
        ({"when": ["CD"]}, 5), ({"when": ["CV"]}, 5), ({"when": ["CM", "CV"]}, 10), ({"when": ["CM", "CD", "CV"]}, 15),
        ({"when": ["C"], "frequency": 1, "period": 1, "periodUnit": "d"}, 5),
        ({"when": ["C"], "frequency": 2, "period": 1, "periodUnit": "d"}, 10), ({"when": ["C", "HS"]}, 20),
        ({"when": ["CM", "CM"]}, 5),
    ],
    ids=str,
)  # fmt: skip
def test_the_meals_of_a_timing_are_counted(repeat: Json, mg: int) -> None:
    assert draft_of(FOLIC, timed(repeat, 1, "tablet")).amount.mg == mg


def test_a_meal_of_a_weekly_timing_does_not_make_it_more_often() -> None:
    weekly = {"when": ["C"], "frequency": 1, "period": 1, "periodUnit": "wk"}
    assert draft_of(METHOTREXATE, timed(weekly, 15)).days_per_week == 1
    assert draft_of(METHOTREXATE, timed({"when": ["C"], "period": 1, "periodUnit": "wk"}, 15)).days_per_week == 1


def noted(text: str | None, *notes: Json, **more: Any) -> Json:
    """A Dosage with instructions beside its text."""
    return {**({"text": text} if text else {}), "additionalInstruction": list(notes), **more}


MONDAY = {"text": "once weekly on Monday"}
MONDAY_CODED = {"coding": [{"display": "once weekly on Monday"}]}


@pytest.mark.parametrize(
    ("dose", "days", "mg", "disputed"),
    [
        (noted("15 mg", MONDAY), 1, "2.142857", False), (noted("15 mg", MONDAY_CODED), 1, "2.142857", False),
        (noted(None, {"text": "15 mg"}, MONDAY), 1, "2.142857", False),
        (noted("once weekly", {"text": "15 mg"}), 1, "2.142857", False),
        (noted("15 mg once weekly", MONDAY), 1, "2.142857", False),
        (noted("15 mg daily", MONDAY), 7, "15", True), (noted("15 mg once weekly", {"text": "daily"}), 7, "15", True),
        (noted("15 mg weekly", {"text": "take with folic acid daily"}), 1, "2.142857", False),
        (noted("15 mg weekly", {"text": "with meals"}), 1, "2.142857", False),
        (noted("15 mg weekly", {"text": "Do not take more than 8 tablets daily"}), 1, "2.142857", False),
        (noted("15 mg weekly", {"text": "Swallow whole"}), 1, "2.142857", False),
        (noted("15 mg weekly", {"text": "in the evening"}), 1, "2.142857", False),
        (noted("15 mg weekly. Take in the evening."), 1, "2.142857", False),
        (noted("15 mg weekly", {"text": "in the morning and at night"}), 1, "2.142857", False),
        *((noted("15 mg weekly", {"text": word}), 7, "15", True) for word in (
            "every evening", "each evening", "nightly", "qam", "qpm", "qhs", "qn")),
        (noted("15 mg twice daily", {"text": "in the morning"}), 7, "30", False),
        (noted("15 mg daily", {"text": "1-0-1"}), 7, "30", False),
        (noted("daily", {"text": "with 250 mL of water"}, doseAndRate=[]), 7, "2.5", False),
        (noted("15 mg", {"text": "25 mg"}, timing={"repeat": {"frequency": 1, "period": 1, "periodUnit": "wk"}}),
         1, "3.571429", True),
        (noted("25 mg weekly", {"text": "15 mg"}), 1, "3.571429", True),
    ],
    ids=str,
)  # fmt: skip
def test_further_instructions_are_read_and_of_two_the_larger_counts(
    dose: Json, days: int, mg: str, disputed: bool
) -> None:
    draft = draft_of(METHOTREXATE, dose)
    assert (draft.days_per_week, draft.amount.mg, draft.disputed) == (days, Decimal(mg), disputed)


def test_of_a_contradiction_the_larger_dose_counts_and_the_draft_says_so() -> None:
    weekly, daily = structured(5, "mg", 1, 1, "wk"), structured(5, "mg")
    for dose in ({**weekly, "text": "daily"}, {**daily, "text": "once weekly"}):
        draft = draft_of(FOLIC, dose)
        assert (draft.amount.mg, draft.disputed) == (5, True)
    assert not draft_of(FOLIC, {**weekly, "text": "on Mondays"}).disputed
    assert not draft_of(FOLIC, {**structured(5, "mg", 3), "text": "every 8 hours"}).disputed


def test_a_day_of_the_week_beside_a_daily_code_counts_as_daily() -> None:
    both = timed({"dayOfWeek": ["mon"]}, 15, code={"coding": [{"code": "QD"}]})
    draft = draft_of(METHOTREXATE, both)
    assert (draft.days_per_week, draft.amount.mg, draft.disputed) == (7, 15, True)
    weekly = timed({"dayOfWeek": ["mon"]}, 15, code={"coding": [{"code": "WK"}]})
    assert (draft_of(METHOTREXATE, weekly).days_per_week, draft_of(METHOTREXATE, weekly).disputed) == (1, False)


# --- how much ---------------------------------------------------------------------------------------------------------


def ranged(low: float, high: float) -> Json:
    dose = {"doseRange": {"low": {"value": low, "unit": "mg"}, "high": {"value": high, "unit": "mg"}}}
    return {"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}, "doseAndRate": [dose]}


@pytest.mark.parametrize(
    ("product", "dose", "mg"),
    [
        ("Folic acid 1 mg tablet", "Take 1,000 mcg by mouth daily", "1"),
        ("Folic acid 1,000 mcg tablet", structured(1, "tablet"), "1"),
        ("Folic acid 2,5 mg tablet", structured(1, "tablet"), "2.5"),
        ("Folic acid", "0,125 mg daily", "0.125"),
        ("Folic acid 0.5 mg tablet", by_code("BID", value=0.5), "1"),
        ("Folic acid 5 mg tablet", by_code("QD", value=5), "5"),
        ("Folic acid 0.5 mg tablet", {**timed(value=0.5), "text": "twice a day"}, "1"),
        (FOLIC, ranged(1, 5), "5"),
        ("Folic acid", "400 mcg in the morning and 800 mcg at night", "1.2"),
        (FOLIC, "1 tablet in the morning, 2 tablets at night", "15"),
        (FOLIC, "1 tablet in the morning and at night", "10"),
        (FOLIC, "5 mg daily for 3 days, then 1 mg daily", "5"),
        (FOLIC, "5 mg daily, max 10 mg a day", "5"),
        ("Folic acid 2.5 mg/5 mL oral solution", structured(5, "mL"), "2.5"),
        ("Folic acid 2.5 mg/5 mL oral solution", "10 mL daily", "5"),
        ("Folic acid 2.5 mg/5 mL oral solution", structured(2.5, "mg"), "2.5"),
        ("Cyanocobalamin 1000 mcg/mL injection", structured(1, "mL", 1, 1, "wk"), "0.143"),
        ("Folic acid", "5 mg/kg daily", None),
        (FOLIC, "5 mg/kg daily", None),
        (FOLIC, structured(2, "puff"), None),
        ("Trimethoprim-sulfamethoxazole 800-160 mg tablet", structured(1, "tablet", 2), None),
        ("Hydroxocobalamin 1 mg/mL injection", None, None),
        ("Folic acid 5 mg tablet", "5 mg, single dose", None),
    ],
)
def test_an_amount_is_read_in_weights_volumes_and_pieces(product: str, dose: Any, mg: str | None) -> None:
    expected = Decimal(mg) if mg else None
    assert draft_of(product, dose).amount == Amount(expected, expected)


@pytest.mark.parametrize(
    ("product", "dose", "mg", "most"),
    [
        ("Folic acid 400microgram tablets", None, "0.4", "0.8"),
        (FOLIC, None, "5", "10"),
        (FOLIC, "as directed", "5", "10"),
        (FOLIC, "take daily", "5", "10"),
        (FOLIC, "2 tablets", "10", "20"),
        (FOLIC, structured(5, "mg") | {"timing": {}}, "5", "10"),
    ],
)
def test_without_a_frequency_one_piece_a_day_is_assumed_and_two_may_be_meant(
    product: str, dose: Any, mg: str, most: str
) -> None:
    assert draft_of(product, dose).amount == Amount(Decimal(mg), Decimal(most), "one-a-day")


@pytest.mark.parametrize(
    ("product", "pieces", "amounts"),
    [
        ("Ferrous fumarate 322 mg / folic acid 0.35 mg tablets", 1,
         {"iron": ("Ferrous fumarate", "322"), "folic-acid": ("folic acid", "0.35")}),
        ("Ferrous fumarate / folic acid tablet (322 mg / 350 micrograms)", 1,
         {"iron": ("Ferrous fumarate", "322"), "folic-acid": ("folic acid", "0.35")}),
        ("Ferrous fumarate/folic acid (322 mg/350 micrograms)", 1,
         {"iron": ("Ferrous fumarate", "322"), "folic-acid": ("folic acid", "0.35")}),
        ("Calcium 333 mg / magnesium 133 mg / zinc 5 mg tablet", 3, {"zinc-supplement": ("zinc", "15")}),
        ("thiamine 100 mg / cyanocobalamin 25 mcg tablet", 1, {"vitamin-b12": ("cyanocobalamin", "0.025")}),
        ("Multivitamin with B12 6 mcg and zinc 15 mg tablet", 1,
         {"multivitamin": ("Multivitamin", None), "vitamin-b12": ("B12", "0.006"), "zinc-supplement": ("zinc", "15")}),
        ("400 mcg folic acid and 10 mcg vitamin D tablet", 1, {"folic-acid": ("folic acid", "0.4")}),
    ],
)  # fmt: skip
def test_each_ingredient_has_its_own_dose_and_name(product: str, pieces: int, amounts: Json) -> None:
    draft = draft_of(product, structured(pieces, "tablet"))
    assert draft.drugs == amounts.keys()
    assert draft.amount == Amount()
    for drug, (name, mg) in amounts.items():
        assert draft.dose_of(frozenset([drug])).mg == (Decimal(mg) if mg else None)
        assert draft.ingredient(frozenset([drug])) == name


def test_the_weight_of_one_ingredient_is_no_larger_dose_of_another() -> None:
    both = "Ferrous fumarate 322 mg / folic acid 0.35 mg tablets"
    draft = draft_of(both, structured(1, "tablet", text="322 mg once daily"))
    assert (draft.dose_of(frozenset(["folic-acid"])).mg, draft.disputed) == (Decimal("0.35"), False)


def test_of_several_ingredients_that_are_meant_the_largest_counts_and_one_that_is_not_known_before_it() -> None:
    draft = draft_of("Multivitamin with B12 6 mcg and zinc 15 mg tablet", structured(1, "tablet"))
    assert draft.dose_of(frozenset(["vitamin-b12", "zinc-supplement"])).mg == 15
    assert draft.dose_of(frozenset(["vitamin-b12", "multivitamin"])).most is None
    assert draft_of(FOLIC, structured(5, "mg")).ingredient(frozenset(["folic-acid"])) == ""


def test_an_elemental_amount_makes_no_second_ingredient() -> None:
    for product in ("Zinc sulfate 220 mg capsule, 50 mg elemental zinc", "Zinc 220 mg / 50 mg elemental zinc"):
        draft = draft_of(product, structured(1, "capsule"))
        assert (draft.amount.mg, draft.amounts) == (50, {})


# --- how long ---------------------------------------------------------------------------------------------------------


DAILY = {"frequency": 1, "period": 1, "periodUnit": "d"}


@pytest.mark.parametrize(
    ("dose", "days"),
    [
        (timed({**DAILY, "boundsDuration": {"value": 14, "unit": "days"}}), 14),
        (timed({**DAILY, "boundsRange": {"low": {"value": 10, "code": "d"}, "high": {"value": 14, "code": "d"}}}), 14),
        (timed({**DAILY, "count": 14}), 14),
        (timed({**DAILY, "frequency": 2, "count": 14}), 7),
        ("20 mg daily x 14 days", 14), ("20 mg daily for two weeks", 14), ("20 mg daily for a week", 7),
        ("10-day course, 20 mg daily", 10),
    ],
    ids=str,
)  # fmt: skip
def test_a_length_is_read_from_bounds_counts_and_words(dose: Any, days: int) -> None:
    assert draft_of("Zinc 20 mg tablet", dose).days == days


def test_the_supply_says_how_long_where_nothing_else_does_and_each_repeat_makes_it_longer() -> None:
    supply = {"expectedSupplyDuration": {"value": 10, "unit": "days"}}
    assert draft_of("Zinc 20 mg tablet", "20 mg daily", dispenseRequest=supply).days == 10
    assert draft_of("Zinc 20 mg", "20 mg daily", dispenseRequest={**supply, "numberOfRepeatsAllowed": 2}).days == 30
    assert draft_of("Zinc 20 mg tablet", "20 mg daily for 5 days", dispenseRequest=supply).days == 5


def test_courses_one_after_another_last_as_long_as_all_of_them() -> None:
    first = structured(20, "mg", text="for 3 days", sequence=1)
    then = structured(10, "mg", text="for 4 days", sequence=2)
    assert draft_of("Zinc 20 mg tablet", dosageInstruction=[first, then]).days == 7


# --- whatever is sent -------------------------------------------------------------------------------------------------


NUMBERS = st.one_of(st.integers(-(10**40), 10**40), st.floats(allow_nan=False, allow_infinity=False), st.just("1"))
SAID = """take one 1-2 2,5 1,000 9999999999999999 0 5 mg g mcg mL tablet(s) tablets / per kg day daily weekly once BID
q6h every 0 hours Mon-Fri except Sunday 1-0-1 0-0-0 meals 3 x for 14 days ½ 1/2 ٥ not elemental (50 zinc folic
acid then"""
WORDS = st.one_of(st.text(max_size=40), st.lists(st.sampled_from(SAID.split()), max_size=12).map(" ".join))
ANY = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["value", "code"]), inner)),
    max_leaves=5,
)


def fields(**known: Any) -> st.SearchStrategy[Json]:
    """An object with some of its fields as FHIR has them, some as anything."""
    return st.fixed_dictionaries({}, optional={name: st.one_of(value, value, ANY) for name, value in known.items()})


UNITS = st.sampled_from(["mg", "g", "ug", "mL", "tablet", "puff", ""])
QUANTITY = fields(value=NUMBERS, unit=UNITS, code=UNITS)
REPEAT = fields(
    frequency=NUMBERS, frequencyMax=NUMBERS, period=NUMBERS, count=NUMBERS, boundsDuration=QUANTITY,
    periodUnit=st.sampled_from(["s", "min", "h", "d", "wk", "mo", "a"]),
    dayOfWeek=st.lists(st.sampled_from(["mon", "tue", "x"])), when=st.lists(st.sampled_from(["MORN", "HS", "C"])),
    boundsRange=fields(low=QUANTITY, high=QUANTITY),
)  # fmt: skip
DOSAGE = fields(
    text=WORDS, patientInstruction=WORDS, additionalInstruction=st.lists(fields(text=WORDS), max_size=2),
    asNeededBoolean=st.booleans(), sequence=st.integers(0, 2),
    timing=fields(repeat=REPEAT, code=fields(text=WORDS), event=st.lists(st.sampled_from(["2026-06-16", "x"]))),
    doseAndRate=st.lists(fields(doseQuantity=QUANTITY, doseRange=fields(low=QUANTITY, high=QUANTITY)), max_size=2),
)  # fmt: skip
PRODUCTS = st.sampled_from([FOLIC, "Zinc sulfate 220 mg (50 mg elemental)", "Folic acid 2.5 mg/0 mL", "Zinc 1 g/mL"])


@given(product=st.one_of(PRODUCTS, PRODUCTS, WORDS), doses=st.lists(DOSAGE, max_size=3), more=fields(status=WORDS))
@settings(max_examples=400, deadline=None)
def test_no_dose_is_an_error_or_an_impossible_amount(product: str, doses: list[Json], more: Json) -> None:
    order = medication(product or "x", dosageInstruction=doses) | more
    for draft in read(json.dumps(order).encode()):
        for amount in (draft.amount, *draft.amounts.values()):
            found = [mg for mg in (amount.mg, amount.most) if mg is not None]
            assert all(mg.is_finite() and 0 <= mg < MOST_MILLIGRAMS for mg in found)
        assert draft.days_per_week is None or 0 < draft.days_per_week <= 7
        assert draft.days is None or (draft.days.is_finite() and draft.days >= 0)


@pytest.mark.parametrize(
    ("product", "dose"),
    [
        (FOLIC, structured(1e30, "tablet")), (FOLIC, structured(1e11, "tablet")), (FOLIC, structured(-1, "tablet")),
        (FOLIC, structured(-5, "mg")), (FOLIC, f"{'9' * 60} tablets daily"), (FOLIC, structured(1, "tablet", 10**18)),
        (FOLIC, structured(1, "tablet", 1, 1e-30)), (f"Folic acid {'9' * 50} mg tablet", structured(1, "tablet")),
        ("zinc sulfate 0.0000000000001 mg (999999999999 mg elemental zinc)", structured(220, "mg")),
        ("zinc sulfate 0,00000000000000000000000000000001 mg (50 g elemental)", structured(999999999, "mg")),
        ("zinc sulfate 0 mg (50 mg elemental zinc)", structured(10**12, "mg")), (FOLIC, "9" * 1_100_000 + " mg daily"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_a_number_that_no_dose_can_be_is_not_known(product: str, dose: Any) -> None:
    amount = draft_of(product, dose).amount
    assert amount.mg is None or amount.assumed == "one-a-day" or 0 <= amount.mg < MOST_MILLIGRAMS
