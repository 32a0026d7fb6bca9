"""What a choice is made of, and what follows it.

At a decision the value of option `a` to type `k` of the mover is

    Q[k, a] = r_option[a, k] + sum_y L[a, y, k] (r_observation[y, k] + beta V_k(y, b'[y])).

Payoffs are sums of named components, and behaviour is held as solved, so `Q` is the sum over components of the same expression with that
component's payoffs alone: one functional per component and type, all evaluated in a backward sweep (`standoff.claims.functionals`).

Where others choose at the same moment, both are means over what they choose, in the eyes of the one who decides.

What the others do next is a functional too: the chance that a player's first choice after this one, within this period or the next, is a
given option; what they choose at the same moment is their next choice. `K` types of the mover, `A` options, `C` components, `Y` observations.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from standoff.claims.functionals import Evaluation, Functional, Options, of_components
from standoff.errors import SolveError
from standoff.explain.spot import Spot
from standoff.game import Game
from standoff.solve.control import Chosen
from standoff.solve.equilibrium import Probe
from standoff.solve.grid import to_beliefs

MAX_CELLS = 50_000_000
"""Values (nodes x beliefs x columns) held at once by a backward sweep."""

TOLERANCE = 1e-2
"""Log-odds by which the sum of components may miss the value where a solution has no certificate of its own."""


@dataclass(frozen=True, eq=False)
class Split:
    """A choice taken apart."""

    probe: Probe
    components: tuple[str, ...]
    values: np.ndarray
    """Payoff by type, option and component, shape (K, A, C)."""
    gap: float
    """Largest distance of a sum of components from the value by which the choice was solved."""
    policy_bounds: np.ndarray
    """How far each choice probability may be from that of exact play, shape (K, A)."""
    bounds: np.ndarray
    """And how far each of `values`, shape (K, A, C)."""
    following: dict[str, tuple[tuple[str, ...], np.ndarray]]
    """By other player: its moves, and the chance (A, K, moves) that its next choice is each of them."""


def take_apart(spot: Spot) -> Split:
    """Split every option's value by component and say what the others do next.

    Raises SolveError when the components do not add up to the value by which the choice was solved.
    """
    game, mover = spot.solved.game, spot.mover
    options = Options(spot.solved, spot.node, spot.x)
    probe = options.probe
    chosen = Chosen(spot.solved, spot.node, spot.x)
    kinds = range(game.n_types[mover])
    spec = game.canonical.players[mover]
    components = tuple(component.name for component in spec.components)
    n_options = len(spot.menu)

    parts = [(k, c, of_components(game, mover, k, [name], ())) for k in kinds for c, name in enumerate(components)]
    others = _others(game, mover, spot.period)
    onward, off = _onward(spot, options, [part for *_, part in parts], [part for *_, part in others])

    values, bounds = np.zeros((2, len(kinds), n_options, len(components)))
    for (k, c, part), after, error in zip(parts, onward, off, strict=False):
        values[k, :, c] = options.worth(part, k, [one[:, k] for one in after])
        # What follows counts with weights that are never negative: so do bounds.
        nothing = replace(part, option=0.0 * part.option, observation=0.0 * part.observation)
        known = all(np.isfinite(one).all() for one in error)
        bounds[k, :, c] = options.worth(nothing, k, [one[:, k] for one in error]) if known else np.inf

    following: dict[str, tuple[tuple[str, ...], np.ndarray]] = {}
    for (player, move, part), after in zip(others, onward[len(parts) :], strict=True):
        moves, chances = following.get(player, ((), np.zeros((n_options, len(kinds), 0))))
        chance = np.stack([options.worth(part, k, [one[:, k] for one in after]) for k in kinds], axis=1)
        following[player] = (*moves, move), np.concatenate([chances, chance[:, :, None]], axis=2)
    gap = float(np.abs(values.sum(axis=2) - probe.action_values).max())
    _check(spot, gap)
    return Split(probe, components, values, gap, chosen.bounds, bounds, following)


def _check(spot: Spot, gap: float) -> None:
    certificate = spot.solved.certificate
    allowed = certificate.tolerance if certificate is not None else TOLERANCE
    precision = float(spot.solved.game.arrays.precision[spot.node])
    if not gap * max(precision, 1.0) <= allowed:
        raise SolveError(
            f"the components of {spot.player}'s payoff miss the value of a choice by {gap:.2g}; the grid is too coarse to explain it: "
            "solve with a smaller tolerance"
        )


def _others(game: Game, mover: int, period: int) -> list[tuple[str, str, Functional]]:
    """Return for each move of every other player the functional that tells whether it is the next choice of that player."""
    s = game.structure
    choice = (np.diff(s.option_start) > 1)[game.option_node]
    owner = s.owner[game.option_node]
    pinned = (mover,) if game.n_types[mover] > 1 else ()
    names = np.array(game.option_addresses, dtype=object)
    found = []
    for i, player in enumerate(game.canonical.players):
        rows = (owner == i) & choice
        if i == mover or not rows.any():
            continue
        soon = rows & (s.period[game.option_node] >= period) & (s.period[game.option_node] <= period + 1)
        for move in dict.fromkeys(f"{turn.player}.{option.name}" for turn in game.canonical.turns for option in turn.options):
            wanted = soon & (names == move)
            if wanted.any():
                functional = Functional(
                    f"next {move}", np.zeros(s.n_nodes), wanted.astype(float), np.zeros(len(s.target)), np.where(rows, 0.0, 1.0),
                    np.ones(len(s.target)), pinned, viewer=mover,
                )  # fmt: skip
                found.append((player.name, move, functional))
    return found


def _onward(
    spot: Spot, options: Options, parts: Sequence[Functional], others: Sequence[Functional]
) -> tuple[list[list[np.ndarray]], list[list[np.ndarray]]]:
    """Return each functional by way to the decision, (Y, K) after every observation by type of the mover, from sweeps of bounded memory.

    Of the first ones, `parts`, the bounds are given as well, second.
    """
    functionals = [*parts, *others]
    solved, game = spot.solved, spot.solved.game
    free = np.full(len(game.structure.option), -1, dtype=np.int8)
    kinds = range(game.n_types[spot.mover])
    size = max(MAX_CELLS // (game.structure.n_nodes * solved.grid.n_nodes * max(game.n_types)), 1)
    found: list[list[np.ndarray]] = []
    off: list[list[np.ndarray]] = []
    for begin in range(0, len(functionals), size):
        group = functionals[begin : begin + size]
        evaluation = Evaluation(solved, group, [free] * len(group), first_period=spot.period)
        found += [
            [np.array([[evaluation.at(number, here, ((spot.mover, k),)) for k in kinds] for here in after]) for after in options.after]
            for number in range(len(group))
        ]
        told = range(min(max(len(parts) - begin, 0), len(group)))
        asked = [(number, here, ((spot.mover, k),)) for number in told for after in options.after for here in after for k in kinds]
        within = iter(evaluation.measured(asked) if asked else [])
        off += [[np.array([[next(within).bound for _ in kinds] for _ in after]) for after in options.after] for _ in told]
    return found, off


def belief_about(spot: Spot) -> np.ndarray:
    """Return the public belief about the mover, shape (K,)."""
    return to_beliefs(spot.x, spot.solved.game.n_types)[spot.mover]
