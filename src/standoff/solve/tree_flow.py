"""Play that adjusts: from where it is at precision 0 to where nobody would change anything, at the declared precision throughout.

Log-odds move towards the logit response to everything as it stands,

    du/ds = -F(u),

the logit response dynamics of learning in games (Fudenberg & Levine 1998, ch. 4; Hopkins 2002) with every information set an agent of its own.
Where they come to rest is an equilibrium. A step of the implicit Euler method, linearised at its start, solves

    (drag + F'(u)) du = -F(u),        drag = 1 / (length of the step),

on the whole tree at once, as Newton's method does with `drag = 0`; as play settles, steps grow and become Newton's, so that the end is as exact
(pseudo-transient continuation: Kelley & Keyes 1998; Deuflhard 2004, section 6.4). Turning points do not hold it up: play that has nowhere near to
go moves on to what is left. So it costs tens of steps where the principal branch of a large tree turns back hundreds of times.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.errors import SolveError
from standoff.solve.induction import Progress
from standoff.solve.tree_system import RESIDUAL, System

STEPS = 2_000

AIM, TOO_FAR = 4.0, 3.0
"""The largest change of log-odds that a step aims at, and how many times as much is refused."""

HUMBLER, LEAST, RECOVERY = 0.7, 1.0, 1.2
"""What the aim is multiplied by after a step that went too far, the least that it falls to, and how fast it comes back."""

FASTER, SLOWER, BACK = 0.5, 2.0, 8.0
"""Most that the drag falls and grows from one step to the next, and grows where a step went too far."""

CALM, FASTEST = 0.25, 0.1
"""Largest change of log-odds at which play counts as all but settled, and most that the drag then falls."""


class Settled(NamedTuple):
    """Where play came to rest."""

    residual: float
    steps: int


def adjust(system: System, progress: Progress | None = None) -> Settled:
    """Let play adjust from where it is at precision 0. Raises SolveError where it does not settle."""
    system.reset()
    system.point[-1] = 1.0
    u, change = system.point[:-1], system.newton[:-1]
    aim, size, done, refused = AIM, np.inf, 0.0, False
    # A drag so large leaves play as it is, and tells |F|; the first step then moves no log-odds by much more than one.
    drag = max(system.linearise(1e9), 1.0)
    for step in range(1, STEPS + 1):
        residual, old = system.linearise(drag), size
        if residual <= 0.01 * RESIDUAL:
            return Settled(residual, step)
        size = np.inf
        if np.isfinite(residual):
            system.respond()
            size = float(np.abs(change).max(initial=0.0))
        if residual <= RESIDUAL and not size <= 0.7 * old:
            # What is left is rounding.
            return Settled(residual, step)
        if not size <= TOO_FAR * aim:
            drag *= min(max(size / aim, SLOWER), BACK) if np.isfinite(size) else BACK
            aim = aim if refused else max(HUMBLER * aim, LEAST)
            refused = True
            continue
        u += change
        drag *= min(max(size / aim, FASTER if size > CALM else FASTEST), SLOWER)
        aim, refused = min(RECOVERY * aim, AIM), False
        if progress is not None:
            done = max(done, min(float(np.log10(max(residual, RESIDUAL)) / np.log10(RESIDUAL)), 1.0))
            progress("letting play adjust", done)
    raise SolveError(f"play that adjusts from where it is at precision 0 had not settled after {STEPS:,} steps (residual {residual:.1e})")
