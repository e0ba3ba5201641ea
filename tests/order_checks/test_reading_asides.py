"""What stands beside a dose and is none: blood counts, visits, a first day, other things to be done; other tongues."""

from __future__ import annotations

from decimal import Decimal

import pytest
from drafted_orders import medication, read

METHOTREXATE, FOLIC = "Methotrexate 2.5 mg tablet", "Folic acid 5 mg tablet"


def days_of(text: str, note: str = "", product: str = METHOTREXATE) -> Decimal | None:
    dose = {"text": text, "additionalInstruction": [{"text": note}] if note else []}
    return read(medication(product, dose))[0].days_per_week


DAILY = [
    "1 tablet in the morning",
    "1 in the morning",
    "2.5 mg in the morning",
    "1-0-0",
    "1 tablet at night",
    "2.5 mg daily",
]
ASIDES = [
    "Weekly blood tests", "See nurse on Monday", "Weekly blood count", "Blood count weekly", "review monthly",
    "Blood count every 2 weeks", "Start on Monday", "weekly FBC", "weekly bloods",
    "Blutbild wöchentlich", "Kontrolle 1x pro Woche", "ab Montag", "See doctor on Monday", "Weekly bloods",
    "Start Monday", "Blood test Monday", "From Monday", "Sunday start pack", "starting Monday",
    "CBC and LFTs monthly",
    "Clinic visit on Thursdays", "Follow-up weekly", "weekly monitoring", "weekly labs", "Kontrolle Montag",
    "NFS par semaine", "hémogramme lundi", "GP once a month", "weekly CRP", "weekly U&Es", "ESR monthly",
    "weekly tests", "appointment on Friday", "contrôle lundi", "beginning on Tuesday", "Monday start", "dès lundi",
    "Labor wöchentlich", "Beginn: Montag", "levels weekly", "counts weekly", "lab weekly", "commencing Friday",
]  # fmt: skip


@pytest.mark.parametrize("aside", ASIDES)
@pytest.mark.parametrize("dose", DAILY)
def test_what_is_said_of_another_thing_makes_no_daily_dose_weekly(dose: str, aside: str) -> None:
    assert days_of(f"{dose}. {aside}") == 7
    assert days_of(f"{dose}; {aside}") == 7
    assert days_of(f"{dose}, {aside}") == 7
    assert days_of(f"{dose} ({aside})") == 7
    assert days_of(f"{aside}. {dose}") == 7
    assert days_of(f"{aside}, {dose}") == 7
    assert days_of(dose, aside) == 7


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1-0-0 Kontrolle 1x pro Woche", 7), ("1-0-0 ab Montag", 7), ("2.5 mg in the morning starting Monday", 7),
        ("1-0-0 weekly blood count", 7), ("2.5 mg in the morning weekly bloods", 7),
        ("From Monday take 1 tablet daily", 7), ("On Monday start 1 tablet daily", 7),
        ("Blood count weekly then take 1 tablet daily", 7), ("For a low blood count take 1 tablet daily", 7),
        ("15 mg weekly on Mon, 5 mg daily after", 7), ("2.5 mg daily for 5 days, weekly blood count", 7),
        ("Start Monday, 5 mg once a day", 7), ("1 daily for blood count", 7), ("15 mg on Monday. 15 mg on Thursday",
        2),
        ("15 mg Monday, 10 mg Thursday", 2), ("Blood count weekly 1-0-0", 7), ("1-0-0. Weekly dressing", 7),
        ("1-0-0. Weekly zinc level", 7),
        ("1-0-0, weekly zinc level", 7), ("1-0-0. Weekly drug level", 7), ("2.5 mg daily (weekly zinc level)", 7),
        ("1 tablet daily Mon, 2 tablets daily Tue", 2), ("2.5 mg from Monday to Friday", 5),
        ("2.5 mg daily from Mon-Fri", 5),
    ],
)  # fmt: skip
def test_of_what_a_text_says_the_more_frequent_dose_counts(text: str, days: int) -> None:
    assert days_of(text) == days


WEEKLY = [
    "15 mg once weekly",
    "15 mg weekly on Monday",
    "6 tablets on Mondays",
    "15 mg once a week at night",
    "1-0-0 weekly",
]
HARMLESS = [
    *ASIDES, "Use sunscreen daily", "wash hands twice daily", "Take at the same time each day", "do not take daily",
    "NOT daily", "never daily", "Take folic acid 5 mg daily on other days", "Folic acid daily except on that day",
    "Check temperature daily", "Rinse mouth twice daily", "Brush teeth twice a day", "Apply moisturiser daily",
    "Weigh daily", "Exercise daily", "Record your weight every day", "Eat fruit every day", "No alcohol daily",
    "Wear a hat every day", "Walk daily", "Drink 2 litres of water a day", "Use a mouthwash twice daily",
    "Avoid sun", "with food", "Daily use of sunscreen", "Blood pressure: measure every day", "Mouthwash twice daily",
    "in the evening", "Take in the evening", "for morning stiffness", "Moisturising cream every day", "at bedtime",
]  # fmt: skip


@pytest.mark.parametrize("aside", HARMLESS)
@pytest.mark.parametrize("dose", WEEKLY)
def test_what_is_said_of_another_thing_makes_no_weekly_dose_daily(dose: str, aside: str) -> None:
    for text in (f"{dose}. {aside}", f"{dose}; {aside}", f"{dose} ({aside})", f"{aside}. {dose}"):
        assert days_of(text) == 1, text
    assert days_of(dose, aside) == 1


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Methotrexate weekly. In the morning", 1), ("Weekly for rheumatoid arthritis. Take in the morning", 1),
        ("15 mg weekly, take on Monday evening", 1), ("Take 6 tablets once a week, on Friday morning", 1),
        ("Take weekly. With breakfast", 1), ("15 mg every Monday starting 23 Nov", 1),
        ("Start with 15 mg weekly", 1), ("Start 15 mg weekly on Monday", 1),
        ("Take 15 mg once a week on the same day each week", 1),
        ("15 mg weekly. Methotrexate is never to be taken daily", 1),
    ],
)  # fmt: skip
def test_a_weekly_dose_in_ordinary_words_is_weekly(text: str, days: int) -> None:
    assert days_of(text) == days


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("1—0—0", 7), ("1‑0‑0", 7), ("1‒0‒0", 7), ("1−0−0", 7), ("1‐0‐0", 7), ("1/0/0", 7), ("1 0 0", 7), ("1x1", 7),
        ("1x tgl.", 7),
        ("1 Tbl. tgl.", 7), ("jeden Tag", 7), ("jeden Morgen", 7), ("jeden Abend", 7), ("morgens", 7), ("mittags", 7),
        ("abends", 7), ("nachts", 7), ("zur Nacht", 7), ("früh", 7), ("morgens und abends", 7), ("15 mg Mo-Fr", 5),
        ("Mo, Di", 2), ("Mi und Do", 2), ("Sa/So", 2), ("Fr+Sa", 2), ("zweimal wöchentlich", 2),
        ("dreimal wöchentlich", 3),
        ("zu den Mahlzeiten", 7), ("1 par jour", 7), ("1 cp/j", 7), ("tous les jours", 7), ("chaque jour", 7),
        ("une fois par jour", 7), ("matin et soir", 7), ("midi", 7), ("lundi et mardi", 2), ("lundis, mardis", 2),
        ("deux fois par semaine", 2), ("trois fois par semaine", 3), ("une fois par semaine", 1),
        ("pendant les repas", 7), ("aux repas", 7), ("every a.m.", 7), ("1 tab a.m.", 7), ("1 tab p.m.", 7),
        ("1 tab alternate days", 3.5), ("every second day", 3.5), ("1 tablet morning", 7), ("1 tablet evening", 7),
        ("M-F", 5), ("biweekly", 2), ("bi-weekly", 2), ("on 3 consecutive days", 3), ("einmal wöchentlich", 1),
        ("15 mg mercredi", 1), ("15 mg jeudi et vendredi", 2), ("15 mg samedi, dimanche", 2), ("2x1 weekly", 2),
        ("15 mg vendredis", 1), ("15 mg mercredis", 1), ("15 mg jeudis", 1), ("15 mg samedis et dimanches", 2),
    ],
)  # fmt: skip
def test_a_frequency_is_read_in_other_spellings_and_tongues(text: str, days: float) -> None:
    assert days_of(text) == Decimal(str(days))


@pytest.mark.parametrize(
    ("text", "mg"),
    [
        ("1x1", 5), ("2x1", 10), ("3x1 Tbl.", 15), ("1 x 2 Tbl", 10), ("zweimal tgl. 1 Tbl.", 10), ("1/0/1", 10),
        ("1 0 1", 10),
        ("dreimal täglich 1 Tbl.", 15), ("1 Tbl. morgens und abends", 10), ("1 cp matin et soir", 10),
        ("1 cp deux fois par jour", 10), ("1 cp trois fois par jour", 15), ("1 cp matin, midi et soir", 15),
        ("take 1 with breakfast and dinner", 10), ("1 tablet with lunch and supper", 10),
        ("1 with breakfast, lunch, dinner", 15),
        ("1 tablet morning and evening", 10), ("1 tablet in the morning and bedtime", 10),
    ],
)  # fmt: skip
def test_times_of_a_day_are_counted_in_other_spellings_and_tongues(text: str, mg: int) -> None:
    assert read(medication(FOLIC, text))[0].amount.mg == mg


@pytest.mark.parametrize(
    "text",
    [
        "Take 6 tablets once a week on a Monday. Do NOT take daily. Take folic acid 5 mg once a week on another day.",
        "15 mg weekly, folic acid 5 mg on Thursday", "Take 15 mg ONCE A WEEK, on the same day each week",
        "Take SIX tablets once weekly, swallow whole with water, after food", "15 mg weekly. Use sunscreen daily",
        "15 mg every week on Monday; weekly FBC for 6 weeks, then monthly",
        "6 tablets each Monday. Bloods every 2 weeks",
    ],
)  # fmt: skip
def test_an_ordinary_weekly_prescription_is_one_day_a_week(text: str) -> None:
    draft = read(medication(METHOTREXATE, text))[0]
    assert (draft.days_per_week, draft.unread) == (1, False)
