"""The canonical form, warnings, priors, the builder and the schema."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import math
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import standoff.expressions
import standoff.scenario
from standoff.errors import ExpressionError, Fault, ScenarioError
from standoff.scenario import Builder, Distribution, check, load, resolve, state_scope
from standoff.scenario.models import Parameter, Prior
from standoff.scenario.phrases import PHRASES, phrase_range
from standoff.scenario.priors import parameter_problems, prior_problems
from standoff.scenario.schema import json_schema, schema_text

FOLDER = Path(__file__).parent
SOUND_FILE = FOLDER / "scenario_faults" / "sound.yaml"
SOUND = SOUND_FILE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def sound():
    return resolve(load(SOUND_FILE))


def loaded(folder, text):
    file = folder / "scenario.yaml"
    file.write_text(text, encoding="utf-8")
    return load(file)


# --- the canonical form ---------------------------------------------------------------------------------------------------------


def test_the_last_period_contains_the_day_before_the_end(sound):
    calendar = sound.calendar
    days = [dt.date(2020, 1, 1), dt.date(2020, 1, 15), dt.date(2020, 1, 29), dt.date(2020, 2, 12), dt.date(2020, 2, 26), dt.date(2020, 3, 1)]
    assert list(calendar.starts) == days
    assert calendar.n_periods == 5
    assert calendar.period("election") == 2
    assert calendar.discount.constant == 0.99
    assert not calendar.present


@pytest.mark.parametrize(
    ("step", "end", "starts"),
    [
        ("1 month", "2020-04-30", ["2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"]),
        ("10 days", "2020-02-20", ["2020-01-31", "2020-02-10", "2020-02-20"]),
        ("1 week", "2020-02-01", ["2020-01-31", "2020-02-01"]),
        ("36 months", "2024-02-01", ["2020-01-31", "2023-01-31", "2024-02-01"]),
    ],
)
def test_steps_are_days_weeks_or_months(tmp_path, step, end, starts):
    clock = f"clock: {{start: 2020-01-31, step: {step}, end: {end}}}"
    text = """
standoff: 1
name: tiny
%s
parameters: {precision: {value: 1}}
players: {one: {}}
turns: [{player: one, options: {go: {}, stay: {}}}]
"""
    calendar = resolve(loaded(tmp_path, text % clock)).calendar
    assert [str(day) for day in calendar.starts] == starts
    assert calendar.n_periods == len(starts) - 1


def test_variables_are_coded_by_position(sound):
    specs = {variable.name: variable for variable in sound.variables}
    assert (specs["presence"].values, specs["presence"].start) == (("open", "closed"), 0)
    assert (specs["rockets"].values, specs["rockets"].start) == ((0, 1, 2, 3), 0)
    assert specs["warned"].values == ("no", "yes")
    assert specs["war"].values == (False, True)
    assert specs["war"].start == 0


def test_derived_quantities_come_after_what_they_use(tmp_path):
    canonical = resolve(loaded(tmp_path, SOUND.replace("derived:\n", "derived:\n  alarm: not calm\n")))
    order = list(canonical.derived)
    assert order.index("hot") < order.index("calm") < order.index("alarm")


def test_defaults_are_filled_in(sound):
    usa, iran, un = sound.players
    assert un.types == ("public",)
    assert [prior.constant for prior in un.priors] == [1]
    assert un.precision.names == {"precision"}
    assert usa.types == ("bluffing", "resolved")
    assert usa.priors[1] is None
    assert iran.priors[0].names == {"blame"}
    assert [end.name for end in sound.ends] == ["left", "time_up"]
    assert sound.ends[-1].when is None
    assert sound.turns[0].options[0].propensity.constant == 1
    assert sound.turns[0].when.constant is True
    assert not sound.events[0].at_start


def test_moves_are_resolved(sound):
    usa, iran = sound.turns
    close, wait = usa.options
    assert close.effect.change.irreversible
    assert [(name, bound.constant) for name, bound in close.effect.change.sets] == [("presence", 1)]
    assert wait.effect.change.later.period == 3
    assert wait.effect.change.later.after is None
    assert usa.silent == "wait"
    rocket, refrain = iran.options
    assert list(rocket.signals) == ["blamed", "quiet"]
    assert rocket.signals["quiet"] is None
    assert refrain.signals["quiet"].constant == 1
    assert iran.signals["blamed"].change.sets[0][1].evaluate({"rockets": np.arange(4)}).tolist() == [1, 2, 3, 3]
    (storm,) = sound.events
    assert [outcome.chance and outcome.chance.constant for outcome in storm.effect.outcomes] == [0.1, None]
    assert storm.effect.silent == "dry"
    assert usa.options[0].effect.subject is None


def test_the_subject_of_chance_is_the_player_on_whose_type_it_depends(tmp_path):
    text = SOUND.replace("chance: 0.1", "chance: 0.1 if type(iran) == hard else 0.2")
    assert resolve(loaded(tmp_path, text)).events[0].effect.subject == "iran"
    text = SOUND.replace(
        "{presence: closed},", "{presence: closed}, outcomes: {a: {chance: 0.5 if type == bluffing else 0}, b: {chance: rest}}, silent: a,"
    )
    assert resolve(loaded(tmp_path, text)).turns[0].options[0].effect.subject == "usa"


def test_every_delayed_effect_has_a_key_of_its_own(tmp_path):
    text = SOUND.replace("set: {war: true}}", "set: {war: true}, later: {after: 1, set: {war: false}}}")
    canonical = resolve(loaded(tmp_path, text))
    later = [canonical.turns[0].options[1].effect.change.later, canonical.events[0].effect.outcomes[0].change.later]
    assert len({one.key for one in later}) == 2
    assert later[1].after == 1
    assert later[1].period is None


def test_the_state_scope_of_a_resolved_scenario_binds_its_conditions(sound):
    bound = standoff.expressions.bind("presence == closed and hot and before(election)", state_scope(sound))
    assert bound.names == {"presence", "hot", "period"}
    with pytest.raises(ExpressionError):
        standoff.expressions.bind("type(usa) == bluffing", state_scope(sound))


def test_resolving_a_faulty_scenario_raises(tmp_path):
    scenario = loaded(tmp_path, SOUND)
    broken = scenario.model_copy(update={"derived": {"hot": "rocket > 1", "calm": "not hot"}})
    assert [fault.suggestion for fault in check(broken)] == ["rockets"]
    with pytest.raises(ScenarioError):
        resolve(broken)


def test_scenarios_and_canonical_forms_survive_pickling(sound):
    assert pickle.loads(pickle.dumps(sound)) == sound  # noqa: S301 - our own bytes
    scenario = load(SOUND_FILE)
    again = pickle.loads(pickle.dumps(scenario))  # noqa: S301 - our own bytes
    assert again == scenario
    assert again.path == SOUND_FILE


# --- warnings -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "field", "words"),
    [
        ("  blame: {prior", "  idle: {value: 1}\n  blame: {prior", "parameters.idle", "never used"),
        ("off: {audience_cost: 0}", "off: {idle: 0}", "parameters.idle", "never used"),
        ("  war: {values", "  peace: {values: [false, true], start: false}\n  war: {values", "state.peace", "never read"),
        ("derived:\n", "derived:\n  spare: hot\n", "derived.spare", "never used"),
        ("later: {on: holiday, set: {warned: yes}}", "irreversible: true", "turns.0.options.wait.irreversible", "nothing is set"),
        ("iran.blamed: [", "iran.rocket: [", "record.map.iran.rocket", "not seen"),
        ("holiday: {date: 2020-02-20", "holiday: {date: 2021-02-20", "turns.0.options.wait.later.on", "never happens"),
    ],
)
def test_what_makes_no_difference_is_warned_of(tmp_path, old, new, field, words):
    text = SOUND.replace('"yes"', "yes").replace(old, new)
    if "{idle: 0}" in new:
        text = text.replace("  blame: {prior", "  idle: {value: 1}\n  blame: {prior")
    warnings = [fault for fault in check(loaded(tmp_path, text)) if fault.field == field]
    assert len(warnings) == 1
    assert warnings[0].severity == "warning"
    assert warnings[0].line is not None
    assert words in str(warnings[0])


def test_a_variable_that_only_its_own_assignments_read_is_not_read(tmp_path):
    text = SOUND.replace("rockets >= 2 and ", "").replace("state: {rockets: 2}, ", "")
    assert [fault.field for fault in check(loaded(tmp_path, text))] == ["state.rockets"]


# --- faults ---------------------------------------------------------------------------------------------------------------------


def test_a_fault_reads_as_one_line():
    fault = Fault(file="a.yaml", line=3, column=7, field="state.x", problem="unknown name", found="opne", allowed="open", suggestion="open")
    assert str(fault) == "a.yaml:3:7: state.x: unknown name; found opne; allowed: open; did you mean open?"
    assert str(Fault(problem="odd", field="x", suggestion="write it so", severity="warning")) == "warning: x: odd; write it so"
    assert str(ScenarioError([fault])).startswith("1 fault\n1. a.yaml")
    assert ScenarioError([fault]).faults == (fault,)
    assert pickle.loads(pickle.dumps(ScenarioError([fault]))).faults == (fault,)  # noqa: S301 - our own bytes


# --- priors ---------------------------------------------------------------------------------------------------------------------

SHARES = np.linspace(0.001, 0.999, 25)


@pytest.mark.parametrize(
    ("prior", "frozen"),
    [
        ({"uniform": (1, 3)}, lambda s: s.uniform(1, 2)),
        ({"triangular": (1, 2, 5)}, lambda s: s.triang(0.25, 1, 4)),
        ({"triangular": (1, 1, 5)}, lambda s: s.triang(0, 1, 4)),
        ({"normal": (1, 2)}, lambda s: s.norm(1, 2)),
        ({"normal": (1, 2), "low": 0, "high": 4}, lambda s: s.truncnorm(-0.5, 1.5, 1, 2)),
        ({"normal": (0, 1), "low": 6}, lambda s: s.truncnorm(6, np.inf)),
        ({"lognormal": (2, 0.5)}, lambda s: s.lognorm(0.5, scale=2)),
        ({"beta": (2, 3)}, lambda s: s.beta(2, 3)),
        ({"beta": (2, 3), "low": -1, "high": 3}, lambda s: s.beta(2, 3, -1, 4)),
    ],
    # The text of a function holds its address, which differs from process to process.
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
@pytest.mark.solver
def test_quantiles_agree_with_scipy(prior, frozen):
    from scipy import stats

    made = Distribution.of(Prior(**prior))
    expected = frozen(stats)
    np.testing.assert_allclose([made.ppf(share) for share in SHARES], expected.ppf(SHARES), rtol=1e-7, atol=1e-9)
    assert made.median == pytest.approx(expected.median())
    np.testing.assert_allclose(made.support, expected.support())
    assert not made.is_fixed


@pytest.mark.parametrize(
    ("prior", "support", "median", "fixed", "text"),
    [
        ({"fixed": 2}, (2, 2), 2, True, "fixed(2)"),
        ({"uniform": (0, 2)}, (0, 2), 1, False, "uniform(0, 2)"),
        ({"uniform": (2, 2)}, (2, 2), 2, True, "uniform(2, 2)"),
        ({"triangular": (2, 2, 2)}, (2, 2), 2, True, "triangular(2, 2, 2)"),
        ({"choice": [3, 1, 2]}, (1, 3), 2, False, "choice(1, 2, 3)"),
        ({"choice": [3, 1], "weights": [3, 1]}, (1, 3), 3, False, "choice(1, 3; weights 0.25, 0.75)"),
        ({"choice": [3, 1], "weights": [1, 0]}, (3, 3), 3, True, "choice(3)"),
        ({"normal": (0, 1), "low": -1}, (-1, math.inf), None, False, "normal(0, 1; -1 to inf)"),
        ({"lognormal": (1, 1), "low": -1, "high": 4}, (0, 4), None, False, "lognormal(1, 1; -1 to 4)"),
        ({"beta": (2, 2), "high": 2}, (0, 2), 1, False, "beta(2, 2; 0 to 2)"),
    ],
    ids=str,
)
def test_priors_know_their_support_median_and_text(prior, support, median, fixed, text):
    assert list(prior_problems(Prior(**prior))) == []
    made = Distribution.of(Prior(**prior))
    assert made.support == support
    assert made.is_fixed == fixed
    assert made.text == text
    if median is not None:
        assert made.median == pytest.approx(median)
    low, high = support
    assert all(low <= made.ppf(share) <= high for share in (1e-12, *SHARES, 1 - 1e-12))


def test_parameters_without_faults_have_none():
    assert list(parameter_problems(Parameter(value=1))) == []
    assert len(list(parameter_problems(Parameter()))) == 1


def test_phrases_cover_the_scale_without_gaps():
    ranges = sorted(set(PHRASES.values()))
    assert all(one[1] == other[0] for one, other in itertools.pairwise(ranges))
    assert phrase_range("likely") == (0.55, 0.80)


# --- the builder and the schema -------------------------------------------------------------------------------------------------


def built() -> Builder:
    cost = {"state": {"rockets": 2}, "beliefs": {"iran": {"hard": 0.7}}}
    return (
        Builder("siege", title="A siege", sources={"A": "An author"})
        .clock(start=dt.date(2020, 1, 1), step="2 weeks", end=dt.date(2020, 3, 1), discount=0.99)
        .date("election", dt.date(2020, 2, 10))
        .date("holiday", dt.date(2020, 2, 20), title="A holiday")
        .parameter("precision", 1, unit="per stake", reason="A scale")
        .parameter("audience_cost", prior={"uniform": [0, 2]})
        .parameter("blame", prior={"beta": [2, 3], "low": 0.1, "high": 0.9})
        .state("presence", values=["open", "closed"], start="open")
        .state("rockets", range=(0, 3), start=0)
        .state("warned", values=["no", "yes"], start="no")
        .state("war", values=[False, True], start=False)
        .derived("hot", "rockets >= 2 and presence == open")
        .derived("calm", "not hot")
        .player("usa", types={"bluffing": 0.5, "resolved": "rest"})
        .payoff(
            "usa",
            "exit",
            on={"usa.close": "-audience_cost if type == bluffing else 0"},
            each_period="1 if calm else 0",
            ends={"left": 1, "time_up": 0},
        )
        .player("iran", types={"hard": "blame", "soft": "rest"})
        .payoff("iran", "gain", on={"iran.rocket": "audience_cost"})
        .player("un")
        .turn(
            "usa",
            silent="wait",
            options={
                "close": {"set": {"presence": "closed"}, "irreversible": True, "when": "presence == open"},
                "wait": {"later": {"on": "holiday", "set": {"warned": "yes"}}, "propensity": 2},
            },
        )
        .turn(
            "iran",
            silent="quiet",
            signals={"blamed": {"set": {"rockets": "min(rockets + 1, 3)"}}, "quiet": {}},
            options={"rocket": {"covert": {"blamed": "blame", "quiet": "rest"}}, "refrain": {"covert": {"quiet": 1}}},
        )
        .event("storm", when="before(election)", outcomes={"rain": {"chance": 0.1, "set": {"war": True}}, "dry": {"chance": "rest"}})
        .end("left", "presence == closed and warned == yes or war")
        .record({"usa.close": [{"actor": "USA"}], "iran.blamed": [{"plover": "ASSAULT"}]})
        .mechanism("threat", "The threat", off={"audience_cost": 0})
        .claim("C1", "It will end soon.", test={"of": {"chance_of_end": "left", "until": "election"}, "phrase": "likely"})
        .claim(
            "C2",
            "Bluffers close less often.",
            test={
                "left": {"choice": "usa.close", "type": "bluffing", "at": cost},
                "is": "above",
                "right": {"choice": "usa.close", "type": "resolved", "with": {"audience_cost": 0}},
            },
        )
        .claim(
            "C3",
            "Heat brings rockets.",
            test={"nil": {"difference": [{"chance_of_state": "hot"}, {"chance_of_move": ["iran.rocket", "storm/rain"]}]}, "within": 0.1},
        )
    )


def test_the_builder_makes_the_same_scenario_as_the_file():
    from_file, from_python = load(SOUND_FILE), built().scenario()
    # The file names its first date in short, which is a different way to say the same.
    assert from_python.model_copy(update={"calendar": from_file.calendar}) == from_file
    assert resolve(from_python) == resolve(from_file)
    assert from_python.path is None


def test_the_builder_reports_all_faults_without_places():
    builder = built().derived("odd", "rocket > 1").parameter("idle").end("never", "presnce == open")
    with pytest.raises(ScenarioError) as caught:
        builder.scenario()
    assert [fault.field for fault in caught.value.faults] == ["parameters.idle", "derived.odd", "ends.never.when"]
    assert all(fault.file is None and fault.line is None for fault in caught.value.faults)
    with pytest.raises(ScenarioError, match="turns: a required field is missing"):
        Builder("tiny").clock(periods=1).player("one").scenario()


def test_the_schema_file_is_current():
    file = FOLDER.parent / "schema" / "scenario.schema.json"
    assert file.read_text(encoding="utf-8") == schema_text(), "run: python -m standoff.scenario.schema"


def test_the_schema_uses_the_words_of_the_language():
    schema = json_schema()
    assert "is" in schema["$defs"]["Test"]["properties"]
    assert "with" in schema["$defs"]["Quantity"]["properties"]
    assert json.dumps(schema)


# --- the surface ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", [standoff.expressions, standoff.scenario])
def test_public_names_are_sorted_and_exist(package):
    names = package.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name[0].islower(), name))
    assert all(hasattr(package, name) for name in names)


def test_importing_scenarios_loads_nothing_heavy():
    code = "import sys, standoff.scenario; print([m for m in ('scipy', 'lark', 'ruamel.yaml', 'numba', 'pandas') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
