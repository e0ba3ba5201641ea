"""What is fetched, from whom and over which connection: faults 32, 41 and 42, and the way when nothing fails."""

from __future__ import annotations

import gc
import gzip
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ehr import (
    B12,
    COUNT,
    LONG,
    PATIENT,
    PERSON,
    SHORT,
    TOKEN,
    Asked,
    Json,
    allowed,
    asking,
    bundle,
    certificate,
    chart,
    client,
    connections,
    fhir,
    http,
    key_of,
    observation,
    outcome,
    post,
    running,
)

from service.callback.origin import trust
from service.fhir_base import fhir_base

KEYS = 13
SENT = {"patient": PERSON, "count": bundle(COUNT), "nutrients": bundle(B12)}
SENT |= dict.fromkeys(
    ("markers", "persistent", "vitals", "conditions", "medications", "statements", "administrations", "procedures"),
    bundle(),
)
SENT |= {"visits": bundle(), "orders": bundle()}


def cards(got: Any) -> list[Json]:
    """The cards of an answer without what is fresh in each."""
    assert got.status_code == 200, got.get_data(as_text=True)
    found = got.json["cards"]
    for card in found:
        card["uuid"] = ""
        for suggestion in card.get("suggestions", ()):
            suggestion["uuid"] = ""
    return list(found)


def test_what_is_fetched_gives_the_cards_of_what_is_sent() -> None:
    with running(chart) as ehr:
        fetched = cards(post(client(allowed(ehr.url)), asking(ehr.url)))
    assert fetched == cards(post(client(), asking(None, SENT)))
    assert "vitamin B12" in fetched[0]["summary"]
    assert len(ehr.asked) == KEYS
    for asked in ehr.asked:
        assert asked.headers["authorization"] == f"bearer {TOKEN}"
        assert asked.headers["accept"] == "application/fhir+json"
        assert asked.headers["host"] == f"127.0.0.1:{ehr.port}"
        assert asked.path.startswith("/fhir/")
        assert PATIENT in asked.path


def test_only_what_was_not_sent_is_fetched() -> None:
    sent = {**SENT, "markers": None, "vitals": outcome(), "orders": bundle(outcome("warning"))}
    del sent["nutrients"], sent["visits"]
    with running(chart) as ehr:
        assert len(cards(post(client(allowed(ehr.url)), asking(ehr.url, sent)))) == 1
    assert sorted(asked.path.partition("?")[0] for asked in ehr.asked) == ["/fhir/Encounter", "/fhir/Observation"]


def test_nobody_is_called_when_everything_was_sent_or_nobody_is_allowed_or_known() -> None:
    with running(chart) as ehr, connections() as made:
        assert cards(post(client(allowed(ehr.url)), asking(ehr.url, SENT)))
        assert post(client(), asking(ehr.url)).status_code == 412
        assert post(client(allowed(ehr.url)), asking(None)).status_code == 412
        patient = asking(ehr.url, context={"userId": f"Patient/{PATIENT}", "patientId": PATIENT})
        assert cards(post(client(allowed(ehr.url)), patient)) == []
    assert made == []


def test_a_server_without_authorization_is_called_without_a_token() -> None:
    with running(chart) as ehr:
        assert cards(post(client(allowed(ehr.url)), asking(ehr.url, fhirAuthorization=...)))
    assert not [asked for asked in ehr.asked if "authorization" in asked.headers]


def test_all_keys_are_asked_for_at_once() -> None:
    meet = threading.Barrier(KEYS)

    def answer(asked: Asked) -> bytes:
        meet.wait(LONG)  # goes on when all are here
        return chart(asked)

    with running(answer) as ehr:
        assert cards(post(client(allowed(ehr.url)), asking(ehr.url)))


def test_an_answer_may_be_compressed() -> None:
    def answer(asked: Asked) -> bytes:
        body = chart(asked).partition(b"\r\n\r\n")[2]
        return http(200, gzip.compress(body), Content_Encoding="gzip")

    with running(answer) as ehr:
        assert len(cards(post(client(allowed(ehr.url)), asking(ehr.url)))) == 1


def test_a_warning_in_an_empty_bundle_is_an_empty_answer() -> None:
    # Epic's code 4101.
    with running(lambda asked: chart(asked) if key_of(asked) == "count" else fhir(bundle(outcome("warning")))) as ehr:
        (card,) = cards(post(client(allowed(ehr.url)), asking(ehr.url, {"patient": PERSON})))
    assert "could not be fetched" not in card["detail"]


def lasting(asked: Asked) -> bytes:
    return chart(asked).replace(b"Connection: close", b"Connection: keep-alive")


def test_33_results_of_another_patient_are_not_used() -> None:
    other = observation("751-8", 0.2, subject={"reference": "Patient/other"})
    with running(lambda asked: fhir(bundle(COUNT, other)) if key_of(asked) == "count" else chart(asked)) as ehr:
        (card,) = cards(post(client(allowed(ehr.url)), asking(ehr.url)))
    assert "0.90" in card["summary"]
    assert "0.20" not in card["detail"]
    assert "another patient" in card["detail"]


def test_a_connection_that_was_closed_without_a_word_is_made_anew() -> None:
    with running(lambda asked: asked.wire.sendall(lasting(asked))) as ehr:  # says keep-alive, and closes
        for _ in range(5):
            (card,) = cards(post(client(allowed(ehr.url)), asking(ehr.url)))
            assert "could not be fetched" not in card["detail"]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files where Linux lists them")
def test_no_connection_outlives_its_call() -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    with running(lasting) as ehr:
        web = client(allowed(ehr.url))
        assert cards(post(web, asking(ehr.url)))
        gc.disable()  # a worker collects seldom: a connection that waits for it is an open file
        try:
            before = descriptors()
            for _ in range(5):
                assert cards(post(web, asking(ehr.url)))
            until = time.monotonic() + 2
            while descriptors() > before and time.monotonic() < until:
                time.sleep(0.01)
            assert descriptors() <= before
        finally:
            gc.enable()


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link", ["{base}/Observation?page=2", "?page=2", "Observation?page=2", "/fhir?page=2", "{base}/?page=2"]
)
def test_the_newest_count_is_found_on_the_last_page(link: str) -> None:
    old = [observation("751-8", 2.5, id=f"old-{n}", effectiveDateTime="2026-05-01") for n in range(2)]
    severe = observation("751-8", 0.3, id="new")

    def answer(asked: Asked) -> bytes:
        if key_of(asked) != "count" and "page=" not in asked.path:
            return chart(asked)
        pages = {
            "": bundle(*old, next=link.format(base=ehr.url), total=3),
            "2": bundle(next="?page=3"),
            "3": bundle(severe),
        }
        return fhir(pages[asked.path.partition("page=")[2]])

    with running(answer) as ehr:
        first, *_ = cards(post(client(allowed(ehr.url)), asking(ehr.url)))
    assert "0.30" in first["summary"]
    assert "only a part" not in first["detail"]


def test_results_beside_an_error_on_any_page_are_known_to_be_a_part() -> None:
    pages = {"": bundle(COUNT, next="?page=2"), "2": bundle(observation("751-8", 1.9, id="x"), outcome())}

    def answer(asked: Asked) -> bytes:
        if key_of(asked) != "count" and "page=" not in asked.path:
            return chart(asked)
        return fhir(pages[asked.path.partition("page=")[2]])

    with running(answer) as ehr:
        (card,) = cards(post(client(allowed(ehr.url)), asking(ehr.url)))
    assert "only a part was supplied" in card["detail"]


def test_a_key_may_take_half_of_the_bytes_and_all_keys_together_no_more_than_all() -> None:
    def answer(asked: Asked) -> bytes:
        if asked.path.startswith(big):
            return fhir(bundle(note="x" * 60_000))
        return chart(asked)

    with running(answer) as ehr:
        web = client(allowed(ehr.url), max_body=100_000)
        big: tuple[str, ...] = ("/fhir/Procedure",)
        (card,) = cards(post(web, asking(ehr.url)))
        assert "Procedures: could not be fetched (too-large)" in card["detail"]
        web = client(allowed(ehr.url), max_body=150_000)
        assert "could not be fetched" not in cards(post(web, asking(ehr.url)))[0]["detail"]
        big = ("/fhir/Procedure", "/fhir/Condition", "/fhir/Encounter")
        got = post(web, asking(ehr.url, {name: SENT[name] for name in ("patient", "count", "nutrients")}))
        assert "could not be fetched (too-large)" in cards(got)[0]["detail"]


# --- 41: from whom ----------------------------------------------------------------------------------------------------

ELSEWHERE = [
    "http://127.0.0.1:{other}/fhir", "https://127.0.0.1:{same}/fhir", "http://localhost:{same}/fhir",
    "http://127.0.0.1:{same}/fhirx", "http://127.0.0.1:{same}/", "http://127.0.0.1:{same}/fhir/../admin",
    "http://127.0.0.1:{same}/%66hir", "http://2130706433:{same}/fhir", "http://0x7f000001:{same}/fhir",
    "http://127.1:{same}/fhir", "http://[::ffff:127.0.0.1]:{same}/fhir", "http://[::1]:{same}/fhir",
    "http://169.254.169.254/latest/meta-data", "http://127.0.0.1:{same}/fhir//x",
]  # fmt: skip


@pytest.mark.parametrize("server", ELSEWHERE)
def test_fault_41_a_server_that_is_not_on_the_list_is_not_connected_to(server: str) -> None:
    with running(chart) as ehr, running(chart) as other, connections() as made:
        got = post(client(allowed(ehr.url)), asking(server.format(same=ehr.port, other=other.port)))
        assert (got.status_code, made) == (412, [])
    assert "prefetch.count was not sent and could not be fetched: not-allowed" in got.text


@pytest.mark.parametrize(
    "server", ["http://u@127.0.0.1/fhir", "http://127.0.0.1/fhir?x", "ftp://127.0.0.1/", "http://127.0.0.1/\r\nX: y"]
)
def test_fault_41_what_is_no_base_address_is_refused_as_a_whole(server: str) -> None:
    with connections() as made:
        got = post(client(allowed("http://127.0.0.1/fhir")), asking(server))
    assert (got.status_code, made) == (400, [])
    assert "fhirServer is not the base address of a FHIR server" in got.text


def test_fault_41_below_an_allowed_base_lie_its_tenants() -> None:
    with running(lambda asked: fhir(bundle(COUNT))) as ehr:
        assert cards(post(client(allowed(ehr.url)), asking(f"{ehr.url}/tenant-1/", {"patient": PERSON})))
    assert {asked.path.split("?")[0].rpartition("/")[0] for asked in ehr.asked} == {"/fhir/tenant-1"}


def test_fault_41_a_listed_server_in_a_network_that_is_not_named_is_not_connected_to() -> None:
    with running(chart) as ehr, connections() as made:
        got = post(client((fhir_base(ehr.url),)), asking(ehr.url))
        assert (got.status_code, made) == (412, [])
    assert "could not be fetched: forbidden-address" in got.text


class Resolver:
    """DNS that is under somebody's control: each time the name is asked for, the next answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, *answers: list[str]) -> None:
        self.asked, self._real, self._name, self._answers = 0, socket.getaddrinfo, name, answers
        monkeypatch.setattr(socket, "getaddrinfo", self._resolve)

    def _resolve(self, host: Any, port: Any, *arguments: Any, **options: Any) -> Any:
        if host != self._name:
            return self._real(host, port, *arguments, **options)
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [found for one in answer for found in self._real(one, port, *arguments, **options)]


@pytest.fixture
def ehr_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ssl.SSLContext]:
    """The TLS of a server that is called ehr.test and believed."""
    context, file = certificate(tmp_path, "ehr.test")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    trust.cache_clear()
    yield context
    trust.cache_clear()


def test_fault_41_dns_that_changes_between_check_and_use_makes_no_other_connection(
    ehr_name: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str | None] = []
    ehr_name.sni_callback = lambda _wire, name, _context: names.append(name)
    with running(chart, ehr_name) as ehr:
        resolver = Resolver(monkeypatch, "ehr.test", ["127.0.0.1"], ["169.254.169.254"], ["10.0.0.1"])
        base = fhir_base(f"https://ehr.test:{ehr.port}/fhir", ["127.0.0.1/32"])
        with connections() as made:
            assert len(cards(post(client((base,)), asking(base.base)))) == 1
    assert resolver.asked == 1
    assert {address[0] for address in made} == {"127.0.0.1"}
    assert set(names) == {"ehr.test"}
    assert {asked.headers["host"] for asked in ehr.asked} == {f"ehr.test:{ehr.port}"}


def test_fault_41_dns_of_this_machine_is_asked_once_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(chart) as ehr:
        resolver = Resolver(monkeypatch, "localhost", ["127.0.0.1"], ["169.254.169.254"])
        base = fhir_base(f"http://localhost:{ehr.port}/fhir", ["127.0.0.1/32"])
        with connections() as made:
            assert len(cards(post(client((base,)), asking(base.base)))) == 1
    assert resolver.asked == 1
    assert {address[0] for address in made} == {"127.0.0.1"}


def test_fault_41_dns_that_turns_inward_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(monkeypatch, "ehr.test", ["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"])
    with connections() as made:
        got = post(client((fhir_base("https://ehr.test/fhir"),)), asking("https://ehr.test/fhir"))
    assert (got.status_code, "could not be fetched: forbidden-address" in got.text, made) == (412, True, [])


def test_fault_41_an_address_that_does_not_answer_gives_way_to_the_next(
    ehr_name: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(chart, ehr_name) as ehr:
        Resolver(monkeypatch, "ehr.test", ["127.0.0.9", "127.0.0.1"])
        base = fhir_base(f"https://ehr.test:{ehr.port}/fhir", ["127.0.0.0/8"])
        assert len(cards(post(client((base,)), asking(base.base)))) == 1


def test_fault_43_a_certificate_of_another_name_is_not_believed(
    ehr_name: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(chart, ehr_name) as ehr:
        Resolver(monkeypatch, "other.test", ["127.0.0.1"])
        base = fhir_base(f"https://other.test:{ehr.port}/fhir", ["127.0.0.1/32"])
        got = post(client((base,)), asking(base.base))
    assert (got.status_code, "could not be fetched: tls" in got.text, ehr.asked) == (412, True, [])


def test_a_resolver_that_hangs_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_: Any, **__: Any) -> Any:
        time.sleep(SHORT + 1.5)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    web = client(allowed("https://ehr.test/fhir"), fetch_seconds=SHORT)
    begun = time.monotonic()
    got = post(web, asking("https://ehr.test/fhir"))
    assert (got.status_code, "could not be fetched: timeout" in got.text) == (412, True)
    assert time.monotonic() - begun < SHORT + 0.7


def test_proxies_and_passwords_of_the_environment_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with running(chart) as ehr, running(chart) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert cards(post(client(allowed(ehr.url)), asking(ehr.url, fhirAuthorization=...)))
    assert proxy.asked == []
    assert not [asked for asked in ehr.asked if "authorization" in asked.headers]


def test_cookies_are_not_kept() -> None:
    with running(lambda asked: chart(asked).replace(b"\r\n", b"\r\nSet-Cookie: a=b\r\n", 1)) as ehr:
        web = client(allowed(ehr.url))
        assert cards(post(web, asking(ehr.url))) == cards(post(web, asking(ehr.url)))
    assert not [asked for asked in ehr.asked if "cookie" in asked.headers]


# --- 42: the token ----------------------------------------------------------------------------------------------------

GRANT = asking("http://127.0.0.1/")["fhirAuthorization"]


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"fhirServer": ...}, "fhirServer"),
        ({"fhirAuthorization": GRANT | {"token_type": "mac"}}, "fhirAuthorization.token_type"),
        ({"fhirAuthorization": GRANT | {"access_token": "a\r\nX: y"}}, "fhirAuthorization.access_token"),
        ({"fhirAuthorization": GRANT | {"access_token": "a\ny"}}, "fhirAuthorization.access_token"),
        ({"fhirAuthorization": GRANT | {"access_token": "ä"}}, "fhirAuthorization.access_token"),
    ],
)
def test_fault_42_a_wrong_authorization_is_refused_and_nobody_called(changes: Json, place: str) -> None:
    with running(chart) as ehr, connections() as made:
        got = post(client(allowed(ehr.url)), asking(ehr.url, **changes))
    assert (got.status_code, made) == (400, [])
    assert [issue["expression"] for issue in got.json["issue"]] == [[place]] if got.json else False


def test_fault_42_a_token_that_has_no_time_left_is_not_sent() -> None:
    with running(chart) as ehr, connections() as made:
        got = post(client(allowed(ehr.url)), asking(ehr.url, fhirAuthorization=GRANT | {"expires_in": 0}))
    assert (got.status_code, "could not be fetched: unauthorized" in got.text, made) == (412, True, [])


# --- the order hooks --------------------------------------------------------------------------------------------------


def test_an_order_is_checked_against_what_is_fetched_and_412_names_what_it_lacks() -> None:
    drug = {
        "resourceType": "MedicationRequest", "id": "d1", "status": "draft", "intent": "order",
        "subject": {"reference": f"Patient/{PATIENT}"}, "medicationCodeableConcept": {"text": "Folic acid 5 mg tablet"},
        "dosageInstruction": [{"text": "1 tablet by mouth once daily"}],
    }  # fmt: skip
    context = {"userId": "Practitioner/d-1", "patientId": PATIENT, "draftOrders": bundle(drug)}
    with running(chart) as ehr:
        (card,) = cards(post(client(allowed(ehr.url)), asking(ehr.url, hook="order-sign", context=context)))
    assert card["indicator"] == "critical"
    with running(lambda asked: http(403) if key_of(asked) == "nutrients" else chart(asked)) as ehr:
        got = post(client(allowed(ehr.url)), asking(ehr.url, hook="order-sign", context=context))
    assert (got.status_code, "prefetch.nutrients was not sent and could not be fetched: unauthorized" in got.text) == (
        412,
        True,
    )


def test_requests_are_loaded_with_the_first_call_back_and_not_before() -> None:
    program = """
import sys
from ehr import allowed, asking, chart, client, post, running
with running(chart) as ehr:
    web = client(allowed(ehr.url))
    before = "requests" in sys.modules
    status = post(web, asking(ehr.url)).status_code
print(before, status, "requests" in sys.modules)
"""
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(here)!r}){program}"],
        cwd=here.parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "200", "True"]
