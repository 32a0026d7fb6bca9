"""The principal branch of a tree of public histories: from precision 0, where behaviour is by propensity, to the declared precision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.errors import SolveError
from standoff.solve._at_once import SOLVED
from standoff.solve.induction import Progress
from standoff.solve.markov_branch import BEND, CLOSE, GROWTH, LostError
from standoff.solve.tree_system import RESIDUAL, System

STEPS, ROUNDS = 20_000, 8
AIMS = 0.03, 0.006, 0.001
"""First correction, in log-odds, that is aimed at: at first, and where that has led astray."""
NEAR, NEAREST, LEFT, ROUGH = 0.1, 1e-4, 0.01, 0.03
"""The largest correction after which to go on from there, at first and where that went wrong; what may be left by then, going by how corrections
shrink; the largest residual before it."""

ROUNDING = 1e-11
"""Size of Newton's last corrections, relative to max(1, largest log-odds), that rounding explains where they no longer shrink: what is believed
after an option that no type would take is the difference of two log-odds as large as precision, and what it does to others grows with it again."""


class Followed(NamedTuple):
    """The end of the branch."""

    residual: float
    """Above `RESIDUAL` where rounding allows no better."""
    folds: int
    """Turning points on the way."""
    steps: int
    crossings: tuple[float, ...] = ()
    """Where other branches cross (`standoff.solve.markov_branch`), each to a thousandth of itself."""


def follow(system: System, most: int = STEPS, progress: Progress | None = None) -> Followed:
    """Follow the branch from the point of precision 0 to `t = 1`, in at most so many steps. Raises SolveError where it is lost.

    A step that swaps the branch for another one may lead back below precision 0, which the principal branch never does, or to where no step
    succeeds; the way is then taken again in shorter steps.
    """
    lost = LostError()
    for aim in AIMS:
        system.reset()
        try:
            return _follow(system, aim, most, progress)
        except LostError as problem:
            lost = problem
    raise SolveError(f"{lost}, in shorter steps too; the game's equations may be too badly scaled")


class _Place(NamedTuple):
    """A point of the branch, and where the branch goes from there."""

    point: np.ndarray
    direction: np.ndarray
    bend: np.ndarray
    side: float
    """Sign of the determinant of the equations together with the arc's own; it changes only where another branch crosses."""
    folds: int
    crossings: tuple[float, ...]


def _follow(system: System, aim: float, most: int, progress: Progress | None) -> Followed:
    """Follow the branch in steps whose first correction is about `aim`. Raises LostError where they go astray or below precision 0.

    A step goes ahead on a parabola, fitted to the directions of the branch at its last two points (Lundberg & Poore 1991), and its length is
    that for which the first correction should come out as `aim`. So one linearisation mostly does for a step: it gives the correction and
    the direction, which is turned back less than the correction is long.
    """
    system.linearise()
    system.respond()
    direction = _unit(system.by_t)
    here = _Place(system.point.copy(), direction, np.zeros_like(direction), system.side(), 0, ())
    earlier: _Place | None = None
    gone, near, unit = 0.0, NEAR, 1.0 / system.stakes
    # The first step moves no log-odds by more than one.
    step = 1.0 / max(float(np.abs(direction[:-1]).max(initial=0.0)), direction[-1])
    for count in range(1, most + 1):
        start, direction = here.point, here.direction
        reach = min(GROWTH * start[-1] + unit, 1.0)
        to_reach = _reach(reach - start[-1], direction[-1], here.bend[-1])
        last = to_reach <= step and reach == 1.0
        step = min(step, to_reach)
        ahead = direction + step * here.bend
        guess = start + 0.5 * step * (direction + ahead)
        if last:
            guess[-1] = 1.0
        length = float(np.abs(guess[:-1] - start[:-1]).max(initial=0.0))
        residual, first = _correct(system, guess, ahead, length, near, last)
        # A step that was to stop short of the end, and is corrected to beyond it, was too long.
        if residual < np.inf and (last or system.point[-1] < 1.0):
            found = _arrive(system, here, ahead, length)
            if found is not None and last:
                return Followed(residual, found.folds, count, found.crossings)
            if found is not None:
                way = system.point - start
                gone = _inner(way, way) ** 0.5
                earlier, here = here, found._replace(bend=(found.direction - direction) / gone)
                # The parabola misses by the third power of the step.
                step = gone * min(max((aim / max(first, 1e-300)) ** (1 / 3), 0.3), 2.0)
                near = min(3.0 * near, NEAR)
                t = float(system.point[-1])
                if t < 0.0:
                    raise LostError("the branch from precision 0 led back there")
                if progress is not None:
                    progress("following the branch", t)
                continue
        system.point[:] = start
        step *= 0.5
        if earlier is not None and step < 0.05 * gone:
            # However short a step is, it fails: the point that it starts from is itself too far from the branch.
            here, earlier = earlier, None
            step, near = 0.25 * gone, NEAREST
            continue
        if step < 1e-9:
            raise LostError(f"the branch from precision 0 was lost at {start[-1]:.3%} of the precision after {here.folds} turning points")
    raise SolveError(f"the branch from precision 0 took more than {most:,} steps and had reached {system.point[-1]:.3%} of the precision")


def _arrive(system: System, here: _Place, ahead: np.ndarray, length: float) -> _Place | None:
    """Return the point to which a step of `length`, in log-odds, has led, without its bend; None where it may lie on another branch."""
    point, sign = system.point.copy(), system.side()
    onward = _unit(system.by_t)
    turn = _inner(onward, ahead) / _inner(ahead, ahead) ** 0.5
    if turn < 0.0:
        onward, turn, sign = -onward, -turn, -sign
    # A sharper bend than expected is taken in smaller steps, so that the branch cannot be swapped for a neighbour.
    if not (turn >= BEND or length <= 1e-6 or sign == 0.0):
        return None
    crossings = here.crossings
    if sign != here.side:
        # Over a longer step the branch may have been swapped for one that runs the other way.
        if length > CLOSE[0] or abs(point[-1] - here.point[-1]) > CLOSE[1] * point[-1]:
            return None
        crossings += (float(point[-1] if sign == 0.0 else 0.5 * (here.point[-1] + point[-1])),)
    return _Place(point, onward, here.bend, sign, here.folds + int(onward[-1] * here.direction[-1] < 0.0), crossings)


def _correct(system: System, guess: np.ndarray, ahead: np.ndarray, length: float, near: float, last: bool) -> tuple[float, float]:
    """Return to the branch from a guess, across the direction `ahead`; `(residual, first)`, the residual infinite where that fails.

    `first` is the size of the first correction; one smaller than `near` may be the last. The last step keeps `t` at 1 and goes on until the
    equations are solved.
    """
    point, by_t, newton = system.point, system.by_t, system.newton
    point[:] = guess
    first = size = np.inf
    for count in range(1, ROUNDS + 1):
        residual = system.linearise()
        if not np.isfinite(residual):
            break
        system.respond()
        if last and residual <= SOLVED:
            return residual, first
        if system.side() == 0.0:
            break
        change = newton
        if not last:
            # Block elimination of the arc's equation (Keller 1977).
            change = newton - (_inner(ahead, point - guess + newton) / _inner(ahead, by_t)) * by_t
        old, size = size, float(np.abs(change).max())
        if not np.isfinite(size):
            break
        if count == 1:
            first = size
            if size > max(0.5 * length, AIMS[0]) or abs(change[-1]) > 0.5 * (abs(guess[-1]) + 1.0 / system.stakes):
                break
        elif size > 0.7 * old:
            # Newton's steps no longer shrink: at the end of the branch that may be rounding, elsewhere it is another branch.
            if last and (residual <= RESIDUAL or size <= ROUNDING * max(1.0, float(np.abs(point[:-1]).max()))):
                return residual, first
            break
        point += change
        # A small step of Newton's is not enough where equations are stiff, as at high precision; there the residual is still large.
        done = size < min(near, max(0.3 * length, NEAREST)) and size**2 < LEFT * old and residual < ROUGH
        if done and not last:
            return residual, first
    return np.inf, first


def _unit(by_t: np.ndarray) -> np.ndarray:
    """Return the direction of length one along the derivative by `t`."""
    return np.asarray(by_t / _inner(by_t, by_t) ** 0.5)


def _inner(one: np.ndarray, two: np.ndarray) -> float:
    """Return the inner product. BLAS would give it to threads of its own, which cost more here than they save."""
    return float(np.einsum("i,i->", one, two))


def _reach(gap: float, pace: float, bend: float) -> float:
    """Return the first `s > 0` with `pace s + bend s^2 / 2 = gap > 0`, infinite where there is none."""
    inside = pace * pace + 2.0 * bend * gap
    below = pace + np.sqrt(inside) if inside >= 0.0 else 0.0
    return float(2.0 * gap / below) if below > 0.0 else np.inf
