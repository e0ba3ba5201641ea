"""A measured value as the interval that it stands for: exact, or bounded by a comparator.

In: what the laboratory reported (2.1, "<0.1", ">1.5"). Out: comparisons that never claim more than that.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Interval:
    """All values that a result allows: [low, high], with open ends where the comparator excludes the bound."""

    low: Decimal | None  # None: unbounded below
    high: Decimal | None  # None: unbounded above
    low_open: bool = False
    high_open: bool = False

    @classmethod
    def exact(cls, value: Decimal) -> Interval:
        """The interval that holds one value."""
        return cls(value, value)

    @classmethod
    def reported(cls, value: Decimal, comparator: str | None) -> Interval:
        """What `value` with a FHIR `Quantity.comparator` stands for; amounts are never negative."""
        if comparator is None:
            return cls(value, value)
        floor = min(Decimal(0), value)
        match comparator:
            case "<":
                return cls(floor, value, high_open=True)
            case "<=":
                return cls(floor, value)
            case ">":
                return cls(value, None, low_open=True)
            case ">=":
                return cls(value, None)
        raise ValueError("comparator is none of < <= >= >")

    @property
    def is_exact(self) -> bool:
        """Whether the result is one number."""
        return self.low is not None and self.low == self.high

    @property
    def number(self) -> Decimal:
        """The number that stands in the report: the value, or the bound that the comparator names."""
        if self.high is not None:
            return self.high
        assert self.low is not None
        return self.low

    @property
    def comparator(self) -> str | None:
        """The FHIR comparator, None for an exact value."""
        if self.is_exact:
            return None
        if self.high is not None:
            return "<" if self.high_open else "<="
        return ">" if self.low_open else ">="

    def below(self, cut: Decimal) -> bool:
        """Whether every allowed value is less than `cut`."""
        if self.high is None:
            return False
        return self.high < cut or (self.high == cut and self.high_open)

    def at_most(self, cut: Decimal) -> bool:
        """Whether every allowed value is `cut` or less."""
        return self.high is not None and self.high <= cut

    def at_least(self, cut: Decimal) -> bool:
        """Whether every allowed value is `cut` or more."""
        return self.low is not None and self.low >= cut

    def above(self, cut: Decimal) -> bool:
        """Whether every allowed value is more than `cut`."""
        if self.low is None:
            return False
        return self.low > cut or (self.low == cut and self.low_open)

    def scaled(self, factor: Decimal) -> Interval:
        """The same interval in another unit: value x factor, factor > 0."""
        low = None if self.low is None else self.low * factor
        high = None if self.high is None else self.high * factor
        return Interval(low, high, self.low_open, self.high_open)
