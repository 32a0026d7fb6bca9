"""Opening beliefs: `opening = memory * closing + (1 - memory) * declared`, for each player about whom beliefs are carried over.

`closing` is what is believed when the whole record of the scenario that goes before (the source) has been replayed through its own solution,
at the same world's parameters; `declared` is the prior that this scenario declares. Policies are functions of state and belief, so the
solution of a game does not depend on where its beliefs begin: only the start moves.

The source is solved on one belief grid in all worlds: the one on which its solution at the prior medians met the tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from standoff.errors import BuildError, SolveError
from standoff.game import Game, Opening, Root, StructureCache
from standoff.game import build as build_declared
from standoff.game.estimate import REFINE_SECONDS
from standoff.measured import Measured
from standoff.passed import passed
from standoff.scenario import Scenario, resolve
from standoff.scenario.canonical import Canonical, Source, SourceGrid

if TYPE_CHECKING:
    from standoff.solve import Equilibrium
    from standoff.solve.induction import Progress

SOLUTIONS, CLOSINGS = 4, 64
"""How many of a source's solutions and closing beliefs are kept: a world needs one, and one for each claim that changes its parameters."""


def fix_grids(
    canonical: Canonical, *, tolerance: float = 1e-2, workers: int = 2, max_seconds: float = REFINE_SECONDS, progress: Progress | None = None
) -> Canonical:
    """Return the scenario with the belief grid of its source, found at the prior medians; as it is where that is known or there is none."""
    from standoff.solve import solve

    source = canonical.source
    if source is None or source.grid is not None:
        return canonical
    before = fix_grids(source.canonical, tolerance=tolerance, workers=workers, max_seconds=max_seconds, progress=progress)
    median = solve(Games(before).build({}), tolerance=tolerance, workers=workers, max_seconds=max_seconds, progress=progress)
    assert median.certificate is not None
    grid = SourceGrid(median.grid.levels, median.certificate.policy_distance, bool(median.certificate.met))
    return replace(canonical, source=replace(source, canonical=before, grid=grid))


def build(
    scenario: Scenario | Canonical,
    parameters: Mapping[str, float] | None = None,
    *,
    roots: Sequence[Root] = (),
    tolerance: float = 1e-2,
    workers: int = 2,
    max_seconds: float = REFINE_SECONDS,
    progress: Progress | None = None,
) -> Game:
    """Build the game of a scenario at these parameters (prior medians for those not named), with its opening beliefs.

    Where beliefs come `from` another scenario, that one is solved to `tolerance` or until `max_seconds`, as by `solve`, and its record replayed
    first. `roots` are further public states to include beside the start.

    Raises BuildError for probabilities outside [0, 1], values outside a variable's, propensities or precisions that are not positive,
    or a game without an end; GameTooLargeError when it is too large.

    >>> import standoff as so
    >>> game = so.build(so.load("repeated-signalling"))
    >>> game.size()["decision_points"]
    9
    """
    canonical = scenario if isinstance(scenario, Canonical) else resolve(passed("build", scenario, Scenario))
    if canonical.source is None:
        return build_declared(canonical, parameters, roots=roots)
    canonical = fix_grids(canonical, tolerance=tolerance, workers=workers, max_seconds=max_seconds, progress=progress)
    return Games(canonical, roots).build(parameters or {})


class Games:
    """The games of one scenario in any world, with their opening beliefs; what worlds share is kept."""

    def __init__(self, canonical: Canonical, roots: Sequence[Root] = ()) -> None:
        self.canonical = canonical
        self.structures = StructureCache(canonical, roots)
        self.before = _Before(canonical.source) if canonical.source is not None else None

    def build(self, parameters: Mapping[str, float]) -> Game:
        """Build the game at these parameters, prior medians for those not named."""
        game = self.structures.build(parameters)
        return game if self.before is None else game.opening(self.before.opening(game, ()))

    def without(self, game: Game, events: Sequence[str]) -> Game:
        """Return a game of this scenario as it would open if these events of the source's record had not happened."""
        if self.before is None:
            raise SolveError("no scenario goes before this one, so its record cannot lack events")
        return game.opening(self.before.opening(game, tuple(sorted(set(events)))))


@dataclass(frozen=True)
class _Closing:
    """What a record leaves, by player and type."""

    beliefs: Mapping[str, Mapping[str, float]]
    others: Mapping[str, Mapping[str, float]]
    """The same where every choice on its path is corrected by its estimated error."""
    log_likelihood: Measured


class _Before:
    """The scenario that goes before: solved and replayed at any parameters."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.games = Games(source.canonical)
        self.names = [spec.name for spec in source.canonical.parameters]
        self.solved = lru_cache(SOLUTIONS)(self._solved)
        self.closing = lru_cache(CLOSINGS)(self._closing)

    def opening(self, game: Game, without: tuple[str, ...]) -> Opening:
        """Return the opening of a game of the scenario that follows."""
        memory = float(np.asarray(self.source.memory.evaluate(game.parameters)))
        if not 0.0 <= memory <= 1.0:
            raise BuildError(f"beliefs.memory is {memory:.6g}; it must lie between 0 and 1")
        left = self.closing(tuple(game.parameters[name] for name in self.names), without)
        declared = game.opened.declared if game.opened is not None else game.priors

        def opened(closing: Mapping[str, Mapping[str, float]]) -> tuple[np.ndarray, ...]:
            priors = list(declared)
            for name in self.source.players:
                i = game.player_index[name]
                there = np.array([closing[name][kind] for kind in game.canonical.players[i].types])
                priors[i] = memory * there + (1.0 - memory) * declared[i]
            return tuple(priors)

        likely = left.log_likelihood
        return Opening(
            self.source.canonical.name, memory, opened(left.beliefs), tuple(declared), left.beliefs, likely.value, opened(left.others), likely.bound
        )

    def _solved(self, values: tuple[float, ...]) -> Equilibrium:
        from standoff.solve.solver import solve_on

        if self.source.grid is None:
            raise SolveError(f"{self.source.canonical.name} has no belief grid yet; call fix_grids on the scenario that follows it")
        game = self.games.build(dict(zip(self.names, values, strict=True)))
        return solve_on(game, self.source.grid.levels)

    def _closing(self, values: tuple[float, ...], without: tuple[str, ...]) -> _Closing:
        """Return what the record leaves believed about every secret, and its log-likelihood with that of all records before it."""
        from standoff.replay import replay

        solved = self.solved(values)
        trail = replay(solved, self.source.record, whole=True, without=without)
        opened = solved.game.opened
        earlier = Measured(opened.log_likelihood, opened.slack) if opened is not None else Measured(0.0)
        return _Closing(solved.beliefs(trail.x), solved.beliefs(trail.other_x), trail.log_likelihood_within + earlier)
