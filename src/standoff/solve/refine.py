"""Choose a finer grid where the solution needs it.

Dimension-adaptive refinement (Gerstner & Griebel 2003): for each level vector at the rim of the grid, the *surplus* (values at the nodes it
added, less what the grid without it would have interpolated there) tells how much that block mattered; the blocks that carry most of the
surplus get their forward neighbours. So an axis on which values bend becomes fine while the others stay coarse.

On few axes grids are products. Where values are smooth, each further level of polynomials leaves a surplus much smaller than that of the level
before; where they jump or turn sharply it does not, and a local grid takes over.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import replace

import numpy as np

from standoff.game import DECISION
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.grid import LOCAL_LEVEL, MAX_LEVEL, PRODUCT_AXES, BeliefGrid, box, count_nodes, is_local, local

SHARE = 0.7
"""Share of the total surplus whose blocks are refined in one go."""

SMOOTH = 0.3
"""Values are smooth where a level's surplus is at most this share of that of the level before: polynomials then gain digits fastest."""

LOCAL_GAINS = (20.0, 500.0)
"""By so much, roughly, the first local levels above nine nodes an axis cut the policy distance of nine: 17 nodes and 33."""

SAMPLE = 400
"""Nodes of the game, and of the grid, on which a surplus is measured."""


def _surplus(solved: Equilibrium, coarser: frozenset[tuple[int, ...]]) -> float:
    """Return the mean absolute difference, in log-odds, that the nodes beyond a coarser grid made, over a spread of decision points."""
    grid, structure = solved.grid, solved.game.structure
    nodes = np.flatnonzero(structure.kind == DECISION)
    nodes = nodes[np.unique(np.linspace(0, len(nodes) - 1, SAMPLE).astype(int))]
    precision = np.maximum(np.array(solved.game.precisions), 1e-12)
    scale = np.repeat(precision, solved.game.n_types)  # behaviour feels payoffs times precision
    place = {tuple(point): m for m, point in enumerate(grid.points.round(12).tolist())}
    smaller = BeliefGrid(grid.n_types, coarser)
    old = np.array([place[tuple(point)] for point in smaller.points.round(12).tolist()])
    new = np.setdiff1d(np.arange(grid.n_nodes), old)
    new = new[np.unique(np.linspace(0, len(new) - 1, SAMPLE).astype(int))]
    weights = np.stack([smaller.weights(grid.points[m]) for m in new])
    gap = solved.values[np.ix_(nodes, new)] - np.einsum("mo,noc->nmc", weights, solved.values[np.ix_(nodes, old)])
    return float((np.abs(gap) * scale).mean())


MIXED, DEARER = 3, 2
"""Axes whose products a sparse grid is given, and how many times the beliefs of the rung below the last rung may have."""


def ladder(solved: Equilibrium) -> tuple[frozenset[tuple[int, ...]], ...]:
    """Return the grid of a solution and up to two finer ones: its refinement, and where that is not too dear, that one refined further.

    The refinement looks at the values that decide play. Chances hang on products of beliefs that no choice may turn on, so that the last rung of a
    sparse grid has the products of all pairs and triples of axes as well.
    """
    levels = solved.grid.levels
    if solved.grid.n_axes == 0 or not solved.values.size:
        return (levels,)
    finer = refine(solved)
    if solved.grid.n_axes <= PRODUCT_AXES:
        last = refine(replace(solved, grid=BeliefGrid(solved.grid.n_types, finer), certificate=None)) if is_local(finer) else _raised(finer)
    else:
        corners = itertools.product((0, 1), repeat=solved.grid.n_axes)
        last = finer | {corner for corner in corners if sum(corner) <= MIXED}
    found = [levels] if finer == levels else [levels, finer]
    if last != finer and count_nodes(last) <= DEARER * count_nodes(finer):
        found.append(last)
    return tuple(found)


def _raised(levels: frozenset[tuple[int, ...]]) -> frozenset[tuple[int, ...]]:
    """Return a product with every axis a level finer."""
    return box([min(max(level[d] for level in levels) + 1, MAX_LEVEL) for d in range(len(next(iter(levels))))])


def refine(solved: Equilibrium) -> frozenset[tuple[int, ...]]:
    """Return the level set of the next grid; the same set when no axis can go further."""
    return _refined_product(solved) if solved.grid.n_axes <= PRODUCT_AXES else _refined_sparse(solved)


def _refined_product(solved: Equilibrium) -> frozenset[tuple[int, ...]]:
    """Raise the axes whose last nodes mattered most, or go over to a local grid."""
    levels = solved.grid.axis_levels
    if solved.grid.local:
        return local([min(level + 1, MAX_LEVEL) for level in levels])
    if min(levels) > LOCAL_LEVEL and _surplus(solved, _lower(levels, 1)) > SMOOTH * _surplus(
        _restricted(solved, _lower(levels, 1)), _lower(levels, 2)
    ):
        certificate = solved.certificate
        excess = certificate.policy_distance / certificate.tolerance if certificate is not None else 1.0
        further = 1 + sum(excess > gain for gain in LOCAL_GAINS)
        return local([min(level + further, MAX_LEVEL) for level in levels])
    surplus = []
    for d, level in enumerate(levels):
        coarser = tuple(value - (i == d) for i, value in enumerate(levels))
        surplus.append(_surplus(solved, box(coarser)) if level > 0 else np.inf)
    raised = [level + (level < MAX_LEVEL and surplus[d] >= 0.1 * max(surplus)) for d, level in enumerate(levels)]
    return box(raised)


def _lower(levels: tuple[int, ...], by: int) -> frozenset[tuple[int, ...]]:
    return box([level - by for level in levels])


def _restricted(solved: Equilibrium, coarser: frozenset[tuple[int, ...]]) -> Equilibrium:
    """Return the solution's values on the nodes of a coarser grid alone."""
    grid = BeliefGrid(solved.grid.n_types, coarser)
    place = {tuple(point): m for m, point in enumerate(solved.grid.points.round(12).tolist())}
    return replace(solved, grid=grid, values=solved.values[:, [place[tuple(point)] for point in grid.points.round(12).tolist()]])


def _refined_sparse(solved: Equilibrium) -> frozenset[tuple[int, ...]]:
    """Add the forward neighbours of the rim blocks that carry most of the surplus."""
    grid = solved.grid

    def ahead(level: tuple[int, ...]) -> list[tuple[int, ...]]:
        steps = [tuple(value + (i == d) for i, value in enumerate(level)) for d in range(grid.n_axes)]
        return [step for step in steps if max(step) <= MAX_LEVEL]

    def admissible(level: tuple[int, ...], levels: Collection[tuple[int, ...]]) -> bool:
        backward = [tuple(value - (i == d) for i, value in enumerate(level)) for d in range(grid.n_axes) if level[d] > 0]
        return level not in levels and all(step in levels for step in backward)

    rim = [level for level in grid.levels if not any(step in grid.levels for step in ahead(level))]
    surplus = {level: _surplus(solved, frozenset(grid.levels - {level})) for level in rim}
    levels = set(grid.levels)
    carried, total = 0.0, sum(surplus.values())
    for level in sorted(rim, key=lambda level: (-surplus[level], level)):
        if carried >= SHARE * total and levels != grid.levels:
            break
        carried += surplus[level]
        levels |= {step for step in ahead(level) if admissible(step, levels)}
    if levels == grid.levels:
        # The rim blocks have no admissible neighbour: widen the whole grid by one.
        levels |= {step for level in grid.levels for step in ahead(level) if admissible(step, grid.levels)}
    return frozenset(levels)
