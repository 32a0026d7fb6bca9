"""The exact engine: the equilibrium on every public history of a game, without interpolation.

A game whose tree of public histories is small enough is solved on that tree: unknown are the log-odds of every decision, beliefs are followed
by Bayes' rule and values are those of the histories themselves. The principal branch is followed from precision 0, where behaviour is known, by
pseudo-arclength (Keller 1977; Turocy 2005 for games) with Newton's method on the whole tree (`standoff.solve._exact`), so that turning points
are passed and precision may be as high as wanted. What it finds is agent quantal response (McKelvey & Palfrey 1998) on the game tree.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from standoff.errors import GameTooLargeError, SolveError
from standoff.game import DECISION, Game
from standoff.game.tree import MAX_HISTORIES, Tree, choosers, count_histories, head_histories, unroll
from standoff.solve._at_once import Moment, make_moment
from standoff.solve._exact import Axes, Linear, Room, believe, eliminate, make_room, respond
from standoff.solve.grid import to_beliefs, to_coordinates
from standoff.solve.induction import Progress
from standoff.solve.together import joined_values

MAX_AXES, MAX_BYTES = 200, 6 * 2**30
"""A history with a choice costs the cube of the mover's types; with 200 it takes seconds."""

RESIDUAL = 1e-9
"""Largest |F| of a solved tree, relative to max(1, largest log-odds)."""

SAME_BELIEF, SAME_VALUE = 1e-9, 1e-6
"""How near beliefs, and values there, must be for a history to stand for another."""

STEPS, ROUNDS = 20_000, 8
AIM, NEAR, NEAREST, LEFT, ROUGH = 0.05, 0.1, 1e-4, 0.01, 0.03
"""First correction, in log-odds, that is aimed at; the largest after which to go on from there, at first and where that went wrong; what may be left
by then, going by how corrections shrink; the largest residual before it."""

SMALL, GRAIN = 4_000, 32
"""Histories from which on a tree is divided among workers, and histories at which to divide it, per worker."""


@dataclass(frozen=True)
class Residual:
    """How well the equations of a tree are solved."""

    histories: int
    residual: float
    """Largest residual of a decision's equations, relative to max(1, largest log-odds)."""
    folds: int
    """Turning points that the branch passed."""
    steps: int

    @property
    def met(self) -> bool:
        """Whether the equations hold to `RESIDUAL`."""
        return self.residual <= RESIDUAL

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {**asdict(self), "met": self.met}

    def text(self) -> str:
        """Say in a sentence whether the solution can be trusted."""
        return (
            f"{'met' if self.met else 'NOT MET'}: exact on all {self.histories:,} public histories, residual {self.residual:.1e} (relative log-odds; "
            f"tolerance {RESIDUAL:.0e}); {self.folds} turning points on the branch from precision 0, {self.steps} steps"
        )


@dataclass(frozen=True, eq=False)
class Exact:
    """A game solved on its public histories. `H` histories, `O` options in all, `D` belief axes, `C` columns."""

    game: Game
    tree: Tree
    log_odds: np.ndarray
    """Of each option against the first of its decision, by type of the mover, shape (O, K)."""
    beliefs: np.ndarray
    """Belief coordinates of every history (`standoff.solve.grid`), shape (H, D)."""
    values: np.ndarray
    """Expected payoffs from every history on, shape (H, C)."""
    certificate: Residual
    seconds: float

    def __len__(self) -> int:
        return len(self.tree.node)

    def at(self, history: int) -> np.ndarray:
        """Return the choice probabilities at a history, shape (K, A)."""
        node = int(self.tree.node[history])
        owner = int(self.game.arrays.owner[node])
        first = int(self.tree.option[history])
        options = int(self.game.arrays.option_start[node + 1] - self.game.arrays.option_start[node])
        u = self.log_odds[first : first + options, : self.game.n_types[owner]].T
        u = np.exp(u - u.max(axis=1, keepdims=True))
        return np.asarray(u / u.sum(axis=1, keepdims=True))

    def first_decision(self) -> tuple[int, np.ndarray]:
        """Return the first decision point with a choice on the likeliest way from the start, and the belief there."""
        g, history = self.game.arrays, 0
        while True:
            node = int(self.tree.node[history])
            if g.option_start[node + 1] - g.option_start[node] > 1:
                return node, self.beliefs[history]
            if self.tree.child[history] < 0:
                raise SolveError("nobody has a choice in this game")
            owner = int(g.owner[node])
            belief = to_beliefs(self.beliefs[history], self.game.n_types)[owner] if owner >= 0 else np.ones(1)
            history = int(self.tree.child[history]) + int(np.argmax(self.likelihood(history) @ belief))

    def policy_at(self, node: int, x: np.ndarray | None = None) -> dict[str, dict[str, float]]:
        """Return the mover's choice probabilities by type and option at a node and belief on some history.

        Raises SolveError where no history passes: the tree knows nothing of other beliefs.
        """
        game = self.game
        history = self.find(node, self.beliefs[0] if x is None else x)
        if history is None:
            raise SolveError("no public history comes to this decision with this belief; solve on the grid to ask for any belief")
        rows = range(game.arrays.option_start[node], game.arrays.option_start[node + 1])
        names = [game.option_address(row).split(".", 1)[1] for row in rows]
        types = game.canonical.players[int(game.arrays.owner[node])].types
        return {kind: {name: float(p) for name, p in zip(names, policy, strict=True)} for kind, policy in zip(types, self.at(history), strict=True)}

    def policy(self) -> Any:
        """Return the first choice as an xarray DataArray with dimensions `type` and `option`.

        >>> import standoff as so
        >>> round(float(so.exact(so.build(so.load("repeated-signalling"))).policy().sel(type="weak", option="press")), 5)
        0.42164
        """
        import xarray as xr

        table = self.policy_at(*self.first_decision())
        options = list(next(iter(table.values())))
        data = np.array([[policy[option] for option in options] for policy in table.values()])
        return xr.DataArray(data, coords={"type": list(table), "option": options}, dims=("type", "option"))

    def value(self, player: str) -> Any:
        """Return a player's expected payoff at the start by own type, as an xarray DataArray with dimension `type`."""
        import xarray as xr

        i = self.game.player_index[player]
        columns = self.game.arrays.columns
        types = list(self.game.canonical.players[i].types)
        return xr.DataArray(self.values[0, columns[i] : columns[i + 1]], coords={"type": types}, dims=("type",), name=player)

    @cached_property
    def choices(self) -> np.ndarray:
        """The histories at which somebody has a choice."""
        g = self.game.arrays
        return np.asarray(np.flatnonzero(np.diff(g.option_start)[self.tree.node] > 1))

    @cached_property
    def _at(self) -> dict[int, np.ndarray]:
        order = np.argsort(self.tree.node, kind="stable")
        nodes, first = np.unique(self.tree.node[order], return_index=True)
        return dict(zip(nodes.tolist(), np.split(order, first[1:]), strict=True))

    @property
    def known(self) -> np.ndarray:
        """Belief coordinates that a choice hangs on: those of the history, but for choices made at once, of which none is known yet; (H, D)."""
        return np.asarray(self.beliefs[self._heads])

    def find(self, node: int, x: np.ndarray) -> int | None:
        """Return a history that stands at a node with these belief coordinates (`known`), or None.

        Beliefs within 1e-9 count as the same, unless histories that close behave differently: then none of them can be meant.
        """
        candidates = self._at.get(node)
        if candidates is None:
            return None
        gap = np.abs(self.known[candidates] - x).max(axis=1, initial=0.0)
        near = candidates[gap <= SAME_BELIEF]
        if not len(near):
            return None
        best = int(candidates[np.argmin(gap)])
        if len(near) > 1:
            spread = np.abs(self.values[near] - self.values[best]).max()
            if spread > SAME_VALUE * max(1.0, float(np.abs(self.values[best]).max())):
                return None
        return best

    def likelihood(self, history: int) -> np.ndarray:
        """Return the chance of each observation that may follow a history by type of its owner, shape (Y, K)."""
        g, node = self.game.arrays, int(self.tree.node[history])
        n_obs = int(g.observation_start[node + 1] - g.observation_start[node])
        owner = int(g.owner[node])
        k = self.game.n_types[owner] if owner >= 0 else 1
        if g.kind[node] == DECISION:
            return np.asarray(np.einsum("ka,ayk->yk", self.at(history), self.game.likelihoods(node)))
        start = int(g.like_start[node])
        return np.asarray(g.like[start : start + n_obs * k].reshape(n_obs, k)) if n_obs > 1 else np.ones((n_obs, k))

    def action_values(self, history: int) -> np.ndarray:
        """Return the expected payoff of each option by type of the mover, shape (K, A)."""
        game, g, node = self.game, self.game.arrays, int(self.tree.node[history])
        if g.head[node] != node:
            return self._joined_values(history)
        o0, o1, y0, y1 = (int(rows[node + i]) for rows in (g.option_start, g.observation_start) for i in (0, 1))
        owner, child = int(g.owner[node]), int(self.tree.child[history])
        own = slice(int(g.columns[owner]), int(g.columns[owner]) + game.n_types[owner])
        onward = game.payoffs.observation[y0:y1, own] + g.beta[node] * self.values[child : child + y1 - y0, own]
        return np.asarray(game.payoffs.option[o0:o1, own].T + np.einsum("ayk,yk->ka", game.likelihoods(node), onward))

    @cached_property
    def _heads(self) -> np.ndarray:
        """The history at whose belief the choice of each is made, shape (H,)."""
        return head_histories(self.game.structure, self.tree.node, self.tree.child)

    def _joined_values(self, history: int) -> np.ndarray:
        """Return the same for one who does not know what those before it choose at the same moment."""
        tree, head = self.tree, int(self._heads[history])
        return joined_values(
            self.game, int(self.game.arrays.owner[tree.node[history]]), head, self.beliefs[head], lambda h: int(tree.node[h]), self.at,
            lambda h, a: int(tree.child[h]) + a, lambda h: np.asarray(self.values[h]),
        )  # fmt: skip


def exact(game: Game, *, max_histories: int = MAX_HISTORIES, workers: int = 2, progress: Progress | None = None) -> Exact:
    """Solve a game on all its public histories, by so many threads where the game is large; their number does not change the result.

    Raises GameTooLargeError with the numbers when there are more than `max_histories` histories, or too many types; SolveError when the branch is
    lost.

    >>> import standoff as so
    >>> solved = so.exact(so.build(so.load("repeated-signalling", {"precision": 1000})))
    >>> solved.certificate.met
    True
    """
    begun = time.perf_counter()
    game.must_end("solving on all public histories")
    histories = count_histories(game.structure)
    if histories > max_histories:
        raise GameTooLargeError(
            f"the game has {histories:,} public histories, of which the exact engine takes {max_histories:,} at most; solve it on the grid"
        )
    axes, columns = sum(k - 1 for k in game.n_types), sum(game.n_types)
    bytes_ = 8.0 * histories * columns * (axes + 1)
    if axes > MAX_AXES or bytes_ > MAX_BYTES:
        raise GameTooLargeError(
            f"{histories:,} public histories of players whose types span {axes} belief axes (a player with K types takes K - 1), about "
            f"{bytes_ / 2**30:.1f} GB, are too much: the exact engine takes {MAX_AXES} axes and {MAX_BYTES / 2**30:.0f} GB at most. Use fewer types"
        )
    branch = _Branch(game, workers)
    residual, folds, steps = branch.follow(progress)
    tree, state = branch.tree, branch.state
    with np.errstate(over="ignore"):
        beliefs = 1.0 / (1.0 + np.exp(-state.x))
    if not np.isfinite(state.value).all() or np.isnan(beliefs).any():
        raise SolveError("values or beliefs are not finite on some public history")
    certificate = Residual(len(tree.node), residual, folds, steps)
    return Exact(game, tree, branch.log_odds(), beliefs, state.value, certificate, time.perf_counter() - begun)


class _Branch:
    """The branch of solutions `(u, t)`, precision `t` times the declared one, `t` from 0 to 1.

    A point, a direction and a response are vectors of all log-odds and then `t`.
    """

    def __init__(self, game: Game, workers: int) -> None:
        structure, g = game.structure, game.arrays
        self.game = game
        self.tree = tree = unroll(structure)
        types = np.array(game.n_types, dtype=np.int64)
        self.axes = Axes(np.cumsum(types - 1) - (types - 1), types)
        k, axes, n_columns = int(types.max()), int((types - 1).sum()), int(types.sum())
        histories = len(tree.node)
        self.fresh = choosers(structure, tree.node, tree.child) == np.arange(histories)
        others = np.where(self.fresh, np.maximum(np.diff(structure.option_start) - 1, 0)[tree.node], 0)
        rows = int(others.sum())
        self.point = np.zeros(rows * k + 1)
        self.by_t, self.newton = np.zeros(rows * k + 1), np.zeros(rows * k + 1)
        self.by_t[-1] = 1.0
        u, by_t, newton = (vector[:-1].reshape(rows, k) for vector in (self.point, self.by_t, self.newton))
        self.state = Linear(
            u, np.zeros((histories, axes)), np.zeros((histories, k)), np.zeros((histories, n_columns)), np.zeros((histories, n_columns, axes + 1)),
            np.zeros((rows, k, axes + 2)), np.zeros((histories, axes, 2)), by_t, newton,
        )  # fmt: skip
        here = np.repeat(tree.node, others)
        first = structure.option_start[here]
        row = first + 1 + np.arange(rows) - np.repeat(tree.unknown, others)
        used = np.arange(k) < types[g.owner[here]][:, None]
        u[:] = np.where(used, (g.log_w[row] - g.log_w[first])[:, None], 0.0)
        if axes:
            x = to_coordinates(game.priors)
            with np.errstate(divide="ignore"):
                self.state.x[0] = np.log(x) - np.log1p(-x)
        ends = tree.child < 0
        self.state.value[ends] = game.payoffs.node[tree.node[ends]]
        self.top, self.parts = _divide(tree, np.diff(structure.observation_start)[tree.node], workers)
        n_options, n_obs = int(others.max(initial=0)) + 1, int(np.diff(structure.observation_start).max(initial=1))
        together = [structure.members(node) for node in structure.heads.tolist()]
        unknowns = [sum(int(types[g.owner[one]] * (g.option_start[one + 1] - g.option_start[one] - 1)) for one in nodes) for nodes in together]
        sizes = max(map(len, together), default=0), k, n_options, n_columns, len(types), axes, max(unknowns, default=0)
        self.rooms = [make_room(k, n_options, n_obs, axes, n_columns) for _ in range(max(len(self.parts), 1))]
        self.moments = [make_moment(*sizes) for _ in self.rooms]
        self.pool = ThreadPoolExecutor(len(self.parts)) if self.parts else None

    def log_odds(self) -> np.ndarray:
        """Return the log-odds of every option against the first of its decision, shape (O, K)."""
        others = self.others()
        found = np.zeros((len(others), self.state.u.shape[1]))
        found[others] = self.state.u
        return found

    def others(self) -> np.ndarray:
        """Tell which options are not the first of their decision, and so have a row of unknowns, shape (O,)."""
        options = np.where(self.fresh, np.diff(self.game.structure.option_start)[self.tree.node], 0)
        found = np.ones(int(options.sum()), dtype=np.bool_)
        found[self.tree.option[options > 0]] = False
        return found

    def linearise(self) -> float:
        """Follow beliefs, and linearise at the present point; return the largest residual."""
        g, pay, t = self.game.arrays, self.game.payoffs, float(self.point[-1])

        def below(part: np.ndarray, room: Room, moment: Moment) -> float:
            believe(part, self.tree, g, self.axes, self.state, room)
            return float(eliminate(part, self.tree, g, pay, self.axes, self.state, t, room, moment))

        believe(self.top, self.tree, g, self.axes, self.state, self.rooms[0])
        worst = max(self._spread(below), default=0.0)
        return max(worst, float(eliminate(self.top, self.tree, g, pay, self.axes, self.state, t, self.rooms[0], self.moments[0])))

    def respond(self) -> None:
        """Fill `by_t`, how log-odds move with `t` along the solutions, and `newton`, Newton's step at fixed `t`."""

        def below(part: np.ndarray, room: Room, moment: Moment) -> None:
            respond(part, self.tree, self.game.arrays, self.axes, self.state, room, moment)

        below(self.top, self.rooms[0], self.moments[0])
        self._spread(below)

    def _spread(self, task: Callable[[np.ndarray, Room, Moment], Any]) -> list[Any]:
        """Run a task on all parts below the top; each history is computed alone, so that parts do not change results."""
        return list(self.pool.map(task, self.parts, self.rooms, self.moments)) if self.pool else []

    def follow(self, progress: Progress | None) -> tuple[float, int, int]:
        """Follow the branch to `t = 1`; return (residual, turning points, steps).

        A step goes ahead on a parabola, fitted to the directions of the branch at its last two points (Lundberg & Poore 1991), and its length is
        that for which the first correction should come out as `AIM`. So one linearisation mostly does for a step: it gives the correction and
        the direction, which is turned back less than the correction is long.
        """
        self.linearise()
        self.respond()
        direction = _unit(self.by_t)
        bend, folds, gone, near = np.zeros_like(direction), 0, 0.0, NEAR
        earlier: tuple[np.ndarray, np.ndarray, np.ndarray, int] | None = None
        # The first step moves no log-odds by more than one.
        step = 1.0 / max(float(np.abs(direction[:-1]).max(initial=0.0)), direction[-1])
        for count in range(1, STEPS + 1):
            start = self.point.copy()
            to_end = _reach(1.0 - start[-1], direction[-1], bend[-1])
            last = to_end <= step
            step = min(step, to_end)
            ahead = direction + step * bend
            guess = start + 0.5 * step * (direction + ahead)
            if last:
                guess[-1] = 1.0
            length = float(np.abs(guess[:-1] - start[:-1]).max(initial=0.0))
            residual, first = self._correct(guess, ahead, length, near, last)
            if residual < np.inf and last:
                if not residual <= RESIDUAL:
                    raise SolveError(f"the equations of the tree were solved to {residual:.1e} only (relative log-odds); {RESIDUAL:.0e} is wanted")
                return residual, folds, count
            if residual < np.inf and self.point[-1] < 1.0:
                onward = _unit(self.by_t)
                turn = _inner(onward, ahead) / _inner(ahead, ahead) ** 0.5
                if turn < 0.0:
                    onward, turn = -onward, -turn
                # A sharper bend than expected is taken in smaller steps, so that the branch cannot be swapped for a neighbour.
                if turn >= 0.8 or length <= 1e-6:
                    earlier = start, direction, bend, folds
                    folds += int(onward[-1] * direction[-1] < 0.0)
                    way = self.point - start
                    gone = _inner(way, way) ** 0.5
                    bend = (onward - direction) / gone
                    direction = onward
                    # The parabola misses by the third power of the step.
                    step = gone * min(max((AIM / max(first, 1e-300)) ** (1 / 3), 0.3), 2.0)
                    near = min(3.0 * near, NEAR)
                    t = float(self.point[-1])
                    if t < 0.0:
                        raise SolveError("the branch from precision 0 led back there; the game's equations may be too badly scaled")
                    if progress is not None:
                        progress("following the branch", t)
                    continue
            self.point[:] = start
            step *= 0.5
            if earlier is not None and step < 0.05 * gone:
                # However short a step is, it fails: the point that it starts from is itself too far from the branch.
                self.point[:], direction, bend, folds = earlier
                step, near, earlier = 0.25 * gone, NEAREST, None
                continue
            if step * float(np.abs(direction[:-1]).max(initial=0.0)) < 1e-9:
                raise SolveError(f"the branch from precision 0 was lost at {start[-1]:.3%} of the precision after {folds} turning points")
        raise SolveError(f"the branch from precision 0 took more than {STEPS} steps and reached {self.point[-1]:.3%} of the precision")

    def _correct(self, guess: np.ndarray, ahead: np.ndarray, length: float, near: float, last: bool) -> tuple[float, float]:
        """Return to the branch from a guess, across the direction `ahead`; `(residual, first)`, the residual infinite where that fails.

        `first` is the size of the first correction; one smaller than `near` may be the last. The last step keeps `t` at 1 and goes on until the
        equations are solved.
        """
        point, by_t, newton = self.point, self.by_t, self.newton
        point[:] = guess
        first = size = np.inf
        for count in range(1, ROUNDS + 1):
            residual = self.linearise()
            if last and residual <= 0.01 * RESIDUAL and count > 1:
                return residual, first
            if not np.isfinite(residual):
                break
            self.respond()
            change = newton
            if not last:
                # Block elimination of the arc's equation (Keller 1977).
                change = newton - (_inner(ahead, point - guess + newton) / _inner(ahead, by_t)) * by_t
            old, size = size, float(np.abs(change).max())
            if not np.isfinite(size):
                break
            if count == 1:
                first = size
                if size > max(0.5 * length, AIM):
                    break
            elif size > 0.7 * old:
                # Newton's steps no longer shrink: at the end of the branch that is rounding, elsewhere another branch.
                if last and residual <= RESIDUAL:
                    return residual, first
                break
            point += change
            # A small step of Newton's is not enough where equations are stiff, as at high precision; there the residual is still large.
            done = size < min(near, max(0.3 * length, NEAREST)) and size**2 < LEFT * old and residual < ROUGH
            if done and not last:
                return residual, first
        return np.inf, first


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


def _unit(by_t: np.ndarray) -> np.ndarray:
    """Return the direction of length one along the derivative by `t`."""
    return np.asarray(by_t / _inner(by_t, by_t) ** 0.5)


def _inner(one: np.ndarray, two: np.ndarray) -> float:
    """Return the inner product. BLAS would give it to threads of its own, which cost more here than they save."""
    return float(np.einsum("i,i->", one, two))


def _reach(gap: float, pace: float, bend: float) -> float:
    """Return the first `s > 0` with `pace s + bend s^2 / 2 = gap > 0`, infinite where there is none."""
    inside = pace * pace + 2.0 * bend * gap
    below = pace + np.sqrt(inside) if inside >= 0.0 else 0.0
    return float(2.0 * gap / below) if below > 0.0 else np.inf
