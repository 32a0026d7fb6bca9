"""The belief grid reads polynomials exactly, and its coordinates are beliefs."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standoff.game import build
from standoff.report.solution import certificate_lines, solution_content
from standoff.scenario import load
from standoff.solve import certification, solve
from standoff.solve._axis import axis_basis, axis_slope
from standoff.solve.certification import certify
from standoff.solve.grid import (
    BeliefGrid,
    box,
    close_downward,
    count_nodes,
    is_local,
    level_nodes,
    level_size,
    level_transform,
    local,
    local_nodes,
    simplex,
    to_beliefs,
    to_coordinates,
)
from standoff.solve.induction import blocks, line_table, neighbours
from standoff.solve.refine import refine
from test_solve import duel

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
@pytest.mark.parametrize("levels", [box((2, 2)), simplex(2, 3), local((2, 4)), local((6, 2))])
def test_at_its_nodes_the_grid_reads_the_node(levels):
    grid = BeliefGrid((2, 2), levels)
    for m, point in enumerate(grid.points):
        # Close to 1 a belief has fewer digits than its log-odds.
        assert grid.weights(point) == pytest.approx(np.eye(grid.n_nodes)[m], abs=1e-9 if is_local(levels) else EXACT)


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
    with pytest.raises(ValueError, match="level 2 at least"):
        local((1, 3))


# --- local grids ---------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize("level", range(2, 8))
def test_local_nodes_are_symmetric_and_end_at_certainty(level):
    nodes = local_nodes(level)
    assert len(nodes) == level_size(level)
    assert np.array_equal(nodes, 1.0 - nodes[::-1]) or nodes == pytest.approx(1.0 - nodes[::-1], abs=2e-16)
    assert (np.diff(nodes) > 0).all()
    assert nodes[0] == 0.0
    assert nodes[-1] == 1.0
    # Up to 33 they are even; from there on some crowd at the ends.
    assert (np.diff(nodes).min() > 0.99 * np.diff(nodes).max()) == (level <= 5)


@pytest.mark.property
@pytest.mark.parametrize("level", [2, 3, 5])
def test_an_even_local_grid_reads_polynomials_of_degree_four_exactly(level):
    grid = BeliefGrid((2,), local((level,)))
    assert grid.n_nodes == count_nodes(local((level,)))
    for x in np.linspace(0.0, 1.0, 23):
        assert grid.weights(np.array([x])) @ grid.points[:, 0] ** 4 == pytest.approx(x**4, abs=EXACT)


@pytest.mark.property
@pytest.mark.parametrize("level", [3, 5, 6, 7])
def test_a_local_grid_reads_six_neighbours_only(level):
    grid = BeliefGrid((2,), local((level,)))
    for x in np.random.default_rng(0).uniform(size=20):
        touched = np.flatnonzero(grid.weights(np.array([x])))
        assert len(touched) <= 6
        # At the ends of the axis there are none on the other side.
        assert np.abs(touched - np.searchsorted(grid.points[:, 0], x)).max() <= 5


@pytest.mark.property
@pytest.mark.parametrize("size", [5, 9, -5, -33, -65, -129])
@pytest.mark.parametrize("x", [1e-3, 0.2, 0.5, 0.9, 1.0 - 1e-5])
def test_slopes_are_derivatives_by_log_odds(size, x):
    n = abs(size)
    basis, slope, ahead, behind = np.zeros((4, 1, n))
    step = 1e-6
    for where, into in ((step, ahead), (-step, behind), (0.0, basis)):
        axis_basis(1.0 / (1.0 + (1.0 - x) / x * np.exp(-where)), size, 0, into)
    axis_slope(x, size, 0, basis, slope)
    assert slope == pytest.approx((ahead - behind) / (2 * step), rel=1e-4, abs=1e-5)


@pytest.mark.property
@pytest.mark.parametrize(("n_types", "levels"), [((2, 2), local((3, 4))), ((3,), local((2, 3))), ((2, 1, 3), local((2, 3, 2)))])
def test_a_local_line_is_the_grid_along_a_players_own_axes(n_types, levels):
    grid = BeliefGrid(n_types, levels)
    random = np.random.default_rng(1)
    values = random.normal(size=grid.n_nodes)
    for player, line in enumerate(grid.lines):
        own = n_types[player] - 1
        for m in range(0, grid.n_nodes, 7):
            x = grid.points[m].copy()
            x[line.first : line.first + own] = random.uniform(size=own)
            basis = np.zeros((max(own, 1), grid.max_size))
            for d in range(own):
                axis_basis(x[line.first + d], -int(line.sizes[d]), d, basis)
            at_nodes = values[line.node[line.start[m] : line.start[m + 1]]]
            along = sum(v * np.prod([basis[d, e] for d, e in enumerate(place)]) for v, place in zip(at_nodes, line.exponents, strict=True))
            assert along == pytest.approx(grid.weights(x) @ values, abs=1e-10)


@pytest.mark.property
def test_blocks_of_a_local_grid_stand_alone():
    grid = BeliefGrid((2, 2), local((4, 3)))
    parent, cuts = neighbours(grid), blocks(grid)
    for first, last in itertools.pairwise(cuts):
        assert parent[first] == first
        assert ((parent[first + 1 : last] >= first) & (parent[first + 1 : last] < np.arange(first + 1, last))).all()
    game = build(load("repeated-signalling"))
    one, two = (solve(game, levels=local((4, 4)), certify=False, workers=workers) for workers in (1, 2))
    assert np.array_equal(one.values, two.values)


@pytest.mark.property
@pytest.mark.parametrize("change", [{"players": ("right", "left")}, {"types": ("shy", "bold")}, {"options": ("hold", "press")}])
def test_the_order_of_declaration_changes_nothing_on_a_local_grid(change):
    one, two = (solve(build(scenario), levels=local((5, 5)), certify=False) for scenario in (duel(), duel(**change)))
    for place in ({"turn": "left"}, {"turn": "right", "state": {"heat": 1}}):
        ours, theirs = one.policy(**place), two.policy(**place)
        assert theirs.sel(type=ours.type, option=ours.option).values == pytest.approx(ours.values, abs=1e-9)


@pytest.mark.solver
def test_local_and_polynomial_grids_agree_where_values_are_smooth():
    one, two = (solve(build(duel()), levels=levels, certify=False) for levels in (box((4, 4)), local((5, 5))))
    assert one.policy().values == pytest.approx(two.policy().values, abs=1e-7)


# --- long horizons -------------------------------------------------------------------------------------------------------------


def test_rounds_of_signalling_are_solved_to_four_digits_on_a_local_grid():
    eq = solve(build(load("repeated-signalling", {"clock.periods": 25})), engine="grid", tolerance=1e-4)
    assert is_local(eq.grid.levels)
    assert eq.certificate.met
    assert eq.certificate.policy_distance <= 1e-4
    finer = solve(eq.game, levels=local((6, 6)), certify=False)
    assert eq.policy().values == pytest.approx(finer.policy().values, abs=1e-4)


def test_a_local_grid_beside_an_exact_solution_is_as_fine_as_is_cheap():
    """The policy distance asks for 65 nodes an axis; 33 are what stays cheap."""
    eq = solve(build(load("repeated-signalling", {"clock.periods": 5, "precision": 5})), tolerance=1e-5)
    assert eq.exact is not None
    assert eq.grid.levels == local((5, 5))
    assert eq.certificate.met  # by the exact solution, which answers
    assert not eq.certificate.grid_met


def test_smooth_values_stay_on_polynomials():
    eq = solve(build(load("one-shot-threat")), levels=box((3,)), engine="grid")
    assert not is_local(refine(eq))


# --- where a certificate is not met ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("drawn", [False, True])
def test_a_certificate_tells_where_it_is_not_met(drawn, monkeypatch):
    if drawn:
        monkeypatch.setattr(certification, "EXACT_POINTS", 0)
    scenario = load("repeated-signalling")
    eq = solve(build(scenario), engine="grid", levels=box((1, 1)), tolerance=1e-4)
    certificate = eq.certificate
    assert not certificate.met
    assert 0 < len(certificate.misses) <= 20 <= certificate.missed <= certificate.points or len(certificate.misses) == certificate.missed
    assert certificate.misses[0].distance == certificate.policy_distance
    distances = [miss.distance for miss in certificate.misses]
    assert distances == sorted(distances, reverse=True)
    for miss in certificate.misses:
        node = eq.locate(turn=miss.turn, period=miss.period, state=miss.state)
        assert eq.game.canonical.players[eq.game.arrays.owner[node]].name == miss.player
        assert {player: sum(belief.values()) for player, belief in miss.beliefs.items()} == pytest.approx({"challenger": 1, "defender": 1})
        assert miss.cause in ("interpolation", "folded branch", "switched branch", "few draws")
    resisted = next(miss for miss in certificate.misses if miss.turn == "showdown")
    assert "challenger decides at showdown, stage resisted (" in resisted.text()
    content = solution_content("repeated-signalling", scenario, eq)
    assert json.loads(json.dumps(content["certificate"]))["misses"][0]["distance"] == certificate.policy_distance
    shown = "\n".join(line.plain for line in certificate_lines(content))
    assert f"Not met at {certificate.missed} of {certificate.points} points" in shown
    assert certificate.misses[0].text() in shown


def test_a_certificate_that_is_met_has_no_misses():
    certificate = solve(build(load("repeated-signalling")), engine="grid", tolerance=1e-3).certificate
    assert certificate.met
    assert certificate.missed == 0
    assert certificate.where() == []


def test_what_too_few_draws_leave_open_is_not_met(monkeypatch):
    """Of a coarse grid, two draws per point cannot tell four digits."""
    monkeypatch.setattr(certification, "EXACT_POINTS", 0)
    eq = solve(build(load("repeated-signalling")), levels=box((2, 2)), certify=False)
    assert not certify(eq, tolerance=0.03, draws=(2,)).met
    assert certify(eq, tolerance=0.03, draws=(8, 400)).met


def test_unsolved_stages_are_located():
    eq = solve(build(load("repeated-signalling")), engine="grid", levels=box((3, 3)))
    unsolved = np.zeros(eq.game.structure.n_nodes, dtype=np.int64)
    node = eq.locate(turn="defender", period=1, state={"stage": "pressed"})
    unsolved[node] = 7
    certificate = certify(dataclasses.replace(eq, unsolved=unsolved, sweep={**eq.sweep, "failed": 7.0}), tolerance=1e-2)
    assert not certificate.met
    assert [(place.period, place.turn, place.stages) for place in certificate.unsolved] == [(1, "defender", 7)]
    assert certificate.where() == ["period 1, defender: 7 stages unsolved"]
