"""Settling: adding worlds until no further world is likely to change a verdict, or a limit is reached."""

from __future__ import annotations

import numpy as np

from standoff.errors import WorldsError
from standoff.passed import passed
from standoff.solve.induction import Progress
from standoff.verdicts.judge import Verdicts, judge
from standoff.verdicts.shares import bands, margins_of, tally
from standoff.worlds import Worlds, extend


def settle(worlds: Worlds, *, most: int = 128, step: int = 32, search: bool = True, workers: int = 2, progress: Progress | None = None) -> Verdicts:
    """Judge every claim, adding `step` worlds at a time while some verdict is unsettled and there are fewer than `most`.

    A verdict is settled when its 90 % interval lies in its own band. The result is that of judging a sample of the final size in one go.
    Counter-worlds are searched for once, at the end. Raises WorldsError when the scenario has no claims, or `step` is not positive.

    >>> import standoff as so
    >>> verdicts = so.settle(so.sample(so.load("one-shot-threat"), n=8, workers=1), most=16, step=8, search=False, workers=1)
    >>> len(verdicts.worlds)
    16
    """
    worlds = passed("settle", worlds, Worlds)
    if step < 1:
        raise WorldsError(f"worlds are added by at least 1 at a time, not {step}")
    # Without a doubt in the priors all worlds are the same, and more of them tell nothing.
    while worlds.quantiles.shape[1] > 0 and len(worlds) < most and unsettled(worlds):
        worlds = extend(worlds, min(len(worlds) + step, most), workers=workers, progress=progress)
    return judge(worlds, search=search, workers=workers, progress=progress)


def unsettled(worlds: Worlds) -> list[str]:
    """Return the claims whose interval reaches into more than one band; those that were not measured anywhere are not among them."""
    found = []
    for name in worlds.canonical.claims:
        margins = margins_of(worlds.worlds, name)
        if np.isfinite(margins).any():
            told = tally(worlds, name)
            if np.isfinite(told.share) and len(bands(told.low, told.high)) > 1:
                found.append(name)
    return found
