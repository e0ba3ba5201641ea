"""Why a conclusion is what it is: `POST /assess?explain=true` and `cds assess --explain`."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from contracted import check, contract
from flask.testing import FlaskClient
from requests_of import bundle, observation, patient

from service.app import create_app
from service.cli import main
from service.clinical.knowledge import load
from service.explain import MOST_NEAR, WHOLE
from service.settings import Settings
from service.stories import Story, find, names

KNOWLEDGE = load()
DAY = date(2026, 6, 15)
EVERYONE = pytest.mark.parametrize("name", [*names(), "nobody"])
Json = dict[str, Any]


@cache
def client() -> FlaskClient:
    return create_app(Settings(), clock=lambda: datetime.combine(DAY, time(12), UTC)).test_client()


def ask(resource: Json, query: str = "explain=true", status: int = 200) -> Json:
    """The answer of POST /assess, which is one that the contract describes."""
    path = f"/assess?{query}"
    answer = client().post(path, json=resource)
    check("POST", path, answer.status_code, answer.content_type, answer.data)
    assert answer.status_code == status
    found: Json = answer.json
    return found


def chart(story: Story) -> Json:
    """The resources of a story as one Bundle."""
    return bundle(*(resource for resource in story.request["prefetch"].values() if resource))


@cache
def told(name: str) -> Json:
    """The explained assessment of a story on its day, or of an empty Bundle."""
    story = find(name) if name != "nobody" else None
    return ask(chart(story) if story else bundle(), f"explain=true&as-of={story.as_of if story else DAY}")


def about(answer: Json, what: str) -> list[Json]:
    return [one for one in answer["explanation"] if one["about"] == what]


def one(answer: Json, what: str) -> Json:
    """What is said first of a nutrient, a cause or a table."""
    return about(answer, what)[0]


def near(answer: Json, what: str) -> list[str]:
    return [row["row"] for row in one(answer, what)["near"]]


def lab(code: str, value: float, unit: str, **changes: Any) -> Json:
    quantity = {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}
    return observation(code, valueQuantity=quantity, **changes)


COUNT, B12, MMA = observation(value=0.9), lab("2132-9", 250, "pg/mL"), lab("13964-2", 1.2, "umol/L")
KIDNEYS = lab("98979-8", 90, "mL/min/{1.73_m2}")
FOLATE, MCV, HEMOGLOBIN = lab("2284-8", 1.2, "ng/mL"), lab("787-2", 112, "fL"), lab("718-7", 9, "g/dL")


# --- every patient ----------------------------------------------------------------------------------------------------


@EVERYONE
def test_every_nutrient_and_every_cause_of_one_is_explained_by_the_row_of_the_assessment(name: str) -> None:
    answer = told(name)
    for nutrient in answer["nutrients"]:
        said = one(answer, nutrient["nutrient"])
        assert (said["conclusion"], said["row"]["row"]) == (nutrient["status"], nutrient["row"])
    nutritional = [c for c in answer["causes"] if c["cause"] in {n.cause for n in KNOWLEDGE.causal}]
    assert len(nutritional) == len(KNOWLEDGE.causal)
    for cause in nutritional:
        said = one(answer, cause["cause"])
        assert (said["conclusion"], said["row"]["row"]) == (cause["certainty"], cause["row"])
    assert one(answer, "severity")["conclusion"] == answer["severity"]


@EVERYONE
def test_every_row_of_a_table_that_matches_is_explained(name: str) -> None:
    answer = told(name)
    matching = {table: {o["conclusion"] for o in about(answer, table) if "row" in o} for table in WHOLE}
    assert matching["emergency"] | matching["indicator"] == set(answer["rows"])
    others = {c["cause"] for c in answer["causes"] if c["kind"] == "competing"}
    assert matching["competing"] == others
    rows = {o["row"]["row"] for table in ("flag", "composite") for o in about(answer, table) if "row" in o}
    flags = {r.then["flag"] for r in KNOWLEDGE.tables["flag"] if r.id in rows}
    assert flags <= set(answer["flags"])
    assert {r.then["cause"] for r in KNOWLEDGE.tables["composite"] if r.id in rows} <= {
        c["cause"] for c in answer["causes"] if c["kind"] == "nutritional"
    }


@EVERYONE
def test_a_row_has_facts_that_hold_and_a_nearest_row_exactly_one_that_does_not(name: str) -> None:
    for said in told(name)["explanation"]:
        assert all(fact["holds"] for fact in said.get("row", {"facts": []})["facts"])
        assert len(said["near"]) <= MOST_NEAR
        for row in said["near"]:
            assert [fact["holds"] for fact in row["facts"]].count(False) == 1, row
        for row in filter(None, [said.get("row"), *said["near"]]):
            assert all(fact["holds"] == (fact["level"] in fact["wanted"]) for fact in row["facts"])


@EVERYONE
def test_every_row_cites_a_source_of_the_knowledge(name: str) -> None:
    rows = chain.from_iterable([*([s["row"]] if "row" in s else []), *s["near"]] for s in told(name)["explanation"])
    cited = {row["citation"] for row in rows}
    assert cited and cited <= KNOWLEDGE.citations.keys()


# --- one patient ------------------------------------------------------------------------------------------------------


def test_a_fact_shows_its_result_its_band_and_its_observation() -> None:
    (fact,) = one(ask(bundle(COUNT, B12)), "vitamin-b12")["row"]["facts"]
    assert fact == {
        "fact": "b12", "level": "indeterminate", "wanted": ["indeterminate"], "holds": True,
        "result": "250 pg/mL, 2026-06-14", "band": "180 to 350 pg/mL", "observation": "Observation/o-2132-9",
    }  # fmt: skip
    (grade,) = one(ask(bundle(patient(), COUNT)), "severity")["row"]["facts"]
    assert grade["result"].startswith("0.9 10*9/L") and grade["band"] == "0.5 to <1.0 10*9/L"
    assert grade["observation"] == "Observation/o-751-8"


def test_the_fact_that_a_nearest_row_lacks_makes_it_the_row_once_it_is_there() -> None:
    before = one(ask(bundle(COUNT, B12, KIDNEYS)), "vitamin-b12")
    (missed,) = [row for row in before["near"] if row["row"] == "b12-functional"]
    assert [(f["fact"], f["level"], f["wanted"]) for f in missed["facts"] if not f["holds"]] == [
        ("b12-mma-raised", "no", ["yes"])
    ]
    after = one(ask(bundle(COUNT, B12, KIDNEYS, MMA)), "vitamin-b12")
    assert (before["row"]["row"], after["row"]["row"]) == ("b12-indeterminate", "b12-functional")
    assert after["conclusion"] == "deficient"
    assert missed["citation"] == after["row"]["citation"]


def test_the_nearest_rows_are_those_of_which_most_other_facts_hold() -> None:
    found = one(ask(bundle(COUNT, B12)), "vitamin-b12")["near"]
    assert [len(row["facts"]) for row in found] == [2, 2, 2]  # before "conflict:vitamin-b12" alone, which stands first


def test_a_row_that_an_earlier_one_would_keep_from_deciding_is_not_near() -> None:
    high = observation(value=3)
    assert [one(ask(bundle(c, FOLATE)), "folate")["conclusion"] for c in (COUNT, high)] == ["deficient", "deficient"]
    assert "deficient-one-feature" in near(ask(bundle(patient(), COUNT, FOLATE)), "folate-deficiency")
    answer = ask(bundle(patient(), high, FOLATE, MCV))
    assert one(answer, "folate-deficiency")["row"]["row"] == "count-not-low"
    assert near(answer, "folate-deficiency") == ["established-by-recovery", "count-not-assessable"]


def test_what_caps_a_certainty_is_said_with_its_row() -> None:
    answer = ask(bundle(patient(), COUNT, FOLATE, MCV, HEMOGLOBIN))
    judged, cap = about(answer, "folate-deficiency")
    assert (judged["conclusion"], judged["row"]["row"]) == ("probable", "deficient-established")
    assert (cap["conclusion"], cap["row"]["row"]) == ("at most probable", "folate-cap-b12-unknown")
    assert not about(ask(bundle(patient(), COUNT, FOLATE)), "folate-deficiency")[1:]  # possible: nothing is capped


def test_deficiencies_that_share_their_features_are_explained_with_the_certainty_that_they_have_together() -> None:
    low = lab("2132-9", 90, "pg/mL")
    answer = ask(bundle(patient(), COUNT, FOLATE, low, MCV, HEMOGLOBIN))
    assert one(answer, "vitamin-b12-deficiency")["conclusion"] == "probable"
    together = one(answer, "multiple-deficiencies")
    assert together["conclusion"] == "established"
    assert together["row"]["citation"] in KNOWLEDGE.citations
    assert [(f["fact"], f["level"]) for f in together["row"]["facts"]] == [
        ("status:folate", "deficient"), ("status:vitamin-b12", "deficient"),
    ]  # fmt: skip


# --- asking -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["explain=maybe", "explain=", "explain=True", "explain=true&explain=true"])
def test_an_explanation_is_asked_for_by_true_or_false_and_the_parameter_is_named(query: str) -> None:
    (issue,) = ask(bundle(), query, status=400)["issue"]
    assert "explain" in issue["diagnostics"] and "maybe" not in issue["diagnostics"]


@pytest.mark.parametrize("query", ["", "explain=false"])
def test_without_being_asked_there_is_no_explanation_and_the_same_assessment(query: str) -> None:
    bare, explained = ask(bundle(COUNT, B12), query), ask(bundle(COUNT, B12))
    assert "explanation" not in bare
    assert bare == {key: value for key, value in explained.items() if key != "explanation"}


# --- the command line -------------------------------------------------------------------------------------------------


def run(tmp_path: Path, *options: str) -> Result:
    file = tmp_path / "x.json"
    file.write_text(json.dumps(bundle(patient(), COUNT, B12)), "utf-8")
    result = CliRunner(env={}).invoke(main, ["assess", str(file), "--as-of", str(DAY), *options])
    assert result.exit_code == 0, result.output
    return result


def test_the_table_is_followed_by_rows_results_bands_citations_and_what_was_missed(tmp_path: Path) -> None:
    plain, explained = run(tmp_path).stdout, run(tmp_path, "--explain").stdout
    assert explained.startswith(plain) and "\nWhy\n" not in plain
    why = " ".join(explained.partition("\nWhy\n")[2].replace("│", " ").split())
    said = "by b12-indeterminate [nice-ng239]: b12 is indeterminate (250 pg/mL, 2026-06-14, 180 to 350 pg/mL, "
    assert f"vitamin-b12: indeterminate ├── {said}Observation/o-2132-9)" in why
    assert "not b12-functional: b12-mma-raised is no, it asks for yes" in why
    for title in ("severity: moderate", "cards: moderate-neutropenia", "emergency: none", "other causes: "):
        assert title in why, title


def test_a_line_of_json_holds_the_explanation_of_the_service(tmp_path: Path) -> None:
    (line,) = run(tmp_path, "--json", "--explain").stdout.splitlines()
    found = json.loads(line)
    contract.validator("Assessment").validate(found)
    assert found == ask(bundle(patient(), COUNT, B12), f"explain=true&as-of={DAY}")
    assert "explanation" not in json.loads(run(tmp_path, "--json").stdout)


@EVERYONE
def test_a_story_is_explained_at_the_terminal(name: str, tmp_path: Path) -> None:
    file = tmp_path / "story.json"
    story = find(name) if name != "nobody" else None
    file.write_text(json.dumps(story.request if story else bundle()), "utf-8")
    day = story.as_of if story else DAY
    result = CliRunner(env={}).invoke(main, ["assess", str(file), "--as-of", str(day), "--explain"])
    assert result.exit_code == 0, result.output
    why = result.stdout.partition("\nWhy\n")[2]
    assert all(f"{n['nutrient']}: {n['status']}" in why for n in told(name)["nutrients"])


def facts_of(facts: list[Json]) -> list[Json]:
    return [one for fact in facts for one in (fact, *facts_of(fact.get("because", [])))]


def everything(name: str) -> list[Json]:
    rows = [
        row for one in told(name)["explanation"] for row in (*([one["row"]] if one.get("row") else []), *one["near"])
    ]
    return facts_of([fact for row in rows for fact in row["facts"]])


def test_a_fact_about_a_sample_names_the_result_that_it_is_about() -> None:
    found = [f for f in everything("stale-results") if f["fact"] == "age:vitamin-b12"]
    assert found and all(f["level"] == "old" and f["result"] and f["observation"] for f in found)


@EVERYONE
def test_a_fact_made_of_others_says_which_decided_it_and_they_hold(name: str) -> None:
    for fact in everything(name):
        declared = KNOWLEDGE.facts.get(fact["fact"])
        inner = fact.get("because", [])
        assert all(one["holds"] for one in inner)
        if inner:
            assert declared
            asked = {one["fact"]: frozenset(one["wanted"]) for one in inner}
            assert fact["level"] in [level for level, when in declared.choices if dict(when) == asked]


def test_a_problem_or_a_drug_says_what_was_found_in_the_chart() -> None:
    found = {tuple(f["onFile"]) for f in everything("fever-after-chemotherapy-no-count") if "onFile" in f}
    assert found and all(concept in KNOWLEDGE.concepts for concepts in found for concept in concepts)
    assert not [f for f in everything("nobody") if "onFile" in f]
