"""Total effects: how much of the variation of a claim's margin comes from each parameter, alone or together with others.

Sobol's total-effect index of a parameter is the share of the variance that is left when all others are known (Homma & Saltelli 1996). It needs
thousands of worlds, and there are dozens; so a surrogate of the margin, fitted on the quantiles of the parameters, stands in for the game. Two
are tried: a sparse polynomial (lasso on Legendre polynomials up to degree two), and a Gaussian process with a length scale for each of the
parameters that the lasso finds most important. The one that predicts held-out worlds better is taken, and its cross-validated R2 says how
far it can be trusted. Below `LEAST_R2` no index is given. Where the margin itself cannot be predicted its rank among the worlds is
tried, which outliers disturb less.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

LEAST_R2 = 0.5
LEAST_WORLDS = 16
FOLDS = 5
SCREENED = 6
"""Parameters of a Gaussian process; with dozens of worlds more length scales cannot be told."""

WORTH_IT = 0.2
"""R2 of the lasso below which what it screens is noise."""

TOLD = 5
POINTS = 2048
"""Base points of Saltelli's scheme, a power of two: indices are then within about 0.02 of those of the surrogate."""

Surrogate = Callable[[np.ndarray], np.ndarray]
"""Predicts from quantiles, shape (n, parameters), one number each."""


@dataclass(frozen=True)
class Effect:
    """What a parameter contributes to the variation of a claim's margin."""

    parameter: str
    total: float
    """Sobol's total-effect index, on the surrogate."""
    first: float
    """The part that the parameter has by itself: Sobol's first-order index."""


@dataclass(frozen=True)
class Effects:
    """The parameters that matter most for a claim, or why they cannot be told."""

    told: tuple[Effect, ...]
    r2: float
    """Of the surrogate in cross-validation; NaN when none was fitted."""
    of_rank: bool
    """Whether they are effects on the rank of the margin among the worlds."""
    problem: str


def find_effects(names: list[str], u: np.ndarray, margins: np.ndarray, most: int = TOLD) -> Effects:
    """Return the total effects of the parameters on a margin; `u` are quantiles in [0, 1], shape (n, parameters), margins (n,)."""
    from threadpoolctl import threadpool_limits

    problem = ""
    if u.shape[1] == 0:
        problem = "no parameter is in doubt"
    elif len(margins) < LEAST_WORLDS:
        problem = f"fewer than {LEAST_WORLDS} worlds; take more --worlds"
    elif np.ptp(margins) == 0.0:
        problem = "the margin is the same in every world"
    if problem:
        return Effects((), float("nan"), False, problem)
    with threadpool_limits(1):  # the matrices are too small for several threads to help
        return _explained(names, u, margins, most)


def _explained(names: list[str], u: np.ndarray, margins: np.ndarray, most: int) -> Effects:
    from scipy.stats import rankdata

    best = _best(u, margins)
    of_rank = best[0] < LEAST_R2
    if of_rank:
        ranked = _best(u, rankdata(margins) / len(margins))
        of_rank = ranked[0] >= LEAST_R2
        best = ranked if of_rank else best
    r2, active, surrogate = best
    if r2 < LEAST_R2:
        said = f"only {r2:.0%}" if r2 > 0.005 else "nothing"
        return Effects((), r2, False, f"the surrogate explains {said} of the variation; take more --worlds")
    first, total = _indices(surrogate, active, u.shape[1])
    order = np.argsort(-total)[:most]
    told = tuple(Effect(names[active[k]], float(total[k]), float(first[k])) for k in order if total[k] >= 0.01)
    return Effects(told, r2, of_rank, "")


def _best(u: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray, Surrogate]:
    """Return the cross-validated R2, the parameters used and the surrogate that predicts best."""
    with warnings.catch_warnings():
        # A length scale at its bound belongs to a parameter without effect, and a lasso that stops early is a little less sparse; how well
        # either predicts is measured.
        from sklearn.exceptions import ConvergenceWarning

        warnings.simplefilter("ignore", ConvergenceWarning)
        r2, alpha, active, sparse = _lasso(u, y)
        if r2 < WORTH_IT and u.shape[1] > SCREENED:
            return r2, active, sparse
        smooth_r2 = _validated(u, y, lambda v, z: _smooth(v, z, _screen(v, z, alpha)))
        if smooth_r2 <= r2:
            return r2, active, sparse
        chosen = _screen(u, y, alpha)
        return smooth_r2, chosen, _smooth(u, y, chosen)


def _legendre(u: np.ndarray) -> np.ndarray:
    """Return the Legendre polynomials of degree one and two of every column, of unit variance, shape (n, 2 parameters)."""
    t = 2 * u - 1
    return np.hstack([np.sqrt(3) * t, np.sqrt(5) * (3 * t**2 - 1) / 2])


def _folds() -> object:
    from sklearn.model_selection import KFold

    return KFold(FOLDS, shuffle=True, random_state=0)


def _lasso(u: np.ndarray, y: np.ndarray) -> tuple[float, float, np.ndarray, Surrogate]:
    """Return R2, penalty, parameters and prediction of the sparse polynomial; R2 is that of the best penalty over the folds."""
    from sklearn.linear_model import LassoCV

    model = LassoCV(cv=_folds(), alphas=30, max_iter=3000, tol=1e-3).fit(_legendre(u), y)
    r2 = 1.0 - float(model.mse_path_.mean(axis=1).min()) / float(y.var())
    strength = (model.coef_.reshape(2, -1) ** 2).sum(axis=0)
    return r2, float(model.alpha_), np.flatnonzero(strength), lambda v: np.asarray(model.predict(_legendre(v)))


def _screen(u: np.ndarray, y: np.ndarray, alpha: float) -> np.ndarray:
    """Return the columns that a Gaussian process should use: all of few, otherwise the most important to a lasso."""
    from sklearn.linear_model import Lasso

    if u.shape[1] <= SCREENED:
        return np.arange(u.shape[1])
    strength = (Lasso(alpha=alpha, max_iter=3000, tol=1e-3).fit(_legendre(u), y).coef_.reshape(2, -1) ** 2).sum(axis=0)
    order = np.argsort(-strength)[:SCREENED]
    return np.sort(order[strength[order] > 0])


def _smooth(u: np.ndarray, y: np.ndarray, columns: np.ndarray) -> Surrogate:
    """Return the prediction of a Gaussian process on some columns."""
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

    if not len(columns):
        return lambda v: np.full(len(v), y.mean())
    # Length scales begin at half of the range: from longer ones the fit misses margins that rise and fall again.
    kernel = ConstantKernel(1.0) * RBF(np.full(len(columns), 0.5), (0.05, 100.0)) + WhiteKernel(0.1, (1e-8, 10.0))
    model = GaussianProcessRegressor(kernel, normalize_y=True).fit(u[:, columns], y)
    return lambda v: np.asarray(model.predict(v[:, columns]))


def _validated(u: np.ndarray, y: np.ndarray, fit: Callable[[np.ndarray, np.ndarray], Surrogate]) -> float:
    """Return R2 on worlds that a surrogate has not seen; screening is done anew in every fold."""
    missed = np.zeros(len(y))
    for seen, held_out in _folds().split(u):  # type: ignore[attr-defined]
        missed[held_out] = y[held_out] - fit(u[seen], y[seen])(u[held_out])
    return 1.0 - float((missed**2).mean()) / float(y.var())


def _indices(surrogate: Surrogate, active: np.ndarray, n_parameters: int) -> tuple[np.ndarray, np.ndarray]:
    """Return first-order and total-effect indices of the parameters that a surrogate uses, each shape (active,)."""
    from scipy.stats import sobol_indices, uniform

    def predicted(points: np.ndarray) -> np.ndarray:
        u = np.full((points.shape[1], n_parameters), 0.5)  # what the surrogate does not use may have any value
        u[:, active] = points[:-1].T
        return surrogate(u)

    # An idle parameter goes along, because SciPy does not take functions of a single one.
    found = sobol_indices(func=predicted, n=POINTS, dists=[uniform()] * (len(active) + 1), rng=np.random.default_rng(0))
    return found.first_order[:-1], found.total_order[:-1]
