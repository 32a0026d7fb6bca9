"""One world under every arm.

Ends and moves are read from the same simulated futures under every arm: a future has a number, and the number its luck. Payoffs and named
quantities are evaluated exactly on the belief grid.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from standoff.chain import Games
from standoff.claims import Measures, roots_of
from standoff.claims.points import places_of
from standoff.claims.whole import chances_of_ends
from standoff.compare.lines import Line, dates_of, until
from standoff.compare.plan import Plan, Variant
from standoff.compare.questions import Question, needs_record
from standoff.errors import StandoffError
from standoff.measured import LUCK, Measured
from standoff.record import Record
from standoff.replay import replay
from standoff.scenario.models import Intervention, Quantity
from standoff.simulate import simulate
from standoff.simulate.interventions import move_of, overrides, rows_of
from standoff.simulate.luck import drawn_types
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.solver import solve_on
from standoff.worlds.world import Levels

SEED_STRIDE = 1 << 20
"""Worlds draw different luck: noise that all worlds shared would not average out over them."""

LARGEST_SEED = 1 << 62
"""Seeds are hashed as whole numbers of 64 bits."""


@dataclass(frozen=True)
class Trial:
    """What all worlds of a comparison share."""

    variants: tuple[Variant, ...]
    keys: tuple[bytes, ...]
    """Of the variants."""
    plans: tuple[Plan, ...]
    """The first is the base."""
    quantities: Mapping[str, Quantity]
    lines: tuple[Line, ...]
    record: Record | None
    levels: Levels
    runs: int
    seed: int


@dataclass(frozen=True)
class Reading:
    """What was measured in a world: one row per arm, one column per line; NaN where it could not be."""

    index: int
    values: np.ndarray
    noise: np.ndarray
    """Standard error, from the finite number of futures, of the difference to the base."""
    bounds: np.ndarray
    """How far each value may be from that of exact play; 0 where it was drawn."""
    problems: tuple[str, ...]
    """By arm, why nothing could be measured; empty where it could."""
    gaps: tuple[tuple[int, str, str], ...]
    """(arm, quantity, reason) of what could not be measured."""
    idle: tuple[tuple[int, str], ...]
    """(arm, move) of interventions whose turn never comes in this world."""


_CACHE: dict[bytes, Games] = {}


def games_of(trial: Trial, variant: int) -> Games:
    """Return the games of a variant, whose structures are kept within a process from world to world."""
    if not _CACHE.keys() <= set(trial.keys):
        _CACHE.clear()
    canonical = trial.variants[variant].canonical
    if trial.keys[variant] not in _CACHE:
        _CACHE[trial.keys[variant]] = Games(canonical, roots_of(canonical))
    return _CACHE[trial.keys[variant]]


def read_world(trial: Trial, index: int, parameters: Mapping[str, float]) -> Reading:
    """Measure one world under every arm. Errors of the model are kept in `problems` and `gaps`; nothing is hidden."""
    n_arms, n_lines = len(trial.plans), len(trial.lines)
    values, noise, bounds = np.full((n_arms, n_lines), np.nan), np.zeros((n_arms, n_lines)), np.zeros((n_arms, n_lines))
    problems, gaps, idle = [""] * n_arms, [], []
    base: np.ndarray | None = None
    drawn = [number for number, line in enumerate(trial.lines) if line.kind in ("end", "move")]
    for variant in dict.fromkeys(plan.variant for plan in trial.plans):
        arms = [arm for arm, plan in enumerate(trial.plans) if plan.variant == variant]
        try:
            world = _World(trial, variant, parameters)
        except StandoffError as error:
            for arm in arms:
                problems[arm] = str(error)
            continue
        for arm in arms:
            try:
                acting, waiting = world.acting(trial.plans[arm])
                idle += [(arm, move) for move in waiting]
                happened = world.happened(trial, trial.plans[arm], acting, index)
                world.ask(arm, trial.plans[arm], acting)
            except StandoffError as error:
                problems[arm] = str(error)
                continue
            values[arm, drawn] = happened.mean(axis=0)
            bounds[arm, drawn] = world.drawn_within(trial, trial.plans[arm], acting, happened)
            base = happened if arm == 0 else base
            if base is not None:
                # A difference of two truths is -1, 0 or 1: its mean square is how often they differ.
                differ = (happened != base).mean(axis=0)
                noise[arm, drawn] = np.sqrt(np.maximum(differ - (happened.mean(axis=0) - base.mean(axis=0)) ** 2, 0.0) / trial.runs)
        for arm, line, value in world.answers(trial.lines):
            values[arm, line], bounds[arm, line] = value.value, value.bound
        gaps += world.gaps
    return Reading(index, values, noise, bounds, tuple(problems), tuple(gaps), tuple(idle))


class _World:
    """A world of one variant, solved, with what is asked of it."""

    def __init__(self, trial: Trial, variant: int, parameters: Mapping[str, float]) -> None:
        games = games_of(trial, variant)
        self.canonical = trial.variants[variant].canonical
        self.unmeasured = trial.variants[variant].unmeasured
        self.quantities = trial.quantities
        values = {**parameters, **trial.variants[variant].parameters}

        def solved(changed: Mapping[str, float]) -> Equilibrium:
            return solve_on(games.build({**values, **changed}), trial.levels)

        self.solved = solved({})
        needed = trial.record is not None and any(needs_record(quantity) for quantity in trial.quantities.values())
        trail = replay(self.solved, trial.record) if needed and trial.record is not None else None
        self.measures = Measures(self.solved, trail, solved, games)
        self.asked: list[tuple[int, Line, Question]] = []
        self.gaps: list[tuple[int, str, str]] = []

    # -- futures ---------------------------------------------------------------------------------------------------------------

    def acting(self, plan: Plan) -> tuple[list[Intervention], list[str]]:
        """Return the interventions that apply in this world, and the moves of those whose turn never comes."""
        rows = [len(rows_of(self.solved.game, item)) for item in plan.do]
        return [item for item, n in zip(plan.do, rows, strict=True) if n], [move_of(item) for item, n in zip(plan.do, rows, strict=True) if not n]

    def happened(self, trial: Trial, plan: Plan, do: Sequence[Intervention], index: int) -> np.ndarray:
        """Return which futures come to each end and move of the lines, shape (runs, ends and moves)."""
        lines = [line for line in trial.lines if line.kind in ("end", "move")]
        seed = (trial.seed * SEED_STRIDE + index) % LARGEST_SEED
        result = np.zeros((trial.runs, len(lines)), dtype=bool)
        game = self.solved.game
        types = drawn_types(game.priors, trial.runs, seed)
        for known in self._known(plan):
            mine = np.ones(trial.runs, dtype=bool)
            for player, kind in known.items():
                mine &= types[:, game.player_index[player]] == kind
            if mine.any():
                result[mine] = _happened(self._where(known), lines, trial.runs, seed, do)[mine]
        return result

    def drawn_within(self, trial: Trial, plan: Plan, do: Sequence[Intervention], happened: np.ndarray) -> float:
        """Return how far chances of ends and moves that were drawn may be off beyond luck: what is known of the ends, the worst of them.

        Of an exact solution nothing; on the grid the bound of an end's chance, and by how much more than luck allows its share differs from it.
        """
        if self.solved.exact is not None or not self.solved.grid.n_axes:
            return 0.0
        lines = [line for line in trial.lines if line.kind in ("end", "move")]
        worst = 0.0
        chances: dict[str, Measured] = {}
        for known in self._known(plan):
            solved = self._where(known)
            weight = float(np.prod([self.solved.game.priors[solved.game.player_index[player]][kind] for player, kind in known.items()]))
            acted = overrides(solved.game, do, now=0, must_apply=False)
            for end, chance in chances_of_ends(solved, int(solved.game.structure.roots[0]), solved.prior, acted).items():
                chances[end] = chances.get(end, Measured(0.0)) + chance.scaled(weight)
        for number, line in enumerate(lines):
            if line.kind == "end" and line.period is None and line.name in chances:
                chance = chances[line.name]
                luck = LUCK * float(np.sqrt(max(chance.value * (1.0 - chance.value), 1.0 / trial.runs) / trial.runs))
                worst = max(worst, chance.bound + max(abs(float(happened[:, number].mean()) - chance.value) - luck, 0.0))
        return worst

    def _known(self, plan: Plan) -> list[dict[str, int]]:
        """Return every combination of revealed types."""
        sizes = [len(self.canonical.player(player).types) for player in plan.revealed]
        return [dict(zip(plan.revealed, kinds, strict=True)) for kinds in itertools.product(*map(range, sizes))]

    def _where(self, known: Mapping[str, int]) -> Equilibrium:
        """Return the solution as it is used where these types are known: values and policies hold for every belief, so only the start differs."""
        game = self.solved.game
        priors = [
            np.eye(len(prior))[known[player.name]] if player.name in known else prior
            for player, prior in zip(self.canonical.players, game.priors, strict=True)
        ]
        return replace(self.solved, game=replace(game, priors=tuple(priors))) if known else self.solved

    # -- payoffs and quantities --------------------------------------------------------------------------------------------------

    def ask(self, arm: int, plan: Plan, do: Sequence[Intervention]) -> None:
        """Collect what an arm wants to know, so that all arms share the backward sweeps."""
        known = [{player: self.canonical.player(player).types[kind] for player, kind in types.items()} for types in self._known(plan)]
        for player in self.canonical.players:
            for component in player.components:
                quantity = Quantity.model_validate({"value": player.name, "components": [component.name]})
                self._ask(arm, Line("payoff", player.name, component.name), quantity, do, known)
        for name, quantity in self.quantities.items():
            if name in self.unmeasured:
                self.gaps.append((arm, name, self.unmeasured[name]))
                continue
            self._ask(arm, Line("quantity", name), quantity, do, known)
        for name, quantity, period in self._courses():
            self._ask(arm, Line("quantity", name, period=period), quantity, do, known)

    def _courses(self) -> Iterator[tuple[str, Quantity, int]]:
        for name, quantity in self.quantities.items():
            if name in self.unmeasured or quantity.difference is not None:
                continue
            first = max((place.root.period for place in places_of(self.canonical, quantity)), default=0)
            for period in dates_of(self.canonical):
                then = until(quantity, period, first)
                if then is not None:
                    yield name, then, period

    def _ask(self, arm: int, line: Line, quantity: Quantity, do: Sequence[Intervention], known: Sequence[Mapping[str, str]]) -> None:
        question = Question(quantity, tuple(do), tuple(known))
        try:
            question.prepare(self.measures)
        except StandoffError as error:
            self.gaps.append((arm, line.name, str(error)))
        else:
            self.asked.append((arm, line, question))

    def answers(self, lines: Sequence[Line]) -> Iterator[tuple[int, int, Measured]]:
        """Yield (arm, line, value) of all that was asked, payoffs also in all; what has no value goes to the gaps."""
        self.measures.run()
        number = {line: i for i, line in enumerate(lines)}
        totals: dict[tuple[int, str], Measured] = {}
        for arm, line, question in self.asked:
            try:
                value = question.value(self.measures)
            except StandoffError as error:
                self.gaps.append((arm, line.name, str(error)))
                continue
            yield arm, number[line], value
            if line.kind == "payoff":
                totals[arm, line.name] = totals.get((arm, line.name), Measured(0.0)) + value
        for (arm, player), total in totals.items():
            yield arm, number[Line("payoff", player)], total


def _happened(solved: Equilibrium, lines: Sequence[Line], runs: int, seed: int, do: Sequence[Intervention]) -> np.ndarray:
    futures = simulate(solved, runs, seed, do=do, workers=1)
    structure = solved.game.structure
    last = structure.canonical.calendar.n_periods - 1
    ends, ended = structure.place[futures.end], structure.period[futures.end]
    column = {mark: i for i, mark in enumerate(futures.marks)}
    result = np.zeros((runs, len(lines)), dtype=bool)
    for i, line in enumerate(lines):
        period = last if line.period is None else line.period
        place = f"end:{line.name}"
        if line.kind == "end" and place in structure.places:
            result[:, i] = (ends == structure.places.index(place)) & (ended <= period)
        elif line.kind == "move" and line.name in column:
            first = futures.first_period[:, column[line.name]]
            result[:, i] = (first >= 0) & (first <= period)
    return result
