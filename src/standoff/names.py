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
