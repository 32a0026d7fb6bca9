"""Read YAML files into nodes that know their places, include other files, and find every fault of form.

The events of ruamel.yaml's parser are turned into plain data here: nothing in a file can construct an object, scalars follow the core
schema of YAML 1.2 (`no` and `on` stay words), and aliases cannot grow without bound.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from standoff.errors import Fault, ScenarioError, shortened
from standoff.scenario.places import Node, Place, Scalar

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


def read_tree(path: Path) -> Node:
    """Read a file and all it includes into one tree. Raises ScenarioError with every fault found."""
    faults: list[Fault] = []
    root = _read_with_includes(path, (), faults, [0])
    if faults or root is None:
        raise ScenarioError(faults)
    return root


def read_file(path: Path, faults: list[Fault]) -> Node | None:
    """Read one file; what is wrong with it is added to `faults`. None when nothing can be made of it."""
    text = _text(path, faults)
    if text is None:
        return None
    reader = _Reader(str(path), faults)
    root = reader.read(text)
    if root is not None and not isinstance(root.value, dict):
        faults.append(Fault(file=str(path), line=1, column=1, problem="the file does not hold a mapping", allowed="fields such as `name: ..`"))
        return None
    return root


def _text(path: Path, faults: list[Fault]) -> str | None:
    file = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            size = f"{path.stat().st_size:,} bytes"
            faults.append(Fault(file=file, problem="the file is too large", found=size, allowed=f"{MAX_BYTES:,} bytes"))
            return None
        raw = path.read_bytes()
    except OSError as error:
        faults.append(Fault(file=file, problem=f"the file cannot be read ({error.strerror})"))
        return None
    try:
        # One way of writing an accented letter, so that what looks the same is the same.
        return unicodedata.normalize("NFC", raw.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        faults.append(
            Fault(file=file, line=line, problem="the file is not UTF-8", found=f"byte {raw[error.start]:#04x}", suggestion="save it as UTF-8")
        )
        return None


class _Stop(Exception):  # noqa: N818 - it never leaves this module
    """Raised when reading a file cannot go on; its fault has been noted."""


@dataclass
class _Reader:
    """Makes nodes out of the events of one file."""

    file: str
    faults: list[Fault]
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    count: int = 0

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
            mark = error.problem_mark or error.context_mark
            problem = " ".join(str(part) for part in (error.context, error.problem) if part)
            line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
            self.faults.append(Fault(file=self.file, line=line, column=column, problem=f"this is not YAML: {problem}"))
        except ReaderError as error:
            before = text[: error.position]
            line, column = before.count("\n") + 1, error.position - before.rfind("\n")
            problem = "this is not YAML: this character cannot stand in a file"
            found = f"U+{error.character:04X}"
            self.faults.append(Fault(file=self.file, line=line, column=column, problem=problem, found=found, suggestion="take it out"))
        except YAMLError as error:
            self.faults.append(Fault(file=self.file, problem=f"this is not YAML: {shortened(str(error), 200)}"))
        except RecursionError:
            self.faults.append(Fault(file=self.file, problem="the file is nested too deeply", allowed=f"{MAX_DEPTH} levels"))
        return None

    def node(self, event: Any, events: Any, level: int) -> Node:
        from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent

        if isinstance(event, AliasEvent):
            return self.alias(event)
        self.check_tag(event)
        self.grow(event, 1)
        if level > MAX_DEPTH:
            self.fault(event, "the file is nested too deeply", allowed=f"{MAX_DEPTH} levels")
            raise _Stop
        before = self.count
        if isinstance(event, ScalarEvent):
            node = self.scalar_node(event)
        elif isinstance(event, MappingStartEvent):
            node = self.mapping(event, events, level)
        else:
            node = self.sequence(event, events, level)
        if event.anchor is not None:
            self.anchors[str(event.anchor)] = (node, self.count - before + 1)
        return node

    def alias(self, event: Any) -> Node:
        if str(event.anchor) not in self.anchors:
            self.fault(event, "this alias has no anchor before it", found=f"*{event.anchor}")
            raise _Stop
        node, size = self.anchors[str(event.anchor)]
        self.grow(event, size)
        # A node of its own, so that it can carry the name under which it stands here.
        return Node(node.value, node.place, None, node.text_column)

    def grow(self, event: Any, size: int) -> None:
        self.count += size
        if self.count > MAX_NODES:
            self.fault(event, "the file holds too many values once its aliases are written out", allowed=f"{MAX_NODES:,} values")
            raise _Stop

    def check_tag(self, event: Any) -> None:
        # ruamel gives every scalar a tag or none; an explicit one is never implied.
        tag = getattr(event, "tag", None)
        if tag is not None and str(tag) not in ("None", ""):
            self.fault(event, "tags are not allowed", found=str(tag), suggestion="write the plain value")

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
        while not isinstance(event := next(events), MappingEndEvent):
            key = str(event.value) if isinstance(event, ScalarEvent) else None
            key_place = self.place(event)
            key_event = event
            if key is None:
                self.fault(event, "a name must be plain text")
                self.node(event, events, level + 1)
            else:
                self.check_tag(event)
            node = self.node(next(events), events, level + 1)
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

    def place(self, event: Any) -> Place:
        return Place(self.file, event.start_mark.line + 1, event.start_mark.column + 1)

    def fault(self, event: Any, problem: str, *, found: str | None = None, allowed: str | None = None, suggestion: str | None = None) -> None:
        place = self.place(event)
        self.faults.append(
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


def _read_with_includes(path: Path, chain: tuple[Path, ...], faults: list[Fault], read: list[int]) -> Node | None:
    read[0] += 1
    root = read_file(path, faults)
    if root is None:
        return None
    merged: Node | None = None
    for node, target in _includes(root, path, faults):
        inner = (*chain, path.resolve())
        if target.resolve() in inner:
            shown = " > ".join(step.name for step in (*inner, target))
            faults.append(_fault_at(node, "the files include each other in a circle", found=shown))
        elif not target.is_file():
            faults.append(_fault_at(node, "the included file does not exist", found=str(node.value)))
        elif read[0] >= MAX_FILES:
            faults.append(_fault_at(node, "too many files are included", allowed=f"{MAX_FILES}"))
        else:
            included = _read_with_includes(target, inner, faults, read)
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


def _fault_at(node: Node, problem: str, *, found: str | None = None, allowed: str | None = None) -> Fault:
    place = node.place
    return Fault(file=place.file, line=place.line, column=place.column, field="include", problem=problem, found=found, allowed=allowed)


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
