"""Choices made at the same moment by players with secrets, at one public belief of the grid.

The equations are those of `standoff.solve._at_once` at a *head*, the first decision node of a moment, where the values of the leaves are read
from the belief grid: with `x` the belief at the head and `x^m[a]` the belief about member `m` by Bayes' rule after its option `a`,

    V_l[c] = interpolant of values[leaf node, :, c] at x with x^m[a_m] in place of the coordinates of every member m,    l = (a_1 .. a_M),

    F[m, k, a](u, t) = u_m[k, a] - log(w_m[a] / w_m[0]) - t lambda_m (Q_m[k, a] - Q_m[k, 0]) = 0.

Newton's method wants dV_l / d log L of the members, which is the gradient of the interpolant in log-odds coordinates times the derivative of
Bayes' rule. The gradient takes the cardinal functions' derivatives by central differences; that is as good as needed, because the residual does
not depend on it. Among several solutions the one on the branch from `t = 0` is taken, by pseudo-arclength (Keller 1977) as for single choices
(`standoff.solve._stage`).

The histories of a moment, from its head over the nodes of the other members to the leaves, are numbered parents first, the children of one
consecutively. `M` members, `K` types, `A` options, `N` unknowns, `H` histories, `C` columns, `D` belief axes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._at_once import Moment, gather, gather_values, leads, look
from standoff.solve._jit import kernel
from standoff.solve._stage import NEWTON_STEPS, NEWTON_TOLERANCE, bayes, solve_linear
from standoff.solve._sweep import type_probabilities
from standoff.solve.grid import axis_cardinals, combine

NUDGE = 1e-4
"""Half the width of a central difference, in log-odds: its error is of order 1e-8."""

STEPS, ATTEMPTS = 2000, 4
LONGEST = 2.0


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
        m = members - 1
        while m >= 0:
            z.pick[m] += 1
            if z.pick[m] < g.option_start[z.node[m] + 1] - g.option_start[z.node[m]]:
                break
            z.pick[m] = 0
            m -= 1


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


@kernel
def newton_together(x, sizes, c, g, pay, lines, values, j):
    """Newton's method from `j.point`; return (residual, sign of the Jacobian's determinant), residual infinite when it fails."""
    unknowns = sizes[2]
    before = np.inf
    for _ in range(NEWTON_STEPS):
        worst, scale = weigh(x, 1.0, sizes, c, g, pay, lines, values, j)
        if not worst < 1e6 or worst > 10.0 * before:
            return np.inf, 0.0
        for row in range(unknowns):
            j.rhs[row] = j.residual[row]
        sign = solve_linear(j.matrix, j.rhs, unknowns)
        if sign == 0.0:
            return np.inf, 0.0
        if worst <= NEWTON_TOLERANCE * scale:
            return worst / scale, sign
        for row in range(unknowns):
            j.point[row] -= j.rhs[row]
        before = worst
    return np.inf, 0.0


@kernel
def _turn_tangent(unknowns, speed, direction, j):
    """Put the direction of the branch into `j.rhs`, oriented and bordered by `direction`; return False where it has none."""
    for row in range(unknowns):
        for one in range(unknowns):
            j.bordered[row, one] = j.matrix[row, one]
        j.bordered[row, unknowns] = speed * j.dt[row]
        j.rhs[row] = 0.0
    for one in range(unknowns + 1):
        j.bordered[unknowns, one] = direction[one]
    j.rhs[unknowns] = 1.0
    if solve_linear(j.bordered, j.rhs, unknowns + 1) == 0.0:
        return False
    norm = 0.0
    for one in range(unknowns + 1):
        norm += j.rhs[one] ** 2
    for one in range(unknowns + 1):
        j.rhs[one] /= np.sqrt(norm)
    return True


@kernel
def _return_to_branch(x, step, stretch, sizes, c, g, pay, lines, values, j):
    """Newton's method across the tangent from `j.point`; return the size of the first correction, infinite when it fails."""
    unknowns = sizes[2]
    first = np.inf
    for count in range(7):
        worst, _ = weigh(x, j.point[unknowns] / stretch, sizes, c, g, pay, lines, values, j)
        if not worst < 1e6:
            return np.inf
        along = 0.0
        for one in range(unknowns + 1):
            along += j.tangent[one] * (j.point[one] - j.start[one])
            j.bordered[unknowns, one] = j.tangent[one]
        for row in range(unknowns):
            for one in range(unknowns):
                j.bordered[row, one] = j.matrix[row, one]
            j.bordered[row, unknowns] = j.dt[row] / stretch
            j.rhs[row] = j.residual[row]
        j.rhs[unknowns] = along - step
        if solve_linear(j.bordered, j.rhs, unknowns + 1) == 0.0:
            return np.inf
        size = 0.0
        for one in range(unknowns + 1):
            j.point[one] -= j.rhs[one]
            size = max(size, abs(j.rhs[one]))
        if count == 0:
            first = size
        if size < 1e-8:
            return first
        if count > 0 and size > 0.7 * first:
            return np.inf
    return np.inf


@kernel
def _follow_branch(x, longest, sizes, c, g, pay, lines, values, j):
    """Follow the branch from `t = 0` with steps of at most `longest`; return (residual, turning points), residual infinite when it is lost.

    `t` is scaled so that a unit of arc length is of the size of a unit of log-odds.
    """
    unknowns = sizes[2]
    z = j.moment
    for m in range(sizes[1]):
        n = z.node[m]
        o0 = g.option_start[n]
        n_options = g.option_start[n + 1] - o0
        for k in range(lines.n_types[g.owner[n]]):
            for a in range(1, n_options):
                j.point[z.offset[m] + k * (n_options - 1) + a - 1] = g.log_w[o0 + a] - g.log_w[o0]
    j.point[unknowns] = 0.0
    weigh(x, 0.0, sizes, c, g, pay, lines, values, j)
    stretch = 0.0
    for row in range(unknowns):
        stretch = max(stretch, abs(j.dt[row]))
        j.tangent[row] = 0.0
    if not stretch > 1e-12:
        stretch = 1.0
    j.tangent[unknowns] = 1.0
    if not _turn_tangent(unknowns, 1.0 / stretch, j.tangent, j):
        return np.inf, 0
    for one in range(unknowns + 1):
        j.tangent[one] = j.rhs[one]
        j.start[one] = j.point[one]
    step = min(1.0, 1.5 * stretch, longest)
    folds = 0
    for _ in range(STEPS):
        if j.tangent[unknowns] > 0.0 and j.start[unknowns] + step * j.tangent[unknowns] >= stretch:
            # The end may lie within this step: try to land on it.
            reach = (stretch - j.start[unknowns]) / j.tangent[unknowns]
            for one in range(unknowns):
                j.point[one] = j.start[one] + reach * j.tangent[one]
            residual, _sign = newton_together(x, sizes, c, g, pay, lines, values, j)
            if residual < np.inf:
                gap = 0.0
                for one in range(unknowns):
                    gap = max(gap, abs(j.point[one] - j.start[one] - reach * j.tangent[one]))
                if gap <= 0.3 + 0.5 * reach:
                    return residual, folds
            # Newton went elsewhere: shorten the step and creep up to the end.
            if step < 1e-9:
                return np.inf, folds
            step *= 0.5
            if j.start[unknowns] + step * j.tangent[unknowns] >= stretch:
                continue
        for one in range(unknowns + 1):
            j.point[one] = j.start[one] + step * j.tangent[one]
        first = _return_to_branch(x, step, stretch, sizes, c, g, pay, lines, values, j)
        if first > 0.5 * step:
            if step < 1e-10:
                return np.inf, folds
            step *= 0.5
            continue
        if not _turn_tangent(unknowns, 1.0 / stretch, j.tangent, j):
            step *= 0.5
            continue
        turn = 0.0
        for one in range(unknowns + 1):
            turn += j.rhs[one] * j.tangent[one]
        if turn < 0.8 and step > 1e-6:
            # A sharp bend: take it in smaller steps, so that the branch cannot be swapped for a neighbour.
            step *= 0.5
            continue
        if j.rhs[unknowns] * j.tangent[unknowns] < 0.0:
            folds += 1
        for one in range(unknowns + 1):
            j.start[one] = j.point[one]
            j.tangent[one] = j.rhs[one]
        if j.start[unknowns] < 0.0:
            return np.inf, folds
        if first < 0.1 * step:
            step = min(2.0 * step, longest)
    return np.inf, folds


@kernel
def settle_together(x, retrace, sizes, c, g, pay, lines, values, j):
    """Solve a moment from the warm start in `j.point` or, if `retrace` or if that fails, along the principal branch.

    Returns (residual, turning points, traced) as `standoff.solve._stage.settle`; `j.value` then holds the values of all histories of the moment,
    at the head's belief and in the eyes of each column.
    """
    count, _, unknowns = sizes
    z = j.moment
    residual, sign, folds, traced = np.inf, 0.0, 0, False
    if unknowns == 0:
        residual, _ = weigh(x, 1.0, sizes, c, g, pay, lines, values, j)
    elif not retrace:
        residual, sign = newton_together(x, sizes, c, g, pay, lines, values, j)
    if unknowns > 0 and not (residual < np.inf and sign > 0.0):
        traced = True
        longest = LONGEST
        for _ in range(ATTEMPTS):
            residual, folds = _follow_branch(x, longest, sizes, c, g, pay, lines, values, j)
            if residual < np.inf:
                break
            longest *= 0.2
    for back in range(count):
        h = count - 1 - back
        if j.tree.child[h] < 0:
            continue
        n = j.tree.node[h]
        m = j.tree.member[h]
        for column in range(j.value.shape[1]):
            total = pay.node[n, column]
            for a in range(g.option_start[n + 1] - g.option_start[n]):
                received = pay.option[g.option_start[n] + a, column] + pay.observation[g.observation_start[n] + a, column]
                total += z.chance[m, column, a] * (received + j.value[j.tree.child[h] + a, column])
            j.value[h, column] = total
    return residual, folds, traced


@kernel
def induct_together(first, last, points, parent, c, lines, g, pay, values, policy, j, retrace, report):
    """Solve the moments whose heads are among nodes `first .. last-1` at every grid node; see `standoff.solve._sweep.induct`.

    Policies stand at every copy of a member's node and hang on the head's belief; values there are those after what the members before it
    have chosen, likewise by the head's belief.
    """
    tree, z = j.tree, j.moment
    for n in range(first, last):
        if not leads(n, g):
            continue
        sizes = unfold(n, g, lines, j)
        count, members, unknowns = sizes
        for i in range(points.shape[0]):
            x = points[i]
            for d in range(x.shape[0]):
                axis_cardinals(d, x[d], c, j.cards, j.basis)
            for m in range(members):
                o0 = g.option_start[z.node[m]]
                n_options = g.option_start[z.node[m] + 1] - o0
                for k in range(lines.n_types[g.owner[z.node[m]]]):
                    for a in range(1, n_options):
                        j.point[z.offset[m] + k * (n_options - 1) + a - 1] = policy[o0 + a, parent[i], k]
            residual, folds, traced = settle_together(x, retrace or i == 0, sizes, c, g, pay, lines, values, j)
            if unknowns > 0:
                report[0] += 1.0
                if residual == np.inf:
                    report[4] += 1.0
                else:
                    report[1] = max(report[1], residual)
                if traced:
                    report[2] += 1.0
                if folds > 0:
                    report[3] += 1.0
            for h in range(count):
                if tree.child[h] < 0:
                    continue
                here = tree.node[h]
                m = tree.member[h]
                for column in range(values.shape[2]):
                    values[here, i, column] = j.value[h, column]
                o0 = g.option_start[here]
                n_options = g.option_start[here + 1] - o0
                for k in range(lines.n_types[g.owner[here]]):
                    policy[o0, i, k] = 0.0
                    for a in range(1, n_options):
                        policy[o0 + a, i, k] = j.point[z.offset[m] + k * (n_options - 1) + a - 1]


@kernel
def stand_together(n, x, c, lines, g, pay, values, policy, j, retrace):
    """Solve the moment of head `n` at belief coordinates `x`; results are in `j`. Returns (residual, folds, members).

    `j.weights` holds other things afterwards, `j.cards` the cardinal functions at `x`.
    """
    z = j.moment
    sizes = unfold(n, g, lines, j)
    for d in range(x.shape[0]):
        axis_cardinals(d, x[d], c, j.cards, j.basis)
    combine(c, j.cards, j.weights)
    for m in range(sizes[1]):
        o0 = g.option_start[z.node[m]]
        n_options = g.option_start[z.node[m] + 1] - o0
        for k in range(lines.n_types[g.owner[z.node[m]]]):
            for a in range(1, n_options):
                total = 0.0
                for i in range(j.weights.shape[0]):
                    total += j.weights[i] * (policy[o0 + a, i, k] - policy[o0, i, k])
                j.point[z.offset[m] + k * (n_options - 1) + a - 1] = total
    residual, folds, _ = settle_together(x, retrace, sizes, c, g, pay, lines, values, j)
    return residual, folds, sizes[1]
