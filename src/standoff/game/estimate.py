"""What solving a game on a belief grid will take, reckoned before anything is solved."""

from __future__ import annotations

import math
from dataclasses import dataclass

from standoff.game.compiled import Game

STAGE_SECONDS = 4.5e-6
"""Rough cost of one stage on one core: what the bundled crises and repeated signalling take at their median precision."""

MOMENT_SECONDS = 1.5e-4
"""Rough cost of one moment at which two players choose at once, at one belief on one core."""

SETTLED = 1e-10
"""Largest change of any value from one sweep of an open-ended game to the next, relative to max(1, largest value), at which it has settled."""


REFINE_SECONDS = 600.0
"""Time within which a grid is refined, unless something else is asked for."""


@dataclass(frozen=True)
class Estimate:
    """What a game takes on a belief grid of a given size."""

    beliefs: int
    stages: int
    """Decision points times beliefs, of one sweep."""
    sweeps: int
    """1, but for open-ended games."""
    bytes: float
    seconds: float
    """On one core."""


def estimate(game: Game, n_beliefs: int) -> Estimate:
    """Return what one solve of a game takes on `n_beliefs` beliefs; the certificate and finer grids come on top."""
    size = game.size()
    stages = size["decision_points"] * n_beliefs
    sweeps = math.ceil(sweeps_to_settle(game.discount)) if game.structure.open_ended else 1
    bytes_ = 8.0 * n_beliefs * (size["nodes"] * int(game.arrays.columns[-1]) + size["options"] * max(game.n_types))
    seconds = sweeps * (stages * STAGE_SECONDS + len(game.structure.heads) * n_beliefs * MOMENT_SECONDS)
    return Estimate(n_beliefs, stages, sweeps, bytes_, seconds)


def sweeps_to_settle(discount: float) -> float:
    """Return the sweeps after which what is still to come counts for no more than `SETTLED` of itself: log(SETTLED) / log(discount).

    Fixed behaviour would settle in so many. Play that soon ends takes fewer, behaviour that changes from sweep to sweep takes more.
    """
    return math.log(SETTLED) / math.log(discount)
