"""Whether a claim is true in a world, and by how much.

Every test has a *margin*: positive where it is true, zero at the edge, in the units of its quantity. `all` takes the smallest margin of its
parts, `any` the largest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from standoff.claims.points import quantities
from standoff.errors import StandoffError
from standoff.scenario.models import Claim, Quantity, Test
from standoff.scenario.phrases import PHRASES

if TYPE_CHECKING:
    from standoff.claims.measure import Measures


@dataclass(frozen=True)
class Finding:
    """A claim in one world. `margin` is NaN and `problem` says why where it could not be measured."""

    margin: float
    numbers: tuple[float, ...]
    """The quantities of the test in the order in which they are written."""
    problem: str = ""

    @property
    def holds(self) -> bool:
        """Whether the claim is true in this world."""
        return self.margin > 0.0


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
        numbers: list[float] = []
        try:
            found[name] = Finding(_margin(claim.test, measures, numbers), tuple(numbers))
        except StandoffError as error:
            found[name] = Finding(float("nan"), tuple(numbers), str(error))
    return found


def _margin(test: Test, measures: Measures, numbers: list[float]) -> float:
    def measured(item: Quantity | float) -> float:
        if not isinstance(item, Quantity):
            return float(item)
        numbers.append(measures.value(item))
        return numbers[-1]

    if test.all is not None:
        return min(_margin(inner, measures, numbers) for inner in test.all)
    if test.any is not None:
        return max(_margin(inner, measures, numbers) for inner in test.any)
    if test.nil is not None:
        assert test.within is not None
        return test.within - abs(measured(test.nil))
    if test.of is not None:
        low, high = test.range if test.range is not None else PHRASES[str(test.phrase).lower()]
        value = measured(test.of)
        return min(value - low, high - value)
    assert test.left is not None
    assert test.right is not None
    left, right = measured(test.left), measured(test.right)
    return (left - right if test.is_ == "above" else right - left) - test.by
