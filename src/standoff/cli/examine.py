"""Checking a scenario without solving it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from standoff.cli.arguments import overrides
from standoff.errors import BuildError, Fault, ScenarioError

if TYPE_CHECKING:
    from standoff.game import Game


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
    except BuildError as error:
        return [*faults, Fault(file=str(scenario.path), problem=str(error))], None
    return [*faults, *found_in_game(scenario, game)], game
