"""Counter-worlds: of the worlds in which a claim comes out against its verdict, the most plausible one and the strongest one.

All sampled worlds have the same prior mass, so that the record's likelihood alone says which is more plausible; without a record it is the
world nearest to the middle of the priors, in quantiles. Searched worlds lie in corners of the priors and count only when no sampled world goes
against the verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from standoff.worlds import World, Worlds
from standoff.worlds.draws import free_parameters

SHOWN = 6


@dataclass(frozen=True)
class CounterWorld:
    """A world in which a claim comes out against the verdict."""

    world: World
    margin: float
    unusual: tuple[tuple[str, float, float], ...]
    """The parameters that are furthest out among those that matter for the claim: name, value, share of sampled worlds below."""
    searched: bool
    """Whether it was searched for, because no sampled world goes against the verdict."""
    more_plausible: int
    """How many sampled worlds are more plausible."""


def plausibility(worlds: Worlds, world: World, u: np.ndarray) -> float:
    """Return a number that is higher for more plausible worlds: the record's log-likelihood, or how near the quantiles `u` are to the middle."""
    if not worlds.task.weighs:
        return -float(((u - 0.5) ** 2).sum())
    return world.log_likelihood if np.isfinite(world.log_likelihood) else -np.inf


def counter_worlds(
    name: str, worlds: Worlds, extra: list[World], extra_u: np.ndarray, true: bool, matters: np.ndarray
) -> tuple[CounterWorld | None, CounterWorld | None]:
    """Return the most plausible world in which a claim is not `true` (or not false), and the one with the largest margin.

    `matters` is the rank correlation of each free parameter with the margin, shape (free,).
    """

    def against(found: list[World] | tuple[World, ...], u: np.ndarray, searched: bool) -> list[tuple[float, World, bool]]:
        pairs = [(world, point) for world, point in zip(found, u, strict=True) if name in world.findings and np.isfinite(world.findings[name].margin)]
        return [(plausibility(worlds, world, point), world, searched) for world, point in pairs if world.findings[name].holds is (not true)]

    sampled, sought = against(worlds.worlds, worlds.quantiles, False), against(extra, extra_u, True)
    if not sampled and not sought:
        return None, None
    ranking = np.array([plausibility(worlds, world, point) for world, point in zip(worlds.worlds, worlds.quantiles, strict=True)])

    def described(score: float, world: World, searched: bool) -> CounterWorld:
        unusual = _unusual(worlds, world.parameters, matters)
        return CounterWorld(world, world.findings[name].margin, unusual, searched, int((ranking > score).sum()))

    likeliest = max(sampled or sought, key=lambda item: item[0])
    strongest = max(sampled + sought, key=lambda item: abs(item[1].findings[name].margin))
    return described(*likeliest), described(*strongest)


def _unusual(worlds: Worlds, parameters: Mapping[str, float], matters: np.ndarray) -> tuple[tuple[str, float, float], ...]:
    """Return the parameters that are furthest out, each distance weighed by the share of the margin's (rank) variance that it goes with."""
    found = []
    for rho, parameter in zip(matters, free_parameters(worlds.canonical), strict=True):
        sampled = np.array([world.parameters[parameter.name] for world in worlds.worlds])
        value = parameters[parameter.name]
        below = float((sampled < value).mean())
        found.append((rho**2 * abs(below - 0.5), (parameter.name, value, below)))
    return tuple(item for _, item in sorted(found, key=lambda pair: -pair[0])[:SHOWN])
