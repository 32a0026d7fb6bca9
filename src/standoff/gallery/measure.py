"""Read the figures of a game off its solution: along exact public histories, or in public states where it is solved over these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf

from standoff.errors import SolveError
from standoff.gallery.figures import LIMIT_PRECISION, Figure
from standoff.game import DECISION, Game, build
from standoff.scenario import load
from standoff.solve import Equilibrium, Exact, exact, solve
from standoff.solve.grid import to_beliefs


@dataclass(frozen=True)
class Line:
    """A figure that is known, and ours."""

    figure: Figure
    ours: float
    precision: float
    """At which ours was computed; a limit is computed at a high one."""
    certified: float
    """Largest residual of that solution's equations, in relative log-odds; 0 where there is nothing to certify."""

    @property
    def difference(self) -> float:
        """Return ours less what is known."""
        return self.ours - self.figure.known

    @property
    def agrees(self) -> bool:
        """Tell whether ours lies as near as it should."""
        return abs(self.difference) <= self.figure.within


def solution(game: Game) -> Exact | Equilibrium:
    """Solve a game on its public histories; one with turns taken at once or without end, and so without secrets here, over its public states.

    Raises SolveError when the branch to the solution is lost.
    """
    return solve(game) if game.structure.at_once or game.structure.open_ended else exact(game)


def residual(solved: Exact | Equilibrium) -> float:
    """Return the largest residual of a solution's equations, in relative log-odds."""
    if isinstance(solved, Exact):
        return solved.certificate.residual
    assert solved.certificate is not None
    assert solved.certificate.whole is not None
    return solved.certificate.whole.residual


def measure(scenario: str, figures: Sequence[Figure]) -> tuple[Line, ...]:
    """Solve a scenario at every setting and precision that the figures ask for, and read them.

    Raises SolveError when the branch to the solution is lost, or a history is none of the game.
    """
    solved: dict[tuple[tuple[tuple[str, float], ...], float], Exact | Equilibrium] = {}
    lines = []
    for figure in figures:
        precision = LIMIT_PRECISION if isinf(figure.precision) else figure.precision
        key = (tuple(sorted(figure.setting.items())), precision)
        if key not in solved:
            solved[key] = solution(build(load(scenario, {**figure.setting, "precision": precision})))
        lines.append(Line(figure, read(solved[key], figure), precision, residual(solved[key])))
    return tuple(lines)


def read(solved: Exact | Equilibrium, figure: Figure) -> float:
    """Return the probability, or the belief, that a figure speaks of.

    Raises SolveError when the history does not lead to such a choice, or the game has no such state.
    """
    return _on_history(solved, figure) if isinstance(solved, Exact) else _in_state(solved, figure)


def _in_state(solved: Equilibrium, figure: Figure) -> float:
    player, name = figure.of.split(".", 1)
    for turn in solved.game.canonical.turns:
        if turn.player == player and name in [option.name for option in turn.options]:
            (policy,) = solved.policy_at(solved.locate(turn=turn.name, state=figure.state)).values()
            return policy[name]
    raise SolveError(f"{figure.of} is no option of this game")


def _on_history(solved: Exact, figure: Figure) -> float:
    history = follow(solved, figure.after)
    player, name = figure.of.split(".", 1)
    game = solved.game
    spec = game.canonical.player(player)
    if figure.belief:
        return float(to_beliefs(solved.beliefs[history], game.n_types)[game.player_index[player]][spec.types.index(name)])
    while not _decides(solved, history, player) and len(_addresses(solved, history)) == 1:
        history = int(solved.tree.child[history])
    if not _decides(solved, history, player):
        raise SolveError(f"after {', '.join(figure.after) or 'the start'} it is not {player} that decides")
    node = int(solved.tree.node[history])
    options = [game.option_address(row) for row in range(game.arrays.option_start[node], game.arrays.option_start[node + 1])]
    kind = figure.type if figure.type is not None or len(spec.types) > 1 else spec.types[0]
    if kind not in spec.types or figure.of not in options:
        raise SolveError(f"{figure.of} is no option of {kind or 'a player of no given type'} after {', '.join(figure.after) or 'the start'}")
    return float(solved.at(history)[spec.types.index(kind), options.index(figure.of)])


def follow(solved: Exact, after: Sequence[str]) -> int:
    """Return the history after these moves. Where only one thing can happen it is passed over.

    Raises SolveError for a move that cannot happen there.
    """
    history = 0
    for address in after:
        while True:
            seen = _addresses(solved, history)
            if address in seen:
                history = int(solved.tree.child[history]) + seen.index(address)
                break
            if len(seen) != 1:
                raise SolveError(f"{address} cannot happen there; what can is {', '.join(filter(None, seen)) or 'nothing: the game is over'}")
            history = int(solved.tree.child[history])
    return history


def _addresses(solved: Exact, history: int) -> list[str]:
    g, node = solved.game.arrays, solved.tree.node[history]
    return [solved.game.structure.address(row) for row in range(int(g.observation_start[node]), int(g.observation_start[node + 1]))]


def _decides(solved: Exact, history: int, player: str) -> bool:
    structure, node = solved.game.structure, solved.tree.node[history]
    return bool(structure.kind[node] == DECISION) and solved.game.canonical.players[int(structure.owner[node])].name == player
