"""Checking a scenario without solving it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from standoff.cli.arguments import overrides, resolved_names
from standoff.errors import BuildError, ExpressionError, Fault, ScenarioError

if TYPE_CHECKING:
    from standoff.game import Game


def examine_chain(name: str, given: Iterable[str] | None) -> dict[str, Any]:
    """Return the report on a chain of scenarios: that on each part, and what is wrong with the chain itself."""
    from standoff.report import check_content
    from standoff.scenario import load_chain

    try:
        crisis = load_chain(name, overrides(given))
    except ScenarioError as error:
        return check_content(name, list(error.faults), None) | {"parts": []}
    values = overrides(given)
    parts = []
    for called, scenario in zip(crisis.named, crisis.parts, strict=True):
        known = [f"{key}={value}" for key, value in values.items() if key.removeprefix("parameters.") in resolved_names(scenario)]
        parts.append(check_content(called, *examine(called, known)))
    total = check_content(name, [], None)
    return (
        total | {"ok": all(part["ok"] for part in parts), "parts": parts} | {key: sum(part[key] for part in parts) for key in ("errors", "warnings")}
    )


def examine(name: str, given: Iterable[str] | None) -> tuple[list[Fault], Game | None]:
    """Return every fault and warning of a scenario, and its game when there are no errors."""
    from standoff.report.checked import found_in_game
    from standoff.scenario import check, load

    try:
        scenario = load(name, overrides(given))
    except ScenarioError as error:
        return list(error.faults), None
    faults = check(scenario)
    from standoff.game import build

    try:
        game = build(scenario)
    except (BuildError, ExpressionError) as error:
        # What is told of an expression begins with its place.
        placed = str(error).startswith(f"{scenario.path}:")
        return [*faults, Fault(file=None if placed else str(scenario.path), problem=str(error))], None
    return [*faults, *found_in_game(scenario, game)], game
