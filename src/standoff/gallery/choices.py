"""Every choice of a game, in the order in which Gambit prints them, so that its answer can be set beside ours number by number."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from standoff.export import information_sets
from standoff.gallery.measure import solution
from standoff.game import DECISION, Game, build
from standoff.game.tree import parents, way_to
from standoff.scenario import load
from standoff.solve import Equilibrium, Exact


@dataclass(frozen=True)
class Choice:
    """One information set and what is chosen there."""

    player: str
    type: str | None
    """None where the player has no secret."""
    after: tuple[str, ...]
    """Addresses of what was seen before, in order; nothing in a game without end, where only the state counts."""
    options: tuple[str, ...]
    probabilities: tuple[float, ...]
    """Ours, one an option."""
    state: Mapping[str, str | int | bool] = field(default_factory=dict)
    """In a game without end, the variables that are not as at the start."""


def choices(scenario: str) -> tuple[tuple[Choice, ...], str]:
    """Solve a scenario as it stands and return its choices, and why Gambit cannot solve it: nothing where it can.

    The order is that of `gambit-logit`: by player, then that of the exported file. Games that are no tree of Gambit's are listed by player and
    state, or history. Raises ExportError where the tree is too large to be written, SolveError when the branch to the solution is lost.
    """
    solved = solution(build(load(scenario)))
    game = solved.game
    if isinstance(solved, Equilibrium) and game.structure.open_ended:
        return _by_player(game, _in_states(solved)), "the game has no last period, and a tree of moves has to end"
    if isinstance(solved, Exact) and game.canonical.misperceived:
        return _by_player(game, _on_histories(solved)), "the players' priors differ, and a tree has one prior for all"
    found = []
    for place in sorted(information_sets(game), key=lambda one: (one.player, one.number)):
        policy = solved.at(place.history) if isinstance(solved, Exact) else solved.probe(place.node).policy
        found.append(_choice(game, place.node, place.kind, policy, place.seen))
    return tuple(found), ""


def _choice(
    game: Game, node: int, kind: int, policy: np.ndarray, seen: tuple[str, ...], state: Mapping[str, str | int | bool] | None = None
) -> Choice:
    """Return what one type of the mover chooses at a node; `policy` has shape (K, A)."""
    spec = game.canonical.players[int(game.arrays.owner[node])]
    rows = range(int(game.arrays.option_start[node]), int(game.arrays.option_start[node + 1]))
    own = spec.types[kind] if len(spec.types) > 1 else None
    options = tuple(game.option_address(row).split(".", 1)[1] for row in rows)
    return Choice(spec.name, own, seen, options, tuple(float(p) for p in policy[kind]), state or {})


def _by_player(game: Game, found: Iterator[Choice]) -> tuple[Choice, ...]:
    return tuple(sorted(found, key=lambda choice: (game.player_index[choice.player], len(choice.state))))


def _in_states(solved: Equilibrium) -> Iterator[Choice]:
    """Yield the choices of a game without secrets, one a turn and state; of turns taken at once the state is that before the first."""
    s = solved.game.structure
    start = {spec.name: spec.values[spec.start] for spec in solved.game.canonical.variables}
    met = set()
    for node in np.flatnonzero((s.kind == DECISION) & (np.diff(s.option_start) > 1)).tolist():
        head = int(s.head[node])
        if (head, int(s.place[node])) not in met:
            met.add((head, int(s.place[node])))
            state = {name: value for name, value in s.labels(head).items() if value != start[name]}
            yield _choice(solved.game, node, 0, solved.probe(node).policy, (), state)


def _on_histories(solved: Exact) -> Iterator[Choice]:
    """Yield the choices of a game on its public histories, one a history and type."""
    game, s = solved.game, solved.game.structure
    parent = parents(solved.tree)
    for history in solved.choices.tolist():
        policy, seen = solved.at(history), tuple(filter(None, map(s.address, way_to(history, s, solved.tree, parent))))
        yield from (_choice(game, int(solved.tree.node[history]), kind, policy, seen) for kind in range(len(policy)))
