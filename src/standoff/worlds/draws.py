"""Draws of all parameters from their priors: Latin hypercubes, mapped through each prior's quantiles."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from standoff.scenario.canonical import Canonical, ParameterSpec

EDGE = 1e-9
"""Quantiles are kept this far from 0 and 1, where some priors are infinite."""


Spread = Literal["declared", "middle", "ends"]
"""Where in the priors worlds are drawn: as declared, from the middle half of each, or more often near its ends."""

SPREADS: Mapping[Spread, Callable[[np.ndarray], np.ndarray]] = {
    "declared": lambda u: u,
    "middle": lambda u: 0.25 + 0.5 * u,
    "ends": lambda u: np.sin(0.5 * np.pi * u) ** 2,
}
"""How quantiles, uniform on [0, 1], are moved. The ends are the arcsine distribution: its standard deviation is sqrt(1/8), that of the uniform one
sqrt(1/12). All keep the middle, the order and the support."""


BLOCK = 32
"""Worlds of one Latin hypercube."""


def free_parameters(canonical: Canonical) -> tuple[ParameterSpec, ...]:
    """Return the parameters that are not fixed."""
    return tuple(parameter for parameter in canonical.parameters if not parameter.prior.is_fixed)


def at_quantiles(canonical: Canonical, u: np.ndarray) -> dict[str, float]:
    """Return all parameters at these quantiles of the free ones, shape (free,)."""
    values = {parameter.name: parameter.prior.median for parameter in canonical.parameters}
    for parameter, quantile in zip(free_parameters(canonical), u, strict=True):
        values[parameter.name] = float(parameter.prior.ppf(float(np.clip(quantile, EDGE, 1 - EDGE))))
    return values


def draw(canonical: Canonical, n: int, seed: int) -> np.ndarray:
    """Return quantiles of the free parameters for `n` worlds, shape (n, free).

    Every block of 32 worlds is a Latin hypercube (McKay, Beckman & Conover 1979): each parameter falls once into each 32nd of its prior, in an
    order of its own. World `i` is the same for every `n`; and since the numbers of a parameter depend on its name and the seed only, neither
    fixing another parameter nor going on to the next scenario of a chain changes them. A Sobol sequence would be more even in theory, but with
    a hundred parameters and a hundred worlds some pairs of its coordinates are all but equal (correlations of 0.9), so that one parameter
    would stand in for another.
    """
    names = [parameter.name for parameter in free_parameters(canonical)]
    u = np.zeros((n, len(names)))
    for column, name in enumerate(names):
        key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8])
        for first in range(0, n, BLOCK):
            random = np.random.default_rng([seed, key, first])
            block = (random.permutation(BLOCK) + random.random(BLOCK)) / BLOCK
            u[first : first + BLOCK, column] = block[: n - first]
    return u


def table(canonical: Canonical, u: np.ndarray) -> list[Mapping[str, float]]:
    """Return the parameters of every world, one mapping per row of quantiles."""
    return [at_quantiles(canonical, row) for row in u]
