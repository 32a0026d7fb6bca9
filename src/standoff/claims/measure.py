"""Measuring every quantity of a scenario's claims in one solved world, each with a bound on its error.

Requests are collected first, so that functionals under the same intervention share one backward sweep, and worlds with changed parameters
are solved once. Each is read from the solution that is `rooted` at its own point.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from standoff.chain import Games, fix_grids
from standoff.claims.functionals import Evaluation, Functional, Here, Options, condition_of, movers, of_components, of_ends, of_moves, of_state
from standoff.claims.points import Place, belief_at, places_of, roots_of
from standoff.errors import SolveError
from standoff.expressions import Boolean, bind
from standoff.game import DECISION, END, Game, Root
from standoff.measured import Measured, total
from standoff.replay import Step, Trail, replay
from standoff.scenario.models import Bits, Motive, Quantity, Shift
from standoff.scenario.scopes import state_scope
from standoff.simulate.interventions import overrides
from standoff.solve.control import FACTOR, Chosen
from standoff.solve.equilibrium import Equilibrium, Probe
from standoff.solve.grid import to_coordinates

Resolve = Callable[[Mapping[str, float]], Equilibrium]
"""Solves the same world with some parameters changed."""

_TINY = 1e-12

UNKNOWN = Measured(float("nan"), float("inf"))


@dataclass
class _Request:
    """One functional at one place under one intervention."""

    functional: Functional
    acted: np.ndarray
    solved: Equilibrium
    """The solution that answers at the place."""
    here: Here
    period: int
    types: tuple[tuple[int, int], ...]
    result: Measured = UNKNOWN
    other: np.ndarray | None = None
    """The belief at the place corrected by the estimated error of the choices that led there."""
    read: Callable[[Callable[[Here], Measured]], Measured] | None = None
    """Reads several values of the functional instead of the one at the place."""


COLUMNS = 64
"""Columns of one backward sweep, which bounds its memory."""


@dataclass
class _World:
    """A solved game with its pending requests."""

    solved: Equilibrium
    requests: list[_Request] = field(default_factory=list)
    trail: Trail | None = None
    """The record replayed here, once it has been asked for."""

    def run(self) -> None:
        """Evaluate what is pending, in sweeps of a bounded number of columns; what one solution answers together, later starts first."""
        pending = sorted(self.requests, key=lambda request: (id(request.solved), -request.period))
        self.requests = []
        while pending:
            group = [pending.pop(0)]
            columns = group[0].functional.width(self.solved.game)
            while pending and columns < COLUMNS and pending[0].solved is group[0].solved:
                group.append(pending.pop(0))
                columns += group[-1].functional.width(self.solved.game)
            first = min(request.period for request in group)
            evaluation = Evaluation(
                group[0].solved, [request.functional for request in group], [request.acted for request in group], first_period=first
            )
            plain = [(number, request) for number, request in enumerate(group) if request.read is None]
            results = evaluation.measured([(number, request.here, request.types) for number, request in plain])
            for (number, request), result in zip(plain, results, strict=True):
                request.result = result
                if request.other is not None and evaluation.solved.exact is None:
                    moved = evaluation.at(number, Here(request.here.node, request.other), request.types) - result.value
                    request.result = Measured(result.value, result.bound + FACTOR * abs(moved))
            for number, request in enumerate(group):
                if request.read is not None:
                    request.result = request.read(partial(_read, evaluation, number, request.types))


def _read(evaluation: Evaluation, number: int, types: tuple[tuple[int, int], ...], here: Here) -> Measured:
    return evaluation.measured([(number, here, types)])[0]


class Measures:
    """Quantities of one world. Call `value` for each once `prepare` has seen them all.

    `games` are those of the scenario, when they are at hand: what they have computed about the scenario that goes before is not done again.
    """

    def __init__(self, solved: Equilibrium, trail: Trail | None, resolve: Resolve, games: Games | None = None) -> None:
        self.base = solved
        # Where a point is the start itself, both entries lead to the same node.
        self.asked = {root: number for number, root in enumerate((Root(), *roots_of(solved.game.canonical)))}
        self.trail = trail
        self.resolve = resolve
        self.games = games
        self.worlds: dict[tuple[tuple[str, float], ...], _World] = {(): _World(solved)}
        self.pending: dict[str, list[_Request]] = {}
        self.chosen: dict[tuple[int, int, bytes], Chosen] = {}

    # -- where -----------------------------------------------------------------------------------------------------------------

    def world(self, quantity: Quantity) -> _World:
        """Return the world that a quantity speaks of, solved again where it changes parameters."""
        key = tuple(sorted(quantity.parameters.items()))
        if key not in self.worlds:
            self.worlds[key] = _World(self.resolve(quantity.parameters))
        return self.worlds[key]

    def node(self, game: Game, root: Root) -> int:
        """Return the node of a declared point."""
        return int(game.structure.roots[self.asked[root]])

    def belief(self, solved: Equilibrium, place: Place) -> np.ndarray:
        """Return belief coordinates at a point."""
        return belief_at(solved, place.point, self.trail.x if self.trail is not None else None, self._without)

    def other(self, solved: Equilibrium, place: Place) -> np.ndarray | None:
        """Return the belief at a point where every choice that led to it is corrected by its estimated error; None where it is the same."""
        opened, trail = solved.game.opened, self.trail
        other = trail.other_x if trail is not None and len(trail.other_x) else None
        if not place.point.after_record:
            other = to_coordinates(opened.others) if opened is not None and opened.others and not place.point.without else None
        if other is None:
            return None
        base = solved.coordinates(place.point.beliefs, base=other)
        return base if np.abs(base - self.belief(solved, place)).max(initial=0.0) > 0.0 else None

    def _without(self, solved: Equilibrium, events: Sequence[str]) -> np.ndarray:
        """Return belief coordinates at the start as if events of the source's record had not happened."""
        if self.games is None:
            self.games = Games(fix_grids(self.base.game.canonical))
        return to_coordinates(self.games.without(solved.game, events).priors)

    # -- functionals -----------------------------------------------------------------------------------------------------------

    def prepare(self, quantity: Quantity) -> None:
        """Collect what a quantity needs of the backward sweeps."""
        if quantity.difference is not None:
            for part in quantity.difference:
                self.prepare(part)
            return
        if _key(quantity) in self.pending:
            return
        if quantity.motive is not None:
            self.pending[_key(quantity)] = []
            for place in places_of(self.base.game.canonical, quantity):
                self._prepare_motive(quantity, quantity.motive, place)
            return
        if not self._is_functional(quantity):
            return
        world = self.world(quantity)
        game = world.solved.game
        requests: list[_Request] = []
        for place in places_of(game.canonical, quantity):
            # Refuses here, for this claim alone, a point that needs a record when there is none.
            here = Here(self.node(game, place.root), self.belief(world.solved, place))
            acted = overrides(game, quantity.do, now=place.root.period)
            pinned = movers(game, acted)
            last = game.canonical.calendar.n_periods - 1
            until = game.canonical.calendar.period(quantity.until) if quantity.until is not None else last
            if place.root.turn is not None:
                self._turn(game, place)
            for functional, types in self._functionals(quantity, game, until, pinned):
                request = _Request(
                    functional, acted, world.solved.rooted(*here[:2]), here, place.root.period, types, other=self.other(world.solved, place)
                )
                world.requests.append(request)
                requests.append(request)
        self.pending[_key(quantity)] = requests

    def _is_functional(self, quantity: Quantity) -> bool:
        return any(getattr(quantity, name) is not None for name in ("chance_of_move", "count_of_move", "chance_of_end", "chance_of_state", "value"))

    def _functionals(
        self, quantity: Quantity, game: Game, until: int, pinned: tuple[int, ...]
    ) -> list[tuple[Functional, tuple[tuple[int, int], ...]]]:
        if quantity.value is not None:
            player = game.player_index[quantity.value]
            kinds = range(game.n_types[player]) if quantity.type is None else [game.canonical.players[player].types.index(quantity.type)]
            return [(of_components(game, player, kind, quantity.components, pinned), ((player, kind),)) for kind in kinds]
        moves = quantity.chance_of_move if quantity.chance_of_move is not None else quantity.count_of_move
        if moves is not None:
            listed = [moves] if isinstance(moves, str) else moves
            return [(of_moves(game, listed, until=until, once=quantity.chance_of_move is not None, pinned=pinned), ())]
        if quantity.chance_of_end is not None:
            ends = [quantity.chance_of_end] if isinstance(quantity.chance_of_end, str) else quantity.chance_of_end
            return [(of_ends(game, ends, until=until, pinned=pinned), ())]
        assert quantity.chance_of_state is not None
        bound = bind(quantity.chance_of_state, state_scope(game.canonical), expected=Boolean())
        return [(of_state(game, condition_of(game, bound), until=until, pinned=pinned), ())]

    def run(self) -> None:
        """Do the sweeps for everything prepared."""
        for world in self.worlds.values():
            world.run()

    # -- values ----------------------------------------------------------------------------------------------------------------

    def value(self, quantity: Quantity) -> Measured:
        """Return a quantity. Raises SolveError when it is not defined (an option that is not on the menu, an end that never comes)."""
        if quantity.difference is not None:
            one, two = quantity.difference
            return self.value(one) - self.value(two)
        if quantity.record_bits is not None:
            plain = total(step.bits_within for step in self._told(quantity, quantity.record_bits))
        elif quantity.record_shift is not None:
            plain = self._record_shift(quantity, quantity.record_shift)
        elif self._is_functional(quantity):
            plain = self._functional_value(quantity)
        elif quantity.motive is not None:
            places = places_of(self.base.game.canonical, quantity)
            return total(request.result for request in self.pending[_key(quantity)]).scaled(1 / len(places))
        else:
            solved = self.world(quantity).solved
            places = places_of(solved.game.canonical, quantity)
            return total(self._at_point(quantity, solved, place) for place in places).scaled(1 / len(places))
        return plain.through(log_odds, 0.0, 1.0) if quantity.scale == "log_odds" else plain

    def _functional_value(self, quantity: Quantity) -> Measured:
        solved = self.world(quantity).solved
        requests = self.pending[_key(quantity)]
        places = places_of(solved.game.canonical, quantity)
        per_place = len(requests) // len(places)
        values = []
        for i, place in enumerate(places):
            group = requests[i * per_place : (i + 1) * per_place]
            if quantity.value is None or len(group) == 1:
                values.append(group[0].result)
            else:
                player = solved.game.player_index[quantity.value]
                prior = solved.beliefs(self.belief(solved, place))[quantity.value]
                kinds = solved.game.canonical.players[player].types
                values.append(total(r.result.scaled(prior[kinds[r.types[0][1]]]) for r in group))
        return total(values).scaled(1 / len(values))

    def _record_shift(self, quantity: Quantity, shift: Shift) -> Measured:
        """Return by how much the moves that the record tells raised the belief in a type."""
        game = self.world(quantity).solved.game
        about = game.player_index[shift.about]
        kind = game.canonical.players[about].types.index(shift.type)
        return total(step.moved(game, about, kind) for step in self._told(quantity, shift))

    def _told(self, quantity: Quantity, what: Bits | Shift) -> list[Step]:
        """Return the steps about a player that the record tells, by one move or by any."""
        if self.trail is None:
            raise SolveError("the claim asks what the record revealed, but no record was given")
        trail = self.trail if not quantity.parameters else self._replayed(quantity)
        steps = [step for step in trail.steps if step.player == what.about and (what.move is None or step.move == what.move) and not step.silent]
        if not steps:
            raise SolveError(f"the record never tells {what.move or 'a move'} of {what.about}")
        return steps

    def _replayed(self, quantity: Quantity) -> Trail:
        """Return the record replayed in the world that a quantity speaks of."""
        assert self.trail is not None
        world = self.world(quantity)
        if world.trail is None:
            world.trail = replay(world.solved, self.trail.record, whole=self.trail.whole)
        return world.trail

    def _at_point(self, quantity: Quantity, solved: Equilibrium, place: Place) -> Measured:
        game = solved.game
        node, x = self._turn(game, place), self.belief(solved, place)
        key = id(solved), node, x.tobytes()
        if key not in self.chosen:
            self.chosen[key] = Chosen(solved, node, x)
        menu = _menu(game, node)
        player = int(game.arrays.owner[node])

        def read(probe: Probe) -> float:
            about = self._belief_about(solved, player, probe.x)
            if quantity.choice is not None:
                return self._choice(quantity, menu, probe.policy, about, game, player)
            assert quantity.bits is not None
            return self._bits(quantity.bits, game, node, probe, about)

        found = Measured(*self.chosen[key].measure(read))
        other = self.other(solved, place)
        if other is None or self.chosen[key].exactly is not None:
            return found
        return Measured(found.value, found.bound + FACTOR * abs(read(solved.probe(node, other)) - found.value))

    def _belief_about(self, solved: Equilibrium, player: int, x: np.ndarray) -> np.ndarray:
        name = solved.game.canonical.players[player].name
        return np.array(list(solved.beliefs(x).get(name, {"public": 1.0}).values()))

    def _turn(self, game: Game, place: Place) -> int:
        """Return the node of the turn of a point, which may be taken at once with the one that begins there; refuse where it does not happen."""
        head = self.node(game, place.root)
        node = game.structure.member_at(head, f"turn:{place.root.turn}")
        if node is None:
            kind = game.structure.kind[head]
            what = "the game is over" if kind == END else "others move" if kind == DECISION else "nobody moves"
            raise SolveError(f"at the turn {place.root.turn} of period {place.root.period} in that state {what}")
        return node

    def _choice(self, quantity: Quantity, menu: list[str], policy: np.ndarray, belief: np.ndarray, game: Game, player: int) -> float:
        weights = belief if quantity.type is None else np.eye(len(belief))[game.canonical.players[player].types.index(quantity.type)]
        p = float(weights @ policy[:, _on_menu(menu, quantity.choice)])
        if quantity.against is not None:
            other = float(weights @ policy[:, _on_menu(menu, quantity.against)])
            return float(np.log(max(p, 1e-300)) - np.log(max(other, 1e-300))) if quantity.scale == "log_odds" else p / (p + other)
        return log_odds(p) if quantity.scale == "log_odds" else p

    def _bits(self, bits: Bits, game: Game, node: int, probe: Any, belief: np.ndarray) -> float:
        first = int(game.arrays.observation_start[node])
        labels = [game.structure.address(first + y) for y in range(len(probe.likelihood))]
        if game.canonical.players[int(game.arrays.owner[node])].name != bits.about:
            return 0.0  # a move speaks of its author only
        total = 0.0
        for y, label in enumerate(labels):
            chance = float(probe.likelihood[y] @ belief)
            if chance <= 0.0:
                continue
            posterior = belief * probe.likelihood[y] / chance
            with np.errstate(divide="ignore", invalid="ignore"):
                kl = float(np.where(posterior > 0, posterior * np.log2(posterior / belief), 0.0).sum())
            if label == bits.move:
                return kl
            total += chance * kl
        if bits.move is not None:
            raise SolveError(f"{bits.move} cannot be seen at that point; it is one of {', '.join(labels)}")
        return total

    def _prepare_motive(self, quantity: Quantity, motive: Motive, place: Place) -> None:
        """Ask for precision times the difference that components make between two options, by type of the mover."""
        world = self.world(quantity)
        solved, game, g = world.solved, world.solved.game, world.solved.game.arrays
        node, x = self._turn(game, place), self.belief(solved, place)
        menu = _menu(game, node)
        one, two = _on_menu(menu, motive.option), _on_menu(menu, motive.against)
        player = int(g.owner[node])
        belief = self._belief_about(solved, player, x)
        view = solved.rooted(node, x)
        options = Options(view, node, x)
        acted = np.full(len(game.structure.option), -1, dtype=np.int8)
        for kind, name in enumerate(game.canonical.players[player].types):
            weight = float(belief[kind]) if motive.type is None else float(name == motive.type)
            if weight == 0.0:
                continue
            functional = of_components(game, player, kind, motive.components, ())
            request = _Request(functional, acted, view, Here(node, x), place.root.period, ((player, kind),))

            def read(at: Callable[[Here], Measured], functional: Functional = functional, kind: int = kind, weight: float = weight) -> Measured:
                return options.between(functional, kind, at, one, two).scaled(weight * float(g.precision[node]))

            request.read = read
            world.requests.append(request)
            self.pending[_key(quantity)].append(request)


def _menu(game: Game, node: int) -> list[str]:
    rows = range(int(game.arrays.option_start[node]), int(game.arrays.option_start[node + 1]))
    return [game.option_address(row) for row in rows]


def _on_menu(menu: list[str], move: str | None) -> int:
    if move not in menu:
        raise SolveError(f"{move} is not on the menu at that point; it offers {', '.join(menu)}")
    return menu.index(move)


def log_odds(p: float) -> float:
    """Return log(p / (1 - p)); probabilities within 1e-12 of 0 or 1 count as that far away."""
    p = min(max(p, _TINY), 1.0 - _TINY)
    return float(np.log(p) - np.log1p(-p))


def _key(quantity: Quantity) -> str:
    return quantity.model_dump_json()
