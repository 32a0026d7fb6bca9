"""What could be taken for something else is refused or told: numbers for dates, true for 1, a text for a number, a world without a value."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pytest

from standoff.errors import BuildError, ExpressionError, ScenarioError, SolveError
from standoff.expressions import Boolean, Number, Scope, Symbol, bind
from standoff.game import build
from standoff.scenario import Builder, check, load, resolve
from standoff.solve import solve

# --- what is no date, no number and no value -----------------------------------------------------------------------------------------------

VOTE = """
standoff: 1
name: vote
clock: {start: 2020-10-01, step: 1 week, end: 2020-12-01}
calendar: {vote: 2020-11-03}
parameters: {precision: {value: 1}}
players: {a: {payoffs: {x: {on: {a.go: "5 if before(vote) else -5 if after(vote) else 0"}}}}}
turns: [{player: a, options: {go: {}, stay: {}}}]
"""


def faults_in(folder, text, overrides=None):
    file = folder / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(file, overrides)
    return caught.value.faults


@pytest.mark.parametrize("number", ["20201103", "2020", "-1", "10", '"20201103"', "{date: 20201103, title: The vote}"])
def test_a_number_that_is_no_period_of_a_dated_game_is_no_date(tmp_path, number):
    (fault,) = faults_in(tmp_path, VOTE.replace("vote: 2020-11-03", f"vote: {number}"))
    assert (fault.line, fault.field) == (5, "calendar.vote")
    assert "a period from 0 to 9" in fault.allowed
    assert ("2020-11-03" in (fault.suggestion or "")) == ("20201103" in number)


def test_a_number_that_is_no_period_is_refused_from_outside_too(tmp_path):
    (fault,) = faults_in(tmp_path, VOTE, {"calendar.vote": "20201103"})
    assert fault.field == "calendar.vote"
    assert "write 2020-11-03" in fault.suggestion


def test_a_period_of_a_dated_game_may_be_given_by_its_number(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(VOTE.replace("vote: 2020-11-03", "vote: 4"), encoding="utf-8")
    assert resolve(load(file)).calendar.dates == {"vote": 4}


def test_without_dates_a_moment_may_lie_outside_the_clock_but_not_beyond_all_reason(tmp_path):
    text = VOTE.replace("{start: 2020-10-01, step: 1 week, end: 2020-12-01}", "{periods: 4}")
    file = tmp_path / "scenario.yaml"
    file.write_text(text.replace("vote: 2020-11-03", "vote: 12"), encoding="utf-8")
    assert resolve(load(file)).calendar.dates == {"vote": 12}
    (fault,) = faults_in(tmp_path, text.replace("vote: 2020-11-03", "vote: 20201103"))
    assert fault.field == "calendar.vote"


@pytest.mark.parametrize("start", ["0", "20201001", "-5", "1.6e9", '"1600000000"', "true"])
def test_a_clock_starts_on_a_date(tmp_path, start):
    (fault,) = faults_in(tmp_path, VOTE.replace("start: 2020-10-01", f"start: {start}"))
    assert (fault.line, fault.field) == (4, "clock.start")
    assert "a date such as" in fault.allowed


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("precision: {value: 1}", "precision: {value: true}", "parameters.precision.value"),
        ("precision: {value: 1}", "precision: {prior: {uniform: [false, 1]}}", "parameters.precision.prior.uniform"),
        ("vote: 2020-11-03", "vote: true", "calendar"),
    ],
)
def test_true_is_not_one(tmp_path, old, new, field):
    (fault,) = faults_in(tmp_path, VOTE.replace(old, new))
    assert fault.field == field
    assert "number" in fault.allowed


KINDS = """
standoff: 1
name: kinds
clock: {periods: 1}
parameters: {precision: {value: 1}}
state: {n: {range: [0, 2], start: 0}, b: {values: [false, true], start: false}, l: {values: [one, two], start: one}}
players: {a: {payoffs: {p: {each_period: "n if b and l == one else 0"}}}}
turns: [{player: a, options: {x: {}, y: {}}}]
claims:
  c: {text: It is so., test: {left: {choice: a.x, at: {state: {VALUE}}}, is: above, right: 0.5}}
"""


@pytest.mark.parametrize(
    ("value", "found", "allowed", "suggestion"),
    [
        ('n: "1"', "the text 1", "the number 0, the number 1, the number 2", None),
        ("n: true", "the truth value true", "the number 0, the number 1, the number 2", None),
        ("b: 1", "the number 1", "the truth value false, the truth value true", None),
        ('b: "true"', "the text true", "the truth value false, the truth value true", None),
        ("l: 1", "the number 1", "the text one, the text two", None),
        ("l: onne", "onne", "one, two", "one"),
    ],
)
def test_a_value_of_another_kind_is_told_by_its_kind(tmp_path, value, found, allowed, suggestion):
    (fault,) = faults_in(tmp_path, KINDS.replace("{VALUE}", "{" + value + "}"))
    assert (fault.found, fault.allowed, fault.suggestion) == (found, allowed, suggestion)


@pytest.mark.parametrize("written", ["zürich", unicodedata.normalize("NFD", "zürich")])
def test_a_label_with_an_umlaut_is_answered_with_one_that_is_allowed(tmp_path, written):
    (fault,) = faults_in(tmp_path, KINDS.replace("{VALUE}", "{n: 1}").replace("[one, two]", f"[{written}, one]"))
    assert (fault.found, fault.suggestion) == ("zürich", "zurich")


@pytest.mark.parametrize(("text", "line", "column", "found"), [("a\x00b", 3, 9, "U+0000"), ("\x07", 3, 8, "U+0007"), ("ab\ufffe", 3, 10, "U+FFFE")])
def test_a_character_that_yaml_does_not_have_is_told_with_its_place(tmp_path, text, line, column, found):
    (fault,) = faults_in(tmp_path, f"standoff: 1\nname: x\ntitle: {text}\n")
    assert (fault.line, fault.column, fault.found) == (line, column, found)


# --- expressions without a value -----------------------------------------------------------------------------------------------------------

GAIN = """
standoff: 1
name: gain
clock: {periods: 3}
parameters: {precision: {value: 1}, odds: {prior: PRIOR}, much: {prior: {uniform: [1, 2]}}}
state: {n: {range: [0, 3], start: 0}}
derived: {share: n / (n + odds)}
players: {a: {payoffs: {gain: {on: {a.go: EXPRESSION}}, kept: {ends: {time_up: share}}}}}
turns: [{player: a, options: {go: {set: {n: n + 1}}, stay: {}}}]
"""


def warnings_in(folder, prior, expression, derived="n / (n + 1)"):
    file = folder / "scenario.yaml"
    text = GAIN.replace("PRIOR", prior).replace("EXPRESSION", f'"{expression}"').replace("n / (n + odds)", f'"{derived}"')
    file.write_text(text, encoding="utf-8")
    return [fault for fault in check(load(file)) if "has no value" in fault.problem]


@pytest.mark.parametrize(
    ("prior", "expression", "found"),
    [
        ("{choice: [0, 1, 2]}", "much / odds", "odds = 0"),
        ("{uniform: [0, 2]}", "much / odds", "odds = 0"),
        ("{triangular: [-1, 1, 1]}", "sqrt(odds + much - much)", "odds = -1"),
        ("{normal: [1, 1]}", "log(odds)", "odds = -1.32635"),
        ("{normal: [1, 1], low: 0}", "1 / odds", "odds = 0"),
        ("{choice: [1, 2, 5]}", "1 / (n - odds + 1)", "n = 0, odds = 1"),
        ("{choice: [1, 2, 900]}", "exp(odds)", "odds = 900"),
        ("{choice: [-0.5, 0, 1]}", "odds ** 0.5 if odds != -0.5 else 1 / (odds + 0.5)", "odds = -0.5"),
    ],
)
def test_an_expression_without_a_value_in_some_worlds_is_warned_of(tmp_path, prior, expression, found):
    (fault,) = warnings_in(tmp_path, prior, expression)
    assert (fault.severity, fault.line, fault.field) == ("warning", 8, "players.a.payoffs.gain.on.a.go")
    assert found in fault.found


@pytest.mark.parametrize(
    ("prior", "expression"),
    [
        ("{choice: [0, 1, 2]}", "much / odds if odds > 0 else 0"),
        ("{lognormal: [1, 1]}", "much / odds + log(odds)"),
        ("{beta: [2, 2]}", "log(odds)"),
        ("{uniform: [1, 2]}", "1 / n + odds"),  # at n = 0 it never has a value, which building the game tells where that is reached
    ],
)
def test_an_expression_that_has_a_value_in_all_worlds_is_not(tmp_path, prior, expression):
    assert not warnings_in(tmp_path, prior, expression)


def test_a_derived_quantity_without_a_value_is_warned_of_where_it_stands(tmp_path):
    (fault,) = warnings_in(tmp_path, "{choice: [0, 1, 2]}", "much", derived="n / (n + odds)")
    assert (fault.line, fault.field, fault.found) == (7, "derived.share", "n = 0, odds = 0")


@pytest.mark.parametrize(("expression", "line"), [("1 / (2 - n)", 8), ("share", 7)])
def test_a_division_by_zero_that_is_reached_is_told_with_its_place(tmp_path, expression, line):
    file = tmp_path / "scenario.yaml"
    text = GAIN.replace("PRIOR", "{uniform: [1, 2]}").replace("EXPRESSION", expression).replace("n / (n + odds)", "n / (n - 2) * odds")
    file.write_text(text if line == 7 else text.replace("n / (n - 2)", "n"), encoding="utf-8")
    with pytest.raises(ExpressionError, match=rf"^{re.escape(str(file))}:{line}:\d+: .*n = 2"):
        build(load(file))


def test_a_value_that_is_none_of_a_variable_is_told_with_its_place(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(GAIN.replace("PRIOR", "{fixed: 1}").replace("EXPRESSION", "1").replace("[0, 3]", "[0, 2]"), encoding="utf-8")
    with pytest.raises(BuildError, match=rf"^{re.escape(str(file))}:9:\d+: turns.0.options.go.set.n: a.go sets n to 3"):
        build(load(file))


@pytest.mark.paper
def test_an_expression_over_no_states_at_all_has_no_values():
    scope = Scope({"n": Number(), "b": Boolean(), "l": Symbol(("one", "two"))})
    nothing = {"n": np.zeros(0), "b": np.zeros(0, dtype=bool), "l": np.zeros(0, dtype=np.int64)}
    for text, kind in (("(1 if n == 3 else 0) + n", float), ("b and (n > 1 or not b)", bool), ("one if b else two", np.int64), ("1 / n", float)):
        value = bind(text, scope, scope.names["l"] if "one" in text else None).evaluate(nothing)
        assert value.shape == (0,)
        assert value.dtype == kind
    assert bind("n if b else 1 / n", scope).evaluate({"n": np.zeros((0, 3)), "b": np.zeros(3, dtype=bool)}).shape == (0, 3)


def test_a_choice_at_once_may_be_on_no_menu_in_some_period():
    builder = (
        Builder("empty").clock(periods=2).parameter("precision", 1).state("n", range=(0, 3), start=0).derived("heat", "(1 if n == 3 else 0) + n")
    )
    builder.player("a").payoff("a", "p", on={"a.x": "heat"}).player("b").payoff("b", "p", on={"b.u": 1})
    builder.turn("a", options={"x": {"set": {"n": "min(n + 1, 3)"}}, "y": {}})
    builder.turn("b", at_once=True, options={"u": {"when": "n == 1", "set": {"n": 0}}, "v": {}})
    game = build(builder.scenario())
    # b sees what a saw: n is 0 in the first period, and 1 in the second if a took x; then u is there, after each choice of a.
    assert len(game.options_at("b.u")) == 2


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"n": "1"}, "n is never the text 1; its values are the number 0, the number 1, the number 2"),
        ({"n": True}, "n is never the truth value true; its values are the number 0"),
        ({"b": 1}, "b is never the number 1; its values are the truth value false, the truth value true"),
        ({"l": "onne"}, "l is never 'onne'; its values are one, two; did you mean one?"),
    ],
)
def test_a_state_asked_for_in_python_is_told_its_kind_too(tmp_path, state, said):
    file = tmp_path / "scenario.yaml"
    file.write_text(KINDS.replace("{VALUE}", "{n: 1}"), encoding="utf-8")
    solved = solve(build(load(file)), workers=1)
    with pytest.raises(SolveError, match=re.escape(said)):
        solved.policy(state=state)
