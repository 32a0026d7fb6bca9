"""The bound tree of an expression: names resolved, labels turned into codes, kinds checked. Plain data, so that it can be pickled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from standoff.expressions.kinds import Kind


@dataclass(frozen=True)
class Constant:
    """A value known when the expression is bound."""

    value: float | bool | int


@dataclass(frozen=True)
class Lookup:
    """A value of the environment."""

    key: str
    kind: Kind


@dataclass(frozen=True)
class ByPeriod:
    """A value for each period, from the calendar."""

    table: tuple[float, ...] | tuple[bool, ...]


@dataclass(frozen=True)
class Apply:
    """A function of `standoff.expressions.operations`."""

    op: str
    args: tuple[Tree, ...]


@dataclass(frozen=True)
class Fold:
    """Operations one after the other, from left to right."""

    first: Tree
    rest: tuple[tuple[str, Tree], ...]


@dataclass(frozen=True)
class Select:
    """`yes` where the condition is true and `no` elsewhere, each evaluated only there."""

    condition: Tree
    yes: Tree
    no: Tree


Tree = Constant | Lookup | ByPeriod | Apply | Fold | Select

PERIOD = "period"


def parts(tree: Tree) -> tuple[Tree, ...]:
    """List the parts of a tree."""
    match tree:
        case Apply():
            return tree.args
        case Fold():
            return (tree.first, *(part for _, part in tree.rest))
        case Select():
            return (tree.condition, tree.yes, tree.no)
        case _:
            return ()


def walk(tree: Tree) -> Iterator[Tree]:
    """Visit a tree and all its parts."""
    yield tree
    for part in parts(tree):
        yield from walk(part)
