"""The shape of a game: its public states, who moves where, what can be seen and where it leads.

`explore` enumerates the reachable public states step by step, all states of a step at once. A *node* is a public state at a step of a
period, and one of four kinds:

- DECISION: the turn's player chooses an option; everybody then sees an *observation* (the open option itself, or a signal).
- CHANCE: an event, or the outcomes after a move; each outcome is an observation. Its `owner` is the player on whose type the chances depend.
- CLOSE: the end of a period, where flows are paid and discounting happens; one observation leads on.
- END: the game is over. Where a payoff there depends on the type of another, CHANCE nodes before it bring that type out, unseen by the
  record.

Turns taken at once are decision nodes one after the other: the first is their *head*, and those of the others follow on each of its
observations, but choose as at the head (`Structure.head`). In an open-ended game CLOSE leads back to the first step.

Nodes are numbered so that observations, but for those of CLOSE in an open-ended game, lead to higher numbers only; `layers` cuts them into runs
that do not lead to each other. Nothing
here depends on payoffs or probabilities, so one structure serves every world whose parameters do not enter `when`, `set` or `start`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from standoff.errors import BuildError, GameTooLargeError
from standoff.expressions import Bound
from standoff.game.agenda import Agendas
from standoff.scenario.canonical import Canonical, ChangeSpec, EffectSpec, EventSpec, LaterSpec, TurnSpec
from standoff.text import brief

DECISION, CHANCE, CLOSE, END = 0, 1, 2, 3

MAX_NODES = 1_000_000
"""Exploration stops here: with a few types a million nodes take gigabytes and many minutes on a modest belief grid."""

_MET = -(2**40)
"""Sources from here down are states that were met at a step of an open-ended game."""

NODE_SECONDS = 2e-6
"""Rough cost of a node at one belief on one core; used for estimates only."""


@dataclass(frozen=True)
class Root:
    """A public state from which a quantity is measured: the start of a turn (or of the period's first step) in a declared state."""

    period: int = 0
    turn: str | None = None
    state: tuple[tuple[str, int], ...] = ()
    """Variable and code; the rest as at the start."""


@dataclass(frozen=True)
class Structure:
    """The nodes of a game in flat arrays. `n` nodes, `o` options, `e` observations, `v` variables (declared, then hidden)."""

    canonical: Canonical
    kind: np.ndarray  # (n,)
    period: np.ndarray  # (n,)
    owner: np.ndarray  # (n,) player whose type matters; -1 for none
    place: np.ndarray  # (n,) index into `places`
    state: np.ndarray  # (n, v) codes
    option_start: np.ndarray  # (n+1,)
    option: np.ndarray  # (o,) index of the option within its turn
    observation_start: np.ndarray  # (n+1,)
    target: np.ndarray  # (e,) node
    label: np.ndarray  # (e,) index into `addresses`, -1 for none
    layers: np.ndarray  # (layers+1,) first node of each layer
    head: np.ndarray  # (n,) node at whose state and belief the choice is made: the node itself, but for turns taken at once
    roots: np.ndarray  # node of each root asked for
    places: tuple[str, ...]
    """What happens at a node: `turn:NAME`, `chance:ADDRESS`, `event:NAME`, `close`, `reveal:END/PLAYER`, `end:NAME`."""
    addresses: tuple[str, ...]
    """Addresses of observations."""
    variables: tuple[str, ...]
    revealed: Mapping[str, int]
    """Column of `state` that holds the type of a player once it is out, counted from 1."""

    def __repr__(self) -> str:
        return brief(self, self.canonical.name, f"{self.n_nodes:,} nodes")

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.kind)

    @cached_property
    def at_once(self) -> bool:
        """Whether several players ever move at the same moment."""
        return bool((self.head != np.arange(self.n_nodes)).any())

    @cached_property
    def together(self) -> np.ndarray:
        """Whether a node's choice is made at the same moment as another, shape (n,)."""
        joins = self.head != np.arange(self.n_nodes)
        joins[self.head[joins]] = True
        return np.asarray(joins)

    @cached_property
    def heads(self) -> np.ndarray:
        """The first nodes of turns taken at once."""
        return np.asarray(np.flatnonzero(self.together & (self.head == np.arange(self.n_nodes))))

    @cached_property
    def before(self) -> tuple[np.ndarray, np.ndarray]:
        """At nodes whose choice is made as at an earlier one: the node before, and its option that leads here; else -1; shapes (n,)."""
        source = np.repeat(np.arange(self.n_nodes), np.diff(self.observation_start))
        option = np.arange(len(self.target)) - self.observation_start[source]
        joins = (self.head[self.target] == self.head[source]) & (self.target != self.head[source])
        found = np.full((2, self.n_nodes), -1, dtype=np.int64)
        found[:, self.target[joins]] = source[joins], option[joins]
        return found[0], found[1]

    @cached_property
    def reveals(self) -> np.ndarray:
        """Whether a node is chance only in that a type comes out there, shape (n,)."""
        return np.isin(self.place, [i for i, place in enumerate(self.places) if place.startswith("reveal:")])

    def members(self, node: int) -> list[int]:
        """Return a node of each of those who choose at the same moment as a decision node, in the order of their turns; itself if alone."""
        head = int(self.head[node])
        found = [head]
        while self.together[head]:
            following = int(self.target[self.observation_start[found[-1]]])
            if self.head[following] != head or following == head:
                break
            found.append(following)
        return found

    def member_at(self, node: int, place: str) -> int | None:
        """Return the node of a place among those that `members` returns; None where it is none of them."""
        return next((one for one in self.members(node) if self.places[self.place[one]] == place), None)

    def position(self, node: int) -> int:
        """Return how many of those who choose at the same moment come before a node in the order of turns."""
        return [int(self.place[one]) for one in self.members(node)].index(int(self.place[node]))

    @property
    def open_ended(self) -> bool:
        """Whether the game goes on without end."""
        return self.canonical.calendar.open_ended

    def nodes_at(self, place: str) -> np.ndarray:
        """Return the nodes of a place."""
        if place not in self.places:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(self.place == self.places.index(place))

    def address(self, observation: int) -> str:
        """Return the address of an observation, empty where nothing is seen."""
        label = self.label[observation]
        return self.addresses[label] if label >= 0 else ""

    def labels(self, node: int) -> dict[str, Any]:
        """Return the declared state variables of a node with their values in words."""
        specs = self.canonical.variables
        return {spec.name: spec.values[self.state[node, i]] for i, spec in enumerate(specs)}


def decode(spec_values: tuple[Any, ...], codes: np.ndarray) -> np.ndarray:
    """Return a variable as expressions want it: numbers and booleans as themselves, labels as codes."""
    if all(isinstance(value, bool) for value in spec_values):
        return np.asarray(np.array(spec_values, dtype=bool)[codes])
    if all(isinstance(value, int) for value in spec_values):
        return np.asarray(np.array(spec_values, dtype=float)[codes])
    return codes


def environment(canonical: Canonical, state: np.ndarray, period: np.ndarray | int, parameters: Mapping[str, float]) -> dict[str, Any]:
    """Return the names that expressions may use at these states (rows), derived quantities included."""
    env: dict[str, Any] = dict(parameters)
    env["period"] = np.broadcast_to(np.asarray(period), (len(state),))
    for i, spec in enumerate(canonical.variables):
        env[spec.name] = decode(spec.values, state[:, i])
    for name, bound in canonical.derived.items():
        env[name] = np.broadcast_to(np.asarray(bound.evaluate(env)), (len(state),))
    return env


def truth(bound: Bound, env: Mapping[str, Any], n: int) -> np.ndarray:
    """Evaluate a condition on `n` states."""
    return np.broadcast_to(np.asarray(bound.evaluate(env), dtype=bool), (n,))


def structural_names(canonical: Canonical) -> frozenset[str]:
    """Return the parameters on which the structure depends."""
    bounds: list[Bound] = [turn.when for turn in canonical.turns] + [event.when for event in canonical.events]
    bounds += [end.when for end in canonical.ends if end.when is not None]
    for change in changes(canonical):
        bounds += [bound for _, bound in change.sets]
        if change.later is not None:
            bounds += [bound for _, bound in change.later.sets]
    bounds += [option.when for turn in canonical.turns for option in turn.options]
    used = set().union(*(bound.names for bound in bounds))
    # Derived quantities use only those before them, so one pass backwards reaches everything behind the names in use.
    for name, bound in reversed(list(canonical.derived.items())):
        if name in used:
            used |= bound.names
    return frozenset(used) & {parameter.name for parameter in canonical.parameters}


def effects(canonical: Canonical) -> list[tuple[str, EffectSpec]]:
    """Return every effect with the address of the move or event that has it."""
    found = []
    for turn in canonical.turns:
        found += [(f"{turn.player}.{option.name}", option.effect) for option in turn.options]
        found += [(f"{turn.player}.{name}", effect) for name, effect in turn.signals.items()]
    found += [(event.name, event.effect) for event in canonical.events]
    return found


def changes(canonical: Canonical) -> list[ChangeSpec]:
    """Return every change that anything makes to the state."""
    found = []
    for _, effect in effects(canonical):
        found.append(effect.change)
        found += [outcome.change for outcome in effect.outcomes]
    return found


@dataclass
class _Arrivals:
    """States that reach a step, with the observations (or roots, as -1-root) that lead there."""

    states: list[np.ndarray] = field(default_factory=list)
    sources: list[np.ndarray] = field(default_factory=list)

    def add(self, states: np.ndarray, sources: np.ndarray) -> None:
        if len(states):
            self.states.append(states)
            self.sources.append(sources)

    def unique(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return distinct states, the sources, and for each source the row of its state."""
        states, sources = np.concatenate(self.states), np.concatenate(self.sources)
        if (states == states[0]).all():
            # So it is at most steps of long games of few states, where sorting would take most of the time.
            return states[:1], sources, np.zeros(len(states), dtype=np.int64)
        distinct, row = np.unique(states, axis=0, return_inverse=True)
        return distinct, sources, row.reshape(-1)


class _Explorer:
    """Builds the structure step by step."""

    def __init__(self, canonical: Canonical, parameters: Mapping[str, float], roots: Sequence[Root], max_nodes: int) -> None:
        self.canonical = canonical
        self.parameters = dict(parameters)
        self.max_nodes = max_nodes
        self.roots = roots
        self.calendar = canonical.calendar
        self.n_declared = len(canonical.variables)
        self.index = {spec.name: i for i, spec in enumerate(canonical.variables)}
        all_changes = changes(canonical)
        laters = [change.later for change in all_changes if change.later is not None]
        self.agendas = Agendas(laters, self.parameters)
        self.agenda_column = self.n_declared
        specs: list[ChangeSpec | LaterSpec] = [*all_changes, *laters]
        frozen = sorted({self.index[name] for spec in specs if spec.irreversible for name, _ in spec.sets})
        hidden = self.n_declared + bool(laters)
        self.frozen_column = {variable: hidden + i for i, variable in enumerate(frozen)}
        self.players = {player.name: i for i, player in enumerate(canonical.players)}
        hidden += len(frozen)
        self.reveals = {end.name: canonical.reveals(end.name) for end in canonical.ends}
        out = [player for player in self.players if any(player in reveal for reveal in self.reveals.values())]
        self.revealed = {player: hidden + i for i, player in enumerate(out)}
        self.n_variables = hidden + len(out)
        self.n_met = 0
        self.blocks: list[dict[str, np.ndarray]] = []
        self.n_nodes = 0
        self.n_observations = 0
        self.links: list[tuple[np.ndarray, np.ndarray]] = []
        self.places: dict[str, int] = {}
        self.addresses: dict[str, int] = {}
        self.layers = [0]
        starts = [event for event in canonical.events if event.at_start]
        ends = [event for event in canonical.events if not event.at_start]
        self.steps: list[EventSpec | list[TurnSpec] | None] = [*starts, *_moments(canonical.turns), *ends, None]

    # -- states ---------------------------------------------------------------------------------------------------------------

    def env(self, states: np.ndarray, period: int) -> dict[str, Any]:
        return environment(self.canonical, states, period, self.parameters)

    def start_state(self) -> np.ndarray:
        state = np.zeros((1, self.n_variables), dtype=np.int64)
        state[0, : self.n_declared] = [spec.start for spec in self.canonical.variables]
        return state

    def encode(self, variable: int, bound: Bound, period: int, states: np.ndarray, where: str) -> np.ndarray:
        """Return the codes of the values that an expression has, refusing what is not among the variable's values."""
        spec = self.canonical.variables[variable]
        values = np.broadcast_to(np.asarray(bound.evaluate(self.env(states, period))), (len(states),))
        domain = decode(spec.values, np.arange(len(spec.values)))
        codes = np.full(len(values), -1, dtype=np.int64)
        for code, value in enumerate(domain):
            codes[values == value] = code
        if (codes < 0).any():
            row = int(np.argmax(codes < 0))
            state = {name.name: name.values[states[row, i]] for i, name in enumerate(self.canonical.variables)}
            raise BuildError(
                bound.at(
                    f"{where} sets {spec.name} to {values[row]}, which is not among its values {list(spec.values)}; the state is {state}. "
                    "Keep the expression inside the values (for example with min or max), or add the value."
                )
            )
        return codes

    def apply(self, states: np.ndarray, change: ChangeSpec | LaterSpec, period: int, where: str) -> tuple[np.ndarray, np.ndarray]:
        """Apply assignments in order, each of which sees what those before it have done, and make them irreversible where they are.

        Also returns where one would alter a frozen variable, which keeps its value.
        """
        result = states.copy()
        blocked = np.zeros(len(states), dtype=bool)
        for name, bound in change.sets:
            variable = self.index[name]
            codes = self.encode(variable, bound, period, result, where)
            held = self.is_frozen(states, variable) & (codes != states[:, variable])
            result[:, variable] = np.where(held, states[:, variable], codes)
            blocked |= held
        if change.irreversible:
            for name, _ in change.sets:
                result[:, self.frozen_column[self.index[name]]] = 1
        return result, blocked

    def is_frozen(self, states: np.ndarray, variable: int) -> np.ndarray:
        """Tell where something irreversible has set a variable."""
        column = self.frozen_column.get(variable)
        return np.zeros(len(states), dtype=bool) if column is None else states[:, column] == 1

    def change(self, states: np.ndarray, change: ChangeSpec, period: int, where: str) -> tuple[np.ndarray, np.ndarray]:
        """Apply a change and order its delayed part; also return where it would alter a frozen variable, which keeps its value."""
        result, blocked = self.apply(states, change, period, where)
        if change.later is not None:
            wait = change.later.after if change.later.after is not None else (change.later.period or 0) - period
            if wait > 0:
                result[:, self.agenda_column] = self.agendas.ordered(result[:, self.agenda_column], change.later, wait)
        return result, blocked

    def open_period(self, states: np.ndarray, period: int) -> np.ndarray:
        """Reset variables, but for frozen ones; then let delayed effects that are due happen, in the order in which they were ordered."""
        result = states.copy()
        for i, spec in enumerate(self.canonical.variables):
            if spec.resets:
                result[:, i] = np.where(self.is_frozen(states, i), states[:, i], spec.start)
        if not self.agendas.laters:
            return result
        before = states[:, self.agenda_column]
        for number in np.unique(before).tolist():
            rows = before == number
            due, left = self.agendas.passed(number)
            result[rows, self.agenda_column] = left
            for later in due:
                result[rows], _ = self.apply(result[rows], later, period, later.key)
        return result

    # -- nodes ----------------------------------------------------------------------------------------------------------------

    def place(self, name: str) -> int:
        return self.places.setdefault(name, len(self.places))

    def address(self, name: str) -> int:
        return self.addresses.setdefault(name, len(self.addresses))

    def add_nodes(
        self,
        states: np.ndarray,
        kind: int,
        period: int,
        owner: int,
        place: str,
        options: np.ndarray,
        labels: np.ndarray,
        sources: np.ndarray,
        row: np.ndarray,
        head: np.ndarray | None = None,
    ) -> np.ndarray:
        """Add one node per state, linked from `sources`; `options` and `labels` are (n, ..) tables with -1 for absent.

        `head` is -1 for a node that is its own.

        Returns the observation numbers, shaped like `labels`, -1 for absent.
        """
        n = len(states)
        first = self.n_nodes
        present = labels != -1
        numbers = np.full(labels.shape, -1, dtype=np.int64)
        numbers[present] = self.n_observations + np.arange(int(present.sum()))
        self.blocks.append(
            {
                "kind": np.full(n, kind), "period": np.full(n, period), "owner": np.full(n, owner),
                "place": np.full(n, self.place(place)), "state": states,
                "n_options": (options != -1).sum(axis=1), "option": options[options != -1],
                "n_observations": present.sum(axis=1), "label": labels[present],
                "head": first + np.arange(n) if head is None else np.where(head < 0, first + np.arange(n), head),
            }
        )  # fmt: skip
        self.n_nodes += n
        self.n_observations += int(present.sum())
        self.links.append((sources, first + row))
        if self.n_nodes > self.max_nodes:
            self.refuse()
        return numbers

    def refuse(self) -> None:
        """Say how large the game would be."""
        n_nodes = self.n_nodes * self.calendar.n_periods // max(self.current_period, 1)
        columns = sum(len(player.types) for player in self.canonical.players)
        beliefs = 1 + 2 * (columns - len(self.canonical.players))  # of the smallest grid
        raise GameTooLargeError(
            f"the game has more than {self.max_nodes:,} nodes: {self.n_nodes:,} by period {self.current_period} of {self.calendar.n_periods}. In "
            f"all that is about {n_nodes:,} nodes; on the smallest grid of {beliefs} beliefs it would need {n_nodes * beliefs:,} points, "
            f"{8 * n_nodes * beliefs * columns / 2**30:,.1f} GB and {n_nodes * beliefs * NODE_SECONDS:,.0f} s or more. Use fewer state "
            "variables or values, or a longer step."
        )

    def cut(self) -> None:
        if self.layers[-1] != self.n_nodes:
            self.layers.append(self.n_nodes)

    def chance(self, arrivals: _Arrivals, effect: EffectSpec, place: str, address: str, period: int, onward: _Arrivals) -> None:
        """Add the chance nodes of an effect's outcomes."""
        if not arrivals.states:
            return
        states, sources, row = arrivals.unique()
        labels = np.tile([self.address(f"{address}/{outcome.name}") for outcome in effect.outcomes], (len(states), 1))
        owner = self.players[effect.subject] if effect.subject is not None else -1
        numbers = self.add_nodes(states, CHANCE, period, owner, place, np.full((len(states), 0), -1), labels, sources, row)
        for i, outcome in enumerate(effect.outcomes):
            after, _ = self.change(states, outcome.change, period, f"{address}/{outcome.name}")
            onward.add(after, numbers[:, i])

    def try_ends(
        self, states: np.ndarray, sources: np.ndarray, row: np.ndarray, period: int, final: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Take out the states in which the game has ended; return what goes on, with sources and rows."""
        open_ = np.ones(len(states), dtype=bool)
        env = self.env(states, period)
        env["time_is_up"] = np.full(len(states), final)
        for end in self.canonical.ends:
            if end.when is None:
                reached = open_.copy() if final else np.zeros(len(states), dtype=bool)
            else:
                reached = open_ & truth(end.when, env, len(states))
            if reached.any():
                keep = reached[row]
                renumber = np.cumsum(reached) - 1
                self.end(end.name, states[reached], sources[keep], renumber[row[keep]], period)
                open_ &= ~reached
        keep = open_[row]
        renumber = np.cumsum(open_) - 1
        return states[open_], sources[keep], renumber[row[keep]]

    def end(self, name: str, states: np.ndarray, sources: np.ndarray, row: np.ndarray, period: int) -> None:
        """Add the end nodes, after those that bring out the types on which payoffs depend."""
        for player in self.reveals[name]:
            kinds = len(self.canonical.player(player).types)
            none = np.full((len(states), 0), -1)
            unseen = np.full((len(states), kinds), -2)
            numbers = self.add_nodes(states, CHANCE, period, self.players[player], f"reveal:{name}/{player}", none, unseen, sources, row)
            self.cut()
            out = np.repeat(states, kinds, axis=0)
            out[:, self.revealed[player]] = np.tile(np.arange(1, kinds + 1), len(states))
            states, sources, row = out, numbers.reshape(-1), np.arange(len(out))
        none = np.full((len(states), 0), -1)
        self.add_nodes(states, END, period, -1, f"end:{name}", none, none, sources, row)

    def turns_at_once(self, turns: list[TurnSpec], states: np.ndarray, sources: np.ndarray, row: np.ndarray, period: int, onward: _Arrivals) -> None:
        """Add the decision nodes of turns taken at once: menus are those of the state that all of them see, effects come one after the other."""
        # One row per way to a node: the state that is seen, the state as it is by now, the head (-1: nobody has moved yet).
        seen, now, head = states, states, np.full(len(states), -1)
        for turn in turns:
            names = [f"{turn.player}.{option.name}" for option in turn.options]
            env = self.env(seen, period)
            happens = truth(turn.when, env, len(seen))
            available = np.stack([happens & truth(option.when, env, len(seen)) for option in turn.options], axis=1)
            for i, option in enumerate(turn.options):
                rows = np.flatnonzero(available[:, i])
                available[rows, i] = ~self.change(seen[rows], option.effect.change, period, names[i])[1]
            moves = np.asarray(available.any(axis=1))
            keep, renumber = moves[row], np.cumsum(moves) - 1
            labels = np.where(available[moves], [self.address(name) for name in names], -1)
            options = np.where(available[moves], np.arange(len(names)), -1)
            first = self.n_nodes
            numbers = self.add_nodes(
                now[moves], DECISION, period, self.players[turn.player], f"turn:{turn.name}", options, labels, sources[keep],
                renumber[row[keep]], head[moves],
            )  # fmt: skip
            self.cut()
            heads = np.where(head[moves] < 0, first + np.arange(int(moves.sum())), head[moves])
            # Those who did not move keep their sources; the others go on by one way each.
            rest = np.flatnonzero(~moves)
            back = np.full(len(moves), -1)
            back[rest] = np.arange(len(rest))
            next_seen, next_now, next_head = [seen[rest]], [now[rest]], [head[rest]]
            next_sources, next_row = [sources[~keep]], [back[row[~keep]]]
            count = len(rest)
            for i, option in enumerate(turn.options):
                rows = available[moves][:, i]
                after, _ = self.change(now[moves][rows], option.effect.change, period, names[i])
                next_seen.append(seen[moves][rows])
                next_now.append(after)
                next_head.append(heads[rows])
                next_sources.append(numbers[rows, i])
                next_row.append(count + np.arange(len(after)))
                count += len(after)
            seen, now, head = np.concatenate(next_seen), np.concatenate(next_now), np.concatenate(next_head)
            sources, row = np.concatenate(next_sources), np.concatenate(next_row)
        onward.add(now[row], sources)

    def turn_step(self, turn: TurnSpec, states: np.ndarray, sources: np.ndarray, row: np.ndarray, period: int, onward: _Arrivals) -> None:
        """Add the decision nodes of a turn; states in which it does not happen go on."""
        env = self.env(states, period)
        happens = truth(turn.when, env, len(states))
        n_options = len(turn.options)
        available = np.zeros((len(states), n_options), dtype=bool)
        results: list[np.ndarray | None] = []
        for i, option in enumerate(turn.options):
            available[:, i] = happens & truth(option.when, env, len(states))
            after = None
            if option.signals is None:
                rows = available[:, i]
                after = states.copy()
                if rows.any():
                    after[rows], blocked = self.change(states[rows], option.effect.change, period, f"{turn.player}.{option.name}")
                    available[np.flatnonzero(rows)[blocked], i] = False
            results.append(after)
        moves = np.asarray(available.any(axis=1))
        self.pass_on(states, sources, row, ~moves, onward)
        if not moves.any():
            return
        states, available = states[moves], available[moves]
        results = [after[moves] if after is not None else None for after in results]
        keep = moves[row]
        renumber = np.cumsum(moves) - 1
        covert = np.array([option.signals is not None for option in turn.options])
        labels = np.full((len(states), n_options + len(turn.signals)), -1, dtype=np.int64)
        for i, option in enumerate(turn.options):
            if not covert[i]:
                labels[available[:, i], i] = self.address(f"{turn.player}.{option.name}")
        hidden = (available & covert).any(axis=1)
        for j, signal in enumerate(turn.signals):
            labels[hidden, n_options + j] = self.address(f"{turn.player}.{signal}")
        options = np.where(available, np.arange(n_options), -1)
        numbers = self.add_nodes(
            states, DECISION, period, self.players[turn.player], f"turn:{turn.name}", options, labels, sources[keep], renumber[row[keep]]
        )
        self.cut()
        for i, option in enumerate(turn.options):
            after = results[i]
            if after is not None:
                rows = available[:, i]
                self.follow(after[rows], numbers[rows, i], option.effect, f"{turn.player}.{option.name}", period, onward)
        for j, (signal, effect) in enumerate(turn.signals.items()):
            if hidden.any():
                seen, _ = self.change(states[hidden], effect.change, period, f"{turn.player}.{signal}")
                self.follow(seen, numbers[hidden, n_options + j], effect, f"{turn.player}.{signal}", period, onward)

    def follow(self, states: np.ndarray, sources: np.ndarray, effect: EffectSpec, address: str, period: int, onward: _Arrivals) -> None:
        """Go on after a change: through its chance outcomes, if any."""
        if effect.outcomes:
            arrivals = _Arrivals()
            arrivals.add(states, sources)
            self.chance(arrivals, effect, f"chance:{address}", address, period, onward)
        else:
            onward.add(states, sources)

    def event_step(self, event: EventSpec, states: np.ndarray, sources: np.ndarray, row: np.ndarray, period: int, onward: _Arrivals) -> None:
        """Add the chance nodes of an event; states in which it does not happen go on."""
        happens = truth(event.when, self.env(states, period), len(states))
        self.pass_on(states, sources, row, ~happens, onward)
        keep = happens[row]
        arrivals = _Arrivals()
        arrivals.add(states[row[keep]], sources[keep])
        self.chance(arrivals, event.effect, f"event:{event.name}", event.name, period, onward)

    def pass_on(self, states: np.ndarray, sources: np.ndarray, row: np.ndarray, which: np.ndarray, onward: _Arrivals) -> None:
        keep = which[row]
        onward.add(states[row[keep]], sources[keep])

    def run(self) -> Structure:
        """Explore the whole game."""
        n_periods = self.calendar.n_periods
        arrivals = _Arrivals()
        late_roots: dict[tuple[int, int], list[tuple[np.ndarray, int]]] = {}
        for number, root in enumerate(self.roots):
            state = self.start_state()
            for name, code in root.state:
                state[0, self.index[name]] = code
            step = 0
            if root.turn is not None:
                step = next(i for i, s in enumerate(self.steps) if isinstance(s, list) and root.turn in [turn.name for turn in s])
            late_roots.setdefault((root.period, step), []).append((state, -1 - number))
        if self.calendar.open_ended:
            return self.run_on(late_roots)
        for period in range(n_periods):
            self.current_period = period
            if arrivals.states:
                arrivals.states = [self.open_period(states, period) for states in arrivals.states]
            for number in range(len(self.steps)):
                for state, source in late_roots.get((period, number), []):
                    arrivals.add(state, np.array([source]))
                if arrivals.states:
                    arrivals = self.step(number, *arrivals.unique(), period)
        self.try_ends(*arrivals.unique(), n_periods - 1, final=True) if arrivals.states else None
        self.cut()
        return self.assemble()

    def run_on(self, late_roots: Mapping[tuple[int, int], Sequence[tuple[np.ndarray, int]]]) -> Structure:
        """Explore an open-ended game until every state at every step has been met."""
        self.current_period = 0
        met: list[dict[bytes, int]] = [{} for _ in self.steps]
        arrivals = _Arrivals()
        waiting = dict(late_roots)
        while arrivals.states or waiting:
            if arrivals.states:
                arrivals.states = [self.open_period(states, 0) for states in arrivals.states]
            for number in range(len(self.steps)):
                for state, source in waiting.pop((0, number), []):
                    arrivals.add(state, np.array([source]))
                if not arrivals.states:
                    continue
                states, sources, row = arrivals.unique()
                # A state stands for all that arrive in it, now or later: sources lead to its number, from which they go on once.
                known = met[number]
                numbers = np.array([known.setdefault(state.tobytes(), _MET - self.n_met - i) for i, state in enumerate(states)])
                fresh = numbers <= _MET - self.n_met
                self.n_met += len(states)
                self.links.append((sources, numbers[row]))
                count = int(fresh.sum())
                arrivals = self.step(number, states[fresh], numbers[fresh], np.arange(count), 0) if count else _Arrivals()
        return _in_order(self.assemble())

    def step(self, number: int, states: np.ndarray, sources: np.ndarray, row: np.ndarray, period: int) -> _Arrivals:
        """Take one step of a period; return what goes on."""
        spec = self.steps[number]
        onward = _Arrivals()
        states, sources, row = self.try_ends(states, sources, row, period, final=False)
        self.cut()
        if len(states):
            if isinstance(spec, list):
                if len(spec) > 1:
                    self.turns_at_once(spec, states, sources, row, period, onward)
                else:
                    self.turn_step(spec[0], states, sources, row, period, onward)
            elif isinstance(spec, EventSpec):
                self.event_step(spec, states, sources, row, period, onward)
            else:
                none = np.full((len(states), 0), -1)
                # Label -2: an observation at which nothing is seen.
                numbers = self.add_nodes(states, CLOSE, period, -1, "close", none, np.full((len(states), 1), -2), sources, row)
                onward.add(states, numbers[:, 0])
        self.cut()
        return onward

    def assemble(self) -> Structure:
        """Join the blocks into flat arrays."""

        def join(name: str) -> np.ndarray:
            return np.concatenate([block[name] for block in self.blocks]).astype(np.int64)

        target = np.full(self.n_observations, -1, dtype=np.int64)
        roots = np.full(len(self.roots), -1, dtype=np.int64)
        # Where a link ends at a state that was met, not at a node, the node is found by following on.
        met = np.full(self.n_met, -1, dtype=np.int64)
        for sources, nodes in self.links:
            of_met = sources <= _MET
            met[_MET - sources[of_met]] = nodes[of_met]
        for sources, nodes in self.links:
            ends = nodes.copy()
            while (on := ends <= _MET).any():
                ends[on] = met[_MET - ends[on]]
            real, of_root = sources >= 0, (sources < 0) & (sources > _MET)
            target[sources[real]] = ends[real]
            roots[-1 - sources[of_root]] = ends[of_root]
        if (target < 0).any() or (roots < 0).any():
            raise BuildError("internal: some states were left without a node")
        label = join("label")
        return Structure(
            canonical=self.canonical,
            kind=join("kind"),
            period=join("period"),
            owner=join("owner"),
            place=join("place"),
            state=np.concatenate([block["state"] for block in self.blocks]),
            option_start=np.concatenate([[0], np.cumsum(join("n_options"))]).astype(np.int64),
            option=join("option"),
            observation_start=np.concatenate([[0], np.cumsum(join("n_observations"))]).astype(np.int64),
            target=target,
            label=np.where(label == -2, -1, label),
            layers=np.array(self.layers, dtype=np.int64),
            head=join("head"),
            roots=roots,
            places=tuple(self.places),
            addresses=tuple(self.addresses),
            variables=tuple(spec.name for spec in self.canonical.variables),
            revealed=self.revealed,
        )


def _moments(turns: Sequence[TurnSpec]) -> list[list[TurnSpec]]:
    """Group the turns that are taken at once."""
    groups: list[list[TurnSpec]] = []
    for turn in turns:
        if turn.at_once:
            groups[-1].append(turn)
        else:
            groups.append([turn])
    return groups


def _in_order(s: Structure) -> Structure:
    """Number the nodes so that observations lead to higher numbers, but for those that begin another period."""
    source = np.repeat(np.arange(s.n_nodes), np.diff(s.observation_start))
    within = s.kind[source] != CLOSE
    level = np.zeros(s.n_nodes, dtype=np.int64)
    while True:
        onward = level.copy()
        np.maximum.at(onward, s.target[within], level[source[within]] + 1)
        if (onward == level).all():
            break
        level = onward
    order = np.argsort(level, kind="stable")
    number = np.empty_like(order)
    number[order] = np.arange(len(order))

    def rows(start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        size = np.diff(start)[order]
        moved = np.concatenate([[0], np.cumsum(size)])
        return moved, np.repeat(start[order] - moved[:-1], size) + np.arange(int(moved[-1]))

    option_start, options = rows(s.option_start)
    observation_start, observations = rows(s.observation_start)
    return replace(
        s, kind=s.kind[order], period=s.period[order], owner=s.owner[order], place=s.place[order], state=s.state[order], head=number[s.head[order]],
        option_start=option_start, option=s.option[options], observation_start=observation_start, target=number[s.target[observations]],
        label=s.label[observations], layers=np.searchsorted(level[order], np.arange(int(level.max()) + 2)), roots=number[s.roots],
    )  # fmt: skip


def explore(canonical: Canonical, parameters: Mapping[str, float], roots: Sequence[Root] = (Root(),), max_nodes: int = MAX_NODES) -> Structure:
    """Enumerate the game from its start (root 0) and from any further roots.

    Raises BuildError when a `set` leaves a variable's values, GameTooLargeError past `max_nodes`.
    """
    return _Explorer(canonical, parameters, roots, max_nodes).run()
