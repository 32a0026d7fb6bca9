"""Following public histories exactly: beliefs are carried by Bayes' rule, never rounded to the grid.

At each public state reached the stage is solved anew at the exact belief; only continuation values are read from the grid.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from standoff.solve._sweep import type_probabilities, visit
from standoff.solve.grid import line_matrix, point_weights


@njit(cache=True, nogil=True)
def stand(n, x, lines, combination, g, pay, values, policy, s, z, f, retrace):
    """Solve node `n` at belief coordinates `x`; results are in `s` and `z.value`. Returns (residual, folds, traced).

    `f` is the scratch tuple (cards, basis, flat matrix, weights, node numbers, owner coordinates). `f[3]` holds the interpolation weights of
    `x` itself afterwards.
    """
    cards, basis, flat, weights, numbers, own = f
    owner = g.owner[n]
    player = max(owner, 0)
    n_types = lines.n_types[owner] if owner >= 0 else 1
    n_axes = n_types - 1
    n_leaf = lines.n_leaf[player] if owner >= 0 else 1
    n_points = numbers.shape[0]
    axis = lines.first[player] if owner >= 0 else 0
    matrix = flat[: n_points * n_leaf].reshape(n_points, n_leaf)
    point_weights(x, combination, cards, basis, weights)
    if n_axes > 0:
        line_matrix(x, axis, lines.sizes[player, :n_axes], combination, cards, basis, matrix)
    else:
        for m in range(n_points):
            matrix[m, 0] = weights[m]
    for d in range(n_axes):
        own[d] = x[axis + d]
    o0 = g.option_start[n]
    n_options = g.option_start[n + 1] - o0
    for a in range(n_options):
        for k in range(n_types):
            total = 0.0
            for m in range(n_points):
                total += weights[m] * policy[o0 + a, m, k]
            s.u[k, a] = total
    for a in range(n_options - 1, -1, -1):
        for k in range(n_types):
            s.u[k, a] -= s.u[k, 0]
    return visit(
        n, own[:n_axes], n_axes, n_types, lines.sizes[player], lines.exponents[player], n_leaf, numbers, 0, n_points, flat, 0,
        g, pay, values, s, z, retrace,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def draw(random, n, k, g, s):
    """Draw the observation that type `k` of the owner of `n` brings about; needs `s.log_like` of the node."""
    n_obs = g.observation_start[n + 1] - g.observation_start[n]
    total = 0.0
    for y in range(n_obs):
        if s.log_like[y, k] > -np.inf:
            total += np.exp(s.log_like[y, k])
    pick = random * total
    last = 0
    for y in range(n_obs):
        if s.log_like[y, k] > -np.inf:
            last = y
            pick -= np.exp(s.log_like[y, k])
            if pick < 0.0:
                return y
    return last


@njit(cache=True, nogil=True)
def move_belief(n, y, x, lines, g, s):
    """Replace the owner's coordinates in `x` by the posterior after observation `y`."""
    owner = g.owner[n]
    if owner >= 0:
        for d in range(lines.n_types[owner] - 1):
            x[lines.first[owner] + d] = s.post[y, d]


@njit(cache=True, nogil=True)
def draw_types(uniform, x, lines, types, prob):
    """Draw one type per player from the public belief."""
    for i in range(types.shape[0]):
        first = lines.first[i]
        n_types = lines.n_types[i]
        type_probabilities(x[first : first + n_types - 1], n_types, prob)
        pick = uniform[i]
        types[i] = n_types - 1
        for k in range(n_types):
            pick -= prob[k]
            if pick < 0.0:
                types[i] = k
                break


@njit(cache=True, nogil=True)
def walk(n, x, types, uniform, lines, combination, g, pay, values, policy, s, z, f, nodes, beliefs):
    """Follow one history with these types; record decision points in `nodes` and `beliefs`, return their number."""
    count = 0
    step = 0
    while g.observation_start[n + 1] > g.observation_start[n]:
        stand(n, x, lines, combination, g, pay, values, policy, s, z, f, False)
        if g.kind[n] == 0 and g.option_start[n + 1] - g.option_start[n] > 1:
            nodes[count] = n
            beliefs[count] = x
            count += 1
        k = types[g.owner[n]] if g.owner[n] >= 0 else 0
        y = draw(uniform[step], n, k, g, s)
        step += 1
        move_belief(n, y, x, lines, g, s)
        n = g.target[g.observation_start[n] + y]
    return count


@njit(cache=True, nogil=True)
def correction(n, x, column, types, uniform, lines, combination, g, pay, values, policy, s, z, f):
    """Return one draw of the error of the grid's value of `column` at node `n` and belief `x`.

    With `V` the grid's values and `W` the value that one exact step backs up from them, the value of following the solved policy exactly is
    `V(x) + E[sum_t beta^t (W(x_t) - V(x_t))]` along histories from `x`: a telescoping sum whose terms are interpolation errors only, so that
    few draws tell it precisely. `types` holds everybody's types, the column's own among them.
    """
    total = 0.0
    beta = 1.0
    step = 0
    while g.observation_start[n + 1] > g.observation_start[n]:
        stand(n, x, lines, combination, g, pay, values, policy, s, z, f, False)
        flat = 0.0
        for m in range(f[3].shape[0]):
            flat += f[3][m] * values[n, m, column]
        total += beta * (z.value[column] - flat)
        k = types[g.owner[n]] if g.owner[n] >= 0 else 0
        y = draw(uniform[step], n, k, g, s)
        step += 1
        beta *= g.beta[n]
        move_belief(n, y, x, lines, g, s)
        n = g.target[g.observation_start[n] + y]
    return total


@njit(cache=True, nogil=True)
def corrected_response(n, x, uniform, lines, combination, g, pay, values, policy, s, z, f, s2, z2, f2, used, exact, q):
    """Compare the policy at `(n, x)` with the logit response to continuation values corrected by following histories.

    Fills `used[k, a]`, `exact[k, a]` (policies) and `q[k, a]` (corrected action values). `uniform` has shape (draws, players + steps). Returns
    (largest standard error of an action value, folds, branch switched).
    """
    owner = g.owner[n]
    n_types = lines.n_types[owner]
    o0 = g.option_start[n]
    y0 = g.observation_start[n]
    n_options = g.option_start[n + 1] - o0
    n_obs = g.observation_start[n + 1] - y0
    n_players = lines.first.shape[0]
    draws = uniform.shape[0]
    stand(n, x, lines, combination, g, pay, values, policy, s, z, f, False)
    switched = False
    for k in range(n_types):
        for a in range(n_options):
            used[k, a] = s.sigma[k, a]
    _residual, folds, _traced = stand(n, x, lines, combination, g, pay, values, policy, s, z, f, True)
    for k in range(n_types):
        for a in range(n_options):
            if abs(used[k, a] - s.sigma[k, a]) > 1e-6:
                switched = True
            used[k, a] = s.sigma[k, a]
            q[k, a] = s.q[a, k]
    worst = 0.0
    y_next = np.empty_like(x)
    types = np.zeros(n_players, dtype=np.int64)
    for y in range(n_obs):
        for k in range(n_types):
            likely = 0.0
            for a in range(n_options):
                likely = max(likely, (1.0 if a == y else 0.0) if g.is_open[n] else s.like[a, y, k])
            if likely == 0.0:
                continue
            mean = 0.0
            square = 0.0
            for r in range(draws):
                y_next[:] = x
                move_belief(n, y, y_next, lines, g, s)
                draw_types(uniform[r], y_next, lines, types, z2.prob)
                types[owner] = k
                column = g.columns[owner] + k
                error = correction(
                    g.target[y0 + y], y_next, column, types, uniform[r, n_players:], lines, combination, g, pay, values, policy, s2, z2, f2
                )
                mean += error
                square += error * error
            mean /= draws
            if draws > 1:
                spread = max(square / draws - mean * mean, 0.0) / (draws - 1)
                worst = max(worst, np.sqrt(spread))
            for a in range(n_options):
                chance = (1.0 if a == y else 0.0) if g.is_open[n] else s.like[a, y, k]
                q[k, a] += chance * g.beta[n] * mean
    for k in range(n_types):
        top = -np.inf
        for a in range(n_options):
            exact[k, a] = g.log_w[o0 + a] + g.precision[n] * q[k, a]
            top = max(top, exact[k, a])
        total = 0.0
        for a in range(n_options):
            exact[k, a] = np.exp(exact[k, a] - top)
            total += exact[k, a]
        for a in range(n_options):
            exact[k, a] /= total
    return worst, folds, switched


