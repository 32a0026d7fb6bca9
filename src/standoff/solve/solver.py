"""Solve a game: backward induction on a belief grid, certified along histories followed exactly, refined where the certificate says so."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Literal

import numpy as np

from standoff.errors import GameTooLargeError, SolveError
from standoff.game import Game, estimate
from standoff.game.estimate import REFINE_SECONDS
from standoff.game.tree import MAX_HISTORIES, count_histories, histories_from
from standoff.passed import passed
from standoff.solve.branches import look
from standoff.solve.certificate import Certificate, alone
from standoff.solve.certification import certify as run_certificate
from standoff.solve.certification import clearly_too_coarse
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.exact import MAX_AXES as EXACT_AXES
from standoff.solve.exact import Exact, exact
from standoff.solve.grid import PRODUCT_AXES, BeliefGrid, box, count_nodes, is_local, line_bytes, local, simplex
from standoff.solve.induction import Progress, line_table, sweep
from standoff.solve.public import solve_public
from standoff.solve.refine import refine

MAX_AXES = 12
"""The combination of sparse grids grows as 2 ** axes."""

EXACT_HISTORIES = 20_000
"""Games with at most so many public histories are solved exactly without being asked."""

CHEAP_STAGES = 60_000
"""A grid beside an exact solution is refined up to so many stages."""

Engine = Literal["auto", "grid", "exact"]

MAX_BYTES = 6 * 2**30
MAX_SECONDS = 3600.0


def first_levels(n_axes: int) -> frozenset[tuple[int, ...]]:
    """Return the level set to begin with: a product of nine nodes per axis, or the smallest sparse grid where products grow too large."""
    return box((3,) * n_axes) if n_axes <= PRODUCT_AXES else simplex(n_axes, 1)


def check_size(game: Game, n_beliefs: int, workers: int) -> None:
    """Raise GameTooLargeError, with the estimate, for a game whose solution on so many beliefs is beyond the limits."""
    guess = estimate(game, n_beliefs)
    seconds = guess.seconds / workers
    if guess.bytes > MAX_BYTES or seconds > MAX_SECONDS:
        endless = game.structure.open_ended
        raise GameTooLargeError(
            f"solving {game.size()['decision_points']:,} decision points on {n_beliefs:,} beliefs needs about {guess.stages:,} stages"
            f"{f' in each of {guess.sweeps:,} sweeps' if endless else ''}, {guess.bytes / 2**30:.1f} GB and {seconds:,.0f} s; the limits are "
            f"{MAX_BYTES / 2**30:.0f} GB and {MAX_SECONDS:.0f} s. Use fewer states or types, or {'a lower discount' if endless else 'fewer periods'}."
        )


def solve(
    game: Game,
    *,
    tolerance: float = 1e-2,
    engine: Engine = "auto",
    max_beliefs: int = 20_000,
    max_seconds: float = REFINE_SECONDS,
    levels: frozenset[tuple[int, ...]] | None = None,
    certify: bool = True,
    workers: int = 2,
    seed: int = 0,
    progress: Progress | None = None,
) -> Equilibrium:
    """Solve a game; the grid is refined until the certificate's policy distance is at most `tolerance`.

    Refinement stops at `max_beliefs` grid nodes or when the next grid would pass `max_seconds`, reckoned from the number of stages and not measured,
    so that no result depends on how fast a machine is; the certificate then says that the tolerance is not met. With `levels` the grid is given and
    stays. `certify=False` skips the certificate (and so any refinement).

    `engine`: `auto` also solves a game of at most `EXACT_HISTORIES` public histories exactly on them (`standoff.solve.exact`); that solution
    answers whatever is asked, other points by the histories from there (`Equilibrium.rooted`), and is what the grid is held against, which is
    then refined only while that is cheap. `exact` insists on it, `grid` leaves it out. Where the exact branch is lost, `auto` goes on with the
    grid alone, and the certificate says why.

    Raises GameTooLargeError before any work, SolveError when values are not finite.

    >>> import standoff as so
    >>> eq = so.solve(so.build(so.load("repeated-signalling")), tolerance=1e-3)
    >>> eq.certificate.met
    True
    """
    begun, game = time.perf_counter(), passed("solve", game, Game)
    n_axes = sum(k - 1 for k in game.n_types)
    decisions = game.size()["decision_points"]
    if n_axes == 0 and (game.structure.at_once or game.structure.open_ended):
        return replace(solve_public(game, tolerance, seed=seed, progress=progress), seconds=time.perf_counter() - begun)
    few = not game.structure.open_ended and n_axes <= EXACT_AXES and count_histories(game.structure) <= EXACT_HISTORIES
    if n_axes > MAX_AXES and engine != "grid" and few:
        return exactly(exact(game, workers=workers, progress=progress), tolerance=tolerance)
    if n_axes > MAX_AXES:
        raise GameTooLargeError(
            f"the players' types span {n_axes} belief axes (a player with K types takes K - 1); at most {MAX_AXES} can be solved. Even "
            f"{2 * n_axes + 1} beliefs, two an axis, would mean {decisions * (2 * n_axes + 1):,} stages. Use fewer types"
            f"{_or_exactly(game, n_axes)}."
        )
    current = levels if levels is not None else first_levels(n_axes)
    check_size(game, count_nodes(current), workers)
    oracle, problem = _oracle(game, engine, workers, progress) if certify else (None, "")
    best: Equilibrium | None = None
    reckoned = 0.0
    while True:
        reckoned += estimate(game, count_nodes(current)).seconds
        solved = _solve_on(game, current, workers, progress)
        if not certify:
            return replace(solved, seconds=time.perf_counter() - begun)
        glance = clearly_too_coarse(solved, tolerance=tolerance, workers=workers, seed=seed) if levels is None and oracle is None and n_axes else None
        if glance is not None:
            finer = _finer(replace(solved, certificate=glance), reckoned, max_beliefs, max_seconds, oracle)
            if finer is not None:
                current = finer
                continue
        certificate = run_certificate(solved, tolerance=tolerance, workers=workers, seed=seed, progress=progress, oracle=oracle)
        certificate = replace(certificate, exact_problem=problem)
        solved = replace(solved, certificate=certificate, exact=oracle, most=EXACT_HISTORIES if oracle is not None else 0)
        if best is None or _better(certificate, best.certificate):
            best = solved
        if levels is None and n_axes > 0 and not certificate.grid_met:
            finer = _finer(solved, reckoned, max_beliefs, max_seconds, oracle)
            if finer is not None:
                current = finer
                continue
        if engine != "grid" and best.certificate is not None:
            found = replace(best.certificate, **look(best)._asdict(), at_once=game.structure.at_once)
            best = replace(best, certificate=found)
        return replace(best, seconds=time.perf_counter() - begun)


def solve_on(game: Game, levels: frozenset[tuple[int, ...]], at: tuple[int, np.ndarray] | None = None, most: int = EXACT_HISTORIES) -> Equilibrium:
    """Solve a game as one of many: exactly where every point that it begins from has at most so many histories (`most`), else on a given grid.

    With `at`, a node and belief coordinates, only what follows from there is asked for. There is no certificate and no refinement, and one thread.
    Raises SolveError when values are not finite.
    """
    structure = game.structure
    begins = structure.roots if at is None else structure.head[at[0] : at[0] + 1]
    if not structure.open_ended and histories_from(structure)[begins].max() <= most:
        try:
            return exactly(exact(game, at=(int(begins[0]), at[1]) if at is not None else None, workers=1))
        except SolveError:
            pass  # the grid has a way of its own to the solution, and says where it fails
    return solve(game, levels=levels, certify=False, workers=1)


def as_equilibrium(call: str, solved: Equilibrium | Exact) -> Equilibrium:
    """Return what was given to a public call that takes a solution of either kind. Raises ArgumentError for anything else."""
    return exactly(solved) if isinstance(solved, Exact) else passed(call, solved, Equilibrium)


def exactly(found: Exact, *, tolerance: float | None = None) -> Equilibrium:
    """Return an exact solution as one that answers for any point, without a belief grid; with a certificate where there is a tolerance."""
    game, nothing = found.game, np.zeros((0, 0, 0))
    certificate = alone(found.certificate, tolerance) if tolerance is not None else None
    grid = BeliefGrid(game.n_types, frozenset([(0,) * sum(k - 1 for k in game.n_types)]))
    report = {"stages": 0.0, "stage_residual": found.certificate.residual, "traced": 0.0, "folded": 0.0, "failed": 0.0, "sweeps": 0.0}
    unsolved = np.zeros(game.structure.n_nodes, dtype=np.int64)
    return Equilibrium(game, grid, line_table(grid), nothing, nothing, report, certificate, found.seconds, unsolved, found, EXACT_HISTORIES)


def _finer(solved: Equilibrium, reckoned: float, max_beliefs: int, max_seconds: float, oracle: Exact | None) -> frozenset[tuple[int, ...]] | None:
    """Return the level set of the next grid, None where it would not fit into what time (seconds `reckoned` so far) and memory there is."""
    game = solved.game
    finer = refine(solved)
    while finer != solved.grid.levels:
        n_finer = count_nodes(finer)
        in_time = reckoned + estimate(game, n_finer).seconds <= max_seconds
        bytes_ = 8.0 * n_finer * game.structure.n_nodes * solved.values.shape[2] + line_bytes(finer, game.n_types)
        in_memory = n_finer <= max_beliefs and bytes_ <= MAX_BYTES
        worth_it = oracle is None or n_finer * game.size()["decision_points"] <= CHEAP_STAGES
        if in_time and in_memory and worth_it:
            return finer
        # The first local grid may be several levels finer: less is better than nothing.
        less = [level - 1 for level in next(iter(finer))]
        if not is_local(finer) or solved.grid.local or min(less) <= min(solved.grid.axis_levels):
            return None
        finer = local(less)
    return None


def _or_exactly(game: Game, n_axes: int) -> str:
    """Name the engine without a grid where it takes a game whose beliefs are too many for one."""
    if game.structure.open_ended or n_axes > EXACT_AXES or (histories := count_histories(game.structure)) > MAX_HISTORIES:
        return ""
    return f", or `solve --exact` (in Python `so.exact`), which needs no grid and takes the game's {histories:,} public histories"


def _oracle(game: Game, engine: Engine, workers: int, progress: Progress | None) -> tuple[Exact | None, str]:
    """Solve the game exactly, where that is wanted and possible; else say why not, where it should have been."""
    if engine == "grid" or (engine == "auto" and (game.structure.open_ended or count_histories(game.structure) > EXACT_HISTORIES)):
        return None, ""
    try:
        return exact(game, workers=workers, progress=progress), ""
    except SolveError as error:
        if engine == "exact":
            raise
        return None, str(error)


def _better(one: Certificate, other: Certificate | None) -> bool:
    return other is None or (one.grid_met, -one.policy_distance) > (other.grid_met, -other.policy_distance)


def _solve_on(game: Game, levels: frozenset[tuple[int, ...]], workers: int, progress: Progress | None) -> Equilibrium:
    """Solve on a given grid, without certificate."""
    grid = BeliefGrid(game.n_types, levels)
    lines, values, policy, report, unsolved = sweep(game, grid, workers=workers, progress=progress)
    if not np.isfinite(values).all():
        node = int(np.argmax(~np.isfinite(values).all(axis=(1, 2))))
        raise SolveError(f"values are not finite at {game.structure.places[game.structure.place[node]]}, period {game.structure.period[node]}")
    return Equilibrium(game, grid, lines, values, policy, report, None, 0.0, unsolved)
