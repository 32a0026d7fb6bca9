"""Choices made at the same moment, on one public history: their equations, linearised, and what they make of the values.

Members `m` move at once at history `h`; member `m` has types `k`, options `a`, log-odds `u_m[k, a]`. A *leaf* is a history after one option of
each, `l = (a_1 .. a_M)`. With what column `c` (a type of some player) expects member `m` to do,

    P_m[c, a] = sigma_m(a | k) if c is type k of m itself,  else  sum_k b_m[c, k] sigma_m(a | k),

where `b_m[c]` is the belief about `m` in the eyes of that player, values and action values are

    V[c] = sum_l prod_m P_m[c, a_m] (r_l[c] + V_l[c]),      Q_m[k, a] = sum_{l: a_m = a} prod_{m' != m} P_m'[c, a_m'] (r_l[c] + V_l[c]),

and the equations are those of `standoff.solve._stage` for every member: `u_m = log w_m + t lambda_m (Q_m - Q_m[0])`. Each member's choice moves the
belief about itself alone, so a leaf's belief is moved once by every member. Derivatives are by belief axes, `t` and all members' log-odds;
the last are eliminated by solving the joint system (implicit function theorem), as `standoff.solve._exact` does for single choices.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._jit import kernel
from standoff.solve._stage import solve_linear

SOLVED = 1e-11
"""Largest relative |F| at which a point counts as a solution although the equations are singular there, as where branches cross."""


class Moment(NamedTuple):
    """Scratch. `M` members, `K` types, `A` options, `C` columns, `P` players, `D` belief axes, `N` unknowns, `J` = D + 1 + N directions."""

    node: np.ndarray  # (M,) a node of each member
    history: np.ndarray  # (M,) a history of each member
    row: np.ndarray  # (M,) first unknown row of each member in the tree
    offset: np.ndarray  # (M,) first unknown
    pick: np.ndarray  # (M,) options of a leaf
    sigma: np.ndarray  # (M, K, A)
    eyes: np.ndarray  # (M, P, K) belief about a member in the eyes of each player
    by_x: np.ndarray  # (M, A, K-1, K-1) derivative of a member's posterior by the belief about it
    by_log: np.ndarray  # (M, A, K-1, K) and by log-likelihoods
    chance: np.ndarray  # (M, C, A)
    chance_x: np.ndarray  # (M, C, A, K-1) derivative by the belief about the member
    chance_u: np.ndarray  # (M, C, A, N) derivative by the unknowns, of which only its own matter
    grow: np.ndarray  # (J,) derivative of a leaf's value
    q: np.ndarray  # (M, K, A)
    dq: np.ndarray  # (M, K, A, J)
    v: np.ndarray  # (C,)
    dv: np.ndarray  # (C, J)
    residual: np.ndarray  # (N,)
    matrix: np.ndarray  # (N, N)
    work: np.ndarray  # (N, N)
    rhs: np.ndarray  # (N,)


def make_moment(members: int, types: int, options: int, columns: int, players: int, axes: int, unknowns: int) -> Moment:
    """Return scratch for choices of at most so many members, types and options; without any members it is empty."""
    m, k, a, c, n = members, types, options, columns, unknowns if members else 0
    own, j = max(k - 1, 1), axes + 1 + n
    if not members:
        k = a = c = own = j = 0
    whole = np.int64
    return Moment(
        np.zeros(m, whole), np.zeros(m, whole), np.zeros(m, whole), np.zeros(m, whole), np.zeros(m, whole),
        np.zeros((m, k, a)), np.zeros((m, players, k)),
        np.zeros((m, a, own, own)), np.zeros((m, a, own, k)), np.zeros((m, c, a)), np.zeros((m, c, a, own)), np.zeros((m, c, a, n)), np.zeros(j),
        np.zeros((m, k, a)), np.zeros((m, k, a, j)), np.zeros(c), np.zeros((c, j)), np.zeros(n), np.zeros((n, n)), np.zeros((n, n)), np.zeros(n),
    )  # fmt: skip


@kernel
def leads(n, g):
    """Tell whether others choose at the same moment as node `n`, after it in the order of turns."""
    y0 = g.observation_start[n]
    if g.kind[n] != 0 or g.observation_start[n + 1] == y0:
        return False
    following = g.target[y0]
    return following != n and g.head[following] == n


@kernel
def gather(h, tree, g, axes, z):
    """Fill `z.node`, `z.row` and `z.offset` of the members at history `h`; return their number and that of the unknowns."""
    nodes, children, first_row = tree.node, tree.child, tree.unknown
    head = nodes[h]
    here = h
    members = 0
    unknowns = 0
    while members == 0 or (nodes[here] != head and g.head[nodes[here]] == head):
        n = nodes[here]
        z.node[members] = n
        z.history[members] = here
        z.row[members] = first_row[here]
        z.offset[members] = unknowns
        unknowns += axes.n_types[g.owner[n]] * (g.option_start[n + 1] - g.option_start[n] - 1)
        members += 1
        if children[here] < 0:
            break
        here = children[here]
    return members, unknowns


@kernel
def look(m, n_types, column, unknowns, prob, dprob, g, z):
    """Fill the chances of member `m` in all columns, with derivatives.

    `column` is the member's first, `prob` (K,) the common belief about it and `dprob[d, k]` its derivatives.
    """
    n = z.node[m]
    owner = g.owner[n]
    n_options = g.option_start[n + 1] - g.option_start[n]
    n_axes = n_types - 1
    for j in range(g.columns.shape[0] - 1):
        total = 0.0
        for k in range(n_types):
            z.eyes[m, j, k] = prob[k] * g.tilt[j, column + k]
            total += z.eyes[m, j, k]
        for k in range(n_types):
            z.eyes[m, j, k] /= total
        for c in range(g.columns[j], g.columns[j + 1]):
            for a in range(n_options):
                z.chance[m, c, a] = 0.0
                for d in range(n_axes):
                    z.chance_x[m, c, a, d] = 0.0
                for one in range(unknowns):
                    z.chance_u[m, c, a, one] = 0.0
                for k in range(n_types):
                    if j == owner and k != c - column:
                        continue
                    p = z.sigma[m, k, a] * (1.0 if j == owner else z.eyes[m, j, k])
                    z.chance[m, c, a] += p
                    for b in range(1, n_options):
                        share = (1.0 if a == b else 0.0) - z.sigma[m, k, b]
                        z.chance_u[m, c, a, z.offset[m] + k * (n_options - 1) + b - 1] = p * share
                    for d in range(n_axes if j != owner else 0):
                        # In the player's eyes: the derivative of `prob tilt / total`.
                        level = 0.0
                        for i in range(n_types):
                            level += dprob[d, i] * g.tilt[j, column + i] / total
                        change = dprob[d, k] * g.tilt[j, column + k] / total - level * z.eyes[m, j, k]
                        z.chance_x[m, c, a, d] += z.sigma[m, k, a] * change


@kernel
def next_leaf(members, g, z):
    """Move `z.pick` on to the next leaf, the last member's options running fastest; False after the last, when it stands at the first again."""
    for back in range(members):
        m = members - 1 - back
        z.pick[m] += 1
        if z.pick[m] < g.option_start[z.node[m] + 1] - g.option_start[z.node[m]]:
            return True
        z.pick[m] = 0
    return False


@kernel
def gather_values(h, members, unknowns, tree, g, pay, axes, value, slope, z):
    """Fill `z.q`, `z.dq`, `z.v` and `z.dv` from all leaves; `value` (H, C) and `slope` (H, C, D+1) are those of the leaves."""
    children = tree.child
    n_axes_all = slope.shape[2] - 1
    n_columns = value.shape[1]
    n_directions = n_axes_all + 1 + unknowns
    for c in range(n_columns):
        z.v[c] = pay.node[z.node[0], c]
        for j in range(n_directions):
            z.dv[c, j] = 0.0
    for m in range(members):
        n = z.node[m]
        for k in range(axes.n_types[g.owner[n]]):
            for a in range(g.option_start[n + 1] - g.option_start[n]):
                z.q[m, k, a] = 0.0
                for j in range(n_directions):
                    z.dq[m, k, a, j] = 0.0
        z.pick[m] = 0
    while True:
        leaf = h
        for m in range(members):
            leaf = children[leaf] + z.pick[m]
        for c in range(n_columns):
            worth = value[leaf, c]
            here = z.node[0]
            for m in range(members):
                seen = g.observation_start[here] + z.pick[m]
                worth += pay.option[g.option_start[here] + z.pick[m], c] + pay.observation[seen, c]
                here = g.target[seen]
            grow_leaf(leaf, c, members, unknowns, n_axes_all, g, axes, slope, z)
            mover = -1
            for m in range(members):
                first = g.columns[g.owner[z.node[m]]]
                if first <= c < first + axes.n_types[g.owner[z.node[m]]]:
                    mover = m
            # All chances, and for a member's own column those of the others.
            for without in range(2):
                if without == 1 and mover < 0:
                    continue
                skip = mover if without == 1 else -1
                weight = 1.0
                for m in range(members):
                    if m != skip:
                        weight *= z.chance[m, c, z.pick[m]]
                k = c - g.columns[g.owner[z.node[mover]]] if without == 1 else 0
                a = z.pick[mover] if without == 1 else 0
                if without == 1:
                    z.q[mover, k, a] += weight * worth
                else:
                    z.v[c] += weight * worth
                for j in range(n_directions):
                    total = weight * z.grow[j]
                    if without == 1:
                        z.dq[mover, k, a, j] += total
                    else:
                        z.dv[c, j] += total
                for m in range(members):
                    if m == skip:
                        continue
                    rest = worth
                    for other in range(members):
                        if other != m and other != skip:
                            rest *= z.chance[other, c, z.pick[other]]
                    owner = g.owner[z.node[m]]
                    for d in range(axes.n_types[owner] - 1):
                        change = rest * z.chance_x[m, c, z.pick[m], d]
                        if without == 1:
                            z.dq[mover, k, a, axes.first[owner] + d] += change
                        else:
                            z.dv[c, axes.first[owner] + d] += change
                    for one in range(unknowns):
                        change = rest * z.chance_u[m, c, z.pick[m], one]
                        if without == 1:
                            z.dq[mover, k, a, n_axes_all + 1 + one] += change
                        else:
                            z.dv[c, n_axes_all + 1 + one] += change
        if not next_leaf(members, g, z):
            return


@kernel
def grow_leaf(leaf, c, members, unknowns, n_axes_all, g, axes, slope, z):
    """Fill `z.grow`: the derivative of a leaf's value in column `c` by the belief at the head, `t` and the unknowns."""
    for d in range(n_axes_all + 1):
        z.grow[d] = slope[leaf, c, d]
    for one in range(unknowns):
        z.grow[n_axes_all + 1 + one] = 0.0
    for m in range(members):
        n = z.node[m]
        owner = g.owner[n]
        first = axes.first[owner]
        n_types = axes.n_types[owner]
        n_options = g.option_start[n + 1] - g.option_start[n]
        a = z.pick[m]
        for d in range(n_types - 1):
            z.grow[first + d] = 0.0
        for e in range(n_types - 1):
            for d in range(n_types - 1):
                z.grow[first + d] += slope[leaf, c, first + e] * z.by_x[m, a, e, d]
            for k in range(n_types):
                change = slope[leaf, c, first + e] * z.by_log[m, a, e, k]
                for b in range(1, n_options):
                    share = (1.0 if a == b else 0.0) - z.sigma[m, k, b]
                    z.grow[n_axes_all + 1 + z.offset[m] + k * (n_options - 1) + b - 1] += change * share


@kernel
def answer_together(h, members, unknowns, t, drag, g, axes, u, value, slope, rise, sign, z):
    """Solve the linearised equations of the members; fills `rise` of their options, and `value`, `slope` and `sign` of history `h`.

    Returns the largest residual, relative to max(1, |u|); infinite where the system is singular, unless the equations hold there: then there are
    no directions, `rise` is 0.
    """
    n_axes_all = slope.shape[2] - 1
    n_columns = value.shape[1]
    beyond = n_axes_all + 1
    worst = 0.0
    scale = 1.0
    for m in range(members):
        n = z.node[m]
        n_options = g.option_start[n + 1] - g.option_start[n]
        o0 = g.option_start[n]
        precision = g.precision[n] * t
        for k in range(axes.n_types[g.owner[n]]):
            for a in range(1, n_options):
                line = z.offset[m] + k * (n_options - 1) + a - 1
                log_odds = u[z.row[m] + a - 1, k]
                gap = log_odds - (g.log_w[o0 + a] - g.log_w[o0]) - precision * (z.q[m, k, a] - z.q[m, k, 0])
                z.residual[line] = gap
                worst = max(worst, abs(gap))
                scale = max(scale, abs(log_odds))
                for one in range(unknowns):
                    z.matrix[line, one] = -precision * (z.dq[m, k, a, beyond + one] - z.dq[m, k, 0, beyond + one])
                z.matrix[line, line] += 1.0 + drag
    if not worst / scale < 1e12:
        return np.inf
    for c in range(n_columns):
        value[h, c] = z.v[c]
        for d in range(beyond):
            slope[h, c, d] = z.dv[c, d]
    sign[h] = 1.0
    # Directions: belief axes, then t, then Newton's own step.
    for j in range(n_axes_all + 2):
        for m in range(members):
            n = z.node[m]
            n_options = g.option_start[n + 1] - g.option_start[n]
            for k in range(axes.n_types[g.owner[n]]):
                for a in range(1, n_options):
                    line = z.offset[m] + k * (n_options - 1) + a - 1
                    if j == beyond:
                        z.rhs[line] = -z.residual[line]
                        continue
                    z.rhs[line] = g.precision[n] * t * (z.dq[m, k, a, j] - z.dq[m, k, 0, j])
                    if j == n_axes_all:
                        z.rhs[line] += g.precision[n] * (z.q[m, k, a] - z.q[m, k, 0])
        for one in range(unknowns):
            for two in range(unknowns):
                z.work[one, two] = z.matrix[one, two]
        if unknowns > 0:
            sign[h] = solve_linear(z.work, z.rhs, unknowns)
            if sign[h] == 0.0:
                if worst > SOLVED * scale:
                    return np.inf
                z.rhs[:unknowns] = 0.0
        for m in range(members):
            n = z.node[m]
            n_options = g.option_start[n + 1] - g.option_start[n]
            for k in range(axes.n_types[g.owner[n]]):
                for a in range(1, n_options):
                    rise[z.row[m] + a - 1, k, j] = z.rhs[z.offset[m] + k * (n_options - 1) + a - 1]
        for c in range(n_columns):
            total = 0.0
            for one in range(unknowns):
                total += z.dv[c, beyond + one] * z.rhs[one]
            if j == beyond:
                value[h, c] += total
            else:
                slope[h, c, j] += total
    return worst / scale
