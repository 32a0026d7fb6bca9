"""Reading files: form, includes, bundled scenarios and overrides."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from standoff.errors import Fault, ScenarioError
from standoff.scenario import bundled, holds_chain, load, read_declared, resolve
from standoff.scenario.files import read_tree, scalar

FOLDER = Path(__file__).parent / "scenario_faults"
SOUND = (FOLDER / "sound.yaml").read_text(encoding="utf-8")


def faults_of(file: Path, text: str | bytes) -> tuple[Fault, ...]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ScenarioError) as caught:
        load(file)
    return caught.value.faults


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2020-09-20", dt.date(2020, 9, 20)),
        ("2020-9-20", "2020-9-20"),
        ("1" * 40, float("1" * 40)),
    ],
)
def test_plain_scalars_are_read_as_yaml_1_2_does(text, value):
    assert scalar(text) == value
    assert type(scalar(text)) is type(value)


def test_quoted_scalars_stay_text(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("a: '12'\nb: \"true\"\nc: |\n  1\nno: on\n", encoding="utf-8")
    assert read_tree(file).data() == {"a": "12", "b": "true", "c": "1\n", "no": "on"}


BILLION = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, ["twice", "found a", "line 1"]),
        ("a: {b: 1, b: 2}\n", 1, 11, ["twice"]),
        ("a: !!python/object/apply:os.system [ls]\n", 1, 4, ["tags are not allowed", "python"]),
        ("a: !mine 3\n", 1, 4, ["tags are not allowed", "!mine"]),
        ("a: !!str 3\n", 1, 4, ["tags are not allowed"]),
        ("!x a: 3\n", 1, 1, ["tags are not allowed"]),
        (BILLION, 5, None, ["aliases", "100,000"]),
        ("a: &a [*a]\n", 1, 8, ["no anchor before it", "*a"]),
        ("a: *b\n", 1, 4, ["no anchor", "*b"]),
        ("- 1\n- 2\n", 1, 1, ["mapping"]),
        ("just text\n", 1, 1, ["mapping"]),
        ("", 1, 1, ["mapping"]),
        ("a: [1, 2\nb: 3\n", 1, 4, ["not YAML", "not closed"]),
        ("a: 'open\n", None, None, ["not YAML"]),
        ("a:\n\t- 1\n", 2, 1, ["not YAML"]),
        ("a: 1\n---\nb: 2\n", 2, 1, ["several documents"]),
        ("a: \0\n", 1, None, ["NUL"]),
        ("? [a, b]\n: 1\n", 1, 3, ["plain text"]),
        ("a: 2020-02-30\n", 1, 4, ["does not exist", "2020-02-30"]),
        ("a: " + "[" * 150 + "]" * 150, 1, None, ["nested too deeply", "100"]),
        ("a: " + "[" * 5000, 1, None, ["nested too deeply"]),
        ("# " + "x" * 1_000_001, None, None, ["too large", "1,000,000"]),
        (b"a: 1\nb: \xff\xfe\n", 2, None, ["not UTF-8", "0xff"]),
    ],
    ids=range(23),
)
def test_faults_of_form_are_reported_with_their_place(tmp_path, text, line, column, words):
    fault = faults_of(tmp_path / "bad.yaml", text)[0]
    assert fault.file == str(tmp_path / "bad.yaml")
    for word in words:
        assert word in str(fault)
    if line is not None:
        assert fault.line == line
    if column is not None:
        assert fault.column == column


def test_all_faults_of_form_are_found_at_once(tmp_path):
    faults = faults_of(tmp_path / "bad.yaml", "a: 1\na: 2\nb: !x 3\nc: 2020-13-01\n")
    assert [fault.line for fault in faults] == [2, 3, 4]


def test_all_faults_of_shape_or_of_meaning_are_found_at_once_and_numbered(tmp_path):
    shape = faults_of(tmp_path / "a.yaml", SOUND.replace("title: A siege", "titel: A siege").replace("within: 0.1", "within: x"))
    assert [fault.field for fault in shape] == ["titel", "claims.C3.test.within"]
    text = SOUND.replace("-audience_cost", "-audiance_cost").replace("phrase: likely", "phrase: dunno").replace("later: {on", "later: {after: 1, on")
    meaning = faults_of(tmp_path / "b.yaml", text)
    assert [fault.field for fault in meaning] == ["players.usa.payoffs.exit.on.usa.close", "turns.0.options.wait.later", "claims.C1.test.phrase"]
    shown = str(ScenarioError(meaning))
    assert shown.startswith("3 faults\n1. ")
    assert "\n3. " in shown


def test_anchors_and_a_byte_order_mark_are_fine(tmp_path):
    file = tmp_path / "a.yaml"
    text = SOUND.replace("at: {state: {rockets: 2}", "at: &here {state: {rockets: 2}").replace("type: resolved,", "type: resolved, at: *here,")
    file.write_bytes(b"\xef\xbb\xbf" + text.encode())
    claim = load(file).claims["C2"]
    assert claim.test.left.at == claim.test.right.at
    broken = text.replace("rockets: 2", "rockets: 9")
    places = [(fault.line, fault.field) for fault in faults_of(file, broken)]
    assert len({line for line, _ in places}) == 1
    assert [field for _, field in places] == ["claims.C2.test.left.at.state.rockets", "claims.C2.test.right.at.state.rockets"]


# --- includes -------------------------------------------------------------------------------------------------------------------


def test_included_blocks_are_merged_and_the_including_file_wins(tmp_path):
    common = """
name: other
clock: {start: 2019-01-01, step: 1 week}
parameters:
  precision: {value: 9, unit: shared}
  blame: {value: 3, unit: probability}
  theirs: {value: 4}
calendar: {easter: 2020-04-12}
turns: []
"""
    (tmp_path / "common.yaml").write_text(common, encoding="utf-8")
    (tmp_path / "scenario.yaml").write_text(f"include: [common.yaml]\n{SOUND}", encoding="utf-8")
    scenario = load(tmp_path / "scenario.yaml")
    assert scenario.name == "siege"
    assert scenario.clock.start == dt.date(2020, 1, 1)
    assert scenario.parameters["precision"].value == 1
    assert scenario.parameters["blame"].value is None
    assert scenario.parameters["blame"].unit == "probability"
    assert scenario.parameters["theirs"].value == 4
    assert set(scenario.calendar) == {"easter", "election", "holiday"}
    assert len(scenario.turns) == 2
    assert scenario.include == ["common.yaml"]


def test_a_fault_in_an_included_file_names_that_file(tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "common.yaml").write_text("derived:\n  warm: rocketts > 1\n", encoding="utf-8")
    fault = faults_of(tmp_path / "scenario.yaml", f"include: [parts/common.yaml]\n{SOUND}")[0]
    assert Path(fault.file or "") == tmp_path / "parts" / "common.yaml"
    assert (fault.line, fault.column, fault.suggestion) == (2, 9, "rockets")


@pytest.mark.parametrize(
    ("files", "line", "words"),
    [
        ({"a": "include: [a.yaml]\n"}, 1, ["circle", "a.yaml > a.yaml"]),
        ({"a": "include: [b.yaml]\n", "b": "x: 1\ninclude: [c.yaml]\n", "c": "include: [a.yaml]\n"}, 1, ["a.yaml > b.yaml > c.yaml > a.yaml"]),
        ({"a": "include:\n  - none.yaml\n"}, 2, ["does not exist", "none.yaml"]),
        ({"a": "include: [https://example.org/x.yaml]\n"}, 1, ["addresses cannot"]),
        ({"a": "include: b.yaml\n"}, 1, ["not a list"]),
        ({"a": "include: [3]\n"}, 1, ["by its path"]),
        ({"a": "include: [b.yaml]\n", "b": "- 1\n"}, 1, ["mapping"]),
    ],
    ids=range(7),
)
def test_bad_includes_are_faults(tmp_path, files, line, words):
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "a.yaml")
    fault = caught.value.faults[0]
    assert fault.line == line
    for word in words:
        assert word in str(fault)


def test_a_file_may_be_included_twice(tmp_path):
    (tmp_path / "d.yaml").write_text("parameters: {extra: {value: 1}}\n", encoding="utf-8")
    for name in "bc":
        (tmp_path / f"{name}.yaml").write_text("include: [d.yaml]\n", encoding="utf-8")
    (tmp_path / "a.yaml").write_text(f"include: [b.yaml, c.yaml]\n{SOUND}", encoding="utf-8")
    assert load(tmp_path / "a.yaml").parameters["extra"].value == 1


# --- names, paths, overrides ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in sorted(bundled()) if not holds_chain(name)])
def test_bundled_scenarios_load_by_name_and_resolve(name):
    assert resolve(load(name)).name == name


def test_an_unknown_name_is_refused_with_the_bundled_one_that_was_meant():
    name = sorted(bundled())[0]
    with pytest.raises(ScenarioError) as caught:
        load(name[:-1])
    assert caught.value.faults[0].suggestion == name
    assert name in str(caught.value.faults[0].allowed)
    for missing in ("nowhere/at-all.yaml", ".", ""):
        with pytest.raises(ScenarioError):
            load(missing)


@pytest.fixture
def sound(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(SOUND, encoding="utf-8")
    return file


def test_overrides_replace_parameters_and_the_clock(sound):
    scenario = load(sound, {"audience_cost": "1.5", "parameters.blame": 0.5, "clock.end": "2020-02-12", "clock.discount": "0.9"})
    assert scenario.parameters["audience_cost"].value == 1.5
    assert scenario.parameters["audience_cost"].prior is None
    assert scenario.parameters["precision"].reason == "A scale"
    assert scenario.parameters["blame"].value == 0.5
    canonical = resolve(load(sound, {"clock.end": "2020-02-12"}))
    assert canonical.calendar.n_periods == 3
    assert load(sound) == load(sound, {})
    assert load(sound) != scenario


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ({"audiance_cost": "1"}, ["unknown parameter", "did you mean audience_cost?"]),
        ({"audience_cost": "high"}, ["is a number", "high"]),
        ({"audience_cost": "true"}, ["is a number"]),
        ({"clock.perods": "1"}, ["unknown field of the clock", "did you mean clock.periods?"]),
        ({"clock.periods": "0"}, ["clock.periods", "at least 1"]),
        ({"clock.end": "soon"}, ["clock.end", "a date"]),
        ({"clock.end": "2020-02-31"}, ["clock.end", "a date"]),
        ({"players.usa.title": "x"}, ["unknown parameter", "clock.FIELD"]),
    ],
)
def test_bad_overrides_are_faults(sound, overrides, words):
    with pytest.raises(ScenarioError) as caught:
        load(sound, overrides)
    for word in words:
        assert word in str(caught.value)


def test_the_declared_form_can_be_read_without_checking_names(tmp_path):
    file = tmp_path / "scenario.yaml"
    file.write_text(SOUND.replace("-audience_cost", "-audiance_cost"), encoding="utf-8")
    scenario, origin, faults = read_declared(file)
    assert scenario is not None
    assert scenario.path == file
    assert faults == []
    assert origin.place(("name",)).line == 2
    scenario, _, faults = read_declared(tmp_path / "none.yaml")
    assert scenario is None
    assert "cannot be read" in str(faults[0])
