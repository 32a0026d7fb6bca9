"""Whether a claim is true in a world, and by how much.

Every test has a *margin*: positive where it is true, zero at the edge, in the units of its quantity. `all` takes the smallest margin of its
parts, `any` the largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from standoff.claims.points import opened, quantities
from standoff.errors import StandoffError
from standoff.measured import ROUNDING, Measured
from standoff.scenario.models import Claim, Quantity, Test
from standoff.scenario.phrases import agreeing_range, stated_range

if TYPE_CHECKING:
    from standoff.claims.measure import Measures


@dataclass(frozen=True)
class Finding:
    """A claim in one world. `margin` is NaN and `problem` says why where it could not be measured."""

    margin: float
    numbers: tuple[float, ...]
    """The quantities of the test in the order in which they are written, then the parts of each difference (`columns` tells which is which)."""
    problem: str = ""
    bound: float = 0.0
    """How far the margin may be from the one of exact play."""
    bounds: tuple[float, ...] = ()
    """And how far each of `numbers`."""

    @property
    def holds(self) -> bool | None:
        """Whether the claim is true in this world; None where that is not decided, because the margin lies within its bound, or not measured."""
        return self.margin > ROUNDING if np.isfinite(self.margin) and Measured(self.margin, self.bound).decided else None


def findings(claims: Mapping[str, Claim], measures: Measures) -> dict[str, Finding]:
    """Return the finding of every claim in one world."""
    problems: dict[str, str] = {}
    for name, claim in claims.items():
        try:
            for quantity in quantities(claim.test):
                measures.prepare(quantity)
        except StandoffError as error:
            problems[name] = str(error)
    measures.run()
    found = {}
    for name, claim in claims.items():
        if name in problems:
            found[name] = Finding(float("nan"), (), problems[name])
            continue
        numbers: list[Measured] = []
        parts: list[Measured] = []
        try:
            margin, problem = _margin(claim.test, measures, numbers, parts), ""
        except StandoffError as error:
            margin, problem = Measured(float("nan"), float("inf")), str(error)
        told = [*numbers, *parts]
        found[name] = Finding(margin.value, tuple(one.value for one in told), problem, margin.bound, tuple(one.bound for one in told))
    return found


def is_probability(quantity: Quantity) -> bool:
    """Tell whether a quantity is the probability of something, as it is."""
    measures = quantity.choice, quantity.chance_of_move, quantity.chance_of_end, quantity.chance_of_state
    return quantity.scale == "plain" and quantity.against is None and any(measure is not None for measure in measures)


def sides(test: Test) -> tuple[Quantity, ...]:
    """Return what one comparison compares."""
    return tuple(item for item in (test.left, test.right, test.of, test.nil) if isinstance(item, Quantity))


def columns(test: Test) -> list[tuple[Quantity, tuple[int, ...]]]:
    """Return every side of a test, in order, with the places in `Finding.numbers` of its value or, for a difference, of its parts."""
    written = [*sides(test), *(side for inner in [*(test.all or []), *(test.any or [])] for side, _ in columns(inner))]
    found: list[tuple[Quantity, tuple[int, ...]]] = []
    next_part = len(written)
    for number, side in enumerate(written):
        if side.difference is None:
            found.append((side, (number,)))
        else:
            n_parts = len(list(opened(side)))
            found.append((side, tuple(range(next_part, next_part + n_parts))))
            next_part += n_parts
    return found


def _margin(test: Test, measures: Measures, numbers: list[Measured], parts: list[Measured]) -> Measured:
    def measured(item: Quantity | float) -> Measured:
        if not isinstance(item, Quantity):
            return Measured(float(item))
        numbers.append(measures.value(item))
        if item.difference is not None:
            parts.extend(measures.value(part) for part in opened(item))
        return numbers[-1]

    if test.all is not None:
        return Measured.pick(min, [_margin(inner, measures, numbers, parts) for inner in test.all])
    if test.any is not None:
        return Measured.pick(max, [_margin(inner, measures, numbers, parts) for inner in test.any])
    if test.nil is not None:
        assert test.within is not None
        return Measured(test.within) - measured(test.nil).magnitude()
    if test.of is not None:
        low, high = agreeing_range(test.phrase, test.range) if is_probability(test.of) else stated_range(test.phrase, test.range)
        value = measured(test.of)
        if low == -np.inf and high == np.inf:
            return Measured(1.0)  # neither end can be passed, by as much as probabilities can differ
        return Measured.pick(min, [value - Measured(low), Measured(high) - value])
    assert test.left is not None
    assert test.right is not None
    left, right = measured(test.left), measured(test.right)
    return (left - right if test.is_ == "above" else right - left) - Measured(test.by)
