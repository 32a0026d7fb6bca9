"""The exact engine: the equilibrium on every public history of a game, without interpolation.

A game whose tree of public histories is small enough is solved on that tree: unknown are the log-odds of every decision, beliefs are followed
by Bayes' rule and values are those of the histories themselves. The principal branch is followed from precision 0, where behaviour is known, by
pseudo-arclength (Keller 1977; Turocy 2005 for games) with Newton's method on the whole tree (`standoff.solve._exact`), so that turning points
are passed and precision may be as high as wanted. What it finds is agent quantal response (McKelvey & Palfrey 1998) on the game tree.

The branch of a large tree may turn back hundreds of times. Such a tree is solved by letting play adjust from the same start
(`standoff.solve.tree_flow`): as exact, and wherever both are known the same equilibrium, but not shown to lie on the branch. The result says so.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np

from standoff.errors import GameTooLargeError, SolveError
from standoff.game import DECISION, Game
from standoff.game.tree import MAX_HISTORIES, Tree, count_histories, head_histories, histories_from
from standoff.passed import passed
from standoff.solve._exact import Axes
from standoff.solve.grid import to_beliefs
from standoff.solve.induction import Progress
from standoff.solve.together import joined_values
from standoff.solve.tree_branch import STEPS, follow
from standoff.solve.tree_flow import adjust
from standoff.solve.tree_system import RESIDUAL, System
from standoff.text import brief

MAX_AXES, MAX_BYTES = 200, 6 * 2**30
"""A history with a choice costs the cube of the mover's types; with 200 it takes seconds."""

SAME_BELIEF, SAME_VALUE = 1e-9, 1e-6
"""How near beliefs, and values there, must be for a history to stand for another."""

PATIENCE, FEWEST = 10_000_000, 50
"""Histories times steps that following the branch may take, some seconds, and steps below which it is not begun."""

Selection = Literal["auto", "principal", "adjusted"]


@dataclass(frozen=True)
class Residual:
    """How well the equations of a tree are solved, and which of their solutions was taken."""

    histories: int
    residual: float
    """Largest residual of a decision's equations, relative to max(1, largest log-odds)."""
    steps: int
    error: float = np.inf
    """Largest change of any log-odds that a further step of Newton's method would make: how far they are from the solution."""
    folds: int = 0
    """Turning points that the branch passed."""
    selection: Literal["principal", "adjusted"] = "principal"
    """Whether the solution lies on the principal branch, or is where play comes to rest that adjusts from precision 0."""
    crossings: tuple[float, ...] = ()
    """Shares of the declared precision at which another branch crosses."""
    problem: str = ""
    """Why the principal branch was not followed to its end."""

    @property
    def met(self) -> bool:
        """Whether the equations hold to `RESIDUAL`."""
        return self.residual <= RESIDUAL

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {**asdict(self), "met": self.met}

    def text(self) -> str:
        """Say in a sentence whether the solution can be trusted."""
        rounded = "" if self.met else ", what is left is rounding"
        return (
            f"{'met' if self.met else 'NOT MET'}: exact on all {self.histories:,} public histories, residual {self.residual:.1e} (relative log-odds; "
            f"tolerance {RESIDUAL:.0e}{rounded}); {self._way()}"
        )

    def _way(self) -> str:
        if self.selection == "principal":
            places = f" and {len(self.crossings)} branch points (at {', '.join(f'{share:.1%}' for share in self.crossings)} of the precision)"
            return f"{self.folds} turning points{places if self.crossings else ''} on the branch from precision 0, {self.steps} steps"
        why = f": {self.problem}" if self.problem else ""
        return f"where play settles that adjusts from precision 0, {self.steps} steps; not shown to lie on the principal branch{why}"


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

    def __repr__(self) -> str:
        return brief(self, self.game.canonical.name, f"{len(self):,} public histories", self.certificate.text())

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

        i = self.game.position(player)
        columns = self.game.arrays.columns
        types = list(self.game.canonical.players[i].types)
        return xr.DataArray(self.values[0, columns[i] : columns[i + 1]], coords={"type": types}, dims=("type",), name=player)

    @cached_property
    def depth(self) -> int:
        """Observations on the longest history."""
        last, levels = 1, 0
        while last < len(self.tree.node):
            inner = self.tree.child[:last]
            here = int(np.flatnonzero(inner >= 0)[-1])
            node = int(self.tree.node[here])
            last = int(self.tree.child[here] + self.game.arrays.observation_start[node + 1] - self.game.arrays.observation_start[node])
            levels += 1
        return levels

    @cached_property
    def axes(self) -> Axes:
        """Which belief coordinates are whose."""
        types = np.array(self.game.n_types, dtype=np.int64)
        return Axes(np.cumsum(types - 1) - (types - 1), types)

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


def exact(
    game: Game, *, at: tuple[int, np.ndarray] | None = None, selection: Selection = "auto", max_histories: int = MAX_HISTORIES, workers: int = 2,
    progress: Progress | None = None,
) -> Exact:  # fmt: skip
    """Solve a game on all its public histories, by so many threads where the game is large; their number does not change the result.

    `at` is the node and the belief coordinates from which histories begin, if not the start and the prior.

    `selection`: `principal` follows the principal branch from precision 0, however long that takes; `adjusted` lets play adjust from there at the
    declared precision, which takes seconds where the branch of a large tree takes minutes; `auto` follows the branch unless the tree is too large
    for that (`PATIENCE`) or the branch is lost, and then lets play adjust. The certificate says which it was.

    Raises GameTooLargeError with the numbers when there are more than `max_histories` histories, or too many types; SolveError when the branch is
    lost, or play does not settle.

    >>> import standoff as so
    >>> solved = so.exact(so.build(so.load("repeated-signalling", {"precision": 1000})))
    >>> solved.certificate.met, solved.certificate.selection
    (True, 'principal')
    """
    begun = time.perf_counter()
    game = passed("exact", game, Game)
    game.must_end("solving on all public histories")
    histories = count_histories(game.structure) if at is None else int(histories_from(game.structure)[at[0]])
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
    system = System(game, workers, at)
    certificate = _solve(system, selection, progress)
    system.linearise()
    system.respond()
    left = float(np.abs(system.newton[:-1]).max(initial=0.0))
    certificate = replace(certificate, error=left if np.isfinite(left) else np.inf)
    return Exact(game, system.tree, system.log_odds(), system.beliefs, system.state.value, certificate, time.perf_counter() - begun)


def _solve(system: System, selection: Selection, progress: Progress | None) -> Residual:
    """Move a system to its solution at the declared precision."""
    histories = len(system.tree.node)
    affordable = STEPS if selection == "principal" else min(PATIENCE // histories, STEPS)
    problem = ""
    if selection == "auto" and affordable < FEWEST:
        problem = f"following that of {histories:,} histories would take long"
    elif selection != "adjusted":
        try:
            found = follow(system, affordable, progress)
            return Residual(histories, found.residual, found.steps, folds=found.folds, crossings=found.crossings)
        except SolveError as error:
            if selection == "principal":
                raise
            problem = str(error)
    try:
        residual, steps = adjust(system, progress)
    except SolveError as error:
        raise SolveError(f"{problem}; {error}" if problem else str(error)) from None
    return Residual(histories, residual, steps, selection="adjusted", problem=problem)
