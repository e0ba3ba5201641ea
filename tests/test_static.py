"""What ruff and mypy find, so that one run and its closing line speak of everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CHECKS = {
    "ruff": ("check", "--quiet", "--output-format", "concise"),
    "mypy": ("--no-error-summary",),
}


@pytest.mark.parametrize("check", CHECKS)
def test_finds_nothing(check: str) -> None:
    command = [sys.executable, "-m", check, *CHECKS[check]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{check}:\n{done.stdout}{done.stderr}", pytrace=False)
