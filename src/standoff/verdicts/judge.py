"""Verdicts on claims.

The share of a claim is the weight of the worlds in which it is true. Its interval (90 %) is the Jeffreys interval of a binomial share at the
effective number of worlds (Brown, Cai & DasGupta 2001). When the record's weights leave too few effective worlds, the weighted share is
refused and the share of the plain sample is used, and said to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from standoff.errors import WorldsError
from standoff.scenario.models import Claim
from standoff.solve.induction import Progress
from standoff.verdicts.hinge import Hinge, Slope, find_hinge, relevance
from standoff.verdicts.search import search as run_search
from standoff.worlds import World, Worlds
from standoff.worlds.draws import free_parameters

BANDS = ((0.9, "holds"), (0.7, "leans true"), (0.3, "contested"), (0.1, "leans false"))
BUILT_IN = "built in"
UNMEASURED = "not measured"


@dataclass(frozen=True)
class CounterWorld:
    """A world in which a claim comes out against the verdict."""

    world: World
    margin: float
    unusual: tuple[tuple[str, float, float], ...]
    """The parameters that are furthest out among those that matter for the claim: name, value, share of sampled worlds below."""


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
    counter: CounterWorld | None
    problem: str
    """Why it could not be measured in some world, if so."""

    def hinge_text(self) -> str:
        """Say what the verdict hinges on."""
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


@dataclass(frozen=True)
class Verdicts:
    """One verdict per claim."""

    worlds: Worlds
    rows: tuple[Verdict, ...]
    searched: tuple[World, ...]

    def __getitem__(self, name: str) -> Verdict:
        return next(row for row in self.rows if row.name == name)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per claim."""
        return pd.DataFrame(
            [
                {
                    "claim": row.name, "where": row.claim.where, "text": row.claim.text, "verdict": row.verdict, "share": row.share, "low": row.low,
                    "high": row.high, "prior_share": row.prior_share, "weighted": row.weighted, "worlds": row.worlds, "effective": row.effective,
                    "margin_median": row.margin[1], "searched": row.searched, "hinge": row.hinge_text(), "problem": row.problem,
                }
                for row in self.rows
            ]
        )  # fmt: skip


def band(share: float) -> str:
    """Return the verdict of a share."""
    return next((name for least, name in BANDS if share >= least), "fails")


def interval(share: float, n: float) -> tuple[float, float]:
    """Return the 90 % Jeffreys interval of a share among `n` worlds."""
    from scipy.stats import beta

    low = float(beta.ppf(0.05, share * n + 0.5, (1 - share) * n + 0.5)) if share > 0 else 0.0
    high = float(beta.ppf(0.95, share * n + 0.5, (1 - share) * n + 0.5)) if share < 1 else 1.0
    return low, high


def judge(worlds: Worlds, *, search: bool = True, workers: int = 2, progress: Progress | None = None) -> Verdicts:
    """Judge every claim of the scenario over sampled worlds, searching for counter-worlds of claims that never varied.

    Without `search` no claim is called built in. Raises WorldsError when the scenario has no claims.

    >>> import standoff as so
    >>> verdicts = so.judge(so.sample(so.load("one-shot-threat"), n=8, workers=1), search=False)
    >>> set(verdicts.table.columns) >= {"claim", "verdict", "share", "hinge"}
    True
    """
    claims = worlds.canonical.claims
    if not claims:
        raise WorldsError("the scenario makes no claims; write some under `claims:`")
    _, extra = run_search(worlds, workers=workers, progress=progress) if search else (None, [])
    rows = tuple(_verdict(name, claim, worlds, extra, search) for name, claim in claims.items())
    return Verdicts(worlds, rows, tuple(extra))


def _verdict(name: str, claim: Claim, worlds: Worlds, extra: list[World], searched: bool) -> Verdict:
    margins = np.array([world.findings[name].margin if name in world.findings else np.nan for world in worlds.worlds])
    measured = np.isfinite(margins)
    problem = next((world.findings[name].problem for world in worlds.worlds if name in world.findings and world.findings[name].problem), "")
    nowhere = (float("nan"),) * 3
    if not measured.any():
        why = problem or next((world.problem for world in worlds.worlds if world.problem), "")
        return Verdict(name, claim, UNMEASURED, np.nan, np.nan, np.nan, 0, 0.0, False, np.nan, nowhere, 0, None, None, why)
    truth = margins > 0
    prior_share = float(truth[measured].mean())
    weights = np.where(measured, worlds.weights.values, 0.0)
    weighted = worlds.task.record is not None and worlds.weights.enough and weights.sum() > 0
    if not weighted:
        weights = measured.astype(float)
    weights = weights / weights.sum()
    effective = float(1.0 / (weights**2).sum())
    share = float(weights @ truth)
    turned = [world for world in extra if name in world.findings and np.isfinite(world.findings[name].margin)]
    names = [parameter.name for parameter in free_parameters(worlds.canonical)]
    x = np.array([[world.parameters[parameter] for parameter in names] for world in worlds.worlds]).reshape(len(margins), len(names))
    matters = relevance(x[measured], margins[measured])
    counter = _counter(name, worlds, [*(w for w, ok in zip(worlds.worlds, measured, strict=True) if ok), *turned], share, matters)
    built_in = searched and counter is None and worlds.quantiles.shape[1] > 0
    low, high = interval(min(max(share, 0.0), 1.0), effective)
    hinge = find_hinge(names, x[measured], margins[measured])
    low_, middle, high_ = (float(v) for v in np.quantile(margins[measured], [0.1, 0.5, 0.9]))
    return Verdict(
        name, claim, BUILT_IN if built_in else band(share), share, low, high, int(measured.sum()), effective, weighted, prior_share,
        (low_, middle, high_), len(turned), hinge, counter, problem,
    )  # fmt: skip


def _counter(name: str, worlds: Worlds, candidates: list[World], share: float, matters: np.ndarray) -> CounterWorld | None:
    """Return the world that goes most clearly against the verdict."""
    against = [world for world in candidates if (world.findings[name].margin > 0) != (share >= 0.5)]
    if not against:
        return None
    strongest = max(against, key=lambda world: abs(world.findings[name].margin))
    return CounterWorld(strongest, strongest.findings[name].margin, _unusual(worlds, strongest.parameters, matters))


def _unusual(worlds: Worlds, parameters: Mapping[str, float], matters: np.ndarray, most: int = 6) -> tuple[tuple[str, float, float], ...]:
    """Return the parameters that are furthest out, each distance weighed by how much the parameter matters (`relevance`)."""
    found = []
    for weight, parameter in zip(matters, free_parameters(worlds.canonical), strict=True):
        sampled = np.array([world.parameters[parameter.name] for world in worlds.worlds])
        value = parameters[parameter.name]
        below = float((sampled < value).mean())
        found.append((weight * abs(below - 0.5), (parameter.name, value, below)))
    return tuple(item for _, item in sorted(found, key=lambda pair: -pair[0])[:most])
