"""Cards: what a service answers, in a form that cannot break the specification.

In: wording, codes and draft resources. Out: JSON-ready dicts. Each class checks itself when it is built and raises
InvalidCard with every fault; nothing is cut, guessed or left empty. CDS Hooks 2.0 "CDS Service Response".
"""

from __future__ import annotations

import re
import uuid as uuids
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cds_hooks.errors import InvalidCard, Issue
from cds_hooks.grammar import is_printable, is_reference, json_faults
from cds_hooks.parts import (
    Link,
    OverrideReason,
    Part,
    Source,
    extension_faults_of,
    parts_faults,
    present,
    text_faults,
    uuid_faults,
)

LONGEST_SUMMARY = 139  # the specification: less than 140 characters

_TYPE = re.compile(r"[A-Z][A-Za-z]+\Z")

Indicator = Literal["info", "warning", "critical"]
SelectionBehavior = Literal["any", "at-most-one"]


@dataclass(frozen=True, slots=True)
class Action(Part):
    """One change: create or update a whole resource, or delete one by its relative reference."""

    type: Literal["create", "update", "delete"]
    description: str
    resource: Mapping[str, Any] | None = None
    resource_id: str | None = None
    extension: Mapping[str, Any] | None = None

    def _faults(self) -> Iterator[Issue]:
        yield from text_faults(self.description, "action.description")
        yield from extension_faults_of(self.extension, "action.extension")
        if self.type == "delete":
            yield from self._delete_faults()
        elif self.type in ("create", "update"):
            yield from self._resource_faults()
        else:
            yield Issue("action.type", "is none of create, update, delete")

    def _delete_faults(self) -> Iterator[Issue]:
        if self.resource is not None:
            yield Issue("action.resource", "does not go with delete", "give resource_id")
        if not isinstance(self.resource_id, str) or not is_reference(self.resource_id):
            yield Issue("action.resourceId", "is no relative reference", "Type/id")

    def _resource_faults(self) -> Iterator[Issue]:
        if self.resource_id is not None:
            yield Issue("action.resourceId", "goes with delete alone")
        if not isinstance(self.resource, dict):
            yield Issue("action.resource", "is no object", "give the FHIR resource as a dict, not as text")
            return
        yield from json_faults(self.resource, "action.resource")
        kind = self.resource.get("resourceType")
        if not isinstance(kind, str) or not _TYPE.match(kind):
            yield Issue("action.resource.resourceType", "is no FHIR type")
        if self.type == "update" and "id" not in self.resource:
            yield Issue("action.resource.id", "is missing", "an update names what it changes")

    def as_json(self) -> dict[str, Any]:
        members = {"type": self.type, "description": self.description, "resource": self.resource}
        return present({**members, "resourceId": self.resource_id, "extension": self.extension})


@dataclass(frozen=True, slots=True)
class Suggestion(Part):
    """Actions that are taken together, or not at all."""

    label: str
    actions: tuple[Action, ...] = ()
    is_recommended: bool = False
    uuid: str = field(default_factory=lambda: str(uuids.uuid4()))

    def _faults(self) -> Iterator[Issue]:
        yield from text_faults(self.label, "suggestion.label")
        yield from uuid_faults(self.uuid, "suggestion.uuid")
        yield from parts_faults(self.actions, Action, "suggestion.actions")

    def as_json(self) -> dict[str, Any]:
        actions = [action.as_json() for action in self.actions]
        recommended = True if self.is_recommended else None
        return present({"label": self.label, "uuid": self.uuid, "isRecommended": recommended, "actions": actions})


@dataclass(frozen=True, slots=True)
class Card(Part):
    """One card. `selection_behavior` is given exactly when there are suggestions."""

    summary: str
    indicator: Indicator
    source: Source
    detail: str | None = None
    suggestions: tuple[Suggestion, ...] = ()
    selection_behavior: SelectionBehavior | None = None
    override_reasons: tuple[OverrideReason, ...] = ()
    links: tuple[Link, ...] = ()
    extension: Mapping[str, Any] | None = None
    uuid: str = field(default_factory=lambda: str(uuids.uuid4()))

    def _faults(self) -> Iterator[Issue]:
        if not is_printable(self.summary, LONGEST_SUMMARY):
            yield Issue("card.summary", f"is not one line of 1 to {LONGEST_SUMMARY} characters", "say it shorter")
        if self.indicator not in ("info", "warning", "critical"):
            yield Issue("card.indicator", "is none of info, warning, critical")
        if self.detail is not None:
            yield from text_faults(self.detail, "card.detail")
        yield from uuid_faults(self.uuid, "card.uuid")
        yield from extension_faults_of(self.extension, "card.extension")
        yield from self._part_faults()
        yield from self._selection_faults()

    def _part_faults(self) -> Iterator[Issue]:
        yield from parts_faults((self.source,), Source, "card.source")
        yield from parts_faults(self.suggestions, Suggestion, "card.suggestions")
        yield from parts_faults(self.override_reasons, OverrideReason, "card.overrideReasons")
        yield from parts_faults(self.links, Link, "card.links")

    def _selection_faults(self) -> Iterator[Issue]:
        allowed = ("any", "at-most-one") if self.suggestions else (None,)
        if self.selection_behavior not in allowed:
            yield Issue("card.selectionBehavior", "does not fit", "any or at-most-one, exactly with suggestions")
        recommended = [one for one in self.suggestions if isinstance(one, Suggestion) and one.is_recommended]
        if self.selection_behavior == "at-most-one" and len(recommended) > 1:
            yield Issue("card.suggestions", "recommend more than one of at-most-one")

    def as_json(self) -> dict[str, Any]:
        members = {
            "uuid": self.uuid,
            "summary": self.summary,
            "detail": self.detail,
            "indicator": self.indicator,
            "source": self.source.as_json(),
            "suggestions": [one.as_json() for one in self.suggestions],
            "selectionBehavior": self.selection_behavior,
            "overrideReasons": [one.as_json() for one in self.override_reasons],
            "links": [one.as_json() for one in self.links],
            "extension": self.extension,
        }
        return present(members)


def response(cards: Iterable[Card], system_actions: Iterable[Action] = ()) -> dict[str, Any]:
    """The body of a 200: `cards` always, `systemActions` when there are any; no uuid occurs twice."""
    given, actions = tuple(cards), [action.as_json() for action in system_actions]
    names = Counter(name for card in given for name in (card.uuid, *(one.uuid for one in card.suggestions)))
    if any(times > 1 for times in names.values()):
        raise InvalidCard(path="cards", problem="share a uuid", hint="give each card and suggestion its own")
    body: dict[str, Any] = {"cards": [card.as_json() for card in given]}
    return {**body, "systemActions": actions} if actions else body
