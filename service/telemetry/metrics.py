"""Metrics for Prometheus: counters of one process, and what all workers count together on a port of its own.

In: a Call when its answer goes out. Out: samples. A label holds a word of a closed set that is made at the start (rows
and reasons of the knowledge, names of services and clients, states); whatever else would get there counts as `other`.
Workers write into files of a folder that they share (PROMETHEUS_MULTIPROC_DIR, set before this is loaded).
"""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.metrics_core import InfoMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.telemetry import Call

OTHER = "other"
KINDS = frozenset({"call", "feedback", "assess", "evidence"})
OUTCOMES = frozenset({"answered", "invalid", "not-admitted", "lacking", "refused", "unavailable", "crash"})
INDICATORS = frozenset({"info", "warning", "critical"})
FATES = frozenset({"shown", "lowered", "left-out", "silent"})
STATES = frozenset({"supplied", "empty", "error", "missing"})
FAULTS = frozenset({"down", "slow", "full"})
READY = frozenset({"ok", "store", "draining"})
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)


@dataclass(frozen=True, slots=True)
class Words:
    """What labels can say, beside what is the same everywhere."""

    services: frozenset[str]
    clients: frozenset[str]
    rows: frozenset[str]
    reasons: frozenset[str]  # of gaps
    keys: frozenset[str]  # of the prefetch
    fetches: frozenset[str]  # fetched, or why not


class Metrics:
    """What one process counts."""

    def __init__(self, words: Words) -> None:
        self.registry = CollectorRegistry()
        sets = {
            "kind": KINDS, "service": words.services | {""}, "client": words.clients | {""}, "outcome": OUTCOMES,
            "indicator": INDICATORS, "row": words.rows, "fate": FATES, "reason": words.reasons,
            "key": words.keys, "state": STATES, "fetched": words.fetches, "fault": FAULTS, "answer": READY,
        }  # fmt: skip
        self.sets: Mapping[str, frozenset[str]] = sets
        self._kept: dict[tuple[Counter, tuple[str, ...]], Counter] = {}
        count = self._counter
        self._calls = count("calls", "Requests by what they are, service, outcome and client.",
                            "kind", "service", "outcome", "client")  # fmt: skip
        self._seconds = Histogram("cds_call_seconds", "Seconds from a request to its answer.", ("kind", "service"),
                                  buckets=BUCKETS, registry=self.registry)  # fmt: skip
        self._cards = count("cards", "Cards that calls led to, by the row that decided them and what became of them.",
                            "service", "indicator", "row", "fate")  # fmt: skip
        self._gaps = count("gaps", "What of a chart could not be used, by reason.", "reason")
        self._keys = count("prefetch_keys", "Prefetch keys of calls, by state, after calling back.", "key", "state")
        self._fetches = count("callbacks", "Prefetch keys that were asked for at FHIR servers.", "client", "fetched")
        self._faults = count("store_faults", "Times that the store could not do what it was asked for.", "fault")
        self._ready = count("readiness", "Answers of /readyz.", "answer")
        self._starts = Counter("cds_worker_starts", "Worker processes that started.", registry=self.registry)
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        """What alerts wait for is there from the start: a counter that appears with its first 1 has not increased."""
        of_a_service = product(("call", "feedback"), self.sets["service"] - {""})
        kinds = (*of_a_service, ("assess", ""), ("evidence", ""))
        for (kind, service), client in product(kinds, self.sets["client"]):
            self._inc(self._calls, kind, service, "crash", client, by=0)
        for counted, words in ((self._gaps, "reason"), (self._faults, "fault"), (self._ready, "answer")):
            for word in self.sets[words]:
                self._inc(counted, word, by=0)

    def _counter(self, name: str, said: str, *labels: str) -> tuple[Counter, tuple[frozenset[str], ...]]:
        counter = Counter(f"cds_{name}", said, labels, registry=self.registry)
        return counter, tuple(self.sets[label] for label in labels)

    def _inc(self, counted: tuple[Counter, tuple[frozenset[str], ...]], *words: str, by: int = 1) -> None:
        """Count one more with these words. What each combination counts in is kept, those of closed sets alone."""
        counter, sets = counted
        child = self._kept.get((counter, words))
        if child is None:
            closed = tuple(word if word in known else OTHER for word, known in zip(words, sets, strict=True))
            child = counter.labels(*closed)
            if closed == words:
                self._kept[counter, words] = child
        child.inc(by)

    def tell(self, call: Call, outcome: str, seconds: float) -> None:
        """Count a request that was answered."""
        if not call.kind:
            return
        service = call.service if call.service in self.sets["service"] else OTHER
        self._inc(self._calls, call.kind, service, outcome, call.client)
        self._seconds.labels(call.kind, service).observe(seconds)
        for card in call.cards:
            self._inc(self._cards, service, card.indicator, card.row, card.fate)
        for reason, times in Tally(call.gaps).items():
            self._inc(self._gaps, reason, by=times)
        for key, state in call.prefetch.items():
            self._inc(self._keys, key, state)
        for fetched, times in Tally(call.fetched).items():
            self._inc(self._fetches, call.client, fetched, by=times)

    def store_fault(self, fault: str) -> None:
        """Count a fault of the store: down | slow | full."""
        self._inc(self._faults, fault)

    def ready(self, answer: str) -> None:
        """Count an answer of /readyz."""
        self._inc(self._ready, answer)

    def starts(self) -> None:
        """Count a worker that starts."""
        self._starts.inc()


class _InForce(Collector):
    """The version of the service and of its knowledge: the same in all workers."""

    def __init__(self, in_force: Mapping[str, str]) -> None:
        self._in_force = in_force

    def collect(self) -> Iterable[Metric]:
        yield InfoMetricFamily("cds_knowledge", "The knowledge in force.", value=dict(self._in_force))


def expose(host: str, port: int, folder: str, in_force: Mapping[str, str]) -> WSGIServer:
    """Serve what all workers have counted; OSError when the port cannot be had."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, folder)  # type: ignore[no-untyped-call]  # prometheus_client leaves it so
    registry.register(_InForce(in_force))
    return start_http_server(port, host, registry)[0]
