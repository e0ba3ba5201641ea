"""`python -m bench.soak`: many calls to a service of its own, and whether its memory and open descriptors grow.

Every story takes turns, each three times for one patient, dated for today; on every second call with cards feedback is
sent. Memory is the share of each process that `/proc` tells (PSS, without files), looked at after a warm-up, at each
quarter and at the end, when no connection is open. Exit status 1 when one of them grew, a worker was replaced, or an
answer was not 200.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any, NamedTuple
from uuid import uuid4

import click
from rich.console import Console
from rich.table import Table

from bench.processes import PATIENCE, ROOT, SERVE, free_port
from service import stories
from service.cli.progress import Steps, bar

__all__ = ["ROLLUP", "Held", "faults", "main"]

ROLLUP = Path("/proc/self/smaps_rollup")

CALLERS = 2
VISITS = 3  # calls for one patient
ON_ONE_CONNECTION = 50
QUARTERS = 4
AT_REST = 1.5  # seconds after which what is done behind answers is done
SERVICES = {
    "patient-view": "neutropenia-review",
    "order-select": "neutropenia-order-select",
    "order-sign": "neutropenia-order-sign",
}


class Held(NamedTuple):
    """What a process holds."""

    memory: float  # MB, with its share of what is shared
    descriptors: int


Sample = Mapping[int, Held]  # by process


@click.command()
@click.option("--calls", default=100_000, show_default=True, help="How many, without those of the warm-up.")
@click.option("--warm-up", default=5_000, show_default=True, help="Calls before the first look.")
@click.option("--workers", default=2, show_default=True, help="Processes that answer.")
@click.option("--most", default=5.0, show_default=True, help="MB by which each may grow.")
@click.option("--database-url", help="As CDS_DATABASE_URL; by default a new SQLite file.")
def main(calls: int, warm_up: int, workers: int, most: float, database_url: str | None) -> None:
    """Send calls to a service that is started for it, and look whether it grows."""
    if not ROLLUP.exists():
        raise click.ClickException("memory is read from /proc of Linux, which is not here")
    with _serving(workers, database_url) as (port, process), bar() as steps:
        soak, began = _Soak(port, steps, warm_up + calls), monotonic()
        soak.call(range(warm_up))
        samples = [_sample(process)]
        for quarter in range(QUARTERS):
            first, last = (warm_up + calls * part // QUARTERS for part in (quarter, quarter + 1))
            soak.call(range(first, last))
            samples.append(_sample(process))
    seconds = monotonic() - began
    # Without a terminal there is no width to keep to.
    Console(width=None if sys.stdout.isatty() else 110).print(_table(samples))
    said = ", ".join(f"{status}: {count}" for status, count in sorted(soak.statuses.items()))
    click.echo(f"{sum(soak.statuses.values())} answers in {seconds:.0f} s, by status {said}")
    found = faults(samples, soak.statuses, most)
    for fault in found:
        click.echo(f"beyond: {fault}")
    raise SystemExit(bool(found))


def faults(samples: Sequence[Sample], statuses: Mapping[int, int], most: float) -> list[str]:
    """What is not as it has to be; `most` in MB."""
    first, last = samples[0], samples[-1]
    found = [f"{count} answers with status {status}" for status, count in statuses.items() if status != 200]
    if any(sample.keys() != first.keys() for sample in samples):
        return [*found, "a worker died and was replaced"]
    for process, held in last.items():
        if (grew := held.memory - first[process].memory) > most:
            found.append(f"process {process} grew by {grew:.1f} MB, more than {most:g}")
        if (more := held.descriptors - first[process].descriptors) > 0:
            found.append(f"process {process} has {more} descriptors more")
    return found


def _table(samples: Sequence[Sample]) -> Table:
    table = Table("", box=None)
    for number, process in enumerate(samples[0]):
        name = f"worker {number}" if number else "parent"
        table.add_column(f"{name} ({process})", justify="right")
    for when, sample in zip(("warm", "1/4", "2/4", "3/4", "end"), samples, strict=True):
        held = (sample.get(process) for process in samples[0])
        table.add_row(when, *(f"{one.memory:.1f} MB, {one.descriptors} open" if one else "gone" for one in held))
    return table


def _sample(process: int) -> dict[int, Held]:
    """The parent first, then its workers."""
    sleep(AT_REST)
    workers = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return {one: _held(Path(f"/proc/{one}")) for one in (process, *sorted(map(int, workers)))}


def _held(process: Path) -> Held:
    """Without mapped files: its share of those goes up and down with whatever else on the machine maps them."""
    lines = (line.split() for line in (process / ROLLUP.name).read_text().splitlines()[1:])
    shares = {name: int(kilobytes) for name, kilobytes, *_ in lines}
    return Held((shares["Pss:"] - shares["Pss_File:"]) / 1024, len(list((process / "fd").iterdir())))


@contextmanager
def _serving(workers: int, database_url: str | None) -> Iterator[tuple[int, int]]:
    """Port and process of a service that has a database of its own."""
    with TemporaryDirectory(prefix="cds-soak-") as folder:
        key, port = Path(folder, "key"), free_port()
        key.write_text(os.urandom(32).hex())
        own = {
            "CDS_DATABASE_URL": database_url or f"sqlite:///{folder}/store.sqlite",
            "CDS_KEY_FILE": str(key),
            "CDS_LOG_LEVEL": "error",
            "CDS_DRAIN_SECONDS": "0",
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}
        command = [sys.executable, "-c", SERVE, "serve", "--port", str(port), "--workers", str(workers)]
        service = subprocess.Popen(command, cwd=ROOT, env=others | own, stdout=subprocess.DEVNULL)
        try:
            _wait_for(port, service)
            yield port, service.pid
        finally:
            service.terminate()
            service.wait()


def _wait_for(port: int, service: subprocess.Popen[bytes]) -> None:
    until = monotonic() + PATIENCE
    while service.poll() is None and monotonic() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        try:
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except ConnectionError:
            sleep(0.05)
        finally:
            connection.close()
    raise click.ClickException("the service does not get ready")


@dataclass
class _Soak:
    """Callers, and what they were answered."""

    port: int
    steps: Steps
    total: int
    statuses: Counter[int] = field(default_factory=Counter)  # of calls and feedback
    _done: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        now = datetime.now(UTC)
        self._stories = [_Story.of(stories.find(name).at(now)) for name in stories.names()]

    def call(self, numbers: range) -> None:
        """These calls, of all callers together; no connection is open afterwards."""
        with ThreadPoolExecutor(CALLERS) as pool:
            list(pool.map(self._some, (numbers[caller::CALLERS] for caller in range(CALLERS))))

    def _some(self, numbers: range) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        for number in numbers:
            if not number // CALLERS % ON_ONE_CONNECTION:
                connection.close()  # opened anew by the next request, perhaps to another worker
            patient = number // VISITS
            story = self._stories[patient % len(self._stories)]
            said = self._post(connection, story.path, story.of_patient(f"soak-{patient}"))
            if number % 2 and said.get("cards"):
                self._post(connection, f"{story.path}/feedback", _feedback(said["cards"], accepted=number % 4 == 1))
            self._tell()
        connection.close()

    def _post(self, connection: http.client.HTTPConnection, path: str, body: str) -> dict[str, Any]:
        connection.request("POST", path, body.encode(), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
        with self._lock:
            self.statuses[answer.status] += 1
        told: dict[str, Any] = json.loads(said) if answer.status == 200 else {}
        return told

    def _tell(self) -> None:
        with self._lock:
            self._done += 1
            self.steps.tell("calls", self._done, self.total)


class _Story(NamedTuple):
    """A story as text, in which patient and call are put."""

    path: str
    text: str
    patient: str
    call: str

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> _Story:
        path = f"/cds-services/{SERVICES[request['hook']]}"
        return cls(path, json.dumps(request), request["context"]["patientId"], request["hookInstance"])

    def of_patient(self, patient: str) -> str:
        """The call for another patient of the same fate."""
        return self.text.replace(self.patient, patient).replace(self.call, str(uuid4()))


def _feedback(cards: Sequence[Mapping[str, Any]], *, accepted: bool) -> str:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return json.dumps({"feedback": [_item(card, now, accepted) for card in cards]})


def _item(card: Mapping[str, Any], now: str, accepted: bool) -> dict[str, Any]:
    chosen = [{"id": one["uuid"]} for one in card.get("suggestions", ())][:1]
    if accepted and chosen:
        return {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": now, "acceptedSuggestions": chosen}
    return {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": now}


if __name__ == "__main__":
    main()
