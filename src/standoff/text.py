"""Text that others wrote: shown so that it cannot act on a terminal or mislead the eye, and refused where no file could hold it."""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls, ESC and DEL among them, but for tab and line feed; C1
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # direction of writing
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u2060-\u2065\u3164\ufeff\uffa0"  # of no width
    "\u2028\u2029"  # separators of lines and paragraphs
    "\ud800-\udfff\ufff9-\ufffb\ufffe\uffff"  # halves of characters, annotations, no characters
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"  # controls of notation, tags
)
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_FOREIGN_DIGIT = re.compile(r"(?![0-9])\d")

DIGITS = "write numbers with the digits 0 to 9"
"""What to do about a digit of another script."""


def visible(text: str) -> str:
    r"""Return a text with every character that is not seen written out, so that printing it does nothing but print it.

    Written out are control characters other than tab and line feed, C1 controls, marks of the direction of writing, characters without width,
    separators of lines and paragraphs, and halves of characters.

    >>> visible("a title" + chr(27) + "[2J")
    'a title\\x1b[2J'
    """
    return _UNSEEN.sub(lambda found: escape(found[0]), text)


def escape(character: str) -> str:
    r"""Write a character out by its number, as a double-quoted text of YAML may hold it.

    >>> escape(chr(0x202E))
    '\\u202e'
    """
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def escaped_for_json(text: str) -> str:
    r"""Return JSON text in which the same characters stand as escapes: it reads as the same data and prints harmlessly.

    >>> escaped_for_json('"' + chr(0x9B) + '"')
    '"\\u009b"'
    """
    return _UNSEEN.sub(lambda found: "".join(f"\\u{unit:04x}" for unit in _units(found[0])), text)


def _units(character: str) -> tuple[int, ...]:
    """Return the one or two 16-bit units by which JSON writes a character."""
    code = ord(character)
    if code < 0x10000:
        return (code,)
    return (0xD800 + ((code - 0x10000) >> 10), 0xDC00 + ((code - 0x10000) & 0x3FF))


def unwritable(text: str) -> str | None:
    """Return the first character that no text file can hold (NUL, or half of a character), written out; None when there is none."""
    found = _UNWRITABLE.search(text)
    return escape(found[0]) if found else None


def foreign_digit(text: str) -> str | None:
    """Return the first digit that is not one of 0 to 9; None when there is none. Python would read it as a number."""
    found = _FOREIGN_DIGIT.search(text)
    return found[0] if found else None


def brief(thing: object, *facts: str) -> str:
    """Write on one line what an object is: its class, and what tells it from others of its kind.

    >>> brief(1.5, "a number", "", "above 1")
    '<float: a number; above 1>'
    """
    return visible(f"<{type(thing).__name__}: {'; '.join(fact for fact in facts if fact)}>")
