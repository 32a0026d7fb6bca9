"""Bad and odd games: each is refused with place, value and remedy, or answered rightly."""

from __future__ import annotations

import datetime as dt
import math
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import standoff as so
from games import dilemma, with_precision
from standoff.cli.app import app
from standoff.errors import BuildError, ExportError, GameTooLargeError, RecordError, ScenarioError, SolveError
from standoff.export import export
from standoff.export.efg import count_plays
from standoff.record import Event, Record
from standoff.report import checked
from standoff.scenario import Builder, check
from standoff.solve import exact, solve, solver

ODD = """\
standoff: 1
name: odd
clock: {{periods: {periods}, discount: {discount}}}
parameters:
  precision: {{value: {precision}}}
state:
  heat: {{range: [0, 2], start: 0}}
players:
  ann:
    types: {types}
    payoffs: {{taste: {{on: {{ann.a: "{taste}", bob.u: 1}}}}, warmth: {{each_period: heat}}}}
  bob:
    payoffs: {{taste: {{on: {{bob.u: 1, ann.a: -1}}}}}}
turns:
  - {{player: ann, options: {options}}}
  - {{player: bob, options: {{u: {{}}, v: {{}}}}}}
"""
SOUND = {
    "periods": 1,
    "discount": 1,
    "precision": 1,
    "types": "{low: 0.5, top: rest}",
    "taste": "2 if type == low else 1",
    "options": "{a: {}, b: {}}",
}
THOUSAND = "{" + ", ".join(f"k{i}: 0.001" for i in range(1000)) + "}"


@pytest.fixture
def odd(tmp_path):
    """Write the scenario with some of it replaced; load it with values set from outside."""

    def written(given=None, **fields):
        path = tmp_path / "odd.yaml"
        path.write_text(ODD.format(**(SOUND | fields)), encoding="utf-8")
        return path if given is None else so.load(path, given)

    return written


def first_choice(scenario, **parameters):
    solved = solve(so.build(scenario, parameters), workers=1)
    assert solved.certificate.met
    return solved.policy()


def logit(*payoffs):
    weights = np.exp(payoffs)
    return weights / weights.sum()


# --- numbers -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_precision_nought_is_even_odds(odd):
    for policy in (first_choice(odd({}, precision=0)), first_choice(odd({}), precision=0.0), first_choice(odd({"precision": 0}))):
        assert np.array_equal(policy.values, np.full((2, 2), 0.5))


@pytest.mark.parametrize("value", [-1.0, math.inf, -math.inf, math.nan])
def test_precision_that_is_no_precision_is_refused(odd, value):
    with pytest.raises(BuildError, match=r"precision.* is -?(1|inf|nan); it must be a (finite number|number, 0 or more)"):
        so.build(odd({}), {"precision": value})
    if math.isfinite(value):
        return
    text = {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    with pytest.raises(ScenarioError, match=r"odd\.yaml:5:22: parameters\.precision\.value: .*found -?(inf|nan); allowed: a finite number"):
        odd({}, precision=text)
    with pytest.raises(ScenarioError, match=r"parameters\.precision\.value: the value is not finite; found"):
        odd({"precision": value})


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("precision=-1", ["the precision of ann is -1", "0 or more"]),
        ("precision=inf", ["--set precision", "found inf", "allowed: a number"]),
        ("precision=nan", ["--set precision", "found nan", "allowed: a number"]),
        ("clock.discount=0", ["clock.discount", "found 0", "above 0, at most 1"]),
        ("clock.discount=1.5", ["clock.discount", "found 1.5", "above 0, at most 1"]),
        ("clock.discount=-1", ["clock.discount", "found -1", "above 0, at most 1"]),
        ("clock.periods=0", ["clock.periods", "found 0", "at least 1"]),
    ],
)
def test_bad_numbers_from_the_command_line_are_refused(odd, given, words):
    done = CliRunner().invoke(app, ["solve", str(odd()), "--set", given])
    assert done.exit_code != 0
    shown = " ".join(f"{done.output} {done.exception}".split())
    assert [word for word in words if word not in shown] == []


@pytest.mark.parametrize(("text", "found"), [("0", "0"), ("1.01", "1.01"), ("-0.5", "-0.5"), (".nan", "nan"), (".inf", "inf")])
def test_a_discount_outside_0_to_1_is_refused(odd, text, found):
    with pytest.raises(ScenarioError, match=rf"odd\.yaml:3:31: clock\.discount: .*found {found}; allowed: "):
        odd({}, discount=text)


@pytest.mark.paper
def test_a_discount_of_1_is_none():
    def value(discount):
        builder = with_precision(Builder("flow").clock(periods=3, discount=discount)).player("me").payoff("me", "flow", each_period=1)
        return exact(so.build(builder.turn("me", options={"a": {}, "b": {}}).scenario())).value("me").item()

    assert value(1) == 3.0
    assert value(0.5) == pytest.approx(1.75, abs=1e-15)


def test_payoffs_too_large_for_the_precision_are_refused(odd):
    with pytest.raises(BuildError, match=r"the precision of ann is 1 and its largest payoff 1e\+12: .* Lower the precision"):
        so.build(odd({}, taste="1e12 if type == low else 1e-12"))


@pytest.mark.paper
def test_large_payoffs_beside_tiny_ones_are_answered_where_precision_allows(odd):
    policy = first_choice(odd({}, taste="1e12 if type == low else 1e-12", precision="1e-12"))
    assert policy.values == pytest.approx(np.array([logit(1, 0), [0.5, 0.5]]), abs=1e-12)


# --- chance and priors ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_a_branch_without_a_chance_changes_nothing(odd):
    """Whether it hangs on a type or not."""
    by_type = "{outcomes: {x: {chance: '0 if type(ann) == low else 0'}, y: {chance: rest}}}"
    never = f"{{a: {{outcomes: {{war: {{chance: 0, set: {{heat: 2}}}}, peace: {{chance: 1}}}}}}, b: {by_type}}}"
    plain, gated = (solve(so.build(odd({}, **fields)), workers=1) for fields in ({}, {"options": never}))
    assert gated.policy().values == pytest.approx(plain.policy().values, abs=1e-12)
    for player in ("ann", "bob"):
        assert gated.value(player).values == pytest.approx(plain.value(player).values, abs=1e-12)
    assert count_plays(gated.game) == count_plays(plain.game)


@pytest.mark.paper
@pytest.mark.parametrize("types", ["{low: 1, top: rest}", "{low: 1, top: 0}", "{low: 0, top: 1}"])
def test_types_that_are_certain_or_excluded_are_answered(odd, types):
    """An excluded type is still asked what it would do."""
    assert first_choice(odd({}, types=types)).values == pytest.approx(np.array([logit(2, 0), logit(1, 0)]), abs=1e-12)


@pytest.mark.parametrize(
    ("types", "words"),
    [
        ("{low: 0.7, top: 0.7}", r"odd\.yaml:10:12: players\.ann\.types: the probabilities sum to more than 1; found 1\.4"),
        ("{low: 0.2, top: 0.2}", r"players\.ann\.types: the probabilities sum to less than 1; found 0\.4; allowed: 1; make one of them `rest`"),
        ("{low: -0.1, top: rest}", r"odd\.yaml:10:18: players\.ann\.types\.low: the number is out of range; found -0\.1"),
        ("{low: .nan, top: rest}", r"odd\.yaml:10:18: players\.ann\.types\.low: the number is not finite; found nan"),
        ("{}", r"players\.ann\.types: a player has at least one type; leave types out"),
    ],
)
def test_priors_that_are_none_are_refused(odd, types, words):
    with pytest.raises(ScenarioError, match=words):
        odd({}, types=types)


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        ("0.6 + 0.3 * heat", r"the probabilities of ann\.a are 0\.6, 0\.5 \(sum 1\.1\), at period 0, heat 0"),
        ("0.6 if type(ann) == top else 0.5", r"ann\.a are 0\.6, 0\.5 \(sum 1\.1\) if ann is top, at period 0, heat 0; .* \(one may be `rest`\)"),
    ],
)
def test_chances_that_sum_to_more_than_1_are_refused_where_they_do(odd, chance, words):
    with pytest.raises(BuildError, match=words):
        so.build(odd({}, options=f"{{a: {{outcomes: {{x: {{chance: '{chance}'}}, y: {{chance: 0.5}}}}}}, b: {{}}}}"))


def test_chances_that_sum_to_more_than_1_in_some_worlds_are_told_of_those_worlds():
    builder = Builder("some").clock(periods=1).parameter("precision", 1).parameter("q", prior={"uniform": [0.0, 0.8]}).player("me")
    outcomes = {"x": {"chance": "q"}, "y": {"chance": 0.5}, "z": {"chance": "rest"}}
    builder.payoff("me", "taste", on={"me.go/x": 1}).turn("me", options={"go": {"outcomes": outcomes}, "stay": {}})
    worlds = so.sample(builder.claim("goes", "It goes.", test={"left": {"choice": "me.go"}, "is": "above", "right": 0.5}).scenario(), n=8, workers=1)
    wrong = {world.index for world in worlds.worlds if world.parameters["q"] > 0.5}
    assert wrong
    assert {world.index for world in worlds.problems} == wrong
    assert all("the probabilities of me.go are" in world.problem for world in worlds.problems)


def watched(types, bang):
    start = dt.date(2020, 1, 1)
    builder = with_precision(Builder("watched").clock(start=start, step="1 week", end=dt.date(2020, 1, 22))).player("mover", types=types)
    builder.payoff("mover", "taste", on={"mover.go": 1})
    go = {"outcomes": {"bang": {"chance": bang}, "fizz": {"chance": "rest"}}, "silent": "fizz"}
    builder.turn("mover", options={"go": go, "stay": {}}, silent="stay")
    builder.record({"mover.go": [{"action": "go"}], "mover.go/bang": [{"action": "bang"}]})
    events = [Event(id=f"E{i}", date=start, actor="mover", action=action) for i, action in enumerate(("go", "bang"))]
    return builder.scenario(), Record(tuple(events), sha256="", path="events.csv")


def test_a_record_that_only_an_excluded_type_explains_is_refused_with_the_type():
    scenario, record = watched({"able": 0, "unable": 1}, "0.5 if type(mover) == able else 0")
    words = (
        r"events\.csv: mover\.go/bang in period 0 is impossible for every type of mover that is still believed in "
        r"\(unable\): only able could; found E1; give able a prior above 0"
    )
    with pytest.raises(RecordError, match=words):
        so.replay(solve(so.build(scenario), workers=1), record)


def test_a_record_of_what_has_no_chance_is_refused():
    scenario, record = watched({"able": 0.5, "unable": 0.5}, "0")
    with pytest.raises(RecordError, match=r"mover\.go/bang in period 0 has no chance at all; found E1; give it a chance above 0"):
        so.replay(solve(so.build(scenario), workers=1), record)


@pytest.mark.paper
def test_a_record_that_a_believed_type_explains_is_replayed():
    scenario, record = watched({"able": 0.3, "unable": "rest"}, "0.5 if type(mover) == able else 0")
    trail = so.replay(solve(so.build(scenario), workers=1), record)
    go = logit(1, 0)[0]
    assert trail.log_likelihood == pytest.approx(math.log(go * 0.3 * 0.5 * (1 - go) ** 2), abs=1e-9)


# --- menus ---------------------------------------------------------------------------------------------------------------------------------


def test_a_turn_without_options_is_refused(odd):
    with pytest.raises(ScenarioError, match=r"odd\.yaml:15:28: turns\.0\.options: .*found a block of 0; allowed: at least 1"):
        odd({}, options="{}")


@pytest.mark.paper
def test_a_turn_none_of_whose_options_is_there_is_passed_over_and_checked(odd):
    scenario = odd({}, options="{a: {when: heat == 1}, b: {when: heat == 2}}")
    assert first_choice(scenario).values == pytest.approx(logit(1, 0)[None, :], abs=1e-12)  # bob's
    shown = CliRunner().invoke(app, ["check", str(odd(options="{a: {when: heat == 1}, b: {when: heat == 2}}"))]).output
    assert shown.count("this option can never be taken") == 2


@pytest.mark.paper
def test_a_game_in_which_nobody_has_a_choice_has_values_but_no_choice(tmp_path):
    builder = with_precision(Builder("fate").clock(periods=1)).player("me", types={"glad": 0.5, "sad": "rest"})
    game = so.build(builder.payoff("me", "taste", on={"me.go": "1 if type == glad else -1"}).turn("me", options={"go": {}}).scenario())
    solved = solve(game, workers=1)
    assert solved.certificate.met
    assert solved.value("me").values.tolist() == [1.0, -1.0]
    for one in (solved, exact(game)):
        with pytest.raises(SolveError, match="nobody has a choice in this game"):
            one.policy()
    assert export(game, tmp_path / "fate.efg").read_text(encoding="utf-8").count("\nt ") == 2


# --- sizes ---------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_a_single_player_and_a_single_period_are_a_game():
    assert first_choice(dilemma([1.0, 0.0, -1.0])).values == pytest.approx(logit(1, 0, -1)[None, :], abs=1e-12)


@pytest.mark.parametrize("periods", ["0", "-1", "1.5", "20000"])
def test_numbers_of_periods_that_are_none_are_refused(odd, periods):
    with pytest.raises(ScenarioError, match=rf"odd\.yaml:3:18: clock\.periods: .*found {periods}; allowed: "):
        odd({}, periods=periods)


def crowd(n, types):
    builder = with_precision(Builder("crowd").clock(periods=1))
    for i in range(n):
        builder.player(f"p{i}", types=types).payoff(f"p{i}", "taste", on={f"p{i}.act": i / n})
        builder.turn(f"p{i}", options={"act": {}, "rest": {}})
    return builder.scenario()


@pytest.mark.paper
def test_thirty_players_without_secrets_are_solved():
    solved = solve(so.build(crowd(30, None)), workers=1)
    assert solved.certificate.met
    for i in (0, 29):
        assert solved.policy(turn=f"p{i}").values[0] == pytest.approx(logit(i / 30, 0), abs=1e-12)


def test_thirty_players_with_secrets_are_refused_with_the_numbers(tmp_path):
    game = so.build(crowd(30, {"bold": 0.5, "shy": "rest"}))
    with pytest.raises(GameTooLargeError, match=r"span 30 belief axes .* at most 12 can be solved.* 61 beliefs, .* 1,830 stages. Use fewer types"):
        solve(game)
    with pytest.raises(GameTooLargeError, match=r"has 3,221,225,471 public histories, of which the exact engine takes 2,000,000 at most"):
        exact(game)
    with pytest.raises(ExportError, match=r"has at least 1,073,741,824 terminal nodes; at most 200,000 are written. Use fewer"):
        export(game, tmp_path / "crowd.efg")


def test_too_many_beliefs_for_a_grid_are_refused_with_the_engine_that_takes_them():
    """Thirteen players with a secret of whom one has a choice: 2 options, and 2 ways to each end."""
    builder = Builder("many").clock(periods=1).parameter("precision", 1)
    for i in range(13):
        builder.player(f"p{i}", types={"bold": 0.5, "shy": "rest"})
    game = so.build(builder.payoff("p0", "taste", on={"p0.act": "1 if type == bold else 0"}).turn("p0", options={"act": {}, "rest": {}}).scenario())
    with pytest.raises(GameTooLargeError, match=r"span 13 belief axes .* Use fewer types, or `solve --exact` .* the game's \d+ public histories\."):
        solve(game, engine="grid")
    assert exact(game).certificate.met
    assert solve(game).certificate.exact_histories > 0  # and by itself


def test_a_thousand_types_are_refused_with_the_numbers(odd):
    game = so.build(odd({}, types=THOUSAND, taste="1"))
    with pytest.raises(GameTooLargeError, match=r"span 999 belief axes .* at most 12 can be solved"):
        solve(game)
    with pytest.raises(GameTooLargeError, match=r"11 public histories of players .* span 999 belief axes .* takes 200 axes and 6 GB at most"):
        exact(game)
    shown = " ".join(CliRunner().invoke(app, ["check", str(odd(types=THOUSAND, taste="1"))]).output.split())
    assert "the types span more belief axes than the 12 of a grid" in shown
    assert "found 999 axes" in shown
    assert "the first belief grid" not in shown
    assert checked.MAX_AXES == solver.MAX_AXES


@pytest.mark.property
@pytest.mark.parametrize("cells", [1, 50, 1000])
def test_plays_are_counted_alike_whatever_is_counted_at_a_time(cells, monkeypatch):
    game = so.build(so.load("patron-and-proxy"))
    whole = count_plays(game)
    monkeypatch.setattr(sys.modules["standoff.export.efg"], "COUNT_CELLS", cells)
    assert count_plays(game) == whole
    assert whole / 2 < count_plays(game, whole / 2) <= whole


def test_a_sound_scenario_of_this_kind_has_no_faults(odd):
    """What the cases above change is what makes them bad."""
    assert [str(fault) for fault in check(odd({}))] == []
