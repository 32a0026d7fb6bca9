"""Sampling worlds: in parallel, resumable, the same for any number of workers."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from standoff.chain import Games, fix_grids
from standoff.errors import GameTooLargeError, StandoffError, WorldsError
from standoff.game.told import must_be_told
from standoff.limits import LARGEST_SEED, MOST_WORLDS, whole_number
from standoff.passed import passed
from standoff.record import Record
from standoff.scenario import Scenario, inputs_of, resolve
from standoff.scenario.canonical import Canonical
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.induction import Progress
from standoff.solve.refine import ladder
from standoff.solve.solver import solve
from standoff.text import brief
from standoff.version import __version__, source_digest
from standoff.workers import parallel
from standoff.worlds.draws import SPREADS, Spread, at_quantiles, draw, free_parameters
from standoff.worlds.store import BATCH, Store, to_frame
from standoff.worlds.weights import Weights, weigh
from standoff.worlds.world import Task, World, run_world, structures_of

STAND_INS = 0.45, 0.55, 0.35, 0.65, 0.25, 0.75
"""Where in all priors at once to look for a world that stands in for the median one, where that cannot be computed."""


@dataclass(frozen=True)
class Worlds:
    """Sampled worlds of a scenario."""

    task: Task
    median: Equilibrium
    """The solution at the prior medians."""
    seed: int
    quantiles: np.ndarray
    """Of the free parameters, shape (n, free)."""
    worlds: tuple[World, ...]
    weights: Weights
    temper: float | None = None
    """Power of the record's likelihood that was asked for."""
    store: Store | None = None
    """Where finished worlds are kept."""
    scenario: Scenario | None = None
    """As it was declared."""
    spread: Spread = "declared"
    """Where in the priors they were drawn."""

    def __repr__(self) -> str:
        return brief(self, self.canonical.name, f"{len(self)} worlds", f"seed {self.seed}", f"{len(self.problems)} not computed")

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.table.to_html(max_rows=10)}"

    @property
    def canonical(self) -> Canonical:
        """The scenario behind the worlds."""
        return self.task.canonical

    def __len__(self) -> int:
        return len(self.worlds)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per world: parameters, log-likelihood, weight, margins of the claims."""
        frame = to_frame(self.worlds)
        frame.insert(2, "weight", self.weights.values)
        return frame

    @property
    def problems(self) -> list[World]:
        """Worlds that could not be computed."""
        return [world for world in self.worlds if world.problem]


def fingerprint(task: Task, scenario: Scenario, seed: int, spread: Spread = "declared") -> dict[str, Any]:
    """Return what decides the worlds, with hashes of the inputs."""
    source = task.canonical.source
    return {
        "standoff": __version__,
        "code_sha256": source_digest(),
        **inputs_of(scenario, task.record),
        "seed": seed,
        "spread": spread,
        "ladder": [sorted(map(list, levels)) for levels in task.ladder],
        "first": task.first,
        "tolerance": task.tolerance,
        "before_levels": sorted(map(list, source.grid.levels)) if source is not None and source.grid is not None else None,
    }


def compute(task: Task, points: Sequence[tuple[int, np.ndarray]], workers: int) -> Iterator[World]:
    """Yield worlds (index, quantiles) in order as they are finished."""
    return parallel(_computed, [(task, index, u) for index, u in points], workers)


def _computed(task: Task, index: int, u: np.ndarray) -> World:
    return run_world(task, index, at_quantiles(task.canonical, u))


def _solve_median(canonical: Canonical, structures: Games, tolerance: float, workers: int, progress: Progress | None) -> tuple[Equilibrium, str]:
    """Solve the median world, or one near it where that fails: return the solution, and what went wrong, if anything did."""
    problem: StandoffError | None = None
    free = len(free_parameters(canonical))
    for quantile in (0.5, *STAND_INS) if free else (0.5,):
        parameters = at_quantiles(canonical, np.full(free, quantile)) if problem else {}
        try:
            game = structures.build(parameters)
            if not game.structure.open_ended:
                solved = solve(game, tolerance=tolerance, workers=workers, progress=progress)
        except GameTooLargeError:
            raise
        except StandoffError as error:
            problem = problem or error
            continue
        game.must_end("sampling worlds")
        where = f"the world with every free parameter at its {quantile:.0%} quantile stands in for it"
        return solved, f"the median world could not be computed: {problem}; {where}" if problem else ""
    assert problem is not None
    raise problem


def make_task(scenario: Scenario, record: Record | None, *, tolerance: float, workers: int, progress: Progress | None) -> tuple[Task, Equilibrium]:
    """Solve the median world and take its grid for all worlds, and finer ones for those that need them."""
    canonical = fix_grids(resolve(scenario), tolerance=tolerance, workers=workers, progress=progress)
    structures = structures_of(canonical)
    median, problem = _solve_median(canonical, structures, tolerance, workers, progress)
    if record is not None:
        must_be_told(median.game, record)
    return Task(canonical, record, ladder(median), tolerance, problem=problem), median


def sample(
    scenario: Scenario,
    n: int = 64,
    seed: int = 0,
    *,
    record: Record | None = None,
    temper: float | None = None,
    tolerance: float = 1e-2,
    workers: int = 2,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Worlds:
    """Draw `n` worlds, solve each, replay the record through it and measure every claim.

    Every number of every world has a bound (`standoff.measured`). Worlds of a game with few public histories are solved on them; else on the belief
    grid on which the median world meets `tolerance`, and on finer ones as long as a claim is not decided or a bound exceeds the tolerance. With
    `folder`, finished worlds are kept there and a rerun continues. The result does not depend on `workers`.

    Raises WorldsError when `n` or `seed` is beyond its limits, when a folder holds or is in use by another run, or when no world could be computed.

    >>> import standoff as so
    >>> worlds = so.sample(so.load("one-shot-threat"), n=8, seed=0, workers=1)
    >>> len(worlds)
    8
    """
    n, seed = _within_limits(n, seed)
    scenario = passed("sample", scenario, Scenario)
    record = record if record is None else passed("sample(record=..)", record, Record)
    task, median = make_task(scenario, record, tolerance=tolerance, workers=workers, progress=progress)
    store = _store(folder, task, fingerprint(task, scenario, seed))
    return _drawn(Worlds(task, median, seed, np.zeros((0, 0)), (), Weights(np.zeros(0), 0.0, 0.0), temper, store, scenario), n, workers, progress)


def extend(worlds: Worlds, n: int, *, workers: int = 2, progress: Progress | None = None) -> Worlds:
    """Return the same worlds with more of their sequence, `n` in all; those at hand are not computed again."""
    return _drawn(worlds, n, workers, progress)


def redraw(
    worlds: Worlds,
    *,
    spread: Spread = "declared",
    finer: bool = False,
    workers: int = 2,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Worlds:
    """Return worlds of the same indices drawn elsewhere in the priors, or all of them solved on the next finer grid.

    Raises WorldsError when the folder holds another run, when the scenario is not at hand, or when no world could be computed.
    """
    if worlds.scenario is None:
        raise WorldsError("worlds can be drawn again only with the scenario that they were sampled from")
    task = replace(worlds.task, first=min(worlds.task.first + 1, len(worlds.task.ladder) - 1)) if finer else worlds.task
    store = _store(folder, task, fingerprint(task, worlds.scenario, worlds.seed, spread))
    return _drawn(replace(worlds, task=task, worlds=(), store=store, spread=spread), len(worlds), workers, progress)


def _within_limits(n: int, seed: int) -> tuple[int, int]:
    worlds = whole_number("the number of worlds", n, 1, MOST_WORLDS, WorldsError)
    return worlds, whole_number("the seed", seed, 0, LARGEST_SEED, WorldsError)


def _store(folder: str | Path | None, task: Task, decides: Mapping[str, Any]) -> Store | None:
    """Return the place of finished worlds in a folder; None without one."""
    if folder is None:
        return None
    canonical = task.canonical
    return Store(Path(folder), decides, [parameter.name for parameter in canonical.parameters], canonical.claims)


def _drawn(known: Worlds, n: int, workers: int, progress: Progress | None) -> Worlds:
    """Return the first `n` worlds; what is missing in the folder is computed, while no other run has it."""
    _within_limits(n, known.seed)
    with known.store.locked() if known.store is not None else nullcontext():
        return _completed(known, n, workers, progress)


def _completed(known: Worlds, n: int, workers: int, progress: Progress | None) -> Worlds:
    task, store = known.task, known.store
    quantiles = SPREADS[known.spread](draw(task.canonical, n, known.seed))
    found = {world.index: world for world in known.worlds} | (store.load() if store is not None else {})
    missing = [(i, quantiles[i]) for i in range(n) if i not in found]
    finished: list[World] = []
    try:
        for world in compute(task, missing, workers):
            found[world.index] = world
            finished.append(world)
            if store is not None and len(finished) == BATCH:
                store.save(finished)
                finished = []
            if progress is not None:
                progress("worlds", sum(i in found for i in range(n)) / n)
    except KeyboardInterrupt:
        if store is not None and finished:
            store.save(finished)
        raise
    if store is not None and finished:
        store.save(finished)
    worlds = tuple(found[i] for i in range(n))
    if all(world.problem for world in worlds):
        raise WorldsError(f"no world could be computed; the first says: {worlds[0].problem}")
    if not task.weighs:
        usable = np.array([not world.problem for world in worlds], dtype=float)
        weights = Weights(usable / usable.sum(), 0.0, float(usable.sum()))
    else:
        weights = weigh(np.array([world.log_likelihood for world in worlds]), known.temper)
    return replace(known, quantiles=quantiles, worlds=worlds, weights=weights)
