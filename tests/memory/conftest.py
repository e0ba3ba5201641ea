"""What is remembered, asked as clients do: the requests of tests/service."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))  # requests_of
