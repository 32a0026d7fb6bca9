"""Help with misspelt names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

_SHOWN = 15

_LONGEST = 100
"""What is longer, in characters, is no misspelt name."""
_COMPARED = 12
"""Names that are compared letter by letter: those that share most pairs of letters with the word."""
_BITS = 509


def closest(word: str, known: Iterable[str]) -> str | None:
    """Find the known name that was most likely meant, if one is near."""
    if len(word) > _LONGEST:
        return None
    by_lower: dict[str, str] = {}
    for name in known:
        if len(name) <= _LONGEST:
            by_lower.setdefault(name.lower(), name)
    names = list(by_lower)
    if len(names) > _COMPARED:
        pairs = _pairs(word.lower())
        # Dice's coefficient of the pairs; ties go to the name that was declared first.
        shared = [2 * (pairs & other).bit_count() / (pairs.bit_count() + other.bit_count() or 1) for other in map(_pairs, names)]
        names = [names[i] for i in sorted(range(len(names)), key=lambda i: (-shared[i], i))[:_COMPARED]]
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


@lru_cache(maxsize=10_000)
def _pairs(word: str) -> int:
    """Return the letters of a word, its pairs of neighbours and its pairs of next but one, each as one bit of a number."""
    found = 0
    for first, second in (*zip(word, word, strict=True), *pairwise(word), *zip(word, word[2:], strict=False)):
        found |= 1 << (31 * ord(first) + ord(second)) % _BITS
    return found


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
