"""Reading what was typed: overrides and the files that a scenario names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from standoff.errors import Fault, ScenarioError

if TYPE_CHECKING:
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

    if given is not None:
        return read_record(given)
    if scenario.record is None or scenario.record.file is None:
        return None
    folder = scenario.path.parent if scenario.path is not None else Path()
    return read_record(folder / scenario.record.file)
