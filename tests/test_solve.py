"""Equilibria known by hand or from independent equations, and properties that every solution has."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import root

from games import belief_of, dilemma, histories, message_game, random_scenario, with_precision
from standoff.errors import BuildError, ExpressionError, GameTooLargeError, SolveError
from standoff.game import build, explore
from standoff.scenario import Builder, load, resolve
from standoff.solve import certification, solve, solver
from standoff.solve.certification import certify
from standoff.solve.grid import box, to_beliefs

SAME = 1e-9
"""Two solutions that should be the same, on equal grids."""


def solved(scenario, level=None, **parameters):
    game = build(scenario, parameters)
    if level is None:
        return solve(game, tolerance=1e-8, max_seconds=2.0, workers=1)
    return solve(game, levels=box((level,) * sum(k - 1 for k in game.n_types)), certify=False, workers=1)


def softmax(values):
    weights = np.exp(np.asarray(values) - np.max(values))
    return weights / weights.sum()


# --- by hand --------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize("precision", [0.0, 0.3, 1.0, 7.0])
@pytest.mark.parametrize("propensities", [[1, 1, 1], [0.2, 1, 3]])
def test_one_player_chooses_by_logit_response(precision, propensities):
    payoffs = [1.0, -0.5, 2.0]
    policy = solved(dilemma(payoffs, propensities, precision)).policy()
    expected = softmax(np.log(propensities) + precision * np.array(payoffs))
    assert policy.values[0] == pytest.approx(expected, abs=1e-12)


@pytest.mark.paper
def test_the_value_is_the_mean_of_what_is_chosen():
    eq = solved(dilemma([1.0, 3.0], precision=2.0))
    p = 1 / (1 + math.exp(-4))
    assert eq.value("me").item() == pytest.approx(1 - p + 3 * p, abs=1e-12)


@pytest.mark.paper
def test_later_payoffs_are_discounted():
    """Wait a period for 4 at discount 1/2, or take 1 now and nothing later: waiting is worth (4/2) times the chance of taking it then."""
    scenario = (
        with_precision(Builder("wait").clock(periods=2, discount=0.5))
        .state("done", values=[False, True], start=False)
        .player("me")
        .payoff("me", "gain", on={"me.take": "4 if period == 1 else 1"})
        .turn("me", options={"take": {"set": {"done": True}}, "wait": {}})
        .end("finished", "done")
        .scenario()
    )
    late = softmax([4.0, 0.0])[0]
    eq = solved(scenario)
    assert eq.policy().values[0] == pytest.approx(softmax([1.0, 0.5 * 4.0 * late]), abs=1e-12)
    assert eq.policy(turn="me", period=1).values[0, 0] == pytest.approx(late, abs=1e-12)


@pytest.mark.paper
@pytest.mark.parametrize("seed", range(3))
def test_without_precision_play_is_proportional_to_propensities(seed):
    eq = solved(random_scenario(seed), 1, precision=0.0)
    game = dataclasses.replace(eq.game, arrays=eq.game.arrays._replace(precision=np.zeros_like(eq.game.arrays.precision)))
    eq = solve(game, levels=box((1, 1)), certify=False, workers=1)
    for node, _, probe, _, _ in histories(eq):
        first, last = game.arrays.option_start[node], game.arrays.option_start[node + 1]
        if last > first:
            weights = np.exp(game.arrays.log_w[first:last])
            assert probe.policy == pytest.approx(np.tile(weights / weights.sum(), (len(probe.policy), 1)), abs=1e-12)


# --- independent equations ------------------------------------------------------------------------------------------------------


def message_equilibrium(quality, value, cost, prior, precision, receiver_precision):
    """Solve the message game as a system in log-odds of boasting, following precision from 0 in small steps."""
    quality, value, cost, prior = map(np.array, (quality, value, cost, prior))

    def accept(likelihood):
        belief = prior * likelihood / (prior @ likelihood)
        return 1 / (1 + np.exp(-receiver_precision * (belief @ (2 * quality - 1))))

    def gap(u, share):
        p = 1 / (1 + np.exp(-u))
        return u - share * precision * (value * (accept(p) - accept(1 - p)) - cost)

    u = np.zeros(len(prior))
    for share in np.linspace(0, 1, 41)[1:]:
        u = root(gap, u, args=(share,), tol=1e-11).x
        assert np.abs(gap(u, share)).max() < 1e-9
    p = 1 / (1 + np.exp(-u))
    return p, accept(p), accept(1 - p)


@pytest.mark.solver
@pytest.mark.parametrize(
    "case",
    [
        {"quality": (0.9, 0.2), "value": (1.0, 2.0), "cost": (0.1, 0.8), "prior": (0.4, 0.6)},
        {"quality": (0.9, 0.2), "value": (2.0, 2.0), "cost": (0.0, 1.5), "prior": (0.15, 0.85)},
        {"quality": (0.95, 0.5, 0.1), "value": (1.0, 2.0, 1.5), "cost": (0.1, 0.4, 0.9), "prior": (0.2, 0.3, 0.5)},
        {"quality": (0.9, 0.6, 0.4, 0.1), "value": (1, 1, 1, 1), "cost": (0.1, 0.2, 0.3, 0.4), "prior": (0.1, 0.2, 0.3, 0.4)},
    ],
)
@pytest.mark.parametrize("precision", [1.0, 2.5])
def test_signalling_solves_its_equations(case, precision):
    game = build(message_game(**case, precision=precision, receiver_precision=1.3))
    eq = solve(game, tolerance=1e-4, max_seconds=5.0, workers=1)
    boasts, accepted, accepted_silent = message_equilibrium(**case, precision=precision, receiver_precision=1.3)
    assert eq.certificate.met
    assert eq.policy().sel(option="boast").values == pytest.approx(boasts, abs=1e-4)
    answers = [probe.policy[0, 0] for node, _, probe, history, _ in histories(eq) if history in (1, 2) and probe.policy.shape[1] == 2]
    assert sorted(answers) == pytest.approx(sorted([accepted, accepted_silent]), abs=1e-4)


# --- beliefs --------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), three=st.booleans())
def test_beliefs_are_a_martingale_and_follow_bayes(seed, three):
    types = (3, 2) if three else (2, 2)
    eq = solve(build(random_scenario(seed, types=types)), levels=box((1,) * (sum(types) - 2)), certify=False, workers=1)
    game = eq.game
    x = np.random.default_rng(seed).uniform(0.01, 0.99, eq.grid.n_axes)
    for node in range(game.structure.n_nodes):
        n_obs = int(game.arrays.observation_start[node + 1] - game.arrays.observation_start[node])
        if n_obs == 0:
            continue
        probe = eq.probe(node, x)
        belief = belief_of(game, node, x)
        owner = int(game.arrays.owner[node])
        assert probe.likelihood.sum(axis=0) == pytest.approx(np.ones(len(belief)), abs=1e-12)
        expected = np.zeros(len(belief))
        for y in range(n_obs):
            joint = belief * probe.likelihood[y]
            before, after = to_beliefs(x, game.n_types), to_beliefs(probe.posteriors[y], game.n_types)
            for player in range(len(before)):
                if player != owner:
                    assert np.array_equal(before[player], after[player])
            if owner >= 0:
                assert after[owner] == pytest.approx(joint / joint.sum(), abs=1e-12)
                expected += joint.sum() * after[owner]
        if owner >= 0:
            assert expected == pytest.approx(belief, abs=1e-12)


def covert_game(signals, *, open_too=False):
    """A type-dependent choice that shows in signals, answered by somebody who cares what it was."""
    options = {name: {"covert": chances} for name, chances in signals.items()}
    named = {"seen_act": {"set": {"sign": "act"}}, "seen_rest": {"set": {"sign": "idle"}}}
    if open_too:
        options = {"act": {"set": {"sign": "act"}}, "rest": {"set": {"sign": "idle"}}}
        named = None
    hurt = {"outcomes": {"hit": {"chance": "0.8 if type(doer) == bold else 0.1"}, "miss": {"chance": "rest"}}}
    return (
        with_precision(Builder("covert").clock(periods=2))
        .state("sign", values=["none", "act", "idle"], start="none", resets=True)
        .player("doer", types={"bold": 0.3, "shy": "rest"})
        .player("judge")
        .payoff("doer", "urge", on={"doer.act": "1 if type == bold else -1", "judge.punish": -1})
        .payoff("judge", "justice", on={"judge.punish/hit": 1, "judge.punish/miss": -1})
        .turn("doer", options=options, signals=named)
        .turn("judge", options={"punish": hurt, "spare": {}})
        .scenario()
    )


@pytest.mark.paper
def test_signals_that_reveal_nothing_leave_beliefs_alone():
    blind = {"act": {"seen_act": 0.4, "seen_rest": "rest"}, "rest": {"seen_act": 0.4, "seen_rest": "rest"}}
    eq = solved(covert_game(blind), 4)
    probe = eq.probe(int(eq.game.structure.roots[0]))
    assert probe.posteriors == pytest.approx(np.tile(eq.prior, (2, 1)), abs=1e-15)
    assert probe.policy[0] == pytest.approx(softmax([1, 0]), abs=1e-12)
    assert probe.policy[1] == pytest.approx(softmax([-1, 0]), abs=1e-12)


@pytest.mark.property
def test_signals_that_reveal_all_are_an_open_move():
    clear = {"act": {"seen_act": 1, "seen_rest": 0}, "rest": {"seen_act": 0, "seen_rest": 1}}
    hidden, shown = solved(covert_game(clear), 4), solved(covert_game(clear, open_too=True), 4)
    assert hidden.policy().values == pytest.approx(shown.policy().values, abs=SAME)
    for player in ("doer", "judge"):
        assert hidden.value(player).values == pytest.approx(shown.value(player).values, abs=SAME)


@pytest.mark.paper
def test_what_nobody_believes_possible_leaves_beliefs_alone():
    """A signal that only the ruled-out type can send: its probability is zero, values stay finite, and a certain belief stays certain."""
    scenario = (
        with_precision(Builder("impossible").clock(periods=2))
        .player("doer", types={"able": 0, "unable": 1})
        .payoff("doer", "urge", on={"doer.act": 1})
        .turn("doer", options={"act": {"covert": {"bang": "0.5 if type == able else 0", "hush": "rest"}}, "rest": {"covert": {"hush": 1}}},
              signals={"bang": {}, "hush": {}})
        .event("never", outcomes={"snow": {"chance": 0}, "sun": {"chance": 1}})
        .scenario()
    )  # fmt: skip
    eq = solved(scenario, 3)
    probe = eq.probe(int(eq.game.structure.roots[0]))
    assert probe.likelihood[0, 1] == 0.0
    assert probe.posteriors[:, 0].tolist() == [0.0, 0.0]
    assert np.isfinite(eq.values).all()
    assert eq.value("doer").values == pytest.approx(np.full(2, 2 * softmax([1, 0])[0]), abs=1e-12)
    assert certify(eq, tolerance=1e-9).met


# --- names and order do not matter -----------------------------------------------------------------------------------------------


def duel(*, players=("left", "right"), types=("bold", "shy"), options=("press", "hold")):
    """Two players with two types each; only the order of declaration differs between calls."""
    prior = {"left": {"bold": 0.3, "shy": 0.7}, "right": {"bold": 0.6, "shy": 0.4}}
    menus = {
        "left": {"press": {"set": {"heat": "min(heat + 1, 2)"}}, "hold": {}},
        "right": {"press": {"set": {"heat": "min(heat + 1, 2)"}}, "hold": {"set": {"heat": 0}}},
    }
    stakes = {"left": "heat * (1 if type == bold else -0.5)", "right": "heat * (0.7 if type == bold else -1)"}
    builder = with_precision(Builder("duel").clock(periods=3)).state("heat", range=(0, 2), start=0)
    for player in players:
        builder.player(player, types={kind: prior[player][kind] for kind in types})
        builder.payoff(player, "stakes", each_period=stakes[player])
        other = "right" if player == "left" else "left"
        builder.payoff(player, "fear", on={f"{other}.press": "-0.4 if type == shy else 0.2"})
    for player in ("left", "right"):
        builder.turn(player, options={name: menus[player][name] for name in options})
    return builder.scenario()


@pytest.mark.property
@pytest.mark.parametrize("change", [{"players": ("right", "left")}, {"types": ("shy", "bold")}, {"options": ("hold", "press")}])
def test_the_order_of_declaration_changes_nothing(change):
    one, two = solved(duel(), 4), solved(duel(**change), 4)
    for place in ({"turn": "left"}, {"turn": "right", "state": {"heat": 1}}, {"turn": "left", "period": 2, "state": {"heat": 2}}):
        ours, theirs = one.policy(**place), two.policy(**place)
        assert theirs.sel(type=ours.type, option=ours.option).values == pytest.approx(ours.values, abs=SAME)
    for player in ("left", "right"):
        ours, theirs = one.value(player), two.value(player)
        assert theirs.sel(type=ours.type).values == pytest.approx(ours.values, abs=SAME)


@pytest.mark.property
def test_an_irrelevant_variant_that_shares_the_propensity_changes_nothing():
    case = {"quality": (0.9, 0.2), "value": (1.0, 2.0), "cost": (0.1, 0.8), "prior": (0.4, 0.6)}
    data = message_game(**case)
    turn = data.turns[0]
    boast = turn.options["boast"]
    half = boast.model_copy(update={"propensity": 0.5})
    options = {"boast": half, "boast_loudly": half, "silence": turn.options["silence"]}
    sender = data.players["sender"]
    effort = sender.payoffs["effort"]
    twice = effort.model_copy(update={"on": {"sender.boast": effort.on["sender.boast"], "sender.boast_loudly": effort.on["sender.boast"]}})
    sender = sender.model_copy(update={"payoffs": sender.payoffs | {"effort": twice}})
    turns = [turn.model_copy(update={"options": options}), *data.turns[1:]]
    longer = data.model_copy(update={"turns": turns, "players": data.players | {"sender": sender}})
    plain, split = solved(data, 5), solved(longer, 5)
    policy = split.policy()
    assert policy.sel(option="boast").values == pytest.approx(policy.sel(option="boast_loudly").values, abs=SAME)
    assert policy.sel(option="silence").values == pytest.approx(plain.policy().sel(option="silence").values, abs=SAME)
    for player in ("sender", "receiver"):
        assert split.value(player).values == pytest.approx(plain.value(player).values, abs=SAME)


@pytest.mark.property
@pytest.mark.parametrize("seed", range(3))
def test_workers_do_not_change_results(seed):
    game = build(random_scenario(seed))
    one, two = (solve(game, levels=box((3, 3)), certify=False, workers=workers) for workers in (1, 3))
    assert np.array_equal(one.values, two.values)
    assert np.array_equal(one.log_policy, two.log_policy)


# --- the certificate -------------------------------------------------------------------------------------------------------------


@pytest.mark.property
@pytest.mark.parametrize("every_history", [True, False])
def test_the_certificate_notices_a_spoiled_solution(every_history, monkeypatch):
    if not every_history:
        monkeypatch.setattr(certification, "EXACT_POINTS", 0)
    eq = solve(build(load("repeated-signalling")), tolerance=1e-4, engine="grid", workers=1)
    sound = certify(eq, tolerance=1e-3)
    assert sound.met
    assert sound.every_history == every_history
    distances = [sound.policy_distance]
    for size in (0.01, 0.1, 1.0):
        noise = np.random.default_rng(0).normal(scale=size, size=(eq.values.shape[0], 1, eq.values.shape[2]))
        distances.append(certify(dataclasses.replace(eq, values=eq.values + noise), tolerance=1e-3).policy_distance)
    assert distances == sorted(distances)
    assert distances[2] > 10 * sound.policy_distance
    assert distances[3] > 0.05


@pytest.mark.property
def test_drawn_and_followed_histories_agree_about_the_error(monkeypatch):
    eq = solve(build(load("repeated-signalling")), levels=box((2, 2)), certify=False, workers=1)
    exact = certify(eq, tolerance=1e-2)
    monkeypatch.setattr(certification, "EXACT_POINTS", 0)
    drawn = certify(eq, tolerance=1e-2, draws=(200,))
    assert exact.every_history
    assert not drawn.every_history
    assert 0.3 * exact.policy_distance <= drawn.policy_distance <= exact.policy_distance + 5 * drawn.standard_error


# --- refusals --------------------------------------------------------------------------------------------------------------------


def test_exploration_stops_at_the_limit():
    canonical = resolve(load("patron-and-proxy"))
    with pytest.raises(GameTooLargeError, match="more than 10 nodes"):
        explore(canonical, build(canonical).parameters, max_nodes=10)


@pytest.mark.parametrize(("limit", "value"), [("MAX_BYTES", 1_000), ("MAX_SECONDS", 1e-9)])
def test_a_game_that_would_not_fit_is_refused_before_any_work(limit, value, monkeypatch):
    monkeypatch.setattr(solver, limit, value)
    with pytest.raises(GameTooLargeError, match=r"13 decision points on 81 beliefs"):
        solve(build(load("patron-and-proxy")))


def test_values_beyond_floating_point_are_loud():
    steep = with_precision(Builder("steep").clock(periods=1)).parameter("height", 1).player("me").payoff("me", "gain", on={"me.one": "exp(height)"})
    with pytest.raises((BuildError, ExpressionError), match=r"not finite|not a finite number"):
        build(steep.turn("me", options={"one": {}, "other": {}}).scenario(), {"height": 1000})
    huge = (
        with_precision(Builder("huge").clock(periods=3))
        .player("me")
        .payoff("me", "flow", each_period=1e308)
        .turn("me", options={"one": {}, "other": {}})
        .scenario()
    )
    with pytest.raises(BuildError, match="at most 1e"):
        build(huge)


def test_a_public_state_outside_the_game_is_refused():
    eq = solved(load("one-shot-threat"), 3)
    with pytest.raises(SolveError, match="declare it as a point"):
        eq.policy(turn="moment_of_truth", state={"threat": "none"})
    with pytest.raises(SolveError, match="sum to 1"):
        eq.value("challenger", beliefs={"challenger": {"resolute": 1.5}})
    with pytest.raises(SolveError, match=r"no turn is named moment; allowed: .*moment_of_truth"):
        eq.policy(turn="moment")
    with pytest.raises(SolveError, match=r"no state variable is named thraet; allowed: .*; did you mean threat\?"):
        eq.policy(state={"thraet": "made"})
    with pytest.raises(SolveError, match=r"threat is never 'mad'; its values are .*; did you mean made\?"):
        eq.policy(state={"threat": "mad"})
