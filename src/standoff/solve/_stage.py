"""The stage fixed point: one mover's choice at one decision point and one public belief.

The mover has `K` types, `A` options and belief coordinates `x` (`standoff.solve.grid`: `x[k]` is the probability of type `k` given that
it is none of `0 .. k-1`). `Y` observations can follow; `like[a, y, k]` is the probability of observation `y` after option `a` by type `k`.
The continuation of type `k` after `y` is a function of the posterior coordinates, with coefficients `coef[y, k, :]` on Chebyshev polynomials or
on the local basis (`axis_basis`). With

    L[y, k]  = sum_a sigma[k, a] like[a, y, k]                                          (likelihood of y)
    x'[y]    = Bayes(x, L[y])                                                           (posterior)
    Q[a, k]  = r[a, k] + sum_y like[a, y, k] (ry[y, k] + beta * C[y, k](x'[y]))         (action value)

behaviour `sigma[k] = softmax(u[k])` solves, for log-odds `u[k, a]` against option 0,

    F(u)[k, a] = u[k, a] - log(w[a] / w[0]) - lambda * (Q[a, k] - Q[0, k]) = 0.

This is agent quantal response (McKelvey & Palfrey 1998) with control costs (Mattsson & Weibull 2002). Among several solutions the one on
the branch that starts at `lambda = 0` is taken: `trace` follows that branch by pseudo-arclength (Keller 1977; Turocy 2005 for games), so it
passes turning points. The Jacobian is analytic; derivatives are by log-odds of the posterior and logarithms of masses, which stays finite
at the ends of the belief axis.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from standoff.solve._axis import axis_basis, axis_slope
from standoff.solve._jit import kernel

NEWTON_TOLERANCE = 1e-10
"""Largest |F| of a solved stage, relative to max(1, largest |u|): rounding of Q times lambda sits near 1e-13."""
NEWTON_STEPS = 12
TRACE_STEPS = 4000
TRACE_ATTEMPTS = 4
LONGEST_STEP = 2.0


class Stage(NamedTuple):
    """Scratch arrays of one stage; sizes are upper bounds over the game."""

    u: np.ndarray  # (K, A) log-odds
    sigma: np.ndarray  # (K, A)
    q: np.ndarray  # (A, K)
    log_like: np.ndarray  # (Y, K)
    post: np.ndarray  # (Y, K-1) posterior coordinates
    gain: np.ndarray  # (Y, K, A) d log L[y, k] / d u[k, a]
    slope: np.ndarray  # (Y, K, K) d C[y, k] / d log L[y, k']
    value: np.ndarray  # (Y, K) C at the posterior
    basis: np.ndarray  # (K-1, n) the functions of each axis
    dbasis: np.ndarray  # (K-1, n) their derivatives by log-odds
    chain: np.ndarray  # (K-1, K) d logit x'[k] / d log L[k']
    mass: np.ndarray  # (K,)
    residual: np.ndarray  # (n,)
    jacobian: np.ndarray  # (n, n)
    bordered: np.ndarray  # (n+1, n+1)
    rhs: np.ndarray  # (n+1,)
    tangent: np.ndarray  # (n+1,)
    tangent_next: np.ndarray  # (n+1,)
    point: np.ndarray  # (n+1,)
    trial: np.ndarray  # (n+1,)
    dt: np.ndarray  # (n,) dF/dt
    coef: np.ndarray  # (Y, K, J)
    reward: np.ndarray  # (A, K)
    reward_y: np.ndarray  # (Y, K)
    like: np.ndarray  # (A, Y, K)
    log_w: np.ndarray  # (A,)


def make_stage(n_types: int, n_options: int, n_observations: int, n_nodes: int, n_leaf: int) -> Stage:
    """Return scratch for stages of at most these sizes; `n_nodes` is per belief axis, `n_leaf` their product."""
    k, a, y, n = n_types, n_options, n_observations, n_types * max(n_options - 1, 1)
    shapes = {
        "u": (k, a), "sigma": (k, a), "q": (a, k), "log_like": (y, k), "post": (y, max(k - 1, 1)), "gain": (y, k, a),
        "slope": (y, k, k), "value": (y, k), "basis": (max(k - 1, 1), n_nodes), "dbasis": (max(k - 1, 1), n_nodes),
        "chain": (max(k - 1, 1), k), "mass": (k,), "residual": (n,), "jacobian": (n, n), "bordered": (n + 1, n + 1),
        "rhs": (n + 1,), "tangent": (n + 1,), "tangent_next": (n + 1,), "point": (n + 1,), "trial": (n + 1,), "dt": (n,),
        "coef": (y, k, n_leaf), "reward": (a, k), "reward_y": (y, k), "like": (a, y, k), "log_w": (a,),
    }  # fmt: skip
    return Stage(**{name: np.zeros(shape) for name, shape in shapes.items()})


@kernel
def solve_linear(matrix, rhs, n):
    """Solve in place by Gaussian elimination with partial pivoting; return the sign of the determinant, 0 when singular.

    `matrix[:n, :n]` is destroyed and `rhs[:n]` becomes the solution. Written out because a LAPACK call costs more than these tiny systems.
    """
    sign = 1.0
    for column in range(n):
        pivot = column
        for row in range(column + 1, n):
            if abs(matrix[row, column]) > abs(matrix[pivot, column]):
                pivot = row
        head = matrix[pivot, column]
        if head == 0.0 or not np.isfinite(head):
            return 0.0
        if pivot != column:
            sign = -sign
            for j in range(column, n):
                matrix[pivot, j], matrix[column, j] = matrix[column, j], matrix[pivot, j]
            rhs[pivot], rhs[column] = rhs[column], rhs[pivot]
        if head < 0.0:
            sign = -sign
        for row in range(column + 1, n):
            factor = matrix[row, column] / head
            if factor != 0.0:
                for j in range(column + 1, n):
                    matrix[row, j] -= factor * matrix[column, j]
                rhs[row] -= factor * rhs[column]
    for row in range(n - 1, -1, -1):
        total = rhs[row]
        for j in range(row + 1, n):
            total -= matrix[row, j] * rhs[j]
        rhs[row] = total / matrix[row, row]
    return sign


@kernel
def bayes(x, log_like, y, n_types, post):
    """Fill `post[y, :K-1]` with the posterior coordinates after an observation of log-likelihoods `log_like[y, :K]`.

    An observation that no type believed possible can produce leaves the belief unchanged: it has probability zero, so any choice is
    consistent, and this one keeps the belief where it was.
    """
    log_mass = log_like[y, n_types - 1]
    for k in range(n_types - 2, -1, -1):
        top = max(log_like[y, k], log_mass)
        if top == -np.inf:
            post[y, k] = x[k]
            continue
        p = x[k] * np.exp(log_like[y, k] - top)
        q = (1.0 - x[k]) * np.exp(log_mass - top)
        if p + q == 0.0:
            post[y, k] = x[k]
            log_mass = -np.inf
        else:
            post[y, k] = p / (p + q)
            log_mass = top + np.log(p + q)


# The functions below take the arrays of the scratch tuple into local names first: taking one from the tuple counts a reference, which in an
# inner loop costs more than the arithmetic. For the same reason they index rows instead of slicing them.


@kernel
def _likelihoods(s, n_types, n_options, n_obs, is_open, x, want_gain):
    """From `u`: `sigma`, `log_like`, `post` and, if wanted, `gain`."""
    u, sigma, log_like, like, gain, post = s.u, s.sigma, s.log_like, s.like, s.gain, s.post
    for k in range(n_types):
        top = u[k, 0]
        for a in range(1, n_options):
            top = max(top, u[k, a])
        total = 0.0
        for a in range(n_options):
            sigma[k, a] = np.exp(u[k, a] - top)
            total += sigma[k, a]
        log_total = top + np.log(total)
        for a in range(n_options):
            sigma[k, a] /= total
            if is_open:
                log_like[a, k] = u[k, a] - log_total
        if not is_open:
            for y in range(n_obs):
                mass = 0.0
                for a in range(n_options):
                    mass += sigma[k, a] * like[a, y, k]
                log_like[y, k] = np.log(mass) if mass > 0.0 else -np.inf
        if want_gain:
            for y in range(n_obs):
                for a in range(1, n_options):
                    if is_open:
                        share = 1.0 if a == y else 0.0
                    elif log_like[y, k] == -np.inf:
                        share = sigma[k, a]
                    else:
                        share = sigma[k, a] * like[a, y, k] / np.exp(log_like[y, k])
                    gain[y, k, a] = share - sigma[k, a]
    for y in range(n_obs):
        bayes(x, log_like, y, n_types, post)


@kernel
def _continuation(s, n_types, n_obs, i, sizes, exponents, n_leaf, want_slope):
    """Fill `value[y, k]` at the posterior and, if wanted, `slope[y, k, k']`; `i` is the owner."""
    post, basis, dbasis, mass, chain = s.post, s.basis, s.dbasis, s.mass, s.chain
    coef, slope, value = s.coef, s.slope, s.value
    n_axes = n_types - 1
    low = high = n_obs - n_obs
    for y in range(n_obs):
        for d in range(n_axes):
            low, high = axis_basis(post[y, d], sizes[i, d], d, basis)
            if want_slope:
                axis_slope(post[y, d], sizes[i, d], d, basis, dbasis)
        if want_slope:
            # `mass` holds d log M[k+1] / d log L[k'] while k runs down.
            for j in range(n_types):
                mass[j] = 0.0
            mass[n_types - 1] = 1.0
            for k in range(n_axes - 1, -1, -1):
                p = post[y, k]
                for j in range(n_types):
                    own = 1.0 if j == k else 0.0
                    chain[k, j] = own - mass[j]
                    mass[j] = p * own + (1.0 - p) * mass[j]
        for k in range(n_types):
            total = 0.0
            for j in range(n_types):
                slope[y, k, j] = 0.0
            if n_axes == 1:
                rise = 0.0
                for j in range(low, high):
                    total += coef[y, k, j] * basis[0, j]
                if want_slope:
                    for j in range(low, high):
                        rise += coef[y, k, j] * dbasis[0, j]
                    for j in range(n_types):
                        slope[y, k, j] = rise * chain[0, j]
            else:
                for leaf in range(n_leaf):
                    product = coef[y, k, leaf]
                    for d in range(n_axes):
                        product *= basis[d, exponents[i, leaf, d]]
                    total += product
                if want_slope:
                    for d in range(n_axes):
                        rise = 0.0
                        for leaf in range(n_leaf):
                            product = coef[y, k, leaf]
                            for e in range(n_axes):
                                product *= dbasis[e, exponents[i, leaf, e]] if e == d else basis[e, exponents[i, leaf, e]]
                            rise += product
                        for j in range(n_types):
                            slope[y, k, j] += rise * chain[d, j]
            value[y, k] = total


@kernel
def _action_values(s, n_types, n_options, n_obs, is_open, beta):
    """Fill `q`."""
    q, reward, reward_y, value, like = s.q, s.reward, s.reward_y, s.value, s.like
    for a in range(n_options):
        for k in range(n_types):
            if is_open:
                q[a, k] = reward[a, k] + reward_y[a, k] + beta * value[a, k]
            else:
                total = reward[a, k]
                for y in range(n_obs):
                    total += like[a, y, k] * (reward_y[y, k] + beta * value[y, k])
                q[a, k] = total


# A literal argument makes Numba compile a function once more for that value; flags are therefore computed (`derive`).


@kernel
def _evaluate(s, n_types, n_options, n_obs, is_open, x, beta, i, sizes, exponents, n_leaf, want_slope):
    """From `u`: everything up to `q` (and the derivatives if wanted)."""
    _likelihoods(s, n_types, n_options, n_obs, is_open, x, want_slope)
    _continuation(s, n_types, n_obs, i, sizes, exponents, n_leaf, want_slope)
    _action_values(s, n_types, n_options, n_obs, is_open, beta)


@kernel
def _mismatch(s, n_types, n_options, precision):
    """Return the largest |F| and the scale that it is measured against."""
    u, log_w, q = s.u, s.log_w, s.q
    worst = 0.0
    scale = 1.0
    for k in range(n_types):
        for a in range(1, n_options):
            gap = u[k, a] - (log_w[a] - log_w[0]) - precision * (q[a, k] - q[0, k])
            if not np.isfinite(gap):
                return np.inf, scale
            worst = max(worst, abs(gap))
            scale = max(scale, abs(u[k, a]))
    return worst, scale


@kernel
def _system(s, n_types, n_options, n_obs, is_open, precision, beta):
    """Fill `residual`, `jacobian` and `dt` (derivative by the share of `precision`); return the largest |residual|."""
    u, log_w, q, residual, dt, jacobian = s.u, s.log_w, s.q, s.residual, s.dt, s.jacobian
    slope, gain, like = s.slope, s.gain, s.like
    width = n_options - 1
    worst = 0.0
    for k in range(n_types):
        for a in range(1, n_options):
            row = k * width + a - 1
            rise = q[a, k] - q[0, k]
            residual[row] = u[k, a] - (log_w[a] - log_w[0]) - precision * rise
            dt[row] = -rise
            worst = max(worst, abs(residual[row]))
            if not np.isfinite(residual[row]):
                return np.inf
            for k2 in range(n_types):
                for a2 in range(1, n_options):
                    if is_open:
                        change = slope[a, k, k2] * gain[a, k2, a2] - slope[0, k, k2] * gain[0, k2, a2]
                    else:
                        change = 0.0
                        for y in range(n_obs):
                            change += (like[a, y, k] - like[0, y, k]) * slope[y, k, k2] * gain[y, k2, a2]
                    jacobian[row, k2 * width + a2 - 1] = -precision * beta * change
            jacobian[row, row] += 1.0
    return worst


@kernel
def _load(s, point, n_types, n_options):
    width = n_options - 1
    for k in range(n_types):
        s.u[k, 0] = 0.0
        for a in range(1, n_options):
            s.u[k, a] = point[k * width + a - 1]


@kernel
def newton(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf):
    """Newton's method from `u`; return (residual, sign of the Jacobian's determinant), residual infinite when it fails.

    The residual is the largest |F| relative to max(1, largest |u|).

    Leaves `u`, `sigma`, `post`, `value` and `q` consistent with each other.
    """
    n = n_types * (n_options - 1)
    width = n_options - 1
    before = np.inf
    derive = n > 0
    u, rhs, residual, jacobian = s.u, s.rhs, s.residual, s.jacobian
    sign = 0.0
    for step in range(NEWTON_STEPS):
        # Near the end only values are needed; the derivatives of the step before tell the branch's orientation.
        closing = step > 0 and before < 1e-4
        _evaluate(s, n_types, n_options, n_obs, is_open, x, beta, i, sizes, exponents, n_leaf, not closing)
        worst, scale = _mismatch(s, n_types, n_options, precision)
        if not worst < 1e6 or worst > 10.0 * before:
            return np.inf, 0.0
        if worst <= NEWTON_TOLERANCE * scale and sign != 0.0:
            return worst / scale, sign
        if closing:
            _evaluate(s, n_types, n_options, n_obs, is_open, x, beta, i, sizes, exponents, n_leaf, derive)
        _system(s, n_types, n_options, n_obs, is_open, precision, beta)
        for row in range(n):
            rhs[row] = residual[row]
        sign = solve_linear(jacobian, rhs, n)
        if sign == 0.0:
            return np.inf, 0.0
        if worst <= NEWTON_TOLERANCE * scale:
            return worst / scale, sign
        for k in range(n_types):
            for a in range(1, n_options):
                u[k, a] -= rhs[k * width + a - 1]
        before = worst
    return np.inf, 0.0


@kernel
def _bordered_solve(s, n, direction, rhs):
    """Solve [[J, dF/dt], [direction]] z = rhs in `rhs`; return the determinant's sign."""
    for i in range(n):
        for j in range(n):
            s.bordered[i, j] = s.jacobian[i, j]
        s.bordered[i, n] = s.dt[i]
    for j in range(n + 1):
        s.bordered[n, j] = direction[j]
    return solve_linear(s.bordered, rhs, n + 1)


@kernel
def follow_branch(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf, longest, back):
    """Follow a branch by pseudo-arclength with steps of at most `longest` to the precision given; returns as `trace`.

    The branch is the principal one from precision 0 or, if `back`, that of the solution in `u`, first towards smaller precisions, until it
    returns.

    Unknowns are `(u, t)` with precision `t * precision`; `t` is scaled so that a unit of arc length is of the size of a unit of log-odds.
    """
    n = n_types * (n_options - 1)
    width = n_options - 1
    derive = n > 0
    for k in range(n_types):
        for a in range(1, n_options):
            s.point[k * width + a - 1] = s.u[k, a] if back else s.log_w[a] - s.log_w[0]
    s.point[n] = 1.0 if back else 0.0
    for j in range(n):
        s.tangent[j] = 0.0
    s.tangent[n] = 1.0
    _load(s, s.point, n_types, n_options)
    _evaluate(s, n_types, n_options, n_obs, is_open, x, beta, i, sizes, exponents, n_leaf, derive)
    _system(s, n_types, n_options, n_obs, is_open, precision * s.point[n], beta)
    # In `t`, the branch moves by precision * dQ; this makes the first tangent balanced.
    stretch = 1e-300
    for row in range(n):
        stretch = max(stretch, precision * abs(s.dt[row]))
    if stretch < 1e-12:
        stretch = 1.0
    speed = precision / stretch  # precision per unit of the scaled parameter; the end is at `stretch`
    for row in range(n):
        s.dt[row] *= speed
    for j in range(n):
        s.rhs[j] = 0.0
    s.rhs[n] = 1.0
    _bordered_solve(s, n, s.tangent, s.rhs)
    norm = 0.0
    for j in range(n + 1):
        norm += s.rhs[j] ** 2
    norm = -np.sqrt(norm) if back else np.sqrt(norm)
    for j in range(n + 1):
        s.tangent[j] = s.rhs[j] / norm
    s.point[n] *= stretch
    step = min(1.0, 1.5 * stretch, longest)
    folds = 0
    for _ in range(TRACE_STEPS):
        if s.tangent[n] > 0.0 and s.point[n] + step * s.tangent[n] >= stretch:
            # The end may lie within this step: try to land on it.
            reach = (stretch - s.point[n]) / s.tangent[n]
            for j in range(n):
                s.trial[j] = s.point[j] + reach * s.tangent[j]
            s.trial[n] = stretch
            _load(s, s.trial, n_types, n_options)
            residual, _sign = newton(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf)
            if residual < np.inf:
                gap = 0.0
                for k in range(n_types):
                    for a in range(1, n_options):
                        gap = max(gap, abs(s.u[k, a] - s.trial[k * width + a - 1]))
                if gap <= 0.3 + 0.5 * reach:
                    return residual, folds
            # Newton went elsewhere: shorten the step and creep up to the end.
            if step < 1e-9:
                return np.inf, folds
            step *= 0.5
            if s.point[n] + step * s.tangent[n] >= stretch:
                continue
        for j in range(n + 1):
            s.trial[j] = s.point[j] + step * s.tangent[j]
        converged = False
        first = 0.0
        for iteration in range(7):
            _load(s, s.trial, n_types, n_options)
            _evaluate(s, n_types, n_options, n_obs, is_open, x, beta, i, sizes, exponents, n_leaf, derive)
            worst = _system(s, n_types, n_options, n_obs, is_open, speed * s.trial[n], beta)
            if not worst < 1e6:
                break
            for row in range(n):
                s.dt[row] *= speed
                s.rhs[row] = s.residual[row]
            along = 0.0
            for j in range(n + 1):
                along += s.tangent[j] * (s.trial[j] - s.point[j])
            s.rhs[n] = along - step
            if _bordered_solve(s, n, s.tangent, s.rhs) == 0.0:
                break
            size = 0.0
            for j in range(n + 1):
                s.trial[j] -= s.rhs[j]
                size = max(size, abs(s.rhs[j]))
            if iteration == 0:
                first = size
            if size < 1e-8:
                converged = True
                break
            if iteration > 0 and size > 0.7 * first:
                break
        if not converged or first > 0.5 * step:
            if step < 1e-10:
                return np.inf, folds
            step *= 0.5
            continue
        for j in range(n):
            s.rhs[j] = 0.0
        s.rhs[n] = 1.0
        if _bordered_solve(s, n, s.tangent, s.rhs) == 0.0:
            step *= 0.5
            continue
        norm = 0.0
        turn = 0.0
        for j in range(n + 1):
            norm += s.rhs[j] ** 2
        norm = np.sqrt(norm)
        for j in range(n + 1):
            s.tangent_next[j] = s.rhs[j] / norm
            turn += s.tangent_next[j] * s.tangent[j]
        if turn < 0.8 and step > 1e-6:
            # A sharp bend: take it in smaller steps, so that the branch cannot be swapped for a neighbour.
            step *= 0.5
            continue
        if s.tangent_next[n] * s.tangent[n] < 0.0:
            folds += 1
        for j in range(n + 1):
            s.point[j] = s.trial[j]
            s.tangent[j] = s.tangent_next[j]
        if s.point[n] < 0.0:
            return np.inf, folds
        if first < 0.1 * step:
            step = min(2.0 * step, longest)
    return np.inf, folds


@kernel
def trace(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf):
    """Follow the principal branch from precision 0; return (residual, turning points passed), residual infinite when it is lost.

    Where branches come close a long step may land on a neighbour. The neighbour leads back below precision 0, which the principal branch never
    does; the way is then taken again in shorter steps.
    """
    longest = LONGEST_STEP
    residual = np.inf
    folds = 0
    back = n_types < 0
    for _ in range(TRACE_ATTEMPTS):
        residual, folds = follow_branch(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf, longest, back)
        if residual < np.inf:
            break
        longest *= 0.2
    return residual, folds


@kernel
def settle(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf, retrace):
    """Solve the stage, from the warm start in `u` or, if `retrace` or if that fails, along the principal branch.

    Returns (residual, folds, traced). A warm start whose Jacobian has a negative determinant is not on the principal branch's first
    stretch, so it is traced as well.
    """
    if n_options == 1:
        for k in range(n_types):
            s.u[k, 0] = 0.0
        derive = n_options > 1
        _evaluate(s, n_types, n_options, n_obs, is_open, x, beta, i, sizes, exponents, n_leaf, derive)
        return 0.0, 0, False
    if not retrace:
        residual, sign = newton(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf)
        if residual < np.inf and sign > 0.0:
            return residual, 0, False
    residual, folds = trace(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf)
    return residual, folds, True
