"""The small parts of a card: codes, source, links, and the rule that each part checks itself when it is built.

In: wording, codes, addresses. Out: JSON-ready dicts, or InvalidCard with every fault. CDS Hooks 2.0 "Card Attributes".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from cds_hooks.errors import InvalidCard, Issue
from cds_hooks.grammar import extension_faults, is_absolute_url, is_text, is_uuid

_TOPIC_CODE = re.compile(r"[A-Za-z0-9]{1,100}\Z")  # what Epic remembers an override against
_CODE = re.compile(r"\S+(?: \S+)*\Z")  # FHIR code


class Part:
    """A part of an answer: it checks itself once, when it is built."""

    __slots__ = ()

    def __post_init__(self) -> None:
        if faults := tuple(self._faults()):
            raise InvalidCard(*faults)

    def _faults(self) -> Iterator[Issue]:
        raise NotImplementedError


def text_faults(value: object, path: str) -> Iterator[Issue]:
    if not is_text(value):
        yield Issue(path, "is empty or no text", "say something, or leave the part out")


def url_faults(value: object, path: str) -> Iterator[Issue]:
    if not isinstance(value, str) or not is_absolute_url(value):
        yield Issue(path, "is no absolute address", "http(s)://host/path")


def uuid_faults(value: object, path: str) -> Iterator[Issue]:
    if not isinstance(value, str) or not is_uuid(value):
        yield Issue(path, "is no UUID", "leave it out to have a fresh one")


def coding_faults(system: object, code: object) -> Iterator[Issue]:
    yield from text_faults(system, "coding.system")
    if not isinstance(code, str) or not _CODE.match(code):
        yield Issue("coding.code", "is no FHIR code", "no blanks around it, single blanks within")


def extension_faults_of(value: object, path: str) -> list[Issue]:
    return extension_faults(value, path) if value is not None else []


def parts_faults(values: Iterable[object], kind: type, path: str) -> Iterator[Issue]:
    for at, value in enumerate(values):
        if not isinstance(value, kind):
            yield Issue(f"{path}[{at}]", f"is no {kind.__name__}")


def present(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that have a value: optional fields without one are left out."""
    return {name: value for name, value in members.items() if value is not None and value != []}


@dataclass(frozen=True, slots=True)
class Coding(Part):
    """A code of a code system."""

    system: str
    code: str
    display: str | None = None

    def _faults(self) -> Iterator[Issue]:
        yield from coding_faults(self.system, self.code)
        if self.display is not None:
            yield from text_faults(self.display, "coding.display")

    def as_json(self) -> dict[str, Any]:
        return present({"system": self.system, "code": self.code, "display": self.display})


@dataclass(frozen=True, slots=True)
class OverrideReason(Part):
    """A reason that the reader may give for not following a card; keep them stable across answers."""

    system: str
    code: str
    display: str

    def _faults(self) -> Iterator[Issue]:
        yield from coding_faults(self.system, self.code)
        yield from text_faults(self.display, "overrideReasons.display")

    def as_json(self) -> dict[str, Any]:
        return {"system": self.system, "code": self.code, "display": self.display}


@dataclass(frozen=True, slots=True)
class Source(Part):
    """Who says so. `topic` is what clients tell cards of one kind apart by: keep it stable."""

    label: str
    url: str | None = None
    icon: str | None = None
    topic: Coding | None = None

    def _faults(self) -> Iterator[Issue]:
        yield from text_faults(self.label, "source.label")
        for name, address in (("url", self.url), ("icon", self.icon)):
            if address is not None:
                yield from url_faults(address, f"source.{name}")
        if self.topic is not None and not _TOPIC_CODE.match(self.topic.code):
            yield Issue("source.topic.code", "is not 1 to 100 letters and digits")

    def as_json(self) -> dict[str, Any]:
        topic = self.topic.as_json() if self.topic else None
        return present({"label": self.label, "url": self.url, "icon": self.icon, "topic": topic})


@dataclass(frozen=True, slots=True)
class Link(Part):
    """A page, or a SMART app with its context."""

    label: str
    url: str
    type: Literal["absolute", "smart"] = "absolute"
    app_context: str | None = None

    def _faults(self) -> Iterator[Issue]:
        yield from text_faults(self.label, "link.label")
        yield from url_faults(self.url, "link.url")
        if self.type not in ("absolute", "smart"):
            yield Issue("link.type", "is neither absolute nor smart")
        if self.app_context is not None:
            yield from text_faults(self.app_context, "link.appContext")
            if self.type != "smart":
                yield Issue("link.appContext", "goes with a smart link alone")

    def as_json(self) -> dict[str, Any]:
        return present({"label": self.label, "url": self.url, "type": self.type, "appContext": self.app_context})
