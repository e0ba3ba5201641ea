"""What a benchmark finds.

In: a number. Out: the same with what it means and its bound.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["HOOK", "Figure"]

HOOK = "/cds-services/neutropenia-review"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that was measured; without a bound it only explains the others."""

    goal: int
    what: str
    value: float
    unit: str
    bound: float | None = None

    @property
    def ok(self) -> bool | None:
        """Whether it is within its bound."""
        return None if self.bound is None else self.value <= self.bound
