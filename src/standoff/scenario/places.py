"""Where in the files each part of a scenario stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from standoff.reading import ANYWHERE, Reach

Scalar = str | int | float | bool | dt.date | None
FieldPath = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """A file, line and column, both counted from 1."""

    file: str | None = None
    line: int | None = None
    column: int | None = None


@dataclass
class Node:
    """A value as read: a scalar, a list of nodes, or a mapping of names to nodes, with the place where it stands.

    `key_place` is where its name stands, when it is in a mapping; `text_column` where the text of a one-line scalar begins.
    """

    value: Scalar | list[Node] | dict[str, Node]
    place: Place = field(default_factory=Place)
    key_place: Place | None = None
    text_column: int | None = None

    def data(self) -> Any:
        """Give the plain Python value."""
        if isinstance(self.value, dict):
            return {key: node.data() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.data() for node in self.value]
        return self.value

    def parts(self) -> Iterable[Node]:
        """Give the nodes directly within this one."""
        return self.value.values() if isinstance(self.value, dict) else self.value if isinstance(self.value, list) else ()

    def levels(self) -> int:
        """Count the levels below this node."""
        return max((1 + part.levels() for part in self.parts()), default=0)

    def copy(self) -> Node:
        """Give a node of the same value and place, without a name, that shares nothing with this one that could be changed."""
        value = self.value
        if isinstance(value, dict):
            value = {key: replace(node.copy(), key_place=node.key_place) for key, node in value.items()}
        elif isinstance(value, list):
            value = [node.copy() for node in value]
        return Node(value, self.place, None, self.text_column)

    def child(self, part: str | int) -> Node | None:
        """Give the part of this name or position, if there is one."""
        if isinstance(self.value, dict):
            return self.value.get(str(part))
        if isinstance(self.value, list) and isinstance(part, int) and 0 <= part < len(self.value):
            return self.value[part]
        return None

    def along(self, path: FieldPath) -> Iterator[Node]:
        """Follow a path from this node as far as it exists, this node first."""
        node: Node | None = self
        for part in (*path, None):
            if node is None:
                return
            yield node
            if part is not None:
                node = node.child(part)


def node_of(value: Any) -> Node:
    """Make a node without a place out of plain Python data."""
    if isinstance(value, Mapping):
        return Node({str(key): node_of(item) for key, item in value.items()})
    if isinstance(value, Sequence) and not isinstance(value, str):
        return Node([node_of(item) for item in value])
    return Node(value)


@dataclass(frozen=True)
class Origin:
    """Where a scenario came from. All origins are equal: scenarios are compared by what they say."""

    path: Path | None = field(default=None, compare=False)
    root: Node = field(default_factory=lambda: Node(None), compare=False)
    reach: Reach = field(default=ANYWHERE, compare=False)
    """From where the files that it names may be read."""

    def place(self, path: FieldPath, *, key: bool = False) -> Place:
        """Find the place of a field, or of its name, or of the nearest block around it."""
        nodes = list(self.root.along(path))
        node = nodes[-1]
        if node.key_place is not None and (key or len(nodes) <= len(path)):
            return node.key_place
        return node.place

    def text_place(self, path: FieldPath, column: int | None) -> Place:
        """Find the place of a column within the text of a field."""
        nodes = list(self.root.along(path))
        place = nodes[-1].place
        if column is None or len(nodes) <= len(path) or nodes[-1].text_column is None:
            return self.place(path)
        return Place(place.file, place.line, nodes[-1].text_column + column - 1)


def dotted(path: FieldPath) -> str:
    """Write a path as in `players.usa.payoffs.exit`."""
    return ".".join(str(part) for part in path)
