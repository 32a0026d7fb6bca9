"""What is measured in every world under every arm, in one list of lines: ends and moves by date, payoffs by component, named quantities."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from standoff.game.structure import effects
from standoff.scenario.canonical import Canonical
from standoff.scenario.models import Quantity

MOST_DATES = 13
"""Of a longer game so many periods are followed, spread evenly."""

Kind = Literal["end", "move", "payoff", "quantity"]


@dataclass(frozen=True)
class Line:
    """One number of a world under an arm."""

    kind: Kind
    name: str
    """Of the end, move, player or quantity."""
    component: str = ""
    """Of the payoff; empty for the whole."""
    period: int | None = None
    """By the end of this period; None for the whole game."""


def dates_of(canonical: Canonical) -> list[int]:
    """Return the periods that are followed, the last among them."""
    n = canonical.calendar.n_periods
    return sorted({round(period) for period in np.linspace(0, n - 1, min(n, MOST_DATES))})


def marks_of(canonical: Canonical) -> list[str]:
    """Return the address of every option, signal and outcome."""
    marks = []
    for address, effect in effects(canonical):
        marks += [address, *(f"{address}/{outcome.name}" for outcome in effect.outcomes)]
    events = {event.name for event in canonical.events}
    return [mark for mark in marks if mark not in events]


def until(quantity: Quantity, period: int, first: int) -> Quantity | None:
    """Return a quantity as it stands by the end of a period; None when it has no such course, or is measured from `first` on, after it."""
    course = quantity.chance_of_move, quantity.count_of_move, quantity.chance_of_end, quantity.chance_of_state
    if all(measure is None for measure in course) or quantity.until is not None or period < first:
        return None
    return quantity.model_copy(update={"until": period})


def lines_of(canonical: Canonical, quantities: Mapping[str, Quantity]) -> tuple[Line, ...]:
    """Return the lines of a scenario."""
    return tuple(_lines(canonical, quantities))


def _lines(canonical: Canonical, quantities: Mapping[str, Quantity]) -> Iterator[Line]:
    dates = dates_of(canonical)
    for end in canonical.ends:
        yield from (Line("end", end.name, period=period) for period in (*dates, None))
    for mark in marks_of(canonical):
        yield from (Line("move", mark, period=period) for period in (*dates, None))
    for player in canonical.players:
        if player.components:
            yield Line("payoff", player.name)
            yield from (Line("payoff", player.name, component.name) for component in player.components)
    for name, quantity in quantities.items():
        yield Line("quantity", name)
        yield from (Line("quantity", name, period=period) for period in dates if until(quantity, period, 0) is not None)
