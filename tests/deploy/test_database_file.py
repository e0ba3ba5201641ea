"""The settings of compose.yaml and deploy/kubernetes on a PostgreSQL that asks for a password."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from documents import ROOT, compose, manifest
from servers import Server
from sqlalchemy.engine import make_url

sys.path.insert(0, str(ROOT / "tests" / "service"))  # wire

from wire import HOOK, environment, free_port, start, stop

PASSWORD = "0123456789abcdef" * 4
pytestmark = pytest.mark.database


@pytest.fixture
def site(own_postgresql: Server, tmp_path: Path) -> dict[str, str]:
    """What compose.yaml sets, with a database of this machine in the connection service file."""
    address = make_url(own_postgresql.new_database())
    with psycopg.connect(own_postgresql.url.replace("+psycopg", "") + "/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE ROLE site LOGIN PASSWORD '{PASSWORD}'")
        connection.execute(f"ALTER DATABASE {address.database} OWNER TO site")
        where = connection.execute("SHOW hba_file").fetchone()
        assert where is not None
        rules = Path(where[0])
        rules.write_text(f"host all site 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        connection.execute("SELECT pg_reload_conf()")
    subprocess.run([ROOT / "deploy/make-secrets", tmp_path / "site"], check=True, capture_output=True)
    put = {"host": address.host, "port": address.port, "dbname": address.database, "user": "site", "password": PASSWORD}
    file = tmp_path / "site/database.conf"
    file.chmod(0o644)
    file.write_text("\n".join(["[cds]", *(f"{name}={value}" for name, value in put.items())]) + "\n")
    return {
        **compose()["services"]["cds"]["environment"],
        "CDS_MODE": "production",
        "CDS_PUBLIC_BASE_URL": "https://cds.hospital.example",
        "CDS_TIME_ZONE": "UTC",
        "CDS_CLIENTS": str(tmp_path / "site/clients.toml"),
        "CDS_KEY_FILE": str(tmp_path / "site/key"),
        "PGSERVICEFILE": str(file),
    }


def test_the_database_of_compose_and_of_kubernetes_is_said_in_the_same_way() -> None:
    given = compose()["services"]["cds"]["environment"]
    assert manifest("ConfigMap")["data"]["CDS_DATABASE_URL"] == given["CDS_DATABASE_URL"]


def test_the_service_finds_its_database_by_a_file_that_others_may_read(site: dict[str, str]) -> None:
    running = start(free_port(), "--host", "127.0.0.1", "--workers", "2", **site)
    try:
        assert running.ask("GET", "/readyz").status == 200
        assert running.post(HOOK, {}).status == 401
    finally:
        status, said = stop(running)
    assert status == 0
    assert PASSWORD not in said


def test_with_a_wrong_password_it_does_not_start(site: dict[str, str]) -> None:
    file = Path(site["PGSERVICEFILE"])
    file.write_text(file.read_text().replace(PASSWORD, "wrong"))
    command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--port", str(free_port())]
    done = subprocess.run(command, env=environment(**site), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert "CDS_DATABASE_URL" in done.stderr
    assert "wrong" not in done.stderr


@pytest.mark.parametrize(("mode", "there"), [(0o600, True), (0o440, False)])
def test_a_passfile_that_others_may_read_is_passed_over(site: dict[str, str], mode: int, there: bool) -> None:
    """Why the password stands where it does: a mounted secret can be read by a group at least."""
    put = dict(line.split("=") for line in Path(site["PGSERVICEFILE"]).read_text().splitlines()[1:])
    file = Path(site["PGSERVICEFILE"]).with_name("pgpass")
    file.write_text(f"*:*:*:*:{put.pop('password')}\n")
    file.chmod(mode)
    try:
        psycopg.connect(passfile=str(file), **put).close()
        found = True
    except psycopg.OperationalError:
        found = False
    assert found is there
