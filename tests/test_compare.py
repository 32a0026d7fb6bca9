"""What if: arms read, checked and compared; truths by hand, by the exact evaluation beside the simulated one, and by common luck."""

import datetime as dt
import json
from dataclasses import replace
from math import exp

import numpy as np
import pytest
from scipy.optimize import brentq

import standoff as so
from games import random_scenario
from standoff.cli.app import run_app
from standoff.compare import AS_IT_IS, Arm, MoveDate, RemoveDate, Reveal, SetParameter, SwitchOff, compare, read_arm
from standoff.compare.arms import read_change
from standoff.compare.comparison import choose_arms
from standoff.compare.differences import differences
from standoff.compare.lines import Line
from standoff.errors import InterventionError, ScenarioError, WorldsError
from standoff.report.compared import _agree, _amounts
from standoff.report.compared_content import points
from standoff.scenario import Builder, check, load
from standoff.scenario.models import Intervention, Quantity
from standoff.solve.grid import box
from standoff.worlds import sample
from toys import going, watched

FINE = box((6,))
"""65 beliefs about one player of two types."""

GRID = 2e-5
"""Bound on the error of that belief grid in the worlds of one threat."""


def logistic(x):
    return 1 / (1 + exp(-x))


def with_quantities(scenario, **quantities):
    return scenario.model_copy(update={"quantities": {name: Quantity.model_validate(given) for name, given in quantities.items()}})


def fine(worlds):
    return replace(worlds, task=replace(worlds.task, ladder=(FINE,)))


def column(comparison, arm, kind, name, component="", period=None):
    """The values of a line in every world under an arm, shape (worlds,)."""
    return comparison.values[comparison.position(arm), :, comparison.lines.index(Line(kind, name, component, period))]


# --- reading -----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("force usa.close", Intervention(force="usa.close")),
        ("forbid usa.close from 2020-10-04", Intervention(forbid="usa.close", first=dt.date(2020, 10, 4))),
        ("forbid usa.close until 3", Intervention(forbid="usa.close", last=3)),
        ("force usa.close from 1 until election", Intervention(force="usa.close", first=1, last="election")),
        ("force usa.close on 2020-10-4", Intervention(force="usa.close", first=dt.date(2020, 10, 4), last=dt.date(2020, 10, 4))),
        ("set cost=-2.5", SetParameter("cost", -2.5)),
        ("set cost = 1e-3", SetParameter("cost", 1e-3)),
        ("off M22", SwitchOff("M22")),
        ("move election 2020-12-01", MoveDate("election", dt.date(2020, 12, 1))),
        ("move election to 3", MoveDate("election", 3)),
        ("remove election", RemoveDate("election")),
        ("reveal iran", Reveal("iran")),
    ],
)
def test_changes_are_read_as_written_and_written_as_read(text, change):
    assert read_change(text) == change
    assert read_change(Arm("a", (change,)).lines[0]) == change


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("frce usa.close", "did you mean force"),
        ("wish usa.close", "begins with one of force, forbid"),
        ("force close", "no option, which is written PLAYER.OPTION"),
        ("force usa.close/orderly", "PLAYER.OPTION"),
        ("force", "write `force PLAYER.OPTION"),
        ("forbid usa.close from", "'from' stands alone"),
        ("forbid usa.close when 3", "none of from, until, on"),
        ("forbid usa.close on 3 until 4", "the periods are given twice"),
        ("forbid usa.close from 2020-02-30", "2020-02-30"),
        ("forbid usa.close from soon!", "no moment"),
        ("set cost", "NAME=VALUE"),
        ("set cost=much", "much"),
        ("set cost=inf", "no finite number"),
        ("move election", "write `move DATE MOMENT`"),
        ("reveal", "write `reveal PLAYER`"),
        ("", "an empty change"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_form_to_write(text, message):
    with pytest.raises(InterventionError, match=message.replace("`", ".").replace("[", r"\[")):
        read_change(text)


def test_what_cannot_be_read_is_named_once():
    with pytest.raises(InterventionError) as error:
        read_arm("forbid")
    assert str(error.value).startswith("'forbid' cannot be read; write")


def test_a_signal_is_told_from_a_move():
    """Others see that the proxy is blamed; what the proxy does itself is another matter."""
    worlds = sample(load("patron-and-proxy"), n=1, workers=1)
    with pytest.raises(
        InterventionError, match=r"proxy\.proxy_blamed is a signal, .* cannot be forced or forbidden, .*: proxy\.attack, proxy\.hold$"
    ):
        compare(worlds, [read_arm("forbid proxy.proxy_blamed")], runs=10, workers=1)


def test_an_arm_may_have_a_name_and_several_changes():
    arm = read_arm(" no lame duck : off M22;  set strike_cost=2 ;")
    assert arm == Arm("no lame duck", (SwitchOff("M22"), SetParameter("strike_cost", 2.0)))
    assert read_arm("reveal iran;off M22").name == "reveal iran; off M22"
    for text in ("", "name:", ": reveal iran"):
        with pytest.raises(InterventionError, match="the arm"):
            read_arm(text)


def test_the_base_is_the_scenario_as_it_is_unless_another_arm_is_named():
    one, two = Arm("one", (Reveal("a"),)), Arm("two", (Reveal("b"),))
    assert [arm.name for arm in choose_arms([one, two], None)] == [AS_IT_IS, "one", "two"]
    assert [arm.name for arm in choose_arms([one, two], "two")] == ["two", "one"]
    assert [arm.name for arm in choose_arms([one, Arm(AS_IT_IS)], "one")] == ["one", AS_IT_IS]
    for arms, against, message in (
        ([], None, "nothing to compare"),
        ([one], "one", "nothing to compare"),
        ([one, one], None, "two arms are called 'one'"),
        ([one, two], "tow", r"no arm is named tow; allowed: one, two, as it is; did you mean two\?"),
        ([Arm(AS_IT_IS, (Reveal("a"),))], None, "give it another name"),
    ):
        with pytest.raises(InterventionError, match=message):
            choose_arms(arms, against)


# --- by hand -----------------------------------------------------------------------------------------------------------------------------


def threat(p, belief=None):
    """One threat, precision 1: strike by type, hold, threaten by type; `belief` fixes what the defender thinks after the threat."""
    cost = np.array([p["fight_cost"], p["fight_cost"] + p["resolve_gap"]])
    strike = np.array([logistic(p["prize"] - c + p["audience_cost"]) for c in cost])
    truth = strike * (p["prize"] - cost) - (1 - strike) * p["audience_cost"]
    prior = np.array([p["prior_resolute"], 1 - p["prior_resolute"]])

    def threaten(hold):
        return np.array([logistic(hold * w + (1 - hold) * p["prize"]) for w in truth])

    def answer(b):
        return logistic(p["prize"] - (b @ strike) * (p["prize"] + p["fight_cost"]))

    def excess(hold):
        b = prior * threaten(hold)
        return answer(b / b.sum()) - hold

    hold = brentq(excess, 0, 1, xtol=1e-13) if belief is None else answer(belief)
    return strike, hold, threaten(hold), truth, prior


@pytest.fixture(scope="module")
def threats():
    scenario = with_quantities(
        load("one-shot-threat"), war={"chance_of_end": "war"}, threat={"chance_of_move": "challenger.threaten"}, value={"value": "challenger"}
    )
    return fine(sample(scenario.model_copy(update={"claims": {}}), n=6, seed=3, workers=1))


ARMS = {
    "press": ["force challenger.threaten"],
    "silence": [Intervention(forbid="challenger.threaten")],
    "stand": ["forbid defender.yield"],
    "known": ["reveal challenger"],
    "known and stand": ["reveal challenger", "forbid defender.yield"],
    "no audience": ["set audience_cost=0"],
}


@pytest.fixture(scope="module")
def threatened(threats):
    return compare(threats, ARMS, runs=4000, seed=1, workers=1)


def by_hand(p):
    """Chance of war, of a threat, and the challenger's payoff under every arm."""
    strike, hold, threaten, truth, prior = threat(p)
    known = [threat(p, belief) for belief in np.eye(2)]
    tell = np.array([threaten[k] for k, (_, _, threaten, _, _) in enumerate(known)])
    firm = np.array([hold for _, hold, _, _, _ in known])
    calm_strike, calm_hold, calm_threaten, calm_truth, _ = threat(p | {"audience_cost": 0.0})
    return {
        AS_IT_IS: (prior @ (threaten * hold * strike), prior @ threaten, prior @ (threaten * ((1 - hold) * p["prize"] + hold * truth))),
        "press": (hold * prior @ strike, 1.0, (1 - hold) * p["prize"] + hold * prior @ truth),
        "silence": (0.0, 0.0, 0.0),
        "stand": (prior @ (threaten * strike), prior @ threaten, prior @ (threaten * truth)),
        "known": (prior @ (tell * firm * strike), prior @ tell, prior @ (tell * ((1 - firm) * p["prize"] + firm * truth))),
        "known and stand": (prior @ (tell * strike), prior @ tell, prior @ (tell * truth)),
        "no audience": (
            prior @ (calm_threaten * calm_hold * calm_strike),
            prior @ calm_threaten,
            prior @ (calm_threaten * ((1 - calm_hold) * p["prize"] + calm_hold * calm_truth)),
        ),
    }


@pytest.mark.paper
@pytest.mark.parametrize("arm", [AS_IT_IS, *ARMS])
def test_every_arm_of_one_threat_is_as_worked_out_by_hand(threatened, arm):
    """A forced threat is read as if it had been chosen; a known type is believed; a parameter changes what is played."""
    expected = np.array([by_hand(dict(world.parameters))[arm] for world in threatened.worlds])
    for number, name in enumerate(("war", "threat", "value")):
        assert column(threatened, arm, "quantity", name) == pytest.approx(expected[:, number], abs=GRID)
    assert column(threatened, arm, "payoff", "challenger") == pytest.approx(expected[:, 2], abs=GRID)
    spread = np.sqrt(expected[:, 0] * (1 - expected[:, 0]) / threatened.runs)
    assert (np.abs(column(threatened, arm, "end", "war") - expected[:, 0]) <= 4.5 * spread + GRID).all()
    spread = np.sqrt(expected[:, 1] * (1 - expected[:, 1]) / threatened.runs)
    assert (np.abs(column(threatened, arm, "move", "challenger.threaten") - expected[:, 1]) <= 4.5 * spread + GRID).all()


@pytest.mark.property
def test_payoffs_are_the_sum_of_their_components(threatened):
    for arm in threatened.arms:
        for player in ("challenger", "defender"):
            parts = [line for line in threatened.lines if line.kind == "payoff" and line.name == player and line.component]
            total = sum(column(threatened, arm.name, "payoff", player, line.component) for line in parts)
            assert column(threatened, arm.name, "payoff", player) == pytest.approx(total, rel=1e-9, abs=1e-12)
            assert len(parts) > 1


@pytest.mark.property
def test_the_difference_of_means_is_the_mean_of_differences(threatened):
    table = threatened.table
    assert set(table["arm"]) == set(ARMS)
    assert (table["value"] - table["base"]).to_numpy() == pytest.approx(table["difference"].to_numpy(), abs=1e-12)
    wide = table[table["difference"].abs() > 1e-6]
    assert ((wide["low"] <= wide["difference"]) & (wide["difference"] <= wide["high"])).all()
    assert (wide["low"] < wide["high"]).mean() > 0.9


@pytest.mark.property
def test_a_world_shows_a_clear_difference_only_beyond_the_noise_of_its_futures(threatened):
    line = threatened.lines.index(Line("end", "war"))
    number = threatened.position("press")
    exact = np.array([by_hand(dict(world.parameters))["press"][0] - by_hand(dict(world.parameters))[AS_IT_IS][0] for world in threatened.worlds])
    drawn = threatened.values[number, :, line] - threatened.values[0, :, line]
    assert (threatened.noise[number, :, line] > 0).all()
    assert (np.abs(drawn - exact) <= 4.5 * threatened.noise[number, :, line]).all()


# --- nothing changed, nothing different -------------------------------------------------------------------------------------------------


@pytest.mark.property
def test_an_arm_that_changes_nothing_gives_exactly_zero(threats):
    """The same arm twice, another name for nothing, and a date or parameter set to what it is."""
    scenario = load("repeated-signalling")
    worlds = sample(scenario, n=1, workers=1)
    arms = {"nothing": [], "same": ["set precision=1"], "one": ["forbid challenger.attack from 1"]}
    comparison = compare(worlds, arms, runs=300, workers=1)
    for arm in ("nothing", "same"):
        found = comparison.differences(arm)
        assert (found.mean == 0.0).all()
        assert (found.agree == 0).all()
        assert (found.sign == 0).all()
    assert (comparison.differences("one").mean != 0.0).any()
    again = {"again": ["force challenger.threaten"], "press": ["force challenger.threaten"]}
    twice = compare(threats, again, runs=300, against="press", workers=1)
    for numbers in (twice.differences("again").mean, twice.differences("again").low, twice.differences("again").high):
        assert (numbers == 0.0).all()


@pytest.mark.property
def test_a_world_that_has_the_value_already_is_not_changed(threats):
    value = threats.worlds[2].parameters["prize"]
    comparison = compare(threats, {"same": [SetParameter("prize", value)]}, runs=300, workers=1)
    there = comparison.values[1] - comparison.values[0]
    assert (there[2] == 0.0).all()
    assert (there[1] != 0.0).any()


@pytest.mark.property
def test_forbidding_what_is_hardly_ever_done_changes_hardly_anything():
    builder = Builder("rare").clock(periods=3).parameter("precision", 1).parameter("rarity", prior={"uniform": [1e-7, 1e-6]})
    builder.state("done", values=[False, True], start=False).player("me").payoff("me", "taste", on={"me.usual": "1"})
    builder.turn("me", options={"usual": {}, "rare": {"propensity": "rarity", "set": {"done": True}}}).end("rare", "done")
    comparison = compare(sample(builder.scenario(), n=4, workers=1), {"never": ["forbid me.rare"]}, runs=500, workers=1)
    found = comparison.differences("never")
    assert np.nanmax(np.abs(found.mean)) < 1e-5
    assert (found.sign == 0).all()


@pytest.mark.property
def test_the_same_luck_meets_every_arm():
    """The mover's habits do not depend on what is believed of it, so telling its type to all changes no move of any future."""
    comparison = compare(sample(watched(), n=4, workers=1), {"known": ["reveal mover"]}, runs=2000, workers=1)
    assert 0.0 < column(comparison, AS_IT_IS, "move", "mover.go", period=0)[0] < 1.0
    for line, values in zip(comparison.lines, np.moveaxis(comparison.values, 2, 0), strict=True):
        if line.kind in ("end", "move"):
            assert (values[0] == values[1]).all()


@pytest.mark.property
def test_results_do_not_depend_on_workers(threats):
    arms = {"press": ["force challenger.threaten"], "known": ["reveal challenger"]}
    one, two = (compare(threats, arms, runs=200, workers=workers) for workers in (1, 2))
    assert one.values.tobytes() == two.values.tobytes()
    assert one.table.equals(two.table)


# --- simulated beside exact ---------------------------------------------------------------------------------------------------------------


@pytest.mark.solver
def test_simulated_ends_agree_with_evaluated_ones_by_period_under_covert_moves_and_revealed_secrets():
    scenario = with_quantities(
        load("patron-and-proxy"),
        war={"chance_of_end": "war"},
        blamed={"chance_of_move": "proxy.patron_blamed"},
        armed={"chance_of_move": "patron.arm"},
    )
    arms = {
        "held back": ["force proxy.hold"],
        "unarmed, known": ["forbid patron.arm", "reveal proxy"],
        "both known": ["reveal proxy", "reveal patron", "forbid target.hit_proxy"],
        "late": ["force proxy.attack from 1"],
    }
    comparison = compare(sample(scenario, n=3, workers=1), arms, runs=6000, workers=1)
    for arm in (AS_IT_IS, *arms):
        for quantity, kind, name in (("war", "end", "war"), ("blamed", "move", "proxy.patron_blamed"), ("armed", "move", "patron.arm")):
            for period in (0, 1, None):
                exact = column(comparison, arm, "quantity", quantity, period=period)
                drawn = column(comparison, arm, kind, name, period=period)
                # The exact evaluation carries the error of its belief grid, which the tolerance of 1e-2 bounds.
                assert (np.abs(drawn - exact) <= 4.5 * np.sqrt(np.maximum(exact * (1 - exact), 0) / 6000) + 5e-3).all()
    assert (column(comparison, "unarmed, known", "move", "patron.arm") == 0).all()
    assert (column(comparison, "late", "move", "proxy.attack") >= 1 - column(comparison, "late", "end", "war", period=0)).all()
    assert (column(comparison, "held back", "quantity", "war") > 0).all()


@pytest.mark.solver
def test_secrets_of_more_than_two_types_can_be_revealed():
    """Knowing both secrets, one of three types, in a game whose outcomes and signals depend on them."""
    scenario = with_quantities(random_scenario(4, types=(3, 2)), rupture={"chance_of_end": "rupture"}, heard={"chance_of_move": "a.smoke"})
    arms = {"a": ["reveal a"], "all": ["reveal a", "reveal b", "forbid b.v until 0"]}
    comparison = compare(sample(scenario, n=1, tolerance=1e-4, workers=1), arms, runs=20_000, workers=1)
    for arm in (AS_IT_IS, *arms):
        for quantity, kind, name in (("rupture", "end", "rupture"), ("heard", "move", "a.smoke")):
            exact = column(comparison, arm, "quantity", quantity)[0]
            assert 0.02 < exact < 0.98
            drawn = column(comparison, arm, kind, name)[0]
            assert abs(drawn - exact) <= 4.5 * np.sqrt(exact * (1 - exact) / 20_000) + 1e-3
    assert comparison.differences("all").mean[comparison.lines.index(Line("end", "rupture"))] != 0.0


@pytest.mark.property
def test_shares_by_date_only_grow_and_end_at_the_whole():
    comparison = compare(sample(load("repeated-signalling"), n=1, workers=1), {"one": ["forbid defender.concede until 1"]}, runs=1000, workers=1)
    for kind, name in (("end", "concession"), ("end", "war"), ("move", "challenger.press")):
        course = np.array([column(comparison, "one", kind, name, period=period)[0] for period in (0, 1, 2)])
        assert (np.diff(course) >= 0).all()
        assert course[-1] == column(comparison, "one", kind, name)[0]
    assert column(comparison, "one", "end", "concession", period=1)[0] == 0.0


BEFORE = """
standoff: 1
name: before
clock: {start: 2020-01-01, step: 1 week, end: 2020-01-22}
parameters: {precision: {value: 1}, zeal: {prior: {uniform: [0, 2]}}}
players:
  mover: {types: {hawk: 0.25, dove: rest}, payoffs: {taste: {on: {mover.go: "zeal if type == hawk else 0"}}}}
turns: [{player: mover, options: {go: {}, stay: {}}, silent: stay}]
record: {file: before.csv, map: {mover.go: [{action: go}]}}
"""

AFTER = """
standoff: 1
name: after
clock: {start: 2020-03-01, step: 1 week, end: 2020-03-15}
parameters: {precision: {value: 1}, zeal: {prior: {uniform: [0, 2]}}, memory: {value: 1}}
players:
  mover: {types: {hawk: 0.4, dove: rest}, payoffs: {taste: {on: {mover.go: "zeal if type == hawk else 0"}}}}
turns: [{player: mover, options: {go: {}, stay: {}}, silent: stay}]
beliefs: {from: before.yaml, memory: memory}
quantities: {go: {choice: mover.go}, again: {count_of_move: mover.go}}
"""


@pytest.mark.paper
def test_an_arm_reaches_the_scenario_that_goes_before(tmp_path):
    """Two weeks of going and one of staying are remembered; the odds of going, then and now, hang on what an arm sets."""
    (tmp_path / "before.yaml").write_text(BEFORE)
    (tmp_path / "after.yaml").write_text(AFTER)
    (tmp_path / "before.csv").write_text("id,date,actor,action\none,2020-01-02,mover,go\ntwo,2020-01-09,mover,go\n")
    worlds = sample(load(tmp_path / "after.yaml"), n=3, workers=1)
    arms = {"eager": ["set zeal=3"], "forgotten": ["set memory=0"], "known": ["reveal mover"]}
    comparison = compare(worlds, arms, runs=50, workers=1)

    def opening(zeal, memory):
        hawk, dove = 0.25 * logistic(zeal) ** 2 * (1 - logistic(zeal)), 0.75 / 8
        belief = memory * hawk / (hawk + dove) + (1 - memory) * 0.4
        return belief * logistic(zeal) + (1 - belief) / 2

    for number, world in enumerate(comparison.worlds):
        zeal = world.parameters["zeal"]
        for arm, go in ((AS_IT_IS, opening(zeal, 1)), ("eager", opening(3, 1)), ("forgotten", opening(zeal, 0)), ("known", opening(zeal, 1))):
            assert column(comparison, arm, "quantity", "go")[number] == pytest.approx(go, abs=1e-9)
            assert column(comparison, arm, "quantity", "again")[number] == pytest.approx(2 * go, abs=1e-9)


# --- dates -------------------------------------------------------------------------------------------------------------------------------


def voting(**blocks):
    """Four weeks; a vote in the second decides, and until then one may go or stay."""
    builder = Builder("voting").clock(start="2020-01-01", step="1 week", end="2020-01-29").parameter("precision", 1).date("vote", "2020-01-10")
    builder.parameter("haste", prior={"uniform": [0, 1]}).state("over", values=[False, True], start=False).player("me")
    builder.payoff("me", "taste", on={"me.go": "haste if before(vote) else 0"}, **blocks.get("payoff", {}))
    builder.turn("me", options={"go": blocks.get("go", {}), "stay": {}})
    builder.event("vote_held", when="on(vote)", outcomes={"held": {"chance": 1, "set": {"over": True}}}).end("decided", "over")
    builder.quantity("by_vote", {"chance_of_move": "me.go", "until": "vote"}).quantity("course", {"chance_of_end": "decided"})
    return builder.scenario()


@pytest.mark.paper
def test_a_date_is_moved_or_never_comes():
    comparison = compare(
        sample(voting(), n=2, workers=1), {"later": ["move vote 2020-01-20"], "never": ["remove vote"], "same": ["move vote 2020-01-10"]},
        runs=200, workers=1,
    )  # fmt: skip
    for arm, course in ((AS_IT_IS, [0, 1, 1, 1]), ("later", [0, 0, 1, 1]), ("never", [0, 0, 0, 0]), ("same", [0, 1, 1, 1])):
        assert [column(comparison, arm, "end", "decided", period=period)[0] for period in range(4)] == course
        assert [column(comparison, arm, "quantity", "course", period=period)[0] for period in range(4)] == course
    assert (column(comparison, "never", "end", "time_up") == 1).all()
    assert (comparison.differences("same").mean[np.isfinite(comparison.differences("same").mean)] == 0.0).all()
    # `until: vote` follows the vote: one more week to go in; where it never comes there is no such quantity, and that is said.
    assert (column(comparison, "later", "quantity", "by_vote") > column(comparison, AS_IT_IS, "quantity", "by_vote")).all()
    assert np.isnan(column(comparison, "never", "quantity", "by_vote")).all()
    assert "vote never comes" in comparison.gaps("never")["by_vote"]
    # before(vote) is true all along where the vote never comes: going pays, as it does not after a vote
    assert comparison.difference("never", Line("payoff", "me", "taste"))[0] > 0


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ({"payoff": {"each_period": "0.1 * weeks_until(vote)"}}, "never comes, so that nothing can be counted"),
        ({"payoff": {"each_period": "0.1 * periods_since(vote)"}}, "move it instead"),
        ({"go": {"later": {"on": "vote", "set": {"over": True}}}}, "never comes, so the effect is never due; move the date instead"),
    ],
)
def test_a_date_that_is_counted_to_cannot_be_removed_but_moved(blocks, message):
    worlds = sample(voting(**blocks), n=1, workers=1)
    with pytest.raises(InterventionError, match=message) as error:
        compare(worlds, {"never": ["remove vote"]}, runs=10, workers=1)
    assert "arm 'never'" in str(error.value)
    assert compare(worlds, {"later": ["move vote 2020-01-20"]}, runs=10, workers=1).arms[1].name == "later"


def test_removing_works_where_the_clock_counts_periods():
    builder = Builder("abstract").clock(periods=2).parameter("precision", 1).date("bell", 0).state("rung", values=[False, True], start=False)
    builder.player("me").turn("me", options={"go": {}, "stay": {}}).event(
        "rings", when="on(bell)", outcomes={"now": {"chance": 1, "set": {"rung": True}}}
    )
    worlds = sample(builder.end("rung", "rung").scenario(), n=1, workers=1)
    comparison = compare(worlds, {"never": ["remove bell"], "later": ["move bell 1"]}, runs=10, workers=1)
    assert [column(comparison, arm, "end", "rung", period=0)[0] for arm in (AS_IT_IS, "never", "later")] == [1, 0, 0]
    assert [column(comparison, arm, "end", "rung")[0] for arm in (AS_IT_IS, "never", "later")] == [1, 0, 1]


def test_set_moves_a_date_of_the_calendar():
    assert load("baghdad-closure", {"calendar.election": "2020-12-01"}).calendar["election"].date == dt.date(2020, 12, 1)
    for given, words in (
        ({"calendar.electon": "2020-12-01"}, ["unknown date", "did you mean election"]),
        ({"calendar.election": "soon"}, ["this is no date", "soon"]),
        ({"calendar": "2020-12-01"}, ["set at a time", "calendar.election"]),
    ):
        with pytest.raises(ScenarioError) as error:
            load("baghdad-closure", given)
        assert all(word in str(error.value) for word in words)


# --- what cannot be done ------------------------------------------------------------------------------------------------------------------


def crisis():
    builder = Builder("crisis").clock(start="2020-01-01", step="1 week", end="2020-01-29").parameter("precision", 1).date("vote", "2020-01-10")
    builder.parameter("cost", 1).parameter("gain", prior={"uniform": [0, 1]}).state("armed", values=[False, True], start=False)
    builder.player("a", types={"bold": 0.5, "meek": 0.5}).player("b").payoff("a", "gain", on={"a.arm": "gain - cost"})
    builder.turn("a", options={"arm": {"when": "not armed", "set": {"armed": True}}, "wait": {}, "use": {"when": "armed"}})
    builder.turn("b", options={"watch": {}, "answer": {"when": "armed"}})
    return builder.mechanism("M1", "Price", off={"cost": 0}).scenario()


@pytest.mark.parametrize(
    ("arm", "message"),
    [
        ("forbid a.amr", r"no option is named a\.amr; allowed: .*; did you mean a\.arm"),
        ("forbid a.arm from 2021-01-01", "outside the clock"),
        ("forbid a.arm from 9", "outside the clock"),
        ("forbid a.arm until vite", "did you mean vote"),
        ("forbid a.arm from 3 until 2", "never possible"),
        ("force a.use until 2020-01-05", r"a\.use is never possible until 2020-01-05"),
        ("force a.use from 0 until 0", r"a\.use is never possible in period 0, so"),
        ("reveal a; reveal a", "`reveal a` stands twice; leave one of them out"),
        ("forbid a.arm; forbid a.arm", "`forbid a.arm` stands twice"),
        ("forbid a.arm; force b.answer", r"b\.answer is never possible.*its turn never comes"),
        ("force a.wait; force a.use", r"a\.use is never possible|two moves are forced"),
        ("force a.arm; forbid a.arm from vote", "both forced and forbidden from the period of 2020-01-08 to that of 2020-01-22; leave one"),
        ("force a.arm; force a.wait", "two moves are forced .*; force one of them, or each in its own periods"),
        ("forbid a.arm; forbid a.wait", "a.arm, a.wait, from the period of 2020-01-01 to that of 2020-01-22; leave one of them allowed"),
        ("forbid a.arm on 0; forbid a.wait on 0", "a.arm, a.wait, in the period of 2020-01-01; leave one of them allowed"),
        ("set csot=1", "did you mean cost"),
        ("set cost=1; set cost=2", "leave one of them out"),
        ("off M1; set cost=2", "leave one of them out"),
        ("off M2", "no mechanism is named M2; allowed: M1"),
        ("move vite 2020-01-20", "did you mean vote"),
        ("move vote 2020-03-01", r"outside the clock.*write `remove vote`"),
        ("move vote 2020-01-20; remove vote", "moved or removed twice"),
        ("remove vote; forbid a.arm until vote", "vote never comes"),
        ("reveal b", "b has no secret to reveal"),
        ("reveal c", "no player is named c; allowed: a, b"),
    ],
)
def test_impossible_arms_are_refused_by_name_before_anything_is_solved(arm, message):
    worlds = sample(crisis(), n=1, workers=1)
    with pytest.raises(InterventionError, match=message) as error:
        compare(worlds, [read_arm(f"mine: {arm}")], runs=10, workers=1)
    assert str(error.value).startswith("arm 'mine': ")


def test_changes_that_agree_with_each_other_are_accepted():
    worlds = sample(crisis(), n=1, workers=1)
    arms = [read_arm("off M1; set cost=0; remove vote; reveal a; force a.arm; force a.use from 1")]
    comparison = compare(worlds, arms, runs=50, workers=1)
    assert column(comparison, arms[0].name, "move", "a.arm")[0] == 1
    assert column(comparison, arms[0].name, "move", "a.use")[0] == 1


def sometimes(limit):
    """Going is possible only where it costs less than a limit."""
    builder = Builder("sometimes").clock(periods=1).parameter("precision", 1).parameter("cost", prior={"uniform": [0, 1]}).player("me")
    return builder.turn("me", options={"go": {"when": f"cost < {limit}"}, "stay": {}}).scenario()


def test_an_intervention_whose_turn_comes_in_some_worlds_only_acts_there_and_the_others_are_counted():
    comparison = compare(sample(sometimes(0.5), n=8, workers=1), {"go": ["force me.go"]}, runs=50, workers=1)
    able = np.array([world.parameters["cost"] < 0.5 for world in comparison.worlds])
    assert (column(comparison, "go", "move", "me.go") == able).all()
    assert comparison.idle("go") == {"me.go": int((~able).sum())}
    with pytest.raises(InterventionError, match=r"the turn of me\.go comes in no world"):
        compare(sample(sometimes(1e-9), n=4, workers=1), {"go": ["force me.go"]}, runs=50, workers=1)


@pytest.mark.paper
def test_a_known_parameter_that_an_arm_or_a_quantity_changes_may_change_the_menu():
    builder = Builder("menu").clock(periods=1).parameter("precision", 1).parameter("cost", 1).player("me")
    builder.turn("me", options={"go": {"when": "cost < 0.5"}, "stay": {}, "sit": {}})
    builder.quantity("cheap", {"chance_of_move": "me.stay", "with": {"cost": 0.1}}).quantity("stay", {"chance_of_move": "me.stay"})
    worlds = sample(builder.scenario(), n=1, workers=1)
    comparison = compare(worlds, [read_arm("cut: set cost=0.2"), read_arm("gone: set cost=0.2; force me.go")], runs=10, workers=1)
    for arm, stay in ((AS_IT_IS, 1 / 2), ("cut", 1 / 3), ("gone", 0)):
        assert column(comparison, arm, "quantity", "stay")[0] == pytest.approx(stay, abs=1e-12)
    for arm, stay in ((AS_IT_IS, 1 / 3), ("cut", 1 / 3), ("gone", 0)):
        assert column(comparison, arm, "quantity", "cheap")[0] == pytest.approx(stay, abs=1e-12)
    with pytest.raises(InterventionError, match="never possible"):
        compare(worlds, {"go": ["force me.go"]}, runs=10, workers=1)


def test_worlds_that_an_arm_makes_impossible_are_counted_and_an_arm_that_is_impossible_everywhere_is_refused():
    builder = Builder("chancy").clock(periods=1).parameter("precision", 1).parameter("luck", 0.1).parameter("more", prior={"uniform": [0, 0.6]})
    builder.player("me").turn("me", options={"go": {"outcomes": {"won": {"chance": "luck + more"}, "lost": {"chance": "rest"}}}, "stay": {}})
    worlds = sample(builder.scenario(), n=8, workers=1)
    comparison = compare(worlds, {"lucky": ["set luck=0.6"]}, runs=50, workers=1)
    over = sum(world.parameters["more"] > 0.4 for world in comparison.worlds)
    assert 0 < over == len(comparison.problems("lucky"))
    assert comparison.differences("lucky").worlds.max() == 8 - over
    with pytest.raises(InterventionError, match="each must lie in"):
        compare(worlds, {"luckier": ["set luck=1.5"]}, runs=50, workers=1)


def test_worlds_of_no_known_scenario_and_no_futures_are_refused(threats):
    with pytest.raises(WorldsError, match="at least 1"):
        compare(threats, {"known": ["reveal challenger"]}, runs=0)


# --- quantities ----------------------------------------------------------------------------------------------------------------------------


def test_named_quantities_are_checked_like_those_of_claims():
    good = load("patron-and-proxy")
    assert check(good) == []
    bad = with_quantities(
        good,
        a={"title": "ok", "chance_of_end": "wra"},
        b={"chance_of_end": "war", "value": "target"},
        c={"title": "both", "difference": [{"title": "one", "chance_of_end": "war"}, {"value": "target", "until": 1}]},
    )
    found = [(fault.field, fault.problem) for fault in check(bad)]
    assert found == [
        ("quantities.a.chance_of_end", "unknown end"),
        ("quantities.b", "a quantity has exactly one measure"),
        ("quantities.c.difference.1.until", "until does not go with value"),
    ]


@pytest.mark.paper
def test_an_arm_adds_to_what_a_quantity_does_itself_and_what_contradicts_it_is_said():
    scenario = with_quantities(
        load("one-shot-threat"),
        pressed={"chance_of_end": "war", "do": [{"force": "challenger.threaten"}]},
        gap={"difference": [{"chance_of_end": "war"}, {"chance_of_end": "climbdown"}]},
        told={"bits": {"move": "challenger.threaten", "about": "challenger"}},
    )
    arms = {"stand": ["forbid defender.yield"], "silence": ["forbid challenger.threaten"], "known": ["reveal challenger"]}
    comparison = compare(fine(sample(scenario, n=3, workers=1)), arms, runs=100, workers=1)
    for number, world in enumerate(comparison.worlds):
        strike, _, threaten, _, prior = threat(dict(world.parameters))
        assert column(comparison, "stand", "quantity", "pressed")[number] == pytest.approx(prior @ strike, abs=GRID)
        expected = prior @ (threaten * (2 * strike - 1))
        assert column(comparison, "stand", "quantity", "gap")[number] == pytest.approx(expected, abs=GRID)
    assert np.isnan(column(comparison, "silence", "quantity", "pressed")).all()
    assert "both forced and forbidden" in comparison.gaps("silence")["pressed"]
    assert (column(comparison, AS_IT_IS, "quantity", "told") > 0).any()
    assert column(comparison, "known", "quantity", "told") == pytest.approx(0.0, abs=1e-12)


# --- over worlds ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_differences_are_weighted_means_with_intervals_and_majorities():
    base, noise = np.zeros((4, 5)), np.zeros((4, 5))
    arm = np.array([[1, 1, 1, np.nan, 0], [1, -2, 0.05, np.nan, 0], [1, 3, 0.05, np.nan, 0], [1, 2, -9, 4, 0.0]], dtype=float)
    noise[:, 2] = [0.1, 0.1, 0.1, 0.1]
    weights = np.array([0.4, 0.3, 0.3, 0.0])
    found = differences(base, arm, noise, np.zeros_like(noise), weights)
    assert found.mean[:3] == pytest.approx([1.0, 0.4 - 0.6 + 0.9, 0.4 + 0.03])
    assert np.isnan(found.mean[3])
    assert found.mean[4] == found.low[4] == found.high[4] == 0.0
    assert (found.low[0], found.high[0]) == pytest.approx((1.0, 1.0))
    assert -2 < found.low[1] < 0 < found.mean[1] < found.high[1] < 3
    assert found.worlds.tolist() == [3, 3, 3, 0, 3]  # the world without weight does not count
    assert found.agree.tolist() == [3, 2, 1, 0, 0]
    assert found.against.tolist() == [0, 1, 0, 0, 0]
    assert found.sign.tolist() == [1, 1, 1, 0, 0]
    assert np.isnan(found.low[3])


@pytest.mark.property
def test_intervals_narrow_with_the_square_root_of_the_number_of_worlds():
    change = np.random.default_rng(0).normal(1.0, 1.0, size=(400, 1))
    few, many = (differences(np.zeros((n, 1)), change[:n], *np.zeros((2, n, 1)), np.full(n, 1 / n)) for n in (25, 400))
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4.0, rel=0.3)
    # against the normal interval of a mean
    assert many.high[0] - many.low[0] == pytest.approx(2 * 1.645 * change.std() / 20, rel=0.1)


@pytest.mark.paper
def test_worlds_that_disagree_are_named_with_what_tells_them_apart():
    """Pay rises with `boost` times `gain`, so that switching it on makes going likelier exactly where the gain is above 0."""
    builder = Builder("boosted").clock(periods=1).parameter("precision", 2).parameter("boost", 0).parameter("gain", prior={"uniform": [-1, 3]})
    builder.parameter("other", prior={"uniform": [0, 1]}).player("me").payoff("me", "pay", on={"me.go": "boost * gain + 1e-9 * other"})
    builder.turn("me", options={"go": {}, "stay": {}}).quantity("going", {"choice": "me.go"})
    comparison = compare(sample(builder.scenario(), n=32, workers=1), {"boost": ["set boost=1"]}, runs=10, workers=1)
    losing = {world.index for world in comparison.worlds if world.parameters["gain"] < 0}
    apart = comparison.disagreement("boost", Line("quantity", "going"))
    assert set(apart.against) == losing
    assert apart.unclear == ()
    assert apart.hinge is not None
    assert "gain" in apart.hinge.text()
    found = comparison.differences("boost")
    number = comparison.lines.index(Line("quantity", "going"))
    assert (found.agree[number], found.against[number], found.sign[number]) == (32 - len(losing), len(losing), 1)
    for world, value in zip(comparison.worlds, column(comparison, "boost", "quantity", "going"), strict=True):
        assert value == pytest.approx(logistic(2 * world.parameters["gain"]), abs=1e-8)


@pytest.mark.property
def test_worlds_count_by_how_well_they_foresaw_the_record():
    worlds = sample(watched(), n=48, record=going(0, 1, 2), workers=1)
    assert worlds.weights.enough
    comparison = compare(worlds, {"known": ["reveal mover"], "stay": ["forbid mover.go on 0"]}, runs=20, workers=1)
    assert comparison.weighted
    assert comparison.weights == pytest.approx(worlds.weights.values)
    gone = column(comparison, AS_IT_IS, "move", "mover.go", period=0)
    number = comparison.lines.index(Line("move", "mover.go", period=0))
    assert comparison.differences("stay").base[number] == pytest.approx(comparison.weights @ gone)
    few = compare(sample(watched(), n=8, record=going(0, 1, 2), workers=1), {"stay": ["forbid mover.go on 0"]}, runs=20, workers=1)
    assert not few.weighted
    assert few.refused is not None
    assert few.refused < 10 < comparison.effective
    assert few.weights == pytest.approx(np.full(8, 1 / 8))


# --- the command -----------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def standoff(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "110")

    def call(*arguments):
        code = run_app(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    return call


SMALL = ("--worlds", "8", "--runs", "200", "--workers", "1")


def test_the_command_says_in_words_what_an_arm_changes(standoff):
    code, out, err = standoff(
        "compare", "patron-and-proxy", "--do", "forbid proxy.attack", "--do", "no arms: forbid patron.arm; set punishment=4", *SMALL
    )
    assert (code, err) == (0, "")
    assert all(len(line) <= 110 for line in out.splitlines())
    text = " ".join(out.split())
    assert "Without \u201cproxy: attack\u201d, \u201cwar\u201d falls from" in text
    assert "\u201cA blow falls on the patron\u201d falls from" in text
    assert "90 % interval" in text
    assert "of 8 worlds agree" in text
    assert "Others do not know of a forced or forbidden move" in text
    assert text.index("forbid proxy.attack") < text.index("no arms forbid patron.arm; set punishment=4") < text.index("What to type next")
    for title in ("end", "moves that change most", "named quantity", "expected payoff", "Attacks that the proxy makes", "mostly through"):
        assert title in text


def test_json_holds_the_same_content_and_every_line(standoff):
    code, out, _ = standoff("compare", "patron-and-proxy", "--do", "forbid proxy.attack", *SMALL, "--json")
    content = json.loads(out)
    assert code == 0
    (arm,) = content["arms"]
    war = next(end for end in arm["ends"] if end["name"] == "war")
    assert war["difference"] == pytest.approx(war["value"] - war["base"])
    assert war["by_date"][-1]["difference"] == war["difference"]
    attack = next(move for move in arm["moves"] if move["name"] == "proxy.attack")
    assert (attack["value"], attack["agree"], attack["against"]) == (0.0, 8, 0)
    target = next(player for player in arm["payoffs"] if player["name"] == "target")
    assert sum(part["difference"] for part in target["components"]) == pytest.approx(target["difference"], rel=1e-9)
    assert {quantity["name"] for quantity in arm["quantities"]} == set(load("patron-and-proxy").quantities)
    assert content["base"] == AS_IT_IS


def test_numbers_that_differ_do_not_read_as_equal():
    assert _amounts(0.012, 0.0134) == ("0.012", "0.013")
    assert _amounts(0.01204, 0.01196) == ("0.0120", "0.0120")
    assert _amounts(0.01, 0.01) == ("0.01", "0.01")
    assert _amounts(float("nan"), 0.1) == ("-", "0.10")
    assert (points(0.0004), points(-0.00001), points(0.0), points(0.0000001)) == ("+0.04", "-0.001", "0.0", "<0.001")


@pytest.mark.parametrize(
    ("difference", "low", "high", "sign", "said"),
    [(0.0, 0.0, 0.0, 0, "no change"), (0.001, -0.001, 0.003, 0, "none clear"), (0.0, -0.001, 0.001, 0, "none clear"), (0.1, 0.1, 0.2, 1, "8 of 8")],
)
def test_what_is_exactly_the_same_in_every_world_is_called_no_change(difference, low, high, sign, said):
    row = {"difference": difference, "low": low, "high": high, "sign": sign, "agree": 8, "worlds": 8, "against": 0}
    assert _agree(row) == said


def test_against_changes_the_base(standoff):
    arguments = ("--do", "push: force proxy.attack", "--do", "hold: force proxy.hold", *SMALL, "--json", "compare")
    code, out, _ = standoff("compare", "patron-and-proxy", "--against", "hold", *arguments[:-1])
    content = json.loads(out)
    assert code == 0
    assert content["base"] == "hold"
    assert [arm["arm"] for arm in content["arms"]] == ["push"]
    attack = next(move for move in content["arms"][0]["moves"] if move["name"] == "proxy.attack")
    assert (attack["base"], attack["value"]) == (0.0, 1.0)


def test_the_command_refuses_with_exit_code_2(standoff):
    for arguments, message in (
        (["--do", "forbid proxy.atack"], "did you mean proxy.attack?"),
        ([], "nothing to compare"),
        (["--do", "reveal proxy", "--against", "nobody"], "no arm is named nobody; allowed: reveal proxy, as it is"),
    ):
        code, out, err = standoff("compare", "patron-and-proxy", *arguments)
        assert (code, out) == (2, "")
        assert message in " ".join(err.split())


def test_the_public_name_is_the_function():
    assert so.compare is compare
