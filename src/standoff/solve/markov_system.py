"""The linear system of the stationary engine: log-odds eliminated state by state, values by LU.

The matrix in the values has one row and one column per state and player. Its entries stand at states that follow one another, so it is sparse
where a state leads to few others; how much of it fills up in the LU decomposition depends on the game, and decides how it is stored.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg.lapack import dgetrf, dgetrs
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu
from threadpoolctl import ThreadpoolController

from standoff.solve._markov import Flat, Linear, find_columns, is_odd, linearise, respond

SMALL = 500
"""Systems up to here are dense: bookkeeping of a sparse decomposition costs more than it saves."""
FILLED, LARGE = 0.35, 10_000
"""Share of entries in L and U from which dense is faster, and the size at which a dense matrix (800 MB) is no longer tried."""

LU = tuple[np.ndarray, np.ndarray, int]
"""The solution, the diagonal of U, and the number of exchanges of rows or columns, of which only odd or even counts."""


class Newton(NamedTuple):
    """The equations linearised at a point."""

    residual: float
    """Largest residual of a log-odds, log-odds."""
    value_residual: float
    """Largest residual of a value, units of payoff."""
    sign: float
    """Of the determinant."""
    log_size: float
    """Logarithm of the determinant's absolute value."""
    u: np.ndarray
    """du/dt and Newton's own step, shape (O, 2)."""
    values: np.ndarray
    """Likewise, shape (2, P, n)."""


class System:
    """The equations of a game, linearised where wanted."""

    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        n, n_players = len(flat.member_start) - 1, flat.reward.shape[1]
        members = max(int(np.diff(flat.member_start).max(initial=0)), 1)
        sizes = np.diff(flat.option_start[flat.member_start])
        options, profiles = int(sizes.max(initial=0)), int(np.diff(flat.profile_start).max(initial=0))
        rows, odds = n * n_players, len(flat.base)
        self.shape = (2, n_players, n)
        self.columns = np.empty(int(flat.row_start[-1]), dtype=np.int32)
        find_columns(flat, self.columns)
        self.linear = Linear(
            np.zeros(odds), np.ones((len(flat.reward), members)), np.zeros(int((sizes**2).sum())), np.zeros((odds, 2)),
            np.zeros(len(self.columns)), np.zeros(self.shape), np.zeros((odds, 2)), np.zeros((profiles, n_players)),
            np.zeros((options, n_players)), np.zeros((options, options)), np.zeros(n_players), np.zeros((n_players, options)),
            np.zeros(max(n_players, options)), np.zeros(members, dtype=np.int64), np.zeros((options, options)),
        )  # fmt: skip
        self.rows, self.starts = rows, flat.row_start.astype(np.int32)
        self.dense = rows <= SMALL or len(self.columns) > FILLED * rows**2

    @property
    def method(self) -> str:
        """How the systems are solved, in words."""
        return f"{'dense' if self.dense else 'sparse'} LU of {self.rows:,} values"

    def newton(self, u: np.ndarray, values: np.ndarray, t: float) -> Newton | None:
        """Linearise at log-odds (O,) and values (P, n), at `t` times the precision, and solve; None where singular, or where a number overflows."""
        x = self.linear
        residual, value_residual, sign, log_size = linearise(self.flat, u, values, t, x)
        if sign == 0.0 or not np.isfinite(residual + value_residual + log_size):
            return None
        right = x.values_right.reshape(2, -1).T
        # One thread: more of them wait for each other on systems of this size, and many worlds may be solved side by side.
        with _blas().limit(limits=1, user_api="blas"):
            found = (self._dense if self.dense else self._sparse)(x.data, right)
        if found is None:
            return None
        solution, diagonal, odd = found
        change = np.ascontiguousarray(solution.T).reshape(self.shape)
        respond(self.flat, t, change, x)
        sign *= 1.0 - 2.0 * ((odd + np.count_nonzero(diagonal < 0.0)) % 2)
        return Newton(residual, value_residual, sign, log_size + float(np.log(np.abs(diagonal)).sum()), x.change, change)

    def _dense(self, data: np.ndarray, right: np.ndarray) -> LU | None:
        matrix = np.zeros(self.rows**2)
        matrix[np.repeat(np.arange(self.rows) * self.rows, np.diff(self.starts)) + self.columns] = data
        # LAPACK goes down the columns: this is the transposed matrix, without copying.
        lu, pivots, info = dgetrf(matrix.reshape(self.rows, self.rows).T, overwrite_a=1)
        if info != 0:
            return None
        return dgetrs(lu, pivots, right, trans=1)[0], np.diagonal(lu), int(np.count_nonzero(pivots != np.arange(self.rows)))

    def _sparse(self, data: np.ndarray, right: np.ndarray) -> LU | None:
        try:
            lu = splu(csc_array((data, self.columns, self.starts), shape=(self.rows, self.rows)))  # transposed, as above
        except RuntimeError:
            return None  # exactly singular
        # How much fills up hardly changes along the branch, so the first decomposition decides.
        self.dense = self.rows <= LARGE and lu.nnz > FILLED * self.rows**2
        odd = sum(bool(is_odd(p, np.zeros(self.rows, dtype=np.int8))) for p in (lu.perm_r, lu.perm_c))
        return lu.solve(right, trans="T"), lu.U.diagonal(), odd


@cache
def _blas() -> Any:
    return ThreadpoolController()
