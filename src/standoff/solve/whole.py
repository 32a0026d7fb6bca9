"""Games without secrets, solved over all their public states at once: turns taken at once, and games without end.

Where no player has more than one type no belief ever moves, so the public states of the game are those of a stochastic game
(`standoff.solve.markov`): the nodes at which somebody chooses, but for turns that are taken together with an earlier one (`Structure.head`), whose
choices belong to the state of their head.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from standoff.game import CLOSE, DECISION, Game
from standoff.solve.markov import Markov, MarkovGame


@dataclass(frozen=True)
class Reduced:
    """A game without secrets as a stochastic game."""

    game: MarkovGame
    node: np.ndarray
    """Node of each state, shape (n,)."""
    expected: dict[int, tuple[np.ndarray, dict[int, float]]]
    """Of every node at which nobody chooses: what is received from there to the next states, and their discounted chances."""


def reduce(game: Game) -> Reduced:
    """Return a game without secrets as a stochastic game on the nodes at which somebody chooses; what chance does between them is averaged."""
    s, g, pay = game.structure, game.arrays, game.payoffs
    stays = (np.diff(s.option_start) > 0) & (s.head == np.arange(s.n_nodes))
    if s.open_ended:
        # Where a period begins the values of the next one are taken up.
        stays[s.target[s.observation_start[:-1][s.kind == CLOSE]]] = True
    nodes = np.flatnonzero(stays)
    state = np.full(s.n_nodes, -1)
    state[nodes] = np.arange(len(nodes))
    expected: dict[int, tuple[np.ndarray, dict[int, float]]] = {}

    def follow(node: int, received: np.ndarray, option: int = 0) -> tuple[np.ndarray, dict[int, float]]:
        """Return what is received from a node on, in all, and the chances of the next states, when an option is taken there."""
        rows = np.arange(s.observation_start[node], s.observation_start[node + 1])
        onward: dict[int, float] = {}
        for row, chance in zip(rows.tolist(), chances(game, node, option), strict=True):
            if chance > 0.0:
                reward, after = arrive(int(s.target[row]))
                received = received + chance * (pay.observation[row] + g.beta[node] * reward)
                for one, weight in after.items():
                    onward[one] = onward.get(one, 0.0) + chance * float(g.beta[node]) * weight
        return received, onward

    def arrive(node: int) -> tuple[np.ndarray, dict[int, float]]:
        return (np.zeros(len(game.n_types)), {int(state[node]): 1.0}) if state[node] >= 0 else expected[node]

    for node in np.flatnonzero(~stays & (np.diff(s.option_start) == 0))[::-1].tolist():
        expected[node] = follow(node, pay.node[node])
    columns = _Columns(len(game.n_types))
    for node in nodes.tolist():
        together = s.members(node) if s.kind[node] == DECISION else []
        menus = [range(int(s.option_start[one]), int(s.option_start[one + 1])) for one in together]
        for one, menu in zip(together, menus, strict=True):
            columns.member(int(s.owner[one]), g.log_w[menu.start : menu.stop], float(g.precision[one]))
        for chosen in itertools.product(*(range(len(menu)) for menu in menus)):
            here, received = node, pay.node[node]
            for a in chosen[:-1]:
                seen = int(s.observation_start[here]) + a
                received = received + pay.option[int(s.option_start[here]) + a] + pay.observation[seen]
                here = int(s.target[seen])
            last = chosen[-1] if chosen else 0
            if chosen:
                received = received + pay.option[int(s.option_start[here]) + last]
            columns.profile(*follow(here, received, last))
        columns.state()
    return Reduced(columns.game(), nodes, expected)


def chances(game: Game, node: int, option: int) -> list[float]:
    """Return the chance of each observation at a node without secrets, after an option of it where somebody chooses."""
    g = game.arrays
    count = int(g.observation_start[node + 1] - g.observation_start[node])
    if game.structure.kind[node] == DECISION:
        return [float(p) for p in game.likelihoods(node)[option, :, 0]]
    start = int(g.like_start[node])
    return [float(p) for p in g.like[start : start + count]] if count > 1 else [1.0] * count


class _Columns:
    """Collects the arrays of a stochastic game, state by state."""

    def __init__(self, n_players: int) -> None:
        self.n_players = n_players
        self.member_start, self.profile_start, self.onward_start = [0], [0], [0]
        self.players: list[int] = []
        self.precisions: list[float] = []
        self.log_w: list[np.ndarray] = []
        self.rewards: list[np.ndarray] = []
        self.onward: list[int] = []
        self.weights: list[float] = []

    def member(self, player: int, log_w: np.ndarray, precision: float) -> None:
        self.players.append(player)
        self.precisions.append(precision)
        self.log_w.append(log_w)

    def profile(self, received: np.ndarray, onward: dict[int, float]) -> None:
        self.rewards.append(received)
        self.onward += sorted(onward)
        self.weights += [onward[one] for one in sorted(onward)]
        self.onward_start.append(len(self.onward))

    def state(self) -> None:
        self.member_start.append(len(self.players))
        self.profile_start.append(len(self.rewards))

    def game(self) -> MarkovGame:
        whole = np.int64
        return MarkovGame(
            self.n_players, np.array(self.member_start), np.array(self.players, dtype=whole), np.array([len(w) for w in self.log_w], dtype=whole),
            np.concatenate([*self.log_w, np.zeros(0)]), np.array(self.precisions), np.array(self.profile_start), np.array(self.rewards),
            np.array(self.onward_start), np.array(self.onward, dtype=whole), np.array(self.weights),
        )  # fmt: skip


def unfold(game: Game, reduced: Reduced, solved: Markov) -> tuple[np.ndarray, np.ndarray]:
    """Return values (n, 1, C) and log-odds (o, 1, 1) of all nodes.

    At a turn taken at once the value is that after what those before it have chosen.
    """
    s, pay = game.structure, game.payoffs
    values, log_odds = np.zeros((s.n_nodes, 1, len(game.n_types))), np.zeros((len(s.option), 1, 1))
    values[reduced.node, 0] = solved.values
    for node, (received, onward) in reduced.expected.items():
        values[node, 0] = received + sum((weight * solved.values[state] for state, weight in onward.items()), np.zeros(len(game.n_types)))
    start = np.concatenate([[0], np.cumsum(reduced.game.member_options)])
    for number, node in enumerate(reduced.node.tolist()):
        level = np.array([node])
        last = int(reduced.game.member_start[number + 1])
        for member in range(int(reduced.game.member_start[number]), last):
            u = solved.log_odds[start[member] : start[member + 1]]
            options = np.arange(len(u))
            log_odds[s.option_start[level][:, None] + options, 0, 0] = u
            if member + 1 < last:
                level = s.target[(s.observation_start[level][:, None] + options).reshape(-1)]
    for node in np.flatnonzero(s.head != np.arange(s.n_nodes))[::-1].tolist():
        rows = np.arange(s.option_start[node], s.option_start[node + 1])
        seen = s.observation_start[node] + np.arange(len(rows))
        sigma = np.exp(log_odds[rows, 0, 0] - log_odds[rows, 0, 0].max())
        values[node, 0] = (sigma / sigma.sum()) @ (pay.option[rows] + pay.observation[seen] + values[s.target[seen], 0])
    return values, log_odds


def fold(game: Game, reduced: Reduced, values: np.ndarray, log_odds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the values (states, P) and log-odds (options of all members,) of a stochastic game from what `unfold` made of them."""
    s = game.structure
    members = [one for node in reduced.node.tolist() if s.kind[node] == DECISION for one in s.members(node)]
    rows = [np.arange(s.option_start[one], s.option_start[one + 1]) for one in members]
    return values[reduced.node, 0], log_odds[np.concatenate(rows), 0, 0] if rows else np.zeros(0)


def action_values(game: Game, values: np.ndarray, log_odds: np.ndarray, node: int) -> np.ndarray:
    """Return what each option of a turn taken at once is worth while the others' choices are not known, shape (A,); arrays as from `unfold`."""
    s, pay, column = game.structure, game.payoffs, int(game.arrays.owner[node])
    together = s.members(node)
    mixed = []
    for one in together:
        u = log_odds[s.option_start[one] : s.option_start[one + 1], 0, 0]
        mixed.append(np.exp(u - u.max()) / np.exp(u - u.max()).sum())
    mine = s.position(node)
    found = np.zeros(len(mixed[mine]))
    for chosen in itertools.product(*(range(len(sigma)) for sigma in mixed)):
        here, worth = together[0], 0.0
        for a in chosen:
            seen = int(s.observation_start[here]) + a
            worth += pay.option[int(s.option_start[here]) + a, column] + pay.observation[seen, column]
            here = int(s.target[seen])
        chance = np.prod([sigma[a] for i, (sigma, a) in enumerate(zip(mixed, chosen, strict=True)) if i != mine])
        found[chosen[mine]] += chance * (worth + values[here, 0, column])
    return found
