"""Moves forced or forbidden. Others do not know: they read a forced move as if it had been chosen."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from standoff.errors import InterventionError
from standoff.game import Game
from standoff.names import closest, listed
from standoff.scenario.models import Intervention

FREE, FORBIDDEN, FORCED = -1, 0, 1


def overrides(game: Game, interventions: Iterable[Intervention], *, now: int | None = None) -> np.ndarray:
    """Return for every option row whether it is free, forbidden or forced, shape (o,).

    `now` is the period that `now: true` means. Raises InterventionError for unknown moves, moments outside the clock, contradictions, and
    interventions that can never apply.
    """
    acted = np.full(len(game.structure.option), FREE, dtype=np.int8)
    known = sorted({f"{turn.player}.{option.name}" for turn in game.canonical.turns for option in turn.options})
    period = game.structure.period[game.option_node]
    for item in interventions:
        if (item.force is None) == (item.forbid is None):
            raise InterventionError("an intervention either forces a move or forbids one")
        move = item.force if item.force is not None else item.forbid
        assert move is not None
        if move not in known:
            near = closest(move, known)
            raise InterventionError(f"no option is {move}; {f'did you mean {near}?' if near else f'options are {listed(known)}'}")
        try:
            low = game.canonical.calendar.period(item.first) if item.first is not None else 0
            high = game.canonical.calendar.period(item.last) if item.last is not None else game.canonical.calendar.n_periods - 1
        except (ValueError, KeyError) as error:
            raise InterventionError(f"{move}: {error}") from error
        if item.now:
            low = high = now if now is not None else 0
        rows = game.options_at(move)
        rows = rows[(period[rows] >= low) & (period[rows] <= high)]
        if not len(rows):
            raise InterventionError(
                f"{move} is never possible from period {low} to {high}, so it cannot be {'forced' if item.force else 'forbidden'}"
            )
        value = FORCED if item.force is not None else FORBIDDEN
        if (acted[rows] == (FORBIDDEN if value == FORCED else FORCED)).any():
            raise InterventionError(f"{move} is both forced and forbidden")
        acted[rows] = value
    _check_menus(game, acted)
    return acted


def _check_menus(game: Game, acted: np.ndarray) -> None:
    """Refuse two forced options in one choice, and choices with nothing left."""
    starts, forced, forbidden = game.structure.option_start, acted == FORCED, acted == FORBIDDEN
    for flags, limit, problem in (
        (forced, np.full(game.structure.n_nodes, 2), "two moves are forced in one choice"),
        (forbidden, np.maximum(np.diff(starts), 1), "every option of a choice is forbidden"),
    ):
        counts = np.diff(np.concatenate([[0], np.cumsum(flags)])[starts])
        if (counts >= limit).any():
            node = int(np.argmax(counts >= limit))
            moves = ", ".join(game.option_address(row) for row in range(starts[node], starts[node + 1]) if flags[row])
            raise InterventionError(f"{problem}: {moves}, in period {game.structure.period[node]}")
