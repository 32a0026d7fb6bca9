"""Solve a game: backward induction on a belief grid, certified along histories followed exactly, refined where the certificate says so."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from standoff.errors import GameTooLargeError, SolveError
from standoff.game import Game
from standoff.solve.certificate import Certificate
from standoff.solve.certification import certify as run_certificate
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.grid import PRODUCT_AXES, BeliefGrid, box, count_nodes, simplex
from standoff.solve.induction import Progress, sweep
from standoff.solve.refine import refine

STAGE_SECONDS = 2.5e-6
"""Rough cost of one stage on one core; used for estimates only."""

FINEST = 1e-7
"""Policy distances below this are not worth another grid."""

MAX_AXES = 12
"""The combination of sparse grids grows as 2 ** axes."""

FREE_BELIEFS = 4_500
"""The largest grid that is tried without being asked for."""

MAX_BYTES = 6 * 2**30
MAX_SECONDS = 3600.0


def first_levels(n_axes: int) -> frozenset[tuple[int, ...]]:
    """Return the level set to begin with: a product of nine nodes per axis, or the smallest sparse grid where products grow too large."""
    return box((3,) * n_axes) if n_axes <= PRODUCT_AXES else simplex(n_axes, 1)


def check_size(game: Game, n_beliefs: int, workers: int) -> dict[str, float]:
    """Return the estimated points, bytes and seconds of a solve; raise GameTooLargeError beyond the limits."""
    size = game.size()
    points = size["decision_points"] * n_beliefs
    columns = int(game.arrays.columns[-1])
    bytes_ = 8.0 * n_beliefs * (size["nodes"] * columns + size["options"] * max(game.n_types))
    seconds = points * STAGE_SECONDS / workers
    if bytes_ > MAX_BYTES or seconds > MAX_SECONDS:
        raise GameTooLargeError(
            f"solving {size['decision_points']:,} decision points on {n_beliefs:,} beliefs needs about {points:,} stages, "
            f"{bytes_ / 2**30:.1f} GB and {seconds:,.0f} s; "
            f"the limits are {MAX_BYTES / 2**30:.0f} GB and {MAX_SECONDS:.0f} s. Use fewer states, types or periods."
        )
    return {"points": float(points), "bytes": bytes_, "seconds": seconds}


def solve(
    game: Game,
    *,
    tolerance: float = 1e-2,
    effort: int = 60_000,
    max_beliefs: int = 20_000,
    max_seconds: float = 600.0,
    levels: frozenset[tuple[int, ...]] | None = None,
    certify: bool = True,
    workers: int = 2,
    seed: int = 0,
    progress: Progress | None = None,
) -> Equilibrium:
    """Solve a game; the grid is refined until the certificate's policy distance is at most `tolerance`.

    What is cheap is solved finer than asked: refinement goes on while the next grid has at most `effort` stages (0 stops at the tolerance).
    It also stops at `max_beliefs` grid nodes or when the next grid would pass `max_seconds`; the certificate then says that the tolerance is
    not met. With `levels` the grid is given and stays. `certify=False` skips the certificate (and so any refinement).

    Raises GameTooLargeError before any work, SolveError when values are not finite.

    >>> import standoff as so
    >>> eq = so.solve(so.build(so.load("repeated-signalling")), tolerance=1e-3)
    >>> eq.certificate.met
    True
    """
    begun = time.perf_counter()
    n_axes = sum(k - 1 for k in game.n_types)
    decisions = game.size()["decision_points"]
    if n_axes > MAX_AXES:
        raise GameTooLargeError(
            f"the players' types span {n_axes} belief axes (a player with K types takes K - 1); at most {MAX_AXES} can be solved. Even "
            f"{2 * n_axes + 1} beliefs, two an axis, would mean {decisions * (2 * n_axes + 1):,} stages. Use fewer types."
        )
    current = levels if levels is not None else first_levels(n_axes)
    check_size(game, count_nodes(current), workers)
    best: Equilibrium | None = None
    while True:
        started = time.perf_counter()
        solved = _solve_on(game, current, workers, progress)
        if not certify:
            return replace(solved, seconds=time.perf_counter() - begun)
        certificate = run_certificate(solved, tolerance=tolerance, workers=workers, seed=seed, progress=progress)
        now = time.perf_counter()
        solved = replace(solved, certificate=certificate)
        if best is None or _better(certificate, best.certificate):
            best = solved
        # A finer grid has half as many nodes again at the least.
        could_be_cheap = certificate.policy_distance > FINEST and 1.5 * solved.grid.n_nodes <= min(effort / max(decisions, 1), FREE_BELIEFS)
        if levels is None and n_axes > 0 and (not certificate.met or could_be_cheap):
            finer = refine(solved)
            n_finer = count_nodes(finer)
            growth = n_finer / solved.grid.n_nodes
            in_time = now - begun + growth * (now - started) <= max_seconds
            in_memory = n_finer <= max_beliefs and 8.0 * n_finer * game.structure.n_nodes * solved.values.shape[2] <= MAX_BYTES
            wanted = not certificate.met
            cheap = n_finer * decisions <= effort and n_finer <= FREE_BELIEFS and certificate.policy_distance > FINEST
            if finer != current and in_time and in_memory and (wanted or cheap):
                current = finer
                continue
        return replace(best, seconds=time.perf_counter() - begun)


def _better(one: Certificate, other: Certificate | None) -> bool:
    return other is None or (one.met, -one.policy_distance) > (other.met, -other.policy_distance)


def _solve_on(game: Game, levels: frozenset[tuple[int, ...]], workers: int, progress: Progress | None) -> Equilibrium:
    """Solve on a given grid, without certificate."""
    grid = BeliefGrid(game.n_types, levels)
    lines, values, policy, report = sweep(game, grid, workers=workers, progress=progress)
    if not np.isfinite(values).all():
        node = int(np.argmax(~np.isfinite(values).all(axis=(1, 2))))
        raise SolveError(f"values are not finite at {game.structure.places[game.structure.place[node]]}, period {game.structure.period[node]}")
    return Equilibrium(game, grid, lines, values, policy, report, None, 0.0)
