"""Bounds for what is read from the belief grid: an estimate of the error at the very point asked for, times a factor for what it leaves out.

Functionals are held against histories followed at exact beliefs (`standoff.solve._control`); choices against the logit response to values that
were corrected so, the stage being solved again with them, so that what a changed choice does to beliefs at that stage counts.

The estimate is of first order and of finitely many draws. A bound is `FACTOR` times its size plus `ERRORS` standard errors. The number of draws is
fixed by the point, never by time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from standoff.game import Payoffs
from standoff.solve._control import Room, control
from standoff.solve._follow import follow
from standoff.solve.equilibrium import Equilibrium, Probe
from standoff.solve.induction import Workspace, make_workspace

FACTOR = 8.0
"""What higher orders, and the reaction of others to changed play, may add to an estimate."""

ERRORS = 4.0
"""Standard errors of the estimate that are added."""

DRAWS, AFTER = 16, 8
"""Histories drawn from a point for functionals, and after each option and type for a choice. Their terms are errors of interpolation only, and small,
and their luck is spread evenly, so that few tell the mean; what they leave open counts as standard error."""

FLOOR = 3e-5
"""Least bound of a number from the grid: few draws do not tell smaller errors, nor are they worth telling."""

PUBLIC = 1e-9
"""Bound of a number of a game without secrets, in which nothing is interpolated."""

EXACTLY, ROUNDING = 4.0, 1e-13
"""Steps of Newton's method, for each observation on the way, and rounding, by which an exact number may be off."""

SEED = 20_200_102


def luck(draws: int, width: int) -> np.ndarray:
    """Return the numbers by which histories are drawn, (draws, width): the same for the same arguments, each column an even spread over [0, 1]."""
    random = np.random.Generator(np.random.Philox(SEED))
    order = np.argsort(random.random((draws, width)), axis=0)
    return np.asarray((order + random.random((draws, width))) / draws)


def bounds(
    solved: Equilibrium, tables: tuple[Any, ...], found: np.ndarray, ranges: np.ndarray, acted: np.ndarray, node: int, x: np.ndarray,
    fixed: Sequence[int], viewer: int, draws: int = DRAWS,
) -> np.ndarray:  # fmt: skip
    """Return how far functionals of one point may be off, shape (F,); infinite where players with secrets choose at once.

    `tables`, `found` and `ranges` are those of the evaluation (`standoff.solve._control.control`), `acted` (o,) the intervention, `fixed` the types
    that are given by player, -1 for the others, which are drawn from what `viewer` believes (-1: from the public belief).
    """
    game = solved.game
    if not solved.grid.n_axes or game.structure.at_once:
        # Without a secret nothing is interpolated.
        return np.full(len(ranges), np.inf if solved.grid.n_axes else PUBLIC)
    grid, structure, players = solved.grid, game.structure, len(game.n_types)
    steps = len(structure.layers)
    work = make_workspace(game, grid, solved.values.shape[2])
    options, seen = (int(np.diff(rows).max(initial=1)) for rows in (structure.option_start, structure.observation_start))
    cards, basis = grid.scratch()
    room = Room(
        cards, basis, np.zeros(grid.n_nodes), np.zeros(steps, dtype=np.int64), np.zeros(steps), np.zeros((steps, players)),
        np.zeros((steps, len(ranges))), np.zeros((seen, len(ranges))), np.zeros((max(game.n_types), max(options, 1))), np.zeros(max(options, seen)),
    )  # fmt: skip
    result = np.zeros((draws, len(ranges), 4))
    control(
        node, np.ascontiguousarray(x, dtype=float), np.array(fixed, dtype=np.int64), viewer if game.arrays.tilted.any() else -1,
        luck(draws, players + 2 * steps), ranges, solved.lines, grid.combination, game.arrays, game.payoffs, solved.values, solved.log_policy, tables,
        found, acted[None], work.stage, work.scratch, work.follow, room, np.zeros(players, dtype=np.int64), np.zeros(grid.n_axes),
        np.zeros(grid.n_axes), result,
    )  # fmt: skip
    told = result[:, :, 0] + result[:, :, 1]
    size = np.abs(result[:, :, 0].mean(axis=0)) + np.abs(result[:, :, 1].mean(axis=0))
    return np.asarray(FACTOR * size + ERRORS * told.std(axis=0, ddof=1) / np.sqrt(draws) + FLOOR)


def value_errors(
    solved: Equilibrium, node: int, probe: Probe, uniform: np.ndarray, work: Workspace
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Return the error of the mover's value after each observation by its type, mean and mean square over the draws, both (Y, K)."""
    game, g = solved.game, solved.game.arrays
    owner, y0, like = int(g.owner[node]), int(g.observation_start[node]), game.likelihoods(node)
    mean, square = np.zeros((2, *like.shape[1:]))
    for y, kind in zip(*np.nonzero(like.max(axis=0) > 0.0), strict=True):
        column = int(g.columns[owner]) + int(kind)
        mean[y, kind], square[y, kind], _ = error_from(solved, int(g.target[y0 + y]), probe.posteriors[y], column, owner, int(kind), uniform, work)
    return mean, square


def error_from(
    solved: Equilibrium, node: int, x: np.ndarray, column: int, fixed: int, kind: int, uniform: np.ndarray, work: Workspace,
    nodes: np.ndarray | None = None, beliefs: np.ndarray | None = None,
) -> tuple[float, float, int]:  # fmt: skip
    """Follow histories from a point (`standoff.solve._follow.follow`); `nodes` and `beliefs` take the decision points of the last one."""
    game, joint = solved.game, work.joint if solved.game.structure.at_once else None
    nodes = np.zeros(0, dtype=np.int64) if nodes is None else nodes
    beliefs = np.zeros((0, solved.grid.n_axes)) if beliefs is None else beliefs
    return follow(  # type: ignore[no-any-return]
        node, x, column, fixed, kind, uniform, solved.lines, solved.grid.combination, game.arrays, game.payoffs, solved.values, solved.log_policy,
        work.stage, work.scratch, work.follow, joint, np.zeros(len(game.n_types), dtype=np.int64), np.zeros(solved.grid.n_axes), nodes, beliefs,
    )  # fmt: skip


class Chosen:
    """What is chosen at a point, and what would be with values corrected by their estimated error."""

    def __init__(self, solved: Equilibrium, node: int, x: np.ndarray, draws: int = AFTER) -> None:
        """Solve the stage at a node and belief coordinates, in the solution that is `rooted` there."""
        self.solved = solved.rooted(node, x)
        self.probe = self.solved.probe(node, x)
        self.node, self.x, self.draws = node, x, draws

    @property
    def exactly(self) -> float | None:
        """What may be off of an exact solution, relative to the numbers at hand; None where the grid answered."""
        exact = self.solved.exact
        return EXACTLY * (exact.depth + 1) * exact.certificate.error + ROUNDING if exact is not None and self.probe.child >= 0 else None

    def measure(self, function: Callable[[Probe], float]) -> tuple[float, float]:
        """Return a function of what is chosen, and how far it may be off; infinite where choices are made at once."""
        value = function(self.probe)
        if self.exactly is not None:
            return value, self.exactly * max(1.0, abs(value))
        if not self.solved.grid.n_axes or self.solved.game.structure.at_once:
            return value, np.inf if self.solved.grid.n_axes else PUBLIC
        return value, FACTOR * max((abs(function(other) - value) for other in self.corrected), default=0.0) + FLOOR * max(1.0, abs(value))

    @cached_property
    def bounds(self) -> np.ndarray:
        """How far each choice probability may be off, shape (K, A)."""
        policy = self.probe.policy

        def off(k: int, a: int) -> float:
            return self.measure(lambda probe: float(probe.policy[k, a]))[1]

        return np.array([[off(k, a) for a in range(policy.shape[1])] for k in range(len(policy))])

    @cached_property
    def errors(self) -> tuple[np.ndarray, np.ndarray]:
        """The estimated error of each option's value by type of the mover, and its standard error, both (A, K)."""
        game, g, node = self.solved.game, self.solved.game.arrays, self.node
        work = make_workspace(game, self.solved.grid, self.solved.values.shape[2])
        uniform = luck(self.draws, len(game.structure.layers) + len(game.n_types))
        mean, square = value_errors(self.solved, node, self.probe, uniform, work)
        like = game.likelihoods(node)
        error = float(g.beta[node]) * np.einsum("ayk,yk->ak", like, mean)
        spread = float(g.beta[node]) * np.einsum("ayk,yk->ak", like, np.sqrt(np.maximum(square - mean * mean, 0.0) / (len(uniform) - 1)))
        return error, spread

    @cached_property
    def corrected(self) -> list[Probe]:
        """The stage solved again with action values moved by their estimated errors, and by standard errors of each option on top."""
        if self.probe.policy.shape[1] < 2:
            return []
        error, spread = self.errors
        options = np.arange(-1, len(error))
        return [self._again(error + ERRORS / FACTOR * spread * (np.arange(len(error)) == option)[:, None], self.x) for option in options]

    def elsewhere(self, x: np.ndarray) -> Probe:
        """Return what is chosen at another belief, with values corrected by their estimated errors, enlarged by standard errors, at this one."""
        if self.exactly is not None or self.probe.policy.shape[1] < 2 or self.solved.game.structure.at_once:
            return self.solved.probe(self.node, x)
        error, spread = self.errors
        return self._again(error + ERRORS / FACTOR * np.sign(error) * spread, x)

    def _again(self, shift: np.ndarray, x: np.ndarray) -> Probe:
        """Solve the stage with other values of its options."""
        game, g = self.solved.game, self.solved.game.arrays
        o0, column = int(g.option_start[self.node]), int(g.columns[int(g.owner[self.node])])
        paid = game.payoffs.option.copy()
        paid[o0 : o0 + len(shift), column : column + shift.shape[1]] += shift
        other = replace(game, payoffs=Payoffs(game.payoffs.node, paid, game.payoffs.observation))
        return replace(self.solved, game=other).probe(self.node, x)
