"""The types that simulated futures draw, without drawing the rest: which secret each run has is a matter of its luck alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from standoff.simulate._kernel import _pick, uniform


def drawn_types(beliefs: Sequence[np.ndarray], runs: int, seed: int) -> np.ndarray:
    """Return the type of every player in every run, shape (runs, players), as `simulate` draws it from these beliefs by player."""
    types = np.zeros((runs, len(beliefs)), dtype=np.int64)
    for i, belief in enumerate(beliefs):
        if len(belief) > 1:
            types[:, i] = [_pick(belief, len(belief), uniform(seed, run, i)) for run in range(runs)]
    return types
