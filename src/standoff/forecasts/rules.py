"""Proper scoring rules for the probability of one event; lower is better.

The Brier score is the squared error of the probability, half of what Brier (1950) sums over "yes" and "no". The log score is the surprise at
what happened, in nats (Good 1952; divide by ln 2 for bits). Both are best, on average, for who states the probability they believe (Gneiting &
Raftery 2007). The log score of an event that was called impossible is infinite; nothing is clipped.

- Brier, G. W. (1950), Verification of forecasts expressed in terms of probability, *Monthly Weather Review* 78.
- Gneiting, T. and Raftery, A. E. (2007), Strictly proper scoring rules, prediction, and estimation, *JASA* 102.
- Good, I. J. (1952), Rational decisions, *Journal of the Royal Statistical Society B* 14.
"""

from __future__ import annotations

import math


def brier(p: float, happened: bool) -> float:
    """Return the Brier score of a probability in [0, 1]: between 0 and 1.

    >>> brier(0.75, True)
    0.0625
    """
    return (p - happened) ** 2


def log_score(p: float, happened: bool) -> float:
    """Return the log score of a probability in [0, 1], in nats: 0 for certainty that was right, infinite for certainty that was wrong.

    >>> log_score(1.0, True), log_score(1.0, False)
    (0.0, inf)
    """
    chance = p if happened else 1.0 - p
    return math.inf if chance == 0.0 else -math.log(chance) + 0.0  # no negative zero
