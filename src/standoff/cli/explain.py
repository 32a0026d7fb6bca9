"""The command `explain`: why a player would do what, and what would change its mind."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer

from standoff.cli.arguments import given_twice
from standoff.cli.options import AllowOutside, Json, RecordFile, ScenarioArgument, Set, Tolerance, Workers
from standoff.cli.terminal import print_json, progress_bar, say, show
from standoff.errors import Fault, ScenarioError


def _option(name: str, metavar: str, text: str) -> typer.models.OptionInfo:
    return typer.Option(name, metavar=metavar, help=text, show_default=False)  # type: ignore[no-any-return]


def explain(
    scenario: ScenarioArgument,
    player: Annotated[str | None, _option("--player", "NAME", "Whose decision; with --event its author.")] = None,
    kind: Annotated[str | None, _option("--type", "NAME", "As this type of the player; all types by default.")] = None,
    at: Annotated[str | None, _option("--at", "DATE", "Date, period, or name of a calendar date.")] = None,
    turn: Annotated[str | None, _option("--turn", "NAME", "Which turn, where a player has several in a period.")] = None,
    event: Annotated[str | None, _option("--event", "ID", "The decision that this event of the record tells.")] = None,
    state: Annotated[list[str] | None, _option("--state", "NAME=VALUE", "Declare the state; repeatable, the rest is as at the start.")] = None,
    beliefs: Annotated[list[str] | None, _option("--beliefs", "PLAYER.TYPE=P", "What is believed there; repeatable.")] = None,
    against: Annotated[str | None, _option("--against", "OPTION", "Hold this option against the likeliest one.")] = None,
    no_flips: Annotated[bool, typer.Option("--no-flips", help="Do not search for what would change its mind.", show_default=False)] = False,
    full: Annotated[bool, typer.Option("--full", help="Show every option's value by motive.", show_default=False)] = False,
    record: RecordFile = None,
    tolerance: Tolerance = 1e-2,
    workers: Workers = 2,
    allow_outside: AllowOutside = False,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Say why a player would do what at one decision, what the others do next, and what would change its mind."""
    from standoff.chain import build
    from standoff.cli.arguments import overrides, record_of
    from standoff.scenario import load

    declared_state, declared_beliefs = states_of(state), beliefs_of(beliefs)
    declared = load(scenario, overrides(set_), allow_outside=allow_outside)
    events = record_of(declared, record)
    from standoff.explain import explain as explain_choice
    from standoff.replay import replay
    from standoff.report.explained import explain_content, show_explained
    from standoff.solve import solve

    with progress_bar() as progress:
        game = build(declared, tolerance=tolerance, workers=workers, progress=progress)
        game.must_end("explaining a choice")
        eq = solve(game, tolerance=tolerance, workers=workers, progress=progress)
        # A date or an event may lie anywhere in the record; without them the question is what comes after what was known.
        trail = replay(eq, events, whole=at is not None or event is not None) if events is not None else None
        why = explain_choice(
            eq, player, type=kind, at=at, turn=turn, state=declared_state, beliefs=declared_beliefs, event=event, against=against,
            trail=trail, flips=not no_flips, workers=workers, progress=progress,
        )  # fmt: skip
    content = explain_content(scenario, declared, why)
    if eq.certificate is not None and not eq.certificate.met:
        say(f"the certificate of this solution is {eq.certificate.text()}", "bold red")
    print_json(content) if as_json else show(show_explained(content, full=full), set_)


def states_of(given: Iterable[str] | None) -> dict[str, str]:
    """Read `NAME=VALUE` pairs of a declared state.

    >>> states_of(["presence=reduced"])
    {'presence': 'reduced'}
    """
    found: dict[str, str] = {}
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise _unread("--state", pair, "NAME=VALUE, such as --state presence=reduced")
        if name.strip() in found:
            raise ScenarioError([given_twice(f"--state {name.strip()}", found[name.strip()], value.strip())])
        found[name.strip()] = value.strip()
    return found


def beliefs_of(given: Iterable[str] | None) -> dict[str, dict[str, float]]:
    """Read `PLAYER.TYPE=P` pairs of declared beliefs.

    >>> beliefs_of(["iran.resolved=0.9"])
    {'iran': {'resolved': 0.9}}
    """
    found: dict[str, dict[str, float]] = {}
    for pair in given or ():
        name, _, value = pair.partition("=")
        player, dot, kind = name.strip().partition(".")
        try:
            p = float(value)
        except ValueError:
            dot = ""
        if not dot or not player or not kind:
            raise _unread("--beliefs", pair, "PLAYER.TYPE=P, such as --beliefs iran.resolved=0.9")
        if kind in found.setdefault(player, {}):
            raise ScenarioError([given_twice(f"--beliefs {player}.{kind}", f"{found[player][kind]:g}", f"{p:g}")])
        found[player][kind] = p
    return found


def _unread(option: str, found: str, allowed: str) -> ScenarioError:
    return ScenarioError([Fault(field=option, problem="this cannot be read", found=found, allowed=allowed)])
