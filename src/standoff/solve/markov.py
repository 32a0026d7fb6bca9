"""The stationary engine: logit Markov equilibrium of a stochastic game with public states, over all states at once.

Where nobody has private types there is nothing to believe, and the equilibrium lives on the public states: finitely many or open-ended (with
cycles), one player moving at a state or several at once. The equations are those of `standoff.solve._markov`: Markov quantal response
(McKelvey & Palfrey 1995; Eibelshaeuser & Poensgen 2019, "Markov quantal response equilibrium and a homotopy method for computing and selecting
Markov perfect equilibria of dynamic stochastic games"). The principal branch is followed from precision 0, where behaviour is by propensity, by
pseudo-arclength in log-odds and precision (Keller 1977; Turocy 2005), so that turning points are passed.

A branch point is a point where another branch crosses: the determinant of the equations changes sign although precision does not turn. The
principal branch goes straight on, in a symmetric game with the symmetric equilibria. Crossings of which an even number lie within one step do
not show in the sign.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from standoff.errors import BuildError, SolveError
from standoff.solve._markov import Flat, find_followers, mix
from standoff.solve.induction import Progress
from standoff.solve.markov_branch import RESIDUAL, Branch

LEAK = 1e-9
"""Least chance, or discount, by which play must end for values to be finite."""


@dataclass(frozen=True, eq=False)
class MarkovGame:
    """A stochastic game with public states in flat arrays. `n` states, `P` players, `M` members."""

    n_players: int
    member_start: np.ndarray
    """(n+1,) into the members: those who move at a state, none where chance alone moves."""
    member_player: np.ndarray
    """(M,)"""
    member_options: np.ndarray
    """(M,) number of options, 1 or more."""
    log_w: np.ndarray
    """(options of all members,) log propensities."""
    precision: np.ndarray
    """(M,) log-odds per unit of payoff."""
    profile_start: np.ndarray
    """(n+1,) into the joint actions of each state, the last member's option running fastest; one where nobody moves."""
    reward: np.ndarray
    """(profiles, P) expected payoff received at once."""
    onward_start: np.ndarray
    """(profiles+1,) into the states that may follow."""
    onward_state: np.ndarray
    onward_weight: np.ndarray
    """Probability times discount; those of a profile sum to 1 at most, and what is missing is the end."""

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.member_start) - 1


@dataclass(frozen=True)
class MarkovResidual:
    """How well the equations of a game are solved, and what was met on the way."""

    states: int
    residual: float
    """Largest residual of log-odds, relative to max(1, largest log-odds), or of values, likewise."""
    folds: int
    """Turning points that the branch passed."""
    crossings: tuple[float, ...]
    """Shares of the declared precision at which another branch crosses."""
    symmetric: bool
    """Whether two players who are interchangeable in the game are so in the solution."""
    steps: int
    method: str
    """How the linear systems in the values were solved."""

    @property
    def met(self) -> bool:
        """Whether the equations hold to `RESIDUAL`."""
        return self.residual <= RESIDUAL

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {**asdict(self), "crossings": list(self.crossings), "met": self.met}

    def text(self) -> str:
        """Say in a sentence whether the solution can be trusted."""
        crossings = f"{len(self.crossings)} branch points" + (
            " (at " + ", ".join(f"{share:.1%}" for share in self.crossings) + " of the precision)" if self.crossings else ""
        )
        return (
            f"{'met' if self.met else 'NOT MET'}: exact on all {self.states:,} public states, residual {self.residual:.1e} (relative log-odds; "
            f"tolerance {RESIDUAL:.0e}); {self.folds} turning points and {crossings} on the branch from precision 0, {self.steps} steps, {self.method}"
            + ("; symmetric between players" if self.symmetric else "")
        )


@dataclass(frozen=True, eq=False)
class Markov:
    """A solved stochastic game."""

    game: MarkovGame
    log_odds: np.ndarray
    """Of each option of each member against the member's first, shape (options,)."""
    values: np.ndarray
    """Expected payoffs from each state on, shape (n, P)."""
    certificate: MarkovResidual
    seconds: float

    def policy(self, state: int) -> list[np.ndarray]:
        """Return the choice probabilities of each member at a state, in the order of the members."""
        game = self.game
        start = np.concatenate([[0], np.cumsum(game.member_options)])
        first, last = int(game.member_start[state]), int(game.member_start[state + 1])
        sigma = np.empty(int(start[-1]))
        mix(self.log_odds, start, first, last, sigma)
        return [sigma[start[m] : start[m + 1]].copy() for m in range(first, last)]


def solve_markov(game: MarkovGame, *, progress: Progress | None = None) -> Markov:
    """Solve a stochastic game with public states.

    Raises BuildError where the arrays are not a game, SolveError where play may never end, so that values are not finite, and where the branch
    is lost.

    >>> import numpy as np
    >>> index = np.arange(3)
    >>> chain = MarkovGame(1, index[:2], index[:1], np.array([2]), np.zeros(2), np.ones(1), np.array([0, 2]), np.array([[1.0], [0.0]]),
    ...                    np.array([0, 1, 1]), np.array([0]), np.array([0.5]))
    >>> solved = solve_markov(chain)  # stay for 1 and half of what follows, or leave
    >>> solved.certificate.met
    True
    """
    begun = time.perf_counter()
    check(game)
    branch = Branch(flatten(game))
    found = branch.follow(progress)
    certificate = MarkovResidual(
        game.n_states, found.residual, found.folds, found.crossings, is_symmetric(game, found.u), found.steps, branch.system.method
    )  # fmt: skip
    return Markov(game, found.u.copy(), np.ascontiguousarray(found.values.T), certificate, time.perf_counter() - begun)


def check(game: MarkovGame) -> None:
    """Raise BuildError where the arrays are not a game, SolveError where play may never end."""
    # to be written


def flatten(game: MarkovGame) -> Flat:
    """Return the arrays that the kernels take."""
    n, n_players = game.n_states, game.n_players
    whole, real = np.int64, np.float64
    member_start, player = game.member_start.astype(whole), game.member_player.astype(whole)
    option_start = np.concatenate([[0], np.cumsum(game.member_options)]).astype(whole)
    log_w = np.asarray(game.log_w, dtype=real)
    base = log_w - np.repeat(log_w[option_start[:-1]], game.member_options)
    members = np.diff(member_start)
    moves = np.zeros((n, n_players), dtype=bool)
    moves[np.repeat(np.arange(n), members), player] = True
    size = np.diff(option_start[member_start])
    states = np.ascontiguousarray(game.onward_state, dtype=whole)
    flat = Flat(
        member_start, player, option_start, base, np.ascontiguousarray(game.precision, dtype=real), game.profile_start.astype(whole),
        np.ascontiguousarray(game.reward, dtype=real), game.onward_start.astype(whole), states, np.ascontiguousarray(game.onward_weight, dtype=real),
        in_a_row(game.onward_start.astype(whole), states), np.empty(len(states), dtype=whole), np.empty(n + 1, dtype=whole), np.empty(0, dtype=whole), np.empty(0, dtype=whole),
        np.concatenate([[0], np.cumsum(size**2)]),
    )  # fmt: skip
    followers = find_followers(flat, np.full((2, n), -1), False)
    flat = flat._replace(follower=np.empty(followers, dtype=whole))
    find_followers(flat, np.full((2, n), -1), True)
    width = (members + ~moves.T) * np.diff(flat.follower_start)
    return flat._replace(row_start=np.concatenate([[0], np.cumsum(width)]))


def in_a_row(start: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return for each profile whether its onward states are consecutive numbers."""
    jumps = np.concatenate([[0], np.cumsum(np.diff(states, prepend=0) != 1)])
    first = np.minimum(start[:-1] + 1, start[1:])
    return (start[1:] > start[:-1]) & (jumps[start[1:]] == jumps[first])


def is_symmetric(game: MarkovGame, u: np.ndarray) -> bool:
    """Return whether two players with choices can be exchanged in the game and in the solution."""
    return False
