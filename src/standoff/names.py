"""Help with misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_SHOWN = 15


def closest(word: str, known: Iterable[str]) -> str | None:
    """Find the known name that was most likely meant, if one is near."""
    by_lower: dict[str, str] = {}
    for name in known:
        by_lower.setdefault(name.lower(), name)
    near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


def listed(names: Iterable[str]) -> str:
    """List names for a message, the first few of them where there are many."""
    names = list(names)
    if len(names) > _SHOWN:
        return ", ".join(names[:_SHOWN]) + f" and {len(names) - _SHOWN} more"
    return ", ".join(names) or "(none)"


def instead(name: object, known: Iterable[str], are: str = "allowed:") -> str:
    """Say which names there are and, if one is near, which was most likely meant; for the end of a message that has told place and value.

    >>> instead("opne", ["open", "closed"], "its values are")
    'its values are open, closed; did you mean open?'
    """
    known = list(known)
    near = closest(str(name), known)
    if near is None:
        return f"{are} {listed(known)}"
    return f"{are} {listed(known)}; did you mean {repr(near) if ' ' in near else near}?"


def unknown(what: str, name: object, known: Iterable[str]) -> str:
    """Say that nothing of this kind has this name, and what to write instead.

    >>> unknown("turn", "answr", ["threat", "answer"])
    'no turn is named answr; allowed: threat, answer; did you mean answer?'
    """
    word = str(name)
    return f"no {what} is named {repr(word) if ' ' in word or not word else word}; {instead(name, known)}"
