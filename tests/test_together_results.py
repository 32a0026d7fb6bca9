"""Players with secrets who choose at the same moment: the reasons, claims and worlds that are made of the solution."""

from __future__ import annotations

from math import log2

import numpy as np
import pytest

from rivals import MOTIVES, arming, chances, rivals, solved_rivals
from standoff.explain import explain
from standoff.game import build
from standoff.scenario import Builder, resolve
from standoff.solve import exact
from standoff.solve.grid import box, to_beliefs
from standoff.worlds import Task, sample
from standoff.worlds.world import measured, structures_of


@pytest.fixture(scope="module")
def played():
    return solved_rivals()


@pytest.mark.property
@pytest.mark.parametrize("player", ["east", "west", "patron"])
def test_reasons_add_up_for_all_who_choose(played, player):
    """The split comes from sweeps by component, the values from the joint stage."""
    truth, solved = played
    why = explain(solved, player, flips=False)
    probe = solved.probe(why.spot.node, why.spot.x)
    assert why.gap < 1e-3
    assert why.values.sum(axis=2) == pytest.approx(probe.action_values, abs=1e-3)
    history = next(h for h in truth.choices.tolist() if int(truth.tree.node[h]) == why.spot.node)
    assert why.policy == pytest.approx(truth.at(history), abs=1e-3)
    for _, table in why.following.values():
        assert (np.asarray(table).sum(axis=1) < 1.0 + 1e-9).all()


@pytest.mark.property
def test_what_the_rival_does_at_the_same_moment_is_its_next_move(played):
    truth, solved = played
    game = truth.game
    for player, other, mine in (("east", "west", 0), ("west", "east", 1)):
        why = explain(solved, player, flips=False)
        them = solved.probe(game.structure.members(int(game.structure.heads[0]))[1 - mine], solved.prior).policy
        moves, table = why.following[other]
        expected = to_beliefs(solved.prior, game.n_types)[1 - mine] @ them
        assert moves[0] == f"{other}.arm"
        assert np.asarray(table)[:, 0] == pytest.approx(np.full(len(why.options), expected[0]), abs=1e-3)


@pytest.mark.property
def test_flips_are_found_for_one_who_chooses_with_others(played):
    _, solved = played
    why = explain(solved, "west", type="hawk", workers=1)
    assert why.flips is not None
    assert not why.flips.problems
    assert why.flips.tried == 1


SECOND = {"turn": "second"}
QUANTITIES = {
    "hawk": {"choice": "west.arm", "at": SECOND, "type": "hawk"},
    "anybody": {"choice": "west.arm"},
    "arms": {"chance_of_move": "west.arm"},
    "arms_from_there": {"chance_of_move": "east.arm", "at": SECOND},
    "motive": {"motive": {"option": "west.arm", "against": "west.wait", "type": "hawk", "components": MOTIVES}, "at": SECOND},
    "told": {"bits": {"about": "west", "move": "west.arm"}, "at": SECOND},
}


def claims():
    return {name: {"left": quantity, "is": "above", "right": 0} for name, quantity in QUANTITIES.items()}


@pytest.mark.property
def test_claims_about_one_who_chooses_with_others_are_measured():
    scenario = rivals(claims())
    canonical, levels = resolve(scenario), box((4, 4))
    world = measured(Task(canonical, None, (levels,), 1e-2), structures_of(canonical), 0, {}, 0)
    truth = exact(build(scenario))
    h = next(h for h in truth.choices.tolist() if truth.game.structure.head[truth.tree.node[h]] != truth.tree.node[h])
    hawk, belief = truth.at(h)[1, 0], truth.game.priors[1]
    mean = float(belief @ truth.at(h)[:, 0])
    q = truth.action_values(h)[1]
    posterior = belief * truth.at(h)[:, 0] / mean
    wanted = {
        "hawk": hawk,
        "anybody": mean,
        "arms": chances(truth, lambda way: "west.arm" in way),
        "arms_from_there": chances(truth, lambda way: "east.arm" in way),
        "motive": 2.0 * (q[0] - q[1]),
        "told": sum(p * log2(p / b) for p, b in zip(posterior, belief, strict=True)),
    }
    for name, value in wanted.items():
        found = world.findings[name]
        assert found.problem == ""
        assert found.numbers[0] == pytest.approx(value, abs=2e-4), name


@pytest.mark.property
def test_a_turn_taken_at_once_that_does_not_happen_is_refused():
    claim = {"left": {"choice": "east.arm", "at": {"turn": "first", "state": {"over": True}}}, "is": "above", "right": 0}
    builder = Builder("once").clock(periods=2).parameter("precision", 1).state("over", values=[False, True], start=False)
    for name in ("west", "east"):
        builder.player(name, types={"dove": 0.5, "hawk": "rest"}).payoff(name, "arms", on={f"{name}.arm": "1 if type == hawk else 0"})
    builder.turn("west", options={"arm": {"set": {"over": True}}, "wait": {}})
    builder.turn("east", name="first", options={"arm": {}, "wait": {}}, at_once=True, when="not over").claim("late", "Late", test=claim)
    canonical, levels = resolve(builder.scenario()), box((1, 1))
    world = measured(Task(canonical, None, (levels,), 1e-2), structures_of(canonical), 0, {}, 0)
    assert world.findings["late"].problem == "at the turn first of period 0 in that state others move"


@pytest.mark.property
def test_worlds_are_sampled_and_judged():
    worlds = sample(rivals(claims()), n=4, seed=0, workers=1, record=arming(("east", 0), ("west", 8)))
    assert len(worlds) == 4
    assert all(np.isfinite(world.log_likelihood) for world in worlds.worlds)
    assert all(finding.problem == "" for world in worlds.worlds for finding in world.findings.values())
