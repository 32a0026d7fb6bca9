"""The share of plausible worlds in which a claim is true, its interval, and the verdicts that the interval allows.

The interval (90 %) is the Jeffreys interval of a binomial share at the effective number of worlds (Brown, Cai & DasGupta 2001). Worlds that could
not be computed may be of either kind, so the interval goes from none of them to all of them. When the
record's weights leave too few effective worlds, the weighted share is refused and that of the plain sample is used, and said to be.
Where no parameter is uncertain all worlds are the same, and the share is known.
A verdict is settled when the whole interval lies in its own band, so that further worlds are unlikely to change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from standoff.claims.findings import is_probability
from standoff.scenario.models import Test
from standoff.scenario.phrases import PHRASES, agreeing_range
from standoff.worlds import World, Worlds

BANDS = ((0.9, "holds"), (0.7, "leans true"), (0.3, "contested"), (0.1, "leans false"), (0.0, "fails"))


@dataclass(frozen=True)
class Tally:
    """In how much of the worlds a claim is true."""

    share: float
    low: float
    high: float
    worlds: int
    """Worlds in which it was measured."""
    effective: float
    weighted: bool
    prior_share: float
    """Share without the record's weights."""
    undecided: int = 0
    """Worlds in which the margin lies within its bound, so that they may go either way; the interval allows for both."""


@dataclass(frozen=True)
class Stated:
    """A probability beside the phrase that the author gives it."""

    phrase: str
    low: float
    high: float
    """The range that the directive prints for the phrase."""
    quantiles: tuple[float, float, float]
    """10 %, 50 % and 90 % quantile of the probability over the worlds, unweighted."""
    agrees: bool
    """Whether the one in the middle agrees with the phrase, whose range is open-ended where it is the lowest or the highest."""

    @property
    def beyond(self) -> bool:
        """Whether the one in the middle lies outside the printed range."""
        return not self.low <= self.quantiles[1] <= self.high


def stated(test: Test, worlds: Sequence[World], claim: str) -> Stated | None:
    """Return what a claim's probability comes to beside the phrase of its test; None for other tests, and where it was not measured."""
    if test.of is None or test.phrase not in PHRASES or test.range is not None or not is_probability(test.of):
        return None
    found = [world.findings[claim] for world in worlds if claim in world.findings]
    values = [finding.numbers[0] for finding in found if np.isfinite(finding.margin)]
    if not values:
        return None
    low, middle, high = (float(value) for value in np.quantile(values, [0.1, 0.5, 0.9]))
    least, most = agreeing_range(test.phrase, None)
    return Stated(test.phrase, *PHRASES[test.phrase], (low, middle, high), least <= middle <= most)


def band(share: float) -> str:
    """Return the verdict of a share."""
    return next(name for least, name in BANDS if share >= least)


def bands(low: float, high: float) -> tuple[str, ...]:
    """Return the verdicts of all shares from `low` to `high`, the highest first."""
    names = [name for _, name in BANDS]
    return tuple(names[names.index(band(high)) : names.index(band(low)) + 1])


def interval(share: float, n: float) -> tuple[float, float]:
    """Return the 90 % Jeffreys interval of a share among `n` worlds."""
    from scipy.stats import beta

    low = float(beta.ppf(0.05, share * n + 0.5, (1 - share) * n + 0.5)) if share > 0 else 0.0
    high = float(beta.ppf(0.95, share * n + 0.5, (1 - share) * n + 0.5)) if share < 1 else 1.0
    return low, high


def margins_of(worlds: Sequence[World], claim: str) -> np.ndarray:
    """Return the margins of a claim, shape (n,); NaN where it was not measured."""
    return np.array([world.findings[claim].margin if claim in world.findings else np.nan for world in worlds])


def truths_of(worlds: Sequence[World], claim: str) -> np.ndarray:
    """Return whether a claim is true (1) or false (0), shape (n,); NaN where that is not decided or not measured."""
    holds = [world.findings[claim].holds if claim in world.findings else None for world in worlds]
    return np.array([np.nan if one is None else float(one) for one in holds])


def tally(worlds: Worlds, claim: str) -> Tally:
    """Count the worlds in which a claim is true; NaN for a share that no world decides."""
    measured = np.isfinite(margins_of(worlds.worlds, claim))
    truths = truths_of(worlds.worlds, claim)
    decided, undecided = np.isfinite(truths), int((measured & np.isnan(truths)).sum())
    truth = truths == 1.0
    weights = np.where(decided, worlds.weights.values, 0.0)
    weighted = bool(worlds.task.weighs and worlds.weights.enough and weights.sum() > 0)
    if not decided.any():
        return Tally(np.nan, np.nan, np.nan, int(measured.sum()), 0.0, weighted, np.nan, undecided)
    if not weighted:
        weights = decided.astype(float)
    open_ = measured & ~decided
    lost = float(
        worlds.weights.values[open_].sum() / max(worlds.weights.values[measured].sum(), 1e-300) if weighted else open_.sum() / measured.sum()
    )
    weights = weights / weights.sum()
    effective = float(1.0 / (weights**2).sum())
    # Weights that sum to 1 but for the last digit must not make a share of all worlds less than 1, or more.
    share = 1.0 if truth[weights > 0.0].all() else min(float(weights @ truth), 1.0)
    low, high = interval(share, effective) if worlds.quantiles.shape[1] > 0 else (share, share)
    for away in (lost, len(worlds.problems) / len(worlds)):
        low, high = low * (1.0 - away), high * (1.0 - away) + away
    return Tally(share, low, high, int(measured.sum()), effective, weighted, float(truth[decided].mean()), undecided)
