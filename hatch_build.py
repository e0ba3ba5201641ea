"""Puts the files that stand at the top of the tree into the wheel, where service/files.py finds them."""

from __future__ import annotations

from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TravellingFiles(BuildHookInterface[BuilderConfig]):
    """Adds them to a wheel; an editable install reads them from the checkout."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "standard":
            for name in self.config["files"]:
                build_data["force_include"][name] = f"service/{name}"
