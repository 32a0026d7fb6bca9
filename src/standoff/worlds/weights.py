"""Weights of worlds by the likelihood of the record, tempered.

Worlds differ so much in how well they foresee a record that plain likelihood weights leave one or two of them standing. The weights are
`likelihood ** temper`; unless it is given, the temper is the largest in [0, 1] that leaves an effective sample size (Kish:
`1 / sum w**2`) of a quarter of the worlds. A temper of 1 is Bayes' rule, 0 ignores the record.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEAST_EFFECTIVE = 10.0
"""Below this effective sample size shares have standard errors above 15 points: weighted verdicts are refused."""

TARGET_SHARE = 0.25


@dataclass(frozen=True)
class Weights:
    """Weights of worlds that sum to 1."""

    values: np.ndarray
    temper: float
    effective: float

    @property
    def enough(self) -> bool:
        """Whether the effective sample size allows weighted verdicts."""
        return self.effective >= LEAST_EFFECTIVE


def weigh(log_likelihood: np.ndarray, temper: float | None = None) -> Weights:
    """Return weights from the log-likelihoods of the record, shape (n,); NaN counts as impossible."""
    usable = np.isfinite(log_likelihood)
    if not usable.any():
        return Weights(np.zeros(len(log_likelihood)), 0.0 if temper is None else temper, 0.0)

    def at(power: float) -> tuple[np.ndarray, float]:
        score = np.where(usable, log_likelihood, -np.inf)
        raw = np.exp(power * (score - score[usable].max())) if power > 0 else usable.astype(float)
        raw = np.where(usable, raw, 0.0)
        values = raw / raw.sum()
        return values, float(1.0 / (values**2).sum())

    if temper is None:
        target = TARGET_SHARE * usable.sum()
        low, high = 0.0, 1.0
        if at(1.0)[1] >= target:
            low = 1.0
        else:
            for _ in range(50):
                middle = 0.5 * (low + high)
                low, high = (middle, high) if at(middle)[1] >= target else (low, middle)
        temper = low
    values, effective = at(temper)
    return Weights(values, temper, effective)
