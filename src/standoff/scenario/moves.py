"""List the addresses of all moves of a scenario."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from standoff.scenario.findings import Findings
from standoff.scenario.models import Effect, Turn
from standoff.scenario.places import FieldPath


@dataclass(frozen=True)
class MoveInfo:
    """What an address means: an option, a signal or an outcome; whose; and in which turn."""

    kind: Literal["option", "signal", "outcome"]
    player: str | None
    turn: str | None
    covert: bool = False


Moves = Mapping[str, MoveInfo]


def turn_name(turn: Turn) -> str:
    """Give the name of a turn, by default that of its player."""
    return turn.name or turn.player


def list_moves(findings: Findings) -> Moves:
    """List all moves by address, and note turns, options and signals whose names are taken."""
    moves: dict[str, MoveInfo] = {}
    turns: set[str] = set()
    for position, turn in enumerate(findings.scenario.turns):
        path = ("turns", position)
        name = turn_name(turn)
        if name in turns:
            remedy = "give each turn of this player a name of its own" if turn.name is None else "rename one of them"
            findings.add(path, "another turn has this name", found=name, suggestion=remedy)
        turns.add(name)
        for option, effect in turn.options.items():
            info = MoveInfo("option", turn.player, name, effect.covert is not None)
            _add(findings, moves, (*path, "options", option), info, option, effect)
        for signal, seen in turn.signals.items():
            _add(findings, moves, (*path, "signals", signal), MoveInfo("signal", turn.player, name), signal, seen)
    for event, chance in findings.scenario.events.items():
        for outcome in chance.outcomes:
            moves[f"{event}/{outcome}"] = MoveInfo("outcome", None, None)
    return moves


def _add(findings: Findings, moves: dict[str, MoveInfo], path: FieldPath, info: MoveInfo, name: str, effect: Effect) -> None:
    address = f"{info.player}.{name}"
    if address in moves:
        findings.add(path, f"{info.player} has another option or signal of this name", found=name, suggestion="take a name of its own", key=True)
        return
    moves[address] = info
    for outcome in effect.outcomes:
        moves[f"{address}/{outcome}"] = MoveInfo("outcome", info.player, info.turn, info.covert)


def check_move(findings: Findings, path: FieldPath, address: str, moves: Moves, *, key: bool = False) -> MoveInfo | None:
    """Look a move up, noting a fault if there is none of this address."""
    if address in moves:
        return moves[address]
    outcomes = [known for known in moves if known.startswith(f"{address}/")]
    if address in findings.scenario.events and outcomes:
        findings.add(path, "an event alone is no move", found=address, allowed=", ".join(outcomes), suggestion="name one of its outcomes", key=key)
    else:
        findings.unknown(path, "move", address, moves, key=key)
    return None
