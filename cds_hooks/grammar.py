"""The small grammars of the specification: FHIR ids, references, addresses, text, and JSON without empties.

In: a value that was sent or is about to be. Out: whether it fits, or the list of what does not.
CDS Hooks 2.0 "Use of JSON"; FHIR R4 datatypes. Every pattern is linear and matched against the whole text.
"""

from __future__ import annotations

import math
import re
from typing import Any

from cds_hooks.errors import Issue

MAX_TEXT = 256  # characters of an opaque identifier that we are ready to keep

_HOST = r"https?://(?:[A-Za-z0-9_](?:[A-Za-z0-9._-]*)|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
_SAFE = r"A-Za-z0-9._~%!$&'()*+,;=:@/-"
# An id of dots alone fits FHIR's grammar, and walks up a path when it is put into an address.
_ID = re.compile(r"(?!\.+\Z)[A-Za-z0-9.-]{1,64}\Z")
_REFERENCE = re.compile(r"[A-Z][A-Za-z]{1,63}/(?!\.+\Z)[A-Za-z0-9.-]{1,64}\Z")
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_BASE_URL = re.compile(rf"{_HOST}(?:/[{_SAFE}]*)?\Z")
_URL = re.compile(rf"{_HOST}(?:[/?#][?#{_SAFE}]*)?\Z")
_EXTENSION_KEY = re.compile(r"[a-z][a-z0-9-]*(?:\.[A-Za-z0-9_-]+)+\Z")
_SURROGATE = re.compile("[\ud800-\udfff]")


def is_id(text: str) -> bool:
    """Whether it is a FHIR id that may stand in an address."""
    return _ID.match(text) is not None


def is_reference(text: str) -> bool:
    """Whether it is `Type/id`."""
    return _REFERENCE.match(text) is not None


def is_uuid(text: str) -> bool:
    """Whether it is a UUID, in either case of letters."""
    return _UUID.match(text) is not None


def is_base_url(text: str) -> bool:
    """Whether it is an http(s) address without user, query and fragment."""
    return _BASE_URL.match(text) is not None


def is_absolute_url(text: str) -> bool:
    """Whether it is an absolute http(s) address."""
    return _URL.match(text) is not None


def is_text(value: object) -> bool:
    """Whether it is a string with something to read in it, that UTF-8 can carry."""
    return isinstance(value, str) and bool(value.strip()) and not _has_lone_surrogate(value)


def _has_lone_surrogate(text: str) -> bool:
    return not text.isascii() and _SURROGATE.search(text) is not None


def is_printable(value: object, longest: int = MAX_TEXT) -> bool:
    """Whether it is text on one line of at most `longest` characters."""
    return isinstance(value, str) and is_text(value) and len(value) <= longest and value.isprintable()


def json_faults(value: Any, path: str) -> list[Issue]:
    """Everything at or below `value` that may not be sent: empties, and what JSON cannot carry."""
    return [] if _is_sound(value) else _faults_in(value, path)


def _is_sound(value: Any) -> bool:
    """Whether nothing is wrong with it: asked of each answer, before the places of faults are looked for."""
    if isinstance(value, str):
        return value != "" and not _has_lone_surrogate(value)
    if isinstance(value, dict):
        return value != {} and all(map(is_text, value)) and all(map(_is_sound, value.values()))
    if isinstance(value, list | tuple):
        return len(value) > 0 and all(map(_is_sound, value))
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _faults_in(value: Any, path: str) -> list[Issue]:
    match value:
        case None | "" | [] | () | {} if not value:  # {} stands for every dict there
            return [Issue(path, "is empty", "leave the field out")]
        case str():
            return [Issue(path, "holds a lone surrogate")]
        case dict():
            return [fault for key, inner in value.items() for fault in _member_faults(key, inner, path)]
        case list() | tuple():
            return [fault for at, inner in enumerate(value) for fault in json_faults(inner, f"{path}[{at}]")]
    return [Issue(path, "is no JSON value", "use text, whole numbers, finite numbers, true, false, lists, objects")]


def _member_faults(key: object, value: object, path: str) -> list[Issue]:
    if not is_text(key):
        return [Issue(path, "has a key that is no text")]
    return json_faults(value, f"{path}.{key}")


def extension_faults(value: object, path: str) -> list[Issue]:
    """What is wrong with an `extension`: a JSON object whose keys are reverse domain names."""
    if not isinstance(value, dict) or not value:
        return [Issue(path, "is no JSON object with content", "leave it out, or give it a key")]
    odd = [key for key in value if not (isinstance(key, str) and _EXTENSION_KEY.match(key))]
    return [Issue(path, "has a key that is no reverse domain name") for _ in odd] + json_faults(value, path)
