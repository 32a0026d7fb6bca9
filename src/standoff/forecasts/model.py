"""The model's probability of a forecast before the fact: a mixture of its worlds."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from standoff.scenario.check_forecasts import last_replayed
from standoff.worlds import Worlds

SPREAD = (0.05, 0.95)
"""Quantiles over worlds that are given beside the mean."""

_ROUNDING = 1e-9
"""A sum of products of probabilities may leave [0, 1] by this much."""


@dataclass(frozen=True)
class Mixture:
    """The mean of a probability over worlds, and how far worlds differ; NaN with a `problem` where it could not be had."""

    p: float
    low: float
    high: float
    worlds: int
    """In which it was measured."""
    weighted: bool
    """Whether worlds count by the likelihood of the record."""
    problem: str = ""


def before_the_fact(worlds: Worlds, name: str, *, made: dt.date) -> Mixture:
    """Return the weighted mean over worlds of the probability that a claim's test measures, with its 5 and 95 % quantile.

    Weights by the record are used only when all of the record that they know had happened by the day on which the forecast was made, and when
    they leave enough effective worlds; otherwise all worlds weigh the same.
    """
    findings = [world.findings.get(name) for world in worlds.worlds]
    values = np.array([finding.numbers[0] if finding is not None and finding.numbers else np.nan for finding in findings])
    measured = np.isfinite(values)
    if not measured.any():
        problems = [finding.problem for finding in findings if finding is not None] + [world.problem for world in worlds.worlds]
        return Mixture(np.nan, np.nan, np.nan, 0, False, next((one for one in problems if one), "it was measured in no world"))
    out = values[measured & ((values < -_ROUNDING) | (values > 1 + _ROUNDING))]
    if len(out):
        return Mixture(
            np.nan, np.nan, np.nan, int(measured.sum()), False, f"in {len(out)} of {measured.sum()} worlds it is no probability, such as {out[0]:.6g}"
        )
    weighted = _foresight(worlds, made) and worlds.weights.enough and bool(worlds.weights.values[measured].sum() > 0)
    weights = worlds.weights.values[measured] if weighted else np.ones(int(measured.sum()))
    within = np.clip(values[measured], 0.0, 1.0)
    low, high = np.quantile(within, SPREAD, weights=weights, method="inverted_cdf")
    mean = min(max(float(weights @ within / weights.sum()), 0.0), 1.0)
    return Mixture(mean, float(low), float(high), int(measured.sum()), weighted)


def _foresight(worlds: Worlds, made: dt.date) -> bool:
    """Whether there are weights and they know nothing that came after a day."""
    starts = worlds.canonical.calendar.starts
    return worlds.task.record is not None and starts is not None and last_replayed(worlds.canonical.record, starts[-1]) <= made
