"""Repeats as clients see them: what is lowered says so, what is new comes back, what silences and what does not."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from requests_of import PATIENT, bundle, call, observation, patient

from service import contract
from service.app import create_app
from service.settings import Settings

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OURS = "urn:neutropenia-cds:override-reason"
Json = dict[str, Any]
REVIEW = "/cds-services/neutropenia-review"


def chart(neutrophils: float = 1.3, whose: str = PATIENT, **changes: Any) -> Json:
    """A review of a patient with a low count, a low vitamin B12 and some more results."""
    about = {"subject": {"reference": f"Patient/{whose}"}}
    b12 = {"value": 120, "unit": "pg/mL", "system": "http://unitsofmeasure.org", "code": "pg/mL"}
    ferritin = {"value": 90, "unit": "ng/mL", "system": "http://unitsofmeasure.org", "code": "ng/mL"}
    hemoglobin = {"value": 13.1, "unit": "g/dL", "system": "http://unitsofmeasure.org", "code": "g/dL"}
    prefetch = {
        "patient": patient(id=whose),
        "count": bundle(
            observation(value=neutrophils, **about),
            observation("718-7", valueQuantity=hemoglobin, **about),
            observation(id="o-old", value=1.35, effectiveDateTime="2026-01-10", **about),
        ),
        "nutrients": bundle(
            observation("2132-9", valueQuantity=b12, **about), observation("2276-4", valueQuantity=ferritin, **about)
        ),
    }
    context = {"userId": "Practitioner/d-1", "patientId": whose}
    return call(prefetch, context=context, hookInstance=str(uuid4()), **changes)


class Service:
    """A service with a clock that is set by hand."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.now = NOON
        self.app = create_app(
            Settings(**({"database_url": f"sqlite:///{folder}/s.sqlite"} | settings)), lambda: self.now
        )

    def cards(self, asked: Json, at: timedelta = timedelta()) -> list[Json]:
        self.now = NOON + at
        answer = self.app.test_client().post(REVIEW, json=asked)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        contract.validator("HookResponse").validate(answer.json)
        found: list[Json] = answer.json["cards"]
        return found

    def levels(self, asked: Json, at: timedelta = timedelta()) -> list[str]:
        return [card["indicator"] for card in self.cards(asked, at)]

    def tell(self, card: Json, outcome: str = "overridden", code: str = "", system: str = OURS) -> None:
        said: Json = {"card": card["uuid"], "outcome": outcome, "outcomeTimestamp": "2026-06-15T12:00:00Z"}
        if outcome == "accepted":
            said["acceptedSuggestions"] = [{"id": str(uuid4())}]
        if code:
            said["overrideReason"] = {"reason": {"system": system, "code": code}}
        answer = self.app.test_client().post(f"{REVIEW}/feedback", json={"feedback": [said]})
        assert answer.status_code == 200


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    yield Service(tmp_path)


FULL = ["warning"]


def test_a_repeat_is_lowered_and_says_on_its_face_since_when(service: Service) -> None:
    (first,) = service.cards(chart())
    assert first["indicator"] == "warning"
    (again,) = service.cards(chart(), HOUR)
    assert again["indicator"] == "info"
    assert again["summary"] == first["summary"]
    assert (
        again["detail"] == f"Shown before on 15 Jun; nothing that it rests on has changed since.\n\n{first['detail']}"
    )
    assert again["uuid"] != first["uuid"]
    assert [one["label"] for one in again["suggestions"]] == [one["label"] for one in first["suggestions"]]


def test_the_day_is_that_of_the_site(tmp_path: Path) -> None:
    service = Service(tmp_path, time_zone=ZoneInfo("Pacific/Auckland"))
    service.cards(chart(), 1 * HOUR)
    assert "Shown before on 16 Jun;" in service.cards(chart(), 2 * HOUR)[0]["detail"]


@pytest.mark.parametrize(
    ("code", "system", "said"),
    [
        ("pending", OURS, " (A result or consult is pending)"),
        ("", OURS, ""),
        ("patient-refuses", "http://example.org/reasons", " (patient-refuses)"),
        ("pending", "http://example.org/reasons", " (pending)"),
        ("<b>[x](javascript:y)", "urn:x", r" (&lt;b&gt;\[x\](javascript:y))"),
    ],
)
def test_an_override_is_told_with_its_reason(service: Service, code: str, system: str, said: str) -> None:
    (first,) = service.cards(chart())
    service.tell(first, code=code, system=system)
    (again,) = service.cards(chart(), HOUR)
    expected = f"Shown before on 15 Jun and overridden{said}; nothing that it rests on has changed since."
    assert (again["indicator"], again["detail"].splitlines()[0]) == ("info", expected)


def test_a_site_may_leave_repeats_out_or_show_them(tmp_path: Path) -> None:
    for how, expected in (("omit", []), ("show", FULL)):
        folder = tmp_path / how
        folder.mkdir()
        service = Service(folder, repeats=how)
        assert service.levels(chart()) == FULL
        assert service.levels(chart(), HOUR) == expected


def test_a_card_that_was_left_out_does_not_make_the_period_longer(tmp_path: Path) -> None:
    service = Service(tmp_path, repeats="omit")
    found = [service.levels(chart(), hours * HOUR) for hours in (0, 20, 25, 40, 50)]
    assert found == [FULL, [], FULL, [], FULL]


def test_a_lowered_card_does_not_make_the_period_longer(service: Service) -> None:
    found = [service.levels(chart(), hours * HOUR) for hours in (0, 20, 25, 40, 50)]
    assert found == [FULL, ["info"], FULL, ["info"], FULL]


def test_what_was_accepted_silences_nothing_more_than_the_repeat_does(service: Service) -> None:
    (first,) = service.cards(chart())
    service.tell(first, "accepted")
    (again,) = service.cards(chart(), HOUR)
    assert again["detail"].startswith("Shown before on 15 Jun; ")


def test_another_patient_and_the_same_id_at_another_server_are_told_in_full(service: Service) -> None:
    assert service.levels(chart()) == FULL
    assert service.levels(chart(whose="p-2")) == FULL
    assert service.levels(chart(fhirServer="https://other.example/fhir")) == FULL


def test_a_severe_count_is_told_in_full_each_time(service: Service, tmp_path: Path) -> None:
    first, again = service.levels(chart(0.4)), service.levels(chart(0.4), HOUR)
    assert first == again and first[0] in ("warning", "critical")
    (tmp_path / "too").mkdir()
    other = Service(tmp_path / "too", repeat_severe=True)
    assert other.levels(chart(0.4)) == first
    assert other.levels(chart(0.4), HOUR) == ["info"] * len(first)


# --- what makes a card new --------------------------------------------------------------------------------------------


def entries(asked: Json, key: str) -> list[Json]:
    found: list[Json] = asked["prefetch"][key]["entry"]
    return found


def at(key: str, index: int, **changes: Any) -> Callable[[Json], None]:
    def change(asked: Json) -> None:
        resource = entries(asked, key)[index]["resource"]
        for name, value in changes.items():
            resource[name] = resource["valueQuantity"] | {"value": value} if name == "valueQuantity" else value

    return change


def add(key: str, resource: Json) -> Callable[[Json], None]:
    return lambda asked: entries(asked, key).append({"resource": resource})


def reorder(asked: Json) -> None:
    for key in ("count", "nutrients"):
        entries(asked, key).reverse()
    asked["prefetch"] = dict(reversed(asked["prefetch"].items()))


B12 = {"value": 130, "unit": "pg/mL", "system": "http://unitsofmeasure.org", "code": "pg/mL"}
NEW: dict[str, Callable[[Json], None]] = {
    "another count": at("count", 0, valueQuantity=1.2),
    "the same value of a new draw": at("count", 0, id="o-new", effectiveDateTime="2026-06-15"),
    "another vitamin B12": at("nutrients", 0, valueQuantity=121),
    "another ferritin": at("nutrients", 1, valueQuantity=91),
    "another hemoglobin": at("count", 1, valueQuantity=12.9),
    "a newer vitamin B12": add(
        "nutrients", observation("2132-9", id="o-b", effectiveDateTime="2026-06-15", valueQuantity=B12)
    ),
    "a corrected count": at("count", 0, status="corrected"),
    "a preliminary count beside it": add(
        "count", observation(id="o-p", value=1.1, status="preliminary", effectiveDateTime="2026-06-15")
    ),
    "a result of another patient": add("nutrients", observation("2132-9", patient="someone-else", id="x")),
}
SAME: dict[str, Callable[[Json], None]] = {
    "nothing": lambda asked: None,
    "another order of the resources": reorder,
    "another hookInstance": lambda asked: asked.update(hookInstance=str(uuid4())),
    "another reader": lambda asked: asked["context"].update(userId="Practitioner/d-2"),
    "a result that no rule reads": add("nutrients", observation("2951-2", value=140)),
}


def changed(by: Callable[[Json], None]) -> Json:
    asked = copy.deepcopy(chart())
    by(asked)
    return json.loads(json.dumps(asked))


@pytest.mark.parametrize("name", NEW)
def test_a_result_that_is_new_or_another_brings_the_card_back(service: Service, name: str) -> None:
    (first,) = service.cards(chart())
    service.tell(first, code="pending")
    assert service.levels(chart(), HOUR) == ["info"]
    assert all(not card["detail"].startswith("Shown before") for card in service.cards(changed(NEW[name]), HOUR))


@pytest.mark.parametrize("name", SAME)
def test_what_the_card_does_not_rest_on_leaves_it_a_repeat(service: Service, name: str) -> None:
    assert service.levels(chart()) == FULL
    assert service.levels(changed(SAME[name]), HOUR) == ["info"]


@pytest.mark.parametrize("days", [1, 3, 10, 29])
def test_a_later_day_with_the_same_results_is_a_repeat(tmp_path: Path, days: int) -> None:
    service = Service(tmp_path, repeat_hours=720)
    assert service.levels(chart()) == FULL
    assert service.levels(chart(), timedelta(days=days)) == ["info"]


def test_a_preliminary_count_that_falls_is_no_repeat(service: Service) -> None:
    """No grade is given, and the card's own value is in no graded count."""
    asked = [chart(value) for value in (1.3, 1.3, 1.1)]
    for one in asked:
        entries(one, "count")[0]["resource"]["status"] = "preliminary"
        del entries(one, "count")[1:]
    told = [[card["detail"].startswith("Shown before") for card in service.cards(one)] for one in asked]
    assert told == [[False], [True], [False]]
