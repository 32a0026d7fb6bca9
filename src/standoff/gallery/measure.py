"""Read the figures of a game off its solution, along exact public histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isinf

import numpy as np

from standoff.errors import SolveError
from standoff.gallery.figures import LIMIT_PRECISION, Figure
from standoff.game import DECISION, build
from standoff.scenario import load
from standoff.solve import Equilibrium, solve


@dataclass(frozen=True)
class Line:
    """A figure that is known, and ours."""

    figure: Figure
    ours: float
    precision: float
    """At which ours was computed; a limit is computed at a high one."""
    certified: float
    """Largest policy distance of that solution, from its certificate; 0 where there is nothing to certify."""

    @property
    def difference(self) -> float:
        """Return ours less what is known."""
        return self.ours - self.figure.known

    @property
    def agrees(self) -> bool:
        """Tell whether ours lies as near as it should."""
        return abs(self.difference) <= self.figure.within


def measure(scenario: str, figures: Sequence[Figure]) -> tuple[Line, ...]:
    """Solve a scenario at every setting and precision that the figures ask for, and read them.

    Raises SolveError when a solution does not meet the certificate that its figures need, or a history is none of the game.
    """
    solved: dict[tuple[tuple[tuple[str, float], ...], float], Equilibrium] = {}
    lines = []
    for figure in figures:
        precision = LIMIT_PRECISION if isinf(figure.precision) else figure.precision
        key = (tuple(sorted(figure.setting.items())), precision)
        if key not in solved:
            solved[key] = _solved(scenario, figure.setting, precision, 1e-2 if isinf(figure.precision) else 1e-6)
        eq = solved[key]
        certificate = eq.certificate
        assert certificate is not None
        lines.append(Line(figure, read(eq, figure), precision, certificate.policy_distance))
    return tuple(lines)


def _solved(scenario: str, setting: Mapping[str, float], precision: float, tolerance: float) -> Equilibrium:
    game = build(load(scenario, {**setting, "precision": precision}))
    eq = solve(game, tolerance=tolerance, workers=1)
    if eq.certificate is None or not eq.certificate.met:
        said = eq.certificate.text() if eq.certificate is not None else "not certified"
        raise SolveError(f"{scenario} at precision {precision:g} cannot be solved as finely as its figures need: {said}")
    return eq


def read(eq: Equilibrium, figure: Figure) -> float:
    """Return the probability, or the belief, that a figure speaks of.

    Raises SolveError when the history does not lead to such a choice.
    """
    node, x = follow(eq, figure.after)
    player, name = figure.of.split(".", 1)
    if figure.belief:
        return eq.beliefs(x)[player][name]
    canonical = eq.game.canonical
    g = eq.game.arrays
    while int(g.observation_start[node + 1] - g.observation_start[node]) == 1 and not _decides(eq, node, player):
        node, x = _step(eq, node, x, 0)
    if not _decides(eq, node, player):
        raise SolveError(f"after {', '.join(figure.after) or 'the start'} it is not {player} that decides")
    table = eq.policy_at(node, x)
    kinds = canonical.player(player).types
    kind = figure.type if figure.type is not None or len(kinds) > 1 else kinds[0]
    if kind not in table or name not in table[kind]:
        raise SolveError(f"{figure.of} is no option of {kind or 'a player of no given type'} after {', '.join(figure.after) or 'the start'}")
    return table[kind][name]


def follow(eq: Equilibrium, after: Sequence[str]) -> tuple[int, np.ndarray]:
    """Return the node and belief coordinates after these moves, beliefs following Bayes' rule from the prior.

    Where only one thing can happen it is passed over. Raises SolveError for a move that cannot happen there.
    """
    structure = eq.game.structure
    node, x = int(structure.roots[0]), eq.prior
    for address in after:
        while True:
            seen = _addresses(eq, node)
            if address in seen:
                node, x = _step(eq, node, x, seen.index(address))
                break
            if len(seen) != 1:
                raise SolveError(f"{address} cannot happen there; what can is {', '.join(filter(None, seen)) or 'nothing: the game is over'}")
            node, x = _step(eq, node, x, 0)
    return node, x


def _addresses(eq: Equilibrium, node: int) -> list[str]:
    g = eq.game.arrays
    return [eq.game.structure.address(row) for row in range(int(g.observation_start[node]), int(g.observation_start[node + 1]))]


def _step(eq: Equilibrium, node: int, x: np.ndarray, seen: int) -> tuple[int, np.ndarray]:
    g = eq.game.arrays
    return int(g.target[g.observation_start[node] + seen]), eq.probe(node, x).posteriors[seen]


def _decides(eq: Equilibrium, node: int, player: str) -> bool:
    structure = eq.game.structure
    return bool(structure.kind[node] == DECISION) and eq.game.canonical.players[int(structure.owner[node])].name == player
