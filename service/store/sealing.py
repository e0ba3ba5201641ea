"""What may be read again with the key alone: results behind a card, for as long as the site keeps them.

In: bytes and what they belong to. Out: sealed bytes (AES-256-GCM, a new nonce each time); what was changed, moved to
another row or sealed with another key does not open. `cryptography` comes with the tokens' library.
"""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from hashlib import sha256
from hmac import new as hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
VERSION = b"\x01"


class Sealing:
    """Seals with a key derived from the site's; opens also what was sealed with its older ones."""

    def __init__(self, key: bytes, *older: bytes) -> None:
        self._ciphers = tuple(AESGCM(hmac(one, b"evidence", sha256).digest()) for one in (key, *older))

    def seal(self, content: bytes, owner: str) -> bytes:
        """The content, which opens for this owner alone."""
        nonce = os.urandom(NONCE)
        return VERSION + nonce + self._ciphers[0].encrypt(nonce, zlib.compress(content, 1), owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes | None:
        """What was sealed; None when it cannot be opened."""
        nonce, rest = sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
        for cipher in self._ciphers if sealed[:1] == VERSION else ():
            with suppress(InvalidTag):  # another key's, unless it is nobody's
                return zlib.decompress(cipher.decrypt(nonce, rest, owner.encode()))
        return None
