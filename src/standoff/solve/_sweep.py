"""Backward induction and policy evaluation on the belief grid.

At a node with owner `i` (mover, or player on whose type chance depends) and public belief `b`, with `L[y, k]` and posteriors `b'[y]` from
the stage (`standoff.solve._stage`), the values of all columns are

    V[c] = r_node[c] + sum_k b_i[k] sum_a sigma[k, a] r_option[a, c] + sum_y P(y) (r_obs[y, c] + beta V_y[c](b'[y])),
    P(y) = sum_k b_i[k] L[y, k],

and for the owner's own column of type k the sums over types are replaced by that type's own term. Only the owner's belief moves.

`visit` does this for one node at one belief, given the line through that belief (`standoff.solve.grid`): the same code serves grid nodes and
beliefs followed exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from standoff.solve._stage import bayes, chebyshev, settle


class LineTable(NamedTuple):
    """The lines of all players in flat arrays. `P` players, `M` grid nodes."""

    first: np.ndarray  # (P,) first axis
    n_types: np.ndarray  # (P,)
    sizes: np.ndarray  # (P, axes) coefficients per own axis
    exponents: np.ndarray  # (P, J, axes)
    n_leaf: np.ndarray  # (P,)
    start: np.ndarray  # (P, M+1) into `node`
    node: np.ndarray
    matrix_start: np.ndarray  # (P, M+1) into `matrix`, rows of J
    matrix: np.ndarray


class Scratch(NamedTuple):
    """Scratch of a visit."""

    prob: np.ndarray  # (K,) belief over the owner's types
    weight: np.ndarray  # (touched,) interpolation weights of one observation
    seen: np.ndarray  # (C,) values of one observation
    value: np.ndarray  # (C,) result
    single: np.ndarray  # (1,) node index for lines of one node
    one: np.ndarray  # (1,) the number one


@njit(cache=True, nogil=True)
def type_probabilities(x, n_types, prob):
    """Fill `prob[:K]` from belief coordinates `x[:K-1]`."""
    rest = 1.0
    for k in range(n_types - 1):
        prob[k] = rest * x[k]
        rest *= 1.0 - x[k]
    prob[n_types - 1] = rest


@njit(cache=True, nogil=True)
def line_weights(post, n_axes, sizes, exponents, n_leaf, matrix, row0, n_touched, basis, weight):
    """Fill `weight[:n_touched]`: interpolation weights at posterior coordinates along a line."""
    for d in range(n_axes):
        chebyshev(post[d], sizes[d], basis[d])
    for t in range(n_touched):
        total = 0.0
        base = row0 + t * n_leaf
        if n_axes == 1:
            for leaf in range(n_leaf):
                total += basis[0, leaf] * matrix[base + leaf]
        else:
            for leaf in range(n_leaf):
                product = matrix[base + leaf]
                for d in range(n_axes):
                    product *= basis[d, exponents[leaf, d]]
                total += product
        weight[t] = total


@njit(cache=True, nogil=True)
def load_likelihood(n, n_types, n_options, n_obs, g, s):
    """Copy the chances of observations of a node that is not open into `s.like`."""
    base = g.like_start[n]
    for a in range(n_options):
        for y in range(n_obs):
            for k in range(n_types):
                s.like[a, y, k] = g.like[base + (a * n_obs + y) * n_types + k]


@njit(cache=True, nogil=True)
def visit(n, x, n_axes, n_types, sizes, exponents, n_leaf, node, node0, n_touched, matrix, row0, g, pay, values, s, z, retrace):
    """Solve node `n` at owner coordinates `x` and fill `z.value`; return (residual, folds, traced).

    `node[node0 : node0 + n_touched]` and `matrix[row0 :]` are the line through the belief. `s.u` is the warm start and the result.
    """
    n_columns = values.shape[2]
    o0 = g.option_start[n]
    y0 = g.observation_start[n]
    n_options = max(g.option_start[n + 1] - o0, 1)
    n_obs = g.observation_start[n + 1] - y0
    owner = g.owner[n]
    decision = g.kind[n] == 0
    is_open = g.is_open[n]
    beta = g.beta[n]
    column = g.columns[owner] if owner >= 0 else 0
    for c in range(n_columns):
        z.value[c] = pay.node[n, c]
    if n_obs == 0:
        return 0.0, 0, False
    residual = 0.0
    folds = 0
    traced = False
    if g.kind[n] == 2:
        s.log_like[0, 0] = 0.0
    else:
        if not is_open:
            load_likelihood(n, n_types, n_options, n_obs, g, s)
        if decision:
            for a in range(n_options):
                s.log_w[a] = g.log_w[o0 + a]
                for k in range(n_types):
                    s.reward[a, k] = pay.option[o0 + a, column + k]
            for y in range(n_obs):
                target = g.target[y0 + y]
                for k in range(n_types):
                    s.reward_y[y, k] = pay.observation[y0 + y, column + k]
                    for leaf in range(n_leaf):
                        s.coef[y, k, leaf] = 0.0
                for t in range(n_touched):
                    m = node[node0 + t]
                    base = row0 + t * n_leaf
                    for k in range(n_types):
                        v = values[target, m, column + k]
                        for leaf in range(n_leaf):
                            s.coef[y, k, leaf] += v * matrix[base + leaf]
            residual, folds, traced = settle(
                s, n_types, n_options, n_obs, is_open, x, g.precision[n], beta, sizes, exponents, n_leaf, retrace
            )
        else:
            for y in range(n_obs):
                for k in range(n_types):
                    p = s.like[0, y, k]
                    s.log_like[y, k] = np.log(p) if p > 0.0 else -np.inf
                bayes(x, s.log_like[y], n_types, s.post[y])
    type_probabilities(x, n_types, z.prob)
    for y in range(n_obs):
        target = g.target[y0 + y]
        mean = 0.0
        for k in range(n_types):
            if s.log_like[y, k] > -np.inf:
                mean += z.prob[k] * np.exp(s.log_like[y, k])
        line_weights(s.post[y], n_axes, sizes, exponents, n_leaf, matrix, row0, n_touched, s.basis, z.weight)
        for c in range(n_columns):
            z.seen[c] = 0.0
        for t in range(n_touched):
            m = node[node0 + t]
            w = z.weight[t]
            for c in range(n_columns):
                z.seen[c] += w * values[target, m, c]
        for c in range(n_columns):
            p = mean
            if owner >= 0 and column <= c < column + n_types:
                k = c - column
                p = np.exp(s.log_like[y, k]) if s.log_like[y, k] > -np.inf else 0.0
            z.value[c] += p * (pay.observation[y0 + y, c] + beta * z.seen[c])
    if decision:
        for a in range(n_options):
            mean = 0.0
            for k in range(n_types):
                mean += z.prob[k] * s.sigma[k, a]
            for c in range(n_columns):
                p = mean
                if column <= c < column + n_types:
                    p = s.sigma[c - column, a]
                z.value[c] += p * pay.option[o0 + a, c]
    return residual, folds, traced


@njit(cache=True, nogil=True)
def induct(first, last, points, parent, lines, g, pay, values, policy, s, z, retrace, report):
    """Solve nodes `first .. last-1`, which do not lead to each other, at every grid node.

    Fills `values[n]` and `policy[option]`. `report`: [stages, largest residual, traced, folded stages, failed stages].
    """
    n_points = points.shape[0]
    for n in range(first, last):
        owner = g.owner[n]
        o0 = g.option_start[n]
        n_options = g.option_start[n + 1] - o0
        n_types = lines.n_types[owner] if owner >= 0 else 1
        n_axes = n_types - 1
        axis = lines.first[owner] if owner >= 0 else 0
        player = max(owner, 0)
        for m in range(n_points):
            if n_options > 1 and m > 0:
                for k in range(n_types):
                    for a in range(n_options):
                        s.u[k, a] = policy[o0 + a, parent[m], k]
            if owner >= 0:
                node0 = lines.start[owner, m]
                n_touched = lines.start[owner, m + 1] - node0
                residual, folds, traced = visit(
                    n, points[m, axis : axis + n_axes], n_axes, n_types, lines.sizes[player], lines.exponents[player], lines.n_leaf[player],
                    lines.node, node0, n_touched, lines.matrix, lines.matrix_start[owner, m], g, pay, values, s, z, retrace or m == 0,
                )  # fmt: skip
            else:
                z.single[0] = m
                residual, folds, traced = visit(
                    n, points[m, 0:0], 0, 1, lines.sizes[0], lines.exponents[0], 1, z.single, 0, 1, z.one, 0, g, pay, values, s, z, False
                )
            for c in range(values.shape[2]):
                values[n, m, c] = z.value[c]
            if n_options > 1:
                report[0] += 1.0
                if residual == np.inf:
                    report[4] += 1.0
                else:
                    report[1] = max(report[1], residual)
                if traced:
                    report[2] += 1.0
                if folds > 0:
                    report[3] += 1.0
            for a in range(n_options):
                for k in range(n_types):
                    policy[o0 + a, m, k] = s.u[k, a]


@njit(cache=True, nogil=True)
def evaluate(first, last, points, lines, g, pay, keep_option, keep_observation, discounted, pinned, acted, values, policy, s, z):
    """Evaluate functionals under the solved policy at nodes `first .. last-1`; fills `values[n, m, column]`.

    Column `c` receives `pay.node`, `pay.option`, `pay.observation`, and goes on with weight `keep_option`, `keep_observation` (0 stops it: the
    event has happened). `pinned[c, i]` is the type of player `i` in that column, -1 to average over the public belief. `acted[option]`
    overrides behaviour: -1 as solved, else 0 forbidden or 1 forced. Beliefs always move as if the solved policy were played: others do
    not know of the intervention.
    """
    n_points = points.shape[0]
    n_columns = values.shape[2]
    for n in range(first, last):
        owner = g.owner[n]
        o0 = g.option_start[n]
        y0 = g.observation_start[n]
        n_options = g.option_start[n + 1] - o0
        n_rows = max(n_options, 1)
        n_obs = g.observation_start[n + 1] - y0
        n_types = lines.n_types[owner] if owner >= 0 else 1
        n_axes = n_types - 1
        axis = lines.first[owner] if owner >= 0 else 0
        player = max(owner, 0)
        is_open = g.is_open[n]
        if not is_open and g.kind[n] != 2 and n_obs > 0:
            load_likelihood(n, n_types, n_rows, n_obs, g, s)
        forced = -1
        for a in range(n_options):
            if acted[o0 + a] == 1:
                forced = a
        for m in range(n_points):
            for c in range(n_columns):
                values[n, m, c] = pay.node[n, c]
            if n_obs == 0:
                continue
            # Behaviour as solved moves beliefs.
            if n_options > 0:
                for k in range(n_types):
                    top = -np.inf
                    for a in range(n_options):
                        top = max(top, policy[o0 + a, m, k])
                    total = 0.0
                    for a in range(n_options):
                        s.sigma[k, a] = np.exp(policy[o0 + a, m, k] - top)
                        total += s.sigma[k, a]
                    for a in range(n_options):
                        s.sigma[k, a] /= total
            else:
                for k in range(n_types):
                    s.sigma[k, 0] = 1.0
            for y in range(n_obs):
                for k in range(n_types):
                    if g.kind[n] == 2:
                        mass = 1.0
                    elif is_open:
                        mass = s.sigma[k, y]
                    else:
                        mass = 0.0
                        for a in range(n_rows):
                            mass += s.sigma[k, a] * s.like[a, y, k]
                    s.log_like[y, k] = np.log(mass) if mass > 0.0 else -np.inf
                if owner >= 0:
                    bayes(points[m, axis : axis + n_axes], s.log_like[y], n_types, s.post[y])
            # Behaviour as acted moves the game.
            for k in range(n_types):
                if forced >= 0:
                    for a in range(n_options):
                        s.sigma[k, a] = 1.0 if a == forced else 0.0
                else:
                    total = 0.0
                    for a in range(n_options):
                        if acted[o0 + a] == 0:
                            s.sigma[k, a] = 0.0
                        total += s.sigma[k, a]
                    if n_options > 0:
                        for a in range(n_options):
                            s.sigma[k, a] /= total
            type_probabilities(points[m, axis : axis + n_axes], n_types, z.prob)
            for y in range(n_obs):
                target = g.target[y0 + y]
                if owner >= 0:
                    node0 = lines.start[owner, m]
                    n_touched = lines.start[owner, m + 1] - node0
                    line_weights(
                        s.post[y], n_axes, lines.sizes[player], lines.exponents[player], lines.n_leaf[player], lines.matrix,
                        lines.matrix_start[owner, m], n_touched, s.basis, z.weight,
                    )  # fmt: skip
                    for c in range(n_columns):
                        z.seen[c] = 0.0
                    for t in range(n_touched):
                        w = z.weight[t]
                        at = lines.node[node0 + t]
                        for c in range(n_columns):
                            z.seen[c] += w * values[target, at, c]
                else:
                    for c in range(n_columns):
                        z.seen[c] = values[target, m, c]
                for c in range(n_columns):
                    beta = g.beta[n] if discounted[c] else 1.0
                    gain = pay.observation[y0 + y, c] + keep_observation[y0 + y, c] * beta * z.seen[c]
                    pin = pinned[c, owner] if owner >= 0 else 0
                    for k in range(n_types):
                        if pin >= 0 and owner >= 0 and k != pin:
                            continue
                        p = 1.0 if pin >= 0 else z.prob[k]
                        if n_options == 0:
                            chance = 1.0 if g.kind[n] == 2 else s.like[0, y, k]
                            values[n, m, c] += p * chance * gain
                        elif is_open:
                            values[n, m, c] += p * s.sigma[k, y] * (pay.option[o0 + y, c] + keep_option[o0 + y, c] * gain)
                        else:
                            for a in range(n_options):
                                values[n, m, c] += p * s.sigma[k, a] * s.like[a, y, k] * keep_option[o0 + a, c] * gain
            if n_options > 0 and not is_open:
                for c in range(n_columns):
                    pin = pinned[c, owner]
                    for k in range(n_types):
                        if pin >= 0 and k != pin:
                            continue
                        p = 1.0 if pin >= 0 else z.prob[k]
                        for a in range(n_options):
                            values[n, m, c] += p * s.sigma[k, a] * pay.option[o0 + a, c]
