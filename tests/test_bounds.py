"""Every number lies within the bound that stands beside it."""

from __future__ import annotations

import numpy as np
import pytest

import bounds
from standoff.claims.whole import chances_of_ends, values_within
from standoff.game import build
from standoff.measured import Measured
from standoff.scenario import Builder, load
from standoff.simulate import simulate
from standoff.solve import solve
from standoff.worlds import sample

# --- brute force ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
@pytest.mark.parametrize("seed", range(24))
def test_every_number_of_a_random_scenario_is_that_of_brute_force_within_its_bound(seed):
    rows = list(bounds.compared(seed))
    assert {row.engine for row in rows} == {"histories", "grid"}
    for row in rows:
        assert row.holds, f"{row.engine}, {row.quantity}: {row.number:.9g} is off by {row.error:.2e}, bound {row.bound:.2e}"
        assert row.engine == "grid" or row.error < 1e-9


@pytest.mark.property
def test_bounds_are_not_so_wide_that_they_say_nothing():
    found = [row for seed in range(0, 24, 2) for row in bounds.compared(seed) if row.engine == "grid"]
    assert all(np.isfinite(row.bound) for row in found)
    assert np.median([row.bound / row.error for row in found if row.error > 1e-6]) < 30


# --- three who may each fail -----------------------------------------------------------------------------------------------------------------


def failing(chance=0.9, **claims):
    """Three players, each weak with the same chance; all three fail with its third power, and one move changes nothing."""
    builder = Builder("failing").clock(periods=1).parameter("precision", 1)
    builder.state("fails", range=(0, 3), start=0).state("asked", values=[False, True], start=False)
    for name in "abc":
        builder.player(name, types={"weak": chance, "strong": "rest"})
    builder.payoff("a", "ruin", ends={"all_fail": 1}).payoff("c", "pleasure", on={"c.go": 1})
    builder.turn("c", options={"go": {"set": {"asked": True}}, "stay": {"set": {"asked": True}}})
    for name in "abc":
        down = {"chance": f"1 if type({name}) == weak else 0", "set": {"fails": "fails + 1"}}
        builder.event(f"e{name}", outcomes={"down": down, "up": {"chance": "rest"}})
    builder.end("all_fail", "fails == 3")
    for name, test in claims.items():
        builder.claim(name, name, test=test)
    return builder.scenario()


@pytest.mark.paper
def test_a_product_of_three_beliefs_is_not_lost():
    worlds = sample(failing(low={"left": {"chance_of_end": "all_fail"}, "is": "below", "right": 0.7}), 2, workers=1)
    for world in worlds.worlds:
        found = world.findings["low"]
        assert found.numbers[0] == pytest.approx(0.9**3, abs=1e-12)
        assert found.holds is False


@pytest.mark.paper
def test_on_the_first_sparse_grid_the_bound_holds_the_product_that_it_loses():
    eq = solve(build(failing()), engine="grid", certify=False, workers=1)
    chance = chances_of_ends(eq, int(eq.game.structure.roots[0]), eq.prior)["all_fail"]
    assert abs(chance.value - 0.9**3) > 0.01
    assert abs(chance.value - 0.9**3) <= chance.bound


# --- other points, other worlds ----------------------------------------------------------------------------------------------------------------


def siege(belief, **claims):
    builder = Builder("long-siege").clock(periods=20, discount=0.99).parameter("precision", 2)
    builder.parameter("belief", **belief, unit="probability", reason="unknown")
    builder.state("outcome", values=["open", "given", "left"], start="open")
    builder.player("defender", types={"tough": "belief", "soft": "rest"}).player("besieger")
    builder.payoff("defender", "hold", on={"defender.hold": "0.1 if type == tough else -0.3"})
    builder.payoff("defender", "loss", ends={"given": "-4 if type == tough else -2"})
    builder.payoff("besieger", "cost", on={"besieger.press": -0.2}).payoff("besieger", "prize", ends={"given": 4})
    builder.turn("besieger", options={"press": {}, "leave": {"set": {"outcome": "left"}}})
    builder.turn("defender", when="outcome == open", options={"hold": {}, "concede": {"set": {"outcome": "given"}}})
    builder.end("given", "outcome == given").end("left", "outcome == left")
    for name, test in claims.items():
        builder.claim(name, name, test=test)
    return builder.scenario()


@pytest.mark.solver
@pytest.mark.parametrize("p", [0.03, 0.1, 0.4])
def test_what_is_chosen_at_a_declared_belief_is_what_the_game_with_that_prior_has(p):
    there = solve(build(siege({"value": p})), workers=1)
    asked = solve(build(siege({"value": 0.3})), workers=1)
    policy = asked.policy(turn="besieger", beliefs={"defender": {"tough": p}})
    assert policy.values == pytest.approx(there.policy().values, abs=1e-9)


@pytest.mark.solver
def test_every_world_is_measured_as_its_own_game():
    press = {"left": {"choice": "besieger.press"}, "is": "above", "right": 0.6}
    worlds = sample(siege({"prior": {"uniform": [0.02, 0.5]}}, press=press), 6, workers=1)
    for world in worlds.worlds:
        there = solve(build(siege({"value": world.parameters["belief"]})), workers=1)
        assert world.findings["press"].numbers[0] == pytest.approx(float(there.policy().sel(option="press").values[0]), abs=1e-9)


# --- chances and futures -------------------------------------------------------------------------------------------------------------------


@pytest.mark.property
@pytest.mark.parametrize("engine", ["auto", "grid"])
def test_chances_of_ends_sum_to_one_and_are_the_shares_of_futures(engine):
    eq = solve(build(load("patron-and-proxy")), engine=engine, workers=1)
    chances = chances_of_ends(eq, int(eq.game.structure.roots[0]), eq.prior)
    assert sum(chance.value for chance in chances.values()) == pytest.approx(1.0, abs=1e-9)
    drawn = simulate(eq, 20_000, seed=4, workers=1).ends()["total"]
    for end, chance in chances.items():
        error = 4 * np.sqrt(max(chance.value * (1 - chance.value), 1e-5) / 20_000)
        assert abs(float(drawn.get(end, 0.0)) - chance.value) <= error + chance.bound


@pytest.mark.property
def test_values_at_the_start_are_those_of_the_solution():
    eq = solve(build(load("repeated-signalling")), workers=1)
    for player, kinds in values_within(eq).items():
        for kind, one in kinds.items():
            assert one.value == pytest.approx(float(eq.value(player).sel(type=kind)), abs=1e-10)


# --- what a margin within its bound is -------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_numbers_with_bounds_add_and_compare():
    one, two = Measured(1.0, 0.1), Measured(3.0, 0.2)
    assert (one + two, two - one, one.scaled(-2.0)) == (Measured(4.0, 0.1 + 0.2), Measured(2.0, 0.1 + 0.2), Measured(-2.0, 0.2))
    assert Measured.pick(min, [one, two]) == Measured(1.0, pytest.approx(0.1))
    assert Measured.pick(max, [Measured(1.0, 0.5), Measured(1.2, 0.0)]).bound == pytest.approx(0.3)
    assert Measured(-3.0, 1.0).magnitude() == Measured(3.0, 1.0)
    assert Measured(0.5, 0.1).through(np.log).bound == pytest.approx(np.log(0.5 / 0.4))
    assert [Measured(x, 0.1).decided for x in (0.2, 0.05, -0.05, -0.2)] == [True, False, False, True]
    assert Measured(0.0, 0.0).decided  # the same but for rounding is not above
