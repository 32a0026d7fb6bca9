"""Drawing futures. One future is a draw of everybody's types and then of every move and chance outcome.

Behaviour is read from the policy table on the belief grid (log-odds, interpolated); the certificate's sibling `table_distance` tells how far
that is from stages solved anew. Random numbers are a hash of (seed, future, layer of the game), so the same future meets the same luck at the
same moment whatever is intervened upon (common random numbers), and any split of the work gives the same futures.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from standoff.solve._stage import bayes
from standoff.solve._sweep import type_probabilities
from standoff.solve.grid import axis_cardinals, combine


@njit(cache=True, nogil=True)
def uniform(seed, run, place):
    """Return a number in [0, 1) that depends on its arguments only (SplitMix64 finaliser, Steele et al. 2014)."""
    z = np.uint64(seed) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(run) * np.uint64(0xD1342543DE82EF95) + np.uint64(place) * np.uint64(0xA0761D6478BD642F)
    for _ in range(2):
        z ^= z >> np.uint64(30)
        z *= np.uint64(0xBF58476D1CE4E5B9)
        z ^= z >> np.uint64(27)
        z *= np.uint64(0x94D049BB133111EB)
        z ^= z >> np.uint64(31)
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@njit(cache=True, nogil=True)
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


@njit(cache=True, nogil=True)
def draw_futures(
    first, last, seed, root, x0, layer, lines, combination, g, policy, acted, option_mark, observation_mark, n_marks,
    cards0, cards, basis, weights, s, prob, x, types, pick, end, first_period, period, path_node, path_observation, path_option,
):  # fmt: skip
    """Draw futures `first .. last-1` from `root` at belief coordinates `x0`.

    Fills `end[run]` (node), and `first_period[run, mark]` (-1 for never) where it has room. When `path_node` has room (one run only) the path
    is written there. Returns the number of steps of the last run.
    """
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
        cards[:] = cards0
        x[:] = x0
        stale = True
        for i in range(n_players):
            a0 = lines.first[i]
            k = lines.n_types[i]
            type_probabilities(x0[a0 : a0 + k - 1], k, prob)
            types[i] = _pick(prob, k, uniform(seed, run, i))
        if marking:
            for mark in range(n_marks):
                first_period[row, mark] = -1
        n = root
        steps = 0
        while g.observation_start[n + 1] > g.observation_start[n]:
            owner = g.owner[n]
            y0 = g.observation_start[n]
            o0 = g.option_start[n]
            n_options = g.option_start[n + 1] - o0
            n_obs = g.observation_start[n + 1] - y0
            place = n_players + 3 * layer[n]
            y = 0
            a = -1
            if n_options == 0:
                k = lines.n_types[owner] if owner >= 0 else 1
                if n_obs > 1:
                    base = g.like_start[n]
                    mine = types[owner] if owner >= 0 else 0
                    for j in range(n_obs):
                        pick[j] = g.like[base + j * k + mine]
                    y = _pick(pick, n_obs, uniform(seed, run, place))
                    for j in range(k):
                        p = g.like[base + y * k + j]
                        s.log_like[0, j] = np.log(p) if p > 0.0 else -np.inf
            else:
                k = lines.n_types[owner]
                if n_options > 1:
                    if stale:
                        combine(combination, cards, weights)
                        stale = False
                    for a in range(n_options):
                        for j in range(k):
                            s.u[j, a] = 0.0
                        for m in range(n_points):
                            w = weights[m]
                            for j in range(k):
                                s.u[j, a] += w * policy[o0 + a, m, j]
                else:
                    for j in range(k):
                        s.u[j, 0] = 0.0
                for j in range(k):
                    top = s.u[j, 0]
                    for a in range(1, n_options):
                        top = max(top, s.u[j, a])
                    total = 0.0
                    for a in range(n_options):
                        s.sigma[j, a] = np.exp(s.u[j, a] - top)
                        total += s.sigma[j, a]
                    for a in range(n_options):
                        s.sigma[j, a] /= total
                mine = types[owner]
                forced = -1
                for a in range(n_options):
                    pick[a] = s.sigma[mine, a]
                    if acted[o0 + a] == 0:
                        pick[a] = 0.0
                    elif acted[o0 + a] == 1:
                        forced = a
                a = forced if forced >= 0 else _pick(pick, n_options, uniform(seed, run, place))
                if g.is_open[n]:
                    y = a
                    for j in range(k):
                        s.log_like[0, j] = np.log(s.sigma[j, y]) if s.sigma[j, y] > 0.0 else -np.inf
                else:
                    base = g.like_start[n]
                    for j in range(n_obs):
                        pick[j] = g.like[base + (a * n_obs + j) * k + mine]
                    y = _pick(pick, n_obs, uniform(seed, run, place + 1))
                    for j in range(k):
                        mass = 0.0
                        for b in range(n_options):
                            mass += s.sigma[j, b] * g.like[base + (b * n_obs + y) * k + j]
                        s.log_like[0, j] = np.log(mass) if mass > 0.0 else -np.inf
            if k > 1 and owner >= 0:
                a0 = lines.first[owner]
                bayes(x[a0 : a0 + k - 1], s.log_like[0], k, s.post[0])
                for d in range(k - 1):
                    if s.post[0, d] != x[a0 + d]:
                        x[a0 + d] = s.post[0, d]
                        axis_cardinals(a0 + d, x[a0 + d], combination, cards, basis)
                        stale = True
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
            n = g.target[y0 + y]
        end[row] = n
    return steps
