"""Backward induction and policy evaluation on the belief grid.

At a node with owner `i` (mover, or player on whose type chance depends) and public belief `b`, with `L[y, k]` and posteriors `b'[y]` from
the stage (`standoff.solve._stage`), the values of all columns are

    V[c] = r_node[c] + sum_k b_i[k] sum_a sigma[k, a] r_option[a, c] + sum_y P(y) (r_obs[y, c] + beta V_y[c](b'[y])),
    P(y) = sum_k b_i[k] L[y, k],

and for the owner's own column of type k the sums over types are replaced by that type's own term. Only the owner's belief moves. Where a
player's prior about the owner is its own, its columns weigh the owner's types as `in_eyes_of` says.

`visit` does this for one node at one belief, given the line through that belief (`standoff.solve.grid`): the same code serves grid nodes and
beliefs followed exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._at_once import leads
from standoff.solve._axis import axis_basis
from standoff.solve._held import after_all
from standoff.solve._jit import kernel
from standoff.solve._stage import bayes, settle


class LineTable(NamedTuple):
    """The lines of all players in flat arrays. `P` players, `M` grid nodes."""

    first: np.ndarray  # (P,) first axis
    n_types: np.ndarray  # (P,)
    sizes: np.ndarray  # (P, axes) coefficients per own axis, negative on a local grid
    exponents: np.ndarray  # (P, J, axes)
    n_leaf: np.ndarray  # (P,)
    start: np.ndarray  # (P, M+1) into `node`
    node: np.ndarray
    matrix_start: np.ndarray  # (P, M+1) into `matrix`, rows of J
    matrix: np.ndarray  # on a local grid rows of one


class Scratch(NamedTuple):
    """Scratch of a visit."""

    prob: np.ndarray  # (K,) belief over the owner's types
    eyes: np.ndarray  # (P, K) the same in the eyes of each player
    weight: np.ndarray  # (touched,) interpolation weights of one observation
    seen: np.ndarray  # (C,) values of one observation
    value: np.ndarray  # (C,) result
    own: np.ndarray  # (K-1,) belief coordinates of the owner
    single: np.ndarray  # (1,) node index for lines of one node
    one: np.ndarray  # (1,) the number one


@kernel
def type_probabilities(x, first, n_types, prob):
    """Fill `prob[:K]` from belief coordinates `x[first : first+K-1]`."""
    rest = 1.0
    for k in range(n_types - 1):
        prob[k] = rest * x[first + k]
        rest *= 1.0 - x[first + k]
    prob[n_types - 1] = rest


@kernel
def in_eyes_of(j, prob, column, n_types, tilt, eyes):
    """Fill `eyes[j, :K]`: what player `j` believes where the common belief is `prob`, its prior being `tilt[j, column:]` times the common one."""
    total = 0.0
    for k in range(n_types):
        eyes[j, k] = prob[k] * tilt[j, column + k]
        total += eyes[j, k]
    for k in range(n_types):
        eyes[j, k] /= total


@kernel
def line_weights(post, y, n_axes, i, sizes, exponents, n_leaf, matrix, row0, n_touched, basis, weight):
    """Fill `weight[:n_touched]`: interpolation weights at posterior `post[y]` along a line of player `i`."""
    for d in range(n_axes):
        axis_basis(post[y, d], sizes[i, d], d, basis)
    if sizes[i, 0] < 0:
        for first in range(0, n_touched, n_leaf):
            for leaf in range(n_leaf):
                total = matrix[row0 + first + leaf]
                for d in range(n_axes):
                    total *= basis[d, exponents[i, leaf, d]]
                weight[first + leaf] = total
        return
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
                    product *= basis[d, exponents[i, leaf, d]]
                total += product
        weight[t] = total


@kernel
def load_likelihood(n, n_types, n_options, n_obs, g, s):
    """Copy the chances of observations of a node that is not open into `s.like`."""
    like, into = g.like, s.like
    base = g.like_start[n]
    for a in range(n_options):
        for y in range(n_obs):
            for k in range(n_types):
                into[a, y, k] = like[base + (a * n_obs + y) * n_types + k]


@kernel
def visit(n, x, n_types, i, sizes, exponents, n_leaf, node, node0, n_touched, matrix, row0, g, pay, values, s, z, retrace):
    """Solve node `n` at owner coordinates `x` and fill `z.value`; return (residual, folds, traced).

    `i` is the owner (0 where there is none, with `n_types` 1); `node[node0 : node0 + n_touched]` and `matrix[row0 :]` are the line through
    the belief; on a local grid (negative `sizes`) a row of `matrix` holds one weight, and rows come in runs of
    one for each coefficient. `s.u` is the warm start and the result.
    """
    target, owners, reward, reward_y, coef = g.target, g.owner, s.reward, s.reward_y, s.coef
    log_like, sigma, post, like = s.log_like, s.sigma, s.post, s.like
    prob, eyes, weight, seen, value = z.prob, z.eyes, z.weight, z.seen, z.value
    pay_option, pay_observation, pay_node = pay.option, pay.observation, pay.node
    columns, tilt = g.columns, g.tilt
    n_players = columns.shape[0] - 1
    n_axes = n_types - 1
    n_columns = values.shape[2]
    o0 = g.option_start[n]
    y0 = g.observation_start[n]
    n_options = max(g.option_start[n + 1] - o0, 1)
    n_obs = g.observation_start[n + 1] - y0
    owner = owners[n]
    kind = g.kind[n]
    decision = kind == 0
    is_open = g.is_open[n]
    beta = g.beta[n]
    local = sizes[i, 0] < 0
    column = columns[owner] if owner >= 0 else 0
    tilted = owner >= 0 and g.tilted[owner]
    for c in range(n_columns):
        value[c] = pay_node[n, c]
    if n_obs == 0:
        return 0.0, 0, False
    residual = 0.0
    folds = 0
    traced = False
    if kind == 2:
        log_like[0, 0] = 0.0
    else:
        if not is_open:
            load_likelihood(n, n_types, n_options, n_obs, g, s)
        if decision:
            log_w, weights = s.log_w, g.log_w
            for a in range(n_options):
                log_w[a] = weights[o0 + a]
                for k in range(n_types):
                    reward[a, k] = pay_option[o0 + a, column + k]
            for y in range(n_obs):
                to = target[y0 + y]
                for k in range(n_types):
                    reward_y[y, k] = pay_observation[y0 + y, column + k]
                    for leaf in range(n_leaf):
                        coef[y, k, leaf] = 0.0
                for t in range(0, n_touched if local else 0, n_leaf):
                    for leaf in range(n_leaf):
                        m = node[node0 + t + leaf]
                        w = matrix[row0 + t + leaf]
                        for k in range(n_types):
                            coef[y, k, leaf] += values[to, m, column + k] * w
                for t in range(0 if local else n_touched):
                    m = node[node0 + t]
                    base = row0 + t * n_leaf
                    for k in range(n_types):
                        v = values[to, m, column + k]
                        for leaf in range(n_leaf):
                            coef[y, k, leaf] += v * matrix[base + leaf]
            residual, folds, traced = settle(s, n_types, n_options, n_obs, is_open, x, g.precision[n], beta, i, sizes, exponents, n_leaf, retrace)
        else:
            for y in range(n_obs):
                for k in range(n_types):
                    p = like[0, y, k]
                    log_like[y, k] = np.log(p) if p > 0.0 else -np.inf
                bayes(x, log_like, y, n_types, post)
    type_probabilities(x, 0, n_types, prob)
    if tilted:
        for j in range(n_players):
            in_eyes_of(j, prob, column, n_types, tilt, eyes)
    basis = s.basis
    for y in range(n_obs):
        to = target[y0 + y]
        mean = 0.0
        for k in range(n_types):
            if log_like[y, k] > -np.inf:
                mean += prob[k] * np.exp(log_like[y, k])
        line_weights(post, y, n_axes, i, sizes, exponents, n_leaf, matrix, row0, n_touched, basis, weight)
        for c in range(n_columns):
            seen[c] = 0.0
        for t in range(n_touched):
            m = node[node0 + t]
            w = weight[t]
            if w != 0.0:
                for c in range(n_columns):
                    seen[c] += w * values[to, m, c]
        for j in range(n_players):
            if tilted:
                mean = 0.0
                for k in range(n_types):
                    if log_like[y, k] > -np.inf:
                        mean += eyes[j, k] * np.exp(log_like[y, k])
            for c in range(columns[j], columns[j + 1]):
                p = mean
                if j == owner:
                    k = c - column
                    p = np.exp(log_like[y, k]) if log_like[y, k] > -np.inf else 0.0
                value[c] += p * (pay_observation[y0 + y, c] + beta * seen[c])
    if decision:
        for a in range(n_options):
            mean = 0.0
            for k in range(n_types):
                mean += prob[k] * sigma[k, a]
            for j in range(n_players):
                if tilted:
                    mean = 0.0
                    for k in range(n_types):
                        mean += eyes[j, k] * sigma[k, a]
                for c in range(columns[j], columns[j + 1]):
                    p = sigma[c - column, a] if j == owner else mean
                    value[c] += p * pay_option[o0 + a, c]
    return residual, folds, traced


@kernel
def induct(first, last, first_point, last_point, points, parent, lines, g, pay, values, policy, s, z, retrace, report, unsolved):
    """Solve nodes `first .. last-1`, which do not lead to each other, at grid nodes `first_point .. last_point-1`.

    Choices made at once are left to `induct_together`. A stage starts from the policy of the grid node `parent`; where that is the node
    itself it is traced from precision 0.
    Fills `values[n]` and `policy[option]`. `report`: [stages, largest residual, traced, folded stages, failed stages];
    `unsolved[n]` counts the failed stages of a node.
    """
    u, own, value, single, one = s.u, z.own, z.value, z.single, z.one
    sizes, exponents, n_leafs, all_types, firsts = lines.sizes, lines.exponents, lines.n_leaf, lines.n_types, lines.first
    line_start, line_node, matrix_start, matrix = lines.start, lines.node, lines.matrix_start, lines.matrix
    owners, option_start = g.owner, g.option_start
    n_columns = values.shape[2]
    for n in range(first, last):
        if g.head[n] != n or leads(n, g):
            continue
        owner = owners[n]
        i = max(owner, 0)
        o0 = option_start[n]
        n_options = option_start[n + 1] - o0
        n_types = all_types[i] if owner >= 0 else 1
        for m in range(first_point, last_point):
            for a in range(n_options):
                for k in range(n_types):
                    u[k, a] = policy[o0 + a, parent[m], k]
            for d in range(n_types - 1):
                own[d] = points[m, firsts[i] + d]
            single[0] = m
            # Without an owner no belief moves: the line is the node itself.
            nodes, weights, node0, row0, n_touched, n_leaf = single, one, single[0] - m, single[0] - m, n_types, n_types
            if owner >= 0:
                nodes, weights, node0, row0 = line_node, matrix, line_start[i, m], matrix_start[i, m]
                n_touched, n_leaf = line_start[i, m + 1] - node0, n_leafs[i]
            residual, folds, traced = visit(
                n, own, n_types, i, sizes, exponents, n_leaf, nodes, node0, n_touched, weights, row0, g, pay, values, s, z, retrace or parent[m] == m
            )
            for c in range(n_columns):
                values[n, m, c] = value[c]
            if n_options > 1:
                report[0] += 1.0
                if residual == np.inf:
                    report[4] += 1.0
                    unsolved[n] += 1
                else:
                    report[1] = max(report[1], residual)
                if traced:
                    report[2] += 1.0
                if folds > 0:
                    report[3] += 1.0
            for a in range(n_options):
                for k in range(n_types):
                    policy[o0 + a, m, k] = u[k, a]


@kernel
def evaluate(
    first, last, points, combination, lines, g, pay, keep_option, keep_observation, discounted, pinned, viewer, group, acted, played, values, policy,
    s, z, joint,
):  # fmt: skip
    """Evaluate functionals under the solved policy at nodes `first .. last-1`; fills `values[n, m, column]`.

    Column `c` receives `pay.node`, `pay.option`, `pay.observation`, and goes on with weight `keep_option`, `keep_observation` (0 stops it: the
    event has happened). `pinned[c, i]` is the type of player `i` in that column, -1 to average over the public belief, as
    player `viewer[c]` sees it (-1: as it is). `acted[group[c], option]`
    overrides behaviour: -1 as solved, else 0 forbidden or 1 forced; `played` is scratch (groups, K, A). Beliefs always move as
    if the solved policy were played: others do not know of the intervention. At the nodes of those who choose at once everything is by the
    belief before the first of their choices; `joint` is scratch of a moment.
    """
    sigma, log_like, like, post, basis = s.sigma, s.log_like, s.like, s.post, s.basis
    prob, eyes, weight, seen, own, total = z.prob, z.eyes, z.weight, z.seen, z.own, z.value
    sizes, exponents, n_leafs, all_types, firsts = lines.sizes, lines.exponents, lines.n_leaf, lines.n_types, lines.first
    line_start, line_node, matrix_start, matrix = lines.start, lines.node, lines.matrix_start, lines.matrix
    pay_node, pay_option, pay_observation = pay.node, pay.option, pay.observation
    target, owners, kinds, opens, betas = g.target, g.owner, g.kind, g.is_open, g.beta
    n_points = points.shape[0]
    n_columns = values.shape[2]
    n_groups = acted.shape[0]
    n_players = g.columns.shape[0] - 1
    for n in range(first, last):
        owner = owners[n]
        i = max(owner, 0)
        o0 = g.option_start[n]
        y0 = g.observation_start[n]
        n_options = g.option_start[n + 1] - o0
        n_rows = max(n_options, 1)
        n_obs = g.observation_start[n + 1] - y0
        n_types = all_types[i] if owner >= 0 else 1
        closing = kinds[n] == 2
        is_open = opens[n]
        at_once = g.head[n] != n or leads(n, g)
        if not is_open and not closing and n_obs > 0:
            load_likelihood(n, n_types, n_rows, n_obs, g, s)
        for m in range(n_points):
            for c in range(n_columns):
                total[c] = pay_node[n, c]
            for d in range(n_types - 1):
                own[d] = points[m, firsts[i] + d]
            # Behaviour as solved moves beliefs.
            for k in range(n_types):
                if n_options == 0:
                    sigma[k, 0] = 1.0
                else:
                    top = -np.inf
                    for a in range(n_options):
                        top = max(top, policy[o0 + a, m, k])
                    mass = 0.0
                    for a in range(n_options):
                        sigma[k, a] = np.exp(policy[o0 + a, m, k] - top)
                        mass += sigma[k, a]
                    for a in range(n_options):
                        sigma[k, a] /= mass
            # Behaviour as acted moves the game. What is allowed is weighed from its own largest log-odds: the rest of a menu may be too
            # unlikely for plain numbers.
            for b in range(n_groups):
                forced = -1
                changed = False
                for a in range(n_options):
                    changed = changed or acted[b, o0 + a] != -1
                    if acted[b, o0 + a] == 1:
                        forced = a
                for k in range(n_types):
                    if not changed:
                        for a in range(n_rows):
                            played[b, k, a] = sigma[k, a]
                        continue
                    top = -np.inf
                    for a in range(n_options):
                        if acted[b, o0 + a] != 0:
                            top = max(top, policy[o0 + a, m, k])
                    mass = 0.0
                    for a in range(n_options):
                        p = np.exp(policy[o0 + a, m, k] - top) if acted[b, o0 + a] != 0 else 0.0
                        if forced >= 0:
                            p = 1.0 if a == forced else 0.0
                        played[b, k, a] = p
                        mass += p
                    for a in range(n_options):
                        played[b, k, a] /= mass
            type_probabilities(own, 0, n_types, prob)
            tilted = owner >= 0 and g.tilted[owner]
            if tilted:
                for j in range(n_players):
                    in_eyes_of(j, prob, g.columns[owner], n_types, g.tilt, eyes)
            for y in range(n_obs):
                to = target[y0 + y]
                for c in range(n_columns):
                    seen[c] = 0.0
                if at_once:
                    after_all(n, y, m, points, combination, lines, g, policy, values, s, joint, seen)
                elif owner >= 0:
                    for k in range(n_types):
                        if is_open:
                            mass = sigma[k, y]
                        else:
                            mass = 0.0
                            for a in range(n_rows):
                                mass += sigma[k, a] * like[a, y, k]
                        log_like[y, k] = np.log(mass) if mass > 0.0 else -np.inf
                    bayes(own, log_like, y, n_types, post)
                    node0 = line_start[i, m]
                    n_touched = line_start[i, m + 1] - node0
                    line_weights(post, y, n_types - 1, i, sizes, exponents, n_leafs[i], matrix, matrix_start[i, m], n_touched, basis, weight)
                    for t in range(n_touched):
                        w = weight[t]
                        at = line_node[node0 + t]
                        if w != 0.0:
                            for c in range(n_columns):
                                seen[c] += w * values[to, at, c]
                else:
                    for c in range(n_columns):
                        seen[c] = values[to, m, c]
                for c in range(n_columns):
                    beta = betas[n] if discounted[c] else 1.0
                    gain = pay_observation[y0 + y, c] + keep_observation[y0 + y, c] * beta * seen[c]
                    pin = pinned[c, owner] if owner >= 0 else 0
                    for k in range(n_types):
                        if pin >= 0 and owner >= 0 and k != pin:
                            continue
                        p = 1.0 if pin >= 0 else eyes[viewer[c], k] if tilted and viewer[c] >= 0 else prob[k]
                        if closing:
                            total[c] += p * gain
                        elif n_options == 0:
                            total[c] += p * like[0, y, k] * gain
                        elif is_open:
                            total[c] += p * played[group[c], k, y] * (pay_option[o0 + y, c] + keep_option[o0 + y, c] * gain)
                        else:
                            for a in range(n_options):
                                total[c] += p * played[group[c], k, a] * like[a, y, k] * keep_option[o0 + a, c] * gain
            if n_options > 0 and not is_open:
                for c in range(n_columns):
                    pin = pinned[c, owner]
                    for k in range(n_types):
                        if pin >= 0 and k != pin:
                            continue
                        p = 1.0 if pin >= 0 else eyes[viewer[c], k] if tilted and viewer[c] >= 0 else prob[k]
                        for a in range(n_options):
                            total[c] += p * played[group[c], k, a] * pay_option[o0 + a, c]
            for c in range(n_columns):
                values[n, m, c] = total[c]
