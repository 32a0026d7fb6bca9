"""A scenario names files; only regular ones of bounded size are read, and outside its own folder only when that was said."""

import inspect
import os
import socket
from pathlib import Path

import pytest
import typer
from dare import DARE, RECORD, dare, write

import standoff as so
from standoff import reading
from standoff.cli.app import app, run_app
from standoff.errors import RecordError, ScenarioError
from standoff.reading import Reach, Unreadable, read_bytes
from standoff.scenario import check, load, load_chain
from standoff.scenario.files import MAX_BYTES

EVENTS = "id,date,actor,action\nE1,2020-01-02,boaster,boast\n"
OTHERS = "hunter2,correct,horse\n"


def faults_of(path, **keywords):
    with pytest.raises(ScenarioError) as caught:
        load(path, **keywords)
    return caught.value.faults


@pytest.fixture
def folders(tmp_path):
    """Give the folder of a scenario, and a file with a secret outside it."""
    inner = tmp_path / "inner"
    inner.mkdir()
    return inner, write(tmp_path, OTHERS, "secret.csv")


# -- what is no regular file ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["device", "pipe", "socket", "folder", "link to a device", "kernel's file"])
def odd(request, tmp_path, monkeypatch):
    """Give the path of something that is no regular file, or does not know its size."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "odd"
    if request.param == "device":
        return "/dev/zero"
    if request.param == "kernel's file":
        return "/proc/self/pagemap"
    if request.param == "pipe":
        os.mkfifo(path)
    elif request.param == "socket":
        bound = socket.socket(socket.AF_UNIX)
        bound.bind("odd")
        bound.close()
    elif request.param == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    return str(path)


@pytest.mark.parametrize("role", ["record", "include", "before", "chain", "scenario"])
def test_what_is_no_regular_file_is_refused_wherever_it_is_named(odd, role, tmp_path):
    texts = {
        "record": DARE + RECORD.replace("events.csv", odd),
        "include": DARE + f"include: [{odd}]\n",
        "before": DARE + f"beliefs: {{from: {odd}}}\n",
        "chain": f"standoff: 1\nname: two\nchain: [{odd}]\n",
    }
    path = odd if role == "scenario" else write(tmp_path, texts[role])
    with pytest.raises(ScenarioError) as caught:
        (load_chain if role == "chain" else load)(path, allow_outside=True)
    (fault,) = [fault for fault in caught.value.faults if fault.severity == "error"]
    assert any(words in str(fault) for words in ("not a regular file", "a directory", "cannot be read", "too large"))


def test_a_record_given_by_hand_is_refused_alike(odd):
    with pytest.raises(RecordError):
        so.read_record(odd)


def test_a_file_is_read_no_further_than_its_limit(tmp_path):
    path = write(tmp_path, "x" * 100, "long")
    assert read_bytes(path, 100) == b"x" * 100
    with pytest.raises(Unreadable, match="too large"):
        read_bytes(path, 99)


def test_a_file_that_grows_while_it_is_read_is_read_no_further(tmp_path, monkeypatch):
    path = write(tmp_path, "x" * 10, "growing")
    looked = os.fstat

    def then_grow(handle):
        found = looked(handle)
        path.write_text("x" * 1000)
        return found

    monkeypatch.setattr(reading.os, "fstat", then_grow)
    with pytest.raises(Unreadable, match="too large"):
        read_bytes(path, 20)


def test_what_is_looked_at_is_what_was_opened(tmp_path, monkeypatch):
    """A pipe put in the place of a file between a look and the opening would block for ever."""
    path = write(tmp_path, "text", "file")
    opened = os.open

    def swapped(name, *rest):
        path.unlink()
        os.mkfifo(path)
        return opened(name, *rest)

    monkeypatch.setattr(reading.os, "open", swapped)
    with pytest.raises(Unreadable, match="not a regular file"):
        read_bytes(path, 100)


def test_limits_hold_for_all_that_is_included(tmp_path):
    for number in range(3):
        write(tmp_path, "#" * (MAX_BYTES // 2 - 2000) + "\nsummary: x\n", f"part{number}.yaml")
    faults = faults_of(write(tmp_path, DARE + "include: [part0.yaml, part1.yaml, part2.yaml]\n"))
    assert [Path(fault.file).name for fault in faults] == ["part2.yaml"]
    assert "too large" in str(faults[0])


def test_values_are_counted_over_all_that_is_included(tmp_path):
    for number in range(3):
        write(tmp_path, f"x{number}: [{'0,' * 40_000}]\n", f"part{number}.yaml")
    assert any("too many values" in str(fault) for fault in faults_of(write(tmp_path, DARE + "include: [part0.yaml, part1.yaml, part2.yaml]\n")))


# -- outside the scenario's folder ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["relative", "absolute", "link", "link to the folder", "through a link and back"])
@pytest.mark.parametrize("role", ["record", "include", "before", "chain"])
def test_a_file_outside_is_not_read_and_nothing_of_it_is_said(folders, how, role):
    inner, secret = folders
    if how == "link":
        (inner / "link.csv").symlink_to(secret)
    elif how == "link to the folder":
        (inner / "out").symlink_to(inner.parent)
    elif how == "through a link and back":
        (inner.parent / "other" / "deep").mkdir(parents=True)
        (inner / "out").symlink_to(inner.parent / "other" / "deep")
        (inner.parent / "other" / "secret.csv").write_text(OTHERS)
    names = {"relative": "../secret.csv", "absolute": str(secret), "link": "link.csv", "link to the folder": "out/secret.csv"}
    name = names.get(how, "out/../secret.csv")
    texts = {
        "record": DARE + RECORD.replace("events.csv", name),
        "include": DARE + f"include: [{name}]\n",
        "before": DARE + f"beliefs: {{from: {name}}}\n",
        "chain": f"standoff: 1\nname: two\nchain: [{name}]\n",
    }
    path = write(inner, texts[role])
    with pytest.raises(ScenarioError) as caught:
        (load_chain if role == "chain" else load)(path)
    (fault,) = caught.value.faults
    assert (fault.file, fault.line is not None) == (str(path), True)
    assert "outside the scenario's folder" in str(fault)
    assert "--allow-outside" in str(fault)
    assert not any(word in str(caught.value) for word in OTHERS.strip().split(","))


def test_whether_a_file_outside_exists_is_not_told(folders):
    inner, _ = folders
    there, absent = (str(faults_of(write(inner, DARE + f"include: [../{name}]\n"))[0]) for name in ("secret.csv", "absent.yaml"))
    assert there.replace("secret.csv", "absent.yaml") == absent


def test_a_scenario_that_is_itself_a_link_to_the_outside_is_refused(folders):
    inner, secret = folders
    (inner / "dare.yaml").symlink_to(secret)
    (fault,) = faults_of(inner / "dare.yaml")
    assert "outside the scenario's folder" in str(fault)
    assert "hunter2" not in str(fault)


def test_files_outside_are_read_when_that_was_said(folders, capsys):
    inner, _ = folders
    write(inner.parent, EVENTS, "events.csv")
    write(inner.parent, "summary: Shared words.\n", "common.yaml")
    path = write(inner, DARE.replace("periods: 1", "start: 2020-01-01, step: 1 week, end: 2020-01-08") + RECORD.replace("events", "../events")
                 + "include: [../common.yaml]\n")  # fmt: skip
    scenario = load(path, allow_outside=True)
    assert scenario.summary == "Shared words."
    assert [fault for fault in check(scenario) if fault.severity == "error"] == []
    assert run_app(["check", str(path)]) == 2
    assert run_app(["check", str(path), "--allow-outside"]) == 0
    capsys.readouterr()


def test_a_chain_reads_from_its_own_folder_and_those_below(tmp_path, capsys):
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, DARE.replace("name: dare", f"name: {name}").replace("clock", "include: [../common.yaml]\nclock"), "part.yaml")
    write(tmp_path, "summary: Shared words.\n", "common.yaml")
    path = write(tmp_path, "standoff: 1\nname: two\nchain: [first/part.yaml, second/part.yaml]\n", "chain.yaml")
    assert [part.summary for part in load_chain(path).parts] == ["Shared words."] * 2
    assert run_app(["check", str(path)]) == 0
    assert "outside" in str(faults_of(tmp_path / "first" / "part.yaml")[0])
    capsys.readouterr()


def test_what_comes_with_standoff_may_be_named_from_anywhere(tmp_path):
    assert load_chain(write(tmp_path, "standoff: 1\nname: two\nchain: [baghdad-siege, one-shot-threat]\n")).named[0] == "baghdad-siege"


def test_bundled_files_that_are_installed_as_links_are_read(tmp_path):
    """Some installers put links to a store into the package's folder."""
    store, package = tmp_path / "store", tmp_path / "package"
    store.mkdir()
    package.mkdir()
    (package / "x.yaml").symlink_to(write(store, DARE, "1234"))
    reach = Reach(tmp_path / "mine", package)
    assert reach.covers(package / "x.yaml")
    assert not reach.covers(package / ".." / "store" / "1234")
    assert not Reach(tmp_path / "mine").covers(package / "x.yaml")


def test_every_command_that_reads_a_scenario_has_the_option():
    commands = typer.main.get_command(app).commands
    reading_scenarios = {name for name, command in commands.items() if {"scenario", "file"} & {one.name for one in command.params}} - {"new"}
    assert {"run", "check", "solve", "replay", "claims", "compare", "explain", "export"} <= reading_scenarios
    assert all("--allow-outside" in [option for one in commands[name].params for option in one.opts] for name in reading_scenarios)
    assert all("allow_outside" in inspect.signature(call).parameters for call in (so.load, so.load_chain))


def test_a_circle_of_scenarios_before_one_another_is_bounded(tmp_path):
    for number in range(30):
        write(tmp_path, DARE + f"beliefs: {{from: s{number + 1}.yaml}}\n", f"s{number}.yaml")
    write(tmp_path, dare(), "s30.yaml")
    assert any("too many scenarios" in str(fault) for fault in faults_of(tmp_path / "s0.yaml"))
