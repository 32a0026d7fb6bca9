"""What is asked of a decision, and whether the game has what was named."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from standoff.errors import SolveError
from standoff.names import instead, listed, unknown
from standoff.scenario.canonical import Canonical, VariableSpec

Beliefs = Mapping[str, Mapping[str, float]]

ROUNDING = 1e-9
"""Beliefs that sum to 1 but for this are taken to do so, as where they are put in place."""


@dataclass(frozen=True)
class Asked:
    """What was said of the point; None where nothing was."""

    player: str | None = None
    at: int | str | dt.date | None = None
    turn: str | None = None
    state: Mapping[str, Any] = field(default_factory=dict)
    beliefs: Beliefs = field(default_factory=dict)
    event: str | None = None


def check_names(canonical: Canonical, asked: Asked) -> None:
    """Refuse names that the game does not have, and beliefs that are no probabilities."""
    players = [player.name for player in canonical.players]
    turns = {turn.name: turn for turn in canonical.turns}
    if asked.player is not None and asked.player not in players:
        raise SolveError(unknown("player", asked.player, players))
    if asked.turn is not None and asked.turn not in turns:
        raise SolveError(unknown("turn", asked.turn, turns))
    if asked.turn is not None and asked.player not in (None, turns[asked.turn].player):
        raise SolveError(f"{asked.turn} is a turn of {turns[asked.turn].player}, not of {asked.player}")
    if asked.player is not None and not any(turn.player == asked.player for turn in canonical.turns):
        raise SolveError(f"{asked.player} has no turn in this game; those who decide are {listed(sorted({t.player for t in canonical.turns}))}")
    for name, given in asked.beliefs.items():
        if name not in players:
            raise SolveError(unknown("player", name, players))
        kinds = list(canonical.player(name).types)
        if len(kinds) == 1:
            raise SolveError(f"{name} has no secret, so there is nothing to believe about it")
        for kind, p in given.items():
            if kind not in kinds:
                raise SolveError(unknown(f"type of {name}", kind, kinds))
            if not 0.0 <= p <= 1.0:
                raise SolveError(f"the belief that {name} is {kind} is {p:g}; it must be a probability between 0 and 1")


def check_sums(canonical: Canonical, asked: Asked) -> None:
    """Refuse beliefs of a player that sum to more than 1, or that name all of its types and do not sum to 1."""
    for name, given in asked.beliefs.items():
        kinds, total = canonical.player(name).types, sum(given.values())
        if total > 1.0 + ROUNDING or (len(given) == len(kinds) and total < 1.0 - ROUNDING):
            raise SolveError(
                f"the beliefs about {name} ({', '.join(given)}) sum to {total:.6g}; they must sum to 1. "
                f"The last type may be left out: {kinds[-1]} then gets what the others leave"
            )


def _code(spec: VariableSpec, value: Any) -> int:
    """Return the code of a value, given as it is or in words."""
    if value in spec.values and type(value) in {type(known) for known in spec.values}:
        return spec.values.index(value)
    words = [str(known).lower() for known in spec.values]
    if str(value).lower() in words:
        return words.index(str(value).lower())
    raise SolveError(f"{spec.name} is never {value}; {instead(value, words, 'its values are')}")


def codes_of(canonical: Canonical, state: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
    """Return a state that was given in words as pairs of variable and code."""
    specs = {spec.name: spec for spec in canonical.variables}
    codes = []
    for name, value in state.items():
        if name not in specs:
            raise SolveError(unknown("state variable", name, specs))
        codes.append((name, _code(specs[name], value)))
    return tuple(codes)


def period_of(canonical: Canonical, moment: int | str | dt.date) -> int:
    """Return the period of a moment: a number, a date, ISO text, or a name of the calendar."""
    calendar = canonical.calendar
    if isinstance(moment, str) and moment not in calendar.dates:
        try:
            moment = int(moment) if moment.strip().isascii() and moment.strip().isdigit() else dt.date.fromisoformat(moment.strip())
        except ValueError:
            hint = instead(moment, calendar.dates, "dates of the calendar are")
            raise SolveError(f"{moment} is no date (such as 2020-09-26), no period and no date of the calendar; {hint}") from None
    try:
        return calendar.period(moment)
    except ValueError as error:
        raise SolveError(str(error)) from None
