"""A game as a tree of histories in Gambit's extensive form (.efg, version 2).

The tree begins with chance drawing everybody's types; then, for each of their profiles, it goes along the public histories that the exact engine
solves (`standoff.game.tree`). What the tree keeps of the equilibrium concept, and what it cannot:

- An information set of a mover is its own type and the public history at the moment of its choice. A covert option is followed by a chance node
  for the signal, and only the signal enters the history. The mover itself does not remember its own covert moves either: strategies depend
  on own type, public state and public belief only. Such a tree has imperfect recall, which Gambit accepts for agent quantal response.
- Payoffs are totals over the path, discounted to the start. Gambit's agent quantal response therefore acts on values discounted to the
  start (`discounting: present`).
- Gambit has one precision for all and no propensities. With `scaled`, payoffs are multiplied by each player's precision, so that its
  response at lambda 1 is this game's equilibrium; a game of which that is not true is refused.
- A choice of one option, a chance of one outcome and branches of probability zero are left out: histories without a chance are not written.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np

from standoff.errors import ExportError
from standoff.game import DECISION, Game
from standoff.game.tree import MAX_HISTORIES, choosers, count_histories, parents, unroll, way_to
from standoff.passed import passed
from standoff.text import visible

COUNT_CELLS = 4_000_000
"""Nodes times type profiles that are counted at a time, in 32 MB."""

DIGITS = 400
"""Of decimals in which sums of chances are exact."""

MAX_PLAYS = 200_000
"""Most terminal nodes that are written: Gambit reads about so many in a minute."""


@dataclass(frozen=True)
class InformationSet:
    """A choice in the tree: who chooses, as which type, after which public history.

    The exact solution of the game says what is chosen: `exact(game).at(history)[kind]`, in the order of the options.
    """

    player: int
    number: int
    """Counts the player's information sets from 1, in the order of the file."""
    kind: int
    """Type of the player."""
    history: int
    """Index into the tree of public histories (`standoff.game.tree.unroll`). Of those at which one chooses without knowing the moves that led from
    one to the other, made at the same moment, it is the first."""
    node: int
    """Of that history."""
    seen: tuple[str, ...]
    """Addresses of what the player has observed, in order."""
    name: str
    """Its label in the file, unique within the player."""


@dataclass(frozen=True)
class _Place:
    """A public history, the types, and what has been received; `option` is a move after which it is not yet drawn what is observed."""

    history: int
    types: tuple[int, ...]
    received: np.ndarray
    weight: float
    option: int = -1


def export(game: Game, path: str | Path, *, scaled: bool = False) -> Path:
    """Write a game as a Gambit extensive form and return the path.

    With `scaled` every player's payoffs are multiplied by its precision: agent quantal response at lambda 1 is then the equilibrium that
    `solve` finds. Without it payoffs are as they are.

    Raises BuildError for an open-ended game; ExportError for a suffix other than `.efg`, where players' priors differ, for a tree of more than
    200,000 terminal nodes or 2,000,000 public histories, and, with `scaled`, where propensities within a choice differ or precision acts on
    current values of discounted payoffs: no scale of payoffs can express these.

    >>> import tempfile
    >>> import standoff as so
    >>> from standoff.export import export
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     export(so.build(so.load("one-shot-threat")), f"{folder}/threat.efg").name
    'threat.efg'
    """
    game, path = passed("export", game, Game), Path(path)
    if path.suffix != ".efg":
        raise ExportError(f"{path.name}: the suffix says the format, and {path.suffix or 'no suffix'} is none that can be written; use .efg (Gambit)")
    _check_writable(game)
    if scaled:
        _check_scalable(game)
    _check_size(game)
    lines = _written(game, scaled).lines
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def information_sets(game: Game) -> list[InformationSet]:
    """Return the information sets of the tree in the order of the file. Raises BuildError and ExportError as `export` does."""
    _check_writable(game)
    _check_size(game)
    return list(_written(game, False).sets.values())


def _check_writable(game: Game) -> None:
    """Refuse a game that is no tree, or of which a tree with one prior would be another game."""
    game.must_end("writing the tree of histories")
    for player in game.canonical.players:
        for other in player.believes:
            raise ExportError(
                f"{player.name} has a prior of its own about {other} (players.{player.name}.believes), and a tree in this format has one prior for "
                "all; leave it out to export the game"
            )


def _check_scalable(game: Game) -> None:
    """Refuse a game whose behaviour no scale of payoffs turns into Gambit's."""
    g = game.arrays
    if game.discount < 1.0 and not game.canonical.calendar.present:
        raise ExportError(
            f"precision acts on current values and the discount is {game.discount:.6g}; on a tree it acts on values discounted to the start. "
            "Write `discounting: present` in the clock, or export without scaled"
        )
    for node in np.flatnonzero(np.diff(g.option_start) > 1):
        weights = g.log_w[g.option_start[node] : g.option_start[node + 1]]
        if np.ptp(weights) > 0.0:
            row = int(g.option_start[node] + np.argmax(np.abs(weights - weights[0])))
            raise ExportError(
                f"{game.option_address(row)} has propensity {np.exp(g.log_w[row]):.6g} beside {np.exp(weights[0]):.6g} in one choice "
                f"(period {game.structure.period[node]}); Gambit's quantal response has none. Export without scaled, or make propensities equal"
            )


def _check_size(game: Game) -> None:
    """Refuse a tree that is too large to be written, before it is unrolled."""
    plays = count_plays(game, MAX_PLAYS)
    if plays > MAX_PLAYS:
        raise ExportError(
            f"the tree of histories has at least {_shown(plays)} terminal nodes; at most {MAX_PLAYS:,} are written. Use fewer periods, types or moves"
        )
    histories = count_histories(game.structure)
    if histories > MAX_HISTORIES:
        raise ExportError(
            f"the game has {_shown(histories)} public histories, counting those without a chance; at most {MAX_HISTORIES:,} are listed. "
            "Use fewer periods, or leave out outcomes whose chance is 0"
        )


def count_plays(game: Game, enough: float = np.inf) -> float:
    """Return the number of terminal nodes of the tree, or one of those beyond `enough` as soon as it is known."""
    n_profiles = math.prod(int((prior > 0.0).sum()) for prior in game.priors)
    if n_profiles > enough:
        return float(n_profiles)
    profiles, plays = np.array(_profiles(game), dtype=np.int64), 0.0
    batch = max(COUNT_CELLS // game.structure.n_nodes, 1)
    for first in range(0, n_profiles, batch):
        plays += _plays_of(game, profiles[first : first + batch])
        if plays > enough:
            break
    return plays


def _plays_of(game: Game, profiles: np.ndarray) -> float:
    """Return the number of terminal nodes where the types are one of these profiles (rows)."""
    g = game.arrays
    count = np.ones((game.structure.n_nodes, len(profiles)))
    for node in range(game.structure.n_nodes - 1, -1, -1):
        first, last = g.observation_start[node], g.observation_start[node + 1]
        if first == last:
            continue
        owner = int(g.owner[node])
        kinds = game.n_types[owner] if owner >= 0 else 1
        ways = np.zeros((last - first, kinds))
        for option in range(max(int(g.option_start[node + 1] - g.option_start[node]), 1)):
            for kind in range(kinds):
                ways[:, kind] += _chances(game, node, option, kind) > 0.0
        count[node] = (ways[:, profiles[:, owner] if owner >= 0 else np.zeros(len(profiles), dtype=np.int64)] * count[g.target[first:last]]).sum(
            axis=0
        )
    return float(count[game.structure.roots[0]].sum())


def _profiles(game: Game) -> list[tuple[int, ...]]:
    """Return the type profiles that the prior allows."""
    return list(itertools.product(*(np.flatnonzero(prior > 0.0).tolist() for prior in game.priors)))


def _chances(game: Game, node: int, option: int, kind: int) -> np.ndarray:
    """Return the probability of each observation after an option (0 for chance) where the owner is of a type, shape (Y,)."""
    g = game.arrays
    n_obs = int(g.observation_start[node + 1] - g.observation_start[node])
    if g.is_open[node]:
        return np.asarray(np.eye(n_obs)[option])
    if n_obs == 1:
        return np.ones(1)
    owner = int(g.owner[node])
    n_types = game.n_types[owner] if owner >= 0 else 1
    start = int(g.like_start[node]) + option * n_obs * n_types + kind
    return np.asarray(g.like[start : start + n_obs * n_types : n_types])


def _written(game: Game, scaled: bool) -> _Writer:
    """Return a writer that has walked the tree in prefix order."""
    writer = _Writer(game, scaled)
    pending = list(reversed(writer.start()))
    while pending:
        pending.extend(reversed(writer.write(pending.pop())))
    return writer


class _Writer:
    """Writes one history after another; every step returns the histories that follow, in order."""

    def __init__(self, game: Game, scaled: bool) -> None:
        self.game = game
        self.tree = unroll(game.structure)
        self.parent = parents(self.tree)
        self.chooser = choosers(game.structure, self.tree.node, self.tree.child)
        # Whether something else could have been observed.
        self.tells = np.diff(game.structure.observation_start)[game.observation_node] > 1
        self.scale = np.array(game.precisions) if scaled else np.ones(len(game.n_types))
        canonical = game.canonical
        names = " ".join(_quoted(player.name) for player in canonical.players)
        note = "payoffs are multiplied by each player's precision" if scaled else "payoffs as in the scenario"
        title = _quoted(canonical.title or canonical.name)
        self.lines = [f"EFG 2 R {title} {{ {names} }}", _quoted(f"{canonical.name}, written by standoff; {note}"), ""]
        self.sets: dict[tuple[int, int], InformationSet] = {}
        """By the history at which the choice is made and the type."""
        self.counts = [0] * len(canonical.players)
        self.n_chance = self.n_ends = 0

    def start(self) -> list[_Place]:
        """Draw the types."""
        game = self.game
        profiles = _profiles(game)
        chances = [float(np.prod([prior[k] for prior, k in zip(game.priors, types, strict=True)])) for types in profiles]
        secret = [i for i, n in enumerate(game.n_types) if n > 1]
        labels = [" ".join(game.canonical.players[i].types[types[i]] for i in secret) for types in profiles]
        self._chance("types", labels, chances)
        return [_Place(0, types, np.zeros(len(game.n_types)), 1.0) for types in profiles]

    def write(self, place: _Place) -> list[_Place]:
        """Write a history, if it is a node of the file."""
        game, g, pay = self.game, self.game.arrays, self.game.payoffs
        node, types = int(self.tree.node[place.history]), place.types
        columns = g.columns[:-1] + np.array(types)
        if place.option >= 0:
            return self._seen(place, columns)
        received = place.received + place.weight * pay.node[node, columns]
        if g.observation_start[node] == g.observation_start[node + 1]:
            self.n_ends += 1
            end = game.structure.places[game.structure.place[node]].removeprefix("end:")
            shown = ", ".join(_number(x) for x in received * self.scale)
            self.lines.append(f't "" {self.n_ends} {_quoted(end)} {{ {shown} }}')
            return []
        if game.structure.kind[node] != DECISION:
            return self._seen(_Place(place.history, types, received, place.weight), columns)
        first, last = int(g.option_start[node]), int(g.option_start[node + 1])
        if last - first > 1:
            infoset = self._information_set(place)
            actions = " ".join(_quoted(game.option_address(row).split(".", 1)[1]) for row in range(first, last))
            self.lines.append(f'p "" {infoset.player + 1} {infoset.number} {_quoted(infoset.name)} {{ {actions} }} 0')
        paid = place.weight * pay.option[first:last, columns]
        return [_Place(place.history, types, received + paid[option], place.weight, option) for option in range(last - first)]

    def _seen(self, place: _Place, columns: np.ndarray) -> list[_Place]:
        """Write what is observed after a move, or at a chance node, and go on from there."""
        game, g = self.game, self.game.arrays
        node, child = int(self.tree.node[place.history]), int(self.tree.child[place.history])
        first, owner = int(g.observation_start[node]), int(g.owner[node])
        chances = _chances(game, node, max(place.option, 0), place.types[owner] if owner >= 0 else 0)
        rows = np.flatnonzero(chances > 0.0).tolist()
        seen = [game.structure.address(first + y).split(".", 1)[-1] for y in rows]
        # What nobody sees, a type that comes out, is called after the type.
        labels = [name or game.canonical.players[owner].types[y] for name, y in zip(seen, rows, strict=True)] if len(rows) > 1 else seen
        place_name = game.structure.places[game.structure.place[node]].split(":", 1)[-1]
        cause = game.option_address(int(g.option_start[node]) + place.option) if place.option >= 0 else place_name
        self._chance(f"{cause}, period {game.structure.period[node]}", labels, [float(chances[y]) for y in rows])
        paid = place.weight * game.payoffs.observation[first : first + len(chances), columns]
        weight = place.weight * float(g.beta[node])
        return [_Place(child + y, place.types, place.received + paid[y], weight) for y in rows]

    def _chance(self, name: str, labels: Sequence[str], chances: Sequence[float]) -> None:
        """Write a chance node, unless it has a single outcome."""
        if len(labels) < 2:
            return
        self.n_chance += 1
        branches = " ".join(f"{_quoted(label)} {p}" for label, p in zip(labels, _exact(chances), strict=True))
        # Gambit wants names of information sets to be unique.
        self.lines.append(f'c "" {self.n_chance} {_quoted(f"{name} ({self.n_chance})")} {{ {branches} }} 0')

    def _information_set(self, place: _Place) -> InformationSet:
        """Return the mover's information set, new or seen before on another branch."""
        game, structure = self.game, self.game.structure
        history = int(self.chooser[place.history])
        node = int(self.tree.node[history])
        player = int(game.arrays.owner[node])
        kind = place.types[player]
        if (history, kind) not in self.sets:
            self.counts[player] += 1
            way = way_to(history, structure, self.tree, self.parent)
            # Of what is chosen at the same moment nothing is known.
            known = way[: len(way) - structure.position(node)]
            moment = f"{structure.places[structure.place[node]].removeprefix('turn:')}, period {structure.period[node]}"
            after = " ".join(structure.address(row) for row in known if self.tells[row])
            own = f"{game.canonical.players[player].types[kind]}, " if game.n_types[player] > 1 else ""
            name = f"{own}{moment}{f', after {after}' if after else ''}"
            seen = tuple(filter(None, map(structure.address, known)))
            self.sets[history, kind] = InformationSet(player, self.counts[player], kind, history, node, seen, name)
        return self.sets[history, kind]


def _shown(count: float) -> str:
    return f"{count:,.0f}" if count < 1e15 else f"{count:.2g}"


def _quoted(text: str) -> str:
    return '"' + visible(" ".join(text.split())).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _number(value: float) -> str:
    """Write a number with all its digits and without an exponent."""
    text = f"{Decimal(repr(float(value))):f}"
    return "0" if Decimal(text) == 0 else text


def _exact(chances: Sequence[float]) -> Iterator[str]:
    """Yield probabilities that sum to 1 exactly, as Gambit demands: the largest takes what rounding leaves."""
    # The digits of the smallest double reach some 340 places beyond those of 1; all are needed for a sum without rounding.
    with localcontext(prec=DIGITS):
        digits = [Decimal(repr(p)) for p in chances]
        largest = max(range(len(digits)), key=lambda i: digits[i])
        digits[largest] += 1 - sum(digits)
    for p in digits:
        yield f"{p:f}"
