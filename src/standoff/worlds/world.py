"""One world: build, solve, replay, measure. A function of its parameters only, so any worker gives the same answer."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass

from standoff.chain import Games, fix_grids
from standoff.claims import Finding, Measures, findings, roots_of
from standoff.errors import StandoffError
from standoff.record import Record
from standoff.replay import replay
from standoff.scenario.canonical import Canonical
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.solver import solve

Levels = frozenset[tuple[int, ...]]


@dataclass(frozen=True)
class Task:
    """What all worlds of a run share."""

    canonical: Canonical
    record: Record | None
    levels: Levels
    finer: Levels
    near: Mapping[str, float]
    """By claim, the size of a margin below which the grid's error could change its sign: such worlds are solved again on the finer grid."""
    problem: str = ""
    """Why the median world could not be computed, and which one stands in for it."""

    @property
    def weighs(self) -> bool:
        """Whether there is a record, the scenario's own or of one that goes before, by which worlds are weighed."""
        return self.record is not None or self.canonical.source is not None


@dataclass(frozen=True)
class World:
    """What is kept of a world."""

    index: int
    parameters: Mapping[str, float]
    log_likelihood: float
    """Of the record as far as it was known, with the whole records of scenarios that go before; NaN without any or where replay failed."""
    findings: Mapping[str, Finding]
    refined: bool
    """Whether it was solved again on the finer grid."""
    stage_residual: float
    failed_stages: int
    problem: str = ""


_CACHE: dict[bytes, Games] = {}


def structures_of(canonical: Canonical) -> Games:
    """Return the games of a scenario, whose structures are kept within a process from world to world."""
    # Every task that reaches a worker process carries its own copy of the scenario; the pickled form tells that they are the same.
    key = hashlib.sha256(pickle.dumps(canonical)).digest()
    if key not in _CACHE:
        _CACHE.clear()
        _CACHE[key] = Games(fix_grids(canonical), roots_of(canonical))
    return _CACHE[key]


def run_world(task: Task, index: int, parameters: Mapping[str, float]) -> World:
    """Compute one world. Errors of the model itself are kept in `problem`; nothing is hidden."""
    structures = structures_of(task.canonical)
    try:
        world = measured(task, structures, index, parameters, task.levels)
        if task.finer != task.levels and any(abs(finding.margin) < task.near.get(name, 0.0) for name, finding in world.findings.items()):
            world = measured(task, structures, index, parameters, task.finer)
    except StandoffError as error:
        return World(index, dict(parameters), float("nan"), {}, False, float("nan"), 0, str(error))
    return world


def measured(task: Task, structures: Games, index: int, parameters: Mapping[str, float], levels: Levels) -> World:
    """Compute a world on the grid of these levels."""

    def solved(values: Mapping[str, float]) -> Equilibrium:
        return solve(structures.build(values), levels=levels, certify=False, workers=1)

    equilibrium = solved(parameters)
    trail = replay(equilibrium, task.record) if task.record is not None else None
    measures = Measures(equilibrium, trail, lambda changed: solved({**parameters, **changed}), structures)
    found = findings(task.canonical.claims, measures)
    opened = equilibrium.game.opened
    parts = [part.log_likelihood for part in (opened, trail) if part is not None]
    return World(
        index,
        dict(parameters),
        sum(parts) if parts else float("nan"),
        found,
        levels == task.finer and task.finer != task.levels,
        equilibrium.sweep["stage_residual"],
        int(equilibrium.sweep["failed"]),
    )
