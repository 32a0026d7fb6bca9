"""Verdicts where the share of true worlds, the deciding parameter and the counter-world are known beforehand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import betaln

from standoff.errors import WorldsError
from standoff.report.judged import claims_content
from standoff.scenario import Builder
from standoff.verdicts import Condition, Hinge, judge
from standoff.verdicts.judge import BUILT_IN, UNMEASURED
from standoff.verdicts.shares import band, interval, tally
from standoff.worlds import sample, weigh
from toys import DECIDED, chooser, going, watched

CHOICE = {"choice": "me.go"}

EAGER = {"c": {"left": {"choice": "mover.go", "type": "hawk"}, "is": "above", "right": 0.5}}
"""True in `watched` where eagerness is above 0: in three quarters of the worlds."""


def judged(scenario, n=64, *, search=True, **arguments):
    return judge(sample(scenario, n, workers=1, **arguments), search=search, workers=1)


def above(p):
    """The test that going has more than chance `p`."""
    return {"left": CHOICE, "is": "above", "right": p}


def chance(gain, stay=0.3, precision=5):
    """Of going in `chooser`."""
    return 1 / (1 + np.exp(-precision * (gain - stay)))


# --- shares ----------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(
    ("stay", "share", "verdict"),
    [(0.03, 0.97, "holds"), (0.2, 0.8, "leans true"), (0.5, 0.5, "contested"), (0.8, 0.2, "leans false"), (0.95, 0.05, "fails")],
)
def test_a_known_share_lies_in_the_interval(stay, share, verdict):
    """Going is the likelier choice where its gain, uniform on [0, 1], is above what staying pays."""
    row = judged(chooser({"c": DECIDED}, stay=stay))["c"]
    assert row.share == pytest.approx(share, abs=1 / 32)  # two hypercubes of 32 worlds, each within one of them
    assert row.low <= share <= row.high
    assert row.verdict == verdict
    assert (row.worlds, row.effective, row.weighted, row.prior_share) == (64, pytest.approx(64), False, row.share)


@pytest.mark.paper
def test_the_hinge_is_the_parameter_that_decides():
    row = judged(chooser({"c": DECIDED}, noise=5), search=False)["c"]
    assert isinstance(row.hinge, Hinge)
    assert row.hinge.conditions == (Condition("gain", True, pytest.approx(0.3, abs=1 / 32)),)
    assert (row.hinge.outcome, row.hinge.density, row.hinge.elsewhere, row.hinge.coverage) == (True, 1.0, 0.0, 1.0)
    assert row.hinge.base == row.hinge.worlds / 64 == pytest.approx(row.share)
    assert row.hinge_text() == row.hinge.text()
    assert row.hinge_text().startswith("gain > 0.")
    assert row.hinge_text().endswith("true in 100%, else in 0%")


@pytest.mark.paper
def test_a_hinge_may_lie_below():
    row = judged(chooser({"c": {"left": CHOICE, "is": "below", "right": 0.5}}, noise=2), search=False)["c"]
    assert row.hinge.conditions == (Condition("gain", False, pytest.approx(0.3, abs=1 / 32)),)
    assert row.hinge.base == pytest.approx(0.3, abs=1 / 32)


@pytest.mark.paper
def test_margins_are_summed_up_by_quantiles():
    row = judged(chooser({"c": DECIDED}), 256, search=False)["c"]
    assert row.margin == pytest.approx(tuple(chance(q) - 0.5 for q in (0.1, 0.5, 0.9)), abs=0.01)


@pytest.mark.property
def test_the_table_has_a_row_for_each_claim():
    verdicts = judged(chooser({"c": DECIDED, "d": above(0.9)}), 16, search=False)
    assert verdicts.table["claim"].tolist() == ["c", "d"]
    assert verdicts.table["share"].tolist() == [verdicts[name].share for name in "cd"]
    assert verdicts.table["hinge"].tolist() == [verdicts[name].hinge_text() for name in "cd"]


@pytest.mark.paper
@pytest.mark.parametrize(
    ("share", "verdict"),
    [(1, "holds"), (0.9, "holds"), (0.8999, "leans true"), (0.7, "leans true"), (0.6999, "contested"), (0.3, "contested"), (0.2999, "leans false"),
     (0.1, "leans false"), (0.0999, "fails"), (0, "fails")],
)  # fmt: skip
def test_bands(share, verdict):
    assert band(share) == verdict


@pytest.mark.paper
@pytest.mark.parametrize(("true", "n"), [(7, 10), (1, 64), (63, 64), (12.5, 20.7)])
def test_the_interval_holds_nine_tenths_of_the_jeffreys_posterior(true, n):
    """Density p**(t - 1/2) * (1 - p)**(n - t - 1/2), a twentieth left out on each side."""
    a, b = true + 0.5, n - true + 0.5
    low, high = interval(true / n, n)
    for ends, mass in [((0, low), 0.05), ((low, high), 0.9), ((high, 1), 0.05)]:
        inside, _ = quad(lambda p: np.exp((a - 1) * np.log(p) + (b - 1) * np.log1p(-p) - betaln(a, b)), *ends)
        assert inside == pytest.approx(mass, abs=1e-6)


@pytest.mark.published
@pytest.mark.parametrize(("share", "ends"), [(0.0, 0), (1.0, 1)])
def test_a_share_of_none_or_all_reaches_the_end(share, ends):
    """Brown, Cai & DasGupta (2001), section 3.1.1: the interval is closed at 0 and 1 there."""
    assert interval(share, 64)[ends] == share
    assert 0.0 < interval(share, 64)[1 - ends] < 1.0


@pytest.mark.property
def test_more_worlds_narrow_the_interval():
    widths = [np.diff(interval(0.7, n))[0] for n in (4, 16, 64, 256)]
    assert widths == sorted(widths, reverse=True)


# --- built in, or rare -------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(("p", "share", "otherwise"), [(0.0, 1.0, "false"), (1.0, 0.0, "true")])
def test_a_claim_that_cannot_come_out_otherwise_is_built_in(p, share, otherwise):
    row = judged(chooser({"c": above(p)}, noise=2), 16)["c"]
    assert (row.verdict, row.share, row.counter) == (BUILT_IN, share, None)
    assert row.searched > 0
    assert row.hinge_text() == f"nothing: no world in the priors makes it {otherwise} ({row.searched} searched beside the sample)"


@pytest.mark.paper
def test_a_claim_that_rarely_fails_gets_the_world_in_which_it_does():
    """It fails where the gain is below 0.02, which none of 16 sampled worlds has; the search finds one."""
    verdicts = judged(chooser({"c": above(chance(0.02))}, noise=3), 16, seed=2)
    row = verdicts["c"]
    assert all(world.findings["c"].holds for world in verdicts.worlds.worlds)
    assert (row.verdict, row.share) == ("holds", 1.0)
    assert row.counter.margin < 0
    assert row.counter.world.parameters["gain"] < 0.02
    assert row.counter.world.index >= 1_000_000
    assert row.counter.searched
    assert row.searched == len(verdicts.searched) > 0
    name, value, quantile = row.counter.unusual[0]
    assert value == row.counter.world.parameters[name]
    assert quantile in (0.0, 1.0)
    assert "gain" in [item[0] for item in row.counter.unusual]
    assert row.hinge_text().startswith("rare: turned in a world with")


@pytest.mark.paper
def test_a_claim_that_rarely_holds_gets_the_world_in_which_it_does():
    row = judged(chooser({"c": above(chance(0.98))}), 16)["c"]
    assert (row.verdict, row.share) == ("fails", 0.0)
    assert row.counter.margin > 0
    assert row.counter.world.parameters["gain"] > 0.98


@pytest.mark.property
def test_the_search_does_not_depend_on_workers():
    worlds = sample(chooser({"c": above(chance(0.02))}, noise=3), 16, workers=1)
    one, two = (judge(worlds, workers=workers) for workers in (1, 2))
    assert repr(one.searched) == repr(two.searched)


@pytest.mark.property
def test_searched_worlds_do_not_count_in_the_share():
    scenario = chooser({"c": above(chance(0.02))})
    assert judged(scenario, 16, seed=2)["c"].share == judged(scenario, 16, seed=2, search=False)["c"].share == 1.0


@pytest.mark.property
def test_without_a_search_nothing_is_called_built_in():
    row = judged(chooser({"c": above(0.0)}), 16, search=False)["c"]
    assert (row.verdict, row.share, row.searched) == ("holds", 1.0, 0)


@pytest.mark.property
def test_without_a_doubt_in_the_priors_nothing_is_called_built_in():
    """A scenario of fixed numbers has one world, so that nothing is left to chance; that nothing else was possible says nothing about the claim."""
    builder = Builder("certain").clock(periods=1).parameter("precision", 1).player("me").turn("me", options={"go": {}, "stay": {}})
    row = judged(builder.claim("c", "C", test=above(0.4)).scenario(), 4)["c"]
    assert (row.verdict, row.hinge) == ("holds", None)
    assert (row.share, row.low, row.high, row.settled) == (1.0, 1.0, 1.0, True)
    assert row.hinge_text() == "nothing varies: every world is the same"


@pytest.mark.property
def test_what_is_built_in_is_nothing_else():
    """However few worlds there are: the interval speaks of the sample, but no world was found that turns it."""
    row = judged(chooser({"c": above(0.0)}, noise=2), 8)["c"]
    assert row.low < 0.9
    assert (row.verdict, row.may_be, row.settled) == (BUILT_IN, (BUILT_IN,), True)


@pytest.mark.property
def test_what_is_true_in_every_weighted_world_is_true_in_all_of_them():
    """Weights that sum to 1 but for rounding must not leave a little under 1, which would read as more than 99 %."""
    worlds = sample(watched({"c": {"left": {"choice": "mover.go"}, "is": "above", "right": 0.0}}), 40, record=going(0), workers=1)
    log_likelihood = np.array([world.log_likelihood for world in worlds.worlds])
    rounded = False
    for temper in np.linspace(0.1, 1.0, 30):
        weights = weigh(log_likelihood, float(temper))
        rounded |= float(weights.values @ np.ones(40)) < 1.0
        assert tally(dataclasses.replace(worlds, weights=weights), "c").share == 1.0
    assert rounded


@pytest.mark.paper
def test_the_strongest_counter_world_is_the_one_most_against_the_verdict():
    verdicts = judged(chooser({"c": DECIDED}), 64, search=False)
    lowest = min(verdicts.worlds.worlds, key=lambda world: world.parameters["gain"])
    assert verdicts["c"].strongest.world == lowest
    assert verdicts["c"].strongest.margin == lowest.findings["c"].margin < 0


@pytest.mark.paper
def test_without_a_record_the_counter_world_is_the_one_nearest_to_the_middle_of_the_priors():
    """It fails where the gain is below 0.3, so that is the one just below."""
    verdicts = judged(chooser({"c": DECIDED}), 64, search=False)
    gains = sorted(world.parameters["gain"] for world in verdicts.worlds.worlds)
    counter = verdicts["c"].counter
    assert counter.world.parameters["gain"] == max(gain for gain in gains if gain < 0.3)
    assert counter.margin < 0
    assert not counter.searched
    assert counter.more_plausible == sum(abs(gain - 0.5) < 0.5 - counter.world.parameters["gain"] for gain in gains)


@pytest.mark.property
def test_with_a_record_the_counter_world_is_the_one_that_foresaw_it_best():
    worlds = sample(watched(EAGER), 32, record=going(0, 1, 2), workers=1)
    counter = judge(worlds, search=False, workers=1)["c"].counter
    false = [world for world in worlds.worlds if not world.findings["c"].holds]
    assert counter.world == max(false, key=lambda world: world.log_likelihood)
    assert counter.more_plausible == sum(world.log_likelihood > counter.world.log_likelihood for world in worlds.worlds)


# --- weighted by the record ----------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_the_share_is_the_weight_of_the_worlds_in_which_it_is_true():
    worlds = sample(watched(EAGER), 64, record=going(0, 1, 2), temper=1.0, workers=1)
    row = judge(worlds, search=False)["c"]
    eagerness = np.array([world.parameters["eagerness"] for world in worlds.worlds])
    likelihood = (1 / (1 + np.exp(-eagerness))) ** 3 / 4 + 3 / 32
    expected = likelihood[eagerness > 0].sum() / likelihood.sum()
    assert row.weighted
    assert row.share == pytest.approx(expected, abs=1e-6)
    assert row.share > row.prior_share == 0.75
    assert row.effective == pytest.approx(likelihood.sum() ** 2 / (likelihood**2).sum(), rel=1e-6)
    assert (row.low, row.high) == pytest.approx(interval(row.share, row.effective), abs=1e-12)


@pytest.mark.property
@pytest.mark.parametrize("effective", [9, 12])
def test_a_weighted_verdict_is_refused_when_too_few_worlds_carry_it(effective):
    """The share of the plain sample stands instead, and is marked."""
    worlds = sample(watched(EAGER), 32, record=going(0, 1, 2), workers=1)
    few = np.where(np.arange(32) < effective, 0.0, -np.inf)
    worlds = dataclasses.replace(worlds, weights=weigh(few, temper=1.0))
    row = judge(worlds, search=False)["c"]
    assert worlds.weights.enough == row.weighted == (effective >= 10)
    if row.weighted:
        assert row.effective == pytest.approx(effective)
        assert row.share == pytest.approx(np.mean([world.findings["c"].holds for world in worlds.worlds[:effective]]))
    else:
        assert row.effective == pytest.approx(32)
        assert row.share == row.prior_share
    assert judge(worlds, search=False).table["weighted"].tolist() == [row.weighted]


# --- what cannot be judged -------------------------------------------------------------------------------------------------------------------


def test_a_claim_that_cannot_be_measured_says_why():
    claims = EAGER | {"d": {"left": {"record_bits": {"about": "mover"}}, "is": "above", "right": 0}}
    verdicts = judged(watched(claims), 8)
    row = verdicts["d"]
    assert (row.verdict, row.worlds) == (UNMEASURED, 0)
    assert np.isnan([row.share, row.low, row.high, *row.margin]).all()
    assert "no record was given" in row.problem
    assert row.problem in verdicts.table["problem"].tolist()
    assert verdicts["c"].worlds == 8


@pytest.mark.paper
def test_a_claim_that_can_be_measured_in_some_worlds_says_in_how_many():
    """The option that it speaks of is on the menu where `wide` is 1: in half of the worlds."""
    builder = Builder("menus").clock(periods=1).parameter("precision", 0).parameter("wide", prior={"choice": [0, 1]}).player("me")
    builder.turn("me", options={"go": {}, "stay": {}, "run": {"when": "wide == 1"}})
    row = judged(builder.claim("c", "C", test={"left": {"choice": "me.run"}, "is": "above", "right": 0.3}).scenario(), 32)["c"]
    assert (row.worlds, row.share, row.effective) == (16, 1.0, pytest.approx(16))
    assert "me.run is not on the menu" in row.problem


def test_a_scenario_without_claims_has_nothing_to_judge():
    with pytest.raises(WorldsError, match="makes no claims"):
        judged(chooser({}), 4)


# --- worlds that cannot be computed ----------------------------------------------------------------------------------------------------------


def divided(noise=False, test=None):
    """Going pays 1 / odds, where odds are 0, 1 or 2: a third of the worlds cannot be computed, and in all others going is likelier."""
    builder = Builder("divided").clock(periods=1).parameter("precision", 1).parameter("odds", prior={"choice": [0, 1, 2]}).player("me")
    if noise:
        builder.parameter("noise", prior={"uniform": [0, 1]})
    builder.payoff("me", "gain", on={"me.go": "1 / odds" + (" + 0 * noise" if noise else "")}).turn("me", options={"go": {}, "stay": {}})
    return builder.claim("c", "C", test=test or above(0.5)).scenario()


@pytest.mark.paper
@pytest.mark.parametrize("noise", [False, True])
def test_worlds_that_cannot_be_computed_may_go_either_way(noise):
    """Two thirds are true for certain, so the share lies between them and all; nothing is built in."""
    row = judged(divided(noise), 63)["c"]
    assert (row.worlds, row.share) == (42, 1.0)
    assert row.verdict == "holds"
    low, _ = interval(1.0, 42)
    assert row.low == pytest.approx(low * 42 / 63)
    assert row.high == 1.0
    assert not row.settled
    lost, tried = (int(row.problem.split()[place]) for place in (0, 2))
    assert lost >= 21
    assert tried - lost == 42 + row.searched
    assert "odds = 0" in row.problem


@pytest.mark.paper
def test_a_share_of_nothing_but_false_worlds_reaches_up_to_those_that_could_not_be_computed():
    row = judged(divided(test={"left": CHOICE, "is": "below", "right": 0.5}), 63, search=False)["c"]
    assert (row.share, row.low) == (0.0, 0.0)
    assert row.high == pytest.approx(interval(0.0, 42)[1] * 42 / 63 + 21 / 63)


# --- phrases -----------------------------------------------------------------------------------------------------------------------------


def accident(phrase, of, chance=(0.0001, 0.005)):
    """An alert that goes wrong with a small chance; going on alert is certain, as it is the only option."""
    builder = Builder("accident").clock(periods=1).parameter("precision", 1).parameter("p", prior={"uniform": list(chance)}).player("me")
    builder.state("s", values=["calm", "war"], start="calm").end("war", "s == war")
    outcomes = {"bang": {"chance": "p", "set": {"s": "war"}}, "safe": {"chance": "rest"}}
    builder.turn("me", options={"alert": {"outcomes": outcomes}})
    return builder.claim("c", "C", test={"of": {"chance_of_end": of}, "phrase": phrase}).scenario()


@pytest.mark.paper
@pytest.mark.parametrize(("phrase", "of", "where"), [("remote", "war", "below the 1 to 5 %"), ("almost certain", "time_up", "above the 95 to 99 %")])
def test_a_chance_beyond_an_outermost_phrase_agrees_with_it_and_is_told(phrase, of, where):
    verdicts = judged(accident(phrase, of), 16)
    assert verdicts["c"].share == 1.0
    (content,) = claims_content(verdicts)
    assert not content["against"]
    assert content["stated"]["beyond"]
    assert content["stated"]["agrees"]
    assert where in content["stated"]["text"]
    assert "open-ended" in content["stated"]["text"]
    assert content["stated"]["quantiles"][1] == pytest.approx(0.00255 if of == "war" else 0.99745, abs=4e-4)


@pytest.mark.paper
def test_a_chance_outside_an_inner_phrase_goes_against_it_and_is_told():
    (content,) = claims_content(judged(accident("unlikely", "war"), 16), stories=[])
    assert (content["share"], content["against"]) == (0.0, True)
    assert "below the 20 to 45 % of `unlikely`" in content["stated"]["text"]
    assert "open-ended" not in content["stated"]["text"]


@pytest.mark.paper
def test_a_chance_within_its_phrase_needs_no_word():
    (content,) = claims_content(judged(accident("remote", "war", (0.02, 0.04)), 16))
    assert (content["share"], content["stated"]["text"]) == (1.0, "")
