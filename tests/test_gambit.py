"""Games written for Gambit, and its agent quantal response compared with ours."""

from __future__ import annotations

import re
import sys
from fractions import Fraction

import pygambit
import pytest

from games import dilemma, gambit_policies, histories, message_game, random_scenario, with_precision
from standoff.errors import ExportError
from standoff.export import export, information_sets
from standoff.export.efg import count_plays
from standoff.game import build
from standoff.scenario import Builder, load
from standoff.solve import exact, solve

TOLERANCE = 1e-4
"""Agreement of choice probabilities; ours are solved to 1e-5, with figures taken on histories."""

TABLE = {1: (0.52954, 0.89258), 2: (0.39529, 0.52164), 3: (0.42164, 0.55022)}
"""Chance that the weak and the strong challenger press at the start of T rounds (Gambit 16.7, docs of repeated-signalling)."""


def largest_gap(game, folder):
    """Solve and return the largest difference of any choice probability at any information set, and how many were compared."""
    solved = solve(game, tolerance=1e-5, workers=1)
    assert solved.certificate.met
    return compare(solved, folder)


def compare(solved, folder):
    game = solved.game
    theirs = gambit_policies(game, folder)
    ours = {history: probe for _, _, probe, history, _ in histories(solved)}
    sets = information_sets(game)
    assert len(sets) == len(theirs)
    gap = 0.0
    for place in sets:
        rows = range(game.arrays.option_start[place.node], game.arrays.option_start[place.node + 1])
        names = [game.option_address(row).split(".", 1)[1] for row in rows]
        mixed = theirs[place.player, place.number]
        assert set(mixed) == set(names)
        policy = ours[place.history].policy[place.kind]
        gap = max(gap, *(abs(mixed[name] - p) for name, p in zip(names, policy, strict=True)))
    return gap, len(sets)


@pytest.mark.solver
@pytest.mark.parametrize(("name", "count"), [("one-shot-threat", 5), ("patron-and-proxy", 50)])
def test_bundled_games_are_solved_as_gambit_solves_them(name, count, tmp_path):
    gap, compared = largest_gap(build(load(name)), tmp_path)
    assert compared == count
    assert gap < TOLERANCE


@pytest.mark.solver
@pytest.mark.parametrize("n", [1, 2, 3])
def test_rounds_of_signalling_are_solved_as_gambit_solves_them(n, tmp_path):
    gap, _ = largest_gap(build(load("repeated-signalling", {"clock.periods": n})), tmp_path)
    assert gap < TOLERANCE


@pytest.mark.published
@pytest.mark.solver
@pytest.mark.parametrize("n", TABLE)
def test_the_challenger_presses_as_published(n, tmp_path):
    game = build(load("repeated-signalling", {"clock.periods": n}))
    policy = solve(game, tolerance=1e-6, workers=1).policy()
    theirs = gambit_policies(game, tmp_path)
    sets = [place for place in information_sets(game) if place.history == 0]
    for place, kind, published in zip(sets, ("weak", "strong"), TABLE[n], strict=True):
        ours = float(policy.sel(type=kind, option="press"))
        assert ours == pytest.approx(theirs[place.player, place.number]["press"], abs=1e-5)
        assert ours == pytest.approx(published, abs=1e-5)


@pytest.mark.solver
@pytest.mark.parametrize("precision", [0.5, 1.5, 2.0, 3.0, 4.0])
def test_the_certificate_tells_the_distance_to_gambit(precision, tmp_path):
    """Sharp play bends values so that the grid cannot follow; the certificate says by how much, met or not."""
    game = build(load("repeated-signalling", {"clock.periods": 2}), {"precision": precision})
    solved = solve(game, tolerance=1e-3, max_beliefs=2_000, workers=1)
    gap, _ = compare(solved, tmp_path)
    assert gap <= 2 * solved.certificate.policy_distance
    assert solved.certificate.met == (solved.certificate.policy_distance <= 1e-3)


@pytest.mark.solver
def test_precision_is_gambits_lambda(tmp_path):
    """Plain payoffs at lambda are scaled payoffs at lambda 1."""
    game = build(load("repeated-signalling", {"clock.periods": 2}), {"precision": 1.5})
    tree = pygambit.read_efg(str(export(game, tmp_path / "plain.efg")))
    (answer,) = pygambit.qre.logit_solve_lambda(tree, lam=[1.5])
    scaled = gambit_policies(game, tmp_path)
    for number, (_, mixed) in enumerate(answer.profile["challenger"], start=1):
        assert dict(mixed) == pytest.approx(scaled[0, number], abs=1e-7)


@pytest.mark.solver
@pytest.mark.parametrize("seed", range(6))
def test_random_games_are_solved_as_gambit_solves_them(seed, tmp_path):
    """Covert moves, outcomes and events that depend on types, precisions by player, payoffs discounted to the start."""
    game = build(random_scenario(seed, discount=0.9, propensities=False))
    gap, compared = largest_gap(game, tmp_path)
    assert compared > 20
    assert gap < TOLERANCE


@pytest.mark.solver
@pytest.mark.parametrize("seed", range(3))
def test_three_types_are_solved_as_gambit_solves_them(seed, tmp_path):
    game = build(random_scenario(seed, types=(3, 1), propensities=False))
    gap, _ = largest_gap(game, tmp_path)
    assert gap < TOLERANCE


@pytest.mark.solver
def test_a_type_without_a_prior_chance_is_left_out(tmp_path):
    game = build(message_game((0.9, 0.2), (1, 1), (0.1, 0.8), (1.0, 0.0)))
    assert count_plays(game) == 2 * 3  # refuse, or accept with two outcomes, after either word
    solved = solve(game, tolerance=1e-6, workers=1)
    theirs = gambit_policies(game, tmp_path)
    assert solved.policy().sel(type="k0", option="boast").item() == pytest.approx(theirs[0, 1]["boast"], abs=1e-6)


def border(**prior):
    """North and south arm or wait at the same moment; then north may raid unseen, but for smoke, and south strikes or not."""
    builder = with_precision(Builder("border").clock(periods=1), 2.0).state("armed", values=[False, True], start=False)
    builder.player("north", types=prior or {"bold": 0.4, "shy": "rest"}).player("south", types={"calm": 0.5, "tense": "rest"})
    worth = "0.7 if type == bold else -0.2"
    builder.payoff("north", "land", on={"north.raid": worth, "north.arm": 0.3, "south.arm": -0.5, "south.strike": "-1 if type == bold else -0.4"})
    builder.payoff("south", "calm", on={"north.raid": -0.6, "south.arm": "0.4 if type == tense else -0.3", "south.strike": -0.2})
    builder.payoff("south", "revenge", ends={"time_up": "(0.5 if type == tense else 0.1) if armed else 0"})
    builder.turn("north", name="first", options={"arm": {"set": {"armed": True}}, "wait": {}})
    builder.turn("south", name="second", options={"arm": {}, "wait": {}, "talk": {}}, at_once=True)
    raid = {"covert": {"smoke": "0.75 if type == bold else 0", "clear": "rest"}}
    builder.turn(
        "north", name="night", options={"raid": raid, "rest": {"covert": {"smoke": 0.05, "clear": "rest"}}}, signals={"smoke": {}, "clear": {}}
    )
    return builder.turn("south", name="morning", options={"strike": {}, "sit": {}}).scenario()


@pytest.mark.solver
@pytest.mark.parametrize("prior", [{}, {"bold": 0.4, "never": 0, "shy": "rest"}], ids=["all", "one without a chance"])
def test_the_exact_solution_is_read_at_the_history_of_each_information_set(prior, tmp_path):
    """Choices at once, covert moves and signals: nothing need be sought to set Gambit's choices beside ours."""
    game = build(border(**prior))
    solved, theirs, sets = exact(game), gambit_policies(game, tmp_path), information_sets(game)
    assert {(place.player, place.number) for place in sets} == set(theirs)
    # Two types each: first and second at once, night after 6 ways, morning after each of these with two signals.
    assert len(sets) == 2 * (1 + 1 + 6 + 12)
    for place in sets:
        assert solved.tree.node[place.history] == place.node
        assert list(theirs[place.player, place.number].values()) == pytest.approx(solved.at(place.history)[place.kind], abs=1e-7)


@pytest.mark.paper
def test_choices_at_once_and_signals_are_written_so_that_nobody_knows_more_than_it_should(tmp_path):
    game = build(border())
    text = export(game, tmp_path / "border.efg").read_text(encoding="utf-8")
    assert text.count("\nt ") == count_plays(game)
    sets = {place.name: place for place in information_sets(game)}

    def nodes(name):
        """Count the nodes of an information set."""
        place = sets[name]
        return text.count(f'p "" {place.player + 1} {place.number} "{name}" {{')

    # Two types of the other, and here either first move of north.
    assert nodes("bold, first, period 0") == 2
    assert nodes("calm, second, period 0") == nodes("tense, second, period 0") == 4
    assert {(sets[f"{kind}, second, period 0"].history, sets[f"{kind}, second, period 0"].seen) for kind in ("calm", "tense")} == {(1, ())}
    night = "night, period 0, after north.arm south.arm"
    assert nodes(f"bold, {night}") == nodes(f"shy, {night}") == 2
    # South does not see what north did: smoke comes of a raid by the bold, and seldom of rest by either; nothing of a raid by the shy.
    morning = sets["calm, morning, period 0, after north.arm south.arm north.smoke"]
    assert nodes(morning.name) == 3
    assert morning.seen == ("north.arm", "south.arm", "north.smoke")
    drawn = [line for line in text.splitlines() if line.startswith('c "" ') and '"north.raid, period 0' in line]
    assert len(drawn) == 2 * 6
    assert all(line.endswith('{ "smoke" 0.75 "clear" 0.25 } 0') for line in drawn)


@pytest.mark.paper
def test_the_file_reads_as_written(tmp_path):
    scenario = message_game((0.9, 0.2), (1, 2), (0.1, 0.8), (0.3, 0.7))
    path = export(build(scenario), tmp_path / "message.efg")
    tree = pygambit.read_efg(str(path))
    assert list(tree.players) == ["sender", "receiver"]
    assert len(tree.get_infosets("sender")) == 2
    assert len(tree.get_infosets("receiver")) == 2
    text = path.read_text(encoding="utf-8")
    assert text.count("\nt ") == count_plays(build(scenario)) == 12
    assert 'c "" 1 "types (1)" { "k0" 0.3 "k1" 0.7 } 0' in text
    assert 'p "" 1 1 "k0, sender, period 0" { "boast" "silence" } 0' in text
    assert 'p "" 2 1 "receiver, period 0, after sender.boast" { "accept" "refuse" } 0' in text


@pytest.mark.paper
def test_payoffs_are_totals_over_the_path(tmp_path):
    """A flow of 1 in each of three periods at discount 1/2, and 3 for going at once."""
    scenario = (
        with_precision(Builder("leave").clock(periods=3, discount=0.5))
        .state("gone", values=[False, True], start=False)
        .player("me")
        .payoff("me", "flow", each_period=1, ends={"left": 3})
        .turn("me", options={"stay": {}, "leave": {"set": {"gone": True}}})
        .end("left", "gone")
        .scenario()
    )
    lines = export(build(scenario), tmp_path / "leave.efg").read_text(encoding="utf-8").splitlines()
    ends = [line.split('"')[3:] for line in lines if line.startswith("t ")]
    assert [(name, float(rest.strip(" {}"))) for name, rest in ends] == [("time_up", 1.75), ("left", 1.5 + 3 / 4), ("left", 1 + 3 / 2), ("left", 3.0)]


@pytest.mark.paper
def test_scaled_payoffs_carry_each_players_precision(tmp_path):
    game = build(dilemma([1.0, 2.0], precision=3.0))
    plain = export(game, tmp_path / "plain.efg").read_text(encoding="utf-8")
    scaled = export(game, tmp_path / "scaled.efg", scaled=True).read_text(encoding="utf-8")
    assert "{ 2.0 }" in plain
    assert "{ 6.0 }" in scaled


@pytest.mark.property
@pytest.mark.parametrize("seed", range(4))
def test_chances_sum_to_one_exactly(seed, tmp_path):
    """Gambit refuses chances that do not; reading is the test."""
    path = export(build(random_scenario(seed, types=(3, 3), periods=1)), tmp_path / "game.efg")
    assert pygambit.read_efg(str(path)).players


@pytest.mark.property
@pytest.mark.parametrize("seed", range(4))
def test_terminal_nodes_are_counted_before_writing(seed, tmp_path):
    game = build(random_scenario(seed))
    text = export(game, tmp_path / "game.efg").read_text(encoding="utf-8")
    assert text.count("\nt ") == count_plays(game)
    names = [(place.player, place.name) for place in information_sets(game)]
    assert len(set(names)) == len(names)


def test_other_suffixes_are_refused(tmp_path):
    with pytest.raises(ExportError, match=r"use \.efg"):
        export(build(dilemma([1, 2])), tmp_path / "game.nfg")


def test_large_trees_are_refused_with_their_size(tmp_path):
    with pytest.raises(ExportError, match=r"has at least [\d,]{7,} terminal nodes; at most 200,000"):
        export(build(load("patron-and-proxy", {"clock.periods": 4})), tmp_path / "game.efg")
    assert not (tmp_path / "game.efg").exists()


def test_trees_full_of_what_cannot_happen_are_refused_before_they_are_unrolled(tmp_path, monkeypatch):
    """A single play is left to write, but histories without a chance are in the tree as well: 2 of them more every week."""
    builder = with_precision(Builder("idle").clock(periods=60)).player("me").payoff("me", "taste", on={"me.go": 1})
    builder.event("comet", outcomes={"hit": {"chance": 0}, "miss": {"chance": "rest"}})
    game = build(builder.turn("me", when="period == 0", options={"go": {}, "stay": {}}).scenario())
    assert count_plays(game) == 2
    monkeypatch.setattr(sys.modules["standoff.export.efg"], "unroll", None)
    with pytest.raises(ExportError, match=r"has [\d.e+]+ public histories, counting those without a chance; at most 2,000,000"):
        export(game, tmp_path / "game.efg")


def test_what_no_scale_expresses_is_refused_when_scaled(tmp_path):
    unequal = build(dilemma([1, 2], propensities=[1, 0.5]))
    with pytest.raises(ExportError, match=r"me\.o1 has propensity 0\.5 beside 1 "):
        export(unequal, tmp_path / "game.efg", scaled=True)
    assert export(unequal, tmp_path / "game.efg").exists()
    equal = build(dilemma([1, 2], propensities=[0.5, 0.5]))
    assert export(equal, tmp_path / "game.efg", scaled=True).exists()
    current = build(load("repeated-signalling", {"clock.periods": 2, "clock.discount": 0.9}))
    with pytest.raises(ExportError, match="discounting: present"):
        export(current, tmp_path / "game.efg", scaled=True)
    present = build(load("repeated-signalling", {"clock.periods": 2, "clock.discount": 0.9, "clock.discounting": "present"}))
    assert export(present, tmp_path / "game.efg", scaled=True).exists()


TINY = [[f"exp(-{k})"] for k in (1, 9, 18, 24, 26, 27, 28, 29, 30, 35, 60, 300, 700, 744)]
SEVERAL = [[f"exp(-{k}) / 7", f"exp(-{2 * k + 1}) / 3", "1 / 3"] for k in range(1, 60, 4)]


@pytest.mark.solver
@pytest.mark.parametrize("chances", TINY + SEVERAL, ids=" ".join)
def test_chances_sum_to_exactly_one_however_small_they_are(chances, tmp_path):
    """Gambit refuses a file in which they do not."""
    outcomes = {f"c{i}": {"chance": chance} for i, chance in enumerate(chances)} | {"safe": {"chance": "rest"}}
    builder = with_precision(Builder("tiny").clock(periods=1), 1).player("a").payoff("a", "p", ends={"time_up": 1})
    game = build(builder.turn("a", options={"alert": {"outcomes": outcomes}, "wait": {}}).scenario())
    path = export(game, tmp_path / "tiny.efg")
    (line,) = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("c ")]
    written = [Fraction(text) for text in re.findall(r'" ([0-9.]+)', line[line.index("{") :])]
    assert len(written) == len(outcomes)
    assert all(p > 0 for p in written)
    assert sum(written) == 1
    assert pygambit.read_efg(str(path)).title == "tiny"
