"""The equations of all public histories of a game at once, and how their solution moves (`standoff.solve._exact`)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from standoff.errors import SolveError
from standoff.game import Game
from standoff.game.tree import Tree, menus, unroll
from standoff.solve._at_once import Moment, make_moment
from standoff.solve._exact import Axes, Linear, Room, believe, eliminate, make_room, respond
from standoff.solve.grid import to_coordinates

RESIDUAL = 1e-9
"""Largest |F| of a solved tree, relative to max(1, largest log-odds)."""

SMALL, GRAIN = 4_000, 32
"""Histories from which on a tree is divided among workers, and histories at which to divide it, per worker."""


class System:
    """The equations `F(u, t) = 0` of a tree, precision `t` times the declared one, near a point.

    A point, a direction and a response are vectors of all log-odds and then `t`. The point to begin with is the solution at `t = 0`.
    """

    def __init__(self, game: Game, workers: int, at: tuple[int, np.ndarray] | None = None) -> None:
        """Unroll a game from a node and belief coordinates, from the start and the prior if none."""
        structure, g = game.structure, game.arrays
        self.game = game
        node, x = (None, to_coordinates(game.priors)) if at is None else at
        self.tree = tree = unroll(structure, node)
        types = np.array(game.n_types, dtype=np.int64)
        self.axes = Axes(np.cumsum(types - 1) - (types - 1), types)
        k, axes, n_columns = int(types.max()), int((types - 1).sum()), int(types.sum())
        histories = len(tree.node)
        self.menus = menus(structure, tree)
        others = np.maximum(self.menus - 1, 0)
        rows = int(others.sum())
        self.point = np.zeros(rows * k + 1)
        self.by_t, self.newton = np.zeros(rows * k + 1), np.zeros(rows * k + 1)
        self.by_t[-1] = 1.0
        u, by_t, newton = (vector[:-1].reshape(rows, k) for vector in (self.point, self.by_t, self.newton))
        self.state = Linear(
            u, np.zeros((histories, axes)), np.zeros((histories, k)), np.zeros((histories, n_columns)), np.zeros((histories, n_columns, axes + 1)),
            np.zeros((rows, k, axes + 2)), np.zeros((histories, axes, 2)), by_t, newton, np.ones(histories),
        )  # fmt: skip
        here = np.repeat(tree.node, others)
        first = structure.option_start[here]
        row = first + 1 + np.arange(rows) - np.repeat(tree.unknown, others)
        used = np.arange(k) < types[g.owner[here]][:, None]
        self.start = np.where(used, (g.log_w[row] - g.log_w[first])[:, None], 0.0)
        u[:] = self.start
        if axes:
            with np.errstate(divide="ignore"):
                self.state.x[0] = np.log(x) - np.log1p(-x)
        ends = tree.child < 0
        self.state.value[ends] = game.payoffs.node[tree.node[ends]]
        payoffs = game.payoffs
        spreads = [np.ptp(pay, axis=0).max(initial=0.0) for pay in (payoffs.node, payoffs.option, payoffs.observation) if len(pay)]
        # What payoffs may weigh in one choice, in log-odds.
        self.stakes = max(float(g.precision.max(initial=0.0) * sum(spreads)), 1.0)
        self.top, self.parts = _divide(tree, np.diff(structure.observation_start)[tree.node], workers)
        n_options, n_obs = int(others.max(initial=0)) + 1, int(np.diff(structure.observation_start).max(initial=1))
        together = [structure.members(node) for node in structure.heads.tolist()]
        unknowns = [sum(int(types[g.owner[one]] * (g.option_start[one + 1] - g.option_start[one] - 1)) for one in nodes) for nodes in together]
        sizes = max(map(len, together), default=0), k, n_options, n_columns, len(types), axes, max(unknowns, default=0)
        self.rooms = [make_room(k, n_options, n_obs, axes, n_columns) for _ in range(max(len(self.parts), 1))]
        self.moments = [make_moment(*sizes) if structure.at_once else None for _ in self.rooms]
        self.pool = ThreadPoolExecutor(len(self.parts)) if self.parts else None

    def log_odds(self) -> np.ndarray:
        """Return the log-odds of every option against the first of its decision, shape (O, K)."""
        others = self.others()
        found = np.zeros((len(others), self.state.u.shape[1]))
        found[others] = self.state.u
        return found

    def others(self) -> np.ndarray:
        """Tell which options are not the first of their decision, and so have a row of unknowns, shape (O,)."""
        found = np.ones(int(self.menus.sum()), dtype=np.bool_)
        found[self.tree.option[self.menus > 0]] = False
        return found

    def reset(self) -> None:
        """Go back to where play is at precision 0."""
        self.state.u[:] = self.start
        self.point[-1] = 0.0

    @property
    def beliefs(self) -> np.ndarray:
        """Belief coordinates of every history at the present point, shape (H, D). Raises SolveError where they, or values, are not finite."""
        with np.errstate(over="ignore"):
            beliefs = 1.0 / (1.0 + np.exp(-self.state.x))
        if not np.isfinite(self.state.value).all() or np.isnan(beliefs).any():
            raise SolveError("values or beliefs are not finite on some public history")
        return np.asarray(beliefs)

    def linearise(self, drag: float = 0.0) -> float:
        """Follow beliefs, and linearise at the present point; return the largest residual. `drag` holds `newton` back (`standoff.solve._exact`)."""
        g, pay, t = self.game.arrays, self.game.payoffs, float(self.point[-1])

        def below(part: np.ndarray, room: Room, moment: Moment | None) -> float:
            believe(part, self.tree, g, self.axes, self.state, room)
            return float(eliminate(part, self.tree, g, pay, self.axes, self.state, t, drag, room, moment))

        believe(self.top, self.tree, g, self.axes, self.state, self.rooms[0])
        worst = max(self._spread(below), default=0.0)
        return max(worst, float(eliminate(self.top, self.tree, g, pay, self.axes, self.state, t, drag, self.rooms[0], self.moments[0])))

    def respond(self) -> None:
        """Fill `by_t`, how log-odds move with `t` along the solutions, and `newton`, Newton's step at fixed `t`."""

        def below(part: np.ndarray, room: Room, moment: Moment | None) -> None:
            respond(part, self.tree, self.game.arrays, self.axes, self.state, room, moment)

        below(self.top, self.rooms[0], self.moments[0])
        self._spread(below)

    def side(self) -> float:
        """Return the sign of the determinant of all equations where they were last linearised, 0 where they are singular."""
        sign = self.state.sign
        return 0.0 if (sign == 0.0).any() else 1.0 - 2.0 * (np.count_nonzero(sign < 0.0) % 2)

    def _spread(self, task: Callable[[np.ndarray, Room, Moment | None], Any]) -> list[Any]:
        """Run a task on all parts below the top; each history is computed alone, so that parts do not change results."""
        return list(self.pool.map(task, self.parts, self.rooms, self.moments)) if self.pool else []


def _divide(tree: Tree, n_children: np.ndarray, workers: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the top of a tree and the parts below it, one for each worker, by level: first history and the one after the last.

    A small tree is all top: going to other threads would take longer than it saves.
    """
    # Where the children of a history begin, had it any; so also where a range of histories goes on in the next level.
    onward = 1 + np.concatenate([[0], np.cumsum(n_children)])
    bounds = [0, 1]
    while bounds[-1] < len(tree.node):
        bounds.append(int(onward[bounds[-1]]))
    levels = np.array(bounds)
    whole = np.stack([levels[:-1], levels[1:]], axis=1)
    wide = np.flatnonzero(np.diff(levels) >= GRAIN * workers)
    if workers < 2 or len(tree.node) < SMALL or not len(wide):
        return whole, []
    cut = int(wide[0])
    after = np.zeros(int(levels[cut + 1] - levels[cut]) + 1)  # histories below, before each of the level of the cut
    edge = np.arange(levels[cut], levels[cut + 1] + 1)
    while edge[0] < edge[-1]:
        after += edge - edge[0]
        edge = onward[edge]
    cuts = levels[cut] + np.searchsorted(after, np.linspace(0.0, after[-1], workers + 1))
    parts: list[list[np.ndarray]] = [[] for _ in range(workers)]
    for _ in range(cut, len(whole)):
        for i, part in enumerate(parts):
            part.append(cuts[i : i + 2])
        cuts = onward[cuts]
    return whole[:cut], [np.array(part) for part in parts]
