"""What judges solvers and others alike (`benchmarks/one_shot.py`): by pen and paper, and against OpenSpiel."""

from __future__ import annotations

import numpy as np
import pytest

import standoff as so
from games import dilemma, message_game
from one_shot import behaviour_of, judge, largest_regret, logit_gap, nash_conv


@pytest.mark.solver
@pytest.mark.parametrize(("rounds", "conv"), [(1, 2.3125), (3, 3.0142578125)])
def test_nash_conv_of_even_odds_is_that_of_openspiel(rounds, conv):
    """`pyspiel.nash_conv` of the uniform policy on the exported tree, OpenSpiel 2.0.2."""
    solved = so.exact(so.build(so.load("repeated-signalling", {"clock.periods": rounds})))
    even = np.full_like(behaviour_of(solved), 0.5)
    assert nash_conv(solved.game, solved.tree, even) == pytest.approx(conv, abs=1e-12)


@pytest.mark.paper
def test_the_regret_of_a_single_choice():
    """Options worth 1, 0 and -1, chosen with 1/2, 1/4 and 1/4, bring 1/4; the best brings 1."""
    solved = so.exact(so.build(dilemma([1.0, 0.0, -1.0])))
    behaviour = np.array([[0.5], [0.25], [0.25]])
    assert largest_regret(solved.game, solved.tree, behaviour) == pytest.approx(0.75, abs=1e-15)
    assert nash_conv(solved.game, solved.tree, behaviour) == pytest.approx(0.75, abs=1e-15)
    assert judge(solved.game, solved.tree, behaviour).values[0] == pytest.approx([0.25])


@pytest.mark.paper
def test_regret_counts_what_nash_conv_forgives():
    """A receiver who accepts against its interest after a word that is said once in a million times: it loses 0.4 then."""
    game = so.build(message_game([0.3, 0.3], [0.0, 0.0], [0.0, 0.0], [0.5, 0.5]))
    tree = so.exact(game).tree
    behaviour = np.ones((6, 2))
    said, boast, silence = (int(tree.option[history]) for history in (0, tree.child[0], tree.child[0] + 1))
    behaviour[said : said + 2] = [[1e-6, 1e-6], [1 - 1e-6, 1 - 1e-6]]
    behaviour[boast : boast + 2, 0] = 1.0, 0.0
    behaviour[silence : silence + 2, 0] = 0.0, 1.0
    assert judge(game, tree, behaviour).action_values[boast : boast + 2, 0] == pytest.approx([-0.4, 0.0], abs=1e-12)
    assert largest_regret(game, tree, behaviour) == pytest.approx(0.4, abs=1e-12)
    assert nash_conv(game, tree, behaviour) == pytest.approx(0.4e-6, abs=1e-15)


@pytest.mark.property
def test_a_solution_is_the_logit_response_and_a_spoiled_one_is_not():
    solved = so.exact(so.build(so.load("repeated-signalling")))
    behaviour = behaviour_of(solved)
    assert logit_gap(solved.game, solved.tree, behaviour) < 1e-10
    behaviour[0, 0], behaviour[1, 0] = behaviour[0, 0] + 1e-3, behaviour[1, 0] - 1e-3
    assert 0.5e-3 < logit_gap(solved.game, solved.tree, behaviour) < 5e-3
