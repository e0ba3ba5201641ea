"""Settings: each from both sides, all faults at once, no value repeated."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from service.app import create_app
from service.settings import MIB, Settings, SettingsError, read, unknown, variables

GOOD = [
    ("CDS_MODE", "production", "mode", "production"),
    ("CDS_THRESHOLDS", "bsh-2014", "thresholds", "bsh-2014"),
    ("CDS_TIME_ZONE", "Europe/Zurich", "time_zone", ZoneInfo("Europe/Zurich")),
    ("CDS_MAX_BODY", "1024", "max_body", 1024),
    ("CDS_MAX_BODY", "64 MiB", "max_body", 64 * MIB),
    ("CDS_MAX_BODY", "512KiB", "max_body", 512 * 1024),
    ("CDS_CORS_ORIGINS", " https://a.example , http://b.example:8080,", "cors_origins",
     ("https://a.example", "http://b.example:8080")),
    ("CDS_MODE", "  ", "mode", "demo"),
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
    ("CDS_CORS_ORIGINS", "*"),
    ("CDS_CORS_ORIGINS", "https://a.example/"),
    ("CDS_CORS_ORIGINS", "https://*.example"),
    ("CDS_CORS_ORIGINS", "a.example"),
    ("CDS_KNOWLEDGE_OVERLAY", "/no/such/file.toml"),
    ("CDS_LOCAL_CODES", "/no/such/file.toml"),
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


def test_all_faults_are_said_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        read({"CDS_MODE": "x", "CDS_MAX_BODY": "x", "CDS_TIME_ZONE": "x"})
    assert len(caught.value.faults) == 3


def test_every_setting_has_a_variable_and_every_shown_default_is_the_default() -> None:
    assert {setting.field for setting in variables()} == set(Settings.__struct_fields__)
    for setting in variables():
        if setting.shown_default:
            assert setting.parse(setting.shown_default) == getattr(Settings(), setting.field)
        else:
            assert not getattr(Settings(), setting.field)


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings().mode = "production"  # type: ignore[misc]
    assert msgspec.structs.asdict(Settings()) == msgspec.structs.asdict(read({}))


def test_unknown_variables_are_named_with_the_likely_one() -> None:
    said = unknown({"CDS_TIMEZONE": "x", "CDS_XYZ": "x", "CDS_MODE": "demo", "PATH": "x"})
    assert said == (
        "CDS_TIMEZONE is not a setting of this service: did you mean CDS_TIME_ZONE?",
        "CDS_XYZ is not a setting of this service",
    )


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
