"""The principal branch of the stationary engine: from precision 0, where behaviour is by propensity, to the declared precision."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.errors import SolveError
from standoff.solve._markov import Flat
from standoff.solve.induction import Progress
from standoff.solve.markov_system import System

RESIDUAL = 1e-10
"""Largest residual of a solved game, relative (see `Linearised.residual`)."""

STEPS, ROUNDS = 5_000, 8
NEAR, NEAREST = 1e-3, 1e-8
"""Newton's last step, in log-odds, that is near enough to the branch to go on from there: at first, and where a step has gone wrong. Beside a
crossing, where the equations are nearly singular, a small distance from the branch turns the tangent by a lot."""
AIMS = 0.03, 0.006, 0.001
"""First correction after a step, in log-odds, which the length of steps aims at: at first, and where that has led astray."""
GROWTH = 2.0
"""A step may go to so many times the precision, so that few crossings of other branches hide in one step."""
CLOSE = 1e-2, 1e-3
"""Largest step, in log-odds and relative to precision, over which a sign change of the determinant counts as the crossing of another branch:
over a longer one, Newton's method may have swapped the branch for a neighbour that runs the other way."""
AT_END = 1e-9
"""A branch that crosses, or a turning point, within so much of `t = 1` is where the branch ends: the solution is that point."""
BEND = 0.8
"""Least cosine between tangents of neighbouring points: a sharper bend is taken in smaller steps, lest the branch be swapped for a neighbour."""


class LostError(SolveError):
    """Steps went astray, as shorter ones may not."""


Way = tuple[np.ndarray, ...]
"""Where the branch goes from a point: coefficients of a polynomial in the distance, ascending."""


class Linearised(NamedTuple):
    """The equations near a point; directions are nan where they are singular, or a number overflows."""

    residual: float
    """Largest residual of log-odds relative to max(1, largest log-odds), or of values relative to the largest value or payoff."""
    by_t: np.ndarray
    """dy/dt"""
    step: np.ndarray
    """Newton's own step at fixed t."""


class Point(NamedTuple):
    """A point `y = (V, u, t)` of the branch: values player by player, log-odds, and the share of the declared precision.

    The arc is measured in `(u, t)`, from which values follow.
    """

    y: np.ndarray
    tangent: np.ndarray
    """dy by the arc."""
    side: float
    """Sign of the determinant of the equations together with the arc's own; it changes only where another branch crosses."""
    log_size: float
    """Logarithm of the size of that determinant."""


class Solution(NamedTuple):
    """The end of the branch, and what was met on the way."""

    values: np.ndarray
    """Shape (P, n)."""
    u: np.ndarray
    """Shape (O,)."""
    residual: float
    folds: int
    crossings: tuple[float, ...]
    steps: int


class Branch:
    """The branch of solutions `y = (V, u, t)`, `t` from 0 to 1."""

    def __init__(self, flat: Flat) -> None:
        self.system = System(flat)
        self.shape = flat.reward.shape[1], len(flat.member_start) - 1
        self.n_values = self.shape[0] * self.shape[1]
        self.payoff = float(np.abs(flat.reward).max(initial=0.0)) or 1.0
        stakes = float(flat.precision.max(initial=0.0) * np.ptp(flat.reward, axis=0).max(initial=0.0))
        # The share of the precision at which the payoffs of one state may weigh a unit of log-odds.
        self.unit = 1.0 / max(stakes, 1.0)
        self.start = np.concatenate([np.zeros(self.n_values), flat.base, [0.0]])

    def follow(self, progress: Progress | None) -> Solution:
        """Follow the branch from `t = 0` to `t = 1`.

        Close to a crossing a step may land on the other branch after all. That one may lead back below precision 0, which the principal branch
        never does, or end in points from which no step succeeds; the way is then taken again in shorter steps.
        """
        lost = LostError()
        for aim in AIMS:
            try:
                return self._trace(self._begin(), aim, STEPS, progress)
            except LostError as problem:
                lost = problem
        raise SolveError(f"{lost}, in shorter steps too; the game's equations may be too badly scaled")

    def trace(self, y: np.ndarray, upwards: bool, most: int) -> Solution | None:
        """Follow the curve of a solution `y` towards larger or smaller precisions to where it comes to `t = 1`, in at most so many steps.

        Every curve but the principal branch ends there on both sides; None where it is that one or is lost.
        """
        linear = self.linearise(y)
        onward = np.zeros_like(y)
        onward[-1] = 1.0 if upwards else -1.0
        if not np.isfinite(linear.by_t).all():
            return None
        try:
            return self._trace(self._point(y, linear, onward)[0], AIMS[0], most, None)
        except SolveError:
            return None

    def index(self, y: np.ndarray) -> int:
        """Return the sign of the determinant at a solution against that at precision 0, 0 where it is singular; all of a game add up to +1."""
        self.linearise(self.start)
        begun, _ = self.system.determinant()
        self.linearise(y)
        return int(begun * self.system.determinant()[0])

    def _trace(self, here: Point, aim: float, most: int, progress: Progress | None) -> Solution:
        """Follow a curve from a point in steps whose first correction is about `aim`. Raises LostError where they go astray or below precision 0."""
        way: Way = here.y, here.tangent
        folds, crossings, near = 0, list[float](), NEAR
        # The first step moves no log-odds by more than one.
        distance = 1.0 / float(np.abs(here.tangent[self.n_values :]).max())
        for count in range(1, most + 1):
            reach = min(GROWTH * float(here.y[-1]) + self.unit, 1.0)
            distance, last = _shorten(way, distance, reach)
            length = distance * float(np.abs(here.tangent[self.n_values :]).max())
            found = self._correct(here, _along(way, distance), length, last, near)
            # A step that was to stop short of the end, and is corrected to beyond it, was too long.
            if found is not None and (last or found[0][-1] < 1.0):
                y, linear, first = found
                ahead, cosine = self._point(y, linear, here.tangent)
                crosses = ahead.side != here.side
                close = length <= CLOSE[0] and abs(ahead.y[-1] - here.y[-1]) <= CLOSE[1] * here.y[-1]
                share = _crossing(here, ahead)
                at_end = last and abs(share - 1.0) <= AT_END
                # Where the end is a branch point, rounding makes the tangent there.
                straight = cosine >= BEND or length <= 1e-6 or ahead.side == 0.0 or (at_end and close)
                if straight and (close or not crosses):
                    folds += int(ahead.tangent[-1] * here.tangent[-1] < 0.0 and not at_end)
                    if crosses or at_end:
                        crossings.append(1.0 if at_end else share)
                    if last:
                        return self._solution(y, linear.residual, folds, crossings, count)
                    if y[-1] < 0.0:
                        raise LostError("the branch from precision 0 led back there")
                    if progress is not None:
                        progress("following the branch", min(float(y[-1]), 1.0))
                    way, here, near = self._way(here, ahead), ahead, min(10.0 * near, NEAR)
                    # The error of the cubic grows as the fourth power of the distance.
                    distance *= min(max((aim / max(first, 1e-12)) ** 0.25, 0.3), 2.0)
                    continue
            if max(length, distance) < 1e-9:
                return self._stand(here, folds, crossings, count)
            distance *= 0.5
            if near > NEAREST:
                # The fault may be that of the point from which the step starts.
                near, here = NEAREST, self._polish(here)
                way = here.y, here.tangent
        raise SolveError(f"the branch from precision 0 took more than {most:,} steps and reached {here.y[-1]:.3%} of the precision")

    def _polish(self, here: Point) -> Point:
        """Return the point of the branch that is square to the tangent from here, its tangent and determinant taken there."""
        found = self._correct(here, here.y, NEAR, False, NEAREST)
        return here if found is None else self._point(*found[:2], here.tangent)[0]

    def _stand(self, here: Point, folds: int, crossings: list[float], steps: int) -> Solution:
        """Stop where steps have become too short to go on, which is right at a turning point that lies on the end to the last digits."""
        y = here.y.copy()
        y[-1] = 1.0
        residual = self.linearise(y).residual
        if abs(here.y[-1] - 1.0) > AT_END or not residual <= RESIDUAL:
            raise LostError(f"the branch from precision 0 was lost at {here.y[-1]:.3%} of the precision after {folds} turning points")
        return self._solution(y, residual, folds, crossings, steps)

    def _solution(self, y: np.ndarray, residual: float, folds: int, crossings: list[float], steps: int) -> Solution:
        if not residual <= RESIDUAL:
            raise SolveError(f"the equations were solved to {residual:.1e} only (relative log-odds); {RESIDUAL:.0e} is wanted")
        return Solution(y[: self.n_values].reshape(self.shape), y[self.n_values : -1], residual, folds, tuple(crossings), steps)

    def _begin(self) -> Point:
        """Return the point at precision 0: log-odds are those of the propensities, and the equations of values are linear."""
        y = self.start
        for _ in range(2):
            linear = self.linearise(y)
            y = y + linear.step
        if not linear.residual <= RESIDUAL:
            raise SolveError("values at precision 0 are not finite, or too large to be found: play almost never ends")
        onward = np.zeros_like(y)
        onward[-1] = 1.0
        return self._point(y, linear, onward)[0]

    def linearise(self, y: np.ndarray) -> Linearised:
        """Linearise at a point."""
        n = self.n_values
        values, u = y[:n], y[n:-1]
        found = self.system.newton(u, values.reshape(self.shape), float(y[-1]))
        odds = max(1.0, float(np.abs(u).max(initial=0.0)))
        worth = max(self.payoff, float(np.abs(values).max(initial=0.0)))
        by_t, step = (np.concatenate([found.values[c].ravel(), found.u[:, c], [share]]) for c, share in ((0, 1.0), (1, 0.0)))
        return Linearised(max(found.residual / odds, found.value_residual / worth), by_t, step)

    def _correct(self, here: Point, guess: np.ndarray, length: float, last: bool, near: float) -> tuple[np.ndarray, Linearised, float] | None:
        """Return to the branch from a guess that moves no log-odds by more than about `length`.

        Gives `y`, the last linearisation and the size of the first correction in log-odds, or None where Newton's method does not converge
        as it should. The last step keeps `t` at 1, the others go square to the tangent and stop at a correction below `near`.
        """
        arc = slice(self.n_values, None)
        if last:
            guess[-1] = 1.0
        y = guess.copy()
        first = size = np.inf
        for count in range(1, ROUNDS + 1):
            linear = self.linearise(y)
            if last and linear.residual <= 0.01 * RESIDUAL:
                return y, linear, first
            change = linear.step
            if not last:
                # Block elimination of the arc's equation (Keller 1977).
                off = here.tangent[arc] @ (y - guess + linear.step)[arc]
                change = linear.step - off / (here.tangent[arc] @ linear.by_t[arc]) * linear.by_t
            share = abs(float(change[-1])) / (abs(float(y[-1])) + self.unit)
            old, size = size, max(share, float(np.abs(change[self.n_values : -1]).max(initial=0.0)))
            if not np.isfinite(size):
                return None
            if count == 1:
                first = size
                if size > max(0.5 * length, 1e-2):
                    return None
            elif size > 0.7 * old:
                # Newton's steps no longer shrink: at the end of the branch that is rounding, elsewhere another branch.
                return (y, linear, first) if last and linear.residual <= RESIDUAL else None
            y += change
            if not last and size < near:
                return y, linear, first
        return None

    def _point(self, y: np.ndarray, linear: Linearised, onward: np.ndarray) -> tuple[Point, float]:
        """Return the point last linearised, its tangent pointing onward, and the cosine between the two."""
        norm = self._norm(linear.by_t)
        tangent = linear.by_t / norm
        cosine = float(tangent[self.n_values :] @ onward[self.n_values :])
        way = 1.0 if cosine >= 0.0 else -1.0
        sign, log_size = self.system.determinant()
        return Point(y, way * tangent, way * sign, log_size + float(np.log(norm))), abs(cosine)

    def _way(self, before: Point, here: Point) -> Way:
        """Return the cubic through two points with their tangents, from the second on."""
        chord = self._norm(here.y - before.y)
        slope = (here.y - before.y) / chord
        second = (before.tangent + 2.0 * here.tangent - 3.0 * slope) / chord
        third = (before.tangent + here.tangent - 2.0 * slope) / chord**2
        return here.y, here.tangent, second, third

    def _norm(self, y: np.ndarray) -> float:
        return float(np.linalg.norm(y[self.n_values :]))


def _along(way: Way, distance: float) -> np.ndarray:
    return np.asarray(sum(c * distance**power for power, c in enumerate(way)))


def _shorten(way: Way, distance: float, reach: float) -> tuple[float, bool]:
    """Return the distance at which `t` comes to `reach`, if that is nearer, and whether this is the end of the branch."""
    share = tuple(c[-1:] for c in way)
    if _along(share, distance)[0] < reach:
        return distance, False
    low, high = 0.0, distance
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if _along(share, middle)[0] >= reach else (middle, high)
    return high, reach == 1.0


def _crossing(here: Point, ahead: Point) -> float:
    """Return `t` where the determinant is 0, taking it as linear through two points; nan where it is the same at both."""
    if ahead.side == 0.0:
        return float(ahead.y[-1])
    ratio = here.side * ahead.side * np.exp(np.clip(ahead.log_size - here.log_size, -50.0, 50.0))
    return float(here.y[-1] + (ahead.y[-1] - here.y[-1]) / (1.0 - ratio)) if ratio != 1.0 else np.nan
