"""One world: build, solve, replay, measure. A function of its parameters only, so any worker gives the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from standoff.claims import Finding, Measures, findings, roots_of
from standoff.errors import StandoffError
from standoff.game import StructureCache
from standoff.record import Record
from standoff.replay import replay
from standoff.scenario.canonical import Canonical
from standoff.solve.equilibrium import Equilibrium, solve

Levels = frozenset[tuple[int, ...]]

NEAR_ZERO = 0.01
"""Margins closer to zero than this could change sign with the grid's error: such worlds are solved again on the finer grid."""


@dataclass(frozen=True)
class Task:
    """What all worlds of a run share."""

    canonical: Canonical
    record: Record | None
    levels: Levels
    finer: Levels


@dataclass(frozen=True)
class World:
    """What is kept of a world."""

    index: int
    parameters: Mapping[str, float]
    log_likelihood: float
    """Of the record; NaN without one or where replay failed."""
    findings: Mapping[str, Finding]
    refined: bool
    """Whether it was solved again on the finer grid."""
    stage_residual: float
    failed_stages: int
    problem: str = ""


_CACHE: dict[str, StructureCache] = {}


def run_world(task: Task, index: int, parameters: Mapping[str, float]) -> World:
    """Compute one world. Errors of the model itself are kept in `problem`; nothing is hidden."""
    key = f"{id(task.canonical)}"
    if key not in _CACHE:
        _CACHE.clear()
        _CACHE[key] = StructureCache(task.canonical, roots_of(task.canonical))
    structures = _CACHE[key]
    try:
        world = _measured(task, structures, index, parameters, task.levels)
        margins = np.array([finding.margin for finding in world.findings.values()])
        if task.finer != task.levels and (np.abs(margins[np.isfinite(margins)]) < NEAR_ZERO).any():
            world = _measured(task, structures, index, parameters, task.finer)
    except StandoffError as error:
        return World(index, dict(parameters), float("nan"), {}, False, float("nan"), 0, str(error))
    return world


def _measured(task: Task, structures: StructureCache, index: int, parameters: Mapping[str, float], levels: Levels) -> World:
    def solved(values: Mapping[str, float]) -> Equilibrium:
        return solve(structures.build(values), levels=levels, certify=False, workers=1)

    equilibrium = solved(parameters)
    trail = replay(equilibrium, task.record) if task.record is not None else None
    measures = Measures(equilibrium, trail, lambda changed: solved({**parameters, **changed}))
    found = findings(task.canonical.claims, measures)
    return World(
        index,
        dict(parameters),
        trail.log_likelihood if trail is not None else float("nan"),
        found,
        levels == task.finer and task.finer != task.levels,
        equilibrium.sweep["stage_residual"],
        int(equilibrium.sweep["failed"]),
    )
