"""The same worlds, with the same luck, under several arms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from standoff.chain import fix_grids
from standoff.compare.arms import AS_IT_IS, Arm, Change, arms_of, read_arm
from standoff.compare.differences import Differences, clear_signs, differences
from standoff.compare.lines import Line, lines_of
from standoff.compare.plan import make_plans
from standoff.compare.read import Reading, Trial, read_world
from standoff.errors import InterventionError, WorldsError
from standoff.limits import LARGEST_SEED, MOST_RUNS, whole_number
from standoff.names import listed, unknown
from standoff.passed import passed
from standoff.scenario import Scenario
from standoff.scenario.canonical import Calendar
from standoff.solve.induction import Progress
from standoff.text import brief
from standoff.workers import parallel
from standoff.worlds import World, Worlds

if TYPE_CHECKING:
    import pandas as pd

    from standoff.verdicts.hinge import Hinge, Slope


@dataclass(frozen=True)
class Disagreement:
    """The worlds that do not go with the majority."""

    against: tuple[int, ...]
    """Numbers of the worlds that clearly go the other way."""
    unclear: tuple[int, ...]
    """Numbers of the worlds without a clear difference."""
    hinge: Hinge | Slope | None
    """What tells the worlds of the majority from the others."""


@dataclass(frozen=True)
class Comparison:
    """What arms change. The first arm is the base."""

    scenario: Scenario
    calendar: Calendar
    arms: tuple[Arm, ...]
    lines: tuple[Line, ...]
    worlds: tuple[World, ...]
    values: np.ndarray
    """Shape (arms, worlds, lines); NaN where a world could not be computed or a line not measured."""
    noise: np.ndarray
    """Standard errors, by the finite number of futures, of the differences to the base; same shape."""
    bounds: np.ndarray
    """How far each value may be from that of exact play; same shape."""
    weights: np.ndarray
    """Of the worlds, summing to 1."""
    weighted: bool
    """Whether the weights are those of the record; all worlds count alike otherwise."""
    effective: float
    """Effective number of worlds, 1 / sum of squared weights."""
    refused: float | None
    """Effective number of worlds that the record's weights would have left, where that was too few to use them."""
    runs: int
    seed: int
    readings: tuple[Reading, ...]

    def __repr__(self) -> str:
        return brief(self, self.scenario.name, f"{len(self.worlds)} worlds", f"arms {listed(arm.name for arm in self.arms)}")

    @property
    def base(self) -> Arm:
        """The arm that the others are compared with."""
        return self.arms[0]

    def position(self, arm: str) -> int:
        """Return the position of an arm. Raises InterventionError when there is none of that name."""
        names = [one.name for one in self.arms]
        if arm not in names:
            raise InterventionError(unknown("arm", arm, names))
        return names.index(arm)

    @cached_property
    def _differences(self) -> tuple[Differences, ...]:
        base = self.values[0]
        return tuple(
            differences(base, values, noise, self.bounds[0] + bounds, self.weights)
            for values, noise, bounds in zip(self.values, self.noise, self.bounds, strict=True)
        )

    def differences(self, arm: str) -> Differences:
        """Return the differences of an arm to the base, by line."""
        return self._differences[self.position(arm)]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per arm and line: means under base and arm, difference with its 90 % interval, worlds that agree."""
        import pandas as pd

        frames = []
        for arm, found in zip(self.arms[1:], self._differences[1:], strict=True):
            rows = {
                "arm": arm.name,
                "kind": [line.kind for line in self.lines],
                "name": [line.name for line in self.lines],
                "component": [line.component for line in self.lines],
                "period": pd.array([line.period for line in self.lines], dtype="Int64"),
                "base": found.base, "value": found.arm, "difference": found.mean, "low": found.low, "high": found.high,
                "bound": found.bound, "worlds": found.worlds, "agree": found.agree, "against": found.against,
            }  # fmt: skip
            frames.append(pd.DataFrame(rows))
        return pd.concat(frames, ignore_index=True)

    def _number(self, line: Line) -> int:
        if line not in self.lines:
            alike = [one.name for one in self.lines if (one.kind, one.component, one.period) == (line.kind, line.component, line.period)]
            raise InterventionError(unknown(f"{line.kind} measured there", line.name, dict.fromkeys(alike)))
        return self.lines.index(line)

    def difference(self, arm: str, line: Line) -> tuple[float, float, float]:
        """Return the mean difference of a line to the base, with the ends of its 90 % interval."""
        found, number = self.differences(arm), self._number(line)
        return float(found.mean[number]), float(found.low[number]), float(found.high[number])

    def disagreement(self, arm: str, line: Line) -> Disagreement:
        """Return which worlds do not go with the majority on a line, and what tells them apart."""
        from standoff.verdicts.hinge import find_hinge

        number, column = self.position(arm), self._number(line)
        change = self.values[number, :, column] - self.values[0, :, column]
        there = np.flatnonzero(np.isfinite(change) & (self.weights > 0.0))
        change = change[there]
        sign = self._differences[number].sign[column]
        signs = clear_signs(change, self.noise[number, there, column], (self.bounds[0] + self.bounds[number])[there, column])
        against = [self.worlds[i].index for i, one in zip(there, signs, strict=True) if one == -sign and sign]
        unclear = [self.worlds[i].index for i, one in zip(there, signs, strict=True) if one == 0]
        hinge = None
        if sign and (signs != sign).any():
            names = list(self._free)
            x = np.array([[self.worlds[i].parameters[name] for name in names] for i in there]).reshape(len(there), len(names))
            hinge = find_hinge(names, x, np.where(signs == 0, 0.0, sign * change))
        return Disagreement(tuple(against), tuple(unclear), hinge)

    @cached_property
    def _free(self) -> tuple[str, ...]:
        names = self.worlds[0].parameters
        return tuple(name for name in names if len({world.parameters[name] for world in self.worlds}) > 1)

    def problems(self, arm: str) -> list[str]:
        """Return why an arm could not be measured in some worlds."""
        number = self.position(arm)
        return [reading.problems[number] for reading in self.readings if reading.problems[number]]

    def gaps(self, arm: str) -> dict[str, str]:
        """Return the quantities that could not be measured in some world under an arm, each with a reason."""
        number = self.position(arm)
        return {name: reason for reading in self.readings for where, name, reason in reading.gaps if where == number}

    def idle(self, arm: str) -> dict[str, int]:
        """Return the moves that an arm acts on and whose turn never comes in some worlds, with the number of such worlds."""
        number = self.position(arm)
        found: dict[str, int] = {}
        for reading in self.readings:
            for move in dict.fromkeys(move for where, move in reading.idle if where == number):
                found[move] = found.get(move, 0) + 1
        return found


def choose_arms(given: Sequence[Arm], against: str | None) -> tuple[Arm, ...]:
    """Return the arms with the base first: the one named by `against`, or the scenario as it is.

    Raises InterventionError for names that occur twice or do not exist, and where nothing is left to compare.
    """
    arms = list(given)
    for position, arm in enumerate(arms):
        if arm.name == AS_IT_IS and arm.changes:
            raise InterventionError(f"an arm that changes something cannot be called {AS_IT_IS!r}; give it another name")
        if arm.name in [one.name for one in arms[:position]]:
            raise InterventionError(f"two arms are called {arm.name!r}; give each its own name, as in `name: change; change`")
    names = [arm.name for arm in arms]
    if AS_IT_IS not in names and against in (None, AS_IT_IS):
        arms.insert(0, Arm(AS_IT_IS))
        names.insert(0, AS_IT_IS)
    base = AS_IT_IS if against is None else against
    if base not in names:
        raise InterventionError(unknown("arm", base, [*names, AS_IT_IS]))
    if len(arms) < 2:
        raise InterventionError('there is nothing to compare: give one change at least, such as `--do "forbid PLAYER.OPTION"`')
    first = names.index(base)
    return (arms[first], *arms[:first], *arms[first + 1 :])


def compare(
    worlds: Worlds,
    arms: Mapping[str, str | Iterable[Change | str]] | Sequence[Arm | str],
    *,
    runs: int = 2000,
    seed: int = 0,
    against: str | None = None,
    workers: int = 2,
    progress: Progress | None = None,
) -> Comparison:
    """Compare what arms make of the same worlds with the same luck.

    `arms` gives changes by name, as texts (`"forbid pm.crack_down"`) or objects, or lists arms as they are typed after
    `--do`. The base is the scenario as it is, or the arm named by `against`. Every world is solved once for each set of parameters and dates,
    and `runs` futures are drawn from it under every arm. The result does not depend on `workers`.

    Raises InterventionError for changes that cannot be made, WorldsError when no world could be computed under some arm.

    >>> import standoff as so
    >>> worlds = so.sample(so.load("one-shot-threat"), n=8, workers=1)
    >>> comparison = so.compare(worlds, {"silence": ["forbid challenger.threaten"]}, runs=200, workers=1)
    >>> found = comparison.table.query("name == 'peace' and period.isna()")
    >>> float(found["value"].iloc[0])
    1.0
    """
    whole_number("the number of futures", runs, 1, MOST_RUNS, WorldsError)
    whole_number("the seed", seed, 0, LARGEST_SEED, WorldsError)
    scenario = passed("compare", worlds, Worlds).scenario
    if scenario is None:
        raise WorldsError("these worlds do not say which scenario they are of; take them from standoff.sample")
    chosen = choose_arms(arms_of(arms) if isinstance(arms, Mapping) else [read_arm(arm) if isinstance(arm, str) else arm for arm in arms], against)
    variants, plans = make_plans(scenario, chosen)
    # The scenario that goes before is the same, and on the same grid, under every arm.
    source = fix_grids(worlds.task.canonical, workers=workers, progress=progress).source
    variants = tuple(replace(variant, canonical=replace(variant.canonical, source=source)) for variant in variants)
    lines = lines_of(variants[0].canonical, scenario.quantities)
    trial = Trial(
        variants, tuple(variant.key() for variant in variants), plans, scenario.quantities, lines, worlds.task.record, worlds.task.levels, runs, seed
    )
    usable = [world for world in worlds.worlds if not world.problem]
    readings = []
    for reading in _readings(trial, usable, workers):
        readings.append(reading)
        if progress is not None:
            progress(f"worlds under {len(chosen)} arms", len(readings) / len(usable))
    _check(chosen, plans_moves=[len(plan.do) for plan in plans], readings=readings)
    weights, weighted = _weights(worlds)
    values, noise, bounds = (np.stack([getattr(one, name) for one in readings], axis=1) for name in ("values", "noise", "bounds"))
    return Comparison(
        scenario, variants[0].canonical.calendar, chosen, lines, tuple(usable), values, noise, bounds, weights, weighted,
        float(1.0 / (weights**2).sum()), worlds.weights.effective if worlds.task.weighs and not weighted else None, runs, seed, tuple(readings),
    )  # fmt: skip


def _readings(trial: Trial, worlds: Sequence[World], workers: int) -> Iterator[Reading]:
    return parallel(read_world, [(trial, world.index, world.parameters) for world in worlds], workers)


def _weights(worlds: Worlds) -> tuple[np.ndarray, bool]:
    """Return the weights of the worlds that could be computed, and whether they are those of the record."""
    usable = np.array([not world.problem for world in worlds.worlds])
    weighted = worlds.task.weighs and worlds.weights.enough
    weights = worlds.weights.values[usable] if weighted else np.ones(int(usable.sum()))
    return weights / weights.sum(), weighted


def _check(arms: Sequence[Arm], *, plans_moves: Sequence[int], readings: Sequence[Reading]) -> None:
    """Refuse arms that could be measured nowhere, and interventions whose turn comes in no world."""
    for number, arm in enumerate(arms):
        if all(reading.problems[number] for reading in readings):
            raise WorldsError(f"arm {arm.name!r} could be computed in no world; the first says: {readings[0].problems[number]}")
        if plans_moves[number]:
            fine = [reading for reading in readings if not reading.problems[number]]
            never = set.intersection(*({move for where, move in reading.idle if where == number} for reading in fine))
            if never:
                raise InterventionError(f"arm {arm.name!r}: the turn of {', '.join(sorted(never))} comes in no world, so nothing can be done there")
