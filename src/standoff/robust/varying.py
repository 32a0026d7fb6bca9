"""Judging the same worlds again under each variant."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from standoff.errors import StandoffError, WorldsError
from standoff.record import Record
from standoff.robust.robustness import Robustness, Row
from standoff.robust.survival import Judged, judged, unmeasured
from standoff.robust.variants import Rewritten, Variant, choose
from standoff.scenario import Scenario
from standoff.solve.induction import Progress
from standoff.worlds import Worlds, redraw, run_world, sample, weigh
from standoff.worlds.folder import below
from standoff.worlds.weights import LEAST_EFFECTIVE


@dataclass(frozen=True)
class Varied:
    """The worlds of a variant and the claims that it cannot measure; None and the reason in `idle` where there are no such worlds."""

    worlds: Worlds | None
    outside: Mapping[str, str] = field(default_factory=dict)
    idle: str = ""

    def judged(self, name: str, base: Judged) -> Judged:
        """Judge a claim, whose judgement over the base is given."""
        if self.worlds is None or name in self.outside:
            return unmeasured(self.idle or self.outside[name])
        found = judged(self.worlds, name)
        if base.measured and found.measured and base.weighted != found.weighted:
            # A share that the record weighs cannot be held against one that it does not.
            return unmeasured(_too_few(self.worlds))
        return found


def robust(
    scenario: Scenario,
    n: int = 64,
    seed: int = 0,
    *,
    record: Record | None = None,
    variants: Sequence[str] | None = None,
    temper: float | None = None,
    tolerance: float = 1e-2,
    workers: int = 2,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Robustness:
    """Judge every claim again with each of the modeller's own choices changed, one at a time, over the same worlds.

    `variants` names some of them (see `standoff.robust.VARIANTS`); all by default. With `folder`, the worlds of each are kept below it and a rerun
    continues. Raises WorldsError when the scenario makes no claims, or on a variant that does not exist.

    >>> import standoff as so
    >>> found = so.robust(so.load("one-shot-threat"), n=8, variants=["precision-halved"], workers=1)
    >>> found["war_is_unlikely"].standing("precision-halved")
    'survives'
    """
    wanted = choose(variants)
    if not scenario.claims:
        raise WorldsError(f"{scenario.name} makes no claims; write some under `claims:`")
    base = sample(scenario, n, seed, record=record, temper=temper, tolerance=tolerance, workers=workers, folder=folder, progress=progress)
    return vary(base, wanted, tolerance=tolerance, workers=workers, folder=folder, progress=progress)


def vary(
    base: Worlds,
    variants: Sequence[Variant],
    *,
    tolerance: float = 1e-2,
    workers: int = 2,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> Robustness:
    """Judge the claims of sampled worlds under each of these variants; the worlds of each are kept in `folder`/robust/NAME."""
    now = {name: judged(base, name) for name in base.canonical.claims}
    under: dict[str, dict[str, Judged]] = {name: {} for name in now}
    idle: dict[str, str] = {}
    for number, variant in enumerate(variants, start=1):
        where = below(Path(folder), "robust", variant.name) if folder is not None else None
        varied = _varied(variant, base, tolerance, workers, where, _named(progress, f"{number}/{len(variants)} {variant.short}"))
        for name, found in now.items():
            under[name][variant.name] = varied.judged(name, found)
        if varied.idle:
            idle[variant.name] = varied.idle
    rows = tuple(Row(name, claim, now[name], under[name]) for name, claim in base.canonical.claims.items())
    return Robustness(base, tuple(variants), rows, idle)


def _named(progress: Progress | None, title: str) -> Progress | None:
    """Put the name of the variant before what is reported."""
    return None if progress is None else lambda what, share: progress(f"{title}: {what}", share)


def _varied(variant: Variant, base: Worlds, tolerance: float, workers: int, folder: Path | None, progress: Progress | None) -> Varied:
    idle = _idle(variant, base)
    if idle:
        return Varied(None, idle=idle)
    if variant.temper is not None:
        weights = weigh(np.array([world.log_likelihood for world in base.worlds]), variant.temper(base.weights.temper))
        return Varied(replace(base, weights=weights))
    if variant.rewrite is None:
        return Varied(redraw(base, spread=variant.spread, finer=variant.finer, workers=workers, folder=folder, progress=progress))
    # Worlds that were sampled know their scenario.
    assert base.scenario is not None
    try:
        rewritten: Rewritten = variant.rewrite(base.scenario)
        if not rewritten.scenario.claims:
            return Varied(None, idle=f"it leaves no claim to measure: {next(iter(rewritten.outside.values()))}")
        worlds = sample(
            rewritten.scenario, len(base), base.seed, record=base.task.record, temper=base.temper, tolerance=tolerance, workers=workers,
            folder=folder, progress=progress,
        )  # fmt: skip
    except WorldsError:
        raise
    except StandoffError as error:
        return Varied(None, idle=_said(error))
    return Varied(worlds, rewritten.outside)


def _idle(variant: Variant, base: Worlds) -> str:
    """Say why a variant changes nothing that these worlds have; empty when it does."""
    if variant.temper is not None and not base.task.weighs:
        return "there is no record to weigh worlds by"
    if variant.temper is not None and not base.weights.enough:
        return f"the record is not used as it is: {_too_few(base)}"
    if variant.finer and base.task.first + 1 >= len(base.task.ladder):
        return "there is no finer grid: worlds are solved exactly, or nobody's type is hidden"
    if variant.spread != "declared" and base.quantiles.shape[1] == 0:
        return "no parameter has a prior"
    return ""


def _too_few(worlds: Worlds) -> str:
    return f"weights by the record would leave {worlds.weights.effective:.1f} effective worlds, fewer than {LEAST_EFFECTIVE:.0f}"


def _said(error: StandoffError) -> str:
    """Say an error in one line."""
    faults = getattr(error, "faults", ())
    if not faults:
        return str(error)
    return f"{faults[0].field}: {faults[0].problem}" if faults[0].field else faults[0].problem


def estimate(base: Worlds, variants: Sequence[Variant], *, workers: int = 2) -> float:
    """Return about how many seconds the variants take, from the time of one world of the base, which is computed again for it.

    What an earlier run has kept makes it less.
    """
    first = next(world for world in base.worlds if not world.problem)

    def seconds(worlds: Worlds) -> float:
        begun = time.perf_counter()
        run_world(worlds.task, first.index, first.parameters)
        return time.perf_counter() - begun

    computed = [variant for variant in variants if variant.temper is None and not _idle(variant, base)]
    total = sum(not variant.finer for variant in computed) * seconds(base)
    if any(variant.finer for variant in computed):
        total += seconds(replace(base, task=replace(base.task, first=base.task.first + 1)))
    medians = sum(variant.rewrite is not None for variant in computed) * base.median.seconds
    return medians + total * len(base) / max(1, min(workers, os.cpu_count() or 1))
