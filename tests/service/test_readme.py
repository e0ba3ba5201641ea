"""The documents say what is so: commands work, answers are real, tables are those of the settings, files are there."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from wire import Running, environment, free_port, start, stop

from service import clients
from service.cli import main
from service.cli.lists import drafted_codes
from service.ground import prepare
from service.hooks import REQUIRED
from service.settings import read

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/integration.md", "docs/operations.md", "docs/runbook.md",
         "docs/deploying.md", "docs/clinical.md")  # fmt: skip
README, CONTRIBUTING, SECURITY, INTEGRATION, OPERATIONS, *_ = ((ROOT / n).read_text("utf-8") for n in NAMES)


def block(language: str, holding: str, document: str = README) -> str:
    """The fenced block of a language that holds a text."""
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", document, re.DOTALL) if holding in text]
    assert len(found) == 1
    return str(found[0])


def said(command: str, folder: Path) -> str:
    """What a command of a document prints, with ./cds as the tests run it."""
    # ./cds would set up an environment of its own; the tests run in theirs.
    (folder / "cds").write_text(f'#!/bin/sh\nexec {sys.executable} -c "from service.cli import main; main()" "$@"\n')
    (folder / "cds").chmod(0o755)
    environ = environment(PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        ["sh", "-c", command], cwd=folder, env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def piped(command: str, server: Running, folder: Path) -> Any:
    """The JSON that a command of the README prints."""
    return json.loads(said(command.replace(":8080", f":{server.port}"), folder))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_command_of_the_readme_gives_the_answer_of_the_readme(server: Running, tmp_path: Path) -> None:
    answer = piped(block("sh", "./cds story b12-"), server, tmp_path)
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


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_feedback_of_the_example_is_kept(tmp_path: Path) -> None:
    running = start(free_port(), CDS_DATABASE_URL=f"sqlite:///{tmp_path}/store.sqlite")
    try:
        assert piped(block("sh", "/feedback", OPERATIONS), running, tmp_path) == {}
    finally:
        stop(running)
    with sqlite3.connect(tmp_path / "store.sqlite") as store:
        assert store.execute("select outcome, reason from feedback order by outcome").fetchall() == [
            ("accepted", ""), ("overridden", "urn:neutropenia-cds:override-reason|under-hematology-care")
        ]  # fmt: skip


def test_the_table_of_prefetch_keys_is_that_of_discovery(server: Running) -> None:
    table = INTEGRATION.partition("| key | what it holds | required |\n|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    service = server.ask("GET", "/cds-services").json["services"][0]
    assert [row[0] for row in rows] == [f"`{key}`" for key in service["prefetch"]]
    assert {row[0].strip("`") for row in rows if row[2] == "yes"} == REQUIRED


def test_the_tree_names_every_folder_and_every_file_of_the_service() -> None:
    tree = CONTRIBUTING.partition("```\ncds  ")[2].partition("```")[0]
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
    file.write_text(block("toml", "[overlay]", OPERATIONS), "utf-8")
    knowledge = prepare(read({"CDS_KNOWLEDGE_OVERLAY": str(file)})).knowledge
    assert knowledge.version.endswith("+st-elsewhere")
    assert knowledge.scales["active-b12"][0].bands[0].below == 30


def test_the_table_of_settings_is_the_one_that_cds_config_prints() -> None:
    printed = CliRunner().invoke(main, ["config", "--markdown"]).output
    assert "| `CDS_DRAIN_SECONDS` | `3` |" in printed
    assert printed in OPERATIONS, "put the output of `./cds config --markdown` into docs/operations.md"


@pytest.mark.parametrize("name", NAMES[:-1])
def test_every_file_and_heading_that_a_document_names_is_there(name: str) -> None:
    document = (ROOT / name).read_text("utf-8")
    quoted = re.findall(r"`((?:service|cds_hooks|tests|scripts)/[\w./]*)`", document)
    assert [path for path in quoted if not (ROOT / path).exists()] == []
    linked = [link for link in re.findall(r"\]\(([^)]+)\)", document) if ":" not in link]
    assert linked
    for link in linked:
        path, _, anchor = link.partition("#")
        there = ((ROOT / name).parent / path if path else ROOT / name).resolve()
        assert there.exists(), link
        assert not anchor or anchor in anchors(there.read_text("utf-8")), link


def anchors(document: str) -> set[str]:
    """The headings of a document as links name them."""
    outside = re.sub(r"```.*?```", "", document, flags=re.DOTALL)
    heads = re.findall(r"^#+ (.+)$", outside, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("document", [README, INTEGRATION], ids=["README", "integration"])
def test_what_is_missing_is_promised_as_cards_say_it(document: str) -> None:
    answer = ROOT / "fixtures/fhir/stories/malnutrition-refeeding/response.json"
    assert "read as not raised" in answer.read_text("utf-8")
    assert "where a rule reads what is missing one way, the card says so" in " ".join(document.split())
    assert "never taken for normal" not in document and "never falsely normal" not in document


def test_the_readme_is_read_in_five_minutes() -> None:
    assert len(README.splitlines()) <= 160
    assert len(re.findall(r"\w+", README)) <= 5 * 250  # words: a slow reader's five minutes


def test_the_commands_of_the_readme_are_those_of_the_command_line() -> None:
    table = README.partition("| command | what it does |")[2].partition("\n\n")[0]
    assert set(re.findall(r"`(?:\./cds )?(\w+)", re.sub(r"\|[^|]*\|\n", "|\n", table))) >= set(main.commands)


def test_the_example_of_clients_is_one(tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(block("toml", "[[client]]", OPERATIONS), "utf-8")
    (client,) = clients.read(file, demo=False)
    assert client.fhir[0].base == "https://fhir.st-elsewhere.example/r4"


@pytest.mark.parametrize("name", ["generic", "epic"])
def test_each_example_of_how_to_connect_is_a_file_of_clients(name: str, tmp_path: Path) -> None:
    file = tmp_path / "clients.toml"
    file.write_text(block("toml", f'profile = "{name}"', INTEGRATION), "utf-8")
    (client,) = clients.read(file, demo=False)
    assert client.profile == name
    assert [str(one) for base in client.fhir for one in base.networks] == ["10.20.0.0/16"]
    assert client.site.orders.keys() <= dict(drafted_codes(prepare(read({})).knowledge)).keys()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_the_tokens_of_the_example_pass_the_probe(tmp_path: Path) -> None:
    (tmp_path / "tokens.py").write_text(block("python", "joserfc", INTEGRATION), "utf-8")
    (tmp_path / "clients.toml").write_text(block("toml", 'name = "try"', INTEGRATION), "utf-8")
    key, tokens, probe = block("sh", "openssl", INTEGRATION).splitlines()
    port = free_port()
    base = f"http://127.0.0.1:{port}"

    def run(line: str) -> str:
        command = line.partition("#")[0].replace("https://cds.hospital.example", base)
        return said(command.replace("python ", f"{sys.executable} ").replace("cds check", "./cds check"), tmp_path)

    run(key)
    run(tokens)
    settings = {"CDS_CLIENTS": f"{tmp_path}/clients.toml", "CDS_PUBLIC_BASE_URL": base}
    running = start(port, CDS_DATABASE_URL=f"sqlite:///{tmp_path}/store.sqlite", **settings)
    try:
        table = run(probe)
    finally:
        stop(running)
    assert re.findall(r"^  (71|72|75|76) +\S+ +(\S+)", table, re.MULTILINE) == [
        (line, "pass") for line in ("71", "72", "75", "76")
    ]
    assert " 0 fail (MUST), 0 warn" in table


def test_the_example_of_local_codes_is_one(tmp_path: Path) -> None:
    file = tmp_path / "codes.toml"
    file.write_text(block("toml", "NEUT", OPERATIONS), "utf-8")
    codes = prepare(read({"CDS_LOCAL_CODES": str(file)})).site.local_codes
    assert codes[("urn:oid:2.999.1.17", "NEUT")] == "neutrophils"
