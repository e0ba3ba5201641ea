"""What a benchmark finds.

In: a number. Out: the same with what it means and its bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

__all__ = ["HOOK", "Figure", "Measure", "Runs"]

HOOK = "/cds-services/neutropenia-review"


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that was measured; without a bound it only explains the others."""

    goal: int
    what: str
    value: float
    unit: str
    bound: float | None = None
    at_least: bool = False  # the bound is what has to be reached, not what may not be exceeded

    @property
    def ok(self) -> bool | None:
        """Whether it is within its bound."""
        if self.bound is None:
            return None
        return self.value >= self.bound if self.at_least else self.value <= self.bound

    @property
    def measured(self) -> str:
        """The value with its unit, to three digits."""
        digits = f"{self.value:.3g}" if abs(self.value) < 1000 else f"{self.value:.0f}"
        return f"{digits} {self.unit}".strip()

    @property
    def share(self) -> float | None:
        """The figure as a part of its bound, at most 1 when it is within; None where that says nothing."""
        if not self.bound or not self.value:
            return None
        return self.bound / self.value if self.at_least else self.value / self.bound


@dataclass(frozen=True, slots=True)
class Runs:
    """How long the load over HTTP lasts."""

    seconds: int = 3  # of one run
    rounds: int = 3  # in which the programs that are compared take turns
    calls: int = 4_000  # after which memory is looked at once more


Measure = Callable[[Runs], Iterator[Figure]]
