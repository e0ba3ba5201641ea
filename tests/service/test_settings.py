"""Settings: each from both sides, all faults at once, no value repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from service.app import create_app
from service.ground import read_settings
from service.settings import MIB, Settings, SettingsError, read, unknown, variables

GOOD = [
    ("CDS_MODE", "production", "mode", "production"),
    ("CDS_THRESHOLDS", "bsh-2014", "thresholds", "bsh-2014"),
    ("CDS_TIME_ZONE", "Europe/Zurich", "time_zone", ZoneInfo("Europe/Zurich")),
    ("CDS_MAX_BODY", "1024", "max_body", 1024),
    ("CDS_MAX_BODY", "64 MiB", "max_body", 64 * MIB),
    ("CDS_MAX_BODY", "512KiB", "max_body", 512 * 1024),
    ("CDS_FETCH_SECONDS", "0.1", "fetch_seconds", 0.1),
    ("CDS_FETCH_SECONDS", "30", "fetch_seconds", 30.0),
    ("CDS_CORS_ORIGINS", " https://a.example , http://b.example:8080,", "cors_origins",
     ("https://a.example", "http://b.example:8080")),
    ("CDS_MODE", "  ", "mode", "demo"),
    ("CDS_PUBLIC_BASE_URL", "https://cds.example.org/neutropenia/", "public_base_url",
     "https://cds.example.org/neutropenia"),
    ("CDS_DATABASE_URL", "sqlite:////tmp/store.sqlite", "database_url", "sqlite:////tmp/store.sqlite"),
    ("CDS_DATABASE_URL", "postgresql://cds@db/cds", "database_url", "postgresql+psycopg://cds@db/cds"),
    ("CDS_DATABASE_URL", "off", "database_url", ""),
    ("XDG_STATE_HOME", "/state", "database_url", "sqlite:////state/neutropenia-cds/store.sqlite"),
    ("HOME", "/home/me", "database_url", "sqlite:////home/me/.local/state/neutropenia-cds/store.sqlite"),
    ("HOME", "relative", "database_url", ""),
    ("CDS_LOG", "json", "log", "json"),
    ("CDS_LOG_LEVEL", "debug", "log_level", "debug"),
    ("CDS_METRICS_PORT", "9090", "metrics_port", 9090),
    ("CDS_METRICS_PORT", "65535", "metrics_port", 65535),
    ("CDS_METRICS_HOST", "0.0.0.0", "metrics_host", "0.0.0.0"),
    ("CDS_METRICS_HOST", "::1", "metrics_host", "::1"),
    ("CDS_TRACES", "no", "traces", False),
    ("CDS_DRAIN_SECONDS", "0", "drain_seconds", 0.0),
    ("CDS_DRAIN_SECONDS", "60", "drain_seconds", 60.0),
]  # fmt: skip
BAD = [
    ("CDS_MODE", "Demo"),
    ("CDS_THRESHOLDS", "../nice"),
    ("CDS_TIME_ZONE", "Zurich/Europe"),
    ("CDS_TIME_ZONE", "../../etc/passwd"),
    ("CDS_MAX_BODY", "1023"),
    ("CDS_MAX_BODY", "65 MiB"),
    ("CDS_MAX_BODY", "4 GB"),
    ("CDS_MAX_BODY", "-1"),
    ("CDS_FETCH_SECONDS", "0.09"),
    ("CDS_FETCH_SECONDS", "30.001"),
    ("CDS_FETCH_SECONDS", "2s"),
    ("CDS_FETCH_SECONDS", "-1"),
    ("CDS_FETCH_SECONDS", "nan"),
    ("CDS_CORS_ORIGINS", "*"),
    ("CDS_CORS_ORIGINS", "https://a.example/"),
    ("CDS_CORS_ORIGINS", "https://*.example"),
    ("CDS_CORS_ORIGINS", "a.example"),
    ("CDS_KNOWLEDGE_OVERLAY", "/no/such/file.toml"),
    ("CDS_PUBLIC_BASE_URL", "cds.hospital.example"),
    ("CDS_PUBLIC_BASE_URL", "https://cds.example.org/?a=b"),
    ("CDS_PUBLIC_BASE_URL", "https://cds.hospital.example:65536"),
    ("CDS_PUBLIC_BASE_URL", "https://cds.hospital.example:0"),
    ("CDS_PUBLIC_BASE_URL", "https://cds.hospital.example/x/../y"),
    ("CDS_CORS_ORIGINS", "https://a.hospital.example:99999"),
    ("CDS_PUBLIC_BASE_URL", "https://me:secret@cds.example.org"),
    ("CDS_DATABASE_URL", "mysql://cds@db/cds"),
    ("CDS_DATABASE_URL", "store.sqlite"),
    ("CDS_DATABASE_URL", "sqlite:///tmp/store.sqlite"),
    ("CDS_DATABASE_URL", "sqlite:////no/such/folder/store.sqlite"),
    ("CDS_KEY_FILE", "/no/such/key"),
    ("CDS_LOCAL_CODES", "/no/such/file.toml"),
    ("CDS_LOG", "xml"),
    ("CDS_LOG_LEVEL", "INFO"),
    ("CDS_METRICS_PORT", "0"),
    ("CDS_METRICS_PORT", "65536"),
    ("CDS_METRICS_HOST", "metrics.example"),
    ("CDS_METRICS_HOST", "127.0.0.1:9090"),
    ("CDS_TRACES", "maybe"),
    ("CDS_DRAIN_SECONDS", "60.1"),
    ("CDS_DRAIN_SECONDS", "-1"),
]


@pytest.mark.parametrize(("name", "text", "field", "value"), GOOD)
def test_a_setting_is_read(name: str, text: str, field: str, value: Any) -> None:
    assert getattr(read({name: text}), field) == value


@pytest.mark.parametrize(("name", "text"), BAD)
def test_a_setting_that_cannot_be_used_is_named_with_its_remedy_and_without_its_value(name: str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read({name: text})
    (fault,) = caught.value.faults
    assert fault.startswith(f"{name}: ")
    assert len(text) < 3 or text not in fault


def test_a_database_that_is_off_stays_off_whatever_the_home() -> None:
    assert not read({"CDS_DATABASE_URL": "off", "HOME": "/home/me"}).database_url


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read({"CDS_MODE": "x", "CDS_MAX_BODY": "x", "CDS_TIME_ZONE": "x"})
    assert len(caught.value.faults) == 3


def test_what_the_knowledge_has_against_settings_is_said_with_the_other_faults(tmp_path: Path) -> None:
    overlay = tmp_path / "overlay.toml"
    overlay.write_text("x = 1\n")
    wrong = {"CDS_MODE": "x", "CDS_THRESHOLDS": "nice", "CDS_KNOWLEDGE_OVERLAY": str(overlay)}
    with pytest.raises(SettingsError) as caught:
        read_settings(wrong | {"CDS_TIME_ZONE": "Europe/Zurich"})
    said = "\n".join(caught.value.faults)
    assert "CDS_MODE: use demo or production" in said
    assert "CDS_THRESHOLDS: there is no profile of this name: choose one of nice-ng239, bsh-2014, aafp" in said
    assert "overlay.toml: " in said
    assert caught.value.usable == read({"CDS_KNOWLEDGE_OVERLAY": str(overlay), "CDS_TIME_ZONE": "Europe/Zurich"})


def test_every_setting_has_a_variable_and_every_shown_default_is_the_default() -> None:
    assert {setting.field for setting in variables()} == set(Settings.__struct_fields__)
    for setting in variables():
        if setting.shown_default:
            assert setting.parse(setting.shown_default) == getattr(Settings(), setting.field)
        else:
            assert not getattr(Settings(), setting.field)


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings().mode = "production"
    assert msgspec.structs.asdict(Settings()) == msgspec.structs.asdict(read({}))


def test_unknown_variables_are_named_with_the_likely_one() -> None:
    said = unknown({"CDS_TIMEZONE": "x", "CDS_XYZ": "x", "CDS_MODE": "demo", "PATH": "x"})
    assert said == (
        "CDS_TIMEZONE is not a setting of this service: did you mean CDS_TIME_ZONE?",
        "CDS_XYZ is not a setting of this service",
    )


def refused_map(folder: Path, content: str | bytes) -> str:
    """What is said of a map of local codes."""
    file = folder / "codes.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError) as caught:
        create_app(read_settings({"CDS_LOCAL_CODES": str(file)}))
    assert all(fault.startswith("CDS_LOCAL_CODES: ") for fault in caught.value.faults)
    return "\n".join(caught.value.faults)


MAPS = [
    ('["urn:x"]\nNEUT = "neutrophils"\nB12 = vitamin-b12\n', "not TOML (line 3)"),
    ('["urn:x"', "not TOML (at its end)"),
    ('["urn:x"]\nNEUT = "neutrophils" # \xe4'.encode("latin-1"), "not UTF-8 (line 2)"),
    (b'\xef\xbb\xbf["urn:x"]\nNEUT = "neutrophils"', "byte order mark (BOM)"),
    ('["urn:x"]\nNEUT = "neutrophil"', "neutrophil is no analyte: did you mean neutrophils"),
    ('["urn:x"]\nNEUT = "zzz"', "zzz is no analyte: `cds doctor --analytes` lists them"),
    ('["http://loinc.org"]\n"751-8" = "vitamin-b12"', "751-8 of http://loinc.org is known already (neutrophils)"),
    ('["urn:x"]\n"A,B" = "neutrophils"', "'A,B': no query can hold such a name"),
    ('["urn:x"]\n"A|B" = "neutrophils"', "'A|B': no query"),
    ('["urn:x"]\n"A B" = "neutrophils"', "'A B': no query"),
    ('["urn:x"]\n"" = "neutrophils"', "'': no query"),
    ('["urn:x y"]\nNEUT = "neutrophils"', "'urn:x y': no query"),
]


@pytest.mark.parametrize(("content", "said"), MAPS, ids=[said for _, said in MAPS])
def test_a_map_of_local_codes_that_cannot_work_is_refused_with_the_place(
    tmp_path: Path, content: str | bytes, said: str
) -> None:
    assert said in refused_map(tmp_path, content)


def test_all_faults_of_a_map_are_said(tmp_path: Path) -> None:
    said = refused_map(tmp_path, '["urn:x"]\nA = "zzz"\nB = "neutrophil"\n["http://loinc.org"]\n"751-8" = "copper"')
    assert len(said.splitlines()) == 3


@pytest.mark.parametrize("text", ["not toml [", 'NEUT = "neutrophils"', '["urn:x"]\nNEUT = 5'])
def test_a_map_of_local_codes_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "codes.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"^CDS_LOCAL_CODES: "):
        read({"CDS_LOCAL_CODES": str(file)})


def test_a_local_code_for_something_that_the_knowledge_does_not_have_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "codes.toml"
    file.write_text('["urn:oid:2.999.1"]\nNEUT = "neutrophils"\nXYZ = "unobtainium"\n')
    with pytest.raises(SettingsError, match="unobtainium"):
        create_app(read({"CDS_LOCAL_CODES": str(file)}))
