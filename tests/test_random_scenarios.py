"""Random scenarios (`random_scenarios.py`) through both engines and Gambit, and properties that hold for all of them."""

from __future__ import annotations

import numpy as np
import pytest

from games import gambit_policies, ways
from one_shot import behaviour_in, behaviour_of, choices, judge, logit_gap
from random_scenarios import PLAYERS, TYPES, in_units, random_scenario, reworded, with_constant
from standoff.game import build
from standoff.scenario import Builder
from standoff.solve import exact, solve
from standoff.solve.grid import to_beliefs

AS_GAMBIT = 1e-6
AS_GRID = 1e-4
SAME = 1e-8


def table(solved):
    """Return the choice probabilities of an exact solution by what has been seen, type and option, wherever play may come."""
    game, tree, judged = solved.game, solved.tree, judge(solved.game, solved.tree, behaviour_of(solved))
    found = {}
    for history, seen in enumerate(ways(game, tree)):
        node = int(tree.node[history])
        options = range(game.arrays.option_start[node], game.arrays.option_start[node + 1])
        if len(options) < 2 or judged.reach[history] == 0.0:
            continue
        owner = int(game.arrays.owner[node])
        for k, kind in enumerate(game.canonical.players[owner].types):
            if judged.beliefs[history][owner][k] > 0.0:
                found |= {(seen, kind, game.option_address(row)): float(p) for row, p in zip(options, solved.at(history)[k], strict=True)}
    return found


def largest_gap(one, two):
    assert one.keys() == two.keys()
    return max(abs(p - two[key]) for key, p in one.items())


# --- another solver ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.solver
@pytest.mark.parametrize("seed", range(36))
def test_random_scenarios_are_solved_as_gambit_solves_them(seed, tmp_path):
    solved = exact(build(random_scenario(seed)))
    game, tree = solved.game, solved.tree
    theirs = behaviour_in(solved, gambit_policies(game, tmp_path))
    gap = np.abs(theirs - behaviour_of(solved)).max()
    residuals = f"residual of ours {logit_gap(game, tree, behaviour_of(solved)):.1e}, of Gambit's {logit_gap(game, tree, theirs):.1e}"
    assert gap < AS_GAMBIT, f"{gap:.1e} apart; {residuals}"


@pytest.mark.solver
@pytest.mark.parametrize("seed", range(12))
def test_random_scenarios_are_solved_alike_by_both_engines(seed):
    game = build(random_scenario(seed, axes=2, propensities=True))
    solved, grid = exact(game), solve(game, engine="grid", tolerance=AS_GRID, workers=1)
    assert grid.certificate.met, grid.certificate.text()
    judged = judge(game, solved.tree, behaviour_of(solved))
    for history in choices(game, solved.tree):
        if judged.reach[history] > 0.0:
            probe = grid.probe(int(solved.tree.node[history]), solved.known[history])
            assert np.abs(probe.policy - solved.at(history)).max() < AS_GRID


# --- properties ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
@pytest.mark.parametrize("seed", range(40))
def test_every_choice_is_the_logit_response_to_what_follows(seed):
    """Beliefs and values are computed anew, without the solver; sharper play, more types and unequal propensities than Gambit is given."""
    solved = exact(build(random_scenario(seed, axes=4, sharpness=(1.0, 6.0), propensities=True)))
    assert solved.certificate.met
    assert np.isfinite(solved.beliefs).all()
    assert logit_gap(solved.game, solved.tree, behaviour_of(solved)) < SAME


@pytest.mark.property
@pytest.mark.parametrize("seed", range(20))
def test_beliefs_are_a_martingale_and_those_of_bayes(seed):
    solved = exact(build(random_scenario(seed, axes=4, sharpness=(1.0, 4.0))))
    game, tree = solved.game, solved.tree
    judged = judge(game, tree, behaviour_of(solved))
    assert judged.reach[tree.child < 0].sum() == pytest.approx(1.0, abs=1e-12)
    means = [np.zeros(n) for n in game.n_types]
    for history in np.flatnonzero((tree.child < 0) & (judged.reach > 0.0)):
        for mean, belief in zip(means, judged.beliefs[history], strict=True):
            mean += judged.reach[history] * belief
    for mean, prior in zip(means, game.priors, strict=True):
        assert mean == pytest.approx(prior, abs=1e-12)
    for history in np.flatnonzero(judged.reach > 0.0):
        for ours, bayes in zip(to_beliefs(solved.beliefs[history], game.n_types), judged.beliefs[history], strict=True):
            assert ours == pytest.approx(bayes, abs=1e-9)
    assert solved.values[0] == pytest.approx(judged.values[0], abs=1e-9)


@pytest.mark.property
@pytest.mark.parametrize("seed", range(8))
def test_without_precision_play_is_by_propensity(seed):
    scenario = random_scenario(seed, propensities=True)
    solved = exact(build(scenario, {f"precision_{player}": 0.0 for player in scenario.players}))
    g = solved.game.arrays
    for history in choices(solved.game, solved.tree):
        node = int(solved.tree.node[history])
        weights = np.exp(g.log_w[g.option_start[node] : g.option_start[node + 1]])
        assert np.allclose(solved.at(history), weights / weights.sum(), rtol=0, atol=1e-12)


@pytest.mark.property
@pytest.mark.parametrize("seed", range(12))
def test_names_and_order_change_nothing(seed):
    scenario = random_scenario(seed, sharpness=(1.0, 4.0), propensities=True)
    moves = {part for turn in scenario.turns for part in (*turn.options, *turn.signals)}
    names = {name: f"new_{name}" for name in (*PLAYERS, *TYPES, *sorted(moves))}
    there, back = table(exact(build(scenario))), table(exact(build(reworded(scenario, names, np.random.default_rng(seed)))))

    def say(text):
        head, dot, rest = text.partition(".")
        option, slash, outcome = rest.partition("/")
        return f"{names.get(head, head)}{dot}{names.get(option, option)}{slash}{outcome}"

    assert largest_gap({(tuple(map(say, seen)), names.get(kind, kind), say(option)): p for (seen, kind, option), p in there.items()}, back) < SAME


@pytest.mark.property
@pytest.mark.parametrize("seed", range(8))
def test_what_a_player_gets_anyhow_changes_no_behaviour(seed):
    scenario = random_scenario(seed, propensities=True)
    player = list(scenario.players)[seed % len(scenario.players)]
    one, two = exact(build(scenario)), exact(build(with_constant(scenario, player, 3.25)))
    assert largest_gap(table(one), table(two)) < SAME
    assert two.value(player).values == pytest.approx(one.value(player).values + 3.25, abs=1e-9)


@pytest.mark.property
@pytest.mark.parametrize(("seed", "factor"), [(0, 8.0), (1, 0.1), (2, 1e3), (3, 1e-3), (4, 64.0), (5, 0.5)])
def test_units_of_payoff_do_not_matter(seed, factor):
    scenario = random_scenario(seed, propensities=True)
    precisions = {f"precision_{player}": build(scenario).parameters[f"precision_{player}"] / factor for player in scenario.players}
    assert largest_gap(table(exact(build(scenario))), table(exact(build(in_units(scenario, factor), precisions)))) < SAME


# --- what was found so ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_evidence_that_contradicts_itself_leaves_beliefs_as_they_are():
    """One sight rules a type out, the next the other: no play leads on from there, and nothing there spoils what play leads to."""

    def only(kind):
        return {"chance": f"1 if type(ann) == {kind} else 0"}

    scenario = (
        Builder("contradiction")
        .clock(periods=1)
        .parameter("precision", 1)
        .player("ann", types={"low": 0.5, "top": "rest"})
        .player("bob")
        .payoff("ann", "taste", on={"ann.p": "2 if type == low else 1"})
        .event("first", at="start", outcomes={"says_low": only("low"), "says_top": {"chance": "rest"}})
        .event("second", at="start", outcomes={"says_top": only("top"), "says_low": {"chance": "rest"}})
        .turn("ann", options={"p": {}, "q": {}})
        .turn("bob", options={"u": {}, "v": {}})
        .scenario()
    )
    solved = exact(build(scenario))
    assert np.isfinite(solved.values).all()
    assert solved.values[0, 2] == 0.0
    low = [
        solved.at(h)[0]
        for h in choices(solved.game, solved.tree)
        if solved.beliefs[h, 0] == 1.0 and solved.game.arrays.owner[solved.tree.node[h]] == 0
    ]
    assert len(low) == 2  # "low, low", and "low, top", which cannot be
    assert [policy[0] for policy in low] == pytest.approx([1 / (1 + np.exp(-2.0))] * 2, abs=1e-12)
