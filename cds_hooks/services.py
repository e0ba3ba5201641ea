"""CDS services as a client sees them: what discovery says, and what their prefetch templates may hold.

In: the literal declaration of a service. Out: the same, checked whole, and the body of `GET {base}/cds-services`.
CDS Hooks 2.0 "Discovery", "Prefetch Template"; 3.0 ballot for `version`, which 2.0 clients ignore.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from cds_hooks.errors import InvalidService, Issue
from cds_hooks.grammar import extension_faults, is_text
from cds_hooks.hooks import HOOKS, Hook

SPECIFICATION_VERSION = "2.0.1"  # of CDS Hooks, the one whose rules this package holds

TOKEN = re.compile(r"\{\{(.*?)\}\}")

_SERVICE_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._~-]{0,127})\Z")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}\Z")
_READ = re.compile(r"(?:[A-Z][A-Za-z]+/(?:T|[A-Za-z0-9.-]{1,64})|T)\Z")  # T: a token, already known
_SEARCH = re.compile(r"([A-Z][A-Za-z]+)\?([\x21-\x7e]+)\Z")
_NAME = re.compile(r"(?:[a-z][A-Za-z-]*|_id|_lastUpdated|_count|_sort)(?::in)?\Z")
# Prefixes of dates beyond eq lt gt ge le: outside the subset that clients must support.
_ODD_DATE = re.compile(r"(?:ne|sa|eb|ap)[0-9]{4}(?:-|T|\Z)")
_COUNT = re.compile(r"[1-9][0-9]{0,5}\Z")


@dataclass(frozen=True, slots=True)
class Service:
    """One CDS service: one id, one hook. Raises InvalidService with every fault of the declaration."""

    id: str
    hook: str
    title: str
    description: str
    prefetch: Mapping[str, str] = field(default_factory=dict)  # key -> FHIR read or search
    required: frozenset[str] = frozenset()  # keys without which there is no answer: 412
    usage_requirements: str | None = None
    extension: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        faults = [*_naming_faults(self), *_prefetch_faults(self)]
        if self.extension is not None:
            faults += extension_faults(self.extension, f"{self.id}.extension")
        if faults:
            raise InvalidService(*faults)

    def as_json(self) -> dict[str, Any]:
        """The entry of this service in discovery; fields without value are left out."""
        entry = {
            "hook": self.hook,
            "title": self.title,
            "description": self.description,
            "id": self.id,
            "version": SPECIFICATION_VERSION,
            "usageRequirements": self.usage_requirements,
            "prefetch": dict(self.prefetch),
            "extension": self.extension,
        }
        return {name: value for name, value in entry.items() if value}


def discovery(services: Iterable[Service]) -> dict[str, Any]:
    """The body of the discovery answer; raises InvalidService when two services share an id."""
    offered = tuple(services)
    # Clients key services by their address: of two with one id, they lose the first.
    twice = _repeated(service.id for service in offered)
    if twice:
        raise InvalidService(*(Issue(name, "is the id of two services", "give each its own") for name in twice))
    return {"services": [service.as_json() for service in offered]}


def _naming_faults(service: Service) -> Iterator[Issue]:
    if not _SERVICE_ID.match(service.id):
        yield Issue("id", "is not safe in an address", "use letters, digits, - . _ ~")
    if service.hook not in HOOKS:
        yield Issue(f"{service.id}.hook", "is not a known hook", "use one of " + ", ".join(HOOKS))
    for name in ("title", "description"):
        if not is_text(getattr(service, name)):
            yield Issue(f"{service.id}.{name}", "is empty", "say it in a sentence")
    if service.usage_requirements is not None and not is_text(service.usage_requirements):
        yield Issue(f"{service.id}.usageRequirements", "is empty", "leave it out")


def _prefetch_faults(service: Service) -> Iterator[Issue]:
    for key in sorted(service.required - set(service.prefetch)):
        yield Issue(f"{service.id}.required", f"names {key}, which has no template")
    hook = HOOKS.get(service.hook)
    for key, template in service.prefetch.items():
        path = f"{service.id}.prefetch.{key}"
        if not _KEY.match(key):
            yield Issue(path, "is no plain key", "use letters, digits, - _")
        if hook is not None:
            yield from (Issue(path, problem) for problem in _template_faults(template, hook))


def _template_faults(template: str, hook: Hook) -> Iterator[str]:
    """What in a template leaves the subset that every client must be able to run."""
    for token in TOKEN.findall(template):
        if token not in hook.tokens:
            yield f"names the token {token}, which {hook.name} does not have"
    plain = TOKEN.sub("T", template)
    search = _SEARCH.match(plain)
    if search:
        yield from _query_faults(search[2])
    elif not _READ.match(plain):
        yield "is neither a read (Type/id) nor a search (Type?name=value&...) relative to the FHIR base"


def _query_faults(query: str) -> Iterator[str]:
    pairs = [part.partition("=") for part in query.split("&")]
    for name, _, value in pairs:
        if not _NAME.match(name):
            yield f"uses the parameter {name}, outside the subset (no chains, includes, modifiers other than :in)"
        if not value or "{" in value or "}" in value:
            yield f"gives {name} no value, or one with stray braces"
        if any(_ODD_DATE.match(one) for one in value.split(",")):
            yield f"gives {name} a date prefix other than eq, lt, gt, ge, le"
        if name == "_count" and not _COUNT.match(value):
            yield "gives _count something else than a number above zero"
    # Some clients fold repeats into one comma list, which turns AND into OR.
    yield from (f"repeats the parameter {name}" for name in _repeated(name for name, _, _ in pairs))


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]
