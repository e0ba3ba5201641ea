"""From the text of a variable to its value: one function each, ValueError with the remedy."""

from __future__ import annotations

import re
import tomllib
from codecs import BOM_UTF8
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MIB = 1024 * 1024
LocalCodes = Mapping[tuple[str, str], str]  # (system, code) of the laboratory -> id of an analyte of the knowledge

_HOST = r"(?P<host>[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:]+\])"
_PORT = r"(?::(?P<port>[1-9][0-9]{0,4}))?"
_ORIGIN = re.compile(rf"https?://{_HOST}{_PORT}\Z")
_BASE = re.compile(rf"(?P<scheme>https?)://{_HOST}{_PORT}(?:/(?!\.+(?:/|\Z))[A-Za-z0-9._~-]+)*\Z")
_LAST_PORT = 65_535
_LOOPBACK = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])\Z")
_DATABASE = re.compile(r"(?:sqlite:////|postgresql(?:\+psycopg)?://)\S+\Z")
_BYTES = re.compile(r"([0-9]{1,12}) ?(|KiB|MiB)\Z")
# A code joins a query as system|code among others: what would end it there has no place in it.
_QUERIED = re.compile(r"[^\s,|\x00-\x1f\x7f]+\Z")
_QUERIED_HINT = "leave out blanks, commas and |, and do not leave it empty"
_SILENT = re.compile(r"(?:\*|[a-z0-9-]{1,64})(?:@[A-Za-z0-9][A-Za-z0-9._-]{0,62})?\Z")
_LINE = re.compile(r"line [0-9]+")
_SECONDS = re.compile(r"[0-9]{1,2}(?:\.[0-9]{1,3})?\Z")
_UNIT = {"": 1, "KiB": 1024, "MiB": MIB}
_SMALLEST_BODY, _LARGEST_BODY = 1024, 64 * MIB
_SHORTEST, _LONGEST = 0.1, 30.0  # seconds
_LONGEST_DRAIN = 60


def mode(text: str) -> str:
    if text not in ("demo", "production"):
        raise ValueError("use demo or production")
    return text


def clozapine(text: str) -> str:
    if text.lower() not in ("us", "uk", "eu"):
        raise ValueError("use us, uk or eu: whose limits of the count on clozapine the site follows")
    return text.lower()


def auth(text: str) -> str:
    if text not in ("on", "off"):
        raise ValueError("use on or off; not set: on in production and when CDS_CLIENTS is set")
    return text


def workbench(text: str) -> str:
    if text not in ("on", "off"):
        raise ValueError("use on or off; not set: on where `cds serve` listens to this machine alone, in demo mode")
    return text


def public_base(text: str) -> str:
    base = text.removesuffix("/")
    match = _BASE.match(base)
    near = match and (match["scheme"] == "https" or _LOOPBACK.match(match["host"]))
    if not match or not near or int(match["port"] or 1) > _LAST_PORT:
        raise ValueError(
            "give the address at which clients reach this service, e.g. https://cds.example.org/neutropenia "
            "(http only on this machine)"
        )
    return base


def profile(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,64}", text):
        raise ValueError("use the id of a threshold profile, e.g. nice-ng239")
    return text


def file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError("name a file that this process can read")
    return path


def zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("use a name of the IANA time zone database, e.g. Europe/Zurich") from None


def size(text: str) -> int:
    match = _BYTES.match(text)
    size = int(match[1]) * _UNIT[match[2]] if match else 0
    if not _SMALLEST_BODY <= size <= _LARGEST_BODY:
        raise ValueError("use a number of bytes from 1 KiB to 64 MiB, e.g. 4194304 or 4 MiB")
    return size


def seconds(text: str) -> float:
    seconds = float(text) if _SECONDS.match(text) else 0
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ValueError("use a number of seconds from 0.1 to 30, e.g. 2 or 1.5")
    return seconds


def is_origin(text: str) -> bool:
    """Whether a text is scheme, host and perhaps port, as a link can hold them."""
    match = _ORIGIN.match(text)
    return match is not None and (match["port"] is None or 0 < int(match["port"]) <= _LAST_PORT)


def is_safe(origin: str) -> bool:
    """Whether nobody on the way can change what comes from an origin: by https, or from this machine."""
    match = _ORIGIN.match(origin)
    return origin.startswith("https:") or (match is not None and _LOOPBACK.match(match["host"]) is not None)


def origins(text: str) -> tuple[str, ...]:
    origins = tuple(one.strip() for one in text.split(",") if one.strip())
    if not all(is_origin(one) for one in origins):
        raise ValueError("list exact origins without path, e.g. https://ehr.example.org,https://app.example.org:8443")
    return origins


def database(text: str) -> str:
    if text == "off":
        return ""
    if not _DATABASE.match(text):
        raise ValueError("use sqlite:////path/to/file, postgresql://user@host/database, or off: nothing is remembered")
    if text.startswith("sqlite:") and not Path(text.removeprefix("sqlite:///")).parent.is_dir():
        raise ValueError("the folder of the database is not there: make it, or correct the path")
    return re.sub(r"^postgresql:", "postgresql+psycopg:", text)


def embedded(environment: Mapping[str, str]) -> str:
    """The database of a site that names none: a file where this user's programs keep their state."""
    state = environment.get("XDG_STATE_HOME") or ((home := environment.get("HOME")) and f"{home}/.local/state")
    return f"sqlite:///{state}/neutropenia-cds/store.sqlite" if state and state.startswith("/") else ""


def local_codes(text: str) -> LocalCodes:
    table = read_toml(file(text))
    if not all(isinstance(codes, dict) and all(isinstance(a, str) for a in codes.values()) for codes in table.values()):
        raise ValueError('give a table per code system, e.g. ["urn:oid:2.999.1"] with lines like NEUT = "neutrophils"')
    read = {(system, code): analyte for system, codes in table.items() for code, analyte in codes.items()}
    if strange := sorted({part for pair in read for part in pair if not _QUERIED.match(part)}):
        raise ValueError(*(f"{part!a}: no query can hold such a name; {_QUERIED_HINT}" for part in strange))
    return read


def read_toml(path: Path) -> Mapping[str, Any]:
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


def repeats(text: str) -> str:
    if text not in ("lower", "omit", "show"):
        raise ValueError("use lower, omit or show")
    return text


def yes(text: str) -> bool:
    if text not in ("yes", "no"):
        raise ValueError("use yes or no")
    return text == "yes"


def hours(text: str) -> int:
    return _whole(text, "hours", 24 * 30)


def days(text: str) -> int:
    return _whole(text, "days", 3660)


def _whole(text: str, unit: str, most: int) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > most:
        raise ValueError(f"use whole {unit} from 1 to {most}")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    given = tuple(one.strip() for one in text.split(",") if one.strip())
    if not all(_SILENT.match(one) for one in given):
        raise ValueError("list ids of services, or * for all, with @client behind for one client alone")
    return given


def log(text: str) -> str:
    if text not in ("json", "text"):
        raise ValueError("use json or text; not set: text on a terminal, json elsewhere")
    return text


def log_level(text: str) -> str:
    if text not in ("debug", "info", "warning", "error"):
        raise ValueError("use debug, info, warning or error")
    return text


def port(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,4}", text) or int(text) > _LAST_PORT:
        raise ValueError(f"use a port from 1 to {_LAST_PORT}; not set: no metrics")
    return int(text)


def address(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        raise ValueError("use an IP address of this machine, e.g. 127.0.0.1, or 0.0.0.0 for all of them") from None


def drain(text: str) -> float:
    seconds = float(text) if _SECONDS.match(text) else -1
    if not 0 <= seconds <= _LONGEST_DRAIN:
        raise ValueError(f"use a number of seconds from 0 to {_LONGEST_DRAIN}, e.g. 3")
    return seconds
