"""The stage solver: the principal branch, through turning points, against roots found by search."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from standoff.solve._stage import bayes, make_stage, newton, settle, solve_linear, trace

PRIOR = 0.3


def rise(u):
    """What the first type gains from the second option when it takes it with log-odds `u` and the other type is indifferent.

    The gain grows with the posterior, so that a little more of the option makes it much better: with precision the solution u = lambda * rise(u)
    turns back on itself near 2.2 and forward again near 1.15.
    """
    p = 1 / (1 + np.exp(-u))
    posterior = PRIOR * p / (PRIOR * p + (1 - PRIOR) / 2)
    return 0.05 + 100 * (posterior - PRIOR) ** 2


def bent_stage():
    """Two types, two open options; Chebyshev coefficients of 0.05 + 100 (x - 0.3)^2 for the first type after the second option."""
    stage = make_stage(2, 2, 2, 3, 3)
    x = 0.5 + 0.5 * np.polynomial.chebyshev.chebpts2(3)
    stage.coef[1, 0] = np.polynomial.chebyshev.chebfit(2 * x - 1, 0.05 + 100 * (x - PRIOR) ** 2, 2)
    # Discount 1, player 0 with one belief axis of three coefficients.
    return stage, (2, 2, 2, True, np.array([PRIOR])), (1.0, 0, np.array([[3]]), np.arange(3).reshape(1, 3, 1), 3)


def all_roots(precision):
    """Search a fine mesh for sign changes of u - precision * rise(u)."""
    mesh = np.linspace(-1, 60, 60_001)
    gap = mesh - precision * rise(mesh)
    return [brentq(lambda u: u - precision * rise(u), mesh[i], mesh[i + 1], xtol=1e-14) for i in np.flatnonzero(gap[:-1] * gap[1:] <= 0)]


def branch_end(precision):
    """Return where the curve of solutions from precision 0 first has this precision, and how often it has turned until then."""
    mesh = np.linspace(0, 60, 600_001)
    along = mesh / rise(mesh)
    first = int(np.argmax(along >= precision))
    turns = int((np.diff(np.sign(np.diff(along[: first + 1]))) != 0).sum())
    return brentq(lambda u: u - precision * rise(u), mesh[first - 1], mesh[first], xtol=1e-14), turns


@pytest.mark.solver
@pytest.mark.parametrize("precision", [0.5, 1.0, 1.3, 1.6, 2.0, 2.15, 2.3, 3.0, 6.0, 12.0])
def test_the_principal_branch_is_followed_through_turning_points(precision):
    stage, shape, tail = bent_stage()
    residual, folds = trace(stage, *shape, precision, *tail)
    expected, turns = branch_end(precision)
    assert residual < 1e-9
    assert stage.u[0, 1] == pytest.approx(expected, abs=1e-8)
    assert stage.u[1, 1] == pytest.approx(0.0, abs=1e-12)
    assert folds == turns
    assert min(abs(root - expected) for root in all_roots(precision)) < 1e-6


@pytest.mark.paper
def test_the_example_has_two_turning_points():
    assert [len(all_roots(precision)) for precision in (1.0, 1.5, 3.0)] == [1, 3, 1]
    assert [branch_end(precision)[1] for precision in (1.5, 3.0)] == [0, 2]


@pytest.mark.solver
def test_newton_from_many_starts_finds_roots_only():
    """Whatever Newton's method reports as solved is one of the roots that a search finds."""
    precision = 1.5
    roots = np.array(all_roots(precision))
    found = set()
    for start in np.linspace(-2, 6, 41):
        stage, shape, tail = bent_stage()
        stage.u[0, 1] = start
        residual, _ = newton(stage, *shape, precision, *tail)
        if residual < np.inf:
            which = int(np.argmin(abs(roots - stage.u[0, 1])))
            assert stage.u[0, 1] == pytest.approx(roots[which], abs=1e-8)
            found.add(which)
    assert found == {0, 1, 2}


@pytest.mark.property
def test_a_start_on_the_returning_stretch_is_traced_instead():
    """Between the turning points the Jacobian has a negative determinant; that root is never kept."""
    precision = 1.5
    low, middle, _ = all_roots(precision)
    stage, shape, tail = bent_stage()
    stage.u[0, 1] = middle
    _, _, traced = settle(stage, *shape, precision, *tail, False)
    assert traced
    assert stage.u[0, 1] == pytest.approx(low, abs=1e-8)


def posterior(x, log_like):
    post = np.zeros((1, len(x)))
    bayes(np.asarray(x, dtype=float), np.asarray(log_like, dtype=float).reshape(1, -1), 0, len(x) + 1, post)
    return post[0]


@pytest.mark.paper
@pytest.mark.parametrize("k", [2, 3, 5])
def test_bayes_in_coordinates_is_bayes(k):
    random = np.random.default_rng(k)
    belief, likelihood = random.dirichlet(np.ones(k)), random.uniform(size=k)
    expected = belief * likelihood / (belief @ likelihood)
    assert posterior([belief[j] / belief[j:].sum() for j in range(k - 1)], np.log(likelihood)) == pytest.approx(
        [expected[j] / expected[j:].sum() for j in range(k - 1)], abs=1e-14
    )


@pytest.mark.paper
def test_bayes_stays_finite_where_types_are_ruled_out():
    never = -np.inf
    assert posterior([0.2, 0.5], [never, never, never]).tolist() == [0.2, 0.5]
    assert posterior([0.2, 0.5], [never, 0.0, never]).tolist() == [0.0, 1.0]
    assert posterior([1.0, 0.5], [never, 0.0, 0.0]).tolist() == [1.0, 0.5]
    far = posterior([0.5, 0.5], [-5_000.0, -5_001.0, -5_002.0])
    assert far == pytest.approx(posterior([0.5, 0.5], [0.0, -1.0, -2.0]), abs=1e-12)  # rounding of 5000


@pytest.mark.solver
@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_small_systems_are_solved(n):
    random = np.random.default_rng(n)
    matrix, rhs = random.normal(size=(n, n)), random.normal(size=n)
    expected, sign = np.linalg.solve(matrix, rhs), np.sign(np.linalg.det(matrix))
    solution = rhs.copy()
    assert solve_linear(matrix.copy(), solution, n) == sign
    assert solution == pytest.approx(expected, rel=1e-10)
    assert solve_linear(np.zeros((n, n)), rhs.copy(), n) == 0.0
