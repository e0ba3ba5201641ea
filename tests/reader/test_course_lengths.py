"""When a course of a drug ends: by its bounds, never by the words of a dose, which may go on with another one."""

from __future__ import annotations

import pytest
from charts import Json, read, resource

WORDS = [
    "100 mg for 7 days then 300 mg nightly", "40 mg daily for 4 weeks, then 20 mg daily", "single dose of 6 tablets",
    "15 mg weekly. Stop for 2 weeks if infection", "500 mg three times a day for 7 days",
]  # fmt: skip
WEEK = {"timing": {"repeat": {"boundsDuration": {"value": 7, "unit": "d", "code": "d"}}}}
MONTH = {"timing": {"repeat": {"boundsPeriod": {"end": "2026-07-01"}}}}
BOUNDS = [([WEEK], "2026-06-08"), ([WEEK, MONTH], "2026-07-01"), ([WEEK, {"text": "300 mg nightly"}], None), ([], None)]


def ends(*doses: Json) -> str | None:
    drug = {"text": "Clozapine 100 mg tablet"}
    (found,) = read(resource(
        "MedicationRequest", status="active", intent="order", medicationCodeableConcept=drug, authoredOn="2026-06-01",
        dosageInstruction=list(doses),
    )).medications  # fmt: skip
    return found.end.latest.date().isoformat() if found.end else None


@pytest.mark.parametrize("text", WORDS)
def test_words_of_a_dose_end_nothing(text: str) -> None:
    assert ends({"text": text}) is None


@pytest.mark.parametrize(("doses", "end"), BOUNDS)
def test_a_course_ends_with_the_last_of_its_doses_and_is_open_when_one_is(doses: list[Json], end: str | None) -> None:
    assert ends(*doses) == end
