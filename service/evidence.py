"""What stands behind one card: the form in which it is kept, and shown to whoever opens the card's link.

In: an Assessment, the card as it was sent, what became of it. Out: plain values that survive JSON; no subject, no
Flask, no store. The bands of the count are found again in the knowledge by the limit that was in force.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from service.clinical.assessment import COUNT_UNIT, Assessment, Count, as_json
from service.clinical.knowledge.model import Band, Knowledge
from service.placed import Scales

Fate = Literal["shown", "lowered", "left-out", "silent"]
GRADE = "grade"


@dataclass(frozen=True, slots=True)
class Received:
    """Feedback on a card."""

    outcome: str  # accepted | overridden
    at: datetime
    reason: str = ""  # of an override, in words


@dataclass(frozen=True, slots=True)
class Stored:
    """One card with what it rests on. `card`, `assessment`, `explanation`, `drafts` are gone after the retention."""

    issued: datetime  # in the time zone of the site
    service: str  # id of the CDS service
    version: str  # of the knowledge that judged
    profile: str
    fate: Fate
    card: Mapping[str, Any] | None = None  # as sent
    assessment: Mapping[str, Any] | None = None  # as `recorded` makes it
    explanation: tuple[Mapping[str, Any], ...] = ()  # service.explain.as_json
    scales: Scales | None = None  # None: judged by other knowledge than that in force
    drafts: tuple[str, ...] = ()  # what was being ordered, in words
    reason: str = ""  # why it was not shown as it is, in words
    until: datetime | None = None  # how long that holds
    feedback: tuple[Received, ...] = ()


def recorded(a: Assessment) -> dict[str, Any]:
    """The Assessment without its subject, with what the picture of the count needs besides."""
    more = {
        "limit": a.limit,
        "severityBand": a.severity_band or None,
        "ungraded": _count(a.ungraded) | {"status": a.ungraded.status} if a.ungraded else None,
        "lower": _value(a.lower.number, a.lower.comparator) if a.lower else None,
    }
    said = {name: value for name, value in as_json(a).items() if name != "subject"}
    return said | {name: value for name, value in more.items() if value is not None}


def bands_in_force(recorded: Mapping[str, Any], knowledge: Knowledge) -> tuple[Band, ...]:
    """The bands on which the count was placed, lowest first; none when the knowledge has no such limit any more."""
    limit, label = recorded.get("limit"), recorded.get("severityBand")
    scales = [scale.bands for scale in knowledge.scales[GRADE]] if limit is not None else []
    by_band = [bands for bands in scales if not label or any(band.label == label for band in bands)]
    by_limit = [bands for bands in by_band if _upper_end(bands) == Decimal(str(limit))]
    by_the_hour = [bands for bands in by_band if bands[-1].side != "ok"]  # the first days of life: no fixed limit
    return next(iter(by_limit or by_the_hour), ())


def _upper_end(bands: tuple[Band, ...]) -> Decimal | None:
    """Where the last band on the low side ends; None when what follows is not normal."""
    if bands[-1].side != "ok":
        return None
    return next(band.below for band in reversed(bands) if band.side == "low")


def _count(count: Count) -> dict[str, Any]:
    value = _value(count.value.number, count.value.comparator)
    known = {"effective": count.when.text, "derivation": count.derivation, "observations": list(count.observations)}
    return value | known


def _value(number: Decimal, comparator: str | None) -> dict[str, Any]:
    return {"value": number, **({"comparator": comparator} if comparator else {}), "unit": COUNT_UNIT}
