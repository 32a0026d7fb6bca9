"""One world: build, solve, replay, measure. A function of its parameters only, so any worker gives the same answer."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from standoff.chain import Games, fix_grids
from standoff.claims import Finding, Measures, findings, roots_of
from standoff.errors import StandoffError
from standoff.measured import Measured, total
from standoff.record import Record
from standoff.replay import replay
from standoff.scenario.canonical import Canonical
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.solver import EXACT_HISTORIES, solve_on

Levels = frozenset[tuple[int, ...]]


@dataclass(frozen=True)
class Task:
    """What all worlds of a run share."""

    canonical: Canonical
    record: Record | None
    ladder: tuple[Levels, ...]
    """Belief grids, each finer than the one before: a world climbs until its claims are decided and its numbers within the tolerance."""
    tolerance: float
    first: int = 0
    """Rung at which worlds begin."""
    most: int = EXACT_HISTORIES
    """Worlds with at most so many public histories are solved on them."""
    problem: str = ""
    """Why the median world could not be computed, and which one stands in for it."""

    @property
    def levels(self) -> Levels:
        """The grid on which worlds begin."""
        return self.ladder[self.first]

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
    rung: int
    """Of the ladder of belief grids, the one whose numbers these are."""
    stage_residual: float
    failed_stages: int
    problem: str = ""
    slack: float = 0.0
    """How far the log-likelihood may be from that of exact play."""


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
        for rung in range(task.first, len(task.ladder)):
            world = measured(task, structures, index, parameters, rung)
            if not any(_wanting(finding, task.tolerance) for finding in world.findings.values()):
                break
    except StandoffError as error:
        return World(index, dict(parameters), float("nan"), {}, task.first, float("nan"), 0, str(error))
    return world


def _wanting(finding: Finding, tolerance: float) -> bool:
    """Whether a finer grid may tell more of a claim: its truth, or a number to within the tolerance."""
    if not np.isfinite(finding.margin):
        return False
    return finding.holds is None or any(
        bound > tolerance * max(1.0, abs(number)) for number, bound in zip(finding.numbers, finding.bounds, strict=True)
    )


def measured(task: Task, structures: Games, index: int, parameters: Mapping[str, float], rung: int) -> World:
    """Compute a world on a rung of the ladder; what is solved exactly is the same on all."""

    def solved(values: Mapping[str, float]) -> Equilibrium:
        return solve_on(structures.build(values), task.ladder[rung], most=task.most)

    equilibrium = solved(parameters)
    trail = replay(equilibrium, task.record) if task.record is not None else None
    measures = Measures(equilibrium, trail, lambda changed: solved({**parameters, **changed}), structures)
    found = findings(task.canonical.claims, measures)
    opened = equilibrium.game.opened
    parts = [Measured(opened.log_likelihood, opened.slack)] if opened is not None else []
    parts += [trail.log_likelihood_within] if trail is not None else []
    likely = total(parts)
    return World(
        index,
        dict(parameters),
        likely.value if parts else float("nan"),
        found,
        rung,
        equilibrium.sweep["stage_residual"],
        int(equilibrium.sweep["failed"]),
        slack=likely.bound,
    )
