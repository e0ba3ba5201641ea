"""One prefetch key: a read or a search with all its pages, as one FHIR resource in bytes.

In: an address and whoever gets bodies. Out: Fetched. A search is had whole or not at all: of a part nobody could tell
whether a newer result is on the page that failed. FHIR R4 "Search", "Paging".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Lock
from urllib.parse import urljoin

import msgspec
from msgspec import Raw

from cds_hooks.door import ABSENT, Decoder, decode
from cds_hooks.errors import InvalidRequest
from service.callback.fetched import Failed
from service.fhir_base import is_under, normalised

MOST_PAGES = 20

Get = Callable[[str], Iterable[bytes]]


class _Link(msgspec.Struct):
    relation: str = ""
    url: str | None = None


class _Page(msgspec.Struct):
    resourceType: str = ""
    entry: list[Raw] | None = None
    link: list[_Link] | None = None
    total: Raw = ABSENT


_PAGE = Decoder(_Page)
OTHERS = {"metadata": "CapabilityStatement"}  # reads whose answer is of another type than they name


@dataclass(slots=True)
class Budget:
    """How many bytes one call may still read, all keys together."""

    left: int
    lock: Lock = field(default_factory=Lock)

    def take(self, number: int) -> bool:
        with self.lock:
            self.left -= number
            return self.left >= 0


@dataclass(frozen=True, slots=True)
class Reading:
    """What the pages of one key have in common."""

    base: str  # normalised: every page lies below it
    get: Get
    most_bytes: int
    budget: Budget

    def fetch(self, query: str) -> bytes:
        """A read or search below the base as one resource; Failed."""
        url: str | None = f"{self.base}/{query}"
        kind = "Bundle" if "?" in query else OTHERS.get(query, query.partition("/")[0])
        bodies: list[bytes] = []
        pages: list[_Page] = []
        seen: set[str] = set()
        while url:
            if url in seen:
                raise Failed("page-loop")
            if len(seen) == MOST_PAGES:
                raise Failed("too-large")
            seen.add(url)
            bodies.append(self._body(url, self.most_bytes - sum(map(len, bodies))))
            pages.append(_page(bodies[-1], kind))
            if len(pages) > 1 and pages[-1].resourceType != kind:
                raise Failed("server-error")  # an OperationOutcome in place of a page
            url = self._next(pages[-1], url)
        return bodies[0] if len(bodies) == 1 else _merged(pages)

    def _body(self, url: str, most: int) -> bytes:
        pieces: list[bytes] = []
        for piece in self.get(url):
            most -= len(piece)
            if most < 0 or not self.budget.take(len(piece)):
                raise Failed("too-large")
            pieces.append(piece)
        return b"".join(pieces).strip()

    def _next(self, page: _Page, url: str) -> str | None:
        """The address of the next page, below the same base."""
        links = [link.url or "" for link in page.link or () if link.relation == "next"]
        if not links:
            return None
        try:
            following = urljoin(url, links[0])
            if is_under(self.base, normalised(following.partition("?")[0])):
                return following
        except ValueError:
            pass  # no address at all: the same as one elsewhere
        raise Failed("not-allowed")


def _page(body: bytes, kind: str) -> _Page:
    try:
        page = decode(body, _PAGE)
    except (InvalidRequest, msgspec.ValidationError):
        raise Failed("not-fhir") from None
    if page.resourceType not in (kind, "OperationOutcome"):
        raise Failed("not-fhir")
    return page


def _merged(pages: list[_Page]) -> bytes:
    """The pages as one Bundle, without their links: all that they lead to is in it."""
    entries = b",".join(bytes(entry) for page in pages for entry in page.entry or ())
    total = b"" if pages[0].total is ABSENT else b'"total":%b,' % bytes(pages[0].total)
    return b'{"resourceType":"Bundle","type":"searchset",%b"entry":[%b]}' % (total, entries)
