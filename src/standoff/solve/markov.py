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
from standoff.solve.markov_system import Newton, System

RESIDUAL = 1e-10
"""Largest residual of a solved game, relative to max(1, largest log-odds) and to max(1, largest value)."""

LEAK = 1e-9
"""Least chance, or discount, by which play must end for values to be finite."""

STEPS, ROUNDS = 5_000, 8
NEAR = 1e-3
"""Newton's last step, in log-odds, that is near enough to the branch to go on from there."""
AIM = 0.03
"""First correction after a step, in log-odds, which the length of steps aims at."""


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
    branch = _Branch(game)
    residual, folds, crossings, steps = branch.follow(progress)
    u, values = branch.u, branch.values
    certificate = MarkovResidual(game.n_states, residual, folds, tuple(crossings), is_symmetric(game, u), steps, branch.system.method)
    return Markov(game, u, values, certificate, time.perf_counter() - begun)


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
        np.empty(len(states), dtype=whole), np.empty(n + 1, dtype=whole), np.empty(0, dtype=whole), np.empty(0, dtype=whole),
        np.concatenate([[0], np.cumsum(size**2)]),
    )  # fmt: skip
    followers = find_followers(flat, np.full((2, n), -1), False)
    flat = flat._replace(follower=np.empty(followers, dtype=whole))
    find_followers(flat, np.full((2, n), -1), True)
    width = (members[:, None] + ~moves) * np.diff(flat.follower_start)[:, None]
    return flat._replace(row_start=np.concatenate([[0], np.cumsum(width)]))


def is_symmetric(game: MarkovGame, u: np.ndarray) -> bool:
    """Return whether two players with choices can be exchanged in the game and in the solution."""
    return False


class _Branch:
    """The branch of solutions `(u, V, t)`, precision `t` times the declared one, `t` from 0 to 1; `y` holds `u` and then `V`."""

    def __init__(self, game: MarkovGame) -> None:
        flat = flatten(game)
        self.system = System(flat)
        self.n_odds, self.shape = len(flat.base), (game.n_states, game.n_players)
        self.y = np.concatenate([flat.base, np.zeros(game.n_states * game.n_players)])

    @property
    def u(self) -> np.ndarray:
        """Log-odds, shape (O,)."""
        return self.y[: self.n_odds]

    @property
    def values(self) -> np.ndarray:
        """Values, shape (n, P)."""
        return self.y[self.n_odds :].reshape(self.shape)

    def newton(self, t: float) -> tuple[float, float, np.ndarray, np.ndarray]:
        """Linearise at the present point; (relative residual, sign of the determinant, dy/dt, Newton's step)."""
        u, values = self.u, self.values
        found = self.system.newton(u, values, t)
        residual = max(
            found.residual / max(1.0, float(np.abs(u).max(initial=0.0))), found.value_residual / max(1.0, float(np.abs(values).max(initial=0.0)))
        )
        by_t, step = (np.concatenate([found.u[:, c], found.values[..., c].ravel()]) for c in (0, 1))
        return residual, found.sign, by_t, step

    def follow(self, progress: Progress | None) -> tuple[float, int, list[float], int]:
        """Follow the branch to `t = 1`; return (residual, turning points, branch points, steps)."""
        _, sign, by_t, step = self.newton(0.0)
        self.y += step  # at t = 0 the equations are linear
        residual, sign, by_t, _ = self.newton(0.0)
        if sign == 0.0 or not residual <= RESIDUAL:
            raise SolveError("at precision 0 values are not finite: play may go on forever")
        t, folds, crossings = 0.0, 0, []
        tangent, pace = self._unit(by_t)
        before = None  # (y, t, tangent, pace, distance) of the point before
        distance = 1.0 / max(float(np.abs(tangent[: self.n_odds]).max(initial=0.0)), pace)
        for count in range(1, STEPS + 1):
            here = self.y.copy(), t, tangent, pace
            distance, last = _shorten(before, here, distance)
            result = self._correct(before, here, distance, last)
            if result is not None and last:
                residual = result[1]
                if not residual <= RESIDUAL:
                    raise SolveError(f"the equations were solved to {residual:.1e} only (relative log-odds); {RESIDUAL:.0e} is wanted")
                return residual, folds, crossings, count
            length = distance * float(np.abs(tangent[: self.n_odds]).max(initial=0.0))
            if result is not None:
                t, _, now, by_t, error = result
                ahead, onward = self._unit(by_t)
                turn = float(ahead[: self.n_odds] @ tangent[: self.n_odds]) + onward * pace
                if turn < 0.0:
                    ahead, onward, turn = -ahead, -onward, -turn
                if turn >= 0.8 or length <= 1e-6:
                    folds += int(onward * pace < 0.0)
                    # The determinant changes its sign where the branch turns, and where another one crosses.
                    if now * onward * sign * pace < 0.0:
                        crossings.append(t)
                    before = *here, float(np.hypot(np.linalg.norm(self.y[: self.n_odds] - here[0][: self.n_odds]), t - here[1]))
                    tangent, pace, sign = ahead, onward, now
                    distance *= min(max((AIM / max(error, 1e-12)) ** 0.25, 0.3), 2.0)
                    if t < 0.0:
                        raise SolveError("the branch from precision 0 led back there; the game's equations may be too badly scaled")
                    if progress is not None:
                        progress("following the branch", min(max(t, 0.0), 1.0))
                    continue
            self.y[:], t = here[:2]
            distance *= 0.5
            if length < 1e-9:
                raise SolveError(f"the branch from precision 0 was lost at {t:.3%} of the precision after {folds} turning points")
        raise SolveError(f"the branch from precision 0 took more than {STEPS} steps and reached {t:.3%} of the precision")

    def _correct(self, before, here, distance: float, last: bool):
        """Go a distance along the branch and return to it; `(t, residual, sign, dy/dt, first)` or None where that fails.

        `first` is the size of the first correction. The last step keeps `t` at 1, the others keep the length of the arc.
        """
        n = self.n_odds
        tangent, pace = here[2:]
        guess, aim = _ahead(before, here, distance)
        if last:
            aim = 1.0
        self.y[:], t = guess, aim
        length = distance * float(np.abs(tangent[:n]).max(initial=0.0))
        first = size = np.inf
        for count in range(1, ROUNDS + 1):
            residual, sign, by_t, newton = self.newton(t)
            if sign == 0.0:
                return None
            if last and residual <= 0.01 * RESIDUAL:
                return t, residual, sign, by_t, first
            dt = 0.0
            if not last:
                # Block elimination of the arc's equation (Keller 1977).
                dt = -(float(tangent[:n] @ (self.y[:n] - guess[:n] + newton[:n])) + pace * (t - aim)) / (float(tangent[:n] @ by_t[:n]) + pace)
            change = newton + dt * by_t
            old, size = size, float(np.abs(change[:n]).max(initial=0.0))
            if not np.isfinite(size):
                return None
            if count == 1:
                first = size
                if size > max(0.5 * length, 1e-2):
                    return None
            elif size > 0.7 * old:
                return (t, residual, sign, by_t, first) if last and residual <= RESIDUAL else None
            self.y += change
            t += dt
            if not last and size < NEAR:
                return t, residual, sign, by_t, first
        return None

    def _unit(self, by_t: np.ndarray) -> tuple[np.ndarray, float]:
        """Return the tangent `(dy, dt)`, of length one in log-odds and `t`."""
        norm = float(np.sqrt((by_t[: self.n_odds] ** 2).sum() + 1.0))
        return by_t / norm, 1.0 / norm


def _ahead(before, here, distance: float):
    """Extrapolate `(y, t)` by the cubic through the last two points and their tangents, or along the tangent at the start."""
    y, t, tangent, pace = here
    guess, aim = y + distance * tangent, t + distance * pace
    if before is None:
        return guess, aim
    y0, t0, tangent0, pace0, length = before
    r = distance / length
    slope, slope_t = (y - y0) / length, (t - t0) / length
    guess += distance * (r * (tangent0 + 2.0 * tangent - 3.0 * slope) + r * r * (tangent0 + tangent - 2.0 * slope))
    aim += distance * (r * (pace0 + 2.0 * pace - 3.0 * slope_t) + r * r * (pace0 + pace - 2.0 * slope_t))
    return guess, aim


def _shorten(before, here, distance: float) -> tuple[float, bool]:
    """Return the distance to `t = 1` if that is nearer, and whether it is."""
    reach = lambda d: _ahead(before, here, d)[1]
    if reach(distance) < 1.0:
        return distance, False
    low, high = 0.0, distance
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if reach(middle) >= 1.0 else (middle, high)
    return high, True
