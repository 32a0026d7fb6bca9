"""The functions of one belief axis, of which values along it are sums.

`x` in [0, 1] is the belief coordinate, `n` the number of coefficients of the axis, `d` the row of `basis` (axes, n) that is filled. Slopes are
derivatives by the log-odds of `x`, which stay finite where `x` is 0 or 1. Two kinds of axis:

- polynomials: the Chebyshev polynomials of `2x - 1`. They gain digits fastest where values are smooth;
- local: the functions that read a value from the nearest nodes. Where values jump or turn sharply, they keep the harm near.
"""

from __future__ import annotations

import numpy as np

from standoff.solve._jit import kernel


@kernel
def chebyshev(x, n, d, basis):
    """Fill `basis[d, :n]` with the Chebyshev polynomials of `2x - 1`, `x` in [0, 1]."""
    z = 2.0 * x - 1.0
    basis[d, 0] = 1.0
    if n > 1:
        basis[d, 1] = z
    for j in range(2, n):
        basis[d, j] = 2.0 * z * basis[d, j - 1] - basis[d, j - 2]


@kernel
def _chebyshev_slope(x, n, d, basis, dbasis):
    """Fill `dbasis[d, :n]` with derivatives by the log-odds of `x`, given `basis`."""
    z = 2.0 * x - 1.0
    dbasis[d, 0] = 0.0
    if n > 1:
        dbasis[d, 1] = 2.0
    for j in range(2, n):
        dbasis[d, j] = 4.0 * basis[d, j - 1] + 2.0 * z * dbasis[d, j - 1] - dbasis[d, j - 2]
    for j in range(1, n):
        dbasis[d, j] *= x * (1.0 - x)


# First and second derivative at the third of five points a unit apart, of the polynomial through them, and at the two points at either end.
_FIRST = np.array(
    [[-25, 48, -36, 16, -3], [-3, -10, 18, -6, 1], [1, -8, 0, 8, -1], [-1, 6, -18, 10, 3], [3, -16, 36, -48, 25]], dtype=float
) / 12.0  # fmt: skip
_SECOND = np.array(
    [[35, -104, 114, -56, 11], [11, -20, 6, 4, -1], [-1, 16, -30, 16, -1], [-1, 4, 6, -20, 11], [11, -56, 114, -104, 35]], dtype=float
) / 12.0  # fmt: skip


EDGE = 1e-6
"""Probability below which the place on a local axis no longer goes by log-odds."""


@kernel
def edge_share(n):
    """Return the share of `n` nodes of a local axis that is spent on log-odds near its ends: nothing up to 33 nodes, then more and more."""
    return 0.5 * max(0.0, 1.0 - 32.0 / (n - 1))


@kernel
def local_place(x, n):
    """Return the place of `x` on a local axis of `n` nodes, in steps from the first: even in probability, but for `edge_share`."""
    share = edge_share(n)
    place = x
    if share > 0.0:
        place = (1.0 - share) * x + share * (0.5 + 0.5 * np.log((x + EDGE) / (1.0 - x + EDGE)) / np.log((1.0 + EDGE) / EDGE))
    return place * (n - 1)


@kernel
def _local_speed(x, n):
    """Return the derivative of the place by the log-odds of `x`."""
    share = edge_share(n)
    rate = 1.0 - share + share * 0.5 * (1.0 / (x + EDGE) + 1.0 / (1.0 - x + EDGE)) / np.log((1.0 + EDGE) / EDGE)
    return x * (1.0 - x) * rate * (n - 1)


@kernel
def _local_cell(x, n):
    """Return the cell between two of `n` nodes that holds `x`, the place in it, and the first of the five nodes nearest to either end."""
    at = local_place(x, n)
    j = min(max(int(at), 0), n - 2)
    return j, at - j, min(max(j - 2, 0), n - 5), min(max(j - 1, 0), n - 5)


@kernel
def local_basis(x, n, d, basis):
    """Fill `basis[d, :n]` with the functions that read a value at `x` in [0, 1] from values at the `n` nodes of a local axis.

    Returns the range that is not zero.

    Between two nodes it is the polynomial of degree 5 that has, at both, the value, slope and curvature of the polynomial through the five
    nearest nodes, all by place: continuous up to the second derivative, and blind to what happens more than three nodes away.
    """
    for j in range(n):
        basis[d, j] = 0.0
    j, t, left, right = _local_cell(x, n)
    u = 1.0 - t
    basis[d, j] += u * u * u * (1.0 + 3.0 * t + 6.0 * t * t)
    basis[d, j + 1] += t * t * t * (1.0 + 3.0 * u + 6.0 * u * u)
    slope, curve = u * u * u * t * (1.0 + 3.0 * t), 0.5 * u * u * u * t * t
    slope_next, curve_next = -t * t * t * u * (1.0 + 3.0 * u), 0.5 * t * t * t * u * u
    for k in range(5):
        basis[d, left + k] += slope * _FIRST[j - left, k] + curve * _SECOND[j - left, k]
        basis[d, right + k] += slope_next * _FIRST[j + 1 - right, k] + curve_next * _SECOND[j + 1 - right, k]
    return left, right + 5


@kernel
def _local_slope(x, n, d, dbasis):
    """Fill `dbasis[d, :n]` with derivatives of the local basis by the log-odds of `x`."""
    for j in range(n):
        dbasis[d, j] = 0.0
    j, t, left, right = _local_cell(x, n)
    u = 1.0 - t
    speed = _local_speed(x, n)
    level = 30.0 * t * t * u * u * speed
    dbasis[d, j] -= level
    dbasis[d, j + 1] += level
    slope, curve = u * u * (1.0 + 2.0 * t - 15.0 * t * t) * speed, 0.5 * u * u * t * (2.0 - 5.0 * t) * speed
    slope_next, curve_next = t * t * (1.0 + 2.0 * u - 15.0 * u * u) * speed, -0.5 * t * t * u * (2.0 - 5.0 * u) * speed
    for k in range(5):
        dbasis[d, left + k] += slope * _FIRST[j - left, k] + curve * _SECOND[j - left, k]
        dbasis[d, right + k] += slope_next * _FIRST[j + 1 - right, k] + curve_next * _SECOND[j + 1 - right, k]


@kernel
def axis_basis(x, size, d, basis):
    """Fill `basis[d]` with the functions of an axis of `size` coefficients, and return the range of those that are not zero.

    They are Chebyshev polynomials or, where `size` is negative, the local basis.
    """
    if size < 0:
        return local_basis(x, -size, d, basis)
    chebyshev(x, size, d, basis)
    return size - size, size


@kernel
def axis_slope(x, size, d, basis, dbasis):
    """Fill `dbasis[d]` with derivatives by the log-odds of `x`, given `basis`."""
    if size < 0:
        _local_slope(x, -size, d, dbasis)
    else:
        _chebyshev_slope(x, size, d, basis, dbasis)
