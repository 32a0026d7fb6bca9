"""Forecasts: what the record says of them, and what each forecaster scores, by pen and paper."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import standoff as so
from standoff.cli.terminal import as_text
from standoff.errors import ScenarioError, WorldsError
from standoff.forecasts import Resolution, Row, Scored, Scores, brier, log_score, resolve, score
from standoff.forecasts.model import before_the_fact
from standoff.forecasts.score import _scored
from standoff.record import Event, Record
from standoff.report import to_json
from standoff.report.forecasted import _told, forecasts_content, show_forecasts
from standoff.scenario import Builder, check
from standoff.scenario.check_forecasts import last_replayed, made_on
from standoff.scenario.models import BaseRate, Claim, Forecast, RecordMap
from standoff.scenario.phrases import stated_range
from standoff.worlds import sample, weigh

ROOT = Path(__file__).parent.parent
DATA = ROOT.parent / "shared"

MADE, BY = dt.date(2020, 1, 8), dt.date(2020, 1, 31)
JUMPS = {"made": MADE, "by": BY, "resolve": [{"action": "jump"}]}


def event(day, action="jump", **fields):
    """An event of January 2020, or of a date."""
    date = dt.date(2020, 1, day) if isinstance(day, int) else day
    return Event(id=f"{action}{date:%m%d}", date=date, actor="daredevil", action=action, **fields)


def recorded(*events):
    """A record of events of January 2020, by day or as they are, that goes on to 5 February."""
    all_events = [item if isinstance(item, Event) else event(item) for item in events]
    return Record((*all_events, event(dt.date(2020, 2, 5), "rest")), sha256="-".join(item.id for item in all_events))


def resolution(record, **fields):
    return resolve(Forecast.model_validate(JUMPS | fields), record, made=MADE)


# --- what the record says ------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(
    ("day", "status"), [(7, "did not happen"), (8, "did not happen"), (9, "happened"), (31, "happened"), (dt.date(2020, 2, 1), "did not happen")]
)
def test_the_days_after_the_forecast_up_to_its_last_day_count(day, status):
    """What is dated on the day itself may have been known to the author."""
    found = resolution(recorded(event(day)))
    assert found.status == status
    assert [item.date.day for item in found.events] == ([day] if status == "happened" else [])


@pytest.mark.paper
def test_all_events_that_decide_are_named():
    found = resolution(recorded(8, 12, 20))
    assert (found.status, [item.id for item in found.events]) == ("happened", ["jump0112", "jump0120"])


@pytest.mark.paper
def test_a_record_that_stops_short_cannot_say_that_nothing_happened():
    short, enough = (Record((event(2, "rest"), event(last, "rest"))) for last in (30, 31))
    assert resolution(short).status == "open"
    assert "stops on 30 Jan 2020, before 31 Jan 2020" in resolution(short).reason
    assert resolution(enough).status == "did not happen"
    assert "goes on to 31 Jan 2020" in resolution(enough).reason


@pytest.mark.paper
def test_a_record_that_stops_short_can_still_say_that_it_happened():
    assert resolution(Record((event(9),))).status == "happened"


def test_an_empty_record_decides_nothing():
    assert resolution(Record(())) == Resolution("open", reason="the record is empty")


@pytest.mark.paper
def test_a_forecast_that_the_scenario_leaves_open_stays_open_with_its_reason():
    found = resolution(recorded(12), resolve=[], open="nobody  counts\nthis")
    assert found == Resolution("open", reason="nobody counts this")


@pytest.mark.paper
@pytest.mark.parametrize(
    ("modality", "status"),
    [("happened", "happened"), ("threatened", "happened"), ("promised", "happened"), ("forecast", "did not happen"),
     ("hypothetical", "did not happen"), ("negated", "did not happen")],
)  # fmt: skip
def test_what_did_not_happen_in_the_record_resolves_nothing(modality, status):
    assert resolution(recorded(event(12, modality=modality))).status == status


@pytest.mark.paper
@pytest.mark.parametrize(
    ("day", "precision", "status"),
    [(14, "week", "open"), (15, "week", "happened"), (25, "week", "happened"), (26, "week", "open"), (20, "month", "open"),
     (2, "week", "did not happen"), (3, "week", "open")],
)  # fmt: skip
def test_a_vague_date_decides_only_when_all_its_days_count(day, precision, status):
    """A week: six days either way. From the 9th to the 31st that leaves the 15th to the 25th."""
    found = resolution(recorded(event(day, date_precision=precision)))
    assert found.status == status
    if status == "open":
        assert f"only the {precision} is known of jump01{day:02d}" in found.reason


@pytest.mark.paper
def test_a_vague_date_does_not_disturb_one_that_is_sure():
    found = resolution(recorded(event(9, date_precision="week"), 12))
    assert [item.id for item in found.events] == ["jump0112"]


def test_rules_that_pick_nothing_make_it_false():
    assert resolution(recorded(12), resolve=[{"action": "fly"}, {"plover": "ASSAULT"}]).status == "did not happen"


@pytest.mark.published
def test_the_closure_record_decides_forecasts_of_its_days():
    """Rockets on Erbil airport on 30 September 2020; the last event of the record is of January 2021."""
    record = so.read_record(so.record_path("baghdad-closure"))
    rockets = [{"actor": "militia", "plover": "ASSAULT", "target": "usa"}]

    def resolved(made, by):
        return resolve(Forecast(by=by, resolve=rockets), record, made=made)

    assert [item.date for item in resolved(dt.date(2020, 9, 28), dt.date(2020, 10, 2)).events] == [dt.date(2020, 9, 30)]
    assert resolved(dt.date(2020, 9, 30), dt.date(2020, 10, 2)).status == "did not happen"
    assert resolved(dt.date(2020, 12, 24), dt.date(2030, 1, 1)).status == "open"


# --- scoring rules -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(
    ("p", "happened", "squared", "surprise"),
    [(1.0, True, 0, 0), (0.0, False, 0, 0), (0.5, True, 0.25, math.log(2)), (0.5, False, 0.25, math.log(2)), (0.2, True, 0.64, math.log(5)),
     (0.2, False, 0.04, math.log(1.25)), (0.0, True, 1, math.inf), (1.0, False, 1, math.inf)],
)  # fmt: skip
def test_scores_of_one_event(p, happened, squared, surprise):
    """A wrong certainty has an infinite log score; nothing is clipped."""
    assert brier(p, happened) == pytest.approx(squared)
    assert log_score(p, happened) == pytest.approx(surprise)
    assert math.copysign(1, log_score(p, happened)) == 1


@pytest.mark.property
@pytest.mark.parametrize("rule", [brier, log_score])
@pytest.mark.parametrize("truth", [0.1, 0.5, 0.83])
def test_honesty_is_the_best_policy(rule, truth):
    """Both rules are strictly proper: the expected score is lowest for the probability that is believed."""

    def expected(p):
        return truth * rule(p, True) + (1 - truth) * rule(p, False)

    assert all(expected(truth) < expected(p) for p in np.linspace(0.01, 0.99, 99) if abs(p - truth) > 1e-9)


@pytest.mark.paper
def test_a_range_gives_the_best_and_worst_score_beside_that_of_its_middle():
    low, high = stated_range("very likely", None)
    for happened, best, worst in (("happened", high, low), ("did not happen", low, high)):
        scored = _scored(0.875, low, high, Resolution(happened))
        outcome = happened == "happened"
        assert (scored.p, scored.brier) == (0.875, brier(0.875, outcome))
        assert scored.brier_range == (brier(best, outcome), brier(worst, outcome))
        assert scored.log_range == (log_score(best, outcome), log_score(worst, outcome))


@pytest.mark.paper
def test_a_declared_range_goes_before_that_of_the_phrase():
    assert stated_range("likely", (0.1, 0.2)) == (0.1, 0.2)
    assert stated_range("Almost certain", None) == (0.95, 0.99)
    with pytest.raises(KeyError):
        stated_range("very easily", None)


# --- scores side by side -------------------------------------------------------------------------------------------------------------------


def row(name, status, authors, model, base):
    """A row of a table, with probabilities by hand (authors: a range)."""
    low, high = authors
    found = Resolution(status)
    claim = Claim.model_validate({"text": name, "test": {"of": {"choice": "a.b"}, "range": authors}, "forecast": JUMPS})
    rate = BaseRate(rate=base, reason="counted", source="a book") if base is not None else None
    mixture = before_the_fact(sampled(), "sure", made=MADE)
    mixture = replace(mixture, problem="" if model is not None else "not measured")
    of_model, of_base = (_scored(p, p, p, found) if p is not None else None for p in (model, base))
    return Row(name, claim, MADE, BY, found, _scored(0.5 * (low + high), low, high, found), of_model, mixture, of_base, rate)


@pytest.mark.paper
def test_means_skill_and_who_did_better_by_hand():
    """Authors 0.9, 0.5, 0.1 and model 0.6, 0.5, none, against 0.5 throughout; happened, did not, happened."""
    scores = Scores(
        (
            row("a", "happened", (0.9, 0.9), 0.6, 0.5),
            row("b", "did not happen", (0.4, 0.6), 0.5, 0.5),
            row("c", "happened", (0.1, 0.1), None, 0.5),
            row("d", "happened", (1.0, 1.0), 1.0, None),
            row("e", "open", (0.9, 0.9), 0.9, 0.9),
        )
    )
    authors, model, base = (scores.summary(who) for who in ("authors", "model", "base"))
    assert (authors.n, model.n, base.n) == (4, 3, 3)
    assert authors.brier == pytest.approx((0.01 + 0.25 + 0.81 + 0) / 4)
    assert authors.log == pytest.approx(-(math.log(0.9) + math.log(0.5) + math.log(0.1)) / 4)
    assert model.brier == pytest.approx((0.16 + 0.25 + 0) / 3)
    assert base.brier == pytest.approx(0.25)
    assert authors.skill == pytest.approx(1 - (0.01 + 0.25 + 0.81) / 0.75)
    assert model.skill == pytest.approx(1 - (0.16 + 0.25) / 0.5)
    assert base.skill == 0
    assert (authors.better, authors.worse) == (("a",), ("c",))
    assert (model.against, model.better, model.worse) == (("a", "b"), ("a",), ())


@pytest.mark.paper
@pytest.mark.parametrize(("authors", "base"), [((0.4, 0.6), 0.5), ((0.2, 0.7), 0.45), ((0.55, 0.8), 0.675)])
def test_a_range_whose_middle_is_the_base_rate_is_neither_better_nor_worse(authors, base):
    """Also where 0.2 + 0.7 is not quite 0.9 on a computer."""
    summary = Scores((row("a", "happened", authors, 0.5, base),)).summary("authors")
    assert summary.skill == pytest.approx(0, abs=1e-12)
    assert (summary.against, summary.better, summary.worse) == (("a",), (), ())


@pytest.mark.paper
def test_a_perfect_forecast_has_skill_one_and_a_wrong_certainty_an_infinite_mean():
    perfect = Scores((row("a", "happened", (1, 1), 0.0, 0.3), row("b", "did not happen", (0, 0), 0.0, 0.3)))
    assert (perfect.summary("authors").brier, perfect.summary("authors").log, perfect.summary("authors").skill) == (0, 0, 1)
    assert perfect.summary("model").log == math.inf
    assert perfect.summary("model").brier == 0.5


@pytest.mark.paper
def test_there_is_no_skill_against_a_base_rate_without_error():
    assert math.isnan(Scores((row("a", "happened", (0.5, 0.5), 0.5, 1.0),)).summary("authors").skill)


@pytest.mark.property
def test_an_open_forecast_is_not_scored():
    scores = Scores((row("a", "open", (0.9, 0.9), 0.5, 0.5),))
    assert scores.resolved == ()
    for who in ("authors", "model", "base"):
        scored = scores["a"].of(who)
        assert isinstance(scored, Scored)
        assert math.isnan(scored.brier)
        assert math.isnan(scored.log)
        assert scores.summary(who).n == 0
        assert math.isnan(scores.summary(who).brier)


# --- the model before the fact -------------------------------------------------------------------------------------------------------------


TEST = {"of": {"chance_of_move": "daredevil.jump", "at": {"at": 1}, "until": 1}, "range": [0.6, 0.8]}


def dare(claims=None, *, known=MADE):
    """Each of five weeks a daredevil jumps, which is worth `gain` (uniform prior), or stays. `claims`: test and forecast by name."""
    builder = Builder("dare").clock(start=dt.date(2020, 1, 1), step="1 week", end=dt.date(2020, 2, 5)).parameter("precision", 1)
    builder.parameter("gain", prior={"uniform": [-2, 2]}).player("daredevil").payoff("daredevil", "thrill", on={"daredevil.jump": "gain"})
    builder.turn("daredevil", options={"jump": {}, "stay": {}}, silent="stay").record({"daredevil.jump": [{"action": "jump"}]}, known=known)
    for name, (test, forecast) in (claims or {"sure": (TEST, JUMPS)}).items():
        builder.claim(name, f"Claim {name}", test=test, forecast=forecast)
    return builder.scenario()


RECORD = recorded(2, 16)
_KEPT = {}


def sampled(known=MADE, n=32):
    """Worlds of `dare`, computed once."""
    if (known, n) not in _KEPT:
        _KEPT[known, n] = sample(dare(known=known), n, record=RECORD, temper=1.0, workers=1)
    return _KEPT[known, n]


def chances(worlds):
    """Of jumping in one week, in each world."""
    return np.array([1 / (1 + math.exp(-world.parameters["gain"])) for world in worlds.worlds])


@pytest.mark.paper
def test_the_models_probability_is_the_weighted_mean_over_worlds():
    """The record up to the day of the forecast weighs the worlds: those where jumping is likelier count for more."""
    worlds = sampled()
    found = before_the_fact(worlds, "sure", made=MADE)
    assert found.weighted
    assert found.p == pytest.approx(worlds.weights.values @ chances(worlds), abs=1e-9)
    assert found.p != pytest.approx(chances(worlds).mean(), abs=1e-3)
    assert found.worlds == 32


@pytest.mark.paper
def test_the_spread_leaves_a_twentieth_of_the_weight_on_each_side():
    worlds = sampled()
    found = before_the_fact(worlds, "sure", made=MADE)
    below = worlds.weights.values[chances(worlds) < found.low - 1e-9].sum()
    above = worlds.weights.values[chances(worlds) > found.high + 1e-9].sum()
    most = worlds.weights.values.max()
    assert below < 0.05 <= below + most
    assert above <= 0.05 < above + most


@pytest.mark.paper
@pytest.mark.parametrize(("known", "made"), [(MADE, dt.date(2020, 1, 6)), (None, MADE), (dt.date(2020, 1, 15), MADE)])
def test_weights_that_know_what_came_later_are_not_used(known, made):
    """Known on the 15th, the weights know the 14th; known throughout, they know the end of the clock."""
    worlds = sampled(known)
    found = before_the_fact(worlds, "sure", made=made)
    assert not found.weighted
    assert found.p == pytest.approx(chances(worlds).mean(), abs=1e-9)


@pytest.mark.paper
def test_weights_that_rest_on_too_few_worlds_are_not_used():
    worlds = sampled()
    few = replace(worlds, weights=weigh(np.where(np.arange(32) < 9, 0.0, -np.inf), temper=1.0))
    found = before_the_fact(few, "sure", made=MADE)
    assert not found.weighted
    assert found.p == pytest.approx(chances(worlds).mean(), abs=1e-9)


def with_numbers(worlds, numbers):
    """The worlds, with other numbers found for the claim."""
    changed = [
        replace(world, findings={"sure": replace(world.findings["sure"], numbers=one, problem="" if one else "no such turn")})
        for world, one in zip(worlds.worlds, numbers, strict=True)
    ]
    return replace(worlds, worlds=tuple(changed))


@pytest.mark.property
def test_worlds_in_which_it_could_not_be_measured_do_not_count():
    worlds = sampled(None)
    some = with_numbers(worlds, [(0.25,) if i % 2 else () for i in range(32)])
    assert (before_the_fact(some, "sure", made=MADE).p, before_the_fact(some, "sure", made=MADE).worlds) == (0.25, 16)
    nowhere = before_the_fact(with_numbers(worlds, [()] * 32), "sure", made=MADE)
    assert math.isnan(nowhere.p)
    assert nowhere.problem == "no such turn"


@pytest.mark.property
def test_what_is_no_probability_is_said_and_not_scored():
    worlds = with_numbers(sampled(None), [(1.02 if i == 3 else 0.5,) for i in range(32)])
    found = score(worlds, RECORD)["sure"]
    assert found.model is None
    assert "in 1 of 32 worlds it is no probability, such as 1.02" in found.mixture.problem


@pytest.mark.paper
def test_a_forecast_is_scored_from_worlds_and_record():
    scores = score(sampled(), RECORD)
    found = scores["sure"]
    assert [item.id for item in found.resolution.events] == ["jump0116"]
    assert (found.made, found.by, found.authors.p) == (MADE, BY, 0.7)
    assert found.model.brier == pytest.approx((1 - found.model.p) ** 2)
    assert found.model.log == pytest.approx(-math.log(found.model.p))
    assert (found.base, found.base_rate) == (None, None)


@pytest.mark.property
def test_verdicts_are_scored_like_their_worlds():
    verdicts = so.judge(sampled(), search=False)
    assert repr(score(verdicts)) == repr(score(sampled(), RECORD))


@pytest.mark.property
def test_the_table_has_a_row_for_each_forecast():
    base = {"rate": 0.5, "reason": "4 of 8", "source": "a diary"}
    claims = {
        "a": (TEST, JUMPS | {"base": base}),
        "b": (TEST, {"by": BY, "open": "nobody looked"}),
        "c": (TEST | {"phrase": "very easily"}, JUMPS | {"resolve": [{"action": "fly"}]}),
    }
    table = score(sample(dare(claims), 4, workers=1), RECORD).table
    assert table["claim"].tolist() == ["a", "b", "c"]
    assert table["status"].tolist() == ["happened", "open", "did not happen"]
    assert table["decided_by"].tolist() == ["jump0116", "", ""]
    assert table["phrase"].tolist() == ["", "", "very easily"]
    assert table["authors_brier"].tolist()[::2] == pytest.approx([0.09, 0.49])
    assert table["base_brier"].isna().tolist() == [False, True, True]
    assert table.loc[0, ["authors_brier_best", "authors_brier_worst"]].tolist() == pytest.approx([0.04, 0.16])
    assert table["made"].tolist() == [MADE] * 3


def test_without_forecasts_or_record_there_is_nothing_to_score():
    with pytest.raises(WorldsError, match="no claim of the scenario is a forecast"):
        score(sample(so.load("one-shot-threat"), 1, workers=1), RECORD)
    with pytest.raises(WorldsError, match="resolved from a record"):
        score(sample(dare(), 1, workers=1))


# --- when it was made ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_a_forecast_is_made_on_its_day_else_when_the_record_was_known_else_at_the_start():
    start, known = dt.date(2020, 1, 1), RecordMap(known=dt.date(2020, 1, 20))
    assert made_on(Forecast(made=MADE, by=BY), known, start) == MADE
    assert made_on(Forecast(by=BY), known, start) == dt.date(2020, 1, 20)
    assert made_on(Forecast(by=BY), RecordMap(), start) == made_on(Forecast(by=BY), None, start) == start


@pytest.mark.paper
@pytest.mark.parametrize(("known", "last"), [(None, 21), (8, 7), (10, 9), (22, 21), (31, 21)])
def test_a_replay_uses_what_came_before_the_record_was_known(known, last):
    record = RecordMap(known=dt.date(2020, 1, known)) if known is not None else None
    assert last_replayed(record, dt.date(2020, 1, 22)) == dt.date(2020, 1, last)


# --- faults ----------------------------------------------------------------------------------------------------------------------------------

OF = TEST["of"]
CHOICE = {"choice": "daredevil.jump", "at": {"at": 1}}
FAULTS = {
    "no way to resolve it": (TEST, {"by": BY}, "forecast", ["neither resolve nor open", "`open` with the reason"]),
    "resolved and open": (TEST, JUMPS | {"open": "no"}, "forecast.open", ["left open as well"]),
    "a rule that says nothing": (TEST, JUMPS | {"resolve": [{"reason": "x"}]}, "forecast.resolve.0", ["empty rule"]),
    "not after it was made": (TEST, JUMPS | {"by": MADE}, "forecast.by", ["does not come after", "found 2020-01-08", "after 2020-01-08"]),
    "made before the clock": (TEST, JUMPS | {"made": dt.date(2019, 12, 31)}, "forecast.made", ["before the clock starts", "2020-01-01 or later"]),
    "before it was known": (TEST, {"by": dt.date(2020, 1, 4), "open": "x"}, "forecast.by", ["does not come after", "after 2020-01-08"]),
    "after the clock": (TEST, JUMPS | {"by": dt.date(2020, 2, 6)}, "forecast.by", ["outside the clock", "2020-01-01 to 2020-02-05"]),
    "no probability": ({"left": OF, "is": "above", "right": 0.5}, JUMPS, "test", ["form `of`", "take `forecast` away"]),
    "a count": ({"of": {"count_of_move": "daredevil.jump"}, "range": [0, 1]}, JUMPS, "test.of", ["not the probability", "chance_of_end"]),
    "odds": ({"of": CHOICE | {"scale": "log_odds"}, "range": [0, 1]}, JUMPS, "test.of.scale", ["leave scale out"]),
    "against": ({"of": CHOICE | {"against": "daredevil.stay"}, "range": [0, 1]}, JUMPS, "test.of.against", ["leave against out"]),
    "a range beyond 1": (TEST | {"range": [0.5, 1.5]}, JUMPS, "test.range", ["[0.5, 1.5]", "0 to 1"]),
    "a phrase without a range": ({"of": OF, "phrase": "very easily"}, JUMPS, "test.phrase", ["unknown phrase", "very easily", "give a range"]),
    "hindsight": ({"of": OF | {"at": {"at": 1, "after_record": True}}, "range": [0, 1]}, JUMPS | {"made": dt.date(2020, 1, 6)},
                  "test.of.at.after_record", ["made on 2020-01-06", "leaves on 2020-01-07", "`known`"]),
}  # fmt: skip


@pytest.mark.parametrize("case", FAULTS)
def test_a_faulty_forecast_is_refused_with_its_place_and_a_remedy(case):
    test, forecast, field, words = FAULTS[case]
    with pytest.raises(ScenarioError) as caught:
        dare({"c": (test, forecast)})
    fault = next(fault for fault in caught.value.faults if fault.field == f"claims.c.{field}")
    assert [word for word in words if word not in str(fault)] == []


def test_a_forecast_needs_dates():
    builder = Builder("dare").clock(periods=2).parameter("precision", 1).player("d").turn("d", options={"jump": {}, "stay": {}})
    builder.claim("c", "C", test={"of": {"chance_of_move": "d.jump"}, "range": [0, 1]}, forecast=JUMPS)
    with pytest.raises(ScenarioError, match="needs a clock with dates"):
        builder.scenario()


def test_a_forecast_of_a_scenario_whose_clock_is_broken_is_not_blamed_for_it():
    builder = Builder("dare").clock(start=dt.date(2020, 1, 1), step="soon", end=BY).parameter("precision", 1).player("d")
    builder.turn("d", options={"jump": {}, "stay": {}}).claim("c", "C", test={"of": {"chance_of_move": "d.jump"}, "range": [0, 1]}, forecast=JUMPS)
    with pytest.raises(ScenarioError) as caught:
        builder.scenario()
    assert [fault.field for fault in caught.value.faults] == ["clock.step"]


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (OF | {"until": 4}, []),
        (OF | {"until": BY}, []),
        (OF, ["counts until 2020-01-31", "until 2020-01-14"]),
        (OF | {"until": 4, "at": {"at": 0}}, ["made on 2020-01-08", "measured from 2020-01-01"]),
        (CHOICE | {"at": {"at": 2}}, []),
    ],
    ids=["the same days", "by a date", "ends earlier", "begins earlier", "a single choice"],
)
def test_a_quantity_over_other_days_than_the_forecast_brings_a_warning(of, words):
    faults = check(dare({"c": ({"of": of, "range": [0, 1]}, JUMPS)}))
    faults = [fault for fault in faults if (fault.field or "").startswith("claims.c")]
    assert [fault.severity for fault in faults] == ["warning"] * (len(words) > 0)
    assert [word for word in words if word not in str(faults)] == []


def test_a_forecast_made_on_another_day_than_claims_are_judged_brings_a_warning():
    """Claims of this scenario are judged as of 8 January."""
    for made, words in ((MADE, []), (dt.date(2020, 1, 15), ["made on 2020-01-15", "judged as of 2020-01-08"])):
        faults = [
            fault
            for fault in check(dare({"c": ({"of": CHOICE | {"at": {"at": 3}}, "range": [0, 1]}, JUMPS | {"made": made})}))
            if fault.field == "claims.c.forecast.made"
        ]
        assert [fault.severity for fault in faults] == ["warning"] * (len(words) > 0)
        assert [word for word in words if word not in str(faults)] == []


def told(folder, rule):
    """The faults of a forecast with this rule, beside a record of E1 (a jump), E2 (a jump that did not happen) and E10."""
    (folder / "events.csv").write_text(
        "id,date,actor,action,modality\nE1,2020-01-09,d,jump,happened\nE2,2020-01-10,d,fly,negated\nE10,2020-02-05,d,rest,happened\n"
    )
    (folder / "dare.yaml").write_text(
        "standoff: 1\nname: dare\nclock: {start: 2020-01-01, step: 1 week, end: 2020-02-05}\nparameters: {precision: {value: 0}}\n"
        "players: {d: {}}\nturns: [{player: d, silent: stay, options: {jump: {}, stay: {}}}]\n"
        "record: {file: events.csv, map: {d.jump: [{action: jump}]}}\n"
        "claims:\n  c:\n    text: It jumps.\n    test: {of: {chance_of_move: d.jump}, range: [0, 1]}\n"
        f"    forecast:\n      by: 2020-02-04\n      resolve: [{rule}]\n"
    )
    try:
        return check(so.load(folder / "dare.yaml"))
    except ScenarioError as error:
        return list(error.faults)


@pytest.mark.parametrize(
    ("rule", "column", "found"), [("{id: E99}", 22, "E99"), ("{id: [E1, E99]}", 27, "E99"), ("{id: E11, reason: no such event}", 22, "E11")]
)
def test_a_rule_that_names_an_event_which_is_not_in_the_record_is_refused(tmp_path, rule, column, found):
    (fault,) = told(tmp_path, rule)
    assert (fault.severity, fault.line, fault.column, fault.problem, fault.found) == ("error", 14, column, "unknown event of the record", found)
    assert fault.allowed == "E1, E2, E10"
    assert fault.suggestion in ("E1", "E10", None)


@pytest.mark.parametrize(
    ("rule", "warned"),
    [("{id: E1}", False), ("{action: jump}", False), ("{action: swim}", True), ("{action: fly}", True), ("{id: E2}", True),
     ("{action: swim, reason: Nobody swam}", False)],
)  # fmt: skip
def test_a_rule_that_matches_nothing_brings_a_warning_unless_it_says_why(tmp_path, rule, warned):
    faults = told(tmp_path, rule)
    assert [(fault.severity, fault.line, fault.column) for fault in faults] == [("warning", 14, 17)] * warned
    assert all("matches no event of the record" in fault.problem for fault in faults)


# --- the report ------------------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def content():
    base = {"rate": 0.5, "reason": "4 of 8 weeks", "source": "a diary"}
    open_, fly = {"by": BY, "open": "nobody counts this"}, {"resolve": [{"action": "fly"}]}
    claims = {
        "C1": (TEST | {"phrase": "almost certain", "range": [0.95, 0.99]}, JUMPS | {"base": base}),
        "C2": (TEST | {"range": [1, 1], "of": OF | {"title": "the daredevil flies"}}, JUMPS | fly | {"base": base}),
        "C3": (TEST, open_),
    }
    return forecasts_content(score(sample(dare(claims), 4, workers=1), recorded(2, 9, 16, 23)))


def test_the_report_says_in_words_what_came_of_the_forecasts(content):
    text = " ".join(as_text(show_forecasts(content)).split())
    assert "Of 3 forecasts the record resolves 2: 1 happened, 1 did not; 1 stays open." in text
    assert "Against the base rate, by Brier score, the authors did better on C1, worse on C2." in text
    first, second, third = (_told(forecast).plain for forecast in content["forecasts"])
    assert 'said 8 Jan 2020, "almost certain" (range declared), by 31 Jan 2020' in first
    assert first.endswith("happened, jump0109 on 9 Jan 2020, jump0116 on 16 Jan 2020 and 1 more")
    assert "as a range" in second
    assert second.endswith("the daredevil flies: did not happen, no such event; the record goes on to 5 Feb 2020")
    assert third.endswith("open: nobody counts this")
    assert "4 of 8 weeks (a diary)" in text


def test_the_table_fits_the_terminal_and_writes_infinity_out(content):
    text = as_text(show_forecasts(content))
    assert max(map(len, text.splitlines())) <= 110
    assert re.search(r"authors +1\.00 +1\.000 +infinite", text)


def test_json_has_the_same_content(content):
    data = json.loads(to_json(content))
    first, second, third = data["forecasts"]
    assert first["authors"]["p"] == pytest.approx(0.97)
    assert first["events"][0] == {"id": "jump0109", "date": "2020-01-09", "summary": ""}
    assert second["authors"]["log"] == "infinite"
    assert (third["status"], third["authors"]["brier"], third["base"]) == ("open", None, None)
    assert [item["forecaster"] for item in data["summary"]] == ["authors", "model", "base"]
    assert as_text(show_forecasts(data)) == as_text(show_forecasts(content))


def test_a_report_without_any_resolved_forecast_says_so():
    scores = score(sample(dare({"c": (TEST, {"by": BY, "open": "nobody counts this"})}), 1, workers=1), RECORD)
    assert "resolves none of 1 forecast" in as_text(show_forecasts(forecasts_content(scores)))


# --- base rates, recounted ---------------------------------------------------------------------------------------------------------------------

needs_data = pytest.mark.skipif(not (DATA / "data" / "icb_core").is_dir(), reason="the public data are not beside the repository")
SIEGE_CRISIS = 495
"""The crisis of June 2019 to January 2020, which holds the answers."""


def documented(claim):
    """Count and cases of a claim's row on the page."""
    rows = re.findall(rf"(?m)^\| {claim} \|.*\| ([\d,]+) of ([\d,]+) \| (\d\.\d\d) \|$", (ROOT / "docs" / "forecasts.md").read_text(encoding="utf-8"))
    assert len(rows) == 1
    count, cases, rate = rows[0]
    assert float(rate) == pytest.approx(int(count.replace(",", "")) / int(cases.replace(",", "")), abs=0.005)
    return int(count.replace(",", "")), int(cases.replace(",", ""))


def test_the_siege_declares_the_base_rates_that_the_page_counts():
    """To the digits written in the scenario; for C10 the page counts months of 31 days, and the forecast runs over the 37 to 8 February."""
    claims = so.load("baghdad-siege").claims
    forecasts = {name: claim.forecast for name, claim in claims.items() if claim.forecast is not None}
    assert sorted(forecasts) == ["C01", "C02", "C03", "C09", "C10", "C11"]
    for name, forecast in forecasts.items():
        count, cases = documented(name)
        months = 37 / 31 if name == "C10" else 1
        digits = 3 if name == "C10" else 2
        assert forecast.base.rate == round(count / cases * months, digits), name
        assert all(f"{number:,}" in forecast.base.reason for number in (count, cases)), name
    assert (forecasts["C10"].by - dt.date(2020, 1, 2)).days == 37


def us_crises():
    """The US as crisis actor until 2019: trigger, main response, days to it, own violence, how the crisis ended."""
    actors = pd.read_csv(DATA / "data" / "icb_core" / "icb_actor_core.csv")
    us = actors[(actors.actorname == "United States of America") & (actors.trigger_year < 2020) & (actors.crisno != SIEGE_CRISIS)].copy()
    days = [pd.to_datetime(us[column], format="%d %B %Y", errors="coerce") for column in ("response_date", "trigger_date")]
    us["days"] = (days[0] - days[1]).dt.days
    us["soon"] = us.days <= 31
    us["violent"] = us.response.isin(["Violent military act", "Multiple, violent military act"])
    us["military"] = us.violent | us.response.isin(["Non-violent military act", "Multiple, non-violent military act"])
    outcomes = pd.read_csv(DATA / "data" / "icb_core" / "icb_system_core.csv").set_index("crisno").outcome
    us["agreed"] = us.crisno.map(outcomes).isin(["Formal agreement", "Semi-formal agreement", "Tacit understanding"])
    return us


@needs_data
@pytest.mark.published
def test_base_rates_from_crises_are_what_the_page_says():
    us = us_crises()
    direct, wider = us[us.trigger == "Violent act"], us[us.trigger.isin(["Violent act", "Indirect violent act"])]
    assert not direct[["response", "severity"]].isna().any(axis=None)
    assert documented("C01") == ((direct.military & direct.soon).sum(), len(direct))
    assert documented("C03") == ((~direct.violent & (direct.days <= 6)).sum(), len(direct))
    assert documented("C09") == ((direct.severity == "Full-scale war").sum(), len(direct))
    page = " ".join((ROOT / "docs" / "forecasts.md").read_text(encoding="utf-8").split())
    assert f"in {(direct.violent & direct.soon).sum()} of {len(direct)} crises (0.56)" in page
    assert f"{(wider.military & wider.soon).sum()} of {len(wider)} and {(wider.violent & wider.soon).sum()} of {len(wider)}." in page
    assert f"within a month in {(~(direct.violent & direct.soon)).sum()} of {len(direct)}." in page
    assert f"it is {direct.agreed.sum()} of {len(direct)}." in page
    assert f"{(wider.severity == 'Full-scale war').sum()} of {len(wider)} (0.11)" in page
    assert (direct.response == "Economic act").sum() == 0
    assert f"in {(us.response == 'Economic act').sum()} of all {len(us)} of the US" in page


def windows(picked):
    """How many of all 31-day windows from October 2019 to 1 January 2020 hold an event, and how many windows there are."""
    starts = [dt.date(2019, 10, 1) + dt.timedelta(days=i) for i in range(93 - 31 + 1)]
    assert starts[-1] + dt.timedelta(days=30) == dt.date(2020, 1, 1)
    return sum(any(0 <= (day - start).days <= 30 for day in picked) for start in starts), len(starts)


@needs_data
@pytest.mark.published
def test_base_rates_from_the_record_use_only_what_was_known():
    made = dt.date(2020, 1, 2)
    events = [event for file in ("events.csv", "events_extra.csv") for event in so.read_record(DATA / "record" / file) if event.date < made]
    attacks = [event for event in events if event.action in ("rocket_attack", "ied_attack", "embassy_breach")]
    by_militia = [event.date for event in attacks if event.actor == "militia"]
    assert sorted(by_militia) == [dt.date(2019, 10, 30), *(dt.date(2019, 12, day) for day in (3, 9, 27, 31))]
    assert documented("C11") == windows(by_militia)
    assert windows([event.date for event in attacks]) == (63, 63)
    sanctions = [event for event in events if event.actor == "usa" and event.plover == "SANCTION"]
    assert documented("C02") == windows([event.date for event in sanctions if event.target in ("iran", "militia")])
    assert windows([event.date for event in sanctions if event.target == "iran"]) == (0, 63)


@needs_data
@pytest.mark.published
def test_base_rates_from_disputes_and_sanctions_are_what_the_page_says():
    parts = pd.read_csv(DATA / "data" / "mid_gml" / "gml_part.csv")
    parts = parts[(parts.anymiss_leader_start == 0) & (parts.anymiss_leader_end == 0) & (parts.styear >= 1946)]
    first, last = (
        pd.to_datetime({"year": parts[f"{end}year"], "month": parts[f"{end}mon"], "day": parts[f"dummy_{end}day"]}) for end in ("st", "end")
    )
    months = ((last - first).dt.days + 1).sum() / 31
    assert documented("C10") == ((parts.obsid_start != parts.obsid_end).sum(), round(months))
    sanctions = pd.read_csv(DATA / "data" / "sanctions" / "sanctions.csv")
    counts = sanctions.loc[sanctions.ccode1 == 2, ["sq", "cd", "sf", "bd"]].sum()
    assert (counts.drop("sq").sum(), counts.sum()) == (274, 15_000)
