"""The workbench is tried on the same running service as tests/service, and against the EHR of tests/callback."""

from __future__ import annotations

import sys
from pathlib import Path

for folder in ("service", "callback"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
