"""The steps of `run`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from standoff.cli.arguments import overrides, record_of
from standoff.cli.terminal import Progress, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standoff.record import Record
    from standoff.scenario import Scenario
    from standoff.solve import Equilibrium
    from standoff.worlds import Worlds


@dataclass(frozen=True)
class Settings:
    """What a run was asked for beside its inputs."""

    worlds: int
    seed: int
    runs: int
    workers: int
    tolerance: float
    temper: float | None
    search: bool
    fresh: bool = False

    def deciding(self) -> dict[str, Any]:
        """Return the settings that decide the result; workers do not."""
        return {name: getattr(self, name) for name in ("worlds", "seed", "runs", "tolerance", "temper", "search")}

    def command(self, name: str, given: Iterable[str] | None) -> str:
        """Return the command that repeats the run."""
        parts = [f"standoff run {name} --worlds {self.worlds} --seed {self.seed} --runs {self.runs} --tolerance {self.tolerance:g}"]
        parts += [f"--temper {self.temper:g}"] if self.temper is not None else []
        parts += [] if self.search else ["--no-search"]
        parts += [f"--set {key}={value}" for key, value in overrides(given).items()]
        return " ".join(parts)


@dataclass
class _Clock:
    """Seconds by step."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - begun, 3)


def whole_run(
    name: str, given: Iterable[str] | None, record_file: Path | None, out: Path | None, settings: Settings, progress: Progress
) -> dict[str, Any]:
    """Solve, replay, simulate, sample and judge; write the run folder and return the report."""
    from standoff.game import build
    from standoff.report import default_folder, run_content, show_run, write_run
    from standoff.scenario import load

    scenario = load(name, overrides(given))
    record = record_of(scenario, record_file)
    build(scenario)  # refuses a game that cannot be built before the compiler is loaded
    folder = out if out is not None else default_folder(scenario, record, seed=settings.seed, tolerance=settings.tolerance)

    if settings.fresh:
        _discard(folder)

    from standoff.game import END
    from standoff.replay import replay
    from standoff.simulate import simulate

    clock = _Clock()
    with clock.step("median_and_worlds"):
        eq, worlds = _solved(scenario, record, folder, settings, progress)
    trail = None
    if record is not None:
        with clock.step("replay"):
            trail = replay(eq, record)
    with clock.step("futures"):
        futures = simulate(eq, settings.runs, settings.seed, workers=settings.workers, progress=progress)
        open_ended = trail is not None and eq.game.structure.kind[trail.node] != END
        onward = simulate(eq, settings.runs, settings.seed, after=trail, workers=settings.workers, progress=progress) if open_ended else None
    verdicts = None
    if worlds is not None:
        from standoff.verdicts import judge

        with clock.step("judge"):
            verdicts = judge(worlds, search=settings.search, workers=settings.workers, progress=progress)
    content = run_content(name, scenario, eq, trail=trail, futures=futures, onward=onward, worlds=worlds, verdicts=verdicts)
    text = as_text(show_run(content))
    with clock.step("folder"):
        write_run(
            folder,
            content,
            scenario=scenario,
            record=record,
            settings=settings.deciding(),
            command=settings.command(name, given),
            eq=eq,
            worlds=worlds,
            verdicts=verdicts,
            timing=clock.seconds | {"median": eq.seconds},
            text=text,
        )
    content["folder"] = str(folder)
    return content


def _discard(folder: Path) -> None:
    """Remove the worlds of an earlier run, and nothing else."""
    for path in [*folder.glob("worlds/batch-*.parquet"), folder / "inputs.json"]:
        path.unlink(missing_ok=True)


def _solved(scenario: Scenario, record: Record | None, folder: Path, settings: Settings, progress: Progress) -> tuple[Equilibrium, Worlds | None]:
    """Solve the median world, and all sampled worlds when there are claims to judge."""
    if scenario.claims:
        from standoff.worlds import sample

        worlds = sample(
            scenario, settings.worlds, settings.seed, record=record, temper=settings.temper, tolerance=settings.tolerance, workers=settings.workers,
            folder=folder, progress=progress,
        )  # fmt: skip
        return worlds.median, worlds
    from standoff.game import build
    from standoff.solve import solve

    return solve(build(scenario), tolerance=settings.tolerance, workers=settings.workers, progress=progress), None
