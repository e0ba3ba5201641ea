"""The commands as their users see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from contracted import contract
from requests_of import bundle, call, observation, patient

import service
from service.cli import main
from service.clinical.knowledge.vocabulary import load_vocabulary
from service.stories import find, names

STORY = "b12-deficient-positive-antibody"
DAY = "2026-06-15"


def run(*arguments: str, stdin: str | None = None, **settings: str) -> Result:
    """One command with no CDS_* variables but those given."""
    return CliRunner(env=settings).invoke(main, list(arguments), input=stdin)


def write(folder: Path, name: str, value: object) -> str:
    file = folder / name
    file.write_text(value if isinstance(value, str) else json.dumps(value), "utf-8")
    return str(file)


# --- help -------------------------------------------------------------------------------------------------------------


def test_the_version_is_that_of_the_package() -> None:
    assert run("--version").output == f"neutropenia-cds {service.__version__}\n"


@pytest.mark.parametrize("command", ["serve", "assess", "story"])
def test_help_gives_examples(command: str) -> None:
    said = run(command, "--help").output
    assert f"cds {command}" in said.partition("Examples:")[2]


# --- assess -----------------------------------------------------------------------------------------------------------


SHOWN = (
    "Patient/story-b12", "0.80 x10*9/L", "moderate neutropenia", "vitamin B12", "110 pg/mL", "<180", "deficient",
    "pernicious anemia", "established", "CBC with manual differential", "nice-ng239", "not recorded",
)  # fmt: skip


def test_a_table_shows_count_severity_nutrients_causes_and_orders(tmp_path: Path) -> None:
    told = run("story", STORY).output
    result = run("assess", write(tmp_path, "story.json", told))
    assert result.exit_code == 0
    for part in SHOWN:
        assert part in result.output, part
    assert "\x1b[" not in result.output


def test_json_is_one_assessment_per_line_as_the_contract_says(tmp_path: Path) -> None:
    two = bundle(patient("a"), patient("b"), observation(patient="a"), observation(patient="b", value=0.4, id="o-b"))
    result = run("assess", "--json", "--as-of", DAY, write(tmp_path, "two.json", two))
    found = [json.loads(line) for line in result.stdout.splitlines()]
    for one in found:
        contract.validator("Assessment").validate(one)
    assert [(one["subject"], one["severity"]) for one in found] == [("Patient/a", "normal"), ("Patient/b", "severe")]


def test_standard_input_and_a_hook_request_are_read() -> None:
    result = run("assess", "-", "--as-of", DAY, "--json", stdin=json.dumps(call()))
    assert json.loads(result.stdout)["severity"] == "normal"


def test_blanks_before_a_resource_change_nothing(tmp_path: Path) -> None:
    file = write(tmp_path, "x.json", "\n  " + json.dumps(observation(value=0.4)))
    assert json.loads(run("assess", file, "--as-of", DAY, "--json").stdout)["severity"] == "severe"


UNREADABLE = {
    "cut.json": ('{"resourceType": "Bun', "is not valid JSON"),
    "empty.json": ("", "is empty"),
    "list.json": ("[]", "is no FHIR resource"),
    "other.json": ('{"secret": 1}', "resourceType is missing"),
    "bom.json": ('\ufeff{"resourceType": "Bundle"}', "begins with a byte order mark (BOM)"),
    "lines.ndjson": ('{"resourceType": "secret"}\n{"resourceType": "secret"}\n', "looks like NDJSON"),
    "entry.json": ('{"resourceType": "Bundle", "entry": "secret"}', "entry is not as FHIR has it"),
}


@pytest.mark.parametrize(("name", "content", "said"), [(name, *rest) for name, rest in UNREADABLE.items()])
def test_a_file_that_cannot_be_read_is_named_and_does_not_stop_the_others(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    bad, good = write(tmp_path, name, content), write(tmp_path, "good.json", bundle(observation()))
    result = run("assess", "--json", "--as-of", DAY, bad, good)
    assert result.exit_code == 2
    assert f"{bad}: " in result.stderr and said in result.stderr
    assert "secret" not in result.stderr
    assert json.loads(result.stdout)["severity"] == "normal"


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    result = run("assess", str(tmp_path / "none.json"), str(tmp_path))
    assert result.exit_code == 2
    assert "none.json: cannot be read (No such file or directory)" in result.stderr
    assert f"{tmp_path}: cannot be read (Is a directory)" in result.stderr


@pytest.mark.parametrize("day", ["2026-02-30", "today", "20.11.2026", "20261120", "2026-W25-1", "1899-12-31"])
def test_a_day_that_is_none_is_refused(tmp_path: Path, day: str) -> None:
    result = run("assess", write(tmp_path, "x.json", observation()), "--as-of", day)
    assert result.exit_code == 2
    assert "--as-of" in result.stderr
    assert "%Y" not in result.stderr
    assert "as in 2026-06-15" in result.stderr or "from 1900 to 2200" in result.stderr


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., str]:
    """What `cds assess` prints of resources."""

    def printed(*resources: dict[str, Any]) -> str:
        result = run("assess", write(tmp_path, "x.json", bundle(*resources)), "--as-of", DAY)
        assert result.exit_code == 0, result.output
        return result.stdout

    return printed


def section(said: str, title: str) -> str:
    """The part of a table's text under a heading, up to the next empty line."""
    assert f"\n  {title}" in said
    return said.partition(f"\n  {title}")[2].partition("\n  \n")[0].partition("\n\n")[0]


def b12(value: int, **changes: Any) -> dict[str, Any]:
    quantity = {"value": value, "unit": "pg/mL", "system": "http://unitsofmeasure.org", "code": "pg/mL"}
    return observation("2132-9", valueQuantity=quantity, **changes)


def test_medication_is_an_option_with_caution_and_source_and_never_an_order(tmp_path: Path) -> None:
    said = run("assess", write(tmp_path, "s.json", run("story", STORY).stdout)).stdout
    assert "replacement" not in section(said, "Order ")
    option = section(said, "Option to weigh, no order")
    assert "Hydroxocobalamin" in option and "potassium" in option and "bnf" in option
    assert "- bnf: " in section(said, "Sources")


def test_a_cause_that_cannot_be_judged_says_why(table: Callable[..., str]) -> None:
    causes = section(table(patient(), observation(value=0.9), b12(250)), "Cause ")
    lines = {line.strip()[:22].strip(): line for line in causes.splitlines()}
    assert lines["vitamin B12 deficiency"].rstrip().endswith("vitamin B12 indeterminate")
    (others,) = (line for line in causes.splitlines() if "not recorded" in line)
    assert others.startswith("  folate deficiency, copper deficiency")
    assert "not assessable" in others


def test_a_patient_without_id_is_said_to_be_so(table: Callable[..., str]) -> None:
    assert "\nPatient without id " in table({"resourceType": "Patient", "birthDate": "1980-01-01"})


def test_a_unit_is_written_one_way(table: Callable[..., str]) -> None:
    said = table(patient(), observation(value=0.9), observation("777-3", value=90))
    assert "90 x10*9/L" in said
    assert "10*9/L" not in said.replace("x10*9/L", "")


BODY_MASS = {"value": 16, "unit": "kg/m2", "system": "http://unitsofmeasure.org", "code": "kg/m2"}


@pytest.mark.parametrize("more", [[], [observation("39156-5", valueQuantity=BODY_MASS)]], ids=["b12", "and body mass"])
def test_no_word_of_a_status_is_broken_at_80_columns(
    more: list[dict[str, Any]], table: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    said = table(patient(), observation(value=0.9), b12(250), *more)
    assert max(map(len, said.splitlines())) <= 80
    for whole in ("indeterminate  ", "not assessable  ", "250 pg/mL, 2026-06-14", "routine  "):
        assert whole in said, whole


# --- story ------------------------------------------------------------------------------------------------------------


def test_every_story_is_listed_with_what_it_shows() -> None:
    said = run("story").output
    assert all(f"{name} ({find(name).request['hook']})\n" in said for name in names())


def test_a_story_is_dated_for_today_at_the_site() -> None:
    told: dict[str, Any] = json.loads(run("story", STORY).stdout)
    contract.validator("HookRequest").validate(told)
    assert "2026-06-14" not in json.dumps(told)
    assert json.loads(run("assess", "-", "--json", stdin=json.dumps(told)).stdout)["severity"] == "moderate"


@pytest.mark.parametrize("wrong", ["CDS_MODE", "CDS_CLIENTS"])
def test_a_story_needs_the_time_zone_alone(wrong: str) -> None:
    assert run("story", STORY, **{wrong: "x"}).exit_code == 0
    assert run("story", STORY, CDS_TIME_ZONE="x").exit_code == 2


@pytest.mark.parametrize("command", [["assess", "-"], ["serve"]], ids=lambda command: str(command[0]))
@pytest.mark.parametrize("wrong", ["CDS_MODE", "CDS_THRESHOLDS", "CDS_TIME_ZONE"])
def test_wrong_settings_are_said_without_a_traceback(command: list[str], wrong: str) -> None:
    result = run(*command, stdin="{}", **{wrong: "x"})
    assert result.exit_code == 2
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith(f"Error: {wrong}: ")
    assert result.stdout == ""


def test_an_unknown_story_is_answered_with_those_there_are() -> None:
    result = run("story", "nonesuch")
    assert result.exit_code == 1
    assert STORY in result.stderr


@pytest.mark.parametrize(
    ("wrong", "near"), [("folic", "order-folic-acid-before-b12"), ("infnat", "infant"), ("Infant", "infant")]
)
def test_an_unknown_story_is_answered_with_the_nearest(wrong: str, near: str) -> None:
    said = run("story", wrong).stderr
    assert f"did you mean {near}" in said
    assert "fever" not in said and "`cds story` lists all" in said


# --- doctor -----------------------------------------------------------------------------------------------------------


def test_a_sound_installation_passes_the_doctor() -> None:
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "FAULT" not in result.output
    for what in ("settings", "knowledge", "services", "order templates", "openapi.yaml"):
        assert what in result.output


def test_the_doctor_names_every_fault(tmp_path: Path) -> None:
    settings = {"CDS_MODE": "x", "CDS_TIME_ZONE": "x", "CDS_TIMEZONE": "x"}
    result = run("doctor", **settings)
    assert result.exit_code == 1
    assert "CDS_MODE: use demo or production" in result.output
    assert "CDS_TIME_ZONE: " in result.output
    assert "did you mean CDS_TIME_ZONE?" in result.output


def test_the_doctor_reads_the_overlay_and_the_profile(tmp_path: Path) -> None:
    for settings in ({"CDS_KNOWLEDGE_OVERLAY": write(tmp_path, "o.toml", "x = 1")}, {"CDS_THRESHOLDS": "nonesuch"}):
        result = run("doctor", **settings)
        assert result.exit_code == 1, result.output
        assert "FAULT  knowledge" in result.output
        assert "ok     knowledge" not in result.output


def test_a_wrong_profile_is_a_fault_of_the_settings_and_leaves_the_knowledge_unchecked() -> None:
    said = run("doctor", CDS_THRESHOLDS="nice").output
    assert "FAULT  settings\n  CDS_THRESHOLDS: there is no profile of this name" in said
    assert "FAULT  knowledge\n  not checked: mend CDS_THRESHOLDS first" in said


def test_the_doctor_lists_the_analytes_with_units_and_codes() -> None:
    said = run("doctor", "--analytes").output
    for id, one in load_vocabulary().analytes.items():
        entry = f"\n{said}".partition(f"\n{id}\n  {one.name}\n  units: ")[2].partition("\n  codes: ")
        assert entry[0], id
        assert all(f"{code.system}|{code.code}" in entry[2].partition("\n")[0] for code in one.codes)
    assert "\nvitamin-b12\n  vitamin B12\n  units: pg/mL, pmol/L\n" in said or "pmol/L, pg/mL" in said


def test_the_doctor_names_faults_of_all_parts_at_once_and_what_it_did_not_check() -> None:
    said = run("doctor", CDS_MODE="prod", CDS_THRESHOLDS="foo", CDS_SILENT="nope").output
    assert "FAULT  services\n  CDS_SILENT: there is no service of this name" in said
    assert said.count("  not checked: mend the knowledge first") == 2
    assert "FAULT  order templates\n  not checked" in said
    assert "ok     services" not in said


def test_who_is_silent_is_not_asked_of_clients_that_cannot_be_read() -> None:
    said = run("doctor", CDS_CLIENTS="/none", CDS_SILENT="neutropenia-review@north,nope@north").output
    assert "CDS_SILENT: not checked: mend CDS_CLIENTS first" in said
    assert "CDS_SILENT: there is no service of this name" in said
    assert "no client of this name" not in said


@pytest.mark.parametrize("wrong", ["mysql://a@b/c", "sqlite:////none/such/store.sqlite"])
def test_a_store_that_cannot_be_is_never_said_to_be_off(wrong: str) -> None:
    result = run("doctor", CDS_DATABASE_URL=wrong)
    assert result.exit_code == 1
    assert "FAULT  store\n  not checked: mend CDS_DATABASE_URL first" in result.output
    assert "nothing is remembered" not in result.output.partition("FAULT  store")[2]
    assert "ok     store" not in result.output


@pytest.mark.parametrize(("option", "status"), [((), 1), (("--thresholds",), 2), (("--call",), 2)])
@pytest.mark.parametrize(
    "wrong", [{"CDS_MODE": "prod"}, {"CDS_THRESHOLDS": "foo"}, {"CDS_KNOWLEDGE_OVERLAY": "overlay.toml"}]
)
def test_the_doctor_ends_as_its_help_says(
    option: tuple[str, ...], status: int, wrong: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "overlay.toml", "x = 1")
    if option == ("--call",) and "CDS_KNOWLEDGE_OVERLAY" in wrong:
        status = 0  # it asks nothing of the knowledge
    assert run("doctor", *option, **wrong).exit_code == status
    help = " ".join(run("doctor", "--help").output.split())
    assert "1 something is wrong, settings and knowledge too." in help
    assert "needs them: 2 when they cannot be used." in help
