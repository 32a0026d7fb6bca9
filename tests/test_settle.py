"""Worlds are added until verdicts settle; events that never happen are called so; counter-worlds are told as stories."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest

from standoff.cli.terminal import as_text
from standoff.errors import WorldsError
from standoff.report.detailed import claim_detail
from standoff.report.judged import against_lines, claims_content, claims_table, readings, story_lines
from standoff.scenario import Builder, load
from standoff.verdicts import judge, settle
from standoff.verdicts.judge import NEVER, UNMEASURED
from standoff.verdicts.settle import unsettled
from standoff.verdicts.shares import bands
from standoff.worlds import sample
from toys import DECIDED, START, chooser, going, watched

CHOICE = {"choice": "me.go"}
SURE = {"left": CHOICE, "is": "above", "right": 0.01}
"""True in every world of `chooser`."""


def as_bytes(verdicts):
    buffer = io.BytesIO()
    verdicts.table.to_parquet(buffer, index=False)
    return buffer.getvalue()


# --- settling ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
@pytest.mark.parametrize(
    ("low", "high", "allowed"),
    [(0.95, 1, ["holds"]), (0.9, 1, ["holds"]), (0.89, 1, ["holds", "leans true"]), (0.28, 0.72, ["leans true", "contested", "leans false"]),
     (0, 0.05, ["fails"]), (0, 1, ["holds", "leans true", "contested", "leans false", "fails"])],
)  # fmt: skip
def test_an_interval_allows_the_verdicts_that_it_touches(low, high, allowed):
    assert bands(low, high) == tuple(allowed)


@pytest.mark.paper
def test_a_claim_true_in_all_worlds_settles_at_eighteen():
    """Beta(n + 1/2, 1/2) leaves a twentieth below 0.8947 at n = 17 and below 0.9001 at n = 18."""
    verdicts = settle(sample(chooser({"c": SURE}), 16, workers=1), most=64, step=1, search=False, workers=1)
    assert len(verdicts.worlds) == 18
    assert verdicts["c"].settled
    assert verdicts["c"].may_be == ("holds",)
    assert verdicts.unsettled == ()


@pytest.mark.paper
def test_worlds_are_added_up_to_the_limit():
    """A claim that is true in seven tenths of the worlds stands on the edge between two verdicts, and never settles."""
    verdicts = settle(sample(chooser({"c": DECIDED}), 8, workers=1), most=30, step=8, search=False, workers=1)
    assert len(verdicts.worlds) == 30
    assert not verdicts["c"].settled
    assert {"leans true", "contested"} <= set(verdicts["c"].may_be)
    assert verdicts.unsettled == ("c",)
    assert verdicts.table["settled"].tolist() == [False]


@pytest.mark.property
def test_what_is_settled_is_left_alone():
    worlds = sample(chooser({"c": SURE}), 32, workers=1)
    assert unsettled(worlds) == []
    assert settle(worlds, most=64, search=False, workers=1).worlds is worlds


@pytest.mark.property
@pytest.mark.parametrize("workers", [1, 2])
def test_settling_gives_what_one_run_of_that_size_gives(workers):
    """Whatever the number of workers; shares are weighted by a record."""
    claims = {"c": {"left": {"choice": "mover.go", "type": "hawk"}, "is": "above", "right": 0.5}}
    record = going(0, 1, 2)
    settled = settle(sample(watched(claims), 16, record=record, workers=workers), most=48, step=16, workers=workers)
    whole = sample(watched(claims), len(settled.worlds), record=record, workers=1)
    assert len(settled.worlds) > 16
    assert np.array_equal(settled.worlds.weights.values, whole.weights.values)
    assert as_bytes(settled) == as_bytes(judge(whole, workers=1))


@pytest.mark.property
def test_without_a_doubt_in_the_priors_no_world_is_added():
    builder = Builder("certain").clock(periods=1).parameter("precision", 1).player("me").turn("me", options={"go": {}, "stay": {}})
    worlds = sample(builder.claim("c", "C", test=SURE).scenario(), 2, workers=1)
    assert unsettled(worlds) == []
    assert len(settle(worlds, search=False, workers=1).worlds) == 2


def test_where_nothing_varies_no_further_worlds_are_advised():
    """All worlds are the same, so that one tells all: the share has no interval, and more worlds would show nothing else."""
    builder = Builder("certain").clock(periods=1).parameter("precision", 1).player("me").turn("me", options={"go": {}, "stay": {}})
    (claim,) = claims_content(judge(sample(builder.claim("c", "C", test=SURE).scenario(), 2, workers=1), workers=1))
    table, detail = (" ".join(as_text(part).split()) for part in ([claims_table([claim])], claim_detail(claim)))
    assert "c C holds 100 % nothing varies: every world is the same" in table
    assert "Settled: nothing varies" in detail
    assert "in every world." in detail
    for text in (table, detail):
        assert "settled:" not in text
        assert "--worlds" not in text
        assert "(" not in text.replace("(above 0 it is true)", "")


def test_what_is_built_in_has_no_or():
    (claim,) = claims_content(judge(sample(chooser({"c": {"left": CHOICE, "is": "above", "right": 0.0}}, noise=2), 8, workers=1), workers=1))
    table, detail = (" ".join(as_text(part).split()) for part in ([claims_table([claim])], claim_detail(claim)))
    assert "built in 100 % (79-100)" in table
    assert "Built in: no world that was tried" in detail
    for text in (table, detail):
        assert "or leans true" not in text
        assert "ettled" not in text


def test_worlds_are_added_by_one_at_least():
    with pytest.raises(WorldsError, match="at least 1 at a time, not 0"):
        settle(sample(chooser({"c": SURE}), 2, workers=1), step=0)


# --- what never happens --------------------------------------------------------------------------------------------------------------------


def sheltered(**claims):
    """Nobody can run, because the door never opens; and the game never ends as escaped. `wish` is in doubt."""
    builder = Builder("sheltered").clock(periods=2).parameter("precision", 1).parameter("wish", prior={"uniform": [0, 1]}).player("me")
    builder.state("door", values=["shut", "open"], start="shut").state("out", values=["no", "yes"], start="no").payoff(
        "me", "taste", on={"me.go": "wish"}
    )
    builder.turn("me", options={"go": {}, "stay": {}, "run": {"when": "door == open", "set": {"out": "yes"}}}).end("escaped", when="out == yes")
    for name, test in claims.items():
        builder.claim(name, f"Claim {name}", test=test)
    return builder.scenario()


RUN, FORCED = {"chance_of_move": "me.run"}, {"chance_of_move": "me.run", "do": [{"force": "me.go", "now": True}]}
SOME = {"left": {"chance_of_move": "me.go"}, "is": "above", "right": 0.1}
OVER = {"left": {"chance_of_end": "escaped"}, "is": "above", "right": {"chance_of_state": "out == yes"}}


@pytest.mark.paper
@pytest.mark.parametrize(
    ("test", "event"),
    [
        ({"left": FORCED, "is": "above", "right": RUN}, "the move me.run"),
        ({"left": FORCED, "is": "below", "right": RUN}, "the move me.run"),
        ({"nil": {"difference": [FORCED, RUN]}, "within": 0.1}, "the move me.run"),
        ({"of": {"count_of_move": ["me.run"]}, "range": [0, 0.5]}, "the move me.run"),
        ({"left": {**RUN, "scale": "log_odds"}, "is": "above", "right": -1}, "the move me.run"),
        (OVER, "the end escaped and the state out == yes"),
        ({"all": [SOME, OVER]}, "the end escaped and the state out == yes"),
        ({"any": [OVER, {"nil": RUN, "within": 0.1}]}, "the end escaped and the state out == yes and the move me.run"),
    ],
    ids=["above", "below", "nil", "range", "log odds", "end and state", "all", "any"],
)
def test_a_claim_about_what_never_happens_is_said_to_be_one(test, event):
    verdicts = judge(sample(sheltered(c=test), 8, workers=1), workers=1)
    row = verdicts["c"]
    assert row.verdict == NEVER
    assert np.isnan(row.share)
    assert row.settled
    said = f"{event} never occur{'' if ' and ' in event else 's'}"
    assert row.hinge_text() == said
    assert row.problem.startswith(f"{said} in any of {8 + row.searched} worlds")
    assert verdicts.story("c") == []


@pytest.mark.paper
@pytest.mark.parametrize(
    "test",
    [
        {"left": {"chance_of_move": "me.go"}, "is": "above", "right": RUN},
        {"nil": {"difference": [{"chance_of_move": "me.go"}, {"chance_of_move": ["me.go", "me.run"]}]}, "within": 0.1},
        {"any": [OVER, SOME]},
        {"nil": {"difference": [{"value": "me"}, {"value": "me"}]}, "within": 0.1},
        {"left": {"choice": "me.go", "against": "me.stay", "scale": "log_odds"}, "is": "above", "right": 40},
    ],
    ids=["one side happens", "equal chances", "one part says something", "not an event", "a ratio"],
)
def test_a_claim_that_compares_what_happens_is_judged(test):
    """A difference of nothing between two things that happen is a finding."""
    row = judge(sample(sheltered(c=test), 8, workers=1), search=False, workers=1)["c"]
    assert row.verdict in ("holds", "fails")
    assert row.problem == ""


@pytest.mark.property
def test_what_happens_in_one_world_is_not_called_never():
    """The door is open from the start where `wide` is 1: in one of four worlds or so."""
    builder = Builder("doors").clock(periods=1).parameter("precision", 1).player("me")
    builder.parameter("wide", prior={"choice": [0, 1], "weights": [0.75, 0.25]})
    builder.turn("me", options={"go": {}, "stay": {}, "run": {"when": "wide == 1"}})
    test = {"left": {"chance_of_move": "me.run"}, "is": "above", "right": {"chance_of_move": "me.run", "do": [{"force": "me.go"}]}}
    row = judge(sample(builder.claim("c", "C", test=test).scenario(), 16, workers=1), search=False, workers=1)["c"]
    assert row.verdict not in (NEVER, UNMEASURED)
    assert row.share == pytest.approx(0.25, abs=1 / 16)


# --- stories -------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.paper
def test_the_counter_world_is_told_as_dated_sentences():
    """A claim that a hawk goes: the counter-world has a hawk who dislikes going, and its commonest future is that time runs out."""
    claims = {"c": {"left": {"choice": "mover.go", "type": "hawk"}, "is": "above", "right": 0.5}}
    verdicts = judge(sample(watched(claims, eagerness=(-8, 9)), 16, workers=1), search=False, workers=1)
    story = verdicts.story("c")
    assert story[0].startswith(f"Told from {START.day} {START:%b %Y}, at the turn of mover. Of its futures 100 % end as “time is up”")
    assert story[-1] == "15 Jan 2020: ends as time is up"  # in the week that begins then
    assert all(line.startswith(("1 Jan 2020: ", "8 Jan 2020: ", "15 Jan 2020: ")) for line in story[1:])
    assert story == verdicts.story("c")


@pytest.mark.paper
@pytest.mark.parametrize(("forced", "n"), [("go", 2), ("stay", 0)])
def test_a_story_is_told_under_what_the_claim_supposes(forced, n):
    """From the second week on, with the move forced: he goes in every week that is left, or in none."""
    quantity = {"count_of_move": "mover.go", "at": {"turn": "mover", "at": 1}, "do": [{"force": f"mover.{forced}"}]}
    worlds = sample(watched({"c": {"left": quantity, "is": "above", "right": 5}}), 8, workers=1)
    row = judge(worlds, search=False, workers=1)["c"]
    assert row.counter is None
    from standoff.verdicts.stories import tell_world

    story = tell_world(worlds.task, worlds.worlds[0], row.claim)
    assert story.start == f"from 8 Jan 2020, at the turn of mover; mover.{forced} forced"
    assert [line for line in story.lines if "mover: go" in line] == ["8 Jan 2020: mover: go", "15 Jan 2020: mover: go"][:n]


@pytest.mark.paper
def test_a_story_from_the_beliefs_of_the_record_is_told_from_the_start():
    claims = {"c": {"left": {"chance_of_move": "mover.go", "at": {"after_record": True}}, "is": "above", "right": 0.9}}
    verdicts = judge(sample(watched(claims), 16, record=going(0, 1, 2), workers=1), search=False, workers=1)
    assert verdicts.story("c")[0].startswith("Told from the start. ")


@pytest.mark.property
def test_the_story_told_ends_in_the_commonest_way():
    worlds = sample(load("one-shot-threat"), 8, workers=1)
    verdicts = judge(worlds, search=False, workers=1)
    told = [verdicts.counter_story(row.name) for row in verdicts.rows if row.counter is not None]
    assert told
    for story in told:
        assert 0 < story.chance <= 1
        assert story.lines[-1].endswith(f"ends as {story.end}")


def test_a_story_of_an_unknown_claim_is_refused():
    verdicts = judge(sample(chooser({"claim": SURE}), 2, workers=1), search=False, workers=1)
    with pytest.raises(WorldsError, match=r"no claim is named clam; allowed: claim; did you mean claim\?"):
        verdicts.story("clam")


# --- as they are shown ---------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def watched_verdicts():
    """One claim that is true in three quarters of the worlds, one that fails in almost all, one about what never happens."""
    claims = {
        "lean": {"left": {"choice": "mover.go", "type": "hawk"}, "is": "above", "right": 0.5},
        "wrong": {"left": {"choice": "mover.go", "type": "hawk"}, "is": "below", "right": 0.3},
        "void": {"nil": {"chance_of_move": "mover.go", "do": [{"forbid": "mover.go"}]}, "within": 0.5},
    }
    return judge(sample(watched(claims), 32, workers=1), search=False, workers=1)


def test_the_table_shows_what_a_verdict_may_turn_into(watched_verdicts):
    text = as_text([claims_table(claims_content(watched_verdicts))])
    assert watched_verdicts["lean"].may_be == ("leans true", "contested")
    assert "leans true" in text
    assert "or contested" in text
    assert "2 of 3 verdicts not settled" in text
    assert "mover.go never occurs" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 110


def test_a_claim_is_told_on_one_screen(watched_verdicts):
    (claim,) = [claim for claim in claims_content(watched_verdicts, ["lean"]) if claim["id"] == "lean"]
    shown = as_text(claim_detail(claim))
    text = " ".join(shown.split())
    assert len(shown.splitlines()) <= 40
    assert max(map(len, shown.splitlines())) <= 110
    assert "leans true: true in 75 %" in text
    assert "Not settled: the interval also allows contested" in text
    assert "it is true in 100 % of 24 worlds (density); that is 100 % of all worlds where it is true (coverage)" in text
    assert re.search(r"parameter total effect by itself eagerness (99|100|101|>99) % (99|100|101|>99) %", text)
    assert "The most plausible world where it is false: eagerness -" in text
    assert "Told from 1 Jan 2020" in text
    assert "The clearest such world" in text


def test_what_cannot_be_judged_is_told_with_its_reason(watched_verdicts):
    (claim,) = [claim for claim in claims_content(watched_verdicts) if claim["id"] == "void"]
    text = " ".join(as_text(claim_detail(claim)).split())
    assert "never occurs: the move mover.go never occurs in any of 32 worlds" in text
    assert "hinges" not in text
    row = next(line for line in as_text([claims_table([claim])]).splitlines() if line.startswith("void"))
    assert row.split("never occurs", 1)[1].split() == ["-", "the", "move", "mover.go", "never", "occurs"]
    assert "look at what it needs" in " ".join(as_text(readings([claim])).split())


def test_counter_worlds_are_told_for_what_goes_against_the_authors(watched_verdicts):
    claims = claims_content(watched_verdicts)
    assert {claim["id"]: claim["against"] for claim in claims} == {"lean": False, "wrong": True, "void": False}
    told = {claim["id"] for claim in claims if claim["counter_world"] is not None and claim["counter_world"]["story"] is not None}
    assert told == {"wrong"}
    text = " ".join(as_text(against_lines(claims)).split())
    assert "The authors are right in a world with eagerness -" in text
    assert "About events that never occur in any world, so that there is nothing to judge: void." in text
    assert "otherwise in a world with eagerness" in " ".join(as_text(readings(claims)).split())


@pytest.mark.paper
def test_a_long_story_is_cut_in_the_middle():
    story = {"lines": [str(i) for i in range(9)]}
    assert story_lines(story, 9) == story["lines"]
    assert story_lines(story, 4) == ["0", "1", "... 6 further events ...", "8"]
