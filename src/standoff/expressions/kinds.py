"""The kinds of values that expressions have."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    """A real number."""

    def __str__(self) -> str:
        return "a number"


@dataclass(frozen=True)
class Boolean:
    """True or false."""

    def __str__(self) -> str:
        return "true or false"


@dataclass(frozen=True)
class Symbol:
    """A label out of a domain; its value is its position there."""

    domain: tuple[str, ...]

    def __str__(self) -> str:
        return f"one of {', '.join(self.domain)}"


Kind = Number | Boolean | Symbol
