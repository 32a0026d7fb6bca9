"""Every choice of a game in the order in which Gambit prints them, so that its answer can be set beside ours number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from standoff.export import information_sets
from standoff.game import build
from standoff.scenario import load
from standoff.solve import Exact, exact


@dataclass(frozen=True)
class Choice:
    """One information set and what is chosen there."""

    player: str
    type: str | None
    """None where the player has no secret."""
    after: tuple[str, ...]
    """Addresses of what was seen before, in order."""
    options: tuple[str, ...]
    probabilities: tuple[float, ...]
    """Ours, one an option."""


def choices(scenario: str) -> tuple[Choice, ...]:
    """Solve a scenario as it stands and return its choices as `gambit-logit` prints them: by player, then in the order of the exported file.

    Raises ExportError where the tree is too large to be written, SolveError when the branch to the solution is lost.
    """
    solved = exact(build(load(scenario)))
    game, structure = solved.game, solved.game.structure
    found = []
    for place in sorted(information_sets(game), key=lambda one: (one.player, one.number)):
        spec = game.canonical.players[place.player]
        rows = range(int(game.arrays.option_start[place.node]), int(game.arrays.option_start[place.node + 1]))
        found.append(
            Choice(
                spec.name,
                spec.types[place.kind] if len(spec.types) > 1 else None,
                tuple(filter(None, (structure.address(row) for row in place.observations))),
                tuple(game.option_address(row).split(".", 1)[1] for row in rows),
                tuple(float(p) for p in solved.at(_history(solved, place.observations))[place.kind]),
            )
        )
    return tuple(found)


def _history(solved: Exact, observations: Sequence[int]) -> int:
    """Return the public history that these observation rows lead to."""
    history = 0
    for row in observations:
        history = int(solved.tree.child[history]) + row - int(solved.game.arrays.observation_start[solved.tree.node[history]])
    return history
