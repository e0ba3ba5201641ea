"""The stories as the workbench lists and opens them.

In: the stories that travel with the service, which service answers which hook. Out: plain data (openapi.yaml:
StoryList, StoryOpened).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from service import stories
from service.stories import Story


def listed(services: Mapping[str, str]) -> dict[str, Any]:
    """Every story with what its answer shows. `services`: hook -> id of the CDS service."""
    return {"stories": [_told(one, services) | _answered(one) for one in map(stories.find, stories.names())]}


def opened(story: Story, services: Mapping[str, str], now: datetime) -> dict[str, Any]:
    """One story with its request, dated so that it plays now."""
    return _told(story, services) | {"request": story.at(now)}


def _told(story: Story, services: Mapping[str, str]) -> dict[str, Any]:
    service = services[story.request["hook"]]
    return {"name": story.name, "title": story.title, "shows": story.shows, "service": service}


def _answered(story: Story) -> dict[str, Any]:
    indicators = [card["indicator"] for card in story.response["cards"]]
    return {"hook": story.request["hook"], "indicators": indicators}
