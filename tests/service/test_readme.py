"""The README says what is so: its command works, its answer is the real one, its table is that of the settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from wire import Running, environment

from service import clients
from service.ground import prepare
from service.hooks import REQUIRED
from service.settings import read, variables

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def block(language: str, holding: str) -> str:
    """The fenced block of a language that holds a text."""
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if holding in text]
    assert len(found) == 1
    return str(found[0])


def piped(command: str, server: Running, folder: Path) -> Any:
    """The JSON that a command of the README prints, with ./cds as the tests run it."""
    # ./cds would set up an environment of its own; the tests run in theirs.
    (folder / "cds").write_text(f'#!/bin/sh\nexec {sys.executable} -c "from service.cli import main; main()" "$@"\n')
    (folder / "cds").chmod(0o755)
    environ = environment(PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    command = command.replace(":8080", f":{server.port}")
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environ, capture_output=True, text=True, check=True, timeout=30
    )
    return json.loads(done.stdout)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_command_of_the_readme_gives_the_answer_of_the_readme(server: Running, tmp_path: Path) -> None:
    answer = piped(block("sh", "neutropenia-review"), server, tmp_path)
    real = json.dumps(answer, indent=2, ensure_ascii=False)
    at = 0
    for line in block("json", '"cards"').splitlines():
        for part in filter(None, (part.strip() for part in line.split("…"))):
            assert part in real[at:], f"the answer has no {part!r} here"
            at = real.index(part, at) + len(part)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_call_of_an_order_hook_in_the_readme_is_answered(server: Running, tmp_path: Path) -> None:
    (card,) = piped(block("sh", "neutropenia-order-sign"), server, tmp_path)["cards"]
    assert card["indicator"] == "critical"


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_call_of_assess_in_the_readme_is_answered(server: Running) -> None:
    command = block("sh", "/assess").replace(":8080", f":{server.port}")
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True, timeout=30)
    assert (found := json.loads(done.stdout))["severity"] == "moderate"
    assert found["anc"]["observations"] == ["Observation/count-1"]


def test_the_table_of_prefetch_keys_is_that_of_discovery(server: Running) -> None:
    table = README.partition("| key | what it holds | required |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    service = server.ask("GET", "/cds-services").json["services"][0]
    assert [row[0] for row in rows] == [f"`{key}`" for key in service["prefetch"]]
    assert {row[0].strip("`") for row in rows if row[2] == "yes"} == REQUIRED


def test_the_tree_names_every_folder_and_every_file_of_the_service() -> None:
    tree = README.partition("```\ncds  ")[2].partition("```")[0]
    shown = {line.split()[0].rstrip("/") for line in tree.splitlines() if line.strip()}
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files"]
    tracked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")  # an unpacked source archive does not say which files are tracked
    parts = [name.split("/") for name in tracked if not name.startswith(".")]
    wanted = {one[0] for one in parts if len(one) > 1} | {one[1] for one in parts if one[0] == "service"}
    assert wanted - {"__init__.py", "py.typed", "fixtures"} <= shown


def test_the_example_of_an_overlay_is_one(tmp_path: Path) -> None:
    file = tmp_path / "overlay.toml"
    file.write_text(block("toml", "[overlay]"), "utf-8")
    knowledge = prepare(read({"CDS_KNOWLEDGE_OVERLAY": str(file)})).knowledge
    assert knowledge.version.endswith("+st-elsewhere")
    assert knowledge.scales["active-b12"][0].bands[0].below == 30


def test_the_table_of_settings_is_that_of_the_settings() -> None:
    defaults = [f"`{one.shown_default}`" if one.shown_default else "" for one in variables()]
    rows = [f"| `{one.name}` | {shown} | {one.meaning} |" for one, shown in zip(variables(), defaults, strict=True)]
    table = README.partition("| variable | default | what it does |\n|---|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == rows


def test_every_file_that_the_readme_names_is_there() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    quoted = re.findall(r"`((?:service|cds_hooks|tests|scripts)/[\w./]*)`", README)
    named = {*linked, *quoted}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_example_of_clients_is_one(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(block("toml", "[[client]]"), "utf-8")
    (client,) = clients.read(file, demo=False)
    assert client.fhir[0].base == "https://fhir.st-elsewhere.example/r4"


def test_the_example_of_local_codes_is_one(tmp_path: Path) -> None:
    file = tmp_path / "codes.toml"
    file.write_text(block("toml", "NEUT"), "utf-8")
    codes = prepare(read({"CDS_LOCAL_CODES": str(file)})).site.local_codes
    assert codes[("urn:oid:2.999.1.17", "NEUT")] == "neutrophils"
