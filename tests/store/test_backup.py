"""Backup and restore by the commands of docs/operations.md, word for word, of a service that is called meanwhile."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from posted import FEEDBACK, Json, held, item, review, rows
from servers import Server
from sqlalchemy.engine import make_url
from tokens import BASE, SERVICE, Signer, clients_file, key_file
from wire import Reply, Running, environment, free_port, start, stop

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text("utf-8")
PLACES = ("/var/lib/cds", "/backup", "/safe", "/etc/cds")
MEASURED = b"0.90 x10*9/L"  # the count of `review`, which stands in what is sealed alone
UNSEALED = "SELECT count(*) FROM card_issued WHERE evidence IS NULL"
LASTING = ("audit", "card_issued", "feedback", "replay")


def block(first: str) -> str:
    """The fenced block of the document that has a line beginning so."""
    blocks = map(textwrap.dedent, re.findall(r"^ *```sh\n(.*?)^ *```", OPERATIONS, re.DOTALL | re.MULTILINE))
    (found,) = (one for one in blocks if any(line.startswith(first) for line in one.splitlines()))
    return found


class Site:
    """A service with authentication and a machine of its own, on which the commands of the document are run."""

    def __init__(self, folder: Path, url: str, **named: str) -> None:
        self.folder, self.url, self.signer = folder, url, Signer.new("ES384", "k")
        self.started: list[Running] = []
        for place in PLACES:
            self.at(place).mkdir(parents=True)
        key_file(folder / "keys.json", self.signer)
        clients = str(clients_file(folder, 'jwks_file = "keys.json"'))
        self.settings = {"CDS_DATABASE_URL": url, "CDS_CLIENTS": clients, "CDS_PUBLIC_BASE_URL": BASE, **named}
        self._tools({"cds": f'exec {sys.executable} -c "from service.cli import main; main()" "$@"',
                     "python": f'exec {sys.executable} "$@"', "docker": 'shift 2; exec "$@"'})  # fmt: skip

    def _tools(self, scripts: dict[str, str]) -> None:
        (self.folder / "bin").mkdir()
        for name, script in scripts.items():
            (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.folder / "bin" / name).chmod(0o755)

    def at(self, place: str) -> Path:
        return self.folder / place.strip("/").replace("/", "-")

    def run(self, commands: str, **named: str) -> str:
        """What the commands print, with the places of the document in a folder of this test."""
        for place in PLACES:
            commands = re.sub(rf"(?<![\w/]){place}|(?<=///){place}", str(self.at(place)), commands)
        path = os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]])
        environ = environment(PATH=path, PYTHONPATH=os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        done = subprocess.run(["sh"], input=commands, env=environ | named, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> Running:
        self.started.append(start(free_port(), **self.settings))
        return self.started[-1]

    def end(self) -> None:
        """Let no service live on after a test that failed."""
        for service in self.started:
            if service.process.poll() is None:
                service.process.terminate()
                service.process.communicate(timeout=20)

    def post(self, service: Running, path: str, body: object, token: str = "") -> Reply:
        bearer = f"Bearer {token or self.signer.token(path)}"
        content = json.dumps(body).encode()
        return service.ask("POST", path, content, Content_Type="application/json", Authorization=bearer)

    def card(self, service: Running, whose: str) -> Json:
        reply = self.post(service, SERVICE, review(whose=whose))
        assert reply.status == 200, reply
        (card,) = reply.json["cards"]
        return dict(card)

    def settled(self) -> None:
        until = time.monotonic() + 10
        while rows(self.url, UNSEALED) != [(0,)]:
            assert time.monotonic() < until
            time.sleep(0.02)

    def page(self, service: Running, card: Json) -> Reply:
        parts = urlsplit(card["links"][0]["url"])
        path = f"{parts.path.removeprefix(urlsplit(BASE).path)}?{parts.query}"
        return service.ask("GET", path, Accept="text/html")


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Site]:
    if shutil.which("sqlite3") is None:
        pytest.skip("sqlite3 is not installed: apt-get install sqlite3")
    site = Site(tmp_path, f"sqlite:///{tmp_path}/var-lib-cds/store.sqlite")
    yield site
    site.end()


@pytest.fixture
def on_postgresql(tmp_path: Path, postgresql: Server) -> Iterator[Site]:
    address = make_url(postgresql.url)
    there = {"host": str(address.host), "port": str(address.port), "user": str(address.username)}
    with psycopg.connect(dbname="postgres", autocommit=True, **there) as connection:
        connection.execute("CREATE DATABASE cds")
        site = Site(tmp_path, f"{postgresql.url}/cds", CDS_KEY_FILE=str(tmp_path / "etc-cds/site.keys"))
        site.at("/etc/cds").joinpath("site.keys").write_text("k" * 64)
        yield site
        site.end()
        for name in ("cds", "cds_broken"):
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def goes_there_and_back(site: Site, backup: str, restore: str, **named: str) -> None:
    """Back up while calls come, lose what came after, restore, and find all that was there before."""
    spent, stopping = site.signer.token(SERVICE), threading.Event()
    service = site.start()
    cards = [site.card(service, "one")]
    site.run(backup, **named)  # yesterday's
    cards.append(site.card(service, "two"))
    assert site.post(service, SERVICE, review(whose="three"), spent).status == 200
    assert site.post(service, FEEDBACK, {"feedback": [item(cards[1]["uuid"])]}).status == 200
    site.settled()
    assert MEASURED in site.page(service, cards[0]).body
    before = held(site.url)

    def call() -> None:
        number = 0
        while not stopping.is_set():
            site.card(service, f"load-{(number := number + 1)}")

    caller = threading.Thread(target=call)
    caller.start()
    site.run(backup, **named)
    stopping.set()
    caller.join()
    last = site.card(service, "after-the-backup")
    site.settled()
    assert stop(service)[0] == 0
    late = held(site.url)
    assert re.search(r"^ok +\d+ rows, the last digest is \w{64}$", site.run(restore, **named), re.MULTILINE)
    there = held(site.url)
    for name in LASTING:
        assert all(row in there[name] for row in before[name]), name
        # What a card rests on is written behind its answer: the newest may lack it in the backup.
        known = [row | {"evidence": None} for row in late[name]]
        assert all(row | {"evidence": None} in known for row in there[name]), name
    assert last["uuid"] not in {row["uuid"] for row in there["card_issued"]}
    goes_on_after(site, cards, spent)


def goes_on_after(site: Site, cards: list[Json], spent: str) -> None:
    service = site.start()
    assert MEASURED in site.page(service, cards[0]).body, "the key opens what was sealed, the link still holds"
    assert site.post(service, SERVICE, review(whose="three"), spent).status == 401, "its token was used"
    assert site.card(service, "one")["indicator"] == "info", "it came before"
    before = held(site.url)["feedback"]
    (sent,) = (row for row in before if row["card"] == cards[1]["uuid"])
    assert site.post(service, FEEDBACK, {"feedback": [item(sent["card"])]}).status == 200
    assert held(site.url)["feedback"] == before, "sent again: kept once"
    assert stop(service)[0] == 0


def test_sqlite_is_backed_up_while_it_runs_and_restored(sqlite: Site) -> None:
    goes_there_and_back(sqlite, block("# back up SQLite"), block("# restore SQLite"))
    assert {path.stat().st_mode & 0o777 for path in sqlite.folder.glob("[bsv]*/store.sqlite*")} == {0o600}


def test_how_much_is_kept_is_told_by_the_command_of_the_document(sqlite: Site) -> None:
    service = sqlite.start()
    sqlite.card(service, "one")
    sqlite.settled()
    assert stop(service)[0] == 0
    command, _ = block('sqlite3 /var/lib/cds/store.sqlite "SELECT').splitlines()
    assert int(sqlite.run(command)) > 8192


def test_the_python_of_the_image_backs_up_as_sqlite3_does(sqlite: Site) -> None:
    key = f"cp {sqlite.at('/var/lib/cds')}/store.sqlite.key {sqlite.at('/safe')}/"
    goes_there_and_back(sqlite, f"{block('docker exec cds python')}\n{key}", block("# restore SQLite"))


@pytest.mark.database
def test_postgresql_is_backed_up_while_it_runs_and_restored(on_postgresql: Site) -> None:
    address = make_url(on_postgresql.url)
    named = {"PGHOST": str(address.host), "PGPORT": str(address.port), "PGUSER": str(address.username)}
    settings = {"CDS_KEY_FILE": on_postgresql.settings["CDS_KEY_FILE"]}
    restore = block("# restore PostgreSQL")
    goes_there_and_back(on_postgresql, block("# back up PostgreSQL"), restore, **named, **settings)


def test_a_backup_that_fails_says_so_and_leaves_that_of_before(sqlite: Site) -> None:
    service = sqlite.start()
    sqlite.card(service, "one")
    sqlite.settled()
    sqlite.run(block("# back up SQLite"))
    kept = sqlite.at("/backup").joinpath("store.sqlite").read_bytes()
    assert stop(service)[0] == 0
    database = sqlite.at("/var/lib/cds") / "store.sqlite"
    database.write_bytes(b"no database" * 1000)
    with pytest.raises(AssertionError, match=r"Error: .*(malformed|not a database)"):
        sqlite.run(block("# back up SQLite"))
    assert sqlite.at("/backup").joinpath("store.sqlite").read_bytes() == kept
