"""What one crisis taught opens the next: beliefs carried over, events thought away, and chains run as one story."""

from __future__ import annotations

import datetime as dt
import json
from math import exp, log

import numpy as np
import pytest

import standoff as so
from standoff.chain import Games, build, fix_grids
from standoff.cli.app import run_app
from standoff.cli.terminal import as_text
from standoff.errors import BuildError, RecordError, ScenarioError, SolveError
from standoff.game import build as build_declared
from standoff.replay import known_periods, replay
from standoff.report.opened import opening_content, opening_lines
from standoff.scenario import Builder, holds_chain, inputs_of, load, load_chain, own_record, resolve
from standoff.solve import solve
from standoff.worlds import run_world, sample
from standoff.worlds.sample import make_task

EAGERNESS = 1.0
HAWK = 1 / (1 + exp(-EAGERNESS))
"""The chance that a hawk goes; a dove goes with chance 1/2."""

START = dt.date(2020, 1, 1)

FIRST = """
standoff: 1
name: first
clock: {start: 2020-01-01, step: 1 week, end: 2020-01-22}
parameters:
  precision: {value: 1}
  eagerness: {prior: {triangular: [-1, 1, 3]}}
  early: {prior: {uniform: [0.1, 0.4]}}
players:
  mover:
    types: {hawk: early, dove: rest}
    payoffs: {taste: {on: {mover.go: "eagerness if type == hawk else 0"}}}
turns: [{player: mover, options: {go: {}, stay: {}}, silent: stay}]
record: {file: first.csv, map: {mover.go: [{action: go}]}}
claims:
  C2: {text: A hawk likes going., test: {left: {choice: mover.go, type: hawk}, is: above, right: 0.5}}
"""

SECOND = """
standoff: 1
name: second
clock: {start: 2020-03-01, step: 1 week, end: 2020-03-15}
parameters:
  precision: {value: 1}
  eagerness: {prior: {triangular: [-1, 1, 3]}}
  memory: {prior: {uniform: [0, 1]}}
players:
  mover:
    types: {dove: 0.6, hawk: rest}
    payoffs: {taste: {on: {mover.go: "eagerness if type == hawk else 0"}}}
  other:
    types: {one: 0.3, two: rest}
    payoffs: {taste: {on: {other.act: "1 if type == one else 0"}}}
turns:
  - {player: mover, options: {go: {}, stay: {}}, silent: stay}
  - {player: other, options: {act: {}, rest: {}}, silent: rest}
record: {file: second.csv, map: {mover.go: [{action: go}]}}
beliefs: {from: first.yaml, memory: memory}
claims:
  C10: {text: The first time taught something., test: {left: {choice: mover.go}, is: above, right: {choice: mover.go, at: {without: [one, two]}}}}
  C1: {text: Going is likelier than not., test: {left: {choice: mover.go}, is: above, right: 0.5}}
"""

CHAIN = "standoff: 1\nname: both\ntitle: Twice\nchain: [first.yaml, second.yaml]\n"

HEAD = "id,date,actor,action\n"


def write(folder, **files):
    """Write files into a folder: first, second (YAML), chain, and records; a name ending in _csv is a record."""
    given = {
        "first": FIRST, "second": SECOND, "both": CHAIN,
        "first_csv": f"{HEAD}one,2020-01-02,mover,go\ntwo,2020-01-09,mover,go\n", "second_csv": f"{HEAD}three,2020-03-09,mover,go\n",
    } | files  # fmt: skip
    for name, text in given.items():
        (folder / (name.replace("_csv", ".csv") if name.endswith("_csv") else f"{name}.yaml")).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path)


def closing(prior, went=2, stayed=1, hawk=HAWK):
    """The belief in a hawk, and the likelihood, after so many weeks of going and staying."""
    h, d = prior * hawk**went * (1 - hawk) ** stayed, (1 - prior) * 0.5 ** (went + stayed)
    return h / (h + d), h + d


def second_opens_at(game):
    """The belief in a hawk with which a game of `second` opens."""
    return game.priors[0][game.canonical.players[0].types.index("hawk")]


# --- opening beliefs by hand -------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize("memory", [0.0, 0.3, 1.0])
def test_the_opening_mixes_what_the_record_left_with_the_declared_prior(folder, memory):
    game = build(load(folder / "second.yaml", {"memory": memory}))
    left, likelihood = closing(0.25)
    assert second_opens_at(game) == pytest.approx(memory * left + (1 - memory) * 0.4, abs=1e-9)
    assert game.opened.log_likelihood == pytest.approx(log(likelihood), abs=1e-9)
    assert game.priors[1] == pytest.approx([0.3, 0.7])  # the other is not in the first crisis


@pytest.mark.paper
def test_beliefs_come_through_a_crisis_between(folder):
    """first -> second -> third: the second opens where the first left it, and its own record moves on from there."""
    third = SECOND.replace("name: second", "name: third").replace("first.yaml", "second.yaml").replace("[one, two]", "[three]")
    write(folder, third=third.replace("memory: memory", "memory: 1"))
    game = build(load(folder / "third.yaml", {"memory": 0.5}))
    left, first = closing(0.25)
    left, second = closing(0.5 * left + 0.5 * 0.4, went=1, stayed=1)
    silence = log(0.3 / (1 + exp(1)) + 0.35)  # twice the other did nothing: one with chance 1 / (1 + e), two with chance 1/2
    belief = 0.3 / (1 + exp(1)) / (0.3 / (1 + exp(1)) + 0.35)
    silence += log(belief / (1 + exp(1)) + (1 - belief) / 2)
    assert second_opens_at(game) == pytest.approx(left, abs=1e-9)
    assert game.opened.log_likelihood == pytest.approx(log(first) + log(second) + silence, abs=1e-8)


@pytest.mark.property
def test_only_the_start_moves_not_what_is_done_at_a_belief(folder):
    scenario = load(folder / "second.yaml")
    opened, declared = solve(build(scenario), workers=1), solve(build_declared(scenario), workers=1)
    assert np.array_equal(opened.values, declared.values)
    assert not np.array_equal(opened.prior, declared.prior)


def test_about_keeps_beliefs_of_others_out(folder):
    write(folder, second=SECOND.replace("memory: memory}", "memory: 1, about: []}").replace("memory: {prior: {uniform: [0, 1]}}", ""))
    assert second_opens_at(build(load(folder / "second.yaml"))) == pytest.approx(0.4)


def test_a_memory_outside_0_to_1_is_refused_where_it_shows(folder):
    with pytest.raises(BuildError, match=r"beliefs.memory is 1.5; it must lie between 0 and 1"):
        build(load(folder / "second.yaml", {"memory": 1.5}))


# --- parameters of both ------------------------------------------------------------------------------------------------------------


def test_a_world_draws_the_parameters_of_both_each_once(folder):
    canonical = resolve(load(folder / "second.yaml"))
    assert [spec.name for spec in canonical.parameters] == ["precision", "eagerness", "memory", "early"]
    assert so.check(load(folder / "second.yaml")) == []


def test_overriding_reaches_the_scenario_that_goes_before(folder):
    scenario = load(folder / "second.yaml", {"early": 0.4, "eagerness": 0})
    assert scenario.source.parameters["early"].value == 0.4
    assert scenario.source.parameters["eagerness"].value == scenario.parameters["eagerness"].value == 0
    game = build(scenario)  # hawks like doves: the record teaches nothing
    assert game.opened.closing["mover"]["hawk"] == pytest.approx(0.4, abs=1e-9)
    with pytest.raises(ScenarioError) as caught:
        load(folder / "second.yaml", {"earl": 1})
    assert caught.value.faults[0].suggestion == "early"


@pytest.mark.paper
def test_each_world_opens_from_its_own_past(folder):
    task, _ = make_task(load(folder / "second.yaml"), own_record(load(folder / "second.yaml")), tolerance=1e-2, workers=1, progress=None)
    parameters = {"precision": 1.0, "eagerness": 2.0, "memory": 0.5, "early": 0.1}
    world = run_world(task, 0, parameters)
    hawk = 1 / (1 + exp(-2))
    left, first = closing(0.1, hawk=hawk)
    start = 0.5 * left + 0.2
    _, second = closing(start, went=1, stayed=1, hawk=hawk)
    other = log(0.3 / (1 + exp(1)) ** 2 + 0.7 / 4)
    assert world.log_likelihood == pytest.approx(log(first) + log(second) + other, abs=1e-8)
    assert world.findings["C1"].numbers == pytest.approx([start * hawk + (1 - start) / 2], abs=1e-9)


@pytest.mark.paper
def test_a_claim_with_other_parameters_looks_at_another_past_too(folder):
    claim = "{text: x, test: {left: {choice: mover.go, with: {eagerness: 2}}, is: above, right: 0}}"
    write(folder, second=SECOND.split("claims:")[0] + f"claims:\n  C1: {claim}\n")
    task, _ = make_task(load(folder / "second.yaml"), None, tolerance=1e-2, workers=1, progress=None)
    world = run_world(task, 0, {"precision": 1.0, "eagerness": 1.0, "memory": 1.0, "early": 0.25})
    hawk = 1 / (1 + exp(-2))
    start, _ = closing(0.25, hawk=hawk)
    assert world.findings["C1"].numbers == pytest.approx([start * hawk + (1 - start) / 2], abs=1e-9)


@pytest.mark.property
def test_worlds_are_the_same_for_any_number_of_workers(folder):
    scenario = load(folder / "second.yaml")
    one, two = (sample(scenario, 6, record=own_record(scenario), workers=workers) for workers in (1, 2))
    assert one.table.equals(two.table)
    assert one.table["log_likelihood"].nunique() == 6


# --- events thought away -------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(("gone", "went"), [([], 2), (["one"], 1), (["two", "one"], 0)])
def test_without_an_event_its_week_is_one_of_staying(folder, gone, went):
    games = Games(fix_grids(resolve(load(folder / "second.yaml", {"memory": 1}))))
    game = games.without(games.build({}), gone)
    assert second_opens_at(game) == pytest.approx(closing(0.25, went=went, stayed=3 - went)[0], abs=1e-9)


@pytest.mark.paper
def test_a_claim_can_ask_what_the_first_time_taught(folder):
    task, _ = make_task(load(folder / "second.yaml"), None, tolerance=1e-2, workers=1, progress=None)
    finding = run_world(task, 0, {"precision": 1.0, "eagerness": 1.0, "memory": 1.0, "early": 0.25}).findings["C10"]
    with_, without = closing(0.25)[0], closing(0.25, went=0, stayed=3)[0]
    assert finding.numbers == pytest.approx([b * HAWK + (1 - b) / 2 for b in (with_, without)], abs=1e-9)


@pytest.mark.solver
def test_a_source_is_refined_no_longer_than_asked_and_said_to_miss_the_tolerance():
    """The militias of the siege choose so sharply that its first grid is too coarse."""
    scenario = load("baghdad-closure", {"precision_militia": 100})
    game = build(scenario, max_seconds=0.0, workers=1)
    assert opening_content(game)["met"] is False
    shown = " ".join(as_text(opening_lines(opening_content(game))).split())
    assert "The solution of baghdad-siege misses the tolerance" in shown


def test_a_game_without_a_past_cannot_lack_events_of_it():
    with pytest.raises(SolveError, match="no scenario goes before this one"):
        Games(resolve(load("one-shot-threat"))).without(build(load("one-shot-threat")), ["E1"])


# --- what the record moved -----------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize("move", ["{move: mover.go, ", "{"])
def test_a_shift_sums_what_told_moves_did_to_a_belief(folder, move):
    claim = f"{{text: x, test: {{left: {{record_shift: {move}about: mover, type: hawk}}}}, is: above, right: 0}}}}"
    write(folder, first=FIRST.split("claims:")[0] + f"claims:\n  C1: {claim}\n")
    scenario = load(folder / "first.yaml")
    world = sample(scenario, 1, record=own_record(scenario), workers=1).worlds[0]
    prior, eager = world.parameters["early"], world.parameters["eagerness"]
    hawk = 1 / (1 + exp(-eager))
    assert world.findings["C1"].numbers == pytest.approx([closing(prior, stayed=0, hawk=hawk)[0] - prior], abs=1e-9)


@pytest.mark.paper
def test_what_the_record_would_have_moved_in_another_world_is_replayed_there(folder):
    claims = [f"{{record_{what}, with: {{eagerness: 0}}}}" for what in ("shift: {about: mover, type: hawk}", "bits: {about: mover}")]
    text = "".join(f"  C{i}: {{text: x, test: {{nil: {claim}, within: 1.0e-9}}}}\n" for i, claim in enumerate(claims))
    write(folder, first=FIRST.split("claims:")[0] + f"claims:\n{text}")
    scenario = load(folder / "first.yaml")
    world = sample(scenario, 1, record=own_record(scenario), workers=1).worlds[0]
    assert [finding.holds for finding in world.findings.values()] == [True, True]


# --- as of the day when the claims were made ---------------------------------------------------------------------------------------------


KNOWN = FIRST.replace("{file: first.csv,", "{file: first.csv, known: 2020-01-08,")


def replayed(folder, text=KNOWN, rows="one,2020-01-02,mover,go\ntwo,2020-01-09,mover,go\n", **how):
    write(folder, first=text, first_csv=HEAD + rows)
    scenario = load(folder / "first.yaml")
    return replay(solve(build(scenario), workers=1), own_record(scenario), **how)


@pytest.mark.paper
def test_replay_stops_on_the_day_of_the_claims(tmp_path):
    trail = replayed(tmp_path)
    assert [step.move for step in trail.steps] == ["mover.go"]
    assert trail.log_likelihood == pytest.approx(log(0.25 * HAWK + 0.375), abs=1e-9)
    assert [(item.event.id, item.reason) for item in trail.unmapped] == [("two", "on or after 2020-01-08, when the claims were made")]
    game = trail.equilibrium.game
    assert game.structure.period[trail.node] == known_periods(game.canonical) == 1
    whole = replayed(tmp_path, whole=True)
    assert [step.move for step in whole.steps] == ["mover.go", "mover.go", "mover.stay"]
    assert not whole.unmapped
    assert whole.steps[0].probability == trail.steps[0].probability


@pytest.mark.property
@pytest.mark.parametrize("later", ["", "two,2020-01-08,mover,go\n", "two,2020-01-15,mover,go\nthree,2020-01-16,mover,go\n"])
def test_nothing_later_touches_what_was_known(tmp_path, later):
    one, two = replayed(tmp_path), replayed(tmp_path, rows=f"one,2020-01-02,mover,go\n{later}")
    assert one.log_likelihood == two.log_likelihood
    assert np.array_equal(one.x, two.x)
    assert one.node == two.node


def test_an_event_that_would_slip_past_the_day_finds_no_turn(tmp_path):
    rows = "one,2020-01-02,mover,go\ntwo,2020-01-03,mover,go\n"
    text = KNOWN.replace("{mover.go: [{action: go}]}", "{mover.go: [{id: one}], mover.stay: [{id: two}]}")
    trail = replayed(tmp_path, text, rows)
    assert [(event.id, why) for event, why in trail.unplayed] == [("two", "mover.stay found no turn before 2020-01-08, when the claims were made")]
    assert replayed(tmp_path, text, rows, whole=True).steps[1].events == ("two",)


def test_worlds_are_weighed_by_what_was_known(tmp_path):
    write(tmp_path, first=KNOWN)
    scenario = load(tmp_path / "first.yaml")
    worlds = sample(scenario, 3, record=own_record(scenario), workers=1)
    for world in worlds.worlds:
        early, hawk = world.parameters["early"], 1 / (1 + exp(-world.parameters["eagerness"]))
        assert world.log_likelihood == pytest.approx(log(early * hawk + (1 - early) / 2), abs=1e-9)


@pytest.mark.paper
def test_a_source_is_replayed_whole_even_if_its_claims_were_made_earlier(tmp_path):
    write(tmp_path, first=KNOWN)
    game = build(load(tmp_path / "second.yaml", {"memory": 1}))
    assert second_opens_at(game) == pytest.approx(closing(0.25)[0], abs=1e-9)


@pytest.mark.parametrize(
    ("known", "problem", "severity"),
    [
        ("2020-01-01", "nothing is known before the first day", "error"),
        ("2019-12-31", "outside the clock", "error"),
        ("2020-01-22", "outside the clock", "error"),
        ("2020-01-10", "claims are made within a period", "warning"),
    ],
)
def test_the_day_of_the_claims_lies_in_the_game(tmp_path, known, problem, severity):
    write(tmp_path, first=KNOWN.replace("2020-01-08", known))
    try:
        faults = so.check(load(tmp_path / "first.yaml"))
    except ScenarioError as error:
        faults = error.faults
    (fault,) = faults
    assert (fault.field, fault.severity) == ("record.known", severity)
    assert problem in fault.problem
    assert fault.line is not None


# --- faults --------------------------------------------------------------------------------------------------------------------------


BELIEFS = "beliefs: {from: first.yaml, memory: memory}"


def changed(**replacements):
    """`second` with parts replaced, given as pairs (old, new)."""
    text = SECOND
    for old, new in replacements.values():
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("files", "field", "problem"),
    [
        ({"second": changed(a=("first.yaml", "nowhere.yaml"))}, "beliefs.from", "there is no such file"),
        ({"second": changed(a=("first.yaml", "baghdad-sieg"))}, "beliefs.from", "no bundled scenario of this name"),
        ({"second": changed(a=("first.yaml", "second.yaml"))}, "beliefs.from", "in a circle"),
        ({"first": f"{FIRST}beliefs: {{from: second.yaml}}\n"}, "beliefs.from", "in a circle"),
        ({"second": changed(a=("first.yaml", "both.yaml"))}, "beliefs.from", "this is a chain, not a scenario"),
        ({"first": FIRST.replace("{file: first.csv, ", "{")}, "beliefs.from", "has no record"),
        ({"first_csv": "id,date\n"}, "beliefs.from", "the scenario that goes before has 1 fault"),
        ({"first": FIRST.replace("stay: {}", "stay: {when: nonsense}")}, "beliefs.from", "the scenario that goes before has 1 fault"),
        ({"first": FIRST.replace("mover", "moved")}, "beliefs.from", "no player has the same name and the same types"),
        ({"first": FIRST.replace("hawk", "eagle")}, "beliefs.from", "no player has the same name and the same types"),
        ({"first": FIRST.replace("[-1, 1, 3]", "[-1, 1, 2]")}, "parameters.eagerness", "another prior"),
        ({"second": changed(a=("memory: memory", "memory: 1.2"))}, "beliefs.memory", "out of range"),
        ({"second": changed(a=("memory: memory", "memory: early"))}, "beliefs.memory", "unknown name"),
        ({"second": changed(a=("memory: memory", "memory: memory, about: [nobody]"))}, "beliefs.about.0", "unknown player"),
        ({"second": changed(a=("memory: memory", "memory: memory, about: [other]"))}, "beliefs.about.0", "not the same types in first"),
        ({"second": changed(a=("[one, two]", "[one, twoo]"))}, "claims.C10.test.right.at.without.1", "unknown event of the record of first"),
        ({"second": changed(a=("[one, two]", "[one], after_record: true"))}, "claims.C10.test.right.at.without", "without and after_record both"),
        ({"second": changed(a=("[one, two]", "[one], beliefs: {mover: {hawk: 1}}"))}, "claims.C10.test.right.at.without", "without and beliefs both"),
        ({"second": changed(a=(BELIEFS, ""))}, "claims.C10.test.right.at.without", "no scenario goes before"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_past_is_told_at_its_place(tmp_path, files, field, problem):
    write(tmp_path, **files)
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "second.yaml")
    found = [fault for fault in caught.value.faults if fault.field == field]
    assert found, caught.value.faults
    assert problem in found[0].problem
    assert found[0].line is not None
    assert len(caught.value.faults) == 1


@pytest.mark.parametrize(
    ("shift", "field"),
    [("{about: nobody, type: hawk}", "about"), ("{about: mover, type: eagle}", "type"), ("{about: mover, type: hawk, move: mover.fly}", "move")],
)
def test_a_shift_names_what_exists(tmp_path, shift, field):
    write(tmp_path, first=FIRST.split("claims:")[0] + f"claims: {{C1: {{text: x, test: {{left: {{record_shift: {shift}}}, is: above, right: 0}}}}}}")
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "first.yaml")
    assert [fault.field for fault in caught.value.faults] == [f"claims.C1.test.left.record_shift.{field}"]


def test_a_builder_takes_beliefs_from_a_file(folder, monkeypatch):
    monkeypatch.chdir(folder)
    builder = Builder("later").clock(periods=1).player("mover", types={"hawk": 0.4, "dove": "rest"}).parameter("precision", 1)
    builder.turn("mover", options={"go": {}, "stay": {}}, silent="stay").beliefs("first.yaml", memory=1)
    assert second_opens_at(build(builder.scenario())) == pytest.approx(closing(0.25)[0], abs=1e-9)


def test_a_record_without_any_move_of_the_past_is_refused(folder):
    write(folder, first_csv=f"{HEAD}one,2020-01-02,mover,sing\ntwo,2020-01-09,mover,sing\n")
    with pytest.raises(RecordError, match="no event of the record stands for a move"):
        build(load(folder / "second.yaml"))


def test_what_decides_a_run_includes_the_past(folder):
    before = inputs_of(load(folder / "second.yaml"), None)
    write(folder, first_csv=f"{HEAD}one,2020-01-02,mover,go\ntwo,2020-01-10,mover,go\n")
    after = inputs_of(load(folder / "second.yaml"), None)
    assert before["scenario_sha256"] == after["scenario_sha256"]
    assert before["before"]["record_sha256"] != after["before"]["record_sha256"]
    assert inputs_of(load(folder / "second.yaml", {"early": 0.3}), None)["before"] != after["before"]


# --- chains --------------------------------------------------------------------------------------------------------------------------


def run(capsys, *arguments):
    """Run the command line; return its exit code, and what it printed."""
    code = run_app([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


SMALL = ("--worlds", 8, "--runs", 200, "--workers", 1, "--no-search")


def test_the_bundled_chain_is_the_siege_and_then_the_closure():
    assert "baghdad" in so.bundled()
    assert holds_chain("baghdad")
    assert [part.name for part in load_chain("baghdad").parts] == ["baghdad-siege", "baghdad-closure"]


@pytest.mark.parametrize(
    ("chain", "field", "problem"),
    [
        ("[first.yaml, nowhere.yaml]", "chain.1", "there is no such file"),
        ("[first.yaml, baghdad-sieg]", "chain.1", "no bundled scenario of this name"),
        ("[first.yaml, second.yaml, first.yaml]", "chain.2", "this scenario stands twice in the chain"),
        ("[first.yaml, both.yaml]", "chain.1", "the chain names itself"),
        ("[baghdad, first.yaml]", "chain.0", "this is a chain of scenarios, not a scenario"),
        ("[]", "chain", "the number of entries is wrong"),
        ("first.yaml", "chain", "wrong kind"),
        ("[first.yaml]\nlinks: 3", "links", "unknown field"),
    ],
)
def test_what_is_wrong_with_a_chain_is_told_at_its_place(tmp_path, chain, field, problem):
    write(tmp_path, both=f"standoff: 1\nname: both\nchain: {chain}\n")
    with pytest.raises(ScenarioError) as caught:
        load_chain(tmp_path / "both.yaml")
    (fault,) = caught.value.faults
    assert fault.field == field
    assert problem in fault.problem
    assert field is None or fault.line is not None


def test_faults_of_all_parts_are_told_at_once(tmp_path):
    write(tmp_path, first=FIRST.replace("type: hawk", "type: eagle"), second=SECOND.replace("other.act", "other.dance"))
    with pytest.raises(ScenarioError) as caught:
        load_chain(tmp_path / "both.yaml")
    assert {"claims.C2.test.left.type", "beliefs.from", "players.other.payoffs.taste.on.other.dance"} == {f.field for f in caught.value.faults}


def test_overrides_of_a_chain_reach_the_parts_that_know_them(folder):
    one, two = load_chain(folder / "both.yaml", {"early": 0.3, "memory": 0.1}).parts
    assert one.parameters["early"].value == two.source.parameters["early"].value == 0.3
    assert two.parameters["memory"].value == 0.1
    for key, problem in (("nothing", "no scenario of the chain has this parameter"), ("clock.step", "a clock of its own")):
        with pytest.raises(ScenarioError) as caught:
            load_chain(folder / "both.yaml", {key: 1})
        assert problem in caught.value.faults[0].problem


def test_a_chain_is_run_part_by_part_and_judged_in_one_table(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    code, out, err = run(capsys, "run", "both.yaml", *SMALL)
    assert (code, err) == (0, "")
    for part in ("1. first", "2. second", "Opening beliefs", "The worlds of first", "The worlds of second", "What to type next"):
        assert part in out
    rows = [line.split()[0] for line in out.split("The claims\n")[1].splitlines() if line.startswith("C")]
    assert rows == ["C1", "C2", "C10"]
    assert "The likelihood is that of the whole record of first and of the whole record here." in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 110


def test_a_part_of_a_chain_comes_out_as_it_does_alone(folder, capsys, monkeypatch):
    """Also when the run is told to keep what it computed: the second run continues from the first."""
    monkeypatch.chdir(folder)
    chain = json.loads(run(capsys, "run", "both.yaml", *SMALL, "--json")[1])
    kept = sorted((folder / "runs").rglob("batch-*.parquet"))
    again = json.loads(run(capsys, "run", "both.yaml", *SMALL, "--json")[1])
    alone = json.loads(run(capsys, "run", "second.yaml", *SMALL, "--json")[1])
    times = {"seconds": None}
    assert chain["parts"][1] | times == alone | times
    assert [part | times for part in chain["parts"]] == [part | times for part in again["parts"]]
    assert sorted((folder / "runs").rglob("batch-*.parquet")) == kept
    assert [claim["id"] for claim in chain["claims"]] == ["C1", "C2", "C10"]
    assert {claim["scenario"].rpartition("/")[2] for claim in chain["claims"]} == {"first.yaml", "second.yaml"}


def test_claims_of_two_parts_with_the_same_id_are_told_apart(folder, capsys, monkeypatch):
    """Both crises have a C2, and both are forecasts or go against the authors: nothing that is shown may leave open which is meant."""
    monkeypatch.chdir(folder)
    write(folder, second=SECOND.replace("C1:", "C2:"))
    content = json.loads(run(capsys, "run", "both.yaml", *SMALL, "--json")[1])
    assert [claim["id"] for claim in content["claims"]] == ["first:C2", "second:C2", "C10"]
    asked = ("--worlds", 8, "--workers", 1)
    for given, told in ((["second:C2"], ["second:C2"]), (["C2"], ["first:C2", "second:C2"]), (["second:C10"], ["C10"])):
        code, out, _ = run(capsys, "claims", "both.yaml", *given, *asked)
        assert code == 0
        assert [
            line.split()[0] for line in out.splitlines() if " likelier than not." in line or " likes going." in line or " something." in line
        ] == told
        assert f"standoff claims both.yaml {' '.join(told)}" in out
        assert "--robust" in out
    code, _, err = run(capsys, "claims", "both.yaml", "third:C2", *asked)
    assert code == 2
    assert "first:C2, C10, second:C2" in " ".join(err.split())


def test_check_examines_every_part_of_a_chain(folder, capsys):
    code, out, _ = run(capsys, "check", folder / "both.yaml")
    assert code == 0
    assert out.count("no faults") == 3
    write(folder, second=SECOND.replace("other.act", "other.dance"))
    code, out, _ = run(capsys, "check", folder / "both.yaml", "--json")
    assert (code, json.loads(out)["errors"]) == (2, 1)


@pytest.mark.parametrize("command", ["solve", "replay", "export"])
def test_commands_that_need_one_scenario_say_which_there_are(folder, capsys, command):
    code, _, err = run(capsys, command, folder / "both.yaml")
    assert code == 2
    assert "first.yaml, second.yaml" in " ".join(err.split())


def test_a_chain_takes_no_other_record(folder, capsys):
    code, _, err = run(capsys, "run", folder / "both.yaml", "--record", folder / "first.csv")
    assert code == 2
    assert "replays the record of each of its scenarios" in " ".join(err.split())


def test_a_scenario_is_no_chain(folder):
    with pytest.raises(ScenarioError, match="not a chain"):
        load_chain(folder / "first.yaml")


# --- what reports say ----------------------------------------------------------------------------------------------------------------


def test_replay_shows_the_whole_record_and_where_the_claims_were_made(folder, capsys):
    write(folder, first=KNOWN)
    content = json.loads(run(capsys, "replay", folder / "first.yaml", "--json")[1])
    assert [step["known"] for step in content["steps"]] == [True, False, False]
    assert content["log_likelihood_known"] > content["log_likelihood"]
    out = run(capsys, "replay", folder / "first.yaml")[1]
    assert "8 Jan 2020" in out
    assert "the claims were made" in out
    stopped = run(capsys, "replay", folder / "first.yaml", "--known")[1]
    assert "it stops before 8 Jan 2020" in stopped
    assert "not known yet" in stopped


def test_run_says_which_part_of_the_record_weighs(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    write(folder, first=KNOWN)
    out = run(capsys, "run", "first.yaml", *SMALL)[1]
    assert "The likelihood is that of the record here before 8 Jan 2020, when the claims were made." in " ".join(out.split())
    assert "1 came on or after 8 Jan 2020 and scores forecasts only" in " ".join(out.split())


def test_solve_shows_the_opening_beside_what_it_is_made_of(folder, capsys):
    content = json.loads(run(capsys, "solve", folder / "second.yaml", "--set", "memory=0.5", "--json")[1])
    (hawk,) = [row for row in content["opening"]["beliefs"] if row["type"] == "hawk"]
    assert (hawk["declared"], hawk["closing"]) == (pytest.approx(0.4), pytest.approx(closing(0.25)[0], abs=1e-9))
    assert hawk["opening"] == pytest.approx((hawk["declared"] + hawk["closing"]) / 2)
    assert content["opening"]["as_declared"] == ["other"]
