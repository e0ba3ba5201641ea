"""A nutrient is data: selenium, which is not shipped, is judged after its files lie beside the others.

What a new nutrient needs, as in tests/knowledge/selenium/:

- `selenium.toml`: `[nutrient]`, a `[[scale]]` (here by the laboratory's own range), the `[[status]]` rows with a last
  one that matches always, the `[[citation]]` of each source; as wanted `[[feature]]`, `[[cap]]`, `[[order]]`, and
  `[[indicator]]` for a card while the count is normal;
- `analytes/selenium.toml`: how it is reported, and the prefetch key that fetches it;
- a measure in `analytes/units.toml` and a template in `orders.toml`, where no present one serves;
- its name in `neutropenia.toml` where a rule counts nutrients (`explained-by-nutrient`, `work-up-nutrients`);
- words in `wording.toml` only where the name with spaces for hyphens will not do; no Python;
- and, when it is shipped, one table in `tests/rules/`.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cds_hooks.cards import Card
from cds_hooks.prefetch import Resource
from service import hooks
from service.cards import cards
from service.cli.page import page
from service.clinical.assess import assess
from service.clinical.assessment import Assessment
from service.clinical.facts import PatientFacts
from service.clinical.knowledge import load, profiles
from service.clinical.knowledge.loader import FOLDER
from service.clinical.knowledge.model import Knowledge
from service.explain import explain
from service.fhir.reader import Reader, Site
from service.ground import Ground
from service.order_checks import OrderChecks
from service.placed import placed

SELENIUM = Path(__file__).parent / "selenium"
AS_OF = datetime(2026, 6, 15, 12, tzinfo=UTC)
OURS = load()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped knowledge with the files of selenium: new ones beside the others, the rest at the end of its own."""
    grown = tmp_path_factory.mktemp("knowledge") / "grown"
    shutil.copytree(FOLDER, grown, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for file in SELENIUM.rglob("*.toml"):
        with (grown / file.relative_to(SELENIUM)).open("a", encoding="utf-8") as end:
            end.write(file.read_text("utf-8"))
    return grown


@pytest.fixture(scope="module")
def knowledge(folder: Path) -> Knowledge:
    return load(folder=folder)


def lab(code: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"o-{code}", "status": "final", "effectiveDateTime": "2026-06-14",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "subject": {"reference": "Patient/p"},
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}, **more,
    }  # fmt: skip


def selenium(value: float, comparator: str | None = None) -> dict[str, Any]:
    """A result with a laboratory's range of 2 to 4, made up."""
    bounds = {side: {"value": end, "unit": "ug/L"} for side, end in (("low", 2), ("high", 4))}
    made = lab("5724-0", value, "ug/L", referenceRange=[bounds])
    if comparator:
        made["valueQuantity"]["comparator"] = comparator
    return made


LOW_COUNT, NORMAL_COUNT = lab("751-8", 1.2, "10*9/L"), lab("751-8", 3, "10*9/L")
PATIENT = {"resourceType": "Patient", "id": "p", "birthDate": "1980-01-01"}


def read(knowledge: Knowledge, *resources: dict[str, Any]) -> PatientFacts:
    sent = [
        Resource(r["resourceType"], msgspec.Raw(msgspec.json.encode(r)), f"$[{i}]")
        for i, r in enumerate((PATIENT, *resources))
    ]
    return Reader(knowledge).read(sent, "p", AS_OF.date())


def judged(knowledge: Knowledge, *resources: dict[str, Any]) -> Assessment:
    return assess(read(knowledge, *resources), knowledge, AS_OF)


def card(knowledge: Knowledge, assessment: Assessment) -> Card:
    (only,) = cards(assessment, knowledge)
    return only


def status(assessment: Assessment) -> tuple[str, str]:
    return next((n.status, n.row) for n in assessment.nutrients if n.nutrient == "selenium")


def cause(assessment: Assessment) -> str:
    return next(c.certainty for c in assessment.causes if c.cause == "selenium-deficiency")


def test_the_shipped_knowledge_does_not_know_selenium() -> None:
    named = {*OURS.analytes, *OURS.orders, *OURS.scales, *OURS.citations, *(n.id for n in OURS.nutrients)}
    assert not [name for name in named if "selenium" in name]
    assert not judged(OURS, LOW_COUNT, selenium(1)).nutrients[-1].evidence
    assert "elenium" not in card(OURS, judged(OURS, LOW_COUNT, selenium(1))).detail


@pytest.mark.parametrize("profile", profiles())
def test_its_files_are_all_that_the_knowledge_needs_to_know_it(profile: str, folder: Path) -> None:
    grown, ours = load(profile, folder=folder), load(profile)
    assert [n.id for n in grown.nutrients] == [*(n.id for n in ours.nutrients), "selenium"]
    assert grown.nutrients[:-1] == ours.nutrients
    assert grown.scales == {**ours.scales, "selenium": grown.scales["selenium"]}
    assert grown.analytes == {**ours.analytes, "selenium": grown.analytes["selenium"]}


def test_a_low_selenium_with_a_low_count_is_deficient_a_possible_cause_and_ordered(knowledge: Knowledge) -> None:
    found = judged(knowledge, LOW_COUNT, selenium(1))
    assert status(found) == ("deficient", "selenium-low")
    assert cause(found) == "possible"
    (order,) = [o for o in found.orders if o.order == "selenium"]
    assert (order.code, order.group, order.priority) == ("5724-0", "selenium", "routine")
    assert order.reason == "Selenium is below the laboratory's range: repeat it."


def test_the_card_says_it_by_its_name_with_result_range_order_and_source(knowledge: Knowledge) -> None:
    shown = card(knowledge, judged(knowledge, LOW_COUNT, selenium(1)))
    assert shown.summary == "Mild neutropenia 1.20 x10*9/L (14 Jun): possible cause: selenium deficiency"
    assert "**Selenium deficiency: possible**" in shown.detail
    (row,) = [line for line in shown.detail.splitlines() if line.startswith("| Selenium ")]
    assert "1 ug/L" in row and "below the laboratory's range 2 to 4 ug/L" in row and "**deficient**" in row
    assert "Example of a nutrient, for a test" in shown.detail.partition("#### Sources")[2]
    (suggestion,) = [s for s in shown.suggestions if "elenium" in s.label]
    (action,) = suggestion.actions
    assert action.resource["code"]["coding"][0]["code"] == "5724-0"
    assert "Observation/o-5724-0" in [one["reference"] for one in action.resource["supportingInfo"]]


@pytest.mark.parametrize(
    ("resources", "expected", "certainty"),
    [
        ((selenium(2),), ("sufficient", "selenium-in-range"), "unlikely"),
        ((selenium(4.1),), ("high", "selenium-above"), "unlikely"),
        ((selenium(3, "<"),), ("indeterminate", "selenium-crossing"), "not-assessable"),
        ((lab("5724-0", 1, "ug/L"),), ("not-assessable", "selenium-no-range"), "not-assessable"),
        ((), ("not-assessable", "selenium-not-assessable"), "not-assessable"),
    ],
)
def test_each_of_its_rows_is_reached(
    knowledge: Knowledge, resources: tuple[dict[str, Any], ...], expected: tuple[str, str], certainty: str
) -> None:
    found = judged(knowledge, LOW_COUNT, *resources)
    assert (status(found), cause(found)) == (expected, certainty)
    assert not [o for o in found.orders if o.order == "selenium"]


def test_one_that_was_never_measured_is_said_to_be_unknown(knowledge: Knowledge) -> None:
    unknown = card(knowledge, judged(knowledge, LOW_COUNT)).detail.partition("#### Not known")[2].partition("####")[0]
    assert "selenium" in unknown


def test_with_a_normal_count_it_is_a_card_of_its_own_and_no_cause(knowledge: Knowledge) -> None:
    found = judged(knowledge, NORMAL_COUNT, selenium(1))
    assert cause(found) == "not-applicable"
    shown = card(knowledge, found)
    assert "elenium" in shown.summary and shown.indicator == "info"
    assert judged(knowledge, NORMAL_COUNT, selenium(3)).indicator == "none"


def test_discovery_asks_for_it_and_the_table_and_the_explanation_name_it(
    knowledge: Knowledge, capsys: pytest.CaptureFixture[str]
) -> None:
    ground = Ground(knowledge, Reader(knowledge), Site(), OrderChecks(knowledge))
    service, _ = hooks.offered(ground)["neutropenia-review"]
    assert "http://loinc.org|5724-0" in service.prefetch["nutrients"]
    facts = read(knowledge, LOW_COUNT, selenium(1))
    page(assess(facts, knowledge, AS_OF), placed(facts, knowledge, AS_OF), knowledge)
    assert "selenium deficiency" in capsys.readouterr().out
    nobody = Reader(knowledge).read([], None, AS_OF.date())
    said = {one.about: one.conclusion for one in explain(nobody, knowledge, AS_OF)}
    assert said["selenium"] == said["selenium-deficiency"] == "not-assessable"
