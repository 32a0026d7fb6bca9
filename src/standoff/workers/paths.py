"""Where modules are imported from: never from the working directory, which holds what others have sent.

A `random.py` beside a scenario would otherwise be executed in place of Python's own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

_HOME = str(Path(__file__).resolve().parents[2])
"""The folder that this package was imported from."""


def importable() -> list[str]:
    """Return `sys.path` without the working directory, however it is written; standoff itself comes last when only that path led to it.

    >>> "" in importable()
    False
    """
    try:
        working = os.path.realpath(Path.cwd())
    except FileNotFoundError:  # it was removed, so nothing can be imported from it
        working = None
    kept = [entry for entry in sys.path if Path(entry).is_absolute() and os.path.realpath(entry) != working]
    return kept if _HOME in kept else [*kept, _HOME]
