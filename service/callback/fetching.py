"""All keys of one call at once, until the deadline.

In: reads and searches by key, and the server. Out: Fetched for each of them, in time, whatever the server does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as NotYet
from contextlib import closing
from dataclasses import dataclass, field
from time import monotonic
from urllib.parse import urlsplit

from service.callback.addresses import Network, resolve
from service.callback.fetched import Failed, Fetched
from service.callback.origin import Line, Origin
from service.callback.paging import Budget, Reading
from service.fhir_base import PORT_OF


@dataclass(frozen=True, slots=True)
class Server:
    """Whom to ask: a normalised address, the private networks where it may lie, and the token that it gave us."""

    address: str
    networks: Sequence[Network]
    token: str | None = field(repr=False)

    def headers(self) -> dict[str, str]:
        """Those of every request to it."""
        always = {"Accept": "application/fhir+json", "Accept-Encoding": "gzip", "User-Agent": "neutropenia-cds"}
        return always | ({"Authorization": f"Bearer {self.token}"} if self.token else {})


def fetch(queries: Mapping[str, str], server: Server, seconds: float, most_bytes: int) -> list[Fetched]:
    """Every key, fetched or with its reason; a key that is not there at the deadline is given up."""
    start, line = monotonic(), Line()
    until = start + seconds
    threads = ThreadPoolExecutor(len(queries), "callback")
    try:
        ips = _addresses(server, threads, until)
        with closing(Origin(server.address, ips, server.headers(), line, until)) as origin:
            reading = Reading(server.address, origin.get, most_bytes // 2, Budget(most_bytes))
            tasks = {key: threads.submit(_fetch, reading, key, queries[key], start) for key in queries}
            done, _ = wait(tasks.values(), max(0, until - monotonic()))
        late = monotonic() - start
        return [t.result() if t in done else Fetched(key, None, "timeout", late) for key, t in tasks.items()]
    except Failed as failed:
        return [Fetched(key, None, failed.reason, monotonic() - start) for key in queries]
    finally:
        line.hang_up()
        threads.shutdown(wait=False, cancel_futures=True)


def _addresses(server: Server, threads: ThreadPoolExecutor, until: float) -> tuple[str, ...]:
    parts = urlsplit(server.address)
    # In a thread: a resolver knows no deadline.
    task = threads.submit(resolve, parts.hostname or "", parts.port or PORT_OF[parts.scheme], server.networks)
    try:
        return task.result(max(0, until - monotonic()))
    except NotYet:
        raise Failed("timeout") from None


def _fetch(reading: Reading, key: str, query: str, start: float) -> Fetched:
    try:
        return Fetched(key, reading.fetch(query), "", monotonic() - start)
    except Failed as failed:
        return Fetched(key, None, failed.reason, monotonic() - start)
