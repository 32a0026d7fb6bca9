"""Equilibria of a stochastic game beside the one taken: Newton's method on the whole system, from many starts.

At the declared precision the equations of `standoff.solve._markov` may have several solutions, as where players have to coordinate. A start is
behaviour: everybody sure of an option (the first, second, .. everywhere), or random log-odds of the size that payoffs allow; Newton's method goes on
from there with halved steps where a whole one does not help. What it finds are equilibria; that it finds all of them is not certain.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from standoff.solve.induction import Progress
from standoff.solve.markov import Markov, MarkovGame, flatten
from standoff.solve.markov_branch import RESIDUAL, Branch

SAME = 1e-6
"""Equilibria whose choice probabilities differ by less everywhere are one."""

ROUNDS, HALVINGS = 60, 10
CORNERS = 27
"""Starts at which everybody is sure of an option, at most."""


def equilibria(solved: Markov, starts: int, random: np.random.Generator, progress: Progress | None = None) -> tuple[list[Markov], int, int]:
    """Return the equilibria found, the one taken first, the number of starts, and how many of them led to an equilibrium."""
    game = solved.game
    branch = Branch(flatten(game))
    tried = list(_starts(solved, starts, random))
    found = [(_policy(game, solved.log_odds), solved)]
    ended = 0
    for number, u in enumerate(tried):
        other = _newton(branch, solved, u)
        if other is not None:
            ended += 1
            policy = _policy(game, other.log_odds)
            if all(np.abs(policy - known).max(initial=0.0) > SAME for known, _ in found):
                found.append((policy, other))
        if progress is not None:
            progress("looking for other equilibria of the whole game", (number + 1) / len(tried))
    return [one for _, one in found], len(tried), ended


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


def _starts(solved: Markov, starts: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    game = solved.game
    member = np.repeat(np.arange(len(game.member_options)), game.member_options)
    place = np.arange(len(member)) - np.repeat(np.cumsum(game.member_options) - game.member_options, game.member_options)
    player = game.member_player[member]
    spread = float(np.ptp(solved.values, axis=0).max(initial=0.0) + np.ptp(game.reward, axis=0).max(initial=0.0))
    sure = game.precision[member] * spread + 5.0
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


def _newton(branch: Branch, solved: Markov, u: np.ndarray) -> Markov | None:
    """Return the equilibrium to which damped Newton's method leads from behaviour `u`, or None."""
    y = np.concatenate([solved.values.T.ravel(), u, [1.0]])
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
    n = branch.n_values
    certificate = replace(solved.certificate, residual=linear.residual, folds=0, crossings=(), steps=rounds)
    return replace(solved, log_odds=y[n:-1].copy(), values=np.ascontiguousarray(y[:n].reshape(branch.shape).T), certificate=certificate)
