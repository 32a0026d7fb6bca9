"""The linear system of the stationary engine: log-odds eliminated state by state, values by LU.

The matrix in the values has one row and one column per state and player. Its entries stand at states that follow one another, so it is sparse
where a state leads to few others; how much of it fills up in the LU decomposition depends on the game, and decides how it is stored. Where a
large one does fill up, Newton's steps are found by GMRES (Saad & Schultz 1986) and only the determinant of each point needs the decomposition.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg.lapack import dgetrf, dgetrs
from scipy.sparse import csc_array, csr_array
from scipy.sparse.linalg import gmres, splu
from threadpoolctl import ThreadpoolController

from standoff.solve._markov import Flat, Linear, find_columns, is_odd, linearise, respond

SMALL = 500
"""Systems up to here are dense: bookkeeping of a sparse decomposition costs more than it saves."""
FILLED, LARGE = 0.35, 10_000
"""Share of entries in L and U from which dense is faster, and the size at which a dense matrix (800 MB) is no longer tried."""

ITERATED, ITERATIONS, EXACT = 1_000, 60, 1e-9
"""Size from which dense systems are first tried by GMRES, its most iterations, and the relative residual it is to reach: Newton's method does
the rest."""


class Newton(NamedTuple):
    """The equations linearised at a point."""

    residual: float
    """Largest residual of a log-odds, log-odds."""
    value_residual: float
    """Largest residual of a value, units of payoff."""
    u: np.ndarray
    """du/dt and Newton's own step, shape (O, 2)."""
    values: np.ndarray
    """Likewise, shape (2, P, n)."""


class LU(NamedTuple):
    """A decomposition."""

    solve: Callable[[np.ndarray], np.ndarray]
    diagonal: np.ndarray
    """Of U."""
    odd: int
    """Number of exchanges of rows or columns, of which only odd or even counts."""


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
        self._lu: LU | None = None
        self.dense = rows <= SMALL or len(self.columns) > FILLED * rows**2

    @property
    def method(self) -> str:
        """How the systems are solved, in words."""
        return f"{'dense' if self.dense else 'sparse'} LU{' and GMRES' if self.dense and self.rows > ITERATED else ''} of {self.rows:,} values"

    def newton(self, u: np.ndarray, values: np.ndarray, t: float) -> Newton:
        """Linearise at log-odds (O,) and values (P, n), at `t` times the precision, and solve; steps are nan where singular or a number overflows."""
        x = self.linear
        residual, value_residual, self._sign, self._log_size = linearise(self.flat, u, values, t, x)
        self._lu = None
        nowhere = Newton(residual, value_residual, np.full_like(x.change, np.nan), np.full(self.shape, np.nan))
        if self._sign == 0.0 or not np.isfinite(residual + value_residual + self._log_size):
            self._sign = 0.0
            return nowhere
        right = x.values_right.reshape(2, -1)
        # One thread: more of them wait for each other on systems of this size, and many worlds may be solved side by side.
        with _blas().limit(limits=1, user_api="blas"):
            change = self._iterate(right) if self.dense and self.rows > ITERATED else None
            if change is None:
                self._lu = self._decompose()
                if self._lu is None:
                    return nowhere
                change = self._lu.solve(right.T).T
        change = np.ascontiguousarray(change).reshape(self.shape)
        respond(self.flat, t, change, x)
        return Newton(residual, value_residual, x.change, change)

    def determinant(self) -> tuple[float, float]:
        """Return the sign of the determinant where the equations were last linearised, 0 where they are singular, and the logarithm of its size."""
        if self._lu is None and self._sign != 0.0:
            with _blas().limit(limits=1, user_api="blas"):
                self._lu = self._decompose()
        if self._lu is None:
            return 0.0, -np.inf
        odd = self._lu.odd + np.count_nonzero(self._lu.diagonal < 0.0)
        return self._sign * (1.0 - 2.0 * (odd % 2)), self._log_size + float(np.log(np.abs(self._lu.diagonal)).sum())

    def _iterate(self, right: np.ndarray) -> np.ndarray | None:
        """Solve without decomposing, which is much the faster as long as states are not too tightly bound to each other; None where it fails."""
        matrix = csr_array((self.linear.data, self.columns, self.starts), shape=(self.rows, self.rows))
        solved = [gmres(matrix, side, rtol=EXACT, restart=ITERATIONS, maxiter=1) for side in right]
        return np.stack([change for change, _ in solved]) if all(info == 0 for _, info in solved) else None

    def _decompose(self) -> LU | None:
        return self._dense() if self.dense else self._sparse()

    def _dense(self) -> LU | None:
        matrix = np.zeros(self.rows**2)
        matrix[np.repeat(np.arange(self.rows) * self.rows, np.diff(self.starts)) + self.columns] = self.linear.data
        # LAPACK goes down the columns: this is the transposed matrix, without copying.
        lu, pivots, info = dgetrf(matrix.reshape(self.rows, self.rows).T, overwrite_a=1)
        if info != 0:
            return None
        return LU(lambda right: dgetrs(lu, pivots, right, trans=1)[0], np.diagonal(lu), int(np.count_nonzero(pivots != np.arange(self.rows))))

    def _sparse(self) -> LU | None:
        try:
            lu = splu(csc_array((self.linear.data, self.columns, self.starts), shape=(self.rows, self.rows)))  # transposed, as above
        except RuntimeError:
            return None  # exactly singular
        # How much fills up hardly changes along the branch, so the first decomposition decides.
        self.dense = self.rows <= LARGE and lu.nnz > FILLED * self.rows**2
        odd = sum(bool(is_odd(p, np.zeros(self.rows, dtype=np.int8))) for p in (lu.perm_r, lu.perm_c))
        return LU(lambda right: lu.solve(right, trans="T"), lu.U.diagonal(), odd)


@cache
def _blas() -> Any:
    return ThreadpoolController()
