"""What ruff and mypy find, so that one run and its closing line speak of everything."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("check", [("ruff", "check", "--quiet", "--output-format", "concise"), ("mypy", "--no-error-summary")], ids=lambda check: check[0])
def test_finds_nothing(check: tuple[str, ...]) -> None:
    done = subprocess.run([sys.executable, "-m", *check], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{check[0]}:\n{done.stdout}{done.stderr}", pytrace=False)
