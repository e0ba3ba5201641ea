"""A FHIR implementation that is not ours, called for real: what is fetched from it gives the cards of what is sent."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from ehr import LONG, LOOPBACK, NOON, TOKEN, Json

from service.app import create_app
from service.fhir_base import Bases, fhir_base
from service.settings import Settings
from service.stories import find

pytestmark = pytest.mark.node

HERE = Path(__file__).parent / "medplum"
ELSEWHERE = "https://ehr.example.org/fhir/R4/"  # the base that some stories name
OLDEST_NODE = (20, 19)
STORIES = (
    "b12-deficient-positive-antibody",
    "chronic-pancytopenia-nutrients-sufficient",
    "clozapine-moderate",
    "copper-low-after-bypass-high-zinc",
    "fever-with-low-count",
    "infant",
    "methotrexate-toxicity",
    "order-folic-acid-before-b12",
)
ONE = pytest.mark.parametrize("chart", STORIES[:1], indirect=True)


def installed() -> Path:
    """The folder with Medplum in it, outside the checkout; skips with the reason where it cannot be had."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not (node and npm):
        pytest.skip("node and npm are not installed")  # they are no part of the service
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_NODE:
        pytest.skip(f"Medplum needs Node.js 20.19, here is {version.strip()}")  # as its package says
    package = (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "neutropenia-cds"
    folder = cache / f"medplum-{sha256(package).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_bytes(package)
        options = ["--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]
        done = subprocess.run([npm, "install", *options], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            codes = re.findall(r"npm error code (\w+)", done.stderr)
            pytest.skip(f"npm cannot install Medplum ({codes[0] if codes else done.returncode})")  # no network, perhaps
        (folder / "complete").touch()
    shutil.copy(HERE / "server.mjs", folder)
    return folder


@dataclass(frozen=True)
class Chart:
    """A story in an EHR: where its FHIR server listens, the call that sends everything, the day."""

    port: int
    sent: Json
    at: datetime

    def cards(self, base: str, token: str = TOKEN, seconds: float = LONG, prefetch: Json | None = None) -> Any:
        """The answer to a call that leaves it to the service to fetch from a base of the server."""
        url = f"http://127.0.0.1:{self.port}/{base}"
        grant = {"access_token": token, "token_type": "Bearer", "expires_in": 60, "scope": "user/*.rs", "subject": "us"}
        changes = {"fhirServer": url, "fhirAuthorization": grant, "prefetch": prefetch or {}}
        return self.answer(changes, (fhir_base(url, LOOPBACK),), seconds)

    def answer(self, changes: Json, bases: Bases = (), seconds: float = LONG) -> Any:
        """The answer to a call that sends everything, but for the changes; what a story leaves out is sent as null."""
        web = create_app(Settings(fetch_seconds=seconds), lambda: self.at, bases).test_client()
        (service,) = (one for one in web.get("/cds-services").json["services"] if one["hook"] == self.sent["hook"])
        everything = {"prefetch": dict.fromkeys(service["prefetch"]) | self.sent["prefetch"]}
        return web.post(f"/cds-services/{service['id']}", json=self.sent | everything | changes)


@pytest.fixture(scope="module")
def chart(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chart]:
    story = find(request.param)
    file = tmp_path_factory.mktemp("chart") / "resources.json"
    # A server keeps its own references relative.
    file.write_text(json.dumps(list(resources(story.request["prefetch"]))).replace(ELSEWHERE, ""))
    command = ["node", "server.mjs", str(file), TOKEN]
    with subprocess.Popen(command, cwd=installed(), stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        yield Chart(port, story.request, datetime.combine(story.as_of, NOON.timetz()))
        server.kill()


def resources(prefetch: Json) -> Iterator[Json]:
    """Each resource of a prefetch once."""
    seen = set()
    for value in filter(None, prefetch.values()):
        for one in (
            [entry["resource"] for entry in value.get("entry", ())] if value["resourceType"] == "Bundle" else [value]
        ):
            if (name := (one["resourceType"], one["id"])) not in seen:
                seen.add(name)
                yield one


def numbered(got: Any) -> Any:
    """The cards without what is fresh in them."""
    assert got.status_code == 200, got.text
    return json.loads(re.sub(r'"uuid": "[^"]*"', '"uuid": ""', json.dumps(got.json)))


@pytest.mark.parametrize("chart", STORIES, indirect=True)
@pytest.mark.parametrize("base", ["fhir", "paged"])
def test_what_medplum_gives_leads_to_the_cards_of_what_is_sent(chart: Chart, base: str) -> None:
    assert numbered(chart.cards(base)) == numbered(chart.answer({}))


@ONE
def test_a_search_that_medplum_refuses_is_a_gap_on_the_card(chart: Chart) -> None:
    (card,) = numbered(chart.cards("failing"))["cards"]
    assert "Medications: could not be fetched (server-error)" in card["detail"]
    (whole,) = numbered(chart.answer({}))["cards"]
    assert card["summary"] == whole["summary"]


@ONE
def test_a_token_that_has_expired_is_412(chart: Chart) -> None:
    got = chart.cards("fhir", token="expired")
    assert got.status_code == 412
    (issue,) = got.json["issue"]
    assert issue["diagnostics"] == "prefetch.count was not sent and could not be fetched: unauthorized"


@ONE
def test_an_answer_that_is_too_slow_is_412_in_time(chart: Chart) -> None:
    begun = time.monotonic()
    got = chart.cards("slow", seconds=1.0)
    assert (got.status_code, "could not be fetched: timeout" in got.text) == (412, True)
    assert time.monotonic() - begun < 3
