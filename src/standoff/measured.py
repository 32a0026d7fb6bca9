"""A number and how far it may be from the one that exact play gives."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

LUCK = 4.0
"""Standard errors beyond which a share of draws does not agree with a chance."""

ROUNDING = 1e-12
"""What two numbers may differ by that are the same but for rounding."""


@dataclass(frozen=True)
class Measured:
    """A number between `value - bound` and `value + bound`; the bound is infinite where nothing is known of the error."""

    value: float
    bound: float = 0.0

    def __add__(self, other: Measured) -> Measured:
        return Measured(self.value + other.value, self.bound + other.bound)

    def __sub__(self, other: Measured) -> Measured:
        return Measured(self.value - other.value, self.bound + other.bound)

    def scaled(self, factor: float) -> Measured:
        """Return a multiple."""
        return Measured(factor * self.value, abs(factor) * self.bound if factor != 0.0 else 0.0)

    def through(self, function: Callable[[float], float], low: float = -math.inf, high: float = math.inf) -> Measured:
        """Return a monotone function of the number, which lies between `low` and `high`."""
        value = function(self.value)
        ends = function(max(self.value - self.bound, low)), function(min(self.value + self.bound, high))
        return Measured(value, max(abs(end - value) for end in ends))

    def magnitude(self) -> Measured:
        """Return the absolute value."""
        return Measured(abs(self.value), self.bound)

    @staticmethod
    def pick(choose: Callable[[Iterable[float]], float], items: Iterable[Measured]) -> Measured:
        """Return the smallest or the largest (`choose`: `min` or `max`) of several numbers."""
        found = list(items)
        value = choose(item.value for item in found)
        low, high = choose(item.value - item.bound for item in found), choose(item.value + item.bound for item in found)
        return Measured(value, max(value - low, high - value))

    @property
    def decided(self) -> bool:
        """Whether the number is known to lie above nought, or not to. What differs from nought by rounding alone does not lie above it."""
        return abs(self.value) > self.bound or max(abs(self.value), self.bound) <= ROUNDING


def total(items: Iterable[Measured]) -> Measured:
    """Return the sum."""
    found = list(items)
    return Measured(sum((item.value for item in found), 0.0), sum((item.bound for item in found), 0.0))
