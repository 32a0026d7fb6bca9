"""A world told as dated sentences: the most typical of its futures, from the point and under the moves that a claim speaks of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from standoff.claims import roots_of
from standoff.claims.points import belief_at, places_of, quantities
from standoff.game import Root
from standoff.replay import replay
from standoff.scenario.models import Claim, Quantity
from standoff.scenario.titles import moment
from standoff.simulate import Futures, simulate
from standoff.solve.equilibrium import Equilibrium
from standoff.solve.grid import to_coordinates
from standoff.solve.solver import solve_on
from standoff.worlds import Task, World
from standoff.worlds.world import structures_of

RUNS = 2_000
SEED = 0


@dataclass(frozen=True)
class Story:
    """One future of a world."""

    start: str
    """Where it begins, and what is forced or changed."""
    end: str
    """What the end is called at which most futures arrive."""
    chance: float
    """Share of the futures that end so."""
    lines: tuple[str, ...]
    """Dated sentences."""

    def text(self) -> list[str]:
        """Say it all, one sentence a line."""
        return [f"Told {self.start}. Of its futures {100 * self.chance:.0f} % end as “{self.end}”, most typically so:", *self.lines]


def tell_world(task: Task, world: World, claim: Claim) -> Story:
    """Solve a world again and tell what most likely happens there: the most typical of the futures that end in the commonest way.

    It begins at the point of the claim's first quantity, under its interventions and with its parameters changed; where the quantity is of the
    record itself, at the start of the game. An average over periods begins at the first.
    """
    quantity = next(iter(quantities(claim.test)))
    if quantity.record_bits is not None or quantity.record_shift is not None:
        equilibrium = _solved(task, world, {})
        return _typical(simulate(equilibrium, RUNS, SEED, workers=1), "from the start")
    equilibrium = _solved(task, world, quantity.parameters)
    place = places_of(task.canonical, quantity)[0]
    asked = (Root(), *roots_of(task.canonical))
    node = int(equilibrium.game.structure.roots[asked.index(place.root)])
    after = replay(equilibrium, task.record).x if place.point.after_record and task.record is not None else None
    x = belief_at(
        equilibrium, place.point, after, lambda solved, events: to_coordinates(structures_of(task.canonical).without(solved.game, events).priors)
    )
    futures = simulate(equilibrium, RUNS, SEED, at=(node, x), do=quantity.do, workers=1)
    return _typical(futures, _start(equilibrium, quantity, place.root))


def _solved(task: Task, world: World, changed: Mapping[str, float]) -> Equilibrium:
    """Solve a world as it was solved when it was measured."""
    return solve_on(structures_of(task.canonical).build({**world.parameters, **changed}), task.ladder[world.rung])


def _start(equilibrium: Equilibrium, quantity: Quantity, root: Root) -> str:
    canonical = equilibrium.game.canonical
    said = "from the start"
    if root != Root():
        state = ", ".join(f"{name} {value}" for name, value in (quantity.at.state if quantity.at is not None else {}).items())
        turn = f", at the turn of {root.turn}" if root.turn is not None else ""
        believed = ", believing what the record taught" if quantity.at is not None and quantity.at.after_record else ""
        said = f"from {moment(canonical.calendar, root.period)}{turn}" + (f", with {state.replace('_', ' ')}" if state else "") + believed
    for about, belief in (quantity.at.beliefs if quantity.at is not None else {}).items():
        said += f"; {about} is believed " + ", ".join(f"{kind} {p:.0%}" for kind, p in belief.items())
    if quantity.at is not None and quantity.at.without:
        said += f"; as if {', '.join(quantity.at.without)} had not happened"
    for item in quantity.do:
        said += f"; {item.force or item.forbid} {'forced' if item.force else 'forbidden'}{' then' if item.now else ''}"
    return said + "".join(f"; {name} = {value:g}" for name, value in quantity.parameters.items())


def _typical(futures: Futures, start: str) -> Story:
    """Return the future that agrees most with the others that end in the commonest way, about what happens and when it first does."""
    structure = futures.equilibrium.game.structure
    kinds, which, counts = np.unique(structure.place[futures.end], return_inverse=True, return_counts=True)
    commonest = int(np.argmax(counts))
    runs = np.flatnonzero(which == commonest)
    agreement = np.zeros(len(runs))
    for column in [*futures.first_period[runs].T, structure.period[futures.end[runs]]]:
        _, value, shared = np.unique(column, return_inverse=True, return_counts=True)
        agreement += shared[value]
    run = int(runs[np.argmax(agreement)])
    place = structure.places[kinds[commonest]]
    end = structure.canonical.titles.get(place, place)
    return Story(start, end, float(counts[commonest] / len(futures)), tuple(futures.story(run)))
