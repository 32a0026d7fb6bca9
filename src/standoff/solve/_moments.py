"""Solving the choices of one moment, on the grid and at an exact belief.

The equations are those of `standoff.solve._together`. Among several solutions the one on the branch from `t = 0` is taken, followed by
pseudo-arclength (Keller 1977; Turocy 2005 for games) as for single choices (`standoff.solve._stage`), so that turning points are passed. A warm
start with Newton's method does only where there is no more than one solution: elsewhere that of a neighbouring belief may belong to another branch,
as in games of two who are alike, where the branch of equal beliefs is the only one that keeps them alike.

In all kernels `x` (D,) are belief coordinates at the head, `sizes` is what `unfold` returned, `j` the scratch (`Joint`) with the solution, and
`c`, `g`, `pay`, `lines`, `values`, `policy` are the arrays of grid, game and tables as in `standoff.solve._sweep`.
"""

from __future__ import annotations

import numpy as np

from standoff.solve._at_once import leads
from standoff.solve._jit import kernel
from standoff.solve._stage import NEWTON_STEPS, NEWTON_TOLERANCE, solve_linear
from standoff.solve._together import unfold, weigh
from standoff.solve.grid import axis_cardinals, combine

STEPS, ATTEMPTS = 2000, 4
LONGEST = 2.0
CLOSE = 1e-2
"""Longest step over which a change of the determinant's sign counts as the crossing of another branch; a longer one may have swapped branches."""

APART = 0.9
"""Largest response of anybody to a unit of log-odds of all others at which theirs is taken for the only solution. Responses below one everywhere
contract, so that there is one; the margin is for what beliefs, and a third player, change about the leaves."""


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
def has_one_solution(x, sizes, c, g, pay, lines, values, j):
    """Tell whether nobody's response to the others can be steep enough for several solutions; leaves `j.point` as it is.

    From the equations where all play is even: log-odds of another's option `b`, taken with chance `1 / A`, count by `(w[b] - mean w) / A`, which
    gives the worths `w` of the options. With `R` between the largest and the least, no play makes all of them together count for more than `R / 4`
    if there are two options, and `R / 2` if there are more.
    """
    unknowns = sizes[2]
    z = j.moment
    for one in range(unknowns):
        j.start[one] = j.point[one]
        j.point[one] = 0.0
    worst, _ = weigh(x, 1.0, sizes, c, g, pay, lines, values, j)
    for one in range(unknowns):
        j.point[one] = j.start[one]
    if not worst < np.inf:
        return False
    steepest = 0.0
    for row in range(unknowns):
        j.matrix[row, row] -= 1.0
        total = 0.0
        for m in range(sizes[1]):
            n_options = g.option_start[z.node[m] + 1] - g.option_start[z.node[m]]
            for k in range(lines.n_types[g.owner[z.node[m]]]):
                low, high, rest = np.inf, -np.inf, 0.0
                for a in range(1, n_options):
                    worth = n_options * j.matrix[row, z.offset[m] + k * (n_options - 1) + a - 1]
                    low, high, rest = min(low, worth), max(high, worth), rest - worth
                if n_options > 1:
                    total += (max(high, rest) - min(low, rest)) * (0.25 if n_options == 2 else 0.5)
        steepest = max(steepest, total)
    return steepest < APART


@kernel
def _turn_tangent(unknowns, speed, direction, j):
    """Put the direction of the branch into `j.rhs`, oriented and bordered by `direction`; return the sign of the bordered determinant.

    It stays the same along the branch, also at turning points, and changes where another branch crosses; 0 where there is no direction.
    """
    for row in range(unknowns):
        for one in range(unknowns):
            j.bordered[row, one] = j.matrix[row, one]
        j.bordered[row, unknowns] = speed * j.dt[row]
        j.rhs[row] = 0.0
    for one in range(unknowns + 1):
        j.bordered[unknowns, one] = direction[one]
    j.rhs[unknowns] = 1.0
    sign = solve_linear(j.bordered, j.rhs, unknowns + 1)
    if sign == 0.0:
        return 0.0
    norm = 0.0
    for one in range(unknowns + 1):
        norm += j.rhs[one] ** 2
    for one in range(unknowns + 1):
        j.rhs[one] /= np.sqrt(norm)
    return sign


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
    side = _turn_tangent(unknowns, 1.0 / stretch, j.tangent, j)
    if side == 0.0:
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
            residual, sign = newton_together(x, sizes, c, g, pay, lines, values, j)
            if residual < np.inf and (sign == side or reach <= CLOSE):
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
        sign = _turn_tangent(unknowns, 1.0 / stretch, j.tangent, j)
        if sign == 0.0 or (sign != side and step > CLOSE):
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
        side = sign
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
    """Solve a moment along the principal branch, or from the warm start in `j.point` where it can have no other solution, unless `retrace`.

    Returns (residual, turning points, traced) as `standoff.solve._stage.settle`; `j.value` then holds the values of all histories of the moment,
    at the head's belief and in the eyes of each column.
    """
    count, _, unknowns = sizes
    z = j.moment
    residual, sign, folds, traced = np.inf, 0.0, 0, False
    if unknowns == 0:
        residual, _ = weigh(x, 1.0, sizes, c, g, pay, lines, values, j)
    elif not retrace and has_one_solution(x, sizes, c, g, pay, lines, values, j):
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
def induct_together(first, last, first_point, last_point, points, parent, c, lines, g, pay, values, policy, j, retrace, report):
    """Solve the moments whose heads are among nodes `first .. last-1` at some grid nodes; see `standoff.solve._sweep.induct`.

    Policies stand at every copy of a member's node and hang on the head's belief; values there are those after what the members before it
    have chosen, likewise by the head's belief.
    """
    tree, z = j.tree, j.moment
    for n in range(first, last):
        if not leads(n, g):
            continue
        sizes = unfold(n, g, lines, j)
        count, members, unknowns = sizes
        for i in range(first_point, last_point):
            x = points[i]
            for d in range(x.shape[0]):
                axis_cardinals(d, x[d], c, j.cards, j.basis)
            for m in range(members):
                o0 = g.option_start[z.node[m]]
                n_options = g.option_start[z.node[m] + 1] - o0
                for k in range(lines.n_types[g.owner[z.node[m]]]):
                    for a in range(1, n_options):
                        j.point[z.offset[m] + k * (n_options - 1) + a - 1] = policy[o0 + a, parent[i], k]
            residual, folds, traced = settle_together(x, retrace or i == parent[i], sizes, c, g, pay, lines, values, j)
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
