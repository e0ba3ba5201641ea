"""Faults 35 and 43: whatever the FHIR server does, the answer comes in time, says why, and shows no token and no id."""

from __future__ import annotations

import gzip
import logging
import socket
import struct
import threading
import time
import tracemalloc
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from ehr import (
    B12,
    COUNT,
    LONG,
    PATIENT,
    SHORT,
    TOKEN,
    Asked,
    Ehr,
    Json,
    allowed,
    asking,
    bundle,
    certificate,
    chart,
    client,
    fhir,
    http,
    key_of,
    outcome,
    post,
    running,
)

from service.callback.origin import Line

MIB = 1024 * 1024
MARGIN = 0.7  # the judgement itself, on a machine that does other things too


def drip(asked: Asked, whole: bytes) -> None:
    """A byte at a time, so that no wait for the next one is ever long."""
    for byte in whole:
        asked.wire.sendall(bytes([byte]))
        time.sleep(0.05)


def reset(asked: Asked) -> None:
    asked.wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    asked.wire.close()


def slow_head(asked: Asked) -> None:
    drip(asked, fhir(bundle(COUNT)))


def slow_body(asked: Asked) -> None:
    head, _, body = fhir(bundle(COUNT)).partition(b"\r\n\r\n")
    asked.wire.sendall(head + b"\r\n\r\n")
    drip(asked, body)


def silent(asked: Asked) -> None:
    time.sleep(SHORT + MARGIN + 1)


def endless(asked: Asked) -> None:
    asked.wire.sendall(http(Content_Length=str(50 * MIB)))
    for _ in range(50):
        asked.wire.sendall(b" " * MIB)


def chunked_without_end(asked: Asked) -> None:
    asked.wire.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        asked.wire.sendall(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def many_headers(asked: Asked) -> None:
    asked.wire.sendall(b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 1000 + b"\r\n")


BOMB = gzip.compress(b" " * (200 * MIB), 9)
NESTED = b'{"resourceType":"Bundle","entry":[{"resource":' * 20 + b"{}" + b"}]}" * 20
DEEP = b'{"resourceType":"Bundle","entry":' + b"[" * 100_000
FAULTS: list[tuple[str, Any, str]] = [
    ("reset", reset, "refused"),
    ("closed without a word", lambda _: b"", "refused"),
    ("no HTTP", lambda _: b"SSH-2.0-OpenSSH_9.2\r\n", "refused"),
    ("silent", silent, "timeout"),
    ("a byte of the head at a time", slow_head, "timeout"),
    ("a byte of the body at a time", slow_body, "timeout"),
    ("400", lambda _: fhir(outcome(), 400), "rejected"),
    ("401, as for an expired token", lambda _: fhir(outcome(), 401), "unauthorized"),
    ("403", lambda _: http(403), "unauthorized"),
    ("404", lambda _: fhir(outcome(), 404), "not-found"),
    ("410, as for a page that expired", lambda _: http(410), "not-found"),
    ("429", lambda _: http(429, Retry_After="1"), "rate-limited"),
    ("500", lambda _: fhir(outcome(), 500), "server-error"),
    ("503", lambda _: http(503), "server-error"),
    ("204", lambda _: http(204), "not-fhir"),
    ("HTML", lambda _: http(200, b"<html><body>Please sign in</body></html>", "text/html"), "not-fhir"),
    ("XML", lambda _: http(200, b'<Bundle xmlns="http://hl7.org/fhir"/>', "application/fhir+xml"), "not-fhir"),
    ("nothing", lambda _: http(200), "not-fhir"),
    ("no UTF-8", lambda _: http(200, b'{"resourceType":"Bundle","id":"\xff"}'), "not-fhir"),
    ("a list", lambda _: http(200, b"[]"), "not-fhir"),
    ("another resource", lambda _: fhir(COUNT), "not-fhir"),
    ("no Bundle inside", lambda _: fhir({"resourceType": "Bundle", "entry": ["x"]}), "not-fhir"),
    ("cut", lambda _: fhir(bundle(COUNT))[:-9], "refused"),
    ("cut, without a length", lambda _: b"HTTP/1.0 200 OK\r\n\r\n" + b'{"resourceType":"Bundle"', "not-fhir"),
    ("Bundles in Bundles", lambda _: http(200, NESTED), "not-fhir"),
    ("a hundred thousand brackets", lambda _: http(200, DEEP), "not-fhir"),
    ("50 MB", endless, "too-large"),
    ("chunks without end", chunked_without_end, "too-large"),
    ("gzip bomb", lambda _: http(200, BOMB, Content_Encoding="gzip"), "too-large"),
    ("no gzip", lambda _: http(200, b"{}", Content_Encoding="gzip"), "not-fhir"),
    ("a thousand headers", many_headers, "refused"),
    ("an error for an answer", lambda _: fhir(outcome()), "server-error"),
    ("an error in an empty Bundle", lambda _: fhir(bundle(outcome("fatal"))), "server-error"),
    ("a total without results", lambda _: fhir(bundle(total=3)), "server-error"),
]


@pytest.fixture(autouse=True)
def nothing_leaks(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Whatever a test does: at the most talkative level no log line shows the token or the patient."""
    caplog.set_level(logging.DEBUG)
    yield
    said = [record.getMessage() for record in caplog.get_records("call")] + [caplog.text]
    assert not [line for line in said if TOKEN in line or PATIENT in line]


def refusal(server: Ehr | str, limit: float = LONG) -> tuple[int, str, float]:
    """Status and text of the answer to a call that sends nothing, and how long it took."""
    url = server if isinstance(server, str) else server.url
    web = client(allowed(url), fetch_seconds=limit)
    begun = time.monotonic()
    got = post(web, asking(url))
    assert TOKEN not in got.text and PATIENT not in got.text
    return got.status_code, got.text, time.monotonic() - begun


@pytest.mark.parametrize(("answer", "reason"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])
def test_fault_43_a_fault_is_412_with_its_reason_in_time(answer: Any, reason: str) -> None:
    limit = SHORT if reason == "timeout" else LONG
    with running(answer) as ehr:
        status, said, seconds = refusal(ehr, limit)
    assert (status, f"prefetch.count was not sent and could not be fetched: {reason}" in said) == (412, True), said
    assert seconds < limit + MARGIN
    assert {asked.headers["authorization"] for asked in ehr.asked} == {f"bearer {TOKEN}"}


def test_fault_43_a_server_that_is_not_there_is_refused() -> None:
    with socket.socket() as held:  # bound and not listening: nobody else gets the port meanwhile
        held.bind(("127.0.0.1", 0))
        status, said, _ = refusal(f"http://127.0.0.1:{held.getsockname()[1]}/fhir")
    assert (status, "could not be fetched: refused" in said) == (412, True)


def test_fault_43_a_certificate_that_nobody_vouches_for_is_said(tmp_path: Path) -> None:
    context, _ = certificate(tmp_path, "127.0.0.1")
    with running(chart, context) as ehr:
        status, said, _ = refusal(ehr)
    assert (status, "could not be fetched: tls" in said, ehr.asked) == (412, True, [])


def test_fault_43_a_server_that_never_ends_its_handshake_is_given_up_in_time() -> None:
    door = socket.create_server(("127.0.0.1", 0))  # takes connections, and says nothing at all
    url = f"https://127.0.0.1:{door.getsockname()[1]}/fhir"
    web = client(allowed(url), fetch_seconds=SHORT)
    begun = time.monotonic()
    got = post(web, asking(url))
    assert (got.status_code, "could not be fetched: timeout" in got.text) == (412, True)
    assert time.monotonic() - begun < SHORT + MARGIN
    door.close()


def test_fault_43_a_redirect_is_not_followed() -> None:
    with running(chart) as elsewhere:
        target = f"http://127.0.0.1:{elsewhere.port}/fhir/Patient/x"
        with running(lambda _: http(302, Location=target)) as ehr:
            status, said, _ = refusal(ehr)
    assert (status, "could not be fetched: redirect" in said, elsewhere.asked) == (412, True, [])


def test_fault_43_no_thread_waits_for_a_slow_server_after_the_answer() -> None:
    def ours() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("callback")]

    for answer in (slow_head, slow_body, silent):
        with running(answer) as ehr:
            assert refusal(ehr, SHORT)[0] == 412
            until = time.monotonic() + 0.5
            while ours() and time.monotonic() < until:
                time.sleep(0.01)
            assert ours() == [], answer.__name__


def test_fault_43_a_connection_that_is_made_after_the_deadline_is_shut_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        line = Line()
        line.hang_up()
        line.hold(ours)
        theirs.settimeout(1)
        assert theirs.recv(1) == b""


def test_fault_43_a_bomb_is_not_unpacked_beyond_what_is_read() -> None:
    with running(lambda _: http(200, BOMB, Content_Encoding="gzip")) as ehr:
        refusal(ehr)  # whatever is made once
        tracemalloc.start()
        assert refusal(ehr)[0] == 412
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 40 * MIB  # 13 keys at once, all of them bombs of 200 MiB


def test_fault_43_headers_that_cannot_be_read_leave_no_address_in_the_log() -> None:
    # urllib3 warns of them with the whole address; `nothing_leaks` looks at the log.
    def answer(asked: Asked) -> bytes:
        return chart(asked).replace(b"Connection: close", b"no header at all\r\nConnection: close")

    with running(answer) as ehr:
        got = post(client(allowed(ehr.url)), asking(ehr.url))
    assert (got.status_code, "could not be fetched" in got.text) == (200, False)


# --- pages ------------------------------------------------------------------------------------------------------------


def on_pages(pages: dict[str, Json | bytes]) -> Any:
    """A chart whose counts lie on pages: what follows `page=` in the query, "" for the first."""

    def answer(asked: Asked) -> bytes:
        page = asked.path.partition("page=")[2]
        if key_of(asked) != "count" and not page:
            return chart(asked)
        got = pages[page]
        return got if isinstance(got, bytes) else fhir(got)

    return answer


def test_fault_35_a_second_page_that_leads_back_ends_the_search() -> None:
    pages = {"": bundle(COUNT, next="?page=2"), "2": bundle(next="?page=3"), "3": bundle(next="?page=2")}
    with running(on_pages(pages)) as ehr:
        status, said, _ = refusal(ehr)
    assert (status, "could not be fetched: page-loop" in said) == (412, True)
    assert len([one for one in ehr.asked if "page=" in one.path]) == 2


@pytest.mark.parametrize("link", [{"relation": "next"}, {"relation": "next", "url": ""}])
def test_fault_35_a_last_page_that_promises_another_is_not_the_end(link: Json) -> None:
    with running(on_pages({"": bundle(COUNT, next="?page=2"), "2": bundle(link=[link])})) as ehr:
        status, said, _ = refusal(ehr)
    assert (status, "could not be fetched: page-loop" in said) == (412, True)


def test_fault_35_pages_without_end_are_too_large() -> None:
    numbers = count(2)
    with running(lambda asked: fhir(bundle(COUNT, next=f"?page={next(numbers)}"))) as ehr:
        got = post(client(allowed(ehr.url)), asking(ehr.url, {"patient": None}))
    assert (got.status_code, "could not be fetched: too-large" in got.text) == (412, True)


NEXT_ELSEWHERE = [
    "http://127.0.0.1:{other}/fhir/Observation?page=2", "//127.0.0.1:{other}/fhir?page=2",
    "http://localhost:{same}/fhir/Observation?page=2", "https://127.0.0.1:{same}/fhir?page=2",
    "http://127.0.0.1:{same}/admin?page=2", "/admin?page=2", "../../admin?page=2", "http://127.0.0.1:{same}/fhirx?page=2",
    "http://127.0.0.1:{same}/fhir/../admin?page=2", "http://127.0.0.1:{same}/fhir/%2e%2e/admin?page=2",
    "http://x@127.0.0.1:{same}/fhir?page=2", "http://[::1/fhir?page=2", "file:///etc/passwd", "javascript:alert(1)",
    "http://127.0.0.1:{same}/fhir\\@127.0.0.1:{other}/?page=2",
]  # fmt: skip


@pytest.mark.parametrize("link", NEXT_ELSEWHERE)
def test_fault_35_a_next_page_elsewhere_is_not_fetched_and_ends_the_search(link: str) -> None:
    with running(chart) as other, running(lambda asked: fhir(bundle(COUNT, next=links[0]))) as ehr:
        links = [link.format(same=ehr.port, other=other.port)]
        status, said, _ = refusal(ehr)
    assert (status, "could not be fetched: not-allowed" in said, other.asked) == (412, True, [])
    assert not [one for one in ehr.asked if "page=2" in one.path]


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (http(500), "server-error"),
        (http(410), "not-found"),
        (http(401), "unauthorized"),
        (fhir(outcome()), "server-error"),
        (fhir(outcome("warning")), "server-error"),
        (http(200, b"<p>"), "not-fhir"),
    ],
)
def test_fault_35_of_pages_all_are_had_or_none(second: bytes, reason: str) -> None:
    with running(on_pages({"": bundle(COUNT, next="?page=2"), "2": second})) as ehr:
        status, said, _ = refusal(ehr)
    assert (status, f"could not be fetched: {reason}" in said) == (412, True)


def test_fault_35_empty_pages_of_a_search_that_found_something_are_no_empty_answer() -> None:
    with running(on_pages({"": bundle(next="?page=2", total=3), "2": bundle(total=3)})) as ehr:
        status, said, _ = refusal(ehr)
    assert (status, "could not be fetched: server-error" in said) == (412, True)


def test_fault_43_a_reason_stands_on_the_card_when_the_count_was_sent_and_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with running(lambda asked: http(429) if key_of(asked) == "nutrients" else chart(asked)) as ehr:
        got = post(client(allowed(ehr.url)), asking(ehr.url, {"count": bundle(COUNT)}))
    (card,) = got.json["cards"] if got.json else ()
    assert "could not be fetched (rate-limited)" in card["detail"]
    assert "not supplied with the request" not in card["detail"]
    assert B12["id"] not in got.text
    warnings = [one for one in caplog.records if (one.name, one.levelname) == ("service", "WARNING")]
    (line,) = (one.getMessage() for one in warnings)
    instance = "(hookInstance 5f1c2a34-0f4e-4b55-9f0a-8a4f3c1d7b10)"
    assert line == f"neutropenia-review: not fetched: nutrients (rate-limited) {instance}"
