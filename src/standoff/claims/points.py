"""The public states and beliefs from which quantities are measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from standoff.errors import SolveError
from standoff.game import Root
from standoff.scenario.canonical import Canonical
from standoff.scenario.models import Claim, Point, Quantity, Test
from standoff.solve.equilibrium import Equilibrium


def quantities(test: Test) -> Iterator[Quantity]:
    """Yield every quantity of a test, differences opened."""
    for item in (test.left, test.right, test.of, test.nil):
        if isinstance(item, Quantity):
            yield from opened(item)
    for inner in [*(test.all or []), *(test.any or [])]:
        yield from quantities(inner)


def opened(quantity: Quantity) -> Iterator[Quantity]:
    """Yield a quantity, or the parts of a difference."""
    if quantity.difference is not None:
        for part in quantity.difference:
            yield from opened(part)
    else:
        yield quantity


def turn_of(canonical: Canonical, move: str) -> str:
    """Return the turn in which a move (option or signal) is made."""
    move = move.split("/", 1)[0]
    for turn in canonical.turns:
        if move in [f"{turn.player}.{option.name}" for option in turn.options] + [f"{turn.player}.{name}" for name in turn.signals]:
            return turn.name
    raise SolveError(f"no turn has the move {move}")


def default_turn(canonical: Canonical, quantity: Quantity) -> str | None:
    """Return the turn at which a quantity is measured when its point does not say: that of its move, else the beginning of the period."""
    if quantity.choice is not None:
        return turn_of(canonical, quantity.choice)
    if quantity.motive is not None:
        return turn_of(canonical, quantity.motive.option)
    if quantity.bits is not None and quantity.bits.move is not None:
        return turn_of(canonical, quantity.bits.move)
    return None


@dataclass(frozen=True)
class Place:
    """A point resolved: the root of the game that it needs and what is believed there."""

    root: Root
    point: Point


def places_of(canonical: Canonical, quantity: Quantity) -> list[Place]:
    """Return the points of a quantity: one, or one per period of its window."""
    point = quantity.at or Point.model_validate({})
    turn = point.turn or default_turn(canonical, quantity)
    codes = []
    for name, label in point.state.items():
        spec = next(spec for spec in canonical.variables if spec.name == name)
        codes.append((name, spec.values.index(label)))
    if quantity.over is not None:
        first, last = (canonical.calendar.period(moment) for moment in quantity.over)
        periods = range(first, last + 1)
    else:
        period = canonical.calendar.period(point.at) if point.at is not None else 0
        periods = range(period, period + 1)
    return [Place(Root(period, turn, tuple(codes)), point) for period in periods]


def roots_of(canonical: Canonical, claims: dict[str, Claim] | None = None) -> tuple[Root, ...]:
    """Return the distinct roots that the claims of a scenario need."""
    found: dict[Root, None] = {}
    for claim in (claims if claims is not None else canonical.claims).values():
        for quantity in quantities(claim.test):
            if quantity.record_bits is None and quantity.record_shift is None:
                for place in places_of(canonical, quantity):
                    found.setdefault(place.root)
    return tuple(found)


Without = Callable[[Equilibrium, Sequence[str]], np.ndarray]
"""Gives belief coordinates at the start as if events of the source's record had not happened."""


def belief_at(equilibrium: Equilibrium, point: Point, after: np.ndarray | None, without: Without | None = None) -> np.ndarray:
    """Return belief coordinates at a point; `after` are those that the record leaves."""
    if point.after_record and after is None:
        raise SolveError("a claim starts from the beliefs that the record leaves, but no record was given")
    base = after if point.after_record else None
    if point.without:
        if without is None:
            raise SolveError("a claim starts without events of an earlier record, but no scenario goes before this one")
        base = without(equilibrium, point.without)
    return equilibrium.coordinates(point.beliefs, base=base)
