"""Drawing futures. One future is a draw of everybody's types and then of every move and chance outcome.

Behaviour is read from the exact solution, history by history, where there is one that holds where the futures begin; else from the policy table on
the belief grid (log-odds, interpolated). Random numbers are a hash of (seed, future, layer of the game), so the same future meets the same luck at
the same moment whatever is intervened upon (common random numbers), and any split of the work gives the same futures.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._held import holds_back
from standoff.solve._jit import kernel
from standoff.solve._stage import bayes
from standoff.solve._sweep import type_probabilities
from standoff.solve.grid import axis_cardinals, combine


class Known(NamedTuple):
    """Behaviour on public histories (`standoff.solve.exact`), empty without an exact solution."""

    child: np.ndarray  # (H,) first history after each, -1 at an end
    option: np.ndarray  # (H,) first row of `log_odds`
    log_odds: np.ndarray  # (O, K)


@kernel
def uniform(seed, run, place):
    """Return a number in [0, 1) that depends on its arguments only (SplitMix64 finaliser, Steele et al. 2014)."""
    z = (
        np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15)
        + np.uint64(run) * np.uint64(0xD1342543DE82EF95)
        + np.uint64(place) * np.uint64(0xA0761D6478BD642F)
    )
    for _ in range(2):
        z ^= z >> np.uint64(30)
        z *= np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        z *= np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@kernel
def _pick(weights, n, u):
    total = 0.0
    for i in range(n):
        total += weights[i]
    u *= total
    last = 0
    for i in range(n):
        if weights[i] > 0.0:
            last = i
            u -= weights[i]
            if u < 0.0:
                return i
    return last


@kernel
def draw_futures(
    first, last, seed, root, x0, layer, lines, combination, g, policy, history, exact, acted, option_mark, observation_mark, n_marks,
    cards0, cards, basis, weights, s, own, prob, x, types, pick, end, first_period, period, path_node, path_observation, path_option,
):  # fmt: skip
    """Draw futures `first .. last-1` from `root` at belief coordinates `x0`; `history` is where they begin in the tree of `exact`, -1 for nowhere.

    Fills `end[run]` (node), and `first_period[run, mark]` (-1 for never) where it has room. When `path_node` has room (one run only) the path
    is written there. Returns the number of steps of the last run.
    """
    u, sigma, log_like, post = s.u, s.sigma, s.log_like, s.post
    owners, option_start, observation_start = g.owner, g.option_start, g.observation_start
    target, like, like_start, opens = g.target, g.like, g.like_start, g.is_open
    firsts, all_types = lines.first, lines.n_types
    n_axes = x0.shape[0]
    n_players = lines.first.shape[0]
    n_points = weights.shape[0]
    marking = n_marks > 0
    tracing = path_node.shape[0] > 0
    for d in range(n_axes):
        axis_cardinals(d, x0[d], combination, cards0, basis)
    steps = 0
    for run in range(first, last):
        row = run - first
        for d in range(n_axes):
            x[d] = x0[d]
            for level in range(cards.shape[1]):
                for j in range(cards.shape[2]):
                    cards[d, level, j] = cards0[d, level, j]
        stale = True
        held = False
        h = history
        for i in range(n_players):
            a0 = firsts[i]
            k = all_types[i]
            type_probabilities(x0, a0, k, prob)
            types[i] = _pick(prob, k, uniform(seed, run, i))
        if marking:
            for mark in range(n_marks):
                first_period[row, mark] = -1
        n = root
        steps = 0
        while observation_start[n + 1] > observation_start[n]:
            owner = owners[n]
            y0 = observation_start[n]
            o0 = option_start[n]
            n_options = option_start[n + 1] - o0
            n_obs = observation_start[n + 1] - y0
            place = n_players + 3 * layer[n]
            y = 0
            a = -1
            if n_options == 0:
                k = all_types[owner] if owner >= 0 else 1
                for j in range(k):
                    log_like[0, j] = 0.0
                if n_obs > 1:
                    base = like_start[n]
                    mine = types[owner] if owner >= 0 else 0
                    for j in range(n_obs):
                        pick[j] = like[base + j * k + mine]
                    y = _pick(pick, n_obs, uniform(seed, run, place))
                    for j in range(k):
                        p = like[base + y * k + j]
                        log_like[0, j] = np.log(p) if p > 0.0 else -np.inf
            else:
                k = all_types[owner]
                if n_options > 1 and h >= 0:
                    row_here = exact.option[h]
                    for a in range(n_options):
                        for j in range(k):
                            u[j, a] = exact.log_odds[row_here + a, j]
                elif n_options > 1:
                    if stale:
                        combine(combination, cards, weights)
                        stale = False
                    for a in range(n_options):
                        for j in range(k):
                            u[j, a] = 0.0
                        for m in range(n_points):
                            w = weights[m]
                            for j in range(k):
                                u[j, a] += w * policy[o0 + a, m, j]
                else:
                    for j in range(k):
                        u[j, 0] = 0.0
                for j in range(k):
                    top = u[j, 0]
                    for a in range(1, n_options):
                        top = max(top, u[j, a])
                    total = 0.0
                    for a in range(n_options):
                        sigma[j, a] = np.exp(u[j, a] - top)
                        total += sigma[j, a]
                    for a in range(n_options):
                        sigma[j, a] /= total
                mine = types[owner]
                touched = False
                for a in range(n_options):
                    pick[a] = sigma[mine, a]
                    touched = touched or acted[o0 + a] != -1
                # Weights over what is allowed, from their own largest: the rest of a menu may be too unlikely for plain numbers.
                top = -np.inf
                for a in range(n_options if touched else 0):
                    if acted[o0 + a] == 1 or (acted[o0 + a] != 0 and top < np.inf and u[mine, a] > top):
                        top = np.inf if acted[o0 + a] == 1 else u[mine, a]
                for a in range(n_options if touched else 0):
                    if top == np.inf:
                        pick[a] = 1.0 if acted[o0 + a] == 1 else 0.0
                    else:
                        pick[a] = np.exp(u[mine, a] - top) if acted[o0 + a] != 0 else 0.0
                a = _pick(pick, n_options, uniform(seed, run, place))
                if opens[n]:
                    y = a
                    for j in range(k):
                        log_like[0, j] = np.log(sigma[j, y]) if sigma[j, y] > 0.0 else -np.inf
                else:
                    base = like_start[n]
                    for j in range(n_obs):
                        pick[j] = like[base + (a * n_obs + j) * k + mine]
                    y = _pick(pick, n_obs, uniform(seed, run, place + 1))
                    for j in range(k):
                        mass = 0.0
                        for b in range(n_options):
                            mass += sigma[j, b] * like[base + (b * n_obs + y) * k + j]
                        log_like[0, j] = np.log(mass) if mass > 0.0 else -np.inf
            # While others choose at the same moment, behaviour goes on being read at the belief before.
            holding = holds_back(n, target[y0 + y], g)
            if k > 1 and owner >= 0 and h < 0:
                a0 = firsts[owner]
                for d in range(k - 1):
                    own[d] = x[a0 + d]
                bayes(own, log_like, 0, k, post)
                for d in range(k - 1):
                    if post[0, d] != x[a0 + d]:
                        x[a0 + d] = post[0, d]
                        if not holding:
                            axis_cardinals(a0 + d, x[a0 + d], combination, cards, basis)
                            stale = True
            if held and not holding and h < 0:
                for d in range(n_axes):
                    axis_cardinals(d, x[d], combination, cards, basis)
                stale = True
            held = holding
            if marking:
                if a >= 0 and option_mark[o0 + a] >= 0 and first_period[row, option_mark[o0 + a]] < 0:
                    first_period[row, option_mark[o0 + a]] = period[n]
                if observation_mark[y0 + y] >= 0 and first_period[row, observation_mark[y0 + y]] < 0:
                    first_period[row, observation_mark[y0 + y]] = period[n]
            if tracing:
                path_node[steps] = n
                path_observation[steps] = y0 + y
                path_option[steps] = o0 + a if a >= 0 else -1
            steps += 1
            if h >= 0:
                h = exact.child[h] + y
            n = target[y0 + y]
        end[row] = n
    return steps
