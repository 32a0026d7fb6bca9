"""Named quantities under an arm: with its interventions, and averaged over what it reveals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from standoff.claims import Measures
from standoff.claims.points import places_of
from standoff.measured import Measured, total
from standoff.scenario.models import Intervention, Point, Quantity


@dataclass(frozen=True)
class Question:
    """A quantity under interventions, averaged over what may be revealed by what is believed at its point."""

    quantity: Quantity
    do: tuple[Intervention, ...]
    known: tuple[Mapping[str, str], ...]

    def prepare(self, measures: Measures) -> None:
        """Ask for what the quantity needs."""
        for leaf in _leaves(self.quantity):
            for types in self.known:
                measures.prepare(self._under(leaf, types))

    def value(self, measures: Measures) -> Measured:
        """Return the quantity."""
        return self._value(self.quantity, measures)

    def _value(self, quantity: Quantity, measures: Measures) -> Measured:
        if quantity.difference is not None:
            one, two = quantity.difference
            return self._value(one, measures) - self._value(two, measures)
        if _of_record(quantity) or not self.known[0]:
            return measures.value(self._under(quantity, {}))
        solved = measures.world(quantity).solved
        beliefs = solved.beliefs(measures.belief(solved, places_of(solved.game.canonical, quantity)[0]))
        weights = [float(np.prod([beliefs[player][kind] for player, kind in types.items()])) for types in self.known]
        pairs = zip(weights, self.known, strict=True)
        return total(measures.value(self._under(quantity, types)).scaled(weight) for weight, types in pairs if weight > 0.0)

    def _under(self, quantity: Quantity, types: Mapping[str, str]) -> Quantity:
        """Return a quantity under the interventions, with these types known at its point."""
        if _of_record(quantity):
            return quantity  # what the record revealed was revealed as it was played
        changed: dict[str, object] = {"do": [*quantity.do, *self.do]}
        if types:
            point = quantity.at or Point.model_validate({})
            changed["at"] = point.model_copy(update={"beliefs": {**point.beliefs, **{player: {kind: 1.0} for player, kind in types.items()}}})
        return quantity.model_copy(update=changed)


def _leaves(quantity: Quantity) -> Iterator[Quantity]:
    if quantity.difference is None:
        yield quantity
    else:
        for part in quantity.difference:
            yield from _leaves(part)


def _of_record(quantity: Quantity) -> bool:
    return quantity.record_bits is not None or quantity.record_shift is not None


def needs_record(quantity: Quantity) -> bool:
    """Return whether a quantity asks what the record revealed or left believed."""
    return any(_of_record(leaf) or (leaf.at is not None and leaf.at.after_record) for leaf in _leaves(quantity))
