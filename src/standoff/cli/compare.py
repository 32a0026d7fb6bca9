"""The command `compare`."""

from __future__ import annotations

from typing import Annotated

import typer

from standoff.cli.options import MAX_RUNS, MAX_SEED, MAX_WORLDS, AllowOutside, Json, RecordFile, ScenarioArgument, Set, Tolerance, Workers
from standoff.cli.terminal import print_json, progress_bar, show


def compare(
    scenario: ScenarioArgument,
    do: Annotated[
        list[str] | None,
        typer.Option(
            "--do",
            metavar="'[NAME:] CHANGE; ..'",
            help="One arm: changes such as `forbid PLAYER.OPTION from DATE`, `force ..`, `set NAME=VALUE`, `off MECHANISM`, `move NAME DATE`, "
            "`remove NAME`, `reveal PLAYER`; repeatable.",
            show_default=False,
        ),
    ] = None,
    worlds: Annotated[int, typer.Option(min=1, max=MAX_WORLDS, help="Worlds to sample.")] = 32,
    runs: Annotated[int, typer.Option(min=1, max=MAX_RUNS, help="Futures to simulate in each world under each arm.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of worlds and futures.")] = 0,
    against: Annotated[
        str | None,
        typer.Option(metavar="ARM", help="The arm that the others are compared with; by default the scenario as it is.", show_default=False),
    ] = None,
    workers: Workers = 2,
    record: RecordFile = None,
    tolerance: Tolerance = 1e-2,
    allow_outside: AllowOutside = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Say what would be otherwise: the same worlds with moves forced or forbidden, parameters set, dates moved, secrets revealed."""
    from standoff.cli.arguments import overrides, record_of
    from standoff.compare import read_arm
    from standoff.compare.comparison import choose_arms
    from standoff.compare.comparison import compare as compare_worlds
    from standoff.compare.plan import make_plans
    from standoff.report.compared import compare_content, show_compare
    from standoff.scenario import load
    from standoff.worlds import sample

    arms = choose_arms([read_arm(text) for text in do or ()], against)
    declared = load(scenario, overrides(set_), allow_outside=allow_outside)
    events = record_of(declared, record)
    make_plans(declared, arms)  # refuses what cannot be done before anything is solved
    # Claims are not asked about here, and worlds are quicker without them.
    bare = declared.model_copy(update={"claims": {}})
    with progress_bar() as progress:
        sampled = sample(bare, worlds, seed, record=events, tolerance=tolerance, workers=workers, progress=progress)
        comparison = compare_worlds(sampled, arms, runs=runs, seed=seed, against=arms[0].name, workers=workers, progress=progress)
    content = compare_content(scenario, comparison)
    print_json(content) if as_json else show(show_compare(content), set_)
