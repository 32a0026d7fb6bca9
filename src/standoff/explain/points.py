"""Finding the decision that is to be explained.

A *spot* is one decision of one player in one public state at one belief. It can be declared (a date and a state), taken from the path of a
replayed record (a date or an event of it), or be the next turn of a player: the likeliest way leads there from the start, or from where the
record leaves the game open.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from standoff.errors import SolveError
from standoff.explain.asked import Asked, check_names, check_sums, codes_of, period_of
from standoff.explain.spot import Spot, as_root, locate
from standoff.game import DECISION, END, Game, Root, build
from standoff.game.structure import Structure, explore
from standoff.names import instead, listed
from standoff.replay import Step, Trail
from standoff.scenario.canonical import Canonical
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.grid import to_beliefs
from standoff.solve.solver import solve_on

MAX_VISITS = 20_000
"""Public states looked at in search of a player's next turn; behind so many, no way there is likely."""


def find(eq: Equilibrium, asked: Asked, trail: Trail | None) -> Spot:
    """Find the decision that was asked for.

    Raises SolveError for unknown names, dates outside the clock, and points at which nobody, or somebody else, decides.
    """
    canonical = eq.game.canonical
    check_names(canonical, asked)
    if trail is not None and trail.equilibrium.game.structure is not eq.game.structure:
        raise SolveError("the record was replayed through another solution; replay it through the one that is to be explained")
    if asked.event is not None:
        if asked.at is not None or asked.turn is not None or asked.state:
            raise SolveError(f"the event {asked.event} is a point by itself; leave the date, the turn and the state out, or leave the event out")
        spot = _of_event(eq, asked, trail)
    elif asked.state or (asked.at is not None and trail is None):
        spot = _declared(eq, asked)
    elif trail is not None and asked.at is not None:
        spot = _on_path(trail, asked)
    else:
        spot = _next(eq, asked, trail)
    check_sums(eq.game.canonical, asked)
    x = spot.solved.coordinates(asked.beliefs, base=spot.x) if asked.beliefs else spot.x
    return replace(spot, x=x, solved=spot.solved.rooted(spot.node, x))


def _when(canonical: Canonical, period: int) -> str:
    starts = canonical.calendar.starts
    return f"{starts[period]}" if starts is not None else f"period {period}"


# -- declared points --------------------------------------------------------------------------------------------------------------------------


def _declared(eq: Equilibrium, asked: Asked) -> Spot:
    canonical = eq.game.canonical
    codes = codes_of(canonical, asked.state)
    period = period_of(canonical, asked.at) if asked.at is not None else 0
    turns = [t for t in canonical.turns if asked.turn in (None, t.name) and asked.player in (None, t.player)]
    said = ", ".join(f"{name} {_word(canonical.variables[_index(canonical, name)].values[code])}" for name, code in codes)
    where = f"in the period of {_when(canonical, period)}, " + (f"with {said}, the rest as at the start" if said else "the state as at the start")
    roots = [Root(period, turn.name, codes) for turn in turns]
    alone = explore(canonical, eq.game.parameters, roots)
    for number, (root, turn) in enumerate(zip(roots, turns, strict=True)):
        node = int(alone.roots[number])
        if alone.period[node] != period or alone.member_at(node, f"turn:{turn.name}") is None:
            continue
        origin = f"as declared: {where}"
        known = locate(eq.game.structure, f"turn:{turn.name}", period, alone.state[node])
        if known is not None:
            return Spot(eq, known, eq.prior, origin, root=root)
        there = _solved_there(eq, root)
        begin = there.game.structure.member_at(int(there.game.structure.roots[0]), f"turn:{turn.name}")
        assert begin is not None
        return Spot(
            there,
            begin,
            eq.prior,
            f"{origin}; the play from there was solved on the same belief grid, without a certificate of its own",
            root=root,
        )
    raise SolveError(f"{_nobody(alone, asked)} {where}; {_remedy(asked)}")


def _index(canonical: Canonical, name: str) -> int:
    return [spec.name for spec in canonical.variables].index(name)


def _nobody(structure: Structure, asked: Asked) -> str:
    """Say who does not decide, and what happens instead."""
    node = int(structure.roots[0])
    who = asked.turn or asked.player or "nobody"
    says = "nobody decides" if who == "nobody" else f"{who} does not decide"
    place = structure.places[structure.place[node]]
    if structure.kind[node] == END:
        return f"{says}, because the game is over ({place.removeprefix('end:')}),"
    if structure.kind[node] == DECISION:
        mover = structure.canonical.players[int(structure.owner[node])].name
        return f"{says} ({mover} does, at the turn {place.removeprefix('turn:')})"
    return says


def _remedy(asked: Asked) -> str:
    return "give a state in which it does, another date, or another player" if asked.player or asked.turn else "give another date or state"


def _word(value: Any) -> str:
    """Write a value as in a scenario file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _solved_there(eq: Equilibrium, root: Root) -> Equilibrium:
    """Solve what follows a declared state, on the same belief grid."""
    canonical, values = eq.game.canonical, dict(eq.game.parameters)
    game: Game = build(canonical, values, structure=explore(canonical, values, (root,)))
    opened = replace(game, priors=eq.game.priors)
    return solve_on(opened, eq.grid.levels, at=(int(opened.structure.roots[0]), eq.prior))


# -- points of the record -----------------------------------------------------------------------------------------------------------------------


def _of_event(eq: Equilibrium, asked: Asked, trail: Trail | None) -> Spot:
    event = asked.event
    if trail is None:
        given = "give one with `--record FILE` (from Python: a replayed one, trail=)"
        raise SolveError(f"the event {event} belongs to a record, but none was given; {given}")
    told = [step for step in trail.steps if event in step.events]
    if not told:
        for item in trail.unmapped:
            if item.event.id == event:
                raise SolveError(f"{event} stands for no move: {item.reason}. Events that do: {listed(_events(trail))}")
        for unplayed, reason in trail.unplayed:
            if unplayed.id == event:
                raise SolveError(f"{event} found no turn: {reason}. Events that did: {listed(_events(trail))}")
        raise SolveError(f"the record has no event {event}; {instead(event, _events(trail), 'events that stand for moves are')}")
    choices = [step for step in told if eq.game.structure.kind[step.node] == DECISION]
    if not choices:
        raise SolveError(f"{event} is told by {told[0].move}, which is chance: nobody decides it. Name the event of the move before it")
    mine = [step for step in choices if asked.player in (None, step.player)]
    if not mine:
        theirs = list(dict.fromkeys(name for step in trail.steps if step.player == asked.player for name in step.events))
        raise SolveError(
            f"{event} is a move of {choices[0].player}, not of {asked.player}; leave the player out"
            + (f", or name an event of {asked.player}: {listed(theirs)}" if theirs else "")
        )
    return _at_step(trail, mine[0], f"on the record's path, just before {event}")


def _events(trail: Trail) -> list[str]:
    return list(dict.fromkeys(name for step in trail.steps for name in step.events))


def _decisions(trail: Trail, asked: Asked) -> list[Step]:
    """Return the decisions on the record's path that fit, those of which the record tells first."""
    structure = trail.equilibrium.game.structure
    fits = [
        step
        for step in trail.steps
        if structure.kind[step.node] == DECISION
        and asked.player in (None, step.player)
        and (asked.turn is None or structure.places[structure.place[step.node]] == f"turn:{asked.turn}")
    ]
    return sorted(fits, key=lambda step: step.silent)


def _on_path(trail: Trail, asked: Asked) -> Spot:
    assert asked.at is not None
    canonical = trail.equilibrium.game.canonical
    period = period_of(canonical, asked.at)
    fits = _decisions(trail, asked)
    for step in fits:
        if step.period == period:
            return _at_step(trail, step, f"on the record's path, in the period of {_when(canonical, period)}")
    who = asked.turn or asked.player or "nobody"
    moments = [_when(canonical, at) for at in sorted({step.period for step in fits})]
    raise SolveError(
        f"on the record's path {who} {'decides' if who == 'nobody' else 'does not decide'} in the period of {_when(canonical, period)}; "
        f"{f'periods in which it does: {listed(moments)}' if moments else 'it never does there'}. To leave the path, declare a state"
    )


def _at_step(trail: Trail, step: Step, origin: str) -> Spot:
    eq = trail.equilibrium
    return Spot(eq, step.node, step.before, origin, step, as_root(eq.game.structure, step.node))


# -- the next turn -----------------------------------------------------------------------------------------------------------------------------


def _next(eq: Equilibrium, asked: Asked, trail: Trail | None) -> Spot:
    structure = eq.game.structure
    open_ended = trail is not None and structure.kind[trail.node] != END
    if trail is not None and not open_ended:
        fits = _decisions(trail, asked)
        if fits:
            first = fits[0]
            what = f"its first move that the record tells ({', '.join(first.events)})" if not first.silent else "its first turn"
            return _at_step(trail, first, f"on the record's path, {what}")
    start, x, origin = int(structure.roots[0]), eq.prior, "from the start"
    if open_ended:
        assert trail is not None
        start, x, origin = trail.node, trail.x, "from where the record leaves the game"

    def wanted(node: int) -> bool:
        if structure.kind[node] != DECISION or structure.option_start[node + 1] - structure.option_start[node] < 2:
            return False
        mover = structure.canonical.players[int(structure.owner[node])].name
        return asked.player in (None, mover) and (asked.turn is None or structure.places[structure.place[node]] == f"turn:{asked.turn}")

    found = _likeliest_way(eq, start, x, wanted)
    who = asked.turn or asked.player
    if found is None:
        raise SolveError(f"{origin} no likely way leads to a choice of {who or 'anybody'}; declare a state in which there is one")
    node, x, chance = found
    here = "" if node == start else f", on the likeliest way there (probability {chance:.2g})"
    return Spot(eq, node, x, f"the first choice{f' of {who}' if who else ''} {origin}{here}", root=as_root(structure, node))


def _likeliest_way(eq: Equilibrium, node: int, x: np.ndarray, wanted: Callable[[int], bool]) -> tuple[int, np.ndarray, float] | None:
    """Follow public histories in order of probability to the first wanted node; return it, the belief there and the history's probability."""
    game, g = eq.game, eq.game.arrays
    order = count()
    pending = [(-1.0, next(order), node, x)]
    for _ in range(MAX_VISITS):
        if not pending:
            return None
        chance, _, node, x = heapq.heappop(pending)
        if wanted(node):
            return node, x, -chance
        probe = eq.probe(node, x)
        owner = int(g.owner[node])
        belief = to_beliefs(x, game.n_types)[owner] if owner >= 0 else np.ones(1)
        for y, p in enumerate(probe.likelihood @ belief):
            if p > 0.0:
                heapq.heappush(pending, (chance * float(p), next(order), int(g.target[g.observation_start[node] + y]), probe.posteriors[y]))
    return None
