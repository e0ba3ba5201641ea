"""Both databases: SQLite in a file, and a PostgreSQL server of the tests' own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from service.store import Store, open_store

PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
OWNER = "postgres"  # PostgreSQL does not run as root


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a server, with a database to make others from."""
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed (Debian, Ubuntu: apt-get install postgresql)")
    programs, folder = PROGRAMS[-1].parent, Path(tempfile.mkdtemp(prefix="cds-postgresql-"))
    as_owner: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, OWNER, OWNER)
        as_owner = ["setpriv", f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    make = [*as_owner, str(programs / "initdb"), "-D", str(folder / "data"), "-U", "cds", "-A", "trust", "--no-sync"]
    made = subprocess.run(make, capture_output=True, cwd=folder, text=True, check=False)
    assert made.returncode == 0, made.stdout + made.stderr
    serve = [*as_owner, str(programs / "postgres"), "-D", str(folder / "data"), "-h", "127.0.0.1", "-p", str(port)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen([*serve, "-F", "-k", str(folder)], stdout=log, stderr=log, cwd=folder)
    address = f"postgresql://cds@127.0.0.1:{port}"
    wait_for(address)
    yield address.replace(":", "+psycopg:", 1)
    server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
    server.wait(30)
    shutil.rmtree(folder)


def wait_for(address: str) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            psycopg.connect(f"{address}/postgres").close()
            return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError("PostgreSQL never got ready")


@pytest.fixture
def postgresql_url(postgresql: str) -> str:
    """A new, empty database of the server."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(f"{postgresql.replace('+psycopg', '')}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return f"{postgresql}/{name}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.database)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new, empty database of either kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store.sqlite"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = open_store(url)
    yield opened
    opened.close()
