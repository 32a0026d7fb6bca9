"""The command `claims`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from standoff.cli.options import MAX_SEED, MAX_WORLDS, AllowOutside, Json, ScenarioArgument, Set, Workers
from standoff.cli.terminal import Progress, print_json, progress_bar, say, show
from standoff.errors import Fault, ScenarioError, WorldsError
from standoff.names import closest, listed

if TYPE_CHECKING:
    from standoff.cli.pipeline import Settings
    from standoff.record import Record
    from standoff.scenario import Scenario
    from standoff.worlds import Worlds

TOLERANCE = 1e-2
"""The default of `run`, whose folder is shared."""

RUNS = 20_000
"""Futures of a run that is made for its claims, as many as `run` simulates by default."""


def claims(
    scenario: ScenarioArgument,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[CLAIM]...", help="Tell everything about these claims.", show_default=False)] = None,
    robust: Annotated[
        bool, typer.Option("--robust", help="Change precision, priors, grid, horizon and the record's weight one at a time.", show_default=False)
    ] = False,
    worlds: Annotated[int, typer.Option(min=1, max=MAX_WORLDS, help="Worlds to begin with; with --robust, worlds under each change.")] = 64,
    most: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_WORLDS, help="Add worlds up to this while verdicts are unsettled; half as many again by default.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of worlds.")] = 0,
    workers: Workers = 2,
    allow_outside: AllowOutside = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Show the verdict on every claim, all about some of them, or whether the verdicts survive other choices of the modeller."""
    from standoff.cli.pipeline import Settings

    parts = _parts(scenario, set_ or [], seed, allow_outside=allow_outside)
    shown = _known(parts, ids or [])
    settings = Settings(
        worlds=worlds, most=most, seed=seed, runs=RUNS, workers=workers, tolerance=TOLERANCE, temper=None, search=True,
        allow_outside=allow_outside,
    )  # fmt: skip
    with progress_bar() as progress:
        content = _robust(scenario, parts, shown, settings, progress) if robust else _judged(scenario, parts, shown, settings, progress)
    if as_json:
        print_json(content)
    elif robust:
        from standoff.report.robust import show_robust

        show(show_robust(content), set_)
    else:
        from standoff.printed import Text
        from standoff.report.claimed import show_claims, show_details

        show([Text(f"From the run in {', '.join(content['folders'])}.", style="dim")])
        show(show_details(content, shown) if shown else show_claims(content), set_)


@dataclass(frozen=True)
class Part:
    """A scenario, alone or of a chain."""

    called: str
    """What a command calls it."""
    scenario: Scenario
    record: Record | None
    given: list[str]
    """What is set in it."""
    folder: Path
    """Of its run."""


def _parts(name: str, given: list[str], seed: int, *, allow_outside: bool) -> list[Part]:
    """Load a scenario, or all of a chain. Raises ScenarioError with every fault, or when nothing is claimed."""
    from standoff.cli.arguments import overrides, record_of, resolved_names
    from standoff.report import default_folder
    from standoff.scenario import holds_chain, load, load_chain

    if holds_chain(name, allow_outside=allow_outside):
        crisis = load_chain(name, overrides(given), allow_outside=allow_outside)
        loaded = list(zip(crisis.named, crisis.parts, strict=True))
    else:
        loaded = [(name, load(name, overrides(given), allow_outside=allow_outside))]
    parts = []
    for called, scenario in loaded:
        known = [f"{key}={value}" for key, value in overrides(given).items() if len(loaded) == 1 or _plain(key) in resolved_names(scenario)]
        record = record_of(scenario)
        parts.append(Part(called, scenario, record, known, default_folder(scenario, record, seed=seed, tolerance=TOLERANCE)))
    if not any(part.scenario.claims for part in parts):
        endless = all(part.scenario.clock.open_ended for part in parts)
        remedy = "give its clock a number of periods, and write some under `claims:`" if endless else "write some under `claims:`"
        raise ScenarioError([Fault(problem=f"{name} makes no claims", suggestion=remedy)])
    return [part for part in parts if part.scenario.claims]


def _plain(key: str) -> str:
    return key.removeprefix("parameters.")


def _called(parts: Sequence[Part]) -> list[dict[str, str]]:
    """Return what reports call the claims of each part."""
    from standoff.report.words import told_apart

    return told_apart([list(part.scenario.claims) for part in parts], [part.scenario.name for part in parts])


def _known(parts: Sequence[Part], ids: Sequence[str]) -> list[str]:
    """Return what reports call the claims asked for, as `ID` or `SCENARIO:ID`. Raises ScenarioError with every id that no claim has."""
    found: dict[str, list[str]] = {}
    for part, called in zip(parts, _called(parts), strict=True):
        for name, shown in called.items():
            found.setdefault(name, []).append(shown)
            found.setdefault(f"{part.scenario.name}:{name}", []).append(shown)
    unknown = [name for name in ids if name not in found]
    if unknown:
        names = [shown for called in _called(parts) for shown in called.values()]
        raise ScenarioError(
            [
                Fault(field="CLAIM", problem="no claim has this id", found=name, allowed=listed(names), suggestion=closest(name, names))
                for name in unknown
            ]
        )
    return list(dict.fromkeys(shown for name in ids for shown in found[name]))


def _told(parts: Sequence[Part], progress: Progress) -> Iterator[tuple[Part, Progress]]:
    """Give each part with a progress that names it, where there are several."""
    for number, part in enumerate(parts, start=1):
        place = f"{number}/{len(parts)} {part.scenario.name}: " if len(parts) > 1 else ""

        def told(what: str, share: float, place: str = place) -> None:
            progress(f"{place}{what}", share)

        yield part, told


# -- verdicts ------------------------------------------------------------------------------------------------------------------------------


def _judged(name: str, parts: Sequence[Part], ids: Sequence[str], settings: Settings, progress: Progress) -> dict[str, Any]:
    """Return the claims of runs that are at hand, or of runs made now; those asked for with the stories of their counter-worlds."""
    from standoff.cli.pipeline import run_loaded
    from standoff.report.claimed import claims_report

    contents = []
    for (part, told), called in zip(_told(parts, progress), _called(parts), strict=True):
        content = _at_hand(part, settings)
        if content is None:
            content = run_loaded(part.called, part.scenario, part.record, None, settings, settings.command(part.called, part.given), told)
        _tell(part, [claim for claim in content["claims"] if called[claim["id"]] in ids], settings, told)
        contents.append(content)
    return claims_report(name, contents, [part.scenario.name for part in parts])


def _tell(part: Part, asked: Sequence[dict[str, Any]], settings: Settings, progress: Progress) -> None:
    """Put the story of its counter-world into each claim asked for that has one; the world is solved again."""
    untold = [claim for claim in asked if claim["counter_world"] is not None and claim["counter_world"]["story"] is None]
    if not untold:
        return
    from standoff.verdicts.stories import tell_world
    from standoff.worlds import run_world
    from standoff.worlds.sample import make_task

    task, _ = make_task(part.scenario, part.record, tolerance=settings.tolerance, workers=settings.workers, progress=progress)
    for number, claim in enumerate(untold, start=1):
        world = run_world(task, -1, claim["counter_world"]["parameters"])
        story = tell_world(task, world, part.scenario.claims[claim["id"]])
        claim["counter_world"]["story"] = {**asdict(story), "text": story.text()}
        progress("telling counter-worlds", number / len(untold))


def _at_hand(part: Part, settings: Settings) -> dict[str, Any] | None:
    """Return the report of an earlier run with these settings; None when there is none, or it was not finished."""
    from standoff.report.folder import read_run

    found = read_run(part.folder, part.scenario, part.record)
    if found is None:
        return None
    known, content = found
    # How many futures were simulated makes no difference to the claims.
    wanted = {**settings.deciding(), "runs": known.get("runs")}
    if set(known) != set(wanted) or not all(value is None or isinstance(value, (int, float)) for value in known.values()):
        raise WorldsError(f"{part.folder / 'manifest.json'} cannot be used: its settings are of another shape; {_anew(part.folder)}")
    if known != wanted:
        say(_differing(part.folder, known, wanted))
        return None
    _rehearse(part, content)
    return {**content, "folder": str(part.folder)}


def _rehearse(part: Part, content: dict[str, Any]) -> None:
    """Show a report that was read from a file to nobody: one of another shape is found before anything of it is shown or computed.

    Raises WorldsError with the remedy.
    """
    from standoff.cli.arguments import resolved_names
    from standoff.cli.terminal import as_text
    from standoff.report.claimed import claims_report, show_claims, show_details

    try:
        shown = claims_report(part.called, [{**content, "folder": str(part.folder)}], [part.scenario.name])
        as_text([*show_claims(shown), *show_details(shown, [claim["id"] for claim in shown["claims"]])])
        for claim in shown["claims"]:
            counter = claim["counter_world"]
            if counter is None:
                continue
            values = counter["parameters"]
            if set(values) != resolved_names(part.scenario) or not all(isinstance(value, (int, float)) for value in values.values()):
                raise ValueError("a counter-world has other parameters")
    except Exception as error:
        why = f"{part.folder / 'report.json'} cannot be used: it is of another shape ({type(error).__name__})"
        raise WorldsError(f"{why}; {_anew(part.folder)}") from error


def _anew(folder: Path) -> str:
    return f"remove the folder {folder} and run again, which computes everything anew"


def _differing(folder: Path, known: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """Say which settings of a run are other than those wanted, what is done about it, and how to ask for that run."""
    names = [name for name in wanted if known.get(name) != wanted[name]]
    other = ", ".join(f"{name} {known.get(name)} instead of {wanted[name]}" for name in names)
    as_it_was = f" --worlds {known['worlds']} --most {known['most']} asks for the one that was." if set(names) <= {"worlds", "most"} else ""
    return f"The run in {folder} was made with {other}; a new one takes its place.{as_it_was}"


# -- robustness ----------------------------------------------------------------------------------------------------------------------------


def _robust(name: str, parts: Sequence[Part], ids: Sequence[str], settings: Settings, progress: Progress) -> dict[str, Any]:
    """Judge the claims again under every change of the modeller's choices."""
    from standoff.report.robust import robust_content
    from standoff.robust import VARIANTS, estimate, vary

    bases = [(part, told, _base(part, settings, told)) for part, told in _told(parts, progress)]
    seconds = sum(estimate(base, VARIANTS, workers=settings.workers) for _, _, base in bases)
    about = f"about {_duration(seconds)}, less what an earlier run kept"
    say(f"Changing the modeller's choices over {settings.worlds} worlds takes {about}. Ctrl-C keeps what is finished.")
    found = [
        vary(base, VARIANTS, tolerance=settings.tolerance, workers=settings.workers, folder=part.folder, progress=told)
        for part, told, base in bases
    ]  # fmt: skip
    content = robust_content(name, found)
    if ids:
        content["claims"] = [claim for claim in content["claims"] if claim["id"] in ids]
    return content


def _base(part: Part, settings: Settings, progress: Progress) -> Worlds:
    """Sample the worlds that `run` begins with, or read them from its folder."""
    from standoff.worlds import sample

    return sample(
        part.scenario, settings.worlds, settings.seed, record=part.record, tolerance=settings.tolerance, workers=settings.workers,
        folder=part.folder, progress=progress,
    )  # fmt: skip


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 90 else f"{seconds / 60:.0f} minutes"
