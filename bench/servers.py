"""Programs that are loaded over HTTP: the service with its store on, the bare echo, HealthChain; each on a free port.

In: what to run, on which cores. Out: a Server that answers, with the CPU time and the memory of all its processes; it
is stopped at the end. Processes are read from /proc, so this part runs on Linux alone.
"""

from __future__ import annotations

import http.client
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter, sleep

from bench.figures import HOOK
from bench.processes import PATIENCE, ROOT, SERVE, free_port

__all__ = ["Server", "cores", "echo", "healthchain", "service"]

TICKS = os.sysconf("SC_CLK_TCK")
CALM = 0.3  # seconds in which next to nothing is done behind the answers


@dataclass(frozen=True, slots=True)
class Server:
    """A program that answers."""

    port: int
    path: str
    process: int
    store: Path | None = None  # the database of the service

    @property
    def processes(self) -> list[int]:
        """It and whatever it has started."""
        found = [self.process]
        for one in found:
            for task in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        return found

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all of them until now (proc(5): utime and stime)."""
        stats = [Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split() for one in self.processes]
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / TICKS

    @property
    def megabytes(self) -> float:
        """Memory of all of them, what they share counted once (PSS)."""
        rolled = [Path(f"/proc/{one}/smaps_rollup").read_text().splitlines() for one in self.processes]
        return sum(int(line.split()[1]) for lines in rolled for line in lines if line.startswith("Pss:")) / 1024

    @property
    def kept(self) -> int:
        """Cards that the store has; 0 without one."""
        if self.store is None:
            return 0
        with closing(sqlite3.connect(self.store)) as database:
            number: int = database.execute("SELECT count(*) FROM card_issued").fetchone()[0]
            return number

    def calm_down(self) -> None:
        """Wait until what is done behind the answers is done."""
        until, before = perf_counter() + PATIENCE, -1.0
        while (now := self.cpu_seconds) > before + CALM / 20 and perf_counter() < until:
            before = now
            sleep(CALM)

    def answer(self, body: bytes) -> tuple[int, bytes]:
        """Status and body of one answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request("POST", self.path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()


def cores() -> tuple[set[int], set[int]]:
    """One core for a server, and another for its load where there is one."""
    allowed = sorted(os.sched_getaffinity(0))
    return {allowed[0]}, {allowed[-1]}


@contextmanager
def service(on: set[int], workers: int = 1) -> Iterator[Server]:
    """`cds serve` as it is installed, with a new SQLite file; its log is written and thrown away."""
    with tempfile.TemporaryDirectory(prefix="cds-bench-") as home:
        file = Path(home) / "store.sqlite"
        environment = _without_settings() | {"CDS_DATABASE_URL": f"sqlite:///{file}", "CDS_WORKBENCH": "off"}
        environment["CDS_DRAIN_SECONDS"] = "0"
        port = free_port()
        command = [sys.executable, "-c", SERVE, "serve", "--port", str(port), "--workers", str(workers)]
        with _running(command, port, HOOK, on, environment, file) as server:
            while len(server.processes) <= workers:
                sleep(0.01)
            yield server


@contextmanager
def echo(on: set[int]) -> Iterator[Server]:
    """The bare WSGI application on the same server, one worker."""
    port = free_port()
    granian = ["--interface", "wsgi", "--workers", "1", "--no-ws", "--http", "1", "--log-level", "error"]
    command = [sys.executable, "-m", "granian", *granian, "--port", str(port), "bench.echo:app"]
    with _running(command, port, "/", on, _without_settings()) as server:
        yield server


@contextmanager
def healthchain(on: set[int], python: Path, way: str) -> Iterator[Server]:
    """HealthChain with the simple rule, on dicts (`plain`) or FHIR objects (`objects`)."""
    port = free_port()
    # -P: the modules beside the program are not its own.
    command = [str(python), "-P", str(Path(__file__).with_name("healthchain_app.py")), way, str(port)]
    with _running(command, port, f"/cds{HOOK}", on, _without_settings()) as server:
        yield server


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CDS_")}


@contextmanager
def _running(
    command: Sequence[str],
    port: int,
    path: str,
    on: set[int],
    environment: dict[str, str],
    store: Path | None = None,
) -> Iterator[Server]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=said,
            preexec_fn=partial(os.sched_setaffinity, 0, on),
        )  # fmt: skip
        server = Server(port, path, process.pid, store)
        try:
            _wait_for(server, process)
            yield server
        except RuntimeError:
            said.seek(0)
            print(said.read()[-2000:].decode(errors="replace"), file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(PATIENCE)


def _wait_for(server: Server, process: subprocess.Popen[bytes]) -> None:
    """RuntimeError when it does not answer in time."""
    until = perf_counter() + PATIENCE
    while perf_counter() < until and process.poll() is None:
        try:
            server.answer(b"{}")
        except ConnectionError:
            sleep(0.02)
        else:
            return
    raise RuntimeError(f"the program on port {server.port} does not answer")
