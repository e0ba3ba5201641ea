"""A PostgreSQL server of the tests' own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
OWNER = "postgres"  # PostgreSQL does not run as root


def wait_for(address: str) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            psycopg.connect(f"{address}/postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError("PostgreSQL never got ready")


class Server:
    """A PostgreSQL server of this machine that can be stopped and started again."""

    def __init__(self) -> None:
        if not PROGRAMS:
            pytest.skip("PostgreSQL is missing: apt-get install postgresql")  # a site may run on SQLite alone
        self._programs, self._folder = PROGRAMS[-1].parent, Path(tempfile.mkdtemp(prefix="cds-postgresql-"))
        self._as_owner: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(self._folder, OWNER, OWNER)
            self._as_owner = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._address = f"postgresql://cds@127.0.0.1:{self._port}"
        self._run("initdb", "-U", "cds", "-A", "trust", "--no-sync").wait(60)
        self.start()

    @property
    def url(self) -> str:
        return self._address.replace(":", "+psycopg:", 1)

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [*self._as_owner, str(self._programs / program), "-D", str(self._folder / "data"), *arguments]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)

    def start(self) -> None:
        where = ["-h", "127.0.0.1", "-p", str(self._port), "-k", str(self._folder)]
        self._process = self._run("postgres", *where, "-F")
        wait_for(self._address)

    def stop(self) -> None:
        self._process.send_signal(signal.SIGQUIT)  # at once, as in a crash
        self._process.wait(30)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It keeps its connections and says nothing."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        processes = [self._process.pid, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def new_database(self) -> str:
        name = f"t{uuid4().hex}"
        with psycopg.connect(f"{self._address}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{self.url}/{name}"

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)
