"""Which events of a record find a turn, as far as that can be told before a game is solved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from standoff.errors import Fault, RecordError
from standoff.game.compiled import Game
from standoff.game.structure import END, Structure, effects
from standoff.record import Record
from standoff.scenario.canonical import Canonical
from standoff.scenario.mapping import MappedEvent, known_by, map_record

SHOWN = 5
"""Reasons and events that an error names."""


def silent_moves(canonical: Canonical) -> dict[str, str]:
    """Return what a silent record means, by place (`turn:NAME`, `chance:ADDRESS`, `event:NAME`)."""
    found = {f"turn:{turn.name}": f"{turn.player}.{turn.silent}" for turn in canonical.turns if turn.silent}
    for address, effect in effects(canonical):
        if effect.silent is not None:
            found[f"chance:{address}"] = found[f"event:{address}"] = f"{address}/{effect.silent}"
    return found


def must_be_told(game: Game, record: Record) -> None:
    """Refuse a record of which nothing would be told, so that replaying it as far as it is known would only find silence.

    Raises RecordError when no event stands for a move, or some do and none finds its turn; the second only as far as that can be told before the
    game is solved.
    """
    canonical, file = game.canonical, record.path or None
    mapped = map_record(canonical, record)
    if not any(item.moves for item in mapped):
        raise RecordError([no_moves(file, mapped)])
    lost = no_turn(game, map_record(canonical, record, known=known_by(canonical)))
    if lost:
        raise RecordError([no_turns(file, [f"{item.event.id} ({' or '.join(item.moves)}, {item.event.date})" for item in lost])])


def no_moves(file: str | None, mapped: Sequence[MappedEvent]) -> Fault:
    """Return the fault of a record whose events stand for no moves."""
    reasons = sorted({item.reason for item in mapped})
    return Fault(
        file=file,
        problem="no event of the record stands for a move of the scenario",
        found="; ".join(reasons[:SHOWN]) or "no events",
        allowed="events that the rules under `record: map:` pick",
    )


def no_turns(file: str | None, lost: Sequence[str]) -> Fault:
    """Return the fault of a record whose events find no turns."""
    more = f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else ""
    return Fault(
        file=file,
        problem="no event of the record finds its turn, so that it would be replayed as silent throughout",
        found="; ".join(lost[:SHOWN]) + more,
        suggestion="look at the dates of the events and of the clock, at the `when` of turns and options, and at `slip` of the record",
    )


def no_turn(game: Game, mapped: Iterable[MappedEvent]) -> list[MappedEvent]:
    """Return the events that stand for moves, if none of them finds its turn; nothing if one does.

    The way of a replay is followed until one finds it, or until solved play is needed to say what silence means.
    """
    canonical, s = game.canonical, game.structure
    due = [item for item in mapped if item.moves and item.period is not None]
    slip = canonical.record.slip if canonical.record is not None else 1
    silent = silent_moves(canonical)
    node = int(s.roots[0])
    while due and s.kind[node] != END:
        period, first = int(s.period[node]), int(s.observation_start[node])
        labels = [s.address(row) for row in range(first, int(s.observation_start[node + 1]))]
        waiting = [item for item in due if item.period is not None and item.period <= period <= item.period + slip]
        onward = _silent(s, node, labels, silent)
        if onward is None or any(move in labels for item in waiting for move in item.moves):
            return []
        node = int(s.target[first + onward])
    return due


def _silent(s: Structure, node: int, labels: list[str], silent: dict[str, str]) -> int | None:
    """Return the observation that silence means at a node; None where only solved play can tell."""
    if len(labels) == 1 or s.reveals[node]:
        return 0
    move = silent.get(s.places[s.place[node]])
    return labels.index(move) if move in labels else None
