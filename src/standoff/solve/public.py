"""Equilibria of games without secrets (`standoff.solve.whole`), to be read like any other, and the search for further ones."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from standoff.game import Game
from standoff.solve.certificate import Certificate
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.grid import BeliefGrid
from standoff.solve.induction import Progress, line_table
from standoff.solve.markov import Markov, solve_markov
from standoff.solve.markov_search import distance, equilibria
from standoff.solve.whole import Reduced, fold, reduce, unfold

QUICK_STARTS, QUICK_VALUES = 12, 200
"""Random starts from which every solve looks for further equilibria, and most values of a game in which it does."""


def solve_public(game: Game, tolerance: float, *, seed: int = 0, progress: Progress | None = None) -> Equilibrium:
    """Solve a game without secrets over all its public states at once; in a small one, count further equilibria for the certificate."""
    reduced = reduce(game)
    solved = solve_markov(reduced.game, progress=progress)
    if solved.values.size <= QUICK_VALUES:
        found = equilibria(solved, QUICK_STARTS, np.random.Generator(np.random.Philox(seed)))
        figures = replace(solved.certificate, starts=found.starts, equilibria=len(found.equilibria), missing=not found.complete)
        solved = replace(solved, certificate=figures)
    return _equilibrium(game, reduced, solved, tolerance)


class Further(NamedTuple):
    """Equilibria of a game without secrets, the one taken first, then the nearest to it."""

    equilibria: tuple[Equilibrium, ...]
    distances: tuple[float, ...]
    """How far the choices of each lie from those of the one taken."""
    indices: tuple[int, ...]
    """Sign of the determinant of each, 0 where it is singular; all of a game add up to +1."""
    starts: int
    ended: int
    """Starts that led to an equilibrium."""


def further(eq: Equilibrium, starts: int, random: np.random.Generator, progress: Progress | None = None) -> Further:
    """Look for all equilibria of a game without secrets beside `eq`, which `solve_public` returned."""
    reduced = reduce(eq.game)
    assert eq.certificate is not None
    assert eq.certificate.whole is not None
    # What was counted from a few starts belongs to the one taken, not to those found beside it.
    figures = replace(eq.certificate.whole, starts=0, equilibria=0, missing=False)
    values, log_odds = fold(eq.game, reduced, eq.values, eq.log_policy)
    solved = Markov(reduced.game, log_odds, values, figures, eq.seconds)
    search = equilibria(solved, starts, random, progress, along_curves=values.size <= QUICK_VALUES)
    found = search.equilibria
    apart = [distance(solved, one) for one in found]
    order = np.argsort(apart, kind="stable").tolist()
    others = tuple(eq if i == 0 else _equilibrium(eq.game, reduced, found[i], eq.certificate.tolerance) for i in order)
    return Further(others, tuple(apart[i] for i in order), tuple(search.indices[i] for i in order), search.starts, search.ended)


def _equilibrium(game: Game, reduced: Reduced, solved: Markov, tolerance: float) -> Equilibrium:
    values, log_odds = unfold(game, reduced, solved)
    grid = BeliefGrid(game.n_types, frozenset([()]))
    figures = solved.certificate
    # A change of log-odds moves no probability by more than a half of it, nor a payoff by more than that of the whole range.
    gap = figures.residual * max(1.0, float(np.abs(log_odds).max(initial=0.0))) / 2
    choices = int((np.diff(game.structure.option_start) > 1).sum())
    certificate = Certificate(
        policy_distance=gap, regret=gap * float(np.ptp(values, axis=0).max(initial=0.0)) * 2, stage_residual=figures.residual, tolerance=tolerance,
        met=figures.met and gap <= tolerance, every_history=True, points=choices, standard_error=0.0, beliefs=1, levels=(), stages=choices,
        traced=choices, folded=figures.folds, failed=0, switched=0, whole=figures,
    )  # fmt: skip
    sweep = {"stages": float(choices), "stage_residual": figures.residual, "traced": float(choices), "folded": float(figures.folds), "failed": 0.0}
    return Equilibrium(
        game, grid, line_table(grid), values, log_odds, sweep, certificate, solved.seconds, np.zeros(game.structure.n_nodes, dtype=np.int64)
    )
