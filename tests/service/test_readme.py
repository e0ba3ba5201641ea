"""The README says what is so: its command works, its answer is the real one, its table is that of the settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from wire import Running, environment

from service.settings import variables

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text("utf-8")


def block(language: str, holding: str) -> str:
    """The fenced block of a language that holds a text."""
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL) if holding in text]
    assert len(found) == 1
    return str(found[0])


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_command_of_the_readme_gives_the_answer_of_the_readme(server: Running, tmp_path: Path) -> None:
    command = block("sh", "curl").replace(":8080", f":{server.port}")
    # ./cds would set up an environment of its own; the tests run in theirs.
    (tmp_path / "cds").write_text(f'#!/bin/sh\nexec {sys.executable} -c "from service.cli import main; main()" "$@"\n')
    (tmp_path / "cds").chmod(0o755)
    environ = environment(PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True, timeout=30
    )
    real = json.dumps(json.loads(done.stdout), indent=2, ensure_ascii=False)
    at = 0
    for line in block("json", '"cards"').splitlines():
        for part in filter(None, (part.strip() for part in line.split("…"))):
            assert part in real[at:], f"the answer has no {part!r} here"
            at = real.index(part, at) + len(part)


def test_the_table_of_settings_is_that_of_the_settings() -> None:
    defaults = [f"`{one.shown_default}`" if one.shown_default else "" for one in variables()]
    rows = [f"| `{one.name}` | {shown} | {one.meaning} |" for one, shown in zip(variables(), defaults, strict=True)]
    table = README.partition("| variable | default | what it does |\n|---|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == rows


def test_every_file_that_the_readme_names_is_there() -> None:
    linked, quoted = re.findall(r"\]\(([^)#:]+)\)", README), re.findall(r"`((?:service|cds_hooks)/[\w./]*)`", README)
    named = {*linked, *quoted}
    assert named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_example_of_local_codes_is_one(tmp_path: Path) -> None:
    from service.hooks import prepare
    from service.settings import read

    file = tmp_path / "codes.toml"
    file.write_text(block("toml", "NEUT"), "utf-8")
    codes = prepare(read({"CDS_LOCAL_CODES": str(file)})).site.local_codes
    assert codes[("urn:oid:2.999.1.17", "NEUT")] == "neutrophils"
