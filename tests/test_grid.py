"""The belief grid reads polynomials exactly, and its coordinates are beliefs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.solve.grid import (
    BeliefGrid,
    box,
    close_downward,
    count_nodes,
    level_nodes,
    level_size,
    level_transform,
    simplex,
    to_beliefs,
    to_coordinates,
)
from standoff.solve.induction import line_table

EXACT = 1e-12


@pytest.mark.paper
@pytest.mark.parametrize("level", range(8))
def test_nodes_of_a_level_are_nested_and_symmetric(level):
    nodes = level_nodes(level)
    assert len(nodes) == level_size(level)
    assert nodes == pytest.approx(1 - nodes[::-1], abs=3e-16)
    if level > 1:
        assert np.allclose(nodes[::2], level_nodes(level - 1), atol=1e-15)


@pytest.mark.paper
@pytest.mark.parametrize("level", range(6))
def test_a_polynomial_is_its_chebyshev_coefficients(level):
    n = level_size(level)
    coefficients = np.random.default_rng(level).normal(size=n)
    values = np.polynomial.chebyshev.chebval(2 * level_nodes(level) - 1, coefficients)
    assert level_transform(level) @ values == pytest.approx(coefficients, abs=1e-10)


@pytest.mark.property
@pytest.mark.parametrize(
    ("n_types", "levels"),
    [((2,), box((3,))), ((2, 2), box((2, 3))), ((3,), box((2, 1))), ((2, 2, 2), simplex(3, 3)), ((3, 2, 1, 2), simplex(4, 3)),
     ((2, 2, 2), close_downward([(3, 0, 0), (1, 1, 0), (0, 0, 2)]))],
)  # fmt: skip
def test_polynomials_of_the_grids_degree_are_read_exactly(n_types, levels):
    """A sparse grid holds every monomial that one of its boxes holds."""
    grid = BeliefGrid(n_types, levels)
    assert grid.n_nodes == count_nodes(levels)
    random = np.random.default_rng(0)
    points = random.uniform(size=(5, grid.n_axes))
    for level in sorted(levels):
        powers = np.array([level_size(k) - 1 for k in level])
        at_nodes, at_points = (grid.points**powers).prod(axis=1), (points**powers).prod(axis=1)
        for x, expected in zip(points, at_points, strict=True):
            assert grid.weights(x) @ at_nodes == pytest.approx(expected, abs=EXACT)


@pytest.mark.property
@pytest.mark.parametrize("levels", [box((2, 2)), simplex(2, 3)])
def test_at_its_nodes_the_grid_reads_the_node(levels):
    grid = BeliefGrid((2, 2), levels)
    for m, point in enumerate(grid.points):
        assert grid.weights(point) == pytest.approx(np.eye(grid.n_nodes)[m], abs=EXACT)


@pytest.mark.property
@pytest.mark.parametrize(("n_types", "levels"), [((2, 2), box((2, 3))), ((3, 2), simplex(3, 3)), ((2, 3, 2), simplex(4, 2))])
def test_a_line_is_the_grid_along_a_players_own_axes(n_types, levels):
    grid = BeliefGrid(n_types, levels)
    lines = line_table(grid)
    random = np.random.default_rng(1)
    values = random.normal(size=grid.n_nodes)
    for player, line in enumerate(grid.lines):
        own = n_types[player] - 1
        assert lines.first[player] == line.first
        for m in range(0, grid.n_nodes, 3):
            x = grid.points[m].copy()
            x[line.first : line.first + own] = random.uniform(size=own)
            rows = slice(line.start[m], line.start[m + 1])
            coefficients = values[line.node[rows]] @ line.matrix[rows]
            basis = [np.polynomial.chebyshev.chebvander(2 * x[line.first + d] - 1, line.sizes[d] - 1).reshape(-1) for d in range(own)]
            along = sum(c * np.prod([basis[d][e] for d, e in enumerate(degrees)]) for c, degrees in zip(coefficients, line.exponents, strict=True))
            assert along == pytest.approx(grid.weights(x) @ values, abs=1e-10)


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 20), min_size=1, max_size=4).filter(any), min_size=1, max_size=3),
)
def test_beliefs_survive_their_coordinates(weights):
    beliefs = [np.array(row) / sum(row) for row in weights]
    x = to_coordinates(beliefs)
    assert ((x >= 0) & (x <= 1)).all()
    for before, after in zip(beliefs, to_beliefs(x, [len(row) for row in weights]), strict=True):
        assert after == pytest.approx(before, abs=1e-14)


@pytest.mark.paper
def test_level_sets_count_their_nodes():
    assert count_nodes(box((3, 3))) == 81
    assert count_nodes(box(())) == 1
    assert count_nodes(simplex(4, 2)) == 41
    assert close_downward([(1, 1)]) == frozenset(itertools.product((0, 1), repeat=2))


def test_levels_that_do_not_fit_the_types_are_refused():
    with pytest.raises(ValueError, match="2 entries"):
        BeliefGrid((2, 2), box((1,)))
    with pytest.raises(ValueError, match="above 7"):
        BeliefGrid((2,), box((8,)))
