"""Fresh interpreters: what an import costs and loads, and how long a service takes to its first answer.

In: module names, a body. Out: seconds, names of modules. The service listens on a free port of this machine and is
stopped afterwards.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

__all__ = ["FORBIDDEN", "PATIENCE", "ROOT", "SERVE", "first_answer", "free_port", "imported", "modules_of"]

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = ("fhir", "pydantic", "requests")
TURNS, STARTS = 7, 3
PATIENCE = 20.0
SERVE = "from service.cli import main; main()"


def imported(*modules: str) -> dict[str, float]:
    """CPU seconds that the import of each takes, the median of several interpreters that take turns."""
    turns = [{module: _import(module) for module in modules} for _ in range(TURNS + 1)][1:]
    return {module: median(turn[module] for turn in turns) for module in modules}


def _import(module: str) -> float:
    timed = "from time import process_time as now; began = now(); import {0}; print(now() - began)"
    return float(_said(timed.format(module)))


def modules_of(module: str) -> list[str]:
    """Which of the forbidden packages an import loads."""
    return _said(f"import sys, {module}; print(*[name for name in {FORBIDDEN!r} if name in sys.modules])").split()


def _said(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def first_answer(path: str, body: bytes) -> float:
    """Seconds from the start of `cds serve` to its first answer, its store on; the median of several later starts."""
    with tempfile.TemporaryDirectory(prefix="cds-bench-") as home:
        environment = os.environ | {"CDS_DATABASE_URL": f"sqlite:///{home}/store.sqlite", "CDS_DRAIN_SECONDS": "0"}
        return median([_start(path, body, environment) for _ in range(STARTS + 1)][1:])


def _start(path: str, body: bytes, environment: dict[str, str]) -> float:
    port = free_port()
    began = perf_counter()
    command = [sys.executable, "-c", SERVE, "serve", "--port", str(port)]
    service = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(port, path, body):
            if service.poll() is not None or perf_counter() - began > PATIENCE:
                raise RuntimeError("the service does not answer")
            sleep(0.002)
        return perf_counter() - began
    finally:
        service.terminate()
        service.wait()


def _answers(port: int, path: str, body: bytes) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status == 200
    except ConnectionError:
        return False
    finally:
        connection.close()


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
