"""No test writes into the home of who runs it."""

from __future__ import annotations

import os

os.environ["CDS_DATABASE_URL"] = "off"
