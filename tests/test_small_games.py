"""Ordinary small games are solved at any precision: by pen and paper, and by seed (`benchmarks/small_games.py`)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import expit

from small_games import as_markov, as_scenario, check, check_trees, error, reference
from standoff.solve import exact
from standoff.solve.markov import solve_markov


def symmetric(row):
    row = np.array(row, dtype=float)
    return row, row.T


def solved(game, precision):
    return solve_markov(as_markov(game, precision))


def on_tree(game, precision):
    return exact(as_scenario(game[0].shape)(game, precision), selection="principal")


@pytest.mark.paper
@pytest.mark.parametrize("precision", [0.01, 5.5, 5.9, 6.0, 6.1, 7.0, 100.0])
def test_a_dilemma_has_one_root(precision):
    """Payoffs 3, 0, 5, 1: to defect is worth 1 + x more where the other cooperates with x, so x = 1 / (1 + exp(precision (1 + x)))."""
    game = symmetric([[3, 0], [5, 1]])
    x = brentq(lambda x: x - expit(-precision * (1.0 + x)), 0.0, 1.0, xtol=1e-300, rtol=1e-14)
    assert solved(game, precision).policy(0)[0][0] == pytest.approx(x, rel=1e-9)
    assert on_tree(game, precision).at(0)[0, 0] == pytest.approx(x, rel=1e-9)


@pytest.mark.paper
@pytest.mark.parametrize("row", [[[3, 1], [4, 0]], [[1, 0], [0, 1]], [[0, 2], [2, 0]]], ids=["chicken", "coordination", "anti-coordination"])
def test_at_its_crossing_the_answer_is_the_branch_point(row):
    """All are even at every precision. With d = 2 between the payoffs' diagonals, u = precision d tanh(u / 2) / 2 has more roots from precision
    4 / d on, where the branch is crossed."""
    game = symmetric(row)
    crossing = 4.0 / abs(row[0][0] + row[1][1] - row[0][1] - row[1][0])
    for precision, crossed in ((0.9 * crossing, []), (crossing, [1.0]), (1.1 * crossing, [1 / 1.1])):
        found = solved(game, precision)
        assert np.allclose(found.policy(0), 0.5, rtol=0, atol=1e-12)
        assert np.allclose(found.certificate.crossings, crossed, rtol=0, atol=1e-4)
        tree = on_tree(game, precision)
        assert np.allclose(tree.at(0), 0.5, rtol=0, atol=1e-12)
        assert np.allclose(tree.certificate.crossings, crossed, rtol=0, atol=1e-3)


@pytest.mark.paper
def test_a_crossing_where_play_is_not_even_is_met_to_the_last_digit():
    """Where x cooperate, u = log(x / (1 - x)) = precision (a + d x), and the branch is crossed where precision |d| x (1 - x) = 1."""
    game = symmetric([[2, 1], [5, 0]])
    a, d = 1.0, -4.0  # 2 x + 1 (1 - x) less 5 x

    def play(precision):
        return brentq(lambda x: np.log(x / (1.0 - x)) - precision * (a + d * x), 1e-12, 1.0 - 1e-12, xtol=1e-16)

    critical = brentq(lambda p: p * abs(d) * play(p) * (1.0 - play(p)) - 1.0, 0.5, 3.0, xtol=1e-15)
    for precision in (np.nextafter(critical, 0.0), critical, np.nextafter(critical, 9.0)):
        one, two = solved(game, precision).policy(0)
        assert np.allclose([one[0], two[0]], play(precision), rtol=0, atol=1e-6)
        assert solved(game, precision).certificate.crossings == (1.0,)


@pytest.mark.solver
@pytest.mark.parametrize(
    ("row", "column", "precision"),
    [
        ([[-5, 9], [9, 5]], [[-5, 9], [9, 5]], 550.0),
        ([[2, 0, 0], [2, 1, 0]], [[3, 1, 2], [0, 3, 3]], 39.91800648193998),
        ([[-1, -1, 0], [0, -1, 1], [0, -1, 0]], [[-1, 0, 0], [-1, -1, -1], [0, 1, 0]], 500.0),
    ],
    ids=["far beyond a crossing", "a crossing all but met", "two crossings"],
)
def test_beside_crossings_the_branch_is_not_swapped(row, column, precision):
    """Against the branch followed in tiny steps; the first and the last are symmetric, and the branch is symmetric to its end."""
    game = np.array(row, dtype=float), np.array(column, dtype=float)
    wanted, found, tree = reference(game, precision), solved(game, precision), on_tree(game, precision)
    for player in range(2):
        assert np.allclose(found.policy(0)[player], wanted[player], rtol=0, atol=1e-8)
        assert np.allclose(tree.at(player)[0], wanted[player], rtol=0, atol=1e-8)


@pytest.mark.paper
def test_the_reference_follows_a_dilemma_and_stays_symmetric_in_chicken():
    x = brentq(lambda x: x - expit(-6.0 * (1.0 + x)), 0.0, 1.0, xtol=1e-15)
    assert reference(symmetric([[3, 0], [5, 1]]), 6.0)[0][0] == pytest.approx(x, abs=1e-10)
    assert np.allclose(reference(symmetric([[3, 1], [4, 0]]), 9.0), 0.5, rtol=0, atol=1e-10)


@pytest.mark.property
def test_random_small_games_are_all_solved():
    tally = check(games=400, seed=1, every=8)
    assert tally.refused == []
    assert tally.worst < 1e-8
    assert tally.turned
    assert tally.crossed
    assert tally.at_critical


@pytest.mark.property
def test_their_trees_have_the_same_solution():
    tally = check_trees(games=60, seed=2)
    assert tally.refused == []
    assert tally.differ == []
    assert tally.apart < 1e-7


@pytest.mark.property
def test_what_judges_the_games_knows_a_spoiled_solution():
    game = symmetric([[3, 0], [5, 1]])
    one, two = solved(game, 1.0).policy(0)
    assert error(game, 1.0, one, two) < 1e-10
    assert 1e-4 < error(game, 1.0, one + np.array([1e-3, -1e-3]), two) < 2e-3
