"""Feedback: what became of the cards that were shown.

In: the body of `POST {base}/cds-services/{id}/feedback`. Out: all of its items, or one InvalidRequest with every fault.
CDS Hooks 2.0 "Feedback"; Epic writes `overrideReasons` (an object) and puts reasons into its `extension`.
Null counts as absent, and so does an empty comment.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from cds_hooks.door import Decoder, decode
from cds_hooks.errors import InvalidRequest, Issue
from cds_hooks.grammar import is_printable, is_text

_BODY = Decoder(dict[str, Any])
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,12})?(?:Z|[+-][0-9]{2}:[0-9]{2})\Z"
)
_EPIC = "com.epic.cdshooks.feedback.overrideReason."


@dataclass(frozen=True, slots=True)
class Override:
    """Why a card was overridden. The comment is free text about a patient: it is not in the text form."""

    system: str | None = None
    code: str | None = None
    display: str | None = None
    comment: str | None = field(default=None, repr=False)
    epic: Mapping[str, str] = field(default_factory=dict)  # reasonCategory, reasonDisplay, reasonTitle


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of one card. The same card may come up more than once."""

    card: str
    outcome: str  # accepted | overridden
    at: datetime  # UTC
    accepted: tuple[str, ...] = ()  # uuids of suggestions; at least one when accepted
    override: Override | None = None  # overridden may come without a reason


def parse(body: bytes) -> tuple[Feedback, ...]:
    """The items of the body, in its order."""
    faults: list[Issue] = []
    items = tuple(_item(item, f"feedback[{at}]", faults) for at, item in enumerate(_items(body)))
    if faults:
        raise InvalidRequest(*faults)
    return items


def _items(body: bytes) -> list[Any]:
    try:
        sent = decode(body, _BODY)
    except msgspec.ValidationError:
        hint = 'send {"feedback": [...]}, its numbers within a double'
        raise InvalidRequest(path="$", problem="is no JSON object", hint=hint, code="structure") from None
    items = sent.get("feedback")
    if not isinstance(items, list) or not items:
        hint = "one item per card that was acted on"
        raise InvalidRequest(path="feedback", problem="is no list with items", hint=hint, code="required")
    return items


def _item(item: object, path: str, faults: list[Issue]) -> Feedback:
    members = _object(item, path, faults)
    outcome = members.get("outcome")
    if outcome not in ("accepted", "overridden"):
        faults.append(Issue(f"{path}.outcome", "is neither accepted nor overridden", "", "value"))
    accepted = _accepted(members, path, faults) if outcome == "accepted" else ()
    card = _printable(members.get("card"), f"{path}.card", faults)
    at = _timestamp(members.get("outcomeTimestamp"), f"{path}.outcomeTimestamp", faults)
    return Feedback(card, str(outcome), at, accepted, _override(members, path, faults))


def _object(value: object, path: str, faults: list[Issue]) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    faults.append(Issue(path, "is no object", "", "structure"))
    return {}


def _printable(value: object, path: str, faults: list[Issue]) -> str:
    if is_printable(value):
        return str(value)
    faults.append(Issue(path, "is missing or no short text", "", "required"))
    return ""


def _timestamp(value: object, path: str, faults: list[Issue]) -> datetime:
    text = value.upper() if isinstance(value, str) else ""
    try:
        if _TIMESTAMP.match(text):
            return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        pass  # a day that no calendar has
    faults.append(Issue(path, "is no RFC 3339 timestamp", "2026-01-31T08:00:00Z", "value"))
    return datetime.min.replace(tzinfo=UTC)


def _accepted(item: dict[str, Any], path: str, faults: list[Issue]) -> tuple[str, ...]:
    place = f"{path}.acceptedSuggestions"
    sent = item.get("acceptedSuggestions")
    if not isinstance(sent, list) or not sent:
        faults.append(Issue(place, "is missing or empty", "accepted requires it", "required"))
        return ()
    ids = [_object(one, f"{place}[{at}]", faults).get("id") for at, one in enumerate(sent)]
    return tuple(_printable(one, f"{place}[{at}].id", faults) for at, one in enumerate(ids))


def _override(item: dict[str, Any], path: str, faults: list[Issue]) -> Override | None:
    spelling = "overrideReason" if item.get("overrideReason") is not None else "overrideReasons"
    sent = item.get(spelling)
    if sent is None:
        return None
    place = f"{path}.{spelling}"
    reason = _object(sent, place, faults)
    coding = _coding(reason.get("reason"), f"{place}.reason", faults)
    comment = _optional(reason.get("userComment"), f"{place}.userComment", faults)
    epic = _epic(reason.get("extension"))
    if isinstance(sent, dict) and not (reason.get("reason") or comment or epic):
        faults.append(Issue(place, "has neither reason nor userComment", "give one, or leave it out", "required"))
    return Override(*coding, comment, epic)


def _coding(value: object, path: str, faults: list[Issue]) -> tuple[str | None, str | None, str | None]:
    if value is None:
        return None, None, None
    coding = _object(value, path, faults)
    system, code = (_printable(coding.get(name), f"{path}.{name}", faults) for name in ("system", "code"))
    return system, code, _optional(coding.get("display"), f"{path}.display", faults)


def _optional(value: object, path: str, faults: list[Issue]) -> str | None:
    if value is not None and not isinstance(value, str):
        faults.append(Issue(path, "is no text", "", "value"))
    return str(value) if is_text(value) else None


def _epic(extension: object) -> dict[str, str]:
    if not isinstance(extension, dict):
        return {}
    ours = {key: value for key, value in extension.items() if key.startswith(_EPIC) and is_text(value)}
    return {key.removeprefix(_EPIC): value for key, value in ours.items()}
