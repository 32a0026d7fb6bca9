"""Reading what was typed: overrides and the files that a scenario names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from standoff.errors import Fault, ScenarioError

if TYPE_CHECKING:
    from pathlib import Path

    from standoff.record import Record
    from standoff.scenario import Scenario


def overrides(given: Iterable[str] | None) -> dict[str, str]:
    """Read `NAME=VALUE` pairs; the last of a name counts.

    Raises ScenarioError with every pair that is none.

    >>> overrides(["precision=2", "clock.periods=4"])
    {'precision': '2', 'clock.periods': '4'}
    """
    found: dict[str, str] = {}
    faults = []
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if not equals or not name.strip() or not value.strip():
            faults.append(
                Fault(field="--set", problem="this is not NAME=VALUE", found=pair, allowed="such as --set precision=2 or --set clock.periods=4")
            )
        found[name.strip()] = value.strip()
    if faults:
        raise ScenarioError(faults)
    return found


def record_of(scenario: Scenario, given: Path | None = None) -> Record | None:
    """Read the record given, or the one that the scenario names; None when there is neither."""
    from standoff.record import read_record
    from standoff.scenario import own_record

    return read_record(given) if given is not None else own_record(scenario)


def resolved_names(scenario: Scenario) -> set[str]:
    """Return the parameters of a scenario and of those that go before it."""
    before = resolved_names(scenario.source) if scenario.source is not None else set()
    return set(scenario.parameters) | before
