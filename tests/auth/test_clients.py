"""The file of CDS clients: what it may hold, every fault at once with its place, and what the mode forbids."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from service.clients import Client, read
from service.fhir_base import FhirBase
from service.ground import read_settings
from service.settings import SettingsError

WHOLE = """
[[client]]
name = "st-elsewhere"
issuer = "https://ehr.example.org"
jku = "https://ehr.example.org/jwks.json?tenant=1"
audiences = ["https://old.example.org/cds-services/neutropenia-review"]
tenants = ["north", "south"]
algorithms = ["ES384"]
max_lifetime = 300
profile = "epic"

[[client.fhir]]
base = "https://EHR.example.org/fhir/r4/"
networks = ["10.1.0.0/16", "fd00::/8"]

[[client.fhir]]
base = "https://other.example.org"
"""
SMALL = '[[client]]\nname = "a"\nissuer = "urn:a"\njku = "https://a.example/jwks"\n'


def written(folder: Path, text: str) -> Path:
    file = folder / "clients.toml"
    file.write_text(text, "utf-8")
    return file


def faults(folder: Path, text: str, *, demo: bool = True) -> list[str]:
    with pytest.raises(ValueError) as caught:
        read(written(folder, text), demo)
    return list(caught.value.args)


def test_a_whole_client_is_read(tmp_path: Path) -> None:
    (client,) = read(written(tmp_path, WHOLE), demo=False)
    assert client == Client(
        name="st-elsewhere",
        issuer="https://ehr.example.org",
        jku="https://ehr.example.org/jwks.json?tenant=1",
        audiences=("https://old.example.org/cds-services/neutropenia-review",),
        tenants=("north", "south"),
        algorithms=("ES384",),
        max_lifetime=300,
        profile="epic",
        fhir=(
            FhirBase("https://ehr.example.org/fhir/r4", (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))),
            FhirBase("https://other.example.org"),
        ),
    )


def test_what_is_left_out_is_safe(tmp_path: Path) -> None:
    (client,) = read(written(tmp_path, SMALL), demo=False)
    assert (client.algorithms, client.max_lifetime, client.profile) == (("ES384", "RS384"), 900, "generic")
    assert (client.tenants, client.audiences, client.fhir, client.jwks_file) == ((), (), (), None)


def test_a_file_of_keys_is_found_beside_the_file_of_clients(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    (client,) = read(written(tmp_path, SMALL.replace("jku = ", 'jwks_file = "keys.json"\njku = ')), demo=False)
    assert client.jwks_file == tmp_path / "keys.json"


LINES = {  # a line of the file -> what is said; SMALL with that key replaced or added
    'name = "a b"': "client[1].name: use a short name",
    "name = 5": "client[1].name: use a short name",
    'issuer = ""': "client[1].issuer: give a text",
    'issuer = "a\\u0000"': "client[1].issuer: give a text",
    'jku = "http://a.example/jwks"': "client[1].jku: give an absolute https",
    'jku = "https://user@a.example/jwks"': "client[1].jku: give an absolute https",
    'jku = "https://a.example/jwks#x"': "client[1].jku: give an absolute https",
    'jku = "https://a.example:99999/jwks"': "client[1].jku: give an absolute https",
    'jku = "https://a.example/a b"': "client[1].jku: give an absolute https",
    'jku = "https:///jwks"': "client[1].jku: give an absolute https",
    'jku = "file:///etc/passwd"': "client[1].jku: give an absolute https",
    'jwks_file = "no-such-file.json"': "client[1].jwks_file: name a file",
    "audiences = []": "client[1].audiences: give a list that is not empty",
    "tenants = []": "client[1].tenants: give a list that is not empty",
    'tenants = "north"': "client[1].tenants: give a list",
    "tenants = [5]": "client[1].tenants: give a text",
    'algorithms = ["none"]': "client[1].algorithms: choose from ES256",
    'algorithms = ["HS256"]': "client[1].algorithms: choose from ES256",
    "max_lifetime = 0": "client[1].max_lifetime: give whole seconds",
    "max_lifetime = 3601": "client[1].max_lifetime: give whole seconds",
    "max_lifetime = true": "client[1].max_lifetime: give whole seconds",
    "max_lifetime = 60.5": "client[1].max_lifetime: give whole seconds",
    'profile = "Epic"': "client[1].profile: choose one of generic, epic, cerner, sandbox",
    'isuer = "x"': "client[1].isuer is not known: did you mean issuer?",
    'fhir = "https://x"': "client[1].fhir: begin each with [[client.fhir]]",
    'fhir = [{ networks = ["10.0.0.0/8"] }]': "client[1].fhir[1].base is missing",
    'fhir = [{ base = "http://10.0.0.1/fhir" }]': "client[1].fhir[1].base: give an absolute https",
    'fhir = [{ base = "https://a.example/fhir?x=1" }]': "client[1].fhir[1].base: give the base address",
    'fhir = [{ base = "https://a.example", networks = ["10.1.2.3/8"] }]': "client[1].fhir[1].networks: list networks",
    'fhir = [{ base = "https://a.example", bsae = 1 }]': "client[1].fhir[1].bsae is not known: did you mean base?",
}


@pytest.mark.parametrize(("line", "said"), LINES.items(), ids=LINES)
def test_a_value_that_cannot_be_used_is_named_with_its_remedy(tmp_path: Path, line: str, said: str) -> None:
    key = line.partition(" ")[0]
    kept = [one for one in SMALL.splitlines() if not one.startswith(f"{key} ")]
    (fault,) = faults(tmp_path, "\n".join([*kept, line]))
    assert fault.startswith(said)
    assert "a.example" not in fault


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    said = faults(tmp_path, '[[client]]\nname = "a b"\n[[client]]\nprofile = "x"\n[server]\n')
    assert len(said) == 8
    assert "client[2].issuer is missing" in said
    assert "server is not known: the file holds [[client]] tables" in said
    assert "client[1].jku is missing: say where the keys are, by jku or jwks_file" in said


@pytest.mark.parametrize("text", ["", "client = []", 'client = "x"', "client = [1]"])
def test_a_file_without_clients_is_refused(tmp_path: Path, text: str) -> None:
    assert faults(tmp_path, text) == ["names no client: begin each with [[client]]"]


def test_an_issuer_and_a_name_stand_for_one_client(tmp_path: Path) -> None:
    assert faults(tmp_path, SMALL + SMALL) == [
        "client[2].name is that of another client", "client[2].issuer is that of another client",
    ]  # fmt: skip


@pytest.mark.parametrize("host", ["127.0.0.1:5000", "localhost:80", "[::1]:9"])
def test_http_is_for_this_machine_in_demo_mode(tmp_path: Path, host: str) -> None:
    local = SMALL.replace("https://a.example", f"http://{host}") + f'fhir = [{{ base = "http://{host}/fhir" }}]\n'
    (client,) = read(written(tmp_path, local), demo=True)
    assert client.fhir == (FhirBase(f"http://{host.removesuffix(':80')}/fhir"),)
    assert len(faults(tmp_path, local, demo=False)) == 2


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("issuer", '"https://sandbox.cds-hooks.org"'),
        ("jku", '"https://sandbox.cds-hooks.org/.well-known/jwks.json"'),
        ("jku", '"https://SANDBOX.cds-hooks.org:443/x"'),
        ("profile", '"sandbox"'),
    ],
)
def test_the_public_sandbox_is_for_demo_mode(tmp_path: Path, key: str, text: str) -> None:
    kept = [one for one in SMALL.splitlines() if not one.startswith(key)]
    sandbox = "\n".join([*kept, f"{key} = {text}"])
    assert read(written(tmp_path, sandbox), demo=True)
    (fault,) = faults(tmp_path, sandbox, demo=False)
    assert "cannot be the public sandbox in production" in fault


# --- the settings about it --------------------------------------------------------------------------------------------

BASE = "https://cds.example.org"


STORE = {"CDS_DATABASE_URL": "sqlite:////tmp/store.sqlite"}  # settings do not open it


def said_of(**given: str) -> set[str]:
    with pytest.raises(SettingsError) as caught:
        read_settings(STORE | given)
    return {fault.partition(":")[0] for fault in caught.value.faults}


def test_authentication_is_on_in_production_and_with_clients_and_off_otherwise(tmp_path: Path) -> None:
    clients = STORE | {"CDS_CLIENTS": str(written(tmp_path, SMALL)), "CDS_PUBLIC_BASE_URL": BASE}
    assert not read_settings({}).authenticates
    assert read_settings(clients).authenticates
    assert read_settings(clients | {"CDS_MODE": "production"}).authenticates
    assert not read_settings(clients | {"CDS_AUTH": "off"}).authenticates


def test_production_does_not_do_without_authentication(tmp_path: Path) -> None:
    clients = {"CDS_CLIENTS": str(written(tmp_path, SMALL)), "CDS_PUBLIC_BASE_URL": BASE, "CDS_MODE": "production"}
    assert said_of(**clients, CDS_AUTH="off") == {"CDS_AUTH"}
    assert said_of(CDS_MODE="production") == {"CDS_CLIENTS", "CDS_PUBLIC_BASE_URL"}
    assert said_of(**clients | {"CDS_PUBLIC_BASE_URL": "http://127.0.0.1:8080"}) == {"CDS_PUBLIC_BASE_URL"}


def test_authentication_needs_clients_and_the_public_address(tmp_path: Path) -> None:
    assert said_of(CDS_AUTH="on") == {"CDS_CLIENTS", "CDS_PUBLIC_BASE_URL"}
    assert said_of(CDS_AUTH="yes") == {"CDS_AUTH"}


def test_authentication_needs_a_store_for_the_tokens_that_were_used(tmp_path: Path) -> None:
    clients = {"CDS_CLIENTS": str(written(tmp_path, SMALL)), "CDS_PUBLIC_BASE_URL": BASE}
    assert said_of(**clients, CDS_DATABASE_URL="off") == {"CDS_DATABASE_URL"}
    assert not read_settings(clients | {"CDS_DATABASE_URL": "off", "CDS_AUTH": "off"}).authenticates


def test_faults_of_the_file_are_faults_of_the_setting(tmp_path: Path) -> None:
    file = written(tmp_path, SMALL.replace('"a"', "5") + "x = 1\n")
    with pytest.raises(SettingsError) as caught:
        read_settings(STORE | {"CDS_CLIENTS": str(file), "CDS_PUBLIC_BASE_URL": BASE})
    assert [fault.partition(":")[0] for fault in caught.value.faults] == ["CDS_CLIENTS"] * 2
    file.write_text("x = ")
    assert said_of(CDS_CLIENTS=str(file), CDS_PUBLIC_BASE_URL=BASE) == {"CDS_CLIENTS"}


@pytest.mark.parametrize("base", ["https://a.example/b/", "https://a.example:8443", "http://127.0.0.1:8080/x",
                                  "http://localhost", "http://[::1]:80"])  # fmt: skip
def test_a_public_address_has_no_slash_at_its_end(base: str) -> None:
    assert read_settings({"CDS_PUBLIC_BASE_URL": base}).public_base_url == base.rstrip("/")


@pytest.mark.parametrize("base", ["http://a.example", "https://u@a.example", "https://a.example?x", "a.example",
                                  "https://a.example//b", "http://127.0.0.1.a.example"])  # fmt: skip
def test_a_public_address_is_one_of_https(base: str) -> None:
    assert said_of(CDS_PUBLIC_BASE_URL=base) == {"CDS_PUBLIC_BASE_URL"}
