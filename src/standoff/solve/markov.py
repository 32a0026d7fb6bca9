"""The stationary engine: logit Markov equilibrium of a stochastic game with public states, over all states at once.

Where nobody has private types there is nothing to believe, and the equilibrium lives on the public states: finitely many or open-ended (with
cycles), one player moving at a state or several at once. The equations are those of `standoff.solve._markov`: Markov quantal response
(McKelvey & Palfrey 1995; Eibelshäuser & Poensgen 2019, "Markov quantal response equilibrium and a homotopy method for computing and selecting
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
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

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
    starts: int = 0
    """From how many starts other equilibria were looked for."""
    equilibria: int = 0
    """How many were found, the one taken included; 0 where none was looked for."""
    missing: bool = False
    """Whether the signs of the determinant at those found tell that there are more, or one is singular."""

    @property
    def met(self) -> bool:
        """Whether the equations hold to `RESIDUAL`."""
        return self.residual <= RESIDUAL

    def as_dict(self) -> dict[str, Any]:
        """Return the figures as plain data."""
        return {**asdict(self), "crossings": list(self.crossings), "met": self.met}

    def text(self) -> str:
        """Say in a sentence whether the solution can be trusted."""
        places = f" (at {', '.join(f'{share:.1%}' for share in self.crossings)} of the precision)" if self.crossings else ""
        return (
            f"{'met' if self.met else 'NOT MET'}: exact on {_count(self.states, 'public state')}, residual {self.residual:.1e} (relative log-odds; "
            f"tolerance {RESIDUAL:.0e}); {_count(self.folds, 'turning point')} and {_count(len(self.crossings), 'branch point')}{places} on the "
            f"branch from precision 0, {_count(self.steps, 'step')}, {self.method}{'; symmetric between players' if self.symmetric else ''}"
            f"{self._others()}"
        )

    def _others(self) -> str:
        if not self.starts:
            return ""
        taken = "; the one on the branch is taken, --branches lists them" if self.equilibria > 1 else ""
        found = (
            "no other equilibrium"
            if self.equilibria < 2
            else f"{self.equilibria - 1} other {'equilibrium' if self.equilibria == 2 else 'equilibria'}"
        )
        more = "; their signs do not add up to +1, so that some are missing or several coincide" if self.missing else ""
        return f"; {found} found from {self.starts} starts{taken}{more}"


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
    n, members, profiles, onward = game.n_states, len(game.member_player), len(game.reward), len(game.onward_state)
    if n < 1 or game.n_players < 1:
        raise BuildError("the game has no states, or no players")
    for name, start, count, end in (
        ("member_start", game.member_start, n + 1, members),
        ("profile_start", game.profile_start, n + 1, profiles),
        ("onward_start", game.onward_start, profiles + 1, onward),
    ):
        if len(start) != count or start[0] != 0 or start[-1] != end or (np.diff(start) < 0).any():
            raise BuildError(f"{name} must rise from 0 to {end:,} in {count:,} entries")
    for name, array, shape in (
        ("member_options", game.member_options, (members,)),
        ("precision", game.precision, (members,)),
        ("log_w", game.log_w, (int(np.sum(game.member_options)),)),
        ("reward", game.reward, (profiles, game.n_players)),
        ("onward_weight", game.onward_weight, (onward,)),
    ):
        if array.shape != shape or not np.isfinite(array).all():
            raise BuildError(f"{name} must hold finite numbers in the shape {shape}, not {array.shape}")
    owner = np.repeat(np.arange(n), np.diff(game.member_start))
    product = np.ones(n, dtype=np.int64)
    np.multiply.at(product, owner, game.member_options)
    _refuse(np.diff(game.profile_start) != product, "state", "has not one profile for each joint action")
    _refuse((game.member_player < 0) | (game.member_player >= game.n_players), "member", "is no player of the game")
    _refuse(game.member_options < 1, "member", "has no option")
    _refuse(game.precision < 0.0, "member", "has a precision below 0")
    _refuse(np.bincount(owner * game.n_players + game.member_player, minlength=n * game.n_players) > 1, "state and player", "moves twice at once")
    _refuse((game.onward_state < 0) | (game.onward_state >= n), "onward entry", "is no state of the game")
    _refuse(game.onward_weight < 0.0, "onward entry", "has a weight below 0")
    row = np.repeat(np.arange(profiles), np.diff(game.onward_start))
    total = np.bincount(row, weights=game.onward_weight, minlength=profiles)
    _refuse(total > 1.0 + LEAK, "profile", "leads on with more than its whole weight")
    ends = np.zeros(n, dtype=bool)
    state = np.repeat(np.arange(n), np.diff(game.profile_start))
    ends[state[total < 1.0 - LEAK]] = True
    if ends.all():
        return
    # Backwards from the end, which is state n here, to all states from which play can come there.
    leads = game.onward_weight > 0.0
    after = np.concatenate([game.onward_state[leads], np.full(int(ends.sum()), n)])
    before = np.concatenate([state[row[leads]], np.flatnonzero(ends)])
    reached = breadth_first_order(csr_array((np.ones(len(after)), (after, before)), shape=(n + 1, n + 1)), n, return_predecessors=False)
    if len(reached) <= n:
        stuck = int(np.setdiff1d(np.arange(n), reached)[0])
        raise SolveError(
            f"from state {stuck} play goes on forever undiscounted, so that values are not finite; give a discount below 1, or a way to end"
        )


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def _refuse(wrong: np.ndarray, what: str, problem: str) -> None:
    if wrong.any():
        raise BuildError(f"{what} {int(np.argmax(wrong))} {problem}")


def flatten(game: MarkovGame) -> Flat:
    """Return the arrays that the kernels take."""
    n, n_players = game.n_states, game.n_players
    whole, real = (lambda array: np.array(array, dtype=np.int64)), (lambda array: np.array(array, dtype=np.float64, order="C"))
    member_start, player, options = whole(game.member_start), whole(game.member_player), whole(game.member_options)
    option_start = whole(np.concatenate([[0], np.cumsum(options)]))
    log_w = real(game.log_w)
    members = np.diff(member_start)
    moves = np.zeros((n, n_players), dtype=bool)
    moves[np.repeat(np.arange(n), members), player] = True
    states, onward_start, none = whole(game.onward_state), whole(game.onward_start), whole([])
    flat = Flat(
        member_start=member_start,
        player=player,
        option_start=option_start,
        base=log_w - np.repeat(log_w[option_start[:-1]], options),
        precision=real(game.precision),
        profile_start=whole(game.profile_start),
        reward=real(game.reward),
        onward_start=onward_start,
        onward_state=states,
        onward_weight=real(game.onward_weight),
        in_a_row=_in_a_row(onward_start, states),
        slot=np.empty_like(states),
        follower_start=np.empty_like(member_start),
        follower=none,
        row_start=none,
        inverse_start=whole(np.concatenate([[0], np.cumsum(np.diff(option_start[member_start]) ** 2)])),
    )
    followers = find_followers(flat, np.full((2, n), -1), False)
    flat = flat._replace(follower=np.empty(followers, dtype=np.int64))
    find_followers(flat, np.full((2, n), -1), True)
    width = (members + ~moves.T) * np.diff(flat.follower_start)
    return flat._replace(row_start=np.concatenate([[0], np.cumsum(width)]))


def _in_a_row(start: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return for each profile whether its onward states are consecutive numbers."""
    jumps = np.concatenate([[0], np.cumsum(np.diff(states, prepend=0) != 1)])
    first = np.minimum(start[:-1] + 1, start[1:])
    return np.asarray((start[1:] > start[:-1]) & (jumps[start[1:]] == jumps[first]))


def is_symmetric(game: MarkovGame, u: np.ndarray) -> bool:
    """Return whether two players with a choice can be exchanged, in the game and in the solution, state by state and option by option."""
    choosers = np.unique(game.member_player[game.member_options > 1])
    return any(_exchangeable(game, u, int(i), int(j)) for i, j in combinations(choosers, 2))


def _exchangeable(game: MarkovGame, u: np.ndarray, i: int, j: int) -> bool:
    option_start = np.concatenate([[0], np.cumsum(game.member_options)])
    swap = np.arange(game.n_players)
    swap[[i, j]] = j, i
    profile = np.arange(len(game.reward))
    base = game.log_w - game.log_w[option_start[:-1]].repeat(game.member_options)
    odds = 1e-6 * max(1.0, float(np.abs(u).max(initial=0.0)))
    for s in np.unique(np.repeat(np.arange(game.n_states), np.diff(game.member_start))[np.isin(game.member_player, (i, j))]):
        members = np.arange(game.member_start[s], game.member_start[s + 1])
        at = {int(game.member_player[m]): int(m) for m in members}
        if i not in at or j not in at:
            return False
        one, two = at[i], at[j]
        if game.member_options[one] != game.member_options[two] or game.precision[one] != game.precision[two]:
            return False
        first, second = (slice(option_start[m], option_start[m + 1]) for m in (one, two))
        if not (np.allclose(base[first], base[second], rtol=1e-12, atol=1e-12) and np.allclose(u[first], u[second], rtol=0.0, atol=odds)):
            return False
        rows = slice(game.profile_start[s], game.profile_start[s + 1])
        table = profile[rows].reshape(game.member_options[members])
        profile[rows] = table.swapaxes(one - members[0], two - members[0]).ravel()
    if not np.allclose(game.reward[profile][:, swap], game.reward, rtol=1e-12, atol=0.0):
        return False
    onward = csr_array((game.onward_weight, game.onward_state, game.onward_start), shape=(len(game.reward), game.n_states))
    difference = onward[profile] - onward
    return bool(np.abs(difference.data).max(initial=0.0) <= 1e-12)
