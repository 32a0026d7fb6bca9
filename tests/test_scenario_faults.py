"""Every fault of a scenario is found, with its place, what is allowed and what may have been meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from standoff.errors import Fault, ScenarioError
from standoff.scenario import check, load

SOUND, ENDLESS = ((Path(__file__).parent / "scenario_faults" / name).read_text(encoding="utf-8") for name in ("sound.yaml", "endless.yaml"))
MARK = "¦"


def place_of_mark(text: str) -> tuple[str, int, int]:
    """Take the mark out of a text and tell its line and column."""
    before, after = text.split(MARK)
    return before + after, before.count("\n") + 1, len(before) - before.rfind("\n")


def faults_of(folder: Path, text: str) -> tuple[Fault, ...]:
    file = folder / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(file)
    return caught.value.faults


@pytest.mark.parametrize("text", [SOUND, ENDLESS], ids=["sound", "endless"])
def test_a_sound_scenario_has_no_faults_and_no_warnings(tmp_path, text):
    file = tmp_path / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    assert [str(fault) for fault in check(load(file))] == []


# Each case: a piece of the sound scenario, what replaces it (the mark stands where the fault is reported), the field, words of the message.
CASES = [
    # shape
    ("standoff: 1", "standoff: ¦2", "standoff", ["not allowed", "found 2", "1"]),
    ("name: siege", "name: ¦The Siege", "name", ["no name of a scenario", "The Siege", "small letters"]),
    ("title: A siege", "¦titel: A siege", "titel", ["unknown field", "did you mean title?"]),
    ("title: A siege", "title: ¦[a]", "title", ["wrong kind", "a list of 1", "text"]),
    ("type == bluffing else 0}, each_period", "type == bluffing else 0}, ¦each_perod", "players.usa.payoffs.exit.each_perod", ["each_period?"]),
    ("players:\n  usa:", "players:\n  ¦u-sa:", "players.u-sa", ["no name", "u-sa", "underscores"]),
    ("usa.close: -aud", "¦usa-close: -aud", "players.usa.payoffs.exit.on.usa-close", ["no address of a move", "usa-close", "player.option"]),
    ("\n  un: {}", "\n  un: ¦3", "players.un", ["wrong kind", "block"]),
    ("value: 1,", "value: ¦much,", "parameters.precision.value", ["wrong kind", "much", "a number"]),
    ("election: 2020-02-10", "election: ¦soon", "calendar.election", ["wrong kind", "soon", "whole number", "date"]),
    ("election: 2020-02-10", "election: {¦dat: 2020-02-10}", "calendar.election.dat", ["unknown field", "did you mean date?"]),
    ("election: 2020-02-10", "¦election: {title: x}", "calendar.election.date", ["required field is missing"]),
    (
        "    when: before(election)",
        "    when: before(election)\n    at: ¦stat",
        "events.storm.at",
        ["stat", "'start' or 'end'", "did you mean start?"],
    ),
    ("within: 0.1", "within: ¦0", "claims.C3.test.within", ["out of range", "above 0"]),
    ("is: above", "is: ¦abov", "claims.C2.test.is", ["did you mean above?"]),
    ("{uniform: [0, 2]}", "{uniform: ¦[0, 1, 2]}", "parameters.audience_cost.prior.uniform", ["number of entries"]),
    ("\n  un: {}", "\n  un: {payoffs: ¦[]}", "players.un.payoffs", ["wrong kind", "block of named fields"]),
    ("name: siege\n", "¦title_: x\nname: siege\n", "title_", ["unknown field", "title"]),
    # clock and calendar
    ("step: 2 weeks,", "step: ¦fortnightly,", "clock.step", ["fortnightly", "2 weeks"]),
    ("step: 2 weeks,", "step: ¦0 days,", "clock.step", ["no length"]),
    ("start: 2020-01-01, step: 2 weeks,", "step: 2 weeks,", "clock", ["not complete", "step, end without start"]),
    ("discount: 0.99}", "discount: 0.99, periods: 3}", "clock", ["both forms", "periods, start, step, end"]),
    ("clock: {start: 2020-01-01, step: 2 weeks, end: 2020-03-01, discount: 0.99}", "clock: ¦{discount: 1}", "clock", ["none of them"]),
    ("end: 2020-03-01", "end: ¦2019-03-01", "clock.end", ["not after the start", "a date after 2020-01-01"]),
    ("step: 2 weeks, end: 2020-03-01", "step: 1 day, end: 2320-03-01", "clock", ["too many periods", "longer step"]),
    ("discount: 0.99", "discount: ¦1.5", "clock.discount", ["out of range", "above 0, at most 1"]),
    ("discount: 0.99", "discount: 1 - ¦rockets", "clock.discount", ["parameters only", "rockets"]),
    # parameters
    ("precision: {value: 1,", "precision: ¦{value: 1, prior: {fixed: 1},", "parameters.precision", ["value or a prior", "both"]),
    ("precision: {value: 1,", "precision: ¦{", "parameters.precision", ["value or a prior", "neither"]),
    ("value: 1,", "value: ¦.inf,", "parameters.precision.value", ["not finite"]),
    ("{uniform: [0, 2]}", "¦{uniform: [0, 2], fixed: 1}", "parameters.audience_cost.prior", ["exactly one kind", "fixed, uniform"]),
    ("{uniform: [0, 2]}", "¦{}", "parameters.audience_cost.prior", ["exactly one kind", "none", "lognormal"]),
    ("{uniform: [0, 2]}", "{uniform: ¦[2, 0]}", "parameters.audience_cost.prior.uniform", ["not in order", "[2.0, 0.0]"]),
    ("{uniform: [0, 2]}", "{triangular: ¦[0, 3, 2]}", "parameters.audience_cost.prior.triangular", ["not in order", "low, mode, high"]),
    ("{uniform: [0, 2]}", "{normal: ¦[0, -1]}", "parameters.audience_cost.prior.normal", ["standard deviation", "-1"]),
    ("{uniform: [0, 2]}", "{lognormal: ¦[-1, 1]}", "parameters.audience_cost.prior.lognormal", ["median"]),
    ("{uniform: [0, 2]}", "{normal: [0, 1], low: ¦3, high: 2}", "parameters.audience_cost.prior.low", ["not below high"]),
    ("{uniform: [0, 2]}", "{normal: [0, 1], low: ¦90}", "parameters.audience_cost.prior.low", ["nothing is left"]),
    ("{uniform: [0, 2]}", "{uniform: [0, 2], low: ¦1}", "parameters.audience_cost.prior.low", ["does not go with uniform"]),
    ("{uniform: [0, 2]}", "{beta: ¦[0, 2]}", "parameters.audience_cost.prior.beta", ["above 0"]),
    ("{uniform: [0, 2]}", "{choice: [1, 2], weights: ¦[1]}", "parameters.audience_cost.prior.weights", ["one weight for each", "found 1", "2"]),
    ("{uniform: [0, 2]}", "{choice: [1, 2], weights: ¦[1, -1]}", "parameters.audience_cost.prior.weights", ["negative"]),
    ("{uniform: [0, 2]}", "{uniform: [0, 2], weights: ¦[1]}", "parameters.audience_cost.prior.weights", ["do not go with uniform"]),
    # names
    ("  blame: {prior", "  ¦period: {value: 1}\n  blame: {prior", "parameters.period", ["reserved", "another name"]),
    ("  hot: rockets", "  ¦rockets: 1\n  hot: rockets", "derived.rockets", ["also declared under state", "rename"]),
    ("values: [open, closed]", "values: [open, closed, ¦blame]", "state.presence.values.2", ["label is also a name", "parameters"]),
    ("values: [open, closed]", "values: [open, closed, ¦rest]", "state.presence.values.2", ["reserved"]),
    ("values: [open, closed]", "values: [open, closed, ¦half open]", "state.presence.values.2", ["no label", "half open", "half_open"]),
    ("values: [open, closed]", "values: [open, closed, ¦open]", "state.presence.values.2", ["twice"]),
    ("values: [open, closed]", "values: ¦[open, closed, 3]", "state.presence.values", ["several kinds", "open, closed, 3"]),
    ("{bluffing: 0.5, resolved: rest}", "{bluffing: 0.5, resolved: 0.5, blame: ¦rest}", "players.usa.types.blame", ["type is also a name"]),
    ("range: [0, 3]", "range: ¦[3, 0]", "state.rockets.range", ["reversed", "[0, 3]"]),
    ("rockets: {range: [0, 3]", "rockets: ¦{range: [0, 64]", "state.rockets", ["too many values", "65", "64"]),
    ("rockets: {range: [0, 3]", "rockets: ¦{range: [0, 999999999999]", "state.rockets", ["too many values", "1000000000000"]),
    ("rockets: {range: [0, 3],", "rockets: ¦{", "state.rockets", ["values or a range", "neither"]),
    ("rockets: {range: [0, 3]", "rockets: ¦{range: [0, 3], values: [1]", "state.rockets", ["values or a range", "both"]),
    ("start: 0}", "start: ¦7}", "state.rockets.start", ["not one of the values", "7", "0, 1, 2, 3"]),
    ("start: 0}", "start: ¦blame}", "state.rockets.start", ["plain value", "blame"]),
    ("start: open}", "start: ¦opne}", "state.presence.start", ["unknown name or label", "did you mean open?"]),
    ("  hot: rockets", "  hot: ¦calm and rockets", "derived.hot", ["circle", "hot > calm > hot"]),
    ("hot: rockets >=", "hot: ¦rocket >=", "derived.hot", ["unknown name", "did you mean rockets?"]),
    # expressions
    ("-audience_cost", "-¦audiance_cost", "players.usa.payoffs.exit.on.usa.close", ["audiance_cost", "did you mean audience_cost?"]),
    ('"1 if calm else 0"', '"1 if ¦clam else 0"', "players.usa.payoffs.exit.each_period", ["did you mean calm?"]),
    ("warned == yes or", "warned == ¦yess or", "ends.left.when", ["did you mean yes?"]),
    ("when: presence == open}", "when: ¦type == bluffing}", "turns.0.options.close.when", ["may not depend on a type"]),
    ("when: presence == open}", "when: ¦type(iran) == hard}", "turns.0.options.close.when", ["may not depend on a type"]),
    ("when: presence == open}", "when: presence == ¦'open'}", "turns.0.options.close.when", ["bare"]),
    ("when: presence == open}", "when: not ¦time_is_up}", "turns.0.options.close.when", ["ends only"]),
    ("when: before(election)", "when: before(¦elections)", "events.storm.when", ["did you mean election?"]),
    ("when: before(election)", "when: ¦before()", "events.storm.when", ["a name of the calendar"]),
    ("propensity: 2", "propensity: ¦0", "turns.0.options.wait.propensity", ["above 0"]),
    ("\n  un: {}", "\n  un: {precision: ¦-1}", "players.un.precision", ["at least 0"]),
    ("\n  un: {}", "\n  un: {precision: 1 + ¦rockets}", "players.un.precision", ["parameters only"]),
    ("\n  un: {}", "\n  un: {payoffs: {p: {each_period: ¦type(usa) == bluffing}}}", "players.un.payoffs.p.each_period", ["no type but that of un"]),
    ("\n  un: {}", "\n  un: {payoffs: {p: {each_period: 1 if ¦type == x else 2}}}", "players.un.payoffs.p.each_period", ["un has no types"]),
    # players
    ("{bluffing: 0.5, resolved: rest}", "¦{bluffing: 0.5, resolved: 0.6}", "players.usa.types", ["more than 1", "1.1"]),
    ("{bluffing: 0.5, resolved: rest}", "¦{bluffing: 0.5, resolved: 0.4}", "players.usa.types", ["less than 1", "0.9", "rest"]),
    ("{bluffing: 0.5, resolved: rest}", "{bluffing: ¦1.5, resolved: rest}", "players.usa.types.bluffing", ["out of range"]),
    ("{bluffing: 0.5, resolved: rest}", "{bluffing: rest, resolved: ¦rest}", "players.usa.types.resolved", ["only one"]),
    ("{bluffing: 0.5, resolved: rest}", "{bluffing: ¦rockets / 3, resolved: rest}", "players.usa.types.bluffing", ["parameters only"]),
    ("{iran.rocket: aud", "{¦iran.rockets: aud", "players.iran.payoffs.gain.on.iran.rockets", ["unknown move", "did you mean iran.rocket?"]),
    ("{iran.rocket: aud", "{¦storm: aud", "players.iran.payoffs.gain.on.storm", ["an event alone is no move", "storm/rain, storm/dry"]),
    ("ends: {left: 1", "ends: {¦lefft: 1", "players.usa.payoffs.exit.ends.lefft", ["unknown end", "did you mean left?"]),
    # turns
    ("- player: usa", "- player: ¦us", "turns.0.player", ["unknown player", "did you mean usa?"]),
    ("turns:\n  - player: usa", "turns:\n  - {player: usa, options: {hold: {}}}\n  - ¦player: usa", "turns.1", ["another turn", "name of its own"]),
    ("      refrain:", "      quiet:", "turns.1.signals.quiet", ["another option or signal", "name of its own"]),
    ("silent: wait", "silent: ¦wiat", "turns.0.silent", ["open option or signal", "did you mean wait?"]),
    ("silent: quiet", "silent: ¦rocket", "turns.1.silent", ["open option or signal"]),
    ("  - player: usa\n    silent: wait\n", "  - ¦player: usa\n", "turns.0", ["mapped to close", "silent record", "add `silent: wait`"]),
    ("set: {presence: closed}", "set: {presence: ¦clsoed}", "turns.0.options.close.set.presence", ["did you mean closed?", "open, closed"]),
    ("set: {presence: closed}", "set: {¦presnce: closed}", "turns.0.options.close.set.presnce", ["unknown state variable", "presence?"]),
    ("set: {presence: closed}", "set: {¦blame: 1}", "turns.0.options.close.set.blame", ["unknown state variable"]),
    ('"min(rockets + 1, 3)"', "¦4", "turns.1.signals.blamed.set.rockets", ["not a value of rockets", "4", "0, 1, 2, 3"]),
    ("set: {war: true}", "set: {war: ¦1}", "events.storm.outcomes.rain.set.war", ["wrong kind", "true or false"]),
    ("later: {on: holiday,", "later: ¦{", "turns.0.options.wait.later", ["needs a time", "neither"]),
    ("later: {on: holiday,", "later: ¦{on: holiday, after: 1,", "turns.0.options.wait.later", ["needs a time", "both"]),
    ("later: {on: holiday,", "later: {on: ¦holliday,", "turns.0.options.wait.later.on", ["did you mean holiday?"]),
    ("holiday: {date: 2020-02-20", "holiday: {date: 2019-02-20", "turns.0.options.wait.later.on", ["outside the clock"]),
    # covert options and chance
    ("covert: {blamed: blame,", "covert: {¦blaimed: blame,", "turns.1.options.rocket.covert.blaimed", ["unknown signal", "did you mean blamed?"]),
    ("quiet: rest}}", "quiet: rest}, set: ¦{war: true}}", "turns.1.options.rocket.set", ["covert option has no set", "under the signals"]),
    ("quiet: rest}}", "quiet: rest}, later: ¦{after: 1, set: {war: true}}}", "turns.1.options.rocket.later", ["covert option has no later"]),
    ("quiet: rest}}", "quiet: rest}, outcomes: ¦{a: {chance: 1}}}", "turns.1.options.rocket.outcomes", ["covert option has no outcomes"]),
    ("refrain: {covert: {quiet: 1}}", "refrain: {covert: ¦{}}", "turns.1.options.refrain.covert", ["shows no signal"]),
    ("refrain: {covert: {quiet: 1}}", "refrain: {covert: ¦{quiet: 0.9}}", "turns.1.options.refrain.covert", ["less than 1"]),
    (
        "{blamed: blame,",
        "{blamed: 1 if ¦type(usa) == bluffing else 0,",
        "turns.1.options.rocket.covert.blamed",
        ["tie the beliefs", "two chance steps"],
    ),
    ("    silent: wait\n", "    silent: wait\n    signals: ¦{seen: {}}\n", "turns.0.signals", ["no covert option"]),
    ("wait: {later", "wait: {}\n      hide: {covert: ¦{seen: 1}}\n      w2: {later", "turns.0.options.hide.covert", ["but no signals"]),
    ("chance: 0.1", "chance: ¦1.1", "events.storm.outcomes.rain.chance", ["out of range"]),
    ("chance: 0.1", "chance: ¦-0.1", "events.storm.outcomes.rain.chance", ["out of range"]),
    ("chance: 0.1", "chance: rest", "events.storm.outcomes.dry.chance", ["only one of them"]),
    ("chance: rest", "chance: 0.8", "events.storm.outcomes", ["less than 1", "0.9", "`rest`"]),
    ("chance: rest", "chance: 0.95", "events.storm.outcomes", ["more than 1", "1.05"]),
    ("chance: 0.1", "chance: 0.1 if ¦type == hard else 0", "events.storm.outcomes.rain.chance", ["whose type", "type(player)"]),
    (
        "outcomes:\n      rain: {chance: 0.1",
        "outcomes:\n      ¦rain: {chance: 0.1 if type(usa) == bluffing and type(iran) == hard else 0",
        "events.storm.outcomes",
        ["the beliefs about iran and usa together", "split it into two"],
    ),
    ("dry: {chance: rest}", "dry: {chance: rest, set: {war: false}}", "events.storm", ["silent record", "rain, dry"]),
    (
        "    when: before(election)",
        "    when: before(election)\n    silent: ¦rainy",
        "events.storm.silent",
        ["unknown outcome", "did you mean rain?"],
    ),
    ("refrain: {covert: {quiet: 1}}", "refrain: {covert: {quiet: 1}, silent: ¦quiet}", "turns.1.options.refrain.silent", ["no silent of its own"]),
    ("propensity: 2", "silent: ¦x", "turns.0.options.wait.silent", ["no outcomes here"]),
    # ends and record
    ("ends:\n", "ends:\n  ¦time_up: {when: true}\n", "ends.time_up", ["built in"]),
    ("usa.close: [{act", "¦usa.clsoe: [{act", "record.map.usa.clsoe", ["unknown move", "did you mean usa.close?"]),
    ("[{actor: USA}]", "[{¦actr: USA}]", "record.map.usa.close.0.actr", ["unknown field", "did you mean actor?"]),
    ("[{actor: USA}]", "[¦{}]", "record.map.usa.close.0", ["every event"]),
    ("[{actor: USA}]", "[]", "record.map.usa.close", ["no rule"]),
    ("off: {audience_cost: 0}", "off: {¦audience_costs: 0}", "mechanisms.threat.off.audience_costs", ["did you mean audience_cost?"]),
    ("off: {audience_cost: 0}", "off: ¦{}", "mechanisms.threat.off", ["nothing switches"]),
    ("record:\n", "record:\n  file: ¦events.csv\n", "record.file", ["there is no such file", "events.csv"]),
    ("record:\n", "record:\n  file: ¦.\n", "record.file", ["this is a directory, not a file"]),
    ("off: {audience_cost: 0}", "off: {audience_cost: ¦.nan}", "mechanisms.threat.off.audience_cost", ["not finite"]),
    # claims
    ("phrase: likely}", "phrase: ¦likly}", "claims.C1.test.phrase", ["ICD-203", "likely", "almost certain"]),
    ("phrase: likely}", "range: ¦[0.9, 0.1]}", "claims.C1.test.range", ["reversed"]),
    ("test: {of: {chance_of_end: left, until: election}, phrase: likely}", "test: ¦{of: {chance_of_end: left}}", "claims.C1.test", ["no phrase"]),
    ("      is: above\n", "", "claims.C2.test", ["not complete", "no is"]),
    ("test: {nil:", "test: ¦{left: {value: usa}, nil:", "claims.C3.test", ["exactly one form", "left, is, right; nil, within"]),
    ("test: {of: {chance_of_end: left, until: election}, phrase: likely}", "test: ¦{}", "claims.C1.test", ["exactly one form", "none"]),
    ("phrase: likely}", "phrase: likely, by: ¦0.1}", "claims.C1.test.by", ["left and right"]),
    ("{chance_of_end: left,", "¦{chance_of_end: left, value: usa,", "claims.C1.test.of", ["exactly one measure", "chance_of_end, value"]),
    ("{chance_of_end: left, until: election}", "¦{until: election}", "claims.C1.test.of", ["exactly one measure", "none"]),
    ("chance_of_end: left,", "chance_of_end: ¦lefft,", "claims.C1.test.of.chance_of_end", ["unknown end", "left"]),
    ("until: election", "until: ¦electon", "claims.C1.test.of.until", ["calendar", "did you mean election?"]),
    ("until: election", "until: ¦9", "claims.C1.test.of.until", ["outside the clock", "0 to 4"]),
    ("until: election", "until: ¦2021-01-01", "claims.C1.test.of.until", ["outside the clock"]),
    ("until: election", "type: ¦hard", "claims.C1.test.of.type", ["does not go with chance_of_end", "until"]),
    ("until: election", "over: [1, ¦7]", "claims.C1.test.of.over.1", ["outside the clock"]),
    ("until: election", "over: ¦[2, 1]", "claims.C1.test.of.over", ["after the last"]),
    ("until: election", "do: [{force: ¦usa.clos}]", "claims.C1.test.of.do.0.force", ["did you mean usa.close?"]),
    ("until: election", "do: [{force: ¦iran.blamed}]", "claims.C1.test.of.do.0.force", ["no option but a signal"]),
    ("until: election", "do: [¦{force: usa.close, forbid: usa.wait}]", "claims.C1.test.of.do.0", ["forces or forbids one", "force, forbid"]),
    ("until: election", "do: [{force: usa.close, now: ¦true, first: 1}]", "claims.C1.test.of.do.0.now", ["without first"]),
    ("until: election", "do: [¦{force: usa.close, first: 2, last: 1}]", "claims.C1.test.of.do.0", ["first comes after last"]),
    (
        "until: election",
        "do: [{force: usa.wait}, ¦{forbid: usa.wait}]",
        "claims.C1.test.of.do.1",
        ["forced and forbidden", "usa.wait, in periods 0 to 4"],
    ),
    (
        "until: election",
        "at: {at: 2}, do: [{forbid: usa.wait, last: election}, ¦{force: usa.wait, now: true}]",
        "claims.C1.test.of.do.1",
        ["forced and forbidden at the same time", "usa.wait, in period 2"],
    ),
    ("with: {audience_cost: 0}", "with: {audience_cost: ¦.nan}", "claims.C2.test.right.with.audience_cost", ["not finite", "found nan"]),
    ("with: {audience_cost: 0}", "with: {audience_cost: ¦.inf}", "claims.C2.test.right.with.audience_cost", ["not finite", "found inf"]),
    ("phrase: likely}", "range: ¦[.nan, 1]}", "claims.C1.test.range", ["no ends"]),
    ("within: 0.1", "within: ¦.inf", "claims.C3.test.within", ["not finite"]),
    ("{choice: usa.close, type: bluffing,", "{choice: ¦usa.clos, type: bluffing,", "claims.C2.test.left.choice", ["usa.close"]),
    ("{choice: usa.close, type: bluffing,", "{choice: ¦storm/rain,", "claims.C2.test.left.choice", ["no option but an outcome"]),
    ("{choice: usa.close, type: bluffing,", "{choice: usa.close, type: ¦bluff,", "claims.C2.test.left.type", ["type of usa", "bluffing"]),
    ("type: bluffing,", "against: ¦iran.rocket,", "claims.C2.test.left.against", ["not of one turn", "usa.close, usa.wait"]),
    ("state: {rockets: 2}", "state: {rockets: ¦5}", "claims.C2.test.left.at.state.rockets", ["not a value of rockets", "5"]),
    ("state: {rockets: 2}", "state: {presence: ¦opn}", "claims.C2.test.left.at.state.presence", ["did you mean open?"]),
    ("state: {rockets: 2}", "state: {war: ¦1}", "claims.C2.test.left.at.state.war", ["not a value"]),
    ("state: {rockets: 2}", "state: {¦rocket: 2}", "claims.C2.test.left.at.state.rocket", ["did you mean rockets?"]),
    ("state: {rockets: 2}", "turn: ¦iraq", "claims.C2.test.left.at.turn", ["unknown turn", "usa, iran"]),
    ("state: {rockets: 2}", "turn: ¦iran", "claims.C2.test.left.at.turn", ["another turn"]),
    ("state: {rockets: 2}", "at: ¦easter", "claims.C2.test.left.at.at", ["calendar"]),
    ("iran: {hard: 0.7}", "iran: {hard: ¦1.7}", "claims.C2.test.left.at.beliefs.iran.hard", ["probability", "1.7"]),
    ("iran: {hard: 0.7}", "iran: ¦{hard: 0.7, soft: 0.7}", "claims.C2.test.left.at.beliefs.iran", ["more than 1", "1.4"]),
    ("iran: {hard: 0.7}", "iran: ¦{hard: 0.1, soft: 0.7}", "claims.C2.test.left.at.beliefs.iran", ["less than 1"]),
    ("iran: {hard: 0.7}", "iran: {¦hardd: 0.7}", "claims.C2.test.left.at.beliefs.iran.hardd", ["type of iran", "did you mean hard?"]),
    ("iran: {hard: 0.7}", "¦irann: {hard: 0.7}", "claims.C2.test.left.at.beliefs.irann", ["unknown player", "iran"]),
    ("iran: {hard: 0.7}", "un: ¦{hard: 0.7}", "claims.C2.test.left.at.beliefs.un", ["un has no types", "usa, iran"]),
    ("with: {audience_cost: 0}", "with: {¦cost: 0}", "claims.C2.test.right.with.cost", ["unknown parameter", "audience_cost"]),
    ("chance_of_state: hot", "chance_of_state: ¦hott", "claims.C3.test.nil.difference.0.chance_of_state", ["did you mean hot?"]),
    ("chance_of_state: hot", "chance_of_state: ¦rockets", "claims.C3.test.nil.difference.0.chance_of_state", ["true or false"]),
    ("storm/rain]", "¦storm/rian]", "claims.C3.test.nil.difference.1.chance_of_move.1", ["did you mean storm/rain?"]),
    ("{chance_of_state: hot}", "{value: ¦usaa}", "claims.C3.test.nil.difference.0.value", ["unknown player", "usa"]),
    ("{chance_of_state: hot}", "{value: usa, components: [¦exitt]}", "claims.C3.test.nil.difference.0.components.0", ["component of usa", "exit"]),
    ("{chance_of_state: hot}", "{bits: {about: ¦un}}", "claims.C3.test.nil.difference.0.bits.about", ["un has no types"]),
    ("{chance_of_state: hot}", "{bits: {about: usa, move: ¦usa.x}}", "claims.C3.test.nil.difference.0.bits.move", ["unknown move"]),
    (
        "{chance_of_state: hot}",
        "{motive: {option: usa.close, against: usa.wait, components: [¦gain]}}",
        "claims.C3.test.nil.difference.0.motive.components.0",
        ["component of usa", "gain"],
    ),
    ("storm/rain]}]}", "storm/rain]}], at: ¦{at: 1}}", "claims.C3.test.nil.at", ["does not go with difference", "two quantities"]),
    ("test: {nil:", "test: {any: ¦[]}\n  C4:\n    text: x\n    test: {nil:", "claims.C3.test.any", ["list of tests is empty"]),
]


# The same of `endless.yaml`: choices made at once, no last period, priors of one's own, payoffs that depend on the type of another.
SIGHTS = "signals: {seen: {}, unseen: {}}, options: {left: {¦covert: {seen: 0.5, unseen: rest}}, "
OUTCOMES = "{¦outcomes: {hit: {chance: 0.5}, miss: {chance: rest}}}"
STATE = "count with a state variable"
ENDLESS_CASES = [
    # at once
    ("- {player: row,", "- {player: row, at_once: ¦true,", "turns.0.at_once", ["no turn before this one", "the later turn"]),
    ("{player: column, at_once: true,", "{player: column, at_once: ¦perhaps,", "turns.1.at_once", ["wrong kind", "perhaps", "true or false"]),
    ("{player: column, at_once", "{player: ¦row, name: again, at_once", "turns.1.player", ["two turns at once", "join their options"]),
    ("{player: seller, options", "{player: ¦row, name: third, at_once: true, options", "turns.2.player", ["two turns at once", "found row"]),
    ("left: {}", f"left: {OUTCOMES}", "turns.1.options.left.outcomes", ["cannot have chance outcomes", "let an event after the turns decide"]),
    ("up: {set: {row_at: up}}", f"up: {OUTCOMES}", "turns.0.options.up.outcomes", ["cannot have chance outcomes"]),
    ("options: {left: {}, ", SIGHTS, "turns.1.options.left.covert", ["cannot be covert", "make the option open"]),
    # without end
    ("open_ended: true, ", "open_ended: true, periods: ¦3, ", "clock.periods", ["has no periods", "found 3", "leave periods or open_ended out"]),
    ("open_ended: true, ", "open_ended: true, start: ¦2020-01-01, ", "clock.start", ["has no start", "leave start or open_ended out"]),
    ("open_ended: true, ", "open_ended: true, step: ¦2 weeks, ", "clock.step", ["has no step"]),
    ("open_ended: true, ", "open_ended: true, end: ¦2020-01-01, ", "clock.end", ["has no end"]),
    ("open_ended: true, discount: 0.9", "open_ended: ¦often, discount: 0.9", "clock.open_ended", ["wrong kind", "often", "true or false"]),
    ("discount: 0.9", "discount: ¦1", "clock.discount", ["add up to infinity", "found 1", "above 0 and below 1"]),
    (", discount: 0.9", "", "clock.discount", ["add up to infinity", "below 1"]),
    ("discount: 0.9", "discount: 0.9, discounting: ¦present", "clock.discounting", ["all periods look alike", "leave it out"]),
    ("open_ended: true, discount: 0.9", "discount: 0.9", "clock", ["periods; start, step and end; or open_ended"]),
    ("state:\n", "calendar: {¦election: 3}\nstate:\n", "calendar.election", ["no dates", STATE]),
    ("state:\n", "¦record: {map: {seller.offer: [{action: offer}]}}\nstate:\n", "record", ["cannot have a record", "number of periods"]),
    ("state:\n", "¦claims: {c: {text: x, test: {of: {chance_of_end: deal}, phrase: likely}}}\nstate:\n", "claims", ["cannot have claims"]),
    ("state:\n", "¦quantities: {q: {chance_of_end: deal}}\nstate:\n", "quantities", ["cannot have quantities", "number of periods"]),
    ("state:\n", "¦beliefs: {from: baghdad-siege}\nstate:\n", "beliefs", ["a scenario that goes before", "number of periods"]),
    ("when: offered", "when: offered and ¦period < 3", "turns.3.when", ["every period looks alike", STATE, "found period"]),
    ("when: offered", "when: offered and ¦before(election)", "turns.3.when", ["every period looks alike", STATE, "found before"]),
    ("when: offered", "when: offered and ¦periods_until(election) < 3", "turns.3.when", [STATE, "found periods_until"]),
    ("{on: {row.up: -1}}", "{each_period: -1 / ¦periods}", "players.column.payoffs.match.each_period", [STATE, "found periods"]),
    ("when: sold", "when: sold or ¦time_is_up", "ends.deal.when", ["every period looks alike", "found time_is_up"]),
    ("{ends: {deal: 1}}", "{ends: {deal: 1, ¦time_up: 0}}", "players.seller.payoffs.price.ends.time_up", ["unknown end", "allowed: deal"]),
    ("keep: {}", "keep: {later: {on: ¦easter, set: {sold: true}}}", "turns.2.options.keep.later.on", ["name of the calendar", "easter"]),
    # priors of one's own
    ("row:\n    believes: {seller:", "row:\n    believes: {¦row:", "players.row.believes.row", ["knows its own type", "in their blocks"]),
    ("row:\n    believes: {seller:", "row:\n    believes: {¦seler:", "players.row.believes.seler", ["unknown player", "did you mean seller?"]),
    ("row:\n    believes: {seller:", "row:\n    believes: {¦column:", "players.row.believes.column", ["column has no types"]),
    ("{good: 0.3, bad: rest}", "{¦god: 0.3, bad: rest}", "players.row.believes.seller.god", ["unknown type of seller", "did you mean good?"]),
    ("{good: 0.3, bad: rest}", "¦{good: 1}", "players.row.believes.seller", ["leaves out types", "found good", "allowed: good, bad"]),
    ("{good: 0.3, bad: rest}", "¦{}", "players.row.believes.seller", ["leaves out types", "found none"]),
    ("{good: 0.3, bad: rest}", "¦{good: 0.3, bad: 0.6}", "players.row.believes.seller", ["sum to less than 1", "found 0.9"]),
    ("{good: 0.3, bad: rest}", "¦{good: 0.3, bad: 0.8}", "players.row.believes.seller", ["sum to more than 1", "found 1.1"]),
    ("{good: 0.3, bad: rest}", "{good: ¦1.3, bad: rest}", "players.row.believes.seller.good", ["out of range", "at most 1"]),
    ("{good: 0.3, bad: rest}", "{good: rest, bad: ¦rest}", "players.row.believes.seller.bad", ["only one"]),
    ("{good: 0.3, bad: rest}", "{good: ¦sold, bad: rest}", "players.row.believes.seller.good", ["parameters only"]),
    ("types: {good: doubt, bad: rest}", "types: {good: 1, bad: 0}", "players.row.believes.seller.bad", ["excludes this type", "0.7 here"]),
    # payoffs by the type of another
    ("{deal: 3 if type(seller)", "{deal: 3 if ¦type(seler)", "players.buyer.payoffs.worth.ends.deal", ["unknown player", "did you mean seller?"]),
    ("{deal: 3 if type(seller)", "{deal: 3 if ¦type(row)", "players.buyer.payoffs.worth.ends.deal", ["row has no types"]),
    (
        "{on: {row.up: -1}}",
        "{on: {row.up: 1 if ¦type(seller) == good else 0}}",
        "players.column.payoffs.match.on.row.up",
        ["no type but that of column"],
    ),
]


@pytest.mark.parametrize(
    ("sound", "old", "new", "field", "words"),
    [
        pytest.param(sound, *case, id=f"{case[2]}-{number}")
        for sound, cases in ((SOUND, CASES), (ENDLESS, ENDLESS_CASES))
        for number, case in enumerate(cases)
    ],
)
def test_a_fault_is_reported_at_its_place_with_what_is_allowed(tmp_path, sound, old, new, field, words):
    assert sound.count(old) >= 1
    text = sound.replace(old, new, 1)
    line = column = None
    if MARK in text:
        text, line, column = place_of_mark(text)
    fault = next((fault for fault in faults_of(tmp_path, text) if fault.field == field), None)
    assert fault is not None, [str(fault) for fault in faults_of(tmp_path, text)]
    assert fault.file == str(tmp_path / "scenario.yaml")
    for word in words:
        assert word in str(fault)
    if line is not None:
        assert (fault.line, fault.column) == (line, column), str(fault)


def warnings_of(folder, text):
    file = folder / "scenario.yaml"
    text, line, column = place_of_mark(text)
    file.write_text(text, encoding="utf-8")
    faults = check(load(file))
    assert [(fault.severity, fault.line, fault.column) for fault in faults] == [("warning", line, column)], faults
    return str(faults[0])


def test_a_move_may_be_forced_at_one_time_and_forbidden_at_another(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(SOUND.replace("until: election", "do: [{force: usa.wait, last: 1}, {forbid: usa.wait, first: 2}]"), encoding="utf-8")
    assert check(load(file)) == []


@pytest.mark.parametrize(("given", "contradicts"), [("[0.1, 0.3]", True), ("[0.5, 0.8]", True), ("[0.55, 0.8]", False), ("[0.6, 0.7]", False)])
def test_a_range_that_contradicts_the_phrase_beside_it_brings_a_warning(tmp_path, given, contradicts):
    """Likely is 0.55 to 0.80; a narrower range only says more."""
    text = SOUND.replace("phrase: likely}", f"phrase: likely, range: ¦{given}}}")
    if contradicts:
        assert "contradicts `likely`, which is 0.55 to 0.8" in warnings_of(tmp_path, text)
    else:
        file = tmp_path / "scenario.yaml"
        file.write_text(text.replace(MARK, ""), encoding="utf-8")
        assert check(load(file)) == []


@pytest.mark.parametrize(
    ("prior", "words"),
    [
        ("{normal: [0.5, 0.5]}", ["this probability leaves 0 to 1", "where blame = -0.66"]),
        ("{uniform: [0, 3]}", ["found 2.97, where blame = 2.97"]),
    ],
)
def test_a_type_prior_that_is_no_probability_in_some_worlds_brings_a_warning(tmp_path, prior, words):
    # `blame` is a chance elsewhere, which is clipped here so that the prior alone is in question.
    text = SOUND.replace("{beta: [2, 3], low: 0.1, high: 0.9}", prior).replace("hard: blame", "hard: ¦blame").replace("blamed: blame", "blamed: 0.5")
    found = warnings_of(tmp_path, text)
    assert [word for word in words if word not in found] == []


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ("{good: ¦doubt + 0.5, bad: rest}", ["this probability leaves 0 to 1", "found 1.392, where doubt = 0.892"]),
        ("{good: ¦'max(doubt - 0.5, 0)', bad: rest}", ["players.seller.types allows this type", "found 0 here and 0.108 there, where doubt = 0.108"]),
    ],
)
def test_an_own_prior_that_cannot_be_held_in_some_worlds_brings_a_warning(tmp_path, own, words):
    found = warnings_of(tmp_path, ENDLESS.replace("{good: 0.3, bad: rest}", own))
    assert [word for word in words if word not in found] == []


def test_type_priors_that_together_exceed_1_in_some_worlds_bring_a_warning(tmp_path):
    text = SOUND.replace("{hard: blame, soft: rest}", "¦{hard: blame, harder: blame, soft: rest}")
    assert "sum to more than 1 in some worlds" in warnings_of(tmp_path, text)


def test_the_faults_of_a_record_are_told_with_their_lines(tmp_path):
    events = tmp_path / "events.csv"
    events.write_text("id,date,actor\nE1,2020-01-02,USA\nE2,soon,USA\n", encoding="utf-8")
    faults = faults_of(tmp_path, SOUND.replace("record:\n", "record:\n  file: events.csv\n"))
    assert [(fault.file, fault.line, fault.field) for fault in faults] == [(str(events), 3, "date")]
    events.write_bytes(b"\xff\xfe")
    (fault,) = faults_of(tmp_path, SOUND.replace("record:\n", "record:\n  file: events.csv\n"))
    assert (fault.file, fault.line, fault.found) == (str(events), 1, "byte 0xff")
    assert "not UTF-8" in str(fault)


def test_a_directory_is_not_called_absent(tmp_path):
    with pytest.raises(ScenarioError, match="this is a directory, not a file"):
        load(tmp_path)
