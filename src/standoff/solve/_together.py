"""Choices made at the same moment by players with secrets, at one public belief of the grid.

The equations are those of `standoff.solve._at_once` at a *head*, the first decision node of a moment, where the values of the leaves are read
from the belief grid: with `x` the belief at the head and `x^m[a]` the belief about member `m` by Bayes' rule after its option `a`,

    V_l[c] = interpolant of values[leaf node, :, c] at x with x^m[a_m] in place of the coordinates of every member m,    l = (a_1 .. a_M),

    F[m, k, a](u, t) = u_m[k, a] - log(w_m[a] / w_m[0]) - t lambda_m (Q_m[k, a] - Q_m[k, 0]) = 0.

Newton's method wants dV_l / d log L of the members, which is the gradient of the interpolant in log-odds coordinates times the derivative of
Bayes' rule. The gradient takes the cardinal functions' derivatives by central differences; that is as good as needed, because the residual does
not depend on it. `standoff.solve._moments` solves them.

The histories of a moment, from its head over the nodes of the other members to the leaves, are numbered parents first, the children of one
consecutively. `M` members, `K` types, `A` options, `N` unknowns, `H` histories, `C` columns, `D` belief axes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._at_once import Moment, gather, gather_values, look, next_leaf
from standoff.solve._jit import kernel
from standoff.solve._stage import bayes
from standoff.solve._sweep import type_probabilities
from standoff.solve.grid import axis_cardinals, combine

NUDGE = 1e-4
"""Half the width of a central difference, in log-odds: its error is of order 1e-8."""


class Histories(NamedTuple):
    """The histories of a moment."""

    node: np.ndarray  # (H,)
    child: np.ndarray  # (H,) first child, -1 at a leaf
    unknown: np.ndarray  # (H,) first option row: options are numbered over the members
    member: np.ndarray  # (H,) who chooses; the number of members at a leaf


class Joint(NamedTuple):
    """Scratch of a moment, and its solution."""

    tree: Histories
    moment: Moment
    point: np.ndarray  # (N+1,) log-odds by member, type and option but the first; then `t` times a scale
    value: np.ndarray  # (H, C)
    slope: np.ndarray  # (H, C, D+1) of the leaves, by log-odds coordinates
    log_like: np.ndarray  # (M, A, K) log-probability of each option
    post: np.ndarray  # (M, A, K-1) coordinates of a member after each option
    cards: np.ndarray  # (D, levels, n) cardinal functions at the head's belief
    leaf: np.ndarray  # (D, levels, n) and at a leaf's
    after: np.ndarray  # (M, A, K-1, levels, n) those of a member's axes after each option
    bend: np.ndarray  # (M, A, K-1, levels, n) their derivative by the log-odds coordinate
    basis: np.ndarray  # (1, n)
    weights: np.ndarray  # (grid nodes,) interpolation weights
    x: np.ndarray  # (D,)
    prob: np.ndarray  # (K,)
    still: np.ndarray  # (K, K) noughts
    mass: np.ndarray  # (K,)
    residual: np.ndarray  # (N,)
    dt: np.ndarray  # (N,) dF/dt
    matrix: np.ndarray  # (N, N) dF/du
    bordered: np.ndarray  # (N+1, N+1)
    rhs: np.ndarray  # (N+1,)
    start: np.ndarray  # (N+1,)
    tangent: np.ndarray  # (N+1,)
    came_from: np.ndarray  # (nodes of the game,) node whose option leads to one that belongs to an earlier head; -1 at others
    came_by: np.ndarray  # (nodes of the game,) that option


@kernel
def unfold(n, g, lines, j):
    """List the histories of the moment at head `n`; return (histories, members, unknowns)."""
    node, child, unknown, member = j.tree.node, j.tree.child, j.tree.unknown, j.tree.member
    node[0] = n
    unknown[0] = 0
    member[0] = 0
    count = 1
    h = 0
    while h < count:
        here = node[h]
        child[h] = -1
        if h == 0 or (g.head[here] == n and here != n):
            child[h] = count
            n_options = g.option_start[here + 1] - g.option_start[here]
            for a in range(n_options):
                node[count] = g.target[g.observation_start[here] + a]
                unknown[count] = unknown[h] + n_options
                member[count] = member[h] + 1
                count += 1
        h += 1
    members, unknowns = gather(0, j.tree, g, lines, j.moment)
    return count, members, unknowns


@kernel
def _behave(x, members, g, lines, j):
    """Fill what members do at the log-odds `j.point`, and what is believed after each option, with derivatives."""
    z, point = j.moment, j.point
    for m in range(members):
        n = z.node[m]
        owner = g.owner[n]
        n_types = lines.n_types[owner]
        n_options = g.option_start[n + 1] - g.option_start[n]
        first = lines.first[owner]
        for k in range(n_types):
            row = z.offset[m] + k * (n_options - 1) - 1
            top = 0.0
            for a in range(1, n_options):
                top = max(top, point[row + a])
            total = np.exp(-top)
            for a in range(1, n_options):
                total += np.exp(point[row + a] - top)
            for a in range(n_options):
                log_odds = point[row + a] if a > 0 else 0.0
                j.log_like[m, a, k] = log_odds - top - np.log(total)
                z.sigma[m, k, a] = np.exp(j.log_like[m, a, k])
        own = x[first : first + n_types - 1]
        for a in range(n_options):
            bayes(own, j.log_like[m], a, n_types, j.post[m])
            for k in range(n_types):
                j.mass[k] = 1.0 if k == n_types - 1 else 0.0  # d log M[d+1] / d log L[k], as in `bayes`
            for back in range(n_types - 1):
                d = n_types - 2 - back
                share = j.post[m, a, d]
                for k in range(n_types):
                    mine = 1.0 if k == d else 0.0
                    z.by_log[m, a, d, k] = mine - j.mass[k]
                    j.mass[k] = share * mine + (1.0 - share) * j.mass[k]


@kernel
def _put(cards, into):
    """Copy the cardinal functions of an axis, shape (levels, n)."""
    for level in range(cards.shape[0]):
        for i in range(cards.shape[1]):
            into[level, i] = cards[level, i]


@kernel
def _read(to, h, values, weights, into):
    """Fill `into[h]` with what `weights` make of the values of node `to`."""
    for column in range(values.shape[2]):
        total = 0.0
        for i in range(weights.shape[0]):
            total += weights[i] * values[to, i, column]
        into[h, column] = total


@kernel
def _read_leaves(count, members, c, g, lines, values, j):
    """Fill `j.value` and `j.slope` of the leaves from the grid."""
    z, tree, leaf, weights = j.moment, j.tree, j.leaf, j.weights
    n_levels, width = leaf.shape[1], leaf.shape[2]
    up, down = np.exp(NUDGE), np.exp(-NUDGE)
    for m in range(members):
        n = z.node[m]
        owner = g.owner[n]
        first = lines.first[owner]
        for a in range(g.option_start[n + 1] - g.option_start[n]):
            for d in range(lines.n_types[owner] - 1):
                p = j.post[m, a, d]
                for side in range(3):
                    odds = up if side == 0 else down if side == 1 else 1.0
                    axis_cardinals(first + d, p * odds / (1.0 - p + p * odds), c, leaf, j.basis)
                    for level in range(n_levels):
                        for i in range(width):
                            card = leaf[first + d, level, i]
                            if side == 0:
                                j.bend[m, a, d, level, i] = card
                            elif side == 1:
                                j.bend[m, a, d, level, i] = (j.bend[m, a, d, level, i] - card) / (2.0 * NUDGE)
                            else:
                                j.after[m, a, d, level, i] = card
        z.pick[m] = 0
    for d in range(leaf.shape[0]):
        _put(j.cards[d], leaf[d])
    for h in range(count):
        if tree.child[h] >= 0:
            continue
        to = tree.node[h]
        # Leaves come in the order of options, those of the last member running fastest.
        for m in range(members):
            owner = g.owner[z.node[m]]
            for d in range(lines.n_types[owner] - 1):
                _put(j.after[m, z.pick[m], d], leaf[lines.first[owner] + d])
        combine(c, leaf, weights)
        _read(to, h, values, weights, j.value)
        for m in range(members):
            owner = g.owner[z.node[m]]
            for d in range(lines.n_types[owner] - 1):
                axis = lines.first[owner] + d
                _put(j.bend[m, z.pick[m], d], leaf[axis])
                combine(c, leaf, weights)
                _put(j.after[m, z.pick[m], d], leaf[axis])
                _read(to, h, values, weights, j.slope[:, :, axis])
        next_leaf(members, g, z)


@kernel
def weigh(x, t, sizes, c, g, pay, lines, values, j):
    """Fill the equations at `j.point` and precision `t` times the declared one, with derivatives.

    `sizes` is what `unfold` returned. Returns the largest residual, in log-odds, and the largest |u|, 1 at least.
    """
    count, members, unknowns = sizes
    z, point = j.moment, j.point
    beyond = x.shape[0] + 1
    _behave(x, members, g, lines, j)
    _read_leaves(count, members, c, g, lines, values, j)
    for m in range(members):
        owner = g.owner[z.node[m]]
        type_probabilities(x, lines.first[owner], lines.n_types[owner], j.prob)
        # `j.still` stays 0: how chances hang on the belief at the head is not asked for.
        look(m, lines.n_types[owner], g.columns[owner], unknowns, j.prob, j.still, g, z)
    gather_values(0, members, unknowns, j.tree, g, pay, lines, j.value, j.slope, z)
    worst, scale = 0.0, 1.0
    for m in range(members):
        n = z.node[m]
        o0 = g.option_start[n]
        n_options = g.option_start[n + 1] - o0
        for k in range(lines.n_types[g.owner[n]]):
            for a in range(1, n_options):
                row = z.offset[m] + k * (n_options - 1) + a - 1
                rise = g.precision[n] * (z.q[m, k, a] - z.q[m, k, 0])
                j.residual[row] = point[row] - (g.log_w[o0 + a] - g.log_w[o0]) - t * rise
                j.dt[row] = -rise
                if not np.isfinite(j.residual[row]):
                    return np.inf, scale
                worst = max(worst, abs(j.residual[row]))
                scale = max(scale, abs(point[row]))
                for one in range(unknowns):
                    j.matrix[row, one] = -t * g.precision[n] * (z.dq[m, k, a, beyond + one] - z.dq[m, k, 0, beyond + one])
                j.matrix[row, row] += 1.0
    return worst, scale
