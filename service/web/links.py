"""The links to the evidence of cards: whoever holds the one of a card may open that card, for one shift.

In: secrets, the id of a card, the instant. Out: an absolute address with a signature that is bound to the card and
ages. No patient value is in it; whoever guesses ids, or changes one, gets nowhere.
"""

from __future__ import annotations

import hashlib
import hmac
from copy import copy
from datetime import datetime, timedelta
from urllib.parse import quote

from itsdangerous import BadSignature, Signer, TimestampSigner
from itsdangerous.signer import SigningAlgorithm

SALT = "evidence of a card"  # another use of the same secret signs with another key
SHIFT = timedelta(hours=12)


class _Prepared(SigningAlgorithm):
    """HMAC-SHA256, with each key worked in once."""

    def __init__(self, *keys: bytes) -> None:
        self._keyed = {key: hmac.new(key, digestmod=hashlib.sha256) for key in keys}

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        signing = self._keyed[key].copy()
        signing.update(value)
        return signing.digest()


class _Signer(TimestampSigner):
    """Signs at a given instant: there is no other clock here. Its keys are derived once, not for each link."""

    _now: datetime

    def __init__(self, *secrets: bytes) -> None:
        deriving = Signer(b"", salt=SALT, key_derivation="hmac", digest_method=hashlib.sha256)
        derived = [deriving.derive_key(one) for one in secrets]
        super().__init__(derived, key_derivation="none", algorithm=_Prepared(*derived))

    def at(self, now: datetime) -> _Signer:
        """The same at an instant."""
        signer = copy(self)
        signer._now = now
        return signer

    def get_timestamp(self) -> int:
        return int(self._now.timestamp())


class Links:
    """Makes the links of cards and knows them again. A secret: 32 random bytes or more, shared by all workers.

    The older ones made links before: these open until they expire.
    """

    def __init__(self, secret: bytes, older: tuple[bytes, ...] = ()) -> None:
        self._signer = _Signer(*older, secret)  # the last one signs

    def link_to(self, uuid: str, base: str, now: datetime) -> str:
        """The absolute address of a card's evidence, good for a shift."""
        signed = self._signer.at(now).sign(uuid).decode()
        return f"{base}/cards/{quote(uuid)}?t={signed[len(uuid) + 1 :]}"

    def allows(self, uuid: str, token: str, now: datetime) -> bool:
        """Whether the token was made for this card, not too long ago."""
        try:
            signed = self._signer.at(now).unsign(f"{uuid}.{token}", max_age=int(SHIFT.total_seconds()))
        except BadSignature:
            return False
        return signed == uuid.encode()  # "a" with the token "b.x" is not "a.b" with the token "x"
