"""The commands. Heavy libraries are imported inside them, so that `--help` is quick."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from standoff.cli import interrupt
from standoff.cli.claims import claims
from standoff.cli.compare import compare
from standoff.cli.explain import explain
from standoff.cli.gallery import gallery
from standoff.cli.options import MAX_RUNS, MAX_SEED, MAX_WORLDS, AllowOutside, Json, RecordFile, ScenarioArgument, Set, Tolerance, Workers
from standoff.cli.terminal import OutputError, discard_output, error_content, print_json, progress_bar, say, show, show_error, written
from standoff.cli.usage import foreign_number, usage_problem
from standoff.errors import ExportError, Fault, RecordError, ScenarioError, StandoffError
from standoff.version import __version__

app = typer.Typer(
    name="standoff",
    help="A workbench for strategic crises: write one down, solve it, replay its record, and judge what is claimed about it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

EXIT_FAULT, EXIT_UNEXPECTED, EXIT_INTERRUPTED = 2, 1, 130


def run_app(arguments: list[str]) -> int:
    """Run the command line on these arguments and return the exit code."""
    as_json = "--json" in arguments
    try:
        code = _run(arguments, as_json)
        with written():
            sys.stdout.flush()
    except (BrokenPipeError, SystemExit):
        # The reader of our output went away (`standoff run .. | head`), which is its right; Typer and Rich exit when they notice.
        discard_output()
        return 0
    except OutputError as error:
        discard_output()
        say(f"error: {error}", "bold red")
        return EXIT_UNEXPECTED
    return code


def _run(arguments: list[str], as_json: bool) -> int:
    """Run a command and say what went wrong, if anything did."""
    if problem := foreign_number(arguments):
        _show_usage(problem, as_json)
        return EXIT_FAULT
    try:
        result = app(args=arguments, prog_name="standoff", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        result = EXIT_INTERRUPTED
    except typer.Exit as error:
        return error.exit_code
    except TyperException as error:
        _show_usage(usage_problem(error, arguments), as_json)
        return EXIT_FAULT
    except OutputError:
        raise
    except Exception as error:
        # Ctrl-C in the middle of loading or compiling comes out as whatever that breaks.
        if not interrupt.asked():
            return _failed(error, as_json)
        result = EXIT_INTERRUPTED
    if result == EXIT_INTERRUPTED:
        kept = " What was finished is kept; the same command continues from there." if arguments[:1] in (["run"], ["claims"]) else ""
        say(f"stopped.{kept}", "yellow")
    return int(result) if isinstance(result, int) else 0


def _failed(error: Exception, as_json: bool) -> int:
    """Show an error; return the exit code for what the user can mend, or for what is unexpected."""
    mendable = isinstance(error, StandoffError)
    if not mendable and os.environ.get("STANDOFF_DEBUG"):
        raise error
    print_json(error_content(error)) if as_json else show_error(error)
    return EXIT_FAULT if mendable else EXIT_UNEXPECTED


def _show_usage(problem: str, as_json: bool) -> None:
    """Say what is wrong with the command as typed; without any command the help has been printed already."""
    if as_json:
        print_json(error_content(StandoffError(problem or "no command was given; see standoff --help")))
    elif problem:
        show_error(StandoffError(problem))


def _version(wanted: bool) -> None:
    if wanted:
        with written():
            sys.stdout.write(f"standoff {__version__}\n")
            sys.stdout.flush()
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.", show_default=False)
    ] = False,
) -> None:
    pass


@app.command()
def run(
    scenario: ScenarioArgument,
    worlds: Annotated[int, typer.Option(min=1, max=MAX_WORLDS, help="Worlds to begin with.")] = 64,
    most: Annotated[
        int | None,
        typer.Option(
            min=1, max=MAX_WORLDS, help="Add worlds up to this while verdicts are unsettled; half as many again by default.", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of worlds and futures.")] = 0,
    runs: Annotated[int, typer.Option(min=1, max=MAX_RUNS, help="Futures to simulate.")] = 20_000,
    workers: Workers = 2,
    out: Annotated[Path | None, typer.Option(help="Run folder; runs/NAME-HASH by default.", show_default=False)] = None,
    record: RecordFile = None,
    tolerance: Tolerance = 1e-2,
    temper: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Power of the record's likelihood; by default what leaves a quarter of the worlds.", show_default=False),
    ] = None,
    no_search: Annotated[
        bool, typer.Option("--no-search", help="Do not search for counter-worlds; no claim is then called built in.", show_default=False)
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Begin anew: discard the worlds that an earlier run left in the folder.", show_default=False)
    ] = False,
    allow_outside: AllowOutside = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Solve, replay the record, simulate, sample worlds and judge every claim; of a chain, scenario by scenario."""
    from standoff.cli.pipeline import Settings, chain_run, whole_run
    from standoff.scenario import holds_chain

    settings = Settings(
        worlds=worlds, most=most, seed=seed, runs=runs, workers=workers, tolerance=tolerance, temper=temper, search=not no_search, fresh=fresh,
        allow_outside=allow_outside,
    )  # fmt: skip
    chained = holds_chain(scenario, allow_outside=allow_outside)
    with progress_bar() as progress:
        finished = (chain_run if chained else whole_run)(scenario, set_, record, out, settings, progress)
    if as_json:
        print_json(finished)
        return
    from standoff.report import show_chain, show_run

    show((show_chain if chained else show_run)(finished), set_)


@app.command()
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A YAML file, or the name of a bundled scenario.", show_default=False)],
    allow_outside: AllowOutside = False,
    set_: Set = None,
    as_json: Json = False,
) -> int:
    """List every fault of a scenario with its place, and the size of its game; of a chain, of each part. Nothing is solved."""
    from standoff.cli.examine import check_file, examine_chain
    from standoff.report import show_check
    from standoff.scenario import holds_chain

    try:
        chained = holds_chain(file, allow_outside=allow_outside)
    except ScenarioError:
        chained = False  # what keeps it from being read is told below, with all else
    content = (examine_chain if chained else check_file)(file, set_, allow_outside=allow_outside)
    print_json(content) if as_json else show(show_check(content), set_)
    return 0 if content["ok"] else EXIT_FAULT


@app.command()
def solve(
    scenario: ScenarioArgument,
    tolerance: Tolerance = 1e-2,
    workers: Workers = 2,
    max_seconds: Annotated[
        float, typer.Option(min=0.0, help="Refine no further when the next grid of a scenario would take longer than this in all.")
    ] = 600.0,
    exact: Annotated[bool, typer.Option("--exact", help="Solve small games on all their public histories, without a belief grid.")] = False,
    branches: Annotated[bool, typer.Option("--branches", help="Look for other equilibria than the one taken, and list them.")] = False,
    allow_outside: AllowOutside = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Solve a scenario at its prior medians; show the certificate and the first choice."""
    from standoff.cli.arguments import overrides
    from standoff.game import build
    from standoff.report import branches_content, show_solution, solution_content
    from standoff.scenario import load

    declared = load(scenario, overrides(set_), allow_outside=allow_outside)
    build(declared)  # refuses a game that cannot be built before the compiler is loaded
    from standoff.chain import build as build_opened
    from standoff.solve import Equilibrium, Exact
    from standoff.solve import branches as look_for_others
    from standoff.solve import exact as solve_exactly
    from standoff.solve import solve as solve_game

    with progress_bar() as progress:
        game = build_opened(declared, tolerance=tolerance, workers=workers, max_seconds=max_seconds, progress=progress)
        eq: Equilibrium | Exact
        if exact:
            eq = solve_exactly(game, progress=progress)
        else:
            eq = solve_game(game, tolerance=tolerance, workers=workers, max_seconds=max_seconds, progress=progress)
        found = look_for_others(eq, progress=progress) if branches else None
    content = solution_content(scenario, declared, eq)
    content["branches"] = branches_content(found) if found is not None else None
    print_json(content) if as_json else show(show_solution(content), set_)


@app.command()
def replay(
    scenario: ScenarioArgument,
    record: RecordFile = None,
    known: Annotated[bool, typer.Option("--known", help="Stop where the claims were made, as `run` does.", show_default=False)] = False,
    tolerance: Tolerance = 1e-2,
    workers: Workers = 2,
    allow_outside: AllowOutside = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Replay a dated record through the solved game: beliefs and bits after every move."""
    from standoff.cli.arguments import overrides, record_of
    from standoff.game import build
    from standoff.report import replay_content, show_replay
    from standoff.scenario import load

    declared = load(scenario, overrides(set_), allow_outside=allow_outside)
    build(declared).must_end("replaying a record")  # refuses before the compiler is loaded
    events = record_of(declared, record)
    if events is None:
        raise RecordError([Fault(problem=f"{scenario} names no record", allowed="a file under `record: file:` of the scenario, or --record FILE")])
    from standoff.chain import build as build_opened
    from standoff.replay import replay as replay_record
    from standoff.solve import solve as solve_game

    with progress_bar() as progress:
        game = build_opened(declared, tolerance=tolerance, workers=workers, progress=progress)
        eq = solve_game(game, tolerance=tolerance, workers=workers, progress=progress)
    content = replay_content(scenario, declared, replay_record(eq, events, whole=not known))
    content["certificate"] = eq.certificate.as_dict() if eq.certificate is not None else None
    if eq.certificate is not None and not eq.certificate.met:
        say(f"the certificate of this solution is {eq.certificate.text()}", "bold red")
    print_json(content) if as_json else show(show_replay(content), set_)


app.command(name="claims")(claims)
app.command(name="compare")(compare)
app.command(name="explain")(explain)
app.command(name="gallery")(gallery)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, such as my-crisis.yaml.", show_default=False)],
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Write a commented starter scenario."""
    from standoff.cli.starter import write_starter

    faults, game = write_starter(file, set_)
    content: dict[str, Any] = {"file": str(file), "size": game.size(), "faults": [str(fault) for fault in faults]}
    if as_json:
        print_json(content)
        return
    from standoff.printed import Text
    from standoff.report.words import commands

    show(
        [
            Text(f"{file} written: a small crisis with a comment beside every block. Change it to yours."),
            *commands(
                (f"standoff check {quote(str(file))}", "list every fault, after each change"),
                (f"standoff solve {quote(str(file))}", "what they will do"),
                (f"standoff run {quote(str(file))}", "judge its claims"),
            ),
        ]
    )


@app.command(name="export")
def export_(
    scenario: ScenarioArgument,
    format_: Annotated[str, typer.Option("--format", help="efg: Gambit's extensive form.")] = "efg",
    out: Annotated[Path | None, typer.Option(help="File to write; NAME.efg by default.", show_default=False)] = None,
    scaled: Annotated[bool, typer.Option("--scaled", help="Multiply payoffs by each player's precision.", show_default=False)] = False,
    allow_outside: AllowOutside = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Write the game for another program."""
    if format_ != "efg":
        raise ExportError(f"{format_} is no format that can be written; allowed: efg")
    from standoff.chain import build
    from standoff.cli.arguments import overrides
    from standoff.export import export
    from standoff.scenario import load

    declared = load(scenario, overrides(set_), allow_outside=allow_outside)
    path = out if out is not None else Path(f"{declared.name}.efg")
    try:
        written = export(build(declared), path, scaled=scaled)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
    content = {"scenario": scenario, "format": format_, "file": str(written), "bytes": written.stat().st_size}
    if as_json:
        print_json(content)
    else:
        from standoff.printed import Text

        show([Text(f"{content['file']} written, {content['bytes']:,} bytes.")])
