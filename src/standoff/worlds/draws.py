"""Draws of all parameters from their priors: a scrambled Sobol sequence, mapped through each prior's quantiles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from standoff.scenario.canonical import Canonical, ParameterSpec

EDGE = 1e-9
"""Quantiles are kept this far from 0 and 1, where some priors are infinite."""


def free_parameters(canonical: Canonical) -> tuple[ParameterSpec, ...]:
    """Return the parameters that are not fixed."""
    return tuple(parameter for parameter in canonical.parameters if not parameter.prior.is_fixed)


def at_quantiles(canonical: Canonical, u: np.ndarray) -> dict[str, float]:
    """Return all parameters at these quantiles of the free ones, shape (free,)."""
    values = {parameter.name: parameter.prior.median for parameter in canonical.parameters}
    for parameter, quantile in zip(free_parameters(canonical), u, strict=True):
        values[parameter.name] = float(parameter.prior.ppf(float(np.clip(quantile, EDGE, 1 - EDGE))))
    return values


def sobol(canonical: Canonical, n: int, seed: int) -> np.ndarray:
    """Return quantiles of the free parameters for `n` worlds, shape (n, free). World `i` is the same for every `n`."""
    from scipy.stats import qmc

    free = len(free_parameters(canonical))
    if free == 0:
        return np.zeros((n, 0))
    engine = qmc.Sobol(free, scramble=True, rng=np.random.default_rng(seed))
    # A power of two keeps the sequence balanced; what is over is cut off, so a longer run begins with the same worlds.
    return np.asarray(engine.random(1 << max(int(n - 1).bit_length(), 0))[:n])


def table(canonical: Canonical, u: np.ndarray) -> list[Mapping[str, float]]:
    """Return the parameters of every world, one mapping per row of quantiles."""
    return [at_quantiles(canonical, row) for row in u]
