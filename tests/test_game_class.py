"""Choices made at once, games without a last period, priors that differ, payoffs by the type of another: pen and paper, and what is refused."""

from __future__ import annotations

import datetime as dt
import itertools
import json
from math import exp, log

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

import standoff as so
from standoff.claims.functionals import Evaluation, Here, of_moves
from standoff.cli.app import run_app
from standoff.errors import BuildError, ExportError
from standoff.game import DECISION, END
from standoff.record import Event, Record
from standoff.scenario import Builder
from standoff.scenario.models import Clock
from standoff.solve.grid import box, to_beliefs
from test_gambit import compare


def logistic(x):
    return 1 / (1 + exp(-x))


def chance(solved, option, turn=None):
    """The chance of an option of a player without a secret at a turn, the first by default."""
    return float(solved.policy(**({"turn": turn} if turn else {})).sel(option=option).item())


@pytest.fixture
def standoff(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments):
        code = run_app(list(arguments))
        out, err = capsys.readouterr()
        return code, " ".join(out.split()), " ".join(err.split())

    return call


# --- choices made at once ------------------------------------------------------------------------------------------------------------------


def volunteers(precision):
    """Three players give or keep at once: giving costs 1, and all gain 2 if anybody gives."""
    names = ("ann", "bob", "cem")
    builder = Builder("volunteers").clock(periods=1).parameter("precision", precision).state("given", range=(0, 3), start=0)
    for i, name in enumerate(names):
        builder.player(name).payoff(name, "good", ends={"time_up": "2 if given > 0 else 0"}).payoff(name, "cost", on={f"{name}.give": -1})
        builder.turn(name, options={"give": {"set": {"given": "given + 1"}}, "keep": {}}, at_once=i > 0)
    return so.build(builder.scenario())


@pytest.mark.paper
@pytest.mark.parametrize("precision", [0.5, 2.0, 8.0])
def test_three_volunteers_solve_one_equation(precision):
    """Giving is worth 1, keeping 2 (1 - (1 - p)^2): p = L(precision (2 (1 - p)^2 - 1)), whose right side falls in p."""
    p = brentq(lambda p: p - logistic(precision * (2 * (1 - p) ** 2 - 1)), 0, 1, xtol=1e-15)
    eq = so.solve(volunteers(precision))
    assert eq.certificate.met
    for name in ("ann", "bob", "cem"):
        assert chance(eq, "give", name) == pytest.approx(p, abs=1e-9)
        assert eq.value(name).item() == pytest.approx(2 * (1 - (1 - p) ** 3) - p, abs=1e-9)


def duel(first, *, at_once=True, precision=2.0):
    """Two players whose payoffs have no symmetry, in one order or the other."""
    builder = Builder("duel").clock(periods=1).parameter("precision", precision)
    builder.state("row_at", values=["nowhere", "up", "down"], start="nowhere").state(
        "column_at", values=["nowhere", "left", "right"], start="nowhere"
    )
    cells = {("up", "left"): (2, -1), ("up", "right"): (0, 1), ("down", "left"): (-1, 3), ("down", "right"): (1, 0)}
    for i, player in enumerate(("row", "column")):
        builder.player(player)
        terms = " + ".join(f"({pay[i]} if row_at == {r} and column_at == {c} else 0)" for (r, c), pay in cells.items())
        builder.payoff(player, "cell", ends={"time_up": terms})
    turns = [("row", ("up", "down")), ("column", ("left", "right"))]
    for i, (player, options) in enumerate(turns if first == "row" else turns[::-1]):
        builder.turn(player, options={option: {"set": {f"{player}_at": option}} for option in options}, at_once=bool(i) and at_once)
    return so.build(builder.scenario())


@pytest.mark.property
def test_the_order_of_turns_taken_at_once_and_the_engine_do_not_matter():
    found = [(chance(eq, "up", "row"), chance(eq, "left", "column")) for eq in (so.solve(duel("row")), so.solve(duel("column")))]
    assert found[0] == pytest.approx(found[1], abs=1e-9)
    for first, (up, left) in itertools.product(("row", "column"), found):
        solved = so.exact(duel(first))
        nodes = {player: int(solved.game.structure.nodes_at(f"turn:{player}")[0]) for player in ("row", "column")}
        assert solved.policy_at(nodes[first])["public"].popitem()[1] == pytest.approx(1 - (up if first == "row" else left), abs=1e-9)


@pytest.mark.paper
def test_who_moves_first_matters_where_the_choice_is_seen():
    """Seen, column answers up with right by L(precision (1 - -1)); at once it does not know."""
    after = so.solve(duel("row", at_once=False))
    assert float(after.policy(turn="column", state={"row_at": "up"}).sel(option="left").item()) == pytest.approx(logistic(2.0 * (-1 - 1)), abs=1e-9)
    together = so.solve(duel("row"))
    answers = [together.probe(int(node)).policy[0, 0] for node in together.game.structure.nodes_at("turn:column")]
    assert len(answers) == 2
    assert answers[0] == answers[1]
    assert answers[0] != pytest.approx(logistic(-4.0), abs=0.1)


def meeting(precision):
    """Two meet here or there, at once; meeting is worth 1 to both."""
    builder = Builder("meeting").clock(periods=1).parameter("precision", precision)
    builder.state("first_at", values=["nowhere", "here", "there"], start="nowhere")
    for player in ("first", "second"):
        met = {f"second.{place}": f"1 if first_at == {place} else 0" for place in ("here", "there")}
        builder.player(player).payoff(player, "company", on=met)
    builder.turn("first", options={place: {"set": {"first_at": place}} for place in ("here", "there")})
    builder.turn("second", options={"here": {}, "there": {}}, at_once=True)
    return so.build(builder.scenario())


@pytest.mark.paper
def test_the_pitchfork_of_a_coordination_game_lies_at_precision_two():
    """p = L(l (2 q - 1)), q = L(l (2 p - 1)): at even odds both slopes are l / 2, and the determinant 1 - l^2 / 4 turns at l = 2."""
    eq = so.solve(meeting(4.0))
    figures = eq.certificate.whole
    assert figures.crossings == pytest.approx([0.5], abs=1e-3)
    assert (figures.symmetric, figures.folds, figures.equilibria) == (True, 0, 3)
    assert chance(eq, "here", "first") == pytest.approx(0.5, abs=1e-9)
    root = brentq(lambda p: p - logistic(4 * (2 * p - 1)), 0.6, 1 - 1e-12, xtol=1e-15)
    found = so.branches(eq).whole.equilibria
    assert found[0] is eq
    assert sorted(chance(one, "here", "first") for one in found) == pytest.approx([1 - root, 0.5, root], abs=1e-8)
    assert sorted(chance(one, "here", "second") for one in found) == pytest.approx([1 - root, 0.5, root], abs=1e-8)
    below = so.solve(meeting(1.9))
    assert (below.certificate.whole.crossings, below.certificate.whole.equilibria) == ((), 1)
    assert so.branches(below).unique


def test_a_run_keeps_the_solution_of_choices_made_at_once(standoff, tmp_path):
    code, out, err = standoff("run", "gallery/matching-pennies", "--runs", "500", "--out", "kept")
    assert (code, err) == (0, "")
    assert "Everything is kept in kept" in out
    attributes = xr.load_dataset(tmp_path / "kept" / "solution.nc", engine="h5netcdf").attrs
    assert json.loads(attributes["certificate_whole"])["symmetric"] is False


@pytest.mark.paper
def test_effects_come_one_after_the_other_and_ends_are_tried_when_all_have_chosen():
    """Each may stop it, for good: the one named first in the file has its way, and the second chooses although the first has ended the game."""
    builder = Builder("stops").clock(periods=1).parameter("precision", 0).state("by", values=["nobody", "ann", "bob"], start="nobody")
    for i, name in enumerate(("ann", "bob")):
        builder.player(name).payoff(name, "vain", on={f"{name}.stop": -1})
        builder.turn(name, options={"stop": {"set": {"by": name}, "irreversible": True}, "wait": {}}, at_once=bool(i))
    builder.end("by_ann", "by == ann").end("by_bob", "by == bob")
    eq = so.solve(so.build(builder.scenario()))
    assert eq.value("bob").item() == pytest.approx(-0.5, abs=1e-12)
    ends = so.simulate(eq, runs=4_000, seed=0).ends()["total"]
    assert ends["by_ann"] == pytest.approx(0.5, abs=0.04)
    assert ends["by_bob"] == pytest.approx(0.25, abs=0.04)
    assert ends["time_up"] == pytest.approx(0.25, abs=0.04)


# --- games without a last period -----------------------------------------------------------------------------------------------------------


def endless(name, discount=0.9):
    return Builder(name).clock(open_ended=True, discount=discount).parameter("precision", 1).player("me")


@pytest.mark.paper
@pytest.mark.parametrize("discount", [0.5, 0.9, 0.99])
def test_what_nobody_can_change_is_a_geometric_series(discount):
    d, h = discount, 0.2
    flow = endless("flow", d).payoff("me", "flow", each_period=1).turn("me", options={"go_on": {}})
    assert so.solve(so.build(flow.scenario())).value("me").item() == pytest.approx(1 / (1 - d), rel=1e-9)
    step = {"set": {"phase": "phase + 1 if phase < 2 else 0"}}
    cycle = endless("cycle", d).state("phase", range=(0, 2), start=0).turn("me", options={"go_on": step})
    cycle.payoff("me", "harvest", each_period="1 if phase == 2 else 0")
    assert so.solve(so.build(cycle.scenario())).value("me").item() == pytest.approx(d / (1 - d**3), rel=1e-9)
    late = endless("late", d).state("stock", values=[False, True], start=False, resets=True)
    late.payoff("me", "stock", each_period="1 if stock else 0").turn("me", options={"order": {"later": {"after": 2, "set": {"stock": True}}}})
    # Ordered in every period, it comes in periods 2, 3, 4 ..
    assert so.solve(so.build(late.scenario())).value("me").item() == pytest.approx(d**2 / (1 - d), rel=1e-9)
    doom = endless("doom", d).state("over", values=[False, True], start=False).turn("me", options={"go_on": {}})
    doom.event("storm", outcomes={"hit": {"chance": h, "set": {"over": True}}, "miss": {"chance": "rest"}}).end("lost", "over")
    doom.payoff("me", "loss", ends={"lost": -1})
    assert so.solve(so.build(doom.scenario())).value("me").item() == pytest.approx(-h / (1 - d * (1 - h)), rel=1e-9)


@pytest.mark.paper
@pytest.mark.parametrize("precision", [0.5, 3.0])
def test_staying_or_leaving_is_one_equation(precision):
    """Staying brings 1 and the same choice again, leaving 4: p = L(precision (1 + d V - 4)), V = p (1 + d V) + (1 - p) 4."""
    builder = endless("stay", 0.8).state("gone", values=[False, True], start=False).turn("me", options={"stay": {}, "go": {"set": {"gone": True}}})
    builder.payoff("me", "work", on={"me.stay": 1, "me.go": 4}).end("left", "gone")
    eq = so.solve(so.build(builder.scenario(), {"precision": precision}))

    def worth(p):
        return (p + 4 * (1 - p)) / (1 - 0.8 * p)

    p = brentq(lambda p: p - logistic(precision * (1 + 0.8 * worth(p) - 4)), 0, 1, xtol=1e-15)
    assert chance(eq, "stay") == pytest.approx(p, abs=1e-9)
    assert eq.value("me").item() == pytest.approx(worth(p), abs=1e-9)


SIEGE = """\
standoff: 1
name: endless-siege
clock: {open_ended: true, discount: 0.9}
parameters: {precision: {value: 1}}
state:
  over: {values: [false, true], start: false}
  conceded: {values: [false, true], start: false}
players:
  defender:
    types: {tough: 0.3, soft: rest}
    payoffs:
      stand: {on: {defender.hold: "0 if type == tough else -0.6"}, ends: {given: "-6 if type == tough else -2"}}
  challenger:
    payoffs: {wait: {on: {challenger.press: -0.5}}, prize: {ends: {given: 4}}}
turns:
  - {player: challenger, options: {press: {}, leave: {set: {over: true}}}}
  - {player: defender, when: not over, options: {hold: {}, concede: {set: {conceded: true}}}}
ends:
  given: {when: conceded}
  left: {when: over}
"""


@pytest.fixture
def siege(tmp_path):
    path = tmp_path / "siege.yaml"
    path.write_text(SIEGE)
    return path


def lasting(scenario, periods):
    """The same game with a last period."""
    return scenario.model_copy(update={"clock": Clock(periods=periods, discount=scenario.clock.discount)})


@pytest.mark.property
def test_an_endless_game_with_a_secret_is_the_limit_of_long_ones(siege):
    scenario = so.load(siege)
    levels = box((4,))
    eq, *long = (
        so.solve(so.build(one), engine="grid", levels=levels, certify=False, workers=1)
        for one in (scenario, lasting(scenario, 20), lasting(scenario, 80))
    )
    gaps = [
        max(
            float(np.abs(eq.policy(turn=turn, beliefs=belief) - one.policy(turn=turn, beliefs=belief)).max())
            for turn in ("challenger", "defender")
            for belief in ({"defender": {"tough": p}} for p in (0.0, 0.05, 0.3, 0.7, 1.0))
        )
        for one in long
    ]
    assert gaps[1] < 1e-6 < gaps[0]
    # Behaviour moves little in the end: what is left is the weight of what lies beyond the last period.
    assert eq.sweep["sweeps"] > 0.5 * log(1e-10) / log(0.9)


@pytest.mark.property
def test_an_endless_game_without_secrets_is_the_limit_of_long_ones():
    scenario = so.load("gallery/arms-race")
    eq = so.solve(so.build(scenario))
    gaps = [abs(chance(so.solve(so.build(lasting(scenario, n))), "build", turn) - chance(eq, "build", turn)) for n in (2, 100) for turn in "ab"]
    assert max(gaps[2:]) < 1e-9 < min(gaps[:2])


# --- priors that differ --------------------------------------------------------------------------------------------------------------------


def signalling(rounds, declared, believed=None):
    """Signalling in rounds: the chance that the challenger is weak, and what the defender takes it for where that differs."""
    scenario = so.load("repeated-signalling", {"clock.periods": rounds})
    challenger = scenario.players["challenger"].model_copy(update={"types": {"weak": declared, "strong": 1 - declared}})
    own = {} if believed is None else {"challenger": {"weak": believed, "strong": 1 - believed}}
    defender = scenario.players["defender"].model_copy(update={"believes": own})
    return so.build(scenario.model_copy(update={"players": {"challenger": challenger, "defender": defender}}))


@pytest.mark.property
def test_of_two_players_only_the_others_belief_counts():
    """The challenger knows what it is, so play and payoffs are those of the game in which the defender is right."""
    wrong, right = (so.exact(signalling(3, *priors)) for priors in ((0.5, 0.9), (0.9,)))
    assert np.array_equal(wrong.tree.node, right.tree.node)
    assert wrong.log_odds == pytest.approx(right.log_odds, abs=1e-9)
    assert wrong.values == pytest.approx(right.values, abs=1e-9)
    odds = [solved.beliefs[:, 0] / (1 - solved.beliefs[:, 0]) for solved in (wrong, right)]
    assert odds[1] == pytest.approx(9 * odds[0], rel=1e-9)
    # And it is not the game in which it is what the analyst takes it for.
    assert np.abs(wrong.log_odds - so.exact(signalling(3, 0.5)).log_odds).max() > 0.05


@pytest.mark.property
def test_the_belief_grid_holds_the_same():
    wrong, right = (so.solve(signalling(2, *priors), engine="grid", tolerance=1e-4, workers=1) for priors in ((0.5, 0.9), (0.9,)))
    assert wrong.certificate.met
    assert wrong.policy().values == pytest.approx(right.policy().values, abs=2e-4)
    for player in ("challenger", "defender"):
        assert wrong.value(player).values == pytest.approx(right.value(player).values, abs=1e-3)


@pytest.mark.paper
def test_futures_and_chances_are_those_of_the_declared_prior():
    eq = so.solve(signalling(1, 0.5, 0.9), tolerance=1e-6, workers=1)
    presses = eq.policy().sel(option="press").values
    declared, believed = np.array([0.5, 0.5]) @ presses, np.array([0.9, 0.1]) @ presses
    assert abs(declared - believed) > 0.1
    game, none = eq.game, np.full(len(eq.game.structure.option), -1, dtype=np.int8)
    pressing = of_moves(game, ["challenger.press"], until=0, once=True, pinned=())
    assert Evaluation(eq, [pressing], [none]).at(0, Here(int(game.structure.roots[0]), eq.prior)) == pytest.approx(declared, abs=1e-5)
    runs = 20_000
    drawn = so.simulate(eq, runs=runs, seed=3).happened("challenger.press").mean()
    assert drawn == pytest.approx(declared, abs=4 * (0.25 / runs) ** 0.5)


ALARM = """\
standoff: 1
name: alarm
clock: {periods: 1}
parameters: {precision: {value: 2}, feared: {prior: {uniform: [0.05, 0.9]}}}
state:
  seen: {values: [quiet, exercise, fire], start: quiet}
players:
  neighbour:
    types: {hostile: 0.1, peaceful: rest}
    payoffs: {drill: {on: {neighbour.exercise: 1}}, war: {on: {guard.strike: -1, neighbour.attack: 2 if type == hostile else -2}}}
  guard:
    believes: {neighbour: {hostile: feared, peaceful: rest}}
    payoffs: {war: {on: {guard.strike: -1.5, neighbour.attack: -4}}}
turns:
  - {player: neighbour, options: {exercise: {set: {seen: exercise}}, rest_up: {}}}
  - {player: guard, when: seen == exercise, options: {strike: {set: {seen: fire}}, wait: {}}}
  - {player: neighbour, name: last, when: seen == exercise, options: {attack: {}, go_home: {}}}
claims:
  C1:
    text: It strikes.
    test: {left: {choice: guard.strike, at: {state: {seen: exercise}, beliefs: {neighbour: {hostile: 0.3}}}}, is: above, right: 0.5}
  C2: {text: An exercise comes., test: {left: {chance_of_move: neighbour.exercise}, is: above, right: 0}}
"""


@pytest.fixture
def alarm(tmp_path):
    path = tmp_path / "alarm.yaml"
    path.write_text(ALARM)
    return path


@pytest.mark.paper
@pytest.mark.parametrize("feared", [0.05, 0.4, 0.8])
def test_reasons_and_claims_are_in_the_eyes_of_who_decides(alarm, standoff, feared):
    """The guard's odds are the public ones times those of its own prior over those of the declared one, 1/9."""
    point = ["--beliefs", "neighbour.hostile=0.3", "--state", "seen=exercise"]
    asked = ["explain", str(alarm), "--player", "guard", *point, "--no-flips", "--set", f"feared={feared}"]
    code, out, _ = standoff(*asked, "--json")
    content = json.loads(out)
    odds = 0.3 / 0.7 * (feared / (1 - feared)) / (1 / 9)
    own = odds / (1 + odds)
    assert content["point"]["beliefs"]["neighbour"]["hostile"] == pytest.approx(0.3)
    assert content["point"]["own_beliefs"]["neighbour"]["hostile"] == pytest.approx(own)
    attack = own * logistic(2 * 2) + (1 - own) * logistic(2 * -2)
    strike = logistic(2 * (4 * attack - 1.5))
    by_option = {row["option"]: row for row in content["options"]}
    assert (code, by_option["strike"]["probability"]) == (0, pytest.approx(strike, abs=1e-4))
    assert f"In the eyes of guard: neighbour hostile {own:.2f}" in standoff(*asked)[1]
    worlds = so.sample(so.load(alarm, {"feared": feared}), n=1, tolerance=1e-4, workers=1)
    assert worlds.worlds[0].findings["C1"].margin == pytest.approx(strike - 0.5, abs=1e-3)
    eq = so.solve(so.build(so.load(alarm, {"feared": feared})), workers=1)
    declared = float(np.array([0.1, 0.9]) @ eq.policy().sel(option="exercise").values)
    assert worlds.worlds[0].findings["C2"].margin == pytest.approx(declared, abs=1e-3)


THREE = """\
standoff: 1
name: three-views
clock: {periods: 2, discount: 0.8, discounting: current}
parameters: {precision: {value: 1.5}}
state: {heat: {range: [0, 2], start: 0}}
players:
  ann:
    types: {low: 0.5, mid: 0.3, top: rest}
    believes: {bob: {meek: 0.9, bold: 0.1}}
    payoffs: {acts: {on: {ann.plot: "1 if type == low else -0.5", bob.hit: "-1 if type == top else -2"}, each_period: "0.2 * heat"}}
  bob:
    types: {meek: 0.4, bold: rest}
    believes: {ann: {low: 0.1, mid: 0.1, top: rest}}
    payoffs: {acts: {on: {bob.hit: "0.8 if type == bold else -0.3"}}, spoils: {ends: {time_up: "-1.2 if type(ann) == top else 0.5 * heat"}}}
  cem:
    believes: {ann: {low: 0.2, mid: 0.6, top: rest}, bob: {meek: 0.7, bold: rest}}
    payoffs: {bet: {ends: {time_up: "heat if type(ann) == low and type(bob) == bold else -0.3 * heat"}}, ease: {on: {cem.calm: 0.1}}}
turns:
  - player: ann
    signals: {smoke: {set: {heat: "min(heat + 1, 2)"}}, clear: {}}
    options: {plot: {covert: {smoke: "0.8 if type == top else 0.4", clear: rest}}, rest_: {covert: {smoke: 0.1, clear: rest}}}
  - {player: bob, options: {hit: {outcomes: {lands: {chance: "0.7 if type(bob) == bold else 0.2"}, misses: {chance: rest}}}, hold: {}}}
  - {player: cem, when: period == 1, options: {stir: {set: {heat: "min(heat + 1, 2)"}}, calm: {}}}
"""


def by_profile(solved, kinds):
    """Payoffs of all players from every history on, (H, players), and the chance of coming there, (H,), when the types are these."""
    g, pay, tree = solved.game.arrays, solved.game.payoffs, solved.tree
    columns = g.columns[:-1] + np.array(kinds)
    payoffs, reach = np.zeros((len(tree.node), len(kinds))), np.zeros(len(tree.node))
    following = {}
    for history, node in enumerate(tree.node.tolist()):
        rows = range(g.observation_start[node], g.observation_start[node + 1])
        owner = int(g.owner[node])
        k = kinds[owner] if owner >= 0 else 0
        likelihood = solved.likelihood(history)[:, k] if len(rows) else np.zeros(0)
        following[history] = [(int(tree.child[history]) + y, row, p) for y, (row, p) in enumerate(zip(rows, likelihood, strict=True))]
    reach[0] = 1.0
    for history, onward in following.items():
        for child, _, p in onward:
            reach[child] = reach[history] * p
    for history in range(len(tree.node) - 1, -1, -1):
        node = int(tree.node[history])
        payoffs[history] = pay.node[node, columns]
        for child, row, p in following[history]:
            payoffs[history] += p * (pay.observation[row, columns] + g.beta[node] * payoffs[child])
        if g.kind[node] == DECISION:
            payoffs[history] += solved.at(history)[kinds[int(g.owner[node])]] @ pay.option[g.option_start[node] : g.option_start[node + 1], columns]
    return payoffs, reach


@pytest.mark.property
def test_three_players_with_priors_of_their_own_answer_what_each_believes(tmp_path):
    """Beliefs of each by Bayes from its own prior, values by types one by one: nothing here uses one public belief for all."""
    path = tmp_path / "three.yaml"
    path.write_text(THREE)
    game = so.build(so.load(path))
    solved = so.exact(game)
    g, tree = game.arrays, solved.tree
    views = {
        0: (game.priors[0], np.array([0.9, 0.1]), np.ones(1)),
        1: (np.array([0.1, 0.1, 0.8]), game.priors[1], np.ones(1)),
        2: (np.array([0.2, 0.6, 0.2]), np.array([0.7, 0.3]), np.ones(1)),
    }
    profiles = list(itertools.product(*map(range, game.n_types)))
    known = {kinds: by_profile(solved, kinds) for kinds in profiles}
    compared = 0
    for history, node in enumerate(tree.node.tolist()):
        public = to_beliefs(solved.beliefs[history], game.n_types)
        for viewer, priors in views.items():
            weight = np.array([np.prod([priors[i][k] for i, k in enumerate(kinds)]) * known[kinds][1][history] for kinds in profiles])
            for about in {0, 1} - {viewer}:
                own = np.array([weight[[kinds[about] == k for kinds in profiles]].sum() for k in range(game.n_types[about])])
                assert game.in_eyes_of(viewer, about, public[about]) == pytest.approx(own / own.sum(), abs=1e-9)
            for k in range(game.n_types[viewer]):
                mine = np.array([kinds[viewer] == k for kinds in profiles])
                if not weight[mine].sum():
                    continue  # another type of it has come out at the end
                worth = np.array([known[kinds][0][history, viewer] for kinds in profiles])
                expected = weight[mine] @ worth[mine] / weight[mine].sum()
                assert solved.values[history, int(g.columns[viewer]) + k] == pytest.approx(expected, abs=1e-9)
        if g.kind[node] != DECISION:
            continue
        mover, likelihood = int(g.owner[node]), game.likelihoods(node)
        options = range(g.option_start[node], g.option_start[node + 1])
        for k in range(game.n_types[mover]):
            worth, total = np.zeros(len(options)), 0.0
            for kinds in profiles:
                if kinds[mover] == k:
                    weight = np.prod([views[mover][i][j] for i, j in enumerate(kinds)]) * known[kinds][1][history]
                    onward = known[kinds][0][int(tree.child[history]) :][: likelihood.shape[1], mover]
                    worth += weight * (game.payoffs.option[options.start : options.stop, g.columns[mover] + k] + likelihood[:, :, k] @ onward)
                    worth += (
                        weight
                        * likelihood[:, :, k]
                        @ game.payoffs.observation[g.observation_start[node] :][: likelihood.shape[1], g.columns[mover] + k]
                    )
                    total += weight
            answer = np.exp(1.5 * worth / total)
            assert solved.at(history)[k] == pytest.approx(answer / answer.sum(), abs=1e-9)
            compared += 1
    assert compared > 50


# --- payoffs by the type of another ---------------------------------------------------------------------------------------------------------

COMMON = """\
standoff: 1
name: common-value
clock: {periods: 1}
parameters: {precision: {value: 1}}
state:
  bought: {values: [false, true], start: false}
  asked: {values: [little, much], start: little}
players:
  seller:
    types: {good: 0.4, bad: 0.6}
    payoffs:
      price: {ends: {time_up: "(2 if asked == much else 1) if bought else 0"}}
      keep: {ends: {time_up: "0 if bought else (1.5 if type == good else 0)"}}
  buyer:
    payoffs:
      worth: {ends: {time_up: "((3 if type(seller) == good else 0) - (2 if asked == much else 1)) if bought else 0"}}
turns:
  - {player: seller, options: {cheap: {}, dear: {set: {asked: much}}}}
  - {player: buyer, options: {buy: {set: {bought: true}}, pass: {}}}
"""


@pytest.fixture
def common(tmp_path):
    path = tmp_path / "common.yaml"
    path.write_text(COMMON)
    return so.build(so.load(path))


@pytest.mark.paper
@pytest.mark.parametrize("precision", [0.7, 1.0, 2.5])
def test_a_buyer_judges_quality_by_the_price(common, precision):
    """Bought with L(precision (3 m - price)), m the belief in a good one; the seller by what each price brings."""
    game = so.build(common.canonical, {"precision": precision})
    eq = so.solve(game, tolerance=1e-6, workers=1)
    dear = np.array([0.5, 0.5])
    for _ in range(2_000):
        good = np.array([0.4, 0.6]) * np.stack([1 - dear, dear])
        belief = good[:, 0] / good.sum(axis=1)
        bought = np.array([logistic(precision * (3 * m - price)) for m, price in zip(belief, (1, 2), strict=True)])
        cheap_worth, dear_worth = (bought[i] * price + (1 - bought[i]) * np.array([1.5, 0.0]) for i, price in enumerate((1, 2)))
        dear = 0.5 * dear + 0.5 / (1 + np.exp(-precision * (dear_worth - cheap_worth)))
    for solved in (eq, eq.on_grid):
        assert solved.policy().sel(option="dear").values == pytest.approx(dear, abs=1e-6)
        for asked, chance_to_buy, m in zip(("little", "much"), bought, belief, strict=True):
            table = solved.policy(turn="buyer", state={"asked": asked}, beliefs={"seller": {"good": m}})
            assert float(table.sel(option="buy").item()) == pytest.approx(chance_to_buy, abs=1e-6)
    share = np.array([0.4, 0.6])
    gain = sum(share @ taken * bought[i] * (3 * belief[i] - i - 1) for i, taken in enumerate((1 - dear, dear)))
    assert eq.value("buyer").item() == pytest.approx(gain, abs=1e-6)


@pytest.mark.solver
def test_gambit_answers_the_same(common, tmp_path):
    gap, sets = compare(so.solve(common, tolerance=1e-5, workers=1), tmp_path)
    assert (gap < 1e-5, sets) == (True, 4)


@pytest.mark.paper
def test_an_end_may_depend_on_the_types_of_several_in_the_eyes_of_who_is_paid():
    """A bet brings 3 if both are so, else -1: worth 4 * 0.6 * 0.5 - 1 to who holds the common priors, 4 * 0.9 * 0.5 - 1 to the other."""
    builder = Builder("bet").clock(periods=1).parameter("precision", 2).state("bets", range=(0, 2), start=0)
    builder.player("ann", types={"x": 0.6, "y": 0.4}).player("bob", types={"u": 0.5, "v": 0.5})
    for name, own in (("cem", None), ("dag", {"ann": {"x": 0.9, "y": 0.1}})):
        builder.player(name, believes=own).state(f"{name}_in", values=[False, True], start=False)
        builder.payoff(name, "bet", ends={"time_up": f"(3 if type(ann) == x and type(bob) == u else -1) if {name}_in else 0"})
        builder.turn(name, options={"bet": {"set": {f"{name}_in": True, "bets": "bets + 1"}}, "pass": {}})
    # What ann gets depends on her own type and on bob's.
    builder.payoff("ann", "share", ends={"time_up": "bets * (1 if type(bob) == u else 0) * (1 if type == x else 2)"})
    eq = so.solve(so.build(builder.scenario()), workers=1)
    p, q = logistic(2 * 0.2), logistic(2 * 0.8)
    assert chance(eq, "bet", "cem") == pytest.approx(p, abs=1e-9)
    assert chance(eq, "bet", "dag") == pytest.approx(q, abs=1e-9)
    assert eq.value("cem").item() == pytest.approx(0.2 * p, abs=1e-9)
    assert eq.value("dag").item() == pytest.approx(0.8 * q, abs=1e-9)
    assert eq.value("ann").values == pytest.approx(np.array([1, 2]) * 0.5 * (p + q), abs=1e-9)


def test_what_comes_out_at_the_end_is_in_no_story_and_in_no_record(tmp_path):
    """Nobody wrote down which type it was: bits, likelihood and closing beliefs are those of the moves, and the size counts no chance point."""
    text = COMMON.replace("{periods: 1}", "{start: 2020-01-01, step: 1 week, end: 2020-01-08}")
    text = text.replace("{player: seller,", "{player: seller, silent: cheap,").replace("{player: buyer,", "{player: buyer, silent: pass,")
    path = tmp_path / "dated.yaml"
    path.write_text(text + "record: {map: {seller.dear: [{action: dear}], buyer.buy: [{action: buy}]}}\n")
    eq = so.solve(so.build(so.load(path)), workers=1)
    assert eq.game.size()["chance_points"] == 0
    day = dt.date(2020, 1, 1)
    trail = so.replay(eq, Record(tuple(Event(id=name, date=day, actor="x", action=name) for name in ("dear", "buy")), sha256=""))
    assert [step.move for step in trail.steps] == ["seller.dear", "buyer.buy"]
    assert eq.game.structure.kind[trail.node] == END
    dear = eq.policy().sel(option="dear").values
    likelihood = np.array([0.4, 0.6]) @ dear
    buy = float(eq.policy(turn="buyer", state={"asked": "much"}, beliefs={"seller": {"good": 0.4 * dear[0] / likelihood}}).sel(option="buy").item())
    assert trail.log_likelihood == pytest.approx(log(likelihood * buy), abs=1e-6)
    assert eq.beliefs(trail.x)["seller"]["good"] == pytest.approx(0.4 * dear[0] / likelihood, abs=1e-6)
    futures = so.simulate(eq, runs=200, seed=0)
    told = {line for run in range(40) for line in futures.story(run)}
    assert told == {f"1 Jan 2020: {what}" for what in ("seller: dear", "buyer: buy", "ends as time is up")}
    assert list(futures.ends().index) == ["time_up"]


# --- what is refused -----------------------------------------------------------------------------------------------------------------------


NEEDS = "needs a game that ends, and this one is open-ended"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["run"], f"drawing futures {NEEDS}"),
        (["replay"], f"replaying a record {NEEDS}"),
        (["claims"], "makes no claims; give its clock a number of periods, and write some under `claims:`"),
        (["explain"], f"explaining a choice {NEEDS}"),
        (["explain", "--event", "E1"], f"explaining a choice {NEEDS}"),
        (["compare", "--do", "force challenger.press"], f"sampling worlds {NEEDS}"),
        (["export"], f"writing the tree of histories {NEEDS}"),
        (["solve", "--exact"], f"solving on all public histories {NEEDS}"),
        (["solve", "--set", "clock.discount=1"], "clock.discount: without end and without discount, payoffs would add up to infinity; found 1"),
        (["solve", "--set", "clock.periods=3"], "clock.periods: an open-ended game has no periods; found 3; leave periods or open_ended out"),
    ],
    ids=lambda value: "-".join(value[:2]) if isinstance(value, list) else "",
)
def test_commands_that_need_an_end_refuse_an_endless_game_by_name(standoff, siege, command, words):
    code, out, err = standoff(command[0], str(siege), *command[1:])
    assert (code, out) == (2, "")
    assert words in err


def test_calls_that_need_an_end_refuse_an_endless_game_by_name(siege, tmp_path):
    scenario = so.load(siege)
    game = so.build(scenario)
    eq = so.solve(game, levels=box((2,)), certify=False, workers=1)
    record = Record((Event(id="E1", date=dt.date(2020, 1, 1), actor="x", action="x"),), sha256="")
    calls = {
        "replaying a record": lambda: so.replay(eq, record),
        "drawing futures": lambda: so.simulate(eq, runs=10),
        "sampling worlds": lambda: so.sample(scenario, n=2, workers=1),
        "evaluating claims and reasons": lambda: so.explain(eq),
        "writing the tree of histories": lambda: so.export(game, tmp_path / "siege.efg"),
        "solving on all public histories": lambda: so.exact(game),
    }
    for what, call in calls.items():
        with pytest.raises(BuildError, match=f"{what} {NEEDS}"):
            call()
    with pytest.raises(BuildError, match=f"solving on all public histories {NEEDS}"):
        so.solve(game, engine="exact")


def test_a_discount_that_only_parameters_give_is_refused_when_the_game_is_built(siege):
    siege.write_text(
        SIEGE.replace("discount: 0.9", "discount: patience").replace("{precision: {value: 1}}", "{precision: {value: 1}, patience: {value: 0.9}}")
    )
    scenario = so.load(siege)
    assert so.build(scenario).discount == 0.9
    with pytest.raises(BuildError, match=r"clock\.discount is 1 in an open-ended game, whose payoffs would add up to infinity; it must be below 1"):
        so.build(scenario, {"patience": 1.0})


def test_solve_says_that_every_period_is_alike(standoff, siege):
    code, out, _ = standoff("solve", str(siege))
    assert code == 0
    assert "in periods without end" in out
    assert "First choice: challenger, in every period" in out
    assert "standoff run" not in out  # which it could not do
    code, out, _ = standoff("check", str(siege), "--json")
    assert (code, "periods" in json.loads(out)["size"]) == (0, False)


def test_solve_shows_all_who_choose_at_once(standoff):
    code, out, _ = standoff("solve", "gallery/matching-pennies", "--branches")
    assert code == 0
    assert "2 decision points with 4 options" in out
    assert "First choice: row and column, at once, period 0" in out
    assert "one equilibrium found" in out
    assert "belief grid" not in standoff("check", "gallery/matching-pennies")[1]


ALONE = {"types: {tough: 0.3, soft: rest}": "types: {tough: 1}"}
AT_ONCE = {
    "{player: defender, when: not over,": "{player: defender, at_once: true,",
    "clock: {open_ended: true, discount: 0.9}": "clock: {periods: 2}",
}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "likeliest decisions of players with a secret"),
        (ALONE, "Nobody with a secret has a choice; each decision has one equilibrium, given what follows. The whole game"),
        (ALONE | AT_ONCE, "Nobody with a secret has a choice alone. The whole game"),
        (AT_ONCE, "Nobody with a secret has a choice alone. The whole game, every decision anew: one equilibrium found"),
    ],
    ids=["endless with a secret", "endless without", "at once without", "at once with a secret"],
)
def test_solve_says_which_decisions_it_looked_at_for_other_equilibria(standoff, siege, changes, said):
    text = SIEGE
    for old, new in changes.items():
        assert text.count(old) == 1
        text = text.replace(old, new)
    siege.write_text(text)
    code, out, err = standoff("solve", str(siege), "--branches")
    assert (code, err) == (0, "")
    assert said in " ".join(out.split())
    assert "leave out --exact" not in out


def test_priors_that_differ_are_refused_where_one_prior_is_wanted(standoff):
    with pytest.raises(
        ExportError, match=r"watcher has a prior of its own about rival \(players\.watcher\.believes\), and a tree .* one prior for all"
    ):
        so.export(so.build(so.load("gallery/misperception")), "game.efg")
    code, _, err = standoff("export", "gallery/misperception")
    assert code == 2
    assert "leave it out to export the game" in err


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hostile": 0.0}, r"players\.rival\.types excludes the type aggressor, which players\.watcher\.believes\.rival allows"),
        ({"feared": 0.0}, r"players\.watcher\.believes\.rival excludes the type aggressor, which players\.rival\.types allows"),
        ({"feared": 1.0}, r"excludes the type peaceful, .* give peaceful a small probability in both, or 0 in both"),
        ({"feared": 1.2}, r"the prior of rival in the eyes of watcher is {'aggressor': 1\.2, 'peaceful': -0\.2}; probabilities lie in \[0, 1\]"),
    ],
)
def test_priors_that_no_evidence_could_reconcile_are_refused(given, words):
    scenario = so.load("gallery/misperception")
    with pytest.raises(BuildError, match=words):
        so.build(scenario, given)


@pytest.mark.parametrize(
    ("old", "new", "column", "words"),
    [
        (
            "types: {tough: 0.3, soft: rest}",
            "types: {tough: 0, soft: rest}",
            34,
            "players.defender.types excludes this type; found 0.2 here and 0 there",
        ),
        ("{tough: 0.2,", "{tough: 0,", 34, "players.defender.types allows this type; found 0 here and 0.3 there; give it a small probability"),
        ("{tough: 0.2,", "{touhg: 0.2,", 27, "unknown type of defender; found touhg; allowed: tough, soft; did you mean tough?"),
    ],
)
def test_check_tells_the_place_of_a_prior_that_cannot_be(standoff, tmp_path, old, new, column, words):
    path = tmp_path / "siege.yaml"
    path.write_text(SIEGE.replace("  challenger:\n", "  challenger:\n    believes: {defender: {tough: 0.2, soft: rest}}\n").replace(old, new))
    code, out, _ = standoff("check", str(path))
    assert code == 2
    line = next(i for i, text in enumerate(path.read_text().splitlines(), start=1) if "believes" in text)
    assert f"siege.yaml:{line}:{column}:" in out
    assert words in out
