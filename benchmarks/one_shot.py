"""Any behaviour on the public histories of a game: the beliefs that it leads to, and what each option then brings.

Plain NumPy along the tree, apart from the solvers, so that it can judge them and others alike. Behaviour is an array of choice probabilities,
shape (O, K): rows of the options of every history (`Tree.option`), columns of the mover's types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from standoff.export import information_sets
from standoff.game import DECISION, Game
from standoff.game.tree import Tree, head_histories
from standoff.solve import Exact


@dataclass(frozen=True)
class Judged:
    """What each option brings where behaviour is as given. `H` histories, `O` option rows, `K` types, `C` columns."""

    reach: np.ndarray
    """Probability of each history, shape (H,)."""
    beliefs: list[list[np.ndarray]]
    """By history and player: probabilities of the types, by Bayes' rule; as before where that does not apply."""
    action_values: np.ndarray
    """Expected payoff of each option when all, the mover too, go on as given, shape (O, K); nan beyond the mover's types."""
    values: np.ndarray
    """Expected payoffs from each history on, shape (H, C)."""


def options_of(game: Game, tree: Tree, history: int) -> slice:
    """Return the option rows of a history."""
    node = tree.node[history]
    return slice(int(tree.option[history]), int(tree.option[history] + game.arrays.option_start[node + 1] - game.arrays.option_start[node]))


def choices(game: Game, tree: Tree) -> list[int]:
    """Return the histories at which somebody has a choice."""
    return [int(h) for h in np.flatnonzero(np.diff(game.arrays.option_start)[tree.node] > 1)]


def behaviour_of(solved: Exact) -> np.ndarray:
    """Return the behaviour of an exact solution."""
    game, tree = solved.game, solved.tree
    rows = int(np.diff(game.arrays.option_start)[tree.node].sum())
    found = np.ones((rows, max(game.n_types)))
    for history in choices(game, tree):
        policy = solved.at(history)
        found[options_of(game, tree, history), : len(policy)] = policy.T
    return found


def behaviour_in(solved: Exact, profile: Mapping[tuple[int, int], Mapping[str, float]]) -> np.ndarray:
    """Return the behaviour that another program found on the exported tree, by player and number of the information set, and option.

    At choices that the tree does not hold, because nobody comes there, it is that of the solution.
    """
    game, sets = solved.game, information_sets(solved.game)
    if len(profile) != len(sets):
        raise ValueError(f"the tree has {len(sets)} information sets, and the profile {len(profile)}")
    found = behaviour_of(solved)
    for place in sets:
        rows = range(*game.arrays.option_start[place.node : place.node + 2])
        mixed = profile[place.player, place.number]
        found[options_of(game, solved.tree, place.history), place.kind] = [mixed[game.option_address(row).split(".", 1)[1]] for row in rows]
    return found


def likelihood(game: Game, tree: Tree, behaviour: np.ndarray, history: int) -> np.ndarray:
    """Return the chance of each observation after a history by type of its owner, shape (Y, K)."""
    g, node = game.arrays, int(tree.node[history])
    n_obs = int(g.observation_start[node + 1] - g.observation_start[node])
    owner = int(g.owner[node])
    k = game.n_types[owner] if owner >= 0 else 1
    if g.kind[node] == DECISION:
        return np.asarray(np.einsum("ak,ayk->yk", behaviour[options_of(game, tree, history), :k], game.likelihoods(node)))
    start = int(g.like_start[node])
    return g.like[start : start + n_obs * k].reshape(n_obs, k) if n_obs > 1 else np.ones((n_obs, k))


def judge(game: Game, tree: Tree, behaviour: np.ndarray) -> Judged:
    """Follow beliefs from the start and values from the ends."""
    g, pay = game.arrays, game.payoffs
    n = len(tree.node)
    reach, beliefs = np.zeros(n), [list(game.priors)] * n
    reach[0] = 1.0
    for history in range(n):
        node, child = int(tree.node[history]), int(tree.child[history])
        if child < 0:
            continue
        owner, before = int(g.owner[node]), beliefs[history]
        for y, chances in enumerate(likelihood(game, tree, behaviour, history)):
            joint = (before[owner] if owner >= 0 else np.ones(1)) * chances
            total = float(joint.sum())
            reach[child + y] = reach[history] * total
            beliefs[child + y] = [joint / total if i == owner and total > 0.0 else one for i, one in enumerate(before)]
    values, action_values = np.zeros((n, int(g.columns[-1]))), np.full(behaviour.shape, np.nan)
    heads = head_histories(game.structure, tree.node, tree.child)
    for history in range(n - 1, -1, -1):
        node, child = int(tree.node[history]), int(tree.child[history])
        values[history] = pay.node[node]
        if child < 0:
            continue
        observations = slice(int(g.observation_start[node]), int(g.observation_start[node + 1]))
        onward = pay.observation[observations] + g.beta[node] * values[child : child + observations.stop - observations.start]
        owner = int(g.owner[node])
        seen = likelihood(game, tree, behaviour, history)
        belief = beliefs[history][owner] if owner >= 0 else np.ones(1)
        total = (seen @ belief) @ onward
        own = slice(int(g.columns[owner]), int(g.columns[owner + 1])) if owner >= 0 else slice(0)
        if owner >= 0:
            total[own] = np.einsum("yk,yk->k", seen, onward[:, own])
        if g.kind[node] == DECISION:
            rows = options_of(game, tree, history)
            policy, reward = behaviour[rows, : len(belief)], pay.option[int(g.option_start[node]) : int(g.option_start[node + 1])]
            gained = (policy @ belief) @ reward
            gained[own] = np.einsum("ak,ak->k", policy, reward[:, own])
            total = total + gained
            worth = reward[:, own] + np.einsum("ayk,yk->ak", game.likelihoods(node), onward[:, own])
            # What others choose at the same moment is not known: the mean, up to what they have brought by then whatever this one does.
            share = reach[history] / reach[heads[history]] if reach[heads[history]] > 0.0 else 0.0
            if heads[history] == history:
                action_values[rows, : len(belief)] = worth
            else:
                action_values[rows, : len(belief)] = np.nan_to_num(action_values[rows, : len(belief)]) + share * worth
        values[history] += total
    return Judged(reach, beliefs, action_values, values)


def largest_regret(game: Game, tree: Tree, behaviour: np.ndarray, judged: Judged | None = None) -> float:
    """Return the most that any type gains, in payoff and given Bayes beliefs, by another option at one of its choices, all else as it is.

    Where behaviour never leads (probability 0) beliefs and so regrets are undefined; nothing is counted there.
    """
    judged = judged or judge(game, tree, behaviour)
    worst = 0.0
    for history in choices(game, tree):
        owner = int(game.arrays.owner[tree.node[history]])
        rows, possible = options_of(game, tree, history), judged.beliefs[history][owner] > 0.0
        if judged.reach[history] > 0.0:
            q, p = judged.action_values[rows, : len(possible)][:, possible], behaviour[rows, : len(possible)][:, possible]
            worst = max(worst, float((q.max(axis=0) - (p * q).sum(axis=0)).max()))
    return worst


def nash_conv(game: Game, tree: Tree, behaviour: np.ndarray, judged: Judged | None = None) -> float:
    """Return what the players gain, summed, if each in turn answers the others' behaviour as well as it can, from the start on."""
    if game.structure.at_once:
        raise ValueError("best answers to those who choose at the same moment are not worked out")
    judged, g, pay = judged or judge(game, tree, behaviour), game.arrays, game.payoffs
    best = np.zeros_like(judged.values)
    for history in range(len(tree.node) - 1, -1, -1):
        node, child = int(tree.node[history]), int(tree.child[history])
        best[history] = pay.node[node]
        if child < 0:
            continue
        observations = slice(int(g.observation_start[node]), int(g.observation_start[node + 1]))
        onward = pay.observation[observations] + g.beta[node] * best[child : child + observations.stop - observations.start]
        seen, owner = likelihood(game, tree, behaviour, history), int(g.owner[node])
        belief = judged.beliefs[history][owner] if owner >= 0 else np.ones(1)
        total = (seen @ belief) @ onward
        own = slice(int(g.columns[owner]), int(g.columns[owner + 1])) if owner >= 0 else slice(0)
        if g.kind[node] == DECISION:
            reward = pay.option[int(g.option_start[node]) : int(g.option_start[node + 1])]
            total = total + (behaviour[options_of(game, tree, history), : len(belief)] @ belief) @ reward
            total[own] = (reward[:, own] + np.einsum("ayk,yk->ak", game.likelihoods(node), onward[:, own])).max(axis=0)
        elif owner >= 0:
            total[own] = np.einsum("yk,yk->k", seen, onward[:, own])
        best[history] += total
    return float(np.concatenate(game.priors) @ (best[0] - judged.values[0]))


def logit_gap(game: Game, tree: Tree, behaviour: np.ndarray, judged: Judged | None = None) -> float:
    """Return the largest distance of any choice probability from the logit response to what the options bring, where behaviour leads."""
    judged, g = judged or judge(game, tree, behaviour), game.arrays
    worst = 0.0
    for history in choices(game, tree):
        node = int(tree.node[history])
        rows, possible = options_of(game, tree, history), judged.beliefs[history][int(g.owner[node])] > 0.0
        if judged.reach[history] > 0.0:
            weights = g.log_w[g.option_start[node] : g.option_start[node + 1], None]
            u = weights + g.precision[node] * judged.action_values[rows, : len(possible)]
            response = np.exp(u - u.max(axis=0))
            gap = response / response.sum(axis=0) - behaviour[rows, : len(possible)]
            worst = max(worst, float(np.abs(gap[:, possible]).max()))
    return worst
