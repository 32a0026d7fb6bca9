"""Reports say what the results say, in words and figures that can be read."""

import datetime as dt
import io
import json

import numpy as np
import pytest
import xarray as xr

import standoff as so
from standoff.cli.terminal import as_text
from standoff.record import Event, Record
from standoff.report import replay_content, show_replay, solution_content, to_json
from standoff.report.folder import solution_dataset
from standoff.report.futures import ends_table, futures_content
from standoff.report.judged import against_lines, claims_table, share_text, standing, weights_lines
from standoff.report.words import amount, percent, plain, probability
from standoff.scenario.titles import day

RECORDED = """
standoff: 1
name: told
clock: {start: 2020-01-01, step: 1 month, end: 2020-04-01}
parameters: {precision: {value: 1}}
state: {tension: {values: [low, high], start: low}}
players:
  one: {types: {hard: 0.5, soft: 0.5}, payoffs: {gain: {on: {one.press: "3 if type == hard else -3"}}}}
turns:
  - {player: one, options: {press: {title: Press on, set: {tension: high}}, rest: {title: Rest}}, silent: rest}
record:
  map: {one.press: [{action: press}]}
  ignore: [{action: noise, reason: Only noise}]
"""

EVENTS = """id,date,actor,action,modality
E1,2020-02-03,one,press,happened
E2,2020-02-04,one,noise,happened
E3,2020-02-05,one,else,happened
E4,2020-03-05,one,press,hypothetical
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told")
    (folder / "told.yaml").write_text(RECORDED)
    (folder / "told.csv").write_text(EVENTS)
    scenario = so.load(folder / "told.yaml")
    eq = so.solve(so.build(scenario), workers=1)
    return scenario, so.replay(eq, so.read_record(folder / "told.csv"))


@pytest.mark.parametrize(
    ("p", "written"), [(0.0, "0.00"), (0.0001, "<0.01"), (0.005, "0.01"), (0.5, "0.50"), (0.9999, ">0.99"), (1.0, "1.00"), (float("nan"), "-")]
)
def test_probabilities_never_read_as_certain_when_they_are_not(p, written):
    assert probability(p) == written


def test_percents_amounts_and_days():
    assert percent(0.834) == "83 %"
    assert percent(0.999) == ">99 %"
    assert amount(1e-9) == "<0.01"
    assert amount(0.0) == "0.00"
    assert day(dt.date(2020, 9, 6)) == "6 Sep 2020"


def test_plain_data_has_no_numpy_and_no_nan():
    data = plain({"a": np.float64(1), "b": np.array([1.0, np.nan]), "c": (dt.date(2020, 1, 1), np.bool_(True)), "d": float("inf")})
    assert data == {"a": 1.0, "b": [1.0, None], "c": ["2020-01-01", True], "d": None}
    json.loads(to_json(data))


def test_a_replay_reports_moves_silences_and_every_event_that_stands_for_none(told):
    content = replay_content("told", *told)
    assert [(step["title"], step["silent"]) for step in content["steps"]] == [("Rest", True), ("Press on", False), ("Rest", True)]
    assert content["steps"][1]["when"] == "3 Feb 2020"
    assert content["steps"][1]["beliefs"]["one"]["hard"] > content["steps"][0]["beliefs"]["one"]["hard"]
    assert sorted(event for group in content["unmapped"] for event in group["events"]) == ["E2", "E3", "E4"]
    text = as_text(show_replay(content))
    assert "Only noise" in text
    assert "nothing reported: 1 quiet move" in text
    json.loads(to_json(content))


def test_a_move_that_reveals_much_is_not_called_pooled(told):
    content = replay_content("told", *told)
    assert content["steps"][1]["bits"] > 0.05
    assert content["pooled"] == []


def test_a_move_that_both_types_make_alike_is_called_pooled(told):
    scenario, trail = told
    dull = so.solve(so.build(scenario, {"precision": 0.01}), workers=1)
    content = replay_content("told", scenario, so.replay(dull, Record((*(item.event for item in trail.unmapped), *_told_events(trail)))))
    assert content["pooled"] == ["Press on"]
    assert "cannot be told from a bluff" in as_text(show_replay(content))


def _told_events(trail):
    return [Event(id="E1", date=dt.date(2020, 2, 3), actor="one", action="press")] if trail.steps else []


def test_the_solution_file_holds_the_policy_with_labels():
    eq = so.solve(so.build(so.load("repeated-signalling")), engine="grid", tolerance=1e-5, workers=1)
    data = solution_dataset(eq)
    stored = xr.open_dataset(io.BytesIO(bytes(data.to_netcdf(engine="h5netcdf"))), engine="h5netcdf")
    first = stored.isel(point=0)
    assert first["turn"] == "challenger"
    assert first["period"] == 0
    press = stored.isel(option=int(np.flatnonzero((stored["option_name"] == "challenger.press") & (stored["option_point"] == 0))[0]))
    middle = int(np.argmin(abs(stored["belief_challenger_weak"].values - 0.5) + abs(stored["belief_defender_weak"].values - 0.5)))
    odds = float(press["log_odds"].isel(belief=middle, type=0))
    p = float(eq.policy().sel(type="weak", option="press"))
    assert odds == pytest.approx(np.log(p / (1 - p)), abs=1e-4)


def ends(start, *by_period):
    periods = [f"{day} Jan" for day in range(1, 9)]
    rows = [
        {"end": f"e{i}", "title": f"End {i}", "probability": shares[-1], "drawn": shares[-1], "bound": 0.0, "by_period": list(shares)}
        for i, shares in enumerate(by_period)
    ]
    return as_text([ends_table({"start": start, "periods": periods, "ends": rows, "runs": 1000})])


def test_futures_are_shown_at_moments_after_their_start():
    """From the fifth of eight periods on, nothing can have happened by the second."""
    steady = [0.1 * i for i in range(8)]
    assert ends(0, steady).splitlines()[0].split("  ")[-4:] == ["by 3 Jan", "by 5 Jan", "by 6 Jan", "in all"]
    late = [0, 0, 0, 0, 0.1, 0.2, 0.3, 0.7]
    assert ends(4, late).splitlines()[0].split("  ")[-3:] == ["by 6 Jan", "by 7 Jan", "in all"]


def test_ends_that_come_as_time_runs_out_need_no_columns():
    text = ends(0, [0.0] * 6 + [0.004, 0.6], [0.0] * 7 + [0.4])
    assert "by" not in text
    assert "Nearly all come as time runs out." in text
    assert "by 6 Jan" in ends(0, [0.0] * 6 + [0.006, 0.6])


def test_simulated_futures_say_in_which_period_they_start(told):
    _, trail = told
    step = next(step for step in trail.steps if step.period == 2)
    futures = so.simulate(trail.equilibrium, 50, 0, at=(step.node, step.before), workers=1)
    assert futures_content(told[0], futures)["start"] == 2


CLAIM = {
    "id": "X1", "text": "It rains.", "where": "A P1", "verdict": "fails", "share": 0.04, "low": 0.01, "high": 0.1,
    "hinge": "sun > 1", "hinge_rule": {}, "against": True, "problem": "", "counter_world": None, "reading": "",
    "settled": True, "may_be": ["fails"],
}  # fmt: skip


def test_verdicts_against_the_authors_have_their_own_section():
    text = as_text(
        against_lines(
            [CLAIM, {**CLAIM, "id": "X2", "verdict": "built in", "against": False}, {**CLAIM, "id": "X3", "verdict": "contested", "against": False}]
        )
    )
    assert "X1 It rains. fails: true in 4 % (1-10) of plausible worlds" in text
    assert "Built in, so that the model says nothing for or against: X2" in text
    assert "X3" in text.split("Contested")[1]
    assert "No verdict goes against them" in as_text(against_lines([{**CLAIM, "against": False, "verdict": "holds"}]))


def test_the_table_of_claims_shows_what_could_not_be_measured():
    row = {**CLAIM, "verdict": "not measured", "share": float("nan"), "problem": "no record was given"}
    assert share_text(row) == "-"
    assert "no record was given" in as_text([claims_table([row])])


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (0, "none of 12 sampled worlds is more plausible"),
        (1, "1 of 12 sampled worlds is more plausible"),
        (2, "2 of 12 sampled worlds are more plausible"),
    ],
)
def test_how_plausible_a_world_is_stands_in_the_right_number(n, said):
    assert standing({"searched": False, "more_plausible": n, "of_worlds": 12}) == said


def test_too_few_effective_worlds_are_refused_in_words():
    weights = {
        "worlds": 64,
        "record": True,
        "temper": 1.0,
        "effective": 1.7,
        "enough": False,
        "refined": 0,
        "failed": 2,
        "median_problem": "",
        "open": {},
    }
    weights["problems"] = ["it broke"]
    text = " ".join(as_text(weights_lines(weights)).split())
    assert "Weighted verdicts are refused" in text
    assert "2 worlds could not be computed: it broke" in text


def test_a_solution_that_misses_its_tolerance_says_so():
    from standoff.report import show_solution

    eq = so.solve(so.build(so.load("repeated-signalling")), tolerance=1e-12, max_seconds=0.0, engine="grid", workers=1)
    content = solution_content("repeated-signalling", so.load("repeated-signalling"), eq)
    assert not content["certificate"]["met"]
    text = " ".join(as_text(show_solution(content)).split())
    assert "NOT MET" in text
    assert "may be off by more than the tolerance" in text


def test_a_precision_that_double_precision_cannot_carry_is_told_with_a_remedy():
    from standoff.report import show_solution

    scenario = so.load("repeated-signalling", {"precision": 10_000})
    text = " ".join(as_text(show_solution(solution_content("repeated-signalling", scenario, so.exact(so.build(scenario))))).split())
    assert "NOT MET: exact on all 57 public histories" in text
    assert "For more, lower the precision." in text
    assert "--tolerance 1e-3 to more digits" not in text


def test_an_explanation_says_what_speaks_for_the_likeliest_option_and_then_what_against():
    from standoff.report.explained import explain_content, show_explained

    scenario = so.load("one-shot-threat")
    why = so.explain(so.solve(so.build(scenario), workers=1), "challenger", flips=False)
    assert why.choice == "threaten"
    payoffs = why.payoffs.sel(type="bluffing")
    difference = payoffs.sel(option="threaten") - payoffs.sel(option="stay_silent")
    better = {str(part): float(difference.sel(component=part)) for part in difference.component.values}
    content = explain_content("one-shot-threat", scenario, why)
    (said,) = (sentence for sentence in content["words"] if sentence.startswith("If bluffing"))
    for_, against = said.split("against:")
    assert "what speaks for threaten rather than stay_silent:" in for_
    for part, value in better.items():
        assert f"{part} ({value:+.2f})" in (for_ if value > 0 else against)
    text = as_text(show_explained(content))
    assert "Why: threaten rather than stay_silent" in text
    row = next(line for line in text.splitlines() if line.startswith("in all"))
    assert row.split()[-1] == f"{sum(better.values()):+.2f}"


def test_a_comparison_lists_carrying_on_where_that_changes():
    from standoff.report.compared import compare_content, show_compare

    builder = so.Builder("once").clock(periods=1).parameter("precision", 1).parameter("gain", prior={"uniform": [0, 1]})
    builder = builder.player("mover").payoff("mover", "gain", on={"mover.go": "gain"})
    scenario = builder.turn("mover", options={"go": {}, "stay": {"title": "Carry on"}}, silent="stay").scenario()
    comparison = so.compare(so.sample(scenario, n=8, workers=1), {"richer": "set gain=3"}, runs=500, workers=1)
    text = as_text(show_compare(compare_content("once", comparison)))
    moves = text[text.index("moves that change most") :].split("\n\n")[0]
    assert "arry on" in moves
