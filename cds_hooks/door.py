"""Strict JSON: what every body must be before anything in it is believed.

In: the bytes of a body. Out: decoded values, or InvalidRequest; nothing else leaves. Refused: an empty body, anything
but an object, cut or trailing bytes, a byte order mark, UTF-16, invalid UTF-8, lone surrogates, NaN and Infinity,
nesting beyond Python's recursion limit. Of a key that is given twice the last value counts.

Numbers within a Raw value are checked for their grammar alone: whether 1e400 or 5,000 digits stand for anything is for
whoever decodes the value (a look at every number here costs 0.4 of a whole `orjson.loads`). That one must be ready for
msgspec.DecodeError and RecursionError, not for broken UTF-8.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF8
from typing import TypeVar

import msgspec
from msgspec import Raw

from cds_hooks.errors import InvalidRequest, Issue

T = TypeVar("T")
Decoder = msgspec.json.Decoder

ABSENT = Raw()  # the value of a Raw field that was not sent

_AT_BYTE = re.compile(r"\(byte [0-9]+\)")
_TEXT = Decoder(str)


def decode(body: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """`body` as the decoder's type; InvalidRequest when it is not strict JSON, msgspec.ValidationError when it is."""
    if not body.strip():
        raise InvalidRequest(path="$", problem="is empty", hint="send a JSON object", code="structure")
    if body.startswith(BOM_UTF8):
        raise _broken("begins with a byte order mark (BOM), which JSON has not")
    try:
        if not body.isascii():
            body.decode("utf-8")  # a Raw value is not looked into by the decoder
        return decoder.decode(body)
    except UnicodeDecodeError as fault:
        raise _broken("is not UTF-8", f"(byte {fault.start})") from None
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError as fault:
        raise _broken("is not valid JSON", *_AT_BYTE.findall(str(fault))) from None
    except RecursionError:
        raise _broken("is nested too deeply") from None


def _broken(problem: str, *where: str) -> InvalidRequest:
    return InvalidRequest(Issue("$", " ".join((problem, *where)), "send one JSON object in UTF-8", "structure"))


def first_byte(raw: Raw) -> str:
    """The character that tells the kind of a JSON value: { [ " n t f - or a digit; "" when absent."""
    return chr(memoryview(raw)[0]) if raw is not ABSENT else ""


def is_null(raw: Raw) -> bool:
    """Whether a value is absent or null, which count as one for optional fields."""
    return first_byte(raw) in ("", "n")


def text_of(raw: Raw) -> str | None:
    """The string that a value is; None when it is no string with something in it."""
    if first_byte(raw) != '"':
        return None
    text = _TEXT.decode(raw)
    return text if text.strip() else None
