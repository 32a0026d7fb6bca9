"""Search for counter-worlds of claims that came out the same in every sampled world.

A linear surrogate (ridge regression) of the claim's margin on the quantiles of the parameters is fitted to all worlds computed so far; the next
worlds are corners of the prior's support in the direction that the surrogate says turns the margin, one from scratch and one from the world
nearest to turning. New worlds improve the surrogate. What is never turned is `built in`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from standoff.solve.induction import Progress
from standoff.verdicts.shares import margins_of, truths_of
from standoff.worlds import World, Worlds, compute

CORNER = 0.01
"""Quantile of a corner: just inside the support, where unbounded priors are still finite."""

PUSHED = 8
FIRST_INDEX = 1_000_000
"""Searched worlds are numbered from here, apart from the sample."""


def unanimous(worlds: Sequence[World], claims: Sequence[str]) -> dict[str, bool]:
    """Return the claims that came out the same in all these worlds, with how."""
    found = {}
    for claim in claims:
        truths = truths_of(worlds, claim)
        truths = truths[np.isfinite(truths)]
        if len(truths) and (truths == truths[0]).all():
            found[claim] = bool(truths[0])
    return found


def propose(u: np.ndarray, margins: np.ndarray, holds: bool) -> list[np.ndarray]:
    """Return two worlds (quantiles) that should turn a claim with these margins; shapes (n, free), (n,)."""
    from sklearn.linear_model import RidgeCV

    usable = np.isfinite(margins)
    u, margins = u[usable], margins[usable]
    scale = margins.std() or 1.0
    slope = RidgeCV(alphas=np.logspace(-2, 3, 11)).fit(u - 0.5, margins / scale).coef_ * (1.0 if holds else -1.0)
    corner = np.where(slope > 0, CORNER, 1 - CORNER)
    nearest = u[np.argmin(np.abs(margins))].copy()
    strongest = np.argsort(-np.abs(slope))[:PUSHED]
    nearest[strongest] = corner[strongest]
    return [corner, nearest]


def search(worlds: Worlds, *, rounds: int = 3, workers: int = 2, progress: Progress | None = None) -> tuple[np.ndarray, list[World]]:
    """Compute further worlds that try to turn the claims that all sampled worlds agree on.

    Returns their quantiles, shape (m, free), and the worlds.
    """
    claims = list(worlds.canonical.claims)
    u, found = worlds.quantiles, list(worlds.worlds)
    n = len(found)
    if u.shape[1] == 0:
        return u[:0], []
    for step in range(rounds):
        open_: Mapping[str, bool] = unanimous(found, claims)
        points: list[np.ndarray] = []
        for claim, holds in open_.items():
            points += propose(u, margins_of(found, claim), holds)
        if not points:
            break
        numbered = [(FIRST_INDEX + len(found) - n + i, point) for i, point in enumerate(points)]
        for done, world in enumerate(compute(worlds.task, numbered, workers), start=1):
            found.append(world)
            if progress is not None:
                progress("searching counter-worlds", (step + done / len(points)) / rounds)
        u = np.vstack([u, *points])
    return u[n:], found[n:]
