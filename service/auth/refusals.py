"""Why a call is not let in, and what else is needed to tell."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from cds_hooks.errors import Unauthorized, Unavailable


class NotAdmitted(Unauthorized):
    """The token does not let its bearer in. The reason is a fixed word; the client is named once it is known."""

    def __init__(self, reason: str, client: str = "") -> None:
        self.logged = f"not admitted: {reason}, client {client or 'unknown'}"
        super().__init__(problem=reason)


class CannotTell(Unavailable):
    """Whether the token lets its bearer in cannot be told now."""

    def __init__(self, reason: str, client: str) -> None:
        self.logged = f"cannot tell who calls: {reason}, client {client}"
        super().__init__(problem="who calls cannot be checked now", hint="try again in some seconds")


class Replays(Protocol):
    """The tokens that were used, shared by all workers and replicas."""

    def accept_once(self, issuer: str, token_id: str, expires: datetime) -> bool:
        """Remember a token until it expires; False when it is remembered already. StoreDown when it cannot be."""
