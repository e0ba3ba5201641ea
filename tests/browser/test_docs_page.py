"""/docs in a real browser: the operations of the contract appear, its policy is kept, and nothing else is asked."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from service import contract

sys.path.insert(0, str(Path(__file__).parents[1] / "service"))  # wire

from wire import Running, free_port, start, stop

pytestmark = pytest.mark.browser

# Chromium's own calls (updates, spelling) find no host, so that what is asked is what the page asks.
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr", "--v=0",
    "--virtual-time-budget=8000",
)  # fmt: skip


@pytest.fixture(scope="module")
def documented() -> Iterator[Running]:
    running = start(free_port())
    yield running
    assert stop(running)[0] == 0


def shown(address: str, folder: Path) -> tuple[str, str, set[str]]:
    """What the page became, what the browser said, and the hosts that the page asked."""
    chromium = shutil.which("chromium")
    assert chromium, "install Debian's chromium"
    log = folder / "net.json"
    command = [chromium, *OPTIONS, f"--user-data-dir={folder}/profile", f"--log-net-log={log}", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    asked = (event.get("params", {}) for event in json.loads(log.read_text("utf-8"))["events"])
    by_page = (one for one in asked if one.get("initiator", "").startswith("http") and "url" in one)
    return done.stdout, done.stderr, {urlsplit(one["url"]).netloc for one in by_page}


def test_the_operations_appear_and_nothing_leaves_the_origin(documented: Running, tmp_path: Path) -> None:
    page, said, asked = shown(f"http://127.0.0.1:{documented.port}/docs", tmp_path)
    assert set(re.findall(r'data-path="([^"]+)"', page)) == set(contract.document()["paths"])
    assert asked == {f"127.0.0.1:{documented.port}"}
    assert "Content Security Policy" not in said and "Uncaught" not in said
    assert "validator.swagger.io" not in page


def test_a_contract_named_in_the_address_is_not_taken(documented: Running, tmp_path: Path) -> None:
    # Swagger UI once took the contract, or its whole configuration, from there.
    lure = "?url=https://elsewhere.example/x.yaml&configUrl=https://elsewhere.example/c.json"
    page, said, asked = shown(f"http://127.0.0.1:{documented.port}/docs{lure}", tmp_path)
    assert asked == {f"127.0.0.1:{documented.port}"}
    assert "Content Security Policy" not in said  # it was not even tried
    assert 'data-path="/cds-services"' in page


def test_a_call_can_be_opened_to_be_tried(documented: Running, tmp_path: Path) -> None:
    page, said, _ = shown(f"http://127.0.0.1:{documented.port}/docs#/CDS%20Hooks/discover", tmp_path)
    assert "Try it out" in page
    assert "Content Security Policy" not in said


class Lured(http.server.BaseHTTPRequestHandler):
    """A page that asks elsewhere."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b'<script src="http://stranger.example/x.js"></script>')

    def log_message(self, *_: object) -> None:
        return None


def test_a_page_that_asks_elsewhere_would_be_seen(tmp_path: Path) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Lured) as lure:
        threading.Thread(target=lure.serve_forever, daemon=True).start()
        _, _, asked = shown(f"http://127.0.0.1:{lure.server_port}/", tmp_path)
        lure.shutdown()
    assert "stranger.example" in asked
