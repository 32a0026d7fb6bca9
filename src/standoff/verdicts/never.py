"""Claims about events that never happen.

A test that compares chances or counts all of which are zero in every world is neither true nor false in a way that says anything: 0 is not
above 0, and it is at most anything. Such a claim is reported as one whose event never occurs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from standoff.claims import Finding, columns, sides
from standoff.claims.measure import log_odds
from standoff.claims.points import opened
from standoff.scenario.models import Quantity, Test

NIL = 1e-12
"""Chances below this count as zero: they are what is left of rounding."""

Walk = Iterator[tuple[Quantity, tuple[int, ...]]]


def never(test: Test, found: Sequence[Finding]) -> tuple[str, ...]:
    """Return the events that a test compares when none of them happens in any of these worlds; empty for all other tests."""
    numbers = np.array([finding.numbers for finding in found])
    return tuple(dict.fromkeys(_event(quantity) for quantity in _nil(test, iter(columns(test)), numbers)))


def _nil(test: Test, walk: Walk, numbers: np.ndarray) -> list[Quantity]:
    """Return the quantities on account of which a test says nothing."""
    # Every part is walked, so that `walk` stays in step.
    if test.all is not None:
        return next((part for part in [_nil(inner, walk, numbers) for inner in test.all] if part), [])
    if test.any is not None:
        parts = [_nil(inner, walk, numbers) for inner in test.any]
        return [quantity for part in parts for quantity in part] if all(parts) else []
    walked = [next(walk) for _ in sides(test)]
    compared = [(part, numbers[:, place]) for side, places in walked for part, place in zip(opened(side), places, strict=True)]
    return [quantity for quantity, _ in compared] if all(_is_nil(quantity, values) for quantity, values in compared) else []


def _is_nil(quantity: Quantity, values: np.ndarray) -> bool:
    """Tell whether a quantity is the chance or count of something that happens in no world."""
    measured = quantity.chance_of_move, quantity.count_of_move, quantity.chance_of_end, quantity.chance_of_state, quantity.choice
    if all(item is None for item in measured) or quantity.against is not None:
        return False
    # Log-odds of nothing are those of the smallest chance that is told from nothing.
    return bool((values <= log_odds(NIL)).all() if quantity.scale == "log_odds" else (np.abs(values) <= NIL).all())


def _event(quantity: Quantity) -> str:
    """Say what a chance or count is of."""
    ends, state = quantity.chance_of_end, quantity.chance_of_state
    if ends is not None:
        return f"the end {' or '.join([ends] if isinstance(ends, str) else ends)}"
    if state is not None:
        return f"the state {state}"
    moves = quantity.chance_of_move or quantity.count_of_move or quantity.choice
    assert moves is not None
    return f"the move {' or '.join([moves] if isinstance(moves, str) else moves)}"


def occurrence(events: Sequence[str]) -> str:
    """Say that these events never occur."""
    return f"{' and '.join(events)} never occur{'s' if len(events) == 1 else ''}"


def reason(events: Sequence[str], n_worlds: int) -> str:
    """Say why nothing can be said of a claim about these events."""
    return (
        f"{occurrence(events)} in any of {n_worlds} worlds, so there is nothing to compare; "
        "look at what it needs (`when`, start values) and at the `at` and `do` of the test"
    )
