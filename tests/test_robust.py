"""Whether verdicts survive a change of the modeller's own choices."""

import datetime as dt
import json
import math
from dataclasses import replace

import numpy as np
import pytest

from standoff.cli.app import run_app
from standoff.cli.terminal import WIDTH, as_text
from standoff.errors import ScenarioError, WorldsError
from standoff.report.robust import robust_content, show_robust
from standoff.report.words import to_json
from standoff.robust import VARIANTS, choose, estimate, robust, standing, vary
from standoff.robust.survival import Judged, unmeasured
from standoff.robust.variants import horizon_moved, precision_scaled
from standoff.scenario import Builder, load, resolve
from standoff.solve.grid import box
from standoff.verdicts import judge
from standoff.verdicts.shares import band, interval
from standoff.worlds import redraw, sample, weigh
from standoff.worlds.draws import SPREADS, draw
from toys import DECIDED, START, chooser, going, watched

WORLDS = 64

GOES = {"left": {"chance_of_move": "mover.go"}, "is": "above", "right": 0.5}
LATE = {"left": {"chance_of_move": "mover.go", "until": START + dt.timedelta(weeks=7)}, "is": "above", "right": 0.5}


def margins(worlds, name):
    return [world.findings[name].margin for world in worlds.worlds]


def shares(found, name):
    """The shares of one claim: as it stands, and by variant."""
    return {"base": found[name].base.share} | {variant: other.share for variant, other in found[name].under.items()}


# -- the variants ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "value"), [("precision-halved", "0.5"), ("precision-doubled", "2")])
def test_precision_is_scaled_as_by_hand(name, value):
    """Pen and paper: the precision of this scenario is the parameter `precision`, which is 1."""
    found = robust(load("one-shot-threat"), n=8, variants=[name], workers=1)
    by_hand = judge(sample(load("one-shot-threat", {"precision": value}), n=8, workers=1), search=False)
    for row in by_hand.rows:
        assert found[row.name].under[name].share == row.share
        assert found[row.name].under[name].verdict == row.verdict


def test_precision_is_scaled_in_the_scenarios_that_go_before_too():
    closure = load("baghdad-closure")
    scaled = precision_scaled(closure, 0.5)
    assert {player.precision for player in scaled.source.players.values()} == {f"({one.precision}) * 0.5" for one in closure.source.players.values()}
    assert not any("*" in str(player.precision) for player in closure.source.players.values())


def test_narrow_priors_stay_in_their_middle_half():
    base = sample(load("one-shot-threat"), n=16, workers=1)
    narrow = redraw(base, spread="middle", workers=1)
    priors = {spec.name: spec.prior for spec in base.canonical.parameters if not spec.prior.is_fixed}
    for world, other in zip(base.worlds, narrow.worlds, strict=True):
        for name, prior in priors.items():
            low, high = prior.support
            u = (world.parameters[name] - low) / (high - low)
            assert other.parameters[name] == pytest.approx(low + (0.25 + u / 2) * (high - low))


def test_pushed_priors_keep_their_support_and_are_wider_by_the_root_of_one_and_a_half():
    """Closed form: the variance of the arcsine distribution is 1/8, that of the uniform one 1/12."""
    u = draw(resolve(load("one-shot-threat")), 4096, 0)
    moved = SPREADS["ends"](u)
    assert moved.min() >= 0
    assert moved.max() <= 1
    assert moved.std(axis=0) / u.std(axis=0) == pytest.approx(np.full(u.shape[1], math.sqrt(1.5)), rel=1e-3)
    assert np.argsort(moved, axis=0).tolist() == np.argsort(u, axis=0).tolist()


def test_prior_widths_move_a_share_as_by_hand():
    """Pen and paper: true where a uniform gain exceeds 0.3, so in 7 of 10; in 9 of 10 of the middle half; 1 - 2/pi asin(sqrt(0.3)) at the ends."""
    found = shares(robust(chooser({"C1": DECIDED}), n=WORLDS, variants=["priors-narrow", "priors-at-ends"], workers=1), "C1")
    expected = {"base": 0.7, "priors-narrow": 0.9, "priors-at-ends": 1 - 2 / math.pi * math.asin(math.sqrt(0.3))}
    assert found == pytest.approx(expected, abs=1.5 / WORLDS)


def test_precision_moves_a_share_as_by_hand():
    """Pen and paper: going beats 95 % where gain exceeds log(19) / precision, which is 5; the claim turns from contested to leaning true."""
    nearly_sure = {"left": {"choice": "me.go"}, "is": "above", "right": 0.95}
    found = robust(chooser({"C1": nearly_sure}, stay=0), n=WORLDS, variants=["precision-halved", "precision-doubled"], workers=1)
    expected = {"base": 1 - math.log(19) / 5, "precision-halved": 0.0, "precision-doubled": 1 - math.log(19) / 10}
    assert shares(found, "C1") == pytest.approx(expected, abs=1.5 / WORLDS)
    row = found["C1"]
    assert (row.base.verdict, row.under["precision-doubled"].verdict) == ("contested", "leans true")
    assert row.survives == "breaks"
    assert row.turned_by == ("precision-doubled",)
    assert row.largest == ("precision-halved", pytest.approx(-row.base.share))


def test_every_world_is_solved_nearer_to_the_truth_on_the_finer_grid():
    """Another solution: that on all public histories."""
    truth = margins(sample(load("one-shot-threat"), n=4, workers=1), "bluff")
    base = sample(load("one-shot-threat"), n=4, workers=1)
    base = replace(base, task=replace(base.task, ladder=(box((2,)), box((4,))), most=0), worlds=())
    coarse, fine = (redraw(replace(base, worlds=(None,) * 4), finer=finer, workers=1) for finer in (False, True))
    error = [np.abs(np.subtract(margins(found, "bluff"), truth)).sum() for found in (coarse, fine)]
    assert error[1] < 0.5 * error[0]


@pytest.mark.parametrize(("quarters", "weeks"), [(-1, 6), (1, 10)])
def test_the_clock_ends_a_quarter_earlier_or_later(quarters, weeks):
    """Pen and paper: 8 weeks and two of them."""
    moved = resolve(horizon_moved(watched({"C1": GOES}, weeks=8), quarters).scenario).calendar
    assert moved.n_periods == weeks
    assert moved.starts[-1] == START + dt.timedelta(weeks=weeks)


@pytest.mark.parametrize(("quarters", "periods"), [(-1, 1), (1, 3)])
def test_the_clock_is_moved_by_one_period_at_least(quarters, periods):
    assert resolve(horizon_moved(load("patron-and-proxy"), quarters).scenario).calendar.n_periods == periods


def test_a_clock_whose_last_period_is_cut_short_is_moved_in_whole_periods():
    """Pen and paper: nine fortnights and the last one of four days less; two of them more, or less."""
    closure = load("baghdad-closure")
    starts = resolve(closure).calendar.starts
    assert horizon_moved(closure, -1).scenario.clock.end == starts[-3]
    assert horizon_moved(closure, 1).scenario.clock.end == starts[-2] + dt.timedelta(weeks=6)


def test_a_clock_that_ends_before_the_claims_were_made_knows_its_whole_record():
    """`known` outside the clock would be a fault; before the end of the shorter clock all is known anyway."""
    scenario = watched({"C1": GOES}, weeks=8)
    late, early = (scenario.record.model_copy(update={"known": START + dt.timedelta(weeks=week)}) for week in (7, 3))
    assert horizon_moved(scenario.model_copy(update={"record": late}), -1).scenario.record.known is None
    assert horizon_moved(scenario.model_copy(update={"record": early}), -1).scenario.record.known == early.known


def test_a_claim_about_a_date_outside_the_shorter_clock_is_not_measured_and_does_not_fail():
    found = robust(watched({"late": LATE, "ever": GOES}, weeks=8), n=8, variants=["ends-earlier", "ends-later"], workers=1)
    assert found["late"].standing("ends-earlier") == "not measured"
    assert "outside the clock" in found["late"].under["ends-earlier"].reason
    assert found["late"].survives == "survives"
    assert found["ever"].standing("ends-earlier") != "not measured"
    assert found.idle == {}


def test_a_change_that_leaves_nothing_to_measure_says_so():
    found = robust(watched({"late": LATE}, weeks=8), n=8, variants=["ends-earlier"], workers=1)
    assert "outside the clock" in found.idle["ends-earlier"]
    assert found["late"].survives == "not measured"


def test_a_game_of_one_period_cannot_end_earlier():
    found = robust(chooser({"C1": DECIDED}), n=4, variants=["ends-earlier"], workers=1)
    assert "one period" in found.idle["ends-earlier"]


def test_a_clock_at_the_end_of_the_calendar_cannot_end_later():
    clock = watched({"C1": GOES}).clock.model_copy(update={"start": dt.date(9999, 1, 1), "step": "3 months", "end": dt.date(9999, 12, 31)})
    with pytest.raises(ScenarioError, match="9999"):
        horizon_moved(watched({"C1": GOES}).model_copy(update={"clock": clock}), 1)


# -- the weights of the record ---------------------------------------------------------------------------------------------------------------


def test_the_record_can_be_ignored_or_count_twice():
    """Another way: the share that the verdict gives without weights, and weights computed by hand."""
    favoured = {"left": {"choice": "mover.go", "type": "hawk"}, "is": "above", "right": 0.7}
    worlds = sample(watched({"C1": favoured}), n=128, record=going(0, 1, 2), temper=0.3, workers=1)
    assert worlds.weights.enough
    found = vary(worlds, choose(["record-ignored", "record-doubled"]), workers=1)
    row = judge(worlds, search=False, workers=1)["C1"]
    assert row.share > row.prior_share
    assert found["C1"].base.share == row.share
    assert found["C1"].under["record-ignored"].share == pytest.approx(row.prior_share)
    twice = weigh(np.array([world.log_likelihood for world in worlds.worlds]), 0.6).values
    assert found["C1"].under["record-doubled"].share == pytest.approx(float(twice @ (np.array(margins(worlds, "C1")) > 0)))


def test_the_power_of_the_record_is_never_more_than_that_of_bayes():
    (variant,) = choose(["record-doubled"])
    assert [variant.temper(power) for power in (0.0, 0.3, 0.8)] == [0.0, 0.6, 1.0]


def test_weights_that_are_refused_are_not_varied():
    found = robust(watched({"C1": GOES}), n=8, record=going(0), variants=["record-ignored"], workers=1)
    assert "effective worlds" in found.idle["record-ignored"]


def test_without_a_record_its_weight_is_not_varied():
    assert "no record" in robust(watched({"C1": GOES}), n=8, variants=["record-doubled"], workers=1).idle["record-doubled"]


# -- what survives ---------------------------------------------------------------------------------------------------------------------------


def seen(share, n=64):
    return Judged(band(share), share, *interval(share, n), n)


@pytest.mark.parametrize(
    ("base", "other", "expected"),
    [
        (0.95, 0.92, "survives"),  # the same verdict
        (0.95, 0.88, "survives"),  # its neighbour, within the interval
        (0.99, 0.75, "bends"),  # its neighbour, outside
        (0.95, 0.60, "bends"),  # two verdicts on, still more often true than false
        (0.55, 0.45, "survives"),  # contested either way
        (0.72, 0.48, "breaks"),  # from leaning true to rather false
        (0.45, 0.71, "breaks"),
        (0.95, 0.05, "breaks"),
        (0.05, 0.12, "survives"),
        (0.05, 0.40, "bends"),
    ],
)
def test_a_verdict_survives_bends_or_breaks(base, other, expected):
    """Pen and paper."""
    assert standing(seen(base), seen(other)) == expected


def test_what_is_not_measured_neither_survives_nor_fails():
    assert standing(seen(0.9), unmeasured("why")) == "not measured"
    assert standing(unmeasured("why"), seen(0.9)) == "not measured"


def test_a_claim_whose_event_never_occurs_is_not_called_robust():
    builder = Builder("idle").clock(periods=1).parameter("precision", 1).parameter("taste", prior={"uniform": [0, 1]}).player("me")
    builder = builder.payoff("me", "taste", on={"me.go": "taste"}).turn("me", options={"go": {}, "fly": {"when": False}, "stay": {}})
    scenario = builder.claim(
        "C1", "I fly.", test={"left": {"chance_of_move": "me.fly"}, "is": "below", "right": {"count_of_move": "me.fly"}}
    ).scenario()
    found = robust(scenario, n=4, variants=["priors-narrow"], workers=1)
    assert (found["C1"].base.verdict, found["C1"].survives) == ("never occurs", "not measured")


def test_the_base_is_judged_as_the_verdicts_are():
    worlds = sample(load("patron-and-proxy"), n=8, workers=1)
    found = vary(worlds, (), workers=1)
    for row in judge(worlds, search=False, workers=1).rows:
        base = found[row.name].base
        assert (base.verdict, base.share, base.low, base.high) == (row.verdict, row.share, row.low, row.high)


def test_names_of_variants_are_stable_and_unknown_ones_are_refused():
    assert [variant.name for variant in VARIANTS] == [
        "precision-halved", "precision-doubled", "priors-narrow", "priors-at-ends", "finer-grid", "ends-earlier", "ends-later", "record-ignored",
        "record-doubled",
    ]  # fmt: skip
    with pytest.raises(WorldsError, match="did you mean finer-grid"):
        robust(load("one-shot-threat"), n=4, variants=["finer-gird"])


def test_a_scenario_without_claims_has_nothing_to_vary():
    with pytest.raises(WorldsError, match="no claims"):
        robust(chooser({}), n=4)


# -- running -------------------------------------------------------------------------------------------------------------------------------


def test_the_table_is_the_same_for_any_number_of_workers():
    names = ["precision-halved", "priors-at-ends", "finer-grid", "ends-later"]
    one, two = (robust(load("one-shot-threat"), n=6, variants=names, workers=workers).table for workers in (1, 2))
    assert one.to_json() == two.to_json()


def test_a_stopped_run_keeps_what_was_finished_and_continues(tmp_path):
    """Stopped in the second variant, it reads the first from its folder and gives what an unbroken run gives."""
    scenario, names = chooser({"C1": DECIDED}), ["priors-narrow", "priors-at-ends"]

    def stop(what, _share):
        if what.startswith("2/2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        robust(scenario, n=16, variants=names, workers=1, folder=tmp_path, progress=stop)
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "robust" / "priors-narrow").rglob("*.parquet")}
    assert len(finished) == 2
    resumed = robust(scenario, n=16, variants=names, workers=1, folder=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert resumed.table.to_json() == robust(scenario, n=16, variants=names, workers=1).table.to_json()


def test_only_what_has_to_be_computed_is_expected_to_take_time():
    base = sample(chooser({"C1": DECIDED}), n=4, workers=1)
    assert estimate(base, choose(["record-ignored", "finer-grid"]), workers=1) == 0
    assert estimate(base, choose(["priors-narrow", "finer-grid"]), workers=1) > 0


def test_progress_names_the_variant():
    told = []
    robust(chooser({"C1": DECIDED}), n=4, variants=["precision-halved", "priors-narrow"], workers=1, progress=lambda what, _share: told.append(what))
    assert {"worlds", "1/2 prec. half: worlds", "2/2 priors narrow: worlds"} <= set(told)


# -- the report ------------------------------------------------------------------------------------------------------------------------------


def report():
    nearly_sure = {"left": {"choice": "me.go"}, "is": "above", "right": 0.95}
    found = robust(chooser({"C1": nearly_sure, "C2": DECIDED}, stay=0), n=WORLDS, workers=1)
    return robust_content("chooser", [found])


def test_the_report_says_first_how_many_verdicts_survive_and_what_breaks_one():
    text = as_text(show_robust(report()))
    lines = [line for line in text.splitlines() if line]
    assert lines[1] == "1 of 2 verdicts survives every change of the modeller's choices."
    assert lines[2].split(": ")[0].split() == ["breaks", "C1"]
    assert "leans true" in lines[2]
    assert "every player's precision doubled" in lines[2]
    assert max(map(len, lines)) <= WIDTH


def test_json_holds_every_share_and_every_reason():
    content = json.loads(to_json(report()))
    claim = content["claims"][0]
    assert list(claim["under"]) == [variant.name for variant in VARIANTS]
    assert claim["under"]["precision-doubled"]["standing"] == "breaks"
    assert claim["under"]["ends-earlier"]["share"] is None
    assert {one["variant"] for one in content["idle"]} == {"finer-grid", "ends-earlier", "record-ignored", "record-doubled"}


# -- the command ---------------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Run a command in an empty folder: the exit code and what it printed, as data where that is JSON."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = run_app([*arguments, "--workers", "1"] if arguments[0] in ("run", "claims") else list(arguments))
        out = capsys.readouterr()
        return code, json.loads(out.out) if "--json" in arguments else out.out + out.err

    return run


FEW = ("--worlds", "4", "--most", "4")


def test_claims_answers_from_the_run_that_is_at_hand(command, monkeypatch):
    _, ran = command("run", "one-shot-threat", *FEW, "--runs", "50", "--json")

    def again(*_):
        raise AssertionError

    monkeypatch.setattr("standoff.cli.pipeline.run_loaded", again)
    code, content = command("claims", "one-shot-threat", *FEW, "--json")
    assert code == 0
    assert [{name: value for name, value in claim.items() if name not in ("scenario", "forecast")} for claim in content["claims"]] == ran["claims"]


def test_claims_runs_anew_where_the_run_at_hand_had_other_settings(command):
    command("run", "one-shot-threat", *FEW, "--runs", "50")
    _, content = command("claims", "one-shot-threat", "--worlds", "8", "--most", "8", "--json")
    assert {claim["worlds"] for claim in content["claims"]} == {8}


def test_one_claim_is_told_with_the_story_of_its_counter_world(command):
    """Whether the story was told by the run or is told now, it is the same."""
    code, content = command("claims", "one-shot-threat", "audience", *FEW, "--json")
    assert code == 0
    claim = next(claim for claim in content["claims"] if claim["id"] == "audience")
    assert claim["counter_world"] is not None
    worlds = sample(load("one-shot-threat"), n=4, workers=1)
    assert claim["counter_world"]["story"]["text"] == judge(worlds, workers=1).story("audience")
    code, text = command("claims", "one-shot-threat", "audience", *FEW)
    assert claim["counter_world"]["story"]["lines"][-1] in text
    assert "The audience at home" in text
    assert "cannot be told from a bluff" not in text


def test_an_unknown_claim_is_refused_before_anything_is_solved(command):
    code, text = command("claims", "one-shot-threat", "audiance", "blff")
    assert code == 2
    assert "did you mean audience?" in " ".join(text.split())
    assert "did you mean bluff?" in " ".join(text.split())


def test_a_run_that_cannot_be_read_is_said_to_be(command, tmp_path):
    command("run", "one-shot-threat", *FEW, "--runs", "50")
    (report,) = tmp_path.rglob("report.json")
    report.write_text("{")
    code, text = command("claims", "one-shot-threat", *FEW)
    assert code == 2
    assert "remove the folder" in " ".join(text.split())


def test_claims_of_a_chain_stand_in_one_table(command, tmp_path):
    (tmp_path / "both.yaml").write_text("standoff: 1\nname: both\nchain: [one-shot-threat, patron-and-proxy]\n")
    scenarios = [load("one-shot-threat"), load("patron-and-proxy")]
    expected = {(one.name, name) for one in scenarios for name in one.claims}
    _, content = command("claims", "both.yaml", *FEW, "--set", "war_cost=2", "--json")
    assert {(claim["scenario"], claim["id"]) for claim in content["claims"]} == expected
    alone = command("claims", "one-shot-threat", *FEW, "--json")[1]["claims"]
    assert [claim for claim in content["claims"] if claim["scenario"] == "one-shot-threat"] == sorted(alone, key=lambda claim: claim["id"])


def test_robustness_of_one_claim_of_a_chain(command, tmp_path):
    (tmp_path / "both.yaml").write_text("standoff: 1\nname: both\nchain: [one-shot-threat, patron-and-proxy]\n")
    code, content = command("claims", "both.yaml", "wrong_war", "--robust", "--worlds", "4", "--json")
    assert code == 0
    (claim,) = content["claims"]
    alone = robust(load("patron-and-proxy"), n=4, workers=1)["wrong_war"]
    assert {name: other["share"] for name, other in claim["under"].items()} == pytest.approx(
        {name: None if math.isnan(other.share) else other.share for name, other in alone.under.items()}
    )
    assert {one["scenario"] for one in content["idle"] if one["variant"] == "ends-earlier"} == {"one-shot-threat"}


def test_a_scenario_without_claims_is_refused(command, tmp_path):
    command("new", "mine.yaml")
    text = (tmp_path / "mine.yaml").read_text()
    (tmp_path / "mine.yaml").write_text(text[: text.index("\nclaims:")] + "\n")
    code, text = command("claims", "mine.yaml")
    assert code == 2
    assert "makes no claims" in text
