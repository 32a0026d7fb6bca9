"""Load a scenario from a file or by the name of a bundled one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from standoff.errors import Fault, ScenarioError
from standoff.names import closest, listed
from standoff.scenario.check import check
from standoff.scenario.declare import declare
from standoff.scenario.files import read_tree, scalar
from standoff.scenario.models import Clock, Scenario
from standoff.scenario.places import Node, Origin, node_of

Override = str | float | dt.date


def load(name_or_path: str | Path, overrides: Mapping[str, Override] | None = None) -> Scenario:
    """Load a bundled scenario by name, or any by path.

    `overrides` replaces parameters by fixed values (`cost`, `parameters.cost`) and fields of the clock (`clock.periods`). Raises
    ScenarioError with every fault found.
    """
    path = _find(name_or_path)
    root = read_tree(path)
    overriding = _override(root, overrides or {})
    scenario, faults = declare(root, path)
    if scenario is not None:
        faults = [fault for fault in check(scenario) if fault.severity == "error"]
    if scenario is None or faults or overriding:
        raise ScenarioError([*overriding, *faults])
    return scenario


def read_declared(path: str | Path) -> tuple[Scenario | None, Origin, list[Fault]]:
    """Read the declared form of a file without checking its names: the scenario if it has the right shape, its places, and its faults."""
    path = Path(path)
    try:
        root = read_tree(path)
    except ScenarioError as error:
        return None, Origin(path), list(error.faults)
    scenario, faults = declare(root, path)
    return scenario, Origin(path, root), faults


def bundled() -> dict[str, Path]:
    """List the scenarios that come with standoff, by name."""
    from importlib import resources

    folder = Path(str(resources.files("standoff.scenarios")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    if path.is_file():
        return path
    known = bundled()
    if str(name_or_path) in known:
        return known[str(name_or_path)]
    looks_like_path = path.suffix in (".yaml", ".yml") or len(path.parts) > 1
    problem = "there is no such file" if looks_like_path else "there is no bundled scenario of this name, nor such a file"
    suggestion = closest(path.stem, known)
    raise ScenarioError([Fault(problem=problem, found=str(name_or_path), allowed=f"a path, or one of: {listed(known)}", suggestion=suggestion)])


def _override(root: Node, overrides: Mapping[str, Override]) -> list[Fault]:
    """Write the overrides into a tree; what cannot be is returned as faults."""
    faults = []
    for key, given in overrides.items():
        try:
            value = scalar(given) if isinstance(given, str) else given
        except ValueError:
            value = given
        block, _, name = key.partition(".")
        override = _override_clock if block == "clock" else _override_parameter
        fault = override(root, name if block in ("clock", "parameters") and name else key, value)
        if fault is not None:
            faults.append(fault)
    return faults


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


def _override_parameter(root: Node, name: str, value: object) -> Fault | None:
    block = root.child("parameters")
    known = list(block.value) if block is not None and isinstance(block.value, dict) else []
    if name not in known:
        allowed = f"{listed(known)}, or clock.FIELD"
        return Fault(field=f"--set {name}", problem="unknown parameter", found=name, allowed=allowed, suggestion=closest(name, known))
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Fault(field=f"--set {name}", problem="the value of a parameter is a number", found=str(value), allowed="a number")
    parameter = root.child("parameters")
    entry = None if parameter is None else parameter.child(name)
    if entry is not None and isinstance(entry.value, dict):
        entry.value.pop("prior", None)
        entry.value["value"] = Node(value, entry.place, entry.key_place)
    return None
