"""Solutions of one stage beside that on the principal branch.

Unknowns and equations are those of `standoff.solve._stage`: log-odds `u`, and `F(u) = 0` at a given belief. Far from a solution Newton's method is
damped: a step is halved until it lessens the largest |F| (Deuflhard 2004, ch. 3).

Along a curve of solutions `(u, t)`, precision `t` times the declared one, the sign of the Jacobian's determinant is that of `dt` (Keller 1977).
The principal branch comes from `t = 0`; every other curve comes from sharper play and returns there, so that it crosses `t = 1` in pairs of opposite
signs, and the signs of all solutions add up to +1. `returns` follows a curve from one of a pair to the other.
"""

from __future__ import annotations

import numpy as np

from standoff.solve._jit import kernel
from standoff.solve._stage import LONGEST_STEP, TRACE_ATTEMPTS, _evaluate, _mismatch, _system, follow_branch, newton, solve_linear

DAMPED_STEPS, HALVINGS = 80, 14
NEAR = 1e-5
"""Relative |F| from which Newton's method is left to itself."""


@kernel
def descend(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf):
    """Newton's method with damping from `u`; returns as `newton`, and leaves `s` as it does."""
    n = n_types * (n_options - 1)
    width = n_options - 1
    derive = n > 0
    u, rhs, residual, jacobian, point = s.u, s.rhs, s.residual, s.jacobian, s.point
    for _ in range(DAMPED_STEPS):
        _evaluate(s, n_types, n_options, n_obs, is_open, x, beta, i, sizes, exponents, n_leaf, derive)
        _system(s, n_types, n_options, n_obs, is_open, precision, beta)
        worst, scale = _mismatch(s, n_types, n_options, precision)
        if worst <= NEAR * scale:
            return newton(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf)
        for row in range(n):
            rhs[row] = residual[row]
        if solve_linear(jacobian, rhs, n) == 0.0:
            return np.inf, 0.0
        for k in range(n_types):
            for a in range(1, n_options):
                point[k * width + a - 1] = u[k, a]
        share = 1.0
        less = False
        for _ in range(HALVINGS):
            for k in range(n_types):
                for a in range(1, n_options):
                    u[k, a] = point[k * width + a - 1] - share * rhs[k * width + a - 1]
            _evaluate(s, n_types, n_options, n_obs, is_open, x, beta, i, sizes, exponents, n_leaf, not derive)
            trial, _ = _mismatch(s, n_types, n_options, precision)
            if trial <= (1.0 - 0.1 * share) * worst:
                less = True
                break
            share *= 0.5
        if not less:
            return np.inf, 0.0
    return np.inf, 0.0


@kernel
def search(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf, points, signs):
    """Run Newton's method from every row of `points` (S, K, A), log-odds against option 0, which the solutions replace.

    Fills `signs` (S,) with the sign of the Jacobian's determinant, 0 where no solution was found.
    """
    u = s.u
    for r in range(points.shape[0]):
        for k in range(n_types):
            for a in range(n_options):
                u[k, a] = points[r, k, a]
        residual, sign = descend(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf)
        signs[r] = sign if residual < np.inf else 0.0
        for k in range(n_types):
            for a in range(n_options):
                points[r, k, a] = u[k, a]


@kernel
def returns(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf, start):
    """Follow the curve of the solution `start` (K, A) towards smaller precisions until it returns; return (residual, sign).

    The residual is infinite when the curve is lost or is the principal branch; else `u` is the solution to which it leads.
    """
    u = s.u
    longest = LONGEST_STEP
    back = n_types > 0
    for _ in range(TRACE_ATTEMPTS):
        for k in range(n_types):
            for a in range(n_options):
                u[k, a] = start[k, a]
        residual, _folds = follow_branch(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf, longest, back)
        if residual < np.inf:
            return newton(s, n_types, n_options, n_obs, is_open, x, precision, beta, i, sizes, exponents, n_leaf)
        longest *= 0.2
    return np.inf, 0.0
