"""Load a scenario from a file or by the name of a bundled one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from standoff.errors import Fault, ScenarioError
from standoff.names import closest, listed
from standoff.reading import Reach
from standoff.scenario.chain import Crisis, Link, declare_linked, find_members, is_chain, links_of, members, overrides_of, refuse_chains
from standoff.scenario.check import check
from standoff.scenario.declare import declare
from standoff.scenario.files import read_tree, scalar
from standoff.scenario.find import bundled, find, reach_of
from standoff.scenario.models import Clock, Scenario
from standoff.scenario.places import Node, Origin, node_of

Override = str | float | dt.date


def load(name_or_path: str | Path, overrides: Mapping[str, Override] | None = None, *, allow_outside: bool = False) -> Scenario:
    """Load a bundled scenario by name, or any by path, with the scenarios that go before it (`beliefs: from`).

    `overrides` replaces parameters by fixed values (`cost`, `parameters.cost`), in the scenario and in those before it, and fields of its
    clock (`clock.periods`) and dates of its calendar (`calendar.election`). Files that it names, such as its record, are read from its own
    folder and those below, and with `allow_outside` from anywhere. Raises ScenarioError with every fault found; a chain of scenarios is
    refused with the names of its parts.
    """
    path = find(name_or_path)
    return _load(path, name_or_path, overrides or {}, reach_of(path, allow_outside=allow_outside))


def _load(path: Path, name_or_path: str | Path, overrides: Mapping[str, Override], reach: Reach) -> Scenario:
    root = read_tree(path, reach)
    if is_chain(root):
        problem = "this is a chain of scenarios; a single one is wanted"
        remedy = f"type one of them in place of {name_or_path}"
        allowed = f"one of its scenarios: {listed(members(root))}"
        raise ScenarioError([Fault(problem=problem, found=str(name_or_path), allowed=allowed, suggestion=remedy)])
    links, faults = links_of(root, path, reach)
    return declare_checked(links, faults, overrides)


def declare_checked(links: Sequence[Link], faults: Sequence[Fault], overrides: Mapping[str, Override]) -> Scenario:
    """Make a scenario out of linked trees in which faults have been found, under overrides, and check it.

    Raises ScenarioError with every fault.
    """
    faults = [*faults, *_override(links, overrides)]
    scenario, found = declare_linked(links)
    if scenario is not None and not faults:
        found = [fault for fault in check(scenario) if fault.severity == "error"]
    if scenario is None or faults or found:
        raise ScenarioError([*faults, *found])
    return scenario


def holds_chain(name_or_path: str | Path, *, allow_outside: bool = False) -> bool:
    """Tell whether a file, or a bundled name, is a chain of scenarios. Raises ScenarioError when it cannot be read."""
    path = find(name_or_path)
    return is_chain(read_tree(path, reach_of(path, allow_outside=allow_outside)))


def load_chain(name_or_path: str | Path, overrides: Mapping[str, Override] | None = None, *, allow_outside: bool = False) -> Crisis:
    """Load a chain of scenarios and each of its parts.

    `overrides` fixes parameters in every part that has them. Files are read from the chain's folder and those below, and with
    `allow_outside` from anywhere. Raises ScenarioError with every fault found.

    >>> import standoff as so
    >>> [part.name for part in so.load_chain("baghdad").parts]
    ['baghdad-siege', 'baghdad-closure']
    """
    path = find(name_or_path)
    reach = reach_of(path, allow_outside=allow_outside)
    root = read_tree(path, reach)
    if not is_chain(root):
        raise ScenarioError([Fault(problem="this is a scenario, not a chain of them", found=str(name_or_path), suggestion="use load")])
    declared, files, faults = find_members(root, path, reach)
    if declared is None or faults:
        raise ScenarioError(faults)
    given = overrides or {}
    trees = [read_tree(file, reach) for file in files]
    faults = refuse_chains(root, trees)
    if faults:
        raise ScenarioError(faults)
    known = [_parameters_of(links_of(tree, file, reach)[0]) for tree, file in zip(trees, files, strict=True)]
    faults += overrides_of(known, given)
    parts = []
    for file, names in zip(files, known, strict=True):
        try:
            parts.append(_load(file, file, {key: value for key, value in given.items() if key.removeprefix("parameters.") in names}, reach))
        except ScenarioError as error:
            # What two parts share, as the scenario that goes before one of them, is told once.
            faults += [fault for fault in error.faults if fault not in faults]
    if faults:
        raise ScenarioError(faults)
    shown = bundled()
    return Crisis(declared, path, tuple(parts), tuple(name if name in shown else str(file) for name, file in zip(declared.chain, files, strict=True)))


def read_declared(path: str | Path) -> tuple[Scenario | None, Origin, list[Fault]]:
    """Read the declared form of a file without checking its names: the scenario if it has the right shape, its places, and its faults."""
    path = Path(path)
    try:
        root = read_tree(path)
    except ScenarioError as error:
        return None, Origin(path), list(error.faults)
    scenario, faults = declare(root, path)
    return scenario, Origin(path, root), faults


def _parameters_of(links: Iterable[Link]) -> list[str]:
    """List the parameters that linked trees declare."""
    names: dict[str, None] = {}
    for link in links:
        block = link.root.child("parameters")
        if block is not None and isinstance(block.value, dict):
            names |= dict.fromkeys(block.value)
    return list(names)


def _override(links: Sequence[Link], overrides: Mapping[str, Override]) -> list[Fault]:
    """Write the overrides into linked trees; what cannot be is returned as faults."""
    faults = []
    for key, given in overrides.items():
        try:
            value = scalar(given) if isinstance(given, str) else given
        except ValueError:
            value = given
        block, _, name = key.partition(".")
        name = name if block in ("clock", "calendar", "parameters") and name else key
        if key in ("clock", "calendar"):
            fault: Fault | None = _override_block(links[0].root, key)
        elif block in ("clock", "calendar"):
            fault = (_override_clock if block == "clock" else _override_calendar)(links[0].root, name, value)
        else:
            fault = _override_parameter(links, name, value)
        if fault is not None:
            faults.append(fault)
    return faults


def _override_block(root: Node, name: str) -> Fault:
    """Return the fault of setting the whole clock or calendar at once."""
    block = root.child(name)
    dates = list(block.value) if block is not None and isinstance(block.value, dict) else []
    known = list(Clock.model_fields) if name == "clock" else dates
    what = "field of the clock" if name == "clock" else "date of the calendar"
    return Fault(field=f"--set {name}", problem=f"one {what} is set at a time", allowed=listed(f"{name}.{one}" for one in known))


def _override_clock(root: Node, name: str, value: object) -> Fault | None:
    if name not in Clock.model_fields:
        known = [f"clock.{field}" for field in Clock.model_fields]
        found = f"clock.{name}"
        return Fault(
            field=f"--set {found}",
            problem="unknown field of the clock",
            found=found,
            allowed=listed(known),
            suggestion=closest(found, known),
        )
    clock = root.child("clock")
    if clock is not None and isinstance(clock.value, dict):
        old = clock.value.get(name)
        node = node_of(value)
        clock.value[name] = node if old is None else Node(node.value, old.place, old.key_place)
    return None


def _override_calendar(root: Node, name: str, value: object) -> Fault | None:
    block = root.child("calendar")
    known = list(block.value) if block is not None and isinstance(block.value, dict) else []
    if name not in known:
        listed_names = listed(f"calendar.{one}" for one in known)
        return Fault(field=f"--set calendar.{name}", problem="unknown date", found=name, allowed=listed_names, suggestion=closest(name, known))
    if isinstance(value, bool) or not isinstance(value, (int, dt.date)):
        return Fault(field=f"--set calendar.{name}", problem="this is no date", found=str(value), allowed="a date such as 2020-11-03, or a period")
    entry = block.child(name) if block is not None else None
    if block is not None and isinstance(block.value, dict) and entry is not None:
        inner = entry.child("date")
        if isinstance(entry.value, dict) and inner is not None:
            entry.value["date"] = Node(value, inner.place, inner.key_place)
        else:
            block.value[name] = Node(value, entry.place, entry.key_place)
    return None


def _override_parameter(links: Sequence[Link], name: str, value: object) -> Fault | None:
    known = _parameters_of(links)
    if name not in known:
        allowed = f"{listed(known)}, or clock.FIELD, or calendar.DATE"
        return Fault(field=f"--set {name}", problem="unknown parameter", found=name, allowed=allowed, suggestion=closest(name, known))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Fault(field=f"--set {name}", problem="the value of a parameter is a number", found=str(value), allowed="a number")
    for link in links:
        parameters = link.root.child("parameters")
        entry = None if parameters is None else parameters.child(name)
        if entry is not None and isinstance(entry.value, dict):
            entry.value.pop("prior", None)
            entry.value["value"] = Node(value, entry.place, entry.key_place)
    return None
