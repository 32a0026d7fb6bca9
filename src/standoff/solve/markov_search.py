"""Equilibria of a stochastic game beside the one taken: Newton's method on the whole system, from many starts, and along curves.

At the declared precision the equations of `standoff.solve._markov` may have several solutions, as where players have to coordinate. A start is
behaviour: everybody sure of an option (the first, second, .. everywhere), or random log-odds of the size that payoffs allow; Newton's method goes on
from there with halved steps where a whole one does not help.

At high precision Newton's method hardly finds equilibria in which somebody mixes. At a lower one it does, and solutions lie on curves, which are
followed from there to the declared precision (Keller 1977; as in Turocy 2005). The signs of the determinant at all solutions, where none is 0, add
up to +1 (index theorem); sums that do not tell that some are missing, and then the search goes on. Sums that do are no proof that none is.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from standoff.solve.induction import Progress
from standoff.solve.markov import Markov, MarkovGame, flatten
from standoff.solve.markov_branch import RESIDUAL, Branch, Solution

SAME = 1e-6
"""Equilibria whose choice probabilities differ by less everywhere are one."""

ROUNDS, HALVINGS = 60, 10
CORNERS = 27
"""Starts at which everybody is sure of an option, at most."""

STAKES = 4.0, 8.0, 16.0, 32.0, 64.0
"""What payoffs may weigh, in log-odds, at the lower precisions from which curves are followed."""

CURVE = 400
"""Steps along a curve, at most."""

MORE = 4
"""The search along curves is begun again with other starts until signs add up and a time found nothing new, at most so many times."""


class Found(NamedTuple):
    """The equilibria found, and the search."""

    equilibria: list[Markov]
    """The one taken first."""
    indices: list[int]
    """Sign of the determinant of each, 0 where it is singular."""
    starts: int
    ended: int
    """Starts that led to an equilibrium."""

    @property
    def complete(self) -> bool:
        """Whether signs add up to +1, as those of all equilibria do where none is singular."""
        return sum(self.indices) == 1 and all(self.indices)


def equilibria(solved: Markov, starts: int, random: np.random.Generator, progress: Progress | None = None, *, along_curves: bool = False) -> Found:
    """Look for equilibria from `starts` random starts and some of certainty; `along_curves` also from as many at each of some lower precisions."""
    search = _Search(solved)
    tried = list(_starts(solved, starts, random))
    ended = 0
    for number, u in enumerate(tried):
        y = search.newton(u, 1.0)
        ended += y is not None and search.add(y)
        if progress is not None:
            progress("looking for other equilibria of the whole game", (number + 1) / len(tried))
    count = len(tried)
    for _ in range(MORE if along_curves else 0):
        known = len(search.found)
        more, led = search.follow_curves(starts, random, progress)
        count, ended = count + more, ended + led
        if len(search.found) == known and sum(search.indices) == 1 and all(search.indices):
            break
    return Found(search.found, search.indices, count, ended)


class _Search:
    """The equilibria found so far, and the means to find more."""

    def __init__(self, solved: Markov) -> None:
        self.solved, self.branch = solved, Branch(flatten(solved.game))
        self.found, self.policies = [solved], [_policy(solved.game, solved.log_odds)]
        self.indices = [self.branch.index(self._point(solved.log_odds, 1.0))]

    def _point(self, u: np.ndarray, t: float) -> np.ndarray:
        return np.concatenate([self.solved.values.T.ravel(), u, [t]])

    def add(self, y: np.ndarray) -> bool:
        """Keep a solution if it is new; return True."""
        branch, n = self.branch, self.branch.n_values
        policy = _policy(self.solved.game, y[n:-1])
        if all(np.abs(policy - known).max(initial=0.0) > SAME for known in self.policies):
            certificate = replace(self.solved.certificate, residual=branch.linearise(y).residual, folds=0, crossings=(), steps=0)
            values = np.ascontiguousarray(y[:n].reshape(branch.shape).T)
            self.found.append(replace(self.solved, log_odds=y[n:-1].copy(), values=values, certificate=certificate))
            self.policies.append(policy)
            self.indices.append(branch.index(y))
        return True

    def follow_curves(self, starts: int, random: np.random.Generator, progress: Progress | None) -> tuple[int, int]:
        """Follow the curves of what is found at lower precisions, and of the equilibria known; return starts, and those that led to one."""
        branch = self.branch
        count = ended = 0
        shares = [share for share in (stakes * branch.unit for stakes in STAKES) if share < 1.0]
        for number, share in enumerate(shares):
            met: list[np.ndarray] = []
            for u in itertools.islice(_starts(self.solved, starts, random, share), CORNERS + starts):
                count += 1
                y = self.newton(u, share)
                if y is None:
                    continue
                ended += 1
                policy = _policy(self.solved.game, y[branch.n_values : -1])
                if all(np.abs(policy - other).max(initial=0.0) > SAME for other in met):
                    met.append(policy)
                    self._keep(branch.trace(y, upwards=True, most=CURVE), branch.trace(y, upwards=False, most=CURVE))
            if progress is not None:
                progress("following other equilibria from lower precisions", (number + 1) / len(shares))
        position = 1
        while position < len(self.found):
            one = self.found[position]
            self._keep(branch.trace(np.concatenate([one.values.T.ravel(), one.log_odds, [1.0]]), upwards=False, most=CURVE))
            position += 1
        return count, ended

    def _keep(self, *ends: Solution | None) -> None:
        for end in ends:
            if end is not None:
                self.add(np.concatenate([end.values.ravel(), end.u, [1.0]]))

    def newton(self, u: np.ndarray, t: float) -> np.ndarray | None:
        """Return the solution at `t` times the precision to which damped Newton's method leads from behaviour `u`, or None."""
        y, branch = self._point(u, t), self.branch
        linear = branch.linearise(y)
        rounds = 0
        while not linear.residual <= RESIDUAL:
            if rounds == ROUNDS:
                return None
            rounds += 1
            share = 1.0
            for _ in range(HALVINGS):
                ahead = branch.linearise(y + share * linear.step)
                if ahead.residual <= (1.0 - 0.1 * share) * linear.residual:
                    break
                share *= 0.5
            else:
                return None
            y, linear = y + share * linear.step, ahead
        return y


def distance(one: Markov, other: Markov) -> float:
    """Return the largest difference of a choice probability between two solutions of one game."""
    return float(np.abs(_policy(one.game, one.log_odds) - _policy(other.game, other.log_odds)).max(initial=0.0))


def _policy(game: MarkovGame, u: np.ndarray) -> np.ndarray:
    """Return all choice probabilities, shape (O,)."""
    start = np.concatenate([[0], np.cumsum(game.member_options)])[:-1]
    if not len(start):
        return np.zeros(0)
    member = np.repeat(np.arange(len(start)), game.member_options)
    weight = np.exp(u - np.maximum.reduceat(u, start)[member])
    return np.asarray(weight / np.add.reduceat(weight, start)[member])


def _starts(solved: Markov, starts: int, random: np.random.Generator, t: float = 1.0) -> Iterator[np.ndarray]:
    """Yield behaviour to start from at `t` times the precision."""
    game = solved.game
    member = np.repeat(np.arange(len(game.member_options)), game.member_options)
    place = np.arange(len(member)) - np.repeat(np.cumsum(game.member_options) - game.member_options, game.member_options)
    player = game.member_player[member]
    spread = float(np.ptp(solved.values, axis=0).max(initial=0.0) + np.ptp(game.reward, axis=0).max(initial=0.0))
    sure = t * game.precision[member] * spread + 5.0
    choosers = np.unique(game.member_player[game.member_options > 1])
    most = int(game.member_options.max(initial=1))
    profiles = itertools.product(range(most), repeat=len(choosers))
    for profile in itertools.islice(profiles, CORNERS):
        wanted = np.zeros(game.n_players, dtype=np.int64)
        wanted[choosers] = profile
        yield _against_first(np.where(place == np.minimum(wanted[player], game.member_options[member] - 1), sure, 0.0), member, place)
    for number in range(starts):
        scale = (1.0, 0.1, 0.3)[number % 3] * sure
        yield _against_first(random.normal(size=len(member)) * scale, member, place)


def _against_first(u: np.ndarray, member: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Return log-odds against each member's first option."""
    return np.asarray(u - u[place == 0][member])
