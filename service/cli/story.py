"""`cds story`: the request of a made-up patient, dated so that it plays now.

In: the name of a story, the environment for the time zone. Out: JSON on standard output, or the list of stories.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from difflib import get_close_matches

import click

from service.settings import SettingsError, read
from service.stories import find, names


def run(name: str | None) -> None:
    """Print a story's request as of now in the site's time zone, or the list of stories."""
    if name is None:
        for each in map(find, names()):
            click.echo(f"{each.name} ({each.request['hook']})\n  {each.title}. {each.shows}")
        return
    try:
        told = find(name)
    except KeyError:
        raise click.ClickException(f"no story has this name: {_likely(name)}") from None
    sys.stdout.write(json.dumps(told.at(_now()), indent=1, ensure_ascii=False) + "\n")


def _likely(name: str) -> str:
    """Those whose names hold the text, else the most like it; all when none is."""
    there = names()
    held = [one for one in there if name and name.lower() in one]
    near = held[:3] or get_close_matches(name.lower(), there, n=3, cutoff=0.4)
    return f"did you mean {' or '.join(near)}? `cds story` lists all" if near else f"there are {', '.join(there)}"


def _now() -> datetime:
    try:
        zone = read(os.environ).time_zone
    except SettingsError as fault:  # a story needs the time zone alone
        if any(one.startswith("CDS_TIME_ZONE:") for one in fault.faults):
            raise
        zone = fault.usable.time_zone
    return datetime.now(zone)
