"""What a user of the library passes by mistake is refused with what to pass; what is returned shows itself on one line."""

import numpy as np
import pytest

import standoff as so
from standoff.compare import Line
from standoff.errors import ArgumentError, StandoffError


@pytest.fixture(scope="module")
def made():
    """Give one of everything, by the names of the docstrings."""
    scenario = so.load("one-shot-threat")
    game = so.build(scenario)
    worlds = so.sample(scenario, n=8, workers=1)
    eq = so.solve(game, workers=1)
    return {
        "so": so, "scenario": scenario, "game": game, "eq": eq, "exact": so.exact(game, workers=1), "worlds": worlds,
        "verdicts": so.judge(worlds, search=False, workers=1), "futures": so.simulate(eq, runs=20),
        "comparison": so.compare(worlds, {"dear": "set audience_cost=3"}, runs=20, workers=1), "Line": Line,
        "why": so.explain(eq, "challenger", flips=False), "record": so.read_record(so.record_path("baghdad-siege")), "branches": so.branches(eq),
        "canonical": game.canonical, "structure": game.structure,
    }  # fmt: skip


def error(made, call):
    with pytest.raises(StandoffError) as caught:
        eval(call, dict(made))  # noqa: S307 - our own examples
    return caught.value


@pytest.mark.parametrize(
    ("call", "meant"),
    [
        ('eq.policy(turn="challenger", state={}, beliefs={"challenger": {"resolut": 0.9}})', "resolute"),
        ('eq.policy(beliefs={"chalenger": {"resolute": 0.9}})', "challenger"),
        ('eq.value("challenger", beliefs={"challenger": {"resolut": 0.9}})', "resolute"),
        ('eq.value("chalenger")', "challenger"),
        ('exact.value("chalenger")', "challenger"),
        ('so.build(scenario, {"audience_kost": 1})', "audience_cost"),
        ('verdicts["blufff"]', "bluff"),
        ('verdicts.stated("blufff")', "bluff"),
        ('futures.happened("challenger.threten")', "challenger.threaten"),
        ('comparison.difference("dear", Line("end", "wor"))', "war"),
        ('so.record_path("baghdad-sieg")', "baghdad-siege"),
    ],
)
def test_a_misspelt_name_is_refused_with_what_may_be_meant(made, call, meant):
    assert f"did you mean {meant}?" in str(error(made, call))


@pytest.mark.parametrize(
    ("call", "remedy"),
    [
        ("so.solve(scenario)", "so.build(scenario)"),
        ("so.exact(scenario)", "so.build(scenario)"),
        ("so.export(eq, 'threat.efg')", "so.build(scenario)"),
        ('so.build("one-shot-threat")', "so.load("),
        ('so.check("one-shot-threat")', "so.load("),
        ('so.sample("one-shot-threat")', "so.load("),
        ("so.load(game)", "so.load("),
        ("so.simulate(game)", "so.solve(game)"),
        ("so.branches(game)", "so.solve(game)"),
        ("so.explain(game)", "so.solve(game)"),
        ("so.replay(game, record)", "so.solve(game)"),
        ('so.replay(eq, "record.csv")', "so.read_record("),
        ('so.sample(scenario, record="record.csv")', "so.read_record("),
        ("so.read_record(3)", "so.read_record("),
        ("so.judge(scenario)", "so.sample(scenario)"),
        ("so.settle(verdicts)", "so.sample(scenario)"),
        ("so.score(scenario)", "so.sample(scenario)"),
        ('so.compare(scenario, {"dear": "set audience_cost=3"})', "so.sample(scenario)"),
        ('so.simulate(eq, do=["force challenger.threaten"])', "so.Intervention("),
    ],
)
def test_a_thing_of_another_kind_is_refused_with_what_makes_the_right_one(made, call, remedy):
    found = error(made, call)
    assert isinstance(found, ArgumentError)
    assert remedy in str(found)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ('eq.policy(beliefs={"challenger": 0.9})', "given by type"),
        ('eq.policy(beliefs={"challenger": {"resolute": "often"}})', "must be a number"),
        ('so.build(scenario, {"audience_cost": "high"})', "finite number"),
        ("so.build(scenario, parameters=3)", "given by name"),
        ("futures.story(20)", "at most 19"),
        ("futures.story(-1)", "at least 0"),
    ],
)
def test_a_value_of_another_kind_is_refused(made, call, said):
    assert said in str(error(made, call))


def test_an_exact_solution_is_taken_wherever_a_solution_is(made):
    from_exact, from_solved = (so.simulate(made[name], runs=500, seed=3) for name in ("exact", "eq"))
    assert np.array_equal(from_exact.end, from_solved.end)
    assert so.explain(made["exact"], "challenger", flips=False).probabilities == pytest.approx(made["why"].probabilities)


def test_a_record_is_replayed_through_an_exact_solution(tmp_path):
    builder = so.Builder("steps").clock(start="2021-01-01", step="1 week", end="2021-01-15").parameter("precision", 1)
    builder = builder.state("out", values=[False, True], start=False).player("walker", types={"keen": 0.5, "idle": "rest"})
    builder = builder.turn("walker", options={"go": {}, "stay": {}}, silent="stay")
    scenario = builder.record({"walker.go": [{"action": "go"}]}).scenario()
    (tmp_path / "steps.csv").write_text("id,date,actor,action,modality\nE1,2021-01-05,walker,go,happened\n")
    record, game = so.read_record(tmp_path / "steps.csv"), so.build(scenario)
    trails = [so.replay(solved, record) for solved in (so.exact(game, workers=1), so.solve(game, workers=1))]
    assert trails[0].log_likelihood == pytest.approx(trails[1].log_likelihood)


def test_one_intervention_and_one_text_need_no_list(made):
    alone, listed = (so.simulate(made["eq"], runs=50, do=do) for do in (FORCED, [FORCED]))
    assert np.array_equal(alone.end, listed.end)
    typed = so.compare(made["worlds"], ["dear: set audience_cost=3"], runs=20, workers=1)
    assert np.array_equal(typed.values, made["comparison"].values)


FORCED = so.Intervention(force="challenger.threaten")


@pytest.mark.parametrize(
    "name",
    ["scenario", "game", "eq", "exact", "worlds", "verdicts", "futures", "comparison", "why", "record", "branches", "canonical", "structure"],
)
def test_a_thing_shows_itself_on_one_line(made, name):
    shown = repr(made[name])
    assert shown.startswith(f"<{type(made[name]).__name__}: ")
    assert "\n" not in shown
    assert len(shown) < 400
    assert str(made[name]) == shown


@pytest.mark.parametrize("name", ["eq", "worlds", "verdicts", "futures", "why"])
def test_a_notebook_shows_a_table(made, name):
    shown = made[name]._repr_html_()
    assert "<table" in shown
    assert type(made[name]).__name__ in shown
