"""Read YAML files into nodes that know their places, include other files, and find every fault of form.

The events of ruamel.yaml's parser are turned into plain data here: nothing in a file can construct an object, scalars follow the core
schema of YAML 1.2 (`no` and `on` stay words), and aliases cannot grow without bound. The limits hold for a file together with all that it
includes.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standoff.errors import Fault, ScenarioError, shortened
from standoff.reading import ANYWHERE, Reach, Unreadable, decoded, is_there, read_bytes
from standoff.scenario.places import Node, Place, Scalar
from standoff.scenario.yaml_help import QUOTES, trouble_in

MAX_BYTES = 1_000_000
MAX_NODES = 100_000
MAX_DEPTH = 100
MAX_FILES = 100

_NULL = re.compile(r"(~|null|Null|NULL|)$")
_BOOLEAN = re.compile(r"(true|True|TRUE|false|False|FALSE)$")
_INTEGER = re.compile(r"[-+]?[0-9]+$")
_BASED = re.compile(r"0(o[0-7]+|x[0-9a-fA-F]+)$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_SPECIAL = re.compile(r"([-+]?)\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")
_LONG_ESCAPE = re.compile(r"\\U([0-9a-fA-F]{8})")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}$")


def scalar(text: str) -> Scalar:
    """Read a plain scalar as YAML 1.2 does, with dates. Raises ValueError for a date that does not exist."""
    if _NULL.match(text):
        return None
    if _BOOLEAN.match(text):
        return text.lower() == "true"
    if _DATE.match(text):
        return dt.date.fromisoformat(text)
    # Longer ones become floats: an integer without bound costs time without bound.
    if _INTEGER.match(text) and len(text) < 20:
        return int(text)
    if _BASED.match(text) and len(text) < 20:
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    if _SPECIAL.match(text):
        return float(text.lower().replace(".", ""))
    return text


OUTSIDE = "this file lies outside the scenario's folder"
OUTSIDE_REMEDY = "copy it there, or allow files outside with --allow-outside (allow_outside=True in Python)"


@dataclass
class _Reading:
    """The reading of a file and of all that it includes: from where files may be taken, the faults found, and what has been read."""

    reach: Reach
    faults: list[Fault] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    values: int = 0


def read_tree(path: Path, reach: Reach = ANYWHERE) -> Node:
    """Read a file and all it includes, as far as they lie within reach, into one tree. Raises ScenarioError with every fault found."""
    reading = _Reading(reach)
    if not reach.covers(path):
        raise ScenarioError([Fault(problem=OUTSIDE, found=str(path), suggestion=OUTSIDE_REMEDY)])
    root = _read_with_includes(path, (), reading)
    if reading.faults or root is None:
        raise ScenarioError(reading.faults)
    return root


def tree_of(text: str, file: str) -> Node:
    """Read the text of a file that includes no other. Raises ScenarioError with every fault found."""
    reading = _Reading(ANYWHERE)
    root = _root_of(text, file, reading)
    if reading.faults or root is None:
        raise ScenarioError(reading.faults)
    return root


def _root_of(text: str, file: str, reading: _Reading) -> Node | None:
    """Make a tree of the text of one file. None when nothing can be made of it."""
    root = _Reader(file, reading).read(text)
    if root is not None and not isinstance(root.value, dict):
        reading.faults.append(Fault(file=file, line=1, column=1, problem="the file does not hold a mapping", allowed="fields such as `name: ..`"))
        return None
    return root


def _text(path: Path, reading: _Reading) -> str | None:
    """Return the text of a file; None when it cannot be taken, which is noted."""
    try:
        raw = read_bytes(path, MAX_BYTES - reading.bytes)
        reading.bytes += len(raw)
        return decoded(raw)
    except Unreadable as error:
        allowed = error.allowed and f"{MAX_BYTES:,} bytes, with all that is included"
        reading.faults.append(
            Fault(
                file=str(path), line=error.line, column=error.column, problem=error.problem, found=error.found, allowed=allowed,
                suggestion=error.suggestion,
            )
        )  # fmt: skip
        return None


class _Stop(Exception):  # noqa: N818 - it never leaves this module
    """Raised when reading a file cannot go on; its fault has been noted."""


@dataclass
class _Reader:
    """Makes nodes out of the events of one file."""

    file: str
    reading: _Reading
    anchors: dict[str, tuple[Node, int, int]] = field(default_factory=dict)
    """The nodes that have names, with the number of values in each and of levels below it."""

    def read(self, text: str) -> Node | None:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
        from ruamel.yaml.events import DocumentStartEvent, StreamEndEvent, StreamStartEvent
        from ruamel.yaml.reader import ReaderError

        try:
            events = iter(YAML(typ="safe", pure=True).parse(text))
            root = None
            for event in events:
                if isinstance(event, DocumentStartEvent):
                    if root is not None:
                        self.fault(event, "the file holds several documents", allowed="one")
                        break
                    root = self.node(next(events), events, 0)
                elif isinstance(event, (StreamStartEvent, StreamEndEvent)):
                    continue
            return root if root is not None else Node(None)
        except _Stop:
            return None
        except MarkedYAMLError as error:
            wrong = trouble_in(text, error)
            self.reading.faults.append(
                Fault(file=self.file, line=wrong.line + 1, column=wrong.column + 1, problem=wrong.problem, suggestion=wrong.remedy)
            )
        except ReaderError as error:
            line, column = text.count("\n", 0, error.position) + 1, error.position - text.rfind("\n", 0, error.position)
            found = f"U+{ord(text[error.position]):04X}"
            remedy = "remove it, or write it as an escape in double quotes"
            self.reading.faults.append(
                Fault(file=self.file, line=line, column=column, problem="a file cannot hold this character", found=found, suggestion=remedy)
            )
        except (ValueError, OverflowError):
            # Of the escapes, \UFFFFFFFF and its like are read as numbers, but are the numbers of no characters.
            beyond = (one for one in _LONG_ESCAPE.finditer(text) if int(one[1], 16) > sys.maxunicode)
            escape, place = next(((one[0], text.count("\n", 0, one.start()) + 1) for one in beyond), (None, None))
            problem = "this is not YAML: an escape stands for no character"
            self.reading.faults.append(Fault(file=self.file, line=place, problem=problem, found=escape, allowed="up to \\U0010FFFF"))
        except YAMLError as error:
            self.reading.faults.append(Fault(file=self.file, problem=f"this is not YAML: {shortened(str(error), 200)}"))
        except RecursionError:
            self.reading.faults.append(Fault(file=self.file, problem="the file is nested too deeply", allowed=f"{MAX_DEPTH} levels"))
        return None

    def node(self, event: Any, events: Any, level: int) -> Node:
        from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent

        if isinstance(event, AliasEvent):
            return self.alias(event, level)
        self.check_tag(event)
        self.grow(event, 1)
        self.check_level(event, level)
        before = self.reading.values
        if isinstance(event, ScalarEvent):
            node = self.scalar_node(event)
        elif isinstance(event, MappingStartEvent):
            node = self.mapping(event, events, level)
        else:
            node = self.sequence(event, events, level)
        if event.anchor is not None:
            self.anchors[str(event.anchor)] = (node, self.reading.values - before + 1, node.levels())
        return node

    def alias(self, event: Any, level: int) -> Node:
        if str(event.anchor) not in self.anchors:
            self.fault(event, "this alias has no anchor before it", found=f"*{event.anchor}", suggestion=f"if it is a text, {QUOTES}")
            raise _Stop
        node, size, levels = self.anchors[str(event.anchor)]
        self.grow(event, size)
        self.check_level(event, level + levels)
        # Nodes of its own, so that they can carry the name under which they stand here, and be set without setting the others.
        return node.copy()

    def check_level(self, event: Any, level: int) -> None:
        if level > MAX_DEPTH:
            self.fault(event, "the file is nested too deeply", allowed=f"{MAX_DEPTH} levels, once its aliases are written out")
            raise _Stop

    def grow(self, event: Any, size: int) -> None:
        self.reading.values += size
        if self.reading.values > MAX_NODES:
            allowed = f"{MAX_NODES:,} values, with all that is included"
            self.fault(event, "the file holds too many values once its aliases are written out", allowed=allowed)
            raise _Stop

    def check_tag(self, event: Any) -> None:
        # ruamel gives every scalar a tag or none; an explicit one is never implied.
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in ("None", ""):
            self.fault(event, "tags are not allowed", found=str(tag), suggestion=f"write the plain value; if it is a text, {QUOTES}")

    def scalar_node(self, event: Any) -> Node:
        place = self.place(event)
        one_line = event.start_mark.line == event.end_mark.line and event.style not in ("|", ">")
        plain = event.style is None or event.style == ""
        column = None
        if one_line and place.column is not None:
            column = place.column + (0 if plain else 1)
        value: Scalar = str(event.value)
        if plain:
            try:
                value = scalar(str(event.value))
            except ValueError:
                self.fault(event, "this date does not exist", found=str(event.value))
        return Node(value, place, None, column)

    def sequence(self, start: Any, events: Any, level: int) -> Node:
        from ruamel.yaml.events import SequenceEndEvent

        items: list[Node] = []
        while not isinstance(event := next(events), SequenceEndEvent):
            items.append(self.node(event, events, level + 1))
        return Node(items, self.place(start))

    def mapping(self, start: Any, events: Any, level: int) -> Node:
        from ruamel.yaml.events import MappingEndEvent, ScalarEvent

        items: dict[str, Node] = {}
        rest = False
        while not isinstance(event := next(events), MappingEndEvent):
            key = str(event.value) if isinstance(event, ScalarEvent) else None
            key_place = self.place(event)
            key_event = event
            if key is None:
                self.fault(event, "a name must be plain text")
                self.node(event, events, level + 1)
            else:
                self.check_tag(event)
            value = next(events)
            if key is not None and start.flow_style and items and self.is_rest_of_text(event, value, list(items.values())[-1]):
                if not rest:
                    self.fault(event, "a name without a value, most likely the rest of a text with a comma", found=key, suggestion=QUOTES)
                rest = True
                continue
            node = self.node(value, events, level + 1)
            if key is None:
                continue
            if key in items:
                first = items[key].key_place
                self.fault(
                    key_event,
                    "this name stands twice in its block",
                    found=key,
                    allowed=f"once (first on line {first.line if first else '?'})",
                )
                continue
            node.key_place = key_place
            items[key] = node
        return Node(items, self.place(start))

    def is_rest_of_text(self, key: Any, value: Any, last: Node) -> bool:
        """Tell whether what stands as a name within braces has no colon after it, and follows a value that is a text without quotes."""
        from ruamel.yaml.events import ScalarEvent

        nothing = isinstance(value, ScalarEvent) and not value.value and value.start_mark.index == value.end_mark.index == key.end_mark.index
        return nothing and not isinstance(last.value, (dict, list))

    def place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def fault(self, event: Any, problem: str, *, found: str | None = None, allowed: str | None = None, suggestion: str | None = None) -> None:
        place = self.place(event)
        self.reading.faults.append(
            Fault(
                file=place.file,
                line=place.line,
                column=place.column,
                problem=problem,
                found=None if found is None else shortened(found),
                allowed=allowed,
                suggestion=suggestion,
            )
        )


def _read_with_includes(path: Path, chain: tuple[str, ...], reading: _Reading) -> Node | None:
    reading.files += 1
    text = _text(path, reading)
    root = None if text is None else _root_of(text, str(path), reading)
    if root is None:
        return None
    merged: Node | None = None
    inner = (*chain, os.path.realpath(path))
    for node, target in _includes(root, path, reading.faults):
        if not reading.reach.covers(target):
            reading.faults.append(_fault_at(node, OUTSIDE, found=str(node.value), suggestion=OUTSIDE_REMEDY))
        elif os.path.realpath(target) in inner:
            shown = " > ".join(Path(step).name for step in (*inner, str(target)))
            reading.faults.append(_fault_at(node, "the files include each other in a circle", found=shown))
        elif not is_there(target):
            reading.faults.append(_fault_at(node, "the included file does not exist", found=str(node.value)))
        elif reading.files >= MAX_FILES:
            reading.faults.append(_fault_at(node, "too many files are included", allowed=f"{MAX_FILES}"))
        else:
            included = _read_with_includes(target, inner, reading)
            if included is not None and isinstance(included.value, dict):
                included.value.pop("include", None)
                merged = included if merged is None else merge(merged, included)
    return root if merged is None else merge(merged, root)


def _includes(root: Node, path: Path, faults: list[Fault]) -> list[tuple[Node, Path]]:
    node = root.child("include")
    if node is None:
        return []
    if not isinstance(node.value, list):
        faults.append(_fault_at(node, "include is not a list", allowed="a list of files, as in [common.yaml]"))
        return []
    found = []
    for item in node.value:
        if not isinstance(item.value, str) or not item.value:
            faults.append(_fault_at(item, "an included file must be given by its path", allowed="a path relative to this file"))
        elif "://" in item.value:
            faults.append(_fault_at(item, "addresses cannot be included", found=item.value, allowed="a path relative to this file"))
        elif "\0" in item.value:
            faults.append(_fault_at(item, "this is no path", allowed="a path relative to this file"))
        else:
            found.append((item, path.parent / item.value))
    return found


def _fault_at(node: Node, problem: str, *, found: str | None = None, allowed: str | None = None, suggestion: str | None = None) -> Fault:
    place = node.place
    return Fault(
        file=place.file, line=place.line, column=place.column, field="include", problem=problem, found=found, allowed=allowed, suggestion=suggestion
    )  # fmt: skip


_WHOLE = frozenset(("prior", "later", "test"))
"""Blocks that are replaced, never merged: mixing two of them would say what neither says."""

_ALTERNATIVES = {"value": "prior", "prior": "value", "values": "range", "range": "values"}
"""Fields that exclude each other: giving one removes the other where it was included."""


def merge(base: Node, over: Node, name: str = "") -> Node:
    """Lay one tree over another: mappings merge deeply, all else is replaced."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)) or name in _WHOLE:
        return over
    merged = {key: node for key, node in base.value.items() if _ALTERNATIVES.get(key) not in over.value}
    for key, node in over.value.items():
        merged[key] = merge(merged[key], node, key) if key in merged else node
    return Node(merged, over.place, over.key_place)
