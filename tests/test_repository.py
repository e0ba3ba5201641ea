"""What the repository may hold: no registry's address, hashed requirements, licences, one version, a portable ./cds."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

import service

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = (
    "requirements.txt", "requirements-dev.txt", "requirements-traces.txt", "requirements-build.txt",
    "requirements-sbom.txt",
)  # fmt: skip
SCRIPTS = ("scripts/lock", "scripts/prepare-all-tests", "scripts/image-arguments", "deploy/make-secrets")
# Written in pieces, so that this file does not name them either.
REGISTRY_HOSTS = (
    r"py" r"pi\.org", r"python" r"hosted", r"npm" r"js\.(org|com)", r"yarn" r"pkg\.com", r"deb\." r"debian\.org",
    r"security\." r"debian\.org", r"archive\." r"ubuntu\.com", r"proxy\." r"golang\.org", r"crates" r"\.io",
    r"art" r"ifactory", r"--(extra-)?index" r"-url", r"--find" r"-links",
)  # fmt: skip
NAMES_A_HOST = re.compile("|".join(REGISTRY_HOSTS))


def tracked_files() -> list[Path]:
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("not a git checkout")  # an unpacked source archive does not say which files are tracked
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_no_tracked_file_names_a_registry() -> None:
    named = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked_files()
        for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
        if NAMES_A_HOST.search(line)
    ]
    assert not named


@pytest.mark.parametrize("text", ["https://" + "py" + "pi.org/simple", "https://files.python" + "hosted.org/x"])
def test_a_registry_would_be_noticed(text: str) -> None:
    assert NAMES_A_HOST.search(text)


def test_no_lock_file_with_hosts_and_no_secrets_are_tracked() -> None:
    assert not {path.name for path in tracked_files()} & {"uv.lock", "pylock.toml", ".env"}


@pytest.mark.parametrize("name", REQUIREMENTS)
def test_every_requirement_is_pinned_and_hashed(name: str) -> None:
    entries = re.sub(r"\\\n\s*", " ", (ROOT / name).read_text("utf-8")).splitlines()
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==\S+ ", entry), entry
        assert " --hash=sha256:" in entry, entry


def test_the_requirements_pin_whatever_pyproject_names() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    needs = {
        "requirements.txt": project["project"]["dependencies"],
        "requirements-dev.txt": project["project"]["dependencies"] + project["project"]["optional-dependencies"]["dev"],
        "requirements-traces.txt": project["project"]["optional-dependencies"]["traces"],
        "requirements-build.txt": project["build-system"]["requires"],
        "requirements-sbom.txt": project["dependency-groups"]["sbom"],
    }
    for name, wanted in needs.items():
        pinned = set(re.findall(r"^([a-z0-9-]+)==", (ROOT / name).read_text("utf-8"), re.MULTILINE))
        names = {re.split(r"[^\w.-]", need)[0].lower().replace(".", "-") for need in wanted}
        assert names <= pinned, f"run scripts/lock: {name} lacks {names - pinned}"


def test_development_and_service_pin_the_same_versions() -> None:
    runtime, development, traces = (
        set(re.findall(r"^\S+==\S+", (ROOT / name).read_text("utf-8"), re.MULTILINE)) for name in REQUIREMENTS[:3]
    )
    assert runtime < traces <= development


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("LICENSE", ["Apache License", "Version 2.0"]),
        ("NOTICE", ["LOINC", "SNOMED CT", "UCUM", "RxNorm", "ICD-10-CM", "ATC"]),
    ],
)
def test_licence_and_notices_are_there(name: str, words: list[str]) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert [word for word in words if word not in text] == []


def test_the_changelog_speaks_of_this_version_or_of_what_is_unreleased() -> None:
    newest = re.search(r"^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert newest[1] in {"Unreleased", service.__version__}


@pytest.mark.parametrize("script", ["cds", *SCRIPTS])
def test_the_scripts_are_posix_shell(script: str) -> None:
    if shutil.which("dash") is None:
        pytest.skip("dash is not installed")  # a strict POSIX sh, absent on macOS and Fedora; CI has it
    assert (ROOT / script).read_text("utf-8").startswith("#!/bin/sh\n")
    subprocess.run(["dash", "-n", script], cwd=ROOT, check=True)


@pytest.mark.parametrize("script", ["cds", ".ci/run", *SCRIPTS, "scripts/container-smoke"])
def test_the_scripts_can_be_executed(script: str) -> None:
    assert (ROOT / script).stat().st_mode & 0o111 == 0o111


def test_no_tracked_file_is_a_link() -> None:
    """A link leads out of the tree, or to what another machine does not have."""
    listed = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-s"], cwd=ROOT, capture_output=True)
    assert not [line for line in listed.stdout.decode().splitlines() if line.startswith("120000")]
