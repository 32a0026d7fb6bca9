"""Gather the declared names, check that they do not clash, and bind the derived quantities."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter

from standoff.errors import ExpressionError
from standoff.expressions import RESERVED, Bound, Kind, Moments, Number, parse
from standoff.expressions.syntax import Node, Word, children
from standoff.scenario.findings import Findings
from standoff.scenario.models import Variable
from standoff.scenario.places import FieldPath
from standoff.scenario.scopes import Label, Names

MAX_VALUES = 64
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")


def gather(findings: Findings, moments: Moments) -> tuple[Names, dict[str, Bound]]:
    """Gather all names, and bind the derived quantities in an order in which each uses only those before it."""
    scenario = findings.scenario
    variables = {}
    for name, variable in scenario.state.items():
        values = _values(findings, name, variable)
        if values is None:
            findings.broken.add(name)
        else:
            variables[name] = values
    types = {name: tuple(player.types or ()) for name, player in scenario.players.items()}
    parameters: dict[str, Kind] = {name: Number() for name in scenario.parameters}
    names = Names(parameters, variables, {}, types, moments)
    _check_clashes(findings, names)
    return _with_derived(findings, names)


def _values(findings: Findings, name: str, variable: Variable) -> tuple[Label, ...] | None:
    path = ("state", name)
    if (variable.values is None) == (variable.range is None):
        found = "neither" if variable.values is None else "both"
        findings.add(path, "a variable needs values or a range", found=found, allowed="exactly one of values and range")
        return None
    if variable.range is not None:
        low, high = variable.range
        if low > high:
            findings.add((*path, "range"), "the range is reversed", found=f"[{low}, {high}]", suggestion=f"write [{high}, {low}]")
            return None
        # A huge range is never written out.
        count = high - low + 1
        values: tuple[Label, ...] = tuple(range(low, min(high, low + MAX_VALUES) + 1))
    else:
        values = tuple(variable.values) if variable.values else ()
        count = len(values)
        if not _values_alike(findings, (*path, "values"), values):
            return None
    if count > MAX_VALUES:
        findings.add(path, "a variable has too many values", found=str(count), allowed=f"{MAX_VALUES}")
        return None
    return values


def _values_alike(findings: Findings, path: FieldPath, values: tuple[Label, ...]) -> bool:
    if len({type(value) for value in values}) > 1:
        findings.add(
            path,
            "the values are of several kinds",
            found=", ".join(map(_written, values)),
            allowed="all labels, all whole numbers, or true and false",
        )
        return False
    good = True
    for position, value in enumerate(values):
        if value in values[:position]:
            findings.add((*path, position), "this value stands twice", found=_written(value))
            good = False
        elif isinstance(value, str) and (not _NAME.match(value) or "__" in value):
            findings.add(
                (*path, position),
                "this is no label",
                found=value,
                allowed="letters a to z, digits and underscores, beginning with a letter",
                suggestion=_plain(value),
            )
            good = False
    return good


def _plain(text: str) -> str | None:
    """Return the label nearest to a text, accents taken off; None where nothing of it is left."""
    letters = unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()
    plain = re.sub(r"\W+|_{2,}", "_", letters).strip("_")
    return plain if _NAME.match(plain) else None


def _written(value: Label) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_clashes(findings: Findings, names: Names) -> None:
    """Check that a name has one meaning: declared once, no reserved word, and no label or type called the same."""
    owners: dict[str, str] = {}
    scenario = findings.scenario
    for block, entries in (("parameters", scenario.parameters), ("state", scenario.state), ("derived", scenario.derived)):
        for name in entries:
            path: FieldPath = (block, name)
            if name in RESERVED:
                findings.add(path, "this word is reserved", found=name, suggestion="take another name", key=True)
            elif "__" in name:
                findings.add(path, "names with two underscores in a row are not allowed", found=name, key=True)
            elif name in owners:
                findings.add(path, f"this name is also declared under {owners[name]}", found=name, suggestion="rename one of them", key=True)
            owners.setdefault(name, block)
    for label, place, what in _labels(findings, names):
        if label in RESERVED:
            findings.add(place, "this word is reserved", found=label, suggestion="take another label")
        elif label in owners:
            findings.add(place, f"this {what} is also a name declared under {owners[label]}", found=label, suggestion="rename one of them")


def _labels(findings: Findings, names: Names) -> Iterator[tuple[str, FieldPath, str]]:
    for name, variable in findings.scenario.state.items():
        for position, value in enumerate(variable.values or ()):
            if isinstance(value, str):
                yield value, ("state", name, "values", position), "label"
    for player, types in names.types.items():
        for one in types:
            yield one, ("players", player, "types", one), "type"


def _with_derived(findings: Findings, names: Names) -> tuple[Names, dict[str, Bound]]:
    derived = findings.scenario.derived
    needs: dict[str, set[str]] = {}
    for name, text in derived.items():
        try:
            needs[name] = {word for word in _words(parse(text) if isinstance(text, str) else None) if word in derived}
        except ExpressionError:
            needs[name] = set()
    bounds: dict[str, Bound] = {}
    kinds: dict[str, Kind] = {}
    waiting = dict(needs)
    sorter = TopologicalSorter(needs)
    with suppress(CycleError):
        sorter.prepare()  # what does not wait for a circle is still sorted
    position = {name: number for number, name in enumerate(needs)}
    while ready := sorter.get_ready():
        for name in sorted(ready, key=position.__getitem__):
            sorter.done(name)
            del waiting[name]
            path = ("derived", name)
            scope = Names(names.parameters, names.variables, kinds, names.types, names.moments).public("a derived quantity")
            bound = findings.bind(path, derived[name], scope)
            if findings.ok(path):
                bounds[name], kinds[name] = bound, bound.kind
            else:
                findings.broken.add(name)
    if waiting:
        _circle(findings, waiting)
    return Names(names.parameters, names.variables, kinds, names.types, names.moments), bounds


def _circle(findings: Findings, waiting: dict[str, set[str]]) -> None:
    """Note a circle of derived quantities."""
    name = next(iter(waiting))
    chain = [name]
    while chain.count(name) < 2:
        name = min(waiting[name] & waiting.keys())
        chain.append(name)
    chain = chain[chain.index(name) :]
    findings.add(("derived", chain[0]), "derived quantities depend on each other in a circle", found=" > ".join(chain))
    findings.broken.update(waiting)


def _words(root: Node | None) -> Iterator[str]:
    waiting = [] if root is None else [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Word):
            yield node.name
        waiting.extend(children(node))
