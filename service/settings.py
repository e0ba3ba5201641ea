"""Settings: CDS_* environment variables, read once at start.

In: an environment, and what the knowledge has against a value. Out: Settings, or SettingsError with every fault and its
remedy; names of CDS_* variables that nothing reads. A fault names the variable and never repeats its value.

    SettingsError    the service does not start
"""

from __future__ import annotations

import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

MIB = 1024 * 1024
LocalCodes = Mapping[tuple[str, str], str]  # (system, code) of the laboratory -> id of an analyte of the knowledge

_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:]+\])(?::[0-9]{1,5})?\Z")
_BYTES = re.compile(r"([0-9]{1,12}) ?(|KiB|MiB)\Z")
# A code joins a query as system|code among others: what would end it there has no place in it.
_QUERIED = re.compile(r"[^\s,|\x00-\x1f\x7f]+\Z")
_QUERIED_HINT = "leave out blanks, commas and |, and do not leave it empty"
_LINE = re.compile(r"line [0-9]+")
_SECONDS = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,3})?\Z")
_UNIT = {"": 1, "KiB": 1024, "MiB": MIB}
_SMALLEST_BODY, _LARGEST_BODY = 1024, 64 * MIB
_SHORTEST, _LONGEST = 0.1, 30.0  # seconds


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a site can choose."""

    mode: Literal["demo", "production"] = "demo"
    thresholds: str = "nice-ng239"
    knowledge_overlay: Path | None = None
    local_codes: LocalCodes = {}
    clozapine: Literal["", "us", "uk", "eu"] = ""
    time_zone: ZoneInfo = ZoneInfo("UTC")
    max_body: int = 4 * MIB
    fetch_seconds: float = 2.0
    cors_origins: tuple[str, ...] = ()


class SettingsError(Exception):
    """One or more settings cannot be used: `faults` has a sentence for each, `usable` the others."""

    def __init__(self, faults: Iterable[str], usable: Settings | None = None) -> None:
        self.faults = tuple(faults)
        self.usable = usable or Settings()
        super().__init__("; ".join(self.faults))


class Setting(msgspec.Struct, frozen=True):
    """One variable: how its text becomes a value (ValueError: its faults with their remedies), and what it is for."""

    field: str
    parse: Callable[[str], Any]
    shown_default: str
    meaning: str

    @property
    def name(self) -> str:
        """The environment variable."""
        return f"CDS_{self.field.upper()}"


def _mode(text: str) -> str:
    if text not in ("demo", "production"):
        raise ValueError("use demo or production")
    return text


def _clozapine(text: str) -> str:
    if text.lower() not in ("us", "uk", "eu"):
        raise ValueError("use us, uk or eu: whose limits of the count on clozapine the site follows")
    return text.lower()


def _profile(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,64}", text):
        raise ValueError("use the id of a threshold profile, e.g. nice-ng239")
    return text


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError("name a file that this process can read")
    return path


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("use a name of the IANA time zone database, e.g. Europe/Zurich") from None


def _size(text: str) -> int:
    match = _BYTES.match(text)
    size = int(match[1]) * _UNIT[match[2]] if match else 0
    if not _SMALLEST_BODY <= size <= _LARGEST_BODY:
        raise ValueError("use a number of bytes from 1 KiB to 64 MiB, e.g. 4194304 or 4 MiB")
    return size


def _seconds(text: str) -> float:
    seconds = float(text) if _SECONDS.match(text) else 0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ValueError("use a number of seconds from 0.1 to 30, e.g. 2 or 1.5")
    return seconds


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(one.strip() for one in text.split(",") if one.strip())
    if not all(_ORIGIN.match(one) for one in origins):
        raise ValueError("list exact origins without path, e.g. https://ehr.example.org,https://app.example.org:8443")
    return origins


def _local_codes(text: str) -> LocalCodes:
    table = _toml(_file(text))
    if not all(isinstance(codes, dict) and all(isinstance(a, str) for a in codes.values()) for codes in table.values()):
        raise ValueError('give a table per code system, e.g. ["urn:oid:2.999.1"] with lines like NEUT = "neutrophils"')
    read = {(system, code): analyte for system, codes in table.items() for code, analyte in codes.items()}
    if strange := sorted({part for pair in read for part in pair if not _QUERIED.match(part)}):
        raise ValueError(*(f"{part!a}: no query can hold such a name; {_QUERIED_HINT}" for part in strange))
    return read


def _toml(path: Path) -> Mapping[str, Any]:
    """What a file holds; ValueError with the line where it is not TOML in UTF-8."""
    try:
        content = path.read_bytes()
        if content.startswith(BOM_UTF8):
            raise ValueError("the file begins with a byte order mark (BOM): save it as UTF-8 without one")
        return tomllib.loads(content.decode("utf-8"))
    except tomllib.TOMLDecodeError as fault:
        line = _LINE.search(str(fault))
        raise ValueError(f"the file is not TOML ({line[0] if line else 'at its end'})") from None
    except UnicodeDecodeError as fault:
        line_number = content.count(b"\n", 0, fault.start) + 1
        raise ValueError(f"the file is not UTF-8 (line {line_number}): save it as UTF-8") from None
    except OSError as fault:
        raise ValueError(f"the file cannot be read ({fault.strerror})") from None


Against = Callable[[Settings], Iterable[tuple[str, str]]]

_SETTINGS = (
    Setting("mode", _mode, "demo", "`demo`: browsers on this machine and the public CDS Hooks Sandbox may call; "
            "`production`: only `CDS_CORS_ORIGINS`"),
    Setting("thresholds", _profile, "nice-ng239", "whose limits for vitamin B12: `nice-ng239`, `bsh-2014`, `aafp`"),
    Setting("knowledge_overlay", _file, "", "a TOML file with the site's own thresholds, checked at start"),
    Setting("local_codes", _local_codes, "", "a TOML file that maps the laboratory's own codes (see below)"),
    Setting("clozapine", _clozapine, "", "whose limits of the count on clozapine: `us`, `uk` or `eu`; not set: "
            "those of the US, and cards say that local rules may be stricter"),
    Setting("time_zone", _zone, "UTC", "where the site's days begin and end (IANA name)"),
    Setting("max_body", _size, "4 MiB", "the longest request that is read; longer ones get 413"),
    Setting("fetch_seconds", _seconds, "2", "how many seconds it may take to fetch what a request lacks "
            "from the client's FHIR server, all keys together"),
    Setting("cors_origins", _origins, "", "origins of browser clients, exact, separated by commas"),
)


def variables() -> tuple[Setting, ...]:
    """Every variable that is read, for documentation."""
    return _SETTINGS


def _nothing(_: Settings) -> Iterable[tuple[str, str]]:
    return ()


def read(environment: Mapping[str, str], against: Against = _nothing) -> Settings:
    """The settings that an environment makes; an empty variable counts as not set. SettingsError: all faults.

    `against` gives (field, fault) for each value that is well formed and cannot be used all the same.
    """
    values: dict[str, Any] = {}
    faults: list[str] = []
    for setting in _SETTINGS:
        text = environment.get(setting.name, "").strip()
        if not text:
            continue
        try:
            values[setting.field] = setting.parse(text)
        except ValueError as fault:
            faults += [f"{setting.name}: {one}" for one in fault.args]
    chosen = Settings(**values)
    for field, problem in against(chosen):
        values.pop(field, None)
        faults.append(f"CDS_{field.upper()}: {problem}")
    if faults:
        raise SettingsError(faults, Settings(**values))
    return chosen


def unknown(environment: Mapping[str, str]) -> tuple[str, ...]:
    """A sentence for each CDS_* variable that nothing reads, with the likely name where there is one."""
    known = [setting.name for setting in _SETTINGS]
    strangers = sorted(name for name in environment if name.startswith("CDS_") and name not in known)
    return tuple(f"{name} is not a setting of this service{_likely(name, known)}" for name in strangers)


def _likely(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1, cutoff=0.75)
    return f": did you mean {close[0]}?" if close else ""
