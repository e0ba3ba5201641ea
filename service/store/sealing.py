"""What may be read again with the key alone: results behind a card, for as long as the site keeps them.

In: bytes and what they belong to. Out: sealed bytes (AES-256-GCM, a new nonce each time); what was changed, moved to
another row or sealed with another key does not open. `cryptography` comes with the tokens' library.
"""

from __future__ import annotations

import os
import zlib
from hashlib import sha256
from hmac import new as hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE = 12
VERSION = b"\x01"


class Sealing:
    """Seals and opens with a key derived from the site's."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(hmac(key, b"evidence", sha256).digest())

    def seal(self, content: bytes, owner: str) -> bytes:
        """The content, which opens for this owner alone."""
        nonce = os.urandom(NONCE)
        return VERSION + nonce + self._cipher.encrypt(nonce, zlib.compress(content, 1), owner.encode())

    def open(self, sealed: bytes, owner: str) -> bytes | None:
        """What was sealed; None when it cannot be opened."""
        try:
            nonce, rest = sealed[1 : 1 + NONCE], sealed[1 + NONCE :]
            return zlib.decompress(self._cipher.decrypt(nonce, rest, owner.encode())) if sealed[:1] == VERSION else None
        except InvalidTag:
            return None
