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
    """Read `NAME=VALUE` pairs.

    Raises ScenarioError with every pair that is none, and every name that is given twice.

    >>> overrides(["precision=2", "clock.periods=4"])
    {'precision': '2', 'clock.periods': '4'}
    """
    found: dict[str, str] = {}
    faults = []
    for pair in given or ():
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not name or not value:
            faults.append(
                Fault(field="--set", problem="this is not NAME=VALUE", found=pair, allowed="such as --set precision=2 or --set clock.periods=4")
            )
            continue
        plain = name.removeprefix("parameters.")
        earlier = next((known for key, known in found.items() if key.removeprefix("parameters.") == plain), None)
        if earlier is not None:
            faults.append(given_twice(f"--set {plain}", earlier, value))
        found[name] = value
    if faults:
        raise ScenarioError(faults)
    return found


def given_twice(what: str, first: str, second: str) -> Fault:
    """Return the fault of a thing that is given two values."""
    return Fault(field=what, problem="this is given twice", found=f"{first} and {second}", suggestion="keep one of them")


def record_of(scenario: Scenario, given: Path | None = None) -> Record | None:
    """Read the record given, or the one that the scenario names; None when there is neither."""
    from standoff.record import read_record
    from standoff.scenario import own_record

    return read_record(given) if given is not None else own_record(scenario)


def resolved_names(scenario: Scenario) -> set[str]:
    """Return the parameters of a scenario and of those that go before it."""
    before = resolved_names(scenario.source) if scenario.source is not None else set()
    return set(scenario.parameters) | before
