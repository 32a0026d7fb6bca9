"""The exact engine: agent quantal response on all public histories, at any precision, against pen and paper, Gambit, and the belief grid."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import standoff as so
from games import dilemma, gambit_policies, message_game, random_scenario
from standoff.errors import BuildError, GameTooLargeError, SolveError
from standoff.export import information_sets
from standoff.game import DECISION
from standoff.game.tree import count_histories, parents, unroll, way_to
from standoff.solve import exact, solve
from standoff.solve.exact import RESIDUAL
from standoff.solve.grid import to_beliefs


def signalling(rounds, precision=1.0):
    return so.build(so.load("repeated-signalling", {"clock.periods": rounds, "precision": precision}))


def long_signalling(rounds, precision=1.0):
    """The game of the benchmarks whose branch turns back and forth: three ways lead on from a round."""
    path = Path(__file__).parents[1] / "benchmarks" / "long-signalling.yaml"
    return so.build(so.load(path, {"clock.periods": rounds, "precision": precision}))


def decisions(solved):
    """Every history at which somebody has a choice, with its node."""
    g = solved.game.arrays
    for history, node in enumerate(solved.tree.node.tolist()):
        if g.option_start[node + 1] - g.option_start[node] > 1:
            yield history, node


# --- pen and paper -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_one_choice_of_one_player_is_the_logit_of_its_payoffs():
    payoffs, weights = [0.3, -1.2, 2.0], [1.0, 2.0, 0.5]
    solved = exact(so.build(dilemma(payoffs, weights, precision=1.7)))
    expected = np.array(weights) * np.exp(1.7 * np.array(payoffs))
    assert np.allclose(solved.at(0)[0], expected / expected.sum(), rtol=0, atol=1e-12)
    assert solved.value("me").item() == pytest.approx(float(expected @ payoffs / expected.sum()), abs=1e-12)


@pytest.mark.paper
def test_precision_nought_is_play_by_propensity_and_takes_no_steps_astray():
    solved = exact(signalling(3, 0.0))
    assert all(np.allclose(solved.at(history), 1 / solved.at(history).shape[1]) for history, _ in decisions(solved))
    assert np.allclose(solved.beliefs, 0.5)


@pytest.mark.published
def test_the_challenger_presses_as_published():
    """Gambit 16.7 on the tree (docs of repeated-signalling)."""
    for rounds, figures in {1: (0.52955, 0.89258), 2: (0.39529, 0.52164), 3: (0.42164, 0.55022)}.items():
        first = exact(signalling(rounds)).policy().sel(option="press").values
        assert np.abs(first - figures).max() < 1e-5


# --- another solver ------------------------------------------------------------------------------------------------------------------------


def gap_to_gambit(game, folder):
    solved, theirs = exact(game), gambit_policies(game, folder)
    gap = 0.0
    sets = information_sets(game)
    assert len(sets) == len(theirs)
    for place in sets:
        rows = range(game.arrays.option_start[place.node], game.arrays.option_start[place.node + 1])
        names = [game.option_address(row).split(".", 1)[1] for row in rows]
        policy = solved.at(place.history)[place.kind]
        gap = max(gap, *(abs(theirs[place.player, place.number][name] - p) for name, p in zip(names, policy, strict=True)))
    return gap


@pytest.mark.solver
@pytest.mark.parametrize(("rounds", "precision"), [(1, 1), (2, 1), (3, 1), (4, 1), (1, 5), (2, 5), (3, 5)])
def test_rounds_of_signalling_are_solved_as_gambit_solves_them(rounds, precision, tmp_path):
    assert gap_to_gambit(signalling(rounds, precision), tmp_path) < 1e-7


@pytest.mark.solver
@pytest.mark.parametrize("name", ["one-shot-threat", "patron-and-proxy"])
def test_bundled_games_are_solved_as_gambit_solves_them(name, tmp_path):
    assert gap_to_gambit(so.build(so.load(name)), tmp_path) < 1e-7


@pytest.mark.solver
def test_three_types_are_solved_as_gambit_solves_them(tmp_path):
    game = so.build(message_game([0.9, 0.5, 0.1], [1.0, 1.2, 0.8], [0.1, 0.3, 0.9], [0.3, 0.3, 0.4], precision=3.0, receiver_precision=2.0))
    assert gap_to_gambit(game, tmp_path) < 1e-7


@pytest.mark.solver
@pytest.mark.parametrize("seed", range(6))
def test_random_games_are_solved_as_the_grid_solves_them(seed):
    """Open and covert options, type-dependent signals, outcomes and events, discounting: to 1e-4 at the beliefs of every history."""
    game = so.build(random_scenario(seed, types=(2, 2), periods=2, discount=0.9))
    solved, grid = exact(game), solve(game, tolerance=1e-5, workers=1)
    assert grid.certificate.met
    compared = 0
    for history, node in decisions(solved):
        probe = grid.probe(node, solved.beliefs[history])
        assert np.abs(probe.policy - solved.at(history)).max() < 1e-4
        assert np.abs(probe.values - solved.values[history]).max() < 1e-3
        compared += 1
    assert compared > 20


# --- properties ----------------------------------------------------------------------------------------------------------------------------


def farthest_from_logit(solved):
    """The largest relative gap between log-odds and the logit response to the values that follow, without the engine."""
    game, g = solved.game, solved.game.arrays
    worst = 0.0
    for history, node in decisions(solved):
        o0, o1, y0 = int(g.option_start[node]), int(g.option_start[node + 1]), int(g.observation_start[node])
        owner, first = int(g.owner[node]), int(solved.tree.option[history])
        k, column = game.n_types[owner], int(g.columns[owner])
        child = int(solved.tree.child[history])
        onward = np.array([game.payoffs.observation[y0 + y] + g.beta[node] * solved.values[child + y] for y in range(o1 - o0)])
        q = game.payoffs.option[o0:o1, column : column + k] + onward[:, column : column + k]
        u = g.log_w[o0:o1, None] + g.precision[node] * q
        found = solved.log_odds[first : first + o1 - o0, :k]
        worst = max(worst, float((np.abs((u - u[0]) - (found - found[0])) / np.maximum(1, np.abs(found).max())).max()))
    return worst


@pytest.mark.property
@pytest.mark.parametrize(("rounds", "precision"), [(3, 1), (5, 5), (4, 100), (5, 1000), (10, 1)])
def test_every_decision_is_the_logit_response_to_the_values_that_follow(rounds, precision):
    """Checked here without the engine: values from the ends, beliefs from the start, each stage equation."""
    solved = exact(signalling(rounds, precision))
    assert solved.certificate.met
    assert solved.certificate.residual <= RESIDUAL
    assert farthest_from_logit(solved) < 1e-8


@pytest.mark.property
def test_turning_points_are_passed():
    """The branch turns back at 64 % of the precision and forth again at 60 %; Newton's method from the other side would skip that."""
    solved = exact(long_signalling(5, 5.0))
    assert solved.certificate.folds == 2
    assert solved.certificate.met
    assert farthest_from_logit(solved) < 1e-8


@pytest.mark.property
def test_the_number_of_workers_does_not_matter():
    game = long_signalling(7)
    alone, *others = (exact(game, workers=workers) for workers in (1, 2, 3))
    for other in others:
        assert np.array_equal(alone.log_odds, other.log_odds)
        assert np.array_equal(alone.values, other.values)
        assert np.array_equal(alone.beliefs, other.beliefs)
        assert alone.certificate == other.certificate


@pytest.mark.paper
def test_long_signalling_has_as_many_information_sets_as_said():
    assert [len(information_sets(long_signalling(rounds))) for rounds in (1, 2, 5)] == [6, 24, 726]


@pytest.mark.property
def test_beliefs_are_a_martingale_and_values_add_up():
    """The mean belief of the histories after a decision is the belief before it, and the root's value is that of its play."""
    solved = exact(signalling(4, 3.0))
    game, g = solved.game, solved.game.arrays
    for history, node in decisions(solved):
        owner, child = int(g.owner[node]), int(solved.tree.child[history])
        belief = to_beliefs(solved.beliefs[history], game.n_types)[owner]
        policy = solved.at(history)
        chance = belief @ policy
        after = np.array([to_beliefs(solved.beliefs[child + y], game.n_types)[owner] for y in range(len(chance))])
        assert np.allclose(chance @ after, belief, atol=1e-12)


@pytest.mark.property
def test_the_branch_goes_on_to_the_limit():
    """From precision 300 to 1,000 the first choice moves by less than a thousandth: it has reached its limit."""
    near, far = (exact(signalling(5, precision)).policy().values for precision in (300, 1000))
    assert np.abs(near - far).max() < 1e-3


@pytest.mark.property
@pytest.mark.parametrize("precision", [1e4, 1e5])
def test_what_double_precision_cannot_carry_any_more_is_said(precision):
    """What is believed where nobody goes is then the difference of two log-odds of 10,000 and more, and rounding grows with precision squared."""
    solved = exact(signalling(3, precision))
    assert not solved.certificate.met
    assert solved.certificate.residual < 1e-15 * precision**2
    assert "NOT MET" in solved.certificate.text()
    assert "what is left is rounding" in solved.certificate.text()
    assert np.abs(solved.policy().values - exact(signalling(3, 1000)).policy().values).max() < 1e-4


@pytest.mark.property
@pytest.mark.parametrize("rounds", [1, 2, 5, 10])
def test_histories_are_counted_without_listing_them(rounds):
    game = signalling(rounds)
    tree = unroll(game.structure)
    assert count_histories(game.structure) == len(tree.node) == len(tree.child) == len(tree.option)
    assert (tree.child[tree.child >= 0] > np.flatnonzero(tree.child >= 0)).all()
    ends = game.structure.kind[tree.node[tree.child < 0]]
    assert (ends != DECISION).all()


@pytest.mark.property
@pytest.mark.parametrize("game", [signalling(3), so.build(random_scenario(1)), so.build(so.load("gallery/poker"))], ids=["open", "covert", "chance"])
def test_the_way_to_a_history_leads_there(game):
    tree, start = unroll(game.structure), game.structure.observation_start
    parent = parents(tree)
    for history in range(len(tree.node)):
        here = 0
        for row in way_to(history, game.structure, tree, parent):
            assert start[tree.node[here]] <= row < start[tree.node[here] + 1]
            here = int(tree.child[here]) + row - int(start[tree.node[here]])
        assert here == history
        assert history == 0 or tree.node[history] == game.structure.target[row]


@pytest.mark.property
def test_relabelling_the_types_changes_nothing():
    one = exact(so.build(message_game([0.9, 0.2], [1.0, 1.0], [0.1, 0.6], [0.3, 0.7], precision=4.0)))
    two = exact(so.build(message_game([0.2, 0.9], [1.0, 1.0], [0.6, 0.1], [0.7, 0.3], precision=4.0)))
    assert np.allclose(one.at(0), two.at(0)[::-1], atol=1e-10)


# --- beside the grid -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_solve_answers_exactly_on_histories_and_from_the_grid_elsewhere():
    game = signalling(4, 5.0)
    solved = solve(game, workers=1)
    grid, alone = solved.on_grid, solve(game, engine="grid", levels=solved.grid.levels, workers=1)
    assert solved.certificate.exact_histories == len(solved.exact)
    assert alone.exact is None
    for history, node in decisions(solved.exact):
        probe = solved.probe(node, solved.exact.beliefs[history])
        assert np.array_equal(probe.policy, solved.exact.at(history))
        assert np.abs(probe.policy - grid.probe(node, solved.exact.beliefs[history]).policy).max() <= solved.certificate.policy_distance
        child = int(solved.exact.tree.child[history])
        assert np.array_equal(probe.posteriors, solved.exact.beliefs[child : child + len(probe.posteriors)])
    elsewhere = np.array([0.37, 0.61])
    assert np.array_equal(solved.probe(0, elsewhere).policy, alone.probe(0, elsewhere).policy)


@pytest.mark.property
def test_a_history_found_by_its_belief_is_worth_what_it_should():
    """At precision 1,000 beliefs come within rounding of certainty, so that several histories may share one: each is found, or none."""
    solved = exact(signalling(5, 1000.0))
    for history, node in decisions(solved):
        one = solved.find(int(node), solved.beliefs[history])
        assert one is None or np.allclose(solved.values[one], solved.values[history], atol=1e-5)
    node = int(solved.tree.node[0])
    assert solved.find(node, solved.beliefs[0]) == 0
    assert solved.find(node, solved.beliefs[0] + 1e-3) is None


@pytest.mark.property
def test_the_engine_can_be_chosen():
    game = signalling(2)
    assert solve(game, engine="grid", workers=1).exact is None
    assert len(solve(game, engine="exact", workers=1).exact) == 25
    with pytest.raises(GameTooLargeError):
        solve(so.build(so.load("baghdad-closure")), engine="exact")


# --- what it does not do -------------------------------------------------------------------------------------------------------------------


def test_a_tree_that_is_too_large_is_refused_with_its_size():
    game = so.build(so.load("baghdad-closure"))
    with pytest.raises(GameTooLargeError, match="public histories"):
        exact(game)
    with pytest.raises(GameTooLargeError, match=r"249 public histories, of which the exact engine takes 100"):
        exact(signalling(5), max_histories=100)


def test_beliefs_that_no_history_holds_are_refused():
    solved = exact(signalling(2))
    node, x = solved.first_decision()
    assert set(solved.policy_at(node, x)) == {"weak", "strong"}
    with pytest.raises(SolveError, match="no public history"):
        solved.policy_at(node, x + 0.1)


@pytest.mark.parametrize(("precision", "payoff"), [(1e300, 1.0), (1.0, 1e12), (1e6, 1e4)])
def test_log_odds_beyond_double_precision_are_refused_with_the_numbers(precision, payoff):
    with pytest.raises(BuildError, match=r"the precision of me is .* and its largest payoff .*Lower the precision"):
        so.build(dilemma([payoff, 0.0], precision=precision))


@pytest.mark.paper
def test_tiny_payoffs_beside_large_ones_keep_their_digits():
    """With payoffs 1e6, 0 and 1e-6 at precision 1 the last two are told apart by a millionth of a log-odds."""
    solved = exact(so.build(dilemma([-1e6, 0.0, 1e-6])))
    assert solved.at(0)[0, 0] == 0.0
    assert solved.at(0)[0, 2] - solved.at(0)[0, 1] == pytest.approx(0.5e-6, rel=1e-3)


@pytest.mark.solver
@pytest.mark.parametrize(
    ("play", "rounds", "precision"), [(signalling, 5, 20), (signalling, 6, 5), (long_signalling, 6, 5), (long_signalling, 5, 20)]
)
def test_play_that_adjusts_settles_at_the_end_of_the_principal_branch(play, rounds, precision):
    """Also where the branch turns back on the way, as the longer game's does."""
    game = play(rounds, precision)
    followed, settled = (exact(game, selection=way) for way in ("principal", "adjusted"))
    assert (followed.certificate.selection, settled.certificate.selection) == ("principal", "adjusted")
    assert settled.certificate.met
    assert np.abs(followed.values - settled.values).max() < 1e-9


@pytest.mark.solver
def test_a_tree_whose_branch_turns_back_too_often_is_solved_by_play_that_adjusts():
    solved = exact(long_signalling(8, 5))
    assert solved.certificate.selection == "adjusted"
    assert solved.certificate.met
    assert "not shown to lie on the principal branch: the branch from precision 0 took more than" in solved.certificate.text()
