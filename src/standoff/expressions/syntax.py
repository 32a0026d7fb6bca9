"""The syntax tree of an expression, as written. Columns count from 1 within the text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Literal:
    """A number, `true` or `false`."""

    value: float | bool
    column: int = 1


@dataclass(frozen=True)
class Word:
    """A name or a label."""

    name: str
    column: int = 1


@dataclass(frozen=True)
class Operation:
    """`-a`, `not a` or `a ** b`."""

    op: str
    args: tuple[Node, ...]
    column: int = 1


@dataclass(frozen=True)
class Chain:
    """Terms joined by `+` and `-`, or factors joined by `*` and `/`, taken from left to right."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    column: int = 1


@dataclass(frozen=True)
class Comparison:
    """`left op right`."""

    op: str
    left: Node
    right: Node
    column: int = 1


@dataclass(frozen=True)
class Membership:
    """`item in [..]` or `item not in [..]`."""

    item: Node
    among: tuple[Node, ...]
    negated: bool
    column: int = 1


@dataclass(frozen=True)
class Logic:
    """Conditions joined by `and`, or by `or`."""

    op: str
    parts: tuple[Node, ...]
    column: int = 1


@dataclass(frozen=True)
class Conditional:
    """`yes if condition else no`."""

    condition: Node
    yes: Node
    no: Node
    column: int = 1


@dataclass(frozen=True)
class Call:
    """`function(args)`."""

    function: str
    args: tuple[Node, ...]
    column: int = 1


Node = Literal | Word | Operation | Chain | Comparison | Membership | Logic | Conditional | Call


def children(node: Node) -> tuple[Node, ...]:
    """List the parts of a node."""
    match node:
        case Literal() | Word():
            return ()
        case Operation() | Call():
            return node.args
        case Chain():
            return (node.first, *(part for _, part in node.rest))
        case Comparison():
            return (node.left, node.right)
        case Membership():
            return (node.item, *node.among)
        case Logic():
            return node.parts
        case Conditional():
            return (node.condition, node.yes, node.no)


def depth(root: Node) -> int:
    """Count the levels of a tree; not recursive, so that no text can exhaust the stack."""
    deepest, waiting = 0, [(root, 1)]
    while waiting:
        node, level = waiting.pop()
        deepest = max(deepest, level)
        waiting.extend((child, level + 1) for child in children(node))
    return deepest
