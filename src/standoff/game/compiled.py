"""A game with its numbers: structure plus probabilities, payoffs, priors and precisions at one set of parameters.

Values have one *column* per player and type; `columns[i]` is the first column of player `i`, `C` their number. Payoffs are kept in three
tables with those columns: received at a node (flows at the end of a period, terminal values), with an option, with an observation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, NamedTuple, SupportsFloat

import numpy as np

from standoff.errors import BuildError, SolveError
from standoff.expressions import Bound
from standoff.game.structure import CHANCE, CLOSE, DECISION, END, Root, Structure, effects, environment, explore, structural_names
from standoff.names import unknown
from standoff.passed import passed
from standoff.scenario import Scenario, resolve
from standoff.scenario.canonical import Canonical, ComponentSpec, PlayerSpec
from standoff.text import brief

LARGEST_LOG_ODDS = 1e9
"""Beyond, rounding of the values alone would move log-odds by more than a ten-millionth."""

PROBABILITY_TOLERANCE = 1e-9
"""Probabilities may miss 0, 1 or their sum by this much, the rounding of expressions such as 1 - a - b."""


class Payoffs(NamedTuple):
    """Payoffs by column: `node` (n, C), `option` (o, C), `observation` (e, C)."""

    node: np.ndarray
    option: np.ndarray
    observation: np.ndarray


class Arrays(NamedTuple):
    """The game as the kernels want it. `n` nodes, `o` options, `e` observations."""

    kind: np.ndarray  # (n,)
    owner: np.ndarray  # (n,) player whose choice or type decides, -1 for none
    option_start: np.ndarray  # (n+1,)
    observation_start: np.ndarray  # (n+1,)
    target: np.ndarray  # (e,)
    is_open: np.ndarray  # (n,) every option is its own observation
    like_start: np.ndarray  # (n,) into `like`: option (1 for chance) x observation x type of the owner
    like: np.ndarray
    log_w: np.ndarray  # (o,)
    beta: np.ndarray  # (n,) discount from here to what follows
    precision: np.ndarray  # (n,) of the mover
    columns: np.ndarray  # (players+1,)
    head: np.ndarray  # (n,) node at whose belief the choice is made (`Structure.head`)
    tilt: np.ndarray  # (players, C) how much likelier than the common prior a player (row) holds a type (column) at first
    tilted: np.ndarray  # (players,) whether anybody's prior about this player is its own


@dataclass(frozen=True)
class Opening:
    """Opening beliefs where the record of another scenario left them."""

    source: str
    """Name of that scenario."""
    memory: float
    """Weight of the closing beliefs beside the declared priors."""
    priors: tuple[np.ndarray, ...]
    declared: tuple[np.ndarray, ...]
    closing: Mapping[str, Mapping[str, float]]
    """By player and type, for every player with a secret there."""
    log_likelihood: float
    """Of the whole record that left them, and of those before it."""
    others: tuple[np.ndarray, ...] = ()
    """The priors where every choice on the record's path is corrected by its estimated error."""
    slack: float = 0.0
    """How far the log-likelihood may be from that of exact play."""


@dataclass(frozen=True)
class Game:
    """One world of a scenario, ready to be solved."""

    structure: Structure
    parameters: Mapping[str, float]
    arrays: Arrays
    payoffs: Payoffs
    priors: tuple[np.ndarray, ...]
    """What is believed at the start about each player's types."""
    precisions: tuple[float, ...]
    opened: Opening | None = None
    """How the priors came about, where another scenario goes before."""

    def __repr__(self) -> str:
        return brief(self, self.canonical.name, f"{self.size()['decision_points']:,} decision points", f"{len(self.parameters)} parameters")

    def opening(self, opened: Opening) -> Game:
        """Return the game as it opens with other beliefs."""
        return replace(self, priors=opened.priors, opened=opened)

    @property
    def canonical(self) -> Canonical:
        """The scenario behind the game."""
        return self.structure.canonical

    @cached_property
    def n_types(self) -> tuple[int, ...]:
        """Number of types of each player."""
        return tuple(len(player.types) for player in self.canonical.players)

    @cached_property
    def player_index(self) -> dict[str, int]:
        """Position of each player."""
        return {player.name: i for i, player in enumerate(self.canonical.players)}

    def position(self, player: str) -> int:
        """Return the number of a player. Raises SolveError when nobody has that name."""
        if player not in self.player_index:
            raise SolveError(unknown("player", player, self.player_index))
        return self.player_index[player]

    @property
    def discount(self) -> float:
        """Weight of the next period beside this one."""
        return float(np.asarray(self.canonical.calendar.discount.evaluate(self.parameters)))

    def must_end(self, what: str) -> None:
        """Refuse, as a BuildError, what can only be done with a game that ends."""
        if self.structure.open_ended:
            raise BuildError(
                f"{what} needs a game that ends, and this one is open-ended: it can be solved, and read with `standoff solve`; "
                "give the clock a number of periods for the rest"
            )

    def size(self) -> dict[str, int]:
        """Return how large the game is; an open-ended game has no number of periods."""
        s = self.structure
        decisions = np.flatnonzero(s.kind == DECISION)
        # Turns taken at once have a node for each way to them, all of which are one decision.
        _, first = np.unique(np.stack([s.head, s.place])[:, decisions], axis=1, return_index=True)
        return {
            "decision_points": len(first),
            "chance_points": int(((s.kind == CHANCE) & ~s.reveals).sum()),
            "ends": int((s.kind == END).sum()),
            "nodes": s.n_nodes,
            "options": int(np.diff(s.option_start)[decisions[first]].sum()),
            "observations": len(s.target),
            "private_types": int(sum(k - 1 for k in self.n_types if k > 1)),
            **({} if s.open_ended else {"periods": self.canonical.calendar.n_periods}),
        }

    def option_address(self, option: int) -> str:
        """Return `player.option` of an option row."""
        return self.option_addresses[option]

    @cached_property
    def option_addresses(self) -> list[str]:
        """The address of every option row."""
        s = self.structure
        turns = {turn.name: turn for turn in self.canonical.turns}
        names = []
        for node in np.flatnonzero(s.kind == DECISION):
            turn = turns[s.places[s.place[node]].removeprefix("turn:")]
            rows = range(s.option_start[node], s.option_start[node + 1])
            names += [f"{turn.player}.{turn.options[s.option[row]].name}" for row in rows]
        return names

    def likelihoods(self, node: int) -> np.ndarray:
        """Return the chance of each observation after each option of a decision point by type of the mover, shape (A, Y, K)."""
        g = self.arrays
        n_options = int(g.option_start[node + 1] - g.option_start[node])
        n_obs = int(g.observation_start[node + 1] - g.observation_start[node])
        k = self.n_types[int(g.owner[node])]
        if g.is_open[node]:
            return np.repeat(np.eye(n_options)[:, :, None], k, axis=2)
        start = int(g.like_start[node])
        return np.asarray(g.like[start : start + n_options * n_obs * k].reshape(n_options, n_obs, k))

    def in_eyes_of(self, viewer: int, about: int, belief: np.ndarray) -> np.ndarray:
        """Return what a player believes about another where the common belief about it is this, shape (K,)."""
        first = int(self.arrays.columns[about])
        tilted = belief * self.arrays.tilt[viewer, first : first + len(belief)]
        return np.asarray(tilted / tilted.sum())

    @cached_property
    def option_node(self) -> np.ndarray:
        """Node of each option, shape (o,)."""
        s = self.structure
        return np.repeat(np.arange(s.n_nodes), np.diff(s.option_start))

    @cached_property
    def observation_node(self) -> np.ndarray:
        """Node of each observation, shape (e,)."""
        s = self.structure
        return np.repeat(np.arange(s.n_nodes), np.diff(s.observation_start))

    def options_at(self, address: str) -> np.ndarray:
        """Return the option rows of `player.option`."""
        return np.flatnonzero(np.array(self.option_addresses, dtype=object) == address)

    def component_payoffs(self, chosen: Sequence[tuple[int, str]]) -> Payoffs:
        """Return the payoffs of these components only, given as (player, component)."""
        wanted = set(chosen)
        return _payoffs(self.structure, self.parameters, lambda player, component: (player, component) in wanted)


def medians(canonical: Canonical) -> dict[str, float]:
    """Return every parameter at its prior median."""
    return {parameter.name: parameter.prior.median for parameter in canonical.parameters}


def build(
    scenario: Scenario | Canonical,
    parameters: Mapping[str, float] | None = None,
    *,
    roots: Sequence[Root] = (),
    structure: Structure | None = None,
) -> Game:
    """Build the game of a scenario at these parameters (prior medians for those not named).

    `roots` are further public states to include beside the start; `structure` is reused when it fits, as `structure_for` returns it.

    Raises BuildError for parameters that are not finite, probabilities outside [0, 1], values outside a variable's, propensities or precisions
    that are not positive, or a game without an end; GameTooLargeError when it is too large.

    >>> import standoff as so
    >>> game = so.build(so.load("repeated-signalling"))
    >>> game.size()["decision_points"]
    9
    """
    canonical = scenario if isinstance(scenario, Canonical) else resolve(passed("build", scenario, Scenario))
    values = medians(canonical)
    if not isinstance(parameters or {}, Mapping):
        raise BuildError(f'parameters are given by name, as in {{"{next(iter(values), "NAME")}": 1.5}}, not as {parameters!r}')
    for name, value in (parameters or {}).items():
        if name not in values:
            raise BuildError(unknown("parameter", name, values))
        if isinstance(value, str) or not isinstance(value, SupportsFloat) or not math.isfinite(value):
            raise BuildError(f"the parameter {name} is {value}; it must be a finite number")
        values[name] = float(value)
    if structure is None:
        structure = explore(canonical, values, (Root(), *roots))
    arrays, priors, precisions = _arrays(structure, values)
    payoffs = _payoffs(structure, values, lambda *_: True)
    _check_scale(canonical, arrays, payoffs, precisions)
    return Game(structure, values, arrays, payoffs, priors, precisions)


class StructureCache:
    """Structures of one scenario by the parameters that they depend on; most scenarios have a single one."""

    def __init__(self, canonical: Canonical, roots: Sequence[Root] = ()) -> None:
        self.canonical = canonical
        self.roots = tuple(roots)
        self.names = sorted(structural_names(canonical))
        self._found: dict[tuple[float, ...], Structure] = {}

    def build(self, parameters: Mapping[str, float]) -> Game:
        """Build the game at these parameters, exploring only when the shape is new."""
        values = medians(self.canonical) | dict(parameters)
        key = tuple(values[name] for name in self.names)
        if key not in self._found:
            if len(self._found) > 8:
                self._found.clear()
            self._found[key] = explore(self.canonical, values, (Root(), *self.roots))
        return build(self.canonical, values, structure=self._found[key])


def _check_scale(canonical: Canonical, arrays: Arrays, payoffs: Payoffs, precisions: Sequence[float]) -> None:
    """Refuse payoffs times precision beyond what the equations can be solved for in double precision."""
    for i, player in enumerate(canonical.players):
        own = slice(int(arrays.columns[i]), int(arrays.columns[i + 1]))
        largest = max(float(np.abs(table[:, own]).max(initial=0.0)) for table in (payoffs.node, payoffs.option, payoffs.observation))
        if precisions[i] * largest > LARGEST_LOG_ODDS:
            raise BuildError(
                f"the precision of {player.name} is {precisions[i]:.6g} and its largest payoff {largest:.6g}: one move would change log-odds "
                f"by {precisions[i] * largest:.3g}, and at most {LARGEST_LOG_ODDS:.0e} can be solved. Lower the precision, or use larger units"
            )


def _scalar(bound: Bound, parameters: Mapping[str, float]) -> float:
    return float(np.asarray(bound.evaluate(parameters)))


def _state_text(structure: Structure, node: int) -> str:
    state = ", ".join(f"{name} {value}" for name, value in structure.labels(node).items())
    return f"period {structure.period[node]}, {state or 'no state variables'}"


def _env(structure: Structure, nodes: np.ndarray, parameters: Mapping[str, float]) -> dict[str, Any]:
    env = environment(structure.canonical, structure.state[nodes], structure.period[nodes], parameters)
    # Where a type is not out yet nothing asks for it.
    return env | {f"type({player})": structure.state[nodes, column] - 1 for player, column in structure.revealed.items()}


def _on(bound: Bound, env: Mapping[str, Any], n: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(bound.evaluate(env), dtype=float), (n,))


def _chances(
    bounds: Sequence[Bound | None], structure: Structure, nodes: np.ndarray, parameters: Mapping[str, float], subject: PlayerSpec | None, where: str
) -> np.ndarray:
    """Evaluate probabilities, filling in the rest; shape (nodes, outcomes, types of the subject)."""
    env = _env(structure, nodes, parameters)
    n_types = len(subject.types) if subject is not None else 1
    table = np.zeros((len(nodes), len(bounds), n_types))
    for k in range(n_types):
        if subject is not None:
            env[f"type({subject.name})"] = np.full(len(nodes), k)
        for j, bound in enumerate(bounds):
            if bound is not None:
                table[:, j, k] = _on(bound, env, len(nodes))
        for j, bound in enumerate(bounds):
            if bound is None:
                table[:, j, k] = 1.0 - table[:, :, k].sum(axis=1)
    wrong = ((table < -PROBABILITY_TOLERANCE) | (table > 1 + PROBABILITY_TOLERANCE)).any(axis=1)
    total = table.sum(axis=1)
    wrong |= np.abs(total - 1) > PROBABILITY_TOLERANCE
    if wrong.any():
        row, k = (int(i) for i in np.argwhere(wrong)[0])
        shown = ", ".join(f"{p:.6g}" for p in table[row, :, k])
        kind = f" if {subject.name} is {subject.types[k]}" if subject is not None else ""
        first = next(bound for bound in bounds if bound is not None)
        raise BuildError(
            first.at(
                f"the probabilities of {where} are {shown} (sum {total[row, k]:.6g}){kind}, at {_state_text(structure, nodes[row])}; "
                "each must lie in [0, 1] and they must sum to 1 (one may be `rest`)"
            )
        )
    table = np.clip(table, 0.0, 1.0)
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _arrays(structure: Structure, parameters: Mapping[str, float]) -> tuple[Arrays, tuple[np.ndarray, ...], tuple[float, ...]]:
    """Evaluate everything but payoffs."""
    canonical = structure.canonical
    players = canonical.players
    n = structure.n_nodes
    is_open = np.ones(n, dtype=np.bool_)
    like_start = np.zeros(n, dtype=np.int64)
    likes: list[np.ndarray] = []
    filled = 0
    log_w = np.zeros(len(structure.option))
    beta = np.ones(n)
    precision = np.zeros(n)

    def store(nodes: np.ndarray, table: np.ndarray) -> None:
        """Append one block (options, observations, types) per node."""
        nonlocal filled
        size = int(np.prod(table.shape[1:]))
        is_open[nodes] = False
        like_start[nodes] = filled + size * np.arange(len(nodes))
        likes.append(table.reshape(-1))
        filled += size * len(nodes)

    for name in structure.revealed:
        kinds = len(canonical.player(name).types)
        for end in canonical.ends:
            nodes = structure.nodes_at(f"reveal:{end.name}/{name}")
            if len(nodes):
                store(nodes, np.broadcast_to(np.eye(kinds), (len(nodes), 1, kinds, kinds)))

    for address, effect in effects(canonical):
        if not effect.outcomes:
            continue
        nodes = np.concatenate([structure.nodes_at(f"chance:{address}"), structure.nodes_at(f"event:{address}")]).astype(np.int64)
        if len(nodes):
            subject = canonical.player(effect.subject) if effect.subject is not None else None
            chances = _chances([outcome.chance for outcome in effect.outcomes], structure, nodes, parameters, subject, address)
            store(nodes, chances[:, None])

    for turn in canonical.turns:
        nodes = structure.nodes_at(f"turn:{turn.name}")
        if not len(nodes):
            continue
        mover = canonical.player(turn.player)
        # Turns taken at once see the state at their head.
        env = _env(structure, structure.head[nodes], parameters)
        weights = np.stack([_on(option.propensity, env, len(nodes)) for option in turn.options], axis=1)
        available = np.zeros((len(nodes), len(turn.options)), dtype=bool)
        counts = np.diff(structure.option_start)[nodes]
        rows = np.concatenate([np.arange(structure.option_start[node], structure.option_start[node + 1]) for node in nodes])
        which = np.repeat(np.arange(len(nodes)), counts)
        available[which, structure.option[rows]] = True
        used = weights[which, structure.option[rows]]
        if not (np.isfinite(used) & (used > 0)).all():
            bad = int(np.argmax(~(np.isfinite(used) & (used > 0))))
            option = turn.options[structure.option[rows[bad]]]
            raise BuildError(
                option.propensity.at(
                    f"the propensity of {turn.player}.{option.name} is {used[bad]:.6g} at {_state_text(structure, nodes[which[bad]])}; it must be "
                    "above 0 (to take an option off the menu, use `when`)"
                )
            )
        log_w[rows] = np.log(used)
        if any(option.signals is not None for option in turn.options):
            _store_signals(turn, mover, structure, nodes, available, parameters, store)

    discount = _scalar(canonical.calendar.discount, parameters)
    if not 0.0 < discount <= 1.0:
        raise BuildError(canonical.calendar.discount.at(f"clock.discount is {discount:.6g}; it must be above 0 and at most 1"))
    if structure.open_ended and discount >= 1.0:
        raise BuildError(f"clock.discount is {discount:.6g} in an open-ended game, whose payoffs would add up to infinity; it must be below 1")
    closing = structure.kind == CLOSE
    beta[closing & (structure.open_ended | (structure.period < canonical.calendar.n_periods - 1))] = discount
    precisions = []
    for i, player in enumerate(players):
        value = _scalar(player.precision, parameters)
        if not (np.isfinite(value) and value >= 0.0):
            raise BuildError(player.precision.at(f"the precision of {player.name} is {value:.6g}; it must be a number, 0 or more"))
        precisions.append(value)
        own = (structure.kind == DECISION) & (structure.owner == i)
        precision[own] = value * (discount ** structure.period[own] if canonical.calendar.present else 1.0)
    priors = tuple(_prior(player.name, player, player.priors, parameters) for player in players)
    tilt = _tilt(players, priors, parameters)
    columns = np.concatenate([[0], np.cumsum([len(player.types) for player in players])]).astype(np.int64)
    arrays = Arrays(
        kind=structure.kind,
        owner=structure.owner,
        option_start=structure.option_start,
        observation_start=structure.observation_start,
        target=structure.target,
        is_open=is_open & (structure.kind == DECISION),
        like_start=like_start,
        like=np.concatenate(likes) if likes else np.zeros(1),
        log_w=log_w,
        beta=beta,
        precision=precision,
        columns=columns,
        head=structure.head,
        tilt=tilt,
        tilted=np.array([(tilt[:, first:last] != 1.0).any() for first, last in pairwise(columns)]),
    )
    return arrays, priors, tuple(precisions)


def _store_signals(turn, mover, structure, nodes, available, parameters, store) -> None:  # type: ignore[no-untyped-def]
    """Likelihoods of the observations of a turn with covert options, grouped by menu."""
    n_options, n_types = len(turn.options), len(mover.types)
    full = np.zeros((len(nodes), n_options, n_options + len(turn.signals), n_types))
    for a, option in enumerate(turn.options):
        if option.signals is None:
            full[:, a, a] = 1.0
            continue
        rows = np.flatnonzero(available[:, a])
        if len(rows):
            named = [option.signals.get(signal, 0.0) for signal in turn.signals]
            listed = [j for j, chance in enumerate(named) if not isinstance(chance, float)]
            where = f"the signals of {turn.player}.{option.name}"
            chances = _chances([named[j] for j in listed], structure, nodes[rows], parameters, mover, where)
            for position, j in enumerate(listed):
                full[rows, a, n_options + j] = chances[:, position]
    covert = np.array([option.signals is not None for option in turn.options])
    for menu in np.unique(available, axis=0):
        rows = np.flatnonzero((available == menu).all(axis=1))
        options = np.flatnonzero(menu)
        seen = [int(a) for a in options if not covert[a]]
        if covert[options].any():
            seen += list(range(n_options, n_options + len(turn.signals)))
            store(nodes[rows], full[np.ix_(rows, options, np.array(seen))])


def _tilt(players: Sequence[PlayerSpec], priors: Sequence[np.ndarray], parameters: Mapping[str, float]) -> np.ndarray:
    """Return each player's own prior about each type, divided by the common one; shape (players, C).

    All see the same, so Bayes' rule multiplies every belief about a player by the same likelihoods: the ratio of two beliefs stays what it was
    at first, up to a factor common to the types. One public belief therefore carries everybody's.
    """
    tilt = np.ones((len(players), sum(len(player.types) for player in players)))
    first = 0
    for player, prior in zip(players, priors, strict=True):
        for i, viewer in enumerate(players):
            if player.name not in viewer.believes:
                continue
            own = _prior(f"{player.name} in the eyes of {viewer.name}", player, viewer.believes[player.name], parameters)
            if ((own > 0.0) != (prior > 0.0)).any():
                row = int(np.argmax((own > 0.0) != (prior > 0.0)))
                kind, here, there = player.types[row], f"players.{viewer.name}.believes.{player.name}", f"players.{player.name}.types"
                excluding, allowing = (here, there) if own[row] == 0.0 else (there, here)
                raise BuildError(
                    f"{excluding} excludes the type {kind}, which {allowing} allows, so that what is seen could contradict one of them; give {kind} "
                    "a small probability in both, or 0 in both"
                )
            tilt[i, first : first + len(prior)] = np.divide(own, prior, out=np.zeros(len(prior)), where=prior > 0.0)
        first += len(prior)
    return tilt


def _prior(whose: str, player: PlayerSpec, given: Sequence[Bound | None], parameters: Mapping[str, float]) -> np.ndarray:
    """Return a prior over a player's types."""
    values = np.array([np.nan if bound is None else _scalar(bound, parameters) for bound in given])
    rest = np.isnan(values)
    values[rest] = 1.0 - np.nansum(values)
    if (values < -PROBABILITY_TOLERANCE).any() or abs(values.sum() - 1.0) > PROBABILITY_TOLERANCE:
        raise BuildError(
            f"the prior of {whose} is {dict(zip(player.types, values.round(6).tolist(), strict=True))}; probabilities lie in [0, 1] and sum to 1"
        )
    values = np.clip(values, 0.0, 1.0)
    return np.asarray(values / values.sum())


def _payoffs(structure: Structure, parameters: Mapping[str, float], wanted: Any) -> Payoffs:
    """Sum the wanted components' payoffs into the three tables."""
    canonical = structure.canonical
    n_columns = sum(len(player.types) for player in canonical.players)
    node = np.zeros((structure.n_nodes, n_columns))
    option = np.zeros((len(structure.option), n_columns))
    observation = np.zeros((len(structure.target), n_columns))
    option_node = np.repeat(np.arange(structure.n_nodes), np.diff(structure.option_start))
    observation_node = np.repeat(np.arange(structure.n_nodes), np.diff(structure.observation_start))
    option_rows = {
        f"{turn.player}.{spec.name}": (structure.place[option_node] == structure.places.index(f"turn:{turn.name}")) & (structure.option == a)
        for turn in canonical.turns
        if f"turn:{turn.name}" in structure.places
        for a, spec in enumerate(turn.options)
    }
    declared = {f"{turn.player}.{spec.name}" for turn in canonical.turns for spec in turn.options}

    def add(table: np.ndarray, rows: np.ndarray, nodes: np.ndarray, bound: Bound, player: PlayerSpec, column: int) -> None:
        if not len(rows):
            return
        env = _env(structure, nodes, parameters)
        for k in range(len(player.types)):
            env[f"type({player.name})"] = np.full(len(nodes), k)
            values = _on(bound, env, len(nodes))
            if not np.isfinite(values).all():
                raise BuildError(f"a payoff of {player.name} is not finite: {bound.text}")
            table[rows, column + k] += values

    column = 0
    for i, player in enumerate(canonical.players):
        for component in player.components:
            if wanted(i, component.name):
                _add_component(
                    component, player, column, structure, add, node, option, observation, option_rows, declared, option_node, observation_node
                )
        column += len(player.types)
    return Payoffs(node, option, observation)


def _add_component(  # type: ignore[no-untyped-def]
    component: ComponentSpec, player, column, structure, add, node, option, observation, option_rows, declared, option_node, observation_node
) -> None:
    """Add one component's payoffs."""
    if component.each_period is not None:
        rows = np.flatnonzero(structure.kind == CLOSE)
        add(node, rows, rows, component.each_period, player, column)
    for address, bound in component.on.items():
        if address in declared:
            rows = np.flatnonzero(option_rows[address]) if address in option_rows else np.zeros(0, dtype=np.int64)
            add(option, rows, option_node[rows], bound, player, column)
        elif address in structure.addresses:
            rows = np.flatnonzero(structure.label == structure.addresses.index(address))
            add(observation, rows, observation_node[rows], bound, player, column)
    for end, bound in component.ends.items():
        rows = structure.nodes_at(f"end:{end}")
        add(node, rows, rows, bound, player, column)
