"""Say what is most likely wrong where a file is not YAML, and what to write: a text that needs quotes, an indentation, a bracket left open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

QUOTES = 'put the text in quotes, as in reason: "Cheap, they say: and quick."'
INDENT = "let the names of one block begin in the same column, and what belongs to a name further right; indent with spaces"


@dataclass(frozen=True)
class Trouble:
    """A place in a text where it is not YAML, counted from 0: what is wrong, and what to do."""

    line: int
    column: int
    problem: str
    remedy: str | None


def trouble_in(text: str, error: Any) -> Trouble:
    """Return what is most likely wrong where the parser of ruamel.yaml gave up (MarkedYAMLError)."""
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    start = error.context_mark or mark
    lines = text.splitlines()
    before = lines[line][:column] if line < len(lines) else ""
    found = _recognised(str(error.context or ""), str(error.problem or ""), before, line > (start.line if start else line), lines[:line])
    if found is None:
        said = " ".join(str(part) for part in (error.context, error.problem) if part)
        return Trouble(line, column, f"this is not YAML: {said}", None)
    here, what, remedy = found
    return Trouble(line if here else start.line, column if here else start.column, f"this is not YAML: {what}", remedy)


def _recognised(context: str, problem: str, before: str, later: bool, above: list[str]) -> tuple[bool, str, str] | None:
    """Return whether the place itself is to be shown or where its block begins, what is wrong, and the remedy.

    `before` stands before the place on its line, `above` are the lines above, `later` tells whether the block begins on one of them.
    """
    if "'\\t'" in problem:
        return True, "a tab indents here", INDENT
    if "cannot start any token" in problem:
        return True, "no text without quotes begins with this character", QUOTES
    if "mapping values are not allowed" in problem:
        if ": " in before.lstrip("- "):
            return True, "a colon stands in a text without quotes", QUOTES
        return True, "this line does not begin where its block does, or the text before it goes on here", INDENT
    if "entries are not allowed" in problem or "keys are not allowed" in problem:
        return True, "no text without quotes begins with a hyphen or question mark and a space", QUOTES
    if "could not find expected ':'" in problem:
        return False, "a name and its value are missing a colon with a space after it", f"write name: value; or {QUOTES}"
    if "block scalar" in context:
        return True, "a text after | or > begins on the next line", QUOTES
    if "flow" in context and "expected ','" in problem:
        return _in_brackets(problem, before, later)
    if "expected <block end>" in problem:
        if "found '<block" in problem:
            return True, "this line does not begin where its block does", INDENT
        opened = _open_quote(above)
        if opened is not None:
            return True, f"a text in quotes ends here that began on line {opened + 1}", "close its quotes there; a quote within '..' is doubled"
        return True, "text goes on after a closing quote or bracket", "put the whole text in quotes; a quote within '..' is doubled"
    if "while scanning a quoted scalar" in context:
        return False, "the quotes that open here are never closed", "close them; a quote within '..' is doubled"
    return None


def _in_brackets(problem: str, before: str, later: bool) -> tuple[bool, str, str]:
    """Tell a colon in a text, a missing comma and a bracket left open apart."""
    got = problem.rsplit("got ", 1)[-1].strip("'")
    if got == ":" and ": " in before:
        return True, "a colon stands in a text without quotes", QUOTES
    if got in ("<scalar>", "{", "[") and not later:
        return True, "a comma is missing before this, or the text before it needs quotes", QUOTES
    return False, "the bracket that opens here is not closed", "close it with } or ]"


def _open_quote(lines: list[str]) -> int | None:
    """Return the last line whose text begins with a quote and does not end on it."""
    for number in range(len(lines) - 1, -1, -1):
        value = lines[number].partition(": ")[2].strip()
        if value[:1] == '"' and value.count('"') % 2:
            return number
    return None
