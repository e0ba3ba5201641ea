"""One value of CDS_CLIENTS each: what it becomes, or ValueError with the remedy, which never repeats it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from service.fhir_base import normalised
from service.profiles import DETAILS, SiteCode, profiles

ALGORITHMS = ("ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
LONGEST_LIFETIME = 3600  # CDS Hooks best practices: tokens live for less than an hour
MOST_TEXT = 512
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")


@dataclass(frozen=True, slots=True)
class Here:
    """What reading a value depends on besides the value."""

    folder: Path
    demo: bool


Parse = Callable[[Any, Here], Any]


def name(value: Any, _: Here) -> str:
    if not isinstance(value, str) or not NAME.match(value):
        raise ValueError("use a short name of letters, digits, dots and hyphens: logs show it")
    return value


def text(value: Any, _: Here) -> str:
    if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= MOST_TEXT:
        raise ValueError(f"give a text of 1 to {MOST_TEXT} characters")
    return value


def texts(value: Any, here: Here) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise ValueError("give a list that is not empty, or leave it out")
    return tuple(dict.fromkeys(text(one, here) for one in value))


def algorithms(value: Any, here: Here) -> tuple[str, ...]:
    named = texts(value, here)
    if not set(named) <= set(ALGORITHMS):
        raise ValueError(f"choose from {', '.join(ALGORITHMS)}")
    return named


def lifetime(value: Any, _: Here) -> int:
    if type(value) is not int or not 0 < value <= LONGEST_LIFETIME:
        raise ValueError(f"give whole seconds, from 1 to {LONGEST_LIFETIME}")
    return value


def profile(value: Any, _: Here) -> str:
    if value not in profiles():
        raise ValueError(f"choose one of {', '.join(profiles())}")
    return str(value)


def file(value: Any, here: Here) -> Path:
    if not isinstance(value, str) or not (path := here.folder / value).is_file():
        raise ValueError("name a file that this process can read; its place is relative to this file")
    return path


def address(value: Any, here: Here) -> SplitResult:
    """An absolute https address; http on this machine in demo mode."""
    kind = "https (http only on this machine, in demo mode)" if here.demo else "https"
    remedy = f"give an absolute {kind} address without user and fragment"
    try:
        parts = urlsplit(text(value, here))
        allowed = parts.scheme == "https" or (here.demo and parts.scheme == "http" and _is_local(parts.hostname))
        if not allowed or not parts.hostname or parts.port == 0 or parts.username is not None or "#" in value:
            raise ValueError(remedy)
    except ValueError:
        raise ValueError(remedy) from None
    if re.search(r"[\s\\]", value):
        raise ValueError(remedy)
    return parts


def _is_local(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def jku(value: Any, here: Here) -> str:
    address(value, here)
    return str(value)  # exactly as it is written: tokens are compared with it


def base(value: Any, here: Here) -> str:
    address(value, here)
    return normalised(value)


def networks(value: Any, here: Here) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(one) for one in texts(value, here))
    except ValueError:
        raise ValueError("list networks such as 10.1.0.0/16, without host bits") from None


def links(value: Any, here: Here) -> tuple[str, ...]:
    """Beginnings of the links that the client has registered."""
    return tuple(one for one in texts(value, here) if address(one, here))


def detail(value: Any, _: Here) -> str:
    """In what form the client shows the body of a card."""
    if value not in DETAILS:
        raise ValueError(f"choose one of {', '.join(DETAILS)}")
    return str(value)


def orders(value: Any, here: Here) -> dict[str, SiteCode]:
    """Codes of the site by "system|code", or the text, of our order."""
    if not isinstance(value, dict) or not value:
        raise ValueError('give lines like "http://loinc.org|2132-9" = { system = "urn:...", code = "4711" }')
    return {name: _site_code(name, one, here) for name, one in value.items()}


def _site_code(name: str, value: Any, here: Here) -> SiteCode:
    if not isinstance(value, dict) or not {"system", "code"} <= value.keys() <= {"system", "code", "display"}:
        raise ValueError(f"{name if name.isprintable() else 'an order'} needs system and code, and may have display")
    return SiteCode(**{key: text(one, here) for key, one in value.items()})
