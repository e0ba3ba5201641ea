"""The public keys of a client, from a JWK Set (RFC 7517).

In: the bytes of a JWK Set. Out: those of its keys that may verify tokens, by kid. Left out are keys that are private or
symmetric, weak (RSA below 2048 bits), for another use, without kid, or not understood.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

Key = ECKey | RSAKey

LEAST_RSA, MOST_RSA = 2048, 8192  # bits; longer ones only cost time
# RFC 7638 thumbprints of keys whose private half is published: the one of the public CDS Hooks Sandbox.
PUBLISHED = frozenset(["s9fOe-KDYD1myZ8YCzleUqJQgrYZL49kVijBxhnZvZc"])


class _Set(msgspec.Struct):
    keys: list[Any]


_DECODER = msgspec.json.Decoder(_Set)


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that may verify, by kid and kty, and how many others there were."""

    usable: Mapping[tuple[str, str], Key]
    ignored: int

    @property
    def count(self) -> str:
        """How many, in words."""
        return f"{len(self.usable)} usable, {self.ignored} ignored" if self.ignored else str(len(self.usable))

    def find(self, kid: str, algorithm: str) -> Key | None:
        """The key that a token names, when it is one for its algorithm."""
        key = self.usable.get((kid, "EC" if algorithm.startswith("ES") else "RSA"))
        return key if key is not None and key.alg in (None, algorithm) else None


def read_keys(content: bytes, demo: bool) -> Keys:
    """The keys of a JWK Set; ValueError when it is none. Only demo mode takes keys that are published."""
    try:
        listed = _DECODER.decode(content).keys
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise ValueError("is no JWK Set") from None
    found = [key for one in listed if (key := _usable(one, demo)) is not None]
    # The first of those that share kid and kty.
    return Keys({(str(key.kid), key.key_type): key for key in reversed(found)}, len(listed) - len(found))


def _usable(data: Any, demo: bool) -> Key | None:
    """The key, when it may verify a token."""
    if not isinstance(data, dict) or data.get("kty") not in ("EC", "RSA") or "d" in data or not data.get("kid"):
        return None
    try:
        key = import_key(data)
        assert isinstance(key, Key)
        key.check_use("sig")
        key.check_key_op("verify")
        published = key.thumbprint() in PUBLISHED
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    if published and not demo:
        return None
    if isinstance(key, RSAKey) and not LEAST_RSA <= key.public_key.key_size <= MOST_RSA:
        return None
    return key
