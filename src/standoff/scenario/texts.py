"""Refuse texts that no file could hold, so that what passes `check` can be reported."""

from __future__ import annotations

from standoff.errors import Fault
from standoff.scenario.places import FieldPath, Node, Place, dotted
from standoff.text import escape, unwritable


def text_faults(root: Node) -> list[Fault]:
    """Return a fault for each text and each name in a tree that holds a NUL or half of a character."""
    faults: list[Fault] = []

    def look(node: Node, path: FieldPath) -> None:
        if isinstance(node.value, dict):
            for key, part in node.value.items():
                note(key, path, part.key_place or part.place)
                look(part, (*path, key))
        elif isinstance(node.value, list):
            for position, part in enumerate(node.value):
                look(part, (*path, position))
        elif isinstance(node.value, str):
            note(node.value, path, node.place)

    def note(text: str, path: FieldPath, place: Place) -> None:
        found = unwritable(text)
        if found is not None:
            field = dotted(path) or None
            problem = "a text cannot hold NUL" if found == escape("\0") else "a text cannot hold half of a character"
            fault = Fault(file=place.file, line=place.line, column=place.column, field=field, problem=problem, found=found, suggestion=_remedy(text))
            faults.append(fault)

    look(root, ())
    return faults


def _remedy(text: str) -> str:
    """Say what to write instead: two halves that belong together are one character."""
    try:
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return "remove it"
    written = next((escape(character) for character in whole if ord(character) >= 0x10000), None)
    return "remove it" if written is None or unwritable(whole) else f"write the character itself, or {written} in double quotes"
