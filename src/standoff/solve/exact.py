"""The exact engine: the equilibrium on every public history of a game, without interpolation.

A game whose tree of public histories is small enough is solved on that tree: unknown are the log-odds of every decision, beliefs are followed
by Bayes' rule and values are those of the histories themselves. The principal branch is followed from precision 0, where behaviour is known, by
pseudo-arclength (Keller 1977; Turocy 2005 for games) with Newton's method on the whole tree (`standoff.solve._exact`), so that turning points
are passed and precision may be as high as wanted. What it finds is agent quantal response (McKelvey & Palfrey 1998) on the game tree.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from standoff.errors import GameTooLargeError, SolveError
from standoff.game import DECISION, Game
from standoff.game.structure import Structure
from standoff.solve._at_once import make_moment
from standoff.solve._exact import Axes, Linear, Room, Tree, believe, eliminate, respond
from standoff.solve._stage import make_stage
from standoff.solve.grid import to_beliefs, to_coordinates
from standoff.solve.induction import Progress
from standoff.solve.together import joined_values

MAX_HISTORIES = 2_000_000
"""About 1 kB each for two players with two types each."""

RESIDUAL = 1e-9
"""Largest |F| of a solved tree, relative to max(1, largest log-odds)."""

SAME_BELIEF, SAME_VALUE = 1e-9, 1e-6
"""How near beliefs, and values there, must be for a history to stand for another."""

STEPS, ROUNDS = 5_000, 8
NEAR = 1e-4
"""Newton's last step, in log-odds, that is near enough to the branch to go on from there."""


def count_histories(structure: Structure, root: int = 0) -> int:
    """Return the number of public histories from a root, ends included, without listing them; stops counting at 2**62."""
    count = np.zeros(structure.n_nodes)
    start, target = structure.observation_start, structure.target
    layers = structure.layers
    for first, last in zip(layers[-2::-1], layers[:0:-1], strict=True):
        rows = np.arange(start[first], start[last])
        owner = np.repeat(np.arange(first, last), np.diff(start[first : last + 1]))
        count[first:last] = 1.0 + np.bincount(owner - first, weights=count[target[rows]], minlength=last - first)
    return int(min(count[structure.roots[root]], 2.0**62))


def unroll(structure: Structure, root: int = 0) -> Tree:
    """Return the tree of public histories from a root, parents before children."""
    start, target = structure.observation_start, structure.target
    nodes, children = [np.array([structure.roots[root]])], []
    total = 1
    while len(nodes[-1]):
        here = nodes[-1]
        n = start[here + 1] - start[here]
        before = np.cumsum(n) - n
        children.append(np.where(n > 0, total + before, -1))
        rows = np.repeat(start[here] - before, n) + np.arange(int(n.sum()))
        nodes.append(target[rows])
        total += len(rows)
    node, child = np.concatenate(nodes).astype(np.int64), np.concatenate(children).astype(np.int64)
    options = np.diff(structure.option_start)[node]
    if not structure.at_once:
        return Tree(node, child, (np.cumsum(options) - options).astype(np.int64))
    # Those who choose at the same moment as others before them choose alike wherever these have led.
    heads = head_histories(structure, node, child)
    _, first, same = np.unique(np.stack([heads, structure.place[node]]), axis=1, return_index=True, return_inverse=True)
    chooser = first[same.reshape(-1)]
    options = np.where(chooser == np.arange(len(node)), options, 0)
    return Tree(node, child, (np.cumsum(options) - options)[chooser].astype(np.int64))


def head_histories(structure: Structure, node: np.ndarray, child: np.ndarray) -> np.ndarray:
    """Return for each history the one at which the choice there is made: itself, but for turns taken at once; shape (H,)."""
    heads = np.arange(len(node))
    for h in np.flatnonzero((child >= 0) & structure.together[node]).tolist():
        below = slice(int(child[h]), int(child[h]) + int(structure.observation_start[node[h] + 1] - structure.observation_start[node[h]]))
        # Parents come first, so that a head is passed on from one member to the next.
        joins = structure.head[node[below]] == structure.head[node[h]]
        heads[below] = np.where(joins & (node[below] != structure.head[node[h]]), heads[h], heads[below])
    return heads


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


def exact(game: Game, *, max_histories: int = MAX_HISTORIES, progress: Progress | None = None) -> Exact:
    """Solve a game on all its public histories.

    Raises GameTooLargeError with the number of histories when there are more than `max_histories`, SolveError when the branch is lost.

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
    branch = _Branch(game)
    residual, folds, steps = branch.follow(progress)
    state = branch.state
    with np.errstate(over="ignore"):
        beliefs = 1.0 / (1.0 + np.exp(-state.x))
    if not np.isfinite(state.value).all() or np.isnan(beliefs).any():
        raise SolveError("values or beliefs are not finite on some public history")
    certificate = Residual(len(branch.tree.node), residual, folds, steps)
    return Exact(game, branch.tree, state.u, beliefs, state.value, certificate, time.perf_counter() - begun)


class _Branch:
    """The branch of solutions `(u, t)`, precision `t` times the declared one, `t` from 0 to 1."""

    def __init__(self, game: Game) -> None:
        structure, g = game.structure, game.arrays
        self.game = game
        self.tree = unroll(structure)
        types = np.array(game.n_types, dtype=np.int64)
        k, axes, n_columns = int(types.max()), int((types - 1).sum()), int(types.sum())
        options = np.diff(structure.option_start)[self.tree.node]
        # Option rows of turns taken at once are shared; they are made with the first history that has them.
        some = np.flatnonzero(options > 0)
        new = np.zeros(len(options), dtype=bool)
        new[some[np.unique(self.tree.option[some], return_index=True)[1]]] = True
        n_options, n_obs = max(int(options.max(initial=1)), 1), int(np.diff(structure.observation_start).max(initial=1))
        n_obs = max(n_obs, n_options)
        options = np.where(new, options, 0)
        histories, rows, own = len(self.tree.node), int(options.sum()), max(k - 1, 1)
        self.axes = Axes(np.cumsum(types - 1) - (types - 1), types)
        self.stage = make_stage(k, n_options, n_obs, 1, 1)
        size = k * max(n_options - 1, 1)
        self.room = Room(
            np.zeros(own), np.zeros(k), np.zeros((len(types), k)), np.zeros((len(types), k)), np.zeros((k, n_options)), np.zeros(k), np.zeros(k), np.zeros(own),
            np.zeros((n_obs, own, own)), np.zeros((n_obs, own, k)), np.zeros((size, size)),
        )  # fmt: skip
        together = [structure.members(node) for node in structure.heads.tolist()]
        unknowns = [sum(int(types[g.owner[one]] * (g.option_start[one + 1] - g.option_start[one] - 1)) for one in nodes) for nodes in together]
        self.moment = make_moment(max(map(len, together), default=0), k, n_options, n_columns, len(types), axes, max(unknowns, default=0))
        self.state = Linear(
            np.zeros((rows, k)), np.zeros((histories, axes)), np.zeros((histories, n_columns)), np.zeros((histories, n_columns, axes + 1)),
            np.zeros((rows, k, axes + 2)), np.zeros((histories, axes, 2)), np.zeros((rows, k, 2)),
        )  # fmt: skip
        here = np.repeat(self.tree.node, options)
        row = np.repeat(structure.option_start[self.tree.node] - self.tree.option, options) + np.arange(rows)
        self.used = np.arange(k)[None, :] < types[np.maximum(g.owner[here], 0)][:, None]
        self.state.u[:] = (g.log_w[row] - g.log_w[structure.option_start[here]])[:, None]
        if axes:
            x = to_coordinates(game.priors)
            with np.errstate(divide="ignore"):
                self.state.x[0] = np.log(x) - np.log1p(-x)

    def linearise(self, t: float) -> float:
        """Follow beliefs, linearise at the present log-odds; return the largest residual."""
        g = self.game.arrays
        believe(self.tree, g, self.axes, self.state, self.stage, self.room)
        return float(eliminate(self.tree, g, self.game.payoffs, self.axes, self.state, t, self.stage, self.room, self.moment))

    def responses(self) -> tuple[np.ndarray, np.ndarray]:
        """Return how log-odds move with `t` along the solutions, and Newton's step at fixed `t`; shapes (O, K)."""
        respond(self.tree, self.game.arrays, self.axes, self.state, self.stage, self.room, self.moment)
        return np.where(self.used, self.state.du[..., 0], 0.0), np.where(self.used, self.state.du[..., 1], 0.0)

    def follow(self, progress: Progress | None) -> tuple[float, int, int]:
        """Follow the branch to `t = 1`; return (residual, turning points, steps)."""
        u, t, folds = self.state.u, 0.0, 0
        self.linearise(t)
        tangent, pace = _unit(self.responses()[0])
        # The first step moves no log-odds by more than one.
        step = min(1.0 / max(float(np.abs(tangent).max(initial=0.0)), 1e-300), 1.0 / pace)
        for count in range(1, STEPS + 1):
            before = u.copy(), t
            last = pace > 0.0 and t + step * pace >= 1.0
            step = (1.0 - t) / pace if last else step
            length = step * float(np.abs(tangent).max(initial=0.0))
            t, residual, rounds, first = self._correct(before, tangent, pace, step, length, last)
            if rounds > 0 and last:
                if not residual <= RESIDUAL:
                    raise SolveError(f"the equations of the tree were solved to {residual:.1e} only (relative log-odds); {RESIDUAL:.0e} is wanted")
                return residual, folds, count
            if rounds > 0:
                residual = self.linearise(t)
                ahead, onward = _unit(self.responses()[0]) if np.isfinite(residual) else (tangent, np.nan)
                turn = float((ahead * tangent).sum()) + onward * pace
                if turn < 0.0:
                    ahead, onward, turn = -ahead, -onward, -turn
                # A sharp bend is taken in smaller steps, so that the branch cannot be swapped for a neighbour.
                if turn >= 0.8 or length <= 1e-6:
                    folds += int(onward * pace < 0.0)
                    tangent, pace = ahead, onward
                    if rounds <= 3 and first < 0.1 * max(length, 1e-3):
                        step *= 2.0
                    if t < 0.0:
                        raise SolveError("the branch from precision 0 led back there; the game's equations may be too badly scaled")
                    if progress is not None:
                        progress("following the branch", min(max(t, 0.0), 1.0))
                    continue
            u[:], t = before
            step *= 0.5
            if step * float(np.abs(tangent).max(initial=0.0)) < 1e-9:
                raise SolveError(f"the branch from precision 0 was lost at {t:.3%} of the precision after {folds} turning points")
        raise SolveError(f"the branch from precision 0 took more than {STEPS} steps and reached {t:.3%} of the precision")

    def _correct(
        self, before: tuple[np.ndarray, float], tangent: np.ndarray, pace: float, step: float, length: float, last: bool
    ) -> tuple[float, float, int, float]:
        """Go a step along the tangent and return to the branch; `(t, residual, rounds, first)`, rounds 0 where that fails.

        `first` is the size of the first correction. The last step keeps `t` at 1, the others keep the length of the arc.
        """
        u = self.state.u
        guess, aim = before[0] + step * tangent, 1.0 if last else before[1] + step * pace
        u[:], t = guess, aim
        first = size = np.inf
        for count in range(1, ROUNDS + 1):
            residual = self.linearise(t)
            if last and residual <= 0.01 * RESIDUAL and count > 1:
                return t, residual, count, first
            if not np.isfinite(residual):
                break
            by_t, newton = self.responses()
            dt = 0.0
            if not last:
                # Block elimination of the arc's equation (Keller 1977).
                dt = -(float((tangent * (u - guess + newton)).sum()) + pace * (t - aim)) / (float((tangent * by_t).sum()) + pace)
            change = newton + dt * by_t
            old, size = size, float(np.abs(change).max(initial=0.0))
            if not np.isfinite(size):
                break
            if count == 1:
                first = size
                if size > max(0.5 * length, 1e-2):
                    break
            elif size > 0.7 * old:
                # Newton's steps no longer shrink: at the end of the branch that is rounding, elsewhere another branch.
                if last and residual <= RESIDUAL:
                    return t, residual, count, first
                break
            u += change
            t += dt
            if not last and size < NEAR:
                return t, residual, count, first
        return before[1], np.inf, 0, first


def _unit(by_t: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the tangent `(du, dt)` of length one from the derivative of `u` by `t`."""
    norm = float(np.sqrt((by_t**2).sum() + 1.0))
    return by_t / norm, 1.0 / norm
