"""A record played through a solved game: what each event says, what silence says, and what became of every event."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from math import log, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from games import with_precision
from standoff.cli.examine import examine
from standoff.errors import RecordError
from standoff.game import build
from standoff.game.told import must_be_told
from standoff.record import Event, Record, read_record
from standoff.replay import map_record, replay
from standoff.scenario import Builder, load, resolve
from standoff.scenarios import record_path
from standoff.solve import solve
from standoff.solve.grid import box, simplex
from standoff.worlds import sample

START = dt.date(2020, 1, 1)


def day(number):
    """Day `number` of the game, the first being 0."""
    return START + dt.timedelta(days=number)


def event(name, date, actor="mover", action="go", **fields):
    return Event(id=name, date=day(date) if isinstance(date, int) else date, actor=actor, action=action, **fields)


def played(solved, *events):
    return replay(solved, Record(tuple(events)))


def watch(slip=1, precision=1):
    """Three weeks; each week a mover goes or stays, and a hawk goes with chance 3/4, a dove with chance 1/2."""
    return (
        with_precision(Builder("watch").clock(start=START, step="1 week", end=day(21)), precision)
        .player("mover", types={"hawk": 0.25, "dove": "rest"})
        .payoff("mover", "taste", on={"mover.go": "log(3) if type == hawk else 0"})
        .turn("mover", options={"go": {}, "stay": {}}, silent="stay")
        .record(
            {"mover.go": [{"actor": "mover", "action": "go"}]},
            ignore=[{"action": "rumour", "reason": "Rumours are no moves"}, {"action": "noise"}],
            slip=slip,
        )
        .scenario()
    )


@pytest.fixture(scope="module")
def watched():
    return solve(build(watch()), workers=1)


# --- by hand -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_an_event_moves_the_belief_by_bayes_rule(watched):
    """P(go) = 1/4 * 3/4 + 3/4 * 1/2 = 9/16, and a mover who went is a hawk with chance (3/16) / (9/16) = 1/3."""
    step = played(watched, event("one", 0)).steps[0]
    assert (step.period, step.date, step.player, step.move, step.events) == (0, day(0), "mover", "mover.go", ("one",))
    assert step.probability == pytest.approx(9 / 16, abs=1e-9)
    assert step.by_type == pytest.approx({"hawk": 3 / 4, "dove": 1 / 2}, abs=1e-9)
    assert step.likelihood_ratio == pytest.approx(3 / 2, abs=1e-9)
    assert watched.beliefs(step.after)["mover"] == pytest.approx({"hawk": 1 / 3, "dove": 2 / 3}, abs=1e-9)
    assert step.bits == pytest.approx(1 / 3 * log2(4 / 3) + 2 / 3 * log2(8 / 9), abs=1e-9)
    assert (step.silent, step.slipped) == (False, 0)


@pytest.mark.paper
def test_silence_is_a_move_and_evidence(watched):
    """Going once and staying twice: hawks 3/4 * 1/4 * 1/4, doves 1/2 * 1/2 * 1/2."""
    trail = played(watched, event("one", 0))
    assert [(step.move, step.silent, step.date) for step in trail.steps] == [
        ("mover.go", False, day(0)),
        ("mover.stay", True, None),
        ("mover.stay", True, None),
    ]
    hawk, dove = 1 / 4 * 3 / 64, 3 / 4 * 1 / 8
    assert trail.log_likelihood == pytest.approx(log(hawk + dove), abs=1e-9)
    assert watched.beliefs(trail.x)["mover"]["hawk"] == pytest.approx(hawk / (hawk + dove), abs=1e-9)


@pytest.mark.paper
def test_bits_are_summed_over_the_record_by_player(watched):
    trail = played(watched, event("one", 0), event("two", 15))
    beliefs = [1 / 4, 1 / 3, 1 / 5, 3 / 11]  # hawk: odds 1:3, times 3/2, times 1/2, times 3/2
    expected = sum(q * log2(q / p) + (1 - q) * log2((1 - q) / (1 - p)) for p, q in pairwise(beliefs))
    assert trail.bits == pytest.approx({"mover": expected}, abs=1e-9)


@pytest.mark.paper
def test_the_table_of_beliefs_has_a_row_for_each_step_that_tells(watched):
    table = played(watched, event("one", 3)).beliefs
    assert table["move"].tolist() == ["mover.go", "mover.stay", "mover.stay"]
    assert table["events"].tolist() == ["one", "", ""]
    assert table["date"].tolist() == [day(3), day(7), day(14)]
    assert table["mover: hawk"].tolist() == pytest.approx([1 / 3, 1 / 5, 1 / 9], abs=1e-9)
    assert (table["mover: hawk"] + table["mover: dove"]).tolist() == pytest.approx([1.0] * 3, abs=1e-12)


@pytest.mark.paper
def test_without_precision_nothing_is_revealed():
    trail = played(solve(build(watch(precision=0)), workers=1), event("one", 0))
    assert trail.bits == pytest.approx({"mover": 0.0}, abs=1e-12)
    assert trail.log_likelihood == pytest.approx(3 * log(1 / 2), abs=1e-9)
    assert len(trail.beliefs) == 1  # silences that say nothing are left out of the table


@pytest.mark.paper
def test_a_signal_is_evidence_of_the_act_behind_it():
    """Hawks and doves plot alike (1/2), but smoke follows a hawk's plot for sure and never a dove's; nor does it follow rest."""
    builder = with_precision(Builder("plot").clock(periods=1)).player("mover", types={"hawk": 0.5, "dove": 0.5})
    options = {"plot": {"covert": {"smoke": "1 if type == hawk else 0", "clear": "rest"}}, "rest": {"covert": {"clear": 1}}}
    builder.turn("mover", options=options, signals={"smoke": {}, "clear": {}}, silent="clear")
    solved = solve(build(builder.record({"mover.smoke": [{"action": "smoke"}]}).scenario()), workers=1)
    with pytest.raises(RecordError, match="is a date, but the clock counts abstract periods"):
        played(solved, event("one", 0, action="smoke"))
    node, x = solved.first_decision()
    probe = solved.probe(node, x)
    assert probe.likelihood == pytest.approx(np.array([[1 / 2, 0], [1 / 2, 1]]), abs=1e-12)


@pytest.mark.paper
def test_what_a_player_can_do_shows_in_what_happens():
    """Success has chance 3/4 for the able and 1/4 for the unable; a silent record means failure."""
    outcomes = {"succeeds": {"chance": "0.75 if type(mover) == able else 0.25"}, "fails": {"chance": "rest"}}
    scenario = (
        with_precision(Builder("trial").clock(start=START, step="1 week", end=day(14)), 0)
        .player("mover", types={"able": 0.5, "unable": 0.5})
        .turn("mover", options={"try": {"outcomes": outcomes, "silent": "fails"}, "rest": {}}, silent="rest")
        .record({"mover.try": [{"action": ["try", "win"]}], "mover.try/succeeds": [{"action": "win"}]})
        .scenario()
    )
    solved = solve(build(scenario), workers=1)
    failed, won = played(solved, event("one", 0, action="try")), played(solved, event("one", 0, action="win"))
    assert [step.move for step in failed.steps] == ["mover.try", "mover.try/fails", "mover.rest"]
    assert [step.move for step in won.steps] == ["mover.try", "mover.try/succeeds", "mover.rest"]
    assert solved.beliefs(failed.x)["mover"]["able"] == pytest.approx(1 / 4, abs=1e-9)
    assert solved.beliefs(won.x)["mover"]["able"] == pytest.approx(3 / 4, abs=1e-9)
    assert won.log_likelihood == pytest.approx(log(1 / 2 * 1 / 2 * 1 / 2), abs=1e-9)
    assert won.steps[0].events == won.steps[1].events == ("one",)
    assert (won.unmapped, won.unplayed) == ((), ())


# --- what becomes of an event --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (event("x", -1), "outside the clock (2020-01-01 to 2020-01-22, not included)"),
        (event("x", 21), "outside the clock"),
        (event("x", 1, action="rumour"), "left out by the scenario: Rumours are no moves"),
        (event("x", 1, action="noise"), "left out by the scenario: no reason given"),
        (event("x", 1, action="sing", target="iran"), "no rule maps mover sing against iran"),
        (event("x", 1, actor="other", action="", plover="YIELD"), "no rule maps other YIELD against nobody"),
        (event("x", 1, modality="hypothetical"), "did not happen: it is hypothetical"),
        (event("x", 1, modality="forecast"), "did not happen: it is forecast"),
        (event("x", 1, modality="negated"), "did not happen: it is negated"),
    ],
)
def test_an_event_that_stands_for_no_move_is_kept_with_the_reason(watched, other, reason):
    trail = played(watched, other, event("one", 2))
    assert [item.event for item in trail.unmapped] == [other]
    assert reason in trail.unmapped[0].reason
    assert trail.steps[0].events == ("one",)


@pytest.mark.parametrize("modality", ["happened", "threatened", "promised"])
def test_threats_and_promises_are_moves(watched, modality):
    assert played(watched, event("one", 0, modality=modality)).steps[0].events == ("one",)


def test_rules_agree_in_every_field_they_give():
    rule = {"actor": ["mover", "ally"], "target": "iran", "covert": False, "killed_at_least": 2}
    builder = with_precision(Builder("rules").clock(start=START, step="1 week", end=day(7))).player("mover")
    builder.turn("mover", options={"go": {}, "stay": {}}, silent="stay")
    canonical = resolve(builder.record({"mover.go": [rule, {"id": "named"}]}).scenario())
    fitting = {"target": "iran", "killed": 2}
    events = [
        event("fits", 0, **fitting),
        event("fits_too", 0, actor="ally", **(fitting | {"killed": 9})),
        event("other_actor", 0, actor="foe", **fitting),
        event("other_target", 0, killed=2),
        event("covert", 0, covert=True, **fitting),
        event("too_few", 0, **(fitting | {"killed": 1})),
        event("unknown", 0, **(fitting | {"killed": None})),
        event("named", 0, actor="foe"),
    ]
    assert {item.event.id for item in map_record(canonical, events) if item.moves} == {"fits", "fits_too", "named"}


def test_an_event_that_finds_its_turn_taken_slips_to_the_next_and_this_is_said(watched):
    trail = played(watched, event("one", 1), event("two", 15), event("three", 8))
    assert [step.slipped for step in trail.steps] == [0, 0, 0]
    assert trail.slips == []
    late = load_two_moves(slip=1)
    trail = played(late, event("one", 1), event("two", 2, action="halt"))
    assert [(step.move, step.slipped) for step in trail.steps] == [("mover.go", 0), ("mover.halt", 1), ("mover.stay", 0)]
    assert [step.events for step in trail.slips] == [("two",)]
    assert trail.unplayed == ()


def load_two_moves(slip):
    """Go, halt or stay, each week."""
    builder = with_precision(Builder("two-moves").clock(start=START, step="1 week", end=day(21))).player("mover", types={"hawk": 0.5, "dove": 0.5})
    builder.turn("mover", options={"go": {}, "halt": {}, "stay": {}}, silent="stay")
    mapping = {"mover.go": [{"action": "go"}], "mover.halt": [{"action": "halt"}]}
    return solve(build(builder.record(mapping, slip=slip).scenario()), workers=1)


def test_an_event_that_may_not_slip_is_unplayed_with_the_reason():
    trail = played(load_two_moves(slip=0), event("one", 1), event("two", 2, action="halt"))
    assert [step.move for step in trail.steps] == ["mover.go", "mover.stay", "mover.stay"]
    ((lost, why),) = trail.unplayed
    assert lost.id == "two"
    assert why == "mover.halt was not possible within 0 period(s) of its date"


def test_an_event_whose_turn_is_over_at_the_end_is_unplayed_with_the_end():
    trail = played(load_two_moves(slip=1), event("one", 15), event("two", 16, action="halt"))
    ((lost, why),) = trail.unplayed
    assert lost.id == "two"
    assert why == "mover.halt found no turn before the game ended (time_up, period 2)"


def test_two_events_of_one_turn_and_one_move_are_told_together(watched):
    trail = played(watched, event("one", 1), event("two", 2))
    assert trail.steps[0].events == ("one", "two")
    assert [step.events for step in trail.steps[1:]] == [(), ()]


def test_where_silence_has_no_move_the_likeliest_is_taken_and_noted():
    scenario = (
        with_precision(Builder("loud").clock(start=START, step="1 week", end=day(14)))
        .player("mover")
        .payoff("mover", "taste", on={"mover.stay": 1})
        .turn("mover", options={"go": {}, "halt": {"when": "period == 0"}, "stay": {}}, silent="halt")
        .record({"mover.go": [{"action": "go"}]})
        .scenario()
    )
    trail = played(solve(build(scenario), workers=1), event("one", 0))
    assert [(step.move, step.silent) for step in trail.steps] == [("mover.go", False), ("mover.stay", True)]
    (note,) = trail.notes
    assert note.startswith("period 1: the record is silent at turn:mover and mover.halt is not possible")
    assert "taken as the likeliest, mover.stay" in note


def test_an_event_that_tells_the_only_option_is_not_called_impossible():
    scenario = (
        with_precision(Builder("forced").clock(start=START, step="1 week", end=day(14)))
        .player("mover")
        .turn("mover", name="opening", when="period == 0", options={"go": {}})
        .turn("mover", when="period == 1", options={"halt": {}, "stay": {}}, silent="stay")
        .record({"mover.go": [{"action": "go"}], "mover.halt": [{"action": "halt"}]})
        .scenario()
    )
    trail = played(solve(build(scenario), workers=1), event("one", 0), event("two", 8, action="halt"))
    assert trail.unplayed == ()
    assert [step.events for step in trail.steps] == [("one",), ("two",)]
    assert trail.steps[0].probability == 1.0


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([], "no events"),
        ([event("x", 40)], "outside the clock"),
        ([event("x", 1, action="sing"), event("y", 1, modality="negated")], "no rule maps mover sing against nobody"),
    ],
)
def test_a_record_in_which_nothing_is_a_move_is_refused(watched, events, found):
    with pytest.raises(RecordError, match="no event of the record stands for a move") as caught:
        played(watched, *events)
    assert found in caught.value.faults[0].found
    assert caught.value.faults[0].allowed


def test_an_event_that_no_type_could_have_caused_is_refused():
    """Smoke follows a hawk's plot only, and nobody is a hawk."""
    builder = with_precision(Builder("no-hawks").clock(start=START, step="1 week", end=day(7))).player("mover", types={"hawk": 0, "dove": 1})
    options = {"plot": {"covert": {"smoke": "1 if type == hawk else 0", "clear": "rest"}}, "rest": {"covert": {"clear": 1}}}
    builder.turn("mover", options=options, signals={"smoke": {}, "clear": {}}, silent="clear")
    solved = solve(build(builder.record({"mover.smoke": [{"action": "smoke"}]}).scenario()), workers=1)
    with pytest.raises(RecordError, match=r"mover\.smoke in period 0 is impossible for every type.*found one"):
        played(solved, event("one", 0, action="smoke"))


# --- whatever the record -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[0, 1, 2])
def busy(request):
    """Open, covert and chance moves of three players over four weeks; fighting may end the game."""
    hurt = {"hurt": {"chance": "0.6 if type(other) == strong else 0.2", "set": {"over": True}}, "spared": {"chance": "rest"}}
    builder = with_precision(Builder("busy").clock(start=START, step="1 week", end=day(28))).state("over", values=[False, True], start=False)
    builder.state("smoke", values=[False, True], start=False, resets=True)
    builder.player("mover", types={"hawk": 0.4, "dove": "rest"}).player("other", types={"strong": 0.5, "weak": 0.5})
    builder.payoff("mover", "taste", on={"mover.go": "1 if type == hawk else -1", "mover.plot": 0.5, "other.fight": -1})
    builder.payoff("other", "taste", on={"other.fight": "0.5 if type == strong else -0.5", "mover.smoke": -1})
    plot = {"covert": {"smoke": "0.7 if type == hawk else 0.4", "clear": "rest"}}
    builder.turn("mover", options={"go": {}, "plot": plot, "stay": {"covert": {"smoke": 0.1, "clear": "rest"}}},
                 signals={"smoke": {"set": {"smoke": True}}, "clear": {}}, silent="clear")  # fmt: skip
    builder.turn("other", when="smoke or period == 2", options={"fight": {"outcomes": hurt, "silent": "spared"}, "yield": {}}, silent="yield")
    builder.event("storm", when="period > 0", outcomes={"hit": {"chance": 0.1}, "miss": {"chance": "rest"}}, silent="miss")
    builder.end("ruin", "over")
    mapping = {
        "mover.go": [{"actor": "mover", "action": "go"}],
        "mover.smoke": [{"action": "smoke"}, {"id": ["e0", "e3"]}],
        "other.fight": [{"actor": "other", "action": ["fight", "hurt"]}],
        "other.fight/hurt": [{"action": "hurt"}],
        "storm/hit": [{"action": "storm"}],
    }
    builder.record(mapping, ignore=[{"action": "rumour", "reason": "Rumours are no moves"}], slip=request.param)
    return solve(build(builder.scenario()), levels=box((3, 3)), certify=False, workers=1)


@st.composite
def records(draw):
    n = draw(st.integers(1, 12))
    return [
        event(
            f"e{i}",
            draw(st.integers(-3, 31)),
            actor=draw(st.sampled_from(["mover", "other"])),
            action=draw(st.sampled_from(["go", "smoke", "fight", "hurt", "storm", "rumour", "sing"])),
            modality=draw(st.sampled_from(["happened"] * 4 + ["threatened", "negated"])),
        )
        for i in range(n)
    ]


@pytest.mark.property
@settings(max_examples=100, deadline=None, derandomize=True)
@given(events=records())
def test_nothing_is_dropped_and_nothing_is_counted_twice(busy, events):
    """Every event is told by steps, or stands for no move, or was not played: exactly one of the three, the last two with a reason.

    Where none would be told the record is refused.
    """
    record = Record(tuple(sorted(events, key=lambda item: item.date)))
    mapped = map_record(busy.game.canonical, record)
    assert [item.event for item in mapped] == list(record)
    if not any(item.moves for item in mapped):
        with pytest.raises(RecordError):
            replay(busy, record)
        return
    refused = ""
    try:
        trail = replay(busy, record)
    except RecordError as error:
        refused = str(error)
    if refused:
        assert "no event of the record finds its turn" in refused
        return
    told = {name for step in trail.steps for name in step.events}
    assert told
    unmapped, unplayed = [item.event.id for item in trail.unmapped], [item.id for item, _ in trail.unplayed]
    assert sorted([*told, *unmapped, *unplayed]) == sorted(item.id for item in record)
    assert all(item.reason for item in trail.unmapped)
    assert all(why for _, why in trail.unplayed)
    period = {item.event.id: item.period for item in mapped}
    moves = {item.event.id: item.moves for item in mapped}
    for step in trail.steps:
        assert step.silent == (not step.events)
        assert all(step.move in moves[name] for name in step.events)
        assert step.slipped == max((step.period - period[name] for name in step.events), default=0)
        assert 0 <= step.slipped <= busy.game.canonical.record.slip
    assert trail.slips == [step for step in trail.steps if step.slipped > 0]


@pytest.mark.property
@settings(max_examples=50, deadline=None, derandomize=True)
@given(events=records())
def test_beliefs_follow_from_step_to_step(busy, events):
    """Each step begins where the one before ended, moves only the belief about its player, and never reveals less than nothing."""
    events.append(event("go", 0))
    trail = replay(busy, Record(tuple(sorted(events, key=lambda item: item.date))))
    x, likelihood = busy.prior, 0.0
    for step in trail.steps:
        assert step.before == pytest.approx(x, abs=1e-12)
        before, after = busy.beliefs(step.before), busy.beliefs(step.after)
        assert 0.0 < step.probability <= 1.0
        assert step.bits >= 0.0
        for player in before:
            if player == step.player:
                mixed = sum(before[player][kind] * p for kind, p in step.by_type.items())
                assert step.probability == pytest.approx(mixed, abs=1e-12)
                assert after[player] == pytest.approx({kind: before[player][kind] * p / mixed for kind, p in step.by_type.items()}, abs=1e-9)
            else:
                assert after[player] == pytest.approx(before[player], abs=1e-12)
        likelihood += log(step.probability)
        x = step.after
    assert trail.x == pytest.approx(x, abs=1e-12)
    assert trail.log_likelihood == pytest.approx(likelihood, abs=1e-9)
    assert all(total >= 0.0 for total in trail.bits.values())
    assert set(trail.bits) == {"mover", "other"}


@pytest.mark.property
def test_every_event_of_the_bundled_record_is_accounted_for():
    solved = solve(build(load("baghdad-closure")), levels=simplex(4, 1), certify=False, workers=1)
    record = read_record(record_path("baghdad-closure"))
    trail = replay(solved, record)
    told = [name for step in trail.steps for name in step.events]
    parts = [*told, *(item.event.id for item in trail.unmapped), *(item.id for item, _ in trail.unplayed)]
    assert sorted(parts) == sorted(item.id for item in record)
    assert all(item.reason for item in trail.unmapped)


# --- a record of which nothing is told -----------------------------------------------------------------------------------------------------


def massing():
    """Troops can be withdrawn only where they are massed; eight weeks."""
    return (
        with_precision(Builder("massing").clock(start=START, step="1 week", end=day(56)), 1)
        .state("troops", values=["home", "massed"], start="home")
        .player("n", types={"bold": 0.4, "shy": "rest"})
        .payoff("n", "x", each_period="(0.5 if type == bold else -0.5) if troops == massed else 0")
        .turn(
            "n",
            options={
                "mass": {"when": "troops == home", "set": {"troops": "massed"}},
                "withdraw": {"when": "troops == massed", "set": {"troops": "home"}},
                "sit": {},
            },
            silent="sit",
        )
        .record({"n.mass": [{"action": "mass"}], "n.withdraw": [{"action": "withdraw"}]})
        .claim("c", "They mass", test={"left": {"choice": "n.mass"}, "is": "above", "right": 0.5})
        .scenario()
    )


def withdrawals(*weeks):
    return Record(tuple(event(f"w{week}", 7 * week, actor="n", action="withdraw") for week in weeks))


@pytest.mark.paper
def test_a_record_of_which_no_event_finds_its_turn_is_refused_with_each_reason():
    solved = solve(build(massing()), workers=1)
    with pytest.raises(RecordError) as caught:
        replay(solved, withdrawals(1, 3))
    (fault,) = caught.value.faults
    assert "no event of the record finds its turn" in fault.problem
    assert "w1: n.withdraw" in fault.found
    assert "w3: n.withdraw" in fault.found
    assert "slip" in fault.suggestion


@pytest.mark.paper
def test_it_is_refused_before_anything_is_solved():
    game = build(massing())
    with pytest.raises(RecordError, match="finds its turn"):
        must_be_told(game, withdrawals(2))
    with pytest.raises(RecordError, match="finds its turn"):
        sample(massing(), 2, record=withdrawals(2), workers=1)
    with pytest.raises(RecordError, match="stands for a move"):
        must_be_told(game, withdrawals(30))
    # Once they are massed they can be withdrawn; a day earlier would do too, as an event may come one period late.
    told = Record((event("m", 0, actor="n", action="mass"), *withdrawals(1).events))
    must_be_told(game, told)
    assert [step.events for step in replay(solve(game, workers=1), told).steps if not step.silent] == [("m",), ("w1",)]


@pytest.mark.paper
def test_silence_that_is_meant_stays_evidence():
    """Before a day on which nothing was known, and with its events thought away, a record is silent."""
    solved = solve(build(massing()), workers=1)
    told = Record((event("m", 0, actor="n", action="mass"),))
    assert all(step.silent for step in replay(solved, told, without=["m"]).steps)
    later = massing().model_copy(update={"record": massing().record.model_copy(update={"known": day(7)})})
    known = solve(build(later), workers=1)
    assert all(step.silent for step in replay(known, Record((event("m", 8, actor="n", action="mass"),))).steps)


def test_check_refuses_a_record_of_which_nothing_is_told(tmp_path):
    text = """
standoff: 1
name: massing
clock: {start: 2021-03-01, step: 1 week, end: 2021-04-26}
parameters: {precision: {value: 1}}
state: {troops: {values: [home, massed], start: home}}
players: {n: {payoffs: {x: {each_period: "0.5 if troops == massed else 0"}}}}
turns:
  - player: n
    options:
      mass: {when: troops == home, set: {troops: massed}}
      withdraw: {when: troops == massed, set: {troops: home}}
      sit: {}
    silent: sit
record: {file: events.csv, map: {n.withdraw: [{action: withdraw}]}}
"""
    (tmp_path / "massing.yaml").write_text(text, encoding="utf-8")
    for date, problem in (("2021-03-09", "finds its turn"), ("2022-03-09", "stands for a move")):
        (tmp_path / "events.csv").write_text(f"id,date,actor,action\nE1,{date},n,withdraw\n", encoding="utf-8")
        (fault,) = examine(load(tmp_path / "massing.yaml"))[0]
        assert fault.severity == "error"
        assert problem in fault.problem
