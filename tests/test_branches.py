"""Other equilibria than the one taken: games in which they are known, and games in which there is one."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from scipy.optimize import brentq

import standoff as so
from games import dilemma, random_scenario
from standoff.cli.app import run_app
from standoff.cli.terminal import as_text
from standoff.errors import SolveError
from standoff.report import branches_content, show_branches
from standoff.scenario import Builder
from standoff.solve.branches import look
from standoff.solve.markov import Markov
from standoff.solve.whole import fold, reduce, unfold


def common_interest(precision, prior=0.5, *, words=("one", "two"), kinds=("x", "y")):
    """A sender wants its type understood, a receiver to understand it; words mean what they are taken to mean."""
    first, second = kinds
    belief = {first: prior, second: "rest"} if kinds == ("x", "y") else {first: 1 - prior, second: "rest"}
    success = {"outcomes": {"x": {"chance": "1 if type(sender) == x else 0"}, "y": {"chance": "rest"}}}
    return (
        Builder("common-interest")
        .clock(periods=1)
        .parameter("precision", precision)
        .state("word", values=["none", *words], start="none")
        .player("sender", types=belief)
        .player("receiver")
        .payoff("sender", "understood", on={"receiver.as_x": "1 if type == x else 0", "receiver.as_y": "0 if type == x else 1"})
        .payoff("receiver", "right", on={"receiver.as_x/x": 1, "receiver.as_y/y": 1})
        .turn("sender", options={word: {"set": {"word": word}} for word in words})
        .turn("receiver", options={"as_x": success, "as_y": success})
        .scenario()
    )


def first_policies(found, word="one"):
    """The probability of a word by type x and y in each equilibrium of the first decision, and its sign."""
    (decision,) = found.decisions
    game = found.solved.game
    options = [game.option_address(row).split(".")[1] for row in range(*game.arrays.option_start[decision.node : decision.node + 2])]
    types = game.canonical.players[0].types
    order = [types.index("x"), types.index("y")]
    return sorted((*one.policy[order, options.index(word)].tolist(), one.index) for one in decision.equilibria)


@pytest.mark.paper
@pytest.mark.parametrize("precision", [0.0, 1.0, 1.9, 2.1, 3.0, 4.0, 10.0])
def test_two_words_for_two_types_have_three_equilibria_above_precision_two(precision):
    """With even odds of types babbling is an equilibrium, and u = lambda tanh(lambda tanh(u/2) / 2) gives two that separate.

    The right side has slope (lambda / 2)^2 at 0.
    """
    found = so.branches(so.solve(so.build(common_interest(precision))))
    babbling = (0.5, 0.5, 1 if precision < 2 else -1)
    expected = [babbling]
    if precision > 2:
        u = brentq(lambda u: u - precision * np.tanh(precision * np.tanh(u / 2) / 2), 0.05, precision + 1, xtol=1e-14)
        p = 1 / (1 + np.exp(-u))
        expected = [(1 - p, p, 1), babbling, (p, 1 - p, 1)]
    assert np.array(first_policies(found)) == pytest.approx(np.array(expected), abs=1e-5)
    assert found.unique == (precision < 2)
    assert found.decisions[0].equilibria[0].policy == pytest.approx(np.full((2, 2), 0.5))
    assert [one.taken for one in found.decisions[0].equilibria] == [True] + [False] * (len(expected) - 1)


@pytest.mark.paper
def test_what_an_equilibrium_would_mean_is_told():
    """Who separates is understood nearly always and tells nearly one bit; who babbles is understood half the time and tells nothing."""
    (decision,) = so.branches(so.solve(so.build(common_interest(8.0)))).decisions
    taken, other, _ = decision.equilibria
    assert (taken.bits, taken.distance) == (pytest.approx(0.0, abs=1e-12), 0.0)
    assert taken.payoffs == pytest.approx([0.5, 0.5])
    assert other.bits > 0.99
    assert other.distance == pytest.approx(0.5, abs=1e-3)
    assert (other.payoffs > 0.99).all()
    assert sorted(other.beliefs[:, 0]) == pytest.approx([0.0, 1.0], abs=1e-3)


@pytest.mark.property
@pytest.mark.parametrize("precision", [3.0, 20.0])
def test_names_and_their_order_change_nothing(precision):
    plain, words, kinds = (
        so.branches(so.solve(so.build(common_interest(precision, 0.3, **changed))))
        for changed in ({}, {"words": ("two", "one")}, {"kinds": ("y", "x")})
    )
    assert np.array(first_policies(words)) == pytest.approx(np.array(first_policies(plain)), abs=1e-6)
    assert np.array(first_policies(kinds)) == pytest.approx(np.array(first_policies(plain)), abs=1e-6)


@pytest.mark.property
@pytest.mark.parametrize("prior", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("precision", [1.0, 5.0, 20.0, 50.0])
def test_signs_add_up_to_one(precision, prior):
    found = so.branches(so.solve(so.build(common_interest(precision, prior))))
    assert found.incomplete == 0
    assert sum(one.index for one in found.decisions[0].equilibria) == 1


@pytest.mark.solver
@pytest.mark.parametrize("precision", [3.0, 20.0])
def test_a_decision_before_a_single_answer_has_as_many_equilibria_as_the_game(precision):
    """The receiver's answer to a belief is one, so equilibria of the sender's decision are those of the game: another engine finds the same."""
    found = so.branches(so.solve(so.build(common_interest(precision, 0.3))))
    whole = sorted(tuple(one.policy().sel(option="one").values.tolist()) for one in found.whole.equilibria)
    stage = [row[:2] for row in first_policies(found)]
    assert len(whole) == (3 if precision < 10 else 5)
    assert np.array(stage) == pytest.approx(np.array(whole), abs=1e-4)
    assert all(one.certificate.met for one in found.whole.equilibria)
    assert found.whole.distances[0] == 0.0


@pytest.mark.property
@pytest.mark.parametrize("seed", range(4))
def test_every_equilibrium_is_a_logit_response_to_what_it_leads_to(seed):
    """Checked with the formulas, not the solver: beliefs by Bayes, payoffs of the receiver's answers to them."""
    random = np.random.default_rng(seed)
    precision, prior = random.uniform(3, 12), random.uniform(0.2, 0.8)
    found = so.branches(so.solve(so.build(common_interest(precision, prior))))
    for p, q, _ in first_policies(found):
        said = np.array([[p, 1 - p], [q, 1 - q]])
        belief = prior * said[0] / (prior * said[0] + (1 - prior) * said[1])
        as_x = 1 / (1 + np.exp(-precision * (2 * belief - 1)))
        for kind, worth in enumerate((as_x, 1 - as_x)):
            assert said[kind, 0] == pytest.approx(1 / (1 + np.exp(-precision * (worth[0] - worth[1]))), abs=1e-4)


@pytest.mark.property
def test_at_precision_nought_there_is_one_equilibrium():
    found = so.branches(so.solve(so.build(random_scenario(3, periods=1), {"precision": 0.0})))
    assert found.unique
    assert found.decisions


@pytest.mark.property
def test_a_seed_gives_the_same_answer_again():
    eq = so.solve(so.build(common_interest(20.0, 0.3)))
    one, two = so.branches(eq, seed=5), so.branches(eq, seed=5)
    assert [e.log_odds.tolist() for d in one.decisions for e in d.equilibria] == [e.log_odds.tolist() for d in two.decisions for e in d.equilibria]


@pytest.mark.paper
def test_all_likely_decisions_are_looked_at_in_order():
    """Of one-shot-threat the challenger decides twice; the second time it is known that the defender resisted a threat."""
    eq = so.solve(so.build(so.load("one-shot-threat")))
    found = so.branches(eq)
    chances = [decision.chance for decision in found.decisions]
    assert found.every
    assert chances[0] == 1.0
    assert chances == sorted(chances, reverse=True)
    few = so.branches(eq, points=1)
    assert (len(few.decisions), few.every) == (1, False)


def test_the_certificate_counts_what_a_quick_look_finds():
    eq = so.solve(so.build(common_interest(4.0)))
    assert look(eq) == (eq.certificate.searched, eq.certificate.several, eq.certificate.equilibria) == (1, 1, 0)
    assert "several equilibria at the decision looked at (principal branch taken; --branches lists them)" in eq.certificate.text()
    alone = so.solve(so.build(common_interest(1.0)))
    assert (alone.certificate.several, alone.certificate.searched) == (0, 1)
    assert "one equilibrium found at the decision looked at" in alone.certificate.text()


def meeting(precision):
    """Two who cannot talk gain 1 if both go or both stay. Their types want the same, so that the secrets do not matter."""
    builder = Builder("meeting").clock(periods=1).parameter("precision", precision)
    for name in ("left", "right"):
        builder.player(name, types={"calm": 0.4, "keen": "rest"}).state(f"{name}_goes", values=[True, False], start=False)
    for name in ("left", "right"):
        builder.payoff(name, "meets", ends={"time_up": "1 if left_goes == right_goes else 0"})
        builder.turn(name, options={"go": {"set": {f"{name}_goes": "true"}}, "stay": {}}, silent="stay", at_once=name == "right")
    return builder.scenario()


@pytest.mark.paper
def test_choices_made_at_once_are_searched_as_a_whole():
    """With p the chance that the other goes, going is worth p, staying 1 - p: p = 1 / (1 + exp(-4 (2 p - 1))) at 1/2 and two other places."""
    eq = so.solve(so.build(meeting(4.0)))
    assert (eq.certificate.searched, eq.certificate.equilibria) == (0, 3)
    assert "3 equilibria of the whole game found (principal branch taken; --branches lists them)" in eq.certificate.text()
    found = so.branches(eq)
    assert not found.unique
    high = brentq(lambda p: p - 1 / (1 + np.exp(-4 * (2 * p - 1))), 0.6, 1.0)
    chances = sorted(float(one.policy().sel(type="calm", option="go")) for one in found.whole.equilibria)
    assert np.allclose(chances, [1 - high, 0.5, high], atol=1e-9)


@pytest.mark.paper
def test_choices_made_at_once_with_one_equilibrium():
    """Below precision 2 the two curves cross once."""
    eq = so.solve(so.build(meeting(1.5)))
    assert "one equilibrium of the whole game found" in eq.certificate.text()
    assert so.branches(eq).unique


@pytest.mark.property
def test_what_is_not_searched_is_not_called_unique():
    eq = so.solve(so.build(meeting(4.0)), engine="grid")
    found = so.branches(eq)
    assert found.whole is None
    assert not found.unique
    text = " ".join(as_text(show_branches(branches_content(found))).split())
    assert "Of choices made at once, other equilibria are looked for in games without secrets, and in small ones" in text
    unsearched = replace(so.solve(so.build(meeting(4.0))).certificate, equilibria=0)
    assert "choices made at once were not searched for other equilibria" in unsearched.text()


@pytest.mark.parametrize("how", [{"engine": "grid"}, {"certify": False}])
def test_solves_of_many_worlds_do_not_look(how, monkeypatch):
    monkeypatch.setattr(import_module("standoff.solve.solver"), "look", lambda _: pytest.fail("looked"))
    eq = so.solve(so.build(common_interest(4.0)), **how)
    assert eq.certificate is None or eq.certificate.searched == 0


@pytest.mark.property
@pytest.mark.parametrize("payoffs", [[1.0], [0.3, -1.2, 2.0]])
def test_where_nobody_has_a_secret_nothing_is_looked_at(payoffs):
    found = so.branches(so.solve(so.build(dilemma(payoffs))))
    assert (len(found.decisions), found.every, found.unique) == (0, True, True)
    shown = branches_content(found)
    assert (shown["whole_game"] is None) == (len(payoffs) == 1)
    assert show_branches(shown)


@pytest.mark.property
@pytest.mark.parametrize("name", ["arms-race", "attrition", "matching-pennies"])
def test_a_game_without_secrets_is_searched_from_the_solution_in_hand(name, monkeypatch):
    game = so.build(so.load(f"gallery/{name}", {"precision": 3.0}))
    eq = so.solve(game)
    monkeypatch.setattr(import_module("standoff.solve.public"), "solve_markov", lambda *_, **__: pytest.fail("solved again"))
    whole = so.branches(eq, seed=1).whole
    assert whole.equilibria[0] is eq
    assert whole.distances == tuple(sorted(whole.distances))
    reduced = reduce(game)
    for one in whole.equilibria:
        values, log_odds = fold(game, reduced, one.values, one.log_policy)
        again = unfold(game, reduced, Markov(reduced.game, log_odds, values, one.certificate.whole, 0.0))
        assert all((new == old).all() for new, old in zip(again, (one.values, one.log_policy), strict=True))
        assert one.certificate.met


def test_a_large_game_solved_without_a_grid_is_refused(monkeypatch):
    monkeypatch.setattr(import_module("standoff.solve.branches"), "MOST_HISTORIES", 5)
    with pytest.raises(SolveError, match="solve it with a belief grid"):
        so.branches(so.exact(so.build(common_interest(4.0))))


SCENARIO = """\
standoff: 1
name: words
clock: {periods: 1}
parameters: {precision: {value: 4, unit: log-odds}}
state:
  word: {values: [none, one, two], start: none}
players:
  sender:
    types: {x: 0.3, y: rest}
    payoffs: {understood: {on: {receiver.as_x: 1 if type == x else 0, receiver.as_y: 0 if type == x else 1}}}
  receiver:
    payoffs: {right: {on: {receiver.as_x/x: 1, receiver.as_y/y: 1}}}
turns:
  - {player: sender, options: {one: {set: {word: one}}, two: {set: {word: two}}}}
  - player: receiver
    options:
      as_x: {outcomes: {x: {chance: 1 if type(sender) == x else 0}, y: {chance: rest}}}
      as_y: {outcomes: {x: {chance: 1 if type(sender) == x else 0}, y: {chance: rest}}}
"""


@pytest.fixture
def ask(tmp_path, monkeypatch, capsys):
    """Run `solve` on the scenario above in a terminal of some columns; give the exit code and what was printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.yaml").write_text(SCENARIO)

    def call(*arguments, columns=110):
        monkeypatch.setenv("COLUMNS", str(columns))
        code = run_app(["solve", "words.yaml", *arguments])
        return code, capsys.readouterr().out

    return call


@pytest.mark.parametrize("columns", [80, 140])
def test_solve_lists_other_equilibria(ask, columns):
    code, out = ask("--branches", columns=columns)
    assert code == 0
    assert "Several equilibria at 1 of 1 decision checked" in out
    assert "period 0: sender decides, reached with probability 1.00" in out
    assert "Beliefs: sender x 0.30, y 0.70." in out
    rows = [line.split() for line in out.split("Other equilibria")[1].splitlines()]
    assert ["1", "taken", "x", "0.50", "0.50", "+0.17", "0.00", "-1"] in rows
    assert any(row[:1] == ["2"] and row[-1:] == ["+1"] for row in rows)
    assert "The whole game, every decision anew: 3 equilibria found" in out
    assert max(map(len, out.splitlines())) <= columns


def test_solve_says_so_where_there_is_one(ask):
    code, out = ask("--branches", "--set", "precision=1")
    assert code == 0
    assert "One equilibrium at every decision checked (1 point, 64 starts each;" in " ".join(out.split())
    assert "one equilibrium found" in out


def test_solve_points_to_the_option_where_it_was_not_given(ask):
    out = ask()[1]
    assert "standoff solve words.yaml --branches" in out
    assert "Other equilibria" not in out
    assert "several equilibria at the decision looked at" in " ".join(out.split())


def test_solve_as_json_lists_every_equilibrium(ask):
    content = json.loads(ask("--branches", "--json")[1])["branches"]
    (decision,) = content["decisions"]
    assert (content["looked_at"], content["every_decision"], content["incomplete"], content["unique"]) == (1, True, 0, False)
    assert decision["beliefs"] == {"sender": {"x": pytest.approx(0.3), "y": pytest.approx(0.7)}}
    assert [one["taken"] for one in decision["equilibria"]] == [True, False, False]
    assert all(sum(by_option.values()) == pytest.approx(1) for one in decision["equilibria"] for by_option in one["policy"].values())
    assert len(content["whole_game"]["equilibria"]) == 3
    assert json.loads(ask("--json")[1])["branches"] is None


def test_without_a_grid_the_whole_game_is_searched(ask):
    out = ask("--exact", "--branches")[1]
    assert "Single decisions are looked at on a belief grid: leave out --exact." in out
    assert "3 equilibria found" in out


def test_a_menu_too_wide_for_the_terminal_is_lettered(ask, tmp_path):
    text = (tmp_path / "words.yaml").read_text()
    (tmp_path / "words.yaml").write_text(
        text.replace("one:", "a_very_long_word_indeed_for_an_option:").replace("two:", "and_another_that_is_as_long:")
    )
    out = ask("--branches", columns=80)[1]
    assert "a a_very_long_word_indeed_for_an_option; b and_another_that_is_as_long" in " ".join(out.split())
