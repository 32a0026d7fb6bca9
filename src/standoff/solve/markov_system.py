"""The linear system of the stationary engine: log-odds eliminated state by state, values by LU.

The matrix in the values has one row and one column per state and player. Its entries stand at states that follow one another, so it is sparse
where a state leads to few others; how much of it fills up in the LU decomposition depends on the game, and decides how it is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dgetrf, dgetrs
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from standoff.solve._markov import Flat, Linear, find_columns, is_odd, linearise, respond

SMALL = 500
"""Systems up to here are dense: bookkeeping of a sparse decomposition costs more than it saves."""


class Newton(NamedTuple):
    """The equations linearised at a point."""

    residual: float
    """Largest residual of a log-odds, log-odds."""
    value_residual: float
    """Largest residual of a value, units of payoff."""
    sign: float
    """Of the determinant; 0 where it is singular or a number overflows, and then nothing below is to be used."""
    u: np.ndarray
    """du/dt and Newton's own step, shape (O, 2)."""
    values: np.ndarray
    """Likewise, shape (n, P, 2)."""


class System:
    """The equations of a game, linearised where wanted."""

    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        n, n_players = len(flat.member_start) - 1, flat.reward.shape[1]
        members = max(int(np.diff(flat.member_start).max(initial=0)), 1)
        sizes = np.diff(flat.option_start[flat.member_start])
        options, profiles = int(sizes.max(initial=0)), int(np.diff(flat.profile_start).max(initial=0))
        rows, odds = n * n_players, len(flat.base)
        self.shape = (n, n_players, 2)
        self.columns = np.empty(int(flat.row_start[-1]), dtype=np.int32)
        find_columns(flat, self.columns)
        self.linear = Linear(
            np.zeros(odds), np.ones((len(flat.reward), members)), np.zeros(int((sizes**2).sum())), np.zeros((odds, 2)),
            np.zeros(len(self.columns)), np.zeros((rows, 2)), np.zeros((odds, 2)), np.zeros((profiles, n_players)),
            np.zeros((options, n_players)), np.zeros((options, options)), np.zeros(n_players), np.zeros((n_players, options)),
            np.zeros(max(n_players, options)), np.zeros(members, dtype=np.int64), np.zeros((options, options)),
        )  # fmt: skip
        self.dense = rows <= SMALL
        if self.dense:
            self.places = np.repeat(np.arange(rows) * rows, np.diff(flat.row_start)) + self.columns
        self._decompose = self._dense if self.dense else self._sparse

    @property
    def method(self) -> str:
        """How the systems are solved, in words."""
        return f"{'dense' if self.dense else 'sparse'} LU of {self.shape[0] * self.shape[1]:,} values"

    def newton(self, u: np.ndarray, values: np.ndarray, t: float) -> Newton:
        """Linearise at log-odds (O,) and values (n, P), at `t` times the precision, and solve."""
        x = self.linear
        residual, value_residual, sign, _ = linearise(self.flat, u, values, t, x)
        solve: Callable[[np.ndarray], np.ndarray] | None = None
        if sign != 0.0 and np.isfinite(residual + value_residual):
            more, solve = self._decompose(x.data)
            sign *= more
        if solve is None or sign == 0.0:
            return Newton(residual, value_residual, 0.0, x.change, np.empty(self.shape))
        change = np.ascontiguousarray(solve(x.values_right)).reshape(self.shape)
        respond(self.flat, t, change, x)
        return Newton(residual, value_residual, sign, x.change, change)

    def _dense(self, data: np.ndarray) -> tuple[float, Callable[[np.ndarray], np.ndarray]]:
        rows = self.shape[0] * self.shape[1]
        matrix = np.zeros(rows * rows)
        matrix[self.places] = data
        # LAPACK takes columns first: the transposed matrix, without copying.
        lu, pivots, info = dgetrf(matrix.reshape(rows, rows).T, overwrite_a=1)
        odd = np.count_nonzero(pivots != np.arange(rows)) + np.count_nonzero(np.diagonal(lu) < 0.0)
        return (1.0 - 2.0 * (odd % 2) if info == 0 else 0.0), lambda right: dgetrs(lu, pivots, right, trans=1)[0]

    def _sparse(self, data: np.ndarray) -> tuple[float, Callable[[np.ndarray], np.ndarray]]:
        rows = self.shape[0] * self.shape[1]
        try:
            lu = splu(csc_array((data, self.columns, self.flat.row_start.astype(np.int32)), shape=(rows, rows)))
        except RuntimeError:  # exactly singular
            return 0.0, lambda right: right
        swaps = sum(bool(is_odd(p, np.zeros(rows, dtype=np.int8))) for p in (lu.perm_r, lu.perm_c))
        odd = swaps + np.count_nonzero(lu.U.diagonal() < 0.0)
        return 1.0 - 2.0 * (odd % 2), lambda right: lu.solve(right, trans="T")
