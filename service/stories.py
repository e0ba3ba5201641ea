"""Stories: made-up patients as hook requests, each written for one day.

In: fixtures/fhir/stories/{name}/{request.json, response.json, story.toml}. Out: a request that plays on another day.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from service.files import find_file

_WHEN = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9:]+))?")
_NOON = time(12, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Story:
    """One made-up patient."""

    name: str
    title: str
    shows: str
    as_of: date  # the day that its dates are written for, which are read at noon UTC
    folder: Path

    @property
    def request(self) -> dict[str, Any]:
        """The hook request as written."""
        return self._read("request.json")

    @property
    def response(self) -> dict[str, Any]:
        """The answer on that day, with the settings as they are by default."""
        return self._read("response.json")

    def at(self, moment: datetime) -> dict[str, Any]:
        """The request as it plays at that moment: hours before noon in the story are hours before the moment."""
        hours = moment - datetime.combine(self.as_of, _NOON)
        told: dict[str, Any] = moved(self.request, moment.date() - self.as_of, hours)
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


def moved(value: Any, by: timedelta, hours: timedelta | None = None) -> Any:
    """The same JSON with every full date moved, and every dateTime by as much, or by `hours` to the minute."""
    if isinstance(value, dict):
        return {key: moved(inner, by, hours) for key, inner in value.items()}
    if isinstance(value, list):
        return [moved(inner, by, hours) for inner in value]
    if not isinstance(value, str) or not (match := _WHEN.fullmatch(value)):
        return value
    if match[1] is None:
        return str(date.fromisoformat(value) + by)
    exact = by if hours is None else hours - hours % timedelta(minutes=1)
    then = datetime.fromisoformat(value) + exact
    return then.isoformat().replace("+00:00", "Z")


def _folder() -> Path:
    return find_file("fixtures/fhir/stories")
