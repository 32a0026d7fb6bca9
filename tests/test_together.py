"""Players with secrets who choose at the same moment, on the belief grid: the moment itself, against pen and paper and the exact engine."""

from __future__ import annotations

import numpy as np
import pytest

from standoff.explain import explain
from standoff.game import build
from standoff.scenario import Builder
from standoff.solve import exact, solve
from standoff.solve.grid import box, to_beliefs


def duel(gains, costs, *, at_once=True, precision=0.5):
    """Two players act or not, once; acting gains by own type, and costs where the other acts as well. One type means no secret."""
    builder = Builder("duel").clock(periods=1).parameter("precision", precision)
    for (name, other), gain, cost in zip((("ann", "bob"), ("bob", "ann")), gains, costs, strict=True):
        builder.player(name, types={"meek": 0.3, "bold": "rest"} if len(gain) > 1 else None)
        own = f"({gain[0]} if type == meek else {gain[1]})" if len(gain) > 1 else str(gain[0])
        builder.payoff(name, "gain", on={f"{name}.act": own}).state(f"{name}_acted", values=[False, True], start=False)
        builder.payoff(name, "clash", ends={"time_up": f"-{cost} if {name}_acted and {other}_acted else 0"})
    for i, name in enumerate(("ann", "bob")):
        builder.turn(name, options={"act": {"set": {f"{name}_acted": True}}, "rest": {}}, at_once=bool(i) and at_once)
    return build(builder.scenario())


def fixed_point(gains, costs, beliefs, precision):
    """Chance to act by player and type: `p = 1 / (1 + exp(-precision (gain - cost E[p of the other])))`, a contraction where that is flat."""
    p = [np.full(len(gain), 0.5) for gain in gains]
    for _ in range(200):
        p = [1 / (1 + np.exp(-precision * (np.array(gains[i]) - costs[i] * beliefs[1 - i] @ p[1 - i]))) for i in range(2)]
    return p


@pytest.mark.paper
@pytest.mark.parametrize("belief", [0.3, 0.05, 1.0])
@pytest.mark.parametrize(
    ("gains", "costs"),
    [(((-0.5, 1.0), (-0.5, 1.0)), (2.0, 2.0)), (((-0.5, 1.5), (0.2, 0.8)), (1.0, 3.0)), (((-0.5, 1.5), (0.7,)), (1.5, 2.5))],
)
def test_a_duel_is_the_fixed_point_of_both_logits(gains, costs, belief):
    game = duel(gains, costs)
    solved = solve(game, engine="grid", levels=box((2,) * sum(len(gain) - 1 for gain in gains)), workers=1)
    assert solved.certificate.met
    assert solved.certificate.policy_distance < 1e-9
    head = int(game.structure.heads[0])
    x = np.array([belief if i == 0 else 0.3 for i, gain in enumerate(gains) if len(gain) > 1])
    beliefs = to_beliefs(x, game.n_types)
    wanted = fixed_point(gains, costs, beliefs, 0.5)
    for i, node in enumerate(game.structure.members(head)):
        probe = solved.probe(node, x)
        assert probe.policy[:, 0] == pytest.approx(wanted[i], abs=1e-9)
        worth = np.array(gains[i]) - costs[i] * beliefs[1 - i] @ wanted[1 - i]
        assert probe.action_values[:, 0] == pytest.approx(worth, abs=1e-9)
        assert probe.action_values[:, 1] == pytest.approx(np.zeros(len(gains[i])), abs=1e-12)


@pytest.mark.paper
def test_players_alike_behave_alike():
    game = duel(((-0.5, 1.0), (-0.5, 1.0)), (2.0, 2.0))
    solved = solve(game, engine="grid", levels=box((2, 2)), workers=1)
    one, two = (solved.probe(node, solved.prior).policy for node in game.structure.members(int(game.structure.heads[0])))
    assert one == pytest.approx(two, abs=1e-12)


@pytest.mark.paper
def test_a_choice_known_is_another_than_one_made_at_once():
    """Where the second knows the first's choice its behaviour hangs on it; at once it cannot."""
    gains, costs = ((-0.5, 1.0), (-0.5, 1.0)), (2.0, 2.0)
    together, after = (solve(duel(gains, costs, at_once=flag), engine="grid", levels=box((2, 2)), workers=1) for flag in (True, False))
    for solved, same in ((together, True), (after, False)):
        nodes = solved.game.structure.nodes_at("turn:bob")
        one, two = (solved.probe(int(node), solved.prior).policy for node in nodes)
        assert (np.abs(one - two).max() < 1e-12) == same


@pytest.mark.paper
def test_beliefs_move_when_the_last_has_chosen():
    game = duel(((-0.5, 1.0), (-0.5, 1.0)), (2.0, 2.0))
    solved = solve(game, engine="grid", levels=box((2, 2)), workers=1)
    x, head = np.array([0.3, 0.6]), int(game.structure.heads[0])
    first = solved.probe(head, x)
    assert first.posteriors == pytest.approx(np.tile(x, (2, 1)), abs=0.0)
    for a in range(2):
        last = solved.probe(int(game.arrays.target[game.arrays.observation_start[head] + a]), x)
        for b in range(2):
            for axis, policy, option in ((0, first.policy, a), (1, last.policy, b)):
                meek, bold = x[axis] * policy[0, option], (1 - x[axis]) * policy[1, option]
                assert last.posteriors[b, axis] == pytest.approx(meek / (meek + bold), abs=1e-12)


def trio(*, secrets=True, **clock):
    """Three act or rest at the same moment, two of them with secrets and wrong about each other; then the third replies to the noise."""
    builder = Builder("trio").clock(**clock).parameter("precision", 1.5).state("noise", range=(0, 3), start=0, resets=True)
    for name, other, low in (("ann", "bob", 0.4), ("bob", "ann", 0.3)):
        types = {"low": low, "top": "rest"} if secrets else None
        builder.player(name, types=types, believes={other: {"low": 0.8 * low + 0.4, "top": "rest"}} if secrets else None)
        builder.payoff(name, "act", on={f"{name}.act": "1.5 if type == top else 0" if secrets else 1})
        builder.payoff(name, "hurt", on={"cem.fight": "-2 if type == low else -0.5" if secrets else -1})
    builder.player("cem").payoff("cem", "act", on={"cem.act": 0.5}).payoff("cem", "reply", on={"cem.fight": "noise - 1.2"})
    for i, name in enumerate(("ann", "bob", "cem")):
        builder.payoff(name, "noise", each_period="-0.3 * noise * noise")
        builder.turn(name, options={"act": {"set": {"noise": "min(noise + 1, 3)"}}, "rest": {}}, at_once=i > 0)
    return build(builder.turn("cem", name="reply", options={"yield": {}, "fight": {}}).scenario())


@pytest.mark.solver
def test_three_who_are_wrong_about_each_other_behave_as_on_all_histories():
    game = trio(periods=2)
    truth, solved = exact(game), solve(game, engine="grid", levels=box((5, 5)), workers=1, certify=False)
    assert game.arrays.tilted.any()
    for h in truth.choices.tolist():
        probe = solved.probe(int(truth.tree.node[h]), truth.known[h])
        assert np.abs(probe.policy - truth.at(h)).max() < 1e-5
        assert np.abs(probe.action_values - truth.action_values(h)).max() < 1e-4


@pytest.mark.solver
def test_a_game_without_end_is_that_of_many_periods():
    endless, long = (
        solve(trio(**clock), levels=box((2, 2)), workers=1, certify=False, engine="grid")
        for clock in ({"open_ended": True, "discount": 0.5}, {"periods": 25, "discount": 0.5})
    )
    for one, other in zip(*(solved.game.structure.members(int(solved.game.structure.heads[0])) for solved in (endless, long)), strict=True):
        assert np.abs(endless.probe(one, endless.prior).policy - long.probe(other, long.prior).policy).max() < 1e-6


@pytest.mark.property
def test_without_secrets_reasons_add_up_as_well():
    solved = solve(trio(secrets=False, periods=2))
    for name in ("ann", "bob", "cem"):
        why = explain(solved, name, flips=False)
        assert why.gap < 1e-9
