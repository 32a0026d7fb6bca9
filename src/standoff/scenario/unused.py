"""Warn of names that are declared and make no difference."""

from __future__ import annotations

from collections import defaultdict

from standoff.expressions import Bound
from standoff.scenario.findings import Findings
from standoff.scenario.places import FieldPath


def warn_of_unused(findings: Findings) -> None:
    """Warn of parameters that no expression uses, of variables that none reads, and of derived quantities used nowhere.

    A mechanism that switches a parameter off, or a claim that changes it, is no use of it. A variable that only its own assignments read is
    not read.
    """
    users = _users(findings)
    for block, what, declared in (
        ("parameters", "parameter is never used", findings.scenario.parameters),
        ("state", "variable is never read", findings.scenario.state),
        ("derived", "derived quantity is never used", findings.scenario.derived),
    ):
        for name in declared:
            if not users[name]:
                findings.add((block, name), f"this {what}", found=name, severity="warning", key=True)


def _users(findings: Findings) -> dict[str, set[FieldPath]]:
    """Find the expressions that use each name; those of unused derived quantities do not count."""
    derived = set(findings.scenario.derived)
    users: dict[str, set[FieldPath]] = defaultdict(set)
    waiting = [(path, bound) for path, bound in findings.bounds.items() if path[0] != "derived"]
    seen: set[str] = set()
    while waiting:
        path, bound = waiting.pop()
        for name in _used(path, bound):
            users[name].add(path)
            inner = ("derived", name)
            if name in derived and name not in seen and inner in findings.bounds:
                seen.add(name)
                waiting.append((inner, findings.bounds[inner]))
    return users


def _used(path: FieldPath, bound: Bound) -> frozenset[str]:
    target = str(path[-1]) if len(path) > 1 and path[-2] == "set" else None
    return bound.names - {target} if target else bound.names
