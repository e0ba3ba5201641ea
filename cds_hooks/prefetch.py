"""Prefetch: the resources that a client sent along, key by key, and what their absence means.

In: a HookRequest and the service that asked. Out: per key one of four states, and the resources as bytes.
CDS Hooks 2.0 "Prefetch Template", "Providing FHIR Resources to a CDS Service".

    SUPPLIED  resources are there                     MISSING  the key was not sent: not known, could be fetched
    EMPTY     null, or a search that found nothing    ERROR    the client failed, and would fail again

A client that finds nothing says so with null, a Bundle without entries, or a Bundle whose only entry is an
OperationOutcome that warns (Epic: code 4101). Only severity error and fatal mean that nothing is known.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import Enum
from urllib.parse import quote

import msgspec
from msgspec import Raw

from cds_hooks.door import ABSENT, Decoder, first_byte
from cds_hooks.errors import InvalidRequest, Issue, PreconditionFailed
from cds_hooks.grammar import is_reference
from cds_hooks.request import HookRequest
from cds_hooks.services import TOKEN, Service

MAX_NESTED_BUNDLES = 8  # each level is read once more: without a limit, depth times size


class State(Enum):
    """What is known of a prefetch key."""

    SUPPLIED = "supplied"
    EMPTY = "empty"
    ERROR = "error"
    MISSING = "missing"


class Resource(msgspec.Struct, frozen=True, gc=False):
    """One FHIR resource as it was sent. `path` says where it stood."""

    type: str  # resourceType; "" when it has none that can be read
    raw: Raw
    parent: str  # JSON path of the Bundle, or of the value itself
    index: int = -1  # place in the Bundle's entries; -1: not in a Bundle
    full_url: str | None = None
    mode: str | None = None  # match | include | None; outcomes are no resources here

    @property
    def path(self) -> str:
        """JSON path for messages, e.g. prefetch.count.entry[3].resource."""
        return self.parent if self.index < 0 else f"{self.parent}.entry[{self.index}].resource"


class Prefetched(msgspec.Struct, frozen=True):
    """One prefetch key: its state, and its resources, which are there exactly when it is SUPPLIED."""

    key: str
    state: State
    resources: tuple[Resource, ...] = ()
    complete: bool = True  # False: SUPPLIED, but with an error beside it or a next page that was not sent
    reason: str = ""  # of a MISSING key that was asked for: a word for what failed


class _Search(msgspec.Struct, gc=False):
    mode: str | None = None


class _Entry(msgspec.Struct, gc=False):
    resource: Raw = ABSENT
    fullUrl: str | None = None
    search: _Search | None = None


class _Link(msgspec.Struct):
    relation: str = ""


class _Bundle(msgspec.Struct):
    entry: list[_Entry] | None = None
    link: list[_Link] | None = None
    total: int | float | None = None


class _Trouble(msgspec.Struct):
    severity: str


class _Outcome(msgspec.Struct):
    issue: list[_Trouble]


class _Kind(msgspec.Struct):
    resourceType: str = ""


_BUNDLE = Decoder(_Bundle)
_OUTCOME = Decoder(_Outcome)
_KIND = Decoder(_Kind)
# Nearly every writer puts resourceType first; the decoder reads the others.
_TYPE_FIRST = re.compile(rb'\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"')


class _Found:
    """What turns up while Bundles are opened: resources, outcomes, and signs that something is held back."""

    __slots__ = ("failed", "held_back", "resources")

    def __init__(self) -> None:
        self.resources: list[Resource] = []
        self.failed = False
        self.held_back = False

    def state(self) -> State:
        if self.resources:
            return State.SUPPLIED
        return State.ERROR if self.failed or self.held_back else State.EMPTY


def read(request: HookRequest, service: Service) -> dict[str, Prefetched]:
    """Every key of the service with its state; InvalidRequest when a Bundle is not built like one."""
    return {key: read_value(key, request.prefetch.get(key, ABSENT)) for key in service.prefetch}


def read_value(key: str, raw: Raw, place: str = "prefetch") -> Prefetched:
    """One value, `ABSENT` for a key that was not sent; also for a value that was fetched, or stands elsewhere."""
    if raw is ABSENT:
        return Prefetched(key, State.MISSING)
    if first_byte(raw) == "n":
        return Prefetched(key, State.EMPTY)
    found = _Found()
    _open(Resource(_type_of(raw), raw, f"{place}.{key}"), found, MAX_NESTED_BUNDLES)
    return Prefetched(key, found.state(), tuple(found.resources), not (found.failed or found.held_back))


def require(prefetched: Mapping[str, Prefetched], keys: Collection[str]) -> None:
    """Raise PreconditionFailed naming each required key that is neither there nor known to be empty."""
    lacking = [one for key, one in prefetched.items() if key in keys]
    faults = [_lack(one) for one in lacking if one.state in (State.MISSING, State.ERROR)]
    if faults:
        raise PreconditionFailed(*faults)


def resolve(template: str, tokens: Mapping[str, str]) -> str | None:
    """The FHIR read or search with its tokens filled in; None when the context lacks one of them."""
    if any(token not in tokens for token in TOKEN.findall(template)):
        return None
    return TOKEN.sub(lambda match: _quoted(tokens[match[1]]), template)


def _quoted(text: str) -> str:
    return quote(text, safe="/" if is_reference(text) else "")


def _lack(one: Prefetched) -> Issue:
    if one.state is State.ERROR:
        return Issue(f"prefetch.{one.key}", "could not be had by the client", "see its OperationOutcome", "incomplete")
    if one.reason:
        return Issue(f"prefetch.{one.key}", "was not sent and could not be fetched", one.reason, "incomplete")
    return Issue(f"prefetch.{one.key}", "is missing", "send it; null says that there is none", "required")


def _open(resource: Resource, found: _Found, levels: int) -> None:
    """Put a resource where it belongs: Bundles are opened, outcomes judged, the rest kept."""
    if resource.type == "Bundle":
        _open_bundle(resource, found, levels)
    elif resource.type == "OperationOutcome":
        found.failed |= _is_failure(resource.raw)
    elif resource.type or resource.index >= 0:
        found.resources.append(resource)
    else:
        found.failed = True  # an object that is no resource tells nothing, not even that there is nothing


def _open_bundle(bundle: Resource, found: _Found, levels: int) -> None:
    if levels == 0:
        raise InvalidRequest(path=bundle.path, problem="is nested too deeply", hint="send Bundles flat")
    opened = _decode_bundle(bundle)
    entries = opened.entry or ()
    more = any(link.relation == "next" for link in opened.link or ())
    found.held_back |= more or (opened.total or 0) > len(entries)
    path, keep = bundle.path, found.resources.append
    for index, entry in enumerate(entries):
        raw = entry.resource
        if raw is ABSENT or bytes(raw) in (b"null", b"{}"):
            found.held_back = True  # a response without its resource: it failed, or was left out
            continue
        mode = entry.search.mode if entry.search else None
        resource = Resource(_type_of(raw), raw, path, index, entry.fullUrl, mode)
        if resource.type in _CONTAINERS:
            _open(resource, found, levels - 1)
        elif mode != "outcome":
            keep(resource)


_CONTAINERS = frozenset(("Bundle", "OperationOutcome"))


def _decode_bundle(bundle: Resource) -> _Bundle:
    try:
        return _BUNDLE.decode(bundle.raw)
    except (msgspec.DecodeError, RecursionError) as fault:
        where = _PLACE.search(str(fault))
        path = bundle.path + (where[1] if where else "")
        raise InvalidRequest(path=path, problem="is not as FHIR has it", hint="see Bundle", code="structure") from None


_PLACE = re.compile(r"at `\$([A-Za-z0-9.\[\]]*)`")


def _type_of(raw: Raw) -> str:
    match = _TYPE_FIRST.match(raw)
    return str(match[1], "ascii") if match else _type_anywhere(raw)


def _type_anywhere(raw: Raw) -> str:
    try:
        return _KIND.decode(raw).resourceType if first_byte(raw) == "{" else ""
    except (msgspec.DecodeError, RecursionError):
        return ""


def _is_failure(raw: Raw) -> bool:
    try:
        severities = {issue.severity for issue in _OUTCOME.decode(raw).issue}
    except (msgspec.DecodeError, RecursionError):
        return True
    return not severities or not severities.isdisjoint(("error", "fatal"))
