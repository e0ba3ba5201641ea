"""The allow list: which addresses are one, which lie below another, which cannot be allowed."""

from __future__ import annotations

import pytest

from service.fhir_base import FhirBase, fhir_base, is_under, normalised

SAME = [
    ("https://ehr.example.org/fhir", "https://ehr.example.org/fhir"),
    ("HTTPS://EHR.Example.ORG/fhir/", "https://ehr.example.org/fhir"),
    ("https://ehr.example.org:443/fhir", "https://ehr.example.org/fhir"),
    ("https://ehr.example.org./fhir", "https://ehr.example.org/fhir"),
    ("https://ehr.example.org:8443/", "https://ehr.example.org:8443"),
    ("http://127.0.0.1:80/R4", "http://127.0.0.1/R4"),
    ("http://ehr.example.org:443", "http://ehr.example.org:443"),
    ("https://XN--Bcher-KVA.example/FHIR", "https://xn--bcher-kva.example/FHIR"),
    ("https://[2001:DB8:0:0::1]:8443/fhir", "https://[2001:db8::1]:8443/fhir"),
    ("https://ehr.example.org/a.b/~c/$d", "https://ehr.example.org/a.b/~c/$d"),
]
NO_BASE = [
    "", "ehr.example.org/fhir", "ftp://ehr.example.org", "https://", "https:///fhir", "https:ehr.example.org",
    "https://user@ehr.example.org/fhir", "https://ehr.example.org@evil.example/fhir", "https://u:p@ehr.example.org",
    "https://ehr.example.org/fhir?x=1", "https://ehr.example.org/fhir#x", "https://ehr.example.org?",
    "https://ehr.example.org/fhir/../admin", "https://ehr.example.org/./fhir", "https://ehr.example.org/fhir/...",
    "https://ehr.example.org/fhir/..", "https://ehr.example.org//fhir", "https://ehr.example.org/fhir//",
    "https://ehr.example.org/%66hir", "https://ehr.example.org/fhir%2f..", "https://ehr.example.org\\@evil.example/",
    "https://ehr.example.org/fhir\n", "https://ehr.example.org/\tfhir", " https://ehr.example.org/fhir",
    "https://bücher.example/fhir", "https://ehr.example.org:0/", "https://ehr.example.org:65536/", "https://ehr..org/",
    "https://ehr.example.org../fhir", "https://.example.org/", "https://2130706433/fhir", "https://0x7f000001/fhir",
    "https://0x7f.1/fhir", "https://127.1/fhir", "https://0177.0.0.1/fhir", "https://1.2.3.4.5/", "https://[::1/",
    "https://a[::1]b/fhir", "https://[::1]evil.example/", "https://[fe80::1%25eth0]/", "https://[1.2.3.4]/",
    f"https://ehr.example.org/{'a' * 2048}",
]  # fmt: skip
BELOW = [
    ("https://ehr.example.org/fhir", "https://ehr.example.org/fhir", True),
    ("https://ehr.example.org/fhir", "https://ehr.example.org/fhir/tenant-1", True),
    ("https://ehr.example.org", "https://ehr.example.org/fhir", True),
    ("https://ehr.example.org/fhir", "https://ehr.example.org/fhirx", False),
    ("https://ehr.example.org/fhir", "https://ehr.example.org/FHIR", False),
    ("https://ehr.example.org/fhir", "https://ehr.example.org", False),
    ("https://ehr.example.org/fhir", "http://ehr.example.org/fhir", False),
    ("https://ehr.example.org/fhir", "https://ehr.example.org:8443/fhir", False),
    ("https://ehr.example.org", "https://ehr.example.org.evil.example", False),
    ("https://ehr.example.org", "https://evil.example/ehr.example.org", False),
]


@pytest.mark.parametrize(("text", "base"), SAME)
def test_fault_41_addresses_that_mean_one_server_are_one_text(text: str, base: str) -> None:
    assert normalised(text) == base
    assert normalised(base) == base


@pytest.mark.parametrize("text", NO_BASE)
def test_fault_41_what_could_lead_elsewhere_is_no_address_and_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^give the ") as caught:
        normalised(text)
    assert len(text) < 10 or text not in str(caught.value)


@pytest.mark.parametrize(("base", "address", "covered"), BELOW)
def test_fault_41_an_address_is_covered_segment_by_segment(base: str, address: str, covered: bool) -> None:
    assert is_under(base, normalised(address)) is covered


@pytest.mark.parametrize("text", ["http://localhost:8080/fhir", "http://127.0.0.1/fhir", "http://[::1]:1/fhir"])
def test_http_is_for_this_machine(text: str) -> None:
    assert fhir_base(text).base == text


@pytest.mark.parametrize(
    "text", ["http://ehr.example.org/fhir", "http://10.0.0.5/fhir", "http://localhost.evil.example"]
)
def test_http_to_another_machine_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^use https"):
        fhir_base(text)


def test_networks_are_read_and_a_wrong_one_is_said_with_the_remedy() -> None:
    base = fhir_base("https://ehr.example.org/fhir/", ["10.20.0.0/16", "fd00:1::/32"])
    assert base == FhirBase("https://ehr.example.org/fhir", base.networks)
    assert [str(network) for network in base.networks] == ["10.20.0.0/16", "fd00:1::/32"]
    for wrong in ("10.20.0.1/16", "ten", "10.0.0.0/33", ""):
        with pytest.raises(ValueError, match=r"^name networks by"):
            fhir_base("https://ehr.example.org", [wrong])
