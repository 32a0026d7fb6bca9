"""Moves forced or forbidden. Others do not know: they read a forced move as if it had been chosen."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from standoff.errors import InterventionError
from standoff.game import DECISION, Game
from standoff.names import listed, unknown
from standoff.passed import passed
from standoff.scenario.canonical import OptionSpec, TurnSpec
from standoff.scenario.models import Intervention, When

FREE, FORBIDDEN, FORCED = -1, 0, 1


def move_of(item: Intervention) -> str:
    """Return the move that an intervention forces or forbids. Raises InterventionError unless it is exactly one of the two."""
    move = item.force if item.force is not None else item.forbid
    if move is None or (item.force is not None and item.forbid is not None):
        raise InterventionError("an intervention either forces a move or forbids one")
    return move


def rows_of(game: Game, item: Intervention, *, now: int | None = None) -> np.ndarray:
    """Return the option rows that an intervention acts on; none where its turn never comes in these periods.

    `now` is the period that `now: true` means. Raises InterventionError for unknown moves and for moments outside the clock.
    """
    move = move_of(item)
    known = sorted({f"{turn.player}.{option.name}" for turn in game.canonical.turns for option in turn.options})
    if move not in known:
        signals = sorted({f"{turn.player}.{name}" for turn in game.canonical.turns for name in turn.signals})
        if move in signals:
            hidden = sorted(
                {f"{turn.player}.{option.name}" for turn in game.canonical.turns for option in turn.options if _sends(turn, option, move)}
            )
            raise InterventionError(
                f"{move} is a signal, which is what others see of a covert move; it cannot be forced or forbidden, but moves that send it can: "
                f"{listed(hidden)}"
            )
        raise InterventionError(unknown("option", move, known))
    low = _period(game, move, item.first, 0)
    high = _period(game, move, item.last, game.canonical.calendar.n_periods - 1)
    if low > high:
        raise InterventionError(
            f"{move} is never possible from period {low} to {high}: the first comes after the last; write the earlier one after `from`"
        )
    if item.now:
        low = high = now if now is not None else 0
    rows = game.options_at(move)
    period = game.structure.period[game.option_node[rows]]
    return np.asarray(rows[(period >= low) & (period <= high)])


def _period(game: Game, move: str, moment: When | str | None, default: int) -> int:
    calendar = game.canonical.calendar
    if moment is None:
        return default
    if isinstance(moment, str) and moment not in calendar.dates:
        raise InterventionError(f"{move}: {unknown('date', moment, calendar.dates)}")
    try:
        return calendar.period(moment)
    except ValueError as error:
        raise InterventionError(f"{move}: {error}") from error


def overrides(game: Game, interventions: Iterable[Intervention], *, now: int | None = None, must_apply: bool = True) -> np.ndarray:
    """Return for every option row whether it is free, forbidden or forced, shape (o,).

    `now` is the period that `now: true` means. Raises InterventionError for unknown moves, moments outside the clock, contradictions, and
    (unless `must_apply` is false) for interventions whose turn never comes.
    """
    acted = np.full(len(game.structure.option), FREE, dtype=np.int8)
    for item in [interventions] if isinstance(interventions, Intervention) else interventions:
        rows = rows_of(game, passed("simulate(do=..)", item, Intervention), now=now)
        value = FORCED if item.force is not None else FORBIDDEN
        if must_apply and not len(rows):
            raise InterventionError(_never(item, "no menu offers it then"))
        if (acted[rows] == (FORBIDDEN if value == FORCED else FORCED)).any():
            clash = rows[acted[rows] == (FORBIDDEN if value == FORCED else FORCED)]
            raise InterventionError(
                f"{move_of(item)} is both forced and forbidden {_span(game, game.option_node[clash])}; leave one of them out, or give each its own "
                "periods with `from` and `until`"
            )
        acted[rows] = value
    _check_menus(game, acted)
    return acted


def check_reach(game: Game, interventions: Iterable[Intervention], acted: np.ndarray, root: int) -> None:
    """Raise InterventionError for interventions on turns that never come from `root` on when everything in `acted` is done."""
    reached = reached_nodes(game, acted, root)
    for item in interventions:
        if not reached[game.option_node[rows_of(game, item)]].any():
            raise InterventionError(_never(item, "its turn never comes from the start of the game on"))


def reached_nodes(game: Game, acted: np.ndarray, root: int) -> np.ndarray:
    """Return which nodes can be reached from `root` when options are forced and forbidden so, shape (n,)."""
    structure, g = game.structure, game.arrays
    forced = np.zeros(structure.n_nodes, dtype=bool)
    forced[game.option_node[acted == FORCED]] = True
    allowed = np.where(forced[game.option_node], acted == FORCED, acted != FORBIDDEN)
    seen = np.ones(len(structure.target), dtype=bool)
    for node in np.flatnonzero(g.is_open):
        first = structure.observation_start[node]
        rows = slice(structure.option_start[node], structure.option_start[node + 1])
        seen[first : structure.observation_start[node + 1]] = allowed[rows]
    for node in np.flatnonzero((structure.kind == DECISION) & ~g.is_open):
        rows = slice(structure.option_start[node], structure.option_start[node + 1])
        seen[structure.observation_start[node] : structure.observation_start[node + 1]] = (
            game.likelihoods(int(node))[allowed[rows]] > 0.0
        ).any(axis=(0, 2))  # fmt: skip
    reached = np.zeros(structure.n_nodes, dtype=bool)
    reached[root] = True
    # Observations lead to later layers only.
    for first, last in zip(structure.layers[:-1], structure.layers[1:], strict=True):
        here = np.arange(structure.observation_start[first], structure.observation_start[last])
        reached[structure.target[here[reached[game.observation_node[here]] & seen[here]]]] = True
    return reached


def _sends(turn: TurnSpec, option: OptionSpec, move: str) -> bool:
    return option.signals is not None and move in {f"{turn.player}.{name}" for name in option.signals}


def _span(game: Game, nodes: np.ndarray) -> str:
    """Say from when to when these decisions come."""
    calendar, periods = game.canonical.calendar, game.structure.period[nodes]
    first, last = (f"{calendar.starts[period]}" if calendar.starts is not None else f"period {period}" for period in (periods.min(), periods.max()))
    if first == last:
        return f"in {first}" if calendar.starts is None else f"in the period of {first}"
    return f"from {first} to {last}" if calendar.starts is None else f"from the period of {first} to that of {last}"


def _said(moment: When | str) -> str:
    return f"period {moment}" if isinstance(moment, int) else f"{moment}"


def _never(item: Intervention, why: str) -> str:
    if item.first is not None and item.first == item.last:
        span = f" in {_said(item.first)}" if isinstance(item.first, int) else f" in the period of {item.first}"
    else:
        span = "".join(f" {word} {_said(moment)}" for word, moment in (("from", item.first), ("until", item.last)) if moment is not None)
    return f"{move_of(item)} is never possible{span}, so it cannot be {'forced' if item.force else 'forbidden'}: {why}"


def _check_menus(game: Game, acted: np.ndarray) -> None:
    """Refuse two forced options in one choice, and choices with nothing left."""
    starts, forced, forbidden = game.structure.option_start, acted == FORCED, acted == FORBIDDEN
    for flags, limit, problem, remedy in (
        (forced, np.full(game.structure.n_nodes, 2), "two moves are forced in one choice", "force one of them, or each in its own periods"),
        (forbidden, np.maximum(np.diff(starts), 1), "every option of a choice is forbidden", "leave one of them allowed"),
    ):
        counts = np.diff(np.concatenate([[0], np.cumsum(flags)])[starts])
        if (counts >= limit).any():
            nodes = np.flatnonzero(counts >= limit)
            named = {int(node): tuple(game.option_address(row) for row in range(starts[node], starts[node + 1]) if flags[row]) for node in nodes}
            moves = named[int(nodes[0])]
            alike = np.array([node for node, found in named.items() if found == moves])
            raise InterventionError(f"{problem}: {', '.join(moves)}, {_span(game, alike)}; {remedy}")
