"""Probabilities and values as linear functionals of play, evaluated backwards on the belief grid without drawing anything.

The chance that something ever happens, the expected number of times, the chance of an end, and a player's payoff by component are all sums
of rewards along the path, possibly stopped when the event has happened; `standoff.solve._sweep.evaluate` propagates them. Where behaviour
is intervened upon, or the event is an option that others cannot see, the true type of the mover matters beside the public belief: such a
functional gets one column per type of those players ("pinned"), averaged at the point of measurement.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from standoff.errors import SolveError
from standoff.game import CLOSE, END, Game, Payoffs
from standoff.game.structure import effects, environment, truth
from standoff.measured import Measured
from standoff.solve._sweep import evaluate
from standoff.solve._tree_values import evaluate_histories
from standoff.solve.control import EXACTLY, ROUNDING, bounds
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.grid import to_beliefs
from standoff.solve.induction import make_workspace
from standoff.solve.together import ways


@dataclass(frozen=True)
class Functional:
    """What is summed along the path, one column for each combination of pinned types."""

    name: str
    """Tells functionals of one game apart."""
    node: np.ndarray  # (n,)
    option: np.ndarray  # (o,)
    observation: np.ndarray  # (e,)
    keep_option: np.ndarray  # (o,) 0 where the sum stops
    keep_observation: np.ndarray  # (e,)
    pinned: tuple[int, ...]
    """Players whose types are held fixed."""
    discounted: bool = False
    only: tuple[tuple[int, int], ...] = ()
    """(player, type) of pinned players of whom one type alone is asked for."""
    viewer: int = -1
    """The player whose own beliefs weigh the types of others; -1 for the common ones."""

    def kinds(self, game: Game) -> list[tuple[int, ...]]:
        """Return the combinations of types of the pinned players, one for each column."""
        only = dict(self.only)
        return list(itertools.product(*[(only[i],) if i in only else range(game.n_types[i]) for i in self.pinned]))

    def width(self, game: Game) -> int:
        """Return the number of columns."""
        return len(self.kinds(game))


def _empty(game: Game) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    s = game.structure
    return np.zeros(s.n_nodes), np.zeros(len(s.option)), np.zeros(len(s.target)), np.ones(len(s.option)), np.ones(len(s.target))


def movers(game: Game, acted: np.ndarray) -> tuple[int, ...]:
    """Return the players with a secret whose behaviour is intervened upon."""
    nodes = game.option_node[acted != -1]
    return tuple(sorted({int(i) for i in game.arrays.owner[nodes] if game.n_types[int(i)] > 1}))


def of_moves(game: Game, moves: Sequence[str], *, until: int, once: bool, pinned: tuple[int, ...]) -> Functional:
    """Return the functional that counts these moves up to a period, or (`once`) whether any of them happens.

    A declared move that no state of this game allows counts as nothing. Raises SolveError for moves that are not declared.
    """
    s = game.structure
    node, option, observation, keep_option, keep_observation = _empty(game)
    pins = set(pinned)
    for move in moves:
        rows = game.options_at(move)
        if len(rows):
            rows = rows[s.period[game.option_node[rows]] <= until]
            option[rows] += 1.0
            keep_option[rows] = 0.0 if once else 1.0
            hidden = ~game.arrays.is_open[game.option_node[rows]]
            pins |= {int(i) for i in game.arrays.owner[game.option_node[rows[hidden]]] if game.n_types[int(i)] > 1}
        elif move in s.addresses:
            rows = np.flatnonzero(s.label == s.addresses.index(move))
            rows = rows[s.period[game.observation_node[rows]] <= until]
            observation[rows] += 1.0
            keep_observation[rows] = 0.0 if once else 1.0
        elif move not in _declared(game):
            raise SolveError(f"{move} is no move of this game")
    return Functional(
        f"moves {list(moves)} {until} {once} {sorted(pins)}", node, option, observation, keep_option, keep_observation, tuple(sorted(pins))
    )


def _declared(game: Game) -> set[str]:
    """Return the addresses of all moves that the scenario declares, whether or not they can happen."""
    found = effects(game.canonical)
    events = {event.name for event in game.canonical.events}
    return {name for name, _ in found if name not in events} | {f"{name}/{one.name}" for name, effect in found for one in effect.outcomes}


def of_ends(game: Game, ends: Sequence[str], *, until: int, pinned: tuple[int, ...]) -> Functional:
    """Return the functional that tells whether the game ends so, up to a period."""
    node, option, observation, keep_option, keep_observation = _empty(game)
    for end in ends:
        rows = game.structure.nodes_at(f"end:{end}")
        node[rows[game.structure.period[rows] <= until]] = 1.0
    return Functional(f"ends {list(ends)} {until} {pinned}", node, option, observation, keep_option, keep_observation, pinned)


def of_state(game: Game, condition: np.ndarray, *, until: int, pinned: tuple[int, ...]) -> Functional:
    """Return the functional that tells whether a condition (per node) holds at the end of some period or at an end."""
    node, option, observation, keep_option, keep_observation = _empty(game)
    s = game.structure
    rows = np.flatnonzero(((s.kind == CLOSE) | (s.kind == END)) & condition & (s.period <= until))
    node[rows] = 1.0
    closing = rows[s.kind[rows] == CLOSE]
    keep_observation[s.observation_start[closing]] = 0.0
    return Functional(f"state {hash(condition.tobytes())} {until} {pinned}", node, option, observation, keep_option, keep_observation, pinned)


def of_components(game: Game, player: int, kind: int, components: Sequence[str] | None, pinned: tuple[int, ...]) -> Functional:
    """Return the functional of a player's payoff as one type, from these components or all."""
    column = int(game.arrays.columns[player]) + kind
    names = [spec.name for spec in game.canonical.players[player].components]
    pay = game.payoffs if components is None else game.component_payoffs([(player, name) for name in names if name in components])
    *_, keep_option, keep_observation = _empty(game)
    return Functional(
        f"value {player} {kind} {components} {pinned}", pay.node[:, column].copy(), pay.option[:, column].copy(),
        pay.observation[:, column].copy(), keep_option, keep_observation, tuple(sorted({player, *pinned})), discounted=True,
        only=((player, kind),), viewer=player,
    )  # fmt: skip


def condition_of(game: Game, bound: object) -> np.ndarray:
    """Evaluate a bound condition at every node, shape (n,)."""
    s = game.structure
    env = environment(s.canonical, s.state, s.period, game.parameters)
    return truth(bound, env, s.n_nodes)  # type: ignore[arg-type]


class Here(NamedTuple):
    """A public state at a belief, and the history of the exact solution that stands for it where that is known."""

    node: int
    x: np.ndarray  # (D,)
    history: int = -1


class Evaluation:
    """Functionals of one solved game, each under its own intervention, evaluated in one backward sweep.

    Where the solution is exact they are sums over its public histories, at the points of which it answers alone; else sweeps of the belief grid.

    `acted[number]` is the override of each functional's behaviour, shape (o,).
    """

    def __init__(self, solved: Equilibrium, functionals: Sequence[Functional], acted: Sequence[np.ndarray], *, first_period: int = 0) -> None:
        self.solved = solved
        self.functionals = list(functionals)
        game = solved.game
        game.must_end("evaluating claims and reasons")
        self.columns: list[tuple[int, tuple[int, ...]]] = []  # functional and pinned types of each column
        # The same functional under the same intervention, asked for at several points, is swept once.
        first: dict[tuple[str, bytes], int] = {}
        self.same = [first.setdefault((functional.name, acted[i].tobytes()), i) for i, functional in enumerate(functionals)]
        for number in sorted(set(self.same)):
            self.columns += [(number, types) for types in functionals[number].kinds(game)]
        which = [number for number, _ in self.columns]

        def stack(name: str) -> np.ndarray:
            return np.ascontiguousarray(np.stack([getattr(functionals[number], name) for number in which], axis=1))

        pay = type(game.payoffs)(stack("node"), stack("option"), stack("observation"))
        pinned = np.full((len(self.columns), len(game.n_types)), -1, dtype=np.int64)
        for column, (number, types) in enumerate(self.columns):
            for player, kind in zip(functionals[number].pinned, types, strict=True):
                pinned[column, player] = kind
        discounted = np.array([functionals[number].discounted for number in which])
        viewer = np.array([functionals[number].viewer for number in which], dtype=np.int64)
        distinct: dict[bytes, int] = {}
        group_of = [distinct.setdefault(array.tobytes(), len(distinct)) for array in acted]
        overridden = np.stack([acted[group_of.index(group)] for group in range(len(distinct))])
        group = np.array([group_of[number] for number in which])
        self.tables = pay, stack("keep_option"), stack("keep_observation"), discounted, pinned, viewer
        self.acted = acted
        tables = *self.tables, group, overridden
        self.values = self._on_histories(*tables) if solved.exact is not None else self._on_grid(*tables, first_period=first_period)

    def _on_histories(self, *tables: Any) -> np.ndarray:
        """Return all columns at all public histories, shape (H, C)."""
        exact, game = self.solved.exact, self.solved.game
        assert exact is not None
        values = np.zeros((len(exact), len(self.columns)))
        k, options = max(game.n_types), int(np.diff(game.arrays.option_start).max(initial=1))
        axes = exact.axes
        evaluate_histories(
            exact.tree, exact.beliefs, exact.log_odds, game.arrays, axes, *tables, np.zeros((k, options)), np.zeros((k, options)), np.zeros(k),
            np.zeros((len(game.n_types), k)), values,
        )  # fmt: skip
        return values

    def _on_grid(
        self, pay: Payoffs, keep_option: np.ndarray, keep_observation: np.ndarray, discounted: np.ndarray, pinned: np.ndarray, viewer: np.ndarray,
        group: np.ndarray, overridden: np.ndarray, *, first_period: int,
    ) -> np.ndarray:  # fmt: skip
        """Return all columns at all nodes and beliefs of the grid, shape (n, M, C)."""
        solved, game, structure = self.solved, self.solved.game, self.solved.game.structure
        if not solved.values.size:
            raise SolveError("this game was solved exactly, without a belief grid, and no public history leads to a point that is asked for")
        values = np.zeros((structure.n_nodes, solved.grid.n_nodes, len(self.columns)))
        work = make_workspace(game, solved.grid, len(self.columns))
        played = np.zeros((len(overridden), *work.stage.sigma.shape))
        layers = structure.layers
        for layer in range(len(layers) - 2, -1, -1):
            if structure.period[layers[layer]] < first_period:
                break
            evaluate(
                int(layers[layer]), int(layers[layer + 1]), solved.grid.points, solved.grid.combination, solved.lines, game.arrays, pay, keep_option,
                keep_observation, discounted, pinned, viewer, group, overridden, played, values, solved.log_policy, work.stage, work.scratch,
                work.joint,
            )  # fmt: skip
        return values

    def _here(self, point: Here) -> np.ndarray:
        """Return all columns at a point, shape (C,)."""
        exact = self.solved.exact
        if exact is None:
            return np.asarray(self.solved.grid.weights(point.x) @ self.values[point.node])
        history = point.history if point.history >= 0 else exact.find(point.node, point.x)
        if history is None:
            raise SolveError("no public history of the exact solution leads to a point that is asked for")
        return np.asarray(self.values[history])

    def at(self, number: int, point: Here, types: tuple[tuple[int, int], ...] = ()) -> float:
        """Return functional `number` at a point; `types` fixes the type of some pinned players, the rest is averaged."""
        x, here = point.x, self._here(point)
        beliefs = to_beliefs(x, self.solved.game.n_types)
        viewer = self.functionals[number].viewer
        if viewer >= 0:
            beliefs = [self.solved.game.in_eyes_of(viewer, i, belief) for i, belief in enumerate(beliefs)]
        fixed = self._fixed(number, types)
        total = 0.0
        for column, (owner, kinds) in enumerate(self.columns):
            if owner != self.same[number]:
                continue
            chance = 1.0
            for player, kind in zip(self.functionals[number].pinned, kinds, strict=True):
                if player in fixed:
                    chance *= 1.0 if fixed[player] == kind else 0.0
                else:
                    chance *= float(beliefs[player][kind])
            if chance > 0.0:
                total += chance * float(here[column])
        return total

    def _fixed(self, number: int, types: tuple[tuple[int, int], ...]) -> dict[int, int]:
        """Return the types that are given of the pinned players of a functional."""
        return {player: kind for player, kind in (*types, *self.functionals[number].only) if player in self.functionals[number].pinned}

    def measured(self, asked: Sequence[tuple[int, Here, tuple[tuple[int, int], ...]]]) -> list[Measured]:
        """Return functionals (number, point, given types) with their bounds; what is asked of one point is held against the same histories."""
        values = [self.at(*one) for one in asked]
        exact = self.solved.exact
        if exact is not None:
            scale = [max(1.0, abs(value)) * (exact.depth + 1) for value in values]
            largest = float(np.abs(self.values).max(initial=0.0))
            left = EXACTLY * exact.certificate.error * largest + ROUNDING
            return [Measured(value, left * one) for value, one in zip(values, scale, strict=True)]
        together: dict[tuple[Any, ...], list[int]] = {}
        for position, (number, here, types) in enumerate(asked):
            given = sorted(self._fixed(number, types).items())
            key = here.node, here.x.tobytes(), self.acted[number].tobytes(), self.functionals[number].viewer, *given
            together.setdefault(key, []).append(position)
        found = np.zeros(len(asked))
        for positions in together.values():
            found[positions] = self._bounds([asked[position] for position in positions])
        return [Measured(value, float(bound)) for value, bound in zip(values, found, strict=True)]

    def _bounds(self, asked: Sequence[tuple[int, Here, tuple[tuple[int, int], ...]]]) -> np.ndarray:
        """Return the bounds of functionals at one point, under one intervention and with the same types given."""
        number, here, types = asked[0]
        owners = np.array([owner for owner, _ in self.columns])
        ranges = np.array([[*np.flatnonzero(owners == self.same[one])[[0, -1]]] for one, _, _ in asked], dtype=np.int64)
        ranges[:, 1] += 1
        fixed = self._fixed(number, types)
        given = [fixed.get(player, -1) for player in range(len(self.solved.game.n_types))]
        viewer = self.functionals[number].viewer
        return bounds(self.solved, self.tables, self.values, ranges, self.acted[number], here.node, here.x, given, viewer)


class Options:
    """What follows the options of a decision, in the eyes of the one who decides and does not know what others choose at the same moment."""

    def __init__(self, solved: Equilibrium, node: int, x: np.ndarray) -> None:
        self.game, g = solved.game, solved.game.arrays
        self.probe = solved.probe(node, x)
        self._ways = ways(self.game, node, x, lambda one: solved.probe(one, x).policy)
        self.after: list[list[Here]] = []
        """By way to the decision: where its observations lead to."""
        for way in self._ways:
            probe = self.probe if way.node == node else solved.probe(way.node, x)
            targets = g.target[int(g.observation_start[way.node]) :]
            exactly = probe.child >= 0
            self.after.append([Here(int(targets[y]), posterior, probe.child + y if exactly else -1) for y, posterior in enumerate(probe.posteriors)])

    def worth(self, part: Functional, kind: int, onward: Sequence[np.ndarray]) -> np.ndarray:
        """Return what each option brings a type of the mover by a functional, shape (A,), from what it is at `after`, one (Y,) for each way."""
        g, total = self.game.arrays, np.zeros(self.probe.policy.shape[1])
        for way, following in zip(self._ways, onward, strict=True):
            options = slice(int(g.option_start[way.node]), int(g.option_start[way.node + 1]))
            seen = slice(int(g.observation_start[way.node]), int(g.observation_start[way.node + 1]))
            worth = part.option[options] + self.game.likelihoods(way.node)[:, :, kind] @ (part.observation[seen] + g.beta[way.node] * following)
            for option, row in zip(way.options[::-1], way.observations[::-1], strict=True):
                worth = part.option[option] + part.keep_option[option] * (part.observation[row] + part.keep_observation[row] * worth)
            total += way.chance * worth
        return total

    def between(self, part: Functional, kind: int, at: Callable[[Here], Measured], one: int, two: int) -> Measured:
        """Return by how much an option is worth more than another to a type of the mover, by a functional that `at` gives with its bound."""
        found = [[at(here) for here in after] for after in self.after]
        worth = self.worth(part, kind, [np.array([item.value for item in after]) for after in found])
        # Worth is linear in what follows: each part counts by how much it moves the difference.
        bound = 0.0
        for way, after in enumerate(found):
            for y, item in enumerate(after):
                unit = [np.zeros(len(other)) for other in found]
                base = self.worth(part, kind, unit)
                unit[way][y] = 1.0
                moved = self.worth(part, kind, unit) - base
                bound += abs(float(moved[one] - moved[two])) * item.bound if moved[one] != moved[two] else 0.0
        return Measured(float(worth[one] - worth[two]), bound)
