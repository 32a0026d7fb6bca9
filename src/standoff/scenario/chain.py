"""Scenarios that follow one another: those whose closing beliefs open the next (`beliefs: from`), and files that list a chain of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from standoff.errors import Fault, RecordError, ScenarioError
from standoff.names import closest, listed
from standoff.reading import ANYWHERE, Reach
from standoff.record import Record, read_record
from standoff.scenario.canonical import Canonical, ParameterSpec, Source
from standoff.scenario.declare import declare, declare_chain
from standoff.scenario.files import OUTSIDE, OUTSIDE_REMEDY, read_tree
from standoff.scenario.find import find
from standoff.scenario.findings import Findings
from standoff.scenario.models import Beliefs, Chain, Scenario
from standoff.scenario.places import Node
from standoff.scenario.scopes import Names

MAX_BEFORE = 20
"""Most scenarios that may go before one, each before the next."""

Analyse = Callable[[Scenario], tuple[Canonical | None, list[Fault]]]
"""Checks a scenario whole and resolves it."""


@dataclass(frozen=True)
class Link:
    """The tree of a scenario, and the file it was read from (None when it was made in Python)."""

    root: Node
    path: Path | None
    reach: Reach = ANYWHERE

    @property
    def name(self) -> str:
        """What the scenario calls itself."""
        node = self.root.child("name")
        return str(node.value) if node is not None else "this scenario"


def is_chain(root: Node) -> bool:
    """Tell whether a tree is that of a chain, not of a scenario."""
    return root.child("chain") is not None


def members(root: Node) -> list[str]:
    """Return what a chain file lists, as far as it can be read."""
    node = root.child("chain")
    return [str(item.value) for item in node.value] if node is not None and isinstance(node.value, list) else []


def links_of(root: Node, path: Path | None, reach: Reach = ANYWHERE) -> tuple[list[Link], list[Fault]]:
    """Return the trees of a scenario and of all that go before it, its own first; and what keeps one from being read."""
    links = [Link(root, path, reach)]
    while (node := _named(links[-1].root)) is not None:
        if len(links) > MAX_BEFORE:
            return links, [_at(node, "too many scenarios go before one another", allowed=str(MAX_BEFORE))]
        folder = links[-1].path.parent if links[-1].path is not None else Path()
        try:
            target = find(str(node.value), folder, reach)
            tree = read_tree(target, reach)
        except ScenarioError as error:
            first = error.faults[0]
            inside = f" (in {first.file})" if first.file is not None else ""
            return links, [_at(node, f"the scenario that goes before: {first.problem}{inside}", allowed=first.allowed, suggestion=first.suggestion)]
        if os.path.realpath(target) in [os.path.realpath(link.path) for link in links if link.path is not None]:
            shown = " > ".join([*(link.name for link in links), Link(tree, target).name])
            return links, [_at(node, "the scenarios take their beliefs from each other in a circle", shown)]
        if is_chain(tree):
            return links, [_at(node, "this is a chain, not a scenario", allowed=f"one of its scenarios: {listed(members(tree))}")]
        links.append(Link(tree, target, reach))
    return links, []


def _named(root: Node) -> Node | None:
    """Return the node that names the scenario which goes before, if it is text."""
    block = root.child("beliefs")
    node = block.child("from") if block is not None else None
    return node if node is not None and isinstance(node.value, str) and node.value else None


def _at(node: Node, problem: str, found: str | None = None, *, allowed: str | None = None, suggestion: str | None = None) -> Fault:
    place = node.place
    return Fault(
        file=place.file, line=place.line, column=place.column, field="beliefs.from", problem=problem,
        found=found if found is not None else str(node.value), allowed=allowed, suggestion=suggestion,
    )  # fmt: skip


def declare_linked(links: Iterable[Link]) -> tuple[Scenario | None, list[Fault]]:
    """Make scenarios out of linked trees, each with the one that goes before it; return the first, and the faults of shape of all."""
    scenario: Scenario | None = None
    faults: list[Fault] = []
    for link in reversed(list(links)):
        declared, found = declare(link.root, link.path, link.reach)
        faults = found + faults
        if declared is not None:
            declared._source = scenario
        scenario = declared
    return (None, faults) if faults else (scenario, [])


def record_file(scenario: Scenario, name: str) -> Path:
    """Return where a record file lies that a scenario names: beside the scenario, or in the working folder when it was made in Python.

    Raises RecordError when it lies outside the scenario's folder and that was not allowed.
    """
    path = (scenario.path.parent if scenario.path is not None else Path()) / name
    if not scenario.origin.reach.covers(path):
        raise RecordError([Fault(problem=OUTSIDE, found=name, suggestion=OUTSIDE_REMEDY)])
    return path


def own_record(scenario: Scenario) -> Record | None:
    """Read the record that a scenario names; None when it names none. Raises RecordError when it has faults."""
    if scenario.record is None or scenario.record.file is None:
        return None
    return read_record(record_file(scenario, scenario.record.file))


# -- opening beliefs -------------------------------------------------------------------------------------------------------------------


def check_beliefs(findings: Findings, names: Names, parameters: Iterable[ParameterSpec], analyse: Analyse) -> None:
    """Check where opening beliefs come from, and put it into the findings. `analyse` resolves the scenario that goes before."""
    beliefs = findings.scenario.beliefs
    if beliefs is None:
        return
    memory = findings.bind_number(("beliefs", "memory"), beliefs.memory, names.parameters_only("memory"), high=1)
    before = findings.scenario.source
    if before is None:
        findings.add(("beliefs", "from"), "the scenario that goes before was not read", suggestion="load the file, or use Builder")
        return
    canonical = _resolved(findings, before, analyse)
    record = _record(findings, before)
    if canonical is None:
        return
    players = _carried(findings, names, beliefs, canonical)
    _check_shared(findings, canonical, parameters)
    if record is not None and players:
        findings.source = Source(canonical, record, memory, players)


def _resolved(findings: Findings, before: Scenario, analyse: Analyse) -> Canonical | None:
    canonical, faults = analyse(before)
    if canonical is None:
        errors = [fault for fault in faults if fault.severity == "error"]
        findings.add(
            ("beliefs", "from"),
            f"the scenario that goes before has {len(errors)} fault{'s' if len(errors) > 1 else ''}; the first: {errors[0]}",
            found=before.name,
            suggestion=f"run `standoff check {before.path or before.name}` and mend them",
        )
    return canonical


def _record(findings: Findings, before: Scenario) -> Record | None:
    """Return the record of the scenario that goes before, noting when it has none."""
    path = ("beliefs", "from")
    try:
        record = own_record(before)
    except RecordError:
        return None  # noted among the faults of that scenario
    if record is None:
        findings.add(
            path,
            "the scenario that goes before has no record, so it leaves no beliefs",
            found=before.name,
            suggestion="give it a file under `record: file:`, or leave `beliefs` out",
        )
    return record


def _carried(findings: Findings, names: Names, beliefs: Beliefs, before: Canonical) -> tuple[str, ...]:
    """Return the players about whom beliefs can be carried over, or those of them that the scenario names."""
    there = {player.name: player.types for player in before.players}
    alike = [name for name, types in names.types.items() if len(types) > 1 and set(types) == set(there.get(name, ()))]
    if beliefs.about is None:
        if not alike:
            findings.add(("beliefs", "from"), f"no player has the same name and the same types here and in {before.name}", found=before.name)
        return tuple(alike)
    for position, name in enumerate(beliefs.about):
        path = ("beliefs", "about", position)
        if name in alike:
            continue
        if findings.known(path, "player", name, names.types):
            known = f"it has {listed(there[name])}" if name in there else "it has no such player"
            problem = f"{name} has not the same types in {before.name}: {known}"
            findings.add(path, problem, found=listed(names.types[name]) or "no types", allowed=listed(alike) or None)
    return tuple(name for name in beliefs.about if name in alike)


def _check_shared(findings: Findings, before: Canonical, parameters: Iterable[ParameterSpec]) -> None:
    """Check that a parameter of both scenarios has one prior: it is the same parameter."""
    theirs = {spec.name: spec for spec in before.parameters}
    for spec in parameters:
        other = theirs.get(spec.name)
        if other is not None and other.prior != spec.prior:
            findings.add(
                ("parameters", spec.name),
                f"{before.name} has a parameter of this name with another prior; one world has one value of it",
                found=_shown(spec),
                allowed=_shown(other),
                suggestion="include both from one file, or rename one of them",
                key=True,
            )


def _shown(spec: ParameterSpec) -> str:
    return f"{spec.prior.kind} [{', '.join(f'{value:g}' for value in spec.prior.args)}]"


# -- chain files -----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Crisis:
    """A chain of scenarios, each as it was loaded, in order of time."""

    declared: Chain
    path: Path
    parts: tuple[Scenario, ...]
    named: tuple[str, ...]
    """What a command calls each part: the name of a bundled scenario, or its file."""


def find_members(root: Node, path: Path, reach: Reach) -> tuple[Chain | None, list[Path], list[Fault]]:
    """Read a chain file: what it says, the files that it lists, and its faults."""
    chain, faults = declare_chain(root, path)
    if chain is None:
        return None, [], faults
    files: list[Path] = []
    for position, name in enumerate(chain.chain):
        node = root.child("chain")
        item = node.child(position) if node is not None else None
        field = f"chain.{position}"
        try:
            target = find(name, path.parent, reach)
        except ScenarioError as error:
            fault = error.faults[0]
            faults.append(replace(_at(item or root, fault.problem, name, allowed=fault.allowed, suggestion=fault.suggestion), field=field))
            continue
        if os.path.realpath(target) == os.path.realpath(path):
            faults.append(replace(_at(item or root, "the chain names itself", name, allowed="scenarios, not chains"), field=field))
        elif os.path.realpath(target) in [os.path.realpath(file) for file in files]:
            faults.append(replace(_at(item or root, "this scenario stands twice in the chain", name, allowed="each once"), field=field))
        files.append(target)
    return chain, files, faults


def refuse_chains(root: Node, trees: Iterable[Node]) -> list[Fault]:
    """Return a fault for each entry of a chain file whose tree is itself that of a chain."""
    node = root.child("chain")
    faults = []
    for position, tree in enumerate(trees):
        item = node.child(position) if node is not None else None
        if is_chain(tree):
            allowed = f"scenarios, such as those it lists: {listed(members(tree))}"
            fault = _at(item or root, "this is a chain of scenarios, not a scenario", members(root)[position], allowed=allowed)
            faults.append(replace(fault, field=f"chain.{position}"))
    return faults


def overrides_of(known: Iterable[Iterable[str]], given: Iterable[str]) -> list[Fault]:
    """Return a fault for each override that no part of a chain knows, or that would mean something else in each."""
    parts = [set(names) for names in known]
    every = sorted(set().union(*parts))
    faults = []
    for key in given:
        block, _, name = key.partition(".")
        if block in ("clock", "calendar") and name:
            problem = f"each scenario of a chain has a {block} of its own"
            faults.append(Fault(field=f"--set {key}", problem=problem, found=key, suggestion="run the scenario by itself to change it"))
        elif key.removeprefix("parameters.") not in every:
            near = closest(key.removeprefix("parameters."), every)
            faults.append(Fault(field=f"--set {key}", problem="no scenario of the chain has this parameter", found=key, suggestion=near))
    return faults
