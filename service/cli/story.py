"""Stories: made-up patients as hook requests, each written for one day.

In: fixtures/fhir/stories/{name}/{request.json, response.json, story.toml}. Out: a request that plays on another day.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

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
        asked: dict[str, Any] = json.loads((self.folder / "request.json").read_text("utf-8"))
        return asked


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


def run(name: str | None) -> None:
    """Print a story's request as of today in the site's time zone, or the list of stories."""
    if name is None:
        for each in map(find, names()):
            click.echo(f"{each.name} ({each.request['hook']})\n  {each.title}. {each.shows}")
        return
    try:
        told = find(name)
    except KeyError:
        raise click.ClickException(f"no story has this name; there are: {', '.join(names())}") from None
    request = moved(told.request, _today() - told.as_of)
    sys.stdout.write(json.dumps(request, indent=1, ensure_ascii=False) + "\n")


def _today() -> date:
    import os

    from service.settings import SettingsError, read

    try:
        zone = read(os.environ).time_zone
    except SettingsError as fault:  # a story needs the time zone alone
        if any(one.startswith("CDS_TIME_ZONE:") for one in fault.faults):
            raise
        zone = fault.usable.time_zone
    return datetime.now(zone).date()


def _folder() -> Path:
    from service.files import find_file

    return find_file("fixtures/fhir/stories")
