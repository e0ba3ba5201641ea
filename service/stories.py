"""Stories: made-up patients as hook requests, each written for one day.

In: fixtures/fhir/stories/{name}/{request.json, response.json, story.toml}. Out: a request that plays on another day.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from service.files import find_file

_DAY = re.compile(r"(?<![0-9])[0-9]{4}-[0-9]{2}-[0-9]{2}(?=T|\Z)")


@dataclass(frozen=True, slots=True)
class Story:
    """One made-up patient."""

    name: str
    title: str
    shows: str
    as_of: date  # the day that its dates are written for
    folder: Path

    @property
    def request(self) -> dict[str, Any]:
        """The hook request as written."""
        return self._read("request.json")

    @property
    def response(self) -> dict[str, Any]:
        """The answer on that day, with the settings as they are by default."""
        return self._read("response.json")

    def on(self, day: date) -> dict[str, Any]:
        """The request with its dates moved, so that it plays on another day."""
        told: dict[str, Any] = moved(self.request, day - self.as_of)
        return told

    def _read(self, file: str) -> dict[str, Any]:
        held: dict[str, Any] = json.loads((self.folder / file).read_text("utf-8"))
        return held


def names() -> list[str]:
    """Every story that travels with the service."""
    return sorted(path.parent.name for path in _folder().glob("*/story.toml"))


def find(name: str) -> Story:
    """The story of that name; KeyError when there is none."""
    if name not in names():
        raise KeyError(name)
    folder = _folder() / name
    told = tomllib.loads((folder / "story.toml").read_text("utf-8"))
    return Story(name, told["title"], told["shows"], told["as_of"], folder)


def moved(value: Any, by: timedelta) -> Any:
    """The same JSON with every full date, and every dateTime's day, moved."""
    if isinstance(value, dict):
        return {key: moved(inner, by) for key, inner in value.items()}
    if isinstance(value, list):
        return [moved(inner, by) for inner in value]
    if isinstance(value, str):
        return _DAY.sub(lambda match: str(date.fromisoformat(match[0]) + by), value)
    return value


def _folder() -> Path:
    return find_file("fixtures/fhir/stories")
