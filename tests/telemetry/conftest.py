"""What is told, asked as clients do: the requests and the running service of tests/service and others."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "service"), str(TESTS / "callback"), str(TESTS / "auth")]  # wire, ehr, tokens
