"""The steps of `run`."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from standoff.cli.arguments import overrides, record_of, resolved_names
from standoff.cli.terminal import Progress, as_text
from standoff.errors import Fault, GameTooLargeError, ScenarioError, StandoffError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standoff.forecasts import Scores
    from standoff.record import Record
    from standoff.scenario import Scenario
    from standoff.solve import Equilibrium
    from standoff.verdicts import Verdicts
    from standoff.worlds import Worlds


@dataclass(frozen=True)
class Settings:
    """What a run was asked for beside its inputs."""

    worlds: int
    most: int | None
    seed: int
    runs: int
    workers: int
    tolerance: float
    temper: float | None
    search: bool
    fresh: bool = False
    allow_outside: bool = False
    """Whether the scenario may name files outside its own folder."""

    def __post_init__(self) -> None:
        if self.most is not None and self.most < self.worlds:
            problem = "fewer worlds at most than to begin with"
            allowed = f"{self.worlds} or more, as many as --worlds"
            raise ScenarioError([Fault(field="--most", problem=problem, found=str(self.most), allowed=allowed)])

    @property
    def limit(self) -> int:
        """How many worlds are computed at most before verdicts are given as they are; half as many again as asked for unless it is said."""
        return self.most if self.most is not None else max(self.worlds, self.worlds * 3 // 2)

    def deciding(self) -> dict[str, Any]:
        """Return the settings that decide the result; workers do not."""
        return {"most": self.limit} | {name: getattr(self, name) for name in ("worlds", "seed", "runs", "tolerance", "temper", "search")}

    def command(self, name: str, given: Iterable[str] | None, record_file: Path | None = None) -> str:
        """Return the command that repeats the run, with all that decides its result."""
        parts = [f"standoff run {quote(name)} --worlds {self.worlds} --most {self.limit} --seed {self.seed} --runs {self.runs}"]
        parts += [f"--tolerance {self.tolerance!r}"]
        parts += [f"--temper {self.temper!r}"] if self.temper is not None else []
        parts += [] if self.search else ["--no-search"]
        parts += [f"--record {quote(str(record_file))}"] if record_file is not None else []
        parts += ["--allow-outside"] if self.allow_outside else []
        parts += ["--set " + quote(f"{key}={value}") for key, value in overrides(given).items()]
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
    from standoff.scenario import load

    scenario = load(name, overrides(given), allow_outside=settings.allow_outside)
    command = settings.command(name, given, record_file)
    return run_loaded(name, scenario, record_of(scenario, record_file), out, settings, command, progress)


def chain_run(
    name: str, given: Iterable[str] | None, record_file: Path | None, out: Path | None, settings: Settings, progress: Progress
) -> dict[str, Any]:
    """Run each scenario of a chain as it would be run alone, in a folder of its own, and return the report of them all."""
    from standoff.report import chain_content
    from standoff.scenario import load_chain

    if record_file is not None:
        problem = "a chain replays the record of each of its scenarios; run one scenario alone to replay another record"
        raise ScenarioError([Fault(field="--record", problem=problem, found=str(record_file))])
    crisis = load_chain(name, overrides(given), allow_outside=settings.allow_outside)
    contents = []
    for number, (called, scenario) in enumerate(zip(crisis.named, crisis.parts, strict=True), start=1):

        def told(what: str, share: float, part: str = f"{number}/{len(crisis.parts)} {scenario.name}") -> None:
            progress(f"{part}: {what}", share)

        known = [key for key in overrides(given) if key.removeprefix("parameters.") in resolved_names(scenario)]
        command = settings.command(called, [f"{key}={overrides(given)[key]}" for key in known])
        folder = out / scenario.name if out is not None else None
        contents.append(run_loaded(called, scenario, record_of(scenario), folder, settings, command, told))
    return chain_content(name, crisis, contents)


def run_loaded(
    name: str, scenario: Scenario, record: Record | None, out: Path | None, settings: Settings, command: str, progress: Progress
) -> dict[str, Any]:
    """Do all steps of a run for a scenario that has been loaded, in a folder that no other run has meanwhile, and return the report."""
    from standoff.game import build
    from standoff.report import default_folder
    from standoff.worlds.folder import locked, make_folder

    try:
        game = build(scenario)
    except GameTooLargeError:
        raise
    except StandoffError:
        if not scenario.claims:
            raise
        # The median world has no numbers: sampling says so, and takes another one.
    else:
        game.must_end("drawing futures")  # refuses before the compiler is loaded
    folder = out if out is not None else default_folder(scenario, record, seed=settings.seed, tolerance=settings.tolerance)
    make_folder(folder)
    with locked(folder):
        if settings.fresh:
            _discard(folder)
        return _run_in(folder, name, scenario, record, settings, command, progress)


def _run_in(
    folder: Path, name: str, scenario: Scenario, record: Record | None, settings: Settings, command: str, progress: Progress
) -> dict[str, Any]:
    """Do all steps of one scenario in a folder."""
    from standoff.game import END
    from standoff.replay import replay
    from standoff.report import run_content, show_run, write_run
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
        with clock.step("judge"):
            verdicts = _judged(worlds, settings, progress)
            worlds = verdicts.worlds
    scores = _scored(verdicts, record)
    content = run_content(name, scenario, eq, trail=trail, futures=futures, onward=onward, worlds=worlds, verdicts=verdicts, scores=scores)
    text = as_text(show_run(content))
    with clock.step("folder"):
        write_run(
            folder,
            content,
            scenario=scenario,
            record=record,
            settings=settings.deciding(),
            command=command,
            eq=eq,
            worlds=worlds,
            verdicts=verdicts,
            timing=clock.seconds | {"median": eq.seconds},
            text=text,
        )
    content["folder"] = str(folder)
    return content


def _judged(worlds: Worlds, settings: Settings, progress: Progress) -> Verdicts:
    """Judge the claims, with more worlds where verdicts are not settled yet."""
    from standoff.verdicts import settle

    step = max(settings.worlds // 4, 1)
    return settle(worlds, most=settings.limit, step=step, search=settings.search, workers=settings.workers, progress=progress)


def _scored(verdicts: Verdicts | None, record: Record | None) -> Scores | None:
    """Score the forecasts among the claims; None when there are none, or no record to resolve them."""
    if verdicts is None or record is None or not any(row.claim.forecast is not None for row in verdicts.rows):
        return None
    from standoff.forecasts import score

    return score(verdicts, record)


def _discard(folder: Path) -> None:
    """Remove the worlds of an earlier run, and nothing else."""
    from standoff.worlds.folder import below, discard

    for path in [*below(folder, "worlds").glob("batch-*.parquet"), folder / "inputs.json"]:
        discard(path)


def _solved(scenario: Scenario, record: Record | None, folder: Path, settings: Settings, progress: Progress) -> tuple[Equilibrium, Worlds | None]:
    """Solve the median world, and all sampled worlds when there are claims to judge."""
    if scenario.claims:
        from standoff.worlds import sample

        worlds = sample(
            scenario, settings.worlds, settings.seed, record=record, temper=settings.temper, tolerance=settings.tolerance, workers=settings.workers,
            folder=folder, progress=progress,
        )  # fmt: skip
        return worlds.median, worlds
    from standoff.chain import build
    from standoff.solve import solve

    game = build(scenario, tolerance=settings.tolerance, workers=settings.workers, progress=progress)
    return solve(game, tolerance=settings.tolerance, workers=settings.workers, progress=progress), None
