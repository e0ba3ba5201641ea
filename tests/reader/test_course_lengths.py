"""When a course of a drug ends by the words of its dose."""

from __future__ import annotations

import pytest
from charts import Json, read, resource

LENGTHS = [
    ("500 mg three times a day for 7 days", "2026-06-08"),
    ("1 tablet daily for 2 weeks", "2026-06-15"),
    ("1.2 million units, single dose", "2026-06-01"),
    ("500 mg three times a day", None),
    ("for pain, 1 tablet", None),
]


def prescription(text: str) -> Json:
    drug = {"text": "Amoxicillin 500 mg capsule"}
    return resource(
        "MedicationRequest", status="active", intent="order", medicationCodeableConcept=drug, authoredOn="2026-06-01",
        dosageInstruction=[{"text": text}],
    )  # fmt: skip


@pytest.mark.parametrize(("text", "end"), LENGTHS)
def test_a_course_ends_when_its_words_say_so_and_is_open_otherwise(text: str, end: str | None) -> None:
    (drug,) = read(prescription(text)).medications
    assert (drug.end.latest.date().isoformat() if drug.end else None) == end
