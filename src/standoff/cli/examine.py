"""Checking a scenario without solving it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from standoff.cli.arguments import overrides
from standoff.errors import BuildError, ExpressionError, Fault, ScenarioError

if TYPE_CHECKING:
    from standoff.game import Game
    from standoff.scenario import Scenario


def check_file(name: str, given: Iterable[str] | None, *, allow_outside: bool = False) -> dict[str, Any]:
    """Return the report on a scenario file."""
    from standoff.report import check_content
    from standoff.scenario import load

    try:
        scenario = load(name, overrides(given), allow_outside=allow_outside)
    except ScenarioError as error:
        return check_content(name, list(error.faults), None)
    return check_content(name, *examine(scenario))


def examine_chain(name: str, given: Iterable[str] | None, *, allow_outside: bool = False) -> dict[str, Any]:
    """Return the report on a chain of scenarios: that on each part, and what is wrong with the chain itself."""
    from standoff.report import check_content
    from standoff.scenario import load_chain

    try:
        crisis = load_chain(name, overrides(given), allow_outside=allow_outside)
    except ScenarioError as error:
        return check_content(name, list(error.faults), None) | {"parts": []}
    parts = [check_content(called, *examine(scenario)) for called, scenario in zip(crisis.named, crisis.parts, strict=True)]
    total = check_content(name, [], None)
    return (
        total | {"ok": all(part["ok"] for part in parts), "parts": parts} | {key: sum(part[key] for part in parts) for key in ("errors", "warnings")}
    )


def examine(scenario: Scenario) -> tuple[list[Fault], Game | None]:
    """Return every fault and warning of a scenario that has been loaded, and its game when it can be built."""
    from standoff.game import build
    from standoff.report.checked import found_in_game
    from standoff.scenario import check

    faults = check(scenario)
    try:
        game = build(scenario)
    except (BuildError, ExpressionError) as error:
        # What is told of an expression begins with its place.
        placed = str(error).startswith(f"{scenario.path}:")
        return [*faults, Fault(file=None if placed else str(scenario.path), problem=str(error))], None
    return [*faults, *found_in_game(scenario, game)], game
