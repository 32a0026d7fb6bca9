"""Phrases of probability of the US Intelligence Community Directive 203 (2015), section 6.e.(2)(a), with their ranges."""

from __future__ import annotations

import math

_TABLE = (
    (("almost no chance", "remote"), (0.01, 0.05)),
    (("very unlikely", "highly improbable"), (0.05, 0.20)),
    (("unlikely", "improbable"), (0.20, 0.45)),
    (("roughly even chance", "roughly even odds"), (0.45, 0.55)),
    (("likely", "probable"), (0.55, 0.80)),
    (("very likely", "highly probable"), (0.80, 0.95)),
    (("almost certain", "almost certainly", "nearly certain"), (0.95, 0.99)),
)

LOWEST, HIGHEST = _TABLE[0][1][0], _TABLE[-1][1][1]
"""Ends of the directive's scale. Its outermost phrases leave out only what is certain: no chance is too small to be called remote."""

PHRASES: dict[str, tuple[float, float]] = {phrase: ends for phrases, ends in _TABLE for phrase in phrases}
"""The range of probability of each phrase, as the directive prints it."""


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


def agreeing_range(phrase: str | None, declared: tuple[float, float] | None) -> tuple[float, float]:
    """Give the range in which a probability agrees with what an author states; an end that it cannot pass is -inf or inf.

    The outermost phrases are open-ended, and no probability lies below 0 or above 1. Raises KeyError as `stated_range` does.

    >>> agreeing_range("almost certain", None)
    (0.95, inf)
    >>> agreeing_range(None, (0, 0.3))
    (-inf, 0.3)
    """
    low, high = stated_range(phrase, declared)
    if declared is None:
        low, high = (0.0 if low == LOWEST else low), (1.0 if high == HIGHEST else high)
    return (-math.inf if low <= 0.0 else low), (math.inf if high >= 1.0 else high)
