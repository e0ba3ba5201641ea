"""`cds assess` as a clinician reads it: danger first, bands as bars, no line broken, and how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from service.cli import main
from service.stories import find, names

DAY = "2026-06-15"
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
BY_WORST = {
    "normal-count-no-card": 0, "infant": 12, "clumped-sample": 10, "folate-low-b12-unknown": 11,
    "fever-with-low-count": 12,
}  # fmt: skip


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner(env=environ).invoke(main, ["assess", *arguments])


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every story as a file that plays on DAY."""
    folder, files = tmp_path_factory.mktemp("stories"), {}
    for name in names():
        told = find(name)
        file = folder / f"{name}.json"
        file.write_text(json.dumps(told.at(NOON)), "utf-8")
        files[name] = str(file)
    return files


@pytest.mark.parametrize("name", [name for name in names() if find(name).request["hook"] == "patient-view"])
def test_the_first_lines_are_the_cards_of_the_service(stories: dict[str, str], name: str) -> None:
    said = run(stories[name], "--as-of", DAY, COLUMNS="150").output
    answered = json.loads((find(name).folder / "response.json").read_text("utf-8"))["cards"]
    lines = said.splitlines()
    assert len(answered) <= 2
    for card, line in zip(answered, lines, strict=False):
        assert line.startswith(card["indicator"].upper())
    if not answered:
        assert lines[0].startswith("NO CARD  ")
    if any(card["indicator"] == "critical" for card in answered):
        assert lines[0].startswith("CRITICAL  ")


@pytest.mark.parametrize("columns", [60, 80, 100, 120])
def test_no_line_is_wider_than_the_terminal_and_no_bar_is_broken(stories: dict[str, str], columns: int) -> None:
    for line in run(*stories.values(), "--as-of", DAY, COLUMNS=str(columns)).output.splitlines():
        assert len(line.rstrip()) <= columns or line.startswith("--- ") or " patients: " in line
        assert not re.search(r"^\s*│", line), line


def test_below_60_columns_it_is_as_wide_as_60(stories: dict[str, str]) -> None:
    assert run(stories["infant"], COLUMNS="20").output == run(stories["infant"], COLUMNS="60").output


def test_the_count_and_each_nutrient_stand_on_their_bands(stories: dict[str, str]) -> None:
    said = run(stories["copper-low-after-bypass-high-zinc"], "--as-of", DAY, COLUMNS="120").output
    count = said.partition("Neutrophils 0.39")[2].splitlines()
    assert re.split(r"  +", count[1].strip()) == ["very severe", "severe", "moderate", "mild", "normal"]
    assert "●" in count[2].split("│")[1]
    assert count[3].split() == ["0.2", "0.5", "1.0", "1.5"]
    copper = next(line for line in said.splitlines() if line.strip().startswith("copper  "))
    assert "deficient" in copper and "●" in copper.split("│")[0]


def test_a_preliminary_count_stands_beside_the_one_that_is_graded(stories: dict[str, str]) -> None:
    said = run(stories["preliminary-severe-count"], "--as-of", DAY).output
    assert "Neutrophils 1.60 x10*9/L on 2026-06-10" in said
    assert "preliminary, not graded: 0.30 x10*9/L on 2026-06-15 05:50Z" in said


def test_earlier_counts_are_told(stories: dict[str, str]) -> None:
    said = run(stories["chronic-pancytopenia-nutrients-sufficient"], "--as-of", DAY).output
    assert re.search(r"earlier: [\d.]+ \(20\d\d-\d\d-\d\d\)", said)


@pytest.mark.parametrize(("name", "status"), BY_WORST.items())
def test_the_exit_status_is_that_of_the_worst_card_when_asked_for(
    stories: dict[str, str], name: str, status: int
) -> None:
    calm = stories["normal-count-no-card"]
    for more in ([], ["--json"]):
        assert run(stories[name], "--as-of", DAY, *more).exit_code == 0
        assert run(stories[name], calm, "--as-of", DAY, "--exit-status", *more).exit_code == status


def test_a_file_that_cannot_be_read_is_not_outweighed(stories: dict[str, str], tmp_path: Path) -> None:
    done = run(stories["infant"], str(tmp_path / "none.json"), "--as-of", DAY, "--exit-status")
    assert done.exit_code == 2
    assert done.stdout.endswith("\n2 files, 1 patients: 1 critical; 1 could not be read\n")


def test_several_files_are_headed_and_counted_and_json_is_json_alone(stories: dict[str, str]) -> None:
    files = [stories[name] for name in ("infant", "normal-count-no-card", "clumped-sample")]
    said = run(*files, "--as-of", DAY).stdout
    assert [line[4:] for line in said.splitlines() if line.startswith("--- ")] == files
    assert said.endswith("\n3 files, 3 patients: 1 critical, 1 info, 1 none\n")
    lines = run(*files, "--as-of", DAY, "--json").stdout.splitlines()
    assert [json.loads(line)["indicator"] for line in lines] == ["critical", "none", "info"]


def on_terminal(*arguments: str, pipe: bool, **environ: str) -> tuple[str, str]:
    """What a command prints on a terminal, and what on standard output when that is a pipe."""
    command = [sys.executable, "-c", "from service.cli import main; main()", "assess", *arguments]
    master, slave = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "COLUMNS")}
    env = kept | {"TERM": "xterm-256color", "COLUMNS": "100"} | environ
    out = subprocess.PIPE if pipe else slave
    with subprocess.Popen(command, stdin=slave, stdout=out, stderr=slave, env=env) as running:
        os.close(slave)
        piped = running.stdout.read().decode() if running.stdout else ""
        seen = b""
        while True:
            try:
                chunk = os.read(master, 65536)
            except OSError:  # how Linux says that a terminal was closed
                break
            if not chunk:
                break
            seen += chunk
    os.close(master)
    return seen.decode(), piped


def test_a_terminal_gets_colour_and_the_words_stay(stories: dict[str, str]) -> None:
    seen, _ = on_terminal(stories["infant"], "--as-of", DAY, pipe=False)
    assert "\x1b[1;37;41mCRITICAL" in seen
    plain = on_terminal(stories["infant"], "--as-of", DAY, pipe=False, NO_COLOR="1")[0]
    assert "\x1b[1;37;41m" not in plain and "CRITICAL" in plain


def test_the_bar_of_several_files_is_on_the_terminal_and_never_in_what_is_piped(stories: dict[str, str]) -> None:
    files = [stories[name] for name in names()[:6]]
    seen, piped = on_terminal(*files, "--as-of", DAY, "--json", pipe=True)
    assert "6/6" in seen and f"{names()[5]}.json" in seen
    assert len(piped.splitlines()) == 6 and "\x1b" not in piped
    one, _ = on_terminal(files[0], "--as-of", DAY, "--json", pipe=True)
    assert one == ""


def test_what_is_printed_is_whole_when_the_bar_shares_the_terminal(stories: dict[str, str]) -> None:
    files = [stories[name] for name in names()[:6]]
    seen, _ = on_terminal(*files, "--as-of", DAY, "--json", pipe=False)
    found = re.findall(r"^(?:\x1b\[[\d;?]*[A-Za-z]|\r)*(\{\"subject\".*\})\r$", seen, re.MULTILINE)
    assert len([json.loads(one) for one in found]) == 6


ORDERS = [name for name in names() if find(name).request["hook"] != "patient-view"]


@pytest.mark.parametrize("name", ORDERS)
def test_drafted_orders_that_are_not_checked_are_said_to_be_so(stories: dict[str, str], name: str) -> None:
    request = find(name).request
    number, hook = len(request["context"]["draftOrders"]["entry"]), request["hook"]
    done = run(stories[name], "--as-of", DAY, COLUMNS="150")
    which = "1 drafted order in this file is" if number == 1 else f"{number} drafted orders in this file are"
    assert done.stdout.startswith(f"NOT CHECKED  {which} not checked here: the order hooks check ")
    assert f"/cds-services/neutropenia-{hook})" in done.stdout.splitlines()[0]
    assert done.exit_code == 0
    in_json = run(stories[name], "--as-of", DAY, "--json")
    assert in_json.stderr.startswith(f"{which} not checked here") and json.loads(in_json.stdout)
    assert run(stories[name], "--as-of", DAY, "--exit-status").exit_code == 2
    two = run(stories[name], stories["infant"], "--as-of", DAY, "--exit-status")
    assert two.exit_code == 2
    assert two.stdout.endswith(f"; {number} drafted orders not checked\n")


def test_a_file_without_drafted_orders_says_nothing_of_them(stories: dict[str, str]) -> None:
    assert "drafted" not in run(stories["infant"], "--as-of", DAY).output


@pytest.mark.parametrize("drafts", [{"entry": []}, {}, None, "x", [1]])
def test_drafted_orders_of_any_shape_do_not_keep_the_chart_from_being_judged(drafts: object, tmp_path: Path) -> None:
    told = find("infant").at(NOON)
    told["context"]["draftOrders"] = drafts
    (tmp_path / "x.json").write_text(json.dumps(told), "utf-8")
    done = run(str(tmp_path / "x.json"), "--as-of", DAY, "--exit-status")
    assert done.exit_code == (2 if drafts in ("x", [1]) else 12)
