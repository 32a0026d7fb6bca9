"""Differences between arms over worlds.

The difference of a line is the weighted mean over worlds of (arm - base). Its 90 % interval is that of the Bayesian bootstrap: the worlds'
weights are multiplied by independent exponential numbers again and again, and the 5 % and 95 % quantiles of the weighted means are taken
(Rubin 1981; with weights, Newton & Raftery 1994). It speaks of which worlds were drawn and, since each world brings its own futures, of
how many futures were. A world shows a *clear* difference where it is larger than the noise of its futures (at 90 %).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

REPLICATES = 2000
SEED = 20_000_303
"""Of the bootstrap; always the same, so that a comparison is a function of its inputs."""

Z = 1.6448536269514722
"""Standard normal quantile of 95 %."""

TINY = 1e-4
"""Smaller differences, a hundredth of a percentage point, are within the error of the belief grid and never clear."""


@dataclass(frozen=True)
class Differences:
    """Of one arm to the base; all by line, shape (lines,)."""

    base: np.ndarray
    arm: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    bound: np.ndarray
    """How far the difference may be from that of exact play."""
    worlds: np.ndarray
    """In how many worlds it was measured under both."""
    agree: np.ndarray
    """How many of them show a clear difference of the majority's sign; none where no world shows any."""
    against: np.ndarray
    """How many show a clear difference of the other sign."""
    sign: np.ndarray
    """Of the majority, by weight: -1, 0 or 1."""


def differences(base: np.ndarray, arm: np.ndarray, noise: np.ndarray, bounds: np.ndarray, weights: np.ndarray) -> Differences:
    """Compare an arm with the base; `base`, `arm`, `noise` and `bounds` (of the differences) have shape (worlds, lines), `weights` (worlds,)."""
    there = np.isfinite(base) & np.isfinite(arm) & (weights > 0.0)[:, None]
    change = np.where(there, arm - base, 0.0)
    mass = weights[:, None] * there
    total = mass.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_base, mean_arm, mean = (
            np.where(total > 0, (mass * np.where(there, values, 0.0)).sum(axis=0) / total, np.nan) for values in (base, arm, change)
        )
        draws = np.random.default_rng(SEED).exponential(size=(REPLICATES, len(weights)))
        means = (draws @ (mass * change)) / (draws @ mass)
        bound = np.where(total > 0, (mass * np.where(there, bounds, 0.0)).sum(axis=0) / total, np.nan)
    low, high = np.full(len(total), np.nan), np.full(len(total), np.nan)
    enough = there.sum(axis=0) >= 2
    if enough.any():
        low[enough], high[enough] = np.quantile(means[:, enough], [0.05, 0.95], axis=0)
    signs = clear_signs(change, noise, bounds) * there
    up, down = ((mass * (signs == sign)).sum(axis=0) for sign in (1, -1))
    sign = np.where(np.maximum(up, down) == 0.0, 0, np.where(up >= down, 1, -1))
    agree, against = ((there & (signs == way) & (signs != 0)).sum(axis=0) for way in (sign, -sign))
    return Differences(mean_base, mean_arm, mean, low, high, bound, there.sum(axis=0), agree, against, sign)


def clear_signs(change: np.ndarray, noise: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Return the sign of each difference that is larger than its noise and its bound, 0 for the others."""
    return np.where(np.abs(change) > np.maximum(np.maximum(Z * noise, bounds), TINY), np.sign(change), 0.0).astype(int)
