"""A decision of one player in one public state at one belief."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from standoff.game import Root
from standoff.game.structure import Structure
from standoff.replay import Step
from standoff.solve.equilibrium import Equilibrium


@dataclass(frozen=True, eq=False)
class Spot:
    """A decision of a player."""

    solved: Equilibrium
    """A solution that contains it."""
    node: int
    x: np.ndarray
    """Belief coordinates, before anybody who chooses at the same moment has chosen."""
    origin: str
    """How it was found, in words."""
    step: Step | None = None
    """What the record tells of it, if it lies on the record's path."""
    root: Root | None = None
    """The public state as a root from which a game can be built, where it can be declared so."""

    @property
    def structure(self) -> Structure:
        """The game's shape."""
        return self.solved.game.structure

    @property
    def mover(self) -> int:
        """Index of the player who decides."""
        return int(self.structure.owner[self.node])

    @property
    def player(self) -> str:
        """Who decides."""
        return str(self.structure.canonical.players[self.mover].name)

    @property
    def turn(self) -> str:
        """Name of the turn."""
        return str(self.structure.places[self.structure.place[self.node]]).removeprefix("turn:")

    @property
    def period(self) -> int:
        """Period of the turn."""
        return int(self.structure.period[self.node])

    @property
    def date(self) -> dt.date | None:
        """Date of the move that the record tells here, else the first day of the period; None in a game without dates."""
        starts = self.structure.canonical.calendar.starts
        if self.step is not None and self.step.date is not None:
            return self.step.date
        return starts[self.period] if starts is not None else None

    @property
    def told(self) -> str | None:
        """The option that the record tells was taken here; None where it is silent, or where only a signal was seen."""
        if self.step is None or self.step.silent:
            return None
        option = self.step.move.split(".", 1)[1]
        return option if option in self.menu else None

    @property
    def menu(self) -> tuple[str, ...]:
        """Names of the options."""
        start = self.structure.option_start
        return tuple(self.solved.game.option_address(row).split(".", 1)[1] for row in range(int(start[self.node]), int(start[self.node + 1])))


def locate(structure: Structure, place: str, period: int, state: np.ndarray) -> int | None:
    """Return a node of the choice in a public state, hidden variables included; None where the game does not reach it."""
    nodes = structure.nodes_at(place)
    nodes = nodes[(structure.period[nodes] == period) & (structure.state[structure.head[nodes]] == state).all(axis=1)]
    return int(nodes[0]) if len(nodes) else None


def as_root(structure: Structure, node: int) -> Root | None:
    """Return a node as a root; None where something is on its way or frozen there, which a root cannot say."""
    n_declared = len(structure.canonical.variables)
    head = int(structure.head[node])
    if structure.state[head, n_declared:].any():
        return None
    codes = tuple((spec.name, int(structure.state[head, i])) for i, spec in enumerate(structure.canonical.variables))
    return Root(int(structure.period[node]), structure.places[structure.place[node]].removeprefix("turn:"), codes)
