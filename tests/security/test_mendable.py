"""What the user can mend is told with its place and the remedy; nothing of it is an unexpected error, now or after the work is done."""

import pytest
from dare import DARE, RECORD, dare, write

from standoff.cli.app import EXIT_FAULT, run_app
from standoff.cli.usage import foreign_number
from standoff.compare import read_arm
from standoff.errors import ExpressionError, RecordError, ScenarioError, StandoffError
from standoff.expressions.parser import parse
from standoff.record import read_record
from standoff.report.words import natural
from standoff.scenario import load, load_chain
from standoff.scenario.builder import Builder


def faults_of(path, **keywords):
    with pytest.raises(ScenarioError) as caught:
        load(path, **keywords)
    return caught.value.faults


# -- nesting -------------------------------------------------------------------------------------------------------------------------------


def nested(levels, inside="1"):
    return "[" * levels + inside + "]" * levels


@pytest.mark.parametrize("depth", [2, 30])
def test_aliases_within_one_another_do_not_nest_without_bound(tmp_path, depth):
    text = f"a0: &a0 {nested(60)}\n" + "".join(f"a{i}: &a{i} {nested(60, f'*a{i - 1}')}\n" for i in range(1, depth))
    (fault,) = faults_of(write(tmp_path, "standoff: 1\nname: deep\n" + text))
    assert fault.line == 4
    assert "nested too deeply" in str(fault)


@pytest.mark.parametrize("text", ["a: " + nested(100_000), "- " * 50_000, "a: " + "{a: " * 50_000, "? " * 50_000, "a: &a [*a, *a]", "a: &a {<<: *a}"])
def test_deep_and_circular_files_are_refused_with_a_line(tmp_path, text):
    assert faults_of(write(tmp_path, text))[0].line is not None


def test_what_shares_an_anchor_is_set_apart(tmp_path):
    """An alias is the same text written again: setting one of two such parameters leaves the other as it is."""
    text = dare().replace("precision: {value: 1}", "one: &shared {value: 1}\n  other: *shared\n  precision: {value: 1}")
    scenario = load(write(tmp_path, text), {"one": 5.0})
    assert (scenario.parameters["one"].value, scenario.parameters["other"].value) == (5.0, 1.0)


# -- links and paths -----------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def circle(tmp_path):
    """Give a link that leads to itself by way of another."""
    (tmp_path / "loop.yaml").symlink_to("pool.yaml")
    (tmp_path / "pool.yaml").symlink_to("loop.yaml")
    return "loop.yaml"


@pytest.mark.parametrize("outside", [False, True])
@pytest.mark.parametrize("name", ["circle", "x" * 300 + ".yaml", "x/" * 3000 + "x.yaml", "a\x01b.yaml"])
def test_names_that_lead_nowhere_are_faults_wherever_they_stand(tmp_path, circle, name, outside):
    name = circle if name == "circle" else name
    quoted = '"' + name.replace("\x01", r"\x01") + '"'
    for extra in (RECORD.replace("events.csv", quoted), f"include: [{quoted}]\n", f"beliefs: {{from: {quoted}}}\n"):
        fault = faults_of(write(tmp_path, DARE + extra), allow_outside=outside)[0]
        assert (fault.file, fault.line is not None) == (str(tmp_path / "dare.yaml"), True)
    with pytest.raises(ScenarioError):
        load(tmp_path / name, allow_outside=outside)
    with pytest.raises(ScenarioError):
        load_chain(write(tmp_path, f"standoff: 1\nname: two\nchain: [{quoted}]\n"), allow_outside=outside)
    with pytest.raises(RecordError):
        read_record(tmp_path / name)


@pytest.mark.parametrize("name", ["", "a\0b", "caf\udce9.yaml", "."])
def test_a_scenario_of_an_odd_name_is_no_unexpected_error(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for arguments in (["check", name], ["check", name, "--json"], ["solve", name], ["replay", "baghdad-siege", "--record", name]):
        assert run_app(arguments) == EXIT_FAULT
        out, err = capsys.readouterr()
        (out + err).encode()


# -- texts that no file can hold -----------------------------------------------------------------------------------------------------------

UNWRITABLE = [
    (r'"a\u0000b"', r"\x00", "remove it"),
    (r'"\ud83d\udc4d"', r"\ud83d", r"\U0001f44d"),
    (r'"\ud83d"', r"\ud83d", "remove it"),
    (r'"a\udfff b"', r"\udfff", "remove it"),
]
ROLES = {
    "title": "title: A dare", "option": "title: Scoff", "end": "title: The rival gave in", "claim": "text: A boast tells nothing.",
    "reason": "reason: Nobody knows.", "unit": "unit: stakes",
}  # fmt: skip


@pytest.mark.parametrize(("text", "found", "remedy"), UNWRITABLE)
@pytest.mark.parametrize("role", ROLES)
def test_a_text_that_no_file_can_hold_is_refused_when_it_is_read(tmp_path, role, text, found, remedy):
    before = ROLES[role]
    source = dare().replace(before, f"{before.split(':')[0]}: {text}", 1)
    (fault,) = faults_of(write(tmp_path, source))
    assert fault.line == source[: source.index(text)].count("\n") + 1
    assert fault.found == found
    assert remedy in fault.suggestion


@pytest.mark.parametrize("source", [
    DARE + 'summary: "\\0"\n', DARE + 'sources: {"a\\ud800": x}\n', DARE + 'mechanisms: {"m\\0": {title: x, off: {prize: 0}}}\n',
    DARE.replace("bluff:", '"c\\ud800":'), DARE + RECORD.replace("action: boast", 'action: "\\0"').replace("  file: events.csv\n", ""),
])  # fmt: skip
def test_neither_names_nor_lists_nor_rules_may_hold_one(tmp_path, source):
    assert any("a text cannot hold" in fault.problem and fault.line for fault in faults_of(write(tmp_path, source)))


def test_the_texts_of_chains_and_of_scenarios_made_in_python_are_looked_at_too(tmp_path):
    with pytest.raises(ScenarioError, match="cannot hold NUL"):
        load_chain(write(tmp_path, 'standoff: 1\nname: two\ntitle: "\\0"\nchain: [one-shot-threat]\n'))
    made = Builder("dare", title="\ud83d").clock(periods=1).parameter("precision", 1).player("a").payoff("a", "x", on={"a.jump": 1})
    with pytest.raises(ScenarioError, match="half of a character"):
        made.turn("a", options={"jump": {}, "stay": {}}).scenario()


# -- characters of files -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("character", ["\0", "\x01", "\x1b", "\x7f", "\x9b", "\ufffe"])
def test_a_control_character_in_a_scenario_is_told_with_its_line(tmp_path, character):
    (fault,) = faults_of(write(tmp_path, f"standoff: 1\nname: x\ntitle: a{character}b\n"))
    assert fault.line == 3


@pytest.mark.parametrize("escape", [r"\UFFFFFFFF", r"\U00110000", r"\xZZ", r"\q"])
def test_an_escape_that_is_no_character_is_told_with_its_line(tmp_path, escape):
    assert faults_of(write(tmp_path, f'standoff: 1\nname: x\ntitle: "{escape}"\n'))[0].line == 3


@pytest.mark.parametrize(("raw", "line"), [(b"id,date,actor\nE1,2020-01-02,a\nE2,2020-01-03,caf\xe9\n", 3),
                                           (b"\xef\xbb\xbfid,date,actor\nE1,\xff\n", 2),
                                           (b"id,date,actor\nE1,2020-01-02,a\0b\n", 2), ("id,date".encode("utf-16"), 1)])  # fmt: skip
def test_a_record_that_is_not_text_is_refused_with_the_line(tmp_path, raw, line):
    (tmp_path / "events.csv").write_bytes(raw)
    with pytest.raises(RecordError) as caught:
        read_record(tmp_path / "events.csv")
    (fault,) = caught.value.faults
    assert (fault.file, fault.line) == (str(tmp_path / "events.csv"), line)


# -- digits of other scripts ---------------------------------------------------------------------------------------------------------------

DIGITS = ["\N{ARABIC-INDIC DIGIT THREE}", "\N{FULLWIDTH DIGIT THREE}", "\N{DEVANAGARI DIGIT THREE}", "1\N{ARABIC-INDIC DIGIT THREE}"]


@pytest.mark.parametrize("digit", DIGITS)
def test_other_digits_are_no_numbers_in_expressions(digit):
    for text in (digit, f"1 + {digit}", f"2 ** {digit}", f"1.{digit}", f"1e{digit}", f"max(1, {digit})"):
        with pytest.raises(ExpressionError) as caught:
            parse(text)
        assert "0 to 9" in str(caught.value)


@pytest.mark.parametrize("digit", DIGITS)
def test_other_digits_are_no_numbers_in_files(tmp_path, digit):
    for before, after in (("periods: 1", f"periods: {digit}"), ("value: 1", f"value: {digit}"), ("within: 0.05", f"within: '{digit}'"),
                          ("periods: 1", f"start: 202{digit[-1]}-01-01, step: 1 week, end: 2024-01-01"),
                          ("periods: 1", f"start: 2020-01-01, step: {digit} week, end: 2024-01-01")):  # fmt: skip
        assert faults_of(write(tmp_path, DARE.replace(before, after)))
    for row in (f"E1,202{digit[-1]}-01-02,a,1", f"E1,2020-01-02,a,{digit}"):
        with pytest.raises(RecordError):
            read_record(write(tmp_path, f"id,date,actor,killed\n{row}\n", "events.csv"))


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("arguments", [
    ["run", "one-shot-threat", "--worlds", "{}"], ["run", "one-shot-threat", "--seed={}"], ["solve", "one-shot-threat", "--tolerance", "0.{}"],
    ["solve", "one-shot-threat", "--set", "precision={}"], ["solve", "one-shot-threat", "--workers", "{}"],
    ["explain", "one-shot-threat", "--at", "{}", "--no-flips"], ["explain", "one-shot-threat", "--beliefs", "challenger.resolute=.{}"],
    ["compare", "one-shot-threat", "--do", "set precision={}"], ["new", "x.yaml", "--set", "clock.periods={}"],
])  # fmt: skip
def test_other_digits_are_no_numbers_on_the_command_line(arguments, digit, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_app([one.format(digit) for one in arguments]) == EXIT_FAULT
    assert "0 to 9" in " ".join(capsys.readouterr().err.split())
    assert not list(tmp_path.iterdir())


def test_other_digits_may_stand_in_names():
    digit = DIGITS[0]
    assert foreign_number(["check", digit]) == ""
    assert foreign_number(["replay", "x", "--record", f"events-{digit}.csv"]) == ""
    assert natural(f"C{digit}\N{SUPERSCRIPT TWO}") != natural("C3")


def test_an_intervention_read_in_python_refuses_them_too():
    with pytest.raises(StandoffError, match="0 to 9"):
        read_arm(f"set precision={DIGITS[0]}")


# -- the starter ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("setting", ["clock.periods=0", "clock.periods=-3", "clock.periods=2.5", "clock.periods=1e", "precision=1e999",
                                     "precision=-1",
                                     "clock.periods=99999999"])  # fmt: skip
def test_a_starter_that_check_refuses_is_not_written(setting, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_app(["new", "mine.yaml", "--set", setting]) == EXIT_FAULT
    assert not list(tmp_path.iterdir())
    assert capsys.readouterr().err


def test_a_starter_that_is_written_passes_check(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_app(["new", "mine.yaml", "--set", "clock.periods=3", "--set", "precision=2"]) == 0
    assert run_app(["check", "mine.yaml"]) == 0
    capsys.readouterr()
