"""Phrases of probability of the US Intelligence Community Directive 203 (2015), section 6.e.(2)(a), with their ranges."""

from __future__ import annotations

_TABLE = (
    (("almost no chance", "remote"), (0.01, 0.05)),
    (("very unlikely", "highly improbable"), (0.05, 0.20)),
    (("unlikely", "improbable"), (0.20, 0.45)),
    (("roughly even chance", "roughly even odds"), (0.45, 0.55)),
    (("likely", "probable"), (0.55, 0.80)),
    (("very likely", "highly probable"), (0.80, 0.95)),
    (("almost certain", "almost certainly", "nearly certain"), (0.95, 0.99)),
)

PHRASES: dict[str, tuple[float, float]] = {phrase: ends for phrases, ends in _TABLE for phrase in phrases}
"""The range of probability of each phrase."""


def phrase_range(phrase: str) -> tuple[float, float]:
    """Give the range of probability of a phrase. Raises KeyError for a phrase that the directive does not have."""
    return PHRASES[phrase]


def stated_range(phrase: str | None, declared: tuple[float, float] | None) -> tuple[float, float]:
    """Give the range of probability that an author states: the declared one, else that of the phrase.

    Raises KeyError for a phrase that the directive does not have and that has no declared range.

    >>> stated_range("almost certain", None)
    (0.95, 0.99)
    >>> stated_range("very easily", (0.2, 0.6))
    (0.2, 0.6)
    """
    return declared if declared is not None else phrase_range(str(phrase).lower())
