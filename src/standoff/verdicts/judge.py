"""Verdicts on claims: in how much of the plausible worlds each is true, what that hinges on, and which world goes against it."""

from __future__ import annotations

import html
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from standoff.errors import WorldsError
from standoff.names import unknown
from standoff.passed import passed
from standoff.scenario.models import Claim
from standoff.solve.induction import Progress
from standoff.text import brief
from standoff.verdicts.counter import CounterWorld, counter_worlds
from standoff.verdicts.effects import Effects, find_effects
from standoff.verdicts.hinge import Hinge, Slope, find_hinge, relevance
from standoff.verdicts.never import never, occurrence, reason
from standoff.verdicts.search import search as run_search
from standoff.verdicts.shares import Stated, band, bands, margins_of, stated, tally, truths_of
from standoff.verdicts.stories import Story, tell_world
from standoff.workers import parallel
from standoff.worlds import World, Worlds
from standoff.worlds.draws import free_parameters

BUILT_IN = "built in"
UNMEASURED = "not measured"
NEVER = "never occurs"
UNDECIDED = "undecided"
NOWHERE = (float("nan"),) * 3

SMALL = 20_000
"""Numbers (worlds times parameters times claims) that are looked through in less time than it takes to start processes."""


@dataclass(frozen=True)
class Verdict:
    """What is to be thought of a claim."""

    name: str
    claim: Claim
    verdict: str
    share: float
    low: float
    high: float
    worlds: int
    """Worlds in which it was measured."""
    effective: float
    weighted: bool
    prior_share: float
    """Share without the record's weights."""
    margin: tuple[float, float, float]
    """10 %, 50 % and 90 % quantile of the margin over the sample."""
    searched: int
    """Further worlds tried in search of a counter-world."""
    hinge: Hinge | Slope | None
    effects: Effects | None
    """What the margin depends on; None where there is no margin to speak of."""
    counter: CounterWorld | None
    """The most plausible world against the verdict."""
    strongest: CounterWorld | None
    """The world most clearly against the verdict."""
    problem: str
    """Why it could not be measured in some world, or why nothing can be said of it."""
    events: tuple[str, ...] = ()
    """What it speaks of and never occurs."""
    undecided: int = 0
    """Worlds that may go either way, because the margin lies within its bound."""

    @property
    def may_be(self) -> tuple[str, ...]:
        """The verdicts that the interval allows, this one among them; what is built in is nothing else."""
        return (self.verdict,) if np.isnan(self.share) or self.verdict == BUILT_IN else bands(self.low, self.high)

    @property
    def settled(self) -> bool:
        """Whether the interval lies in one band, so that more worlds are unlikely to change the verdict."""
        return len(self.may_be) == 1

    def hinge_text(self) -> str:
        """Say what the verdict hinges on."""
        if self.verdict in (UNMEASURED, UNDECIDED):
            return self.problem
        if self.verdict == NEVER:
            return occurrence(self.events)
        if self.low == self.high:
            return "nothing varies: every world is the same"
        if self.verdict == BUILT_IN:
            return f"nothing: no world in the priors makes it {'false' if self.share > 0.5 else 'true'} ({self.searched} searched beside the sample)"
        if isinstance(self.hinge, Hinge):
            return self.hinge.text()
        if self.counter is not None and self.counter.unusual and (self.share >= 0.95 or self.share <= 0.05):
            names = ", ".join(f"{name} {value:.3g}" for name, value, _ in self.counter.unusual[:3])
            return f"rare: turned in a world with {names}"
        return self.hinge.text() if self.hinge is not None else "no single assumption"

    def hinge_rule(self) -> dict[str, Any] | None:
        """Return what the verdict hinges on as plain data."""
        return None if self.hinge is None else asdict(self.hinge)


SHOWN = 6
"""Verdicts that are named when all are shown on one line."""


@dataclass(frozen=True)
class Verdicts:
    """One verdict per claim."""

    worlds: Worlds
    rows: tuple[Verdict, ...]
    searched: tuple[World, ...]

    def __repr__(self) -> str:
        return brief(self, self.worlds.canonical.name, *(f"{row.name} {row.verdict}" for row in self.rows[:SHOWN]), "..." * (len(self.rows) > SHOWN))

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(repr(self))}</p>{self.table.to_html()}"

    def __getitem__(self, name: str) -> Verdict:
        names = [row.name for row in self.rows]
        if name not in names:
            raise WorldsError(unknown("claim", name, names))
        return self.rows[names.index(name)]

    @property
    def unsettled(self) -> tuple[str, ...]:
        """The claims about which more worlds might change the verdict."""
        return tuple(row.name for row in self.rows if not row.settled)

    def story(self, name: str) -> list[str]:
        """Tell the most plausible world against a verdict as dated sentences; nothing when no world goes against it. The world is solved again.

        Raises WorldsError when no claim has that name.

        >>> import standoff as so
        >>> verdicts = so.judge(so.sample(so.load("one-shot-threat"), n=8, workers=1), search=False)
        >>> verdicts.story(verdicts.rows[0].name)[0].startswith("Told from")
        True
        """
        told = self.counter_story(name)
        return told.text() if told is not None else []

    def counter_story(self, name: str) -> Story | None:
        """Return what most likely happens in the most plausible world against a verdict; None when no world goes against it."""
        row = self[name]
        return tell_world(self.worlds.task, row.counter.world, row.claim) if row.counter is not None else None

    def stated(self, name: str) -> Stated | None:
        """Return the probability of a claim beside the phrase of its author; None where its test has no phrase."""
        return stated(self[name].claim.test, self.worlds.worlds, name)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per claim."""
        return pd.DataFrame(
            [
                {
                    "claim": row.name, "where": row.claim.where, "text": row.claim.text, "verdict": row.verdict, "share": row.share, "low": row.low,
                    "high": row.high, "settled": row.settled, "prior_share": row.prior_share, "weighted": row.weighted, "worlds": row.worlds,
                    "undecided": row.undecided,
                    "effective": row.effective, "margin_median": row.margin[1], "searched": row.searched, "hinge": row.hinge_text(),
                    "surrogate_r2": row.effects.r2 if row.effects is not None else np.nan, "problem": row.problem,
                }
                for row in self.rows
            ]
        )  # fmt: skip


def judge(worlds: Worlds, *, search: bool = True, workers: int = 2, progress: Progress | None = None) -> Verdicts:
    """Judge every claim of the scenario over sampled worlds, searching for counter-worlds of claims that never varied.

    Without `search` no claim is called built in. Raises WorldsError when the scenario has no claims.

    >>> import standoff as so
    >>> verdicts = so.judge(so.sample(so.load("one-shot-threat"), n=8, workers=1), search=False)
    >>> set(verdicts.table.columns) >= {"claim", "verdict", "share", "hinge"}
    True
    """
    claims = passed("judge", worlds, Worlds).canonical.claims
    if not claims:
        raise WorldsError("the scenario makes no claims; write some under `claims:`")
    extra_u, extra = run_search(worlds, workers=workers, progress=progress) if search else (worlds.quantiles[:0], [])
    rows = []
    for row in _rows(worlds, extra, extra_u, search, workers):
        rows.append(row)
        if progress is not None:
            progress("looking for hinges", len(rows) / len(claims))
    return Verdicts(worlds, tuple(rows), tuple(extra))


def _rows(worlds: Worlds, extra: list[World], extra_u: np.ndarray, searched: bool, workers: int) -> Iterator[Verdict]:
    """Yield the verdicts in the order of the claims; what takes long is looked for in parallel."""
    claims = worlds.canonical.claims
    names = [parameter.name for parameter in free_parameters(worlds.canonical)]
    x = np.array([[world.parameters[name] for name in names] for world in worlds.worlds]).reshape(len(worlds), len(names))
    margins = {name: margins_of(worlds.worlds, name) for name in claims}
    jobs = []
    for name in claims:
        measured = np.isfinite(truths_of(worlds.worlds, name))
        jobs.append((names, x[measured], worlds.quantiles[measured], margins[name][measured]))
    for (name, claim), found in zip(claims.items(), _in_parallel(jobs, workers), strict=True):
        yield _verdict(name, claim, worlds, margins[name], (extra, extra_u), searched, found)


Looked = tuple[Hinge | Slope | None, Effects | None, np.ndarray]


def _in_parallel(jobs: list[tuple[list[str], np.ndarray, np.ndarray, np.ndarray]], workers: int) -> Iterator[Looked]:
    small = sum(x.size for _, x, _, _ in jobs) < SMALL
    return parallel(_look, jobs, 1 if small else workers)


def _look(names: list[str], x: np.ndarray, u: np.ndarray, margins: np.ndarray) -> Looked:
    """Return what a claim hinges on, its total effects, and how much each parameter matters."""
    if not len(margins):
        return None, None, np.zeros(len(names))
    return find_hinge(names, x, margins), find_effects(names, u, margins), relevance(x, margins)


def _verdict(
    name: str, claim: Claim, worlds: Worlds, margins: np.ndarray, sought: tuple[list[World], np.ndarray], searched: bool, found: Looked
) -> Verdict:
    measured = np.isfinite(margins)
    extra, extra_u = sought
    turned = [world for world in extra if name in world.findings and np.isfinite(world.findings[name].margin)]
    problem = next((world.findings[name].problem for world in worlds.worlds if name in world.findings and world.findings[name].problem), "")
    nan = float("nan")
    if not measured.any():
        why = problem or next((world.problem for world in worlds.worlds if world.problem), "")
        return Verdict(name, claim, UNMEASURED, nan, nan, nan, 0, 0.0, False, nan, NOWHERE, 0, None, None, None, None, why)
    everywhere = [*(world for world, ok in zip(worlds.worlds, measured, strict=True) if ok), *turned]
    events = never(claim.test, [world.findings[name] for world in everywhere])
    if events:
        why = reason(events, len(everywhere))
        n = int(measured.sum())
        return Verdict(name, claim, NEVER, nan, nan, nan, n, float(n), False, nan, NOWHERE, len(turned), None, None, None, None, why, events)
    told = tally(worlds, name)
    if np.isnan(told.share):
        why = f"in all {told.worlds} worlds the margin is smaller than its bound, so that nothing tells whether the claim is true"
        return Verdict(
            name, claim, UNDECIDED, nan, nan, nan, told.worlds, 0.0, False, nan, NOWHERE, len(turned), None, None, None, None, why,
            undecided=told.undecided,
        )  # fmt: skip
    # A world that cannot be computed may be the one that goes against the claim.
    lost = [world for world in (*worlds.worlds, *extra) if world.problem]
    if lost:
        problem = f"{len(lost)} of {len(worlds) + len(extra)} worlds could not be computed, and may go either way: {problem or lost[0].problem}"
    hinge, effects, matters = found
    counter, strongest = counter_worlds(name, worlds, extra, extra_u, told.share >= 0.5, matters)
    open_ = told.undecided + sum(world.findings[name].holds is None for world in turned)
    built_in = searched and counter is None and not lost and not open_ and worlds.quantiles.shape[1] > 0
    low, middle, high = (float(v) for v in np.quantile(margins[measured], [0.1, 0.5, 0.9]))
    return Verdict(
        name, claim, BUILT_IN if built_in else band(told.share), told.share, told.low, told.high, told.worlds, told.effective, told.weighted,
        told.prior_share, (low, middle, high), len(turned), hinge, effects, counter, strongest, problem, undecided=told.undecided,
    )  # fmt: skip
