"""Numbers of a whole solution with their bounds: what each player expects, and how likely each end is, without drawing anything."""

from __future__ import annotations

import numpy as np

from standoff.claims.functionals import Evaluation, Functional, Here, movers, of_components, of_ends
from standoff.measured import Measured
from standoff.solve.equilibrium import Equilibrium


def values_within(solved: Equilibrium) -> dict[str, dict[str, Measured]]:
    """Return every player's expected payoff at the start, by own type.

    Raises BuildError for a game without end.
    """
    game = solved.game
    node, x = int(game.structure.roots[0]), solved.prior
    players = [(i, player, k) for i, player in enumerate(game.canonical.players) for k in range(len(player.types))]
    found = _measured(solved, [of_components(game, i, k, None, ()) for i, _, k in players], [((i, k),) for i, _, k in players], node, x)
    values: dict[str, dict[str, Measured]] = {}
    for (_, player, k), one in zip(players, found, strict=True):
        values.setdefault(player.name, {})[player.types[k]] = one
    return values


def chances_of_ends(solved: Equilibrium, node: int, x: np.ndarray, acted: np.ndarray | None = None) -> dict[str, Measured]:
    """Return how likely each end is from a node and belief coordinates, with what is forced or forbidden, shape (o,), if anything.

    Raises BuildError for a game without end.

    >>> import standoff as so
    >>> eq = so.solve(so.build(so.load("one-shot-threat")))
    >>> chances = chances_of_ends(eq, int(eq.game.structure.roots[0]), eq.prior)
    >>> round(sum(chance.value for chance in chances.values()), 12)
    1.0
    """
    game = solved.game
    pinned = movers(game, acted) if acted is not None else ()
    ends = [place.removeprefix("end:") for place in game.structure.places if place.startswith("end:")]
    last = game.canonical.calendar.n_periods - 1
    found = _measured(solved, [of_ends(game, [end], until=last, pinned=pinned) for end in ends], [() for _ in ends], node, x, acted)
    return dict(zip(ends, found, strict=True))


def _measured(
    solved: Equilibrium, functionals: list[Functional], types: list[tuple[tuple[int, int], ...]], node: int, x: np.ndarray,
    acted: np.ndarray | None = None,
) -> list[Measured]:  # fmt: skip
    """Return functionals at one point of the solution that is rooted there."""
    free = np.full(len(solved.game.structure.option), -1, dtype=np.int8) if acted is None else acted
    evaluation = Evaluation(solved.rooted(node, x), functionals, [free] * len(functionals))
    return evaluation.measured([(number, Here(node, x), given) for number, given in enumerate(types)])
