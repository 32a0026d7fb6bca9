"""Games without secrets, solved over all their public states at once: turns taken at once, and games without end.

Where no player has more than one type no belief ever moves, so the public states of the game are those of a stochastic game
(`standoff.solve.markov`): every node but those of turns that are taken together with an earlier one (`Structure.head`), whose choices belong
to the state of their head.
"""

from __future__ import annotations

import itertools

import numpy as np

from standoff.game import Game
from standoff.solve.induction import Progress
from standoff.solve.markov import Markov, MarkovGame, solve_markov


def reduce(game: Game) -> tuple[MarkovGame, np.ndarray]:
    """Return a game without secrets as a stochastic game, and the node of each of its states, shape (n,)."""
    s, g, pay = game.structure, game.arrays, game.payoffs
    nodes = np.flatnonzero(s.head == np.arange(s.n_nodes))
    state = np.full(s.n_nodes, -1)
    state[nodes] = np.arange(len(nodes))
    member_start, profile_start, onward_start = [0], [0], [0]
    player: list[int] = []
    options: list[int] = []
    log_w: list[np.ndarray] = []
    precision: list[float] = []
    reward: list[np.ndarray] = []
    onward: list[int] = []
    weight: list[float] = []

    def profile(received: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> None:
        possible = weights > 0.0
        reward.append(received)
        onward.extend(state[targets[possible]].tolist())
        weight.extend(weights[possible].tolist())
        onward_start.append(len(onward))

    for node in nodes.tolist():
        rows = np.arange(s.observation_start[node], s.observation_start[node + 1])
        first, last = int(s.option_start[node]), int(s.option_start[node + 1])
        if first == last:
            chance = g.like[g.like_start[node] : g.like_start[node] + len(rows)] if len(rows) > 1 else np.ones(len(rows))
            profile(pay.node[node] + chance @ pay.observation[rows], s.target[rows], g.beta[node] * chance)
        else:
            together = s.members(node)
            for one in together:
                menu = slice(int(s.option_start[one]), int(s.option_start[one + 1]))
                player.append(int(s.owner[one]))
                options.append(menu.stop - menu.start)
                log_w.append(g.log_w[menu])
                precision.append(float(g.precision[one]))
            if len(together) == 1:
                for row, chance in zip(range(first, last), game.likelihoods(node)[:, :, 0], strict=True):
                    profile(pay.node[node] + pay.option[row] + chance @ pay.observation[rows], s.target[rows], g.beta[node] * chance)
            else:
                for chosen in itertools.product(*(range(count) for count in options[-len(together) :])):
                    here, received = node, pay.node[node].copy()
                    for a in chosen:
                        seen = int(s.observation_start[here]) + a
                        received += pay.option[int(s.option_start[here]) + a] + pay.observation[seen]
                        here = int(s.target[seen])
                    profile(received, np.array([here]), np.ones(1))
        member_start.append(len(player))
        profile_start.append(len(reward))
    return MarkovGame(
        len(game.n_types), np.array(member_start), np.array(player, dtype=np.int64), np.array(options, dtype=np.int64),
        np.concatenate([*log_w, np.zeros(0)]), np.array(precision, dtype=float), np.array(profile_start), np.array(reward),
        np.array(onward_start), np.array(onward, dtype=np.int64), np.array(weight),
    ), nodes  # fmt: skip


def solve_whole(game: Game, *, progress: Progress | None = None) -> tuple[Markov, np.ndarray, np.ndarray]:
    """Solve a game without secrets; return the solution, values (n, 1, C) and log-odds (o, 1, 1) of all nodes.

    At a turn taken at once the value is that after what those before it have chosen.
    """
    s, pay = game.structure, game.payoffs
    reduced, nodes = reduce(game)
    solved = solve_markov(reduced, progress=progress)
    values, log_odds = np.zeros((s.n_nodes, 1, len(game.n_types))), np.zeros((len(s.option), 1, 1))
    values[nodes, 0] = solved.values
    start = np.concatenate([[0], np.cumsum(reduced.member_options)])
    for number, node in enumerate(nodes.tolist()):
        level = np.array([node])
        last = int(reduced.member_start[number + 1])
        for member in range(int(reduced.member_start[number]), last):
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
    return solved, values, log_odds


def action_values(game: Game, values: np.ndarray, log_odds: np.ndarray, node: int) -> np.ndarray:
    """Return what each option of a turn taken at once is worth while the others' choices are not known, shape (A,); arrays as `solve_whole`."""
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
