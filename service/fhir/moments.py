"""FHIR dates of every precision as Moments in the site's time zone.

In: date, dateTime, instant, Period. Out: Moment, None when there is none or it cannot be read.
Source: FHIR R4 date and dateTime; knowledge H5.38.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo
from typing import Protocol

from service.clinical.facts import Moment

_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_SECOND = timedelta(seconds=1)


class Timespan(Protocol):
    """A FHIR Period."""

    start: str | None
    end: str | None


class Moments(dict[str, Moment | None]):
    """Moments by their text, each read once."""

    def __init__(self, zone: tzinfo) -> None:
        super().__init__()
        self.zone = zone

    def __missing__(self, text: str) -> Moment | None:
        try:
            found = self._read(text)
        except (ValueError, OverflowError):  # no such day, or beyond what a calendar holds in another zone
            found = None
        self[text] = found
        return found

    def first(self, *texts: str | None) -> Moment | None:
        """The first of the texts that is there and can be read."""
        return next((moment for text in texts if text and (moment := self[text])), None)

    def of(self, when: str | None, span: Timespan | None) -> Moment | None:
        """A choice of dateTime and Period; a Period ends the collection or the use."""
        if when and (found := self[when]):
            return found
        return self.first(span.end, span.start) if span else None

    def _read(self, text: str) -> Moment:
        match = _DATE.fullmatch(text)
        if match:
            first, after = _days(*match.groups())
            return Moment(self._midnight(first), self._midnight(after) - _SECOND, text)
        instant = datetime.fromisoformat(text)
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=self.zone)
        instant = instant.astimezone(self.zone)
        return Moment(instant, instant, text)

    def _midnight(self, day: date) -> datetime:
        return datetime(day.year, day.month, day.day, tzinfo=self.zone)


def _days(year: str, month: str | None, day: str | None) -> tuple[date, date]:
    """The first day that a date of any precision allows, and the day after the last."""
    if day and month:
        first = date(int(year), int(month), int(day))
        return first, first + timedelta(days=1)
    if month:
        first = date(int(year), int(month), 1)
        return first, (first + timedelta(days=31)).replace(day=1)
    first = date(int(year), 1, 1)
    return first, first.replace(year=first.year + 1)
