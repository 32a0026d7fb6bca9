"""What a solve will take is told before it begins, and the solve then takes it."""

from importlib import import_module
from math import log

import pytest

import standoff as so
from standoff.cli.app import run_app
from standoff.errors import GameTooLargeError
from standoff.game import estimate
from standoff.game.estimate import STAGE_SECONDS
from standoff.report.checked import MAX_AXES, PRODUCT_AXES, beliefs_at_first, first_estimate
from standoff.scenario import Builder, holds_chain
from standoff.scenario.models import Clock
from standoff.solve import grid, solver
from standoff.solve.grid import BeliefGrid, count_nodes
from standoff.solve.induction import PATIENCE, sweep

ENDLESS = """\
standoff: 1
name: endless
clock: {open_ended: true, discount: 0.9}
parameters: {precision: {value: 1}}
state: {over: {values: [false, true], start: false}}
players:
  holder: {types: {tough: 0.3, soft: rest}, payoffs: {cost: {on: {holder.hold: "0 if type == tough else -0.6"}}}}
turns:
  - {player: holder, options: {hold: {}, leave: {set: {over: true}}}}
ends: {left: {when: over}}
"""


def test_check_reckons_with_the_grid_on_which_a_solve_begins():
    assert (PRODUCT_AXES, MAX_AXES) == (grid.PRODUCT_AXES, solver.MAX_AXES)
    for axes in range(MAX_AXES + 1):
        assert beliefs_at_first(axes) == count_nodes(solver.first_levels(axes))
    for name in (name for name in so.bundled() if not holds_chain(name)):
        game = so.build(so.load(name))
        levels = solver.first_levels(sum(k - 1 for k in game.n_types))
        assert first_estimate(game) == estimate(game, count_nodes(levels))
        assert estimate(game, 9).sweeps == 1


def test_a_game_solved_over_all_its_states_has_no_belief_grid_to_reckon_with():
    assert first_estimate(so.build(so.load("gallery/arms-race"))) is None


def forever(discount):
    """Repeated signalling without a last round."""
    clock = Clock(open_ended=True, discount=discount)
    return so.build(so.load("repeated-signalling").model_copy(update={"clock": clock, "claims": {}}))


def leaving(discount):
    builder = Builder("leaving").clock(open_ended=True, discount=discount).parameter("precision", 1)
    builder.state("over", values=[False, True], start=False).player("me", types={"keen": 0.5, "weary": "rest"})
    builder.payoff("me", "stay", on={"me.stay": "1 if type == keen else -1"})
    return so.build(builder.turn("me", options={"stay": {}, "go": {"set": {"over": True}}}).end("gone", "over").scenario())


@pytest.mark.property
@pytest.mark.parametrize("discount", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("make", [forever, leaving])
def test_values_settle_in_about_as_many_sweeps_as_estimated(make, discount):
    game = make(discount)
    levels = solver.first_levels(sum(k - 1 for k in game.n_types))
    guess = estimate(game, count_nodes(levels))
    *_, report, _ = sweep(game, BeliefGrid(game.n_types, levels))
    assert guess.sweeps / 3 < report["sweeps"] <= PATIENCE * guess.sweeps
    assert report["stages"] == guess.stages


@pytest.mark.paper
@pytest.mark.parametrize("discount", [0.5, 0.9, 0.99])
def test_a_stream_that_nobody_can_change_settles_as_its_series_does(discount):
    """After n sweeps of 1 a period the value has grown by d^n, beside 1 / (1 - d) at most."""
    builder = Builder("stream").clock(open_ended=True, discount=discount).parameter("precision", 1)
    game = so.build(builder.player("me").payoff("me", "flow", each_period=1).turn("me", options={"go_on": {}}).scenario())
    *_, report, _ = sweep(game, BeliefGrid(game.n_types, solver.first_levels(0)))
    guess = estimate(game, 1).sweeps
    assert report["sweeps"] == pytest.approx(guess + log(1 / (1 - discount)) / log(discount), abs=2)


def test_seconds_are_those_of_all_sweeps_and_of_choices_made_at_once():
    once, often = (estimate(game, 81) for game in (so.build(so.load("repeated-signalling", {"clock.periods": 1})), forever(0.9)))
    assert often.seconds / often.sweeps == pytest.approx(often.stages / once.stages * once.seconds)
    game = so.build(so.load("gallery/matching-pennies"))
    assert estimate(game, 1).seconds > 10 * estimate(game, 1).stages * STAGE_SECONDS


def test_check_tells_the_sweeps_of_a_game_without_end(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "endless.yaml").write_text(ENDLESS)
    assert run_app(["check", "endless.yaml"]) == 0
    assert "9 nodes: 9 stages in each of some 219 sweeps until values settle, about 1 MB and a second" in " ".join(capsys.readouterr().out.split())
    assert run_app(["check", "one-shot-threat"]) == 0
    assert "sweeps" not in capsys.readouterr().out


def test_a_game_without_end_that_takes_too_long_is_refused_with_its_sweeps(monkeypatch):
    monkeypatch.setattr(import_module("standoff.solve.solver"), "MAX_SECONDS", 0.01)
    with pytest.raises(GameTooLargeError, match=r"243 stages in each of 219 sweeps, .* Use fewer states or types, or a lower discount\."):
        so.solve(forever(0.9), workers=1)
    with pytest.raises(GameTooLargeError, match=r"[0-9] stages, .* Use fewer states or types, or fewer periods\."):
        so.solve(so.build(so.load("baghdad-closure")), workers=1)
