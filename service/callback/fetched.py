"""What comes of one prefetch key that is fetched."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fetched:
    """A FHIR resource in bytes, or the reason why there is none."""

    key: str
    raw: bytes | None = field(repr=False)
    reason: str = ""
    seconds: float = 0.0  # from when all keys were asked for


class Failed(Exception):
    """Nothing was had. The reason is one word that may be shown to anybody."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
