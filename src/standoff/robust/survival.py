"""Whether a verdict survives a change that the modeller could as well have made.

- It *survives* when the verdict is the same, or is the neighbouring one on the same side of one half with an overlapping interval.
- It *bends* when it changes by more, but the claim stays more often true than false, or more often false than true.
- It *breaks* when the share crosses one half and the verdict is another one.

What cannot be measured under a change neither survives nor fails. Verdicts are those of the shares: no claim is called built in here, since that
takes a search of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from standoff.verdicts.judge import NEVER, UNMEASURED
from standoff.verdicts.never import never
from standoff.verdicts.never import reason as why_never
from standoff.verdicts.shares import BANDS, band, margins_of, tally
from standoff.worlds import Worlds

Standing = Literal["survives", "bends", "breaks", "not measured"]

WORST_FIRST: tuple[Standing, ...] = ("breaks", "bends", "survives")

_BANDS = [name for _, name in BANDS]


@dataclass(frozen=True)
class Judged:
    """A claim over one set of worlds; shares are NaN and `reason` says why where it was not measured."""

    verdict: str
    share: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    worlds: int = 0
    """Worlds in which it was measured."""
    weighted: bool = False
    """Whether worlds count by how well they foresee the record."""
    reason: str = ""

    @property
    def measured(self) -> bool:
        """Whether there is a share."""
        return bool(np.isfinite(self.share))


def unmeasured(reason: str) -> Judged:
    """Return what is known of a claim that was not measured."""
    return Judged(UNMEASURED, reason=reason)


def judged(worlds: Worlds, name: str) -> Judged:
    """Judge a claim by its share of the worlds alone."""
    margins = margins_of(worlds.worlds, name)
    measured = [world.findings[name] for world, margin in zip(worlds.worlds, margins, strict=True) if np.isfinite(margin)]
    if not measured:
        told = [world.findings[name].problem for world in worlds.worlds if name in world.findings]
        return unmeasured(next((one for one in [*told, *(world.problem for world in worlds.worlds)] if one), "no world could measure it"))
    events = never(worlds.canonical.claims[name].test, measured)
    if events:
        return Judged(NEVER, reason=why_never(events, len(measured)))
    found = tally(worlds, name)
    if np.isnan(found.share):
        return unmeasured("in every world the margin lies within its bound")
    return Judged(band(found.share), found.share, found.low, found.high, found.worlds, found.weighted)


def standing(base: Judged, other: Judged) -> Standing:
    """Say what a change does to a verdict."""
    if not (base.measured and other.measured):
        return "not measured"
    if base.verdict == other.verdict:
        return "survives"
    if (base.share >= 0.5) != (other.share >= 0.5):
        return "breaks"
    near = abs(_BANDS.index(base.verdict) - _BANDS.index(other.verdict)) == 1
    return "survives" if near and base.low <= other.high and other.low <= base.high else "bends"
