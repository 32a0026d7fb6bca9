"""Every measure of a claim against numbers known by pen and paper, and every test form against its margin."""

from __future__ import annotations

from math import exp, log, log2

import pytest

from standoff.scenario import Builder, load, resolve
from standoff.scenario.phrases import PHRASES
from standoff.solve.grid import box
from standoff.verdicts import judge
from standoff.verdicts.judge import NEVER
from standoff.worlds import Task, sample
from standoff.worlds.world import measured, structures_of
from toys import going, watched

ODD_LOG = log(3)
"""Eagerness at which a hawk goes with chance 3/4; a dove goes with chance 1/2, and one mover in four is a hawk."""

GO = 9 / 16


def logistic(x):
    return 1 / (1 + exp(-x))


def finding(scenario, *, record=None, **parameters):
    """The finding of claim `c` in one world."""
    canonical = resolve(scenario)
    levels = box((2,) * sum(len(player.types) - 1 for player in canonical.players))
    world = measured(Task(canonical, record, (levels,), 1e-2), structures_of(canonical), 0, parameters, 0)
    return world.findings["c"]


def number(make, quantity, **arguments):
    """The value of a quantity in a scenario that `make` makes with a claim about it."""
    found = finding(make({"c": {"left": quantity, "is": "above", "right": 0}}), **arguments)
    assert found.problem == ""
    assert found.margin == found.numbers[0]
    return found.numbers[0]


def problem(make, quantity, **arguments):
    found = finding(make({"c": {"left": quantity, "is": "above", "right": 0}}), **arguments)
    assert found.margin != found.margin  # NaN
    assert not found.holds
    return found.problem


def stopping(claims):
    """Three periods of blind choice: going ends the game, staying continues; the odds of going are weight * (1 + drift * period)."""
    builder = Builder("stopping").clock(periods=3, discount=0.5).parameter("precision", 0).parameter("weight", 1).parameter("drift", 0)
    builder.state("gone", values=[False, True], start=False).player("me")
    builder.payoff("me", "prize", on={"me.go": 8}, ends={"done": 4}).payoff("me", "patience", on={"me.stay": 1}).payoff("me", "flow", each_period=2)
    builder.turn("me", options={"go": {"set": {"gone": True}, "propensity": "weight * (1 + drift * period)"}, "stay": {}}).end("done", "gone")
    return with_claims(builder, claims)


def with_claims(builder, claims):
    for name, test in claims.items():
        builder.claim(name, "Claim", test=test)
    return builder.scenario()


def preparing(claims):
    """Two periods: going pays 1, or 2 when one has stayed before; `toll` is lost by going."""
    builder = Builder("preparing").clock(periods=2).parameter("precision", 1).parameter("toll", 0.25)
    builder.state("ready", values=[False, True], start=False).player("me")
    builder.payoff("me", "gain", on={"me.go": "2 if ready else 1"}).payoff("me", "cost", on={"me.go": "-toll"})
    builder.turn("me", options={"go": {}, "stay": {"set": {"ready": True}}})
    return with_claims(builder, claims)


def crowded(claims):
    """Three options with weights 1, 2 and 5, the last only in the first period."""
    builder = Builder("crowded").clock(periods=2).parameter("precision", 0).player("me")
    options = {"a": {}, "b": {"propensity": 2}, "c": {"propensity": 5, "when": "period == 0"}}
    return with_claims(builder.turn("me", options=options), claims)


def haunted(claims):
    """`ghost` has a turn, an event and a covert option that never come; `me` chooses blindly between two options."""
    builder = Builder("haunted").clock(periods=2).parameter("precision", 0).player("me", types={"hawk": 0.5, "dove": "rest"}).player("ghost")
    builder.turn("me", options={"a": {}, "b": {}}).turn(
        "ghost", when="period > 5", options={"vanish": {}, "stay": {"outcomes": {"x": {"chance": 1}}}}
    )
    builder.turn("ghost", name="night", when="period > 5", options={"howl": {"covert": {"heard": 1}}}, signals={"heard": {}})
    return with_claims(builder.event("storm", when="period > 5", outcomes={"rain": {"chance": 1}}), claims)


# --- chances, counts, ends, states -----------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ({"chance_of_move": "me.go"}, 7 / 8),
        ({"chance_of_move": "me.go", "until": 1}, 3 / 4),
        ({"chance_of_move": "me.go", "at": {"at": 2}}, 1 / 2),
        ({"chance_of_move": ["me.go", "me.stay"]}, 1),
        ({"chance_of_move": "me.go", "scale": "log_odds"}, log(7)),
        ({"count_of_move": "me.stay"}, 7 / 8),
        ({"count_of_move": "me.stay", "until": 0}, 1 / 2),
        ({"count_of_move": ["me.go", "me.stay"]}, 7 / 4),
        ({"chance_of_end": "done"}, 7 / 8),
        ({"chance_of_end": "time_up"}, 1 / 8),
        ({"chance_of_end": ["done", "time_up"]}, 1),
        ({"chance_of_end": "done", "until": 0}, 1 / 2),
        ({"chance_of_state": "gone"}, 7 / 8),
        ({"chance_of_state": "period == 1"}, 1 / 2),
        ({"chance_of_state": "gone", "until": 1}, 3 / 4),
        ({"chance_of_state": "not gone"}, 1 / 2),
    ],
)
def test_chances_and_counts(quantity, expected):
    assert number(stopping, quantity) == pytest.approx(expected, abs=1e-12)


@pytest.mark.paper
@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ({"choice": "me.go"}, 1 / 2),
        ({"choice": "me.go", "with": {"weight": 3}}, 3 / 4),
        ({"choice": "me.go", "with": {"weight": 3}, "scale": "log_odds"}, log(3)),
        ({"choice": "me.go", "with": {"drift": 1}, "at": {"at": 2}}, 3 / 4),
        ({"choice": "me.go", "with": {"drift": 1}, "over": [0, 2]}, (1 / 2 + 2 / 3 + 3 / 4) / 3),
        ({"choice": "me.go", "with": {"drift": 1}, "over": [0, 2], "scale": "log_odds"}, (log(1) + log(2) + log(3)) / 3),
        ({"chance_of_move": "me.go", "with": {"weight": 3}}, 1 - 1 / 64),
        ({"chance_of_move": "me.go", "with": {"drift": 1}, "over": [1, 2]}, (1 - 1 / 12 + 3 / 4) / 2),
        ({"chance_of_move": "me.go", "do": [{"force": "me.go", "now": True}]}, 1),
        ({"chance_of_move": "me.go", "do": [{"force": "me.stay"}]}, 0),
        ({"chance_of_move": "me.go", "do": [{"force": "me.stay", "now": True}]}, 3 / 4),
        ({"chance_of_move": "me.go", "do": [{"forbid": "me.go", "first": 1}]}, 1 / 2),
        ({"chance_of_move": "me.go", "do": [{"force": "me.stay", "now": True}], "over": [1, 2]}, (1 / 2 + 0) / 2),
        ({"chance_of_end": "done", "do": [{"forbid": "me.go", "first": 0, "last": 1}], "with": {"weight": 4}}, 4 / 5),
        ({"difference": [{"choice": "me.go", "with": {"weight": 3}}, {"chance_of_end": "time_up"}]}, 3 / 4 - 1 / 8),
    ],
)
def test_modifiers(quantity, expected):
    """Other parameters, forced and forbidden moves (`now` is the period of the point), later points and averages over periods."""
    assert number(stopping, quantity) == pytest.approx(expected, abs=1e-12)


@pytest.mark.paper
@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        # backwards from the last period: 1/2 of what going pays now, 1/2 of what staying pays now and half of what follows
        ({"value": "me"}, 9.84375),
        ({"value": "me", "components": ["prize"]}, 7.875),
        ({"value": "me", "components": ["patience"]}, 0.65625),
        ({"value": "me", "components": ["flow"]}, 1.3125),
        ({"value": "me", "components": ["prize", "flow"]}, 9.1875),
        ({"value": "me", "at": {"at": 2}}, 7.5),
        ({"value": "me", "do": [{"force": "me.go", "now": True}]}, 12),
        ({"value": "me", "do": [{"force": "me.stay"}]}, 3 * (1 + 1 / 2 + 1 / 4)),
        ({"value": "me", "over": [1, 2]}, (9.375 + 7.5) / 2),
    ],
)
def test_values_and_their_components(quantity, expected):
    assert number(stopping, quantity) == pytest.approx(expected, abs=1e-12)


# --- choices ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ({"choice": "me.a"}, 1 / 8),
        ({"choice": "me.a", "at": {"at": 1}}, 1 / 3),
        ({"choice": "me.a", "against": "me.b"}, 1 / 3),
        ({"choice": "me.a", "against": "me.b", "scale": "log_odds"}, -log(2)),
        ({"choice": "me.a", "scale": "log_odds"}, -log(7)),
    ],
)
def test_a_choice_against_one_option_does_not_mind_the_rest_of_the_menu(quantity, expected):
    assert number(crowded, quantity) == pytest.approx(expected, abs=1e-12)


@pytest.mark.paper
@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        ({"choice": "mover.go"}, GO),
        ({"choice": "mover.go", "type": "hawk"}, 3 / 4),
        ({"choice": "mover.go", "type": "dove"}, 1 / 2),
        ({"choice": "mover.go", "at": {"beliefs": {"mover": {"hawk": 0.8}}}}, 0.8 * 3 / 4 + 0.2 / 2),
        ({"choice": "mover.go", "at": {"at": "2020-01-16", "beliefs": {"mover": {"hawk": 1}}}}, 3 / 4),
        ({"choice": "mover.go", "scale": "log_odds"}, log(9 / 7)),
        ({"choice": "mover.go", "type": "hawk", "against": "mover.stay", "scale": "log_odds"}, ODD_LOG),
        ({"difference": [{"choice": "mover.go", "type": "hawk"}, {"choice": "mover.go", "type": "dove"}]}, 1 / 4),
        ({"count_of_move": "mover.go"}, 3 * GO),
        ({"chance_of_move": "mover.go"}, 1 - (1 / 4 / 64 + 3 / 4 / 8)),
        ({"count_of_move": "mover.go", "do": [{"force": "mover.go", "now": True}]}, 1 + 2 * GO),
        ({"count_of_move": "mover.go", "at": {"beliefs": {"mover": {"dove": 1}}}}, 3 / 2),
        ({"value": "mover", "type": "hawk"}, 3 * 3 / 4 * ODD_LOG),
        ({"value": "mover", "type": "dove"}, 0),
        ({"value": "mover"}, 3 / 4 * 3 / 4 * ODD_LOG),
        ({"value": "mover", "at": {"beliefs": {"mover": {"hawk": 0.5}}}}, 3 / 2 * 3 / 4 * ODD_LOG),
        ({"value": "mover", "do": [{"force": "mover.go"}]}, 3 / 4 * ODD_LOG),
    ],
)
def test_types_are_averaged_by_what_is_believed_at_the_point(quantity, expected):
    assert number(watched, quantity, eagerness=ODD_LOG) == pytest.approx(expected, abs=1e-9)


# --- motives ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(
    ("components", "expected"),
    [
        # staying first makes going worth 2 in the second period; the toll is paid whenever one goes
        (["gain"], 1 + logistic(0.75) - 2 * logistic(1.75)),
        (["cost"], -0.25 - 0.25 * logistic(0.75) + 0.25 * logistic(1.75)),
    ],
)
def test_a_motive_counts_what_follows(components, expected):
    motive = {"option": "me.go", "against": "me.stay", "components": components}
    assert number(preparing, {"motive": motive}) == pytest.approx(expected, abs=1e-12)


@pytest.mark.paper
def test_a_motive_is_in_log_odds_by_type():
    motive = {"option": "mover.go", "against": "mover.stay", "components": ["taste"]}
    assert number(watched, {"motive": motive}, eagerness=ODD_LOG) == pytest.approx(ODD_LOG / 4, abs=1e-9)
    assert number(watched, {"motive": motive | {"type": "hawk"}}, eagerness=ODD_LOG) == pytest.approx(ODD_LOG, abs=1e-9)
    assert number(watched, {"motive": motive | {"type": "dove"}}, eagerness=ODD_LOG) == pytest.approx(0, abs=1e-9)
    assert number(watched, {"motive": motive | {"type": "hawk"}}, eagerness=ODD_LOG, precision=2) == pytest.approx(2 * ODD_LOG, abs=1e-9)
    turned = {"option": "mover.stay", "against": "mover.go", "components": ["taste"]}
    assert number(watched, {"motive": turned}, eagerness=ODD_LOG) == pytest.approx(-ODD_LOG / 4, abs=1e-9)


def bundled(name):
    """The bundled scenario with other claims."""

    def make(claims):
        tests = {key: {"text": "Claim", "test": test} for key, test in claims.items()}
        scenario = load(name)
        return type(scenario).model_validate(scenario.model_dump(by_alias=True, exclude_none=True) | {"claims": tests})

    return make


@pytest.mark.property
@pytest.mark.parametrize(
    ("name", "option", "against", "kind", "components"),
    [
        ("one-shot-threat", "challenger.threaten", "challenger.stay_silent", "bluffing", ["gain", "fighting", "audience"]),
        ("repeated-signalling", "challenger.press", "challenger.hold", "weak", ["prize", "face", "war"]),
        ("patron-and-proxy", "proxy.attack", "proxy.hold", "eager", ["cause", "punished"]),
        ("patron-and-proxy", "patron.arm", "patron.refrain", "passive", ["ambition", "mischief", "war"]),
    ],
)
def test_all_motives_together_are_the_log_odds_of_the_choice(name, option, against, kind, components):
    """Values are linear in components under fixed play: what all of them say together is what is done (propensities being equal)."""
    motives = {"motive": {"option": option, "against": against, "components": components, "type": kind}}
    chosen = {"choice": option, "against": against, "type": kind, "scale": "log_odds"}
    found = finding(bundled(name)({"c": {"left": motives, "is": "above", "right": chosen}}))
    assert found.numbers[0] == pytest.approx(found.numbers[1], abs=1e-6)
    assert abs(found.numbers[0]) > 0.01


# --- information -------------------------------------------------------------------------------------------------------------------------


def divergence(after, before):
    return sum(q * log2(q / p) for q, p in zip(after, before, strict=True) if q > 0)


GOING, STAYING = divergence((1 / 3, 2 / 3), (1 / 4, 3 / 4)), divergence((1 / 7, 6 / 7), (1 / 4, 3 / 4))


@pytest.mark.paper
@pytest.mark.parametrize(
    ("bits", "at", "expected"),
    [
        ({"move": "mover.go", "about": "mover"}, {}, GOING),
        ({"move": "mover.stay", "about": "mover"}, {}, STAYING),
        ({"about": "mover"}, {"turn": "mover"}, GO * GOING + (1 - GO) * STAYING),
        ({"move": "mover.go", "about": "mover"}, {"beliefs": {"mover": {"hawk": 0.5}}}, divergence((0.6, 0.4), (0.5, 0.5))),
        ({"move": "mover.go", "about": "mover"}, {"beliefs": {"mover": {"hawk": 1}}}, 0),
    ],
)
def test_bits_are_the_divergence_of_the_posterior(bits, at, expected):
    assert number(watched, {"bits": bits} | ({"at": at} if at else {}), eagerness=ODD_LOG) == pytest.approx(expected, abs=1e-9)


@pytest.mark.paper
def test_record_bits_are_those_of_told_steps():
    """Going in the first and third week; the silent second week says something too, which is not counted as told."""
    expected = divergence((1 / 3, 2 / 3), (1 / 4, 3 / 4)) + divergence((3 / 11, 8 / 11), (1 / 5, 4 / 5))
    for bits in ({"move": "mover.go", "about": "mover"}, {"about": "mover"}):
        assert number(watched, {"record_bits": bits}, eagerness=ODD_LOG, record=going(0, 2)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.paper
@pytest.mark.parametrize("measure", ["choice", "count_of_move"])
def test_a_point_may_start_from_what_the_record_leaves(measure):
    """After going once and staying twice a hawk is believed in by 1/9."""
    expected = (1 / 9 * 3 / 4 + 8 / 9 / 2) * (3 if measure == "count_of_move" else 1)
    found = number(watched, {measure: "mover.go", "at": {"after_record": True}}, eagerness=ODD_LOG, record=going(0))
    assert found == pytest.approx(expected, abs=1e-9)


# --- points ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(
    ("at", "expected"),
    [({}, logistic(0.75 + logistic(0.75) * 0.75 - logistic(1.75) * 1.75)), ({"state": {"ready": True}}, logistic(1.75)), ({"at": 1}, logistic(0.75))],
)
def test_a_point_may_declare_a_state_that_play_has_not_reached(at, expected):
    assert number(preparing, {"choice": "me.go", "at": {"turn": "me", **at}}) == pytest.approx(expected, abs=1e-12)


@pytest.mark.paper
def test_a_date_of_the_calendar_is_a_point():
    def make(claims):
        builder = Builder("dated").clock(periods=3).date("vote", 2).parameter("precision", 0).player("me")
        return with_claims(builder.turn("me", options={"go": {"propensity": "3 if on(vote) else 1"}, "stay": {}}), claims)

    assert number(make, {"choice": "me.go", "at": {"at": "vote"}}) == pytest.approx(3 / 4)
    assert number(make, {"choice": "me.go", "over": [1, "vote"]}) == pytest.approx(5 / 8)
    assert number(make, {"count_of_move": "me.go", "until": "vote"}) == pytest.approx(7 / 4)


# --- what cannot be measured -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "quantity", "why"),
    [
        (stopping, {"choice": "me.go", "at": {"turn": "me", "state": {"gone": True}}}, "the game is over"),
        (stopping, {"chance_of_move": "me.go", "at": {"turn": "me", "state": {"gone": True}}}, "the game is over"),
        (haunted, {"bits": {"about": "me"}, "at": {"turn": "ghost"}}, "at the turn ghost of period 0 in that state nobody moves"),
        (haunted, {"chance_of_move": "me.a", "at": {"turn": "ghost"}}, "at the turn ghost of period 0 in that state nobody moves"),
        (haunted, {"value": "me", "at": {"turn": "ghost"}}, "nobody moves"),
        (crowded, {"choice": "me.c", "at": {"at": 1}}, "me.c is not on the menu at that point; it offers me.a, me.b"),
        (crowded, {"choice": "me.a", "against": "me.c", "at": {"at": 1}}, "me.c is not on the menu"),
        (watched, {"record_bits": {"about": "mover"}}, "no record was given"),
        (watched, {"choice": "mover.go", "at": {"after_record": True}}, "no record was given"),
        (watched, {"chance_of_move": "mover.go", "at": {"after_record": True}}, "no record was given"),
    ],
)
def test_what_cannot_be_measured_says_why(make, quantity, why):
    assert why in problem(make, quantity)


def test_a_record_that_never_tells_a_move_says_so():
    assert "the record never tells mover.stay of mover" in problem(
        watched, {"record_bits": {"move": "mover.stay", "about": "mover"}}, record=going(0)
    )


@pytest.mark.parametrize("bad", [{"choice": "me.c", "at": {"at": 1}}, {"choice": "me.a", "with": {"weight": -1}}])
def test_one_claim_that_cannot_be_measured_does_not_spoil_the_others(bad):
    builder = Builder("spoilt").clock(periods=2).parameter("precision", 0).parameter("weight", 3).player("me")
    builder.turn("me", options={"a": {}, "b": {"propensity": "weight"}, "c": {"when": "period == 0"}})
    claims = {"bad": {"left": bad, "is": "above", "right": 0}, "c": {"left": {"choice": "me.b", "at": {"at": 1}}, "is": "above", "right": 0.5}}
    found = finding(with_claims(builder, claims))
    assert (found.margin, found.problem) == (pytest.approx(1 / 4), "")
    assert finding(with_claims(builder, {"c": claims["bad"]})).problem


@pytest.mark.paper
def test_a_move_that_no_state_allows_has_no_chance():
    builder = Builder("never").clock(periods=2).parameter("precision", 0).player("me")
    builder.turn("me", options={"a": {}, "b": {"when": "period > 5"}})
    found = finding(with_claims(builder, {"c": {"nil": {"chance_of_move": "me.b"}, "within": 0.1}}))
    assert (found.numbers, found.margin) == ((0.0,), 0.1)


@pytest.mark.paper
@pytest.mark.parametrize("move", ["ghost.vanish", "ghost.stay/x", "ghost.howl", "ghost.heard", "storm/rain"])
@pytest.mark.parametrize("measure", ["chance_of_move", "count_of_move"])
def test_a_move_whose_turn_never_comes_has_no_chance(measure, move):
    """Beside a move that is made half the time, it adds nothing."""
    assert number(haunted, {measure: move}) == 0.0
    assert number(haunted, {measure: [move, "me.a"], "until": 0}) == 0.5


def test_a_claim_about_a_move_whose_turn_never_comes_is_one_that_never_occurs():
    scenario = haunted({"c": {"left": {"chance_of_move": "ghost.vanish"}, "is": "above", "right": {"chance_of_move": "storm/rain"}}})
    verdict = judge(sample(scenario, 2, workers=1), search=False)["c"]
    assert verdict.verdict == NEVER
    assert "the move ghost.vanish" in verdict.problem


# --- tests and their margins -------------------------------------------------------------------------------------------------------------


HALF, QUARTERS = {"choice": "me.go"}, {"choice": "me.go", "with": {"weight": 3}}


@pytest.mark.paper
@pytest.mark.parametrize(
    ("test", "margin"),
    [
        ({"left": QUARTERS, "is": "above", "right": HALF}, 1 / 4),
        ({"left": QUARTERS, "is": "below", "right": HALF}, -1 / 4),
        ({"left": QUARTERS, "is": "above", "right": HALF, "by": 0.1}, 0.15),
        ({"left": HALF, "is": "below", "right": QUARTERS, "by": 0.3}, -0.05),
        ({"left": HALF, "is": "above", "right": 0.5}, 0),
        ({"nil": {"difference": [HALF, QUARTERS]}, "within": 0.3}, 0.05),
        ({"nil": {"difference": [QUARTERS, HALF]}, "within": 0.2}, -0.05),
        ({"of": HALF, "range": [0.4, 0.8]}, 0.1),
        ({"of": HALF, "range": [0.6, 0.8]}, -0.1),
        ({"of": QUARTERS, "phrase": "likely"}, 0.05),
        ({"all": [{"left": QUARTERS, "is": "above", "right": 0.5}, {"left": HALF, "is": "above", "right": 0.4}]}, 0.1),
        ({"any": [{"left": QUARTERS, "is": "above", "right": 0.5}, {"left": HALF, "is": "above", "right": 0.4}]}, 1 / 4),
        (
            {
                "any": [
                    {"left": HALF, "is": "above", "right": 0.9},
                    {"all": [{"nil": HALF, "within": 0.6}, {"left": HALF, "is": "below", "right": 0.7}]},
                ]
            },
            0.1,
        ),
    ],
)
def test_margins(test, margin):
    found = finding(stopping({"c": test}))
    assert found.margin == pytest.approx(margin, abs=1e-12)
    assert found.holds == (found.margin > 0)


@pytest.mark.published
@pytest.mark.parametrize(
    ("phrase", "low", "high"),
    [
        ("almost no chance", 0.01, 0.05),
        ("very unlikely", 0.05, 0.20),
        ("unlikely", 0.20, 0.45),
        ("roughly even chance", 0.45, 0.55),
        ("likely", 0.55, 0.80),
        ("very likely", 0.80, 0.95),
        ("almost certain", 0.95, 0.99),
    ],
)
def test_phrases_have_the_ranges_of_icd_203(phrase, low, high):
    """Intelligence Community Directive 203 (2 January 2015), section D.6.e.(2).(a)."""
    assert PHRASES[phrase] == (low, high)
    # Nothing is too unlikely to be called remote, nor too likely to be called almost certain.
    for p, inside in [((low + high) / 2, True), (low - 0.005, low == 0.01), (high + 0.005, high == 0.99)]:
        found = finding(stopping({"c": {"of": HALF, "phrase": phrase}}), weight=p / (1 - p))
        assert found.holds == inside


@pytest.mark.paper
@pytest.mark.parametrize(
    ("phrase", "p", "margin"),
    [
        ("remote", 0.0, 0.05),
        ("almost no chance", 0.002, 0.048),
        ("nearly certain", 1.0, 0.05),
        ("almost certainly", 0.998, 0.048),
        ("likely", 0.9, -0.1),
    ],
)
def test_the_margin_of_an_outermost_phrase_is_the_distance_from_its_inner_end(phrase, p, margin):
    moved = {"chance_of_move": "me.go", "until": 0} | ({"do": [{"force": "me.go" if p else "me.stay"}]} if p in (0.0, 1.0) else {})
    found = finding(stopping({"c": {"of": moved, "phrase": phrase}}), weight=p / (1 - p) if 0.0 < p < 1.0 else 1.0)
    assert found.numbers[0] == pytest.approx(p, abs=1e-9)
    assert found.margin == pytest.approx(margin, abs=1e-9)
    assert found.holds == (margin > 0)


@pytest.mark.paper
def test_a_probability_cannot_pass_the_end_of_a_range_at_0_or_1():
    always = {"chance_of_move": "me.go", "until": 0, "do": [{"force": "me.go"}]}
    assert finding(stopping({"c": {"of": always, "range": [0.8, 1]}})).margin == pytest.approx(0.2, abs=1e-9)
    assert finding(stopping({"c": {"of": always, "range": [0, 1]}})).holds
    # A value can: the prize of going at once, 8, and the flow of 2 and 4 at the end are 14.
    assert not finding(stopping({"c": {"of": {"value": "me"} | {"do": [{"force": "me.go"}]}, "range": [0, 1]}})).holds
